//! The sets of a search, by index: a grid file, read and checked before anything runs.

use std::{collections::HashSet, path::Path};

use rand::{
    Rng, RngExt, SeedableRng,
    seq::{SliceRandom, index},
};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use thiserror::Error;
use toml::{Table, Value};

use super::axis::{Axis, Values};

/// Points of a Sobol sequence that the generator has.
const SOBOL_POINTS: u64 = 1 << 16;
/// Dimensions of it.
const SOBOL_DIMENSIONS: usize = 256;
/// Sets of a Latin hypercube, which is held in memory.
const HYPERCUBE_SETS: u64 = 1_000_000;
/// Sets that are drawn without replacement, which are held in memory.
const CHOSEN_SETS: u64 = 20_000_000;

/// A grid file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("grid file {path}: {problem}")]
pub struct SpaceError {
    path: String,
    problem: String,
}

/// How random sets are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sequence {
    /// Each set by itself.
    Uniform,
    /// Each value of each parameter equally often (McKay, Beckman and Conover 1979).
    #[default]
    LatinHypercube,
    /// Low discrepancy (Sobol 1967, Owen scrambling).
    Sobol,
}

/// The `[search]` table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum SearchTable {
    #[default]
    Grid,
    Random {
        sets: u64,
        #[serde(default)]
        seed: u64,
        #[serde(default)]
        sequence: Sequence,
    },
}

/// Most rounds of a halving search: a round more sees at least twice the bars, and there are no records of 2⁶⁴ bars.
const MOST_RUNGS: u32 = 64;

/// The `[halving]` table: successive halving (Jamieson and Talwalkar 2016) over growing stretches of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Halving {
    /// One in so many sets goes on, on so many times the bars.
    pub eta: u32,
    /// Rounds; the last sees every bar.
    pub rungs: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GridFile {
    #[serde(default)]
    grid: Table,
    #[serde(default)]
    search: SearchTable,
    halving: Option<Halving>,
}

/// Every set of a search, by index.
#[derive(Clone, Debug)]
pub struct Space {
    axes: Vec<Axis>,
    count: u64,
    /// Sets that a random search asks for.
    asked: Option<u64>,
    points: Points,
    halving: Option<Halving>,
    hash: blake3::Hash,
}

#[derive(Clone, Debug)]
enum Points {
    /// Every combination.
    Grid,
    /// These combinations, each another one.
    Chosen(Vec<u64>),
    Uniform {
        seed: u64,
    },
    /// Row i of column d: the cell of set i along parameter d.
    Hypercube {
        seed: u64,
        cells: Vec<Vec<u32>>,
    },
    Sobol {
        seed: u32,
    },
}

impl Space {
    /// Reads a grid file.
    ///
    /// # Errors
    /// The file cannot be read, is no TOML, has an unknown key, or describes no set.
    pub fn read(path: &Path) -> Result<Self, SpaceError> {
        let named = path.display().to_string();
        let text = q50_datasets::input::read_text(path)
            .map_err(|error| SpaceError { path: named.clone(), problem: format!("cannot be read: {error}") })?;
        Self::parse(&text).map_err(|problem| SpaceError { path: named, problem })
    }

    /// The space that `text` describes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: GridFile = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        let axes = Axis::all(&file.grid, "")?;
        if axes.is_empty() {
            return Err("[grid] has no parameter; give at least one, such as entry = [0.6, 0.7]".to_owned());
        }
        if let Some(Halving { eta, rungs }) = file.halving
            && (eta < 2 || !(2..=MOST_RUNGS).contains(&rungs))
        {
            return Err(format!(
                "[halving] has eta = {eta} and rungs = {rungs}, expected 2 or more of each, and at most {MOST_RUNGS} rungs"
            ));
        }
        let space = Self::unsearched(axes, file.search, file.halving);
        match file.search {
            SearchTable::Grid => Ok(Self { count: grid_count(&space.axes)?, ..space }),
            SearchTable::Random { sets: 0, .. } => Err("[search] has sets = 0, expected 1 or more".to_owned()),
            SearchTable::Random { sets, seed, sequence } => space.random(sets, seed, sequence),
        }
    }

    /// Every combination of these values of the parameters, the first of which is the outermost loop.
    ///
    /// # Errors
    /// A parameter has no value, or one twice; there are too many sets.
    pub fn of(values: impl IntoIterator<Item = (String, Vec<f64>)>) -> Result<Self, String> {
        let value = |value: f64| if value.fract() == 0.0 { Value::Integer(value as i64) } else { Value::Float(value) };
        let list = |values: Vec<f64>| Values::List(values.into_iter().map(value).collect());
        let axes: Vec<Axis> = values.into_iter().map(|(path, values)| Axis { path, values: list(values) }).collect();
        axes.iter().try_for_each(Axis::check)?;
        let count = grid_count(&axes)?;
        Ok(Self { count, ..Self::unsearched(axes, SearchTable::Grid, None) })
    }

    fn unsearched(axes: Vec<Axis>, search: SearchTable, halving: Option<Halving>) -> Self {
        // What is hashed is what was read, not how it was typed. The number is that of the way in which sets are made.
        let hash = blake3::hash(format!("2 {axes:?} {search:?} {halving:?}").as_bytes());
        Self { axes, count: 0, asked: None, points: Points::Grid, halving, hash }
    }

    /// The random search of `sets` different sets, or of all where there are no more.
    fn random(self, sets: u64, seed: u64, sequence: Sequence) -> Result<Self, String> {
        let asked = Some(sets);
        let all = combinations(&self.axes);
        if let Some(all) = all.filter(|all| *all <= sets) {
            return Ok(Self { count: all, asked, ..self });
        }
        let drawn = Self { count: sets, asked, points: points(&self.axes, sets, seed, sequence)?, ..self };
        let Some(all) = all else { return Ok(drawn) };
        if sets > CHOSEN_SETS {
            return Err(format!(
                "[search] has {sets} sets drawn without replacement, at most {CHOSEN_SETS} can be; search the whole grid, or \
                 give ranges without steps"
            ));
        }
        let chosen = drawn.distinct(all, sequence, &mut generator(seed, u64::MAX - 2));
        Ok(Self { points: Points::Chosen(chosen), ..drawn })
    }

    /// As many different combinations as there are sets, out of `all`: those that the sequence comes upon, in its order,
    /// and for those that it came upon before, others drawn evenly from the rest.
    fn distinct(&self, all: u64, sequence: Sequence, rng: &mut impl Rng) -> Vec<u64> {
        let sets = self.count as usize;
        let mut seen = HashSet::new();
        let drawn = match sequence {
            // Drawn without replacement, they are all others.
            Sequence::Uniform => 0,
            Sequence::LatinHypercube => self.count,
            Sequence::Sobol => SOBOL_POINTS,
        };
        let mut chosen: Vec<u64> =
            (0..drawn).filter_map(|i| self.combination(i)).filter(|c| seen.insert(*c)).take(sets).collect();
        // Of `sets` different ones at least as many are new as are missing.
        let others = index::sample(rng, all as usize, sets).into_iter().map(|c| c as u64);
        let missing = sets - chosen.len();
        chosen.extend(others.filter(|c| !seen.contains(c)).take(missing));
        chosen
    }

    /// The number of the combination that the sequence has at `index`, the last parameter changing fastest.
    fn combination(&self, index: u64) -> Option<u64> {
        let mut shares = self.shares(index);
        self.axes.iter().try_fold(0, |number, axis| Some(number * axis.different()? + axis.number_at(shares()?)?))
    }

    /// The parameters, the outermost first.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Number of sets.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Sets that a random search asked for; there may be fewer different ones.
    #[must_use]
    pub fn asked(&self) -> Option<u64> {
        self.asked
    }

    /// Successive halving, where it was asked for.
    #[must_use]
    pub fn halving(&self) -> Option<Halving> {
        self.halving
    }

    /// Content hash of parameters, values and search.
    #[must_use]
    pub fn hash(&self) -> blake3::Hash {
        self.hash
    }

    /// The values of set `index`, one a parameter. In a grid the last parameter changes fastest.
    #[must_use]
    pub fn point(&self, index: u64) -> Vec<Value> {
        match &self.points {
            Points::Grid => self.numbered(index),
            Points::Chosen(chosen) => self.numbered(chosen[index as usize]),
            _ => {
                let mut shares = self.shares(index);
                self.axes.iter().map(|axis| axis.at(shares().unwrap_or_default())).collect()
            }
        }
    }

    /// Combination number `rest` of all.
    fn numbered(&self, mut rest: u64) -> Vec<Value> {
        let mut values: Vec<Value> = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let different = axis.different().unwrap_or(1);
            values.push(axis.numbered(rest % different));
            rest /= different;
        }
        values.reverse();
        values
    }

    /// Where the random set `index` lies along each parameter, one after the other: from 0 to 1, 1 excluded.
    fn shares(&self, index: u64) -> impl FnMut() -> Option<f64> {
        let mut dimension = 0..self.axes.len();
        let mut rng = match self.points {
            Points::Uniform { seed } | Points::Hypercube { seed, .. } => Some(generator(seed, index)),
            _ => None,
        };
        move || {
            let d = dimension.next()?;
            match (&self.points, &mut rng) {
                (Points::Uniform { .. }, Some(rng)) => Some(rng.random()),
                (Points::Hypercube { cells, .. }, Some(rng)) => {
                    Some((f64::from(cells[d][index as usize]) + rng.random::<f64>()) / self.count as f64)
                }
                (Points::Sobol { seed }, _) => Some(f64::from(sobol_burley::sample(index as u32, d as u32, *seed))),
                _ => None,
            }
        }
    }

    /// Points that differ from `point` in one number, to the next value on either side.
    #[must_use]
    pub fn neighbours(&self, point: &[Value]) -> Vec<Vec<Value>> {
        let mut all = Vec::new();
        for (d, axis) in self.axes.iter().enumerate() {
            for value in axis.neighbours(&point[d]) {
                let mut neighbour = point.to_vec();
                neighbour[d] = value;
                all.push(neighbour);
            }
        }
        all
    }
}

/// A stream of its own for each set, so that a set does not depend on which were drawn before it.
fn generator(seed: u64, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index + 1);
    rng
}

fn grid_count(axes: &[Axis]) -> Result<u64, String> {
    axes.iter().try_fold(1_u64, |count, axis| {
        let len = axis
            .len()
            .ok_or_else(|| format!("{} has no steps; a grid needs them, a random search does not", axis.path))?;
        count.checked_mul(len).ok_or_else(|| "more than 2^64 sets".to_owned())
    })
}

/// How many different sets there are; `None` where a parameter is any number between two ends, or beyond 2^64.
fn combinations(axes: &[Axis]) -> Option<u64> {
    axes.iter().try_fold(1_u64, |count, axis| count.checked_mul(axis.different()?))
}

fn points(axes: &[Axis], sets: u64, seed: u64, sequence: Sequence) -> Result<Points, String> {
    match sequence {
        Sequence::Uniform => Ok(Points::Uniform { seed }),
        Sequence::LatinHypercube if sets > HYPERCUBE_SETS => Err(format!(
            "[search] has {sets} sets in a Latin hypercube, which has at most {HYPERCUBE_SETS}; use sequence = \"uniform\""
        )),
        Sequence::LatinHypercube => {
            let mut rng = generator(seed, u64::MAX - 1);
            let cells = axes.iter().map(|_| permutation(sets as u32, &mut rng)).collect();
            Ok(Points::Hypercube { seed, cells })
        }
        Sequence::Sobol if sets > SOBOL_POINTS || axes.len() > SOBOL_DIMENSIONS => Err(format!(
            "[search] has {sets} sets of {} parameters in a Sobol sequence, which has at most {SOBOL_POINTS} of {SOBOL_DIMENSIONS}; use sequence = \"uniform\"",
            axes.len()
        )),
        Sequence::Sobol => Ok(Points::Sobol { seed: (seed ^ (seed >> 32)) as u32 }),
    }
}

fn permutation(n: u32, rng: &mut impl Rng) -> Vec<u32> {
    let mut cells: Vec<u32> = (0..n).collect();
    cells.shuffle(rng);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::number;

    fn numbers(space: &Space, index: u64) -> Vec<f64> {
        space.point(index).iter().map(number).collect()
    }

    #[test]
    fn the_first_line_of_a_grid_is_the_outermost_loop() {
        let space = Space::parse("[grid]\nz = [1, 2]\na = [10, 20, 30]").unwrap();
        let points: Vec<Vec<f64>> = (0..space.count()).map(|i| numbers(&space, i)).collect();
        assert_eq!(points, [[1.0, 10.0], [1.0, 20.0], [1.0, 30.0], [2.0, 10.0], [2.0, 20.0], [2.0, 30.0]]);
    }

    #[test]
    fn a_random_set_depends_on_seed_and_index_alone() {
        for sequence in ["uniform", "latin_hypercube", "sobol"] {
            let space = |seed: u64| {
                let search = format!("[search]\nkind = 'random'\nsets = 64\nseed = {seed}\nsequence = '{sequence}'\n");
                Space::parse(&format!("{search}[grid]\nx = {{ from = 0.0, to = 1.0 }}\ny = {{ from = 1, to = 4 }}"))
                    .unwrap()
            };
            assert_eq!(numbers(&space(1), 40), numbers(&space(1), 40), "{sequence}");
            assert_ne!(numbers(&space(1), 40), numbers(&space(2), 40), "{sequence}");
            let all: Vec<Vec<f64>> = (0..64).map(|i| numbers(&space(7), i)).collect();
            assert!(all.iter().all(|p| (0.0..1.0).contains(&p[0]) && (1.0..=4.0).contains(&p[1])), "{sequence}");
        }
    }

    #[test]
    fn a_latin_hypercube_has_one_set_in_each_slice() {
        let text =
            "[search]\nkind = 'random'\nsets = 50\n[grid]\nx = { from = 0.0, to = 1.0 }\ny = { from = 0.0, to = 1.0 }";
        let space = Space::parse(text).unwrap();
        for d in 0..2 {
            let mut slices: Vec<u64> = (0..50).map(|i| (numbers(&space, i)[d] * 50.0) as u64).collect();
            slices.sort_unstable();
            assert_eq!(slices, (0..50).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn a_random_search_of_a_finite_space_has_each_set_once() {
        // 54 combinations, one of the parameters a range of whole numbers without steps.
        let grid = "[grid]\na = [1, 2, 3]\nb = { from = 0.0, to = 1.0, steps = 6 }\nc = { from = 3, to = 1 }\n";
        for sequence in ["uniform", "latin_hypercube", "sobol"] {
            for sets in [1, 20, 53, 54, 1_000] {
                let search = format!("[search]\nkind = 'random'\nsets = {sets}\nsequence = '{sequence}'\n");
                let space = Space::parse(&format!("{search}{grid}")).unwrap();
                assert_eq!((space.count(), space.asked()), (sets.min(54), Some(sets)), "{sequence} {sets}");
                let different: HashSet<String> = (0..space.count()).map(|i| format!("{:?}", space.point(i))).collect();
                assert_eq!(different.len() as u64, space.count(), "{sequence} {sets}");
            }
        }
    }

    #[test]
    fn a_hypercube_of_a_finite_space_keeps_what_it_draws_and_replaces_what_it_drew_before() {
        let text =
            "[search]\nkind = 'random'\nsets = 30\nseed = 3\n[grid]\na = [1, 2, 3, 4, 5, 6]\nb = [1, 2, 3, 4, 5, 6]";
        let space = Space::parse(text).unwrap();
        let times = |d: usize, value: f64| (0..30).filter(|i| numbers(&space, *i)[d] == value).count();
        // Five each, but for those that were replaced.
        assert!((0..2).all(|d| (1..=6).all(|v| (2..=6).contains(&times(d, f64::from(v))))));
    }

    #[test]
    fn what_describes_no_set_is_refused() {
        for (text, part) in [
            ("", "no parameter"),
            ("[grid]", "no parameter"),
            ("[grid]\na = []", "no value"),
            ("[grid]\na = { from = 0, to = 1 }", "no steps"),
            ("[grids]\na = [1]", "grids"),
            ("[grid]\na = [1]\n[search]\nkind = 'random'\nsets = 0", "sets = 0"),
            ("[grid]\na = [1]\n[halving]\neta = 1\nrungs = 3", "eta = 1"),
            (
                "[grid]\na = { from = 0, to = 1, steps = 4000000000 }\nb = { from = 0, to = 1, steps = 4000000000 }\nc = { from = 0, to = 1, steps = 4000000000 }",
                "2^64",
            ),
        ] {
            let problem = Space::parse(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }

    #[test]
    fn neighbours_differ_in_one_number_by_one_step() {
        let space = Space::parse("[grid]\na = [1, 2, 3]\nb = ['x', 'y']\nc = [5]").unwrap();
        let point = space.point(2);
        let near: Vec<f64> = space.neighbours(&point).iter().map(|p| number(&p[0])).collect();
        assert_eq!(near, [1.0, 3.0]);
    }

    #[test]
    fn the_hash_follows_the_content() {
        let hash = |text: &str| Space::parse(text).unwrap().hash();
        assert_eq!(hash("[grid]\na = [1, 2]"), hash("# a comment\n[grid]\na=[1,2]\n"));
        assert_ne!(hash("[grid]\na = [1, 2]"), hash("[grid]\na = [1, 3]"));
    }
}
