//! Before a session: what the manifest allows, and where nothing is allowed without one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use q50_executor::clock::{Clock, SystemClock};
use q50_executor::cluster::Cluster;
use q50_pumpswap::chain::Address;
use q50_research::program::Program;
use q50_trader::promoted;
use q50_trader::promotion::ladder::{Ladder, Standing};
use q50_trader::promotion::{Manifest, Run, Signed, gate};
use q50_trader::spec::Mode;

use crate::{args::ManifestArguments, configuration::data_directory};

/// A manifest of which this program, and the run that it names, are still what they were.
#[derive(Debug)]
pub(crate) struct Promoted {
    pub(crate) signed: Signed,
    run: Run,
}

impl Promoted {
    /// Reads a manifest, its run and this program; refused where they differ.
    pub(crate) fn read(manifest: &Path, run: Option<&Path>) -> Result<Self> {
        let signed = Signed::read(manifest)?;
        let named = || manifest.display().to_string();
        gate::engine(&signed.manifest, &Program::running()?).with_context(named)?;
        let run = Run::read(run.unwrap_or(&signed.manifest.run.folder)).context("the promoted run")?;
        gate::run(&signed.manifest, &run).with_context(named)?;
        Ok(Self { signed, run })
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.signed.manifest
    }

    /// The pool that is promoted: its coin where that is known, because that is what is typed.
    pub(crate) fn pool(&self) -> Option<&str> {
        let market = &self.manifest().market;
        market.mint.as_deref().or(market.pool.as_deref())
    }

    /// Manifest and backtest beside the session.
    pub(crate) fn keep(&self, session: &Path) -> Result<()> {
        std::fs::write(session.join(promoted::MANIFEST), self.signed.bytes())
            .and_then(|()| promoted::keep(session, &self.run.folder))
            .with_context(|| session.display().to_string())
    }
}

/// The manifest that was named.
pub(crate) fn promoted(arguments: &ManifestArguments) -> Result<Option<Promoted>> {
    let read = |path: &PathBuf| Promoted::read(path, arguments.run.as_deref());
    arguments.manifest.as_ref().map(read).transpose().context("--manifest (q50 promote makes one)")
}

/// Refuses to send orders on a chain that others share without a manifest, and real money without being asked for it.
/// Localnets are free, and so is what sends nothing.
pub(crate) fn permitted(cluster: &Cluster, mode: Mode, arguments: &ManifestArguments) -> Result<()> {
    // Which chain a node by address is of is known, and asked for again, once it has said so.
    if mode != Mode::Trade || matches!(cluster, Cluster::Localnet | Cluster::Node(_)) {
        return Ok(());
    }
    if *cluster == Cluster::Testnet {
        bail!(
            "PumpSwap is not documented on Solana's testnet; trade on devnet, where it has the address of mainnet-beta"
        );
    }
    ensure!(
        arguments.manifest.is_some(),
        "a strategy that trades on {cluster} has to be promoted: verify it with --venue pumpswap, then q50 promote, and name the \
         manifest with --manifest; or use --dry-run or --paper. Nothing was sent"
    );
    let is_asked_for = *cluster != Cluster::Mainnet || arguments.real_money;
    ensure!(is_asked_for, "this would trade real money; add --real-money (--dry-run shows what it would do)");
    Ok(())
}

/// Refuses a pool, chain or wallet that the manifest does not name.
pub(crate) fn allowed(
    promoted: &Promoted,
    genesis: &str,
    pool: Address,
    wallet: Option<Address>,
    mode: Mode,
) -> Result<()> {
    gate::market(promoted.manifest(), genesis, Cluster::of(genesis) == Cluster::Localnet, pool)?;
    Ok(gate::signer(&promoted.signed, wallet.filter(|_| mode == Mode::Trade))?)
}

/// A session's place on the ladder.
#[derive(Debug)]
pub(crate) struct Rung {
    ladder: Ladder,
    manifest: String,
    session: PathBuf,
    pub(crate) standing: Standing,
}

impl Rung {
    /// Where the session stands: on mainnet-beta, and where it is asked for; elsewhere it has all of its capital.
    pub(crate) fn of(
        promoted: Option<&Promoted>,
        cluster: &Cluster,
        mode: Mode,
        arguments: &ManifestArguments,
        session: &Path,
    ) -> Result<Option<Self>> {
        let Some(promoted) = promoted.filter(|_| climbs(cluster, mode, arguments.ladder)) else { return Ok(None) };
        let (ladder, manifest) = (ladder()?, promoted.signed.hash());
        let session = std::path::absolute(session).with_context(|| session.display().to_string())?;
        let standing = ladder.standing(&manifest, &session).context(LADDER)?;
        Ok(Some(Self { ladder, manifest, session, standing }))
    }

    /// Where the next session of a manifest stands.
    pub(crate) fn next(promoted: &Promoted) -> Result<Standing> {
        ladder()?.next(&promoted.signed.hash()).context(LADDER)
    }

    /// Keeps that the session has begun there.
    pub(crate) fn keep(&self) -> Result<()> {
        let Self { ladder, manifest, session, standing } = self;
        ladder.keep(manifest, session, standing, SystemClock.now().0).context(LADDER)
    }
}

/// Whether a session begins with a part of its capital: with real money always, elsewhere where that is asked for.
pub(crate) fn climbs(cluster: &Cluster, mode: Mode, is_asked_for: bool) -> bool {
    mode == Mode::Trade && (*cluster == Cluster::Mainnet || is_asked_for)
}

/// The ladder's file in the data directory.
const LADDER: &str = "ladder.sqlite";

fn ladder() -> Result<Ladder> {
    let folder = data_directory()?;
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let path = folder.join(LADDER);
    Ladder::open(&path).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_money_begins_with_a_part_of_the_capital_whether_that_is_asked_for_or_not() {
        for is_asked_for in [false, true] {
            assert!(climbs(&Cluster::Mainnet, Mode::Trade, is_asked_for));
            assert!(!climbs(&Cluster::Mainnet, Mode::DryRun, is_asked_for), "nothing is sent");
            assert_eq!(climbs(&Cluster::Devnet, Mode::Trade, is_asked_for), is_asked_for);
        }
    }
}
