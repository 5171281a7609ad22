//! Sizes around a strategy that does not ask a [`Sizer`] itself.

use std::ops::Range;

use super::{SizeExplanation, Sizer, SizingConfig, SizingInput};
use crate::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::{Account, Balances, Held, Marked},
    market::{Column, History, Market, Quantiles},
    matching::RestingExits,
    orders::{Event, Orders},
    strategy::{
        Explanation, Strategy,
        exits::ExitConfig,
        q50::{
            edge, gate,
            regime::{Regime, RegimeConfig},
            volatility,
        },
        side::Side,
    },
    units::Fraction,
};

/// Bars of the average true range.
const ATR_PERIOD: usize = 14;

/// A strategy whose entries are sized by [`SizingConfig`]. Its sales of what it holds are its own.
#[derive(Clone, Debug)]
pub struct WithSizing<S> {
    inner: S,
    sizer: Sizer,
    /// Exits around the strategy, whose stops are its own as well.
    exits: ExitConfig,
    /// How the last entry came to its size, at which row and in which regime.
    last: Option<(usize, SizeExplanation, Option<Regime>)>,
}

impl<S: Strategy> WithSizing<S> {
    /// Sizes the entries of `inner`, which trades inside `exits`.
    #[must_use]
    pub fn new(inner: S, config: SizingConfig, exits: ExitConfig) -> Self {
        Self { inner, sizer: Sizer::new(config), exits, last: None }
    }

    /// The distance of the nearest stop that an entry decided now would have, a fraction of the price.
    fn stop_distance(&self, history: History<'_>, side: Side) -> Option<f64> {
        self.exits.stop_distance().into_iter().chain(self.inner.stop_distance(history, side)).reduce(f64::min)
    }

    /// What is known of the present bar. Forecasts are those of the signals, where there are any.
    fn input(&self, history: History<'_>, side: Side, asked: f64) -> SizingInput {
        let unknown = Quantiles { q10: f64::NAN, q50: f64::NAN, q90: f64::NAN };
        let quantiles = history.quantiles().unwrap_or(unknown);
        let vol_raw = match history.has(Column::VolRaw) {
            true => history.signal(Column::VolRaw),
            false => Some(volatility::last_vol_raw(history.closes())),
        };
        let vol_risk = match history.has(Column::VolRisk) {
            true => history.signal(Column::VolRisk),
            false => vol_raw.map(|deviation| deviation * deviation),
        };
        let atr_share = volatility::last_atr_share(history.highs(), history.lows(), history.closes(), ATR_PERIOD);
        SizingInput {
            quantiles,
            side,
            prob_up: history.signal(Column::ProbUp).unwrap_or_else(|| edge::prob_up(&quantiles)),
            confidence: f64::NAN,
            vol_raw,
            vol_risk,
            info_ratio: edge::info_ratio(&quantiles, vol_risk.unwrap_or(f64::NAN)),
            info_ratio_threshold: gate::INFO_RATIO_THRESHOLD,
            threshold: None,
            regime: None,
            atr_share: Some(atr_share),
            momentum: None,
            stop_distance: self.stop_distance(history, side),
            asked: Some(asked),
        }
    }

    /// The same order for the size that the sizer leaves it, or why there is none.
    fn sized(&mut self, history: History<'_>, account: &Account, order: Order) -> Result<Order, Reason> {
        let (side, asked) = match order {
            Order::Buy(Budget::Cash(share)) => (Side::Long, share.get() * account.cash / account.equity),
            Order::Buy(Budget::Equity(share)) => (Side::Long, share.get()),
            Order::Short(share) => (Side::Short, share.get()),
            Order::Sell(_) | Order::Cover(_) => return Ok(order),
        };
        let regime = self.sizer.config().by_regime.then(|| regime(history)).transpose()?;
        let multiplier = regime.map_or(1.0, |regime| RegimeConfig::default().size_multiplier.get(regime));
        let input = SizingInput { regime, ..self.input(history, side, asked) };
        let explained = self.sizer.explain(&input, account, multiplier)?;
        self.last = Some((history.row(), explained, regime));
        let size = Fraction::new(explained.admitted(self.sizer.config(), account.equity)?.size);
        Ok(match side {
            Side::Long => Order::Buy(Budget::Equity(size)),
            Side::Short => Order::Short(size),
        })
    }

    fn passes_over(&self, held: Held) -> bool {
        self.sizer.config().half_at_drawdown.is_none() || held == Held::Flat
    }
}

/// The variance regime of the present bar, as that of q50 with its defaults: from the signals' volatility, or where they have
/// none from closes.
fn regime(history: History<'_>) -> Result<Regime, Reason> {
    let config = RegimeConfig::default();
    let last = |values: &[f64]| values[values.len().saturating_sub(config.window)..].to_vec();
    let variances = match (history.signals(Column::VolRisk), history.signals(Column::VolRaw)) {
        (Some(variances), _) => last(variances),
        (None, Some(deviations)) => last(deviations).iter().map(|deviation| deviation * deviation).collect(),
        (None, None) => volatility::last_variances(history.closes(), config.window),
    };
    let is_unknown = variances.last().is_none_or(|variance| variance.is_nan());
    config.last(&variances).ok_or(if is_unknown { Reason::SizingFailed } else { Reason::WarmUp })
}

/// An entry that is not sized still closes the position against it.
fn without_entry(order: Order, account: &Account, reason: Reason) -> Decision {
    let close = |order, reason| Decision::Act(Intent { order, reason });
    match (order, Held::of(account.position)) {
        (Order::Buy(_), Held::Short) => close(Order::Cover(Fraction::ONE), Reason::ExitShort),
        (Order::Short(_), Held::Long) => close(Order::Sell(Fraction::ONE), Reason::ExitLong),
        _ => Decision::Hold(reason),
    }
}

impl<S: Strategy> Strategy for WithSizing<S> {
    fn observe(&mut self, history: History<'_>) {
        self.inner.observe(history);
    }

    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        self.sizer.follow(account);
        match self.inner.decide(history, account) {
            Decision::Act(Intent { order, reason }) => match self.sized(history, account, order) {
                Ok(order) => Decision::Act(Intent { order, reason }),
                Err(refused) => without_entry(order, account, refused),
            },
            hold => hold,
        }
    }

    fn places_orders(&self) -> bool {
        self.inner.places_orders()
    }

    fn place(&mut self, history: History<'_>, account: &Account, orders: &mut Orders) {
        self.inner.place(history, account, orders);
    }

    fn on_event(&mut self, event: &Event, orders: &mut Orders) {
        self.inner.on_event(event, orders);
    }

    fn rests_exits(&self) -> bool {
        self.inner.rests_exits()
    }

    fn resting(&self, account: &Account) -> RestingExits {
        self.inner.resting(account)
    }

    /// The highest equity, which a position moves, has to be followed where sizes depend on it.
    fn stays(&self, history: History<'_>, marked: Marked) -> bool {
        self.passes_over(marked.held()) && self.inner.stays(history, marked)
    }

    fn quiet_rows(&self, market: &Market<'_>, marks: &[f64], balances: Balances, from: usize) -> usize {
        let passes_over = self.passes_over(Held::of(balances.units));
        if passes_over { self.inner.quiet_rows(market, marks, balances, from) } else { 0 }
    }

    fn observe_rows(&mut self, market: &Market<'_>, rows: Range<usize>) {
        self.inner.observe_rows(market, rows);
    }

    fn stop_distance(&self, history: History<'_>, side: Side) -> Option<f64> {
        Self::stop_distance(self, history, side)
    }

    fn explain(&self, history: History<'_>, account: &Account) -> Explanation {
        let inner = self.inner.explain(history, account);
        match self.last {
            Some((row, explained, regime)) if row == history.row() => {
                Explanation { regime: inner.regime.or(regime.map(Regime::name)), ..inner.with_size(&explained) }
            }
            _ => inner,
        }
    }
}
