//! A position in JSON text and the few steps that the scanner takes from it. Never allocates.

use super::{ScanError, blocks};

/// A place in the input.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) input: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(input: &'a [u8], at: usize) -> Self {
        Self { input, at }
    }

    pub(super) fn malformed<T>(&self, expected: &'static str) -> Result<T, ScanError> {
        Err(ScanError::Malformed { at: self.at, expected })
    }

    pub(super) fn incomplete<T>(&self) -> Result<T, ScanError> {
        Err(ScanError::Incomplete { at: self.input.len() })
    }

    /// The next byte that is not white space, without passing it.
    pub(super) fn peek(&mut self) -> Result<u8, ScanError> {
        while let Some(byte) = self.input.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(*byte);
            }
            self.at += 1;
        }
        self.incomplete()
    }

    /// Passes `byte`, which must come next.
    pub(super) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), ScanError> {
        if self.peek()? != byte {
            return self.malformed(expected);
        }
        self.at += 1;
        Ok(())
    }

    /// Passes `byte` if it comes next.
    pub(super) fn eat(&mut self, byte: u8) -> Result<bool, ScanError> {
        let found = self.peek()? == byte;
        self.at += usize::from(found);
        Ok(found)
    }

    /// Passes `text` if it comes next, to the letter.
    pub(super) fn pass(&mut self, text: &[u8]) -> Option<()> {
        self.input[self.at..].starts_with(text).then(|| self.at += text.len())
    }

    /// The number that the digits here are; `None` where there is none, or more than 64 bits.
    pub(super) fn digits(&mut self) -> Option<u64> {
        let start = self.at;
        let mut number = 0u64;
        while let Some(digit) = self.input.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            self.at += 1;
        }
        (self.at > start).then_some(number)
    }

    /// A string with its quotes, escapes untouched.
    pub(super) fn string(&mut self) -> Result<&'a [u8], ScanError> {
        self.expect(b'"', "a string")?;
        let start = self.at - 1;
        loop {
            self.at = blocks::quote_or_backslash(self.input, self.at);
            match self.input.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(&self.input[start..self.at]);
                }
                Some(_) => self.at += 2,
                None => return self.incomplete(),
            }
        }
    }

    /// An object's span, from `{` to its `}`.
    pub(super) fn object(&mut self) -> Result<&'a [u8], ScanError> {
        if self.peek()? != b'{' {
            return self.malformed("an object");
        }
        let start = self.at;
        self.at = blocks::object_end(self.input, start)?;
        Ok(&self.input[start..self.at])
    }

    /// Any value's span.
    pub(super) fn value(&mut self) -> Result<&'a [u8], ScanError> {
        match self.peek()? {
            b'"' => self.string(),
            b'{' => self.object(),
            b'[' => self.array(),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => self.scalar(),
            _ => self.malformed("a JSON value"),
        }
    }

    /// A number or a literal. It must be followed by something, as it always is inside an object.
    fn scalar(&mut self) -> Result<&'a [u8], ScanError> {
        let start = self.at;
        while let Some(byte) = self.input.get(self.at) {
            if matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(&self.input[start..self.at]);
            }
            self.at += 1;
        }
        self.incomplete()
    }

    /// An array's span. Arrays in arrays are counted, not recursed into: depth costs no stack.
    fn array(&mut self) -> Result<&'a [u8], ScanError> {
        let start = self.at;
        let mut depth = 0u32;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' => {
                    self.object()?;
                }
                b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b']' => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return Ok(&self.input[start..self.at]);
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    /// The next member's name inside an object whose `{` was passed, with its quotes; `None` at the object's end.
    pub(super) fn member(&mut self, first: &mut bool) -> Result<Option<&'a [u8]>, ScanError> {
        if self.eat(b'}')? {
            return Ok(None);
        }
        if !std::mem::take(first) {
            self.expect(b',', "`,` or `}`")?;
        }
        let name = self.string()?;
        self.expect(b':', "`:`")?;
        Ok(Some(name))
    }
}
