use plotters::prelude::{Color, Polygon};

use super::{
    Body, Drawing, Drawn, Key,
    canvas::{self, ACCENT, HEIGHT, Point},
    frame::{Axis, Grid, frame, level, replay_line, strokes, zero_line},
    nothing,
    scale::Scale,
};
use crate::{
    claim::Verification,
    report::format::{DASH, count, number, percent},
};

/// Stretches that the record is cut into: few enough for the eye to follow the mean.
const STRETCHES: usize = 120;

/// Mean and extremes of the exposure in one stretch of bars.
struct Stretch {
    from: f64,
    to: f64,
    mean: f64,
    least: f64,
    greatest: f64,
}

/// Share of equity in the market over time.
pub(super) fn draw(verification: &Verification) -> Drawing {
    let curves = &verification.curves;
    let stretches = stretches(&curves.open_time, &curves.exposure);
    let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else {
        return nothing("No bar was replayed, so that nothing was in the market.");
    };
    if curves.open_time.len() < 2 {
        return nothing("One bar was replayed: one point makes no line.");
    }
    let (from, to) = (first.from, last.to);
    let low = stretches.iter().map(|s| s.least).fold(0.0, f64::min);
    let high = stretches.iter().map(|s| s.greatest).fold(0.0, f64::max);
    let mean = verification.replay.exposure.map_or_else(|| DASH.to_owned(), |mean| percent(mean, 1));
    let label = format!("Exposure over time: on average {mean} of equity was in the market.");
    let svg = canvas::draw(HEIGHT, &label, |area| {
        let x = Axis { scale: Scale::time(from, to), title: "open of the bar (UTC)" };
        let y = Axis {
            scale: Scale::linear(low * 100.0, (high * 100.0).max(1.0), 4, number),
            title: "position (% of equity)",
        };
        let mut chart = frame(area, x, y, Grid::Across)?;
        let steps = |value: fn(&Stretch) -> f64| {
            stretches.iter().flat_map(move |s| [(s.from, value(s) * 100.0), (s.to, value(s) * 100.0)])
        };
        let mut band: Vec<Point> = steps(|s| s.greatest).collect();
        let under: Vec<Point> = steps(|s| s.least).collect();
        band.extend(under.into_iter().rev());
        chart.draw_series([Polygon::new(band, ACCENT.mix(0.18))])?;
        level(&mut chart, 0.0, zero_line())?;
        strokes(&mut chart, vec![steps(|s| s.mean).collect()], replay_line().stroke_width(3))
    })?;
    let bars = curves.exposure.len().div_ceil(STRETCHES);
    let (line, shade) = if bars == 1 {
        ("at the close of each bar".to_owned(), "the same".to_owned())
    } else {
        (format!("mean of {} bars", count(bars)), "least to greatest among them".to_owned())
    };
    let mut legend = vec![(Key::Replay, line)];
    if bars > 1 {
        legend.push((Key::Band, shade));
    }
    Ok(Body::Drawn(Drawn {
        svg,
        legend,
        caption: format!(
            "Value of the position as a share of equity: 0 is out of the market, 100 the whole equity in it, below 0 a \
             short position; over the whole record the mean is {mean}."
        ),
    }))
}

fn stretches(open_time: &[i64], exposure: &[f64]) -> Vec<Stretch> {
    let size = exposure.len().div_ceil(STRETCHES).max(1);
    let ends = open_time.chunks(size).skip(1).filter_map(|times| times.first()).chain(open_time.last());
    open_time
        .chunks(size)
        .zip(exposure.chunks(size))
        .zip(ends)
        .filter_map(|((times, values), &to)| {
            let finite = || values.iter().copied().filter(|value| value.is_finite());
            (finite().count() > 0).then(|| Stretch {
                from: times[0] as f64,
                to: to as f64,
                mean: finite().sum::<f64>() / finite().count() as f64,
                least: finite().fold(f64::INFINITY, f64::min),
                greatest: finite().fold(f64::NEG_INFINITY, f64::max),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_cover_the_record_and_keep_its_extremes() {
        let times: Vec<i64> = (0..1_000).collect();
        let mut exposure = vec![0.5; 1_000];
        exposure[777] = -1.0;
        let stretches = stretches(&times, &exposure);
        assert!(stretches.len() <= STRETCHES);
        assert_eq!((stretches[0].from, stretches[stretches.len() - 1].to), (0.0, 999.0));
        assert!(stretches.windows(2).all(|w| w[0].to == w[1].from));
        assert_eq!(stretches.iter().map(|s| s.least).fold(0.0, f64::min), -1.0);
    }
}
