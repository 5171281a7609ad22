//! What a replay remembers: a [`Summary`] that allocates nothing, or a [`Journal`] of every decision, fill and mark.

use crate::{
    decision::{Decision, Reason},
    strategy::Explanation,
    units::PerPeriodSharpe,
    venue::{Fill, Rejection},
};

/// Receives what happens at each bar.
pub trait Recorder {
    /// Whether [`Recorder::decision`] wants the explanation; where not, the strategy is not asked for it.
    const WANTS_EXPLANATIONS: bool;

    /// The account before the first bar.
    fn begin(&mut self, capital: f64);
    /// The strategy's answer at the close of `row`.
    fn decision(&mut self, row: usize, decision: &Decision, explanation: Option<Explanation>);
    /// An order was filled.
    fn fill(&mut self, fill: &Fill, reason: Reason);
    /// An order of the decision at `row` was not filled.
    fn rejection(&mut self, row: usize, rejection: Rejection);
    /// The account at the close of `row`: equity in quote units and value of the position as a share of it.
    fn mark(&mut self, row: usize, equity: f64, exposure: f64);
}

/// Statistics of a replay in constant memory.
///
/// Returns are those of the equity from one close to the next, so there is one fewer than there are bars. Their sums
/// are plain: per-bar returns are small against their spread, so that no digits cancel.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// Sum of fees, quote units.
    pub fees: f64,
    /// Largest fall from a peak of the equity, a positive fraction; the capital counts as the first peak.
    pub max_drawdown: f64,
    /// Bars with a position at their close.
    pub bars_exposed: usize,
    peak: f64,
    returns: usize,
    sum: f64,
    sum_of_squares: f64,
    least: f64,
    greatest: f64,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            bars: 0,
            capital: 0.0,
            final_equity: 0.0,
            fills: 0,
            traded: 0.0,
            fees: 0.0,
            max_drawdown: 0.0,
            bars_exposed: 0,
            peak: 0.0,
            returns: 0,
            sum: 0.0,
            sum_of_squares: 0.0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
        }
    }
}

impl Summary {
    /// Mean over standard deviation (ddof 1) of the per-bar returns; `None` below two returns or without variance.
    #[must_use]
    pub fn sharpe_per_period(&self) -> Option<PerPeriodSharpe> {
        if self.returns < 2 || self.least >= self.greatest {
            return None;
        }
        let n = self.returns as f64;
        let mean = self.sum / n;
        let variance = (self.sum_of_squares - n * mean * mean) / (n - 1.0);
        (variance > 0.0).then(|| PerPeriodSharpe::new(mean / variance.sqrt()))
    }

    /// Final equity over capital, less one.
    #[must_use]
    pub fn total_return(&self) -> f64 {
        self.final_equity / self.capital - 1.0
    }
}

impl Recorder for Summary {
    const WANTS_EXPLANATIONS: bool = false;

    fn begin(&mut self, capital: f64) {
        *self = Self { capital, peak: capital, final_equity: capital, ..Self::default() };
    }

    fn decision(&mut self, _: usize, _: &Decision, _: Option<Explanation>) {}

    fn fill(&mut self, fill: &Fill, _: Reason) {
        self.fills += 1;
        self.traded += fill.notional;
        self.fees += fill.cost;
    }

    fn rejection(&mut self, _: usize, _: Rejection) {}

    #[inline]
    fn mark(&mut self, _: usize, equity: f64, exposure: f64) {
        if self.bars > 0 {
            let r = equity / self.final_equity - 1.0;
            self.returns += 1;
            self.sum += r;
            self.sum_of_squares += r * r;
            self.least = self.least.min(r);
            self.greatest = self.greatest.max(r);
        }
        self.bars += 1;
        self.peak = self.peak.max(equity);
        self.max_drawdown = self.max_drawdown.max(1.0 - equity / self.peak);
        self.bars_exposed += usize::from(exposure != 0.0);
        self.final_equity = equity;
    }
}

/// A decision with its explanation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecisionRow {
    /// Row of the market.
    pub row: usize,
    /// Why the strategy acted or held.
    pub reason: Reason,
    /// Whether an order was sent.
    pub acted: bool,
    /// What it was made from.
    pub explanation: Explanation,
}

/// A fill with the reason of its order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FillRow {
    /// The fill.
    pub fill: Fill,
    /// Why the order was sent.
    pub reason: Reason,
}

/// Everything that happened, as rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Journal {
    /// Starting capital, quote units.
    pub capital: f64,
    /// One row a bar.
    pub decisions: Vec<DecisionRow>,
    /// One row a fill.
    pub fills: Vec<FillRow>,
    /// Orders that were not filled, by the row of their decision.
    pub rejections: Vec<(usize, Rejection)>,
    /// Equity at each close, quote units.
    pub equity: Vec<f64>,
    /// Value of the position as a share of equity at each close.
    pub exposure: Vec<f64>,
}

impl Journal {
    /// Returns of the equity from one close to the next: one fewer than there are bars.
    #[must_use]
    pub fn returns(&self) -> Vec<f64> {
        self.equity.windows(2).map(|w| w[1] / w[0] - 1.0).collect()
    }

    /// How often each reason was given, in the order of [`Reason::ALL`]; they add up to the number of bars.
    #[must_use]
    pub fn reasons(&self) -> [usize; Reason::COUNT] {
        let mut counts = [0; Reason::COUNT];
        for decision in &self.decisions {
            counts[decision.reason as usize] += 1;
        }
        counts
    }
}

impl Recorder for Journal {
    const WANTS_EXPLANATIONS: bool = true;

    fn begin(&mut self, capital: f64) {
        *self = Self { capital, ..Self::default() };
    }

    fn decision(&mut self, row: usize, decision: &Decision, explanation: Option<Explanation>) {
        self.decisions.push(DecisionRow {
            row,
            reason: decision.reason(),
            acted: matches!(decision, Decision::Act(_)),
            explanation: explanation.unwrap_or_default(),
        });
    }

    fn fill(&mut self, fill: &Fill, reason: Reason) {
        self.fills.push(FillRow { fill: *fill, reason });
    }

    fn rejection(&mut self, row: usize, rejection: Rejection) {
        self.rejections.push((row, rejection));
    }

    fn mark(&mut self, _: usize, equity: f64, exposure: f64) {
        self.equity.push(equity);
        self.exposure.push(exposure);
    }
}
