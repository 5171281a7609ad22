//! The venue: orders in, fills out, and what befalls a position without an order.

use serde::{Deserialize, Serialize};

use super::{
    contract::Contract,
    fees::{DEFAULT_MAKER, DEFAULT_TAKER, Role},
    margin::{Maintenance, MaintenanceOn, MarginAccount},
    slippage::Slippage,
};
use crate::{
    decision::Reason,
    ledger::{Account, Balances, Books},
    market::{Bar, Market},
    matching::Liquidation,
    orders::{Outcome, ROUNDING},
    units::Fraction,
    venue::{Arrival, Fill, FillSide, FillTiming, Forced, MarketOrder, Rejection, Venue},
};

/// Leverage where none is stated.
pub const DEFAULT_LEVERAGE: f64 = 20.0;
/// Coefficient of slippage where none is stated.
pub const DEFAULT_COEFFICIENT: f64 = 0.1;
/// Hours between two settlements of funding where nothing else is stated.
pub const DEFAULT_FUNDING_HOURS: u32 = 8;

/// How the venue charges, and what it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerpetualConfig {
    /// Notional over margin of what is opened, 1 or more. Sizes do not depend on it: a share of equity is the notional.
    pub leverage: f64,
    /// Fee of an order at the market and of a stop, a fraction of the notional.
    pub taker: Fraction,
    /// Fee of a target, a fraction of the notional.
    pub maker: Fraction,
    /// Spread around the mid price, a fraction of it.
    pub spread: Fraction,
    /// Impact of an order for the whole volume of a bar, in volatilities of a bar; see [`Slippage`].
    pub slippage_coefficient: f64,
    /// At which price maintenance margin is taken.
    pub maintenance_on: MaintenanceOn,
    /// Hours between two settlements of funding, counted from midnight UTC.
    pub funding_hours: u32,
    /// Whether settlements move cash. They do; what funding costs is measured by a run without.
    pub funding: Funding,
    /// Smallest unit that is opened; `None` is fractional.
    pub lot: Option<f64>,
}

/// What becomes of settlements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Funding {
    /// They move cash, as recorded.
    #[default]
    Settled,
    /// They do not, so that a run shows what they cost.
    Waived,
}

impl Default for PerpetualConfig {
    fn default() -> Self {
        Self {
            leverage: DEFAULT_LEVERAGE,
            taker: DEFAULT_TAKER,
            maker: DEFAULT_MAKER,
            spread: Fraction::ZERO,
            slippage_coefficient: DEFAULT_COEFFICIENT,
            maintenance_on: MaintenanceOn::default(),
            funding_hours: DEFAULT_FUNDING_HOURS,
            funding: Funding::default(),
            lot: None,
        }
    }
}

impl PerpetualConfig {
    /// What of [`Fill::spread_cost`] was lost to half the spread, and what to the order's own size, quote units. A target pays
    /// neither, and what a liquidation takes is none of both.
    #[must_use]
    pub fn spread_and_slippage(&self, fill: &Fill, reason: Reason) -> [f64; 2] {
        if reason == Reason::Liquidation || fill.spread_cost == 0.0 {
            return [0.0; 2];
        }
        let spread = fill.units * fill.mid() * self.spread.get() / 2.0;
        [spread, fill.spread_cost - spread]
    }
}

/// A perpetual future: linear, quote-margined, isolated.
///
/// Orders fill at the next open as takers, targets at their price as makers, stops as takers. An amount in quote units is a
/// notional with the fee in it, cut to what free cash can carry; units are filled whole or not at all.
#[derive(Clone, Copy, Debug)]
pub struct Perpetual<'a> {
    config: PerpetualConfig,
    contract: &'a Contract,
}

impl<'a> Perpetual<'a> {
    /// The venue of `contract`, whose rows are those of the market.
    #[must_use]
    pub fn new(config: PerpetualConfig, contract: &'a Contract) -> Self {
        Self { config, contract }
    }

    /// What positions are held to.
    #[must_use]
    pub fn maintenance(&self) -> Maintenance<'a> {
        Maintenance { tiers: self.contract.tiers(), on: self.config.maintenance_on }
    }

    fn lots(&self, units: f64) -> f64 {
        self.config.lot.map_or(units, |lot| (units / lot).floor() * lot)
    }

    /// Price at which `units` are filled: worse than the mid price by what is known of the market when the order is decided.
    fn price(&self, side: FillSide, units: f64, arrival: &Arrival) -> Result<f64, Rejection> {
        if arrival.role == Role::Maker {
            return Ok(arrival.price);
        }
        let slippage = Slippage { spread: self.config.spread.get(), coefficient: self.config.slippage_coefficient };
        // A stop that was at rest is decided on what was known before its bar.
        let known = arrival.decided_row.min(arrival.row.saturating_sub(1));
        let lost = slippage.of(units, self.contract.activity(known)).ok_or(Rejection::Unpriced)?;
        Ok(match side {
            FillSide::Buy => arrival.price * (1.0 + lost),
            // No price is below 0: what is sold for nothing has lost everything.
            FillSide::Sell => arrival.price * (1.0 - lost).max(0.0),
        })
    }

    fn fee_rate(&self, role: Role) -> f64 {
        match role {
            Role::Taker => self.config.taker.get(),
            Role::Maker => self.config.maker.get(),
        }
    }

    /// Units that an order of `notional` quote units, its fee in it, opens beside the `closing` ones: as many as free cash can
    /// carry at the price that the whole order would have.
    fn affordable(
        &self,
        side: FillSide,
        notional: f64,
        closing: f64,
        arrival: &Arrival,
        ledger: &MarginAccount,
    ) -> Result<f64, Rejection> {
        if notional <= 0.0 {
            return Ok(0.0);
        }
        let whole = self.price(side, closing + notional / arrival.price, arrival)?;
        let (fee, dearest) = (self.fee_rate(arrival.role), whole.max(arrival.price));
        let gain = ledger.entry().map_or(0.0, |entry| closing * (whole - entry) * ledger.position().signum());
        let freed = if closing > 0.0 { ledger.margin() } else { 0.0 };
        let free = ledger.free() + freed + gain - closing * dearest * fee;
        let most = free.max(0.0) / (dearest * (1.0 / self.config.leverage + fee));
        let wanted = notional / (dearest * (1.0 + fee));
        match most > wanted * ROUNDING {
            true => Ok(self.lots(wanted.min(most))),
            false if closing > 0.0 => Ok(0.0),
            false => Err(Rejection::InsufficientMargin),
        }
    }

    /// Fills `units`. Where the tier or the price does not permit what they would open, what they close is closed all the
    /// same: an exchange refuses larger positions, and never a smaller one.
    fn fill(
        &self,
        side: FillSide,
        units: f64,
        arrival: &Arrival,
        ledger: &mut MarginAccount,
    ) -> Result<Fill, Rejection> {
        let filled = self.fill_whole(side, units, arrival, ledger);
        let against = match side {
            FillSide::Buy => -ledger.position(),
            FillSide::Sell => ledger.position(),
        };
        match filled {
            Err(Rejection::LeverageOfTier | Rejection::Unpriced) if against > 0.0 && against < units => {
                self.fill_whole(side, against, arrival, ledger)
            }
            filled => filled,
        }
    }

    /// Fills `units` and updates the books, or does neither.
    fn fill_whole(
        &self,
        side: FillSide,
        units: f64,
        arrival: &Arrival,
        ledger: &mut MarginAccount,
    ) -> Result<Fill, Rejection> {
        let units = units.min(arrival.available);
        if units <= 0.0 {
            return Err(Rejection::BelowLot);
        }
        let price = self.price(side, units, arrival)?;
        let notional = units * price;
        let cost = notional * self.fee_rate(arrival.role);
        let size = if side == FillSide::Buy { units } else { -units };
        let held = ledger.position() + size;
        let opens = held.abs() > ledger.position().abs() || held * ledger.position() < 0.0;
        if opens && price <= 0.0 {
            return Err(Rejection::Unpriced);
        }
        let most = self.contract.tiers().of(held.abs() * price).max_leverage;
        if opens && most.is_some_and(|most| self.config.leverage > most) {
            return Err(Rejection::LeverageOfTier);
        }
        ledger
            .fill(size, price, cost, self.config.leverage, arrival.time)
            .map_err(|_| Rejection::InsufficientMargin)?;
        let spread_cost = units * (price - arrival.price).abs();
        Ok(Fill { row: arrival.row, time: arrival.time, side, units, price, notional, cost, spread_cost, pool: None })
    }

    /// A share of what is open; the whole share is that itself, so that nothing is left over.
    fn part(&self, open: f64, share: f64) -> Result<f64, Rejection> {
        if open <= 0.0 {
            return Err(Rejection::NoPosition);
        }
        Ok(if share >= 1.0 { open } else { self.lots(open * share) })
    }

    /// `units` in lots; up to rounding all that is open, that itself.
    fn whole(&self, units: f64, open: f64) -> f64 {
        if (units - open).abs() <= open * ROUNDING { open } else { self.lots(units) }
    }

    /// Liquidates the position while the mark price is `mark`: at its bankruptcy price, so that the margin is lost and nothing
    /// more. What closing at the mark price would have left of it is the [`Fill::spread_cost`].
    fn liquidated(&self, mark: f64, bar: &Bar, row: usize, ledger: &mut MarginAccount) -> Option<Forced> {
        let (price, units) = (ledger.bankruptcy_price()?, ledger.position().abs());
        let side = if ledger.position() > 0.0 { FillSide::Sell } else { FillSide::Buy };
        let time = ledger.opened_at().map_or(bar.open_time, |opened| opened.max(bar.open_time));
        let spread_cost = ledger.margin_balance(mark);
        ledger.liquidate();
        let (notional, cost) = (units * price, 0.0);
        let fill = Fill { row, time, side, units, price, notional, cost, spread_cost, pool: None };
        Some(Forced { time, reason: Reason::Liquidation, outcome: Outcome::Filled(fill) })
    }
}

impl Venue for Perpetual<'_> {
    type Ledger = MarginAccount;

    const FORCES: bool = true;

    fn open_account(&self, capital: f64) -> MarginAccount {
        MarginAccount::new(capital)
    }

    fn timing(&self) -> FillTiming {
        FillTiming::NextOpen
    }

    fn rests_orders(&self) -> bool {
        false
    }

    fn permits_shorting(&self) -> bool {
        true
    }

    fn execute(&mut self, order: MarketOrder, arrival: Arrival, ledger: &mut MarginAccount) -> Result<Fill, Rejection> {
        let (held, owed) = (ledger.position().max(0.0), (-ledger.position()).max(0.0));
        let (side, units) = match order {
            MarketOrder::BuyFor(notional) => {
                (FillSide::Buy, owed + self.affordable(FillSide::Buy, notional, owed, &arrival, ledger)?)
            }
            MarketOrder::ShortFor(notional) => {
                (FillSide::Sell, held + self.affordable(FillSide::Sell, notional, held, &arrival, ledger)?)
            }
            MarketOrder::SellShare(share) => (FillSide::Sell, self.part(held, share)?),
            MarketOrder::CoverShare(share) => (FillSide::Buy, self.part(owed, share)?),
            MarketOrder::Buy(units) => (FillSide::Buy, self.whole(units, owed)),
            MarketOrder::Sell(units) => (FillSide::Sell, self.whole(units, held)),
        };
        self.fill(side, units, &arrival, ledger)
    }

    /// Marked at the mark price, at which the exchange would liquidate: the last price may stand far from it for a moment.
    fn account(&self, bar: &Bar, row: usize, ledger: &MarginAccount) -> Account {
        account(ledger, self.contract.mark(bar, row).close)
    }

    fn account_at_open(&self, bar: &Bar, row: usize, ledger: &MarginAccount) -> Account {
        account(ledger, self.contract.mark(bar, row).open)
    }

    /// Only flat: funding and liquidation look at every bar of a position.
    fn balances(&self, ledger: &MarginAccount) -> Option<Balances> {
        (ledger.position() == 0.0).then(|| Balances { cash: ledger.wallet(), units: 0.0 })
    }

    fn marks<'s>(&'s self, market: &'s Market<'_>) -> &'s [f64] {
        self.contract.marks().map_or(market.close, |marks| &marks.close)
    }

    fn at_open(&mut self, bar: &Bar, row: usize, ledger: &mut MarginAccount) -> Vec<Forced> {
        let mut forced = Vec::new();
        if ledger.position() == 0.0 {
            return forced;
        }
        if self.config.funding == Funding::Settled {
            for due in self.contract.due(row) {
                let paid = ledger.settle_funding(due.rate, due.mark);
                let outcome = Outcome::Funding(paid);
                forced.push(Forced { time: due.time, reason: Reason::InPosition, outcome });
            }
        }
        let mark = self.contract.mark(bar, row).open;
        if ledger.is_liquidated_at(mark, self.maintenance()) {
            forced.extend(self.liquidated(mark, bar, row, ledger));
        }
        forced
    }

    fn inside(
        &mut self,
        bar: &Bar,
        row: usize,
        exit: Option<(f64, Reason)>,
        ledger: &mut MarginAccount,
    ) -> Option<Forced> {
        let liquidation = Liquidation::inside(ledger, self.maintenance(), &self.contract.mark(bar, row))?;
        if liquidation.comes_first(exit, bar) { self.liquidated(liquidation.price, bar, row, ledger) } else { None }
    }
}

fn account(ledger: &MarginAccount, mark: f64) -> Account {
    Account {
        position: ledger.position(),
        cash: ledger.free(),
        equity: ledger.equity(mark),
        price: mark,
        quote_reserve: None,
        average_price: ledger.entry(),
        opened_at: ledger.opened_at(),
        realised: ledger.realised(),
    }
}

impl Books for MarginAccount {
    type Cash = f64;

    fn free(&self) -> f64 {
        Self::free(self)
    }

    fn set_free(&mut self, cash: f64) {
        Self::set_free(self, cash);
    }

    fn flow(before: f64, after: f64) -> f64 {
        after - before
    }

    fn moved(cash: f64, before: f64, after: f64) -> f64 {
        cash + (after - before)
    }
}
