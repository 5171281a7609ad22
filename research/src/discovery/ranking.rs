//! Which candidates are judged: those that several searches came upon first.
//!
//! A search is a matter of luck as much as of fitness. What one seed alone has found is worth less than what most of them
//! found, so candidates are ranked by the median, over the searches, of the fitness of the fittest candidate like them.

use std::collections::HashSet;

use super::{Candidate, distance, evolution::fitter};
use crate::trials::median;

/// Genomes that are less different than this are one strategy, of which the fittest is judged.
const LEAST_DISTANCE: f64 = 0.15;

/// A search, and a candidate of it.
type Place = (usize, usize);

/// The fitness of `candidate` of the search `own`, and in each other search that of the fittest one that is the same
/// strategy, 0 where there is none.
pub(super) fn across(searches: &[Vec<Candidate>], own: usize, candidate: &Candidate) -> Vec<f64> {
    let same = |other: &&Candidate| {
        other.measured.fitness.value > 0.0 && distance(&other.genome, &candidate.genome) < LEAST_DISTANCE
    };
    let best = |all: &Vec<Candidate>| all.iter().filter(same).map(|one| one.measured.fitness.value).fold(0.0, f64::max);
    let of = |(search, all)| if search == own { candidate.measured.fitness.value } else { best(all) };
    searches.iter().enumerate().map(of).collect()
}

/// Places of `count` candidates, the best first: of those of each search that differ from every fitter one of it, those
/// that differ from every better one of all; then, if these are too few, others.
pub(super) fn best(searches: &[Vec<Candidate>], count: usize) -> Vec<Place> {
    let at = |place: &Place| &searches[place.0][place.1];
    let mut places: Vec<Place> =
        (0..searches.len()).flat_map(|search| (0..searches[search].len()).map(move |place| (search, place))).collect();
    places.sort_by(|one, other| fitter(at(one), at(other)).then(one.cmp(other)));
    let mut programs = HashSet::new();
    places.retain(|place| at(place).genome.program().is_ok_and(|program| programs.insert(program.canonical())));

    let different = |of: &mut dyn Iterator<Item = Place>| {
        let mut different: Vec<Place> = Vec::new();
        for place in of {
            let new = |known: &Place| distance(&at(known).genome, &at(&place).genome) >= LEAST_DISTANCE;
            if different.len() < count && different.iter().all(new) {
                different.push(place);
            }
        }
        different
    };
    let ranked = |places: Vec<Place>| {
        let rank = |place: Place| (median(across(searches, place.0, at(&place))), place);
        let mut ranked: Vec<(f64, Place)> = places.into_iter().map(rank).collect();
        let order = |(one, place): &(f64, Place), (other, behind): &(f64, Place)| {
            other.total_cmp(one).then_with(|| fitter(at(place), at(behind))).then(place.cmp(behind))
        };
        ranked.sort_by(order);
        ranked.into_iter().map(|(_, place)| place)
    };
    let of_search = |search: usize| different(&mut places.iter().copied().filter(|place| place.0 == search));
    let mut best = different(&mut ranked((0..searches.len()).flat_map(of_search).collect()));
    let others: Vec<Place> = places.iter().copied().filter(|place| !best.contains(place)).collect();
    best.extend(others.into_iter().take(count - best.len()));
    ranked(best).collect()
}

#[cfg(test)]
mod tests {
    use q50_language::genome::Genome;

    use super::*;
    use crate::discovery::tests::measured;

    /// A strategy of its own for each indicator; another period is the same strategy.
    fn candidate(indicator: &str, period: u32, value: f64) -> Candidate {
        let text = format!(
            r#"{{"name": "a", "timeframe": "1h", "direction": "long", "stop_pct": 2, "target_pct": 6,
                "entry": [{{"indicator": "{indicator}", "params": {{"period": {period}}}, "output": "value", "op": "<",
                "threshold": 20}}],
                "exit": [{{"indicator": "{indicator}", "params": {{"period": {period}}}, "output": "value", "op": ">",
                "threshold": 60}}]}}"#
        );
        Candidate { genome: Genome::read(&text).unwrap(), generation: 0, measured: measured(value) }
    }

    #[test]
    fn what_most_searches_found_is_before_what_one_of_them_found() {
        let searches = [
            vec![candidate("MFI", 14, 0.9), candidate("ADX", 14, 0.5)],
            vec![candidate("ADX", 15, 0.4), candidate("CCI", 20, 0.3)],
            vec![candidate("ADX", 16, 0.6), candidate("MFI", 15, 0.0)],
        ];
        assert_eq!(across(&searches, 0, &searches[0][0]), [0.9, 0.0, 0.0]);
        assert_eq!(across(&searches, 0, &searches[0][1]), [0.5, 0.4, 0.6]);
        // ADX by its fittest, with a median of 0.5; the others, which one search found each, with 0, the fittest first.
        assert_eq!(best(&searches, 3), [(2, 0), (0, 0), (1, 1)]);
        // Of too few that differ the rest is filled with others like them, which have their median.
        assert_eq!(best(&searches, 5), [(2, 0), (0, 1), (1, 0), (0, 0), (1, 1)]);
    }

    #[test]
    fn of_one_search_the_fittest_that_differ_are_the_best() {
        let one = [vec![candidate("ADX", 14, 0.5), candidate("ADX", 15, 0.6), candidate("MFI", 14, 0.2)]];
        assert_eq!(best(&one, 2), [(0, 1), (0, 2)]);
    }
}
