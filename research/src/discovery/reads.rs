//! What candidates read of a record: closes and the rest of the bars, or the volume as well.

use q50_engine::strategy::StrategyConfig;
use q50_language::{FileStrategy, Program, genome::Genome};

use super::DiscoveryError;

/// A genome that reads no column.
pub(super) const READS_NOTHING: &str = r#"{"name": "plain", "timeframe": "1h", "direction": "long", "stop_pct": 1, "target_pct": 1,
    "entry": [{"indicator": "RSI", "params": {"period": 14}, "output": "value", "op": "<", "threshold": 30}],
    "exit": [{"indicator": "RSI", "params": {"period": 14}, "output": "value", "op": ">", "threshold": 70}]}"#;
/// A genome that reads the volume.
pub(super) const READS_VOLUME: &str = r#"{"name": "volume", "timeframe": "1h", "direction": "long", "stop_pct": 1, "target_pct": 1,
    "entry": [{"indicator": "MFI", "params": {"period": 14}, "output": "value", "op": "<", "threshold": 30}],
    "exit": [{"indicator": "MFI", "params": {"period": 14}, "output": "value", "op": ">", "threshold": 70}]}"#;

/// A strategy that reads what any of them may read: bars and their volume.
///
/// # Errors
/// None: it is a genome.
pub fn example() -> Result<StrategyConfig, DiscoveryError> {
    Ok(strategy(Genome::read(READS_VOLUME)?.program()?))
}

pub(super) fn strategy(program: Program) -> StrategyConfig {
    StrategyConfig::new(FileStrategy::new(program))
}
