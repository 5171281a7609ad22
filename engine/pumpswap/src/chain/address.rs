//! The 32-byte name of an account, written in base58.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A Solana address: a public key, or a point that is none (a derived address).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 32]);

impl Address {
    /// All zero: the system program's address, and the program's way to say "nobody".
    pub const ZERO: Self = Self([0; 32]);

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is all zero, which the program reads as "not set".
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// An address known when this is compiled; a typing error does not compile.
    pub(super) const fn from_base58(text: &str) -> Self {
        Self(bs58::decode(text.as_bytes()).into_array_const_unwrap())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&bs58::encode(self.0).into_string())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Not base58.
    #[error("`{text}` is not base58: {source}")]
    NotBase58 {
        /// What was read.
        text: String,
        /// Where it fails.
        source: bs58::decode::Error,
    },
    /// Not 32 bytes.
    #[error("`{text}` is {found} bytes long in base58, an address is 32")]
    WrongLength {
        /// What was read.
        text: String,
        /// Its length, decoded.
        found: usize,
    },
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bytes = bs58::decode(text)
            .into_vec()
            .map_err(|source| AddressError::NotBase58 { text: text.to_owned(), source })?;
        let found = bytes.len();
        bytes.try_into().map(Self).map_err(|_| AddressError::WrongLength { text: text.to_owned(), found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_is_read() {
        let text = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA";
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        assert_eq!(Address::ZERO.to_string(), "11111111111111111111111111111111");
    }

    #[test]
    fn a_short_text_and_a_foreign_letter_are_named() {
        let short = "pAMM".parse::<Address>().unwrap_err();
        assert_eq!(short.to_string(), "`pAMM` is 3 bytes long in base58, an address is 32");
        assert!(matches!("0OIl".parse::<Address>(), Err(AddressError::NotBase58 { .. })));
    }
}
