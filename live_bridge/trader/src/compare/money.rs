//! Money of both, on the bars that both have.

use super::Backtest;
use crate::journal::DecisionRow;
use q50_research::inference::StationaryBootstrap;
use q50_research::metrics::sharpe;
use serde::Serialize;
use std::collections::BTreeMap;

/// Of the backtest's Sharpe ratio, how far the live one may be from it.
const CLOSE: f64 = 0.1;

/// Money on the bars that both have.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Money {
    /// Bars.
    pub bars: usize,
    /// Return of the backtest, a fraction.
    pub backtest_return: Option<f64>,
    /// Return of the session.
    pub live_return: Option<f64>,
    /// Annual Sharpe ratio of the backtest.
    pub backtest_sharpe: Option<f64>,
    /// Of the session.
    pub live_sharpe: Option<f64>,
    /// 95 % interval of the session's less the backtest's.
    pub sharpe_difference_ci95: Option<[f64; 2]>,
    /// Whether the session's is within 10 % of the backtest's.
    pub is_close: Option<bool>,
}

impl Money {
    /// Of the equity of both.
    pub(super) fn of(backtest: &Backtest, equity: &[(i64, [f64; 2])]) -> Self {
        let pairs: Vec<[f64; 2]> = equity.iter().map(|(_, pair)| *pair).collect();
        let returns =
            |side: usize| -> Vec<f64> { pairs.windows(2).map(|pair| pair[1][side] / pair[0][side] - 1.0).collect() };
        let whole = |side: usize| Some(pairs.last()?[side] / pairs.first()?[side] - 1.0);
        let year = backtest.settings.periods_per_year;
        let [backtest_sharpe, live_sharpe] =
            [0, 1].map(|side| sharpe(&returns(side), year).ok().map(q50_engine::units::AnnualSharpe::get));
        let difference = StationaryBootstrap::default().sharpe_difference(&returns(1), &returns(0), year).ok();
        let is_close = backtest_sharpe.zip(live_sharpe).map(|(replayed, live)| is_close(replayed, live));
        Self {
            bars: pairs.len(),
            backtest_return: whole(0),
            live_return: whole(1),
            backtest_sharpe,
            live_sharpe,
            sharpe_difference_ci95: difference.map(|difference| [difference.low.get(), difference.high.get()]),
            is_close,
        }
    }
}

/// Whether a live ratio is within 10 % of the replayed one.
fn is_close(replayed: f64, live: f64) -> bool {
    (live - replayed).abs() <= CLOSE * replayed.abs()
}

/// Equity of both at the closes of the same bars.
pub(super) fn equity(backtest: &Backtest, both: &[(&DecisionRow, &str)]) -> Vec<(i64, [f64; 2])> {
    let replayed: BTreeMap<i64, f64> = backtest.equity.iter().copied().collect();
    let pair =
        |(live, _): &(&DecisionRow, &str)| Some((live.bar_ms, [*replayed.get(&live.bar_ms)?, live.account.equity]));
    both.iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_replayed_ratio_is_close_whichever_its_sign() {
        for (replayed, live, expected) in
            [(2.0, 1.85, true), (2.0, 2.15, true), (2.0, 1.75, false), (-2.0, -2.15, true), (-2.0, 2.0, false)]
        {
            assert_eq!(is_close(replayed, live), expected, "{replayed} {live}");
        }
    }
}
