//! What a tape must show before its reserves are believed.

use super::refusal::Reason;

/// Where the fee comes from. It is taken from the input and stays in the pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fee {
    /// Known: basis points of the input, from 0 to below 10,000.
    Given(f64),
    /// The one at which the windows fit best.
    Profiled,
}

/// Settings of [`infer`](super::infer).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Trades in a window, at least 6 (two unknowns, and a median that a few disordered trades do not reach).
    pub window: usize,
    /// The fee.
    pub fee: Fee,
    /// When to refuse.
    pub limits: Limits,
}

impl Default for Settings {
    /// Windows of 12 trades, as in the measurements behind [`Limits::default`].
    fn default() -> Self {
        Self { window: 12, fee: Fee::Profiled, limits: Limits::default() }
    }
}

/// Beyond these a tape is refused. The defaults stand between what the published trades of seven pools show, with
/// windows of 12: the dense pool has 3.6 bps, the polled and sparse ones 17 to 60 (holes disregarded), a pool in
/// disorder 890.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Median over windows of the median absolute residual, basis points.
    pub median_residual_bps: f64,
    /// The same of the worst window. A hole or a deposit shows in the windows across it only; the worst of the dense
    /// pool has 26.
    pub window_residual_bps: f64,
    /// Depth after over depth before any trade, either way, medians of as many windows as a window has trades. The
    /// largest of the dense pool is 1.31, so that smaller deposits and withdrawals cannot be told from noise.
    pub depth_factor: f64,
    /// Upper over lower quartile of the windows' depths; 1.09 in the dense pool.
    pub quartile_factor: f64,
    /// Distance of consecutive trades in blocks (Solana: about 0.4 s each). The longest of the dense pool is 10.
    pub block_gap: u64,
    /// Share of steps between trades of equal block and `seq`, a fraction.
    pub tied_share: f64,
    /// Least share of the rarer side, a fraction, where the fee is profiled.
    pub rarer_side: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            median_residual_bps: 15.0,
            window_residual_bps: 50.0,
            depth_factor: 1.42,
            quartile_factor: 1.5,
            block_gap: 25,
            tied_share: 0.1,
            rarer_side: 0.1,
        }
    }
}

impl Settings {
    /// Trades that a tape must have: two runs of `window` windows that have no trade in common.
    #[must_use]
    pub const fn needed(&self) -> usize {
        self.window.saturating_mul(4).saturating_sub(2)
    }

    pub(super) fn faults(&self) -> Vec<Reason> {
        let Limits { median_residual_bps, window_residual_bps, depth_factor, quartile_factor, .. } = self.limits;
        let Limits { tied_share, rarer_side, .. } = self.limits;
        let fee = match self.fee {
            Fee::Given(fee) => fee,
            Fee::Profiled => 0.0,
        };
        let share = |value: f64| (0.0..=1.0).contains(&value);
        [
            ("window", self.window as f64, self.window >= 6, "6 or more"),
            ("fee", fee, (0.0..10_000.0).contains(&fee), "0 to below 10000 bps"),
            ("median_residual_bps", median_residual_bps, median_residual_bps > 0.0, "a number above zero"),
            ("window_residual_bps", window_residual_bps, window_residual_bps > 0.0, "a number above zero"),
            ("depth_factor", depth_factor, depth_factor > 1.0, "a factor above 1"),
            ("quartile_factor", quartile_factor, quartile_factor > 1.0, "a factor above 1"),
            ("tied_share", tied_share, share(tied_share), "a fraction"),
            ("rarer_side", rarer_side, share(rarer_side), "a fraction"),
        ]
        .into_iter()
        .filter(|(_, _, sound, _)| !sound)
        .map(|(name, value, _, wanted)| Reason::Setting { name, value, wanted })
        .collect()
    }
}
