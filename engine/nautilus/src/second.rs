//! One run inside NautilusTrader: built, run, read and dropped on a thread of its own.
//!
//! NautilusTrader keeps its message bus, registries and command queues in thread-locals, and a second engine on a thread
//! silently takes them from the first. A thread for each run keeps every other engine out, whoever calls, and ends with
//! all that a panic could have left behind.

use std::{any::Any, cell::RefCell, rc::Rc, sync::OnceLock, thread};

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
    types::Money,
};
use q50_engine::{
    decision::Decision,
    strategy::Strategy,
    venue::{Rejection, Venue},
};

use crate::{
    books::{Books, MirroredLedger, negligible},
    check::check,
    error::{InputError, RunError},
    exchange::{Parts, SimulatedExchange},
    execution_client::VenueClient,
    feed::{Columns, NS_PER_MS, data},
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
    silence()?;
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("second engine".to_owned());
        let spawned = thread.spawn_scoped(scope, || inside(run, venue));
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

fn inside<V>(run: &Run<'_>, venue: V) -> Result<SecondRun, RunError>
where
    V: Venue + 'static,
    V::Ledger: MirroredLedger,
{
    let (log, columns) = (RunLog::default(), Rc::new(Columns::of(&run.market)));
    let terms = Rc::new(Terms { timing: venue.timing(), ..Terms::new(run) });
    let latency = venue.latency_ms().max(0) as u64 * NS_PER_MS;
    let mut strategy = run.strategy.prepare(&run.market);
    if strategy.places_orders() {
        return Err(InputError::PlacesOrders.into());
    }
    strategy.observe_rows(&run.market, 0..run.market.first);
    let books = Rc::new(RefCell::new(<V::Ledger as MirroredLedger>::Books::open(run.capital)));
    let mut engine = build(run, &columns, &terms)?;
    attach(&mut engine, strategy, venue, &books, &columns, &terms, &log)?;
    // An order that is still on its way at the last close gets its answer too.
    let end = columns.closes(run.market.len() - 1).unwrap_or_default() + latency + 1;
    engine.run(None, Some(UnixNanos::from(end)), None, false).map_err(RunError::engine("run"))?;
    let second = read(run, &engine, &*books.borrow(), &terms, &log);
    engine.dispose();
    second
}

fn build(run: &Run<'_>, columns: &Columns, terms: &Terms) -> Result<BacktestEngine, RunError> {
    terms.register().map_err(RunError::engine("register the currencies"))?;
    let config = BacktestEngineConfig::builder().logging(quiet()).run_analysis(false).build();
    let mut engine = BacktestEngine::new(config).map_err(RunError::engine("start"))?;
    let capital = match run.venue {
        VenueSetup::PumpSwap { .. } => Some(lamports_raw((run.capital * 1e9) as u64)),
        VenueSetup::NextOpen(_) => money_raw(run.capital),
    };
    let capital = capital.ok_or_else(|| RunError::Fault("the capital has no raw amount".to_owned()))?;
    let balances = vec![Money::from_raw(capital, terms.quote), Money::from_raw(0, terms.base)];
    let venue = SimulatedVenueConfig::builder()
        .venue(terms.venue)
        .oms_type(OmsType::Netting)
        .account_type(AccountType::Cash)
        .book_type(BookType::L1_MBP)
        .starting_balances(balances)
        .bar_execution(false)
        .trade_execution(false)
        // Affordability is the venue's business; a cash balance may be a rounding below zero, and short sales are free.
        .allow_cash_borrowing(true)
        .build();
    engine.add_venue(venue).map_err(RunError::engine("add the venue"))?;
    engine.add_instrument(&terms.instrument()).map_err(RunError::engine("add the instrument"))?;
    let data = data(run, columns, terms).map_err(RunError::Fault)?;
    engine.add_data(data, None, true, false).map_err(RunError::engine("add the data"))?;
    engine.sort_data();
    Ok(engine)
}

fn attach<S, V>(
    engine: &mut BacktestEngine,
    strategy: S,
    venue: V,
    books: &Rc<RefCell<<V::Ledger as MirroredLedger>::Books>>,
    columns: &Rc<Columns>,
    terms: &Rc<Terms>,
    log: &RunLog,
) -> Result<(), RunError>
where
    S: Strategy + 'static,
    V: Venue + 'static,
    V::Ledger: MirroredLedger,
{
    let venue = Rc::new(RefCell::new(venue));
    let trader = engine.trader_id();
    let kernel = engine.kernel();
    let exchange = SimulatedExchange::new(Parts {
        clock: kernel.clock.clone(),
        cache: kernel.cache.clone(),
        events: OrderEventFactory::new(trader, terms.account, AccountType::Cash, None),
        venue: Rc::clone(&venue),
        books: Rc::clone(books),
        columns: Rc::clone(columns),
        terms: Rc::clone(terms),
        log: log.clone(),
    });
    {
        let mut execution = kernel.exec_engine.borrow_mut();
        execution.deregister_client(terms.client).map_err(RunError::engine("give up its own client"))?;
        execution.register_client(Box::new(VenueClient::new(exchange))).map_err(RunError::engine("take our client"))?;
    }
    let driver = StrategyDriver {
        strategy,
        venue,
        books: Rc::clone(books),
        columns: Rc::clone(columns),
        terms: Rc::clone(terms),
        log: log.clone(),
        next: columns.first(),
        awaiting: None,
    };
    let actor = StrategyActor::new(Box::new(driver), terms.as_ref().clone(), log.clone());
    engine.add_strategy(actor).map_err(RunError::engine("add the strategy"))
}

/// Takes the results out, and refuses them where NautilusTrader's own books say otherwise than its events did.
fn read<B: Books>(
    run: &Run<'_>,
    engine: &BacktestEngine,
    books: &B,
    terms: &Terms,
    log: &RunLog,
) -> Result<SecondRun, RunError> {
    if let Some(fault) = log.first_fault() {
        return Err(RunError::Fault(fault));
    }
    let results = log.results();
    let bars = run.market.len() - run.market.first;
    if results.decisions.len() != bars || results.marks.len() != bars {
        let made = results.decisions.len();
        return Err(RunError::Fault(format!("{made} decisions were made on {bars} bars")));
    }
    let cache = engine.kernel().cache.borrow();
    let orders = cache.orders(None, None, None, None, None);
    let answered = results.fills.len() + results.rejections.len();
    if orders.len() != answered {
        let found = orders.len();
        return Err(RunError::Fault(format!("NautilusTrader has {found} orders, and {answered} were answered")));
    }
    let open: Vec<_> = cache.positions(None, None, None, None, None).into_iter().map(|p| p.cloned()).collect();
    let held: i128 = open
        .iter()
        .map(|position| match position.side {
            PositionSide::Long => position.quantity.raw as i128,
            PositionSide::Short => -(position.quantity.raw as i128),
            PositionSide::Flat | PositionSide::NoPositionSide => 0,
        })
        .sum();
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
        equity: results.marks.iter().map(|mark| mark.0).collect(),
        exposure: results.marks.iter().map(|mark| mark.1).collect(),
        account_gap: books.gap(balance),
        fill_reports: results.fills.iter().map(|fill| FillReport::new(&fill.event, terms)).collect(),
        position_reports: results.closed.iter().chain(still_open).map(|p| PositionReport::new(p, terms)).collect(),
    })
}
