use plotters::prelude::{Color, Rectangle};

use super::{
    Body, Drawing, Drawn, Key,
    canvas::{self, ACCENT, HEIGHT, Point},
    decimate::lines,
    frame::{Axis, Grid, frame, level, replay_line, strokes, zero_line},
    nothing,
    scale::Scale,
};
use crate::{
    claim::Verification,
    report::{
        format::{count, number, percent},
        why::periods_per_year,
    },
};

/// Length of the window.
const WINDOW_MS: i64 = 30 * 24 * 3_600_000;
/// Standard errors on each side that hold 95 % of a normal distribution.
const NORMAL_95: f64 = 1.96;

/// The annual Sharpe ratio of the 30 days before each bar.
pub(super) fn sharpe(verification: &Verification) -> Drawing {
    let windows = match Windows::of(verification) {
        Ok(windows) => windows,
        Err(sentence) => return nothing(sentence),
    };
    let ratios: Vec<f64> = windows.moments.iter().map(|[mean, deviation]| mean / deviation * windows.annual).collect();
    let line = lines(windows.times, &ratios);
    if line.is_empty() {
        return nothing("Returns did not vary within any 30 days, so that no window has a Sharpe ratio.");
    }
    let error = NORMAL_95 * windows.annual / (windows.bars as f64).sqrt();
    let band = verification.replay.sharpe.map(|sharpe| [sharpe - error, sharpe + error]);
    let drawn = || line.iter().flatten().map(|point: &Point| point.1).chain(band.into_iter().flatten());
    let (low, high) = (drawn().fold(0.0, f64::min), drawn().fold(0.0, f64::max));
    let [least, most] = ends(&line);
    let label = format!(
        "Annual Sharpe ratio of the last 30 days over time, between {} and {}.",
        number(least, 1),
        number(most, 1)
    );
    let svg = canvas::draw(HEIGHT, &label, |area| {
        let y = Axis { scale: Scale::linear(low, high, 5, number), title: "annual Sharpe ratio of 30 days" };
        let mut chart = frame(area, windows.axis(), y, Grid::Across)?;
        if let Some([low, high]) = band {
            let corners = [(windows.from, low), (windows.to, high)];
            chart.draw_series([Rectangle::new(corners, ACCENT.mix(0.13).filled())])?;
        }
        level(&mut chart, 0.0, zero_line())?;
        strokes(&mut chart, line, replay_line().stroke_width(3))
    })?;
    let mut legend = vec![windows.key()];
    let mut caption = "Each point is the annual Sharpe ratio of the 30 days that end at its bar".to_owned();
    if band.is_some() {
        legend.push((Key::Band, "where chance alone would put 95 % of windows".to_owned()));
        caption.push_str(
            "; a line inside the band is no sign of change, for that is how far such windows scatter around the replay's \
             one ratio when returns are independent and normal",
        );
    }
    caption.push('.');
    Ok(Body::Drawn(Drawn { svg, legend, caption }))
}

/// The annual volatility of the 30 days before each bar.
pub(super) fn volatility(verification: &Verification) -> Drawing {
    let windows = match Windows::of(verification) {
        Ok(windows) => windows,
        Err(sentence) => return nothing(sentence),
    };
    let values: Vec<f64> = windows.moments.iter().map(|[_, deviation]| deviation * windows.annual * 100.0).collect();
    let line = lines(windows.times, &values);
    if line.is_empty() {
        return nothing("Returns did not vary within any 30 days, so that no window has a volatility.");
    }
    let [least, most] = ends(&line);
    let label = format!(
        "Annual volatility of the last 30 days over time, between {} and {} per cent.",
        number(least, 1),
        number(most, 1)
    );
    let svg = canvas::draw(HEIGHT, &label, |area| {
        let y = Axis { scale: Scale::linear(0.0, most, 5, number), title: "annual volatility of 30 days (%)" };
        let mut chart = frame(area, windows.axis(), y, Grid::Across)?;
        if let Some(whole) = verification.replay.volatility {
            level(&mut chart, whole * 100.0, zero_line())?;
        }
        strokes(&mut chart, line, replay_line().stroke_width(3))
    })?;
    let whole = verification.replay.volatility.map_or_else(String::new, |whole| {
        format!("; the level line is that of the whole record, {}", percent(whole, 1))
    });
    let caption = format!(
        "Each point is the annual standard deviation of the returns of the 30 days that end at its bar{whole}."
    );
    Ok(Body::Drawn(Drawn { svg, legend: vec![windows.key()], caption }))
}

/// The least and the greatest value of a line.
fn ends(line: &[Vec<Point>]) -> [f64; 2] {
    let values = || line.iter().flatten().map(|point| point.1);
    [values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max)]
}

/// Windows of 30 days that end at each bar.
struct Windows<'a> {
    /// Bars that a window has.
    bars: usize,
    /// Openings of the bars that windows end at: a return is known at the close of the later of its two bars.
    times: &'a [i64],
    /// Mean and deviation of each window's returns.
    moments: Vec<[f64; 2]>,
    /// Square root of the periods a year.
    annual: f64,
    from: f64,
    to: f64,
}

impl<'a> Windows<'a> {
    /// The windows, or the sentence that says why there are none.
    fn of(verification: &'a Verification) -> Result<Self, String> {
        let curves = &verification.curves;
        let Some(interval) = interval(&curves.open_time) else {
            return Err("Fewer than two bars were replayed: there is no return to look at.".to_owned());
        };
        let Some(year) = periods_per_year(verification) else {
            let sentence = "The settings do not say how many bars make a year, so that nothing can be annual.";
            return Err(sentence.to_owned());
        };
        let bars = usize::try_from(WINDOW_MS / interval).unwrap_or(usize::MAX);
        let returns: Vec<f64> = curves.equity.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
        if bars < 2 || returns.len() < bars {
            return Err(format!(
                "The record has {} returns, fewer than the {} bars of 30 days, so that no window is full.",
                count(returns.len()),
                count(bars.max(2))
            ));
        }
        Ok(Self {
            bars,
            times: curves.open_time.get(1..).unwrap_or_default(),
            moments: rolling(&returns, bars),
            annual: year.get().sqrt(),
            from: curves.open_time[0] as f64,
            to: curves.open_time[curves.open_time.len() - 1] as f64,
        })
    }

    fn axis(&self) -> Axis {
        Axis { scale: Scale::time(self.from, self.to), title: "open of the window's last bar (UTC)" }
    }

    fn key(&self) -> (Key, String) {
        (Key::Replay, format!("replay, {} bars a window", count(self.bars)))
    }
}

/// The usual distance of two bars: the median, because gaps are longer.
fn interval(open_time: &[i64]) -> Option<i64> {
    let mut distances: Vec<i64> = open_time.windows(2).map(|w| w[1] - w[0]).collect();
    let middle = distances.len() / 2;
    (!distances.is_empty()).then(|| *distances.select_nth_unstable(middle).1).filter(|ms| *ms > 0)
}

/// Mean and deviation (n - 1) of the last `window` returns at each return; `NaN` before the window is full, and where all of
/// its returns are equal.
fn rolling(returns: &[f64], window: usize) -> Vec<[f64; 2]> {
    let n = window as f64;
    let (mut mean, mut squares, mut equal) = (0.0, 0.0, 0_usize);
    let mut moments = Vec::with_capacity(returns.len());
    for (i, &r) in returns.iter().enumerate() {
        equal = if i > 0 && returns[i - 1] == r { equal + 1 } else { 1 };
        if i + 1 < window {
            moments.push([f64::NAN; 2]);
            continue;
        }
        if (i + 1).is_multiple_of(window) {
            // Updates round a little each time: begin afresh once a window.
            let part = &returns[i + 1 - window..=i];
            mean = part.iter().sum::<f64>() / n;
            squares = part.iter().map(|r| (r - mean).powi(2)).sum();
        } else {
            let gone = returns[i - window];
            let before = mean;
            mean += (r - gone) / n;
            squares += (r - gone) * (r - mean + gone - before);
        }
        let variance = squares / (n - 1.0);
        let varies = equal < window && variance > 0.0 && variance.is_finite();
        moments.push(if varies { [mean, variance.sqrt()] } else { [f64::NAN; 2] });
    }
    moments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Ddof, per_period_sharpe};

    fn sharpes(returns: &[f64], window: usize) -> Vec<f64> {
        rolling(returns, window).iter().map(|[mean, deviation]| mean / deviation).collect()
    }

    #[test]
    fn a_moving_window_agrees_with_the_metric_on_each_window() {
        let returns: Vec<f64> = (0..200).map(|i| (f64::from(i) * 1.7).sin() * 0.01 + 0.001).collect();
        let ratios = sharpes(&returns, 30);
        assert!(ratios[..29].iter().all(|ratio| ratio.is_nan()));
        for (i, ratio) in ratios.iter().enumerate().skip(29) {
            let direct = per_period_sharpe(&returns[i - 29..=i], Ddof::One).unwrap().get();
            assert!((ratio - direct).abs() < 1e-12, "{i}");
        }
    }

    #[test]
    fn a_still_window_has_no_ratio() {
        let mut returns = vec![0.0; 50];
        returns[20] = 0.01;
        let ratios = sharpes(&returns, 10);
        assert!(
            ratios[..20].iter().all(|ratio| ratio.is_nan()) && ratios[20..30].iter().all(|ratio| ratio.is_finite())
        );
        assert!(ratios[30..].iter().all(|ratio| ratio.is_nan()), "what an update leaves behind is not a ratio");
    }

    #[test]
    fn gaps_do_not_change_the_interval() {
        assert_eq!(interval(&[0, 10, 20, 90, 100]), Some(10));
        assert_eq!(interval(&[5]), None);
    }
}
