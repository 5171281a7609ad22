//! Little-endian fields, zero where the data has ended.

use super::address::{Address, AddressError};
use thiserror::Error;

/// Bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Another program owns the account.
    #[error("{what}: the account belongs to {found}, not to {expected}; is the address right?")]
    WrongOwner {
        /// What was to be read.
        what: &'static str,
        /// The program that should own it.
        expected: Address,
        /// The one that does.
        found: Address,
    },
    /// The first eight bytes say that it is something else.
    #[error("{what}: discriminator {found:02x?}, expected {expected:02x?}; is the address right?")]
    WrongDiscriminator {
        /// What was to be read.
        what: &'static str,
        /// The discriminator of it.
        expected: [u8; 8],
        /// The one found.
        found: [u8; 8],
    },
    /// Shorter than its oldest form.
    #[error("{what}: {found} bytes, even its oldest form has {needed}; the data is cut")]
    TooShort {
        /// What was to be read.
        what: &'static str,
        /// Length of the oldest form.
        needed: usize,
        /// Length found.
        found: usize,
    },
    /// A list claims more entries than there are bytes.
    #[error("{what}: a list of {entries} entries in the {left} bytes that are left; the data is cut or damaged")]
    ListTooLong {
        /// What was to be read.
        what: &'static str,
        /// Entries claimed.
        entries: u32,
        /// Bytes left for them.
        left: usize,
    },
    /// A text is not UTF-8.
    #[error("{what}: a text is not UTF-8; the data is damaged")]
    NotText {
        /// What was to be read.
        what: &'static str,
    },
    /// A log line that is not base64.
    #[error("an event's log line is not base64: {0}")]
    NotBase64(#[from] base64::DecodeError),
    /// An address that is none.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// A cursor over account or event data.
pub(super) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// After the discriminator of data that is at least as long as its oldest form.
    pub(super) fn new(
        what: &'static str,
        expected: [u8; 8],
        oldest: usize,
        data: &'a [u8],
    ) -> Result<Self, DecodeError> {
        let too_short = DecodeError::TooShort { what, needed: oldest, found: data.len() };
        let Some((found, rest)) = data.split_first_chunk::<8>() else { return Err(too_short) };
        if *found != expected {
            return Err(DecodeError::WrongDiscriminator { what, expected, found: *found });
        }
        if data.len() < oldest { Err(too_short) } else { Ok(Self { what, rest }) }
    }

    /// The next `N` bytes; zero beyond the end.
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut field = [0; N];
        let there = self.rest.len().min(N);
        let (taken, rest) = self.rest.split_at(there);
        field[..there].copy_from_slice(taken);
        self.rest = rest;
        field
    }

    pub(super) fn u8(&mut self) -> u8 {
        u8::from_le_bytes(self.bytes())
    }

    pub(super) fn flag(&mut self) -> bool {
        self.u8() != 0
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.bytes())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    pub(super) fn i64(&mut self) -> i64 {
        i64::from_le_bytes(self.bytes())
    }

    pub(super) fn u128(&mut self) -> u128 {
        u128::from_le_bytes(self.bytes())
    }

    pub(super) fn i128(&mut self) -> i128 {
        i128::from_le_bytes(self.bytes())
    }

    pub(super) fn address(&mut self) -> Address {
        Address(self.bytes())
    }

    pub(super) fn addresses<const N: usize>(&mut self) -> [Address; N] {
        std::array::from_fn(|_| self.address())
    }

    /// A field of `size` bytes that older data does not have; one that is there in part is not there.
    pub(super) fn newer<T>(&mut self, size: usize, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.rest.len() < size {
            self.rest = &[];
            return None;
        }
        Some(read(self))
    }

    /// A list of entries of `size` bytes, after its length.
    pub(super) fn list<T>(&mut self, size: usize, read: impl Fn(&mut Self) -> T) -> Result<Vec<T>, DecodeError> {
        let entries = self.u32();
        let fits = usize::try_from(entries).is_ok_and(|entries| entries <= self.rest.len() / size);
        if !fits {
            return Err(DecodeError::ListTooLong { what: self.what, entries, left: self.rest.len() });
        }
        Ok((0..entries).map(|_| read(self)).collect())
    }

    /// A text, after its length.
    pub(super) fn text(&mut self) -> Result<String, DecodeError> {
        let bytes = self.list(1, Self::u8)?;
        String::from_utf8(bytes).map_err(|_| DecodeError::NotText { what: self.what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

    fn reader(tail: &[u8]) -> Vec<u8> {
        [&MARK, tail].concat()
    }

    #[test]
    fn fields_beyond_the_end_are_zero_and_a_field_cut_in_the_middle_is_extended() {
        let data = reader(&[1, 0, 7]);
        let mut reader = Reader::new("test", MARK, 8, &data).unwrap();
        assert_eq!((reader.u16(), reader.u64(), reader.u128()), (1, 7, 0));
        assert_eq!(reader.newer(8, Reader::u64), None);
    }

    #[test]
    fn after_a_newer_field_that_is_cut_nothing_is_read() {
        let data = reader(&[1, 0, 0, 0, 0, 0, 0]);
        let mut reader = Reader::new("test", MARK, 8, &data).unwrap();
        assert_eq!((reader.newer(8, Reader::u64), reader.newer(1, Reader::flag)), (None, None));
    }

    #[test]
    fn foreign_and_cut_data_is_refused() {
        assert!(matches!(Reader::new("test", [9; 8], 8, &MARK), Err(DecodeError::WrongDiscriminator { .. })));
        assert!(matches!(Reader::new("test", MARK, 9, &MARK), Err(DecodeError::TooShort { needed: 9, found: 8, .. })));
        assert!(matches!(Reader::new("test", MARK, 8, &[]), Err(DecodeError::TooShort { .. })));
    }

    #[test]
    fn a_list_cannot_claim_more_than_there_is() {
        let data = reader(&[255, 255, 255, 255, 0]);
        let mut reader = Reader::new("test", MARK, 8, &data).unwrap();
        assert!(matches!(reader.list(40, Reader::u64), Err(DecodeError::ListTooLong { left: 1, .. })));
    }
}
