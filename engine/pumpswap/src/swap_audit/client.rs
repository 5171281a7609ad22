//! Quotes of the vendor's JavaScript client, number by number as it defines them.
//!
//! Source: SDK 1.20.0. Its integers have no bound, its fees are recomputed on the final net amount of a spend, and its
//! bounds come from a factor truncated from a double.

use crate::Bps;
use crate::amm::{AmmConfig, AmmError, FeeConfig, FeeRates, Order, PoolOrigin, PoolState, QuoteMint, Version};
use serde::Deserialize;
use serde_json::Value;

use super::Object;
use super::comparison::Comparison;
use super::event::{optional, required};
use crate::quote::FeeLine;

/// What the program answers where the client throws.
const EXCEPTIONS: [(&str, &[u32]); 4] = [
    ("Cannot buy more base tokens than the pool reserves.", &[6016]),
    ("Fees exceed total output; final quote is negative.", &[6023]),
    ("Invalid input: Desired quote amount exceeds available reserve.", &[6063]),
    // A spend of dust meets the program's own check of the fees before the empty pool.
    ("Pool would be depleted; denominator is zero.", &[6025, 6039]),
];

/// What the client quotes.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Buy,
    Spend,
    Sell,
    /// A sell sized by its proceeds.
    SellForQuote,
}

/// Compares one record; `fee_configs` are those of its file.
pub(super) fn compare(record: &Object, fee_configs: Option<&Object>) -> Result<Comparison, String> {
    let operation = match record.get("op").and_then(Value::as_str) {
        Some("buyBaseInput") => Operation::Buy,
        Some("buyQuoteInput") => Operation::Spend,
        Some("sellBaseInput") => Operation::Sell,
        Some("sellQuoteInput") => Operation::SellForQuote,
        other => return Err(format!("`op`: found {}, expected an operation", other.unwrap_or("nothing"))),
    };
    let amount: u64 = required(record, "amount")?;
    let (pool, config) = before(record, fee_configs)?;
    let result = quote(operation, amount, &pool, &config);
    let mut comparison = Comparison::default();
    compare_rates(&mut comparison, record, &pool, &config);
    let refused_alike = |error: AmmError| match operation {
        Operation::Buy | Operation::Sell => error == AmmError::ZeroBaseAmount,
        // What the program does not buy is nothing in the client's quote.
        Operation::Spend => {
            error == AmmError::ZeroQuoteAmount
                || matches!(
                    error,
                    AmmError::BuySlippageBelowMinBaseAmountOut | AmmError::BuyNotEnoughQuoteTokensToCoverFees
                ) && out(record, "base").is_some_and(|base| base == "0")
        }
        Operation::SellForQuote => false,
    };
    match (&result, record.get("error").and_then(Value::as_str)) {
        (result, Some(text)) => {
            let codes = EXCEPTIONS.iter().find(|(exception, _)| *exception == text).map_or(&[][..], |(_, codes)| codes);
            let error = result.as_ref().err().copied();
            comparison.refusal(text, error, error.is_some_and(|error| codes.contains(&error.code())));
        }
        (Ok(quote), None) => compare_out(&mut comparison, record, quote),
        (Err(error), None) if record.get("fits_u64") == Some(&Value::Bool(false)) => {
            comparison.refusal("beyond u64", Some(*error), true);
        }
        (Err(error), None) if refused_alike(*error) => comparison.refusal("quoted as nothing", Some(*error), true),
        (Err(error), None) => comparison.should_trade(*error),
    }
    comparison.done()
}

/// The fields of a quote that the client prints, under its names.
struct ClientQuote {
    fields: Vec<(&'static str, u64)>,
    /// What its bound is reckoned from, and under which name it stands.
    bounded: (&'static str, u64),
}

fn quote(operation: Operation, amount: u64, pool: &PoolState, config: &AmmConfig) -> Result<ClientQuote, AmmError> {
    let swap = |order| pool.swap(config, Version::V1, order);
    let charged = pool.charged_rates(config)?;
    let recomputed = |raw: u64| {
        let fee = |rate: Bps| (u128::from(raw) * u128::from(rate.0)).div_ceil(10_000);
        [("lp_fee", charged.lp), ("protocol_fee", charged.protocol), ("creator_fee", charged.creator)]
            .map(|(key, rate)| u64::try_from(fee(rate)).map(|fee| (key, fee)))
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| AmmError::Truncation)
    };
    let (mut fields, raw, bounded) = match operation {
        Operation::Buy => {
            let swap = swap(Order::buy(amount))?;
            let fields = vec![("internalQuoteAmount", swap.raw_quote), ("uiQuote", swap.user_quote)];
            (fields, swap.raw_quote, ("maxQuote", swap.user_quote))
        }
        Operation::Spend => {
            let swap = swap(Order::spend(amount))?;
            let fields = vec![("base", swap.base), ("internalQuoteWithoutFees", swap.raw_quote)];
            (fields, swap.raw_quote, ("maxQuote", amount))
        }
        Operation::Sell => {
            let swap = swap(Order::sell(amount))?;
            let fields = vec![("internalQuoteAmountOut", swap.raw_quote), ("uiQuote", swap.user_quote)];
            (fields, swap.raw_quote, ("minQuote", swap.user_quote))
        }
        Operation::SellForQuote => {
            let sell = pool.sell_for_quote_out(config, amount)?;
            let fields = vec![("internalRawQuote", sell.raw_quote), ("base", sell.base_in)];
            (fields, sell.raw_quote, ("minQuote", amount))
        }
    };
    fields.extend(recomputed(raw)?);
    Ok(ClientQuote { fields, bounded })
}

fn compare_rates(comparison: &mut Comparison, record: &Object, pool: &PoolState, config: &AmmConfig) {
    if let Ok(rates) = pool.charged_rates(config) {
        comparison.field("lp_bps", record.get("lp_bps"), rates.lp.0);
        comparison.field("protocol_bps", record.get("protocol_bps"), rates.protocol.0);
        comparison.field("creator_bps", record.get("creator_bps"), rates.creator.0);
    }
    if let Ok(cap) = pool.market_cap() {
        comparison.field("market_cap", record.get("market_cap"), cap);
    }
}

fn compare_out(comparison: &mut Comparison, record: &Object, quote: &ClientQuote) {
    let Some(printed) = record.get("out").and_then(Value::as_object) else { return };
    for (key, got) in &quote.fields {
        comparison.field(&format!("out.{key}"), printed.get(*key), got);
    }
    let factor = optional::<u64>(record, "slippage_factor_1e9").ok().flatten();
    if let Some(factor) = factor {
        let (key, of) = quote.bounded;
        let bound = u128::from(of) * u128::from(factor) / 1_000_000_000;
        comparison.field(&format!("out.{key}"), printed.get(key), bound);
    }
}

fn out<'a>(record: &'a Object, key: &str) -> Option<&'a str> {
    record.get("out")?.get(key)?.as_str()
}

/// The pool and the fee configuration of a record.
fn before(record: &Object, fee_configs: Option<&Object>) -> Result<(PoolState, AmmConfig), String> {
    let flag = |key: &str| match record.get(key) {
        Some(Value::Bool(flag)) => Ok(*flag),
        other => Err(format!("`{key}`: found {}, expected true or false", other.unwrap_or(&Value::Null))),
    };
    let pool = PoolState {
        virtual_quote: required(record, "virtual_quote")?,
        base_supply: required(record, "supply")?,
        origin: if flag("canonical")? { PoolOrigin::Graduated } else { PoolOrigin::ThirdParty },
        quote_mint: match record.get("quote_mint").and_then(Value::as_str) {
            None | Some("wsol") => QuoteMint::Sol,
            Some("usdc") => QuoteMint::Usdc,
            Some("other") => QuoteMint::Other,
            Some(other) => return Err(format!("`quote_mint`: found {other}, expected wsol, usdc or other")),
        },
        has_coin_creator: flag("has_coin_creator")?,
        is_mayhem: flag("mayhem")?,
        creator_fee: Bps(required(record, "pool_creator_fee_bps")?),
        ..PoolState::new(required(record, "base_reserve")?, required(record, "quote_reserve")?)
    };
    let (fees, is_fallback) = fee_config(record, fee_configs)?;
    // In its fallback the client knows no rate of the pool's own.
    let creator_fee_configurable = flag("creator_fee_configurable")? && !is_fallback;
    Ok((pool, AmmConfig { fees, creator_fee_configurable, ..AmmConfig::default() }))
}

/// The fee configuration that a record holds or names, and whether it is the client's fallback of 20/5/5.
fn fee_config(record: &Object, fee_configs: Option<&Object>) -> Result<(FeeConfig, bool), String> {
    let read = |value: &Value| {
        let line = FeeLine::deserialize(value).map_err(|error| format!("the fee configuration: {error}"))?;
        line.validate().map_err(|error| error.to_string())
    };
    if let Some(value) = record.get("fee_config").filter(|value| !value.is_null()) {
        return Ok((read(value)?, false));
    }
    let name = record.get("fee_cfg").and_then(Value::as_str).unwrap_or("mainnet");
    match fee_configs.and_then(|configs| configs.get(name)) {
        Some(Value::Null) => Ok((FeeConfig::uniform(FeeRates::new(20, 5, 5)), true)),
        Some(value) => Ok((read(value)?, false)),
        None if name == "null" => Ok((FeeConfig::uniform(FeeRates::new(20, 5, 5)), true)),
        None if name == "mainnet" => Ok((FeeConfig::default(), false)),
        None => Err(format!(
            "`fee_cfg`: `{name}` is not in this file; put the configuration itself under `fee_config`, or audit the \
             file that holds `fee_configs`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A quote of SDK 1.20.0.
    fn row() -> Value {
        json!({"op": "buyBaseInput", "amount": "155", "slippage_factor_1e9": "1004999999",
            "base_reserve": "4451373462732", "quote_reserve": "3753262928818", "virtual_quote": "0",
            "supply": "1000000000000000", "fee_cfg": "mainnet", "canonical": true, "has_coin_creator": false,
            "quote_mint": "wsol", "mayhem": false, "creator_fee_configurable": false, "pool_creator_fee_bps": "0",
            "lp_bps": "20", "protocol_bps": "5", "creator_bps": "0", "market_cap": "843169632977606", "fits_u64": true,
            "out": {"internalQuoteAmount": "131", "uiQuote": "133", "maxQuote": "133", "lp_fee": "1",
                "protocol_fee": "1", "creator_fee": "0"}})
    }

    fn run(row: &Value) -> Result<Comparison, String> {
        compare(row.as_object().unwrap(), None)
    }

    #[test]
    fn a_quote_of_the_client_is_reproduced_and_one_unit_off_is_named() {
        assert!(run(&row()).unwrap().differences.is_empty());
        let mut off = row();
        off["out"]["maxQuote"] = json!("134");
        assert_eq!(run(&off).unwrap().differences[0].field, "out.maxQuote");
    }

    #[test]
    fn a_quote_for_nothing_is_a_refusal_of_the_program() {
        let mut zero = row();
        zero["amount"] = json!("0");
        let comparison = run(&zero).unwrap();
        assert!(comparison.refused && comparison.differences.is_empty());
    }

    #[test]
    fn an_exception_is_the_programs_error() {
        let mut all = row();
        all["amount"] = json!("4451373462733");
        all["error"] = json!("Cannot buy more base tokens than the pool reserves.");
        assert!(run(&all).unwrap().differences.is_empty());
        all["error"] = json!("Fees exceed total output; final quote is negative.");
        assert_eq!(run(&all).unwrap().differences[0].got.as_deref(), Some("6016 BuyMoreBaseAmountThanPoolReserves"));
    }

    #[test]
    fn a_fee_configuration_that_is_not_there_is_named() {
        let mut named = row();
        named["fee_cfg"] = json!("high");
        assert!(run(&named).unwrap_err().contains("`high` is not in this file"));
    }
}
