//! Account dumps: files in which clients and explorers keep an account's bytes.
//!
//! Accepted are one account, or several in an array or under `accounts`; the answers of `getAccountInfo` and
//! `getMultipleAccounts`; and the output of `solana account --output json`. The bytes are base64, under `base64` or
//! `data`. The first eight bytes identify the kind of account; a label beside it must agree, and so must its owner and
//! its length if given.

/// What is in a file.
mod read;
/// An account, field by field.
mod view;

use thiserror::Error;

use crate::chain::{Address, AddressError, DecodeError, FeeConfigAccount, GlobalConfig, Pool};

pub use read::{AccountDump, read_dumps};
pub use view::Fields;

/// An account of the program, or of its fees program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// A pool.
    Pool(Box<Pool>),
    /// The program's configuration.
    GlobalConfig(Box<GlobalConfig>),
    /// The fee schedules.
    FeeConfig(Box<FeeConfigAccount>),
}

impl Account {
    /// Its name in the program's interface.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Pool(_) => "Pool",
            Self::GlobalConfig(_) => "GlobalConfig",
            Self::FeeConfig(_) => "FeeConfig",
        }
    }
}

/// A file or an account in it that cannot be used.
#[derive(Debug, Error)]
pub enum DumpError {
    /// Not JSON.
    #[error("not JSON: {0}; expected an account dump")]
    Json(#[from] serde_json::Error),
    /// JSON, but no account.
    #[error("{place} has no account data: expected `base64`, or `data` as [\"...\", \"base64\"]; found {found}")]
    NoData {
        /// Which object of the file.
        place: String,
        /// What it has instead.
        found: String,
    },
    /// Data in another encoding.
    #[error("{place}: the data is encoded as `{found}`, expected base64; dump the account again with that encoding")]
    Encoding {
        /// Which object of the file.
        place: String,
        /// Its encoding.
        found: String,
    },
    /// Not base64.
    #[error("{place}: the data is not base64: {source}; was it cut when it was copied?")]
    Base64 {
        /// Which object of the file.
        place: String,
        /// Where it fails.
        source: base64::DecodeError,
    },
    /// An address that is none.
    #[error("{place}: `{key}`: {source}")]
    Address {
        /// Which object of the file.
        place: String,
        /// The field.
        key: &'static str,
        /// What is wrong with it.
        source: AddressError,
    },
    /// Fewer or more bytes than the file says.
    #[error("{place}: {found} bytes, but the file says {expected}; the data is cut or belongs to another account")]
    Length {
        /// Which object of the file.
        place: String,
        /// Length of the data.
        found: usize,
        /// Length that the file gives.
        expected: u64,
    },
    /// The bytes are something else than the label says.
    #[error("the data is a {found}, but the file says `{expected}`; is the address right?")]
    Label {
        /// What the bytes are.
        found: &'static str,
        /// The label.
        expected: String,
    },
    /// Not an account that is known here.
    #[error(
        "discriminator {found:02x?} is none of Pool, GlobalConfig and FeeConfig; is it an account of PumpSwap ({program})?"
    )]
    Unknown {
        /// The first bytes.
        found: Vec<u8>,
        /// The program.
        program: Address,
    },
    /// Bytes of the right kind that cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}
