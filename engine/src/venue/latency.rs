//! Order latency.

use serde::{Deserialize, Serialize};

/// Length of a slot of Solana, milliseconds.
pub(super) const SLOT_MS: i64 = 400;

/// Time from a decision until its order lands, by where the trader sits.
///
/// Round figures for a first look; who has measured a latency of his own states that one.
///
/// ```
/// use q50_engine::venue::LatencyPreset;
///
/// assert_eq!(LatencyPreset::Cloud.ms(), 60);
/// assert_eq!(LatencyPreset::SolanaSlots(2).ms(), 800);
/// assert_eq!(LatencyPreset::Milliseconds(35).ms(), 35);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LatencyPreset {
    /// In the exchange's own data centre: 1 ms.
    CoLocated,
    /// In the exchange's city: 10 ms.
    NearExchange,
    /// In the exchange's country: 20 ms.
    Domestic,
    /// On a rented server: 60 ms.
    Cloud,
    /// On another continent: 100 ms.
    International,
    /// At home: 200 ms.
    Retail,
    /// This many slots of 400 ms.
    SolanaSlots(u32),
    /// As measured: this many milliseconds.
    Milliseconds(u32),
}

impl LatencyPreset {
    /// Milliseconds.
    #[must_use]
    pub const fn ms(self) -> i64 {
        match self {
            Self::CoLocated => 1,
            Self::NearExchange => 10,
            Self::Domestic => 20,
            Self::Cloud => 60,
            Self::International => 100,
            Self::Retail => 200,
            Self::SolanaSlots(slots) => slots as i64 * SLOT_MS,
            Self::Milliseconds(ms) => ms as i64,
        }
    }
}
