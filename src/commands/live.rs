//! `q50 live`: a strategy in a pool.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use q50_collector::dataset::{self, FILES};
use q50_collector::store::Store;
use q50_collector::subscription::Subscription;
use q50_collector::{Collector, Target, unless_stopped};
use q50_datasets::run_folder::RunFolder;
use q50_engine::strategy::StrategyConfig;
use q50_engine::units::{Bps, LAMPORTS_PER_SOL, PeriodsPerYear};
use q50_engine::venue::PumpSwapConfig;
use q50_executor::clock::{Clock, SystemClock};
use q50_executor::cluster::Cluster;
use q50_executor::executor::Settings;
use q50_executor::guards::{Guards, Memory};
use q50_executor::rpc::Client;
use q50_executor::wallet::Wallet;
use q50_pumpswap::chain::Address;
use q50_research::run::{PoolVenue, RunSettings, VenueSettings};
use q50_trader::alerts::{Alert, AlertSettings, Alerts, Pace, Receiver};
use q50_trader::clock_watch;
use q50_trader::execution::Execution;
use q50_trader::feed::Feed;
use q50_trader::history;
use q50_trader::journal::Journal;
use q50_trader::monitor::{MonitorRule, Reference, promoted_trades};
use q50_trader::promoted;
use q50_trader::promotion::gate::Intended;
use q50_trader::promotion::{self, Manifest, Override};
use q50_trader::session::{Event, Parts, Session, SessionError};
use q50_trader::sizing::PoolTerms;
use q50_trader::spec::{Levels, Mode, SessionSpec};
use q50_trader::status;
use tokio::sync::watch;

use crate::{
    Answer,
    args::LiveArguments,
    commands::{
        chain::{named, nodes, open_executor, trading_settings, websocket},
        collect::LOG,
        gate::{self, Promoted, Rung},
    },
    configuration::{DEFAULT_DEPTH, strategy_of},
    progress::Status,
};

/// Which signals, and how they are read.
mod signals;
/// What is said.
mod told;

/// Length of a bar where nothing says another.
const USUAL_INTERVAL_MS: i64 = 60_000;
/// The session's journal in its folder.
const SESSION: &str = "session.sqlite";
/// How long alerts are told for once the session has ended.
const LAST_WORDS: Duration = Duration::from_millis(1_500);

pub(crate) fn run(arguments: &LiveArguments, quiet: bool) -> Result<Answer> {
    let promoted = gate::promoted(&arguments.promotion)?;
    let settings = run_settings(arguments, promoted.as_ref().map(Promoted::manifest))?;
    let (ask_to_stop, stop) = watch::channel(false);
    ctrlc::set_handler(move || {
        let _ = ask_to_stop.send(true);
    })
    .context("no handler for Ctrl-C")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(live(arguments, settings, promoted, stop, quiet))?;
    Ok(Answer::Yes)
}

/// The run as research has it: what it would be filed under. What was not typed is as it was promoted.
fn run_settings(arguments: &LiveArguments, manifest: Option<&Manifest>) -> Result<RunSettings> {
    let promoted = manifest.map(|manifest| &manifest.spec.settings);
    let usual = PoolVenue { depth: DEFAULT_DEPTH, config: PumpSwapConfig::default() };
    let mut venue = match promoted.map(|settings| settings.venue) {
        Some(VenueSettings::PumpSwap(venue)) => venue,
        Some(VenueSettings::NextOpen(_) | VenueSettings::Perpetual(_)) | None => usual,
    };
    venue.config.slippage = arguments.slippage_bps.map_or(venue.config.slippage, Bps);
    venue.config.max_impact = arguments.max_impact_bps.map_or(venue.config.max_impact, Bps);
    let is_typed = arguments.strategy.is_some() || !arguments.set.is_empty() || arguments.absent.is_some();
    let strategy = match promoted.filter(|_| !is_typed) {
        Some(settings) => settings.strategy.clone(),
        None => strategy_of(arguments.strategy.as_deref(), &arguments.set, arguments.absent)?,
    };
    let interval_ms = interval_ms(arguments, manifest, &strategy)?;
    let year = promoted.map(|settings| settings.periods_per_year);
    Ok(RunSettings {
        strategy,
        venue: VenueSettings::PumpSwap(venue),
        capital: arguments.capital.or(promoted.map(|settings| settings.capital)).context("--capital: how much?")?,
        periods_per_year: year.unwrap_or_else(|| PeriodsPerYear::from_interval_ms(interval_ms)),
    })
}

fn interval_ms(arguments: &LiveArguments, manifest: Option<&Manifest>, strategy: &StrategyConfig) -> Result<i64> {
    let promoted = manifest.map(|manifest| manifest.spec.data.interval_ms);
    match arguments.interval {
        Some(interval) => Ok(i64::try_from(interval.as_millis())?),
        None => Ok(promoted.or(strategy.interval_ms()).unwrap_or(USUAL_INTERVAL_MS)),
    }
}

async fn live(
    arguments: &LiveArguments,
    mut settings: RunSettings,
    promoted: Option<Promoted>,
    mut stop: watch::Receiver<bool>,
    quiet: bool,
) -> Result<()> {
    let manifest = promoted.as_ref().map(Promoted::manifest);
    let pool = arguments.pool.as_deref().or(promoted.as_ref().and_then(Promoted::pool));
    let pool =
        pool.context("--pool: the manifest names none, because it is for any pool of a chain of one's own; name one")?;
    let address: Address = pool.parse().context("--pool: expected the address of a pool or of a mint")?;
    let cluster: Cluster = arguments.cluster.parse().context("--cluster")?;
    let urls = nodes(&arguments.rpc)?;
    let websocket = websocket(arguments.ws.as_deref(), &urls, &cluster)?;
    let mode = match (arguments.dry_run, arguments.paper) {
        (true, _) => Mode::DryRun,
        (_, true) => Mode::Paper,
        _ => Mode::Trade,
    };
    gate::permitted(&cluster, mode, &arguments.promotion)?;
    let interval_ms = interval_ms(arguments, manifest, &settings.strategy)?;
    let orders = trading_settings(arguments.priority_cap, arguments.limits.as_deref())?;
    let rule = signals::rule(arguments, interval_ms, manifest);
    let signals = signals::file(arguments, &settings, &rule, interval_ms)?;
    let (receivers, pace) = receivers(arguments)?;
    let levels = Levels {
        stop_loss_bps: arguments.stop_loss.map(|share| share.0),
        take_profit_bps: arguments.take_profit.map(|share| share.0),
        timeout_ms: arguments.after.map(|after| u64::try_from(after.as_millis())).transpose()?,
    };
    let rule = signals.as_ref().map(|_| rule);
    let monitor = MonitorRule {
        modelled_bps: arguments.modelled_bps.or(manifest.map(|manifest| manifest.modelled_bps)).unwrap_or(0.0),
        tolerance_bps: arguments.tolerance_bps,
        demote_on_decay: arguments.demote_on_decay,
    };
    watches(&monitor, &settings.venue)?;
    if let Some(manifest) = manifest {
        let signals = rule.as_ref();
        let intended = Intended { settings: &settings, interval_ms, signals, levels: &levels, monitor: &monitor };
        promotion::gate::intended(manifest, &intended)?;
    }
    let wallet = match mode {
        Mode::Paper => None,
        Mode::DryRun | Mode::Trade => Some(Wallet::find(arguments.keypair.as_deref())?),
    };
    let beginning = async {
        let connect = || Client::connect(&cluster, urls.clone(), SystemClock);
        let client = connect().await.with_context(|| named(&cluster))?;
        // Whatever the node's address is, its chain is one that is shared or not.
        gate::permitted(&Cluster::of(client.genesis()), mode, &arguments.promotion)?;
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
    let address = wallet.as_ref().map(Wallet::address);
    if let Some(promoted) = &promoted {
        gate::allowed(promoted, client.genesis(), target.pool, address, mode)?;
    }
    let shared = Cluster::of(client.genesis());
    // A localnet whose slots are stepped has a clock of its own.
    if shared != Cluster::Localnet {
        clock_watch::is_of(client.chain_time().await?.unix_seconds, SystemClock.now().0 / 1_000)?;
    }
    let rung = Rung::of(promoted.as_ref(), &shared, mode, &arguments.promotion, &arguments.out)?;
    if let Some(rung) = &rung {
        settings.capital = rung.standing.of(settings.capital);
    }
    let mut spec = SessionSpec {
        schema: SessionSpec::SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        begun_ms: SystemClock.now().0,
        mode,
        genesis: client.genesis().to_owned(),
        pool: target.pool.to_string(),
        mint: target.mint.to_string(),
        wallet: address.map(|address| address.to_string()),
        interval_ms,
        signals: rule,
        levels,
        manifest: promoted.as_ref().map(|promoted| promoted.signed.hash()),
        monitor,
        settings,
    };
    if !arguments.out.join(SESSION).exists() {
        funded(&spec, market.wallet.0)?;
        nobody_elses(&arguments.out)?;
    }
    // The folder is this process's own from here on.
    let folder = RunFolder::open(&arguments.out, FILES)?;
    let (log, session) = (folder.file(LOG), folder.file(SESSION));
    let store = Store::open(&log, &target.pool, &spec.genesis).with_context(|| log.display().to_string())?;
    let mut journal = Journal::open(&session).with_context(|| session.display().to_string())?;
    spec.begun_ms = journal.begun_ms()?.unwrap_or(spec.begun_ms);
    // Another session's folder is left as it is.
    journal.goes_on(&spec).with_context(|| session.display().to_string())?;
    if let Some(promoted) = &promoted {
        promoted.keep(folder.path())?;
    }
    let announced = announced(promoted.as_ref(), rung.as_ref());
    for (kind, text) in &announced {
        journal.note(SystemClock.now().0, kind, text)?;
    }
    let reference = reference(arguments)?;
    let history = match &arguments.history {
        Some(folder) => history::read(folder, &spec.pool, &spec.genesis, interval_ms).context("--history")?,
        None => Vec::new(),
    };
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
        history,
        reference,
        spec,
    };

    if let Some(port) = arguments.status {
        let address = status::serve(arguments.out.clone(), port).with_context(|| format!("--status {port}"))?;
        tracing::warn!("status page: http://{address}/");
    }
    let alerts = Alerts::start(receivers, &parts.spec.id()[..16], pace);
    // Beside the session's own, so that the line says what is kept.
    let (line, glance) =
        (Status::start(quiet), Journal::open(&session).with_context(|| session.display().to_string())?);
    let mut printed = Ok(());
    let mut tell = |event: &Event| {
        line.say(|| status::line(&glance).unwrap_or_else(|error| error.to_string()));
        if let Some(alert) = Alert::of(event) {
            alerts.send(&alert);
        }
        if printed.is_ok() {
            printed = line.aside(|| told::print(arguments.format, event));
        }
    };
    for (kind, text) in announced {
        tell(&Event::Note { kind, text });
    }
    let session = unless_stopped(&mut stop, Session::start(parts, &mut tell)).await;
    let mut session = match session.context("interrupted before it began; the same command goes on")? {
        Ok(session) => session,
        Err(error) => {
            last_words(alerts, Some(&error)).await;
            return Err(error.into());
        }
    };
    if let Some(rung) = &rung {
        rung.keep()?;
    }
    let poll = Duration::from_millis(arguments.poll_ms);
    let ended = session.run(&mut stop, poll, arguments.bars, &mut tell).await;
    let collector = session.feed().collector();
    let written = dataset::write(collector.store(), &target, session.genesis(), interval_ms, &folder);
    last_words(alerts, ended.as_ref().err()).await;
    ended.context("the session stopped; what it knows is kept, and once the cause is gone the same command goes on")?;
    written?;
    Ok(printed?)
}

/// Refuses a monitor that nothing could alarm.
fn watches(monitor: &MonitorRule, venue: &VenueSettings) -> Result<()> {
    let MonitorRule { modelled_bps, tolerance_bps, .. } = *monitor;
    let both = modelled_bps + tolerance_bps;
    ensure!(
        both < 10_000.0,
        "--modelled-bps and --tolerance-bps are {both} together, more than all of a fill; expected fewer than 10000"
    );
    if let VenueSettings::PumpSwap(pool) = venue
        && both > pool.config.slippage.0 as f64
    {
        let slips = pool.config.slippage.0;
        tracing::warn!(
            "the monitor tolerates more than an order may slip: --modelled-bps and --tolerance-bps are {both}, --slippage-bps {slips}"
        );
    }
    Ok(())
}

/// What is said, and kept, of a promoted session each time that it begins: checks that were overridden, and its rung.
fn announced(promoted: Option<&Promoted>, rung: Option<&Rung>) -> Vec<(&'static str, String)> {
    let overrides = promoted.into_iter().flat_map(|promoted| &promoted.manifest().overrides);
    let overridden =
        overrides.map(|Override { check, reason }| ("override", format!("{check} did not pass: {reason}")));
    overridden.chain(rung.map(|rung| ("ladder", rung.standing.text()))).collect()
}

/// Who is told, and how often.
fn receivers(arguments: &LiveArguments) -> Result<(Vec<Receiver>, Pace)> {
    let Some(file) = &arguments.alerts else { return Ok((Vec::new(), Pace::default())) };
    let settings = AlertSettings::read(file).context("--alerts")?;
    Ok((settings.receivers().context("--alerts")?, settings.pace()))
}

/// Tells why the session ended, and whatever waits to be told.
async fn last_words(alerts: Alerts, error: Option<&SessionError>) {
    if let Some(error) = error {
        alerts.send(&Alert { kind: "error", text: format!("the session ended: {error}") });
    }
    alerts.finish(LAST_WORDS).await;
}

/// Trades that the session's are held against: of the backtest that it was begun with.
fn reference(arguments: &LiveArguments) -> Result<Option<Reference>> {
    let session = &arguments.out;
    if let Some(backtest) = arguments.backtest.as_ref().filter(|_| !promoted::folder(session).exists()) {
        if let Some(missing) = promoted::TABLES.iter().find(|table| !backtest.join(table).is_file()) {
            bail!(
                "--backtest {}: no {missing}; expected the folder of a run: --out of q50 verify --venue pumpswap",
                backtest.display()
            );
        }
        promoted::keep(session, backtest).with_context(|| format!("--backtest {}", backtest.display()))?;
    }
    Ok(promoted_trades(session)?.map(|trades| Reference::of(&trades)))
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

/// Refuses a folder that has a dataset which no collection made: a session ends by writing its own.
fn nobody_elses(folder: &Path) -> Result<()> {
    let there = FILES.iter().find(|name| !folder.join(LOG).exists() && folder.join(name).exists());
    ensure!(
        there.is_none(),
        "--out {}: there is a {} of something else; name another folder",
        folder.display(),
        there.unwrap_or(&"")
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
