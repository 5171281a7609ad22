//! Facts about the data on which a claim is judged: the window, not the whole file.

use std::collections::BTreeMap;

use q50_datasets::{
    artefacts::{Artefact, ArtefactKind},
    dataset::Dataset,
    reading::Reading,
    side_codes::{CodeCounts, MinusOne},
    time::rfc3339,
};
use q50_engine::{market::Market, venue::PoolPath};
use serde::{Deserialize, Serialize};
use statrs::statistics::Statistics as _;

use crate::{
    run::{Instrument, Source},
    week::Week,
};

/// Facts about the replayed window.
#[derive(Clone, Debug, Serialize)]
pub struct DataFacts {
    /// Content hash of bars and signals.
    pub hash: String,
    /// Bars replayed.
    pub bars: usize,
    /// Bars among them that have a signal.
    pub signals: usize,
    /// Open of the first bar, RFC 3339.
    pub from: String,
    /// Open of the last bar, RFC 3339.
    pub to: String,
    /// Gaps between bars.
    pub gaps: usize,
    /// Bars that the gaps leave out, where the market was open.
    pub missing_bars: usize,
    /// Bars that are missing at hours or days of the week at which the record never has any, taken for those at which the
    /// market is closed.
    #[serde(skip_serializing_if = "is_zero")]
    pub closed_bars: usize,
    /// Mark prices that are more than a hundredth from last prices.
    #[serde(skip_serializing_if = "is_zero")]
    pub marks_off: usize,
    /// Days without a bar that were taken for holidays of a market that closes every week.
    #[serde(skip_serializing_if = "is_zero")]
    pub holidays: usize,
    /// Bars that do not lie on the grid that most bars share.
    pub off_grid: usize,
    /// Bars whose open or close lies outside [low, high].
    pub inconsistent: usize,
    /// Forecasts of the signal file whose quantiles cross.
    pub crossed: usize,
    /// Correlation of the returns of recorded reserves with those of the bars, where there are such reserves.
    pub pool_correlation: Option<f64>,
    /// Steps of the recorded pool that nothing explains, where a collection counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unexplained: Option<u64>,
    /// The pool on a chain whose reserves were replayed, where they are those of a collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collected: Option<CollectedPool>,
    /// What nobody could have traded.
    pub artefacts: Vec<ArtefactFacts>,
    /// How the files were read.
    pub files: Vec<Reading>,
    /// Sources that were chosen from a list and end before the bars do: one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<String>,
    /// What the columns `side` and `position` said how often.
    pub codes: Vec<CodeCounts>,
    /// The column that the user named for a single-signal strategy.
    pub signal_column: Option<String>,
    /// What -1 meant in a column `side`; null where that was not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minus_one: Option<MinusOne>,
    /// Whether the market is generated.
    pub demonstration: bool,
    /// Those of the instruments of a portfolio, whose counts are added up above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<Self>,
}

/// A pool that was recorded from a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectedPool {
    /// Its address.
    pub pool: String,
    /// The mint of its coin.
    pub mint: String,
    /// Hash of the chain's first block.
    pub genesis: String,
}

/// Bars that nobody could have traded, of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct ArtefactFacts {
    /// What is wrong with them.
    pub kind: ArtefactKind,
    /// How many they are.
    pub bars: usize,
    /// Open of the first bar of the longest run, RFC 3339.
    pub first: String,
    /// Bars of that run.
    pub longest: usize,
    /// One sentence with the figures.
    pub detail: String,
}

/// Distance of a mark price from the last price, a fraction of it, beyond which it is one that exchanges show in a crash at most.
pub const MARK_OFF: f64 = 0.01;

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl DataFacts {
    /// The facts of a dataset's window.
    #[must_use]
    pub fn of(data: &Dataset, demonstration: bool) -> Self {
        let (from, to) = data.period();
        let (gaps, market) = (data.gaps(), data.market());
        let week = Week::of(&data.bars().open_time[data.rows()], data.bars().interval_ms);
        let missing_bars = if week.closes { week.missing } else { gaps.missing };
        Self {
            hash: data.hash().to_owned(),
            bars: data.rows().len(),
            signals: data.signal_count(),
            from: rfc3339(from),
            to: rfc3339(to),
            gaps: gaps.count,
            missing_bars,
            closed_bars: gaps.missing.saturating_sub(missing_bars),
            marks_off: 0,
            holidays: week.holidays,
            off_grid: off_grid(&market),
            inconsistent: inconsistent(&market),
            crossed: data.report().crossings.rows,
            pool_correlation: None,
            unexplained: None,
            collected: None,
            artefacts: artefacts(data),
            files: data.readings().into_iter().cloned().collect(),
            stale: data.stale().into_iter().collect(),
            codes: data.report().signals.as_ref().map(|report| report.codes.clone()).unwrap_or_default(),
            signal_column: None,
            minus_one: None,
            demonstration,
            each: Vec::new(),
        }
    }
}

impl DataFacts {
    /// The facts of several datasets and of the basket of them: counts are those of all together.
    #[must_use]
    pub fn of_portfolio(basket: &Dataset, each: &[&Dataset]) -> Self {
        let parts: Vec<Self> = each.iter().map(|data| Self::of(data, false)).collect();
        let sum = |count: fn(&Self) -> usize| parts.iter().map(count).sum();
        let (gaps, missing_bars, off_grid) = (sum(|f| f.gaps), sum(|f| f.missing_bars), sum(|f| f.off_grid));
        let (bars, signals) = (sum(|f| f.bars), sum(|f| f.signals));
        let (inconsistent, crossed) = (sum(|f| f.inconsistent), sum(|f| f.crossed));
        let (holidays, closed_bars) = (sum(|f| f.holidays), sum(|f| f.closed_bars));
        let mut all = Self {
            bars,
            signals,
            gaps,
            missing_bars,
            closed_bars,
            holidays,
            off_grid,
            inconsistent,
            crossed,
            ..Self::of(basket, false)
        };
        all.artefacts = parts.iter().flat_map(|part| part.artefacts.iter().cloned()).collect();
        all.files = parts.iter().flat_map(|part| part.files.iter().cloned()).collect();
        all.stale = parts.iter().flat_map(|part| part.stale.iter().cloned()).collect();
        all.codes = parts.iter().flat_map(|part| part.codes.iter().copied()).collect();
        all.each = parts;
        all
    }

    /// The same beside the recorded reserves of the pool; of several pools that which goes least with its bars.
    pub(super) fn beside(&self, source: &Source<'_>) -> Self {
        let alone = Instrument { market: source.market, pool: source.pool };
        let instruments = if source.instruments.is_empty() { std::slice::from_ref(&alone) } else { source.instruments };
        let found = instruments.iter().filter_map(|one| one.pool.map(|pool| correlation(pool, &one.market)));
        Self { pool_correlation: found.min_by(f64::total_cmp), ..self.clone() }
    }

    /// The share of the bars that are missing or that nobody could have traded; of a portfolio that of its worst record,
    /// which sound ones beside it make no better.
    #[must_use]
    pub fn defective_share(&self) -> f64 {
        if !self.each.is_empty() {
            return self.each.iter().map(Self::defective_share).fold(0.0, f64::max);
        }
        let missing = self.missing_bars as f64 / (self.bars + self.missing_bars).max(1) as f64;
        let untradable = self.artefacts.iter().map(|artefact| artefact.bars).max().unwrap_or(0);
        missing.max(untradable.max(self.marks_off) as f64 / self.bars.max(1) as f64)
    }
}

/// Correlation of the returns of recorded reserves with those of the bars; 0 where one of them never moves.
fn correlation(pool: &PoolPath, market: &Market<'_>) -> f64 {
    let rows = market.first..market.len();
    let returns = |prices: &[f64]| -> Vec<f64> { prices.windows(2).map(|w| (w[1] / w[0]).ln()).collect() };
    let (pool, bars) = (returns(&pool.marks()[rows.clone()]), returns(&market.close[rows]));
    let correlation = pool.iter().covariance(bars.iter()) / (pool.iter().std_dev() * bars.iter().std_dev());
    if correlation.is_finite() { correlation } else { 0.0 }
}

fn artefacts(data: &Dataset) -> Vec<ArtefactFacts> {
    let first = |row: usize| rfc3339(data.bars().open_time[row]);
    let facts = |artefact: &Artefact| ArtefactFacts {
        kind: artefact.kind,
        bars: artefact.bars,
        first: first(artefact.row),
        longest: artefact.longest,
        detail: artefact.text(),
    };
    data.artefacts().iter().map(facts).collect()
}

fn off_grid(market: &Market<'_>) -> usize {
    let times = &market.open_time[market.first..];
    let mut phases = BTreeMap::<i64, usize>::new();
    for time in times {
        *phases.entry(time.rem_euclid(market.interval_ms)).or_default() += 1;
    }
    times.len() - phases.values().max().copied().unwrap_or(0)
}

fn inconsistent(market: &Market<'_>) -> usize {
    (market.first..market.len())
        .filter(|&t| {
            let bar = market.bar(t);
            bar.low > bar.open.min(bar.close) || bar.high < bar.open.max(bar.close)
        })
        .count()
}

#[cfg(test)]
mod tests {
    use q50_engine::market::Signals;

    use super::*;

    #[test]
    fn bars_off_the_grid_and_outside_their_range_are_counted_in_the_window_only() {
        let time = [5, 60_000, 120_000, 180_007];
        let (open, high, low) = ([1.0; 4], [1.0, 1.0, 0.5, 1.0], [1.0; 4]);
        let market = Market {
            open_time: &time,
            open: &open,
            high: &high,
            low: &low,
            close: &open,
            signals: Signals::default(),
            interval_ms: 60_000,
            first: 1,
        };
        assert_eq!((off_grid(&market), inconsistent(&market)), (1, 1));
    }
}
