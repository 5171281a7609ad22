//! Closed positions, from fills: the same rule for a backtest and for a session.

use crate::journal::{OrderRow, State};
use crate::promoted;
use q50_datasets::frame::{Frame, Wanted};
use q50_engine::units::LAMPORTS_PER_SOL;
use std::path::Path;
use thiserror::Error;

/// Tables of a backtest that cannot be used.
#[derive(Debug, Error)]
pub enum ReferenceError {
    /// They cannot be read.
    #[error(transparent)]
    Data(#[from] q50_datasets::Error),
    /// They are of another venue.
    #[error("{file}: its fills have no amounts of a pool; name a run of `q50 verify --venue pumpswap`")]
    NoPool {
        /// The file.
        file: String,
    },
}

/// A position from its first coin to its last.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Trip {
    held: u64,
    paid: f64,
    received: f64,
}

impl Trip {
    /// Books a fill of so many coins that paid (buy) or brought (sale) `lamports`, all fees in. Where it closes the position:
    /// its net return, a fraction of what was paid.
    pub(super) fn book(&mut self, is_buy: bool, base: u64, lamports: f64) -> Option<f64> {
        if is_buy {
            self.held = self.held.saturating_add(base);
            self.paid += lamports;
            return None;
        }
        self.held = self.held.saturating_sub(base);
        self.received += lamports;
        if self.held > 0 {
            return None;
        }
        let closed = std::mem::take(self);
        (closed.paid > 0.0).then(|| closed.received / closed.paid - 1.0)
    }

    /// Books what became of an order; what moved nothing books nothing.
    pub(super) fn book_order(&mut self, order: &OrderRow) -> Option<f64> {
        let done = &order.done;
        if done.state != State::Filled {
            return None;
        }
        let network = i128::from(done.network_fee);
        let quote = i128::from(done.quote);
        let lamports = if done.base > 0 { -quote + network } else { quote - network };
        self.book(done.base > 0, done.base.unsigned_abs(), lamports as f64)
    }
}

/// Net returns of the trades of the backtest that was promoted, in the order of their entries.
///
/// # Errors
/// [`ReferenceError`] where the session's folder has its tables, and they cannot be used.
pub fn promoted_trades(session: &Path) -> Result<Option<Vec<f64>>, ReferenceError> {
    let file = promoted::folder(session).join("fills.parquet");
    if !file.is_file() {
        return Ok(None);
    }
    let numbers = vec!["base_amount", "quote_amount", "notional", "cost"];
    let frame = Frame::read(&file, &Wanted { time: true, numbers, texts: vec!["side"], ..Wanted::default() })?;
    let column = |name: &str| frame.number(name).unwrap_or_default();
    let (base, quote, notional, cost) =
        (column("base_amount"), column("quote_amount"), column("notional"), column("cost"));
    if base.iter().chain(quote).any(|amount| amount.is_nan()) {
        return Err(ReferenceError::NoPool { file: file.display().to_string() });
    }
    let (mut trip, mut network) = (Trip::default(), 0.0);
    let mut returns = Vec::new();
    for (row, side) in frame.text("side").unwrap_or_default().iter().enumerate() {
        let (notional, cost) = (notional[row] * LAMPORTS_PER_SOL, cost[row] * LAMPORTS_PER_SOL);
        let closed = if side == "buy" {
            // What the pool took is the notional with the pool's fees; the rest of the cost is the network's.
            network = notional + cost - quote[row];
            trip.book(true, base[row] as u64, notional + cost)
        } else {
            trip.book(false, base[row] as u64, quote[row] - network)
        };
        returns.extend(closed);
    }
    Ok(Some(returns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trade_runs_from_the_first_coin_to_the_last() {
        let mut trip = Trip::default();
        assert_eq!(trip.book(true, 10, 100.0), None);
        assert_eq!(trip.book(true, 5, 60.0), None);
        assert_eq!(trip.book(false, 9, 120.0), None);
        assert_eq!(trip.book(false, 6, 80.0), Some(0.25), "200 for 160");
        assert_eq!(trip, Trip::default());
        assert_eq!(trip.book(false, 6, 80.0), None, "what was not bought here is no trade");
    }
}
