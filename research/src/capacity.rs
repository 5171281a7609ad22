//! How much money an edge can carry: the Sharpe ratio of the same strategy against capital, at several pool depths.
//!
//! Pool fees and impact are charged. Network fees are not, because they are fixed amounts that say nothing about depth
//! and would make small capital look worse than it is.

use q50_engine::{
    units::{AnnualSharpe, LAMPORTS_PER_SOL, Lamports},
    venue::pool_path::PathError,
};
use rayon::prelude::*;
use serde::Serialize;

use crate::{
    metrics,
    run::{self, PoolVenue, RunSettings, Source, VenueSettings},
    trials::{Role, Unfiled},
};

/// Capitals of the table, SOL.
pub const CAPITALS: [f64; 5] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0];
/// Depths of the table, SOL of quote reserve at the first bar.
pub const DEPTHS: [f64; 4] = [50.0, 500.0, 5_000.0, 50_000.0];

/// One cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CapacityCell {
    /// Starting capital, SOL.
    pub capital: f64,
    /// Annual Sharpe ratio, fees of the network aside; `None` where it is undefined, and above the first capital at
    /// which it is not above 0: the edge is gone there, and ratios of accounts on the way to ruin do not compare.
    pub sharpe: Option<f64>,
    /// Return over the period, a fraction.
    pub total_return: f64,
}

/// The table's row for one depth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DepthRow {
    /// Quote reserve at the first bar, SOL.
    pub depth: f64,
    /// The capitals, ascending.
    pub cells: Vec<CapacityCell>,
    /// Capital at which the Sharpe ratio reaches 0, SOL, interpolated on the logarithm of capital; `None` where it does
    /// not within the table, on either side.
    pub edge_gone_at: Option<f64>,
}

/// Replays `settings` at every capital and depth of the table.
///
/// # Errors
/// A depth cannot be carried through the prices.
pub fn capacity(
    source: &Source<'_>,
    settings: &RunSettings,
    pool: &PoolVenue,
) -> Result<Unfiled<Vec<DepthRow>>, PathError> {
    let cells: Vec<(f64, f64)> =
        DEPTHS.iter().flat_map(|depth| CAPITALS.iter().map(move |capital| (*depth, *capital))).collect();
    let done = cells
        .into_par_iter()
        .map(|(depth, capital)| cell(source, settings, pool, depth, capital))
        .collect::<Result<Vec<_>, _>>()?;
    let cells: Unfiled<Vec<CapacityCell>> = done.into_iter().collect();
    Ok(cells.map(|cells| {
        DEPTHS.iter().zip(cells.chunks(CAPITALS.len())).map(|(&depth, row)| at_depth(depth, row)).collect()
    }))
}

fn at_depth(depth: f64, row: &[CapacityCell]) -> DepthRow {
    let cells = until_gone(row.to_vec());
    DepthRow { depth, edge_gone_at: edge_gone_at(&cells), cells }
}

fn cell(
    source: &Source<'_>,
    settings: &RunSettings,
    pool: &PoolVenue,
    depth: f64,
    capital: f64,
) -> Result<Unfiled<CapacityCell>, PathError> {
    let mut venue = *pool;
    venue.depth = Lamports((depth * LAMPORTS_PER_SOL) as u64);
    venue.config.base_fee = Lamports(0);
    venue.config.priority_fee = Lamports(0);
    let settings = RunSettings { venue: VenueSettings::PumpSwap(venue), capital, ..settings.clone() };
    Ok(run::backtest(source, &settings, Role::Probe)?.map(|journal| {
        let sharpe = metrics::sharpe(&journal.returns(), settings.periods_per_year).ok().map(AnnualSharpe::get);
        let total_return = journal.equity.last().map_or(0.0, |last| last / journal.capital - 1.0);
        CapacityCell { capital, sharpe, total_return }
    }))
}

fn until_gone(mut cells: Vec<CapacityCell>) -> Vec<CapacityCell> {
    if let Some(gone) = cells.iter().position(|cell| cell.sharpe.is_some_and(|s| s <= 0.0)) {
        cells[gone + 1..].iter_mut().for_each(|cell| cell.sharpe = None);
    }
    cells
}

fn edge_gone_at(cells: &[CapacityCell]) -> Option<f64> {
    cells.windows(2).find_map(|pair| {
        let (a, b) = (pair[0].sharpe?, pair[1].sharpe?);
        (a > 0.0 && b <= 0.0).then(|| {
            let (low, high) = (pair[0].capital.ln(), pair[1].capital.ln());
            (low + (high - low) * a / (a - b)).exp()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(sharpes: &[f64]) -> Vec<CapacityCell> {
        let capitals = CAPITALS.iter();
        capitals
            .zip(sharpes)
            .map(|(&capital, &s)| CapacityCell { capital, sharpe: Some(s), total_return: 0.0 })
            .collect()
    }

    #[test]
    fn the_edge_is_gone_where_the_sharpe_ratio_crosses_nothing() {
        let at = edge_gone_at(&cells(&[2.0, 1.0, -1.0, -2.0])).unwrap();
        assert!((at - 10.0 * 10.0_f64.sqrt()).abs() < 1e-9, "half way between 10 and 100 on the logarithm: {at}");
        assert_eq!(edge_gone_at(&cells(&[2.0, 1.0, 0.5])), None, "it never is");
        assert_eq!(edge_gone_at(&cells(&[-2.0, -1.0])), None, "it never was there");
        let shown: Vec<Option<f64>> = until_gone(cells(&[1.0, -0.5, -9.0, -3.0])).iter().map(|c| c.sharpe).collect();
        assert_eq!(shown, [Some(1.0), Some(-0.5), None, None]);
    }
}
