//! Variance regimes from percentiles known at the time.
//!
//! low <= p30 < medium <= p70 < high <= p90 < extreme, of the variance of recent returns. The percentiles are those of
//! a trailing window that ends at the present bar. The published system takes them over the whole sample, future
//! included; that is `percentiles = "full_sample"`.

use std::{cell::RefCell, collections::VecDeque};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// Four levels of market variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// At or below the 30 % percentile.
    Low,
    /// Above the 30 % and at or below the 70 % percentile.
    Medium,
    /// Above the 70 % and at or below the 90 % percentile.
    High,
    /// Above the 90 % percentile.
    Extreme,
}

impl Regime {
    /// The regime's name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Extreme => "extreme",
        }
    }

    /// The regime of `value` among the percentiles p30, p70 and p90, of which no more are asked for than decide.
    fn of(value: f64, percentiles: impl IntoIterator<Item = f64>) -> Self {
        match percentiles.into_iter().position(|percentile| value <= percentile) {
            Some(0) => Self::Low,
            Some(1) => Self::Medium,
            Some(2) => Self::High,
            _ => Self::Extreme,
        }
    }
}

/// From which part of the record percentiles are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Percentiles {
    /// The trailing window up to the present bar.
    #[default]
    Causal,
    /// Everything, the future too. Legacy: the published look-ahead.
    FullSample,
}

/// What a bar gets before the window has `min_observations`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarmUp {
    /// No regime: the strategy holds.
    #[default]
    Hold,
    /// The medium regime.
    Medium,
    /// Percentiles of an earlier record, [p30, p70, p90].
    #[serde(deserialize_with = "ascending")]
    Seed([f64; 3]),
}

fn ascending<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; 3], D::Error> {
    let seed = <[f64; 3]>::deserialize(deserializer)?;
    let sound = seed.iter().all(|p| p.is_finite()) && seed.is_sorted();
    sound.then_some(seed).ok_or_else(|| D::Error::custom(format!("seed is {seed:?}, expected ascending percentiles")))
}

/// A value for each regime.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerRegime {
    /// Value in the low regime.
    pub low: f64,
    /// Value in the medium regime.
    pub medium: f64,
    /// Value in the high regime.
    pub high: f64,
    /// Value in the extreme regime.
    pub extreme: f64,
}

impl PerRegime {
    /// The value in `regime`.
    #[must_use]
    pub const fn get(&self, regime: Regime) -> f64 {
        match regime {
            Regime::Low => self.low,
            Regime::Medium => self.medium,
            Regime::High => self.high,
            Regime::Extreme => self.extreme,
        }
    }
}

/// Rows that are classified at a time: so many windows, and no fewer than that.
const WINDOWS_A_STRETCH: usize = 4;
const LEAST_STRETCH: usize = 1_024;

/// How regimes are found and what they change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegimeConfig {
    /// From which part of the record percentiles are taken.
    pub percentiles: Percentiles,
    /// Bars of the trailing window.
    pub window: usize,
    /// Observations below which there is no percentile.
    pub min_observations: usize,
    /// What a bar gets before that.
    pub warm_up: WarmUp,
    /// Change of the entry threshold, a fraction of it: the wilder the market, the larger the edge that is asked for.
    pub threshold_adjustment: PerRegime,
    /// Further change while volatility moves by more than 0.1 a bar.
    pub trending_adjustment: f64,
    /// Multiplier of the size: the wilder the market, the smaller the position.
    pub size_multiplier: PerRegime,
}

impl Default for RegimeConfig {
    fn default() -> Self {
        Self {
            percentiles: Percentiles::Causal,
            window: 10_000,
            min_observations: 100,
            warm_up: WarmUp::Hold,
            threshold_adjustment: PerRegime { low: -0.3, medium: 0.0, high: 0.4, extreme: 0.8 },
            trending_adjustment: -0.1,
            size_multiplier: PerRegime { low: 1.1, medium: 1.0, high: 0.85, extreme: 0.6 },
        }
    }
}

/// The part of a [`RegimeConfig`] that decides which regime a row has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RegimeKey {
    percentiles: Percentiles,
    window: usize,
    min_observations: usize,
    warm_up: WarmUp,
}

impl RegimeConfig {
    pub(super) fn key(&self) -> RegimeKey {
        RegimeKey {
            percentiles: self.percentiles,
            window: self.window,
            min_observations: self.min_observations,
            warm_up: self.warm_up,
        }
    }

    /// Multiplier of the entry threshold, clipped to [0.3, 3].
    #[must_use]
    pub fn threshold_multiplier(&self, regime: Regime, trending: bool) -> f64 {
        let trend = if trending { self.trending_adjustment } else { 0.0 };
        (1.0 + self.threshold_adjustment.get(regime) + trend).clamp(0.3, 3.0)
    }

    /// Threshold of the information ratio: 1.5, less 0.4 in the low and plus 1.0 in the extreme regime, in [0.5, 3].
    #[must_use]
    pub fn info_ratio_threshold(regime: Regime) -> f64 {
        let adjusted = match regime {
            Regime::Low => 1.1,
            Regime::Medium | Regime::High => 1.5,
            Regime::Extreme => 2.5_f64,
        };
        adjusted.clamp(0.5, 3.0)
    }

    /// The regime of every row of `variance`; `None` where there is no variance or the window is still too short.
    #[must_use]
    pub fn classify(&self, variance: &[f64]) -> Vec<Option<Regime>> {
        self.classify_rows(variance.len(), |t| variance[t])
    }

    /// The last row of [`RegimeConfig::classify`] with causal percentiles, from its own window alone.
    #[must_use]
    pub fn last(&self, variance: &[f64]) -> Option<Regime> {
        let window = &variance[variance.len().saturating_sub(self.window.max(1))..];
        let observations: Vec<f64> = window.iter().copied().filter(|value| !value.is_nan()).collect();
        let (count, observations) = (observations.len(), RefCell::new(observations));
        let observation = |below| *observations.borrow_mut().select_nth_unstable_by(below, f64::total_cmp).1;
        self.regime(*window.last()?, count, observation)
    }

    /// The regime of each of `rows` rows, of which row t has the variance `variance(t)`.
    pub(super) fn classify_rows(&self, rows: usize, variance: impl Fn(usize) -> f64) -> Vec<Option<Regime>> {
        let mut regimes = Vec::with_capacity(rows);
        match self.percentiles {
            Percentiles::FullSample => {
                let variance: Vec<f64> = (0..rows).map(variance).collect();
                let mut window = Window::over(&variance);
                (0..variance.len()).for_each(|t| window.insert(t));
                let regime = |v: f64| self.regime(v, window.len, |below| window.observation(below));
                regimes.extend(variance.iter().map(|&v| regime(v)));
            }
            Percentiles::Causal => {
                let length = self.window.max(1);
                let stretch = length.saturating_mul(WINDOWS_A_STRETCH).max(LEAST_STRETCH);
                for start in (0..rows).step_by(stretch) {
                    let (from, end) = (start.saturating_sub(length), start.saturating_add(stretch).min(rows));
                    let variance: Vec<f64> = (from..end).map(&variance).collect();
                    regimes.extend(self.classify_stretch(&variance, start - from, length));
                }
            }
        }
        regimes
    }

    /// The regimes of the rows of `variance` after the first `before`. Their windows of `length` rows hold those rows and
    /// the `length` before them, and only these are ranked, so that a window's counts stay in the cache however long the
    /// record is.
    fn classify_stretch(&self, variance: &[f64], before: usize, length: usize) -> Vec<Option<Regime>> {
        let mut window = Window::over(variance);
        (0..before).for_each(|t| window.insert(t));
        let classify = |t: usize| {
            window.insert(t);
            if let Some(oldest) = t.checked_sub(length) {
                window.remove(oldest);
            }
            self.regime(variance[t], window.len, |below| window.observation(below))
        };
        (before..variance.len()).map(classify).collect()
    }

    /// The regime of `value` in a window of so many observations, the one with `below` smaller ones being
    /// `observation(below)`.
    fn regime(&self, value: f64, observations: usize, observation: impl Fn(usize) -> f64) -> Option<Regime> {
        if value.is_nan() {
            return None;
        }
        if observations >= self.min_observations.max(1) {
            return Some(Regime::of(
                value,
                [0.3, 0.7, 0.9].into_iter().map(|p| quantile(p, observations, &observation)),
            ));
        }
        match self.warm_up {
            WarmUp::Hold => None,
            WarmUp::Medium => Some(Regime::Medium),
            WarmUp::Seed(percentiles) => Some(Regime::of(value, percentiles)),
        }
    }
}

/// Order statistics of a window that moves over a column; `NaN` is no observation.
///
/// A Fenwick tree counts the observations of the window by their rank in the whole column (Fenwick 1994), so that a step
/// costs the logarithm of the column's length. Ranks only order the values: what is in the window decides its quantiles.
#[derive(Debug)]
struct Window {
    /// The column's observations in ascending order.
    sorted: Vec<f64>,
    /// Rank of each row's observation, from 1; 0 for `NaN`.
    rank: Vec<u32>,
    counts: Vec<u32>,
    len: usize,
}

impl Window {
    fn over(column: &[f64]) -> Self {
        let mut rows: Vec<(f64, usize)> =
            column.iter().copied().zip(0..).filter(|(value, _)| !value.is_nan()).collect();
        rows.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut rank = vec![0; column.len()];
        for (position, &(_, row)) in (1..).zip(&rows) {
            rank[row] = position;
        }
        let sorted: Vec<f64> = rows.iter().map(|(value, _)| *value).collect();
        Self { counts: vec![0; sorted.len() + 1], sorted, rank, len: 0 }
    }

    fn insert(&mut self, row: usize) {
        if self.rank[row] > 0 {
            self.count(self.rank[row], 1);
            self.len += 1;
        }
    }

    fn remove(&mut self, row: usize) {
        if self.rank[row] > 0 {
            self.count(self.rank[row], u32::MAX);
            self.len -= 1;
        }
    }

    /// Adds `step` (or takes one off, as the wrapped -1) at a rank.
    fn count(&mut self, rank: u32, step: u32) {
        let mut rank = rank as usize;
        while rank < self.counts.len() {
            self.counts[rank] = self.counts[rank].wrapping_add(step);
            rank += rank & rank.wrapping_neg();
        }
    }

    /// The observation with `below` smaller ones in the window.
    fn observation(&self, below: usize) -> f64 {
        let mut remaining = below as u32 + 1;
        let mut position = 0;
        let mut step = (self.counts.len() - 1).next_power_of_two();
        while step > 0 {
            let next = position + step;
            if next < self.counts.len() && self.counts[next] < remaining {
                remaining -= self.counts[next];
                position = next;
            }
            step /= 2;
        }
        self.sorted[position]
    }
}

/// Linear interpolation between order statistics (Hyndman and Fan 1996, type 7).
fn quantile(p: f64, observations: usize, observation: impl Fn(usize) -> f64) -> f64 {
    let position = p * (observations - 1) as f64;
    let below = position.floor() as usize;
    let lower = observation(below);
    let upper = observation((below + 1).min(observations - 1));
    lower + (upper - lower) * (position - below as f64)
}

/// [`RegimeConfig::classify`] one bar at a time: a sorted window, since ranks in a whole column are not known.
#[derive(Clone, Debug)]
pub struct RegimeStream {
    config: RegimeConfig,
    /// The window's rows, oldest first; `NaN` is no observation.
    rows: VecDeque<f64>,
    sorted: Vec<f64>,
}

impl RegimeStream {
    /// Before the first bar.
    #[must_use]
    pub fn new(config: RegimeConfig) -> Self {
        Self { config, rows: VecDeque::new(), sorted: Vec::new() }
    }

    /// The regime of the next bar, whose variance is `value`.
    pub fn observe(&mut self, value: f64) -> Option<Regime> {
        self.rows.push_back(value);
        if !value.is_nan() {
            self.sorted.insert(self.rank(value), value);
        }
        let bounded = self.config.percentiles == Percentiles::Causal;
        if bounded && self.rows.len() > self.config.window.max(1) {
            let oldest = self.rows.pop_front().filter(|oldest| !oldest.is_nan());
            if let Some(oldest) = oldest {
                self.sorted.remove(self.rank(oldest));
            }
        }
        self.config.regime(value, self.sorted.len(), |below| self.sorted[below])
    }

    /// Number of observations before `value` in the order of the window.
    fn rank(&self, value: f64) -> usize {
        self.sorted.partition_point(|other| other.total_cmp(&value).is_lt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(window: usize, min_observations: usize) -> RegimeConfig {
        RegimeConfig { window, min_observations, ..RegimeConfig::default() }
    }

    /// A sequence that is uniform on [0, 1) over any long stretch (Weyl).
    fn uniform(n: usize) -> Vec<f64> {
        (1..=n).map(|i| (i as f64 * 0.618_033_988_749_895).fract()).collect()
    }

    #[test]
    fn uniform_variance_spends_30_40_20_10_per_cent_in_the_regimes() {
        let regimes = config(1_000, 100).classify(&uniform(20_000));
        let share = |r| regimes.iter().filter(|&&x| x == Some(r)).count() as f64 / 20_000.0;
        for (regime, expected) in
            [(Regime::Low, 0.3), (Regime::Medium, 0.4), (Regime::High, 0.2), (Regime::Extreme, 0.1)]
        {
            assert!((share(regime) - expected).abs() < 0.01, "{regime:?}: {}", share(regime));
        }
    }

    #[test]
    fn a_regime_does_not_change_when_the_record_is_cut_after_it() {
        let variance = uniform(500);
        let whole = config(100, 20).classify(&variance);
        for t in 1..500 {
            assert_eq!(config(100, 20).classify(&variance[..t]), whole[..t]);
        }
    }

    #[test]
    fn the_last_regime_is_that_of_the_whole_column() {
        let mut variance = uniform(700);
        variance[40..60].fill(f64::NAN);
        for (window, least) in [(100, 20), (1, 1), (1_000, 50)] {
            let whole = config(window, least).classify(&variance);
            for t in 0..700 {
                assert_eq!(config(window, least).last(&variance[..=t]), whole[t], "row {t}, windows of {window}");
            }
        }
        assert_eq!(config(10, 1).last(&[]), None);
    }

    #[test]
    fn a_long_record_has_the_regimes_of_the_windows_themselves() {
        let variance: Vec<f64> = uniform(4_000).iter().enumerate().map(|(t, v)| v * (1.0 + (t / 700) as f64)).collect();
        let position = |sorted: &[f64], p: f64| {
            let at = p * (sorted.len() - 1) as f64;
            let (lower, upper) = (sorted[at as usize], sorted[(at as usize + 1).min(sorted.len() - 1)]);
            lower + (upper - lower) * at.fract()
        };
        // Windows shorter and longer than the rows that are classified at a time, and one longer than the record.
        for length in [3, 1_500, 5_000] {
            let regimes = config(length, 1).classify(&variance);
            for t in (0..4_000).step_by(13).chain(1_020..1_030).chain(1_495..1_505) {
                let mut window = variance[(t + 1_usize).saturating_sub(length)..=t].to_vec();
                window.sort_by(f64::total_cmp);
                let above = [0.3, 0.7, 0.9].iter().filter(|p| variance[t] > position(&window, **p)).count();
                let expected = [Regime::Low, Regime::Medium, Regime::High, Regime::Extreme][above];
                assert_eq!(regimes[t], Some(expected), "row {t}, windows of {length}");
            }
        }
    }

    #[test]
    fn quantiles_of_the_moving_window_are_those_of_its_sorted_values() {
        let column: Vec<f64> = uniform(300).iter().map(|v| (v * 20.0).floor()).collect();
        let mut window = Window::over(&column);
        for t in 0..column.len() {
            window.insert(t);
            if t >= 50 {
                window.remove(t - 50);
            }
            let mut values = column[t.saturating_sub(49)..=t].to_vec();
            values.sort_by(f64::total_cmp);
            for (below, value) in values.iter().enumerate() {
                assert_eq!(window.observation(below), *value, "row {t}, rank {below}");
            }
        }
    }

    #[test]
    fn a_quantile_between_two_ranks_is_interpolated() {
        let column = [80.0, 10.0, 40.0, 20.0];
        let mut window = Window::over(&column);
        (0..4).for_each(|t| window.insert(t));
        let at = |p| quantile(p, window.len, |below| window.observation(below));
        // Positions 0.9, 2.1 and 2.7 of 10, 20, 40, 80.
        for (p, expected) in [(0.3, 19.0), (0.7, 44.0), (0.9, 68.0)] {
            assert!((at(p) - expected).abs() < 1e-12, "{p}: {}", at(p));
        }
    }

    #[test]
    fn the_window_forgets_what_is_older_than_its_length() {
        let variance = [9.0, 9.0, 9.0, 1.0, 1.0, 5.0];
        // Of 1, 1, 5 the 90 % quantile is 4.2. Of all six the 30 % one is 3 and the 70 % one 9.
        assert_eq!(config(3, 1).classify(&variance)[5], Some(Regime::Extreme));
        assert_eq!(config(6, 1).classify(&variance)[5], Some(Regime::Medium));
    }

    #[test]
    fn the_legacy_percentiles_do_change() {
        let legacy = RegimeConfig { percentiles: Percentiles::FullSample, ..config(100, 1) };
        let rising: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(legacy.classify(&rising)[40], Some(Regime::Medium));
        assert_eq!(legacy.classify(&rising[..41])[40], Some(Regime::Extreme));
    }

    #[test]
    fn a_value_exactly_at_a_percentile_belongs_to_the_lower_regime() {
        let eleven: Vec<f64> = (0..11).map(f64::from).collect();
        let legacy = RegimeConfig { percentiles: Percentiles::FullSample, ..config(11, 1) };
        let regimes = legacy.classify(&eleven);
        assert_eq!([regimes[3], regimes[4]], [Some(Regime::Low), Some(Regime::Medium)], "p30 of 0..10 is 3");
        assert_eq!(
            [regimes[7], regimes[9], regimes[10]],
            [Some(Regime::Medium), Some(Regime::High), Some(Regime::Extreme)]
        );
    }

    #[test]
    fn warm_up_is_a_named_policy() {
        let variance = [1.0, 2.0, 9.0];
        let with = |warm_up| RegimeConfig { warm_up, ..config(10, 5) }.classify(&variance);
        assert_eq!(with(WarmUp::Hold), [None; 3]);
        assert_eq!(with(WarmUp::Medium), [Some(Regime::Medium); 3]);
        assert_eq!(
            with(WarmUp::Seed([1.0, 2.0, 3.0])),
            [Some(Regime::Low), Some(Regime::Medium), Some(Regime::Extreme)]
        );
    }

    #[test]
    fn a_bar_without_variance_has_no_regime_and_leaves_the_window_alone() {
        let regimes = config(2, 1).classify(&[1.0, f64::NAN, 2.0, 3.0]);
        assert_eq!(regimes[1], None);
        assert_eq!(regimes[3], Some(Regime::Extreme));
    }

    #[test]
    fn thresholds_and_sizes_have_their_own_tables() {
        let config = RegimeConfig::default();
        let thresholds =
            [Regime::Low, Regime::Medium, Regime::High, Regime::Extreme].map(|r| config.threshold_multiplier(r, false));
        assert_eq!(thresholds, [0.7, 1.0, 1.4, 1.8]);
        assert!((config.threshold_multiplier(Regime::Medium, true) - 0.9).abs() < 1e-15);
        assert_eq!(config.size_multiplier.get(Regime::Extreme), 0.6);
        assert_eq!(RegimeConfig::info_ratio_threshold(Regime::Low), 1.1);
    }
}
