//! `q50 live`: a strategy in a pool.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use q50_collector::dataset::{self, FILES};
use q50_collector::store::Store;
use q50_collector::subscription::Subscription;
use q50_collector::{Collector, Target, unless_stopped};
use q50_datasets::run_folder::RunFolder;
use q50_engine::market::Signals;
use q50_engine::units::{Bps, LAMPORTS_PER_SOL, Lamports, PeriodsPerYear};
use q50_engine::venue::PumpSwapConfig;
use q50_executor::clock::SystemClock;
use q50_executor::cluster::Cluster;
use q50_executor::executor::Settings;
use q50_executor::guards::{Guards, Memory};
use q50_executor::order::Size;
use q50_executor::rpc::Client;
use q50_executor::wallet::Wallet;
use q50_pumpswap::chain::Address;
use q50_research::run::{PoolVenue, RunSettings, VenueSettings};
use q50_trader::execution::Execution;
use q50_trader::feed::Feed;
use q50_trader::journal::{Done, Journal, State};
use q50_trader::session::{Event, Parts, Session};
use q50_trader::signal_file::SignalFile;
use q50_trader::sizing::PoolTerms;
use q50_trader::spec::{Levels, Mode, SessionSpec, SignalRule};
use tokio::sync::watch;

use crate::{
    Answer,
    args::{Format, LiveArguments},
    commands::{
        chain::{nodes, open_executor, trading_settings, websocket},
        collect::LOG,
    },
    configuration::{DEFAULT_DEPTH, signal_options, strategy_of},
    progress::Status,
};

/// The session's journal in its folder.
const SESSION: &str = "session.sqlite";

pub(crate) fn run(arguments: &LiveArguments, quiet: bool) -> Result<Answer> {
    let settings = run_settings(arguments)?;
    let (ask_to_stop, stop) = watch::channel(false);
    ctrlc::set_handler(move || {
        let _ = ask_to_stop.send(true);
    })
    .context("no handler for Ctrl-C")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(live(arguments, settings, stop, quiet))?;
    Ok(Answer::Yes)
}

/// The run as research has it: what it would be filed under.
fn run_settings(arguments: &LiveArguments) -> Result<RunSettings> {
    let config = PumpSwapConfig {
        slippage: Bps(arguments.slippage_bps),
        max_impact: Bps(arguments.max_impact_bps),
        ..PumpSwapConfig::default()
    };
    Ok(RunSettings {
        strategy: strategy_of(arguments.strategy.as_deref(), &arguments.set, arguments.absent)?,
        venue: VenueSettings::PumpSwap(PoolVenue { depth: DEFAULT_DEPTH, config }),
        capital: arguments.capital,
        periods_per_year: PeriodsPerYear::from_interval_ms(interval_ms(arguments)?),
    })
}

fn interval_ms(arguments: &LiveArguments) -> Result<i64> {
    Ok(i64::try_from(arguments.interval.as_millis())?)
}

async fn live(
    arguments: &LiveArguments,
    settings: RunSettings,
    mut stop: watch::Receiver<bool>,
    quiet: bool,
) -> Result<()> {
    let address: Address = arguments.pool.parse().context("--pool: expected the address of a pool or of a mint")?;
    let cluster: Cluster = arguments.cluster.parse().context("--cluster")?;
    let urls = nodes(&arguments.rpc)?;
    let websocket = websocket(arguments.ws.as_deref(), &urls, &cluster)?;
    let mode = match (arguments.dry_run, arguments.paper) {
        (true, _) => Mode::DryRun,
        (_, true) => Mode::Paper,
        _ => Mode::Trade,
    };
    let interval_ms = interval_ms(arguments)?;
    let orders = trading_settings(arguments.priority_cap, arguments.limits.as_deref())?;
    let signals = signal_file(arguments, &settings, interval_ms)?;
    let wallet = match mode {
        Mode::Paper => None,
        Mode::DryRun | Mode::Trade => Some(Wallet::find(arguments.keypair.as_deref())?),
    };
    let beginning = async {
        let connect = || Client::connect(&cluster, urls.clone(), SystemClock);
        let client = connect().await.with_context(|| format!("cluster {cluster}"))?;
        if mode == Mode::Trade && Cluster::Localnet.check("", client.genesis()).is_err() {
            bail!(
                "a strategy that trades on {cluster} has to be promoted first, which this q50 cannot do yet; \
                 use --dry-run or --paper there, or trade on a localnet"
            );
        }
        let target = Target::find(&client, address).await?;
        let user = wallet.as_ref().map_or(Address::ZERO, Wallet::address);
        let market = client.market(target.mint, user, 0).await?;
        ensure!(
            market.keys.address == target.pool,
            "{} is not the canonical SOL pool of its coin, which alone is traded; that is {}",
            target.pool,
            market.keys.address
        );
        // Confirmations are listened for, besides asking.
        anyhow::Ok((client.listening_at(websocket.clone()), connect().await?, target, market))
    };
    let (client, feeds, target, market) =
        unless_stopped(&mut stop, beginning).await.context("interrupted before it began")??;
    let spec = SessionSpec {
        schema: SessionSpec::SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        mode,
        genesis: client.genesis().to_owned(),
        pool: target.pool.to_string(),
        mint: target.mint.to_string(),
        wallet: wallet.as_ref().map(|wallet| wallet.address().to_string()),
        interval_ms,
        signals: signals.as_ref().map(|_| signal_rule(arguments, interval_ms)),
        levels: Levels {
            stop_loss_bps: arguments.stop_loss.map(|share| share.0),
            take_profit_bps: arguments.take_profit.map(|share| share.0),
            timeout_ms: arguments.after.map(|after| u64::try_from(after.as_millis())).transpose()?,
        },
        settings,
    };
    if !arguments.out.join(SESSION).exists() {
        funded(&spec, market.wallet.0)?;
    }
    // The folder is this process's own from here on.
    let folder = RunFolder::open(&arguments.out, FILES)?;
    let (log, session) = (folder.file(LOG), folder.file(SESSION));
    let store = Store::open(&log, &target.pool, &spec.genesis).with_context(|| log.display().to_string())?;
    let journal = Journal::open(&session).with_context(|| session.display().to_string())?;
    let subscription = Subscription::new(websocket, target.pool);
    let feed = Feed::new(Collector::new(feeds, target, store), subscription, interval_ms);
    let execution = unless_stopped(&mut stop, execution(arguments, &spec, client, wallet, orders));
    let parts = Parts {
        mint: target.mint,
        terms: PoolTerms { state: market.state, config: market.config },
        journal,
        feed,
        signals,
        execution: execution.await.context("interrupted before it began")??,
        signal_wait: Duration::from_secs_f64(arguments.signal_wait.min(interval_ms as f64 / 1_000.0)),
        spec,
    };

    let status = Status::start(quiet);
    let mut told = Ok(());
    let mut tell = |event: &Event| {
        status.say(line(event));
        if told.is_ok() {
            told = status.aside(|| print(arguments.format, event));
        }
    };
    let session = unless_stopped(&mut stop, Session::start(parts, &mut tell)).await;
    let mut session = session.context("interrupted before it began; the same command goes on")??;
    let poll = Duration::from_millis(arguments.poll_ms);
    let ended = session.run(&mut stop, poll, arguments.bars, &mut tell).await;
    let collector = session.feed().collector();
    let written = dataset::write(collector.store(), &target, session.genesis(), interval_ms, &folder);
    ended.context("the session stopped; what it knows is kept, and the same command goes on")?;
    written?;
    Ok(told?)
}

fn signal_rule(arguments: &LiveArguments, interval_ms: i64) -> SignalRule {
    let milliseconds = |seconds: Option<u32>| seconds.map_or(interval_ms, |seconds| i64::from(seconds) * 1_000);
    let options = signal_options(arguments.signal_column.clone(), arguments.crossing, arguments.side_minus_one);
    SignalRule {
        delay_ms: milliseconds(arguments.signal_delay),
        max_age_ms: milliseconds(arguments.signal_max_age),
        crossing: options.crossing,
        column: arguments.signal_column.clone(),
    }
}

/// The signal file, where there is one; refused where the strategy could not run on it.
fn signal_file(arguments: &LiveArguments, settings: &RunSettings, interval_ms: i64) -> Result<Option<SignalFile>> {
    let options = signal_options(arguments.signal_column.clone(), arguments.crossing, arguments.side_minus_one);
    let rule = signal_rule(arguments, interval_ms).join();
    ensure!(rule.max_age_ms > 0, "--signal-max-age is 0, expected 1 or more: nothing would ever be used");
    let file = match &arguments.signals {
        Some(path) => Some(SignalFile::open(path, options, rule)?),
        None => None,
    };
    let there = file.as_ref().map_or_else(Signals::default, SignalFile::signals);
    if let Some(refusal) = settings.refusal(&there) {
        bail!("{refusal}{}", if file.is_none() { "; or name a file with --signals" } else { "" });
    }
    Ok(file)
}

/// Refuses a wallet that has not what a new session trades with; one that goes on has part of it in coins.
fn funded(spec: &SessionSpec, wallet: u64) -> Result<()> {
    let capital = (spec.settings.capital * LAMPORTS_PER_SOL) as u64;
    ensure!(
        spec.mode == Mode::Paper || wallet >= capital,
        "the wallet {} holds {} SOL, and the session is to trade with {}; fund it, or give less with --capital",
        spec.wallet.as_deref().unwrap_or("?"),
        wallet as f64 / LAMPORTS_PER_SOL,
        spec.settings.capital
    );
    Ok(())
}

async fn execution(
    arguments: &LiveArguments,
    spec: &SessionSpec,
    client: Client<SystemClock>,
    wallet: Option<Wallet>,
    orders: Settings,
) -> Result<Execution> {
    Ok(match (spec.mode, wallet) {
        (Mode::Trade, Some(wallet)) => {
            Execution::Trade(Box::new(open_executor(client, wallet, arguments.journal.as_deref(), orders).await?))
        }
        (Mode::DryRun, Some(wallet)) => Execution::DryRun {
            client,
            user: wallet.address(),
            guards: Box::new(Guards::new(orders.limits, Memory::default())),
            priority_cap: orders.priority_cap,
        },
        _ => {
            let VenueSettings::PumpSwap(venue) = spec.settings.venue else { bail!("a session trades in a pool") };
            Execution::Paper { client, costs: venue.config }
        }
    })
}

fn print(format: Format, event: &Event) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match format {
        Format::Json => writeln!(stdout, "{}", serde_json::to_string(event)?)?,
        Format::Text => writeln!(stdout, "{}", line(event))?,
    }
    stdout.flush()
}

/// An event in a line.
fn line(event: &Event) -> String {
    match event {
        Event::Started { session, goes_on, history, decisions } => {
            let verb = if *goes_on { "goes on" } else { "begins" };
            format!("session {} {verb}: {history} bars of history, {decisions} decisions", &session[..16])
        }
        Event::Decided { bar, close, reason, wants, equity, .. } => {
            let wants = wants.as_deref().map_or_else(String::new, |wants| format!(", {wants}"));
            format!("{bar}  close {close:.4e}  equity {equity:.6} SOL  {reason}{wants}")
        }
        Event::Wanted { key, size } => {
            let size = match size {
                Some(Size::Spend(Lamports(lamports))) => format!("spend {lamports} lamports"),
                Some(Size::Buy(coins)) => format!("buy {coins} coins"),
                Some(Size::Sell(coins)) => format!("sell {coins} coins"),
                None => "nothing".to_owned(),
            };
            format!("  order {key}: {size}")
        }
        Event::Done { done, .. } => format!("  {}", became(done)),
        Event::Note { kind, text } => format!("  {kind}: {text}"),
        Event::Stopped { decisions, orders, from } => {
            let from =
                from.as_deref().map_or_else(String::new, |from| format!("; to replay it: q50 verify --from {from} .."));
            format!("stopped after {decisions} decisions and {orders} orders{from}")
        }
    }
}

fn became(done: &Done) -> String {
    let state = done.state.name();
    match (done.state, &done.why) {
        (State::Filled, _) => {
            format!("{state} in slot {}: {} coins, {} lamports", done.slot.unwrap_or(0), done.base, done.quote)
        }
        (_, Some(why)) => format!("{state}: {why}"),
        (_, None) => state.to_owned(),
    }
}
