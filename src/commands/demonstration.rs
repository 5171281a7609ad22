//! `q50 localnet --demonstration`: a market whose planted edge survives the fees of a pool, its past in files, and a pool
//! that goes on with it.

use std::path::Path;

use anyhow::{Context, Result};
use q50_datasets::{
    run_folder::RunFolder,
    synth::{Edge, SynthConfig, pool_path},
};
use q50_engine::units::Lamports;
use q50_executor::clock::{Clock, SystemClock};
use q50_localnet::{Localnet, Path as ReservePath, PoolSpec, Pools, ReserveStep, Settings};

use super::{
    data::{MARKET_FILES, SOL_DECIMALS, TOKEN_DECIMALS, write_market},
    localnet::usual,
};
use crate::args::LocalnetArguments;

/// Length of a bar: short, so that a session sees many.
const BAR_MS: i64 = 5_000;
/// Bars before now: enough for every check of a verdict.
const PAST: usize = 3_000;
/// Bars from now on: four hours.
const FUTURE: usize = 2_880;
/// SOL in the pool at the first bar.
const DEPTH: Lamports = Lamports(1_000_000_000_000);

/// The market of `bars` bars that begins [`PAST`] bars before `now_ms`. More bars of it begin with the same ones.
fn market(now_ms: i64, bars: usize) -> SynthConfig {
    SynthConfig {
        bars,
        interval_ms: BAR_MS,
        start_ms: now_ms.div_euclid(BAR_MS) * BAR_MS - BAR_MS * PAST as i64,
        price: 0.001,
        volatility: 0.015,
        persistence: 0.9,
        edge: Edge::InformationCoefficient(0.5),
        seed: 1,
        ..SynthConfig::default()
    }
}

/// A chain whose pool has the last reserves of the market, and follows its future; the market's past is in `folder`, and is
/// written once the chain is there: where it cannot start, the files of an earlier one stay as they are.
pub(super) fn start(arguments: &LocalnetArguments, folder: &Path) -> Result<(Localnet, RunFolder)> {
    let now_ms = SystemClock.now().0;
    let (past, whole) = (market(now_ms, PAST).generate()?, market(now_ms, PAST + FUTURE).generate()?);
    let run = RunFolder::open(folder, MARKET_FILES)?;
    let reserves = pool_path(&whole.bars.close, DEPTH.get(), SOL_DECIMALS, TOKEN_DECIMALS);
    let step = |time_ms, (base, quote): (u64, u64)| ReserveStep { time_ms, base, quote };
    // The price of a bar moves in its middle: who decided at the close before it has traded by then.
    let future = whole.bars.open_time.iter().zip(&reserves).skip(PAST);
    let future = future.map(|(open_ms, reserves)| step(open_ms + BAR_MS / 2, *reserves));
    let &last = reserves.get(PAST - 1).context("a market without bars")?;
    let steps = std::iter::once(step(now_ms, last)).chain(future).collect();
    let pools = Pools { pools: vec![PoolSpec::new(last.0, last.1)], ..Pools::built_in() };
    let localnet = Localnet::start(Settings {
        pools,
        wallet: Some(folder.join("wallet.json")),
        path: Some(ReservePath { pool: 0, steps, speed: 1.0 }),
        ..usual(arguments)?
    })?;
    write_market(&run, &past.bars, &whole.signals, DEPTH)?;
    Ok((localnet, run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_in_the_files_is_the_beginning_of_what_the_pool_follows() {
        let [past, whole] = [PAST, PAST + FUTURE].map(|bars| market(1_800_000_000_123, bars).generate().unwrap());
        assert_eq!(past.bars.close, whole.bars.close[..PAST]);
        assert_eq!(past.bars.open_time, whole.bars.open_time[..PAST]);
        assert_eq!(whole.bars.open_time[PAST], 1_800_000_000_000, "the bar that is open now");
    }
}
