use super::canvas::Point;

/// Columns that a long series is cut into: one for each two units of the drawing's width.
const COLUMNS: usize = 430;

/// A series with gaps as unbroken lines of few points. Each column keeps its first, least, greatest and last value, so
/// that no extreme is lost and the line looks as the whole one would.
pub(super) fn lines(times: &[i64], values: &[Option<f64>]) -> Vec<Vec<Point>> {
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    let mut run = Vec::new();
    for (&time, value) in times.iter().zip(values) {
        match value.filter(|value| value.is_finite()) {
            Some(value) => run.push((time as f64, value)),
            None if run.is_empty() => {}
            None => lines.push(decimate(&std::mem::take(&mut run), first as f64, last as f64)),
        }
    }
    if !run.is_empty() {
        lines.push(decimate(&run, first as f64, last as f64));
    }
    lines
}

fn decimate(points: &[Point], from: f64, to: f64) -> Vec<Point> {
    if points.len() <= 2 * COLUMNS {
        return points.to_vec();
    }
    let column = |point: &Point| ((point.0 - from) / (to - from) * COLUMNS as f64) as usize;
    let mut kept = Vec::with_capacity(4 * COLUMNS);
    for points in points.chunk_by(|a, b| column(a) == column(b)) {
        let last = points.len() - 1;
        let at = |order: fn(&f64, &f64) -> bool| {
            (1..=last).fold(0, |best, i| if order(&points[i].1, &points[best].1) { i } else { best })
        };
        let mut rows = [0, at(|a, b| a < b), at(|a, b| a > b), last];
        rows.sort_unstable();
        for (i, &row) in rows.iter().enumerate() {
            if i == 0 || rows[i - 1] != row {
                kept.push(points[row]);
            }
        }
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
