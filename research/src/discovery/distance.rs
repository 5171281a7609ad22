//! How different two genomes are: J. C. Gower, "A General Coefficient of Similarity and Some of Its Properties",
//! Biometrics 27, 1971. Numbers differ by a share of their range, words by 0 or 1, and what only one of the two has by 1.

use q50_language::{
    genome::{
        AverageGene, Decimal, Gene, Genome, Measure, Range,
        pool::{STOP, TARGET},
    },
    program::{Overridable, Side},
};

/// From 0 for the same trades to 1 for nothing in common: the mean over direction, entry, exit, the two averages, stop and
/// target.
#[must_use]
pub fn distance(one: &Genome, other: &Genome) -> f64 {
    let features = [
        word(&one.direction, &other.direction),
        genes(&one.entry, &other.entry),
        genes(&one.exit, &other.exit),
        averages(one.ma_entry.as_ref(), other.ma_entry.as_ref()),
        averages(one.ma_exit.as_ref(), other.ma_exit.as_ref()),
        levels(STOP, &one.stops, &other.stops),
        levels(TARGET, &one.targets, &other.targets),
    ];
    features.iter().sum::<f64>() / features.len() as f64
}

fn word<T: PartialEq>(one: &T, other: &T) -> f64 {
    f64::from(u8::from(one != other))
}

fn number(range: Range, one: Decimal, other: Decimal) -> f64 {
    (range.share(one) - range.share(other)).abs()
}

/// Place by place, over as many places as the longer list has.
fn genes(one: &[Gene], other: &[Gene]) -> f64 {
    let places = one.len().max(other.len());
    let shared: f64 = one.iter().zip(other).map(|(one, other)| gene(one, other)).sum();
    (shared + one.len().abs_diff(other.len()) as f64) / places.max(1) as f64
}

/// Of another indicator or output 1; else the mean over parameters, comparison and threshold.
fn gene(one: &Gene, other: &Gene) -> f64 {
    if (one.measure.kind, one.output) != (other.measure.kind, other.output) {
        return 1.0;
    }
    let threshold = number(one.measure.kind.outputs[one.output].thresholds, one.threshold, other.threshold);
    let (sum, count) = parameters(&one.measure, &other.measure);
    (sum + word(&one.comparison, &other.comparison) + threshold) / (count + 2.0)
}

fn averages(one: Option<&AverageGene>, other: Option<&AverageGene>) -> f64 {
    match (one, other) {
        (None, None) => 0.0,
        (Some(one), Some(other)) if one.measure.kind == other.measure.kind => {
            let (sum, count) = parameters(&one.measure, &other.measure);
            (sum + word(&one.comparison, &other.comparison)) / (count + 1.0)
        }
        _ => 1.0,
    }
}

/// Sum of the differences of the parameters, and how many there are.
fn parameters(one: &Measure, other: &Measure) -> (f64, f64) {
    let differences = one.kind.parameters.iter().zip(one.parameters.iter().zip(&other.parameters));
    let sum = differences.map(|(parameter, (one, other))| number(parameter.range, *one, *other)).sum();
    (sum, one.parameters.len() as f64)
}

/// The mean over the two sides of what holds there.
fn levels(range: Range, one: &Overridable<Decimal>, other: &Overridable<Decimal>) -> f64 {
    Side::BOTH.iter().map(|side| number(range, *one.of(*side), *other.of(*side))).sum::<f64>() / 2.0
}

#[cfg(test)]
mod tests {
    use q50_language::{Timeframe, genome::Direction};
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::discovery::Breed;

    const BY_HAND: &str = r#"{"name": "a", "timeframe": "1h", "direction": "long",
        "entry": [{"indicator": "RSI", "params": {"period": 5}, "output": "value", "op": "<", "threshold": 30}],
        "exit": [{"indicator": "ROC", "params": {"period": 10}, "output": "value", "op": ">", "threshold": 0}],
        "stop_pct": 2, "target_pct": 6}"#;

    #[test]
    fn the_distance_is_the_mean_over_seven_features() {
        let one = Genome::read(BY_HAND).unwrap();
        let of = |from: &str, to: &str| distance(&one, &Genome::read(&BY_HAND.replace(from, to)).unwrap());
        assert_eq!(of("\"a\"", "\"b\""), 0.0, "a name bears on no trade");
        assert_eq!(of("long", "short"), 1.0 / 7.0);
        // A period of 5 to 50, a comparison and a threshold of 25 to 75: 9/45, 0 and 0 over three.
        assert!((of("\"period\": 5", "\"period\": 14") - 0.2 / 3.0 / 7.0).abs() < 1e-12);
        assert!((of("\"threshold\": 30", "\"threshold\": 55") - 0.5 / 3.0 / 7.0).abs() < 1e-12);
        // A stop of 0.5 to 10.
        assert!((of("\"stop_pct\": 2", "\"stop_pct\": 6.75") - 0.5 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn it_is_symmetric_between_0_and_1_and_0_only_for_the_same_trades() {
        let all = [Direction::Long, Direction::Short, Direction::Both];
        let (breed, mut rng) = (Breed::new(Timeframe::H1, &all, true), ChaCha8Rng::seed_from_u64(1));
        for _ in 0..500 {
            let (one, other) = (breed.random(&mut rng), breed.random(&mut rng));
            let apart = distance(&one, &other);
            assert!(apart > 0.0 && apart <= 1.0);
            assert_eq!((apart, distance(&one, &one)), (distance(&other, &one), 0.0));
        }
    }
}
