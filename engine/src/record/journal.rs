//! Everything that happened, as rows.

use super::{DecisionRow, Decisions, Recorder};
use crate::{
    decision::{Decision, Reason},
    limits::Limit,
    orders::{Event, Outcome},
    strategy::Explanation,
    venue::{Fill, Rejection},
};

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
    pub decisions: Decisions,
    /// One row a fill.
    pub fills: Vec<FillRow>,
    /// Orders that were not filled, by the row of their decision.
    pub rejections: Vec<(usize, Rejection)>,
    /// Entries of which a limit of the account left a part, by the row of their decision, with that limit.
    pub cuts: Vec<(usize, Limit)>,
    /// Money that was taken beside the fills, quote units.
    pub charged: f64,
    /// Funding that was settled, quote units, in time order: paid where above 0, received where below.
    pub funding: Vec<f64>,
    /// What became of the orders that the strategy placed; their fills and rejections are above as well.
    pub events: Vec<Event>,
    /// Equity at each close, quote units.
    pub equity: Vec<f64>,
    /// Value of the position as a share of equity at each close.
    pub exposure: Vec<f64>,
    /// Those of the instruments of a portfolio. Fills and rejections of all are above, by time and in rows of the whole;
    /// decisions and events are here alone.
    pub each: Vec<Self>,
}

impl Journal {
    /// Returns of the equity from one close to the next: one fewer than there are bars.
    #[must_use]
    pub fn returns(&self) -> Vec<f64> {
        self.equity.windows(2).map(|w| w[1] / w[0] - 1.0).collect()
    }

    /// How often each reason was given, in the order of [`Reason::ALL`]; they add up to the number of bars, of all
    /// instruments.
    #[must_use]
    pub fn reasons(&self) -> [usize; Reason::COUNT] {
        let mut counts = [0; Reason::COUNT];
        for reason in self.decisions.reasons() {
            counts[reason as usize] += 1;
        }
        for one in &self.each {
            counts.iter_mut().zip(one.reasons()).for_each(|(all, of_one)| *all += of_one);
        }
        counts
    }
}

impl Recorder for Journal {
    const EVERY_BAR: bool = true;

    fn begin(&mut self, capital: f64, bars: usize) {
        // Columns that grow leave holes of half their size behind, in which no other fits.
        *self = Self {
            capital,
            decisions: Decisions::with_capacity(bars),
            equity: Vec::with_capacity(bars),
            exposure: Vec::with_capacity(bars),
            ..Self::default()
        };
    }

    fn decision(&mut self, row: usize, decision: &Decision, explanation: Option<Explanation>) {
        self.decisions.push(DecisionRow::new(row, decision, explanation));
    }

    fn event(&mut self, event: &Event) {
        match event.outcome {
            Outcome::Filled(fill) | Outcome::PartiallyFilled(fill) => {
                self.fills.push(FillRow { fill, reason: event.reason });
            }
            Outcome::Rejected(rejection) => self.rejections.push((event.decided_row, rejection)),
            Outcome::Cut(limit) => self.cuts.push((event.decided_row, limit)),
            Outcome::Charged(amount) => self.charged += amount,
            Outcome::Funding(paid) => self.funding.push(paid),
            Outcome::Accepted | Outcome::Cancelled | Outcome::Expired => {}
        }
        if event.order.is_some() {
            self.events.push(*event);
        }
    }

    fn mark(&mut self, _: usize, equity: f64, exposure: f64) {
        self.equity.push(equity);
        self.exposure.push(exposure);
    }
}
