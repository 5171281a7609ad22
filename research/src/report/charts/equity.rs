use super::{
    Body, Drawing, Drawn, Key,
    canvas::{self, HEIGHT, OTHER, Point},
    decimate::lines,
    frame::{Axis, Grid, frame, level, replay_line, strokes, zero_line},
    nothing,
    scale::Scale,
};
use crate::{claim::Verification, report::format::number};
use plotters::prelude::Color;

/// Equity of the replay and of holding, a log scale.
pub(super) fn draw(verification: &Verification) -> Drawing {
    let curves = &verification.curves;
    let last = |curve: &[f64]| curve.last().map_or_else(|| "undefined".to_owned(), |value| number(*value, 3));
    let label = format!(
        "Equity over time on a log scale: the replay ends at {} times its capital, buying and holding at {}.",
        last(&curves.equity),
        last(&curves.holding)
    );
    beside(&curves.open_time, ["replay after costs", "buy and hold"], [&curves.equity, &curves.holding], &label)
}

/// Two curves of equity by what they are, the one that the eye should find first; multiples of the capital at the closes of
/// the bars that open at `times`. Read out as `label`.
pub(in crate::report) fn beside(times: &[i64], names: [&str; 2], curves: [&[f64]; 2], label: &str) -> Drawing {
    let (Some(&from), Some(&to)) = (times.first(), times.last()) else {
        return nothing("No bar was replayed, so that there is no equity to draw.");
    };
    if from == to {
        return nothing("One bar was replayed: one point makes no line.");
    }
    // What is lost is lost: a curve ends where it is no longer above zero, which has no place on a log scale.
    let above_zero = |curve: &[f64]| {
        let alive = curve.iter().take_while(|value| **value > 0.0);
        lines(times, &alive.map(|value| Some(*value)).collect::<Vec<_>>())
    };
    let [first, second] = curves.map(above_zero);
    let drawn = || first.iter().chain(&second).flatten().map(|point: &Point| point.1);
    let low = drawn().fold(1.0, f64::min);
    let high = drawn().fold(1.0, f64::max);
    let svg = canvas::draw(HEIGHT, label, |area| {
        let x = Axis { scale: Scale::time(from as f64, to as f64), title: "open of the bar (UTC)" };
        let y = Axis { scale: Scale::logarithmic(low / 1.01, high * 1.01), title: "multiple of capital (log scale)" };
        let mut chart = frame(area, x, y, Grid::Across)?;
        level(&mut chart, 1.0, zero_line())?;
        strokes(&mut chart, second, OTHER.stroke_width(2))?;
        strokes(&mut chart, first, replay_line())
    })?;
    let ends = |curve: &[f64]| curve.last().map_or_else(|| "undefined".to_owned(), |value| number(*value, 3));
    let [first, second] = [0, 1].map(|which| format!("{}, ends at {}", names[which], ends(curves[which])));
    Ok(Body::Drawn(Drawn {
        svg,
        legend: vec![(Key::Replay, first), (Key::Holding, second)],
        caption: "Each line is what one unit of capital was worth at the close of every bar; on the log scale equal \
                  distances are equal percentages."
            .to_owned(),
    }))
}
