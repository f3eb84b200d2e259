//! Makes inputs out of seeds: a few changes to one of them, by a generator of its own, so that run n is the same everywhere.

/// No input is larger: what matters here is small.
const LARGEST: usize = 64 << 10;
/// Changes to one input, at the most.
const CHANGES: u64 = 6;
/// Words that the targets look for, and values at the edges of what they count with.
const WORDS: [&[u8]; 28] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"\\",
    b"\\u",
    b"\\ud800",
    b"\n",
    b"null",
    b"true",
    b"1E400",
    b"-0",
    b"18446744073709551616",
    b"9223372036854775807",
    b"\"_id\":\"1\"",
    b"\"_source\":{}",
    b"\"sort\":[1]",
    b"\"hits\":[",
    b"\"_shards\":{",
    b"\"_seq_no\":0",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x00",
    b"\x80",
    b"\xf0\x9f\x92\xa9",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

/// Inputs without end.
pub struct Changes {
    seeds: Vec<Vec<u8>>,
    state: u64,
    input: Vec<u8>,
}

impl Changes {
    /// There must be a seed.
    pub fn new(seeds: Vec<Vec<u8>>, state: u64) -> Self {
        assert!(!seeds.is_empty(), "there is no seed");
        Self { seeds, state, input: Vec::new() }
    }

    /// The next input.
    pub fn next(&mut self) -> &[u8] {
        let seed = self.below(self.seeds.len());
        self.input.clear();
        self.input.extend_from_slice(&self.seeds[seed]);
        for _ in 0..=self.random() % CHANGES {
            self.change();
        }
        self.input.truncate(LARGEST);
        &self.input
    }

    fn change(&mut self) {
        let at = self.below(self.input.len() + 1);
        let until = self.input.len().min(at + self.below(64));
        match self.random() % 8 {
            0 => self.input.truncate(at),
            1 => drop(self.input.drain(at..until)),
            2 => {
                let part = self.input[at..until].to_vec();
                self.insert(at, &part);
            }
            3 => {
                let byte = self.random().to_le_bytes()[0];
                self.insert(at, &[byte]);
            }
            4 => {
                let other = self.below(self.seeds.len());
                let from = self.below(self.seeds[other].len() + 1);
                let part = self.seeds[other][from..].to_vec();
                self.input.truncate(at);
                self.input.extend_from_slice(&part);
            }
            5 => {
                let word = WORDS[self.below(WORDS.len())];
                self.insert(at, word);
            }
            _ => {
                let change = self.random().to_le_bytes();
                if let Some(byte) = self.input.get_mut(at) {
                    *byte = if change[0] < 128 { *byte ^ (1 << (change[1] % 8)) } else { change[1] };
                }
            }
        }
    }

    fn insert(&mut self, at: usize, part: &[u8]) {
        self.input.splice(at..at, part.iter().copied());
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.random() % bound).expect("below a size")
    }

    /// `SplitMix64`: <https://prng.di.unimi.it/splitmix64.c>.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
