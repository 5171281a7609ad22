//! What `q50 promote` and `q50 doctor` take, and what a session takes of a manifest.

#![cfg_attr(not(feature = "live"), allow(dead_code, reason = "read where trading is built in"))]

use std::path::PathBuf;

use clap::Args;
use q50_research::claim::{CheckName, ConditionName};

use super::{Format, condition_names};

pub(super) const PROMOTE_HELP: &str = "Every check must have passed, on the pool venue, and every condition must be accepted; everything missing is named at once\n(exit 1). The manifest is signed with the wallet's key. Except on a localnet, q50 live trades only with a manifest:\nwith this program, this strategy, this wallet, in this pool.\nNeeds a q50 built with `cargo build --release --features live`.\n\nExamples:\n  q50 promote verdict --keypair wallet.json\n  q50 promote verdict --cluster devnet --mint 7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump --accept-condition signals_origin";

/// What a promotion takes.
#[derive(Args, Debug)]
pub(crate) struct PromoteArguments {
    /// Folder of the run: --out of q50 verify --venue pumpswap.
    pub(crate) run: PathBuf,
    /// Manifest to write.
    #[arg(long, value_name = "FILE", default_value = "manifest.json")]
    pub(crate) out: PathBuf,
    /// Chain on which it may trade: localnet, devnet, mainnet-beta; default: the one on which the run's pool was
    /// recorded, or localnet.
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// Mint of the coin in whose canonical SOL pool it may trade; default: the pool from which the run's reserves were
    /// recorded; on a localnet, any.
    #[arg(long, value_name = "MINT")]
    pub(crate) mint: Option<String>,
    /// Keypair file of the wallet that signs and will trade; default: $ANCHOR_WALLET, then the Solana CLI's configured
    /// keypair.
    #[arg(long, value_name = "FILE")]
    pub(crate) keypair: Option<PathBuf>,
    /// Accept a condition of the verdict.
    #[arg(long, value_name = "CONDITION", value_parser = condition_names())]
    pub(crate) accept_condition: Vec<ConditionName>,
    /// Promote although this check did not pass. The manifest, and every page from then on, shows check and reason.
    #[arg(long = "override", value_name = "CHECK=REASON", value_parser = overridden)]
    pub(crate) overrides: Vec<(CheckName, String)>,
    /// Trial ledger in which the run was filed; default: in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// Output format.
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
    /// Manifest of q50 promote. It sets strategy, pool, bar length, capital and bounds; without one, orders are sent
    /// only on localnets.
    #[arg(long, value_name = "FILE", help_heading = MANIFEST)]
    pub(crate) manifest: Option<PathBuf>,
    /// Folder of the promoted run, if it has moved since the promotion.
    #[arg(long, value_name = "DIR", requires = "manifest", help_heading = MANIFEST)]
    pub(crate) run: Option<PathBuf>,
    /// Begin with a small part of the capital, as on mainnet-beta (docs/TRADING.md).
    #[arg(long, requires = "manifest", conflicts_with_all = ["dry_run", "paper"], help_heading = MANIFEST)]
    pub(crate) ladder: bool,
    /// Trade real money on mainnet-beta.
    #[arg(long, help_heading = MANIFEST)]
    pub(crate) real_money: bool,
}

pub(super) const DOCTOR_HELP: &str = "Exits 1 if something fails; each failure says what to do. Sends nothing.\nNeeds a q50 built with `cargo build --release --features live`.\n\nExamples:\n  q50 doctor --keypair wallet.json\n  q50 doctor --cluster devnet --manifest manifest.json --format json";

/// What an examination takes.
#[derive(Args, Debug)]
pub(crate) struct DoctorArguments {
    /// Chain: localnet, devnet, testnet, mainnet-beta, or the address of a node of a chain without real money.
    #[arg(long, value_name = "NAME|URL", default_value = "localnet")]
    pub(crate) cluster: String,
    /// Node to use instead of the chain's public one. May be repeated: each is checked.
    #[arg(long, value_name = "URL")]
    pub(crate) rpc: Vec<String>,
    /// Keypair file; default: $ANCHOR_WALLET, then the Solana CLI's configured keypair.
    #[arg(long, value_name = "FILE")]
    pub(crate) keypair: Option<PathBuf>,
    /// Journal of orders; default: the one of this wallet and chain in the data directory ($Q50_DATA_DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Manifest of q50 promote.
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Folder of the promoted run, if it has moved since the promotion.
    #[arg(long, value_name = "DIR", requires = "manifest")]
    pub(crate) run: Option<PathBuf>,
    /// The next session begins with a small part of the capital, as on mainnet-beta (docs/TRADING.md).
    #[arg(long, requires = "manifest")]
    pub(crate) ladder: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
