//! Documents of a dump, one after the other, from a stream of bytes. Never holds more than one document and a block.
//!
//! A document is taken by its brackets, not by its line: one that was indexed with line breaks between its tokens
//! keeps them.

use std::io::Read;

use elasticsearch::scan::{self, Hit, ScanError};

use crate::error::{Error, Result};

/// What is read at once, and the least that is kept.
const BLOCK: usize = 1 << 20;

/// A document larger than this is refused: `http.max_content_length` allows no server more than 2 GiB, and 100 MiB
/// unless changed.
const MAX_DOCUMENT: usize = 1 << 30;

/// Reads documents from `reader`.
pub struct Documents<R> {
    reader: R,
    path: String,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    finished: bool,
    count: u64,
}

impl<R: Read> Documents<R> {
    /// `path` is for messages.
    pub fn new(reader: R, path: String) -> Self {
        Self { reader, path, buffer: vec![0; BLOCK], start: 0, end: 0, finished: false, count: 0 }
    }

    /// The next document and how many bytes it took up; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Dump`] where the bytes are no documents; [`Error::Read`] where they cannot be read.
    pub fn read(&mut self) -> Result<Option<(Hit<'_>, u64)>> {
        let (from, until) = loop {
            self.skip_space();
            if self.start == self.end {
                if !self.fill()? {
                    return Ok(None);
                }
                continue;
            }
            match scan::hit(&self.buffer[..self.end], self.start) {
                Ok((_, until)) => break (self.start, until),
                Err(ScanError::Incomplete { .. }) => {
                    if !self.fill()? {
                        return Err(self.damaged("it ends inside a document"));
                    }
                    // Scanned again only when there is much more of it: a long document is not scanned for each block.
                    while self.end < self.buffer.len() && self.fill()? {}
                }
                Err(error) => return Err(self.damaged(error)),
            }
        };
        self.start = until;
        self.count += 1;
        // Scanned a second time only because a borrow cannot leave the loop; the span is known to hold one hit.
        match scan::hit(&self.buffer[..until], from) {
            Ok((hit, _)) => Ok(Some((hit, (until - from) as u64 + 1))),
            Err(error) => Err(Error::Dump { path: self.path.clone(), why: error.to_string() }),
        }
    }

    fn skip_space(&mut self) {
        let rest = &self.buffer[self.start..self.end];
        self.start += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }

    /// Reads more behind what is there; `false` at the end.
    fn fill(&mut self) -> Result<bool> {
        if self.finished {
            return Ok(false);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            if self.end >= MAX_DOCUMENT {
                return Err(self.damaged(format!("a document is longer than {MAX_DOCUMENT} bytes")));
            }
            self.buffer.resize(self.end * 2, 0);
        }
        let count = loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read.map_err(|source| Error::Read { path: self.path.clone(), source })?,
            }
        };
        self.end += count;
        self.finished = count == 0;
        Ok(count > 0)
    }

    fn damaged(&self, why: impl std::fmt::Display) -> Error {
        Error::Dump { path: self.path.clone(), why: format!("{why}, behind {} documents", self.count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn ids(bytes: &[u8], step: usize) -> Result<Vec<String>> {
        let mut documents = Documents::new(Trickle(bytes, step), "f".into());
        let mut ids = Vec::new();
        while let Some((hit, _)) = documents.read()? {
            ids.push(String::from_utf8_lossy(hit.id.expect("an id")).into_owned());
        }
        Ok(ids)
    }

    #[test]
    fn documents_are_found_however_the_bytes_come() {
        let bytes = b"{\"_id\":\"1\",\"_source\":{\n\"a\":1}}\n{\"_id\":\"2\",\"_source\":{}}\n\n{\"_id\":\"3\",\"_source\":{}}";
        for step in [1, 2, 7, 1000] {
            assert_eq!(ids(bytes, step).expect("documents"), ["\"1\"", "\"2\"", "\"3\""]);
        }
        assert_eq!(ids(b"", 1).expect("none"), Vec::<String>::new());
    }

    #[test]
    fn a_cut_or_foreign_file_is_an_error() {
        for bytes in [&b"{\"_id\":\"1\",\"_source\":{}"[..], b"{\"_id\":\"1\"}x", b"[1]"] {
            assert!(matches!(ids(bytes, 3), Err(Error::Dump { .. })), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_document_larger_than_the_buffer_is_read() {
        let big = format!(
            "{{\"_id\":\"1\",\"_source\":{{\"a\":\"{}\"}}}}\n{{\"_id\":\"2\",\"_source\":{{}}}}",
            "x".repeat(3 * BLOCK)
        );
        assert_eq!(ids(big.as_bytes(), 100_000).expect("documents").len(), 2);
    }
}
