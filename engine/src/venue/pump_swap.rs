//! A constant-product venue: PumpSwap's own arithmetic fills orders on the reserves of the bar.
//!
//! An order is quoted on the reserves at the decision and carries a slippage bound from that quote. It pays the network
//! whether it lands or fails. It lands after its latency, is priced on the reserves there, pays each fee of the pool,
//! and moves the pool. How fast arbitrage undoes that move is [`Recovery`].
//!
//! Books are integers: lamports and smallest units of the token. The `f64` figures of a [`Fill`] are derived from them.

use std::borrow::Cow;

use q50_pumpswap::amm::{AmmConfig, AmmError, FeeConfig, FeeRates, Order, PoolState, Swap, Version, min_out};
use serde::{Deserialize, Serialize};

use super::{
    Arrival, Fill, FillSide, FillTiming, LatencyPreset, MarketOrder, PoolCosts, Rejection, Venue,
    pool_path::{PathSource, PoolPath, Reserves},
};

use crate::{
    ledger::{Account, Balances, PoolLedger},
    market::{Bar, Market},
    units::{Bps, Fraction, LAMPORTS_PER_SOL, Lamports, TokenAmount},
};

/// Supply of the token relative to the base reserve that a pool starts with: 10^9 tokens, of which 206.9 million are in
/// the pool. It decides the market capitalisation, and with it the fee tier.
const SUPPLY_TO_RESERVE: f64 = 1_000.0 / 206.9;

/// How fast arbitrage restores the price after our own trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// By the next bar.
    #[default]
    Restored,
    /// Half of the displacement is left after this many seconds.
    HalfLife(f64),
}

/// What the pool charges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolFees {
    /// The program's schedule, by market capitalisation before the trade.
    #[default]
    Schedule,
    /// One rate for liquidity providers and nothing else, basis points.
    Uniform(u64),
}

/// How a constant-product venue behaves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PumpSwapConfig {
    /// What the pool charges.
    pub fees: PoolFees,
    /// Every rate times this: 2 is the check at twice the cost.
    pub fee_factor: u64,
    /// The output may fall this far below the quote at the decision.
    pub slippage: Bps,
    /// No buy uses more of the quote reserve than this impact; what is over is not bought.
    pub max_impact: Bps,
    /// Slots from the decision until the order lands.
    pub latency_slots: u32,
    /// Share of transactions that fail.
    pub failures: Fraction,
    /// Seed of the failures.
    pub seed: u64,
    /// Fee of a signature.
    pub base_fee: Lamports,
    /// Priority fee of a transaction.
    pub priority_fee: Lamports,
    /// Deposit of the token account, locked from the first buy on; it is not lost.
    pub rent: Lamports,
    /// How fast arbitrage undoes our own impact.
    pub recovery: Recovery,
    /// Share of the slippage allowance that a sandwich takes from every trade.
    pub sandwich: Fraction,
}

impl Default for PumpSwapConfig {
    fn default() -> Self {
        Self {
            fees: PoolFees::Schedule,
            fee_factor: 1,
            slippage: Bps(100),
            max_impact: Bps(1_000),
            latency_slots: 1,
            failures: Fraction::ZERO,
            seed: 50,
            base_fee: Lamports(5_000),
            priority_fee: Lamports(0),
            rent: Lamports(2_039_280),
            recovery: Recovery::Restored,
            sandwich: Fraction::ZERO,
        }
    }
}

impl PumpSwapConfig {
    fn amm(&self) -> AmmConfig {
        let scaled = |rates: FeeRates| {
            let times = |bps: Bps| bps.0.saturating_mul(self.fee_factor);
            FeeRates::new(times(rates.lp), times(rates.protocol), times(rates.creator))
        };
        let fees = match self.fees {
            PoolFees::Uniform(bps) => FeeConfig::uniform(scaled(FeeRates::new(bps, 0, 0))),
            PoolFees::Schedule => FeeConfig::default().map(scaled),
        };
        AmmConfig { fees, ..AmmConfig::default() }
    }
}

/// A constant-product pool along a path of reserves.
#[derive(Clone, Debug)]
pub struct PumpSwap<'a> {
    config: PumpSwapConfig,
    amm: AmmConfig,
    path: Cow<'a, PoolPath>,
    supply: u64,
    latency_ms: i64,
    /// Displacement of the price by our own trades: its logarithm, and when it was last brought up to date.
    displacement: (f64, i64),
    moved: Moved,
}

/// How our trades of one bar moved the price. Divided out only where a second order of the bar asks.
#[derive(Clone, Copy, Debug)]
struct Moved {
    row: usize,
    /// Factor of the trades before the last one.
    so_far: f64,
    /// Quote and base before the last one, and after it.
    vaults: [u64; 4],
}

impl Moved {
    fn by(&self) -> f64 {
        self.so_far * ratio(self.vaults)
    }
}

/// Price after a swap over the price before it.
fn ratio([quote, base, quote_after, base_after]: [u64; 4]) -> f64 {
    (quote_after as f64 / base_after as f64) / (quote as f64 / base as f64)
}

impl<'a> PumpSwap<'a> {
    /// A venue on `path`, whose rows are those of the market. `first` is the first that is traded, at which a path that is
    /// rebuilt from prices has the depth that was stated, and so the reserves that a pool starts with; one that was
    /// recorded starts with its first row. From these the supply of the coin is estimated, where it is not recorded.
    #[must_use]
    pub fn new(config: PumpSwapConfig, path: &'a PoolPath, first: usize) -> Self {
        let start = if path.source() == PathSource::RebuiltFromBars { first } else { 0 };
        let estimate = || (path.at_open(start).base.0 as f64 * SUPPLY_TO_RESERVE).round() as u64;
        let supply = path.supply().unwrap_or_else(estimate);
        let latency_ms = LatencyPreset::SolanaSlots(config.latency_slots).ms();
        Self {
            config,
            amm: config.amm(),
            path: Cow::Borrowed(path),
            supply,
            latency_ms,
            displacement: (0.0, i64::MIN),
            moved: Moved { row: 0, so_far: 1.0, vaults: [1; 4] },
        }
    }

    /// Another latency than that of the configuration.
    #[must_use]
    pub fn with_latency(mut self, latency: LatencyPreset) -> Self {
        self.latency_ms = latency.ms();
        self
    }

    /// The same venue with a path of its own, for hosts that keep a venue longer than the caller keeps the path.
    #[must_use]
    pub fn into_owned(self) -> PumpSwap<'static> {
        PumpSwap {
            config: self.config,
            amm: self.amm,
            path: Cow::Owned(self.path.into_owned()),
            supply: self.supply,
            latency_ms: self.latency_ms,
            displacement: self.displacement,
            moved: self.moved,
        }
    }

    /// Part of the displacement that is left at `time`.
    #[inline]
    fn displaced(&self, time: i64) -> f64 {
        let (log, since) = self.displacement;
        match self.config.recovery {
            Recovery::Restored => 0.0,
            _ if log == 0.0 => 0.0,
            // A mark is dated at its bar's open, and a fill lands up to a bar later: no time has passed then.
            Recovery::HalfLife(seconds) => log * 0.5_f64.powf((time - since).max(0) as f64 / 1e3 / seconds),
        }
    }

    #[inline]
    fn state(&self, reserves: Reserves, displacement: f64) -> PoolState {
        let Reserves { mut base, mut quote } = reserves;
        if displacement != 0.0 {
            let root = (displacement / 2.0).exp();
            quote = Lamports((quote.0 as f64 * root) as u64);
            base = TokenAmount((base.0 as f64 / root) as u64);
        }
        PoolState { base_supply: self.supply, ..PoolState::new(base.0, quote.0) }
    }

    #[inline]
    fn network(&self) -> u64 {
        self.config.base_fee.0 + self.config.priority_fee.0
    }

    /// Whether the transaction of this row fails: a fixed function of seed and row, so that no order changes another's
    /// luck (SplitMix64, Steele et al. 2014).
    fn fails(&self, row: usize) -> bool {
        let mut z = self.config.seed.wrapping_add((row as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let uniform = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        uniform < self.config.failures.get()
    }

    /// The order with the bound that the quote at the decision gives it; what is too large for the pool is cut.
    fn order(&self, order: MarketOrder, decision: &PoolState, ledger: &PoolLedger) -> Result<Order, Rejection> {
        match order {
            MarketOrder::BuyFor(sol) => {
                let rent = if ledger.has_account() { 0 } else { self.config.rent.0 };
                let free = ledger.lamports().0.saturating_sub(self.network() + rent);
                let budget = ((sol * LAMPORTS_PER_SOL) as u64).min(free);
                let bound = decision.largest_spend_within_impact(&self.amm, self.config.max_impact).map_err(program)?;
                let spend = budget.min(bound);
                if spend == 0 {
                    return Err(Rejection::NoCash);
                }
                let quoted = decision.swap(&self.amm, Version::V1, Order::spend(spend)).map_err(program)?;
                // A bound of zero is refused by the program; a tolerance of everything is a bound of one unit.
                let min_base_out = min_out(quoted.base, self.config.slippage).max(1);
                Ok(Order::BuyExactQuoteIn { quote_in: spend, min_base_out })
            }
            MarketOrder::SellShare(share) => {
                let held = ledger.tokens().0;
                let base_in = if share >= 1.0 { held } else { (held as f64 * share) as u64 };
                if base_in == 0 {
                    return Err(Rejection::NoPosition);
                }
                let quoted = decision.swap(&self.amm, Version::V1, Order::sell(base_in)).map_err(program)?;
                Ok(Order::Sell { base_in, min_quote_out: min_out(quoted.user_quote, self.config.slippage) })
            }
            MarketOrder::ShortFor(_) | MarketOrder::CoverShare(_) => Err(Rejection::NoShorting),
            MarketOrder::Buy(_) | MarketOrder::Sell(_) => Err(Rejection::Unsupported),
        }
    }

    /// What a sandwich leaves of an output: it takes its share of what lies above the bound.
    fn after_sandwich(&self, output: u64, bound: u64) -> u64 {
        let allowance = output.saturating_sub(bound);
        output - ((allowance as f64 * self.config.sandwich.get()) as u64).min(allowance)
    }
}

fn program(error: AmmError) -> Rejection {
    Rejection::Program(error.code())
}

impl Venue for PumpSwap<'_> {
    type Ledger = PoolLedger;

    fn open_account(&self, capital: f64) -> PoolLedger {
        PoolLedger::new(Lamports((capital * LAMPORTS_PER_SOL) as u64))
    }

    fn timing(&self) -> FillTiming {
        FillTiming::NextOpen
    }

    fn latency_ms(&self) -> i64 {
        self.latency_ms
    }

    /// A pool has no orders that wait.
    fn rests_orders(&self) -> bool {
        false
    }

    /// Orders meet a pool at the open.
    fn price_of_unit(&self, row: usize, _: f64) -> f64 {
        let open = self.path.at_open(row);
        open.quote.0 as f64 / LAMPORTS_PER_SOL / open.base.0 as f64
    }

    fn execute(&mut self, order: MarketOrder, arrival: Arrival, ledger: &mut PoolLedger) -> Result<Fill, Rejection> {
        let decided = self.path.at_close(arrival.decided_row);
        let decision = self.state(decided, self.displaced(arrival.time - self.latency_ms()));
        let order = self.order(order, &decision, ledger)?;
        let displacement = match self.config.recovery {
            // Nobody restores the price between two orders of one bar.
            Recovery::Restored if arrival.row == self.moved.row => self.moved.by().ln(),
            _ => self.displaced(arrival.time),
        };
        let pool = self.state(self.path.at_open(arrival.row), displacement);
        let network = self.network();
        if self.fails(arrival.row) {
            ledger.pay(Lamports(network));
            return Err(Rejection::TransactionFailed);
        }
        let swap = pool.swap(&self.amm, Version::V1, order).map_err(|error| {
            ledger.pay(Lamports(network));
            program(error)
        })?;
        let fill = self.settle(order, &pool, &swap, arrival, ledger);
        let vaults = [pool.quote_vault, pool.base_vault, swap.after.quote_vault, swap.after.base_vault];
        match self.config.recovery {
            Recovery::Restored => {
                let so_far = if arrival.row == self.moved.row { self.moved.by() } else { 1.0 };
                self.moved = Moved { row: arrival.row, so_far, vaults };
            }
            Recovery::HalfLife(_) => self.displacement = (displacement + ratio(vaults).ln(), arrival.time),
        }
        Ok(fill)
    }

    #[inline]
    fn account(&self, bar: &Bar, row: usize, ledger: &PoolLedger) -> Account {
        let reserves = self.path.at_close(row);
        if self.displaced(bar.open_time) == 0.0 {
            return ledger.account(self.path.marks()[row], reserves.quote);
        }
        self.marked(reserves, bar, ledger)
    }

    fn account_at_open(&self, bar: &Bar, row: usize, ledger: &PoolLedger) -> Account {
        self.marked(self.path.at_open(row), bar, ledger)
    }

    #[inline]
    fn balances(&self, ledger: &PoolLedger) -> Option<Balances> {
        (self.config.recovery == Recovery::Restored || self.displacement.0 == 0.0).then(|| ledger.balances())
    }

    #[inline]
    fn marks<'s>(&'s self, _: &'s Market<'_>) -> &'s [f64] {
        self.path.marks()
    }
}

impl PumpSwap<'_> {
    /// The account at the price that these reserves have, with what is left of our own impact.
    fn marked(&self, reserves: Reserves, bar: &Bar, ledger: &PoolLedger) -> Account {
        let pool = self.state(reserves, self.displaced(bar.open_time));
        let price = pool.quote_vault as f64 / pool.base_vault as f64;
        ledger.account(price / LAMPORTS_PER_SOL, reserves.quote)
    }

    /// Books the swap and derives the record of it.
    fn settle(&self, order: Order, pool: &PoolState, swap: &Swap, arrival: Arrival, ledger: &mut PoolLedger) -> Fill {
        let spot = pool.quote_vault as f64 / pool.base_vault as f64;
        let network = self.network();
        let (side, tokens, quote, stolen) = match order {
            Order::Sell { min_quote_out, .. } => {
                let received = self.after_sandwich(swap.user_quote, min_quote_out);
                (FillSide::Sell, swap.base, received, (swap.user_quote - received) as f64)
            }
            Order::BuyExactQuoteIn { min_base_out, .. } | Order::Buy { base_out: min_base_out, .. } => {
                let received = self.after_sandwich(swap.base, min_base_out);
                (FillSide::Buy, received, swap.user_quote, (swap.base - received) as f64 * spot)
            }
        };
        match side {
            FillSide::Buy => {
                let rent = if ledger.has_account() { Lamports(0) } else { self.config.rent };
                ledger.buy(TokenAmount(tokens), Lamports(quote), rent, arrival.time);
            }
            FillSide::Sell => ledger.sell(TokenAmount(tokens), Lamports(quote)),
        }
        ledger.pay(Lamports(network));
        let impact = match side {
            FillSide::Buy => swap.raw_quote as f64 - swap.base as f64 * spot,
            FillSide::Sell => swap.base as f64 * spot - swap.raw_quote as f64,
        };
        let fees = &swap.fees;
        let costs = PoolCosts {
            lp: Lamports(fees.lp),
            protocol: Lamports(fees.protocol),
            creator: Lamports(fees.creator),
            network: Lamports(network),
            impact: impact / LAMPORTS_PER_SOL,
            sandwich: stolen / LAMPORTS_PER_SOL,
            tokens: TokenAmount(tokens),
            quote: Lamports(quote),
        };
        let charged = fees.lp + fees.protocol + fees.creator + network;
        Fill {
            row: arrival.row,
            time: arrival.time,
            side,
            units: tokens as f64,
            price: swap.raw_quote as f64 / LAMPORTS_PER_SOL / tokens.max(1) as f64,
            notional: swap.raw_quote as f64 / LAMPORTS_PER_SOL,
            cost: charged as f64 / LAMPORTS_PER_SOL,
            spread_cost: 0.0,
            pool: Some(costs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::Role;

    const SOL: u64 = 1_000_000_000;

    fn path() -> PoolPath {
        PoolPath::rebuilt(&[100.0; 4], &[100.0, 100.0, 100.0, 100.0], 0, Lamports(100 * SOL)).unwrap()
    }

    fn free() -> PumpSwapConfig {
        PumpSwapConfig {
            fees: PoolFees::Uniform(0),
            base_fee: Lamports(0),
            rent: Lamports(0),
            ..PumpSwapConfig::default()
        }
    }

    fn arrival(row: usize) -> Arrival {
        Arrival {
            row,
            time: row as i64 * 3_600_000,
            price: 100.0,
            decided_row: row - 1,
            available: f64::INFINITY,
            role: Role::Taker,
        }
    }

    #[test]
    fn a_fill_is_the_programs_own_swap_to_the_lamport() {
        let (config, path) = (PumpSwapConfig::default(), path());
        let mut venue = PumpSwap::new(config, &path, 0);
        let mut books = venue.open_account(10.0);
        let fill = venue.execute(MarketOrder::BuyFor(5.0), arrival(1), &mut books).unwrap();
        let pool = venue.state(path.at_open(1), 0.0);
        let swap = pool.swap(&AmmConfig::default(), Version::V1, Order::spend(5 * SOL)).unwrap();
        let costs = fill.pool.unwrap();
        assert_eq!((costs.tokens.0, costs.quote.0), (swap.base, swap.user_quote));
        assert_eq!((costs.lp.0, costs.protocol.0), (swap.fees.lp, swap.fees.protocol));
        assert_eq!(books.tokens().0, swap.base);
        assert_eq!(books.lamports().0, 10 * SOL - swap.user_quote - 5_000 - 2_039_280);
    }

    #[test]
    fn impact_is_what_the_trade_itself_costs() {
        let path = path();
        let mut venue = PumpSwap::new(free(), &path, 0);
        let mut books = venue.open_account(10.0);
        let fill = venue.execute(MarketOrder::BuyFor(1.0), arrival(1), &mut books).unwrap();
        // Spending 1 of 100: tokens are worth 1 x 100 / 101 at the price before, so that 1 / 101 is lost.
        assert!((fill.pool.unwrap().impact - 1.0 / 101.0).abs() < 1e-8, "{fill:?}");
    }

    #[test]
    fn a_restored_pool_gives_back_less_than_was_paid_by_twice_the_impact() {
        let path = path();
        let mut venue = PumpSwap::new(free(), &path, 0);
        let mut books = venue.open_account(1.0);
        venue.execute(MarketOrder::BuyFor(1.0), arrival(1), &mut books).unwrap();
        venue.execute(MarketOrder::SellShare(1.0), arrival(2), &mut books).unwrap();
        // 100 x 100/101 base at 100 a unit, sold into the same pool: 1 x 100 / 102 comes back.
        let back = books.lamports().0 as f64 / LAMPORTS_PER_SOL;
        assert!((back - 100.0 / 102.0).abs() < 1e-8, "{back}");
    }

    #[test]
    fn a_pool_that_never_recovers_gives_back_what_was_paid() {
        let path = path();
        let config = PumpSwapConfig { recovery: Recovery::HalfLife(1e15), ..free() };
        let mut venue = PumpSwap::new(config, &path, 0);
        let mut books = venue.open_account(1.0);
        venue.execute(MarketOrder::BuyFor(1.0), arrival(1), &mut books).unwrap();
        venue.execute(MarketOrder::SellShare(1.0), arrival(2), &mut books).unwrap();
        let back = books.lamports().0 as f64 / LAMPORTS_PER_SOL;
        assert!((back - 1.0).abs() < 1e-6, "our own impact is undone by our own sale: {back}");
    }

    #[test]
    fn half_of_the_displacement_is_left_after_the_half_life() {
        let path = path();
        let config = PumpSwapConfig { recovery: Recovery::HalfLife(3_600.0), ..free() };
        let mut venue = PumpSwap::new(config, &path, 0);
        venue.displacement = (0.08, 0);
        assert!((venue.displaced(3_600_000) - 0.04).abs() < 1e-15);
        assert!((venue.displaced(7_200_000) - 0.02).abs() < 1e-15);
    }

    #[test]
    fn a_price_that_ran_away_is_the_programs_slippage_error_and_costs_the_network_fee() {
        let path = PoolPath::rebuilt(&[100.0, 120.0], &[100.0, 120.0], 0, Lamports(100 * SOL)).unwrap();
        let mut venue = PumpSwap::new(PumpSwapConfig::default(), &path, 0);
        let mut books = venue.open_account(10.0);
        let refused = venue.execute(MarketOrder::BuyFor(1.0), arrival(1), &mut books);
        assert_eq!(refused, Err(Rejection::Program(6040)));
        assert_eq!(books.lamports().0, 10 * SOL - 5_000);
    }

    #[test]
    fn failed_transactions_cost_the_network_fee_and_move_nothing() {
        let path = path();
        let config = PumpSwapConfig { failures: Fraction::ONE, priority_fee: Lamports(1_000), ..free() };
        let mut venue = PumpSwap::new(config, &path, 0);
        let mut books = venue.open_account(1.0);
        assert_eq!(venue.execute(MarketOrder::BuyFor(1.0), arrival(1), &mut books), Err(Rejection::TransactionFailed));
        assert_eq!((books.lamports().0, books.tokens().0), (SOL - 1_000, 0));
    }

    #[test]
    fn the_share_of_failures_is_the_stated_one() {
        let path = path();
        let config = PumpSwapConfig { failures: Fraction::new(0.3), ..free() };
        let venue = PumpSwap::new(config, &path, 0);
        let failed = (0..10_000).filter(|&row| venue.fails(row)).count();
        assert!((2_860..3_140).contains(&failed), "{failed}: 3000 with a standard deviation of 46");
    }

    #[test]
    fn a_sandwich_takes_its_share_of_the_allowance() {
        let path = path();
        let config = PumpSwapConfig { sandwich: Fraction::new(0.5), slippage: Bps(200), ..free() };
        let mut venue = PumpSwap::new(config, &path, 0);
        let mut books = venue.open_account(1.0);
        let fill = venue.execute(MarketOrder::BuyFor(1.0), arrival(1), &mut books).unwrap();
        assert!((fill.pool.unwrap().sandwich - 0.01 * 100.0 / 101.0).abs() < 1e-8, "half of 2 %: {fill:?}");
    }

    #[test]
    fn a_buy_beyond_the_impact_bound_is_cut() {
        let path = path();
        let mut venue = PumpSwap::new(free(), &path, 0);
        let mut books = venue.open_account(1_000.0);
        let fill = venue.execute(MarketOrder::BuyFor(1_000.0), arrival(1), &mut books).unwrap();
        let spent = fill.pool.unwrap().quote.0 as f64 / LAMPORTS_PER_SOL;
        assert!((spent - 100.0 / 9.0).abs() < 1e-6, "10 % impact admits a ninth of the reserve: {spent}");
    }

    #[test]
    fn a_spot_pool_has_no_short_side() {
        let path = path();
        let mut venue = PumpSwap::new(free(), &path, 0);
        let mut books = venue.open_account(1.0);
        assert_eq!(venue.execute(MarketOrder::ShortFor(1.0), arrival(1), &mut books), Err(Rejection::NoShorting));
        assert_eq!(venue.execute(MarketOrder::SellShare(1.0), arrival(1), &mut books), Err(Rejection::NoPosition));
    }
}
