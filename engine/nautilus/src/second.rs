//! A run inside NautilusTrader, of one instrument or of several under one account: built, run, read and dropped on a thread of its own.
//!
//! NautilusTrader keeps its message bus, registries and command queues in thread-locals, and a second engine on a
//! thread silently takes them from the first. A thread for each run keeps every other engine out, whoever calls, and
//! takes with it anything that a panic could have left behind.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    rc::Rc,
    sync::OnceLock,
    thread,
};

use log::LevelFilter;
use nautilus_backtest::{
    config::{BacktestEngineConfig, SimulatedVenueConfig},
    engine::BacktestEngine,
};
use nautilus_common::{
    factories::OrderEventFactory,
    logging::{
        init_logging,
        logger::{LogGuard, LoggerConfig},
    },
};
use nautilus_core::{UUID4, UnixNanos};
use nautilus_model::{
    accounts::Account,
    enums::{AccountType, BookType, OmsType, PositionSide},
    identifiers::TraderId,
    orders::Order,
    types::Money,
};
use q50_engine::{
    decision::Decision,
    orders::Event,
    strategy::Strategy,
    venue::{Rejection, Venue},
};

use crate::{
    books::{Books, BooksOf, MirroredLedger, negligible},
    check::check,
    error::RunError,
    exchange::{ExchangeModule, SimulatedExchange},
    execution_client::VenueClient,
    feed::{Columns, NS_PER_MS, data},
    instrument::{Instrument, Portfolio},
    report::{FillReport, PositionReport},
    run::{Run, VenueSetup},
    run_log::{ReportedFill, RunLog},
    scale::{lamports_raw, money_raw},
    strategy_actor::StrategyActor,
    strategy_driver::StrategyDriver,
    terms::Terms,
};

/// What the second engine did.
#[derive(Clone, Debug)]
pub struct SecondRun {
    /// The decision at each row.
    pub decisions: Vec<(usize, Decision)>,
    /// Fills as NautilusTrader reported them.
    pub fills: Vec<ReportedFill>,
    /// Orders that were not filled, by the row of their decision.
    pub rejections: Vec<(usize, Rejection)>,
    /// What became of the orders that the strategy has placed, as NautilusTrader reported it.
    pub events: Vec<Event>,
    /// Equity at each close, from the reported fills; quote units.
    pub equity: Vec<f64>,
    /// Value of the position as a share of equity at each close.
    pub exposure: Vec<f64>,
    /// NautilusTrader's own final balance less the cash of the second books, quote units.
    pub account_gap: f64,
    /// NautilusTrader's fills report.
    pub fill_reports: Vec<FillReport>,
    /// NautilusTrader's positions report.
    pub position_reports: Vec<PositionReport>,
}

/// What the second engine did with several instruments under one account.
#[derive(Clone, Debug)]
pub struct SecondPortfolio {
    /// Each instrument; its equity is the capital plus what it has gained.
    pub each: Vec<SecondRun>,
    /// Equity of the whole at each moment at which a bar closes; quote units.
    pub equity: Vec<f64>,
}

/// Runs in NautilusTrader alone.
///
/// # Errors
/// The run is refused, or NautilusTrader refuses it, or what came back cannot be right.
pub fn run(run: &Run<'_>) -> Result<SecondRun, RunError> {
    check(run)?;
    match run.venue {
        VenueSetup::NextOpen(venue) => run_at(run, venue),
        VenueSetup::PumpSwap { .. } => match run.venue.pool(run.market.first) {
            Some(pool) => run_at(run, pool.into_owned()),
            None => Err(RunError::Fault("a pool venue has no pool".to_owned())),
        },
    }
}

/// Runs in NautilusTrader, with this venue where the run's own would be. The run is not checked.
pub(crate) fn run_at<V>(run: &Run<'_>, venue: V) -> Result<SecondRun, RunError>
where
    V: Venue + Send + 'static,
    V::Ledger: MirroredLedger,
{
    let mut portfolio = run_all(std::slice::from_ref(run), vec![venue])?;
    portfolio.each.pop().ok_or_else(|| RunError::Fault("a run without an instrument".to_owned()))
}

/// Runs several instruments under one account in NautilusTrader, each at its venue. The runs are not checked.
pub(crate) fn run_all<V>(runs: &[Run<'_>], venues: Vec<V>) -> Result<SecondPortfolio, RunError>
where
    V: Venue + Send + 'static,
    V::Ledger: MirroredLedger,
{
    silence()?;
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("second engine".to_owned());
        let spawned = thread.spawn_scoped(scope, || inside(runs, venues));
        let joined = spawned.map_err(|e| RunError::Fault(format!("no thread for the second engine: {e}")))?.join();
        joined.unwrap_or_else(|panic| Err(RunError::Panicked(words(panic.as_ref()))))
    })
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a message").to_owned()
}

/// NautilusTrader logs through a logger of the whole process, which must be its own. One guard is kept for good: with
/// the last one the logger would end.
fn silence() -> Result<(), RunError> {
    static GUARD: OnceLock<Result<LogGuard, String>> = OnceLock::new();
    let guard = GUARD.get_or_init(|| {
        init_logging(TraderId::default(), UUID4::new(), quiet(), Default::default()).map_err(|e| format!("{e:#}"))
    });
    match guard {
        Ok(_) => Ok(()),
        Err(message) => {
            Err(RunError::Engine { step: "start its logger; is another one installed?", message: message.clone() })
        }
    }
}

fn quiet() -> LoggerConfig {
    LoggerConfig::builder().stdout_level(LevelFilter::Off).is_colored(false).bypass_logging(true).build()
}

fn inside<V>(runs: &[Run<'_>], venues: Vec<V>) -> Result<SecondPortfolio, RunError>
where
    V: Venue + 'static,
    V::Ledger: MirroredLedger,
{
    let capital = runs.first().map_or(0.0, |run| run.capital);
    let account = BooksOf::<V>::open(capital);
    let instrument = |(run, venue): (&Run<'_>, V)| Instrument {
        terms: Terms::new(run, venue.timing()),
        venue: RefCell::new(venue),
        books: RefCell::new(account.beside()),
        columns: Columns::of(&run.market),
        log: RunLog::default(),
        closed: Cell::new(None),
        limits: run.strategy.guards().risk.limits(),
        stops: Cell::new([None; 2]),
        stop: Cell::new(1.0),
    };
    let instruments: Vec<_> = runs.iter().zip(venues).map(instrument).collect();
    let portfolio = Rc::new(Portfolio { instruments, equity: RefCell::default() });
    let config = BacktestEngineConfig::builder().logging(quiet()).run_analysis(false).build();
    let mut engine = BacktestEngine::new(config).map_err(RunError::engine("start"))?;
    build(&mut engine, runs, &portfolio)?;
    for (i, run) in runs.iter().enumerate() {
        let mut strategy = run.strategy.prepare(&run.market);
        strategy.observe_rows(&run.market, 0..run.market.first);
        let driver = StrategyDriver::new(strategy, Rc::clone(&portfolio), i);
        let Instrument { terms, log, .. } = &portfolio.instruments[i];
        let actor = StrategyActor::new(i, engine.trader_id(), Box::new(driver), terms.clone(), log.clone());
        engine.add_strategy(actor).map_err(RunError::engine("add the strategy"))?;
    }
    engine.run(None, Some(end(&portfolio)), None, false).map_err(RunError::engine("run"))?;
    let each: Result<Vec<SecondRun>, RunError> =
        portfolio.instruments.iter().map(|instrument| read(&engine, instrument)).collect();
    engine.dispose();
    let equity = portfolio.equity.borrow().iter().map(|mark| mark.1).collect();
    Ok(SecondPortfolio { each: each?, equity })
}

/// When an order that is sent at the last close has landed.
fn end<V: Venue>(portfolio: &Portfolio<V>) -> UnixNanos
where
    V::Ledger: MirroredLedger,
{
    let ends = portfolio.instruments.iter().map(|Instrument { columns, venue, .. }| {
        let latency = venue.borrow().latency_ms().max(0) as u64 * NS_PER_MS;
        columns.closes(columns.market().len() - 1).unwrap_or_default() + latency
    });
    UnixNanos::from(ends.max().unwrap_or_default() + 1)
}

/// Venue, instruments, data, and our exchange in place of NautilusTrader's own client.
fn build<V>(engine: &mut BacktestEngine, runs: &[Run<'_>], portfolio: &Rc<Portfolio<V>>) -> Result<(), RunError>
where
    V: Venue + 'static,
    V::Ledger: MirroredLedger,
{
    let (Some(run), Some(first)) = (runs.first(), portfolio.instruments.first()) else {
        return Err(RunError::Fault("a portfolio without an instrument".to_owned()));
    };
    let capital = match run.venue {
        VenueSetup::PumpSwap { .. } => Some(lamports_raw((run.capital * 1e9) as u64)),
        VenueSetup::NextOpen(_) => money_raw(run.capital),
    };
    let capital = capital.ok_or_else(|| RunError::Fault("the capital has no raw amount".to_owned()))?;
    let mut balances = vec![Money::from_raw(capital, first.terms.quote)];
    for Instrument { terms, .. } in &portfolio.instruments {
        terms.register().map_err(RunError::engine("register the currencies"))?;
        balances.push(Money::from_raw(0, terms.base));
    }
    let kernel = engine.kernel();
    let (clock, cache) = (kernel.clock.clone(), kernel.cache.clone());
    let events = OrderEventFactory::new(engine.trader_id(), first.terms.account, AccountType::Cash, None);
    let exchange = SimulatedExchange::new(clock, cache, events, Rc::clone(portfolio));
    let venue = SimulatedVenueConfig::builder()
        .venue(first.terms.venue)
        .oms_type(OmsType::Netting)
        .account_type(AccountType::Cash)
        .book_type(BookType::L1_MBP)
        .starting_balances(balances)
        .bar_execution(false)
        .trade_execution(false)
        // Affordability is the venue's business; a cash balance may be a rounding below zero, and short sales are free.
        .allow_cash_borrowing(true)
        .modules(vec![Box::new(ExchangeModule(Rc::clone(&exchange)))])
        .build();
    engine.add_venue(venue).map_err(RunError::engine("add the venue"))?;
    for Instrument { terms, .. } in &portfolio.instruments {
        engine.add_instrument(&terms.instrument()).map_err(RunError::engine("add the instrument"))?;
    }
    let fed: Vec<_> =
        runs.iter().zip(&portfolio.instruments).map(|(run, known)| (run, &known.columns, &known.terms)).collect();
    engine
        .add_data(data(&fed).map_err(RunError::Fault)?, None, true, false)
        .map_err(RunError::engine("add the data"))?;
    engine.sort_data();
    exchange.ends_at(UnixNanos::from(end(portfolio).as_u64() - 1));
    let mut execution = engine.kernel().exec_engine.borrow_mut();
    execution.deregister_client(first.terms.client).map_err(RunError::engine("give up its own client"))?;
    execution.register_client(Box::new(VenueClient::new(exchange))).map_err(RunError::engine("take our client"))
}

/// Takes the results of an instrument out, and refuses them where NautilusTrader's own books say otherwise than its events
/// did.
fn read<V: Venue>(engine: &BacktestEngine, instrument: &Instrument<V>) -> Result<SecondRun, RunError>
where
    V::Ledger: MirroredLedger,
{
    let Instrument { terms, log, books, columns, .. } = instrument;
    if let Some(fault) = log.first_fault() {
        return Err(RunError::Fault(fault));
    }
    let results = log.results();
    let bars = columns.market().len() - columns.first();
    if results.decisions.len() != bars || results.marks.len() != bars {
        let made = results.decisions.len();
        return Err(RunError::Fault(format!("{made} decisions were made on {bars} bars")));
    }
    let cache = engine.kernel().cache.borrow();
    let orders = cache.orders(None, Some(&terms.instrument), None, None, None);
    if let Some(order) = orders.iter().find(|order| !order.is_closed() && !order.is_open()) {
        return Err(RunError::Fault(format!("{} was never answered", order.client_order_id())));
    }
    let open: Vec<_> = cache.positions(None, Some(&terms.instrument), None, None, None);
    let open: Vec<_> = open.into_iter().map(|p| p.cloned()).collect();
    let held: i128 = open
        .iter()
        .map(|position| match position.side {
            PositionSide::Long => position.quantity.raw as i128,
            PositionSide::Short => -(position.quantity.raw as i128),
            PositionSide::Flat | PositionSide::NoPositionSide => 0,
        })
        .sum();
    let books = books.borrow();
    let ours = books.position_raw(terms);
    let largest = results.fills.iter().map(|fill| fill.event.last_qty.raw).max().unwrap_or(0);
    if !negligible(held.abs_diff(ours), largest) {
        return Err(RunError::Fault(format!("NautilusTrader holds {held} raw units, its events add up to {ours}")));
    }
    let balance = cache
        .account_for_venue(&terms.venue)
        .and_then(|account| account.balance_total(Some(terms.quote)))
        .ok_or_else(|| RunError::Fault("NautilusTrader has no account at the end".to_owned()))?;
    let still_open = open.iter().filter(|position| position.is_open());
    Ok(SecondRun {
        decisions: results.decisions.clone(),
        fills: results.fills.clone(),
        rejections: results.rejections.clone(),
        events: results.events.clone(),
        equity: results.marks.iter().map(|mark| mark.0).collect(),
        exposure: results.marks.iter().map(|mark| mark.1).collect(),
        account_gap: books.gap(balance),
        fill_reports: results.fills.iter().map(|fill| FillReport::new(&fill.event, terms)).collect(),
        position_reports: results.closed.iter().chain(still_open).map(|p| PositionReport::new(p, terms)).collect(),
    })
}
