//! How the Sharpe ratio goes with two parameters: its mean over all sets of a search that share the values of both.

use toml::Value;

use super::{axis::Axis, space::Space};

/// Cells along a parameter; more values than that are taken together, neighbours with neighbours.
const CELLS: u64 = 12;
/// Parameters that are shown, each beside each other one: the first that vary.
const PARAMETERS: usize = 4;

/// The mean annual Sharpe ratio of the sets of each cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Surface {
    /// The parameter that goes down, and the one that goes across. Where one alone varies, nothing goes down.
    pub down: Option<Side>,
    /// The parameter that goes across.
    pub across: Side,
    /// The mean of each cell, row by row; none where no set of it has a Sharpe ratio.
    pub means: Vec<Option<f64>>,
    /// The cell of the set with the highest Sharpe ratio.
    pub best: Option<usize>,
}

/// A parameter along a side of a surface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its dotted path.
    pub path: String,
    /// The value of each cell; the first where several values are taken together.
    pub values: Vec<String>,
}

/// The surfaces of a search in the making: memory depends on the number of cells, not of sets.
#[derive(Clone, Debug, Default)]
pub(super) struct Surfaces {
    sides: Vec<(usize, Side)>,
    pairs: Vec<Pair>,
}

/// Two sides, by their place among the sides, and the sums of their cells.
#[derive(Clone, Debug)]
struct Pair {
    down: Option<usize>,
    across: usize,
    cells: Vec<(f64, u64)>,
    best: Option<(f64, usize)>,
}

impl Surfaces {
    /// Those of a space, without a set in them yet.
    pub(super) fn of(space: &Space) -> Self {
        let varied = space.axes().iter().enumerate().filter(|(_, axis)| axis.different() != Some(1));
        let sides: Vec<(usize, Side)> = varied.take(PARAMETERS).map(|(d, axis)| (d, side(axis))).collect();
        let pair = |down: Option<usize>, across: usize| {
            let rows = down.map_or(1, |down| sides[down].1.values.len());
            Pair { down, across, cells: vec![(0.0, 0); rows * sides[across].1.values.len()], best: None }
        };
        let pairs = match sides.len() {
            0 => Vec::new(),
            1 => vec![pair(None, 0)],
            n => (0..n)
                .flat_map(|down| (down + 1..n).map(move |across| (down, across)))
                .map(|(d, a)| pair(Some(d), a))
                .collect(),
        };
        Self { sides, pairs }
    }

    /// Adds a set with an annual Sharpe ratio.
    pub(super) fn add(&mut self, space: &Space, point: &[Value], sharpe: f64) {
        let at: Vec<usize> = self.sides.iter().map(|(d, _)| cell(&space.axes()[*d], &point[*d])).collect();
        for pair in &mut self.pairs {
            let across = self.sides[pair.across].1.values.len();
            let cell = pair.down.map_or(0, |down| at[down]) * across + at[pair.across];
            let (sum, count) = &mut pair.cells[cell];
            (*sum, *count) = (*sum + sharpe, *count + 1);
            if pair.best.is_none_or(|(best, _)| sharpe > best) {
                pair.best = Some((sharpe, cell));
            }
        }
    }

    /// What was found.
    pub(super) fn finish(self) -> Vec<Surface> {
        let side = |place: usize| self.sides[place].1.clone();
        let surface = |pair: Pair| Surface {
            down: pair.down.map(side),
            across: side(pair.across),
            means: pair.cells.iter().map(|(sum, count)| (*count > 0).then(|| sum / *count as f64)).collect(),
            best: pair.best.map(|(_, cell)| cell),
        };
        self.pairs.into_iter().map(surface).collect()
    }
}

/// The cells along an axis, each named by its first value.
fn side(axis: &Axis) -> Side {
    let values = match axis.different() {
        Some(all) => {
            let cells = all.min(CELLS);
            (0..cells).map(|cell| shown(&axis.numbered((cell * all).div_ceil(cells)))).collect()
        }
        None => (0..CELLS).map(|cell| shown(&axis.at(cell as f64 / CELLS as f64))).collect(),
    };
    Side { path: axis.path.clone(), values }
}

/// The cell of a value along its axis.
fn cell(axis: &Axis, value: &Value) -> usize {
    let share = match axis.different() {
        Some(all) => {
            let cells = all.min(CELLS);
            axis.number_of(value) * cells / all
        }
        None => (axis.share_of(value) * CELLS as f64) as u64,
    };
    share.min(CELLS - 1) as usize
}

/// A value in at most four digits.
fn shown(value: &Value) -> String {
    match value {
        Value::Float(number) => format!("{number:.3e}").parse().unwrap_or(*number).to_string(),
        other => other.as_str().map_or_else(|| other.to_string(), str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::number;

    fn surfaces(text: &str, sharpe: impl Fn(&[Value]) -> Option<f64>) -> Vec<Surface> {
        let space = Space::parse(text).unwrap();
        let mut surfaces = Surfaces::of(&space);
        for point in (0..space.count()).map(|index| space.point(index)) {
            if let Some(sharpe) = sharpe(&point) {
                surfaces.add(&space, &point, sharpe);
            }
        }
        surfaces.finish()
    }

    #[test]
    fn a_cell_is_the_mean_of_the_sets_that_share_its_values() {
        // a + 10 b + 100 c, without the sets of a = 2, b = 1.
        let found = surfaces("[grid]\na = [1, 2]\nb = [1, 3]\nc = [0, 1, 5]\nfixed = [7]", |point| {
            let [a, b, c] = [0, 1, 2].map(|d| number(&point[d]));
            ((a, b) != (2.0, 1.0)).then_some(a + 10.0 * b + 100.0 * c)
        });
        let named: Vec<_> =
            found.iter().map(|s| (s.down.as_ref().unwrap().path.as_str(), s.across.path.as_str())).collect();
        assert_eq!(named, [("a", "b"), ("a", "c"), ("b", "c")]);
        assert_eq!(found[0].means, [Some(211.0), Some(231.0), None, Some(232.0)]);
        // The best is a = 2, b = 3, c = 5.
        assert_eq!((found[0].best, found[1].best, found[2].best), (Some(3), Some(5), Some(5)));
        // Of b = 1 there is a = 1 alone; of b = 3 both.
        assert_eq!(found[2].means, [11.0, 111.0, 511.0, 31.5, 131.5, 531.5].map(Some));
    }

    #[test]
    fn many_values_are_taken_together_and_one_parameter_alone_is_a_row() {
        let found = surfaces("[grid]\nn = { from = 1, to = 30, steps = 30 }", |point| Some(number(&point[0])));
        let [surface] = &found[..] else { panic!("{found:?}") };
        assert_eq!((&surface.down, surface.across.values.len()), (&None, 12));
        // Thirty values in twelve cells: 1 to 3, 4 and 5, 6 to 8, and so on.
        assert_eq!(surface.across.values[..4], ["1", "4", "6", "9"]);
        assert_eq!(surface.means[..3], [2.0, 4.5, 7.0].map(Some));
        assert_eq!(surface.best, Some(11));
    }

    #[test]
    fn open_ranges_are_cut_into_equal_shares() {
        let text = "[search]\nkind = 'random'\nsets = 600\n[grid]\nx = { from = 0.0, to = 6.0 }\ny = { from = 1.0, to = 4096.0, scale = 'log' }";
        let found = surfaces(text, |point| Some(number(&point[0])));
        let surface = &found[0];
        assert_eq!(surface.down.as_ref().unwrap().values[..3], ["0", "0.5", "1"]);
        assert_eq!(surface.across.values[..4], ["1", "2", "4", "8"]);
        // Every row is as high as its x, whatever the other is.
        for (row, means) in surface.means.chunks(12).enumerate() {
            let low = row as f64 / 2.0;
            assert!(means.iter().flatten().all(|mean| (low..=low + 0.5).contains(mean)), "{row}: {means:?}");
        }
    }

    #[test]
    fn values_are_shown_in_few_characters() {
        let shown = |value: f64| shown(&Value::Float(value));
        assert_eq!([0.5, 0.0015, 12.345, 1234.5, -0.25].map(shown), ["0.5", "0.0015", "12.35", "1234", "-0.25"]);
        assert_eq!(super::shown(&Value::Integer(42)), "42");
    }
}
