use plotters::prelude::{Color, Rectangle};

use super::{
    Body, Drawing, Drawn, Key,
    canvas::{self, ACCENT, HEIGHT, NOISE},
    frame::{Axis, Grid, frame, strokes, upright, zero_line},
    nothing,
    scale::Scale,
};
use crate::{
    claim::Verification,
    metrics::{CentralMoments, Ddof},
    report::{
        format::{count, number},
        returns::of_curve,
    },
};

/// Bars of the histogram on each side of the middle one.
const SIDE: i32 = 20;
/// Their width, in standard deviations: the outermost bars begin four deviations out.
const WIDTH: f64 = 0.2;

/// How often which return came.
pub(super) fn draw(verification: &Verification) -> Drawing {
    let all = of_curve(verification, &verification.curves.equity);
    let returns: Vec<f64> = all.iter().copied().filter(|value| *value != 0.0 && value.is_finite()).collect();
    let moments = CentralMoments::of(&returns).ok();
    let spread = moments.and_then(|moments| Some((moments.mean, moments.variance(Ddof::One).ok()?.sqrt())));
    let Some((mean, deviation)) = spread.filter(|(_, deviation)| *deviation > 0.0) else {
        return nothing("Fewer than two bars have a return, or all returns are equal: there is no distribution.");
    };
    let bins = histogram(&returns, mean, deviation);
    let edge = |bin: i32| (mean + (f64::from(bin) - 0.5) * WIDTH * deviation) * 100.0;
    let normal = |x: f64| {
        let z = (x / 100.0 - mean) / deviation;
        WIDTH * returns.len() as f64 * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
    };
    let most = bins.iter().map(|(_, bars)| *bars as f64).fold(normal(mean * 100.0), f64::max);
    let label = format!(
        "Distribution of {} returns: mean {} per cent, standard deviation {} per cent.",
        count(returns.len()),
        number(mean * 100.0, 3),
        number(deviation * 100.0, 3)
    );
    let svg = canvas::draw(HEIGHT, &label, |area| {
        let x = Axis { scale: Scale::linear(edge(-SIDE), edge(SIDE + 1), 6, number), title: "return of a bar (%)" };
        let y = Axis { scale: Scale::linear(0.0, most, 4, number), title: "number of bars" };
        let mut chart = frame(area, x, y, Grid::Across)?;
        chart.draw_series(bins.iter().filter(|(_, bars)| *bars > 0).map(|(bin, bars)| {
            Rectangle::new([(edge(*bin), 0.0), (edge(bin + 1), *bars as f64)], ACCENT.mix(0.6).filled())
        }))?;
        let points = 120;
        let at = |i: i32| edge(-SIDE) + (edge(SIDE + 1) - edge(-SIDE)) * f64::from(i) / f64::from(points);
        strokes(&mut chart, vec![(0..=points).map(|i| (at(i), normal(at(i)))).collect()], NOISE.stroke_width(3))?;
        upright(&mut chart, 0.0, zero_line())
    })?;
    let still = all.len() - returns.len();
    let left_out = match still {
        0 => String::new(),
        1 => "; 1 bar without a return is left out".to_owned(),
        still => format!("; {} bars without a return are left out", count(still)),
    };
    Ok(Body::Drawn(Drawn {
        svg,
        legend: vec![(Key::Replay, "returns of the replay".to_owned()), (Key::Noise, "as many normal ones".to_owned())],
        caption: format!(
            "How many bars returned how much; the outermost two hold everything beyond four standard deviations{left_out}."
        ),
    }))
}

/// Numbers of returns by bins around their mean, the middle one 0; what lies further out is in the outermost.
fn histogram(returns: &[f64], mean: f64, deviation: f64) -> Vec<(i32, usize)> {
    let mut counts = vec![0_usize; 2 * SIDE as usize + 1];
    for value in returns {
        let bin = ((value - mean) / deviation / WIDTH).round().clamp(f64::from(-SIDE), f64::from(SIDE));
        counts[(bin as i32 + SIDE) as usize] += 1;
    }
    (-SIDE..=SIDE).zip(counts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_return_is_in_one_bin_and_the_far_ones_in_the_last() {
        let bins = histogram(&[0.0, 0.09, 0.11, -0.11, 9.0, -9.0, 4.0], 0.0, 1.0);
        assert_eq!(bins.iter().map(|(_, n)| n).sum::<usize>(), 7);
        let at = |bin: i32| bins.iter().find(|(b, _)| *b == bin).unwrap().1;
        assert_eq!((at(0), at(1), at(-1), at(20), at(-20)), (2, 1, 1, 2, 1));
    }
}
