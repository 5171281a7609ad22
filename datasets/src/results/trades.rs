//! Trades of a result, whichever tool listed them.

use std::collections::BTreeSet;
use std::path::Path;

use super::content::{Export, Rows};
use super::{Stated, backtesting_py, freqtrade, metatrader, quantconnect, tradingview, vectorbt};
use crate::error::{Error, Kind, Result, list};
use crate::time::{Zone, parse};
use crate::trades::TradeSide;

/// A profit is printed in cents, quote units.
const CENT: f64 = 0.01;
/// A size and a price are printed with five digits or more: the share of the notional that this leaves open.
const ROUNDED: f64 = 1e-5;

/// An order that was filled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Execution {
    /// Epoch milliseconds UTC.
    pub ts_ms: i64,
    /// Which way.
    pub side: TradeSide,
    /// Units of base, positive.
    pub units: f64,
    /// Price of one unit, quote units.
    pub price: f64,
    /// Fee, quote units, not below zero.
    pub fee: f64,
    /// Funding or swap, quote units: above zero where it was received.
    pub financing: f64,
}

impl Execution {
    /// What it brought, quote units.
    pub(super) fn gain(&self) -> f64 {
        let notional = self.units * self.price;
        (if self.side == TradeSide::Buy { -notional } else { notional }) - self.fee + self.financing
    }

    /// An error unless it is one.
    pub(super) fn check(&self, path: &Path, row: usize) -> Result<()> {
        let above_zero = |value: f64| value.is_finite() && value > 0.0;
        if above_zero(self.units) && above_zero(self.price) && self.fee.is_finite() && self.fee >= 0.0 {
            return Ok(());
        }
        let Self { units, price, fee, .. } = self;
        Err(Error::new(Kind::Value, path, format!("{units} units at {price} with a fee of {fee}"))
            .at_row(row)
            .expected("a size and a price above zero, and a fee that is not below zero"))
    }
}

/// A trade from its entry to its exit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListedTrade {
    /// Time and price of the entry, epoch milliseconds UTC.
    pub entry: (i64, f64),
    /// Those of the exit; `None` where it was open at the end.
    pub exit: Option<(i64, f64)>,
    /// Whether it was bought first.
    pub is_long: bool,
    /// Units of base, positive.
    pub units: f64,
    /// Fees of entry and exit, quote units, where the file has them.
    pub fees: Option<(f64, f64)>,
    /// Profit, where the file has it.
    pub profit: Option<f64>,
}

impl ListedTrade {
    /// Gain of the prices alone; nothing of an open trade.
    fn gross(&self) -> f64 {
        let moved = self.exit.map_or(0.0, |(_, price)| (price - self.entry.1) * self.units);
        if self.is_long { moved } else { -moved }
    }

    /// What the profit lacks of the gain of the prices; nothing of an open trade.
    fn missing(&self) -> f64 {
        self.profit.filter(|_| self.exit.is_some()).map_or(0.0, |profit| self.gross() - profit)
    }

    /// Fees of entry and exit. Where the file has none they are what its profit lacks, by halves; less than nothing is the
    /// rounding of what is printed, or refused.
    fn paid(&self) -> (f64, f64) {
        let half = self.missing().max(0.0) / 2.0;
        self.fees.unwrap_or((half, half))
    }

    /// Whether its profit is more than its prices give.
    fn is_gift(&self) -> bool {
        self.fees.is_none() && self.missing() < -(CENT + ROUNDED * self.units * self.entry.1)
    }
}

/// A result as its tool lists it.
#[derive(Clone, Debug)]
pub struct TradeList {
    /// What the file states.
    pub stated: Stated,
    /// Orders that were filled, in order of time.
    pub executions: Vec<Execution>,
    /// Time of the exit and profit after fees of each closed trade, in order of exits; empty where orders are listed.
    pub closed: Vec<(i64, f64)>,
    /// Fees of these trades, quote units.
    pub closed_fees: f64,
    /// First and last bar, epoch milliseconds, where the file states them.
    pub period: Option<(i64, i64)>,
}

impl TradeList {
    /// The period that the file states, epoch milliseconds, where all of its fills lie in it.
    #[must_use]
    pub fn own_period(&self) -> (Option<i64>, Option<i64>) {
        let within = |(from, to): &(i64, i64)| self.executions.iter().all(|one| (*from..=*to).contains(&one.ts_ms));
        let period = self.period.filter(within);
        (period.map(|(from, _)| from), period.map(|(_, to)| to))
    }
}

/// Reads the trades of another tool: freqtrade, backtesting.py, vectorbt, QuantConnect, TradingView, MetaTrader 5.
///
/// `run` is the strategy, the instrument or the column that is meant, where the file has several. Times without a zone are
/// those of `zone`, else UTC.
///
/// # Errors
/// Where the file cannot be read, is of no known tool, holds several runs and none is named, or a row is no trade.
pub fn read_trade_list(path: &Path, run: Option<&str>, zone: Option<&Zone>) -> Result<TradeList> {
    let export = Export::read(path)?;
    let mut reader = Reader { path, run, zone, zoned: true, alternatives: 1 };
    let mut list = match &export {
        Export::Json(value) if freqtrade::is_theirs(value) => freqtrade::read(&mut reader, value)?,
        Export::Json(value) if quantconnect::is_theirs(value) => quantconnect::read_json(&mut reader, value)?,
        Export::Rows(rows) if backtesting_py::is_theirs(rows) => backtesting_py::read(&mut reader, rows)?,
        Export::Rows(rows) if vectorbt::is_theirs(rows) => vectorbt::read(&mut reader, rows)?,
        Export::Rows(rows) if metatrader::are_theirs(&rows.names) => metatrader::read(&mut reader, rows)?,
        Export::Rows(rows) if tradingview::is_theirs(rows) => tradingview::read(&mut reader, rows)?,
        Export::Rows(rows) if quantconnect::is_theirs_in_rows(rows) => quantconnect::read_rows(&mut reader, rows)?,
        other => return Err(unknown(path, other)),
    };
    if list.executions.is_empty() {
        return Err(Error::new(Kind::Empty, path, format!("a result of {} without a trade", list.stated.name))
            .expected("at least one")
            .remedy("check the period and the strategy of the backtest"));
    }
    if let (Some(run), None) = (run, &list.stated.instrument) {
        return Err(Error::new(Kind::Choice, path, format!("a result of {} without names of runs", list.stated.name))
            .expected(format!("a file with `{run}`"))
            .remedy("leave --run out"));
    }
    list.stated.alternatives = Some(reader.alternatives).filter(|count| *count > 1);
    list.stated.file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !reader.zoned {
        list.stated.notes.push(match zone {
            Some(zone) => format!("times without a zone, taken as those of {zone}"),
            None => "times without a zone, taken as UTC (--time-zone)".to_owned(),
        });
    }
    Ok(list)
}

fn unknown(path: &Path, export: &Export) -> Error {
    let found = match export {
        Export::Json(_) => "JSON of another shape".to_owned(),
        Export::Rows(rows) => format!("a table with the columns {}", list(&rows.names)),
    };
    Error::new(Kind::Format, path, found)
        .expected("an export of freqtrade, backtesting.py, vectorbt, QuantConnect, TradingView or MetaTrader 5")
        .remedy("docs/GUIDE.md says how to export from each; equity or returns go to --equity and --returns")
}

/// What every reader shares: the file, what is meant in it, and how its times are read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    pub(super) run: Option<&'a str>,
    zone: Option<&'a Zone>,
    zoned: bool,
    /// What there was to choose from: runs times instruments.
    alternatives: u64,
}

impl Reader<'_> {
    /// A moment, epoch milliseconds UTC.
    pub(super) fn time(&mut self, row: usize, column: &str, cell: &str) -> Result<i64> {
        let fault = || Error::new(Kind::Value, self.path, format!("found `{cell}`")).at_row(row).column(column);
        let Some((time, zoned)) = parse(cell) else {
            return Err(fault()
                .expected("a moment such as 2024-01-31 12:00:00")
                .remedy("export dates with the year first"));
        };
        self.zoned &= zoned;
        match self.zone.filter(|_| !zoned) {
            Some(zone) => zone
                .to_utc(time)
                .ok_or_else(|| fault().expected(format!("a local time of {zone}")).remedy("check --time-zone")),
            None => Ok(time),
        }
    }

    /// The only one of `names`, or that which the user named.
    pub(super) fn choose(&mut self, what: &str, names: impl IntoIterator<Item = String>) -> Result<String> {
        let names: BTreeSet<String> = names.into_iter().collect();
        self.alternatives = self.alternatives.saturating_mul(names.len().max(1) as u64);
        match (self.run, names.first()) {
            (Some(run), _) if names.contains(run) => Ok(run.to_owned()),
            (None, Some(only)) if names.len() == 1 => Ok(only.clone()),
            _ => Err(self.unchosen(what, &names)),
        }
    }

    /// The refusal to choose for the user.
    pub(super) fn unchosen(&self, what: &str, names: &BTreeSet<String>) -> Error {
        let found = match self.run.filter(|run| !names.contains(*run)) {
            Some(run) => format!("no `{run}` among {} {what}: {}", names.len(), list(names)),
            None => format!("{} {what}: {}", names.len(), list(names)),
        };
        Error::new(Kind::Choice, self.path, found)
            .expected("one: equity can be rebuilt on the bars of one instrument")
            .remedy("name it with --run")
    }
}

/// Trades as orders in order of time, with what they add up to.
///
/// # Errors
/// A trade has no size, no price above zero, or ends before it begins; its fees are below zero, or its profit is more than its
/// prices give.
pub(super) fn of_trades(reader: &Reader<'_>, trades: &[ListedTrade], mut stated: Stated) -> Result<TradeList> {
    let mut ranked: Vec<(i64, u8, Execution)> = Vec::with_capacity(2 * trades.len());
    let mut closed = Vec::new();
    for (row, trade) in trades.iter().enumerate() {
        let above_zero = |value: f64| value.is_finite() && value > 0.0;
        let prices = above_zero(trade.entry.1) && trade.exit.is_none_or(|(_, price)| above_zero(price));
        let ends = trade.exit.map_or(trade.entry.0, |(time, _)| time);
        if !above_zero(trade.units) || !prices || ends < trade.entry.0 {
            return Err(Error::new(Kind::Value, reader.path, "a trade that is none")
                .at_row(row)
                .expected("a size and prices above zero, and an exit that is not before the entry"));
        }
        let (side, other) = match trade.is_long {
            true => (TradeSide::Buy, TradeSide::Sell),
            false => (TradeSide::Sell, TradeSide::Buy),
        };
        if trade.is_gift() {
            let (profit, gross) = (trade.profit.unwrap_or_default(), trade.gross());
            return Err(Error::new(
                Kind::Value,
                reader.path,
                format!("a profit of {profit}, of which prices give {gross}"),
            )
            .at_row(row)
            .expected("what the prices give, less costs")
            .remedy(
                "a contract with a point value, another account currency, or money beside the prices cannot be rebuilt",
            ));
        }
        let fees = trade.paid();
        let fill =
            |(ts_ms, price), side, fee| Execution { ts_ms, side, units: trade.units, price, fee, financing: 0.0 };
        fill(trade.entry, side, fees.0).check(reader.path, row)?;
        fill(trade.entry, side, fees.1).check(reader.path, row)?;
        // At one moment what was open is closed first, then what is new is opened.
        ranked.push((trade.entry.0, 1, fill(trade.entry, side, fees.0)));
        if let Some(exit) = trade.exit {
            ranked.push((exit.0, if exit.0 > trade.entry.0 { 0 } else { 2 }, fill(exit, other, fees.1)));
            closed.push((exit.0, trade.gross() - fees.0 - fees.1));
        }
    }
    ranked.sort_by_key(|(time, rank, _)| (*time, *rank));
    closed.sort_by_key(|(time, _)| *time);
    let of_closed = || trades.iter().filter(|trade| trade.exit.is_some());
    stated.trades = stated.trades.or(Some(closed.len()));
    stated.open_trades = Some(trades.len() - closed.len());
    stated.fees = Some(trades.iter().map(|trade| trade.paid().0 + trade.paid().1).sum());
    stated.profit = of_closed().map(|trade| trade.profit).sum::<Option<f64>>().or(stated.profit);
    let distance = |after: bool| -> f64 {
        let of = |trade: &ListedTrade| {
            let fees = if after { trade.paid().0 + trade.paid().1 } else { 0.0 };
            trade.profit.map_or(0.0, |profit| (profit - (trade.gross() - fees)).abs())
        };
        of_closed().map(of).sum()
    };
    let told = trades.iter().all(|trade| trade.fees.is_some()) && stated.fees.is_some_and(|fees| fees.abs() > 0.0);
    if told && stated.profit.is_some() {
        stated.profit_after_fees = Some(distance(true) <= distance(false));
        if stated.profit_after_fees == Some(false) {
            stated.notes.push("profit in the file is before fees, which were taken from it".to_owned());
        }
    }
    let closed_fees = of_closed().map(|trade| trade.paid().0 + trade.paid().1).sum();
    let executions = ranked.into_iter().map(|(_, _, one)| one).collect();
    Ok(TradeList { stated, executions, closed, closed_fees, period: None })
}

/// Orders alone, in order of time.
pub(super) fn of_orders(reader: &Reader<'_>, mut executions: Vec<Execution>, mut stated: Stated) -> Result<TradeList> {
    for (row, one) in executions.iter().enumerate() {
        one.check(reader.path, row)?;
    }
    executions.sort_by_key(|one| one.ts_ms);
    sum_up(&executions, &mut stated);
    Ok(TradeList { stated, executions, closed: Vec::new(), closed_fees: 0.0, period: None })
}

/// What was paid and received beside the prices.
pub(super) fn sum_up(executions: &[Execution], stated: &mut Stated) {
    stated.fees = Some(executions.iter().map(|one| one.fee).sum());
    let financed = executions.iter().any(|one| one.financing != 0.0);
    stated.financing = financed.then(|| executions.iter().map(|one| one.financing).sum());
}

/// Refuses running numbers of which one comes twice, or is left out.
pub(super) fn refuse_gaps(
    reader: &Reader<'_>,
    column: &str,
    numbers: impl IntoIterator<Item = (usize, u64)>,
) -> Result<()> {
    let fault = |found: String| Error::new(Kind::Value, reader.path, found).column(column);
    let mut seen = BTreeSet::new();
    for (row, number) in numbers {
        if !seen.insert(number) {
            return Err(fault(format!("found {number} again"))
                .at_row(row)
                .expected("each number once")
                .remedy("export one run, once"));
        }
    }
    match seen.iter().zip(seen.iter().skip(1)).find(|(one, next)| **next != **one + 1) {
        None => Ok(()),
        Some((one, next)) => Err(fault(format!("found {next} after {one}"))
            .expected("running numbers: rows are missing")
            .remedy("export all of them")),
    }
}

/// The rows of one run in a table of several, with their numbers.
pub(super) struct Run<'a> {
    pub(super) name: Option<String>,
    pub(super) rows: Vec<(usize, &'a [String])>,
}

/// The rows of the run that is meant, by a column that names it.
pub(super) fn rows_of_run<'a>(
    reader: &mut Reader<'_>,
    table: &'a Rows,
    what: &str,
    column: Option<usize>,
) -> Result<Run<'a>> {
    let all = || table.rows.iter().map(Vec::as_slice).enumerate();
    let Some(column) = column else { return Ok(Run { name: None, rows: all().collect() }) };
    let name = reader.choose(what, all().map(|(_, row)| row[column].clone()))?;
    let rows = all().filter(|(_, row)| row[column] == name).collect();
    Ok(Run { name: Some(name), rows })
}
