//! Where a search evaluates its candidates: what the state does not know is replayed, filed, and kept, in this order. What
//! it knows is filed, too, because it may be resumed beside another ledger than the one that it began with.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use q50_language::genome::Genome;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    Candidate, Discovery, DiscoveryError, State,
    evolution::{Unseen, evolve},
};
use crate::{
    run::Prepared,
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
    /// What it starts from, beside strangers.
    pub(super) start: &'a [Genome],
    /// The number under which the state knows the search.
    pub(super) search: u32,
}

impl Bench<'_> {
    pub(super) fn evolve(
        &mut self,
        generator: impl Fn(usize) -> ChaCha8Rng,
        told: &dyn Fn(usize),
    ) -> Result<Vec<Candidate>, DiscoveryError> {
        let (discovery, start) = (self.discovery, self.start);
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
        evolve(&discovery.breed, start, discovery.settings.evolution, generator, &mut evaluate)
    }

    fn evaluate(
        &mut self,
        generation: usize,
        first: usize,
        unseen: Vec<Unseen>,
    ) -> Result<Vec<Candidate>, DiscoveryError> {
        let mut known = Vec::new();
        for (place, (genome, _)) in (first..).zip(&unseen) {
            let Some(measured) = self.state.known(self.search, place, &genome.json())? else { break };
            known.push(measured);
        }
        let (discovery, prepared, rows) = (self.discovery, self.prepared, self.rows);
        let candidate = |(place, (genome, program)): (usize, Unseen)| {
            let settings = discovery.run(program);
            let measured = known.get(place).cloned().unwrap_or_else(|| {
                let replayed = Discovery::replay(prepared, &settings, rows);
                discovery.measure(&genome, &replayed)
            });
            let trial = measured.statistics.trial(discovery.key(&settings, rows), Role::Candidate);
            (Candidate { genome, generation, measured }, trial)
        };
        let all: Vec<(Candidate, Trial)> = unseen.into_par_iter().enumerate().map(candidate).collect();
        let (candidates, trials): (Vec<Candidate>, Vec<Trial>) = all.into_iter().unzip();
        self.ledger.record(discovery.scope(), Origin::Discover, &trials)?;
        self.state.append(self.search, first + known.len(), &candidates[known.len()..])?;
        Ok(candidates)
    }
}
