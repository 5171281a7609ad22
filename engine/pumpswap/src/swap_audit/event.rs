//! Events of the program: what they print about a trade, and records that consist only of an event.

use std::str::FromStr;

use crate::Bps;
use crate::amm::{AmmConfig, FeeConfig, FeeRates, Order, PoolState, Side, Swap, Version};
use serde_json::Value;

use super::Object;
use super::comparison::Comparison;
use crate::chain::Address;

/// Compares what an event prints of a trade.
///
/// The quote amounts mean something else in an exact spend: `quote_amount_in` is what was to be spent, and
/// `user_quote_amount_in` the net amount that the others call `quote_amount_in`. Without a coin creator the schedule's
/// rate is printed, and on a cashback coin the creator's rate is printed as the cashback's.
pub(super) fn compare_printed(
    comparison: &mut Comparison,
    event: &Object,
    order: Order,
    before: &PoolState,
    config: &AmmConfig,
    swap: &Swap,
) {
    let fees = &swap.fees;
    let mut same = |key: &str, got: u64| comparison.field(key, event.get(key), got);
    match order {
        Order::Sell { .. } => {
            same("base_amount_in", swap.base);
            same("quote_amount_out", swap.raw_quote);
            same("quote_amount_out_without_lp_fee", swap.raw_quote.saturating_sub(fees.lp));
            same("user_quote_amount_out", swap.user_quote);
        }
        Order::Buy { .. } | Order::BuyExactQuoteIn { .. } => {
            let (quote, user) = match order {
                Order::BuyExactQuoteIn { quote_in, .. } => (quote_in, swap.raw_quote),
                _ => (swap.raw_quote, swap.user_quote),
            };
            same("base_amount_out", swap.base);
            same("quote_amount_in", quote);
            same("quote_amount_in_with_lp_fee", swap.raw_quote.saturating_add(fees.lp));
            same("user_quote_amount_in", user);
        }
    }
    let (creator, cashback) = if before.is_cashback { (0, fees.rates.creator.0) } else { (fees.rates.creator.0, 0) };
    for (key, got) in [
        ("lp_fee_basis_points", fees.rates.lp.0),
        ("lp_fee", fees.lp),
        ("protocol_fee_basis_points", fees.rates.protocol.0),
        ("protocol_fee", fees.protocol),
        ("coin_creator_fee_basis_points", creator),
        ("coin_creator_fee", fees.creator),
        ("cashback_fee_basis_points", cashback),
        ("cashback", fees.cashback),
        ("buyback_fee_basis_points", config.buyback.0),
        ("buyback_fee", fees.buyback),
    ] {
        same(key, got);
    }
}

/// Compares an event of mainnet with the trade on the reserves that it prints, at the rates that it prints. Which pool
/// it was, and so which schedule applied, is not in the event.
pub(super) fn compare(record: &Object) -> Result<Comparison, String> {
    // The event's own fields, or the event under its name.
    let event = record.get("event").and_then(Value::as_object).unwrap_or(record);
    let order = order(event)?;
    let (pool, config) = before(event)?;
    let mut comparison = Comparison::default();
    match pool.swap(&config, Version::V1, order) {
        Ok(swap) => compare_printed(&mut comparison, event, order, &pool, &config, &swap),
        Err(error) => comparison.should_trade(error),
    }
    comparison.done()
}

fn order(event: &Object) -> Result<Order, String> {
    let spends =
        event.get("ix_name").and_then(Value::as_str).is_some_and(|name| name.starts_with("buy_exact_quote_in"));
    let kind = event.get("event").and_then(Value::as_str).or_else(|| event.get("side").and_then(Value::as_str));
    let side = match kind {
        Some("buy" | "BuyEvent") => Side::Buy,
        Some("sell" | "SellEvent") => Side::Sell,
        None if event.contains_key("base_amount_out") => Side::Buy,
        None if event.contains_key("base_amount_in") => Side::Sell,
        other => {
            return Err(format!("`event.event`: found {}, expected buy or sell", other.unwrap_or("nothing")));
        }
    };
    Ok(match side {
        Side::Buy if spends => Order::BuyExactQuoteIn {
            quote_in: required(event, "quote_amount_in")?,
            // Printed since late 2025; the program wants one at least.
            min_base_out: optional(event, "min_base_amount_out")?.unwrap_or(1),
        },
        Side::Buy => Order::Buy {
            base_out: required(event, "base_amount_out")?,
            max_quote_in: optional(event, "max_quote_amount_in")?.unwrap_or(u64::MAX),
        },
        Side::Sell => Order::Sell {
            base_in: required(event, "base_amount_in")?,
            min_quote_out: optional(event, "min_quote_amount_out")?.unwrap_or(0),
        },
    })
}

/// The pool before the trade, and the rates that were in force.
fn before(event: &Object) -> Result<(PoolState, AmmConfig), String> {
    let number = |key| optional::<u64>(event, key).map(Option::unwrap_or_default);
    let cashback = number("cashback_fee_basis_points")?;
    let pool = PoolState {
        // Events of before the boost had none.
        virtual_quote: optional(event, "virtual_quote_reserves")?.unwrap_or(0),
        base_supply: number("base_supply")?,
        // Events of before May 2025 had no coin creator, and charged none.
        has_coin_creator: optional::<Address>(event, "coin_creator")?.is_some_and(|creator| !creator.is_zero()),
        is_cashback: cashback != 0,
        ..PoolState::new(required(event, "pool_base_token_reserves")?, required(event, "pool_quote_token_reserves")?)
    };
    let creator = number("coin_creator_fee_basis_points")?.saturating_add(cashback);
    let rates =
        FeeRates::new(required(event, "lp_fee_basis_points")?, required(event, "protocol_fee_basis_points")?, creator);
    let buyback = Bps(number("buyback_fee_basis_points")?);
    Ok((pool, AmmConfig { fees: FeeConfig::uniform(rates), buyback, ..AmmConfig::default() }))
}

/// The field `key`, of a string or a number; absent and null are none.
pub(super) fn optional<T: FromStr>(object: &Object, key: &str) -> Result<Option<T>, String> {
    let text = match object.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let expected = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
    text.parse().map(Some).map_err(|_| format!("`{key}`: found {text}, expected a value of type {expected}"))
}

/// The field `key`, which the record must have.
pub(super) fn required<T: FromStr>(object: &Object, key: &str) -> Result<T, String> {
    optional(object, key)?.ok_or_else(|| format!("`{key}` is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A sell of mainnet, 2026-10-04.
    fn sell() -> Value {
        json!({"event": "sell", "base_amount_in": "213316811256", "min_quote_amount_out": "1160415072",
            "pool_base_token_reserves": "58218316201410", "pool_quote_token_reserves": "321170796908",
            "quote_amount_out": "1236696582", "lp_fee_basis_points": "20", "lp_fee": "2473394",
            "protocol_fee_basis_points": "5", "protocol_fee": "618349", "quote_amount_out_without_lp_fee": "1234223188",
            "user_quote_amount_out": "1224329614", "coin_creator": "CY6KDXM2sZAvF9wsDWMRS3YWeqmcxp62ndPJmJJRWsVE",
            "coin_creator_fee_basis_points": "75", "coin_creator_fee": "9275225", "cashback_fee_basis_points": "0",
            "cashback": "0", "buyback_fee_basis_points": "5000", "buyback_fee": "309174",
            "virtual_quote_reserves": "17584505288"})
    }

    fn differences(record: &Value) -> Vec<String> {
        compare(record.as_object().unwrap()).unwrap().differences.into_iter().map(|d| d.field).collect()
    }

    #[test]
    fn an_event_is_reproduced_alone_and_under_its_name() {
        assert!(differences(&sell()).is_empty());
        assert!(differences(&json!({"source": "mainnet", "event": sell()})).is_empty());
    }

    #[test]
    fn one_unit_off_is_named() {
        let mut event = sell();
        event["protocol_fee"] = json!("618350");
        assert_eq!(differences(&event), ["protocol_fee"]);
        event["min_quote_amount_out"] = json!("1224329615");
        assert_eq!(differences(&event), ["error"]);
    }

    #[test]
    fn what_an_event_lacks_or_garbles_is_named() {
        let mut event = sell();
        event["lp_fee_basis_points"] = Value::Null;
        assert_eq!(compare(event.as_object().unwrap()).unwrap_err(), "`lp_fee_basis_points` is missing");
        event["base_amount_in"] = json!("many");
        assert!(compare(event.as_object().unwrap()).unwrap_err().starts_with("`base_amount_in`: found many"));
        let other = json!({"event": "deposit"});
        assert!(compare(other.as_object().unwrap()).unwrap_err().contains("found deposit, expected buy or sell"));
    }
}
