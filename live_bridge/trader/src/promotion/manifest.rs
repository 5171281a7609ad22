use super::run::Run;
use q50_datasets::side_codes::MinusOne;
use q50_executor::wallet::Wallet;
use q50_pumpswap::chain::Address;
use q50_research::claim::{Check, ConditionName, Verdict};
use q50_research::program::Program;
use q50_research::spec::RunSpec;
use q50_research::trials::Stamp;
use serde::{Deserialize, Serialize};
use solana_signature::Signature;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What stands before the text that is signed. No transaction begins with this byte, so that no signature of a manifest is
/// one of a transaction. Source: Solana's off-chain message signing, whose first byte is the same.
const DOMAIN: &[u8] = b"\xffq50 manifest\n";
/// Most bytes of a manifest.
const MOST_BYTES: u64 = 1 << 20;

/// A manifest that cannot be used.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error("{path:?}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is something else.
    #[error("{path:?} is no manifest that q50 promote wrote: {problem}")]
    NoManifest {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// It is not what was signed.
    #[error(
        "{path:?} was changed after it was signed: the signature of {signer} is not one of what it says; promote the run again"
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// Who signed.
        signer: String,
    },
}

/// What was promoted. In JSON fields stand in the order of their declaration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// `q50.manifest/1`.
    pub schema: String,
    /// When, RFC 3339.
    pub promoted: String,
    /// Where it may trade.
    pub market: Where,
    /// BLAKE3 (hex) of what was judged.
    pub hashes: Hashes,
    /// The program that judged, and has to trade.
    pub engine: Program,
    /// The run.
    pub run: RunFiles,
    /// Data, strategy, venue, capital: the run's whole specification.
    pub spec: RunSpec,
    /// The column that a single-signal strategy read.
    pub signal_column: Option<String>,
    /// What -1 meant in a column `side`; null where that was not said.
    pub minus_one: Option<MinusOne>,
    /// Mean shortfall of a fill that the run modelled, basis points: what the price did until its orders landed. What the run
    /// gained by that is not asked of a session, so that it is never below 0.
    pub modelled_bps: f64,
    /// How much was tried.
    pub trials: Trials,
    /// The verdict.
    pub verdict: Verdict,
    /// Every check with what came of it.
    pub checks: Vec<Check>,
    /// Conditions of the verdict, each accepted.
    pub conditions: Vec<Accepted>,
    /// Checks that did not pass, and why it trades all the same.
    pub overrides: Vec<Override>,
}

/// A chain, and a pool of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Where {
    /// `localnet`, `devnet` or `mainnet-beta`.
    pub cluster: String,
    /// Hash of the chain's first block; null: any chain of one's own.
    pub genesis: Option<String>,
    /// The pool; null: any, on a chain of one's own.
    pub pool: Option<String>,
    /// Its coin.
    pub mint: Option<String>,
}

/// BLAKE3 (hex) of what was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashes {
    /// Of the report's bytes.
    pub report: String,
    /// Of bars and signals, by content.
    pub dataset: String,
    /// Of strategy, venue and capital, as canonical JSON.
    pub strategy: String,
    /// Of the run's whole specification, as canonical JSON.
    pub spec: String,
}

/// A run's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFiles {
    /// Its id.
    pub id: String,
    /// Where it was.
    pub folder: PathBuf,
    /// BLAKE3 (hex) of each file.
    pub files: BTreeMap<String, String>,
}

/// How much was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trials {
    /// Trials that the verdict was deflated for.
    pub count: u64,
    /// The trial ledger when the run was filed.
    pub ledger: Stamp,
}

/// A condition that somebody accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Which.
    pub name: ConditionName,
    /// What is assumed.
    pub text: String,
}

/// A check that did not pass, and why it trades all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Its name.
    pub check: String,
    /// Why.
    pub reason: String,
}

impl Override {
    /// What has to be seen on every page.
    #[must_use]
    pub fn banner(&self) -> String {
        format!("Overridden: {} ({})", self.check, self.reason)
    }
}

/// A manifest with who answers for it; the file is this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signed {
    /// What was promoted.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// Public key of the wallet.
    pub signer: String,
    /// Its Ed25519 signature over [`Manifest::text`].
    pub signature: String,
}

impl Manifest {
    /// The name of the schema.
    pub const SCHEMA: &'static str = "q50.manifest/1";

    /// What a promotion of this run says.
    #[must_use]
    pub fn of(run: &Run, engine: Program, market: Where, overrides: Vec<Override>, promoted: String) -> Self {
        let accepted = |condition: &q50_research::claim::Condition| Accepted {
            name: condition.name,
            text: condition.text.clone(),
        };
        Self {
            schema: Self::SCHEMA.to_owned(),
            promoted,
            market,
            hashes: Hashes {
                report: run.report().to_owned(),
                dataset: run.dataset.clone(),
                strategy: run.spec.settings.hash().to_hex().to_string(),
                spec: run.spec.id().to_hex().to_string(),
            },
            engine,
            run: RunFiles { id: run.id.clone(), folder: run.folder.clone(), files: run.files.clone() },
            spec: run.spec.clone(),
            signal_column: run.signal_column.clone(),
            minus_one: run.minus_one,
            modelled_bps: run.modelled_drift.map_or(0.0, |drift| (drift * 1e4).max(0.0)),
            trials: Trials { count: run.trials, ledger: run.ledger.clone() },
            verdict: run.verdict,
            checks: run.checks.clone(),
            conditions: run.conditions.iter().map(accepted).collect(),
            overrides,
        }
    }

    /// What is signed: JSON without blanks, numbers in their shortest form.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self);
        let json = json.unwrap_or_else(|error| unreachable!("plain fields always have a JSON form: {error}"));
        [DOMAIN, &json].concat()
    }

    /// Signed with the key of a wallet.
    #[must_use]
    pub fn signed(self, wallet: &Wallet) -> Signed {
        let (signer, signature) = (wallet.address().to_string(), wallet.sign(&self.text()).to_string());
        Signed { manifest: self, signer, signature }
    }
}

impl Signed {
    /// The bytes of its file.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let json = serde_json::to_vec_pretty(self);
        let mut json = json.unwrap_or_else(|error| unreachable!("plain fields always have a JSON form: {error}"));
        json.push(b'\n');
        json
    }

    /// BLAKE3 (hex) of its file.
    #[must_use]
    pub fn hash(&self) -> String {
        blake3::hash(&self.bytes()).to_hex().to_string()
    }

    /// Reads a manifest that is, to the byte, what its signer signed.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let unreadable = |source| ManifestError::Unreadable { path: path.to_owned(), source };
        let bytes = q50_datasets::input::read_bytes(path, MOST_BYTES).map_err(unreadable)?;
        let none = |problem: String| ManifestError::NoManifest { path: path.to_owned(), problem };
        let signed: Self = serde_json::from_slice(&bytes).map_err(|error| none(error.to_string()))?;
        if signed.manifest.schema != Manifest::SCHEMA {
            return Err(none(format!("its schema is `{}`, expected {}", signed.manifest.schema, Manifest::SCHEMA)));
        }
        // What was read has to be all that is there: nobody shall read something else in it than we do.
        if signed.bytes() != bytes || !signed.is_of_its_signer() {
            return Err(ManifestError::Changed { path: path.to_owned(), signer: signed.signer });
        }
        Ok(signed)
    }

    fn is_of_its_signer(&self) -> bool {
        let key: Option<Address> = self.signer.parse().ok();
        let signature: Option<Signature> = self.signature.parse().ok();
        key.zip(signature).is_some_and(|(key, signature)| signature.verify(key.as_bytes(), &self.manifest.text()))
    }
}
