use q50_datasets::{Bars, time::rfc3339};

use super::{Labels, RebuildError};

/// The price before the first period, and at the end of each: that of the last bar of `bars` that had closed. A period ends
/// where its label says ([`Labels`]), and begins where the one before ended.
///
/// # Errors
/// The bars are longer than the periods, or do not cover them.
pub fn holding(time: &[i64], interval_ms: i64, bars: &Bars) -> Result<Vec<f64>, RebuildError> {
    let (first, ends) = Labels::of(time, interval_ms).bounds(time, interval_ms);
    let (begun, last) = (first + interval_ms, ends[ends.len() - 1]);
    if bars.interval_ms > interval_ms {
        return Err(RebuildError::Bars(format!(
            "bars of {} s are longer than the periods of the result, {} s; give bars that are as short",
            bars.interval_ms / 1_000,
            interval_ms / 1_000
        )));
    }
    let opens = &bars.open_time;
    let bars_end = opens[opens.len() - 1] + bars.interval_ms;
    // A file by days may end in the middle of one.
    if opens[0] > begun || bars_end <= last - interval_ms {
        return Err(RebuildError::Bars(format!(
            "the result is from {} to {}, the bars from {} to {}; give bars of the whole period",
            rfc3339(first),
            rfc3339(last),
            rfc3339(opens[0]),
            rfc3339(bars_end)
        )));
    }
    let closed_by = |time: i64| opens.partition_point(|open| open + bars.interval_ms <= time);
    let price = |time: i64| closed_by(time).checked_sub(1).map_or(bars.open[0], |row| bars.close[row]);
    Ok(std::iter::once(first).chain(ends).map(price).collect())
}
