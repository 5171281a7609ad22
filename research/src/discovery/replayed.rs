//! What a replay of a candidate leaves: its statistics, and the equity that its windows are cut from.

use q50_engine::{
    decision::Decision,
    ledger::Balances,
    orders::Event,
    record::{Combine, EquityCurve, Recorder, Summary},
    strategy::Explanation,
};

/// Sums and equity of one replay.
#[derive(Clone, Debug, Default)]
pub(super) struct Replayed {
    pub(super) summary: Summary,
    pub(super) curve: EquityCurve,
}

impl Recorder for Replayed {
    const EVERY_BAR: bool = false;

    fn begin(&mut self, capital: f64, bars: usize) {
        self.summary.begin(capital, bars);
        self.curve.begin(capital, bars);
    }

    fn decision(&mut self, _: usize, _: &Decision, _: Option<Explanation>) {}

    fn event(&mut self, event: &Event) {
        self.summary.event(event);
        self.curve.event(event);
    }

    fn mark(&mut self, row: usize, equity: f64, exposure: f64) {
        self.summary.mark(row, equity, exposure);
        self.curve.mark(row, equity, exposure);
    }

    fn stretch(&mut self, row: usize, balances: Balances, prices: &[f64]) {
        self.summary.stretch(row, balances, prices);
        self.curve.stretch(row, balances, prices);
    }
}

impl Combine for Replayed {
    fn combine(&mut self, each: Vec<Self>, row: impl Fn(usize, usize) -> usize) {
        let (summaries, curves): (Vec<_>, Vec<_>) = each.into_iter().map(|one| (one.summary, one.curve)).unzip();
        self.summary.combine(summaries, &row);
        self.curve.combine(curves, &row);
    }
}
