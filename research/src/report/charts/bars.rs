use maud::Markup;
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

use super::canvas::{self, DrawError, INK, MUTED, TEXT, TITLE, WIDTH, text, width};

/// Height of a row.
const ROW: i32 = 48;
/// Where the first row begins: below the titles.
const TOP: i32 = TEXT + 22;

/// A row: its name, its bar, and its amount in words behind the bar.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) words: String,
    /// Share of the longest bar, 0 to 1. Whatever is above 0 is seen.
    pub(super) length: f64,
    pub(super) color: RGBColor,
}

/// Rows below the titles of both columns. Read out as `label`, followed by each row's words.
pub(super) fn draw(label: &str, titles: [&str; 2], rows: &[Bar]) -> Result<Markup, DrawError> {
    let left = rows.iter().map(|row| width(&row.name)).max().unwrap_or(0) + 16;
    let space = f64::from(i32::try_from(WIDTH).unwrap_or(0) - left);
    // The longest bar leaves room for the words behind every bar; those behind a short one begin further left.
    let room = |row: &Bar| (space - f64::from(width(&row.words) + 20)) / row.length;
    let longest = rows.iter().filter(|row| row.length > 0.0).map(room).fold(space, f64::min).max(40.0);
    let words: Vec<String> = rows.iter().map(|row| format!("{} {}", row.name, row.words)).collect();
    let label = format!("{label}: {}.", words.join(", "));
    let height = u32::try_from(TOP + ROW * i32::try_from(rows.len()).unwrap_or(0) + 8).unwrap_or(0);
    canvas::draw(height, &label, |area| {
        area.draw_text(titles[0], &text(MUTED, HPos::Right, VPos::Top), (left - 16, TITLE))?;
        area.draw_text(titles[1], &text(MUTED, HPos::Left, VPos::Top), (left, TITLE))?;
        for (row, top) in rows.iter().zip((0..).map(|i| TOP + i * ROW)) {
            let middle = top + ROW / 2;
            let seen = if row.length > 0.0 { 2 } else { 0 };
            let end = left + ((longest * row.length).round() as i32).max(seen);
            area.draw_text(&row.name, &text(INK, HPos::Right, VPos::Center), (left - 16, middle))?;
            if seen > 0 {
                area.draw(&Rectangle::new([(left, top + 8), (end, top + ROW - 8)], row.color.filled()))?;
            }
            area.draw_text(&row.words, &text(INK, HPos::Left, VPos::Center), (end + 12, middle))?;
        }
        Ok(())
    })
}
