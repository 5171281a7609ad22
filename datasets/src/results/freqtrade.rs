//! freqtrade: the result of a backtest (`backtest-result-*.zip`, or its JSON), of 2020.9 and later.
//!
//! Times are UTC. `fee_open` and `fee_close` are rates. `orders` lists every order of a trade with several entries; older
//! results have none, and one entry and one exit. `profit_abs` is after fees and funding.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Stated;
use super::trades::{Execution, Reader, TradeList, sum_up};
use crate::error::{Error, Kind, Result};
use crate::time::parse_ms;
use crate::trades::TradeSide;

#[derive(Deserialize)]
struct Outcome {
    trades: Vec<Trade>,
    starting_balance: Option<f64>,
    final_balance: Option<f64>,
    profit_total: Option<f64>,
    sharpe: Option<f64>,
    max_drawdown_account: Option<f64>,
    total_trades: Option<usize>,
    backtest_start_ts: Option<i64>,
    backtest_end_ts: Option<i64>,
    trading_mode: Option<String>,
}

#[derive(Deserialize)]
struct Trade {
    pair: String,
    amount: f64,
    open_date: Option<String>,
    close_date: Option<String>,
    open_timestamp: Option<i64>,
    close_timestamp: Option<i64>,
    open_rate: f64,
    close_rate: Option<f64>,
    fee_open: f64,
    fee_close: Option<f64>,
    profit_abs: Option<f64>,
    #[serde(default, alias = "open_at_end")]
    is_open: bool,
    #[serde(default)]
    is_short: bool,
    #[serde(default)]
    orders: Vec<Order>,
    #[serde(default)]
    funding_fees: Option<f64>,
}

#[derive(Deserialize)]
struct Order {
    amount: f64,
    safe_price: f64,
    ft_order_side: String,
    order_filled_timestamp: Option<i64>,
    ft_is_entry: Option<bool>,
}

pub(super) fn is_theirs(value: &Value) -> bool {
    value.get("strategy").is_some_and(Value::is_object) || is_list(value)
}

/// The layout before 2020.9: a list a trade.
fn is_list(value: &Value) -> bool {
    value
        .as_array()
        .and_then(|trades| trades.first())
        .is_some_and(|trade| trade.as_array().is_some_and(|t| t.len() >= 10))
}

pub(super) fn read(reader: &mut Reader<'_>, value: &Value) -> Result<TradeList> {
    let path = reader.path;
    let unreadable = |found: String| {
        Error::new(Kind::Format, path, found)
            .expected("a result of freqtrade 2020.9 or later, with the amount of each trade")
            .remedy("run the backtest again with --export trades")
    };
    if is_list(value) {
        return Err(unreadable("freqtrade's list of trades without amounts".to_owned()));
    }
    let strategies = value.get("strategy").and_then(Value::as_object).cloned().unwrap_or_default();
    let (name, pair) = choose(reader, &strategies)?;
    let outcome = Outcome::deserialize(&strategies[&name]).map_err(|e| unreadable(e.to_string()).source(e))?;
    if let Some(all) = outcome.total_trades.filter(|all| *all != outcome.trades.len()) {
        return Err(Error::new(Kind::Value, path, format!("{} trades of `{name}`", outcome.trades.len()))
            .expected(format!("{all}, as `total_trades` states"))
            .remedy("give the result as freqtrade wrote it"));
    }
    let is_spot = outcome.trading_mode.as_deref() == Some("spot");
    let alone = outcome.trades.iter().all(|trade| trade.pair == pair);
    let mut stated = Stated {
        name: "freqtrade",
        layout: "trades",
        instrument: Some(pair.clone()),
        capital: outcome.starting_balance,
        ..Stated::default()
    };
    if alone {
        stated.final_equity = outcome.final_balance;
        stated.total_return = outcome.profit_total;
        stated.sharpe = outcome.sharpe;
        stated.max_drawdown = outcome.max_drawdown_account;
        stated.trades = outcome.total_trades;
    } else {
        stated.notes.push(format!("only the trades of {pair}: what the file states of all is not compared"));
    }
    let (mut executions, mut closed, mut profit, mut open) = (Vec::new(), Vec::new(), Some(0.0), 0);
    for (row, trade) in outcome.trades.iter().enumerate().filter(|(_, trade)| trade.pair == pair) {
        let own = trade.executions().ok_or_else(|| {
            Error::new(Kind::Value, path, "a trade without the time or the price of its exit").at_row(row)
        })?;
        own.iter().try_for_each(|one| one.check(path, row))?;
        if own.first().zip(own.last()).is_some_and(|(entry, exit)| exit.ts_ms < entry.ts_ms) {
            return Err(Error::new(Kind::Value, path, "an exit before its entry").at_row(row));
        }
        if is_spot && trade.funding_fees.is_some_and(|funding| funding != 0.0) {
            return Err(Error::new(Kind::Value, path, "funding of a trade on a spot market")
                .at_row(row)
                .column("funding_fees")
                .expected("0, as no funding is paid on spot"));
        }
        match own.last().filter(|_| !trade.is_open) {
            Some(exit) => {
                closed.push((exit.ts_ms, own.iter().map(Execution::gain).sum::<f64>()));
                profit = profit.zip(trade.profit_abs).map(|(sum, own)| sum + own);
            }
            None => open += 1,
        }
        executions.extend(own);
    }
    executions.sort_by_key(|one| one.ts_ms);
    closed.sort_by_key(|(time, _)| *time);
    sum_up(&executions, &mut stated);
    (stated.profit, stated.open_trades) = (profit, Some(open));
    stated.profit_after_fees = profit.map(|_| true);
    let period = outcome.backtest_start_ts.zip(outcome.backtest_end_ts);
    // Its profit is after fees always, so that nobody needs the fees of closed trades.
    Ok(TradeList { stated, executions, closed, closed_fees: 0.0, period })
}

/// The strategy and the pair that are meant. A run is named by that of them which tells it from the others, else by both.
fn choose(reader: &Reader<'_>, strategies: &Map<String, Value>) -> Result<(String, String)> {
    let mut runs = BTreeSet::new();
    for (strategy, outcome) in strategies {
        let trades = outcome.get("trades").and_then(Value::as_array);
        let pair = |trade: &Value| trade.get("pair").and_then(Value::as_str).unwrap_or_default().to_owned();
        let pairs: BTreeSet<String> = trades.into_iter().flatten().map(pair).collect();
        let without = pairs.is_empty().then(String::new);
        runs.extend(pairs.into_iter().chain(without).map(|pair| (strategy.clone(), pair)));
    }
    let both = |(strategy, pair): &(String, String)| format!("{strategy}:{pair}");
    let is_meant = |run: &(String, String)| {
        reader.run.is_none_or(|wanted| wanted == run.0 || wanted == run.1 || wanted == both(run))
    };
    let meant: Vec<&(String, String)> = runs.iter().filter(|run| is_meant(run)).collect();
    if let [only] = meant[..] {
        return Ok(only.clone());
    }
    let distinct = |name: fn(&(String, String)) -> &String| runs.iter().map(name).collect::<BTreeSet<_>>().len();
    let (strategies, pairs) = (distinct(|run| &run.0), distinct(|run| &run.1));
    Err(match (strategies, pairs) {
        (_, 1) => reader.unchosen("strategies", &runs.iter().map(|run| run.0.clone()).collect()),
        (1, _) => reader.unchosen("instruments", &runs.iter().map(|run| run.1.clone()).collect()),
        _ => reader.unchosen("strategies and instruments", &runs.iter().map(both).collect()),
    })
}

impl Trade {
    fn executions(&self) -> Option<Vec<Execution>> {
        let (entry, exit) = match self.is_short {
            true => (TradeSide::Sell, TradeSide::Buy),
            false => (TradeSide::Buy, TradeSide::Sell),
        };
        let funding = self.funding_fees.unwrap_or(0.0);
        let fee_close = self.fee_close.unwrap_or(self.fee_open);
        let fill = |ts_ms, side, units: f64, price: f64| {
            let rate = if side == entry { self.fee_open } else { fee_close };
            Execution { ts_ms, side, units, price, fee: units * price * rate, financing: 0.0 }
        };
        let filled = self.orders.iter().filter(|order| order.order_filled_timestamp.is_some() && order.amount != 0.0);
        let mut all: Vec<Execution> = filled
            .filter_map(|order| {
                let bought = order.ft_order_side == "buy";
                let side = match order.ft_is_entry {
                    Some(is_entry) => {
                        if is_entry {
                            entry
                        } else {
                            exit
                        }
                    }
                    None => {
                        if bought {
                            TradeSide::Buy
                        } else {
                            TradeSide::Sell
                        }
                    }
                };
                Some(fill(order.order_filled_timestamp?, side, order.amount, order.safe_price))
            })
            .collect();
        if all.is_empty() {
            let time = |ms: Option<i64>, text: &Option<String>| ms.or_else(|| parse_ms(text.as_deref()?));
            all.push(fill(time(self.open_timestamp, &self.open_date)?, entry, self.amount, self.open_rate));
            if !self.is_open {
                let closed = time(self.close_timestamp, &self.close_date)?;
                all.push(fill(closed, exit, self.amount, self.close_rate?));
            }
        }
        if let Some(last) = all.last_mut() {
            last.financing = funding;
        }
        Some(all)
    }
}
