//! The foresight profile: how positions correlate with the returns before and after them, for signals whose program
//! cannot be run.
//!
//! A position that was chosen before a return can correlate with that return only as far as its Sharpe ratio says.
//! Foresight leaves a second trace. *Older* positions also reveal the returns that were anticipated (a look ahead of 24
//! bars knew the next return 23 bars ago, and gave it away when the window moved on). So does the current position,
//! once the returns from which it was computed are known (a trend follower that sees one bar too many equals an honest
//! one plus that bar).
//!
//! The statistic is the share of the variance of the next return that present and past positions explain beyond past
//! returns, less what chance explains, less the squared correlation of the present position with the next return: what
//! a position of that Sharpe ratio is entitled to. It is near 0 for honest positions, whatever their persistence and
//! turnover. Its threshold grows with that entitlement, because the past of an honest but noisy forecast adds
//! information, and with the sampling error.

use q50_engine::{market::Market, record::Journal, venue::FillSide};
use serde::Serialize;

use crate::metrics::Undefined;

/// Bars before and after a position that are looked at.
const REACH: usize = 48;
/// Fewest bars for each regressor.
const BARS_PER_REGRESSOR: usize = 10;
/// Fewest bars on each side, where the record is short.
const LEAST_REACH: usize = 4;
/// Bars of the volatility by which returns are divided: honest trends and calm times must not look like knowledge.
const VOLATILITY_BARS: f64 = 96.0;
/// Standardised returns are cut off here.
const OUTLIER: f64 = 4.0;

/// Share of the next return's variance that is allowed to any strategy.
const ALLOWED: f64 = 0.001;
/// Allowed for each unit of the squared correlation of position and next return.
const ALLOWED_PER_ENTITLEMENT: f64 = 1.0;
/// Standard errors that are allowed to chance.
const STANDARD_ERRORS: f64 = 4.0;

/// How positions go with returns. A warning is no verdict: it says where to look.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForesightProfile {
    /// Bars from a position to a return: 1 is the first return that it earns, 0 the last that it could know.
    pub leads: Vec<i64>,
    /// Correlation of the position with that return, in units of its recent volatility.
    pub correlations: Vec<f64>,
    /// Share of the next return's variance that positions know beyond what their Sharpe ratio accounts for.
    pub statistic: f64,
    /// What honest positions stay below; see `docs/METHODS.md` for how often, and for what goes unseen.
    pub threshold: f64,
    /// Whether the statistic is above the threshold.
    pub warning: bool,
}

impl ForesightProfile {
    /// The profile of `positions`, each held over the return of the same index, chosen before it. Returns are simple
    /// returns a bar.
    ///
    /// # Errors
    /// The series differ in length, are too short, or positions or returns never change.
    pub fn new(positions: &[f64], returns: &[f64]) -> Result<Self, Undefined> {
        let n = positions.len();
        if n != returns.len() {
            return Err(Undefined::LengthsDiffer { left: n, right: returns.len() });
        }
        if let Some(index) = positions.iter().zip(returns).position(|(x, r)| !x.is_finite() || !r.is_finite()) {
            return Err(Undefined::NotFinite { index });
        }
        let reach = REACH.min(n / (2 * BARS_PER_REGRESSOR));
        if reach < LEAST_REACH {
            return Err(Undefined::TooFew { found: n, needed: LEAST_REACH * 2 * BARS_PER_REGRESSOR });
        }
        let moments = Moments::of(&centred(positions), &centred(&standardised(returns)), reach);
        if moments.positions[0] <= 0.0 || moments.returns[0] <= 0.0 {
            return Err(Undefined::NoVariance { n });
        }
        let regressors = (reach + 1) as f64;
        let known = moments.explained(reach + 1) - moments.explained(0);
        let chance = regressors / n as f64;
        let entitled = moments.correlation(0).powi(2);
        let statistic = known - chance - entitled;
        let error = (2.0 * regressors).sqrt() / n as f64;
        let threshold = ALLOWED + ALLOWED_PER_ENTITLEMENT * entitled + STANDARD_ERRORS * error;
        let bars = reach as i64;
        Ok(Self {
            leads: (1 - bars..=bars + 1).collect(),
            correlations: (-bars..=bars).map(|lag| moments.correlation(lag)).collect(),
            statistic,
            threshold,
            warning: statistic > threshold,
        })
    }
}

/// The position over each bar of a replay but the first, as a share of the equity before it, and the return of that bar.
///
/// A position counts as it was chosen: valued at the last close, with the order that was decided there filled. What a bar
/// does to a position (its own return, an exit inside it) is not the position's knowledge of that bar.
#[must_use]
pub fn positions_and_returns(journal: &Journal, market: &Market<'_>) -> (Vec<f64>, Vec<f64>) {
    let first = market.first;
    let mut ordered = vec![0.0; journal.equity.len()];
    for row in &journal.fills {
        let at = row.fill.row - first;
        let decided = at.checked_sub(1).and_then(|before| journal.decisions.get(before));
        if decided.is_some_and(|decision| decision.acted && decision.reason == row.reason) {
            let sign = if row.fill.side == FillSide::Buy { 1.0 } else { -1.0 };
            ordered[at] += sign * row.fill.notional;
        }
    }
    let rows = 1..journal.equity.len();
    let position = |at: usize| journal.exposure[at - 1] + ordered[at] / journal.equity[at - 1];
    let change = |at: usize| market.close[first + at] / market.close[first + at - 1] - 1.0;
    (rows.clone().map(position).collect(), rows.map(change).collect())
}

fn centred(values: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| value - mean).collect()
}

/// Returns in units of the volatility of the bars before each, without outliers.
fn standardised(returns: &[f64]) -> Vec<f64> {
    let weight = 2.0 / (VOLATILITY_BARS + 1.0);
    let mut variance = returns.iter().map(|r| r * r).sum::<f64>() / returns.len() as f64;
    returns
        .iter()
        .map(|r| {
            let score = if variance > 0.0 { (r / variance.sqrt()).clamp(-OUTLIER, OUTLIER) } else { 0.0 };
            variance += weight * (r * r - variance);
            score
        })
        .collect()
}

/// Second moments of two centred series. Sums over lags are divided by the length of the series, so that the matrices
/// made of them have no negative eigenvalue.
struct Moments {
    reach: usize,
    /// Of the returns with themselves, lags 0 to `reach`.
    returns: Vec<f64>,
    /// Of the positions with themselves.
    positions: Vec<f64>,
    /// Of a position with the return `lag` bars after the one it is held over, lags `-reach` to `reach`.
    cross: Vec<f64>,
}

impl Moments {
    fn of(positions: &[f64], returns: &[f64], reach: usize) -> Self {
        let n = returns.len() as f64;
        let with = |a: &[f64], b: &[f64], lag: usize| {
            a[..a.len() - lag].iter().zip(&b[lag..]).map(|(x, y)| x * y).sum::<f64>() / n
        };
        let cross = |lag: i64| match usize::try_from(lag) {
            Ok(later) => with(positions, returns, later),
            Err(_) => with(returns, positions, lag.unsigned_abs() as usize),
        };
        Self {
            reach,
            returns: (0..=reach).map(|lag| with(returns, returns, lag)).collect(),
            positions: (0..=reach).map(|lag| with(positions, positions, lag)).collect(),
            cross: (-(reach as i64)..=reach as i64).map(cross).collect(),
        }
    }

    fn cross(&self, lag: i64) -> f64 {
        usize::try_from(lag + self.reach as i64).ok().and_then(|at| self.cross.get(at)).copied().unwrap_or(0.0)
    }

    fn correlation(&self, lag: i64) -> f64 {
        self.cross(lag) / (self.positions[0] * self.returns[0]).sqrt()
    }

    /// Share of the variance of a return that a linear function of the `reach` returns before it explains, and of the
    /// position that it falls to with those before, `positions` in all.
    fn explained(&self, positions: usize) -> f64 {
        let past = self.reach;
        let size = past + positions;
        let covariance = |row: usize, column: usize| match (row.checked_sub(past), column.checked_sub(past)) {
            (None, None) => self.returns[row.abs_diff(column)],
            (Some(i), Some(j)) => self.positions[i.abs_diff(j)],
            // The return i + 1 bars ago, and the position j bars ago: the return lies j - i - 1 bars after it.
            (None, Some(j)) => self.cross(j as i64 - row as i64 - 1),
            (Some(i), None) => self.cross(i as i64 - column as i64 - 1),
        };
        let target: Vec<f64> = (0..size)
            .map(|at| at.checked_sub(past).map_or_else(|| self.returns[at + 1], |lag| self.cross[past + lag]))
            .collect();
        explained(size, covariance, &target) / self.returns[0]
    }
}

/// b' A^-1 b for a symmetric matrix without negative eigenvalues, by Cholesky's decomposition (Golub and Van Loan, Matrix
/// Computations, 4.2). A row that depends on those before it explains nothing more and is left out.
fn explained(size: usize, matrix: impl Fn(usize, usize) -> f64, target: &[f64]) -> f64 {
    const DEPENDENT: f64 = 1e-9;
    let mut factor = vec![vec![0.0; size]; size];
    let mut solved = vec![0.0; size];
    for row in 0..size {
        let mut rest = matrix(row, row);
        for column in 0..row {
            let known: f64 = (0..column).map(|k| factor[row][k] * factor[column][k]).sum();
            let pivot = factor[column][column];
            factor[row][column] = if pivot > 0.0 { (matrix(row, column) - known) / pivot } else { 0.0 };
            rest -= factor[row][column] * factor[row][column];
        }
        if rest <= DEPENDENT * matrix(row, row) {
            continue;
        }
        factor[row][row] = rest.sqrt();
        let known: f64 = (0..row).map(|k| factor[row][k] * solved[k]).sum();
        solved[row] = (target[row] - known) / factor[row][row];
    }
    solved.iter().map(|value| value * value).sum()
}

#[cfg(test)]
mod tests {
    use q50_engine::{
        decision::Reason,
        market::Signals,
        record::{DecisionRow, FillRow},
        strategy::Explanation,
        venue::Fill,
    };
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const FILL: Fill = Fill {
        row: 0,
        time: 0,
        side: FillSide::Buy,
        units: 0.0,
        price: 0.0,
        notional: 0.0,
        cost: 0.0,
        spread_cost: 0.0,
        pool: None,
    };

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| rng.random_range(-0.01..0.01)).collect()
    }

    #[test]
    fn the_explained_share_is_that_of_a_regression_worked_by_hand() {
        // Inverse of [[2, 1], [1, 2]] is [[2, -1], [-1, 2]] / 3: for the target (1, 1) that is 2 / 3.
        let matrix = |row: usize, column: usize| if row == column { 2.0 } else { 1.0 };
        assert!((explained(2, matrix, &[1.0, 1.0]) - 2.0 / 3.0).abs() < 1e-12);
        // The second row is the first: it adds nothing.
        assert!((explained(2, |_, _| 2.0, &[1.0, 1.0]) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn positions_that_are_sums_of_later_returns_know_all_of_the_next() {
        let returns = noise(20_000, 1);
        let positions: Vec<f64> = (0..returns.len()).map(|t| returns[t..].iter().take(24).sum()).collect();
        let profile = ForesightProfile::new(&positions, &returns).unwrap();
        assert!(profile.warning && profile.statistic > 0.9, "{}", profile.statistic);
        // One part in 24 of the sum is each of the next 24 returns: a correlation of 1 / sqrt(24), and none after them.
        let at = |lead: i64| profile.correlations[profile.leads.iter().position(|l| *l == lead).unwrap()];
        for (lead, expected) in [(0, 0.0), (1, 0.204), (24, 0.204), (25, 0.0)] {
            assert!((at(lead) - expected).abs() < 0.03, "lead {lead}: {}", at(lead));
        }
    }

    #[test]
    fn positions_that_know_nothing_and_positions_that_follow_do_not_warn() {
        let returns = noise(20_000, 1);
        let follow: Vec<f64> = (0..returns.len()).map(|t| returns[t.saturating_sub(24)..t].iter().sum()).collect();
        for positions in [noise(20_000, 2), follow] {
            let profile = ForesightProfile::new(&positions, &returns).unwrap();
            assert!(!profile.warning && profile.statistic.abs() < 0.005, "{}", profile.statistic);
        }
    }

    #[test]
    fn what_never_changes_or_is_too_short_has_no_profile() {
        let returns = noise(1_000, 1);
        assert_eq!(ForesightProfile::new(&[1.0; 1_000], &returns), Err(Undefined::NoVariance { n: 1_000 }));
        assert_eq!(ForesightProfile::new(&returns, &[0.0; 1_000]), Err(Undefined::NoVariance { n: 1_000 }));
        assert_eq!(
            ForesightProfile::new(&returns[..79], &returns[..79]),
            Err(Undefined::TooFew { found: 79, needed: 80 })
        );
        assert_eq!(
            ForesightProfile::new(&returns, &returns[1..]),
            Err(Undefined::LengthsDiffer { left: 1_000, right: 999 })
        );
    }

    /// Bought at the second bar's open, and closed inside the third by a stop that nobody decided at the second close.
    #[test]
    fn a_position_counts_as_it_was_chosen_before_the_bar() {
        let fill = |row, side, notional| Fill { row, side, notional, ..FILL };
        let decided = |row, reason, acted| DecisionRow { row, reason, acted, explanation: Explanation::default() };
        let journal = Journal {
            capital: 100.0,
            decisions: [
                decided(0, Reason::EnterLong, true),
                decided(1, Reason::Neutral, false),
                decided(2, Reason::Neutral, false),
                decided(3, Reason::Neutral, false),
            ]
            .into_iter()
            .collect(),
            fills: vec![
                FillRow { fill: fill(1, FillSide::Buy, 50.0), reason: Reason::EnterLong },
                FillRow { fill: fill(2, FillSide::Sell, 40.0), reason: Reason::StopLoss },
            ],
            equity: vec![100.0, 105.0, 95.0, 95.0],
            exposure: vec![0.0, 55.0 / 105.0, 0.0, 0.0],
            ..Journal::default()
        };
        let close = [10.0, 11.0, 8.8, 8.8];
        let market = Market {
            open_time: &[0, 1, 2, 3],
            open: &close,
            high: &close,
            low: &close,
            close: &close,
            signals: Signals::default(),
            interval_ms: 1,
            first: 0,
        };
        let (positions, returns) = positions_and_returns(&journal, &market);
        assert_eq!(positions, [0.5, 55.0 / 105.0, 0.0], "the stop's own bar was entered with the position");
        assert!(returns.iter().zip([0.1, -0.2, 0.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{returns:?}");
    }
}
