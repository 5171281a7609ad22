//! Replays that test the replay: at a higher cost, with late signals, with neighbouring settings.

use q50_engine::{
    market::Market,
    record::EquityCurve,
    venue::{PerpetualConfig, pool_path::PathError},
};
use rayon::prelude::*;

use super::{neighbours::neighbours, verify::Request};
use crate::{
    causality::OwnedSignals,
    run::{Instrument, Prepared, RunSettings, Source, VenueSettings, trial_of_returns},
    trials::{Role, Trial, Unfiled},
};

/// Replays that test the replay.
pub(super) struct Probes {
    pub(super) double_cost: Option<f64>,
    /// What was changed, and the annual Sharpe ratio after it.
    pub(super) neighbours: Vec<(String, Option<f64>)>,
}

pub(super) fn probe(request: &Request<'_>, source: &Source<'_>) -> Result<Unfiled<Probes>, PathError> {
    let Request { settings, .. } = request;
    // The two markets one after the other: each takes as much memory for its columns.
    let late = source.reads_signals(&settings.strategy).then(|| late_trial(settings, source)).transpose()?;
    // Prepared once for every neighbour: what depends on the data alone is computed once.
    let prepared = Prepared::new(*source, &settings.venue)?;
    let mut jobs = vec![("twice the cost".to_owned(), settings.at_twice_the_cost())];
    for neighbour in neighbours(settings) {
        jobs.push((neighbour.change, settings.with_strategy(neighbour.strategy)));
    }
    if let VenueSettings::Perpetual(config) = settings.venue {
        // Tiers that permit the leverage permit its neighbour as well, or it is none.
        let tiers = request.contract.iter().flat_map(|contract| contract.tiers().iter());
        let permitted = tiers.filter_map(|tier| tier.max_leverage).filter(|most| *most >= config.leverage);
        let most = permitted.fold(f64::INFINITY, f64::min);
        let near = [0.8 * config.leverage, (1.2 * config.leverage).min(most)];
        for leverage in near.into_iter().filter(|leverage| *leverage >= 1.0 && *leverage != config.leverage) {
            let venue = VenueSettings::Perpetual(PerpetualConfig { leverage, ..config });
            jobs.push((format!("leverage = {leverage}"), RunSettings { venue, ..settings.clone() }));
        }
    }
    let replay = |(change, settings): (String, RunSettings)| (change, trial(&prepared, &settings));
    let mut done: Vec<(String, Trial)> = jobs.into_par_iter().map(replay).collect();
    let annual = |trial: &Trial| trial.sharpe.map(|s| s.annual(settings.periods_per_year).get());
    let (_, dear) = done.remove(0);
    done.splice(0..0, late.map(|trial| ("signals one bar late".to_owned(), trial)));
    let probes = Probes {
        double_cost: annual(&dear),
        neighbours: done.iter().map(|(change, trial)| (change.clone(), annual(trial))).collect(),
    };
    Ok(Unfiled::new(probes, std::iter::once(dear).chain(done.into_iter().map(|(_, trial)| trial)).collect()))
}

/// The run with every signal one bar late.
fn late_trial(settings: &RunSettings, source: &Source<'_>) -> Result<Trial, PathError> {
    let late =
        |market: &Market<'_>| OwnedSignals::shifted(&market.signals.only(&settings.strategy.reads(&market.signals)), 1);
    let (whole, each): (_, Vec<_>) =
        (late(&source.market), source.instruments.iter().map(|i| late(&i.market)).collect());
    let market = Market { signals: whole.borrow(), ..source.market };
    let moved = source.instruments.iter().zip(&each);
    let instruments: Vec<Instrument<'_>> = moved
        .map(|(one, signals)| Instrument { market: Market { signals: signals.borrow(), ..one.market }, ..*one })
        .collect();
    let data = if instruments.is_empty() {
        source.data.clone().with_signals_of(&market, &settings.strategy)
    } else {
        let markets: Vec<Market<'_>> = instruments.iter().map(|instrument| instrument.market).collect();
        source.data.clone().with_signals_of_each(&markets, &settings.strategy)
    };
    let source = Source { market, data: &data, instruments: &instruments, ..*source };
    // The prepared source and its columns are gone before the returns are made.
    let curve = equity(&Prepared::new(source, &settings.venue)?, settings);
    Ok(trial_of_returns(&curve.returns(), source.key(settings), Role::Probe))
}

fn trial(prepared: &Prepared<'_>, settings: &RunSettings) -> Trial {
    trial_of_returns(&equity(prepared, settings).returns(), prepared.source().key(settings), Role::Probe)
}

fn equity(prepared: &Prepared<'_>, settings: &RunSettings) -> EquityCurve {
    let mut curve = EquityCurve::default();
    prepared.run(settings, &mut curve);
    curve
}
