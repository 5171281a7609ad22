//! The default fee tables, as read from mainnet.
//!
//! Source: the fees program's `FeeConfig` account for PumpSwap, 2026-09-08, slot 445,186,127. A live host reads the
//! account; these serve replays and quotes that name none.

use super::fees::{FeeRates, FeeTier, FeeTiers};

/// Pools that did not graduate.
pub(super) const FLAT: FeeRates = FeeRates::new(25, 5, 0);
/// Unset.
pub(super) const EXOTIC: FeeRates = FeeRates::new(0, 0, 0);

/// Below the first threshold the LP gets little and the protocol much; above it only the creator's rate changes.
const FIRST: FeeRates = FeeRates::new(2, 93, 30);
const LP: u64 = 20;
const PROTOCOL: u64 = 5;

/// From this market capitalisation on (SOL), the creator's rate (bps).
const SOL: [(u64, u64); 24] = [
    (420, 95),
    (1_470, 90),
    (2_460, 85),
    (3_440, 80),
    (4_420, 75),
    (9_820, 70),
    (14_740, 65),
    (19_650, 60),
    (24_560, 55),
    (29_470, 50),
    (34_380, 45),
    (39_300, 40),
    (44_210, 35),
    (49_120, 30),
    (54_030, 28),
    (58_940, 25),
    (63_860, 23),
    (68_770, 20),
    (73_681, 18),
    (78_590, 15),
    (83_500, 13),
    (88_400, 10),
    (93_330, 8),
    (98_240, 5),
];

/// From this market capitalisation on (thousands of USDC), the creator's rate (bps).
const STABLE: [(u64, u64); 24] = [
    (59, 95),
    (300, 90),
    (500, 85),
    (700, 80),
    (900, 75),
    (2_000, 70),
    (3_000, 65),
    (4_000, 60),
    (5_000, 55),
    (6_000, 50),
    (7_000, 45),
    (8_000, 40),
    (9_000, 35),
    (10_000, 30),
    (11_000, 28),
    (12_000, 25),
    (13_000, 23),
    (14_000, 20),
    (15_000, 18),
    (16_000, 15),
    (17_000, 13),
    (18_000, 10),
    (19_000, 8),
    (20_000, 5),
];

pub(super) fn sol_tiers() -> FeeTiers {
    table(&SOL, 1_000_000_000)
}

pub(super) fn stable_tiers() -> FeeTiers {
    table(&STABLE, 1_000_000_000)
}

/// `unit` is what one step of a threshold is worth in the smallest unit of the quote.
fn table(creator: &[(u64, u64)], unit: u128) -> FeeTiers {
    let first = FeeTier { threshold: 0, rates: FIRST };
    let rest = creator.iter().map(|&(threshold, creator)| FeeTier {
        threshold: u128::from(threshold) * unit,
        rates: FeeRates::new(LP, PROTOCOL, creator),
    });
    FeeTiers::new(std::iter::once(first).chain(rest).collect())
}
