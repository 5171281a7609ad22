//! What a perpetual future cost, part by part, and what the run is without each part.

use std::collections::BTreeMap;

use q50_engine::{
    decision::Reason,
    record::{EquityCurve, FillRow, Journal},
    units::Fraction,
    venue::{FillSide, PerpetualConfig, perpetual::Funding},
};
use rayon::prelude::*;
use serde::Serialize;

use crate::{
    metrics::sum::sum,
    run::{Prepared, RunSettings, VenueSettings, trial_of_returns},
    trials::{Role, Unfiled},
};

/// What moved the equity, quote units: `final equity = capital + price_result - fees - funding - spread - slippage -
/// liquidation_cost`, and nothing else.
#[derive(Clone, Debug, Serialize)]
pub struct PerpetualFigures {
    /// What positions gained at mid prices, those that are open marked at the last mark price.
    pub price_result: f64,
    /// Fees of takers and makers.
    pub fees: f64,
    /// Paid less received.
    pub funding: f64,
    /// Settlements with a position.
    pub settlements: usize,
    /// Lost to half the spread.
    pub spread: f64,
    /// Lost to the size of orders.
    pub slippage: f64,
    /// Positions that were liquidated.
    pub liquidations: usize,
    /// Margin that these lost: all they had.
    pub liquidated_margin: f64,
    /// The part of it that closing at the mark price would have left; below 0 where the price had already gone through all of
    /// the margin.
    pub liquidation_cost: f64,
    /// Orders that were not filled, by reason: `leverage_of_tier`, `insufficient_margin`, `unpriced`, and so on.
    pub not_filled: BTreeMap<String, usize>,
    /// Losses beyond the margin of liquidated positions, which the exchange's insurance fund bears: what the account would owe
    /// had it been closed at the mark price.
    pub insured: f64,
    /// What equity and liquidation look at.
    pub marked_at: MarkedAt,
    /// The same run without each part.
    pub without: Vec<Ablation>,
}

/// The price that equity is marked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkedAt {
    /// The recorded mark price.
    MarkPrice,
    /// The last price, which stands in where no mark price is recorded.
    LastPrice,
}

impl MarkedAt {
    /// As a sentence of the report.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::MarkPrice => "Equity and liquidation look at mark prices.",
            Self::LastPrice => "Equity and liquidation look at last prices, because no mark prices were given.",
        }
    }
}

/// A run without one of the things that cost something.
#[derive(Clone, Debug, Serialize)]
pub struct Ablation {
    /// What is switched off: fees, funding, spread, slippage, or leverage (it is 1).
    pub part: &'static str,
    /// Final equity without it, quote units.
    pub final_equity: f64,
    /// By how much that is more than with it.
    pub change: f64,
    /// What the run says that it cost.
    pub cost: f64,
    /// `change - cost`: what follows from it, because sizes depend on equity, orders on margin, and a position that is not
    /// liquidated goes on.
    pub remainder: f64,
}

impl PerpetualFigures {
    /// Those of a replay at this venue, before any run without a part of it.
    #[must_use]
    pub fn of(journal: &Journal, config: &PerpetualConfig, has_marks: bool) -> Self {
        let total = |part: &dyn Fn(&FillRow) -> f64| sum(journal.fills.iter().map(part));
        let is_liquidation = |row: &FillRow| row.reason == Reason::Liquidation;
        let open = journal.equity.last().zip(journal.exposure.last()).map_or(0.0, |(equity, share)| equity * share);
        let at_mid = total(&|row| match row.fill.side {
            FillSide::Buy => -row.fill.units * row.fill.mid(),
            FillSide::Sell => row.fill.units * row.fill.mid(),
        });
        let mut not_filled = BTreeMap::new();
        for (_, rejection) in &journal.rejections {
            *not_filled.entry(rejection.to_string()).or_default() += 1;
        }
        Self {
            not_filled,
            price_result: at_mid + open,
            fees: total(&|row| row.fill.cost),
            funding: sum(journal.funding.iter().copied()),
            settlements: journal.funding.len(),
            spread: total(&|row| config.spread_and_slippage(&row.fill, row.reason)[0]),
            slippage: total(&|row| config.spread_and_slippage(&row.fill, row.reason)[1]),
            liquidations: journal.fills.iter().filter(|row| is_liquidation(row)).count(),
            liquidated_margin: liquidated_margin(&journal.fills),
            liquidation_cost: total(&|row| if is_liquidation(row) { row.fill.spread_cost } else { 0.0 }),
            insured: total(&|row| if is_liquidation(row) { (-row.fill.spread_cost).max(0.0) } else { 0.0 }),
            marked_at: if has_marks { MarkedAt::MarkPrice } else { MarkedAt::LastPrice },
            without: Vec::new(),
        }
    }

    /// The orders that were not filled, as a sentence; `None` where all were.
    #[must_use]
    pub fn not_filled_sentence(&self) -> Option<String> {
        let each: Vec<String> = self.not_filled.iter().map(|(reason, orders)| format!("{orders} {reason}")).collect();
        (!each.is_empty()).then(|| format!("Orders that were not filled: {}.", each.join(", ")))
    }

    /// What each part cost by the sums, and the venue without it.
    #[must_use]
    pub fn parts(&self, config: PerpetualConfig) -> [(&'static str, f64, PerpetualConfig); 5] {
        let nothing = Fraction::ZERO;
        [
            ("fees", self.fees, PerpetualConfig { taker: nothing, maker: nothing, ..config }),
            ("funding", self.funding, PerpetualConfig { funding: Funding::Waived, ..config }),
            ("spread", self.spread, PerpetualConfig { spread: nothing, ..config }),
            ("slippage", self.slippage, PerpetualConfig { slippage_coefficient: 0.0, ..config }),
            ("leverage", self.liquidation_cost, PerpetualConfig { leverage: 1.0, ..config }),
        ]
    }
}

/// Units times how far each liquidated position was from its mean entry at the bankruptcy price.
fn liquidated_margin(fills: &[FillRow]) -> f64 {
    let (mut held, mut entry, mut lost) = (0.0_f64, 0.0_f64, 0.0_f64);
    for FillRow { fill, reason } in fills {
        let signed = if fill.side == FillSide::Buy { fill.units } else { -fill.units };
        if *reason == Reason::Liquidation {
            lost += held * (entry - fill.price);
            (held, entry) = (0.0, 0.0);
            continue;
        }
        let after = held + signed;
        if held * signed < 0.0 {
            // Closing keeps the entry, and what turns begins anew.
            entry = if after * held > 0.0 { entry } else { fill.price };
        } else {
            entry = (entry * held + fill.price * signed) / after;
        }
        held = after;
    }
    lost
}

/// Runs `settings` without each part of what `figures` says that it cost.
pub(super) fn without(
    prepared: &Prepared<'_>,
    settings: &RunSettings,
    config: PerpetualConfig,
    final_equity: f64,
    figures: &PerpetualFigures,
) -> Unfiled<Vec<Ablation>> {
    let run = |(part, cost, config): (&'static str, f64, PerpetualConfig)| {
        let settings = RunSettings { venue: VenueSettings::Perpetual(config), ..settings.clone() };
        let mut curve = EquityCurve::default();
        prepared.run(&settings, &mut curve);
        let without = curve.equity.last().copied().unwrap_or(settings.capital);
        let change = without - final_equity;
        let trial = trial_of_returns(&curve.returns(), prepared.source().key(&settings), Role::Probe);
        (Ablation { part, final_equity: without, change, cost, remainder: change - cost }, trial)
    };
    let (ablations, trials) = figures.parts(config).into_par_iter().map(run).unzip();
    Unfiled::new(ablations, trials)
}
