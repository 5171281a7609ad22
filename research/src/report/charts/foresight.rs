use plotters::prelude::{Color, Rectangle};

use super::{
    Body, Drawing, Drawn, Key,
    canvas::{self, ACCENT, HEIGHT, LOSS},
    frame::{Axis, Grid, frame, level, upright, zero_line},
    nothing,
    scale::Scale,
};
use crate::{
    claim::Verification,
    report::format::{number, percent},
};

/// Standard errors on each side that hold 95 % of a normal distribution.
const NORMAL_95: f64 = 1.96;

/// Correlation of a position with the returns before and after it.
pub(super) fn draw(verification: &Verification) -> Drawing {
    if !verification.instruments.is_empty() {
        return nothing("The returns of a basket are those of no position: look at each instrument by itself.");
    }
    let Some(profile) = &verification.foresight_profile else {
        return nothing(
            "Positions or returns never changed, or the record is too short, so that nothing can go together.",
        );
    };
    let bars: Vec<(f64, f64)> =
        profile.leads.iter().map(|lead| *lead as f64).zip(profile.correlations.clone()).collect();
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else {
        return nothing("No return was near enough to a position.");
    };
    let error = NORMAL_95 / (verification.replay.bars.max(1) as f64).sqrt();
    let (low, high) = bars.iter().fold((-error, error), |(low, high), bar| (low.min(bar.1), high.max(bar.1)));
    let earned = bars.iter().find(|bar| bar.0 == 1.0).map_or(0.0, |bar| bar.1);
    let label = format!(
        "Correlation of a position with returns from {} bars before it to {} after it: {} with the next return, the \
         others between {} and {}.",
        number(-first.0, 0),
        number(last.0, 0),
        number(earned, 3),
        number(low, 3),
        number(high, 3)
    );
    let svg = canvas::draw(HEIGHT, &label, |area| {
        let x = Axis {
            scale: Scale::linear(first.0 - 0.5, last.0 + 0.5, 6, number),
            title: "bars from the position to the return",
        };
        let y = Axis { scale: Scale::linear(low, high, 4, number), title: "correlation with the position" };
        let mut chart = frame(area, x, y, Grid::Across)?;
        let band = Rectangle::new([(first.0 - 0.5, -error), (last.0 + 0.5, error)], ACCENT.mix(0.13).filled());
        chart.draw_series([band])?;
        chart.draw_series(bars.iter().map(|&(lead, value)| {
            let color = if lead >= 1.0 { LOSS } else { ACCENT };
            Rectangle::new([(lead - 0.35, 0.0), (lead + 0.35, value)], color.mix(0.6).filled())
        }))?;
        level(&mut chart, 0.0, zero_line())?;
        upright(&mut chart, 0.5, zero_line())
    })?;
    let found = if profile.warning { "Warning: they know" } else { "They know" };
    Ok(Body::Drawn(Drawn {
        svg,
        legend: vec![
            (Key::Gain, "returns that could be known".to_owned()),
            (Key::Loss, "returns that came later".to_owned()),
            (Key::Band, "where chance alone would put 95 % of them".to_owned()),
        ],
        caption: format!(
            "A position may follow the returns on the left and earns the first on the right. {found} {} of the variance of \
             the next return beyond what their Sharpe ratio accounts for; honest positions stay below {}. No foresight is \
             proved by this, and none is excluded.",
            percent(profile.statistic.max(0.0), 1),
            percent(profile.threshold, 1)
        ),
    }))
}
