//! The instructions that set a transaction's compute unit limit and its bid per unit.
//!
//! Source: the documentation of the Compute Budget program.

use solana_message::{Instruction, VersionedMessage};
use solana_pubkey::Pubkey;

const PROGRAM: Pubkey = Pubkey::from_str_const("ComputeBudget111111111111111111111111111111");
const SET_UNIT_LIMIT: u8 = 2;
const SET_UNIT_PRICE: u8 = 3;

/// Allows a transaction so many units.
pub(crate) fn unit_limit(units: u32) -> Instruction {
    let mut data = vec![SET_UNIT_LIMIT];
    data.extend(units.to_le_bytes());
    Instruction { program_id: PROGRAM, accounts: Vec::new(), data }
}

/// Micro-lamports that a message bids for a compute unit.
pub(crate) fn unit_price(message: &VersionedMessage) -> u64 {
    let keys = message.static_account_keys();
    let prices = message.instructions().iter().filter_map(|instruction| {
        let (kind, rest) = instruction.data.split_first()?;
        let is_price = keys.get(usize::from(instruction.program_id_index)) == Some(&PROGRAM) && *kind == SET_UNIT_PRICE;
        is_price.then(|| rest.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)))?
    });
    prices.max().unwrap_or(0)
}
