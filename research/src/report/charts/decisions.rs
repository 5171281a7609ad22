use plotters::{
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

use super::{
    Body, Drawing, Drawn,
    canvas::{self, ACCENT, INK, MUTED, TEXT, WIDTH, text, width},
    nothing,
};
use crate::{
    claim::Verification,
    report::format::{count, percent},
};

/// Height of a reason.
const ROW: i32 = 48;
/// Where the first reason begins: below the title.
const TOP: i32 = TEXT + 22;

/// Bars by reason, the most frequent first.
pub(super) fn draw(verification: &Verification) -> Drawing {
    let mut reasons: Vec<(&str, usize)> = verification.decisions.iter().map(|(name, n)| (*name, *n)).collect();
    // Equal counts stay in the order of their names.
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let total: usize = reasons.iter().map(|(_, n)| n).sum();
    let Some(&(_, most)) = reasons.first().filter(|_| total > 0) else {
        return nothing("No bar was replayed, so that nothing was decided.");
    };
    let rows: Vec<(String, String, f64)> = reasons
        .iter()
        .map(|(name, n)| {
            let share = *n as f64 / total as f64;
            // A reason that was given is not 0 %.
            let share = if share < 0.0005 { "<0.1\u{a0}%".to_owned() } else { percent(share, 1) };
            (name.replace('_', " "), format!("{} ({share})", count(*n)), *n as f64 / most as f64)
        })
        .collect();
    let left = rows.iter().map(|(name, ..)| width(name)).max().unwrap_or(0) + 16;
    let right = rows.iter().map(|(_, amount, _)| width(amount)).max().unwrap_or(0) + 20;
    let longest = (i32::try_from(WIDTH).unwrap_or(0) - left - right).max(40);
    let words: Vec<String> = rows.iter().map(|(name, amount, _)| format!("{name} {amount}")).collect();
    let label = format!("Bars by the reason of their decision: {}.", words.join(", "));
    let height = u32::try_from(TOP + ROW * i32::try_from(rows.len()).unwrap_or(0) + 8).unwrap_or(0);
    let svg = canvas::draw(height, &label, |area| {
        area.draw_text("reason", &text(MUTED, HPos::Right, VPos::Top), (left - 16, 2))?;
        area.draw_text("number of bars (share)", &text(MUTED, HPos::Left, VPos::Top), (left, 2))?;
        for ((name, amount, share), top) in rows.iter().zip((0..).map(|i| TOP + i * ROW)) {
            let middle = top + ROW / 2;
            // A reason that was given at all must be seen.
            let end = left + ((f64::from(longest) * share).round() as i32).max(2);
            area.draw_text(name, &text(INK, HPos::Right, VPos::Center), (left - 16, middle))?;
            area.draw(&Rectangle::new([(left, top + 8), (end, top + ROW - 8)], ACCENT.filled()))?;
            area.draw_text(amount, &text(INK, HPos::Left, VPos::Center), (end + 12, middle))?;
        }
        Ok(())
    })?;
    let bars = verification.replay.bars;
    let replayed = if bars == 1 { "1 bar replayed".to_owned() } else { format!("{} bars replayed", count(bars)) };
    let sum = if total == bars {
        format!("the counts add up to the {replayed}")
    } else {
        format!("the counts add up to {}, which is NOT the {replayed}", count(total))
    };
    Ok(Body::Drawn(Drawn {
        svg,
        legend: Vec::new(),
        caption: format!("Every bar ends in an order or in a hold, with exactly one reason: {sum}."),
    }))
}
