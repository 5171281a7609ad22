use maud::{Markup, html};
use plotters::prelude::*;

use super::{
    canvas::{DEPTHS, DrawError, LOSS, Point},
    frame::Chart,
};

/// Half the size of a mark, units.
const MARK: i32 = 11;
/// Outlines of the marks, shallowest pool first: triangle, square, diamond, circle.
const OUTLINES: [&[(i32, i32)]; 4] = [
    &[(0, -13), (13, 10), (-13, 10)],
    &[(-10, -10), (10, -10), (10, 10), (-10, 10)],
    &[(0, -14), (14, 0), (0, 14), (-14, 0)],
    &[(11, 0), (8, 8), (0, 11), (-8, 8), (-11, 0), (-8, -8), (0, -11), (8, -8)],
];

/// The line of the depth of `rank`; a pool that is deeper is drawn stronger.
pub(super) fn line(rank: usize) -> ShapeStyle {
    DEPTHS[rank % DEPTHS.len()].stroke_width(4)
}

/// Its marks at `points`.
pub(super) fn marks(chart: &mut Chart<'_, '_>, rank: usize, points: &[Point]) -> Result<(), DrawError> {
    let style = DEPTHS[rank % DEPTHS.len()].filled();
    let outline = OUTLINES[rank % OUTLINES.len()];
    chart.draw_series(points.iter().map(|&at| EmptyElement::at(at) + Polygon::new(outline.to_vec(), style)))?;
    Ok(())
}

/// A cross at `at`.
pub(super) fn cross(chart: &mut Chart<'_, '_>, at: Point) -> Result<(), DrawError> {
    let stroke = |from, to| PathElement::new(vec![from, to], LOSS.stroke_width(5));
    let (down, up) = (stroke((-MARK, -MARK), (MARK, MARK)), stroke((-MARK, MARK), (MARK, -MARK)));
    chart.draw_series([EmptyElement::at(at) + down + up])?;
    Ok(())
}

/// Line and mark of a depth, for a legend.
pub(super) fn sample(rank: usize) -> Markup {
    let color = color(DEPTHS[rank % DEPTHS.len()]);
    let outline: Vec<String> =
        OUTLINES[rank % OUTLINES.len()].iter().map(|(x, y)| format!("{},{}", x + 48, y + 16)).collect();
    html! {
        svg.sample viewBox="0 0 96 32" aria-hidden="true" {
            polyline points="0,16 96,16" fill="none" stroke=(color) stroke-width="5" {}
            polygon points=(outline.join(" ")) fill=(color) {}
        }
    }
}

/// The cross, for a legend.
pub(super) fn cross_sample() -> Markup {
    html! {
        svg.sample.short viewBox="0 0 32 32" aria-hidden="true" {
            @for points in ["5,5 27,27", "5,27 27,5"] {
                polyline points=(points) fill="none" stroke=(color(LOSS)) stroke-width="6" {}
            }
        }
    }
}

fn color(color: RGBColor) -> String {
    format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2)
}
