use plotters::{
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

use super::{
    Body, Drawing, Drawn, Key,
    canvas::{self, ACCENT, DrawError, INK, LOSS, NOISE, OTHER, TEXT, WORDS, text},
    frame::{Axis, Chart, Grid, frame, upright, zero_line},
    nothing,
    scale::Scale,
};
use crate::{
    claim::Verification,
    report::format::{DASH, interval, number, words},
};

/// Height of a row: its words, and its mark below them.
const ROW: u32 = 92;

/// One Sharpe ratio with what is known about it.
struct Row {
    name: String,
    value: Option<f64>,
    interval: Option<[f64; 2]>,
    color: RGBColor,
}

/// Claim, replay, holding and noise on one axis.
pub(super) fn draw(verification: &Verification) -> Drawing {
    let rows = rows(verification);
    let ratios: Vec<f64> = rows
        .iter()
        .flat_map(|row| row.value.into_iter().chain(row.interval.into_iter().flatten()))
        .filter(|ratio| ratio.is_finite())
        .collect();
    if ratios.is_empty() {
        return nothing("Neither claim nor replay has a Sharpe ratio.");
    }
    let low = ratios.iter().copied().fold(0.0, f64::min);
    let high = ratios.iter().copied().fold(0.0, f64::max);
    // One trial is expected to show 0, where there is a line already.
    let noise = verification.inference.noise_maximum.filter(|noise| noise.is_finite() && *noise > 0.0);
    let label = format!("Annual Sharpe ratios: {}.", rows.iter().map(Row::words).collect::<Vec<_>>().join("; "));
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let svg = canvas::draw(count * ROW + 100, &label, |area| {
        let x = Axis { scale: Scale::linear(low, high, 5, number), title: "annual Sharpe ratio" };
        let y = Axis { scale: Scale::bare(f64::from(count), 0.0), title: "" };
        let mut chart = frame(area, x, y, Grid::Upright)?;
        upright(&mut chart, 0.0, zero_line())?;
        if let Some(noise) = noise {
            upright(&mut chart, noise, NOISE.stroke_width(3))?;
        }
        for (i, row) in rows.iter().enumerate() {
            mark(&mut chart, i as f64, row)?;
        }
        Ok(())
    })?;
    Ok(Body::Drawn(Drawn { svg, legend: legend(verification, noise), caption: caption(verification) }))
}

fn rows(v: &Verification) -> Vec<Row> {
    let trials = v.inference.trials;
    let best =
        if trials == 1 { "One trial without skill".to_owned() } else { format!("Best of {trials} without skill") };
    let row = |name: String, value, interval, color| Row { name, value, interval, color };
    let interval = v.claim_inference.as_ref().and_then(|inference| inference.sharpe_ci95);
    let claim = v.claim.as_ref().map(|claim| row("Claim".into(), Some(claim.sharpe), interval, INK));
    let others = [
        row("Replay".into(), v.replay.sharpe, v.inference.sharpe_ci95, ACCENT),
        row(words(v.benchmark.words()), v.benchmark.sharpe, None, OTHER),
        row(best, v.inference.noise_maximum, None, LOSS),
    ];
    claim.into_iter().chain(others).collect()
}

impl Row {
    fn words(&self) -> String {
        let Some(value) = self.value else { return format!("{} {DASH} undefined", self.name) };
        let range = self.interval.map_or_else(String::new, |range| format!(" ({})", interval(range, 2)));
        format!("{} {}{range}", self.name, number(value, 2))
    }
}

fn mark(chart: &mut Chart<'_, '_>, top: f64, row: &Row) -> Result<(), DrawError> {
    let (from, _) = chart.plotting_area().as_coord_spec().x_spec().range_ends();
    let words = text(WORDS, HPos::Left, VPos::Top);
    let below = f64::from(TEXT + 28) / f64::from(ROW);
    chart.draw_series([EmptyElement::at((from, top + 0.08)) + Text::new(row.words(), (8, 0), words)])?;
    if let Some([low, high]) = row.interval {
        chart.draw_series([PathElement::new(
            vec![(low, top + below), (high, top + below)],
            row.color.stroke_width(5),
        )])?;
        for end in [low, high] {
            let tip = vec![(end, top + below - 0.1), (end, top + below + 0.1)];
            chart.draw_series([PathElement::new(tip, row.color.stroke_width(3))])?;
        }
    }
    if let Some(value) = row.value.filter(|value| value.is_finite()) {
        chart.draw_series([Circle::new((value, top + below), 11, row.color.filled())])?;
    }
    Ok(())
}

fn legend(v: &Verification, noise: Option<f64>) -> Vec<(Key, String)> {
    let expected = format!("what the best of {} trials without skill is expected to show", v.inference.trials);
    noise.map(|_| (Key::Noise, expected)).into_iter().collect()
}

fn caption(v: &Verification) -> String {
    let beaten = if v.inference.noise_maximum.is_some_and(|noise| noise > 0.0) { "0 or the dashed line" } else { "0" };
    let undefined = if v.replay.sharpe.is_none() {
        ", and a dash is a ratio that is undefined, for the reason in the table of figures"
    } else {
        ""
    };
    format!(
        "A dot is a Sharpe ratio and the bar through it the 95 % interval (claim: Lo 2002; replay: stationary bootstrap): \
         an interval that crosses {beaten} does not show skill{undefined}."
    )
}
