use plotters::{
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

use super::{
    canvas::{ACCENT, Area, DrawError, GRID, INK, MUTED, Point, TEXT, TITLE, text, width},
    scale::{LEAST_LEFT, RIGHT, Scale},
};

pub(super) type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>;

/// Grid lines that cross the drawing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Grid {
    /// At the marks of the vertical axis.
    Across,
    /// At the marks of the horizontal axis.
    Upright,
}

/// An axis with its title, unit included.
pub(super) struct Axis {
    pub(super) scale: Scale,
    pub(super) title: &'static str,
}

/// A chart with both axes, on `area`. The title of the vertical axis lies above it, where it costs no width.
pub(super) fn frame<'a, 'b>(area: &'a Area<'b>, x: Axis, y: Axis, grid: Grid) -> Result<Chart<'a, 'b>, DrawError> {
    let label_width = y.scale.labels().map(width).max().unwrap_or(0);
    // Below the marks there is room for their labels and the title; on the left for the labels, and for the half of the
    // first date that may stand out.
    let (bottom, left) = (2 * TEXT + 34, if label_width == 0 { 30 } else { (label_width + 24).max(LEAST_LEFT as i32) });
    if !y.title.is_empty() {
        area.draw_text(y.title, &text(MUTED, HPos::Left, VPos::Top), (4, TITLE))?;
    }
    let mut chart = ChartBuilder::on(area)
        .margin_top(if y.title.is_empty() { 8 } else { TEXT + 22 })
        .margin_right(RIGHT as i32)
        .x_label_area_size(bottom)
        .y_label_area_size(left)
        .build_cartesian_2d(x.scale, y.scale)?;
    let labels = text(MUTED, HPos::Center, VPos::Center);
    let mut mesh = chart.configure_mesh();
    mesh.axis_style(GRID)
        .bold_line_style(GRID.stroke_width(2))
        .light_line_style(TRANSPARENT)
        .label_style(labels.clone())
        .axis_desc_style(labels)
        .set_all_tick_mark_size(9)
        .x_desc(x.title);
    match grid {
        Grid::Across => mesh.disable_x_mesh(),
        Grid::Upright => mesh.disable_y_mesh(),
    };
    mesh.draw()?;
    Ok(chart)
}

/// A line across the whole chart at the height `y`.
pub(super) fn level(chart: &mut Chart<'_, '_>, y: f64, style: impl Into<ShapeStyle>) -> Result<(), DrawError> {
    let ends = chart.plotting_area().as_coord_spec().x_spec().range_ends();
    chart.draw_series(LineSeries::new([(ends.0, y), (ends.1, y)], style.into()))?;
    Ok(())
}

/// A line from top to bottom of the chart at `x`.
pub(super) fn upright(chart: &mut Chart<'_, '_>, x: f64, style: impl Into<ShapeStyle>) -> Result<(), DrawError> {
    let ends = chart.plotting_area().as_coord_spec().y_spec().range_ends();
    chart.draw_series(LineSeries::new([(x, ends.0), (x, ends.1)], style.into()))?;
    Ok(())
}

/// Unbroken lines in one style.
pub(super) fn strokes(
    chart: &mut Chart<'_, '_>,
    lines: Vec<Vec<Point>>,
    style: impl Into<ShapeStyle>,
) -> Result<(), DrawError> {
    let style = style.into();
    chart.draw_series(lines.into_iter().map(|line| PathElement::new(line, style)))?;
    Ok(())
}

/// The line of the replay: the one that the eye should find.
pub(super) fn replay_line() -> ShapeStyle {
    ACCENT.stroke_width(4)
}

/// Zero, where it divides gain from loss.
pub(super) fn zero_line() -> ShapeStyle {
    INK.mix(0.6).stroke_width(2)
}
