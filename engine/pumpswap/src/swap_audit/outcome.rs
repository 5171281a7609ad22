//! Requests with their recorded answers, and executions of the program with their effects.

use crate::amm::{AmmError, PoolState, Side, Swap, Version};
use serde_json::Value;

use super::Object;
use super::comparison::Comparison;
use super::event::compare_printed;
use crate::quote::Request;

/// Fields of a request.
const REQUEST: [&str; 19] = [
    "op",
    "amount",
    "base_reserve",
    "quote_vault",
    "virtual_quote",
    "supply",
    "canonical",
    "quote_mint",
    "has_coin_creator",
    "mayhem",
    "cashback",
    "pool_creator_fee_bps",
    "creator_fee_configurable",
    "buyback_bps",
    "protocol_fees_bucket",
    "creator_fees_bucket",
    "fee_config",
    "limit",
    "ix",
];
/// Fields of an outcome that are no amounts.
const OUTCOME: [&str; 9] = ["expected", "answer", "event", "delta", "after", "error", "error_msg", "name", "request"];
/// Remarks that known recorders leave, which need no warning.
const REMARKS: [&str; 8] = ["cu", "source", "match", "checks", "raw_b64", "README", "id", "note"];
/// The program's number for a recipient or an account that is passed in vain.
const NOT_AUTHORIZED: u32 = 6053;

/// Compares one record.
pub(super) fn compare(record: &Object) -> Result<Comparison, String> {
    let request = read_request(record)?;
    let mut comparison = Comparison::default();
    // The answer stands beside the request or under a name of its own.
    let answer = ["expected", "answer"].iter().find_map(|key| record.get(*key)).and_then(Value::as_object);
    let answer = answer.unwrap_or(record);
    let result = request.swap();
    if let Some(expected) = answer.get("error").filter(|error| !error.is_null()) {
        compare_refusal(&mut comparison, &request, expected, answer, &result);
        return comparison.done();
    }
    match &result {
        Ok(swap) => {
            compare_answer(&mut comparison, &request, record, answer, swap)?;
            compare_execution(&mut comparison, &request, record, swap);
        }
        Err(error) => comparison.should_trade(*error),
    }
    comparison.done()
}

/// The request of a record: under its own name, or the record's fields that belong to one.
fn read_request(record: &Object) -> Result<Request, String> {
    if let Some(request) = record.get("request") {
        return Request::from_value(request).map_err(|error| error.to_string());
    }
    let mut request = Object::new();
    for key in REQUEST {
        if let Some(value) = record.get(key) {
            request.insert(if key == "ix" { "op" } else { key }.to_owned(), value.clone());
        }
    }
    // The answer's amount of this name takes the place of the request's flag where both are merged into one object. Its
    // fee is rounded up, so that only a coin without cashback, or without a rate, has none.
    if let Some(amount) = record.get("cashback").filter(|value| !value.is_boolean()) {
        let is_cashback = amount.as_str().map_or(amount != 0, |amount| amount != "0");
        request.insert("cashback".to_owned(), is_cashback.into());
    }
    Request::from_value(&Value::Object(request)).map_err(|error| error.to_string())
}

/// By number, or by name.
fn compare_refusal(
    comparison: &mut Comparison,
    request: &Request,
    expected: &Value,
    answer: &Object,
    result: &Result<Swap, AmmError>,
) {
    let text = expected.as_str().map_or_else(|| expected.to_string(), str::to_owned);
    let matches = match (result, text.parse::<u32>()) {
        (Err(error), Ok(code)) => error.code() == code && is_named(*error, answer),
        (Err(error), Err(_)) => error.name() == text,
        (Ok(swap), Ok(NOT_AUTHORIZED)) => refuses_pool_v2(request, swap),
        (Ok(_), _) => false,
    };
    comparison.refusal(&text, result.as_ref().err().copied(), matches);
}

/// Whether the name recorded with an error's number, if any, is its name.
fn is_named(error: AmmError, answer: &Object) -> bool {
    let recorded = ["name", "error_msg"].iter().find_map(|key| answer.get(*key)).and_then(Value::as_str);
    recorded.is_none_or(|name| name.starts_with(error.name()))
}

/// Whether the program refuses a v1 trade to which the `pool-v2` account is passed because the pool pays creators, though
/// this trade charges neither a creator fee nor a cashback.
fn refuses_pool_v2(request: &Request, swap: &Swap) -> bool {
    let pool = &request.pool;
    request.version == Version::V1 && (pool.has_coin_creator || pool.is_cashback) && !swap.fees.needs_pool_v2_account()
}

/// Compares the fields of an answer.
fn compare_answer(
    comparison: &mut Comparison,
    request: &Request,
    record: &Object,
    answer: &Object,
    swap: &Swap,
) -> Result<(), String> {
    let quote = request.quote(swap).map_err(|error| error.to_string())?;
    let Ok(Value::Object(mut ours)) = serde_json::to_value(&quote) else { return Ok(()) };
    let after = &swap.after;
    for (key, value) in [
        ("virtual_quote_after", after.virtual_quote),
        ("protocol_fees_bucket_after", after.protocol_fees.into()),
        ("creator_fees_bucket_after", after.creator_fees.into()),
    ] {
        ours.insert(key.to_owned(), value.to_string().into());
    }
    // Beside a request anything may stand, under a name of its own only what is expected.
    let beside = std::ptr::eq(answer, record);
    for (key, expected) in answer {
        // Where the two are one object, a flag of the request is no amount of the answer.
        let is_request = REQUEST.contains(&key.as_str()) && (key != "cashback" || expected.is_boolean());
        if beside && is_request {
            continue;
        }
        match ours.get(key) {
            Some(_) if key == "creator_bps" && is_printed_rate(request, expected, swap) => {
                comparison.field(key, Some(expected), swap.fees.rates.creator.0);
            }
            Some(Value::String(got)) => comparison.field(key, Some(expected), got),
            Some(Value::Number(got)) => comparison.field(key, Some(expected), got),
            _ if OUTCOME.contains(&key.as_str()) => {}
            None if beside && REMARKS.contains(&key.as_str()) => {}
            None if beside => comparison.ignored.push(key.clone()),
            _ => comparison.unknown(key, expected),
        }
    }
    if !beside {
        let known = |key: &&String| [&REQUEST[..], &OUTCOME, &REMARKS].iter().any(|keys| keys.contains(&key.as_str()));
        comparison.ignored.extend(record.keys().filter(|key| !known(key)).cloned());
    }
    Ok(())
}

/// Whether a recorded creator rate is the one that the program's event prints where nobody is there to receive it.
fn is_printed_rate(request: &Request, expected: &Value, swap: &Swap) -> bool {
    let printed = swap.fees.rates.creator.0;
    let recorded = expected.as_u64().or_else(|| expected.as_str().and_then(|text| text.parse().ok()));
    !request.pool.has_coin_creator && recorded == Some(printed)
}

/// Compares what the program printed, which balances it moved, and the pool that it left.
fn compare_execution(comparison: &mut Comparison, request: &Request, record: &Object, swap: &Swap) {
    let (before, after) = (&request.pool, &swap.after);
    if let Some(event) = record.get("event").and_then(Value::as_object) {
        compare_printed(comparison, event, request.order, before, &request.config, swap);
        // These two need the buckets, which an event alone does not tell.
        let buckets = i128::from(before.protocol_fees) + i128::from(before.creator_fees);
        let can_boost = before.virtual_quote.checked_add(buckets) != Some(0);
        comparison.field("can_boost", event.get("can_boost"), can_boost);
        comparison.field("creator_fee_unclaimed", event.get("creator_fee_unclaimed"), after.creator_fees);
    }
    if let Some(delta) = record.get("delta").and_then(Value::as_object) {
        for (key, got) in moved(before, request.version, swap) {
            comparison.field(&format!("delta.{key}"), delta.get(key), got);
        }
    }
    if let Some(left) = record.get("after").and_then(Value::as_object) {
        for (key, got) in [
            ("virtual_quote", after.virtual_quote),
            ("protocol_fees_bucket", after.protocol_fees.into()),
            ("creator_fees_bucket", after.creator_fees.into()),
        ] {
            comparison.field(&format!("after.{key}"), left.get(key), got);
        }
    }
}

/// What every token account gained.
fn moved(before: &PoolState, version: Version, swap: &Swap) -> [(&'static str, i128); 8] {
    let (after, fees) = (&swap.after, &swap.fees);
    let gained = |after: u64, before: u64| i128::from(after) - i128::from(before);
    let (base, quote) = (i128::from(swap.base), i128::from(swap.user_quote));
    let (user_base, user_quote) = if swap.side == Side::Buy { (base, -quote) } else { (-base, quote) };
    // v2 leaves these in the vault.
    let paid_out = |fee: i128| if version == Version::V1 { fee } else { 0 };
    [
        ("user_base", user_base),
        ("user_quote", user_quote),
        ("pool_base", gained(after.base_vault, before.base_vault)),
        ("pool_quote", gained(after.quote_vault, before.quote_vault)),
        ("protocol_recipient", paid_out(gained(fees.protocol, fees.buyback))),
        ("creator_vault", paid_out(fees.creator.into())),
        ("buyback_recipient", fees.buyback.into()),
        ("cashback_vault", fees.cashback.into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request() -> Value {
        json!({"op": "buy", "amount": "1000", "base_reserve": "10000", "quote_vault": "10000", "supply": "10000"})
    }

    fn with(fields: &Value) -> Comparison {
        let mut record = request().as_object().unwrap().clone();
        record.extend(fields.as_object().unwrap().clone());
        compare(&record).unwrap()
    }

    fn fields(comparison: Comparison) -> Vec<String> {
        comparison.differences.into_iter().map(|difference| difference.field).collect()
    }

    #[test]
    fn an_answer_is_compared_beside_its_request_under_expected_and_apart() {
        let answer =
            json!({"raw_quote": "1112", "user_quote": "1128", "lp_bps": 2, "creator_bps": 30, "cashback": "0"});
        assert!(fields(with(&answer)).is_empty());
        assert!(fields(with(&json!({ "expected": answer }))).is_empty());
        let apart = json!({"request": request(), "expected": answer});
        assert!(fields(compare(apart.as_object().unwrap()).unwrap()).is_empty());
        let beside = json!({"request": request(), "user_quote": "1129"});
        assert_eq!(fields(compare(beside.as_object().unwrap()).unwrap()), ["user_quote"]);
    }

    #[test]
    fn a_merged_cashback_amount_tells_that_the_coin_is_one() {
        assert!(fields(with(&json!({"cashback": "4", "creator_fee": "0"}))).is_empty());
        assert_eq!(fields(with(&json!({"cashback": "5", "creator_fee": "0"}))), ["cashback"]);
    }

    #[test]
    fn an_expected_field_that_nobody_computes_is_a_mismatch_and_a_remark_is_not() {
        let comparison = with(&json!({"expected": {"user_quote": "1128", "user_qoute": "1"}}));
        assert_eq!((comparison.differences[0].field.as_str(), &comparison.differences[0].got), ("user_qoute", &None));
        let comparison = with(&json!({"user_quote": "1128", "weather": "fine", "note": "x"}));
        assert!(comparison.differences.is_empty());
        assert_eq!(comparison.ignored, ["weather"]);
    }

    #[test]
    fn a_refusal_is_compared_by_number_and_name() {
        for (error, matches) in [
            (json!({"error": 6004}), true),
            (json!({"error": "6004", "name": "ExceededSlippage"}), true),
            (json!({"error": "ExceededSlippage"}), true),
            (json!({"error": 6004, "name": "Overflow"}), false),
            (json!({"error": 6023}), false),
            (json!({"error": 6053}), false),
        ] {
            let comparison = with(&json!({"limit": "1127", "expected": error}));
            assert!(comparison.refused);
            assert_eq!(comparison.differences.is_empty(), matches, "{error}");
        }
        assert_eq!(fields(with(&json!({"error": 6004}))), ["error"], "the trade is possible");
        assert_eq!(fields(with(&json!({"limit": "1127", "user_quote": "1128"}))), ["error"], "it is not");
    }

    #[test]
    fn a_refused_account_matches_where_no_creator_is_paid() {
        // Flat fees have no creator rate.
        let flat =
            json!({"ix": "buy", "canonical": false, "error": 6053, "error_msg": "BuybackFeeRecipientNotAuthorized"});
        assert!(with(&flat).differences.is_empty());
        assert_eq!(fields(with(&json!({"canonical": true, "error": 6053}))), ["error"]);
        assert_eq!(fields(with(&json!({"canonical": false, "has_coin_creator": false, "error": 6053}))), ["error"]);
    }

    #[test]
    fn the_printed_creator_rate_is_accepted_where_there_is_no_creator() {
        let rate = |bps: u64| with(&json!({"has_coin_creator": false, "expected": {"creator_bps": bps}}));
        assert!(fields(rate(0)).is_empty() && fields(rate(30)).is_empty());
        assert_eq!(fields(rate(95)), ["creator_bps"]);
        assert_eq!(fields(with(&json!({"expected": {"creator_bps": 0}}))), ["creator_bps"]);
    }
}
