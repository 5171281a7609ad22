//! One search: generations of genomes, of which each child competes with the parent that is most like it.
//!
//! Tournament selection of three, crossover, mutation, and deterministic crowding (S. W. Mahfoud, "Niching Methods for
//! Genetic Algorithms", 1995, chapter 6): a child takes the place of its nearer parent where it is fitter, and of nobody
//! else, so that the fittest stay and different strategies live beside each other. Where they have become alike all the
//! same, strangers take the places of the least fit. A program that was seen is not bred again.

use std::{cmp::Ordering, collections::HashSet, iter};

use q50_language::{Program, genome::Genome};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::{Breed, Candidate, DiscoveryError, distance, fitness::LEAST_TRADES};

/// Candidates that a parent is the fittest of.
const TOURNAMENT: usize = 3;
/// The fittest, which no stranger replaces.
const ELITE: usize = 2;
/// Probability that two parents are crossed.
const CROSSOVER: f64 = 0.8;
/// Attempts at a child that has not been seen; after these it is a stranger.
const RETRIES: usize = 10;
/// Entropy of the indicators in a population, as a share of the largest, below which strangers come.
const LEAST_ENTROPY: f64 = 0.4;
/// Share of the population that they replace.
const STRANGERS: f64 = 0.15;

/// How long a search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Evolution {
    /// Candidates that live at a time.
    pub population: usize,
    /// Most generations, the first one included.
    pub generations: usize,
    /// Generations in a row without a candidate that is fitter than every earlier one, after which a search stops.
    pub patience: usize,
}

impl Evolution {
    /// Children of a generation, not counting strangers.
    const fn children(self) -> usize {
        (self.population - ELITE).div_ceil(2) * 2
    }

    /// About how many candidates a search evaluates that does not stop early.
    #[must_use]
    pub const fn candidates(self) -> usize {
        self.population + (self.generations - 1) * self.children()
    }
}

/// A genome that has not been evaluated, with its program.
pub(super) type Unseen = (Genome, Program);

/// Evaluates genomes of a generation, in order.
pub(super) type Evaluate<'a> = &'a mut dyn FnMut(usize, Vec<Unseen>) -> Result<Vec<Candidate>, DiscoveryError>;

/// Every candidate that the search evaluates, in the order in which it does; `generator` makes the random numbers of a
/// generation. The first generation is `start`, and strangers.
pub(super) fn evolve(
    breed: &Breed,
    start: &[Genome],
    evolution: Evolution,
    generator: impl Fn(usize) -> ChaCha8Rng,
    evaluate: Evaluate<'_>,
) -> Result<Vec<Candidate>, DiscoveryError> {
    let mut nursery = Nursery { breed, seen: HashSet::new() };
    let mut rng = generator(0);
    let mut first = Vec::with_capacity(evolution.population);
    for genome in start {
        first.extend(nursery.unseen(genome.clone())?);
    }
    while first.len() < evolution.population {
        first.push(nursery.stranger(&mut rng)?);
    }
    let mut all = evaluate(0, first)?;
    let mut best = fittest(&all, 0..all.len());
    let mut population: Vec<usize> = (0..all.len()).collect();
    for generation in 1..evolution.generations {
        if generation - all[best].generation > evolution.patience {
            break;
        }
        let mut rng = generator(generation);
        let mut families = Vec::new();
        let mut born = Vec::new();
        for _ in 0..evolution.children() / 2 {
            let parents = [tournament(&all, &population, &mut rng), tournament(&all, &population, &mut rng)];
            let [one, other] = parents.map(|slot| &all[population[slot]].genome);
            born.extend(nursery.children(one, other, &mut rng)?);
            families.push(parents);
        }
        let strangers = match entropy(breed, population.iter().map(|place| &all[*place].genome)) {
            entropy if entropy < LEAST_ENTROPY => (evolution.population as f64 * STRANGERS).ceil() as usize,
            _ => 0,
        };
        let strangers = strangers.min(evolution.population - ELITE);
        for _ in 0..strangers {
            born.push(nursery.stranger(&mut rng)?);
        }
        let children = all.len();
        all.extend(evaluate(generation, born)?);
        best = fittest(&all, iter::once(best).chain(children..all.len()));
        for (family, parents) in families.iter().enumerate() {
            crowd(&all, &mut population, *parents, children + 2 * family);
        }
        population.sort_by(|one, other| fitter(&all[*one], &all[*other]));
        for (place, stranger) in (all.len() - strangers..all.len()).enumerate() {
            let least = population.len() - 1 - place;
            population[least] = stranger;
        }
    }
    Ok(all)
}

/// The fittest at these places, of equals the first.
fn fittest(all: &[Candidate], mut places: impl Iterator<Item = usize>) -> usize {
    let first = places.next().unwrap_or_default();
    places.fold(first, |best, place| if fitter(&all[place], &all[best]) == Ordering::Less { place } else { best })
}

/// Breeds programs that have not been seen.
struct Nursery<'a> {
    breed: &'a Breed,
    seen: HashSet<String>,
}

impl Nursery<'_> {
    /// The program, unless it has been seen.
    fn unseen(&mut self, genome: Genome) -> Result<Option<Unseen>, DiscoveryError> {
        let program = genome.program()?;
        Ok(self.seen.insert(program.canonical()).then_some((genome, program)))
    }

    fn stranger(&mut self, rng: &mut impl Rng) -> Result<Unseen, DiscoveryError> {
        // There are more programs than anybody evaluates.
        loop {
            if let Some(unseen) = self.unseen(self.breed.random(rng))? {
                return Ok(unseen);
            }
        }
    }

    fn children(&mut self, one: &Genome, other: &Genome, rng: &mut impl Rng) -> Result<Vec<Unseen>, DiscoveryError> {
        let mut children = Vec::with_capacity(2);
        for _ in 0..RETRIES {
            let bred = match rng.random_bool(CROSSOVER) {
                true => self.breed.crossed(one, other, rng),
                false => [one.clone(), other.clone()],
            };
            for child in bred {
                let child = self.breed.mutated(&child, rng);
                if children.len() < 2 {
                    children.extend(self.unseen(child)?);
                }
            }
            if children.len() == 2 {
                return Ok(children);
            }
        }
        while children.len() < 2 {
            children.push(self.stranger(rng)?);
        }
        Ok(children)
    }
}

/// The slot of the fittest of three.
fn tournament(all: &[Candidate], population: &[usize], rng: &mut impl Rng) -> usize {
    let mut best = rng.random_range(0..population.len());
    for _ in 1..TOURNAMENT {
        let slot = rng.random_range(0..population.len());
        if fitter(&all[population[slot]], &all[population[best]]) == Ordering::Less {
            best = slot;
        }
    }
    best
}

/// The two children from `first` on compete with the parents that they are nearer to.
fn crowd(all: &[Candidate], population: &mut [usize], parents: [usize; 2], first: usize) {
    let between = |slot: usize, child: usize| distance(&all[population[slot]].genome, &all[child].genome);
    let [one, other] = parents;
    let straight = between(one, first) + between(other, first + 1);
    let turned = between(one, first + 1) + between(other, first);
    let children = if straight <= turned { [first, first + 1] } else { [first + 1, first] };
    for (slot, child) in parents.into_iter().zip(children) {
        if fitter(&all[child], &all[population[slot]]) == Ordering::Less {
            population[slot] = child;
        }
    }
}

/// Which of two is the fitter, which comes first. Among those without any fitness that whose score is better, and fewer
/// trades than are needed count for less, so that a search finds its way where everything is worthless at first.
pub(super) fn fitter(one: &Candidate, other: &Candidate) -> Ordering {
    let rank = |candidate: &Candidate| {
        let traded = candidate.measured.statistics.round_trips as f64 / LEAST_TRADES as f64;
        let fitness = &candidate.measured.fitness;
        [fitness.value, fitness.score * traded.min(1.0)]
    };
    let ([one_fitness, one_score], [other_fitness, other_score]) = (rank(one), rank(other));
    other_fitness.total_cmp(&one_fitness).then(other_score.total_cmp(&one_score))
}

/// Shannon entropy of the indicators of all genes, over that of indicators that are equally frequent.
fn entropy<'a>(breed: &Breed, genomes: impl Iterator<Item = &'a Genome>) -> f64 {
    let mut counts = std::collections::BTreeMap::new();
    for gene in genomes.flat_map(|genome| genome.entry.iter().chain(&genome.exit)) {
        *counts.entry(gene.measure.kind.indicator).or_insert(0_u32) += 1;
    }
    let all = f64::from(counts.values().sum::<u32>());
    let shares = counts.values().map(|count| f64::from(*count) / all);
    -shares.map(|share| share * share.ln()).sum::<f64>() / (breed.kinds() as f64).ln()
}

/// The random numbers of a generation, which depend on nothing that came before.
pub(super) fn generator(seed: u64, window: u32, generation: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((u64::from(window) << 32) + generation as u64);
    rng
}

#[cfg(test)]
mod tests {
    use q50_language::{Timeframe, genome::Direction};

    use super::*;
    use crate::discovery::tests::measured;

    const WHOLE: Evolution = Evolution { population: 20, generations: 15, patience: 15 };

    /// Fit is who has a tight stop and many RSI in the entry.
    fn evaluated(generation: usize, unseen: Vec<Unseen>) -> Vec<Candidate> {
        let of = |(genome, _): Unseen| {
            let rsi = genome.entry.iter().filter(|gene| gene.measure.kind.indicator == "RSI").count() as f64;
            let value = (rsi / 5.0 + 1.0 - genome.stops.common.get() / 10.0) / 2.0;
            Candidate { genome, generation, measured: measured(value) }
        };
        unseen.into_iter().map(of).collect()
    }

    fn search(seed: u64) -> Vec<Candidate> {
        let breed = Breed::new(Timeframe::H1, &[Direction::Long, Direction::Both], true);
        let mut evaluate = |generation, unseen| Ok(evaluated(generation, unseen));
        evolve(&breed, &[], WHOLE, |generation| generator(seed, 0, generation), &mut evaluate).unwrap()
    }

    #[test]
    fn a_search_stops_when_nothing_fitter_came_for_as_many_generations_as_its_patience() {
        let breed = Breed::new(Timeframe::H1, &[Direction::Long], true);
        // Generations 0, 1 and 4 bring something fitter; 5, 6 and 7 do not.
        let best = [0.5, 0.6, 0.6, 0.6, 0.7, 0.7, 0.1, 0.7];
        let mut evaluate = |generation: usize, unseen: Vec<Unseen>| {
            let value = best.get(generation).copied().unwrap_or(0.9);
            let mut all = evaluated(generation, unseen);
            for candidate in &mut all {
                let fitness = &mut candidate.measured.fitness;
                (fitness.value, fitness.score) = (value, value);
            }
            Ok(all)
        };
        let mut generations = |patience: usize| {
            let evolution = Evolution { patience, ..WHOLE };
            let all = evolve(&breed, &[], evolution, |generation| generator(1, 0, generation), &mut evaluate).unwrap();
            all.last().unwrap().generation + 1
        };
        assert_eq!([1, 2, 3, 4].map(&mut generations), [3, 4, 8, 13]);
    }

    #[test]
    fn the_first_generation_has_what_the_search_starts_from_and_strangers() {
        let breed = Breed::new(Timeframe::H1, &[Direction::Long], true);
        let start: Vec<Genome> = search(9).into_iter().take(7).map(|candidate| candidate.genome).collect();
        let mut evaluate = |generation, unseen| Ok(evaluated(generation, unseen));
        let all = evolve(&breed, &start, WHOLE, |generation| generator(2, 0, generation), &mut evaluate).unwrap();
        let first: Vec<&Genome> =
            all.iter().filter(|candidate| candidate.generation == 0).map(|candidate| &candidate.genome).collect();
        assert_eq!(first.len(), 20);
        assert!(first.iter().zip(&start).all(|(found, given)| *found == given));
        assert!(first[7..].iter().all(|stranger| !start.contains(stranger)));
    }

    #[test]
    fn a_search_finds_what_is_fit_and_the_same_one_again() {
        let all = search(1);
        assert_eq!(all, search(1));
        assert_ne!(all, search(2));
        let best = |of: &[Candidate]| of.iter().map(|c| c.measured.fitness.value).fold(0.0, f64::max);
        let first: Vec<Candidate> = all.iter().filter(|candidate| candidate.generation == 0).cloned().collect();
        assert_eq!(first.len(), 20);
        assert!(best(&all) > best(&first) + 0.02, "{} and {}", best(&first), best(&all));
        assert!(all.len() >= WHOLE.candidates());
    }

    #[test]
    fn no_program_is_evaluated_twice() {
        let all = search(3);
        let programs: HashSet<String> =
            all.iter().map(|candidate| candidate.genome.program().unwrap().canonical()).collect();
        assert_eq!(programs.len(), all.len());
    }

    #[test]
    fn a_child_takes_the_place_of_the_parent_that_it_is_like_and_only_where_it_is_fitter() {
        let all = search(4);
        let near = |of: usize| {
            let apart = |other: &usize| distance(&all[of].genome, &all[*other].genome);
            (2..all.len()).min_by(|one, other| apart(one).total_cmp(&apart(other))).unwrap()
        };
        let (one, other) = (0, 1);
        let mut family: Vec<Candidate> = [one, other, near(other), near(one)].map(|place| all[place].clone()).to_vec();
        for (candidate, value) in family.iter_mut().zip([0.5, 0.5, 0.6, 0.4]) {
            candidate.measured.fitness.value = value;
        }
        let mut population = vec![0, 1];
        crowd(&family, &mut population, [0, 1], 2);
        assert_eq!(population, [0, 2], "the unfit child of the first parent takes no place");
    }

    #[test]
    fn entropy_is_0_for_one_indicator_and_high_for_many() {
        let breed = Breed::new(Timeframe::H1, &[Direction::Long], true);
        let mut rng = generator(1, 0, 0);
        let many: Vec<Genome> = (0..200).map(|_| breed.random(&mut rng)).collect();
        assert!(entropy(&breed, many.iter()) > 0.95);
        let mut one = many[0].clone();
        let gene = one.entry[0].clone();
        (one.entry, one.exit) = (vec![gene.clone(); 3], vec![gene]);
        assert_eq!(entropy(&breed, std::iter::once(&one)).abs(), 0.0);
    }
}
