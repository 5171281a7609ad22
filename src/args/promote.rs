//! What `q50 promote` and `q50 doctor` take, and what a session takes of a manifest.

#![cfg_attr(not(feature = "live"), allow(dead_code, reason = "read where trading is built in"))]

use std::path::PathBuf;

use clap::Args;
use q50_research::claim::{CheckName, ConditionName};

use super::{Format, condition_names};

pub(super) const PROMOTE_HELP: &str = "Every check has to have passed, on the pool venue, and every condition to be accepted; all that is missing is named at once\n(exit 1). The manifest is signed with the wallet's key, and q50 live trades elsewhere than on a localnet with it alone:\nwith this program, this strategy, this wallet, in this pool.\nNeeds a q50 that was built with `cargo build --release --features live`.\n\nExamples:\n  q50 promote verdict --keypair wallet.json\n  q50 promote verdict --cluster devnet --mint 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --accept-condition signals_origin";

/// What a promotion takes.
#[derive(Args, Debug)]
pub(crate) struct PromoteArguments {
    /// Folder of the run: --out of q50 verify --venue pumpswap.
    pub(crate) run: PathBuf,
    /// The manifest to write.
    #[arg(long, value_name = "FILE", default_value = "manifest.json")]
    pub(crate) out: PathBuf,
    /// The chain that it may trade on: localnet, devnet, mainnet-beta; default: the one on which the run's pool was
    /// recorded, or localnet.
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// Mint of the coin whose canonical SOL pool it may trade in; default: the pool that the run's reserves were recorded
    /// from; on a localnet any.
    #[arg(long, value_name = "MINT")]
    pub(crate) mint: Option<String>,
    /// File of the keypair that signs, and will trade; default: $ANCHOR_WALLET, then what Solana's command line is
    /// configured with.
    #[arg(long, value_name = "FILE")]
    pub(crate) keypair: Option<PathBuf>,
    /// Accept a condition of the verdict.
    #[arg(long, value_name = "CONDITION", value_parser = condition_names())]
    pub(crate) accept_condition: Vec<ConditionName>,
    /// Promote although this check did not pass; check and reason stand in the manifest, and on every page from then on.
    #[arg(long = "override", value_name = "CHECK=REASON", value_parser = overridden)]
    pub(crate) overrides: Vec<(CheckName, String)>,
    /// Trial ledger that the run was filed in; default: in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

fn overridden(text: &str) -> Result<(CheckName, String), String> {
    let (check, reason) = text.split_once('=').unwrap_or((text, ""));
    let name = CheckName::named(check).ok_or_else(|| {
        let names: Vec<&str> = CheckName::ALWAYS.iter().map(|check| check.name()).collect();
        format!("`{check}` is no check; expected CHECK=REASON with one of {}", names.join(", "))
    })?;
    match reason.trim() {
        "" => Err(format!("why? expected {check}=REASON; the reason is kept, and shown from then on")),
        reason => Ok((name, reason.to_owned())),
    }
}

const MANIFEST: &str = "Manifest";

/// What a session takes of a promotion.
#[derive(Args, Debug)]
pub(crate) struct ManifestArguments {
    /// Manifest of q50 promote. Strategy, pool, length of bars, capital and bounds are those that were promoted; without
    /// one, orders are sent on localnets alone.
    #[arg(long, value_name = "FILE", help_heading = MANIFEST)]
    pub(crate) manifest: Option<PathBuf>,
    /// Folder of the promoted run, where it is no longer where the manifest says.
    #[arg(long, value_name = "DIR", requires = "manifest", help_heading = MANIFEST)]
    pub(crate) run: Option<PathBuf>,
    /// Begin with little of the capital, as on mainnet-beta (docs/TRADING.md).
    #[arg(long, requires = "manifest", conflicts_with_all = ["dry_run", "paper"], help_heading = MANIFEST)]
    pub(crate) ladder: bool,
    /// On mainnet-beta: trade real money.
    #[arg(long, help_heading = MANIFEST)]
    pub(crate) real_money: bool,
}

pub(super) const DOCTOR_HELP: &str = "Exit 1 where something fails; each failure says what to do. Sends nothing.\nNeeds a q50 that was built with `cargo build --release --features live`.\n\nExamples:\n  q50 doctor --keypair wallet.json\n  q50 doctor --cluster devnet --manifest manifest.json --format json";

/// What an examination takes.
#[derive(Args, Debug)]
pub(crate) struct DoctorArguments {
    /// The chain: localnet, devnet, testnet, mainnet-beta, or the address of a node of a chain without money.
    #[arg(long, value_name = "NAME|URL", default_value = "localnet")]
    pub(crate) cluster: String,
    /// A node of that chain instead of its public one; several are each examined.
    #[arg(long, value_name = "URL")]
    pub(crate) rpc: Vec<String>,
    /// File of the keypair; default: $ANCHOR_WALLET, then what Solana's command line is configured with.
    #[arg(long, value_name = "FILE")]
    pub(crate) keypair: Option<PathBuf>,
    /// Journal of orders; default: the one of this wallet and chain in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Manifest of q50 promote.
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Folder of the promoted run, where it is no longer where the manifest says.
    #[arg(long, value_name = "DIR", requires = "manifest")]
    pub(crate) run: Option<PathBuf>,
    /// Form of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
