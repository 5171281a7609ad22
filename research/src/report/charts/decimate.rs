use super::canvas::Point;

/// Columns that a long series is cut into: one for each two units of the drawing's width.
const COLUMNS: usize = 430;

/// A series with gaps (nothing, or no finite number) as unbroken lines of few points. Each column keeps its first, least,
/// greatest and last value, so that no extreme is lost and the line looks as the whole one would.
pub(super) fn lines<V: Copy + Into<Option<f64>>>(times: &[i64], values: &[V]) -> Vec<Vec<Point>> {
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
        return Vec::new();
    };
    let value = |row: usize| values[row].into().filter(|value| value.is_finite());
    let (mut lines, mut row, end) = (Vec::new(), 0, times.len().min(values.len()));
    while row < end {
        let run = (row..end).take_while(|row| value(*row).is_some()).count();
        if run > 0 {
            let point = |i: usize| (times[row + i] as f64, value(row + i).unwrap_or(f64::NAN));
            lines.push(decimate(run, point, first as f64, last as f64));
        }
        row += run + 1;
    }
    lines
}

/// The points of a line of `count` that are drawn; the series is not copied, because one of minutes has millions.
fn decimate(count: usize, point: impl Fn(usize) -> Point, from: f64, to: f64) -> Vec<Point> {
    if count <= 2 * COLUMNS {
        return (0..count).map(point).collect();
    }
    let column = |i: usize| ((point(i).0 - from) / (to - from) * COLUMNS as f64) as usize;
    let mut kept = Vec::with_capacity(4 * COLUMNS);
    let mut first = 0;
    while first < count {
        let here = column(first);
        let end = (first + 1..count).find(|i| column(*i) != here).unwrap_or(count);
        let at = |order: fn(&f64, &f64) -> bool| {
            (first + 1..end).fold(first, |best, i| if order(&point(i).1, &point(best).1) { i } else { best })
        };
        let mut rows = [first, at(|a, b| a < b), at(|a, b| a > b), end - 1];
        rows.sort_unstable();
        for (i, &row) in rows.iter().enumerate() {
            if i == 0 || rows[i - 1] != row {
                kept.push(point(row));
            }
        }
        first = end;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_series_keeps_its_extremes_and_its_ends() {
        let times: Vec<i64> = (0..70_000).collect();
        let mut values: Vec<Option<f64>> = times.iter().map(|t| Some((*t as f64 / 500.0).sin())).collect();
        values[12_345] = Some(9.0);
        values[54_321] = Some(-9.0);
        let lines = lines(&times, &values);
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert!(line.len() <= 4 * (COLUMNS + 1), "{}", line.len());
        assert!(line.contains(&(12_345.0, 9.0)) && line.contains(&(54_321.0, -9.0)));
        assert_eq!((line[0].0, line[line.len() - 1].0), (0.0, 69_999.0));
        assert!(line.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn a_gap_breaks_the_line() {
        let lines = lines(&[0, 1, 2, 3], &[Some(1.0), None, Some(2.0), Some(f64::NAN)]);
        assert_eq!(lines, [vec![(0.0, 1.0)], vec![(2.0, 2.0)]]);
    }
}
