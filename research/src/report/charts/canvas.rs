use std::io;

use maud::{Markup, PreEscaped, html};
use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

/// Why plotters could not draw.
pub(crate) type DrawError = DrawingAreaErrorKind<io::Error>;
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// A position on the canvas, or in the units of both axes.
pub(super) type Point = (f64, f64);

/// Width of every drawing. Plotters rounds to whole units, so that a unit must be smaller than a pixel: a picture is
/// shown 336 (phone) to 600 pixels wide.
pub(super) const WIDTH: u32 = 960;
/// Height of a drawing whose content does not ask for another.
pub(super) const HEIGHT: u32 = 540;
/// Size of text in units, on a phone; the style sheet makes it smaller where there is more room, never larger.
pub(super) const TEXT: i32 = 29;
/// Top of a title: low enough that its box, which is higher than its letters, stays in the drawing.
pub(super) const TITLE: i32 = 6;

// Sentinels: `style.css` maps each to a colour of the reader's scheme.
pub(super) const INK: RGBColor = RGBColor(1, 1, 1);
pub(super) const MUTED: RGBColor = RGBColor(2, 2, 2);
pub(super) const GRID: RGBColor = RGBColor(3, 3, 3);
pub(super) const ACCENT: RGBColor = RGBColor(4, 4, 4);
pub(super) const OTHER: RGBColor = RGBColor(5, 5, 5);
pub(super) const LOSS: RGBColor = RGBColor(6, 6, 6);
/// Drawn with a halo of the ground, so that lines may pass behind it.
pub(super) const WORDS: RGBColor = RGBColor(8, 8, 8);
/// One for each depth of a pool, the shallowest first. Lines are dashed by the style sheet, each otherwise.
pub(super) const DEPTHS: [RGBColor; 4] =
    [RGBColor(16, 16, 16), RGBColor(17, 17, 17), RGBColor(18, 18, 18), RGBColor(19, 19, 19)];
/// Drawn as a dashed line.
pub(super) const NOISE: RGBColor = RGBColor(7, 7, 7);

/// A drawing of `height` units as inline SVG, read out as `label`.
pub(super) fn draw(
    height: u32,
    label: &str,
    paint: impl FnOnce(&Area<'_>) -> Result<(), DrawError>,
) -> Result<Markup, DrawError> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        paint(&area)?;
        area.present()?;
    }
    // The opening tag of plotters fixes a size in pixels and names a schema that inline SVG does not need.
    let inside = text.split_once('>').map_or("", |(_, rest)| rest).trim_end().trim_end_matches("</svg>");
    let view = format!("0 0 {WIDTH} {height}");
    Ok(html! { svg viewBox=(view) role="img" aria-label=(label) { (PreEscaped(inside)) } })
}

/// Text of the one size, anchored at `h` and `v`.
pub(super) fn text(color: RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
    // Plotters divides by 1.24 what it writes as the font size.
    let size = f64::from(TEXT) * 1.24;
    TextStyle { font: ("system-ui", size).into_font(), color: color.to_backend_color(), pos: Pos::new(h, v) }
}

/// Upper bound of the width of `text`, in units: a letter takes 0.5 to 0.64 em on average in the common fonts.
pub(super) fn width(text: &str) -> i32 {
    let letters = i32::try_from(text.chars().count()).unwrap_or(i32::MAX / 100);
    letters.saturating_mul(TEXT * 64 / 100)
}
