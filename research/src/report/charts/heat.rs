use plotters::{
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

use super::canvas::{ACCENT, Area, DrawError, INK, LOSS, MUTED, text};
use crate::report::format::{DASH, number};

/// Height of a cell.
pub(super) const ROW: i32 = 62;
/// Opacity of the deepest colour: the number above it must stay readable.
const DEEPEST: f64 = 0.5;

/// A table of numbers whose cells are the deeper the further their number is from 0.
#[derive(Clone, Copy)]
pub(super) struct Heat {
    /// Width of a cell.
    pub(super) width: i32,
    /// The number of the deepest colour, as it is without its sign.
    pub(super) deepest: f64,
}

impl Heat {
    /// The cell with these left and upper ends; a dash where there is no number.
    pub(super) fn cell(self, area: &Area<'_>, (left, top): (i32, i32), value: Option<f64>) -> Result<(), DrawError> {
        let at = (left + self.width / 2, top + ROW / 2);
        let Some(value) = value else {
            return area.draw_text(DASH, &text(MUTED, HPos::Center, VPos::Center), at);
        };
        let share = if self.deepest > 0.0 { value.abs() / self.deepest } else { 0.0 };
        let color = if value < 0.0 { LOSS } else { ACCENT };
        let fill = color.mix((share * DEEPEST * 100.0).round() / 100.0).filled();
        area.draw(&Rectangle::new(self.corners(left, top), fill))?;
        area.draw_text(&in_cell(value), &text(INK, HPos::Center, VPos::Center), at)
    }

    /// A line around a cell.
    pub(super) fn outline(self, area: &Area<'_>, (left, top): (i32, i32)) -> Result<(), DrawError> {
        area.draw(&Rectangle::new(self.corners(left, top), INK.stroke_width(3)))
    }

    fn corners(self, left: i32, top: i32) -> [(i32, i32); 2] {
        [(left + 1, top + 1), (left + self.width - 1, top + ROW - 1)]
    }
}

/// A number in at most four characters: decimals only below ten.
fn in_cell(value: f64) -> String {
    number(value, usize::from(value.abs() < 9.95))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_room_for_four_characters() {
        assert_eq!(in_cell(-4.2), "\u{2212}4.2");
        assert_eq!(in_cell(12.3), "12");
        assert_eq!(in_cell(-99.96), "\u{2212}100");
    }
}
