//! The cash of a linear perpetual future, quote-margined and isolated: wallet, margin, funding, liquidation.
//!
//! Wallet `W` is realised cash with the margin inside, `q` the signed position, `E` its mean entry, `B` its margin and `M` the
//! mark price. Free cash is `W - B`, and equity is `W + q (M - E)` after every event. The formulas are those of Binance's
//! USDⓈ-M futures in isolated mode.

use serde::{Deserialize, Serialize};

use super::tiers::Tiers;

/// Shares of an amount that are rounding.
const ROUNDING: f64 = 1e-12;

/// At which price the maintenance margin of a position is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaintenanceOn {
    /// At the mark price (Binance): it changes with the price.
    #[default]
    Mark,
    /// At the entry price (Bybit): it is fixed at the fill.
    Entry,
}

/// What a position is held to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Maintenance<'a> {
    /// By size.
    pub tiers: &'a Tiers,
    /// At which price.
    pub on: MaintenanceOn,
}

/// Opening needs more than the free cash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InsufficientMargin;

/// Wallet and one isolated position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarginAccount {
    wallet: f64,
    position: f64,
    /// Meaningless while nothing is held, like `opened_at`.
    entry: f64,
    margin: f64,
    opened_at: i64,
    realised: f64,
}

impl MarginAccount {
    /// A wallet of `wallet` quote units and no position.
    #[must_use]
    pub fn new(wallet: f64) -> Self {
        Self { wallet, position: 0.0, entry: 0.0, margin: 0.0, opened_at: 0, realised: 0.0 }
    }

    /// Realised cash, the margin inside; quote units.
    #[must_use]
    #[inline]
    pub fn wallet(&self) -> f64 {
        self.wallet
    }

    /// Cash that is no margin, quote units.
    #[must_use]
    #[inline]
    pub fn free(&self) -> f64 {
        self.wallet - self.margin
    }

    /// The same position beside other free cash.
    pub fn set_free(&mut self, free: f64) {
        self.wallet = free + self.margin;
    }

    /// Units, negative where short.
    #[must_use]
    #[inline]
    pub fn position(&self) -> f64 {
        self.position
    }

    /// Margin of the position, quote units.
    #[must_use]
    pub fn margin(&self) -> f64 {
        self.margin
    }

    /// Mean price that the position was opened at; `None` without one.
    #[must_use]
    #[inline]
    pub fn entry(&self) -> Option<f64> {
        (self.position != 0.0).then_some(self.entry)
    }

    /// Epoch milliseconds at which the position was opened.
    #[must_use]
    #[inline]
    pub fn opened_at(&self) -> Option<i64> {
        (self.position != 0.0).then_some(self.opened_at)
    }

    /// What was gained on what is no longer held, fees and funding deducted when they were paid; quote units.
    #[must_use]
    #[inline]
    pub fn realised(&self) -> f64 {
        self.realised
    }

    /// Gain of the position at `mark`, quote units.
    #[must_use]
    #[inline]
    pub fn unrealised(&self, mark: f64) -> f64 {
        self.position * (mark - self.entry)
    }

    /// `W + q (M - E)`.
    #[must_use]
    #[inline]
    pub fn equity(&self, mark: f64) -> f64 {
        self.wallet + self.unrealised(mark)
    }

    /// What of the margin is left at `mark`, quote units.
    #[must_use]
    pub fn margin_balance(&self, mark: f64) -> f64 {
        self.margin + self.unrealised(mark)
    }

    /// Books `size` units (negative: sold) at `price` for `fee` quote units, at `time`. What is over the opposite position
    /// opens a new one. Closing realises its gain and frees its share of the margin; opening takes `1 / leverage` of its
    /// notional.
    ///
    /// # Errors
    /// What opens needs `notional / leverage + fee` of free cash, and there is less; nothing has changed.
    pub fn fill(
        &mut self,
        size: f64,
        price: f64,
        fee: f64,
        leverage: f64,
        time: i64,
    ) -> Result<(), InsufficientMargin> {
        let held = self.position.abs();
        let closed = if self.position * size < 0.0 { size.abs().min(held) } else { 0.0 };
        let opened = size.abs() - closed;
        let freed = if closed > 0.0 { self.margin * (closed / held) } else { 0.0 };
        let realised = if closed > 0.0 { closed * (price - self.entry) * self.position.signum() } else { 0.0 };
        let (wallet, margin) = (self.wallet + realised, self.margin - freed);
        let needed = opened * price / leverage;
        if opened > 0.0 && needed + fee > (wallet - margin) + ROUNDING * wallet.abs() {
            return Err(InsufficientMargin);
        }
        let kept = held - closed;
        if kept == 0.0 {
            (self.entry, self.opened_at) = (price, time);
        } else if opened > 0.0 {
            self.entry = (self.entry * kept + price * opened) / (kept + opened);
        }
        self.wallet = wallet - fee;
        self.realised += realised - fee;
        self.margin = if kept == 0.0 { needed } else { margin + needed };
        self.position = match (kept == 0.0, opened == 0.0) {
            (true, true) => 0.0,
            (true, false) => opened.copysign(size),
            (false, true) => kept.copysign(self.position),
            (false, false) => self.position + size,
        };
        Ok(())
    }

    /// Settles funding at `rate` of the notional at `mark`: longs pay where the rate is above 0, and shorts receive it. Free
    /// cash pays first, then the margin. Returns what was paid, quote units; negative where it was received.
    pub fn settle_funding(&mut self, rate: f64, mark: f64) -> f64 {
        let paid = self.position * mark * rate;
        self.wallet -= paid;
        self.realised -= paid;
        self.margin = self.margin.min(self.wallet);
        paid
    }

    /// Margin that the position has to have at `mark`, quote units; 0 without one.
    #[must_use]
    pub fn maintenance(&self, mark: f64, rule: Maintenance<'_>) -> f64 {
        let price = match rule.on {
            MaintenanceOn::Mark => mark,
            MaintenanceOn::Entry => self.entry,
        };
        if self.position == 0.0 { 0.0 } else { rule.tiers.maintenance(self.position.abs() * price) }
    }

    /// Whether the position is liquidated at `mark`: its margin balance is not above its maintenance margin.
    #[must_use]
    pub fn is_liquidated_at(&self, mark: f64, rule: Maintenance<'_>) -> bool {
        self.position != 0.0 && self.margin_balance(mark) <= self.maintenance(mark, rule)
    }

    /// The mark price at which the position is liquidated; `None` without a position, and where no price is low enough.
    ///
    /// On the mark a tier asks for it at `(q E - B - deduction) / (q (1 - rate))` for a long position and at
    /// `(n E + B + deduction) / (n (1 + rate))` for a short one of `n` units; the first tier that a price comes to decides,
    /// because the margin is the largest of what all ask for.
    #[must_use]
    pub fn liquidation_price(&self, rule: Maintenance<'_>) -> Option<f64> {
        let (units, long) = (self.position.abs(), self.position > 0.0);
        let of_tier = |rate: f64, deduction: f64| {
            let notional = units * self.entry;
            if long {
                (notional - self.margin - deduction) / (units * (1.0 - rate))
            } else {
                (notional + self.margin + deduction) / (units * (1.0 + rate))
            }
        };
        let price = match (rule.on, self.entry()?) {
            (MaintenanceOn::Mark, _) => {
                let prices = rule.tiers.iter().map(|tier| of_tier(tier.rate, tier.deduction));
                prices
                    .fold(if long { f64::NEG_INFINITY } else { f64::INFINITY }, if long { f64::max } else { f64::min })
            }
            (MaintenanceOn::Entry, entry) => entry - (self.margin - self.maintenance(entry, rule)) / self.position,
        };
        (price > 0.0).then_some(price)
    }

    /// The price at which the margin is used up, `E - B / q`; `None` without a position.
    #[must_use]
    pub fn bankruptcy_price(&self) -> Option<f64> {
        Some(self.entry()? - self.margin / self.position)
    }

    /// Liquidates the position at its bankruptcy price, without a fee: the margin is lost, and nothing more.
    pub fn liquidate(&mut self) {
        self.wallet -= self.margin;
        self.realised -= self.margin;
        (self.position, self.margin) = (0.0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::venue::perpetual::tiers::Tier;

    const TAKER: f64 = 0.0004;

    fn tiers() -> Tiers {
        let tier = |above, rate, deduction| Tier { above, rate, deduction, max_leverage: None };
        let table = [
            (0.0, 0.004, 0.0),
            (50_000.0, 0.005, 50.0),
            (250_000.0, 0.01, 1_300.0),
            (1_000_000.0, 0.025, 16_300.0),
            (10_000_000.0, 0.05, 266_300.0),
        ];
        Tiers::try_from(table.map(|(above, rate, deduction)| tier(above, rate, deduction)).to_vec()).unwrap()
    }

    fn on(tiers: &Tiers, on: MaintenanceOn) -> Maintenance<'_> {
        Maintenance { tiers, on }
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
    }

    /// 10 bought at 100 with a leverage of 20, as a taker, out of 1,000.
    fn ten_long() -> MarginAccount {
        let mut account = MarginAccount::new(1_000.0);
        account.fill(10.0, 100.0, 1_000.0 * TAKER, 20.0, 7).unwrap();
        account
    }

    #[test]
    fn ten_bought_at_a_hundred_are_liquidated_below_95_38() {
        let (tiers, mut account) = (tiers(), ten_long());
        let rule = on(&tiers, MaintenanceOn::Mark);
        assert_eq!((account.wallet(), account.margin(), account.free()), (999.6, 50.0, 949.6));
        near(account.liquidation_price(rule).unwrap(), 950.0 / 9.96);
        near(account.liquidation_price(on(&tiers, MaintenanceOn::Entry)).unwrap(), 95.4);
        near(account.margin_balance(95.39), 3.9);
        near(account.maintenance(95.39, rule), 3.8156);
        assert!(!account.is_liquidated_at(95.39, rule));
        near(account.maintenance(95.38, rule), 3.8152);
        assert!(account.is_liquidated_at(95.38, rule));
        assert_eq!(account.bankruptcy_price(), Some(95.0));
        account.liquidate();
        assert_eq!((account.wallet(), account.free(), account.position()), (949.6, 949.6, 0.0));
        assert_eq!(account.liquidation_price(rule), None);
    }

    #[test]
    fn funding_takes_free_cash_first_and_the_margin_after_it() {
        let (tiers, mut account) = (tiers(), ten_long());
        account.set_free(9.6);
        assert_eq!(account.settle_funding(0.0075, 100.0), 7.5);
        near(account.free(), 2.1);
        near(account.margin(), 50.0);
        account.settle_funding(0.0075, 100.0);
        near(account.free(), 0.0);
        near(account.margin(), 44.6);
        near(account.liquidation_price(on(&tiers, MaintenanceOn::Mark)).unwrap(), 955.4 / 9.96);
    }

    #[test]
    fn a_short_of_the_third_tier_has_its_rate_and_its_deduction() {
        let (tiers, mut account) = (tiers(), MarginAccount::new(20_000.0));
        account.fill(-30.0, 10_000.0, 120.0, 20.0, 0).unwrap();
        near(account.liquidation_price(on(&tiers, MaintenanceOn::Mark)).unwrap(), 316_300.0 / 30.3);
        near(account.liquidation_price(on(&tiers, MaintenanceOn::Entry)).unwrap(), 10_000.0 + 13_300.0 / 30.0);
        near(account.settle_funding(-0.0002, 10_050.0), 60.3);
    }

    #[test]
    fn the_tier_is_that_of_the_liquidation_price_and_not_that_of_the_entry() {
        // 51,000 of notional are above the second floor, and 49,000 at the liquidation price are not.
        let (tiers, mut account) = (tiers(), MarginAccount::new(10_000.0));
        account.fill(510.0, 100.0, 0.0, 20.0, 0).unwrap();
        near(
            account.liquidation_price(on(&tiers, MaintenanceOn::Mark)).unwrap(),
            (51_000.0 - 2_550.0) / (510.0 * 0.996),
        );
    }

    #[test]
    fn what_cannot_be_margined_changes_nothing() {
        let mut account = MarginAccount::new(50.39);
        let before = account;
        assert_eq!(account.fill(10.0, 100.0, 0.4, 20.0, 0), Err(InsufficientMargin), "50 + 0.4");
        assert_eq!(account, before);
        let mut account = MarginAccount::new(50.4);
        assert_eq!(account.fill(10.0, 100.0, 0.4, 20.0, 0), Ok(()));
    }

    #[test]
    fn closing_half_realises_half_and_frees_half_of_the_margin() {
        let mut account = ten_long();
        account.fill(-5.0, 104.0, 0.0, 20.0, 9).unwrap();
        assert_eq!((account.wallet(), account.margin(), account.entry()), (1_019.6, 25.0, Some(100.0)));
        assert_eq!(account.opened_at(), Some(7));
        account.fill(5.0, 110.0, 0.0, 20.0, 11).unwrap();
        assert_eq!((account.entry(), account.margin(), account.opened_at()), (Some(105.0), 52.5, Some(7)));
    }

    #[test]
    fn a_turn_closes_and_opens_in_one_fill() {
        let mut account = ten_long();
        account.fill(-14.0, 110.0, 0.0, 20.0, 9).unwrap();
        assert_eq!((account.position(), account.entry(), account.opened_at()), (-4.0, Some(110.0), Some(9)));
        assert_eq!((account.wallet(), account.margin()), (1_099.6, 22.0));
    }

    #[test]
    fn a_long_without_leverage_is_never_liquidated() {
        let (tiers, mut account) = (tiers(), MarginAccount::new(1_000.0));
        account.fill(10.0, 100.0, 0.0, 1.0, 0).unwrap();
        assert_eq!(account.liquidation_price(on(&tiers, MaintenanceOn::Mark)), None);
        assert!(!account.is_liquidated_at(1e-9, on(&tiers, MaintenanceOn::Mark)));
    }

    #[derive(Clone, Debug)]
    enum Happening {
        Fill(f64, f64),
        Funding(f64),
        Mark(f64),
    }

    fn happening() -> impl Strategy<Value = Happening> {
        prop_oneof![
            (-200.0_f64..200.0, -0.002_f64..0.002).prop_map(|(size, off)| Happening::Fill(size, off)),
            (-0.0075_f64..0.0075).prop_map(Happening::Funding),
            (-0.05_f64..0.05).prop_map(Happening::Mark),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// The equity is followed without the account: by what prices moved, and by what was paid.
        #[test]
        fn equity_is_wallet_and_unrealised_after_every_event(
            path in prop::collection::vec(happening(), 1..30), leverage in 1.0_f64..125.0,
        ) {
            let tiers = tiers();
            let rule = on(&tiers, MaintenanceOn::Mark);
            let mut account = MarginAccount::new(10_000.0);
            let (mut mark, mut equity, mut held) = (100.0, 10_000.0, 0.0);
            for event in path {
                match event {
                    Happening::Fill(size, off) => {
                        let price = mark * (1.0 + off);
                        let fee = size.abs() * price * TAKER;
                        if account.fill(size, price, fee, leverage, 0).is_ok() {
                            held += size;
                            equity += size * (mark - price) - fee;
                        }
                    }
                    Happening::Funding(rate) => {
                        equity -= held * mark * rate;
                        account.settle_funding(rate, mark);
                    }
                    Happening::Mark(by) => {
                        equity += held * mark * by;
                        mark *= 1.0 + by;
                        if account.is_liquidated_at(mark, rule) {
                            equity -= account.margin_balance(mark);
                            held = 0.0;
                            account.liquidate();
                        }
                    }
                }
                let tolerance = 1e-9 * (1.0 + account.wallet().abs() + (held * mark).abs());
                prop_assert!((account.equity(mark) - equity).abs() <= tolerance, "{} is not {equity}", account.equity(mark));
                prop_assert!((account.realised() - (account.wallet() - 10_000.0)).abs() <= tolerance);
                prop_assert!((account.position() - held).abs() <= 1e-9, "{} is not {held}", account.position());
                prop_assert!((account.free() + account.margin() - account.wallet()).abs() <= tolerance);
            }
        }

        #[test]
        fn a_position_is_liquidated_between_bankruptcy_and_entry(
            size in 0.01_f64..200_000.0, long: bool, leverage in 1.01_f64..10.0, by_entry: bool,
        ) {
            let tiers = tiers();
            let rule = on(&tiers, if by_entry { MaintenanceOn::Entry } else { MaintenanceOn::Mark });
            let mut account = MarginAccount::new(1e9);
            account.fill(if long { size } else { -size }, 100.0, 0.0, leverage, 0).unwrap();
            let (price, bankrupt) = (account.liquidation_price(rule).unwrap(), account.bankruptcy_price().unwrap());
            if long {
                prop_assert!(0.0 < bankrupt && bankrupt < price && price < 100.0, "{bankrupt} {price}");
            } else {
                prop_assert!(100.0 < price && price < bankrupt, "{price} {bankrupt}");
            }
            let side = if long { 1.0 } else { -1.0 };
            prop_assert!(account.is_liquidated_at(price * (1.0 - side * 1e-9), rule));
            prop_assert!(!account.is_liquidated_at(price * (1.0 + side * 1e-9), rule));
        }
    }
}
