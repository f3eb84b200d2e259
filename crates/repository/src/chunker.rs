//! Content-defined chunking by restic's Rabin fingerprint: the same cuts as restic, found in four lanes at once.
//! Never holds data: it is shown a growing chunk and says where it ends.
//!
//! The fingerprint at a length is the residue of the last 64 bytes, read as a polynomial over GF(2), modulo the repository's
//! polynomial; a chunk ends at the first length of at least the minimum whose fingerprint's low bits are zero, or at the
//! maximum (<https://github.com/restic/chunker>). It depends on nothing before those 64 bytes, so four stretches of a block
//! are hashed side by side and the processor is not left waiting for one chain of table look-ups.

use crate::polynomial::residue;

/// Bytes that a fingerprint covers.
const WINDOW: usize = 64;
/// Candidate lengths that one lane tests before the lanes are compared. Long enough to make the 64 bytes of preparation
/// cheap, short enough that little work is lost behind a cut.
const LANE: usize = 16 * 1024;
/// Lanes side by side.
const LANES: usize = 4;
/// Candidate lengths that are tested in one go; feeding the chunker in steps of this size is the fastest.
pub(crate) const SCAN: usize = LANE * LANES;

/// restic's sizes of chunks, in bytes.
const RESTIC_SIZES: Sizes = Sizes { average: 1 << 20, minimum: 512 << 10, maximum: 8 << 20 };
/// Largest chunk that is accepted from a configuration: a blob's length must stay far below 4 GiB, and memory is bounded by it.
const LARGEST_MAXIMUM: usize = 64 << 20;

/// How long chunks are, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// A power of two: how far apart cuts are on average, beyond the minimum.
    pub(crate) average: usize,
    /// No chunk but the last is shorter.
    pub(crate) minimum: usize,
    /// No chunk is longer.
    pub(crate) maximum: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        RESTIC_SIZES
    }
}

/// What is wrong with a repository's chunker parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidParameters {
    #[error("chunker polynomial {0:#x} does not have a degree between 16 and 55")]
    Polynomial(u64),
    #[error("chunk sizes {0:?} are not 65 <= minimum <= average (a power of two) <= maximum <= {LARGEST_MAXIMUM}")]
    Sizes(Sizes),
}

/// Finds the ends of chunks.
pub(crate) struct Chunker {
    /// `leaving[b]`: what byte `b` still contributes one step after it fell out of the window.
    leaving: [u64; 256],
    /// `reduce[t]`: clears the eight bits `t` that a step pushes above the degree.
    reduce: [u64; 256],
    shift: u32,
    mask: u64,
    sizes: Sizes,
}

impl Chunker {
    pub(crate) fn new(polynomial: u64, sizes: Sizes) -> Result<Self, InvalidParameters> {
        let degree = polynomial.checked_ilog2().unwrap_or(0);
        if !(16..=55).contains(&degree) {
            return Err(InvalidParameters::Polynomial(polynomial));
        }
        let Sizes { average, minimum, maximum } = sizes;
        let ordered = WINDOW < minimum && minimum <= average && average <= maximum && maximum <= LARGEST_MAXIMUM;
        if !ordered || !average.is_power_of_two() {
            return Err(InvalidParameters::Sizes(sizes));
        }
        Ok(Self {
            leaving: std::array::from_fn(|byte| shifted_residue(byte as u64, WINDOW, polynomial)),
            reduce: std::array::from_fn(|top| {
                let pushed = (top as u64) << degree;
                pushed | residue(pushed, polynomial)
            }),
            shift: degree - 8,
            mask: average as u64 - 1,
            sizes,
        })
    }

    pub(crate) const fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// The length at which `chunk` ends, if that is within it. Lengths up to `tested` are known not to be its end.
    pub(crate) fn end_of(&self, chunk: &[u8], tested: usize) -> Option<usize> {
        let last = chunk.len().min(self.sizes.maximum);
        let mut length = self.sizes.minimum.max(tested + 1);
        while length + SCAN <= last + 1 {
            if let Some(end) = self.end_in_lanes(chunk, length) {
                return Some(end);
            }
            length += SCAN;
        }
        if length <= last
            && let Some(end) = self.end_in_row(chunk, length, last)
        {
            return Some(end);
        }
        (last == self.sizes.maximum).then_some(last)
    }

    /// One step: `entering` comes into the window, `left` has fallen out of it.
    #[inline]
    fn step(&self, hash: u64, left: u8, entering: u8) -> u64 {
        let top = (hash >> self.shift & 0xff) as u8;
        ((hash << 8) | u64::from(entering)) ^ self.leaving[usize::from(left)] ^ self.reduce[usize::from(top)]
    }

    /// The fingerprint at `length`.
    fn fingerprint(&self, chunk: &[u8], length: usize) -> u64 {
        chunk[length - WINDOW..length].iter().fold(0, |hash, &byte| self.step(hash, 0, byte))
    }

    fn end_in_row(&self, chunk: &[u8], first: usize, last: usize) -> Option<usize> {
        let mut hash = self.fingerprint(chunk, first - 1);
        for length in first..=last {
            hash = self.step(hash, chunk[length - 1 - WINDOW], chunk[length - 1]);
            if hash & self.mask == 0 {
                return Some(length);
            }
        }
        None
    }

    /// Tests the [`SCAN`] lengths from `first`.
    fn end_in_lanes(&self, chunk: &[u8], first: usize) -> Option<usize> {
        let starts: [usize; LANES] = std::array::from_fn(|lane| first + lane * LANE);
        let [mut a, mut b, mut c, mut d] = starts.map(|start| self.fingerprint(chunk, start - 1));
        let [a_in, b_in, c_in, d_in] = starts.map(|start| lane(chunk, start - 1));
        let [a_out, b_out, c_out, d_out] = starts.map(|start| lane(chunk, start - 1 - WINDOW));
        let mut found = None;
        for at in 0..LANE {
            a = self.step(a, a_out[at], a_in[at]);
            b = self.step(b, b_out[at], b_in[at]);
            c = self.step(c, c_out[at], c_in[at]);
            d = self.step(d, d_out[at], d_in[at]);
            let hits = [a & self.mask == 0, b & self.mask == 0, c & self.mask == 0, d & self.mask == 0];
            if hits[0] | hits[1] | hits[2] | hits[3] {
                if hits[0] {
                    return Some(starts[0] + at);
                }
                let hit = (1..LANES).filter(|&lane| hits[lane]).map(|lane| starts[lane] + at).min();
                found = found.into_iter().chain(hit).min();
            }
        }
        found
    }
}

fn lane(chunk: &[u8], from: usize) -> &[u8; LANE] {
    chunk[from..].first_chunk().expect("the caller tests only lengths that the chunk has")
}

/// `byte` followed by `zeros` zero bytes, modulo `polynomial`.
fn shifted_residue(byte: u64, zeros: usize, polynomial: u64) -> u64 {
    (0..zeros).fold(residue(byte, polynomial), |value, _| residue(value << 8, polynomial))
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;

    const POLYNOMIAL: u64 = 0x003D_A335_8B4D_C173;

    /// restic's loop as its source has it: one window, one byte at a time.
    fn cuts_of_restic(data: &[u8], polynomial: u64, sizes: Sizes) -> Vec<usize> {
        let mut lengths = Vec::new();
        let mut start = 0;
        while start < data.len() {
            let rest = &data[start..];
            let mut window = [0u8; WINDOW];
            let mut at = 0;
            let mut hash = 0u64;
            let mut length = rest.len();
            for (index, &byte) in rest.iter().enumerate().skip(sizes.minimum - WINDOW) {
                let out = std::mem::replace(&mut window[at], byte);
                at = (at + 1) % WINDOW;
                hash ^= shifted_residue(u64::from(out), WINDOW - 1, polynomial);
                hash = residue((hash << 8) | u64::from(byte), polynomial);
                let now = index + 1;
                if now >= sizes.minimum && (hash & (sizes.average as u64 - 1) == 0 || now >= sizes.maximum) {
                    length = now;
                    break;
                }
            }
            lengths.push(length);
            start += length;
        }
        lengths
    }

    /// Cuts as the writer asks for them: the chunk grows by `step` bytes at a time.
    fn cuts_of_ours(chunker: &Chunker, data: &[u8], step: usize) -> Vec<usize> {
        let mut lengths = Vec::new();
        let (mut start, mut seen, mut tested) = (0, 0, 0);
        loop {
            if let Some(end) = chunker.end_of(&data[start..seen], tested) {
                lengths.push(end);
                start += end;
                tested = 0;
            } else if seen == data.len() {
                break;
            } else {
                tested = seen - start;
                seen = data.len().min(seen + step);
            }
        }
        lengths.extend((start < data.len()).then_some(data.len() - start));
        lengths
    }

    fn random(length: usize, seed: u64) -> Vec<u8> {
        let mut data = vec![0; length];
        StdRng::seed_from_u64(seed).fill_bytes(&mut data);
        data
    }

    fn log_lines(length: usize, seed: u64) -> Vec<u8> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut data = Vec::with_capacity(length + 200);
        while data.len() < length {
            let (a, b) = (rng.next_u32(), rng.next_u32() % 5000);
            data.extend_from_slice(
                format!(
                    "{{\"@timestamp\":{},\"status\":{},\"request\":\"GET /images/{b}.gif HTTP/1.0\"}}\n",
                    a,
                    b % 500
                )
                .as_bytes(),
            );
        }
        data.truncate(length);
        data
    }

    #[test]
    fn the_cuts_are_those_of_a_plain_rolling_hash() {
        let small = Sizes { average: 1 << 12, minimum: 1 << 10, maximum: 1 << 14 };
        let wide = Sizes { average: 1 << 17, minimum: 1 << 16, maximum: 1 << 19 };
        for (sizes, length) in [(small, 300_000), (wide, 1_500_000)] {
            let chunker = Chunker::new(POLYNOMIAL, sizes).unwrap();
            for (seed, data) in [(1, random(length, 1)), (2, log_lines(length, 2)), (3, vec![b'x'; length])] {
                let expected = cuts_of_restic(&data, POLYNOMIAL, sizes);
                for step in [997, 4096, SCAN, length] {
                    assert_eq!(cuts_of_ours(&chunker, &data, step), expected, "data {seed}, step {step}");
                }
            }
        }
    }

    #[test]
    fn the_cuts_with_restics_sizes_are_those_of_a_plain_rolling_hash() {
        let data = random(9 << 20, 23);
        let chunker = Chunker::new(POLYNOMIAL, Sizes::default()).unwrap();
        assert_eq!(cuts_of_ours(&chunker, &data, SCAN), cuts_of_restic(&data, POLYNOMIAL, Sizes::default()));
    }

    #[test]
    fn zeros_are_cut_at_the_minimum() {
        let chunker = Chunker::new(POLYNOMIAL, Sizes::default()).unwrap();
        assert_eq!(chunker.end_of(&vec![0; 1 << 20], 0), Some(512 << 10));
    }

    #[test]
    fn senseless_parameters_are_refused() {
        let sizes = Sizes::default();
        for polynomial in [0, 1, 0x11b, u64::MAX] {
            assert!(Chunker::new(polynomial, sizes).is_err(), "{polynomial:#x}");
        }
        for sizes in [
            Sizes { minimum: 64, ..sizes },
            Sizes { average: 1_000_000, ..sizes },
            Sizes { maximum: 1 << 19, ..sizes },
            Sizes { maximum: 1 << 40, ..sizes },
        ] {
            assert!(Chunker::new(POLYNOMIAL, sizes).is_err(), "{sizes:?}");
        }
    }
}
