use q50_datasets::{
    Bars, Dataset,
    results::{Curve, CurveKind},
};

use super::{Coverage, Labels, RebuildError, Rebuilt, holding};
use crate::{
    claim::{Benchmark, ClaimedFigure},
    metrics::{self, Ddof},
};

/// Distance within which a file's own figure is the one that was computed again.
const SAME: f64 = 1e-3;
/// Deviations of the other returns from which on the first one is that of another capital.
const ANOTHER_CAPITAL: f64 = 10.0;
/// Returns from which on their deviation is known.
const ENOUGH: usize = 20;

/// A file of returns or of equity, row by row, beside the `bars` of what was traded.
///
/// Without `capital` returns begin at 1, and equity at its first value, whose period then has a return of 0.
///
/// # Errors
/// The bars are coarser than the rows, or do not cover them; or the equity does not begin with the capital that was given.
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
    let returns: Vec<f64> = with_start.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect();
    if kind == CurveKind::Equity {
        begins_with(capital, equity[0], &returns)?;
    }
    let mut stated = curve.stated.clone();
    stated.notes.extend(Labels::of(&curve.time, curve.interval_ms).note().map(str::to_owned));
    Ok(Rebuilt {
        periods: Dataset::without_signals(periods)?,
        capital,
        trading: None,
        benchmark: holding.map(|curve| Benchmark { name: "buy_and_hold", curve }),
        coverage: Some(Coverage::of(&curve.time, curve.interval_ms, &returns, bars.map(|bars| &bars.open_time[..]))),
        figures: stated
            .max_drawdown
            .map(|stated| ClaimedFigure::number("max_drawdown", stated, Some(fall), SAME))
            .into_iter()
            .collect(),
        stated,
        equity,
    })
}

/// Refuses a capital from which the first step is nothing like the others.
fn begins_with(capital: f64, first: f64, returns: &[f64]) -> Result<(), RebuildError> {
    let (step, others) = (returns[0], &returns[1..]);
    let deviation = metrics::standard_deviation(others, Ddof::One).ok().filter(|_| others.len() >= ENOUGH);
    match deviation.filter(|deviation| step.abs() > ANOTHER_CAPITAL * deviation) {
        None => Ok(()),
        Some(deviation) => Err(RebuildError::Bars(format!(
            "equity begins at {first} and the capital is {capital}: a first return of {:.2} %, {:.0} times the deviation of \
             the others; give the capital that the backtest started with, or leave --capital out",
            100.0 * step,
            step.abs() / deviation
        ))),
    }
}
