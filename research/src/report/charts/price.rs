use plotters::prelude::*;

use super::{
    Body, Drawing, Drawn, Key,
    canvas::{self, ACCENT, DrawError, INK, LOSS, Point},
    decimate::lines,
    frame::{Axis, Chart, Grid, frame, strokes},
    nothing,
    scale::Scale,
};
use crate::{
    claim::Verification,
    report::format::{amount, count},
};
use q50_engine::{record::FillRow, venue::FillSide};

/// Height: the picture is twice as wide on the page as the others.
const HEIGHT: u32 = 460;
/// Columns that the exposure is shaded in.
const COLUMNS: usize = 430;
/// Shades of a position, lightest to darkest: enough for a half position to be told from a whole one.
const SHADES: f64 = 5.0;
/// Opacity of a position as large as the equity.
const DEEPEST: f64 = 0.3;
/// More marks than this hide the price and each other.
const MOST_MARKS: usize = 200;
/// Fills that are marked on the end of such a record, and bars before the first of them.
const LAST: usize = 60;
const LEAD: usize = 5;
/// Outlines of the marks, units from the fill: a triangle whose tip is at its price.
const BUY: [(i32, i32); 3] = [(0, 0), (8, 15), (-8, 15)];
const SELL: [(i32, i32); 3] = [(0, 0), (8, -15), (-8, -15)];

/// The price of the whole record, with what was held and, where they are few, every fill.
pub(super) fn draw(verification: &Verification) -> Drawing {
    if !verification.instruments.is_empty() {
        let caption = "The line is the basket: one unit of money, held in equal parts of all instruments. The shading shows how \
                       much of the equity was in positions.";
        return stretch(verification, 0, &[], caption.to_owned());
    }
    let fills = &verification.journal.fills;
    if fills.len() <= MOST_MARKS {
        let caption = "The line is the close of every bar; the tip of a triangle is the time and the price of a fill.";
        return stretch(verification, 0, fills, caption.to_owned());
    }
    let caption = format!(
        "The line is the close of every bar. {} fills are too many to be marked one by one here: the shading shows when \
         something was held.",
        count(fills.len())
    );
    stretch(verification, 0, &[], caption)
}

/// The end of a record that has too many fills to be marked on the whole of it; `None` for any other.
pub(super) fn last_trades(verification: &Verification) -> Option<Drawing> {
    let fills = &verification.journal.fills;
    let marked = fills.len() > MOST_MARKS && verification.instruments.is_empty();
    let last = marked.then(|| &fills[fills.len() - LAST..])?;
    let begin = verification.curves.open_time.partition_point(|time| *time < last[0].fill.time).saturating_sub(LEAD);
    let caption = format!(
        "The end of the same line with its last {LAST} fills: the tip of a triangle is the time and the price of a fill."
    );
    Some(stretch(verification, begin, last, caption))
}

/// The bars from `begin` on, with these fills.
fn stretch(verification: &Verification, begin: usize, fills: &[FillRow], caption: String) -> Drawing {
    let curves = &verification.curves;
    let (open_time, exposure) = (&curves.open_time[begin..], &curves.exposure[begin..]);
    let (Some(&from), Some(&to)) = (open_time.first(), open_time.last()) else {
        return nothing("No bar was replayed, so that there is no price to draw.");
    };
    if from == to {
        return nothing("One bar was replayed: one point makes no line.");
    }
    let closes: Vec<Option<f64>> = curves.close[begin..].iter().map(|close| (*close > 0.0).then_some(*close)).collect();
    let closes = lines(open_time, &closes);
    let prices = || closes.iter().flatten().map(|point| point.1).chain(fills.iter().map(|row| row.fill.price));
    let (low, high) = (prices().fold(f64::INFINITY, f64::min), prices().fold(0.0, f64::max));
    if !(low > 0.0 && low.is_finite()) {
        return nothing("No close is above zero.");
    }
    let label = format!(
        "The price over time on a log scale, from {} to {}, with what was held and {} fills.",
        amount(low),
        amount(high),
        fills.len()
    );
    let svg = canvas::draw(HEIGHT, &label, |area| {
        let x = Axis { scale: Scale::time(from as f64, to as f64), title: "open of the bar (UTC)" };
        let y = Axis { scale: Scale::logarithmic(low / 1.02, high * 1.02), title: "price (log scale)" };
        let mut chart = frame(area, x, y, Grid::Across)?;
        shade(&mut chart, &shades(open_time, exposure))?;
        strokes(&mut chart, closes.clone(), INK.stroke_width(2))?;
        triangles(&mut chart, fills, FillSide::Buy)?;
        triangles(&mut chart, fills, FillSide::Sell)
    })?;
    let mut legend = Vec::new();
    for (key, name, seen) in [
        (Key::Band, "long; the deeper, the more of the equity", exposure.iter().any(|held| *held > 0.0)),
        (Key::Loss, "short", exposure.iter().any(|held| *held < 0.0)),
        (Key::Buy, "buy", fills.iter().any(|row| row.fill.side == FillSide::Buy)),
        (Key::Sell, "sell", fills.iter().any(|row| row.fill.side == FillSide::Sell)),
    ] {
        if seen {
            legend.push((key, name.to_owned()));
        }
    }
    Ok(Body::Drawn(Drawn { svg, legend, caption }))
}

fn triangles(chart: &mut Chart<'_, '_>, fills: &[FillRow], side: FillSide) -> Result<(), DrawError> {
    let (outline, color) = if side == FillSide::Buy { (BUY, ACCENT) } else { (SELL, LOSS) };
    let at = |row: &FillRow| (row.fill.time as f64, row.fill.price);
    let drawn = |row| EmptyElement::at(at(row)) + Polygon::new(outline.to_vec(), color.filled());
    chart.draw_series(fills.iter().filter(|row| row.fill.side == side).map(drawn))?;
    Ok(())
}

/// A stretch of time in which about as much was held.
#[derive(Debug, PartialEq)]
struct Shade {
    from: f64,
    to: f64,
    /// Share of the equity, below zero for a short position.
    held: f64,
}

/// The mean exposure of each column of the drawing, equal neighbours as one; what rounds to nothing is left out.
fn shades(open_time: &[i64], exposure: &[f64]) -> Vec<Shade> {
    let (Some(&first), Some(&last)) = (open_time.first(), open_time.last()) else { return Vec::new() };
    let width = (last - first) as f64 / COLUMNS as f64;
    let column = |time: i64| (((time - first) as f64 / width) as usize).min(COLUMNS - 1);
    let bars: Vec<(i64, f64)> = open_time.iter().copied().zip(exposure.iter().copied()).collect();
    let mut shades: Vec<Shade> = Vec::new();
    for bars in bars.chunk_by(|a, b| column(a.0) == column(b.0)) {
        let mean = bars.iter().map(|bar| bar.1).sum::<f64>() / bars.len() as f64;
        // A trace of a position is still seen.
        let held = (mean * SHADES).abs().ceil().min(SHADES).copysign(mean) / SHADES;
        let from = bars[0].0 as f64;
        if let Some(before) = shades.last_mut() {
            before.to = from;
            if before.held == held {
                continue;
            }
        }
        shades.push(Shade { from, to: last as f64, held });
    }
    shades.retain(|shade| shade.held != 0.0 && shade.held.is_finite());
    shades
}

fn shade(chart: &mut Chart<'_, '_>, shades: &[Shade]) -> Result<(), DrawError> {
    let (low, high) = chart.plotting_area().as_coord_spec().y_spec().range_ends();
    chart.draw_series(shades.iter().map(|shade| {
        let corners: [Point; 2] = [(shade.from, high), (shade.to, low)];
        let color = if shade.held > 0.0 { ACCENT } else { LOSS };
        Rectangle::new(corners, color.mix(DEEPEST * shade.held.abs()).filled())
    }))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_neighbours_are_one_shade_and_nothing_held_is_none() {
        let times = [0, 10, 20, 30, 40];
        let shade = |from, to, held| Shade { from, to, held };
        assert_eq!(shades(&times, &[0.0, 0.5, 0.6, -1.0, -1.0]), [shade(10.0, 30.0, 0.6), shade(30.0, 40.0, -1.0)]);
        assert_eq!(shades(&times, &[0.0; 5]), []);
    }

    #[test]
    fn a_long_record_has_no_more_shades_than_columns() {
        let times: Vec<i64> = (0..70_000).collect();
        let exposure: Vec<f64> = times.iter().map(|t| (*t as f64 / 40.0).sin().max(0.0)).collect();
        let shades = shades(&times, &exposure);
        assert!(shades.len() <= COLUMNS && shades.len() > 100, "{}", shades.len());
        assert!(shades.windows(2).all(|pair| pair[0].to <= pair[1].from));
    }
}
