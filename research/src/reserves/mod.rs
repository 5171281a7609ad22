//! Reserves and fee of a constant-product pool, inferred from its trades.
//!
//! Trades are public where reserves are not. Each trade shows a price and moves it, and the size of the move shows how
//! deep the pool is. [`infer`] fits the reserves before every window of consecutive trades to the recorded outputs,
//! takes the fee that fits the windows best, carries each window's reserves back to the first trade along the recorded
//! flows, and returns the medians. It refuses, with every reason and number, a tape whose trades do not chain or do not
//! obey `x y = k`; see [`Limits`] for where it draws the lines and [`Refusal`] for what it says.
//!
//! The whole input is taken to reach the reserves, fee included. PumpSwap sends the protocol's and the creator's share
//! elsewhere, some 10 bps of each trade: across a window far less than the residual.
//!
//! # What it cannot see
//! - A hole whose trades cancel out and that is shorter than [`Limits::block_gap`].
//! - Deposits and withdrawals that change the depth by less than [`Limits::depth_factor`], or that lie within two
//!   windows of either end.
//! - The order inside a block. `seq` is all a tape has for it; in GeckoTerminal's trades that is the number of an
//!   instruction inside its transaction, and a third of the pairs in one block fit better the other way round. The
//!   fit bounds their weight instead of guessing.

mod fee;
mod refusal;
mod settings;
mod tape;
#[cfg(test)]
mod tests;
mod window_fit;

pub use fee::FeePoint;
pub use refusal::{Reason, Refusal};
pub use settings::{Fee, Limits, Settings};
pub use window_fit::HUBER_BPS;

use q50_datasets::pool_trades::PoolTrade;
use serde::Serialize;
use window_fit::{Flow, fit, residuals_from};

/// Basis points of one.
const BPS: f64 = 10_000.0;

/// Reserves before the first trade of one window, at the tape's fee.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WindowFit {
    /// The window's first trade, counted from 0.
    pub first: usize,
    /// SOL reserve before it.
    pub sol: f64,
    /// Token reserve before it, whole tokens.
    pub token: f64,
    /// Median absolute residual of the window's trades, basis points.
    pub median_residual_bps: f64,
}

impl WindowFit {
    /// Root of `x y`: constant under trades, but for the fee they leave.
    fn depth(&self) -> f64 {
        (self.sol * self.token).sqrt()
    }
}

/// Reserves after a trade, by the recorded flows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReservePoint {
    /// The trade's block.
    pub block: u64,
    /// Its time as recorded, epoch milliseconds UTC.
    pub ts_ms: i64,
    /// SOL in the pool.
    pub sol: f64,
    /// Tokens in the pool, whole tokens.
    pub token: f64,
}

/// What a tape says about its pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reserves {
    /// SOL before the first trade: median of the windows, each carried back along the recorded flows.
    pub sol: f64,
    /// Lower and upper quartile of the same.
    pub sol_quartiles: (f64, f64),
    /// Tokens before the first trade, whole tokens: median of the windows likewise.
    pub token: f64,
    /// Basis points of the input: as given, or at the lowest point of the profile.
    pub fee_bps: f64,
    /// The profile the fee was read from; empty where the fee was given.
    pub fee_profile: Vec<FeePoint>,
    /// Median over windows of each window's median absolute residual, basis points.
    pub median_residual_bps: f64,
    /// The windows used, one from every trade on that has enough trades after it.
    pub windows: Vec<WindowFit>,
    /// Reserves after each trade. Small misses add up along it; a window's own fit is nearer to its trades.
    pub path: Vec<ReservePoint>,
    /// Median absolute residual of all trades along `path`, basis points: how far the misses have added up. 49 on the
    /// dense pool, whose windows have 3.6: over 124 trades its price moves further than the recorded flows explain.
    pub path_residual_bps: f64,
}

/// Infers reserves and fee from the trades of one pool, in the order of the chain.
///
/// # Errors
/// A [`Refusal`] with every reason found: settings or trades that make no sense, too few trades, holes, unknown order,
/// a fee that cannot be told, residuals that are not those of a constant product, or a change of liquidity.
pub fn infer(trades: &[PoolTrade], settings: &Settings) -> Result<Reserves, Refusal> {
    let mut reasons = settings.faults();
    reasons.extend(tape::bad_input(trades));
    if !reasons.is_empty() {
        return Err(Refusal::new(reasons));
    }
    reasons = tape::faults(trades, settings);

    // Windows are fitted even where the tape is refused already: how badly they fit belongs to the answer.
    let flows = tape::flows(trades);
    let firsts = tape::whole_windows(trades, settings.window, settings.limits.block_gap);
    let of = |first: usize| &flows[first..first + settings.window];
    let (fee_profile, fee_bps) = match settings.fee {
        Fee::Given(fee_bps) => (Vec::new(), Some(fee_bps)),
        Fee::Profiled => fee::profile(&firsts.iter().map(|&first| of(first)).collect::<Vec<_>>()),
    };
    let tried = fee_profile.last().map_or(0.0, |point| point.fee_bps);
    let windows: Vec<WindowFit> =
        firsts.iter().filter_map(|&first| window_at(first, of(first), fee_bps.unwrap_or(tried))).collect();
    let mut residuals: Vec<f64> = windows.iter().map(|window| window.median_residual_bps).collect();
    let Some(median_residual_bps) = median(&mut residuals) else {
        reasons.push(Reason::NoWindow { window: settings.window });
        return Err(Refusal::new(reasons));
    };
    if fee_bps.is_none() {
        reasons.push(Reason::NoFee { highest: tried });
    }
    reasons.extend(misfits(trades, &windows, median_residual_bps, settings));

    let mut carried = Carried::new(&windows, &flows);
    let start = median(&mut carried.sol).zip(median(&mut carried.token));
    let Some((sol, token, fee_bps)) = start.zip(fee_bps).map(|((sol, token), fee)| (sol, token, fee)) else {
        return Err(Refusal::new(reasons));
    };
    let path = match path(trades, &flows, sol, token) {
        Ok(path) if reasons.is_empty() => path,
        Ok(_) => return Err(Refusal::new(reasons)),
        Err(drained) => {
            reasons.push(drained);
            return Err(Refusal::new(reasons));
        }
    };
    let mut along: Vec<f64> = residuals_from(&flows, fee_bps, sol, token).unwrap_or_default();
    along.iter_mut().for_each(|residual| *residual = residual.abs() * BPS);
    Ok(Reserves {
        sol,
        sol_quartiles: (quantile(&carried.sol, 0.25), quantile(&carried.sol, 0.75)),
        token,
        fee_bps,
        fee_profile,
        median_residual_bps,
        windows,
        path,
        path_residual_bps: median(&mut along).unwrap_or(f64::NAN),
    })
}

fn window_at(first: usize, flows: &[Flow], fee_bps: f64) -> Option<WindowFit> {
    let found = fit(flows, fee_bps)?;
    let (sol, token) = (found.point.sol(), found.point.token());
    Some(WindowFit { first, sol, token, median_residual_bps: found.median_residual_bps })
}

/// What the fitted windows say against the tape.
fn misfits(trades: &[PoolTrade], windows: &[WindowFit], found: f64, settings: &Settings) -> Vec<Reason> {
    let limits = settings.limits;
    let mut misfits = Vec::new();
    if found > limits.median_residual_bps {
        let (windows, limit) = (windows.len(), limits.median_residual_bps);
        misfits.push(Reason::Residual { found, windows, limit });
    }
    let worst = windows.iter().max_by(|a, b| a.median_residual_bps.total_cmp(&b.median_residual_bps));
    if let Some(worst) = worst.filter(|worst| worst.median_residual_bps > limits.window_residual_bps) {
        let (trade, found) = (worst.first, worst.median_residual_bps);
        misfits.push(Reason::Break { trade, ts_ms: trades[trade].ts_ms, found, limit: limits.window_residual_bps });
    }
    if let Some((trade, factor)) = largest_shift(windows, settings.window)
        && f64::max(factor, 1.0 / factor) > limits.depth_factor
    {
        misfits.push(Reason::DepthShift { trade, ts_ms: trades[trade].ts_ms, factor, limit: limits.depth_factor });
    }
    let mut depths: Vec<f64> = windows.iter().map(WindowFit::depth).collect();
    if let Some(middle) = median(&mut depths) {
        let (low, high) = (quantile(&depths, 0.25) / middle, quantile(&depths, 0.75) / middle);
        if high / low > limits.quartile_factor {
            misfits.push(Reason::Unidentified { low, high, limit: limits.quartile_factor });
        }
    }
    misfits
}

/// The trade about which the depth changes most, and by what factor: medians of the last `window` windows that end
/// before it and the first `window` that start with it or later.
fn largest_shift(windows: &[WindowFit], window: usize) -> Option<(usize, f64)> {
    let depth = |run: &[WindowFit]| median(&mut run.iter().map(WindowFit::depth).collect::<Vec<_>>());
    let mut largest: Option<(usize, f64)> = None;
    for (at, after) in windows.windows(window).enumerate() {
        let trade = after[0].first;
        let before = windows[..at].partition_point(|earlier| earlier.first + window <= trade);
        let Some(start) = before.checked_sub(window) else { continue };
        let Some(factor) = depth(after).zip(depth(&windows[start..before])).map(|(after, before)| after / before)
        else {
            continue;
        };
        if largest.is_none_or(|(_, known)| factor.ln().abs() > known.ln().abs()) {
            largest = Some((trade, factor));
        }
    }
    largest
}

/// Each window's reserves, carried back to before the tape's first trade.
struct Carried {
    sol: Vec<f64>,
    token: Vec<f64>,
}

impl Carried {
    fn new(windows: &[WindowFit], flows: &[Flow]) -> Self {
        let mut carried = Self { sol: Vec::with_capacity(windows.len()), token: Vec::with_capacity(windows.len()) };
        let (mut sol, mut token, mut seen) = (0.0, 0.0, 0);
        for window in windows {
            for flow in &flows[seen..window.first] {
                sol += flow.sol;
                token += flow.token;
            }
            seen = window.first;
            carried.sol.push(window.sol - sol);
            carried.token.push(window.token - token);
        }
        carried
    }
}

/// Reserves after each trade, from those before the first.
fn path(trades: &[PoolTrade], flows: &[Flow], mut sol: f64, mut token: f64) -> Result<Vec<ReservePoint>, Reason> {
    let mut path = Vec::with_capacity(trades.len());
    for (trade, (recorded, flow)) in trades.iter().zip(flows).enumerate() {
        sol += flow.sol;
        token += flow.token;
        let left = |reserve: f64, flow: f64| reserve > 0.0 && reserve > flow;
        if !left(sol, flow.sol) || !left(token, flow.token) {
            return Err(Reason::Drained { trade });
        }
        path.push(ReservePoint { block: recorded.block, ts_ms: recorded.ts_ms, sol, token });
    }
    Ok(path)
}

/// Middle value, or the mean of the two; sorts. `None` of nothing.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    let upper = *values.get(half)?;
    Some(if values.len() % 2 == 1 { upper } else { 0.5 * (values[half - 1] + upper) })
}

/// Of sorted values, the one below which the share `q` of them lies; NaN of nothing.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = (q * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}
