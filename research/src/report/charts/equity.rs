use super::{
    Body, Drawing, Drawn, Key,
    canvas::{self, HEIGHT, NOISE, OTHER, Point},
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
        "Equity over time on a log scale: the replay ends at {} times its capital, {} at {}.",
        last(&curves.equity),
        verification.benchmark.words(),
        last(&curves.holding)
    );
    let named = [("replay after costs", &curves.equity[..]), (verification.benchmark.words(), &curves.holding[..])];
    beside(&curves.open_time, &named, &label)
}

/// Curves of equity by what they are, three at most, the one that the eye should find first; multiples of the capital at the
/// closes of the bars that open at `times`, `NaN` where a curve has none. Read out as `label`.
pub(in crate::report) fn beside(times: &[i64], named: &[(&str, &[f64])], label: &str) -> Drawing {
    let (Some(&from), Some(&to)) = (times.first(), times.last()) else {
        return nothing("No bar was replayed, so that there is no equity to draw.");
    };
    if from == to {
        return nothing("One bar was replayed: one point makes no line.");
    }
    // What is lost is lost: a curve ends where it is no longer above zero, which has no place on a log scale.
    let above_zero = |curve: &[f64]| {
        let alive = curve.iter().take_while(|value| value.is_nan() || **value > 0.0);
        lines(times, &alive.map(|value| Some(*value)).collect::<Vec<_>>())
    };
    let curves: Vec<Vec<Vec<Point>>> = named.iter().map(|(_, curve)| above_zero(curve)).collect();
    let drawn = || curves.iter().flatten().flatten().map(|point: &Point| point.1);
    let low = drawn().fold(1.0, f64::min);
    let high = drawn().fold(1.0, f64::max);
    let svg = canvas::draw(HEIGHT, label, |area| {
        let x = Axis { scale: Scale::time(from as f64, to as f64), title: "open of the bar (UTC)" };
        let y = Axis { scale: Scale::logarithmic(low / 1.01, high * 1.01), title: "multiple of capital (log scale)" };
        let mut chart = frame(area, x, y, Grid::Across)?;
        level(&mut chart, 1.0, zero_line())?;
        let styles = [replay_line(), OTHER.stroke_width(2), NOISE.stroke_width(2)];
        for (curve, style) in curves.into_iter().zip(styles).rev() {
            strokes(&mut chart, curve, style)?;
        }
        Ok(())
    })?;
    let end = |curve: &[f64]| {
        let last = curve.iter().rev().find(|value| !value.is_nan());
        last.map_or_else(|| "undefined".to_owned(), |value| number(*value, 3))
    };
    let keys = [Key::Replay, Key::Holding, Key::Noise].into_iter();
    let legend = keys.zip(named).map(|(key, (name, curve))| (key, format!("{name}, ends at {}", end(curve)))).collect();
    Ok(Body::Drawn(Drawn {
        svg,
        legend,
        caption: "Each line is what one unit of capital was worth at the close of every bar; on the log scale equal \
                  distances are equal percentages."
            .to_owned(),
    }))
}
