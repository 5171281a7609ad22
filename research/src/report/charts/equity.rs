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
    let (Some(&from), Some(&to)) = (curves.open_time.first(), curves.open_time.last()) else {
        return nothing("No bar was replayed, so that there is no equity to draw.");
    };
    if from == to {
        return nothing("One bar was replayed: one point makes no line.");
    }
    // What is lost is lost: a curve ends where it is no longer above zero, which has no place on a log scale.
    let above_zero = |curve: &[f64]| {
        let alive = curve.iter().take_while(|value| **value > 0.0);
        lines(&curves.open_time, &alive.map(|value| Some(*value)).collect::<Vec<_>>())
    };
    let (replay, holding) = (above_zero(&curves.equity), above_zero(&curves.holding));
    let drawn = || replay.iter().chain(&holding).flatten().map(|point: &Point| point.1);
    let low = drawn().fold(1.0, f64::min);
    let high = drawn().fold(1.0, f64::max);
    let last = |curve: &[f64]| curve.last().map_or_else(|| "undefined".to_owned(), |value| number(*value, 3));
    let label = format!(
        "Equity over time on a log scale: the replay ends at {} times its capital, buying and holding at {}.",
        last(&curves.equity),
        last(&curves.holding)
    );
    let svg = canvas::draw(HEIGHT, &label, |area| {
        let x = Axis { scale: Scale::time(from as f64, to as f64), title: "open of the bar (UTC)" };
        let y = Axis { scale: Scale::logarithmic(low / 1.01, high * 1.01), title: "multiple of capital (log scale)" };
        let mut chart = frame(area, x, y, Grid::Across)?;
        level(&mut chart, 1.0, zero_line())?;
        strokes(&mut chart, holding, OTHER.stroke_width(2))?;
        strokes(&mut chart, replay, replay_line())
    })?;
    Ok(Body::Drawn(Drawn {
        svg,
        legend: vec![
            (Key::Replay, format!("replay after costs, ends at {}", last(&curves.equity))),
            (Key::Holding, format!("buy and hold, ends at {}", last(&curves.holding))),
        ],
        caption: "Each line is what one unit of capital was worth at the close of every bar; on the log scale equal \
                  distances are equal percentages."
            .to_owned(),
    }))
}
