//! Compares what is about to trade with what was promoted: nothing is traded if anything differs.

use super::manifest::{Manifest, Signed};
use super::run::Run;
use crate::monitor::MonitorRule;
use crate::spec::{Levels, SignalRule};
use q50_pumpswap::chain::Address;
use q50_research::program::Program;
use q50_research::run::RunSettings;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Debug;
use thiserror::Error;

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the manifest does not allow this: {what} is {found}, and {promoted} was promoted; {remedy}. Nothing was sent")]
pub struct Mismatch {
    /// Which part.
    pub what: String,
    /// As it would trade.
    pub found: String,
    /// As it was promoted.
    pub promoted: String,
    /// What to do.
    pub remedy: &'static str,
}

const VERIFY_AGAIN: &str = "leave the option out, or verify and promote again";
const PROMOTE_AGAIN: &str = "restore the folder (--run names it where it moved), or verify and promote again";

fn equal<T: PartialEq + Debug>(
    what: &'static str,
    found: &T,
    promoted: &T,
    remedy: &'static str,
) -> Result<(), Mismatch> {
    if found == promoted {
        return Ok(());
    }
    let told = |value: &T| format!("{value:?}").trim_matches('"').to_owned();
    Err(Mismatch { what: what.to_owned(), found: told(found), promoted: told(promoted), remedy })
}

/// As [`equal`], of what has many parts: the first that differs is named by its path.
fn same<T: Serialize>(what: &'static str, found: &T, promoted: &T, remedy: &'static str) -> Result<(), Mismatch> {
    match difference(&value(found), &value(promoted)) {
        None => Ok(()),
        Some((path, found, promoted)) => {
            let what = if path.is_empty() { what.to_owned() } else { format!("{what} ({path})") };
            Err(Mismatch { what, found: found.to_string(), promoted: promoted.to_string(), remedy })
        }
    }
}

pub(crate) fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_else(|error| unreachable!("plain fields always have a JSON form: {error}"))
}

/// The dotted path of the first part that differs, with both.
pub(crate) fn difference<'a>(found: &'a Value, promoted: &'a Value) -> Option<(String, &'a Value, &'a Value)> {
    const NONE: &Value = &Value::Null;
    if let (Value::Object(one), Value::Object(other)) = (found, promoted) {
        return one.keys().chain(other.keys()).find_map(|name| {
            let (path, found, promoted) = difference(one.get(name).unwrap_or(NONE), other.get(name).unwrap_or(NONE))?;
            let path = if path.is_empty() { name.clone() } else { format!("{name}.{path}") };
            Some((path, found, promoted))
        });
    }
    (found != promoted).then(|| (String::new(), found, promoted))
}

/// Whether the program that runs is the one that was promoted.
///
/// # Errors
/// [`Mismatch`].
pub fn engine(manifest: &Manifest, running: &Program) -> Result<(), Mismatch> {
    const REMEDY: &str = "trade with the program that was promoted, or verify and promote again with this one";
    equal("the version of q50", &running.version, &manifest.engine.version, REMEDY)?;
    equal("the executable (BLAKE3)", &running.executable, &manifest.engine.executable, REMEDY)
}

/// Whether the run is still what was promoted: every file to the byte, and everything that the manifest says of it.
///
/// # Errors
/// [`Mismatch`].
pub fn run(manifest: &Manifest, run: &Run) -> Result<(), Mismatch> {
    for (name, hash) in &manifest.run.files {
        let what = match name.as_str() {
            "report.html" => "the report, report.html (BLAKE3),",
            "summary.json" => "the report's summary.json (BLAKE3)",
            "equity.parquet" => "the run's equity.parquet (BLAKE3)",
            "fills.parquet" => "the run's fills.parquet (BLAKE3)",
            _ => "the run's decisions.parquet (BLAKE3)",
        };
        equal(what, &run.files.get(name).map_or("none", String::as_str), &hash.as_str(), PROMOTE_AGAIN)?;
    }
    // What stands in the manifest follows from the run, whoever signed it.
    let says = Manifest::of(
        run,
        manifest.engine.clone(),
        manifest.market.clone(),
        manifest.overrides.clone(),
        manifest.promoted.clone(),
    );
    equal("the report, report.html (BLAKE3),", &says.hashes.report, &manifest.hashes.report, PROMOTE_AGAIN)?;
    equal("the dataset (BLAKE3)", &says.hashes.dataset, &manifest.hashes.dataset, PROMOTE_AGAIN)?;
    equal("the strategy (BLAKE3)", &says.hashes.strategy, &manifest.hashes.strategy, PROMOTE_AGAIN)?;
    equal("the specification (BLAKE3)", &says.hashes.spec, &manifest.hashes.spec, PROMOTE_AGAIN)?;
    same("the strategy", &says.spec.settings, &manifest.spec.settings, PROMOTE_AGAIN)?;
    same("the dataset", &says.spec.data, &manifest.spec.data, PROMOTE_AGAIN)?;
    equal("the signals' column", &says.signal_column, &manifest.signal_column, PROMOTE_AGAIN)?;
    equal("the meaning of -1", &says.minus_one, &manifest.minus_one, PROMOTE_AGAIN)?;
    equal("what was modelled, basis points,", &says.modelled_bps, &manifest.modelled_bps, PROMOTE_AGAIN)?;
    equal("the number of trials", &says.trials.count, &manifest.trials.count, PROMOTE_AGAIN)?;
    equal("the trial ledger's head", &says.trials.ledger.head, &manifest.trials.ledger.head, PROMOTE_AGAIN)?;
    same("the checks", &says.checks, &manifest.checks, PROMOTE_AGAIN)?;
    equal("the verdict", &says.verdict, &manifest.verdict, PROMOTE_AGAIN)?;
    same("the conditions", &says.conditions, &manifest.conditions, PROMOTE_AGAIN)
}

/// What a session would do.
#[derive(Clone, Copy, Debug)]
pub struct Intended<'a> {
    /// Strategy, venue and capital.
    pub settings: &'a RunSettings,
    /// Length of a bar, milliseconds.
    pub interval_ms: i64,
    /// How signals are read.
    pub signals: Option<&'a SignalRule>,
    /// What is sold between bars.
    pub levels: &'a Levels,
    /// What fills are held against.
    pub monitor: &'a MonitorRule,
}

/// Whether what a session would do is what was promoted. Less capital is allowed, and a monitor that alarms earlier.
///
/// # Errors
/// [`Mismatch`].
pub fn intended(manifest: &Manifest, intended: &Intended<'_>) -> Result<(), Mismatch> {
    let Intended { settings, interval_ms, signals, levels, monitor } = intended;
    let promoted = &manifest.spec.settings;
    same("the strategy", &settings.strategy, &promoted.strategy, VERIFY_AGAIN)?;
    same("the venue", &settings.venue, &promoted.venue, VERIFY_AGAIN)?;
    if settings.capital > promoted.capital {
        equal("--capital", &settings.capital, &promoted.capital, VERIFY_AGAIN)?;
    }
    equal("--interval, ms,", interval_ms, &manifest.spec.data.interval_ms, VERIFY_AGAIN)?;
    same("what is sold between bars", *levels, &Levels::default(), VERIFY_AGAIN)?;
    equal("--modelled-bps", &monitor.modelled_bps, &manifest.modelled_bps, VERIFY_AGAIN)?;
    let usual = MonitorRule::default().tolerance_bps;
    if monitor.tolerance_bps > usual {
        equal("--tolerance-bps", &monitor.tolerance_bps, &usual, VERIFY_AGAIN)?;
    }
    let promoted = manifest.spec.data.signals.as_ref().map(|signals| SignalRule {
        delay_ms: signals.delay_ms,
        max_age_ms: signals.max_age_ms,
        crossing: signals.crossing,
        column: manifest.signal_column.clone(),
        minus_one: manifest.minus_one,
    });
    same("how signals are read", &signals.cloned(), &promoted, VERIFY_AGAIN)
}

const TRADE_THERE: &str = "trade there, or promote the run for this one (q50 promote --cluster .. --mint ..)";

/// Whether the chain that began with `genesis` is the one that was promoted.
///
/// # Errors
/// [`Mismatch`].
pub fn chain(manifest: &Manifest, genesis: &str, is_ones_own: bool) -> Result<(), Mismatch> {
    match &manifest.market.genesis {
        Some(known) => equal("the chain's genesis", &genesis, &known.as_str(), TRADE_THERE),
        None if is_ones_own => Ok(()),
        None => equal("the chain", &genesis, &"a localnet", TRADE_THERE),
    }
}

/// Whether the pool is the one that was promoted, on its chain.
///
/// # Errors
/// [`Mismatch`].
pub fn market(manifest: &Manifest, genesis: &str, is_ones_own: bool, pool: Address) -> Result<(), Mismatch> {
    chain(manifest, genesis, is_ones_own)?;
    match &manifest.market.pool {
        Some(known) => equal("the pool", &pool.to_string(), known, TRADE_THERE),
        None => Ok(()),
    }
}

/// Whether the wallet that trades is the one that signed.
///
/// # Errors
/// [`Mismatch`].
pub fn signer(manifest: &Signed, wallet: Option<Address>) -> Result<(), Mismatch> {
    let Some(wallet) = wallet else { return Ok(()) };
    let remedy = "trade with that wallet (--keypair), or promote the run with this one";
    equal("the wallet", &wallet.to_string(), &manifest.signer, remedy)
}
