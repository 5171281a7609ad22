//! What `q50 validate` takes.

use std::path::PathBuf;

use clap::Args;
use q50_engine::venue::LatencyPreset;

use super::{ReplayArguments, VenueName};

/// What a comparison with the second engine takes.
#[derive(Args, Debug)]
#[cfg_attr(not(feature = "nautilus"), allow(dead_code, reason = "read where the second engine is built in"))]
pub(crate) struct ValidateArguments {
    /// Folder of a finished search (q50 sweep --out): run its finalists, with its strategy, venue, capital and window.
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["strategy", "sizing", "shorting", "set", "absent", "venue", "periods_per_year"]
    )]
    pub(crate) from_sweep: Option<PathBuf>,
    /// Number of finalists, highest Sharpe ratio first.
    #[arg(long, value_name = "K", default_value_t = 5, requires = "from_sweep", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) top: u32,
    /// Run the finalists at this venue instead of the search's; the venue options and --capital then apply.
    #[arg(long, value_enum, value_name = "VENUE", requires = "from_sweep")]
    pub(crate) validate_venue: Option<VenueName>,
    /// Latency from a decision until its order lands: co-located, near-exchange, domestic, cloud, international,
    /// retail, slots:N or milliseconds; default: the venue's own.
    #[arg(long, value_name = "LATENCY", value_parser = latency)]
    pub(crate) latency: Option<LatencyPreset>,
    #[command(flatten)]
    pub(crate) replay: ReplayArguments,
    /// Folder for validate.json, fills.parquet and positions.parquet; default: no files are written.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

fn latency(text: &str) -> Result<LatencyPreset, String> {
    let preset = match text {
        "co-located" => Some(LatencyPreset::CoLocated),
        "near-exchange" => Some(LatencyPreset::NearExchange),
        "domestic" => Some(LatencyPreset::Domestic),
        "cloud" => Some(LatencyPreset::Cloud),
        "international" => Some(LatencyPreset::International),
        "retail" => Some(LatencyPreset::Retail),
        _ => match text.strip_prefix("slots:") {
            Some(slots) => slots.parse().ok().map(LatencyPreset::SolanaSlots),
            None => text.parse().ok().map(LatencyPreset::Milliseconds),
        },
    };
    preset.ok_or_else(|| {
        "expected co-located, near-exchange, domestic, cloud, international, retail, slots:N or whole milliseconds"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_a_place_a_number_of_slots_or_milliseconds() {
        for (text, ms) in [("co-located", 1), ("retail", 200), ("slots:3", 1_200), ("35", 35), ("0", 0)] {
            assert_eq!(latency(text).map(LatencyPreset::ms), Ok(ms), "{text}");
        }
        for text in ["mars", "slots:", "slots:-1", "1.5", "-3", "", "35ms"] {
            assert!(latency(text).unwrap_err().contains("slots:N"), "{text}");
        }
    }
}
