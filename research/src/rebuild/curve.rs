use q50_datasets::{
    Bars, Dataset,
    results::{Curve, CurveKind},
};

use super::{RebuildError, Rebuilt, holding};
use crate::{
    claim::{Benchmark, ClaimedFigure},
    metrics,
};

/// Distance within which a file's own figure is the one that was computed again.
const SAME: f64 = 1e-3;

/// A file of returns or of equity, row by row, beside the `bars` of what was traded.
///
/// Without `capital` returns begin at 1, and equity at its first value, whose period then has a return of 0.
///
/// # Errors
/// The bars are coarser than the rows, or do not cover them.
pub fn of_curve(
    curve: &Curve,
    kind: CurveKind,
    capital: Option<f64>,
    bars: Option<&Bars>,
) -> Result<Rebuilt, RebuildError> {
    let (capital, equity) = match kind {
        CurveKind::Equity => (capital.unwrap_or(curve.values[0]), curve.values.clone()),
        CurveKind::Returns => {
            let start = capital.unwrap_or(1.0);
            let grown = |equity: &mut f64, value: &f64| {
                *equity *= 1.0 + value;
                Some(*equity)
            };
            (start, curve.values.iter().scan(start, grown).collect())
        }
    };
    let columns = || equity.clone();
    let periods = Bars::new(curve.time.clone(), columns(), columns(), columns(), columns(), None)?;
    let holding = bars.map(|bars| holding(&curve.time, curve.interval_ms, bars)).transpose()?;
    let with_start: Vec<f64> = std::iter::once(capital).chain(equity.iter().copied()).collect();
    let fall = metrics::max_drawdown_of_equity(&with_start)?.depth;
    let stated = curve.stated.max_drawdown;
    Ok(Rebuilt {
        periods: Dataset::without_signals(periods)?,
        capital,
        trading: None,
        benchmark: holding.map(|curve| Benchmark { name: "buy_and_hold", curve }),
        stated: curve.stated.clone(),
        figures: stated
            .map(|stated| ClaimedFigure::number("max_drawdown", stated, Some(fall), SAME))
            .into_iter()
            .collect(),
        equity,
    })
}
