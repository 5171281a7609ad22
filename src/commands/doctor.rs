//! `q50 doctor`: everything that trading needs, looked at before it is needed. Sends nothing.

use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use q50_engine::units::LAMPORTS_PER_SOL;
use q50_executor::clock::{Clock, SystemClock};
use q50_executor::cluster::{Cluster, Url};
use q50_executor::guards::{KillSwitch, Limits};
use q50_executor::journal::Journal;
use q50_executor::rpc::{Client, Commitment, ConnectError};
use q50_executor::wallet::Wallet;
use q50_trader::clock_watch::MOST_APART_S;
use q50_trader::promotion::gate;
use q50_trader::spec::Mode;
use serde::Serialize;
use serde_json::json;

use super::chain::{nodes, wait};
use super::gate::{Promoted, Rung, climbs};
use super::positions::{journal_path, switch_file};
use crate::{
    Answer,
    args::DoctorArguments,
    configuration::data_directory,
    output,
    table::{Align, table},
};

/// What a journal and a collection need room for.
const LEAST_FREE: u64 = 1 << 30;

/// What came of looking at something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Pass,
    Fail,
    NotRun,
}

/// Something that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    state: State,
    found: String,
    /// What to do, where it fails.
    remedy: Option<String>,
}

/// What was found so far.
#[derive(Default)]
struct Examination(Vec<Finding>);

impl Examination {
    fn pass(&mut self, name: &'static str, found: impl Into<String>) {
        self.0.push(Finding { name, state: State::Pass, found: found.into(), remedy: None });
    }

    fn fail(&mut self, name: &'static str, found: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { name, state: State::Fail, found: found.into(), remedy: Some(remedy.into()) });
    }

    fn not_run(&mut self, name: &'static str, why: &str) {
        self.0.push(Finding { name, state: State::NotRun, found: why.to_owned(), remedy: None });
    }
}

pub(crate) fn run(arguments: &DoctorArguments) -> Result<Answer> {
    wait(examine(arguments))
}

async fn examine(arguments: &DoctorArguments) -> Result<Answer> {
    let cluster: Cluster = arguments.cluster.parse().context("--cluster")?;
    let urls = nodes(&arguments.rpc)?;
    let mut all = Examination::default();
    let client = chain(&mut all, &cluster, urls).await;
    clock(&mut all, client.as_ref()).await;
    let wallet = wallet(&mut all, arguments);
    let read = |path: &PathBuf| Promoted::read(path, arguments.run.as_deref());
    let promoted = arguments.manifest.as_ref().map(read);
    let stake = match &promoted {
        Some(Ok(promoted)) => Some(stake(promoted, arguments, client.as_ref())),
        _ => None,
    };
    funds(&mut all, client.as_ref(), wallet.as_ref(), stake).await;
    switch(&mut all);
    folder(&mut all);
    journal(&mut all, arguments, client.as_ref(), wallet.as_ref());
    manifest(&mut all, promoted, client.as_ref(), wallet.as_ref());
    let Examination(findings) = all;
    let is_well = findings.iter().all(|finding| finding.state != State::Fail);
    let value =
        json!({"schema": "q50.doctor/1", "ready": is_well, "cluster": cluster.to_string(), "findings": findings});
    output::print(arguments.format, &value, |out| text(out, &findings, is_well))?;
    Ok(if is_well { Answer::Yes } else { Answer::No })
}

fn text(out: &mut dyn Write, findings: &[Finding], is_well: bool) -> io::Result<()> {
    let row = |finding: &Finding| {
        let state = match finding.state {
            State::Pass => "pass",
            State::Fail => "FAIL",
            State::NotRun => "not run",
        };
        [state.to_owned(), finding.name.to_owned(), finding.found.clone()]
    };
    writeln!(
        out,
        "{}",
        table([("", Align::Left), ("what", Align::Left), ("found", Align::Left)], findings.iter().map(row))
    )?;
    for finding in findings {
        if let Some(remedy) = &finding.remedy {
            writeln!(out, "\n{}: {remedy}", finding.name)?;
        }
    }
    writeln!(out, "\n{}", if is_well { "Nothing stands in the way of trading." } else { "Not ready to trade." })
}

/// Whether a node answers, is of the chain that was asked for, and PumpSwap is there.
async fn chain(all: &mut Examination, cluster: &Cluster, urls: Vec<Url>) -> Option<Client<SystemClock>> {
    let error = match Client::connect(cluster, urls, SystemClock).await {
        Ok(client) => {
            all.pass("cluster", format!("{cluster} answers"));
            all.pass("genesis", client.genesis());
            all.pass("program", "PumpSwap is deployed, and executable");
            return Some(client);
        }
        Err(error) => error,
    };
    let unknown = "no node answered that is of this chain";
    match error {
        ConnectError::Node { .. } | ConnectError::NoNode => {
            let remedy = match cluster {
                Cluster::Localnet => "start one in another terminal: q50 localnet --keypair-out wallet.json",
                _ => "name another node with --rpc URL; public ones limit requests",
            };
            all.fail("cluster", error.to_string(), remedy);
            all.not_run("genesis", unknown);
            all.not_run("program", unknown);
        }
        ConnectError::Chain(_) => {
            all.pass("cluster", format!("a node of {cluster} was asked, and answers"));
            all.fail(
                "genesis",
                error.to_string(),
                "name a node of that chain with --rpc, or the chain of this node with --cluster",
            );
            all.not_run("program", unknown);
        }
        ConnectError::NoProgram => {
            all.pass("cluster", format!("{cluster} answers"));
            all.pass("genesis", "as expected");
            let remedy = match cluster {
                Cluster::Testnet => {
                    "PumpSwap is not documented on Solana's testnet; use --cluster devnet, where it has the address of mainnet-beta"
                }
                _ => "use --cluster devnet, mainnet-beta, or a chain of q50 localnet",
            };
            all.fail("program", error.to_string(), remedy);
        }
    }
    None
}

/// The chain's clock against ours, and whether the chain is as old as it says it is.
async fn clock(all: &mut Examination, client: Option<&Client<SystemClock>>) {
    let Some(client) = client else { return all.not_run("clock", "no chain to ask") };
    let now = match client.chain_time().await {
        Ok(now) => now,
        Err(error) => return all.fail("clock", error.to_string(), "ask another node with --rpc"),
    };
    if let Err(lie) = Cluster::can_be_at(client.genesis(), now.slot) {
        return all.fail("clock", lie.to_string(), "do not trade through this node");
    }
    let behind = SystemClock.now().0 / 1_000 - now.unix_seconds;
    let side = if behind < 0 { "behind" } else { "ahead of" };
    let found = format!("slot {}; this machine's clock is {} s {side} the chain's", now.slot, behind.abs());
    if behind.abs() <= MOST_APART_S {
        all.pass("clock", found);
    } else {
        let remedy = "set this machine's clock (timedatectl set-ntp true); if it is right, the node lags: ask another with --rpc. A \
                      localnet whose slots are stepped has a clock of its own";
        all.fail("clock", found, remedy);
    }
}

fn wallet(all: &mut Examination, arguments: &DoctorArguments) -> Option<Wallet> {
    match Wallet::find(arguments.keypair.as_deref()) {
        Ok(wallet) => {
            all.pass("wallet", format!("{}, read by its owner alone", wallet.address()));
            Some(wallet)
        }
        Err(error) => {
            all.fail(
                "wallet",
                error.to_string(),
                "name the keypair's file with --keypair, and keep it to yourself: chmod 600",
            );
            None
        }
    }
}

/// What the next session of a manifest begins with, SOL; and, where that is a part of its capital, which.
fn stake(
    promoted: &Promoted,
    arguments: &DoctorArguments,
    client: Option<&Client<SystemClock>>,
) -> Result<(f64, String)> {
    let capital = promoted.manifest().spec.settings.capital;
    let cluster = client.map_or(Cluster::Localnet, |client| Cluster::of(client.genesis()));
    if !climbs(&cluster, Mode::Trade, arguments.ladder) {
        return Ok((capital, String::new()));
    }
    let standing = Rung::next(promoted)?;
    Ok((standing.of(capital), format!(" ({})", standing.text())))
}

async fn funds(
    all: &mut Examination,
    client: Option<&Client<SystemClock>>,
    wallet: Option<&Wallet>,
    stake: Option<Result<(f64, String)>>,
) {
    let (Some(client), Some(wallet)) = (client, wallet) else { return all.not_run("funds", "no chain, or no wallet") };
    let address = wallet.address();
    let lamports = match client.accounts(&[address], Commitment::Confirmed, 0).await {
        Ok((_, accounts)) => accounts.first().and_then(Option::as_ref).map_or(0, |account| account.lamports),
        Err(error) => return all.fail("funds", error.to_string(), "ask another node with --rpc"),
    };
    let floor = Limits::default().wallet_floor.0;
    let (needed, whose) = match stake {
        Some(Ok((capital, of))) => {
            ((capital * LAMPORTS_PER_SOL) as u64, format!("; the session begins with {capital}{of}"))
        }
        Some(Err(error)) => return all.fail("funds", format!("{error:#}"), "restore the file from a copy"),
        None => (0, String::new()),
    };
    let found = format!("{} SOL{whose}", lamports as f64 / LAMPORTS_PER_SOL);
    if lamports > floor && lamports >= needed {
        all.pass("funds", found);
    } else {
        let remedy = format!(
            "send SOL to {address}: it needs {}, of which {} have to stay in it (on devnet: solana airdrop 2 {address} --url devnet)",
            needed.max(floor) as f64 / LAMPORTS_PER_SOL,
            floor as f64 / LAMPORTS_PER_SOL
        );
        all.fail("funds", found, remedy);
    }
}

fn switch(all: &mut Examination) {
    match switch_file().and_then(|file| Ok(file.read()?)) {
        Ok(KillSwitch::Resumed) => all.pass("switch", "trading is on"),
        Ok(KillSwitch::Killed { reason, .. }) => {
            all.fail("switch", format!("trading is off: {reason}"), "q50 resume, once the reason is gone");
        }
        Err(error) => all.fail("switch", format!("{error:#}"), "q50 resume writes it anew"),
    }
}

/// Whether what has to be kept can be kept, and by nobody else.
fn folder(all: &mut Examination) {
    let path = match data_directory() {
        Ok(path) => path,
        Err(error) => return all.fail("folder", error.to_string(), "set Q50_DATA_DIR"),
    };
    let named = path.display();
    if let Err(error) = std::fs::create_dir_all(&path).and_then(|()| tempfile_in(&path)) {
        return all.fail("folder", format!("{named}: {error}"), "make it writable, or set Q50_DATA_DIR to another");
    }
    let mode = path.metadata().map_or(0, |found| found.mode() & 0o777);
    if mode & 0o022 != 0 {
        let found = format!("{named}: others may write there (mode {mode:04o})");
        return all.fail("folder", found, format!("chmod go-w {named}"));
    }
    match nix::sys::statvfs::statvfs(&path) {
        Ok(disk) => {
            let free = disk.blocks_available() * disk.fragment_size();
            let found = format!("{named}: {:.1} GiB free", free as f64 / f64::from(1 << 30));
            if free >= LEAST_FREE {
                all.pass("folder", found);
            } else {
                all.fail("folder", found, "make room: what cannot be kept is not traded");
            }
        }
        Err(error) => all.fail("folder", format!("{named}: {error}"), "set Q50_DATA_DIR to another folder"),
    }
}

/// Writes and removes a file.
fn tempfile_in(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    std::fs::write(&path, b"q50")?;
    std::fs::remove_file(&path)
}

fn journal(
    all: &mut Examination,
    arguments: &DoctorArguments,
    client: Option<&Client<SystemClock>>,
    wallet: Option<&Wallet>,
) {
    let (Some(client), Some(wallet)) = (client, wallet) else {
        return all.not_run("journal", "no chain, or no wallet");
    };
    let path: PathBuf = match journal_path(arguments.journal.as_deref(), client.genesis(), &wallet.address()) {
        Ok(path) => path,
        Err(error) => return all.fail("journal", error.to_string(), "name it with --journal"),
    };
    let named = path.display();
    if !path.exists() {
        return all.pass("journal", format!("{named}: none yet"));
    }
    let opened = Journal::open(&path).and_then(|journal| {
        journal.is_of(&wallet.address(), client.genesis())?;
        journal.pending()
    });
    match opened {
        Ok(pending) => all.pass("journal", format!("{named}: {} transactions to be looked at", pending.len())),
        Err(error) => all.fail(
            "journal",
            format!("{named}: {error}"),
            "name another with --journal; do not delete one that is open",
        ),
    }
}

fn manifest(
    all: &mut Examination,
    promoted: Option<Result<Promoted>>,
    client: Option<&Client<SystemClock>>,
    wallet: Option<&Wallet>,
) {
    let Some(promoted) = promoted else {
        return all.not_run("manifest", "none was named (--manifest); without one, orders are sent on localnets alone");
    };
    let examined = promoted.and_then(|promoted| {
        gate::signer(&promoted.signed, wallet.map(Wallet::address))?;
        if let Some(client) = client {
            let is_ones_own = Cluster::of(client.genesis()) == Cluster::Localnet;
            gate::chain(promoted.manifest(), client.genesis(), is_ones_own)?;
        }
        Ok(promoted)
    });
    match examined {
        Ok(promoted) => {
            let manifest = promoted.manifest();
            let overrides: Vec<&str> = manifest.overrides.iter().map(|one| one.check.as_str()).collect();
            let overridden =
                if overrides.is_empty() { String::new() } else { format!("; OVERRIDDEN: {}", overrides.join(", ")) };
            all.pass("manifest", format!("run {} on {}{overridden}", manifest.run.id, manifest.market.cluster));
        }
        Err(error) => all.fail("manifest", format!("{error:#}"), "q50 promote, with this program and this wallet"),
    }
}
