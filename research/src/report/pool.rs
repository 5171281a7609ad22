use serde_json::Value;

use super::format::plain;
use crate::claim::Verification;

/// Lamports of one SOL.
const LAMPORTS_PER_SOL: f64 = 1e9;

/// What money is counted in.
pub(super) fn unit(verification: &Verification) -> &'static str {
    if on_a_pool(verification) { "SOL" } else { "quote units" }
}

/// Whether the replay traded with a pool.
pub(super) fn on_a_pool(verification: &Verification) -> bool {
    source(verification).is_some()
}

/// Whether the stated depth decided anything: recorded reserves have one of their own.
pub(super) fn depth_is_assumed(verification: &Verification) -> bool {
    source(verification) == Some("rebuilt_from_bars")
}

/// Where the pool's reserves come from, a sentence; none on a price venue.
pub(super) fn reserves(verification: &Verification) -> Option<String> {
    Some(match source(verification)? {
        "recorded" => "Reserves of the pool: recorded, one row a bar.".to_owned(),
        "swap_events" => {
            "Reserves of the pool: those that the last recorded swap before the close of each bar left.".to_owned()
        }
        "rebuilt_from_bars" => format!(
            "Reserves of the pool: rebuilt from the prices of the bars, at an assumed depth of {}\u{a0}SOL of quote \
             reserve at the first bar. None was recorded.",
            depth(verification).map_or_else(|| "unknown".to_owned(), plain)
        ),
        other => format!("Reserves of the pool: {}.", other.replace('_', " ")),
    })
}

/// Lamports in SOL, for a reader who does not count zeros.
pub(super) fn sol(lamports: f64) -> f64 {
    lamports / LAMPORTS_PER_SOL
}

fn source(verification: &Verification) -> Option<&str> {
    verification.settings.get("pool_path").and_then(Value::as_str)
}

/// The assumed quote reserve at the first bar, SOL.
fn depth(verification: &Verification) -> Option<f64> {
    verification.settings.pointer("/run/venue/depth").and_then(Value::as_f64).map(sol)
}
