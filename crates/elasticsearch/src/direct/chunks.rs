//! The chunked transfer encoding of HTTP/1.1 (RFC 9112, section 7.1), taken off bytes as they come. Never waits.

use super::Fault;

/// The longest line of a chunk's size or of a trailer, in bytes.
const LONGEST_LINE: usize = 8 << 10;
/// Bytes of all trailers together.
const LONGEST_TRAILERS: usize = 64 << 10;

/// Where in a chunked body the next byte stands.
#[derive(Default)]
pub(super) struct Chunks {
    state: State,
    /// The part of a line that has come.
    line: Vec<u8>,
    trailers: usize,
}

#[derive(Default)]
enum State {
    #[default]
    Size,
    /// Bytes left of the chunk.
    Data(usize),
    /// The line break behind a chunk.
    Break,
    Trailer,
    Ended,
}

impl Chunks {
    /// Whether the last chunk and what follows it have come.
    pub(super) fn ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Takes `bytes` up to the end of the body, hands on what is data, and gives how many were taken.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        mut data: impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<usize, Fault> {
        let mut at = 0;
        while at < bytes.len() && !self.ended() {
            if let State::Data(left) = self.state {
                let now = left.min(bytes.len() - at);
                data(&bytes[at..at + now])?;
                at += now;
                self.state = if now == left { State::Break } else { State::Data(left - now) };
                continue;
            }
            let rest = &bytes[at..];
            let end = rest.iter().position(|byte| *byte == b'\n');
            let part = &rest[..end.map_or(rest.len(), |end| end + 1)];
            if self.line.len() + part.len() > LONGEST_LINE {
                return Err(Fault::no_http("a line between chunks is too long"));
            }
            self.line.extend_from_slice(part);
            at += part.len();
            if end.is_some() {
                self.state = self.next()?;
                self.line.clear();
            }
        }
        Ok(at)
    }

    /// What comes behind the line that is whole.
    fn next(&mut self) -> Result<State, Fault> {
        let line = self.line.strip_suffix(b"\n").unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.state {
            State::Size => match size(line)? {
                0 => Ok(State::Trailer),
                size => Ok(State::Data(size)),
            },
            State::Break if line.is_empty() => Ok(State::Size),
            State::Break => Err(Fault::no_http("a chunk is longer than it says")),
            State::Trailer if line.is_empty() => Ok(State::Ended),
            State::Trailer => {
                self.trailers += line.len();
                if self.trailers > LONGEST_TRAILERS {
                    return Err(Fault::no_http("its trailers are too long"));
                }
                Ok(State::Trailer)
            }
            State::Data(_) | State::Ended => unreachable!("no line stands there"),
        }
    }
}

/// Hexadecimal digits; extensions behind a semicolon say nothing to us.
fn size(line: &[u8]) -> Result<usize, Fault> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let size = text.and_then(|text| usize::from_str_radix(text, 16).ok());
    size.ok_or_else(|| Fault::no_http(format!("{:?} is no size of a chunk", String::from_utf8_lossy(digits))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out of a body that arrives in pieces of `length`; `None` where it has not ended.
    fn body(text: &[u8], length: usize) -> Result<Option<(Vec<u8>, usize)>, Fault> {
        let (mut chunks, mut data, mut used) = (Chunks::default(), Vec::new(), 0);
        for piece in text.chunks(length) {
            used += chunks.take(piece, |bytes| {
                data.extend_from_slice(bytes);
                Ok(())
            })?;
        }
        Ok(chunks.ended().then_some((data, used)))
    }

    #[test]
    fn the_same_comes_out_however_it_arrives_and_a_cut_body_never_ends() {
        let text = b"5\r\nhello\r\nA;x=\"y\"\r\n, world...\r\n0\r\nTrailer: z\r\n\r\n";
        for length in 1..text.len() + 3 {
            let whole = [&text[..], b"behind"].concat();
            let (data, used) = body(&whole, length).expect("chunks").expect("an end");
            assert_eq!((data.as_slice(), used), (&b"hello, world..."[..], text.len()), "pieces of {length}");
        }
        for cut in 0..text.len() {
            assert!(body(&text[..cut], 7).is_ok_and(|body| body.is_none()), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let endless = [b"1;", &[b'x'; LONGEST_LINE][..]].concat();
        let trailers = ["0\r\n", &"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(3000)].concat();
        let cases: [&[u8]; 7] =
            [b"\r\n", b"x\r\n", b"-1\r\n", b"fffffffffffffffff\r\n", b"1\r\nab\r\n", &endless, trailers.as_bytes()];
        for text in cases {
            assert!(body(text, 4096).is_err(), "{}", String::from_utf8_lossy(&text[..text.len().min(40)]));
        }
    }
}
