//! The answer to a request: every amount, or the program's error, or why the line is not a request.

use std::fmt::Display;

use crate::amm::{AmmError, Swap};
use serde::{Serialize, Serializer};

use super::request::{Request, RequestError};

/// One line of answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Every amount of the trade.
    Quote(Box<Quote>),
    /// The program refuses the order.
    Refused(Refusal),
    /// The line is no request.
    Malformed(Malformed),
}

/// Every amount of one trade, in the smallest unit of its mint; written as strings, the rates as numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quote {
    /// Base that the user gets (buys) or gives (sells).
    #[serde(serialize_with = "text")]
    pub base: u64,
    /// Quote that crosses the curve, before fees.
    #[serde(serialize_with = "text")]
    pub raw_quote: u64,
    /// Stays in the pool.
    #[serde(serialize_with = "text")]
    pub lp_fee: u64,
    /// Goes to the protocol, buyback slice included.
    #[serde(serialize_with = "text")]
    pub protocol_fee: u64,
    /// Goes to the coin's creator; zero on a cashback coin.
    #[serde(serialize_with = "text")]
    pub creator_fee: u64,
    /// Goes back to the trader, on a cashback coin.
    #[serde(serialize_with = "text")]
    pub cashback: u64,
    /// The slice of `protocol_fee` that goes to buybacks.
    #[serde(serialize_with = "text")]
    pub buyback_fee: u64,
    /// Quote that the user pays (buys) or gets (sells), fees in.
    #[serde(serialize_with = "text")]
    pub user_quote: u64,
    /// LP rate in basis points.
    pub lp_bps: u64,
    /// Protocol rate in basis points.
    pub protocol_bps: u64,
    /// The creator's rate that is charged, as a fee or as cashback, in basis points: 0 without a coin creator, where the
    /// program's event still prints the schedule's.
    pub creator_bps: u64,
    /// Market capitalisation before the trade, in the quote's smallest unit; null where the supply is not known.
    #[serde(serialize_with = "text_or_null")]
    pub market_cap: Option<u128>,
    /// The base vault after the trade.
    #[serde(serialize_with = "text")]
    pub base_vault_after: u64,
    /// The quote vault after the trade, un-swept fees of a v2 trade included.
    #[serde(serialize_with = "text")]
    pub quote_vault_after: u64,
}

/// The program's own error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Its number.
    pub error: u32,
    /// Its name.
    pub name: &'static str,
}

/// A line that is no request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Malformed {
    /// Always null: the program was not asked.
    pub error: (),
    /// Number of the line in its file, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub message: String,
}

impl Malformed {
    /// An answer to line number `line`, which is no request.
    #[must_use]
    pub fn new(line: u64, error: &RequestError) -> Self {
        Self { error: (), line, message: error.to_string() }
    }
}

fn text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn text_or_null<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

impl From<AmmError> for Refusal {
    fn from(error: AmmError) -> Self {
        Self { error: error.code(), name: error.name() }
    }
}

impl Request {
    /// Executes the order on the pool, exactly as the program would.
    ///
    /// # Errors
    /// The program's own.
    pub fn swap(&self) -> Result<Swap, AmmError> {
        self.pool.swap(&self.config, self.version, self.order)
    }

    /// What `swap`, a trade of this request, is answered with.
    ///
    /// # Errors
    /// The program's own, which [`swap`](Self::swap) would have met before.
    pub fn quote(&self, swap: &Swap) -> Result<Quote, AmmError> {
        let fees = &swap.fees;
        // The supply is a constant on a mayhem pool, known or not.
        let capitalised = self.supply.is_some() || self.pool.is_mayhem;
        Ok(Quote {
            base: swap.base,
            raw_quote: swap.raw_quote,
            lp_fee: fees.lp,
            protocol_fee: fees.protocol,
            creator_fee: fees.creator,
            cashback: fees.cashback,
            buyback_fee: fees.buyback,
            user_quote: swap.user_quote,
            lp_bps: fees.rates.lp.0,
            protocol_bps: fees.rates.protocol.0,
            creator_bps: if self.pool.has_coin_creator { fees.rates.creator.0 } else { 0 },
            market_cap: if capitalised { Some(self.pool.market_cap()?) } else { None },
            base_vault_after: swap.after.base_vault,
            quote_vault_after: swap.after.quote_vault,
        })
    }

    /// The answer to this request.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match self.swap().and_then(|swap| self.quote(&swap)) {
            Ok(quote) => Answer::Quote(Box::new(quote)),
            Err(error) => Answer::Refused(error.into()),
        }
    }
}

/// The answer to line number `number` of a file.
#[must_use]
pub fn answer_line(line: &[u8], number: u64) -> Answer {
    match Request::from_json(line) {
        Ok(request) => request.answer(),
        Err(error) => Answer::Malformed(Malformed::new(number, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rest: &str) -> String {
        let line =
            format!(r#"{{"amount":"1000","base_reserve":"10000","quote_vault":"10000","supply":"10000"{rest}}}"#);
        serde_json::to_string(&answer_line(line.as_bytes(), 3)).unwrap()
    }

    #[test]
    fn a_quote_is_written_in_the_contracts_order_with_integers_as_strings() {
        // The first tier: 2, 93 and 30 basis points of ⌈10,000 · 1,000 / 9,000⌉ = 1,112, each rounded up.
        assert_eq!(
            answer(r#","op":"buy""#),
            concat!(
                r#"{"base":"1000","raw_quote":"1112","lp_fee":"1","protocol_fee":"11","creator_fee":"4","cashback":"0","#,
                r#""buyback_fee":"5","user_quote":"1128","lp_bps":2,"protocol_bps":93,"creator_bps":30,"#,
                r#""market_cap":"10000","base_vault_after":"9000","quote_vault_after":"11113"}"#
            )
        );
    }

    #[test]
    fn a_refusal_is_the_programs_number_and_name() {
        assert_eq!(answer(r#","op":"buy","limit":"1127""#), r#"{"error":6004,"name":"ExceededSlippage"}"#);
    }

    #[test]
    fn a_malformed_line_is_null_its_number_and_why() {
        assert_eq!(
            answer(r#","op":"hold""#),
            concat!(
                r#"{"error":null,"line":3,"message":"not a request: unknown variant `hold`, expected one of `buy`, "#,
                r#"`buy_exact_quote_in`, `sell`, `buy_v2`, `buy_exact_quote_in_v2`, `sell_v2` (column 90)"}"#
            )
        );
    }

    #[test]
    fn the_creators_rate_is_the_one_that_is_charged() {
        let bps = |rest: &str| {
            let answer: serde_json::Value = serde_json::from_str(&answer(rest)).unwrap();
            (answer["creator_bps"].clone(), answer["creator_fee"].clone(), answer["cashback"].clone())
        };
        assert_eq!(bps(r#","op":"buy","has_coin_creator":false"#), (0.into(), "0".into(), "0".into()));
        assert_eq!(bps(r#","op":"buy","cashback":true"#), (30.into(), "0".into(), "4".into()));
    }

    #[test]
    fn an_unknown_market_capitalisation_is_null() {
        let line = br#"{"op":"sell","amount":"1000","base_reserve":"10000","quote_vault":"10000","canonical":false}"#;
        let Answer::Quote(quote) = answer_line(line, 1) else { panic!("no quote") };
        assert_eq!((quote.market_cap, quote.lp_bps), (None, 25));
    }
}
