//! Why a live fill differs from the backtest's: the difference, split into parts that add up to the lamport.
//!
//! Between the two lie hypothetical fills, each of which differs from the previous one in one thing:
//!
//! | fill | differs in | the part |
//! |---|---|---|
//! | of the backtest | | |
//! | its size on the pool as the session's own bars have it there | the record of the pool | `state_drift` |
//! | the session's size there | how much was ordered, because the books had come apart | `size` |
//! | the same on the pool as the chain had it right before the order landed | time, and who traded in it | `latency` |
//! | the same at the rates that the chain charged, fee of the network in | fees | `fees` |
//! | of the session | nothing that is known | `unexplained` |
//!
//! A fill is worth what it brought: lamports, and coins at the pool's price right before the live one. Each part is
//! rounded down separately; the remainder of the whole is `rounding`.

use q50_engine::ledger::PoolLedger;
use q50_engine::units::{Fraction, LAMPORTS_PER_SOL, Lamports, TokenAmount};
use q50_engine::venue::pool_path::Reserves;
use q50_engine::venue::pump_swap::Recovery;
use q50_engine::venue::{Arrival, LatencyPreset, MarketOrder, PoolPath, PumpSwap, PumpSwapConfig, Role, Venue};
use serde::{Serialize, Serializer};

/// What a fill changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Coins.
    pub base: i128,
    /// Lamports, fee of the network in; deposits are no cost.
    pub lamports: i128,
}

/// The difference of a live fill to the backtest's, in lamports; below zero the live one is worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// The whole.
    #[serde(serialize_with = "text")]
    pub difference: i128,
    /// The record of the pool.
    #[serde(serialize_with = "text")]
    pub state_drift: i128,
    /// How much was ordered.
    #[serde(serialize_with = "text")]
    pub size: i128,
    /// What happened until it landed.
    #[serde(serialize_with = "text")]
    pub latency: i128,
    /// Fees of pool and network.
    #[serde(serialize_with = "text")]
    pub fees: i128,
    /// What rounding the parts leaves.
    #[serde(serialize_with = "text")]
    pub rounding: i128,
    /// What nothing explains.
    #[serde(serialize_with = "text")]
    pub unexplained: i128,
}

fn text<S: Serializer>(amount: &i128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

impl Parts {
    /// Of the fills from the backtest's to the session's, at the price of `at`.
    #[must_use]
    pub fn between(fills: [Outcome; 6], at: Reserves) -> Self {
        let (quote, base) = (i128::from(at.quote.0), i128::from(at.base.0).max(1));
        let worth =
            |from: Outcome, to: Outcome| to.lamports - from.lamports + ((to.base - from.base) * quote).div_euclid(base);
        let [replayed, drifted, sized, landed, charged, live] = fills;
        let difference = worth(replayed, live);
        let parts = Self {
            difference,
            state_drift: worth(replayed, drifted),
            size: worth(drifted, sized),
            latency: worth(sized, landed),
            fees: worth(landed, charged),
            rounding: 0,
            unexplained: worth(charged, live),
        };
        let Self { state_drift, size, latency, fees, unexplained, .. } = parts;
        Self { rounding: difference - state_drift - size - latency - fees - unexplained, ..parts }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            difference: self.difference + other.difference,
            state_drift: self.state_drift + other.state_drift,
            size: self.size + other.size,
            latency: self.latency + other.latency,
            fees: self.fees + other.fees,
            rounding: self.rounding + other.rounding,
            unexplained: self.unexplained + other.unexplained,
        }
    }
}

/// How much an order buys or sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Lamports that are spent.
    Spent(u64),
    /// Coins that are sold.
    Sold(u64),
}

/// The pool of a backtest at any reserves. Its rates follow from the recorded supply of the coin, and where there is none
/// from the first reserves of the record.
#[derive(Clone, Copy, Debug)]
pub struct ReplayVenue {
    config: PumpSwapConfig,
    began_with: Reserves,
    supply: Option<u64>,
}

impl ReplayVenue {
    /// The pool of `config`, whose record begins with these reserves. Luck and delay are no part of a price.
    #[must_use]
    pub fn new(config: PumpSwapConfig, began_with: Reserves, supply: Option<u64>) -> Self {
        let config =
            PumpSwapConfig { failures: Fraction::ZERO, latency_slots: 0, recovery: Recovery::Restored, ..config };
        Self { config, began_with, supply }
    }

    /// What an order does at these reserves; none where the pool refuses it.
    #[must_use]
    pub fn fill(&self, at: Reserves, amount: Amount) -> Option<Outcome> {
        let (began, config) = (self.began_with, self.config);
        let bases = [began.base.0, at.base.0, at.base.0];
        let quotes = [began.quote.0, at.quote.0, at.quote.0];
        let path = PoolPath::recorded(&bases, &quotes, 3).ok()?.with_supply(self.supply);
        let mut venue = PumpSwap::new(config, &path, 0).with_latency(LatencyPreset::Milliseconds(0));
        let costs = config.base_fee.0 + config.priority_fee.0;
        // An account that is there: its deposit is no cost.
        let (lamports, tokens, trade) = match amount {
            Amount::Spent(lamports) => {
                (lamports.checked_add(costs)?, 0, MarketOrder::BuyFor((lamports as f64 + 0.5) / LAMPORTS_PER_SOL))
            }
            Amount::Sold(tokens) => (costs, tokens, MarketOrder::SellShare(1.0)),
        };
        let mut books = PoolLedger::restored(Lamports(lamports), TokenAmount(tokens), Lamports(1), 0.0, 0);
        let arrival =
            Arrival { row: 2, time: 0, price: 0.0, decided_row: 1, available: f64::INFINITY, role: Role::Taker };
        let fill = venue.execute(trade, arrival, &mut books).ok()?.pool?;
        let (base, quote) = (i128::from(fill.tokens.0), i128::from(fill.quote.0));
        let network = i128::from(fill.network.0);
        Some(match amount {
            Amount::Spent(_) => Outcome { base, lamports: -quote - network },
            Amount::Sold(_) => Outcome { base: -base, lamports: quote - network },
        })
    }

    /// The fee of the network.
    #[must_use]
    pub fn network(&self) -> i128 {
        i128::from(self.config.base_fee.0 + self.config.priority_fee.0)
    }

    /// How much was ordered by a buy that took `quote` lamports and brought `base` coins: a few more may have been offered,
    /// because the program rounds what it takes.
    #[must_use]
    pub fn offered(&self, at: Reserves, quote: u64, base: u64) -> Amount {
        const MORE: u64 = 10;
        let wanted = Outcome { base: i128::from(base), lamports: -i128::from(quote) - self.network() };
        let offers = (quote..=quote.saturating_add(MORE)).map(Amount::Spent);
        let found = offers.into_iter().find(|offer| self.fill(at, *offer) == Some(wanted));
        found.unwrap_or(Amount::Spent(quote))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    const SOL: u64 = 1_000_000_000;

    fn at(base: u64, quote: u64) -> Reserves {
        Reserves { base: TokenAmount(base), quote: Lamports(quote) }
    }

    #[test]
    fn each_part_is_what_one_thing_changed_and_all_add_up() {
        let fill = |base, lamports| Outcome { base, lamports };
        // A coin is worth a third of a lamport.
        let fills = [fill(90, -100), fill(87, -100), fill(87, -103), fill(80, -103), fill(80, -110), fill(79, -110)];
        let parts = Parts::between(fills, at(3, 1));
        assert_eq!((parts.state_drift, parts.size, parts.latency, parts.fees), (-1, -3, -3, -7));
        // -11/3 and -10 lamports are -14; the parts are -1, -3, -7/3, -7 and -1/3, each rounded down.
        assert_eq!((parts.unexplained, parts.difference, parts.rounding), (-1, -14, 1));
    }

    #[test]
    fn a_buy_is_what_the_venue_of_the_backtest_makes_of_it_and_its_offer_is_found_again() {
        let reserves = at(206_900_000_000_000, 84_990_359_078);
        let venue = ReplayVenue::new(PumpSwapConfig::default(), reserves, None);
        let bought = venue.fill(reserves, Amount::Spent(SOL)).unwrap();
        assert!(bought.base > 0 && bought.lamports <= -i128::from(SOL) + 10 - venue.network());
        let quote = u64::try_from(-bought.lamports - venue.network()).unwrap();
        let offered = venue.offered(reserves, quote, u64::try_from(bought.base).unwrap());
        assert_eq!(venue.fill(reserves, offered), Some(bought));
        let sold = venue.fill(reserves, Amount::Sold(1_000_000_000_000)).unwrap();
        assert!(sold.base == -1_000_000_000_000 && sold.lamports > 0);
    }
}
