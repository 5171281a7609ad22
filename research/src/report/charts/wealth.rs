use super::{
    Body, Drawing, Drawn, Key,
    canvas::{self, HEIGHT, NOISE, OTHER},
    decimate::lines,
    frame::{Axis, Grid, frame, level, replay_line, strokes},
    nothing,
    scale::Scale,
};
use crate::{monitor::both_together, report::format::number};
use plotters::prelude::Color;

/// Wealth below this is as good as nothing: a long quiet session would bend the axis.
const LEAST: f64 = 1e-3;

/// Wealth of both tests of a monitor after each observation, a log scale, against the level of an alarm. `paths` are
/// logarithms of wealth by what they are, the one that the eye should find first.
pub(in crate::report) fn draw(paths: &[(&str, &[f64])]) -> Drawing {
    let most = paths.iter().map(|(_, path)| path.len()).max().unwrap_or(0);
    if most == 0 {
        return nothing("No fill is final and no trade closed, so that there is nothing to bet on yet.");
    }
    let alarm = both_together().exp();
    // Wealth is 1 before the first.
    let wealth = |path: &[f64]| -> Vec<f64> {
        std::iter::once(0.0).chain(path.iter().copied()).map(|log: f64| log.exp().max(LEAST)).collect()
    };
    let drawn: Vec<Vec<f64>> = paths.iter().map(|(_, path)| wealth(path)).collect();
    let low = drawn.iter().flatten().copied().fold(0.5, f64::min);
    let high = drawn.iter().flatten().copied().fold(alarm, f64::max);
    let now = |path: &[f64]| number(path.last().copied().unwrap_or(0.0).exp(), 2);
    let told: Vec<String> =
        paths.iter().map(|(name, path)| format!("{name} {} to 1 after {}", now(path), path.len())).collect();
    let label = format!("Wealth of the monitor's tests, which alarm at {alarm:.0} to 1: {}.", told.join(", "));
    let svg = canvas::draw(HEIGHT, &label, |area| {
        let x = Axis { scale: Scale::linear(0.0, most as f64, 5, number), title: "fills, or trades" };
        let y = Axis { scale: Scale::logarithmic(low / 1.2, high * 1.5), title: "wealth, begun with 1 (log scale)" };
        let mut chart = frame(area, x, y, Grid::Across)?;
        level(&mut chart, alarm, NOISE.stroke_width(3))?;
        for (rank, path) in drawn.iter().enumerate().rev() {
            let numbers: Vec<i64> = (0..).take(path.len()).collect();
            let line = lines(&numbers, &path.iter().copied().map(Some).collect::<Vec<_>>());
            strokes(&mut chart, line, if rank == 0 { replay_line() } else { OTHER.stroke_width(2) })?;
        }
        Ok(())
    })?;
    let mut legend: Vec<(Key, String)> =
        told.into_iter().zip([Key::Replay, Key::Holding]).map(|(name, key)| (key, name)).collect();
    legend.push((Key::Noise, format!("alarm at {alarm:.0} to 1")));
    Ok(Body::Drawn(Drawn {
        svg,
        legend,
        caption: "Each line is the money of somebody who bets that the session is not as modelled. Where it is, the line reaches \
                  the level of an alarm in at most one session of 40, however often one looks."
            .to_owned(),
    }))
}
