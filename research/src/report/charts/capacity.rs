use plotters::{
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

use super::{
    Body, Drawing, Drawn, Key,
    canvas::{self, DrawError, Point, WIDTH, WORDS, text, width},
    capacity_table::gone_at,
    depths,
    frame::{Axis, Chart, Grid, frame, level, strokes, zero_line},
    nothing,
    scale::Scale,
};
use crate::{
    capacity::DepthRow,
    claim::Verification,
    report::{
        format::{number, plain, two_digits},
        pool,
    },
};

/// Room beside the first and the last capital, a factor: the mark and the label of a decade must not leave the drawing.
const BESIDE: f64 = 1.6;
/// The axis ends this many times further below zero than above it: how badly a lost edge ends says nothing more.
const BELOW: f64 = 3.0;
/// Least height above zero that this is measured by.
const LEAST: f64 = 0.5;

/// Net Sharpe ratio against capital, a line for each depth.
pub(super) fn draw(verification: &Verification, rows: &[DepthRow]) -> Drawing {
    let lines: Vec<Vec<Point>> = rows.iter().map(points).collect();
    let drawn = || lines.iter().flatten();
    if drawn().next().is_none() {
        return nothing("The Sharpe ratio is undefined at every capital and depth.");
    }
    let capitals = || rows.iter().flat_map(|row| row.cells.iter().map(|cell| cell.capital));
    let (least, most) = (capitals().fold(f64::INFINITY, f64::min), capitals().fold(0.0, f64::max));
    let high = drawn().map(|point| point.1).fold(0.0, f64::max);
    let lowest = drawn().map(|point| point.1).fold(0.0, f64::min);
    let floor = if high > 0.0 { lowest.max(-BELOW * high.max(LEAST)) } else { lowest };
    let svg = canvas::draw(620, &label(rows), |area| {
        let x = Axis { scale: Scale::logarithmic(least / BESIDE, most * BESIDE), title: "capital (SOL, log scale)" };
        let y = Axis { scale: Scale::linear(floor, high, 6, number), title: "annual Sharpe ratio" };
        let mut chart = frame(area, x, y, Grid::Across)?;
        let (floor, _) = chart.plotting_area().as_coord_spec().y_spec().range_ends();
        level(&mut chart, 0.0, zero_line())?;
        for (rank, line) in lines.iter().enumerate() {
            strokes(&mut chart, vec![above(line, floor)], depths::line(rank))?;
        }
        // Marks lie above every line, so that none is hidden.
        for (rank, line) in lines.iter().enumerate() {
            let seen: Vec<Point> = line.iter().copied().filter(|point| point.1 >= floor).collect();
            depths::marks(&mut chart, rank, &seen)?;
        }
        crossings(&mut chart, rows)
    })?;
    let mut legend: Vec<(Key, String)> = rows
        .iter()
        .enumerate()
        .map(|(rank, row)| (Key::Depth(rank), format!("pool with {} SOL", plain(row.depth))))
        .collect();
    if rows.iter().any(|row| row.edge_gone_at.is_some()) {
        legend.push((Key::Gone, "edge gone at this capital, SOL".to_owned()));
    }
    Ok(Body::Drawn(Drawn { svg, legend, caption: caption(verification, rows, lowest < floor) }))
}

/// What is drawn of a depth: capital and Sharpe ratio, where there is one.
fn points(row: &DepthRow) -> Vec<Point> {
    let cells = row.cells.iter().filter(|cell| cell.capital > 0.0);
    cells.filter_map(|cell| Some((cell.capital, cell.sharpe.filter(|s| s.is_finite())?))).collect()
}

/// The line down to `floor`, where it leaves the drawing; straight between points, as it is drawn.
fn above(line: &[Point], floor: f64) -> Vec<Point> {
    let inside = line.iter().take_while(|point| point.1 >= floor).count();
    let mut seen = line[..inside].to_vec();
    if let (Some(&(x, y)), Some(&(next, below))) = (seen.last(), line.get(inside)) {
        let share = (y - floor) / (y - below);
        seen.push((x * (next / x).powf(share), floor));
    }
    seen
}

/// A cross where an edge is gone, with its capital unless another one stands there.
fn crossings(chart: &mut Chart<'_, '_>, rows: &[DepthRow]) -> Result<(), DrawError> {
    let mut gone: Vec<f64> = rows.iter().filter_map(|row| row.edge_gone_at).filter(|at| at.is_finite()).collect();
    gone.sort_by(f64::total_cmp);
    let mut free = i32::MIN;
    for at in gone {
        depths::cross(chart, (at, 0.0))?;
        let words = two_digits(at);
        let left = chart.backend_coord(&(at, 0.0)).0 + 14;
        let right = left + width(&words);
        // A line falls from the upper left to the lower right, so that above it on the right there is room.
        if left > free && right < i32::try_from(WIDTH).unwrap_or(i32::MAX) {
            let style = text(WORDS, HPos::Left, VPos::Bottom);
            chart.draw_series([EmptyElement::at((at, 0.0)) + Text::new(words, (14, -8), style)])?;
            free = right;
        }
    }
    Ok(())
}

fn label(rows: &[DepthRow]) -> String {
    let gone = |row: &DepthRow| format!("at a depth of {} SOL it is gone at {} SOL", plain(row.depth), gone_at(row));
    let depths: Vec<String> = rows.iter().map(gone).collect();
    format!("Annual Sharpe ratio against capital. The edge: {}.", depths.join("; "))
}

fn caption(verification: &Verification, rows: &[DepthRow], cut: bool) -> String {
    let reserves = if pool::depth_is_assumed(verification) {
        "The reserves of each pool are rebuilt from the bars at an assumed depth, the quote reserve at the first bar"
    } else {
        "The pool's reserves follow the recorded ones"
    };
    let mut text = format!(
        "Sharpe ratio of the same strategy after the pool's fees and its own impact; the fees of the network are left out. \
         {reserves}."
    );
    if rows.iter().flat_map(|row| &row.cells).any(|cell| cell.sharpe.is_none()) {
        text.push_str(
            " A dash, and no point in the picture, is a ratio that is undefined, or a capital beyond the one at which the \
             edge is gone.",
        );
    }
    if cut {
        text.push_str(" What lies below the axis is in the table.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::CapacityCell;

    #[test]
    fn a_cell_without_a_ratio_is_not_drawn() {
        let cell = |capital, sharpe| CapacityCell { capital, sharpe, total_return: 0.0 };
        let cells = vec![cell(1.0, Some(2.0)), cell(10.0, Some(-1.0)), cell(100.0, None)];
        assert_eq!(points(&DepthRow { depth: 50.0, cells, edge_gone_at: None }), [(1.0, 2.0), (10.0, -1.0)]);
    }

    #[test]
    fn a_line_leaves_the_drawing_at_its_floor() {
        let seen = above(&[(1.0, 1.0), (10.0, 1.0), (1_000.0, -3.0)], -1.0);
        assert_eq!(seen[..2], [(1.0, 1.0), (10.0, 1.0)]);
        assert!((seen[2].0 - 100.0).abs() < 1e-9 && seen[2].1 == -1.0, "half way between 10 and 1,000: {seen:?}");
        assert_eq!(above(&[(1.0, -5.0)], -1.0), []);
    }
}
