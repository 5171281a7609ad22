//! Recorded trades of one pool: what went in, what came out, in chain order.
//!
//! The layout is that of GeckoTerminal's trades: `pool_id`, `block_number`, `seq`, a time, `side` as the taker's
//! (`buy`: SOL goes in and the token comes out), `from_token_amount` in, `to_token_amount` out. Its prices are not
//! read: `price_usd` is the price of whatever went in: of SOL on a buy and of the token on a sell.

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::{Error, Kind, Result, list, quoted};
use crate::frame::{Frame, NO_TIME, Wanted};
use crate::trades::TradeSide;

/// One swap. The base is the token, the quote is SOL; amounts are in whole units, not in lamports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoolTrade {
    /// Slot of the chain that holds it. Time on the chain: the recorder's clock may run back.
    pub block: u64,
    /// Order inside the block, as far as the recorder tells it. Two trades of a block can have the same. In
    /// GeckoTerminal's trades it is the number of the swap inside its own transaction, so that it orders the swaps of
    /// one transaction and says nothing sure about those of two.
    pub seq: u64,
    /// When, as recorded: epoch milliseconds UTC. Need not ascend.
    pub ts_ms: i64,
    /// The taker's side: a buy puts SOL in and takes the token out.
    pub side: TradeSide,
    /// SOL that went in (buy) or out (sell), above zero.
    pub sol: f64,
    /// Token that went out (buy) or in (sell), above zero.
    pub token: f64,
}

impl PoolTrade {
    /// Place in the chain: block, then order inside it. Equal where the record does not tell which came first.
    #[must_use]
    pub const fn position(&self) -> (u64, u64) {
        (self.block, self.seq)
    }
}

/// The trades of one pool, by block and `seq`; where both are equal, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolTape {
    /// The pool as the file names it, e.g. `solana_FcgExnc1...`.
    pub pool: String,
    /// Its trades in order, at least one.
    pub trades: Vec<PoolTrade>,
}

/// Reads the trades of one pool from Parquet or CSV and puts them into the chain's order.
///
/// `pool` is the pool's name, or a part of it that only one pool's name has; `None` does where the file holds one
/// pool. Where the file also has `sol_amount` and `token_amount`, they must say the same as `from` and `to`.
///
/// # Errors
/// Where the file cannot be read, columns are missing, the pool is unknown or not the only one (they are listed), a
/// side is neither buy nor sell, a block, `seq` or time is absent, or an amount is not above zero.
pub fn read_pool_trades(path: &Path, pool: Option<&str>) -> Result<PoolTape> {
    let wanted = Wanted {
        time: true,
        numbers: vec!["block_number", "seq", "from_token_amount", "to_token_amount"],
        optional: vec!["sol_amount", "token_amount"],
        texts: vec!["pool_id", "side"],
        ..Wanted::default()
    };
    let frame = Frame::read(path, &wanted)?.strict()?.not_empty()?;
    let pools = frame.text("pool_id").unwrap_or_default();
    let pool = choose(path, pool, &pools.iter().map(String::as_str).collect())?;
    let mut trades = Vec::new();
    for (row, _) in pools.iter().enumerate().filter(|(_, name)| *name == pool) {
        trades.push(trade(&frame, row)?);
    }
    trades.sort_by_key(PoolTrade::position);
    Ok(PoolTape { pool: pool.to_owned(), trades })
}

fn trade(frame: &Frame, row: usize) -> Result<PoolTrade> {
    let fault = |column: &str, found: String, expected: &str| {
        Error::new(Kind::Value, frame.origin(), found).at_row(row).column(column).expected(expected)
    };
    let number = |name: &str| frame.number(name).map(|column| column[row]);
    let whole = |name: &str| match number(name).unwrap_or(f64::NAN) {
        // Above 2^53 an f64 no longer holds every whole number; slots are far below.
        value if value >= 0.0 && value.fract() == 0.0 && value <= 2_f64.powi(53) => Ok(value as u64),
        value => Err(fault(name, format!("found {value}"), "a whole number from zero up")),
    };
    let amount = |name: &str| match number(name).unwrap_or(f64::NAN) {
        value if value > 0.0 && value.is_finite() => Ok(value),
        value => Err(fault(name, format!("found {value}"), "an amount above zero").remedy("remove the row")),
    };

    let (from, to) = (amount("from_token_amount")?, amount("to_token_amount")?);
    let (side, sol, token) = match frame.text("side").map_or("", |column| column[row].as_str()) {
        "buy" | "BUY" => (TradeSide::Buy, from, to),
        "sell" | "SELL" => (TradeSide::Sell, to, from),
        other => return Err(fault("side", format!("found {}", quoted(other)), "`buy` or `sell`")),
    };
    // A pool whose base is SOL has its sides the other way round; where the file can tell, it is believed.
    for (name, value) in [("sol_amount", sol), ("token_amount", token)] {
        if let Some(stated) = number(name).filter(|stated| (stated - value).abs() > 1e-9 * value) {
            return Err(fault(name, format!("found {stated}"), &format!("{value}, as the side and the amounts say"))
                .remedy("check which of the pool's tokens is SOL"));
        }
    }
    let ts_ms = frame.time()[row];
    if ts_ms == NO_TIME {
        return Err(fault("time", "no moment".to_owned(), "the time of the trade"));
    }
    Ok(PoolTrade { block: whole("block_number")?, seq: whole("seq")?, ts_ms, side, sol, token })
}

fn choose<'a>(path: &Path, pool: Option<&str>, pools: &BTreeSet<&'a str>) -> Result<&'a str> {
    let wanted = pool.unwrap_or_default();
    let exact = pools.get(wanted).copied();
    let mut alike = pools.iter().copied().filter(|name| name.contains(wanted));
    match (exact, alike.next(), alike.next()) {
        (Some(pool), ..) | (None, Some(pool), None) => Ok(pool),
        (None, first, _) => {
            let found = match (pool, first) {
                (None, _) => format!("{} pools", pools.len()),
                (Some(pool), None) => format!("no pool `{pool}`"),
                (Some(pool), Some(_)) => format!("several pools with `{pool}` in their name"),
            };
            Err(Error::new(Kind::Choice, path, found)
                .expected(format!("one of {}", list(pools)))
                .remedy("name the pool"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "pool_id,block_number,seq,ts_ms,side,from_token_amount,to_token_amount\n";

    fn read_text(text: &str, pool: Option<&str>) -> Result<PoolTape> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pool_trades.csv");
        std::fs::write(&path, text).unwrap();
        read_pool_trades(&path, pool)
    }

    fn read(rows: &str, pool: Option<&str>) -> Result<PoolTape> {
        read_text(&format!("{HEAD}{rows}"), pool)
    }

    #[test]
    fn a_buy_takes_sol_and_gives_the_token_and_a_sell_the_reverse() {
        let tape = read("p,7,20,1000,buy,1.5,600\np,8,20,2000,sell,500,1.25\n", None).unwrap();
        assert_eq!(tape.pool, "p");
        let [buy, sell] = tape.trades.as_slice() else { panic!("{tape:?}") };
        assert_eq!(*buy, PoolTrade { block: 7, seq: 20, ts_ms: 1000, side: TradeSide::Buy, sol: 1.5, token: 600.0 });
        assert_eq!((sell.side, sell.sol, sell.token), (TradeSide::Sell, 1.25, 500.0));
    }

    #[test]
    fn the_order_is_that_of_block_and_seq_not_of_the_clock_and_ties_stay_as_in_the_file() {
        let tape = read("p,9,0,1,buy,1,1\np,8,40,5,buy,2,1\np,8,20,6,buy,3,1\np,8,40,4,buy,4,1\n", None).unwrap();
        let order: Vec<f64> = tape.trades.iter().map(|trade| trade.sol).collect();
        assert_eq!(order, [3.0, 2.0, 4.0, 1.0]);
    }

    #[test]
    fn a_pool_is_found_by_a_part_of_its_name_that_no_other_has() {
        let rows = "solana_Fcg,1,0,1,buy,1,1\nsolana_Cnd,1,0,1,buy,2,1\nsolana_CndX,1,0,1,buy,3,1\n";
        assert_eq!(read(rows, Some("Fcg")).unwrap().pool, "solana_Fcg");
        assert_eq!(read(rows, Some("solana_Cnd")).unwrap().pool, "solana_Cnd", "a whole name wins");
        for unclear in [None, Some("Cnd"), Some("CR7")] {
            let e = read(rows, unclear).unwrap_err();
            assert!(e.is_choice() && e.to_string().contains("`solana_CndX`"), "{e}");
        }
    }

    #[test]
    fn a_bad_cell_is_named_with_its_row_and_column() {
        for (row, column) in [
            ("p,1.5,0,1,buy,1,1", "block_number"),
            ("p,1,-1,1,buy,1,1", "seq"),
            ("p,1,0,1,swap,1,1", "side"),
            ("p,1,0,1,buy,0,1", "from_token_amount"),
            ("p,1,0,1,buy,1,", "to_token_amount"),
        ] {
            let e = read(&format!("p,1,0,1,buy,1,1\n{row}\n"), None).unwrap_err();
            assert!(e.is_value(), "{e}");
            assert_eq!((e.row(), e.column_name()), (Some(2), Some(column)), "{e}");
        }
        assert!(read("", None).unwrap_err().is_empty());
    }

    #[test]
    fn sides_that_contradict_the_stated_sol_amount_are_refused() {
        let head = "pool_id,block_number,seq,ts_ms,side,from_token_amount,to_token_amount,sol_amount\n";
        assert!(read_text(&format!("{head}p,1,0,1,sell,600,1.5,1.5\n"), None).is_ok());
        let e = read_text(&format!("{head}p,1,0,1,buy,600,1.5,1.5\n"), None).unwrap_err();
        assert_eq!(e.column_name(), Some("sol_amount"), "{e}");
    }
}
