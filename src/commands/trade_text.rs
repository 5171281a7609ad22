//! Pools, quotes and orders for people: the answer first, amounts in SOL and coins. Programs read the JSON, which has the
//! same fields in the smallest units.

use std::io::{Result, Write};

use serde_json::Value;

use super::chain::SOL_DECIMALS;

/// Width of the names of lines.
const NAMES: usize = 11;

/// Amounts of a coin, in whole coins where its decimals are known.
#[derive(Clone, Copy)]
pub(super) struct Coins(pub(super) Option<u8>);

impl Coins {
    fn of(self, units: &Value) -> String {
        match self.0 {
            Some(decimals) => format!("{} coins", decimal(units, decimals)),
            None => format!("{} units", text(units)),
        }
    }
}

/// An order, a quote, or what a dry run found.
pub(super) fn order(out: &mut dyn Write, value: &Value, coins: Coins) -> Result<()> {
    if let Some(error) = value.get("error") {
        return writeln!(out, "the pool would not fill it: {} ({error})", text(&value["name"]));
    }
    if let Some(state) = value.get("state") {
        let mut said = text(state);
        if value["dry_run"] == true {
            said += ", nothing was sent";
        }
        if let Some(reason) = value["reason"].as_str() {
            // Some reasons say it themselves.
            let twice = format!("{}: ", text(state));
            said += &format!(": {}", reason.strip_prefix(&twice).unwrap_or(reason));
        }
        writeln!(out, "{said}")?;
    }
    if let Some(mint) = value["mint"].as_str() {
        line(out, "coin", mint)?;
    }
    let quoted = if value["quoted"].is_object() { &value["quoted"] } else { value };
    if quoted["instruction"].is_string() {
        quote(out, quoted, coins)?;
    }
    if value["state"] == "filled" {
        // What came in is above zero.
        let size = |amount: &Value| Value::from(text(amount).trim_start_matches('-'));
        let done = if text(&value["base"]).starts_with('-') { "sold" } else { "bought" };
        line(out, done, &format!("{} for {}", coins.of(&size(&value["base"])), sol(&size(&value["quote"]))))?;
    }
    for (name, field) in
        [("network", "network_fee"), ("deposit", "rent"), ("wallet", "lamports"), ("at most", "most_lamports")]
    {
        if value[field].as_str().is_some_and(|amount| amount != "0") {
            line(out, name, &sol(&value[field]))?;
        }
    }
    if let Some(pool) = value["pool"].as_str() {
        line(out, "pool", pool)?;
    }
    if let Some(slot) = value["slot"].as_u64() {
        line(out, "slot", &format!("{slot}{}", if value["final"] == true { ", final" } else { "" }))?;
    }
    if let Some(signature) = value["signature"].as_str() {
        line(out, "signature", signature)?;
    }
    if let [Some(send), Some(settle)] = ["to_send_ms", "to_settle_ms"].map(|field| value[field].as_u64()) {
        line(out, "time", &format!("{send} ms to the send, {settle} ms until it was settled"))?;
    }
    if let Some(fired) = value["fired"].as_str() {
        line(out, "fired", fired)?;
    }
    Ok(())
}

/// What is traded, within which bound, and what the pool takes of it.
fn quote(out: &mut dyn Write, quoted: &Value, coins: Coins) -> Result<()> {
    let bound = match text(&quoted["instruction"]).as_str() {
        "buy" => format!("at most {}", sol(&quoted["limit"])),
        "sell" => format!("at least {}", sol(&quoted["limit"])),
        _ => format!("at least {}", coins.of(&quoted["limit"])),
    };
    let (side, base, paid) = (text(&quoted["side"]), coins.of(&quoted["base"]), sol(&quoted["user_quote"]));
    line(out, "quoted", &format!("{side} {base} for {paid}, {bound}"))?;
    let fees = ["lp_fee", "protocol_fee", "creator_fee"].map(|field| sol(&quoted[field]));
    line(out, "pool's fees", &format!("{} liquidity, {} protocol, {} creator", fees[0], fees[1], fees[2]))
}

/// A pool and its coin.
pub(super) fn pool(out: &mut dyn Write, value: &Value, decimals: u8) -> Result<()> {
    let coins = Coins(Some(decimals));
    line(out, "coin", &text(&value["mint"]))?;
    line(out, "pool", &text(&value["pool"]))?;
    line(out, "price", &format!("{:e} SOL a coin, before fees", value["price_sol"].as_f64().unwrap_or(f64::NAN)))?;
    line(out, "holds", &format!("{} and {}", coins.of(&value["base_reserve"]), sol(&value["quote_vault"])))?;
    if value["virtual_quote"].as_str().is_some_and(|amount| amount != "0") {
        let priced =
            format!("{}, of which {} are virtual", sol(&value["effective_quote"]), sol(&value["virtual_quote"]));
        line(out, "priced by", &priced)?;
    }
    let rates = ["lp_bps", "protocol_bps", "creator_bps"].map(|field| text(&value[field]));
    line(
        out,
        "fees",
        &format!("{} + {} + {} basis points: liquidity, protocol, creator", rates[0], rates[1], rates[2]),
    )?;
    line(out, "supply", &coins.of(&value["supply"]))?;
    let kinds = ["cashback", "mayhem"].into_iter().filter(|kind| value[kind] == true).collect::<Vec<_>>().join(", ");
    if !kinds.is_empty() {
        line(out, "kind", &kinds)?;
    }
    line(out, "token", &text(&value["token_program"]))?;
    for (name, field) in [("minted by", "mint_authority"), ("frozen by", "freeze_authority")] {
        line(out, name, value[field].as_str().unwrap_or("nobody"))?;
    }
    line(out, "slot", &text(&value["slot"]))?;
    match value["doubts"].as_str() {
        Some(doubts) => line(out, "doubts", doubts),
        None => Ok(()),
    }
}

fn line(out: &mut dyn Write, name: &str, said: &str) -> Result<()> {
    writeln!(out, "{name:<NAMES$} {said}")
}

/// Lamports as SOL, to the last one.
pub(super) fn sol(lamports: &Value) -> String {
    format!("{} SOL", decimal(lamports, SOL_DECIMALS))
}

/// An amount of smallest units as a decimal, exactly and without zeros at its end.
fn decimal(units: &Value, decimals: u8) -> String {
    let units = text(units);
    let (sign, digits) = units.strip_prefix('-').map_or(("", units.as_str()), |digits| ("-", digits));
    let places = usize::from(decimals);
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_exact_decimals() {
        for (units, decimals, expected) in [
            ("0", 9, "0"),
            ("5000", 9, "0.000005"),
            ("-502044280", 9, "-0.50204428"),
            ("1000000000", 9, "1"),
            ("18446744073709551615", 6, "18446744073709.551615"),
            ("7", 0, "7"),
        ] {
            assert_eq!(decimal(&json!(units), decimals), expected);
        }
    }

    #[test]
    fn a_fill_is_told_with_its_answer_first_and_in_whole_units() {
        let value = json!({
            "state": "filled", "reason": null, "signature": "5sig", "slot": 77, "final": true,
            "base": "991795628700", "quote": "-500000000", "network_fee": "5000", "rent": "0", "lamports": "-500005000",
            "to_send_ms": 9, "to_settle_ms": 400,
            "quoted": {
                "side": "buy", "instruction": "buy_exact_quote_in", "base": "991795628700", "user_quote": "500000000",
                "lp_fee": "1000", "protocol_fee": "2000", "creator_fee": "0", "limit": "981877672413",
            },
        });
        let mut said = Vec::new();
        order(&mut said, &value, Coins(Some(6))).unwrap();
        let expected = "filled\n\
            quoted      buy 991795.6287 coins for 0.5 SOL, at least 981877.672413 coins\n\
            pool's fees 0.000001 SOL liquidity, 0.000002 SOL protocol, 0 SOL creator\n\
            bought      991795.6287 coins for 0.5 SOL\n\
            network     0.000005 SOL\n\
            wallet      -0.500005 SOL\n\
            slot        77, final\n\
            signature   5sig\n\
            time        9 ms to the send, 400 ms until it was settled\n";
        assert_eq!(String::from_utf8(said).unwrap(), expected);
    }

    #[test]
    fn a_refusal_says_it_once() {
        let value = json!({"state": "refused", "reason": "refused: trading is switched off", "signature": null});
        let mut said = Vec::new();
        order(&mut said, &value, Coins(None)).unwrap();
        assert_eq!(String::from_utf8(said).unwrap(), "refused: trading is switched off\n");
    }
}
