//! How genomes come about: at random, by crossover, by mutation. Whatever they are made of, they stay genomes.

use q50_language::{
    Timeframe,
    condition::Comparison,
    genome::{
        AverageGene, Decimal, Direction, Gene, Genome, MOST_ENTRY, MOST_EXIT, Measure, Range,
        pool::{AVERAGES, INDICATORS, Kind, STOP, TARGET},
    },
    program::{Overridable, Side},
};
use rand::{Rng, RngExt, seq::IndexedRandom};

/// Probability that a gene mutates.
const MUTATION: f64 = 0.1;
/// Share of it with which a gene, an average or another direction comes or goes.
const STRUCTURE: f64 = 0.3;
/// Share of it with which a stop or a target moves.
const LEVELS: f64 = 0.5;
/// How far a number moves: so much of its range, either way.
const STEP: f64 = 0.2;

/// Weights of 1, 2, 3 and 4 genes in a new entry.
const ENTRY_GENES: [u32; 4] = [50, 30, 15, 5];
/// Weights of 1, 2 and 3 genes in a new exit.
const EXIT_GENES: [u32; 3] = [60, 30, 10];
/// Probability that a new genome compares the close with an average, for entry and for exit.
const AVERAGE: f64 = 0.3;
/// Probability that each of the levels of a side is its own where both sides are entered.
const OWN_LEVEL: f64 = 0.25;

const COMPARISONS: [Comparison; 6] = [
    Comparison::Above,
    Comparison::Below,
    Comparison::AtLeast,
    Comparison::AtMost,
    Comparison::CrossesAbove,
    Comparison::CrossesBelow,
];

/// What genomes are made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Breed {
    timeframe: Timeframe,
    directions: Vec<Direction>,
    kinds: Vec<&'static Kind>,
}

impl Breed {
    /// Genomes on bars of `timeframe` that enter these sides; without a column of volume none reads it.
    ///
    /// # Panics
    /// There is no direction.
    #[must_use]
    pub fn new(timeframe: Timeframe, directions: &[Direction], volume: bool) -> Self {
        assert!(!directions.is_empty(), "a genome enters a side");
        let kinds = INDICATORS.iter().filter(|kind| volume || kind.indicator != "MFI").collect();
        Self { timeframe, directions: directions.to_vec(), kinds }
    }

    /// Why no search of this breed would come upon `genome`.
    pub(super) fn refusal(&self, genome: &Genome) -> Option<String> {
        if genome.timeframe != self.timeframe {
            let (made, record) = (genome.timeframe.word(), self.timeframe.word());
            return Some(format!("it is made for bars of {made}, and those of the record are of {record}"));
        }
        if !self.directions.contains(&genome.direction) {
            let words: Vec<&str> = self.directions.iter().map(|direction| direction.word()).collect();
            let (found, expected) = (genome.direction.word(), words.join(" or "));
            return Some(format!("its direction is {found}, and --direction or --shorting leaves {expected}"));
        }
        let foreign = genome.entry.iter().chain(&genome.exit).find(|gene| !self.kinds.contains(&gene.measure.kind));
        foreign.map(|gene| format!("it reads {}, and the bars have no volume", gene.measure.kind.indicator))
    }

    /// Indicators that genes compare with a threshold.
    pub(super) fn kinds(&self) -> usize {
        self.kinds.len()
    }

    /// A genome at random.
    pub fn random(&self, rng: &mut impl Rng) -> Genome {
        let entry = count(&ENTRY_GENES, rng);
        let exit = count(&EXIT_GENES, rng);
        let direction = *pick(&self.directions, rng);
        Genome {
            name: "candidate".to_owned(),
            timeframe: self.timeframe,
            direction,
            entry: (0..entry).map(|_| self.gene(rng)).collect(),
            exit: (0..exit).map(|_| self.gene(rng)).collect(),
            ma_entry: rng.random_bool(AVERAGE).then(|| average(rng)),
            ma_exit: rng.random_bool(AVERAGE).then(|| average(rng)),
            stops: levels(STOP, direction, rng),
            targets: levels(TARGET, direction, rng),
            time_filters: None,
        }
    }

    fn gene(&self, rng: &mut impl Rng) -> Gene {
        let kind = *pick(&self.kinds, rng);
        let measure = measure(kind, rng);
        let output = rng.random_range(0..measure.kind.outputs.len());
        let threshold = value(measure.kind.outputs[output].thresholds, rng);
        Gene { output, comparison: *pick(&COMPARISONS, rng), threshold, measure }
    }

    /// `genome` with some of it changed; often nothing.
    #[must_use]
    pub fn mutated(&self, genome: &Genome, rng: &mut impl Rng) -> Genome {
        let mut changed = genome.clone();
        for (genes, most) in [(&mut changed.entry, MOST_ENTRY), (&mut changed.exit, MOST_EXIT)] {
            for gene in genes.iter_mut() {
                if rng.random_bool(MUTATION) {
                    self.mutate_gene(gene, rng);
                }
            }
            if genes.len() < most && rng.random_bool(MUTATION * STRUCTURE) {
                genes.push(self.gene(rng));
            }
            if genes.len() > 1 && rng.random_bool(MUTATION * STRUCTURE) {
                let gone = rng.random_range(0..genes.len());
                genes.remove(gone);
            }
        }
        for gene in [&mut changed.ma_entry, &mut changed.ma_exit] {
            match gene {
                Some(known) if rng.random_bool(MUTATION) => mutate_average(known, rng),
                _ if rng.random_bool(MUTATION * STRUCTURE) => {
                    *gene = if gene.is_some() { None } else { Some(average(rng)) };
                }
                _ => {}
            }
        }
        for (levels, range) in [(&mut changed.stops, STOP), (&mut changed.targets, TARGET)] {
            for level in [Some(&mut levels.common), levels.long.as_mut(), levels.short.as_mut()].into_iter().flatten() {
                if rng.random_bool(MUTATION * LEVELS) {
                    *level = moved(*level, range, rng);
                }
            }
        }
        if rng.random_bool(MUTATION * STRUCTURE) {
            changed.direction = *pick(&self.directions, rng);
        }
        with_one_level_a_side(changed)
    }

    /// Another indicator with a threshold of its own, or the same one with something else about it.
    fn mutate_gene(&self, gene: &mut Gene, rng: &mut impl Rng) {
        match rng.random_range(0..4) {
            0 => *gene = self.gene(rng),
            1 => gene.comparison = *pick(&COMPARISONS, rng),
            2 => mutate_measure(&mut gene.measure, rng),
            _ => {
                let thresholds = gene.measure.kind.outputs[gene.output].thresholds;
                gene.threshold = moved(gene.threshold, thresholds, rng);
            }
        }
    }

    /// Two genomes that share what `one` and `other` have: place by place, each gene goes to either child.
    pub fn crossed(&self, one: &Genome, other: &Genome, rng: &mut impl Rng) -> [Genome; 2] {
        let mut children = [one.clone(), other.clone()];
        let [a, b] = &mut children;
        cross(&mut a.entry, &mut b.entry, rng);
        cross(&mut a.exit, &mut b.exit, rng);
        if rng.random_bool(0.5) {
            std::mem::swap(&mut a.ma_entry, &mut b.ma_entry);
        }
        if rng.random_bool(0.5) {
            std::mem::swap(&mut a.ma_exit, &mut b.ma_exit);
        }
        if rng.random_bool(0.5) {
            std::mem::swap(&mut a.stops, &mut b.stops);
        }
        if rng.random_bool(0.5) {
            std::mem::swap(&mut a.targets, &mut b.targets);
        }
        if rng.random_bool(0.5) {
            std::mem::swap(&mut a.direction, &mut b.direction);
        }
        children.map(with_one_level_a_side)
    }
}

/// Swaps genes at the same place, each or not. The first place is there in both, so that neither is left without one.
fn cross(one: &mut Vec<Gene>, other: &mut Vec<Gene>, rng: &mut impl Rng) {
    let mut lists = [Vec::new(), Vec::new()];
    for place in 0..one.len().max(other.len()) {
        let swapped = rng.random_bool(0.5);
        for (list, gene) in [one.get(place), other.get(place)].into_iter().enumerate() {
            lists[list ^ usize::from(swapped)].extend(gene.cloned());
        }
    }
    [*one, *other] = lists;
}

/// A side has levels of its own only where the other one is entered, too.
fn with_one_level_a_side(mut genome: Genome) -> Genome {
    if genome.direction != Direction::Both {
        for levels in [&mut genome.stops, &mut genome.targets] {
            (levels.long, levels.short) = (None, None);
        }
    }
    genome
}

fn levels(range: Range, direction: Direction, rng: &mut impl Rng) -> Overridable<Decimal> {
    let mut levels = Overridable { common: value(range, rng), long: None, short: None };
    if direction == Direction::Both {
        for side in Side::BOTH {
            let own = rng.random_bool(OWN_LEVEL).then(|| value(range, rng));
            match side {
                Side::Long => levels.long = own,
                Side::Short => levels.short = own,
            }
        }
    }
    levels
}

fn average(rng: &mut impl Rng) -> AverageGene {
    let kind = pick(&AVERAGES, rng);
    AverageGene { measure: measure(kind, rng), comparison: *pick(&AverageGene::COMPARISONS, rng) }
}

fn mutate_average(gene: &mut AverageGene, rng: &mut impl Rng) {
    match rng.random_range(0..3) {
        0 => *gene = average(rng),
        1 => gene.comparison = *pick(&AverageGene::COMPARISONS, rng),
        _ => mutate_measure(&mut gene.measure, rng),
    }
}

fn measure(kind: &'static Kind, rng: &mut impl Rng) -> Measure {
    Measure { kind, parameters: kind.parameters.iter().map(|parameter| value(parameter.range, rng)).collect() }
}

fn mutate_measure(measure: &mut Measure, rng: &mut impl Rng) {
    let parameter = rng.random_range(0..measure.parameters.len());
    let range = measure.kind.parameters[parameter].range;
    measure.parameters[parameter] = moved(measure.parameters[parameter], range, rng);
}

fn value(range: Range, rng: &mut impl Rng) -> Decimal {
    range.nth(rng.random_range(0..range.count()))
}

/// A number elsewhere in its range, at most a fifth of it away.
fn moved(from: Decimal, range: Range, rng: &mut impl Rng) -> Decimal {
    let share = (range.share(from) + rng.random_range(-STEP..=STEP)).clamp(0.0, 1.0);
    range.nth((share * f64::from(range.count() - 1)).round() as u32)
}

/// A number of genes by the weights of 1, 2 and so on.
fn count(weights: &[u32], rng: &mut impl Rng) -> usize {
    let mut rest = rng.random_range(0..weights.iter().sum());
    for (less, weight) in weights.iter().enumerate() {
        if rest < *weight {
            return less + 1;
        }
        rest -= weight;
    }
    weights.len()
}

fn pick<'a, T>(from: &'a [T], rng: &mut impl Rng) -> &'a T {
    from.choose(rng).unwrap_or(&from[0])
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const ALL: [Direction; 3] = [Direction::Long, Direction::Short, Direction::Both];

    fn breed() -> Breed {
        Breed::new(Timeframe::H1, &ALL, true)
    }

    #[test]
    fn random_genomes_are_strategies_and_the_same_after_a_round_trip() {
        let (breed, mut rng) = (breed(), ChaCha8Rng::seed_from_u64(1));
        let mut genes = 0;
        for _ in 0..3_000 {
            let genome = breed.random(&mut rng);
            genes = genes.max(genome.genes());
            let program = genome.program().unwrap_or_else(|error| panic!("{error}\n{}", genome.file()));
            assert_eq!(program.unused().count(), 0);
            assert_eq!(Genome::of_strategy(&genome.file()).as_ref(), Ok(&genome));
            assert_eq!(Genome::read(&genome.json()).as_ref(), Ok(&genome));
        }
        assert!(genes >= 8, "{genes}");
    }

    #[test]
    fn whatever_is_crossed_and_mutated_stays_a_genome_and_reaches_everything() {
        let (breed, mut rng) = (breed(), ChaCha8Rng::seed_from_u64(2));
        let mut two = [breed.random(&mut rng), breed.random(&mut rng)];
        let (mut longest, mut least, mut kinds) = (0, Decimal::whole(0), std::collections::BTreeSet::new());
        for round in 0..50_000 {
            two = breed.crossed(&two[0], &two[1], &mut rng).map(|child| breed.mutated(&child, &mut rng));
            for genome in &two {
                let genes = genome.entry.iter().chain(&genome.exit);
                genes.clone().for_each(|gene| _ = kinds.insert(gene.measure.kind.indicator));
                least = genes.map(|gene| gene.threshold).min().unwrap_or(least).min(least);
                longest = longest.max(genome.genes());
                // Reading checks every number; all of them would take a minute.
                if round % 10 == 0 {
                    assert_eq!(Genome::read(&genome.json()).as_ref(), Ok(genome));
                }
                assert!((1..=MOST_ENTRY).contains(&genome.entry.len()) && (1..=MOST_EXIT).contains(&genome.exit.len()));
            }
        }
        assert_eq!((longest, kinds.len()), (10, INDICATORS.len()));
        assert!(least < Decimal::whole(-190), "negative thresholds are reached: {least}");
    }

    #[test]
    fn without_volume_nothing_reads_it() {
        let (breed, mut rng) = (Breed::new(Timeframe::H1, &[Direction::Long], false), ChaCha8Rng::seed_from_u64(3));
        for _ in 0..500 {
            let genome = breed.random(&mut rng);
            assert!(!genome.program().unwrap().needs_volume());
            assert_eq!(genome.direction, Direction::Long);
        }
    }

    #[test]
    fn children_have_the_genes_of_both_and_no_others() {
        let (breed, mut rng) = (breed(), ChaCha8Rng::seed_from_u64(4));
        for _ in 0..200 {
            let (one, other) = (breed.random(&mut rng), breed.random(&mut rng));
            let children = breed.crossed(&one, &other, &mut rng);
            let texts = |all: [&Genome; 2]| {
                let mut texts: Vec<String> =
                    all.iter().flat_map(|g| g.entry.iter().map(|gene| format!("{gene:?}"))).collect();
                texts.sort();
                texts
            };
            assert_eq!(texts([&one, &other]), texts([&children[0], &children[1]]));
        }
    }
}
