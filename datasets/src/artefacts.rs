//! Bars that nobody could have traded: pasted stretches, interpolated prices, prices that stood still.
//!
//! Three questions are asked of the closing prices. None has a market-specific parameter: the answers must hold for a
//! stablecoin in ticks as well as for a memecoin.
//!
//! **Stale and interpolated** bars show as excesses at zero. As many of the changes from close to close must lie within
//! a tick of zero as in the two bands beside it, which are as wide, because the density of changes is flat on that
//! scale; the excess did not move. The same is asked of the changes of these changes, which are zero on a straight line
//! (in the price, or in its logarithm). A tick is the greatest common divisor of the prices of a stretch; without one,
//! the precision of a 32-bit float. Where the usual change is hardly larger than a tick, nothing can be concluded, and
//! nothing is reported.
//!
//! **Repeated** is a question of probability. Every bar becomes a symbol: up, down or unchanged, by more or by less
//! than the bar before; scaling prices and adding noise do not change it. A window repeats an earlier one if all
//! symbols agree and carry more information, under the record's own second-order frequencies, than 2 log2(bars) + 30
//! bits: fewer than one honest record in 2^30 has one by chance, if its symbols depend on no more than the two before.

use std::collections::HashMap;

use serde::Serialize;

/// What is wrong with a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtefactKind {
    /// Its changes are those of an earlier stretch.
    Repeated,
    /// It lies on a straight line between its neighbours.
    Interpolated,
    /// Its close is the one before, which the tick does not explain; or nothing was traded in it.
    Stale,
}

/// One kind of artefact in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Artefact {
    /// What is wrong.
    pub kind: ArtefactKind,
    /// How many bars are.
    pub bars: usize,
    /// First row of the longest run of such bars.
    pub row: usize,
    /// Bars of that run.
    pub longest: usize,
}

/// So many bars are looked at together: one tick, one scale.
const STRETCH: usize = 500;
/// A tick is taken from so many prices at a time, so that it may change between them.
const TICK_PRICES: usize = 50;
/// So many distinct prices are needed to tell one.
const DISTINCT_PRICES: usize = 4;
/// So many changes are needed to tell the usual one of a stretch.
const CHANGES: usize = 20;
/// Precision of a 32-bit float, relative: closer prices are equal.
const FLOAT: f64 = 2.5e-7;
/// A band may be as wide as this share of the usual change. Beyond, the density of changes is not flat across it.
const WIDEST_BAND: f64 = 0.08;
/// Excesses of fewer bars, or of fewer standard deviations, are chance.
const LEAST_BARS: f64 = 10.0;
const LEAST_DEVIATIONS: f64 = 5.0;
/// Bits beyond those that make one of all pairs of windows agree by chance.
const BITS_BEYOND_CHANCE: f64 = 30.0;
/// Earlier windows are remembered at every so many bars.
const REMEMBERED: usize = 16;
/// Longer windows say next to nothing a bar, and are passed over.
const LONGEST_WINDOW: usize = 500;
const SYMBOLS: usize = 6;

/// The artefacts among bars with these prices, and the volume where there is one; nothing in fewer than 100 bars.
#[must_use]
pub fn artefacts(open: &[f64], high: &[f64], low: &[f64], close: &[f64], volume: Option<&[f64]>) -> Vec<Artefact> {
    if close.len() < 100 {
        return Vec::new();
    }
    let untraded = |t: usize| {
        volume.is_some_and(|volume| volume[t] == 0.0)
            && [open[t], high[t], low[t], close[t]].iter().all(|price| *price == close[t - 1])
    };
    let untraded: Vec<bool> = (0..close.len()).map(|t| t > 0 && untraded(t)).collect();
    let ticks = ticks(close);
    let found = [repeated(close), interpolated(close, &ticks), stale(close, &ticks, &untraded)];
    found.into_iter().flatten().collect()
}

/// Bars whose close is the one before, beyond what the tick explains, and bars without a trade.
fn stale(close: &[f64], ticks: &[f64], untraded: &[bool]) -> Option<Artefact> {
    let changes: Vec<f64> =
        (0..close.len()).map(|t| if t == 0 || untraded[t] { f64::NAN } else { close[t] - close[t - 1] }).collect();
    let excess = excess_at_zero(&changes, close, ticks);
    let certain = untraded.iter().filter(|untraded| **untraded).count();
    let bars = certain + excess.as_ref().map_or(0, |excess| excess.bars);
    let still = |t: usize| untraded[t] || excess.as_ref().is_some_and(|excess| excess.near_zero[t]);
    (bars > 0).then(|| Artefact::of(ArtefactKind::Stale, bars, close.len(), still))
}

/// Bars on a straight line, in the price or in its logarithm, whichever makes more of them.
fn interpolated(close: &[f64], ticks: &[f64]) -> Option<Artefact> {
    let moves = |t: usize| (close[t] - close[t - 1]).abs() > FLOAT * close[t];
    let bends = |straight: fn(f64, f64, f64) -> f64| -> Vec<f64> {
        let bend = |t: usize| {
            let inner = t > 0 && t + 1 < close.len() && (moves(t) || moves(t + 1));
            if inner { straight(close[t - 1], close[t], close[t + 1]) } else { f64::NAN }
        };
        (0..close.len()).map(bend).collect()
    };
    let linear = bends(|before, now, after| after - now - (now - before));
    let geometric = bends(|before, now, after| ((after / now).ln() - (now / before).ln()) * now);
    let found = [linear, geometric].map(|bends| excess_at_zero(&bends, close, ticks));
    let most = found.into_iter().flatten().max_by_key(|excess| excess.bars)?;
    Some(Artefact::of(ArtefactKind::Interpolated, most.bars, close.len(), |t| most.near_zero[t]))
}

/// Values that are zero beyond what their neighbours explain.
struct Excess {
    bars: usize,
    /// Values within a tick of zero, those that are there by chance included.
    near_zero: Vec<bool>,
}

/// `values` are changes in units of `price`, one a bar, `NaN` where a bar has none.
fn excess_at_zero(values: &[f64], price: &[f64], ticks: &[f64]) -> Option<Excess> {
    let changes = |range: std::ops::Range<usize>| -> Vec<f64> {
        range.filter(|t| values[*t].abs() > FLOAT * price[*t]).map(|t| values[t].abs() / price[t]).collect()
    };
    let usual_of_all = median(changes(0..values.len()));
    let mut near_zero = vec![false; values.len()];
    let (mut excess, mut variance) = (0.0, 1.0);
    for (stretch, tick) in ticks.iter().enumerate() {
        let rows = stretch * STRETCH..((stretch + 1) * STRETCH).min(values.len());
        let level = price[rows.clone()].iter().copied().fold(0.0, f64::max);
        let own = changes(rows.clone());
        let usual = if own.len() >= CHANGES { median(own) } else { usual_of_all }? * level;
        // Half a tick beyond a whole number of them: the bands beside then hold exactly twice as many ticks.
        let float = FLOAT * level;
        let band = if *tick > 0.0 { ((float / tick - 0.5).ceil().max(1.0) + 0.5) * tick } else { float };
        if band > WIDEST_BAND * usual {
            continue;
        }
        let (mut inner, mut beside) = (0.0, 0.0);
        for t in rows {
            let value = values[t].abs();
            near_zero[t] = value <= band;
            inner += f64::from(u8::from(value <= band));
            beside += f64::from(u8::from(value > band && value <= 3.0 * band));
        }
        excess += inner - beside / 2.0;
        variance += 0.75 * beside;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of bars, above 0")]
    let found = |excess: f64| Excess { bars: excess.round() as usize, near_zero };
    (excess >= LEAST_BARS && excess > LEAST_DEVIATIONS * f64::sqrt(variance)).then(|| found(excess))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// The tick of most of each stretch, 0 where it has none; infinite in a record that knows too few prices to tell.
fn ticks(close: &[f64]) -> Vec<f64> {
    let tick =
        |prices: &[f64]| median(prices.chunks(TICK_PRICES).filter_map(divisor).collect()).or_else(|| divisor(prices));
    let known: Vec<Option<f64>> = close.chunks(STRETCH).map(tick).collect();
    let usual = median(known.iter().copied().flatten().collect()).unwrap_or(f64::INFINITY);
    known.into_iter().map(|tick| tick.unwrap_or(usual)).collect()
}

/// The greatest common divisor of prices with at most twelve decimals, 0 where they have more; `None` of too few.
fn divisor(prices: &[f64]) -> Option<f64> {
    let mut distinct = prices.to_vec();
    distinct.sort_unstable_by(f64::total_cmp);
    distinct.dedup();
    if distinct.len() < DISTINCT_PRICES {
        return None;
    }
    let whole = |value: f64| (value - value.round()).abs() <= 1e-9 + value * 2e-15;
    let scale = (0..=12).map(|decimals| 10_f64.powi(decimals)).find(|scale| distinct.iter().all(|p| whole(p * scale)));
    let Some(scale) = scale else { return Some(0.0) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "prices are above 0; saturates")]
    let divisor = distinct.iter().map(|price| (price * scale).round() as u64).fold(0, greatest_common_divisor);
    Some(divisor as f64 / scale)
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Bars whose changes repeat those of an earlier stretch.
fn repeated(close: &[f64]) -> Option<Artefact> {
    let symbols = symbols(close);
    let information = information(&symbols);
    let needed = 2.0 * (symbols.len() as f64).log2() + BITS_BEYOND_CHANCE;
    let mut earlier: HashMap<&[u8], usize> = HashMap::new();
    let mut again = vec![false; close.len()];
    let mut end = 0;
    let mut marked = 0;
    for start in 0..symbols.len() {
        while end < symbols.len() && information[end] - information[start] < needed {
            end += 1;
        }
        if information[end] - information[start] < needed {
            break;
        }
        if end - start > LONGEST_WINDOW {
            continue;
        }
        let window = &symbols[start..end];
        if earlier.contains_key(window) {
            // A symbol belongs to the bar that it ends in.
            again[start.max(marked) + 1..=end].fill(true);
            marked = end;
        } else if start % REMEMBERED == 0 {
            earlier.insert(window, start);
        }
    }
    let bars = again.iter().filter(|again| **again).count();
    (bars > 0).then(|| Artefact::of(ArtefactKind::Repeated, bars, close.len(), |t| again[t]))
}

/// For each change of the close: whether it is down, none or up, and whether it is greater than the one before.
fn symbols(close: &[f64]) -> Vec<u8> {
    let mut before = f64::INFINITY;
    close
        .windows(2)
        .map(|pair| {
            let change = (pair[1] / pair[0]).ln();
            let greater = u8::from(change.abs() > before);
            before = change.abs();
            let direction = if change > 0.0 { 2 } else { u8::from(change == 0.0) };
            2 * direction + greater
        })
        .collect()
}

/// Bits of the symbols before each, and of all of them: a symbol's own are those of its frequency after the two before it.
fn information(symbols: &[u8]) -> Vec<f64> {
    let context = |t: usize| usize::from(symbols[t - 2]) * SYMBOLS + usize::from(symbols[t - 1]);
    let mut counts = vec![[1_u32; SYMBOLS]; SYMBOLS * SYMBOLS];
    for t in 2..symbols.len() {
        counts[context(t)][usize::from(symbols[t])] += 1;
    }
    let bits = |t: usize| {
        let counts = counts[context(t)];
        let all: u32 = counts.iter().sum();
        (f64::from(all) / f64::from(counts[usize::from(symbols[t])])).log2()
    };
    let mut sum = 0.0;
    std::iter::once(0.0)
        .chain((0..symbols.len()).map(|t| {
            sum += if t < 2 { 0.0 } else { bits(t) };
            sum
        }))
        .collect()
}

impl Artefact {
    fn of(kind: ArtefactKind, bars: usize, rows: usize, is: impl Fn(usize) -> bool) -> Self {
        let (mut row, mut longest, mut run) = (0, 0, 0);
        for t in 0..rows {
            run = if is(t) { run + 1 } else { 0 };
            if run > longest {
                (row, longest) = (t + 1 - run, run);
            }
        }
        Self { kind, bars, row, longest }
    }

    /// One sentence with the figures.
    #[must_use]
    pub fn text(&self) -> String {
        let what = match self.kind {
            ArtefactKind::Repeated => "repeat the changes of an earlier stretch",
            ArtefactKind::Interpolated => "lie on straight lines between their neighbours",
            ArtefactKind::Stale => "stand still where a market would have moved",
        };
        format!("{} bars {what}, {} at a time at most", self.bars, self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a stretch with so many changes of zero, `beside` just outside the band and all others of 2 % is in excess.
    fn is_excess(zeros: usize, beside: usize, tick: f64) -> bool {
        let band = if tick > 0.0 { 1.5 * tick } else { FLOAT };
        let value = |t: usize| match t {
            t if t < zeros => 0.0,
            t if t < zeros + beside => 2.0 * band,
            _ => 0.02,
        };
        let values: Vec<f64> = (0..STRETCH).map(value).collect();
        excess_at_zero(&values, &[1.0; STRETCH], &[tick]).is_some()
    }

    #[test]
    fn an_excess_has_ten_bars_and_five_standard_deviations() {
        assert!(is_excess(10, 0, 0.0) && !is_excess(9, 0, 0.0));
        // 40 beside explain 20, with a variance of 1 + 30: five deviations are 27.8 more.
        assert!(is_excess(48, 40, 0.0) && !is_excess(47, 40, 0.0));
    }

    #[test]
    fn nothing_is_told_where_a_tick_is_nearly_the_usual_change() {
        // Of the usual change of 2 %, a band may have 0.08: a tick and a half are 0.0015 and 0.00165.
        assert!(is_excess(100, 0, 0.001) && !is_excess(100, 0, 0.001_1));
    }
}
