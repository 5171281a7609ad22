//! Recorders: a [`Summary`] that allocates nothing, or a [`Journal`] of every decision, fill and mark.

mod combine;
mod decisions;
mod equity;
mod journal;
mod summary;

pub use combine::Combine;
pub use decisions::{DecisionRow, Decisions};
pub use equity::EquityCurve;
pub use journal::{FillRow, Journal};
pub use summary::Summary;

use crate::{decision::Decision, ledger::Balances, orders::Event, strategy::Explanation};

/// Receives what happens at each bar.
pub trait Recorder {
    /// Whether it wants the decision of every bar, with its explanation. Where not, bars at which the strategy is certain
    /// to hold are told by [`Recorder::stretch`] in one go, and the strategy is not asked to explain.
    const EVERY_BAR: bool;

    /// The account before the first of `bars` bars.
    fn begin(&mut self, capital: f64, bars: usize);
    /// The strategy's answer at the close of `row`.
    fn decision(&mut self, row: usize, decision: &Decision, explanation: Option<Explanation>);
    /// An order was filled or rejected, or another thing became of it, or money was charged.
    fn event(&mut self, event: &Event);
    /// The account at the close of `row`: equity in quote units and value of the position as a share of it.
    fn mark(&mut self, row: usize, equity: f64, exposure: f64);

    /// The account at the closes of consecutive rows from `row` on, at which nothing happened but a change of price.
    fn stretch(&mut self, row: usize, balances: Balances, prices: &[f64]) {
        for (i, &price) in prices.iter().enumerate() {
            self.mark(row + i, balances.at(price), balances.exposure(price));
        }
    }
}
