use maud::{Markup, html};

use super::{
    format::{amount, count, interval, number, percent, probability, words},
    notes::Notes,
    pool,
    why::{Why, periods_per_year},
};
use crate::claim::Verification;

/// Longest record that is written as a number of years.
const LONGEST_YEARS: f64 = 10_000.0;

/// What is compared: without a claim the replay stands beside holding only.
pub(super) fn heading(v: &Verification) -> String {
    let benchmark = if v.benchmark.name == "buy_and_hold" { "buying and holding" } else { v.benchmark.words() };
    if v.claim.is_some() { format!("Claim, replay, and {benchmark}") } else { format!("Replay, and {benchmark}") }
}

/// Claim, replay, and buying and holding beside each other.
pub(super) fn comparison(v: &Verification, why: &Why) -> Markup {
    let mut notes = Notes::default();
    let rows = comparison_rows(v, why, &mut notes);
    html! {
        div.scroll tabindex="0" role="region" aria-label=(heading(v)) {
            table.figures {
                thead {
                    tr {
                        th scope="col" { "Figure" }
                        @if v.claim.is_some() { th.number scope="col" { "Claim" } }
                        th.number scope="col" { "Replay" }
                        th.number scope="col" { (words(v.benchmark.words())) }
                    }
                }
                tbody {
                    @for (name, cells) in rows {
                        tr {
                            th scope="row" { (name) }
                            @for cell in cells.iter().skip(usize::from(v.claim.is_none())) { td.number { (cell) } }
                        }
                    }
                }
            }
        }
        (notes.list())
    }
}

/// A cell of the claim's column; an empty one, which is not shown, where nothing is claimed.
fn claim_cell<T>(
    v: &Verification,
    notes: &mut Notes,
    value: Option<T>,
    show: impl FnOnce(T) -> String,
    reason: impl FnOnce() -> String,
) -> Markup {
    if v.claim.is_none() {
        html! {}
    } else {
        notes.or_dash(value, show, reason)
    }
}

fn comparison_rows(v: &Verification, why: &Why, notes: &mut Notes) -> Vec<(String, [Markup; 3])> {
    let (claim, replay, held) = (v.claim.as_ref(), &v.replay, &v.benchmark);
    let (ours, claimed) = (&v.inference, v.claim_inference.as_ref());
    let unstated = || "the claim does not state it".to_owned();
    let short = || "the claim covers too few bars".to_owned();
    let never = || "the Sharpe ratio is not above 0: no record is long enough".to_owned();
    let unproved = || if replay.sharpe.is_some() { never() } else { why.sharpe() };
    let no_year = || "the settings have no periods_per_year".to_owned();
    let not_held = "not computed for buying and holding";
    let years = periods_per_year(v).map(|year| replay.bars as f64 / year.get());
    let best = match ours.trials {
        1 => "One trial without skill, expected".to_owned(),
        trials => format!("Best of {trials} trials without skill, expected"),
    };
    vec![
        (
            "Sharpe ratio, annual".to_owned(),
            [
                claim_cell(v, notes, claim.map(|c| c.sharpe), three, unstated),
                notes.or_dash(replay.sharpe, three, || why.sharpe()),
                notes.or_dash(held.sharpe, three, || why.holding()),
            ],
        ),
        (
            "95\u{a0}% interval of it".to_owned(),
            [
                claim_cell(v, notes, claimed.and_then(|c| c.sharpe_ci95), range, short),
                notes.or_dash(ours.sharpe_ci95, range, || resampling(v, why)),
                notes.dash(not_held),
            ],
        ),
        (
            "Probability that it is above 0 (PSR)".to_owned(),
            [
                claim_cell(v, notes, claimed.and_then(|c| c.psr_zero), probability, short),
                notes.or_dash(ours.psr_zero, probability, || why.sharpe()),
                notes.dash(not_held),
            ],
        ),
        (
            best,
            [
                claim_cell(v, notes, ours.noise_maximum, three, short),
                notes.or_dash(ours.noise_maximum, three, || why.sharpe()),
                notes.dash(not_held),
            ],
        ),
        (
            "Probability that it is above that (DSR)".to_owned(),
            [
                claim_cell(v, notes, claimed.and_then(|c| c.dsr), probability, short),
                notes.or_dash(ours.dsr, probability, || why.sharpe()),
                notes.dash(not_held),
            ],
        ),
        (
            "Length of the record, years".to_owned(),
            [
                claim_cell(v, notes, claimed.map(|c| c.years), two, unstated),
                notes.or_dash(years, two, no_year),
                notes.or_dash(years, two, no_year),
            ],
        ),
        (
            "Length that it needs, years".to_owned(),
            [
                claim_cell(v, notes, claimed.and_then(|c| c.min_track_record_years), long, never),
                notes.or_dash(ours.min_track_record_years, long, unproved),
                notes.dash(not_held),
            ],
        ),
        (
            "Total return".to_owned(),
            [
                claim_cell(v, notes, claim.and_then(|c| c.total_return), share, unstated),
                plain(&share(replay.total_return)),
                notes.or_dash(held.total_return, share, || why.holding()),
            ],
        ),
        (
            "Largest fall from a peak".to_owned(),
            [
                claim_cell(v, notes, claim.and_then(|c| c.max_drawdown), share, unstated),
                notes.or_dash(replay.max_drawdown, share, || why.drawdown()),
                notes.or_dash(held.max_drawdown, share, || why.holding()),
            ],
        ),
        (
            "Bars".to_owned(),
            [
                claim_cell(v, notes, claim.map(|c| c.bars), count, unstated),
                plain(&count(replay.bars)),
                plain(&count(replay.bars)),
            ],
        ),
    ]
}

fn plain(text: &str) -> Markup {
    html! { (text) }
}

fn two(value: f64) -> String {
    number(value, 2)
}

fn three(value: f64) -> String {
    number(value, 3)
}

fn share(value: f64) -> String {
    percent(value, 2)
}

fn range(value: [f64; 2]) -> String {
    interval(value, 2)
}

/// A length in years; a Sharpe ratio next to zero needs more of them than a reader can use.
fn long(years: f64) -> String {
    if years > LONGEST_YEARS { format!("over {}", number(LONGEST_YEARS, 0)) } else { two(years) }
}

/// The replay's own figures, and what they support.
pub(super) fn detail(v: &Verification, why: &Why) -> Markup {
    let mut notes = Notes::default();
    let rows = detail_rows(v, why, &mut notes);
    html! {
        div.scroll tabindex="0" role="region" aria-label="The replay in detail" {
            table.detail {
                thead { tr { th scope="col" { "Figure" } th.number scope="col" { "Replay" } } }
                tbody { @for (name, cell) in rows { tr { th scope="row" { (name) } td.number { (cell) } } } }
            }
        }
        (notes.list())
    }
}

/// What each instrument of a portfolio brought.
pub(super) fn instruments(v: &Verification) -> Markup {
    html! {
        p.nothing { "One account: the gains add up to that of the whole. Exposure is the mean share of the equity." }
        div.scroll tabindex="0" role="region" aria-label="The instruments" {
            table.list {
                thead {
                    tr {
                        th scope="col" { "Instrument" }
                        th.number scope="col" { "Gain, " (pool::unit(v)) }
                        th.number scope="col" { "Fees, " (pool::unit(v)) }
                        th.number scope="col" { "Fills" }
                        th.number scope="col" { "Not filled" }
                        th.number scope="col" { "Exposure" }
                        th.number scope="col" { "Bars" }
                    }
                }
                tbody {
                    @for one in &v.instruments {
                        tr {
                            th scope="row" { (one.name) }
                            td.number { (amount(one.gain)) }
                            td.number { (amount(one.fees)) }
                            td.number { (count(one.fills)) }
                            td.number { (count(one.rejections)) }
                            td.number { @if let Some(exposure) = one.exposure { (share(exposure)) } @else { "\u{2013}" } }
                            td.number { (count(one.bars)) }
                        }
                    }
                }
            }
        }
    }
}

fn detail_rows(v: &Verification, why: &Why, notes: &mut Notes) -> Vec<(String, Markup)> {
    let (replay, inference) = (&v.replay, &v.inference);
    let resampled = || resampling(v, why);
    let untold = || if replay.bars == 0 { "no bar was replayed" } else { "the result does not tell it" }.to_owned();
    let mut rows = vec![
        ("Growth a year (CAGR)", notes.or_dash(replay.cagr, share, || why.cagr())),
        ("Volatility a year", notes.or_dash(replay.volatility, share, || why.volatility())),
        ("Sharpe ratio a bar", notes.or_dash(replay.sharpe_per_period, |s| number(s, 6), || why.sharpe())),
        ("Sortino ratio, annual", notes.or_dash(replay.sortino, three, || why.sortino())),
        ("Skewness of returns", notes.or_dash(replay.skew, two, || why.skew())),
        ("Kurtosis of returns (normal: 3)", notes.or_dash(replay.kurtosis, two, || why.kurtosis())),
        ("Orders filled", notes.or_dash(replay.fills, count, untold)),
        ("Orders not filled", notes.or_dash(replay.rejections, count, untold)),
        ("Closed positions that gained", notes.or_dash(replay.hit_rate, share, || why.hit_rate())),
        ("Gains for each unit of losses", notes.or_dash(replay.profit_factor, two, || why.profit_factor())),
        ("Turnover, multiples of equity", notes.or_dash(replay.turnover, two, untold)),
        ("Mean exposure", notes.or_dash(replay.exposure, share, || why.exposure())),
        ("Sharpe ratio less that of holding", notes.or_dash(inference.holding_difference, three, resampled)),
        ("95\u{a0}% interval of the difference", notes.or_dash(inference.holding_difference_ci95, range, resampled)),
        ("One-sided p of \u{201c}no better than holding\u{201d}", {
            notes.or_dash(inference.holding_p_value, probability, resampled)
        }),
        ("Mean block of the bootstrap, bars", notes.or_dash(inference.mean_block, |b| number(b, 1), resampled)),
    ];
    let limits = replay.limits.iter().map(|(name, done)| {
        (format!("Entries at risk.{name}"), plain(&format!("{} refused, {} cut", done.refused, done.cut)))
    });
    if let Some(claim) = &v.claim_inference {
        let few = || "the claim lists fewer than two comparable published trials".to_owned();
        let short = || "the claim covers too few bars".to_owned();
        rows.extend([
            (
                "Claim's DSR at the variance of published trials",
                notes.or_dash(claim.dsr_published_variance, probability, few),
            ),
            (
                "Claim's DSR at the variance of trials without skill",
                notes.or_dash(claim.dsr_null_variance, probability, short),
            ),
        ]);
    }
    let rows = rows.into_iter().map(|(name, cell)| (name.to_owned(), cell));
    money(v).into_iter().chain(rows).chain(limits).collect()
}

/// What is counted in money, with its unit.
fn money(v: &Verification) -> Vec<(String, Markup)> {
    let replay = &v.replay;
    let mut rows = vec![("Capital", Some(v.journal.capital)), ("Final equity", Some(replay.final_equity))];
    match (&replay.pool_costs, &replay.perpetual) {
        (Some(costs), _) => rows.extend([
            ("Fees of pool and network", replay.fees),
            ("Lost to own impact", Some(costs.impact)),
            ("Taken by sandwiches", Some(costs.sandwich)),
        ]),
        (None, Some(costs)) => rows.extend([
            ("Result at mid prices", Some(costs.price_result)),
            ("Fees", Some(costs.fees)),
            ("Funding", Some(costs.funding)),
            ("Spread", Some(costs.spread)),
            ("Slippage", Some(costs.slippage)),
            ("Liquidations beyond the mark price", Some(costs.liquidation_cost)),
            ("Margin lost to liquidations", Some(costs.liquidated_margin)),
            ("Losses beyond it, which an insurance fund bears", Some(costs.insured)),
        ]),
        (None, None) => rows.extend([("Fees", replay.fees), ("Spread", replay.spread_cost)]),
    }
    let unit = pool::unit(v);
    let known = rows.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.map(|(name, value)| (format!("{name}, {unit}"), plain(&amount(value)))).collect()
}

/// Why nothing could be resampled.
fn resampling(v: &Verification, why: &Why) -> String {
    if v.replay.sharpe.is_none() {
        why.sharpe()
    } else if v.benchmark.sharpe.is_none() {
        why.holding()
    } else {
        "too few returns, or too few that are not zero, to resample".to_owned()
    }
}
