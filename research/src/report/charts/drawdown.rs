use plotters::prelude::{AreaSeries, Color};

use super::{
    Body, Drawing, Drawn, Key,
    canvas::{self, ACCENT, HEIGHT, OTHER, Point},
    decimate::lines,
    frame::{Axis, Grid, frame, replay_line, strokes},
    nothing,
    scale::Scale,
};
use crate::{
    claim::Verification,
    report::format::{DASH, percent},
};

/// How far the replay and holding stood below their last peak.
pub(super) fn draw(verification: &Verification) -> Drawing {
    let curves = &verification.curves;
    let (Some(&from), Some(&to)) = (curves.open_time.first(), curves.open_time.last()) else {
        return nothing("No bar was replayed, so that there is no drawdown to draw.");
    };
    if from == to {
        return nothing("One bar was replayed: one point makes no line.");
    }
    let replay = lines(&curves.open_time, &below_peak(&curves.equity));
    let holding = lines(&curves.open_time, &below_peak(&curves.holding));
    let deepest = replay.iter().chain(&holding).flatten().map(|point: &Point| point.1).fold(-0.01, f64::min);
    let depth = |depth: Option<f64>| depth.map_or_else(|| DASH.to_owned(), |depth| percent(depth, 1));
    let (ours, theirs) = (depth(verification.replay.max_drawdown), depth(verification.benchmark.max_drawdown));
    let benchmark = verification.benchmark.words();
    let label = format!(
        "Drawdown over time: the largest fall from a peak is {ours} for the replay and {theirs} for {benchmark}."
    );
    let svg = canvas::draw(HEIGHT, &label, |area| {
        let x = Axis { scale: Scale::time(from as f64, to as f64), title: "open of the bar (UTC)" };
        let y = Axis { scale: Scale::linear(deepest, 0.0, 4, in_percent), title: "distance from the last peak (%)" };
        let mut chart = frame(area, x, y, Grid::Across)?;
        for line in &replay {
            chart.draw_series(AreaSeries::new(line.iter().copied(), 0.0, ACCENT.mix(0.18)))?;
        }
        strokes(&mut chart, holding, OTHER.stroke_width(2))?;
        strokes(&mut chart, replay, replay_line().stroke_width(3))
    })?;
    Ok(Body::Drawn(Drawn {
        svg,
        legend: vec![
            (Key::Replay, format!("replay after costs, largest fall {ours}")),
            (Key::Holding, format!("{benchmark}, largest fall {theirs}")),
        ],
        caption:
            "How far each curve stood below its highest value so far, in per cent of that value: 0 is a new high, \
                  and the length of a valley is the time it took to recover."
                .to_owned(),
    }))
}

/// Tick marks finer than a per cent need their decimals; a mark's decimals are those of the fraction.
fn in_percent(fraction: f64, decimals: usize) -> String {
    crate::report::format::number(fraction * 100.0, decimals.saturating_sub(2))
}

/// The capital counts as the first peak.
fn below_peak(curve: &[f64]) -> Vec<Option<f64>> {
    let mut peak = 1.0_f64;
    curve
        .iter()
        .map(|&value| {
            peak = peak.max(value);
            value.is_finite().then(|| value / peak - 1.0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fall_is_measured_from_the_highest_value_so_far() {
        assert_eq!(below_peak(&[0.5, 2.0, 1.0, 4.0]), [Some(-0.5), Some(0.0), Some(-0.5), Some(0.0)]);
        assert_eq!(below_peak(&[f64::NAN]), [None]);
    }
}
