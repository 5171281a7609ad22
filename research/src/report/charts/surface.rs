use plotters::style::text_anchor::{HPos, VPos};

use super::{
    Body, Drawing, Drawn, Key,
    canvas::{self, Area, DrawError, MUTED, TEXT, TITLE, WIDTH, text, width},
    heat::{Heat, ROW},
    nothing,
};
use crate::{report::format::number, sweep::Surface};

/// Where the first row begins: below both titles and the values across.
const TOP: i32 = 140;
/// Width of a cell, where there is room and its value asks for no more.
const USUAL: i32 = 110;
/// Letters of a value; more are cut.
const LETTERS: usize = 9;

/// Mean Sharpe ratio of the sets of each cell, two parameters beside each other.
pub(in crate::report) fn draw(surface: &Surface) -> Drawing {
    let Surface { down, across, means, best } = surface;
    let known: Vec<f64> = means.iter().flatten().copied().collect();
    let Some((low, high)) = known.iter().copied().map(|mean| (mean, mean)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    else {
        return nothing("No set has a Sharpe ratio.");
    };
    let rows: Vec<String> =
        down.as_ref().map_or_else(|| vec![String::new()], |down| down.values.iter().map(|v| short(v)).collect());
    let columns: Vec<String> = across.values.iter().map(|v| short(v)).collect();
    let left = rows.iter().map(|row| width(row)).max().unwrap_or(0) + 16;
    let widest = columns.iter().map(|column| width(column)).max().unwrap_or(0) + 8;
    let cell = ((WIDTH as i32 - left) / columns.len().max(1) as i32).min(USUAL.max(widest));
    let heat = Heat { width: cell, deepest: low.abs().max(high.abs()) };
    let at = |place: usize| {
        let (row, column) = (place / columns.len(), place % columns.len());
        (left + column as i32 * cell, TOP + row as i32 * ROW)
    };
    let named = down.as_ref().map_or_else(|| across.path.clone(), |down| format!("{} and {}", down.path, across.path));
    let label = format!("Mean Sharpe ratio by {named}: {} to {}.", number(low, 2), number(high, 2));
    let height = TOP + rows.len() as i32 * ROW + 8;
    let svg = canvas::draw(height as u32, &label, |area| {
        titles(area, surface)?;
        let style = text(MUTED, HPos::Center, VPos::Center);
        // Of narrow cells every second is named.
        let every = if columns.iter().any(|column| width(column) > cell) { 2 } else { 1 };
        for (place, column) in columns.iter().enumerate().step_by(every) {
            area.draw_text(column, &style, (at(place).0 + cell / 2, TOP - TEXT / 2 - 8))?;
        }
        for (place, row) in rows.iter().enumerate() {
            let middle = at(place * columns.len()).1 + ROW / 2;
            area.draw_text(row, &text(MUTED, HPos::Left, VPos::Center), (4, middle))?;
        }
        for (place, mean) in means.iter().enumerate() {
            heat.cell(area, at(place), *mean)?;
        }
        best.map_or(Ok(()), |place| heat.outline(area, at(place)))
    })?;
    Ok(Body::Drawn(Drawn {
        svg,
        legend: vec![(Key::Gain, "above 0".to_owned()), (Key::Loss, "below 0".to_owned())],
        caption: "Annual Sharpe ratio, the mean of all sets that share both values; the cell of the best set has a line around it. \
                  An edge is a plateau: a single deep cell among pale ones is what a search finds in noise."
            .to_owned(),
    }))
}

fn titles(area: &Area<'_>, surface: &Surface) -> Result<(), DrawError> {
    let style = text(MUTED, HPos::Left, VPos::Top);
    area.draw_text(&format!("across: {}", surface.across.path), &style, (4, TITLE))?;
    let Some(down) = &surface.down else { return Ok(()) };
    area.draw_text(&format!("down: {}", down.path), &style, (4, TITLE + TEXT + 8))
}

fn short(value: &str) -> String {
    if value.chars().count() <= LETTERS {
        return value.to_owned();
    }
    value.chars().take(LETTERS - 1).chain(['\u{2026}']).collect()
}
