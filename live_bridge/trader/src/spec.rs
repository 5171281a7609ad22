//! What a session is, whole: two that are specified alike, but for when they began, trade alike.

use crate::monitor::MonitorRule;
use q50_datasets::join::JoinRule;
use q50_datasets::side_codes::MinusOne;
use q50_datasets::signals::CrossingPolicy;
use q50_engine::units::Bps;
use q50_executor::guards::ExitRules;
use q50_research::run::RunSettings;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What becomes of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It is quoted, put before the guards and simulated; nothing is signed or sent.
    DryRun,
    /// It is filled by the exact arithmetic on the live state; nothing is signed or sent.
    Paper,
    /// It is executed.
    Trade,
}

/// Everything that decides what a session does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionSpec {
    /// `q50.session/1`.
    pub schema: String,
    /// Version of q50.
    pub version: String,
    /// When it began, by our clock, epoch milliseconds: two sessions that are asked for the same are two.
    #[serde(default)]
    pub begun_ms: i64,
    /// What becomes of orders.
    pub mode: Mode,
    /// Hash of the chain's first block.
    pub genesis: String,
    /// The pool.
    pub pool: String,
    /// Its coin.
    pub mint: String,
    /// The wallet that trades; none on paper.
    pub wallet: Option<String>,
    /// Length of a bar, milliseconds.
    pub interval_ms: i64,
    /// How signals are read and joined; none where the strategy reads none.
    pub signals: Option<SignalRule>,
    /// When a position is sold between bars.
    pub levels: Levels,
    /// BLAKE3 (hex) of the manifest that it was promoted by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// What fills and trades are held against.
    #[serde(default)]
    pub monitor: MonitorRule,
    /// The run, as research has it. Of its venue, slippage and the bound on impact go for live orders, too.
    #[serde(flatten)]
    pub settings: RunSettings,
}

/// How signals are read and joined to bars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalRule {
    /// Milliseconds from a stamp until the signal is available.
    pub delay_ms: i64,
    /// Milliseconds for which it is used.
    pub max_age_ms: i64,
    /// What becomes of forecasts whose quantiles cross.
    pub crossing: CrossingPolicy,
    /// The column that single-signal strategies read.
    pub column: Option<String>,
    /// What -1 means in a column `side`; none where that was not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minus_one: Option<MinusOne>,
}

/// When a position is sold between bars, whatever the strategy says. Distances are shares of its cost, fees of pool and
/// network in, against what selling would bring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Levels {
    /// Sell after this much of the cost is lost, basis points.
    pub stop_loss_bps: Option<u64>,
    /// Sell after this much of the cost is gained, basis points.
    pub take_profit_bps: Option<u64>,
    /// Sell after this long, milliseconds.
    pub timeout_ms: Option<u64>,
}

impl Levels {
    /// As the executor has them.
    #[must_use]
    pub fn rules(&self) -> ExitRules {
        ExitRules {
            stop_loss: self.stop_loss_bps.map(Bps),
            take_profit: self.take_profit_bps.map(Bps),
            timeout: self.timeout_ms.map(Duration::from_millis),
        }
    }
}

impl SignalRule {
    /// As the datasets have it.
    #[must_use]
    pub fn join(&self) -> JoinRule {
        JoinRule { delay_ms: self.delay_ms, max_age_ms: self.max_age_ms }
    }
}

impl SessionSpec {
    /// The name of the schema.
    pub const SCHEMA: &'static str = "q50.session/1";

    /// As JSON: fields in the order of their declaration, numbers in their shortest form.
    #[must_use]
    pub fn text(&self) -> String {
        match serde_json::to_string(self) {
            Ok(text) => text,
            Err(error) => unreachable!("plain fields always have a JSON form: {error}"),
        }
    }

    /// BLAKE3 of the whole, in hex.
    #[must_use]
    pub fn id(&self) -> String {
        blake3::hash(self.text().as_bytes()).to_hex().to_string()
    }

    /// The first field in which this specification and `other`, as JSON, differ, with what each has.
    #[must_use]
    pub fn difference(&self, other: &str) -> Option<(String, String, String)> {
        let ours: serde_json::Value = serde_json::from_str(&self.text()).ok()?;
        let theirs: serde_json::Value = serde_json::from_str(other).ok()?;
        let (ours, theirs) = (ours.as_object()?, theirs.as_object()?);
        let mut names = ours.keys().chain(theirs.keys());
        let differs = names.find(|name| ours.get(*name) != theirs.get(*name))?;
        let told = |value: Option<&serde_json::Value>| value.map_or_else(|| "none".to_owned(), ToString::to_string);
        Some((differs.clone(), told(theirs.get(differs)), told(ours.get(differs))))
    }
}
