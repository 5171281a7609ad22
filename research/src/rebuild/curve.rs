use q50_datasets::{
    Bars, Dataset,
    results::{Curve, CurveKind},
    time::rfc3339,
};

use super::{RebuildError, Rebuilt};
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
    let holding = bars.map(|bars| holding(curve, bars)).transpose()?;
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

/// The price before the first row's period, and at the end of each: that of the last bar that had closed. A period ends a
/// row's interval after its time, and begins where the one before ended.
fn holding(curve: &Curve, bars: &Bars) -> Result<Vec<f64>, RebuildError> {
    let (first, last) = (curve.time[0], curve.time[curve.time.len() - 1]);
    let end = last + curve.interval_ms;
    if bars.interval_ms > curve.interval_ms {
        return Err(RebuildError::Bars(format!(
            "bars of {} s are longer than the periods of the result, {} s; give bars that are as short",
            bars.interval_ms / 1_000,
            curve.interval_ms / 1_000
        )));
    }
    let opens = &bars.open_time;
    let closed_by = |time: i64| opens.partition_point(|open| open + bars.interval_ms <= time);
    let bars_end = opens[opens.len() - 1] + bars.interval_ms;
    // A file by days may end in the middle of one.
    if opens[0] > first + curve.interval_ms || bars_end <= last {
        return Err(RebuildError::Bars(format!(
            "the result is from {} to {}, the bars from {} to {}; give bars of the whole period",
            rfc3339(first),
            rfc3339(end),
            rfc3339(opens[0]),
            rfc3339(bars_end)
        )));
    }
    let price = |time: i64| closed_by(time).checked_sub(1).map_or(bars.open[0], |row| bars.close[row]);
    Ok(std::iter::once(first).chain(curve.time.iter().map(|time| time + curve.interval_ms)).map(price).collect())
}
