//! One request: the pool before the trade, everything else that prices it, and the order.

use crate::Bps;
use crate::amm::{AmmConfig, FeeConfig, Order, PoolOrigin, PoolState, QuoteMint, Version};
use serde::Deserialize;

use super::fee_config::FeeLine;
use super::integer::Integer;

/// Why a line is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not JSON, not an object, a field too many or too few, or of another type.
    #[error("not a request: {0}")]
    Json(String),
    /// An integer that is none, or beyond its type.
    #[error("`{field}`: found {found}, expected {expected} as a string")]
    Integer {
        /// Name of the field.
        field: &'static str,
        /// What it holds.
        found: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// The tier depends on the market capitalisation, and that on the supply.
    #[error(
        "`supply` is missing: the fee tier of a graduated SOL or USDC pool depends on it; give the base mint's supply"
    )]
    NoSupply,
    /// More bytes than any request has.
    #[error("the line is longer than {0} bytes; one request is one line")]
    TooLong(usize),
}

impl From<serde_json::Error> for RequestError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(Self::without_line(&error))
    }
}

impl RequestError {
    /// A parser's message without its line number: a request is one line of a file, and its "line 1" would mislead.
    pub(crate) fn without_line(error: &serde_json::Error) -> String {
        let text = error.to_string();
        let position = format!(" at line {} column {}", error.line(), error.column());
        match text.strip_suffix(&position) {
            Some(cause) if error.line() > 0 => format!("{cause} (column {})", error.column()),
            _ => text,
        }
    }
}

/// What to quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The pool before the trade. Its supply is zero where it is not known.
    pub pool: PoolState,
    /// Fee schedules, buyback slice, switches.
    pub config: AmmConfig,
    /// Generation of the instruction.
    pub version: Version,
    /// The order with its limit.
    pub order: Order,
    /// The base mint's supply in its smallest unit, where it is known; without it there is no market capitalisation.
    pub supply: Option<u64>,
}

impl Request {
    /// Reads one JSON object.
    ///
    /// Required are `op`, `amount`, `base_reserve`, `quote_vault`, and `supply` where it decides the fee tier. What is
    /// absent otherwise is what an ordinary pool has: `virtual_quote` 0, `canonical` true, `quote_mint` wsol,
    /// `has_coin_creator` true, no mayhem, no cashback, no rate and no buckets of its own, `buyback_bps` 5000, the default
    /// fee table, and no `limit`.
    ///
    /// # Errors
    /// [`RequestError`], which names the field.
    pub fn from_json(line: &[u8]) -> Result<Self, RequestError> {
        // The parser would also take an array, by position.
        if line.trim_ascii_start().first() != Some(&b'{') {
            return Err(RequestError::Json("expected a JSON object".to_owned()));
        }
        serde_json::from_slice::<RawRequest<'_>>(line)?.validate()
    }

    /// As [`from_json`](Self::from_json), of JSON that is already parsed.
    pub(crate) fn from_value(value: &serde_json::Value) -> Result<Self, RequestError> {
        RawRequest::deserialize(value)?.validate()
    }
}

/// The six instructions that trade.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operation {
    Buy,
    BuyExactQuoteIn,
    Sell,
    BuyV2,
    BuyExactQuoteInV2,
    SellV2,
}

/// Quote mints as requests name them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum QuoteName {
    #[default]
    Wsol,
    Usdc,
    Other,
}

const fn yes() -> bool {
    true
}

const fn zero() -> Integer<'static> {
    Integer::of("0")
}

/// Half of the protocol's fee, as on mainnet.
const fn half() -> Integer<'static> {
    Integer::of("5000")
}

/// A request as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequest<'a> {
    op: Operation,
    #[serde(borrow)]
    amount: Integer<'a>,
    #[serde(borrow)]
    base_reserve: Integer<'a>,
    #[serde(borrow)]
    quote_vault: Integer<'a>,
    #[serde(borrow, default = "zero")]
    virtual_quote: Integer<'a>,
    #[serde(borrow)]
    supply: Option<Integer<'a>>,
    #[serde(default = "yes")]
    canonical: bool,
    #[serde(default)]
    quote_mint: QuoteName,
    #[serde(default = "yes")]
    has_coin_creator: bool,
    #[serde(default)]
    mayhem: bool,
    #[serde(default)]
    cashback: bool,
    #[serde(borrow, default = "zero")]
    pool_creator_fee_bps: Integer<'a>,
    #[serde(default)]
    creator_fee_configurable: bool,
    #[serde(borrow, default = "half")]
    buyback_bps: Integer<'a>,
    #[serde(borrow, default = "zero")]
    protocol_fees_bucket: Integer<'a>,
    #[serde(borrow, default = "zero")]
    creator_fees_bucket: Integer<'a>,
    #[serde(borrow)]
    fee_config: Option<FeeLine<'a>>,
    #[serde(borrow)]
    limit: Option<Integer<'a>>,
}

impl RawRequest<'_> {
    fn validate(&self) -> Result<Request, RequestError> {
        let (version, order) = self.order()?;
        let supply: Option<u64> = self.supply.as_ref().map(|supply| supply.get("supply")).transpose()?;
        let tiered = self.canonical && !self.mayhem && !matches!(self.quote_mint, QuoteName::Other);
        if tiered && supply.is_none() {
            return Err(RequestError::NoSupply);
        }
        let pool = PoolState {
            base_vault: self.base_reserve.get("base_reserve")?,
            quote_vault: self.quote_vault.get("quote_vault")?,
            virtual_quote: self.virtual_quote.get("virtual_quote")?,
            protocol_fees: self.protocol_fees_bucket.get("protocol_fees_bucket")?,
            creator_fees: self.creator_fees_bucket.get("creator_fees_bucket")?,
            base_supply: supply.unwrap_or(0),
            lp_supply: 0,
            origin: if self.canonical { PoolOrigin::Graduated } else { PoolOrigin::ThirdParty },
            quote_mint: match self.quote_mint {
                QuoteName::Wsol => QuoteMint::Sol,
                QuoteName::Usdc => QuoteMint::Usdc,
                QuoteName::Other => QuoteMint::Other,
            },
            has_coin_creator: self.has_coin_creator,
            is_mayhem: self.mayhem,
            is_cashback: self.cashback,
            creator_fee: Bps(self.pool_creator_fee_bps.get("pool_creator_fee_bps")?),
        };
        let config = AmmConfig {
            fees: self.fee_config.as_ref().map_or_else(|| Ok(FeeConfig::default()), FeeLine::validate)?,
            buyback: Bps(self.buyback_bps.get("buyback_bps")?),
            creator_fee_configurable: self.creator_fee_configurable,
            ..AmmConfig::default()
        };
        Ok(Request { pool, config, version, order, supply })
    }

    fn order(&self) -> Result<(Version, Order), RequestError> {
        let amount: u64 = self.amount.get("amount")?;
        let limit: Option<u64> = self.limit.as_ref().map(|limit| limit.get("limit")).transpose()?;
        let buy = || Order::Buy { base_out: amount, max_quote_in: limit.unwrap_or(u64::MAX) };
        // The program refuses a minimum of zero here (6001), so that "no limit" is one unit.
        let spend = || Order::BuyExactQuoteIn { quote_in: amount, min_base_out: limit.unwrap_or(1) };
        let sell = || Order::Sell { base_in: amount, min_quote_out: limit.unwrap_or(0) };
        Ok(match self.op {
            Operation::Buy => (Version::V1, buy()),
            Operation::BuyExactQuoteIn => (Version::V1, spend()),
            Operation::Sell => (Version::V1, sell()),
            Operation::BuyV2 => (Version::V2, buy()),
            Operation::BuyExactQuoteInV2 => (Version::V2, spend()),
            Operation::SellV2 => (Version::V2, sell()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = r#""op":"sell","amount":"5","base_reserve":"1000","quote_vault":"2000""#;

    fn read(rest: &str) -> Result<Request, String> {
        Request::from_json(format!("{{{LEAST}{rest}}}").as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_absent_is_what_an_ordinary_pool_has() {
        let request = read(r#","supply":"7""#).unwrap();
        assert_eq!(request.pool, PoolState { base_supply: 7, ..PoolState::new(1_000, 2_000) });
        assert_eq!(request.config, AmmConfig::default());
        assert_eq!((request.version, request.order), (Version::V1, Order::sell(5)));
    }

    #[test]
    fn the_supply_is_needed_where_it_decides_the_tier() {
        assert!(read("").unwrap_err().contains("`supply` is missing"));
        for rest in [r#","canonical":false"#, r#","mayhem":true"#, r#","quote_mint":"other""#] {
            assert_eq!(read(rest).unwrap().supply, None, "{rest}");
        }
    }

    #[test]
    fn what_is_unknown_missing_or_beyond_its_type_is_named() {
        for (rest, needle) in [
            (r#","virtual_qoute":"1""#, "unknown field `virtual_qoute`"),
            (r#","quote_mint":"bonk""#, "unknown variant `bonk`, expected one of `wsol`, `usdc`, `other`"),
            (r#","supply":"99999999999999999999""#, "`supply`: found \"99999999999999999999\""),
            (r#","supply":"1","limit":"-1""#, "`limit`: found \"-1\""),
            (r#","supply":"1","virtual_quote":"x""#, "`virtual_quote`: found \"x\""),
            (r#","mayhem":"no""#, "expected a boolean"),
            (r#","amount":"5""#, "duplicate field `amount`"),
        ] {
            let error = read(rest).unwrap_err();
            assert!(error.contains(needle), "{rest}: {error}");
            assert!(!error.contains("at line 1"), "{error}");
        }
        assert!(Request::from_json(b"{}").unwrap_err().to_string().contains("missing field `op`"));
        assert!(Request::from_json(b"[1]").is_err());
    }

    #[test]
    fn without_a_limit_any_price_will_do() {
        let op = |op: &str| {
            let line = format!("{{{},\"supply\":\"1\"}}", LEAST.replace("sell", op));
            Request::from_json(line.as_bytes()).unwrap()
        };
        assert_eq!((op("buy_v2").version, op("buy_v2").order), (Version::V2, Order::buy(5)));
        assert_eq!(op("buy_exact_quote_in").order, Order::spend(5));
    }
}
