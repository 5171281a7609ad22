//! Statistics of a replay in constant memory: the recorder of sweeps.

use super::Recorder;
use crate::{
    decision::Decision,
    ledger::Balances,
    orders::{Event, Outcome},
    strategy::Explanation,
    units::PerPeriodSharpe,
    venue::{Fill, FillSide},
};

/// Returns that are summed side by side. A bar's lane is the number of its return modulo this, whether it is marked
/// alone or in a stretch, so that both give the same bits.
const LANES: usize = 4;
/// Variance below this share of the mean square is the rounding of equal returns.
const NO_VARIANCE: f64 = 1e-12;

/// Statistics of a replay in constant memory.
///
/// Returns are those of the equity from one close to the next, so there is one fewer than there are bars. Moments come
/// from plain sums of powers: per-bar returns are small against their spread, so that no digits cancel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Bars replayed.
    pub bars: usize,
    /// Starting capital, quote units.
    pub capital: f64,
    /// Equity at the last close.
    pub final_equity: f64,
    /// Orders filled.
    pub fills: usize,
    /// Sum of fill notionals, quote units.
    pub traded: f64,
    /// Sum of fees and of what was charged beside fills, quote units.
    pub fees: f64,
    /// Largest fall from a peak of the equity, a positive fraction; the capital counts as the first peak.
    pub max_drawdown: f64,
    /// Bars with a position at their close.
    pub bars_exposed: usize,
    /// Positions that were opened and closed again.
    pub trips: Trips,
    peak: f64,
    /// Equity below which the drawdown is a new largest one.
    floor: f64,
    returns: usize,
    /// Sums of the first four powers of the returns, by lane.
    powers: [[f64; LANES]; 4],
}

/// Round trips: from a flat account to the next flat account.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Trips {
    /// Round trips that were closed.
    pub closed: usize,
    /// Those that gained after costs.
    pub winners: usize,
    /// Sum of their gains, quote units.
    pub gained: f64,
    /// Sum of the losses of the others, quote units, positive.
    pub lost: f64,
    units: f64,
    flow: f64,
}

impl Trips {
    /// Gains over losses of the closed round trips; `None` without a loss.
    #[must_use]
    pub fn profit_factor(&self) -> Option<f64> {
        (self.lost > 0.0).then(|| self.gained / self.lost)
    }

    /// A fill that crosses zero closes the old position with its share of the amounts and opens the new one with the rest.
    fn add(&mut self, fill: &Fill) {
        let (units, flow) = match fill.side {
            FillSide::Buy => (fill.units, -(fill.notional + fill.cost)),
            FillSide::Sell => (-fill.units, fill.notional - fill.cost),
        };
        let before = self.units;
        self.units += units;
        let closes = before != 0.0 && (self.units == 0.0 || before.signum() != self.units.signum());
        if !closes {
            self.flow += flow;
            return;
        }
        let share = -before / units;
        let profit = self.flow + flow * share;
        self.flow = flow * (1.0 - share);
        self.closed += 1;
        if profit > 0.0 {
            self.winners += 1;
            self.gained += profit;
        } else {
            self.lost -= profit;
        }
    }
}

impl Summary {
    /// Counts what was traded in one instrument of a portfolio, whose marks these are.
    pub(super) fn add_trades(&mut self, one: &Self) {
        self.fills += one.fills;
        self.traded += one.traded;
        self.fees += one.fees;
        self.trips.closed += one.trips.closed;
        self.trips.winners += one.trips.winners;
        self.trips.gained += one.trips.gained;
        self.trips.lost += one.trips.lost;
    }

    /// Number of returns.
    #[must_use]
    pub fn returns(&self) -> usize {
        self.returns
    }

    /// Mean over standard deviation (ddof 1) of the per-bar returns; `None` below two returns or without variance.
    #[must_use]
    pub fn sharpe_per_period(&self) -> Option<PerPeriodSharpe> {
        let [mean, variance, ..] = self.central_moments()?;
        let n = self.returns as f64;
        Some(PerPeriodSharpe::new(mean / (variance * n / (n - 1.0)).sqrt()))
    }

    /// Skewness of the returns (biased: moments over n), `None` where the Sharpe ratio is.
    #[must_use]
    pub fn skewness(&self) -> Option<f64> {
        let [_, variance, third, _] = self.central_moments()?;
        Some(third / variance.powf(1.5))
    }

    /// Kurtosis of the returns (biased; 3 for the normal distribution), `None` where the Sharpe ratio is.
    #[must_use]
    pub fn kurtosis(&self) -> Option<f64> {
        let [_, variance, _, fourth] = self.central_moments()?;
        Some(fourth / (variance * variance))
    }

    /// Mean and second to fourth central moments over n.
    fn central_moments(&self) -> Option<[f64; 4]> {
        if self.returns < 2 {
            return None;
        }
        let n = self.returns as f64;
        let [m, r2, r3, r4] = self.powers.map(|lanes| lanes.iter().sum::<f64>() / n);
        let variance = r2 - m * m;
        (variance > NO_VARIANCE * r2).then(|| {
            let third = r3 - 3.0 * m * r2 + 2.0 * m * m * m;
            let fourth = r4 - 4.0 * m * r3 + 6.0 * m * m * r2 - 3.0 * m * m * m * m;
            [m, variance, third, fourth]
        })
    }

    /// Final equity over capital, less one.
    #[must_use]
    pub fn total_return(&self) -> f64 {
        self.final_equity / self.capital - 1.0
    }

    #[inline]
    fn add_return(&mut self, r: f64) {
        let lane = self.returns % LANES;
        let square = r * r;
        self.powers[0][lane] += r;
        self.powers[1][lane] += square;
        self.powers[2][lane] += square * r;
        self.powers[3][lane] += square * square;
        self.returns += 1;
    }

    #[inline]
    fn add_drawdown(&mut self, equity: f64) {
        if equity > self.peak {
            self.peak = equity;
            self.floor = equity * (1.0 - self.max_drawdown);
        } else if equity < self.floor {
            self.max_drawdown = self.max_drawdown.max(1.0 - equity / self.peak);
            self.floor = equity;
        }
    }

    /// Marks of a position that is held. Returns do not depend on each other here, so that they are computed side by side,
    /// a group of [`LANES`] at a time; the peak is looked at only in the groups that can move it. The first and the last
    /// group are filled up with equal equities, whose return is 0: that costs less than a branch on how many there are.
    fn hold(&mut self, balances: Balances, prices: &[f64]) {
        let (n, offset) = (prices.len(), self.returns % LANES);
        let Some(last) = n.checked_sub(1) else { return };
        let mut powers = self.powers;
        let mut equity = [self.final_equity; LANES + 1];
        for lane in 0..LANES {
            let told = lane < offset;
            let at = balances.at(prices[lane.saturating_sub(offset).min(last)]);
            equity[lane + 1] = if told { self.final_equity } else { at };
        }
        self.add_group(&mut powers, equity);
        let mut row = LANES - offset;
        while row + LANES <= n {
            let Some(&window) = prices[row - 1..].first_chunk::<{ LANES + 1 }>() else { break };
            self.add_group(&mut powers, window.map(|price| balances.at(price)));
            row += LANES;
        }
        let equity = std::array::from_fn(|i| balances.at(prices[(row + i - 1).min(last)]));
        self.add_group(&mut powers, equity);
        self.powers = powers;
        self.returns += n;
        self.final_equity = balances.at(prices[last]);
    }

    #[inline(always)]
    fn add_group(&mut self, powers: &mut [[f64; LANES]; 4], equity: [f64; LANES + 1]) {
        let mut moves = false;
        for lane in 0..LANES {
            let r = equity[lane + 1] / equity[lane] - 1.0;
            let square = r * r;
            powers[0][lane] += r;
            powers[1][lane] += square;
            powers[2][lane] += square * r;
            powers[3][lane] += square * square;
            moves |= (equity[lane + 1] > self.peak) | (equity[lane + 1] < self.floor);
        }
        if moves {
            equity[1..].iter().for_each(|&e| self.add_drawdown(e));
        }
    }
}

impl Recorder for Summary {
    const EVERY_BAR: bool = false;

    fn begin(&mut self, capital: f64, _: usize) {
        *self = Self { capital, peak: capital, floor: capital, final_equity: capital, ..Self::default() };
    }

    fn decision(&mut self, _: usize, _: &Decision, _: Option<Explanation>) {}

    #[inline]
    fn event(&mut self, event: &Event) {
        match &event.outcome {
            Outcome::Filled(fill) | Outcome::PartiallyFilled(fill) => {
                self.fills += 1;
                self.traded += fill.notional;
                self.fees += fill.cost;
                self.trips.add(fill);
            }
            Outcome::Charged(amount) => self.fees += amount,
            _ => {}
        }
    }

    #[inline]
    fn mark(&mut self, _: usize, equity: f64, exposure: f64) {
        if self.bars > 0 {
            self.add_return(equity / self.final_equity - 1.0);
        }
        self.bars += 1;
        self.add_drawdown(equity);
        self.bars_exposed += usize::from(exposure != 0.0);
        self.final_equity = equity;
    }

    #[inline]
    fn stretch(&mut self, row: usize, balances: Balances, prices: &[f64]) {
        if self.bars == 0 {
            let Some((&first, rest)) = prices.split_first() else { return };
            self.mark(row, balances.at(first), balances.exposure(first));
            return self.stretch(row + 1, balances, rest);
        }
        self.bars += prices.len();
        if balances.units == 0.0 && self.final_equity == balances.cash {
            self.returns += prices.len();
        } else {
            self.bars_exposed += if balances.units == 0.0 { 0 } else { prices.len() };
            self.hold(balances, prices);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[inline]
    fn fill(side: FillSide, units: f64, price: f64) -> Fill {
        Fill { row: 0, time: 0, side, units, price, notional: units * price, cost: 1.0, spread_cost: 0.0, pool: None }
    }

    #[test]
    fn a_round_trip_ends_when_nothing_is_held_and_costs_count() {
        let mut trips = Trips::default();
        for (side, units, price) in [
            (FillSide::Buy, 2.0, 10.0),
            (FillSide::Buy, 1.0, 13.0),
            (FillSide::Sell, 3.0, 12.0), // 36 - 33 - 3 of costs
            (FillSide::Buy, 1.0, 10.0),
            (FillSide::Sell, 1.0, 20.0), // 10 - 2
            (FillSide::Buy, 1.0, 10.0),
            (FillSide::Sell, 1.0, 5.0), // -5 - 2
        ] {
            trips.add(&fill(side, units, price));
        }
        assert_eq!((trips.closed, trips.winners, trips.gained, trips.lost), (3, 1, 8.0, 7.0));
        assert_eq!(trips.profit_factor(), Some(8.0 / 7.0));
    }

    #[test]
    fn a_fill_that_crosses_zero_ends_one_trip_and_begins_the_next() {
        let mut trips = Trips::default();
        trips.add(&Fill { cost: 0.0, ..fill(FillSide::Buy, 1.0, 10.0) });
        trips.add(&Fill { cost: 0.0, ..fill(FillSide::Sell, 3.0, 15.0) });
        assert_eq!((trips.closed, trips.gained), (1, 5.0));
        trips.add(&Fill { cost: 0.0, ..fill(FillSide::Buy, 2.0, 20.0) });
        assert_eq!(trips.closed, 2);
        assert!((trips.lost - 10.0).abs() < 1e-12, "two sold short at 15 and bought at 20");
    }

    #[test]
    fn moments_by_hand() {
        let mut summary = Summary::default();
        summary.begin(1.0, 0);
        // Returns 0.1, -0.1, 0.1, 0.1.
        for (row, equity) in [1.0, 1.1, 0.99, 1.089, 1.1979].into_iter().enumerate() {
            summary.mark(row, equity, 1.0);
        }
        let sharpe = summary.sharpe_per_period().unwrap().get();
        assert!((sharpe - 0.5).abs() < 1e-12, "0.05 / 0.1: {sharpe}");
        assert!((summary.skewness().unwrap() + 2.0 / 3.0_f64.sqrt()).abs() < 1e-9);
        assert!((summary.kurtosis().unwrap() - 7.0 / 3.0).abs() < 1e-9);
        assert!((summary.max_drawdown - 0.1).abs() < 1e-12);
    }

    #[test]
    fn equal_returns_have_no_sharpe_ratio() {
        let mut summary = Summary::default();
        summary.begin(1.0, 0);
        (0..50).for_each(|row| summary.mark(row, 1.01_f64.powi(row as i32), 1.0));
        assert_eq!(summary.sharpe_per_period(), None);
    }

    proptest! {
        #[test]
        fn a_stretch_gives_the_bits_of_its_bars(
            before in 0_usize..7, prices in prop::collection::vec(1.0_f64..200.0, 1..40), units in 0_u32..3, cash in 1.0_f64..100.0,
        ) {
            let balances = Balances { cash, units: f64::from(units) };
            let (mut apart, mut together) = (Summary::default(), Summary::default());
            for summary in [&mut apart, &mut together] {
                summary.begin(100.0, 0);
                (0..before).for_each(|row| summary.mark(row, 100.0 + (row * row) as f64, 1.0));
            }
            together.stretch(before, balances, &prices);
            for (i, &price) in prices.iter().enumerate() {
                apart.mark(before + i, balances.at(price), balances.exposure(price));
            }
            prop_assert_eq!(apart, together);
        }
    }
}
