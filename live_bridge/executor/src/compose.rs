//! A whole transaction around an order: compute budget, wrapped SOL, the coin's account, the swap.
//!
//! Each transaction makes and closes an account of its own to wrap SOL, so SOL that the user has wrapped is never
//! touched. The account's address depends on the blockhash, so nobody can occupy it in advance.

use crate::market::Market;
use crate::order::Quoted;
use crate::rpc::Blockhash;
use q50_engine::units::Lamports;
use q50_pumpswap::amm::Order;
use q50_pumpswap::chain::programs::{TOKEN, WSOL_MINT};
use q50_pumpswap::chain::token::{close_account, create_account, create_seeded_account};
use q50_pumpswap::chain::{Address, FeeAccounts, Instruction, SwapEncoder, VolumeTracking, pda};
use solana_message::Message;
use solana_signature::Signature;
use thiserror::Error;

/// What a packet of the network holds, in bytes.
const PACKET: usize = 1_232;
/// Compute units asked for before a simulation has measured them: three times what the dearest kind of trade takes.
pub const MOST_UNITS: u32 = 600_000;
/// Lamports that a token account must hold. Source: rent of 165 bytes, (128 + 165) · 6,960.
pub const TOKEN_ACCOUNT_RENT: u64 = 2_039_280;
/// Lamports that an associated account of Token-2022 must hold. Source: 170 bytes, as it says that its owner never changes.
pub const TOKEN_2022_RENT: u64 = 2_074_080;
/// Lamports that the program's account for a user must hold. Source: measured, PumpSwap build 0.5.0.
pub const ACCUMULATOR_RENT: u64 = 1_844_400;
/// Fee of one signature, in lamports.
pub const SIGNATURE_FEE: u64 = 5_000;
/// Micro-lamports in a lamport.
const MICRO: u128 = 1_000_000;

/// A transaction that no packet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the transaction has {0} bytes, a packet holds {PACKET}")]
pub struct TooLarge(usize);

/// Compute units, and what is bid for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most units.
    pub units: u32,
    /// Micro-lamports for each.
    pub unit_price: u64,
}

impl Budget {
    /// What the network charges at most. Source: Solana's documentation of fees: the price of all units, rounded up.
    #[must_use]
    pub fn fee(&self) -> Lamports {
        let priority = (u128::from(self.units) * u128::from(self.unit_price)).div_ceil(MICRO);
        Lamports(u64::try_from(priority).unwrap_or(u64::MAX).saturating_add(SIGNATURE_FEE))
    }
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Its signature.
    pub signature: Signature,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// The message that carries an order out.
#[must_use]
pub fn message(market: &Market, user: Address, quoted: &Quoted, budget: Budget, blockhash: &Blockhash) -> Message {
    // As long as the largest kind of trade lets it be.
    let seed: String = blockhash.hash.to_string().chars().take(4).collect();
    let wrapped = pda::with_seed(&user, &seed, &TOKEN);
    let trade = SwapEncoder {
        pool: &market.keys,
        user,
        protocol_fee_recipient: market.protocol_fee_recipient,
        buyback_fee_recipient: market.buyback_fee_recipient,
        fee_accounts: FeeAccounts::for_fees(&quoted.swap.fees),
    };
    let swap = match quoted.order {
        Order::Buy { base_out, max_quote_in } => trade.buy(base_out, max_quote_in, VolumeTracking::On),
        Order::BuyExactQuoteIn { quote_in, min_base_out } => {
            trade.buy_exact_quote_in(quote_in, min_base_out, VolumeTracking::On)
        }
        Order::Sell { base_in, min_quote_out } => trade.sell(base_in, min_quote_out),
    };
    let mut list = compute_budget(budget).to_vec();
    let lamports = TOKEN_ACCOUNT_RENT.saturating_add(quoted.most_quote_in().0);
    list.extend(create_seeded_account(user, &seed, WSOL_MINT, TOKEN, lamports));
    if market.held.is_none() {
        list.push(create_account(user, user, market.keys.base_mint, market.keys.base_token_program));
    }
    list.push(swap.with_account(&market.keys.quote_account(&user), wrapped));
    list.push(close_account(wrapped, user, TOKEN));
    message_of(&list, user, blockhash)
}

/// The message that has these instructions done, paid by `user`.
#[must_use]
pub fn message_of(list: &[Instruction], user: Address, blockhash: &Blockhash) -> Message {
    let list: Vec<solana_message::Instruction> = list.iter().map(solana).collect();
    Message::new_with_blockhash(&list, Some(&user.0.into()), &blockhash.hash)
}

/// A message with its signature.
///
/// # Errors
/// [`TooLarge`].
pub fn signed(message: &Message, signature: Signature) -> Result<Signed, TooLarge> {
    // One signature: its count, itself, and the message.
    let bytes = [&[1], signature.as_ref(), &message.serialize()].concat();
    if bytes.len() > PACKET { Err(TooLarge(bytes.len())) } else { Ok(Signed { signature, bytes }) }
}

/// Accounts that a message writes; on their account others bid.
#[must_use]
pub fn written(message: &Message) -> Vec<Address> {
    let keys = message.account_keys.iter().enumerate();
    keys.filter(|(index, _)| message.is_maybe_writable(*index, None)).map(|(_, key)| Address(key.to_bytes())).collect()
}

/// Source: the documentation of the compute-budget program: 2 sets the most units, 3 the price of one.
fn compute_budget(budget: Budget) -> [Instruction; 2] {
    const PROGRAM: &str = "ComputeBudget111111111111111111111111111111";
    let program = PROGRAM.parse().unwrap_or(Address::ZERO);
    let instruction =
        |kind: u8, value: &[u8]| Instruction { program, accounts: vec![], data: [&[kind], value].concat() };
    [instruction(2, &budget.units.to_le_bytes()), instruction(3, &budget.unit_price.to_le_bytes())]
}

fn solana(instruction: &Instruction) -> solana_message::Instruction {
    let accounts = instruction.accounts.iter().map(|meta| solana_message::AccountMeta {
        pubkey: meta.address.0.into(),
        is_signer: meta.access.signs(),
        is_writable: meta.access.writes(),
    });
    solana_message::Instruction {
        program_id: instruction.program.0.into(),
        accounts: accounts.collect(),
        data: instruction.data.clone(),
    }
}
