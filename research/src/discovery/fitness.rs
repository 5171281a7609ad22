//! How fit a candidate is: one number between 0 and 1 out of what its replay showed on several windows.
//!
//! 0.35 of the Sharpe ratio a year between -1 and 4, 0.25 of what the largest drawdown left, 0.20 of the total return
//! between -1 and 2, each as the mean over the windows; and 0.20 of the profit factor between 0 and 5, of the whole, because
//! positions do not end with a window. Less what complexity, haste and lopsided exits cost. Nothing where there are fewer
//! than [`LEAST_TRADES`] round trips, or where nothing was earned: a high ratio of few or losing trades is no fitness.

use q50_engine::units::PeriodsPerYear;
use q50_language::{Timeframe, genome::Genome, program::Side};
use serde::{Deserialize, Serialize};

use crate::metrics::{Ddof, max_drawdown, per_period_sharpe, total_return};

/// Fewest round trips on the bars that are searched.
pub const LEAST_TRADES: u64 = 50;

/// Weights of Sharpe ratio, drawdown, profit factor and return.
const WEIGHTS: [f64; 4] = [0.35, 0.25, 0.20, 0.20];

/// What a window showed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Sharpe ratio a year; null where nothing moved.
    pub sharpe: Option<f64>,
    /// Largest fall from a peak, a positive fraction.
    pub max_drawdown: f64,
    /// Growth, a fraction.
    pub total_return: f64,
}

impl Window {
    /// Of the returns of each bar. Where more than everything was lost, nothing is left.
    #[must_use]
    pub fn of(returns: &[f64], year: PeriodsPerYear) -> Self {
        let sharpe = per_period_sharpe(returns, Ddof::One).ok();
        Self {
            sharpe: sharpe.map(|sharpe| sharpe.annual(year).get()),
            max_drawdown: max_drawdown(returns).map_or(1.0, |fall| fall.depth),
            total_return: total_return(returns).unwrap_or(-1.0),
        }
    }
}

/// What all bars that are searched showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Whole {
    /// Gains over losses; infinite without a loss, `None` where nothing was gained either.
    pub profit_factor: Option<f64>,
    /// Closed round trips.
    pub round_trips: u64,
    /// Growth, a fraction.
    pub total_return: f64,
}

/// What is taken off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Penalties {
    /// 0.02 for each gene above two, 0.1 at most.
    pub complexity: f64,
    /// 0.05 for each hundred round trips above what the bars allow, 0.3 at most.
    pub overtrading: f64,
    /// 0.02 for each unit by which the larger of stop and target is more than five times the other, 0.15 at most a side;
    /// the mean over the sides that are entered.
    pub lopsided: f64,
}

/// How fit a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitness {
    /// What counts.
    pub value: f64,
    /// Before the rule that makes it nothing.
    pub score: f64,
    /// What was taken off.
    pub penalties: Penalties,
}

impl Fitness {
    /// Of a candidate.
    #[must_use]
    pub fn of(genome: &Genome, windows: &[Window], whole: &Whole) -> Self {
        let mean = |of: &dyn Fn(&Window) -> f64| windows.iter().map(of).sum::<f64>() / windows.len().max(1) as f64;
        // Staying out is neither good nor bad.
        let sharpe = mean(&|window| within(window.sharpe.unwrap_or(0.0), -1.0, 4.0));
        let kept = mean(&|window| 1.0 - window.max_drawdown.clamp(0.0, 1.0));
        let gained = mean(&|window| within(window.total_return, -1.0, 2.0));
        let factor = within(whole.profit_factor.unwrap_or(0.0), 0.0, 5.0);
        let parts = [sharpe, kept, factor, gained];
        let penalties = Penalties::of(genome, whole.round_trips);
        let total: f64 = parts.iter().zip(WEIGHTS).map(|(part, weight)| part * weight).sum();
        let score = (total - penalties.total()).max(0.0);
        let counts = whole.round_trips >= LEAST_TRADES && whole.total_return > 0.0;
        Self { value: if counts { score } else { 0.0 }, score, penalties }
    }
}

impl Penalties {
    fn of(genome: &Genome, round_trips: u64) -> Self {
        let above = |number: f64, free: f64| (number - free).max(0.0);
        let ratio = |side: Side| {
            let (stop, target) = (genome.stops.of(side).get(), genome.targets.of(side).get());
            (0.02 * above((stop / target).max(target / stop), 5.0)).min(0.15)
        };
        let program_sides: Vec<Side> = genome.direction.sides().collect();
        Self {
            complexity: (0.02 * above(genome.genes() as f64, 2.0)).min(0.1),
            overtrading: (0.0005 * above(round_trips as f64, most_trades(genome.timeframe))).min(0.3),
            lopsided: program_sides.iter().map(|side| ratio(*side)).sum::<f64>() / program_sides.len() as f64,
        }
    }

    /// Of all.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.complexity + self.overtrading + self.lopsided
    }
}

/// Round trips that cost nothing.
const fn most_trades(timeframe: Timeframe) -> f64 {
    match timeframe {
        Timeframe::M1 => 3_000.0,
        Timeframe::M5 => 1_000.0,
        Timeframe::M15 => 500.0,
        Timeframe::H1 | Timeframe::H4 => 300.0,
        Timeframe::D1 => 150.0,
    }
}

/// Where `value` lies between two ends, from 0 to 1.
fn within(value: f64, low: f64, high: f64) -> f64 {
    (value.clamp(low, high) - low) / (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn genome(stop: &str, target: &str, genes: usize) -> Genome {
        let gene = r#"{"indicator": "RSI", "params": {"period": 5}, "output": "value", "op": "<", "threshold": 30}"#;
        let entry = vec![gene; genes - 1].join(",");
        let text = format!(
            r#"{{"name": "a", "timeframe": "1h", "direction": "long", "entry": [{entry}], "exit": [{gene}],
                "stop_pct": {stop}, "target_pct": {target}}}"#
        );
        Genome::read(&text).unwrap()
    }

    fn windows(sharpe: f64, max_drawdown: f64, total_return: f64) -> [Window; 3] {
        [Window { sharpe: Some(sharpe), max_drawdown, total_return }; 3]
    }

    #[test]
    fn fitness_is_that_of_the_table() {
        assert!((WEIGHTS.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (stop, target, genes, [sharpe, drawdown, gained], factor, trips, expected, what) in [
            ("2", "4", 2, [1.5, 0.2, 0.5], Some(1.5), 100, 0.175 + 0.2 + 0.06 + 0.1, "the middle of everything"),
            ("2", "4", 2, [4.0, 0.0, 2.0], Some(5.0), 50, 1.0, "the best that there is"),
            ("2", "4", 2, [9.0, 0.0, 7.0], Some(f64::INFINITY), 50, 1.0, "and no better"),
            ("2", "4", 2, [4.0, 0.0, 2.0], Some(5.0), 49, 0.0, "too few trades"),
            ("2", "4", 2, [4.0, 0.0, -0.1], Some(5.0), 1_872, 0.0, "a high ratio that loses"),
            ("2", "4", 2, [4.0, 0.0, 0.0], Some(5.0), 100, 0.0, "nothing earned"),
            ("2", "4", 4, [4.0, 0.0, 2.0], Some(5.0), 100, 0.96, "two genes more than two"),
            ("2", "4", 6, [4.0, 0.0, 2.0], Some(5.0), 100, 0.92, "four more"),
            ("2", "4", 2, [4.0, 0.0, 2.0], Some(5.0), 500, 0.9, "two hundred trades too many"),
            ("2", "4", 2, [4.0, 0.0, 2.0], Some(5.0), 5_000, 0.7, "far too many"),
            ("1", "7", 2, [4.0, 0.0, 2.0], Some(5.0), 100, 0.96, "a target of seven stops"),
            ("7", "1", 2, [4.0, 0.0, 2.0], Some(5.0), 100, 0.96, "a stop of seven targets"),
            ("0.5", "20", 2, [4.0, 0.0, 2.0], Some(5.0), 100, 0.85, "a target of forty stops"),
            ("2", "4", 2, [-1.0, 1.0, 2.0], None, 100, 0.2, "nothing but growth"),
        ] {
            let whole = Whole { profit_factor: factor, round_trips: trips, total_return: gained };
            let fitness = Fitness::of(&genome(stop, target, genes), &windows(sharpe, drawdown, gained), &whole);
            assert!((fitness.value - expected).abs() < 1e-12, "{what}: {} is not {expected}", fitness.value);
        }
    }

    #[test]
    fn who_lost_more_than_everything_has_nothing_left() {
        let year = PeriodsPerYear::new(4.0);
        let window = Window::of(&[0.5, -0.5], year);
        assert_eq!((window.sharpe, window.max_drawdown, window.total_return), (Some(0.0), 0.5, -0.25));
        let ruined = Window::of(&[0.5, -1.2, -9.0], year);
        assert_eq!((ruined.max_drawdown, ruined.total_return), (1.0, -1.0));
        assert_eq!(Window::of(&[0.0, 0.0], year).sharpe, None);
    }

    #[test]
    fn windows_count_alike_and_one_without_a_trade_is_neither_good_nor_bad() {
        let whole = Whole { profit_factor: Some(0.0), round_trips: 60, total_return: 0.1 };
        let of = |windows: &[Window]| Fitness::of(&genome("2", "4", 2), windows, &whole).value;
        let [good, bad] = [3.0, -1.0].map(|sharpe| windows(sharpe, 0.5, -1.0)[0]);
        let none = Window { sharpe: None, ..good };
        assert!((of(&[good, bad]) - (0.35 * 0.4 + 0.125)).abs() < 1e-12);
        assert!((of(&[none]) - (0.35 * 0.2 + 0.125)).abs() < 1e-12);
    }
}
