use q50_datasets::{
    Bars, Dataset,
    results::{Execution, TradeList},
    time::rfc3339,
    trades::{RecordedTrade, TradeSide},
};
use q50_engine::{
    decision::Reason,
    record::FillRow,
    units::PeriodsPerYear,
    venue::{Fill, FillSide},
};

use super::{RebuildError, Rebuilt};
use crate::{
    audit::{AuditRequest, PlacedFill, Placement, ViolationKind, audit, row_at},
    claim::{Benchmark, ClaimedFigure, Trading},
    metrics::{self, Ddof},
};

/// Distance within which a figure of the file is the one that was computed again.
const SAME: f64 = 1e-3;
/// Profits and fees of QuantConnect's trades are printed in cents.
const CENT: f64 = 0.01;
/// Share of the final equity that fees of what is open at the end may be: they are in no trade of QuantConnect.
const WITH_OPEN: f64 = 1e-2;
/// Days that freqtrade counts as a year.
const FREQTRADE_YEAR: f64 = 365.0;
const DAY_MS: i64 = 86_400_000;
const HALF_AN_HOUR: i64 = 1_800_000;
/// Offsets from UTC that are named where several do.
const OFFSETS: usize = 3;
/// Fewest entries outside of their bars that are averages and no mistake.
const AVERAGED: usize = 3;
/// Most of a profit that may be funding and swap, which no bar shows.
const FINANCED: f64 = 0.5;

/// Trades on the bars that they were made on, in the window of `data`. `capital` is needed where the file does not state it.
///
/// # Errors
/// No capital is known, a trade lies outside of the bars, the times are those of another zone than was said, or the equity is
/// used up.
pub fn of_trades(list: &TradeList, data: Dataset, capital: Option<f64>) -> Result<Rebuilt, RebuildError> {
    let mut stated = list.stated.clone();
    let Some(capital) = capital.or(stated.capital) else {
        return Err(RebuildError::Bars(format!(
            "the starting capital is not in this file of {}; give it with --capital",
            stated.name
        )));
    };
    let (bars, rows) = (data.bars(), data.rows());
    let placement = Placement::of(&placed(&list.executions, 0), bars);
    in_another_zone(&list.executions, bars, &placement)?;
    inside(&list.executions, &data)?;
    averaged(list, bars)?;
    if let Some((from, to)) = list.period.filter(|(from, to)| {
        *from > bars.open_time[rows.start] + bars.interval_ms || *to < bars.open_time[rows.end - 1] - bars.interval_ms
    }) {
        stated.notes.push(format!(
            "the file states a backtest from {} to {}, the bars go further: --from and --to narrow them",
            rfc3339(from),
            rfc3339(to)
        ));
    }

    let trades = ledger(&list.executions, capital);
    let audited = audit(&AuditRequest {
        run: stated.name,
        trades: &trades,
        bars,
        cash: capital,
        price_shift: 0,
        cap: None,
        from: Some(bars.open_time[rows.start]),
        to: Some(bars.open_time[rows.end - 1]),
        periods_per_year: PeriodsPerYear::from_interval_ms(bars.interval_ms),
    })?;
    if let Some(spent) = audited.violation(ViolationKind::Overspent) {
        stated.notes.push(format!(
            "buys that leave less than no cash: {}, first at {}: leverage, or more capital than {capital}",
            spent.count, spent.first
        ));
    }
    let equity: Vec<f64> = audited.equity.iter().map(|point| point.equity).collect();
    if let Some(point) = audited.equity.iter().find(|point| point.equity.is_nan() || point.equity <= 0.0) {
        return Err(RebuildError::Bars(format!(
            "a capital of {capital} is used up at {}: equity is {}; give what the backtest started with",
            rfc3339(point.time),
            point.equity
        )));
    }
    if let Some((row, price, worst)) = used_up_inside(&trades, &data, &equity) {
        return Err(RebuildError::Bars(format!(
            "a capital of {capital} is used up inside the bar of {}: at its price of {price} equity is {worst}; give what the \
             backtest started with",
            rfc3339(bars.open_time[row])
        )));
    }
    let exposure = exposure(&trades, &data, &equity);
    let held = std::iter::once(bars.open[rows.start]).chain(bars.close[rows].iter().copied()).collect();
    let end = equity.last().copied().unwrap_or(capital);
    if let Some(received) = stated.financing.filter(|received| *received > 0.0) {
        stated.notes.push(format!(
            "{received:.2} was received as funding or swap, which no bar shows; the profit with it is {:.2}",
            end - capital
        ));
    }
    let figures = figures(list, capital, end);
    Ok(Rebuilt {
        capital,
        trading: Some(Trading { fills: fills(&trades, bars), exposure, placement }),
        benchmark: Some(Benchmark { name: "buy_and_hold", curve: held }),
        coverage: None,
        stated,
        figures,
        equity,
        periods: data,
    })
}

/// Refuses trades before the first bar or after the last.
fn inside(executions: &[Execution], data: &Dataset) -> Result<(), RebuildError> {
    let (from, to) = data.period();
    let end = to + data.bars().interval_ms;
    match executions.iter().find(|one| one.ts_ms < from || one.ts_ms >= end) {
        None => Ok(()),
        Some(one) => Err(RebuildError::Bars(format!(
            "a trade at {} lies outside of the bars, which go from {} to {}; give bars of the whole backtest",
            rfc3339(one.ts_ms),
            rfc3339(from),
            rfc3339(end)
        ))),
    }
}

/// Refuses entries at average prices, as vectorbt lists a trade after several entries: exits are in their bars, entries are not.
fn averaged(list: &TradeList, bars: &Bars) -> Result<(), RebuildError> {
    if list.stated.name != "vectorbt" || list.closed.is_empty() {
        return Ok(());
    }
    let (mut position, mut entries, mut exits) = (0.0_f64, Vec::new(), Vec::new());
    for one in &list.executions {
        let bought = if one.side == TradeSide::Buy { one.units } else { -one.units };
        if position * bought < 0.0 {
            exits.push(*one);
        } else {
            entries.push(*one);
        }
        position += bought;
        if position.abs() <= 1e-9 * one.units {
            position = 0.0;
        }
    }
    let impossible = |of: &[Execution]| Placement::of(&placed(of, 0), bars).impossible.len();
    let found = impossible(&entries);
    if found < AVERAGED || impossible(&exits) > 0 {
        return Ok(());
    }
    Err(RebuildError::Bars(format!(
        "{found} of {} entries are outside of their bars, and no exit is: a trade of vectorbt has the average price of its \
         entries; export pf.orders.records_readable, which has each of them",
        entries.len()
    )))
}

fn placed(executions: &[Execution], earlier_ms: i64) -> Vec<PlacedFill> {
    let of = |one: &Execution| PlacedFill { ts_ms: one.ts_ms - earlier_ms, side: one.side, price: one.price };
    executions.iter().map(of).collect()
}

/// Refuses times under which many prices are not those of their bars, where at another offset from UTC most are.
fn in_another_zone(executions: &[Execution], bars: &Bars, as_read: &Placement) -> Result<(), RebuildError> {
    let misplaced = |placement: &Placement| placement.impossible.len() + placement.without_bar;
    let now = misplaced(as_read);
    if now < 3 || 5 * now < executions.len() || bars.interval_ms >= DAY_MS {
        return Ok(());
    }
    let left = |steps: i64| misplaced(&Placement::of(&placed(executions, steps * HALF_AN_HOUR), bars));
    let tried: Vec<(usize, i64)> = (-24..=28).filter(|steps| *steps != 0).map(|steps| (left(steps), steps)).collect();
    let Some(best) = tried.iter().map(|(left, _)| *left).min().filter(|best| 4 * best <= now) else { return Ok(()) };
    // Half an hour more changes nothing within bars of an hour, and a close is the next bar's open. Most fill at an open.
    let off_grid = |steps: i64| {
        let since = |one: &Execution| one.ts_ms - steps * HALF_AN_HOUR - bars.open_time[0];
        executions.iter().filter(|one| since(one).rem_euclid(bars.interval_ms) != 0).count()
    };
    let mut steps: Vec<i64> = tried.into_iter().filter(|(left, _)| *left == best).map(|(_, steps)| steps).collect();
    steps.sort_by_key(|steps| (off_grid(*steps), steps % 2 != 0, steps.abs()));
    let offset = |steps: &i64| {
        let (sign, half_hours) = (if *steps < 0 { '-' } else { '+' }, steps.abs());
        format!("{sign}{:02}:{:02}", half_hours / 2, half_hours % 2 * 30)
    };
    let offsets: Vec<String> = steps.iter().take(OFFSETS).map(offset).collect();
    Err(RebuildError::Bars(format!(
        "{now} of {} fills are not in their bars as the times are read, and {best} would not be at {} from UTC; give --time-zone \
         with the zone of the times, or bars whose times are UTC",
        executions.len(),
        offsets.join(" or ")
    )))
}

/// The executions as a ledger: what was held and what was left after each.
fn ledger(executions: &[Execution], capital: f64) -> Vec<RecordedTrade> {
    let (mut balance, mut position) = (capital, 0.0);
    let row = |one: &Execution| {
        let bought = if one.side == TradeSide::Buy { one.units } else { -one.units };
        let position_before = position;
        position += bought;
        // What is left of a closed position is rounding.
        if position.abs() <= 1e-9 * one.units {
            position = 0.0;
        }
        balance += one.financing - bought * one.price - one.fee;
        RecordedTrade {
            run: None,
            ts_ms: one.ts_ms,
            side: one.side,
            trade_type: String::new(),
            original_signal: String::new(),
            quantity: one.units,
            price: one.price,
            position_before,
            position_after: position,
            fee_cost: one.fee - one.financing,
            slippage_cost: 0.0,
            balance_after: balance,
        }
    };
    executions.iter().map(row).collect()
}

/// The first bar whose worst price leaves nothing, with that price and the equity at it. Bars with a fill are passed over: which
/// came first is not known.
fn used_up_inside(trades: &[RecordedTrade], data: &Dataset, equity: &[f64]) -> Option<(usize, f64, f64)> {
    let (bars, mut next, mut position) = (data.bars(), 0, 0.0);
    data.rows().zip(equity).find_map(|(row, equity)| {
        let (before, end) = (next, bars.open_time[row] + bars.interval_ms);
        while let Some(trade) = trades.get(next).filter(|trade| trade.ts_ms < end) {
            (position, next) = (trade.position_after, next + 1);
        }
        let price = if position > 0.0 { bars.low[row] } else { bars.high[row] };
        let worst = equity + position * (price - bars.close[row]);
        (next == before && worst <= 0.0).then_some((row, price, worst))
    })
}

/// Value of the position as a share of equity at each close.
fn exposure(trades: &[RecordedTrade], data: &Dataset, equity: &[f64]) -> Vec<f64> {
    let (bars, mut next, mut position) = (data.bars(), 0, 0.0);
    let share = |(row, equity): (usize, &f64)| {
        let end = bars.open_time[row] + bars.interval_ms;
        while let Some(trade) = trades.get(next).filter(|trade| trade.ts_ms < end) {
            (position, next) = (trade.position_after, next + 1);
        }
        position * bars.close[row] / equity
    };
    data.rows().zip(equity).map(share).collect()
}

/// The fills with the rows of their bars; of one in no bar that of the next.
fn fills(trades: &[RecordedTrade], bars: &Bars) -> Vec<FillRow> {
    let of = |trade: &RecordedTrade| {
        let next = || bars.open_time.partition_point(|open| *open < trade.ts_ms).min(bars.len() - 1);
        let buys = trade.side == TradeSide::Buy;
        let reason = match (buys, trade.position_before) {
            (true, held) if held < 0.0 => Reason::ExitShort,
            (true, held) if held > 0.0 => Reason::AddLong,
            (true, _) => Reason::EnterLong,
            (false, held) if held > 0.0 => Reason::ExitLong,
            (false, held) if held < 0.0 => Reason::AddShort,
            (false, _) => Reason::EnterShort,
        };
        let fill = Fill {
            row: row_at(bars, trade.ts_ms).unwrap_or_else(next),
            time: trade.ts_ms,
            side: if buys { FillSide::Buy } else { FillSide::Sell },
            units: trade.quantity,
            price: trade.price,
            notional: trade.quantity * trade.price,
            cost: trade.fee_cost,
            spread_cost: 0.0,
            pool: None,
        };
        FillRow { fill, reason }
    };
    trades.iter().map(of).collect()
}

/// What the file states and can be computed again by its tool's own definition.
fn figures(list: &TradeList, capital: f64, end: f64) -> Vec<ClaimedFigure> {
    let stated = &list.stated;
    let mut all = Vec::new();
    if stated.capital.is_none_or(|own| own == capital) {
        let total = [
            ("final_equity", stated.final_equity, end, 1.0),
            ("total_return", stated.total_return, end / capital - 1.0, capital),
        ];
        for ((name, claimed, computed, unit), rounding) in total.into_iter().zip(stated.rounding) {
            all.extend(claimed.map(|claimed| match slack(list, end) {
                Some(slack) => ClaimedFigure::within(name, claimed, Some(computed), rounding + slack / unit),
                None => ClaimedFigure::number(name, claimed, Some(computed), SAME),
            }));
        }
    }
    let mut add = |name, claimed: Option<f64>, computed: Option<f64>| {
        all.extend(claimed.map(|claimed| ClaimedFigure::number(name, claimed, computed, SAME)));
    };
    if let Some(after_fees) = stated.profit_after_fees.filter(|_| !list.closed.is_empty()) {
        let net: f64 = list.closed.iter().map(|(_, profit)| profit).sum();
        add("profit", stated.profit, Some(if after_fees { net } else { net + list.closed_fees }));
    }
    if stated.name == "freqtrade" {
        add("max_drawdown", stated.max_drawdown, closed_drawdown(list, capital));
        add("sharpe", stated.sharpe, freqtrade_sharpe(list, capital));
    }
    let profit = end - capital;
    if let Some(received) = stated.financing.filter(|received| *received > 0.0 && profit > 0.0) {
        all.push(ClaimedFigure::number("profit_of_prices", profit, Some(profit - received), FINANCED));
    }
    all
}

/// What rounding leaves open of the final equity, quote units, of a tool that prints its figures rounded; `None` for one that
/// prints them in full.
fn slack(list: &TradeList, end: f64) -> Option<f64> {
    let is_open = list.stated.open_trades.is_some_and(|open| open > 0);
    let slack = if is_open { WITH_OPEN * end } else { CENT * list.closed.len() as f64 };
    (list.stated.name == "QuantConnect").then_some(slack)
}

/// The fall from the highest profit of closed trades that is largest in money, as a share of the account at that high:
/// freqtrade's `max_drawdown_account`.
fn closed_drawdown(list: &TradeList, capital: f64) -> Option<f64> {
    let (mut profit, mut high, mut deepest) = (0.0_f64, 0.0_f64, (0.0, 0.0));
    for (_, one) in &list.closed {
        profit += one;
        high = high.max(profit);
        if high - profit > deepest.0 {
            deepest = (high - profit, (high - profit) / (capital + high));
        }
    }
    Some(deepest.1)
}

/// freqtrade's `sharpe`: profit a day of the backtest over the deviation (divided by n) of the trades' profits, as shares of
/// the starting balance, times the root of 365.
fn freqtrade_sharpe(list: &TradeList, capital: f64) -> Option<f64> {
    let (from, to) = list.period?;
    let shares: Vec<f64> = list.closed.iter().map(|(_, profit)| profit / capital).collect();
    let deviation = metrics::standard_deviation(&shares, Ddof::Zero).ok().filter(|deviation| *deviation > 0.0)?;
    let days = ((to - from) / DAY_MS).max(1) as f64;
    Some(shares.iter().sum::<f64>() / days / deviation * FREQTRADE_YEAR.sqrt())
}
