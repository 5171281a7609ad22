//! What the program prints about a trade, in its log and to itself.
//!
//! An event is printed twice: as a log line `Program data: <base64>`, and as the data of a call of the program to
//! itself, behind eight bytes more. Reserves are those BEFORE the trade. Fields were added at the end over the years: a
//! field that an event does not have is `None`, never zero. Source: the program's interface description and
//! documentation, and its events on mainnet.

use super::address::Address;
use super::reader::{DecodeError, Reader};
use crate::Bps;
use crate::amm::Side;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BUY: [u8; 8] = [0x67, 0xf4, 0x52, 0x1f, 0x2c, 0xf5, 0x77, 0x77];
const SELL: [u8; 8] = [0x3e, 0x2f, 0x37, 0x0a, 0xa5, 0x03, 0xdc, 0x2a];
const DEPOSIT: [u8; 8] = [0x78, 0xf8, 0x3d, 0x53, 0x1f, 0x8e, 0x6b, 0x90];
const WITHDRAW: [u8; 8] = [0x16, 0x09, 0x85, 0x1a, 0xa0, 0x2c, 0x47, 0xc0];
/// In front of an event that the program sends to itself.
const SELF_CALL: [u8; 8] = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d];
/// In front of an event in the log.
const LOG_PREFIX: &str = "Program data: ";

/// An event of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramEvent {
    /// A buy or a sell.
    Swap(Box<SwapEvent>),
    /// A deposit or a withdrawal.
    Liquidity(Box<LiquidityEvent>),
}

impl ProgramEvent {
    /// Reads an event's bytes, with or without the prefix of a call to itself. `Ok(None)` where they are something
    /// else.
    ///
    /// # Errors
    /// [`DecodeError`] where an event of a known kind is cut or damaged.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        let bytes = bytes.strip_prefix(&SELF_CALL).unwrap_or(bytes);
        let Some(kind) = bytes.first_chunk::<8>() else { return Ok(None) };
        Ok(match *kind {
            BUY => Some(Self::Swap(Box::new(SwapEvent::decode(Side::Buy, bytes)?))),
            SELL => Some(Self::Swap(Box::new(SwapEvent::decode(Side::Sell, bytes)?))),
            DEPOSIT => Some(Self::Liquidity(Box::new(LiquidityEvent::decode(LiquidityKind::Deposit, bytes)?))),
            WITHDRAW => Some(Self::Liquidity(Box::new(LiquidityEvent::decode(LiquidityKind::Withdrawal, bytes)?))),
            _ => None,
        })
    }

    /// Whether the data of a call are an event that the program sends to itself, of whatever kind.
    #[must_use]
    pub fn is_said(data: &[u8]) -> bool {
        data.starts_with(&SELF_CALL)
    }

    /// Reads a line of a transaction's log. `Ok(None)` where it is no event of this program.
    ///
    /// Another program's events look alike: the caller knows from the lines before whose it is.
    ///
    /// # Errors
    /// [`DecodeError`] where the line is cut or damaged.
    pub fn from_log_line(line: &str) -> Result<Option<Self>, DecodeError> {
        match line.strip_prefix(LOG_PREFIX) {
            Some(text) => Self::decode(&STANDARD.decode(text.trim_end())?),
            None => Ok(None),
        }
    }
}

/// The coin creator's part of a trade, printed since May 2025.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatorFees {
    /// Who; zero where there is none.
    pub creator: Address,
    /// His rate, also where nothing is charged.
    pub rate: Bps,
    /// What he got, in the quote's smallest unit.
    pub fee: u64,
}

/// `BuyEvent` and `SellEvent`. Amounts in the smallest unit of their mint.
///
/// What the quote amounts of a buy mean depends on the instruction: an exact spend prints what was to be spent as
/// `quote`, and the net amount as `user_quote`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwapEvent {
    /// Buy or sell.
    pub side: Side,
    /// Unix time, in seconds.
    pub timestamp: i64,
    /// Base that the user got or gave.
    pub base: u64,
    /// Most quote to pay, or least to get.
    pub quote_limit: u64,
    /// What the user's base account held before.
    pub user_base_before: u64,
    /// What the user's quote account held before.
    pub user_quote_before: u64,
    /// What the base vault held before.
    pub pool_base_before: u64,
    /// What the quote vault held before.
    pub pool_quote_before: u64,
    /// Quote that crossed the curve, before fees (see above for exact spends).
    pub quote: u64,
    /// LP rate.
    pub lp_rate: Bps,
    /// LP fee.
    pub lp_fee: u64,
    /// Protocol rate.
    pub protocol_rate: Bps,
    /// Protocol fee.
    pub protocol_fee: u64,
    /// Quote with (buys) or without (sells) the LP fee.
    pub quote_beside_lp_fee: u64,
    /// Quote that the user paid or got (see above for exact spends).
    pub user_quote: u64,
    /// The pool.
    pub pool: Address,
    /// The user.
    pub user: Address,
    /// His base account.
    pub user_base_account: Address,
    /// His quote account.
    pub user_quote_account: Address,
    /// Who got the protocol's fee; zero in v2 trades.
    pub protocol_fee_recipient: Address,
    /// His account.
    pub protocol_fee_account: Address,
    /// The coin creator's part.
    pub creator: Option<CreatorFees>,
    /// Least base to get; buys only.
    pub min_base_out: Option<u64>,
    /// Name of the instruction; buys only.
    pub instruction: Option<String>,
    /// Cashback rate.
    pub cashback_rate: Option<Bps>,
    /// Cashback.
    pub cashback: Option<u64>,
    /// Buyback slice of the protocol's fee.
    pub buyback_rate: Option<Bps>,
    /// What it came to.
    pub buyback_fee: Option<u64>,
    /// The pool's virtual quote reserves before.
    pub virtual_quote_before: Option<i128>,
    /// Whether the pool has a boost: virtual reserves other than un-swept fees.
    pub can_boost: Option<bool>,
    /// Supply of the base mint; pools with flat fees print zero.
    pub base_supply: Option<u64>,
    /// Rate of the holders' reward.
    pub holder_reward_rate: Option<Bps>,
    /// Holders' reward.
    pub holder_reward: Option<u64>,
    /// Un-swept creator fees in the pool, after.
    pub creator_fees_unswept: Option<u64>,
    /// What the quote's token program withheld.
    pub quote_transfer_fee: Option<u64>,
}

impl SwapEvent {
    /// Length of the events of March 2025, with the discriminator.
    const OLDEST: usize = 8 + 14 * 8 + 6 * 32;

    fn decode(side: Side, bytes: &[u8]) -> Result<Self, DecodeError> {
        let (what, kind) = match side {
            Side::Buy => ("BuyEvent", BUY),
            Side::Sell => ("SellEvent", SELL),
        };
        let mut reader = Reader::new(what, kind, Self::OLDEST, bytes)?;
        let r = &mut reader;
        let mut event = Self {
            side,
            timestamp: r.i64(),
            base: r.u64(),
            quote_limit: r.u64(),
            user_base_before: r.u64(),
            user_quote_before: r.u64(),
            pool_base_before: r.u64(),
            pool_quote_before: r.u64(),
            quote: r.u64(),
            lp_rate: Bps(r.u64()),
            lp_fee: r.u64(),
            protocol_rate: Bps(r.u64()),
            protocol_fee: r.u64(),
            quote_beside_lp_fee: r.u64(),
            user_quote: r.u64(),
            pool: r.address(),
            user: r.address(),
            user_base_account: r.address(),
            user_quote_account: r.address(),
            protocol_fee_recipient: r.address(),
            protocol_fee_account: r.address(),
            creator: r.newer(48, |r| CreatorFees { creator: r.address(), rate: Bps(r.u64()), fee: r.u64() }),
            min_base_out: None,
            instruction: None,
            cashback_rate: None,
            cashback: None,
            buyback_rate: None,
            buyback_fee: None,
            virtual_quote_before: None,
            can_boost: None,
            base_supply: None,
            holder_reward_rate: None,
            holder_reward: None,
            creator_fees_unswept: None,
            quote_transfer_fee: None,
        };
        if side == Side::Buy {
            // The user's volume: whether it counts, tokens earned and claimed, volume of the day, time of its update.
            r.newer(33, |r| (r.flag(), r.u64(), r.u64(), r.u64(), r.i64()));
            event.min_base_out = r.newer(8, Reader::u64);
            event.instruction = r.newer(4, Reader::text).transpose()?;
        }
        event.cashback_rate = r.newer(8, |r| Bps(r.u64()));
        event.cashback = r.newer(8, Reader::u64);
        event.buyback_rate = r.newer(8, |r| Bps(r.u64()));
        event.buyback_fee = r.newer(8, Reader::u64);
        event.virtual_quote_before = r.newer(16, Reader::i128);
        event.can_boost = r.newer(1, Reader::flag);
        event.base_supply = r.newer(8, Reader::u64);
        event.holder_reward_rate = r.newer(8, |r| Bps(r.u64()));
        event.holder_reward = r.newer(8, Reader::u64);
        event.creator_fees_unswept = r.newer(8, Reader::u64);
        event.quote_transfer_fee = r.newer(8, Reader::u64);
        Ok(event)
    }
}

/// Which way liquidity moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LiquidityKind {
    /// Into the pool.
    Deposit,
    /// Out of it.
    Withdrawal,
}

/// `DepositEvent` and `WithdrawEvent`. Amounts in the smallest unit of their mint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiquidityEvent {
    /// Deposit or withdrawal.
    pub kind: LiquidityKind,
    /// Unix time, in seconds.
    pub timestamp: i64,
    /// Pool shares.
    pub shares: u64,
    /// Most base to pay, or least to get.
    pub base_limit: u64,
    /// Most quote to pay, or least to get.
    pub quote_limit: u64,
    /// What the user's base account held before.
    pub user_base_before: u64,
    /// What the user's quote account held before.
    pub user_quote_before: u64,
    /// What the base vault held before.
    pub pool_base_before: u64,
    /// What the quote vault held before.
    pub pool_quote_before: u64,
    /// Base paid or got.
    pub base: u64,
    /// Quote paid or got.
    pub quote: u64,
    /// The pool's own count of shares before the change, burnt ones included.
    pub lp_mint_supply: u64,
    /// The pool.
    pub pool: Address,
    /// The user.
    pub user: Address,
    /// His base account.
    pub user_base_account: Address,
    /// His quote account.
    pub user_quote_account: Address,
    /// His account for the shares.
    pub user_share_account: Address,
    /// What the quote's token program withheld.
    pub quote_transfer_fee: Option<u64>,
}

impl LiquidityEvent {
    /// Length of the first events, with the discriminator.
    const OLDEST: usize = 8 + 11 * 8 + 5 * 32;

    fn decode(kind: LiquidityKind, bytes: &[u8]) -> Result<Self, DecodeError> {
        let (what, mark) = match kind {
            LiquidityKind::Deposit => ("DepositEvent", DEPOSIT),
            LiquidityKind::Withdrawal => ("WithdrawEvent", WITHDRAW),
        };
        let mut reader = Reader::new(what, mark, Self::OLDEST, bytes)?;
        let r = &mut reader;
        Ok(Self {
            kind,
            timestamp: r.i64(),
            shares: r.u64(),
            base_limit: r.u64(),
            quote_limit: r.u64(),
            user_base_before: r.u64(),
            user_quote_before: r.u64(),
            pool_base_before: r.u64(),
            pool_quote_before: r.u64(),
            base: r.u64(),
            quote: r.u64(),
            lp_mint_supply: r.u64(),
            pool: r.address(),
            user: r.address(),
            user_base_account: r.address(),
            user_quote_account: r.address(),
            user_share_account: r.address(),
            quote_transfer_fee: r.newer(8, Reader::u64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deposit() -> Vec<u8> {
        let mut bytes = DEPOSIT.to_vec();
        bytes.extend((1..=11_u64).flat_map(u64::to_le_bytes));
        bytes.extend((1..=5_u8).flat_map(|fill| [fill; 32]));
        bytes
    }

    #[test]
    fn an_older_event_ends_before_its_newer_fields() {
        let mut bytes = deposit();
        let Ok(Some(ProgramEvent::Liquidity(event))) = ProgramEvent::decode(&bytes) else { panic!() };
        assert_eq!((event.shares, event.lp_mint_supply, event.quote_transfer_fee), (2, 11, None));
        assert_eq!(event.user_share_account, Address([5; 32]));
        bytes.extend(7_u64.to_le_bytes());
        let Ok(Some(ProgramEvent::Liquidity(event))) = ProgramEvent::decode(&bytes) else { panic!() };
        assert_eq!(event.quote_transfer_fee, Some(7));
    }

    #[test]
    fn an_event_in_the_log_and_one_in_a_call_are_the_same() {
        let direct = ProgramEvent::decode(&deposit()).unwrap();
        assert_eq!(ProgramEvent::decode(&[SELF_CALL.to_vec(), deposit()].concat()).unwrap(), direct);
        let line = format!("{LOG_PREFIX}{}", STANDARD.encode(deposit()));
        assert_eq!(ProgramEvent::from_log_line(&line).unwrap(), direct);
    }

    #[test]
    fn other_lines_are_nothing_and_damaged_ones_are_errors() {
        assert_eq!(ProgramEvent::from_log_line("Program log: Instruction: Buy"), Ok(None));
        assert_eq!(ProgramEvent::from_log_line("Program data: AAAA"), Ok(None));
        assert!(matches!(ProgramEvent::from_log_line("Program data: ?"), Err(DecodeError::NotBase64(_))));
        assert!(matches!(ProgramEvent::decode(&BUY), Err(DecodeError::TooShort { needed: 312, found: 8, .. })));
    }
}
