//! What a session was promoted from, as its folder has it.

use super::CompareError;
use crate::promoted::{MANIFEST, folder};
use crate::promotion::{Override, Signed};
use q50_datasets::frame::{Frame, Wanted};
use std::path::Path;

/// Checks that were overridden when the session was promoted by the manifest with this hash; nobody else's file says it.
///
/// # Errors
/// Where the manifest beside the session is another one, or gone.
pub(super) fn overrides(session: &Path, manifest: Option<&str>) -> Result<Vec<Override>, CompareError> {
    let Some(hash) = manifest else { return Ok(Vec::new()) };
    let path = session.join(MANIFEST);
    let refused = |problem: String| CompareError::NoSession { path: path.clone(), problem };
    let signed = Signed::read(&path).map_err(|error| refused(error.to_string()))?;
    if signed.hash() != hash {
        return Err(refused("it is not the manifest that the session was begun with; put that one back".to_owned()));
    }
    Ok(signed.manifest.overrides)
}

/// Equity of the promoted backtest at the close of each bar: the bar's opening, and its money; none where nothing was
/// promoted.
pub(super) fn equity(session: &Path) -> Result<Vec<(i64, f64)>, CompareError> {
    let file = folder(session).join("equity.parquet");
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let frame = Frame::read(&file, &Wanted { time: true, numbers: vec!["equity"], ..Wanted::default() })?;
    let equity = frame.number("equity").unwrap_or_default();
    Ok(frame.time().iter().copied().zip(equity.iter().copied()).collect())
}

/// Equity of the promoted backtest beside a session, a multiple of its value where it begins; `NaN` where it has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Promoted {
    /// At each of the session's bars, or, where the backtest has none of those, at as many of its last ones.
    pub equity: Vec<f64>,
    /// Whether these are the session's own bars.
    pub is_of_these_bars: bool,
}

/// The promoted equity as it stands beside a session: on the session's own bars where it has them; else its last stretch
/// that is as long.
pub(super) fn beside(promoted: &[(i64, f64)], bars: &[i64]) -> Promoted {
    let at = |bar: &i64| promoted.binary_search_by_key(bar, |(time, _)| *time).ok().map(|place| promoted[place].1);
    let own: Vec<Option<f64>> = bars.iter().map(at).collect();
    let is_of_these_bars = own.iter().any(Option::is_some);
    let values = if is_of_these_bars {
        own
    } else {
        let first = promoted.len().saturating_sub(bars.len());
        let stretch = promoted[first..].iter().map(|(_, equity)| Some(*equity));
        stretch.chain(std::iter::repeat(None)).take(bars.len()).collect()
    };
    let first = values.iter().flatten().next().copied().unwrap_or(f64::NAN);
    let equity = values.into_iter().map(|value| value.map_or(f64::NAN, |value| value / first)).collect();
    Promoted { equity, is_of_these_bars }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promoted_equity_is_that_of_the_same_bars_or_of_the_last_ones() {
        let promoted = [(10, 5.0), (20, 4.0), (30, 8.0)];
        let told = |bars: &[i64]| {
            let Promoted { equity, is_of_these_bars } = beside(&promoted, bars);
            (format!("{equity:?}"), is_of_these_bars)
        };
        assert_eq!(told(&[20, 30, 40]), ("[1.0, 2.0, NaN]".to_owned(), true));
        assert_eq!(told(&[50, 60]), ("[1.0, 2.0]".to_owned(), false), "the last two");
        assert_eq!(told(&[50, 60, 70, 80]), ("[1.0, 0.8, 1.6, NaN]".to_owned(), false));
        assert_eq!(format!("{:?}", beside(&[], &[1, 2]).equity), "[NaN, NaN]");
    }
}
