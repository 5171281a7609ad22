//! Where a search evaluates its candidates: what the state does not know is replayed, filed, and kept, in this order.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    Candidate, Discovery, DiscoveryError, State,
    evolution::{Unseen, evolve},
};
use crate::{
    run::{Prepared, trial_of},
    trials::{Origin, Role, Trial, TrialLedger},
};

/// Where one search evaluates its candidates.
pub(super) struct Bench<'a> {
    pub(super) discovery: &'a Discovery<'a>,
    pub(super) prepared: &'a Prepared<'a>,
    pub(super) rows: &'a Range<usize>,
    pub(super) state: &'a mut State,
    pub(super) ledger: &'a mut TrialLedger,
    pub(super) stop: &'a AtomicBool,
    /// The number under which the state knows the search.
    pub(super) search: u32,
}

impl Bench<'_> {
    pub(super) fn evolve(
        &mut self,
        generator: impl Fn(usize) -> ChaCha8Rng,
        told: &dyn Fn(usize),
    ) -> Result<Vec<Candidate>, DiscoveryError> {
        let discovery = self.discovery;
        let mut place = 0;
        let mut evaluate = |generation: usize, unseen: Vec<Unseen>| {
            told(place);
            if self.stop.load(Ordering::Relaxed) {
                return Err(DiscoveryError::Interrupted(place));
            }
            let candidates = self.evaluate(generation, place, unseen)?;
            place += candidates.len();
            told(place);
            Ok(candidates)
        };
        evolve(&discovery.breed, discovery.settings.evolution, generator, &mut evaluate)
    }

    fn evaluate(
        &mut self,
        generation: usize,
        first: usize,
        unseen: Vec<Unseen>,
    ) -> Result<Vec<Candidate>, DiscoveryError> {
        let mut candidates = Vec::with_capacity(unseen.len());
        for (place, (genome, _)) in (first..).zip(&unseen) {
            let Some(measured) = self.state.known(self.search, place, &genome.json())? else { break };
            candidates.push(Candidate { genome: genome.clone(), generation, measured });
        }
        let place = first + candidates.len();
        let (discovery, prepared, rows) = (self.discovery, self.prepared, self.rows);
        let replay = |(genome, program): Unseen| {
            let settings = discovery.run(program);
            let replayed = Discovery::replay(prepared, &settings, rows);
            let trial = trial_of(&replayed.summary, discovery.key(&settings, rows), Role::Candidate);
            let measured = discovery.measure(&genome, &replayed);
            (Candidate { genome, generation, measured }, trial)
        };
        let unknown: Vec<Unseen> = unseen.into_iter().skip(candidates.len()).collect();
        let fresh: Vec<(Candidate, Trial)> = unknown.into_par_iter().map(replay).collect();
        let (fresh, trials): (Vec<Candidate>, Vec<Trial>) = fresh.into_iter().unzip();
        if !fresh.is_empty() {
            self.ledger.record(self.discovery.scope(), Origin::Discover, &trials)?;
            self.state.append(self.search, place, &fresh)?;
        }
        candidates.extend(fresh);
        Ok(candidates)
    }
}
