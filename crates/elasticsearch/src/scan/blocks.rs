//! Finds the end of a JSON object, 64 bytes at a time. Never looks at numbers, names or order.
//!
//! The bit arithmetic for strings and escapes follows Langdale and Lemire, "Parsing Gigabytes of JSON per Second"
//! (VLDB Journal, 2019), section 3.1.

use wide::u8x16;

use super::{MAX_DEPTH, ScanError};

const BLOCK: usize = 64;

/// One bit for each of 64 bytes, lowest bit first.
struct Marks {
    quotes: u64,
    backslashes: u64,
    opening: u64,
    closing: u64,
}

/// What a block hands on to the next one.
#[derive(Default)]
struct Carry {
    /// 1 if the first byte of the next block is escaped.
    escaped: u64,
    /// All ones if the next block begins inside a string.
    in_string: u64,
}

/// The offset of the first quote or backslash from `at` on, or one behind the input.
pub(super) fn quote_or_backslash(input: &[u8], at: usize) -> usize {
    let rest = input.get(at..).unwrap_or_default();
    let (lanes, tail) = rest.as_chunks::<16>();
    let mut from = at;
    for lane in lanes {
        let lane = u8x16::new(*lane);
        let found = (lane.simd_eq(u8x16::splat(b'"')) | lane.simd_eq(u8x16::splat(b'\\'))).to_bitmask();
        if found != 0 {
            return from + found.trailing_zeros() as usize;
        }
        from += lanes[0].len();
    }
    from + tail.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(tail.len())
}

/// The offset just behind the object that begins at `at` with `{`.
pub(super) fn object_end(input: &[u8], at: usize) -> Result<usize, ScanError> {
    let mut carry = Carry::default();
    let mut depth = 0u32;
    let mut base = at;
    let (blocks, rest) = input[at..].as_chunks::<BLOCK>();
    for block in blocks {
        if let Some(end) = advance(block, &mut carry, &mut depth, base)? {
            return Ok(base + end);
        }
        base += BLOCK;
    }
    let mut last = [b' '; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    match advance(&last, &mut carry, &mut depth, base)? {
        Some(end) => Ok(base + end),
        None => Err(ScanError::Incomplete { at: input.len() }),
    }
}

/// Walks one block; gives the offset in it just behind the byte that brought `depth` back to zero.
fn advance(block: &[u8; BLOCK], carry: &mut Carry, depth: &mut u32, base: usize) -> Result<Option<usize>, ScanError> {
    let marks = marks(block);
    let quotes = marks.quotes & !escaped(marks.backslashes, &mut carry.escaped);
    let in_string = prefix_xor(quotes) ^ carry.in_string;
    carry.in_string = 0u64.wrapping_sub(in_string >> 63);
    let opening = marks.opening & !in_string;
    let closing = marks.closing & !in_string;
    if closing.count_ones() < *depth {
        *depth = *depth + opening.count_ones() - closing.count_ones();
        if *depth > MAX_DEPTH {
            return Err(ScanError::Malformed { at: base, expected: "a document nested less deeply" });
        }
        return Ok(None);
    }
    Ok(walk(opening, closing, depth))
}

/// The slow way through a block in which the object may end.
fn walk(opening: u64, closing: u64, depth: &mut u32) -> Option<usize> {
    let mut left = opening | closing;
    while left != 0 {
        let bit = left.trailing_zeros();
        if opening >> bit & 1 == 1 {
            *depth += 1;
        } else {
            *depth = depth.saturating_sub(1);
            if *depth == 0 {
                return Some(bit as usize + 1);
            }
        }
        left &= left - 1;
    }
    None
}

fn marks(block: &[u8; BLOCK]) -> Marks {
    let (lanes, _) = block.as_chunks::<16>();
    let mut marks = Marks { quotes: 0, backslashes: 0, opening: 0, closing: 0 };
    for (i, lane) in lanes.iter().enumerate() {
        let lane = u8x16::new(*lane);
        let find = |byte: u8| u64::from(lane.simd_eq(u8x16::splat(byte)).to_bitmask()) << (16 * i);
        marks.quotes |= find(b'"');
        marks.backslashes |= find(b'\\');
        marks.opening |= find(b'{');
        marks.closing |= find(b'}');
    }
    marks
}

/// The bytes that a backslash escapes; a run of backslashes escapes every second of itself.
fn escaped(backslashes: u64, carry: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    if backslashes == 0 {
        return std::mem::take(carry);
    }
    let starts = backslashes & !*carry;
    let follows = starts << 1 | *carry;
    let odd_starts = starts & !EVEN & !follows;
    let (sum, overflow) = odd_starts.overflowing_add(starts);
    *carry = u64::from(overflow);
    (EVEN ^ (sum << 1)) & follows
}

/// Bit n of the result is the parity of bits 0..=n: set from each opening quote to just before its closing one.
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plain way, one byte after the other.
    fn by_bytes(input: &[u8]) -> Option<usize> {
        let (mut depth, mut string, mut escape) = (0u32, false, false);
        for (i, byte) in input.iter().enumerate() {
            match (string, escape, byte) {
                (true, true, _) => escape = false,
                (true, false, b'\\') => escape = true,
                (_, _, b'"') => string = !string,
                (false, _, b'{') => depth += 1,
                (false, _, b'}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(i + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }

    #[test]
    fn the_fast_way_agrees_with_the_plain_way_on_random_objects() {
        let mut seed = 7u64;
        let mut next = move |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).expect("31 bits") % below
        };
        for _ in 0..20_000 {
            let mut text = b"{".to_vec();
            for _ in 0..next(200) {
                match next(8) {
                    0 => text.push(b'{'),
                    1 => text.push(b'}'),
                    2 => {
                        text.push(b'"');
                        for _ in 0..next(12) {
                            text.extend_from_slice([&b"\\\\"[..], b"\\\"", b"{", b"}", b"a", b"\\u0022"][next(6)]);
                        }
                        text.push(b'"');
                    }
                    _ => text.extend_from_slice(&b"1234567890,:[]"[..next(14)]),
                }
            }
            match (by_bytes(&text), object_end(&text, 0)) {
                (Some(plain), Ok(fast)) => assert_eq!(plain, fast, "{}", String::from_utf8_lossy(&text)),
                (None, Err(ScanError::Incomplete { .. })) => {}
                (plain, fast) => panic!("{plain:?} {fast:?} {}", String::from_utf8_lossy(&text)),
            }
        }
    }

    #[test]
    fn escapes_across_the_edge_of_a_block_are_seen() {
        for lead in 0..130 {
            let text = format!("{{\"k\":\"{}\\\\\\\"}}\"}} tail", "x".repeat(lead));
            assert_eq!(object_end(text.as_bytes(), 0), Ok(text.len() - 5));
        }
    }
}
