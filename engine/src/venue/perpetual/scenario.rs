//! Scenarios of a perpetual future's cash, computed: what a document states of events is replaced by what the rules give.
//!
//! A document has `tiers`, `maintenance_on` and up to three lists. `scenarios`: `capital`, `leverage`, `fee_taker`,
//! `fee_maker` and `events` (`fill`, `funding`, `mark`), each with what it came to (`expect`) and the account `after` it.
//! `bar_order`: one bar of a position with stop and target, in last prices and mark prices, and what closes it first.
//! `slippage`: closes, volumes and an order, and the price of its fill. Whatever else stands in it is kept as it is.

use serde::{
    Deserialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Value, json};
use thiserror::Error;

use super::{
    Activity, Maintenance, MaintenanceOn, MarginAccount, Slippage, Tiers,
    fees::{DEFAULT_MAKER, DEFAULT_TAKER, Role},
};
use crate::{
    decision::Reason,
    market::Bar,
    matching::{Liquidation, RestingExits},
};

/// A document that cannot be computed.
#[derive(Debug, Error)]
#[error("{place}: {source}")]
pub struct ScenarioError {
    /// Where in the document, such as `scenarios[2].events[0]`.
    place: String,
    source: serde_json::Error,
}

/// A price, a capital: above 0.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
struct Positive(f64);

impl TryFrom<f64> for Positive {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if value > 0.0 { Ok(Self(value)) } else { Err(format!("expected a number above 0, found {value}")) }
    }
}

/// A fee or a rate of funding: a fraction of the notional.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
struct Rate(f64);

impl TryFrom<f64> for Rate {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if value.abs() < 1.0 { Ok(Self(value)) } else { Err(format!("expected a fraction, found the rate {value}")) }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
struct Leverage(f64);

impl TryFrom<f64> for Leverage {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if value >= 1.0 { Ok(Self(value)) } else { Err(format!("expected a leverage of 1 or more, found {value}")) }
    }
}

#[derive(Deserialize)]
struct Terms {
    capital: Positive,
    leverage: Leverage,
    fee_taker: Rate,
    fee_maker: Rate,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Happening {
    Fill { size: f64, price: Positive, role: Role, mark: Option<Positive> },
    Funding { rate: Rate, mark: Positive },
    Mark { mark: Positive },
}

#[derive(Deserialize)]
struct OneBar {
    side: Side,
    size: Positive,
    entry: Positive,
    stop: Option<f64>,
    target: Option<f64>,
    last: [Positive; 4],
    mark: [Positive; 4],
    #[serde(default = "usual_leverage")]
    leverage: Leverage,
    #[serde(default = "usual_capital")]
    capital: Positive,
}

fn usual_leverage() -> Leverage {
    Leverage(20.0)
}

fn usual_capital() -> Positive {
    Positive(1_000.0)
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    #[serde(alias = "buy")]
    Long,
    #[serde(alias = "sell")]
    Short,
}

impl Side {
    fn sign(self) -> f64 {
        match self {
            Self::Long => 1.0,
            Self::Short => -1.0,
        }
    }
}

#[derive(Deserialize)]
struct Order {
    closes: Vec<f64>,
    volumes: Vec<f64>,
    size: f64,
    spread_bps: f64,
    coefficient: f64,
    side: Side,
    mid: f64,
}

/// The lists that a document can have.
const LISTS: [&str; 3] = ["scenarios", "bar_order", "slippage"];

/// Replaces every figure of `document` that follows from its events by what the rules give.
///
/// # Errors
/// An event, a bar or an order lacks a number or has an impossible one, the tiers are none, or there is no list.
pub fn compute(document: &mut Value) -> Result<(), ScenarioError> {
    let tiers: Tiers = part(document.get("tiers"), "tiers")?;
    if !LISTS.iter().any(|list| document.get(list).is_some_and(Value::is_array)) {
        let source = serde_json::Error::custom(format!("expected one of the lists {}", LISTS.join(", ")));
        return Err(ScenarioError { place: "the document".to_owned(), source });
    }
    let on: MaintenanceOn = match document.get("maintenance_on") {
        Some(on) => part(Some(on), "maintenance_on")?,
        None => MaintenanceOn::default(),
    };
    let rule = Maintenance { tiers: &tiers, on };
    each(document, "scenarios", |scenario, place| compute_scenario(scenario, place, rule))?;
    each(document, "bar_order", |bar, place| compute_bar(bar, place, rule))?;
    each(document, "slippage", compute_slippage)
}

fn part<T: DeserializeOwned>(value: Option<&Value>, place: &str) -> Result<T, ScenarioError> {
    let value = value.cloned().unwrap_or(Value::Null);
    serde_json::from_value(value).map_err(|source| ScenarioError { place: place.to_owned(), source })
}

/// Computes every object of the list `name`; nothing where there is none.
fn each(
    of: &mut Value,
    name: &str,
    mut compute: impl FnMut(&mut Value, &str) -> Result<(), ScenarioError>,
) -> Result<(), ScenarioError> {
    let list = of.get_mut(name).and_then(Value::as_array_mut);
    list.into_iter().flatten().enumerate().try_for_each(|(i, one)| compute(one, &format!("{name}[{i}]")))
}

fn set(object: &mut Value, fields: Value) {
    if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), fields) {
        object.extend(fields);
    }
}

fn compute_scenario(scenario: &mut Value, place: &str, rule: Maintenance<'_>) -> Result<(), ScenarioError> {
    let terms: Terms = part(Some(scenario), place)?;
    let mut account = MarginAccount::new(terms.capital.0);
    let (mut fees, mut funding, mut realised) = (0.0, 0.0, 0.0);
    each(scenario, "events", |event, at| {
        let happening: Happening = part(Some(event), &format!("{place}.{at}"))?;
        let before = account;
        let (mark, expect) = match happening {
            Happening::Fill { size, price, role, mark } => {
                let Rate(rate) = match role {
                    Role::Taker => terms.fee_taker,
                    Role::Maker => terms.fee_maker,
                };
                let fee = size.abs() * price.0 * rate;
                let filled = account.fill(size, price.0, fee, terms.leverage.0, 0);
                if filled.is_ok() {
                    fees += fee;
                    realised += account.wallet() - before.wallet() + fee;
                }
                (mark.unwrap_or(price), if filled.is_ok() { "filled" } else { "insufficient_margin" })
            }
            Happening::Funding { rate, mark } => {
                funding -= account.settle_funding(rate.0, mark.0);
                (mark, "settled")
            }
            Happening::Mark { mark } if account.is_liquidated_at(mark.0, rule) => {
                account.liquidate();
                realised += account.wallet() - before.wallet();
                (mark, "liquidated")
            }
            Happening::Mark { mark } => (mark, "marked"),
        };
        set(event, json!({ "expect": expect, "after": state(&account, mark.0, rule) }));
        Ok(())
    })?;
    let totals = json!({ "fees": fees, "funding": funding, "realised": realised });
    set(scenario, json!({ "final_wallet": account.wallet(), "totals": totals }));
    Ok(())
}

/// The account at `mark`; what only a position has is null without one.
fn state(account: &MarginAccount, mark: f64, rule: Maintenance<'_>) -> Value {
    let open = account.entry().is_some();
    let on_entry = Maintenance { on: MaintenanceOn::Entry, ..rule };
    let on_mark = Maintenance { on: MaintenanceOn::Mark, ..rule };
    json!({
        "wallet": account.wallet(),
        "free": account.free(),
        "position": account.position(),
        "entry": account.entry(),
        "margin": account.margin(),
        "unrealised": account.unrealised(mark),
        "equity": account.equity(mark),
        "margin_balance": open.then(|| account.margin_balance(mark)),
        "maintenance": open.then(|| account.maintenance(mark, rule)),
        "liquidation_price": account.liquidation_price(on_mark),
        "liquidation_price_on_entry": account.liquidation_price(on_entry),
    })
}

fn compute_bar(bar: &mut Value, place: &str, rule: Maintenance<'_>) -> Result<(), ScenarioError> {
    let OneBar { side, size, entry, stop, target, last, mark, leverage, capital } = part(Some(bar), place)?;
    let (Positive(size), Positive(entry), Leverage(leverage), Positive(capital)) = (size, entry, leverage, capital);
    let ohlc = |prices: [Positive; 4]| {
        let [open, high, low, close] = prices.map(|Positive(price)| price);
        Bar { open_time: 0, open, high, low, close }
    };
    let (last, mark, long) = (ohlc(last), ohlc(mark), side.sign() > 0.0);
    let mut account = MarginAccount::new(capital);
    let opened = account.fill(side.sign() * size, entry, size * entry * DEFAULT_TAKER.get(), leverage, 0);
    let exits = RestingExits { stop: stop.map(|level| (level, Reason::StopLoss)), target, long };
    let hit = exits.hit(&last);
    let liquidated = account.is_liquidated_at(mark.open, rule)
        || Liquidation::inside(&account, rule, &mark).is_some_and(|liquidation| liquidation.comes_first(hit, &last));
    let fields = match hit {
        _ if opened.is_err() => json!({ "expect": "insufficient_margin", "price": null }),
        _ if liquidated => {
            account.liquidate();
            json!({ "expect": "liquidated", "price": null })
        }
        None => json!({ "expect": null, "price": null }),
        Some((price, reason)) => {
            let rate = if reason == Reason::TakeProfit { DEFAULT_MAKER } else { DEFAULT_TAKER };
            let fee = size * price * rate.get();
            // Closing needs no margin.
            let _closed = account.fill(-side.sign() * size, price, fee, leverage, 0);
            json!({ "expect": reason.name(), "price": price })
        }
    };
    set(bar, fields);
    set(bar, json!({ "wallet": account.wallet() }));
    Ok(())
}

fn compute_slippage(order: &mut Value, place: &str) -> Result<(), ScenarioError> {
    let Order { closes, volumes, size, spread_bps, coefficient, side, mid } = part(Some(order), place)?;
    let activity = Activity::at(&closes, &volumes);
    let slippage = Slippage { spread: spread_bps / 10_000.0, coefficient }.of(size, activity);
    let fields = json!({
        "volatility": activity.map(|activity| activity.volatility),
        "mean_volume": activity.map(|activity| activity.mean_volume),
        "slippage": slippage,
        "price": slippage.map(|slippage| mid * (1.0 + side.sign() * slippage)),
    });
    set(order, fields);
    Ok(())
}
