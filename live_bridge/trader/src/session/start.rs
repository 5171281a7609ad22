//! How a session begins: from nothing, or from its journal.

use super::{Event, Session, SessionError, TOO_LATE, Tell, wants};
use crate::books::Books;
use crate::compare::ReplayVenue;
use crate::execution::Execution;
use crate::feed::Feed;
use crate::history;
use crate::host::StrategyHost;
use crate::journal::{BarRow, Done, Journal, MonitorTest, OrderRow, State};
use crate::monitor::{Monitor, Reference};
use crate::signal_file::SignalFile;
use crate::sizing::PoolTerms;
use crate::spec::SessionSpec;
use q50_collector::tape::Closed;
use q50_datasets::pool_bars::PoolBar;
use q50_datasets::time::rfc3339;
use q50_engine::market::{Column, Signals};
use q50_engine::units::{LAMPORTS_PER_SOL, Lamports, TokenAmount};
use q50_engine::venue::PumpSwapConfig;
use q50_engine::venue::pool_path::Reserves;
use q50_executor::clock::{Clock, SystemClock};
use q50_pumpswap::chain::Address;
use q50_research::run::VenueSettings;
use std::collections::HashSet;
use std::time::Duration;

/// How long between two attempts to see the chain for the first time.
const AGAIN: Duration = Duration::from_secs(1);

/// What a session is made of.
#[derive(Debug)]
pub struct Parts {
    /// What it is.
    pub spec: SessionSpec,
    /// The coin.
    pub mint: Address,
    /// What of the pool does not change from bar to bar.
    pub terms: PoolTerms,
    /// Its file.
    pub journal: Journal,
    /// Its bars.
    pub feed: Feed,
    /// Its signals; none where the strategy reads none.
    pub signals: Option<SignalFile>,
    /// Where its orders go.
    pub execution: Execution,
    /// How long a signal is waited for after its bar has closed.
    pub signal_wait: Duration,
    /// Bars that a node may have forgotten, from which a session that begins warms up.
    pub history: Vec<PoolBar>,
    /// Trades of the backtest that is traded; none where no backtest was named.
    pub reference: Option<Reference>,
}

impl Session {
    /// Begins a session, or goes on with the one in the journal: the strategy is brought to where it was, orders that were
    /// to be given are settled or named as missed, and bars that closed meanwhile are decided on. May be dropped while it
    /// waits.
    ///
    /// # Errors
    /// [`SessionError`], also where the journal is of another session, or the strategy no longer decides what it decided.
    pub async fn start(parts: Parts, tell: Tell<'_>) -> Result<Self, SessionError> {
        let Parts { spec, mint, terms, mut journal, mut feed, signals, execution, signal_wait, history, reference } =
            parts;
        let id = spec.id();
        let there = signals.as_ref().map_or_else(Signals::default, SignalFile::signals);
        // A column that is not there is none of nothing: a strategy does without it, or computes it from bars.
        let read = there.only(&spec.settings.strategy.reads(&there));
        let columns: Vec<Column> = read.present().map(|(column, _)| column).collect();
        let goes_on = journal.goes_on(&spec)?;
        let closed = first_look(&mut feed).await?;
        if !goes_on {
            let seen_ms = SystemClock.now().0;
            let signals_at =
                |open_ms| signals.as_ref().map_or_else(Vec::new, |file| file.at(open_ms, spec.interval_ms, &columns));
            let history: Vec<BarRow> = history::before(&history, &closed.bars, spec.interval_ms)?
                .iter()
                .map(|bar| BarRow { bar: *bar, signals: signals_at(bar.open_time), seen_ms })
                .collect();
            journal.begin(&id, &spec.text(), terms.state.base_supply, &history)?;
        }
        let (bars, decisions, orders) = (journal.bars()?, journal.decisions()?, journal.orders()?);
        one_story(&execution, &id, &orders)?;
        if let (Some(file), true) = (&signals, goes_on) {
            bars.iter().try_for_each(|row| file.still_says(row.bar.open_time, spec.interval_ms, &row.signals))?;
        }
        let history = bars.len() - decisions.len();
        let mut host = StrategyHost::new(&spec.settings.strategy, spec.interval_ms, &columns, history)?;
        if host.places_orders() {
            return Err(SessionError::PlacesOrders);
        }
        for bar in &bars[..history] {
            host.observe(&bar.engine_bar(), &bar.signals);
        }
        for (bar, decided) in bars[history..].iter().zip(&decisions) {
            host.observe(&bar.engine_bar(), &bar.signals);
            let (decision, _) = host.decide(&decided.account);
            let told = |reason: &str, wants: &Option<String>| format!("{reason} ({})", wants.as_deref().unwrap_or("-"));
            let was = told(&decided.reason, &decided.wants);
            let is = told(decision.reason().name(), &wants(&decision));
            if was != is {
                return Err(SessionError::Otherwise { bar: rfc3339(bar.bar.open_time), was, is });
            }
        }
        let (kept, alarms) = (journal.observations()?, journal.alarms()?);
        if reference.is_none() && kept.iter().any(|seen| seen.test == MonitorTest::Decay) {
            return Err(SessionError::NoReference);
        }
        tell(&Event::Started { session: id.clone(), goes_on, history, decisions: decisions.len() });
        let venue = match &spec.settings.venue {
            VenueSettings::PumpSwap(venue) => venue.config,
            VenueSettings::NextOpen(_) | VenueSettings::Perpetual(_) => PumpSwapConfig::default(),
        };
        let pool = &terms.state;
        let reserves = Reserves { base: TokenAmount(pool.base_vault), quote: Lamports(pool.quote_vault) };
        let replayed = ReplayVenue::new(venue, reserves, Some(pool.base_supply));
        let monitor = Monitor::new(spec.monitor, venue.slippage, replayed, reference.as_ref(), kept, alarms);
        let mut session = Self {
            id,
            mint,
            venue,
            terms,
            journal,
            feed,
            signals,
            columns,
            host,
            execution,
            books: Books::new(Lamports(0)),
            decisions: decisions.len(),
            last: bars.last().cloned(),
            orders,
            signal_wait,
            monitor,
            sold_at: None,
            spec,
        };
        session.books = Books::after(session.capital(), &session.orders);
        if let Some(block) = reference.map(|reference| reference.block).filter(|block| *block > 1 && !goes_on) {
            let text =
                format!("trades of the backtest depend on each other: the test of decay takes them {block} at a time");
            session.note("monitor", text, tell)?;
        }
        session.go_on(closed, tell).await?;
        Ok(session)
    }

    /// The session's capital.
    pub(super) fn capital(&self) -> Lamports {
        Lamports((self.spec.settings.capital * LAMPORTS_PER_SOL) as u64)
    }

    /// What the journal left to be done, and what closed meanwhile.
    async fn go_on(&mut self, closed: Closed, tell: Tell<'_>) -> Result<(), SessionError> {
        self.take_up_again()?;
        self.settle().await?;
        self.is_held().await?;
        self.supervise(tell)?;
        let last = self.last.as_ref().map(|row| row.bar.open_time);
        let is_late = closed.bars.last().is_some_and(|bar| Some(bar.open_time) > last);
        for index in 0..self.orders.len() {
            let order = &self.orders[index];
            // What the executor knows is settled already.
            if order.done.state != State::Wanted {
                continue;
            }
            if is_late || Some(order.bar_ms) != last {
                self.keep(index, Done::only(State::Missed, Some(TOO_LATE.to_owned())))?;
                let (key, done) = (self.orders[index].key.clone(), Box::new(self.orders[index].done.clone()));
                tell(&Event::Done { key, done });
            } else {
                self.act(index, tell).await?;
            }
        }
        self.compare_with_the_chain(&closed, tell)?;
        self.take(closed, tell).await
    }

    /// Orders that the executor was interrupted at before it had signed anything. A key is carried out once, so that they
    /// get others; whether they are still in time is asked next.
    fn take_up_again(&mut self) -> Result<(), SessionError> {
        for order in self.orders.iter_mut().filter(|order| order.done.state == State::Wanted) {
            let known = self.execution.outcome(&order.key)?;
            if known.is_some_and(|done| done.state == State::Rejected && done.signature.is_none()) {
                let name = again(&order.key);
                self.journal.rename(&order.key, &name)?;
                order.key = name;
            }
        }
        Ok(())
    }

    /// Refuses to go on with coins that are gone.
    async fn is_held(&self) -> Result<(), SessionError> {
        let expected = self.books.ledger().tokens().0;
        let newest = self.orders.iter().filter_map(|order| order.done.slot).max();
        let Some(slot) = newest.filter(|_| expected > 0) else { return Ok(()) };
        match self.execution.held(self.mint, slot).await? {
            Some(found) if found < expected => Err(SessionError::Gone { expected, found }),
            _ => Ok(()),
        }
    }

    /// Bars that were decided on, and are others by now.
    fn compare_with_the_chain(&mut self, closed: &Closed, tell: Tell<'_>) -> Result<(), SessionError> {
        let known = self.journal.bars()?;
        let differs = |row: &&BarRow| {
            let place = closed.bars.binary_search_by_key(&row.bar.open_time, |bar| bar.open_time);
            place.is_ok_and(|place| closed.bars[place] != row.bar)
        };
        if let Some(row) = known.iter().find(differs) {
            let open = rfc3339(row.bar.open_time);
            let text = format!("the bar of {open} is another one by now: a fork, or a node that told late");
            self.note("bar_changed", text, tell)?;
        }
        Ok(())
    }
}

/// Refuses a session whose orders are not those that the executor knows under its name: a restored copy, whose books are
/// wrong, would give orders again that were filled.
fn one_story(execution: &Execution, id: &str, orders: &[OrderRow]) -> Result<(), SessionError> {
    let Some(known) = execution.orders_of(&id[..16])? else { return Ok(()) };
    let told = |is_filled| if is_filled { "filled" } else { "not filled" };
    let refused = |key: &str, there, here| {
        Err(SessionError::NotOneStory { key: key.to_owned(), there, executor: known.file.clone(), here })
    };
    let names: HashSet<&str> = orders.iter().map(|order| order.key.as_str()).collect();
    for (key, is_filled) in &known.filled {
        // What was never signed was taken up again under another name.
        if !names.contains(key.as_str()) && !names.contains(again(key).as_str()) {
            return refused(key, told(*is_filled), "unknown");
        }
    }
    // What could still be taken back is settled next.
    for order in orders.iter().filter(|order| order.done.is_final) {
        let here = order.done.state == State::Filled;
        match known.filled.get(&order.key) {
            Some(there) if *there == here => {}
            None if !here => {}
            there => return refused(&order.key, there.map_or("unknown", |there| told(*there)), told(here)),
        }
    }
    Ok(())
}

/// The name under which an order is taken up again.
fn again(key: &str) -> String {
    format!("{key}, again")
}

/// What the chain has closed so far, however long no node answers.
async fn first_look(feed: &mut Feed) -> Result<Closed, SessionError> {
    loop {
        let closed = feed.look().await?;
        if feed.has_looked() {
            return Ok(closed);
        }
        tokio::time::sleep(AGAIN).await;
    }
}
