//! The bytes of a pickle, read once from their start. Memory is reserved only for bytes known to exist.

use std::io::{ErrorKind, Read};

use crate::error::{PickleError, Result};

/// Decimal digits, names and numbers of the text opcodes are lines of at most this many bytes: a decimal parser takes time
/// quadratic in its digits.
const MOST_LINE: usize = 4096;

pub(crate) struct Input<R> {
    bytes: R,
    /// Bytes read so far.
    pub(crate) position: u64,
    length: Option<u64>,
}

impl<R: Read> Input<R> {
    pub(crate) fn new(bytes: R, length: Option<u64>) -> Self {
        Self { bytes, position: 0, length }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        self.bytes.read_exact(&mut array).map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => self.ended(),
            _ => PickleError::new(self.position, e.to_string()),
        })?;
        self.position += N as u64;
        Ok(array)
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// Refuses a length that reaches past the end.
    pub(crate) fn check(&self, count: u64) -> Result<()> {
        match self.length {
            Some(length) if count > length.saturating_sub(self.position) => Err(PickleError::new(
                self.position,
                format!("a length of {count} bytes where {} are left", length.saturating_sub(self.position)),
            )),
            _ => Ok(()),
        }
    }

    pub(crate) fn take(&mut self, count: u64) -> Result<Vec<u8>> {
        self.check(count)?;
        let mut taken = Vec::new();
        let read = self.bytes.by_ref().take(count).read_to_end(&mut taken);
        read.map_err(|e| PickleError::new(self.position, e.to_string()))?;
        if (taken.len() as u64) < count {
            return Err(self.ended());
        }
        self.position += count;
        Ok(taken)
    }

    pub(crate) fn text(&mut self, count: u64) -> Result<Box<str>> {
        let at = self.position;
        let text = String::from_utf8(self.take(count)?);
        text.map(String::into_boxed_str).map_err(|_| PickleError::new(at, "text that is not UTF-8"))
    }

    /// The text up to a line feed, without it.
    pub(crate) fn line(&mut self) -> Result<String> {
        let (at, mut line) = (self.position, Vec::new());
        loop {
            match self.byte()? {
                b'\n' => break,
                _ if line.len() == MOST_LINE => {
                    return Err(PickleError::new(at, format!("a line of more than {MOST_LINE} bytes")));
                }
                byte => line.push(byte),
            }
        }
        String::from_utf8(line).map_err(|_| PickleError::new(at, "a line that is not UTF-8"))
    }

    /// Passes over what is left. The number of its bytes.
    pub(crate) fn rest(&mut self) -> Result<u64> {
        let rest = std::io::copy(&mut self.bytes, &mut std::io::sink());
        rest.map_err(|e| PickleError::new(self.position, e.to_string()))
    }

    fn ended(&self) -> PickleError {
        PickleError::new(self.position, "the file ends in the middle of the pickle: it was cut off")
    }
}
