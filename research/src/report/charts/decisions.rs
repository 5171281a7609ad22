use super::{
    Body, Drawing, Drawn,
    bars::{self, Bar},
    canvas::ACCENT,
    nothing,
};
use crate::{
    claim::Verification,
    report::format::{count, percent},
};

/// Bars by reason, the most frequent first.
pub(super) fn draw(verification: &Verification) -> Drawing {
    let mut reasons: Vec<(&str, usize)> = verification.decisions.iter().map(|(name, n)| (*name, *n)).collect();
    // Equal counts stay in the order of their names.
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let total: usize = reasons.iter().map(|(_, n)| n).sum();
    let Some(&(_, most)) = reasons.first().filter(|_| total > 0) else {
        return nothing("No bar was replayed, so that nothing was decided.");
    };
    let rows: Vec<Bar> = reasons
        .iter()
        .map(|(name, n)| {
            let share = *n as f64 / total as f64;
            // A reason that was given is not 0 %.
            let share = if share < 0.0005 { "<0.1\u{a0}%".to_owned() } else { percent(share, 1) };
            Bar {
                name: name.replace('_', " "),
                words: format!("{} ({share})", count(*n)),
                length: *n as f64 / most as f64,
                color: ACCENT,
            }
        })
        .collect();
    let svg = bars::draw("Bars by the reason of their decision", ["reason", "number of bars (share)"], &rows)?;
    let bars = match &verification.instruments[..] {
        [] => verification.replay.bars,
        several => several.iter().map(|instrument| instrument.bars).sum(),
    };
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
