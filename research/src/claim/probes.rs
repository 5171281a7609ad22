//! Replays that test the replay: at a higher cost, with late signals, with neighbouring settings.

use q50_engine::{market::Market, venue::pool_path::PathError};
use rayon::prelude::*;

use super::{neighbours::neighbours, verify::Request};
use crate::{
    causality::OwnedSignals,
    run::{self, Source},
    trials::{Role, Trial},
};

/// Replays that test the replay.
pub(super) struct Probes {
    pub(super) double_cost: Option<f64>,
    /// What was changed, and the annual Sharpe ratio after it.
    pub(super) neighbours: Vec<(String, Option<f64>)>,
    pub(super) trials: Vec<Trial>,
}

pub(super) fn probe(request: &Request<'_>, source: &Source<'_>) -> Result<Probes, PathError> {
    let Request { market, settings, .. } = request;
    let late = OwnedSignals::shifted(&market.signals, 1);
    let delayed = Market { signals: late.borrow(), ..*market };
    let late_view = format!("{} one bar late", source.view);
    let mut jobs = vec![
        ("twice the cost".to_owned(), *source, settings.at_twice_the_cost()),
        ("signals one bar late".to_owned(), source.seen_as(delayed, &late_view), *settings),
    ];
    for neighbour in neighbours(settings) {
        jobs.push((neighbour.change, *source, settings.with_strategy(neighbour.strategy)));
    }
    let mut done = jobs
        .into_par_iter()
        .map(|(change, source, settings)| Ok((change, run::rehearse(&source, &settings, Role::Probe)?.1)))
        .collect::<Result<Vec<(String, Trial)>, PathError>>()?;
    let annual = |trial: &Trial| trial.sharpe.map(|s| s.annual(settings.periods_per_year).get());
    let (_, dear) = done.remove(0);
    Ok(Probes {
        double_cost: annual(&dear),
        neighbours: done.iter().map(|(change, trial)| (change.clone(), annual(trial))).collect(),
        trials: std::iter::once(dear).chain(done.into_iter().map(|(_, trial)| trial)).collect(),
    })
}
