//! One instruction: the program that runs it, the accounts that it may touch, and its data.

use super::address::Address;

/// What an instruction may do with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read it.
    Read,
    /// Write it.
    Write,
    /// Read it; its key has signed.
    Sign,
    /// Write it; its key has signed.
    SignWrite,
}

impl Access {
    /// Whether the account's key must sign the transaction.
    #[must_use]
    pub const fn signs(self) -> bool {
        matches!(self, Self::Sign | Self::SignWrite)
    }

    /// Whether the account may change.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::SignWrite)
    }
}

/// An account of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountMeta {
    /// Its address.
    pub address: Address,
    /// What may be done with it.
    pub access: Access,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// The program that runs it.
    pub program: Address,
    /// Its accounts, in the program's order.
    pub accounts: Vec<AccountMeta>,
    /// Its data.
    pub data: Vec<u8>,
}

impl Instruction {
    /// With `new` wherever the account `old` was.
    #[must_use]
    pub fn with_account(mut self, old: &Address, new: Address) -> Self {
        self.accounts.iter_mut().filter(|meta| meta.address == *old).for_each(|meta| meta.address = new);
        self
    }
}

pub(super) const fn read(address: Address) -> AccountMeta {
    AccountMeta { address, access: Access::Read }
}

pub(super) const fn write(address: Address) -> AccountMeta {
    AccountMeta { address, access: Access::Write }
}

pub(super) const fn sign(address: Address) -> AccountMeta {
    AccountMeta { address, access: Access::Sign }
}

pub(super) const fn sign_write(address: Address) -> AccountMeta {
    AccountMeta { address, access: Access::SignWrite }
}

/// An Anchor instruction's data: eight bytes that name it, and its arguments.
pub(super) fn data(discriminator: [u8; 8], amounts: &[u64]) -> Vec<u8> {
    let mut data = discriminator.to_vec();
    data.extend(amounts.iter().flat_map(|amount| amount.to_le_bytes()));
    data
}
