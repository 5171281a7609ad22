use maud::{Markup, html};

use super::{
    format::{count, interval, number, percent},
    notes::Notes,
    why::{Why, periods_per_year},
};
use crate::claim::Verification;

/// Years that a trading year's worth of doubt may need before a number says nothing more.
const LONGEST_YEARS: f64 = 10_000.0;

/// Claim, replay, and buying and holding beside each other.
pub(super) fn comparison(v: &Verification, why: &Why) -> Markup {
    let mut notes = Notes::default();
    let rows = comparison_rows(v, why, &mut notes);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Claim, replay, and buying and holding" {
            table.figures {
                thead {
                    tr {
                        th scope="col" { "Figure" }
                        th.number scope="col" { "Claim" }
                        th.number scope="col" { "Replay" }
                        th.number scope="col" { "Buy and hold" }
                    }
                }
                tbody {
                    @for (name, cells) in rows {
                        tr { th scope="row" { (name) } @for cell in cells { td.number { (cell) } } }
                    }
                }
            }
        }
        (notes.list())
    }
}

fn comparison_rows(v: &Verification, why: &Why, notes: &mut Notes) -> Vec<(String, [Markup; 3])> {
    let (claim, replay, held) = (&v.claim, &v.replay, &v.benchmark);
    let (on_replay, on_claim) = (&v.inference, &v.claim_inference);
    let year = periods_per_year(v);
    let unstated = || "the claim does not state it".to_owned();
    let not_held = || "not computed for buying and holding".to_owned();
    let still = || why.sharpe();
    let short = || "the claim covers too few bars".to_owned();
    let never = || "the Sharpe ratio is not above 0: no record is long enough".to_owned();
    let plain = |text: String| html! { (text) };
    let three = |value: f64| number(value, 3);
    let two = |value: f64| number(value, 2);
    let long = |years: f64| if years > LONGEST_YEARS { "over 10,000".to_owned() } else { number(years, 2) };
    let share = |value: f64| percent(value, 2);
    let range = |value: [f64; 2]| interval(value, 2);
    let mut rows = Vec::new();
    let mut add = |name: String, claim: Markup, replay: Markup, held: Markup| rows.push((name, [claim, replay, held]));

    let cells = (notes.or_dash(replay.sharpe, three, still), notes.or_dash(held.sharpe, three, || why.holding()));
    add("Sharpe ratio, annual".into(), plain(three(claim.sharpe)), cells.0, cells.1);
    let cells = (
        notes.or_dash(on_claim.sharpe_ci95, range, short),
        notes.or_dash(on_replay.sharpe_ci95, range, || resampling(v, why)),
        notes.dash(not_held()),
    );
    add("95\u{a0}% interval of it".into(), cells.0, cells.1, cells.2);
    let cells = (
        notes.or_dash(on_claim.psr_zero, three, short),
        notes.or_dash(on_replay.psr_zero, three, still),
        notes.dash(not_held()),
    );
    add("Probability that it is above 0 (PSR)".into(), cells.0, cells.1, cells.2);
    let trials = on_replay.trials;
    let best = format!("Best of {trials} {} without skill, expected", if trials == 1 { "trial" } else { "trials" });
    let cells = (
        notes.or_dash(on_claim.noise_maximum, three, short),
        notes.or_dash(on_replay.noise_maximum, three, still),
        notes.dash(not_held()),
    );
    add(best, cells.0, cells.1, cells.2);
    let cells =
        (notes.or_dash(on_claim.dsr, three, short), notes.or_dash(on_replay.dsr, three, still), notes.dash(not_held()));
    add("Probability that it is above that (DSR)".into(), cells.0, cells.1, cells.2);
    let covered = |notes: &mut Notes| {
        notes.or_dash(
            year,
            |y| two(replay.bars as f64 / y.get()),
            || "the settings have no periods_per_year".to_owned(),
        )
    };
    let cells = (covered(notes), covered(notes));
    add("Length of the record, years".into(), plain(two(on_claim.years)), cells.0, cells.1);
    let unproved = || if replay.sharpe.is_some() { never() } else { still() };
    let cells = (
        notes.or_dash(on_claim.min_track_record_years, long, never),
        notes.or_dash(on_replay.min_track_record_years, long, unproved),
        notes.dash(not_held()),
    );
    add("Length that it needs, years".into(), cells.0, cells.1, cells.2);
    let claimed = notes.or_dash(claim.total_return, share, unstated);
    add("Total return".into(), claimed, plain(share(replay.total_return)), plain(share(held.total_return)));
    let cells = (
        notes.or_dash(claim.max_drawdown, share, unstated),
        notes.or_dash(replay.max_drawdown, share, || why.drawdown()),
        notes.or_dash(held.max_drawdown, share, || why.holding()),
    );
    add("Largest fall from a peak".into(), cells.0, cells.1, cells.2);
    add("Bars".into(), plain(count(claim.bars)), plain(count(replay.bars)), plain(count(replay.bars)));
    rows
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

fn detail_rows(v: &Verification, why: &Why, notes: &mut Notes) -> Vec<(&'static str, Markup)> {
    let (replay, inference, claim) = (&v.replay, &v.inference, &v.claim_inference);
    let plain = |text: String| html! { (text) };
    let three = |value: f64| number(value, 3);
    let two = |value: f64| number(value, 2);
    let share = |value: f64| percent(value, 2);
    let resampled = || resampling(v, why);
    vec![
        ("Final equity, quote units", plain(two(replay.final_equity))),
        ("Growth a year (CAGR)", notes.or_dash(replay.cagr, share, || why.cagr())),
        ("Volatility a year", notes.or_dash(replay.volatility, share, || why.volatility())),
        ("Sharpe ratio a bar", notes.or_dash(replay.sharpe_per_period, |s| number(s, 6), || why.sharpe())),
        ("Sortino ratio, annual", notes.or_dash(replay.sortino, three, || why.sortino())),
        ("Skewness of returns", notes.or_dash(replay.skew, two, || why.skew())),
        ("Kurtosis of returns (normal: 3)", notes.or_dash(replay.kurtosis, two, || why.kurtosis())),
        ("Orders filled", plain(count(replay.fills))),
        ("Orders not filled", plain(count(replay.rejections))),
        ("Closed positions that gained", notes.or_dash(replay.hit_rate, share, || why.hit_rate())),
        ("Gains for each unit of losses", notes.or_dash(replay.profit_factor, two, || why.profit_factor())),
        ("Turnover, multiples of equity", notes.or_dash(replay.turnover, two, || "no bar was replayed".to_owned())),
        ("Mean exposure", notes.or_dash(replay.exposure, share, || why.exposure())),
        ("Fees, quote units", plain(two(replay.fees))),
        ("Spread, quote units", plain(two(replay.spread_cost))),
        ("Sharpe ratio less that of holding", notes.or_dash(inference.holding_difference, three, resampled)),
        (
            "95\u{a0}% interval of the difference",
            notes.or_dash(inference.holding_difference_ci95, |i| interval(i, 2), resampled),
        ),
        ("One-sided p of \u{201c}no better than holding\u{201d}", {
            notes.or_dash(inference.holding_p_value, three, resampled)
        }),
        ("Mean block of the bootstrap, bars", notes.or_dash(inference.mean_block, |b| number(b, 1), resampled)),
        ("Claim's DSR at the variance of published trials", {
            let reason = || "the claim lists fewer than two comparable published trials".to_owned();
            notes.or_dash(claim.dsr_published_variance, three, reason)
        }),
        ("Claim's DSR at the variance of trials without skill", {
            notes.or_dash(claim.dsr_null_variance, three, || "the claim covers too few bars".to_owned())
        }),
    ]
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
