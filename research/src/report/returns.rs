use maud::{Markup, html};

use super::{
    charts::{growth_by, year_and_month},
    format::{number, percent, signed, words},
    notes::Notes,
    why::periods_per_year,
};
use crate::{
    claim::Verification,
    metrics::{MarketModel, TailRisk, calmar, market_model, tail_risk},
};

/// The share of the worst bars that is looked at.
const TAIL: f64 = 0.05;

/// The returns of each year, replay and benchmark.
pub(super) fn years(v: &Verification) -> Markup {
    let curves = &v.curves;
    let year = |ms: i64| year_and_month(ms).map(|(year, _)| year);
    let (ours, theirs) =
        (growth_by(&curves.open_time, &curves.equity, year), growth_by(&curves.open_time, &curves.holding, year));
    let has_benchmark = v.benchmark.total_return.is_some();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Returns by year" {
            table.list {
                thead {
                    tr {
                        th scope="col" { "Year" }
                        th.number scope="col" { "Replay" }
                        @if has_benchmark {
                            th.number scope="col" { (words(v.benchmark.words())) }
                            th.number scope="col" { "Difference" }
                        }
                    }
                }
                tbody {
                    @for (year, growth) in &ours {
                        tr {
                            th scope="row" { (year) }
                            td.number { (percent(*growth, 2)) }
                            @if has_benchmark {
                                @let held = theirs.get(year);
                                td.number { @if let Some(held) = held { (percent(*held, 2)) } }
                                td.number { @if let Some(held) = held { (signed((growth - held) * 100.0, 2)) "\u{a0}%" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Best and worst bars, tails, and how the replay moves with its benchmark.
pub(super) fn table(v: &Verification) -> Markup {
    let mut notes = Notes::default();
    let rows = rows(v, &mut notes);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Risk of a bar, and the benchmark" {
            table.detail {
                thead { tr { th scope="col" { "Figure" } th.number scope="col" { "Replay" } } }
                tbody { @for (name, cell) in rows { tr { th scope="row" { (name) } td.number { (cell) } } } }
            }
        }
        (notes.list())
    }
}

fn rows(v: &Verification, notes: &mut Notes) -> Vec<(&'static str, Markup)> {
    let returns = &of_curve(v, &v.curves.equity)[..];
    let year = periods_per_year(v).ok_or("the settings have no periods_per_year");
    let tail = tail_risk(returns, TAIL);
    let growth = year.map_err(str::to_owned).and_then(|year| calmar(returns, year).map_err(|e| e.to_string()));
    let model = match (year, v.benchmark.total_return) {
        (_, None) => Err("there is no benchmark: give --bars".to_owned()),
        (Err(reason), _) => Err(reason.to_owned()),
        (Ok(year), Some(_)) => market_model(returns, &of_curve(v, &v.curves.holding), year).map_err(|e| e.to_string()),
    };
    let moved: Vec<f64> = returns.iter().copied().filter(|value| *value != 0.0).collect();
    let gained = moved.iter().filter(|value| **value > 0.0).count() as f64 / moved.len() as f64;
    let still = || "no bar had a return".to_owned();
    let share = |value: f64| percent(value, 2);
    let of_tail = |value: fn(TailRisk) -> f64| tail.map(value).map(share).map_err(|e| e.to_string());
    let of_model = |value: fn(&MarketModel) -> f64, show: fn(f64) -> String| {
        model.as_ref().map(|model| show(value(model))).map_err(String::clone)
    };
    [
        ("Best bar", moved.iter().copied().reduce(f64::max).map(share).ok_or_else(still)),
        ("Worst bar", moved.iter().copied().reduce(f64::min).map(share).ok_or_else(still)),
        ("Bars that gained, of those that moved", if moved.is_empty() { Err(still()) } else { Ok(share(gained)) }),
        ("Value at risk: one bar in twenty is worse", of_tail(|tail| tail.value_at_risk)),
        ("Expected shortfall: the mean of those", of_tail(|tail| tail.expected_shortfall)),
        ("Growth a year over the deepest fall (Calmar)", growth.map(|ratio| number(ratio, 2))),
        ("Correlation with the benchmark", of_model(|model| model.correlation, |value| number(value, 3))),
        ("Beta to the benchmark", of_model(|model| model.beta, |value| number(value, 3))),
        ("Alpha a year beside it", of_model(|model| model.alpha, |value| percent(value, 2))),
    ]
    .into_iter()
    .map(|(name, value)| match value {
        Ok(text) => (name, html! { (text) }),
        Err(reason) => (name, notes.dash(reason)),
    })
    .collect()
}

/// Returns of a curve, those that the figures are of: a result of another tool begins with the capital, a replay with its
/// first close.
pub(super) fn of_curve(v: &Verification, curve: &[f64]) -> Vec<f64> {
    let before = v.tool.iter().map(|_| 1.0).chain(curve.iter().copied());
    let after = curve.iter().skip(usize::from(v.tool.is_none()));
    before.zip(after).map(|(before, after)| after / before - 1.0).collect()
}
