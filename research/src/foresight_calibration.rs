//! How often the foresight profile warns: for honest positions on generated markets, and for positions with a known
//! kind and strength of foresight.

use q50_datasets::synth::{SynthConfig, SynthError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{foresight::ForesightProfile, inference::share_interval, lookahead::planted::Recipe, metrics::Undefined};

/// How many of how many markets were warned of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Warned {
    /// Markets with a profile.
    pub of: usize,
    /// Warnings.
    pub warnings: usize,
}

impl Warned {
    /// Share of markets that were warned of.
    #[must_use]
    pub fn share(self) -> f64 {
        self.warnings as f64 / self.of as f64
    }

    /// 95 % interval of that share.
    #[must_use]
    pub fn interval(self) -> [f64; 2] {
        share_interval(self.warnings as u64, self.of as u64)
    }
}

/// Kinds of honest positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Honest {
    /// Long or flat by a forecast of the next return that is known as it is made.
    Forecast,
    /// The same with noise in it, so that the forecast's own past tells more than its present.
    NoisyForecast,
    /// Long or short where a forecast is extreme, and flat otherwise.
    SparseSides,
    /// As much as a forecast says.
    SizedForecast,
    /// Long or flat by the return of the last bars.
    TrendFollower,
    /// Long or flat by the distance from a mean of the last bars.
    MeanReverter,
}

impl Honest {
    /// Every kind, with its name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("forecast", Self::Forecast),
        ("forecast with noise", Self::NoisyForecast),
        ("sparse long and short sides", Self::SparseSides),
        ("position sized by a forecast", Self::SizedForecast),
        ("trend follower", Self::TrendFollower),
        ("mean reverter", Self::MeanReverter),
    ];

    /// Profiles of this kind on `markets` markets: 1,000 to 26,280 bars; returns that are independent, fat-tailed, of
    /// changing volatility, or autocorrelated (-0.2 to 0.2); forecasts of an annual Sharpe ratio from 0 to 4, on hourly or
    /// on daily bars, with a persistence of 0.5 to 0.995; rules over 2 to 96 bars.
    #[must_use]
    pub fn warned(self, markets: u64, seed: u64) -> Warned {
        tally((0..markets).into_par_iter().map(|market| self.profile(seed + market)).collect())
    }

    fn profile(self, seed: u64) -> Result<ForesightProfile, Undefined> {
        let world = World::new(self, seed);
        let position = |t: usize| match self {
            Self::Forecast | Self::NoisyForecast | Self::TrendFollower | Self::MeanReverter => {
                f64::from(u8::from(world.signal[t] > 0.0))
            }
            Self::SparseSides => {
                if world.signal[t].abs() > 1.75 {
                    world.signal[t].signum()
                } else {
                    0.0
                }
            }
            Self::SizedForecast => world.signal[t].clamp(-2.0, 2.0),
        };
        let positions: Vec<f64> = (0..world.returns.len() - 1).map(position).collect();
        ForesightProfile::new(&positions, &world.returns[1..])
    }
}

/// Returns, and what was known after each of them.
struct World {
    returns: Vec<f64>,
    signal: Vec<f64>,
}

impl World {
    fn new(kind: Honest, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let bars = [1_000, 3_000, 8_760, 26_280][rng.random_range(0..4_usize)];
        let per_year: f64 = if rng.random_range(0..2) == 0 { 8_760.0 } else { 365.0 };
        let market = rng.random_range(0..4);
        let (sharpe, phi): (f64, f64) =
            (rng.random_range(0.0..4.0), [0.5, 0.9, 0.98, 0.995][rng.random_range(0..4_usize)]);
        let forecasts = !matches!(kind, Honest::TrendFollower | Honest::MeanReverter);
        // The long/flat rule earns rho / sqrt(pi) a bar, in units of its own deviation.
        let rho = if forecasts { sharpe / per_year.sqrt() * std::f64::consts::PI.sqrt() } else { 0.0 };
        let own: f64 = if kind == Honest::NoisyForecast { rng.random_range(0.3..0.9) } else { 1.0 };
        let autocorrelation: f64 = if market == 3 { rng.random_range(-0.2..0.2) } else { 0.0 };
        let (mut forecast, mut noise, mut log_volatility, mut last) = (normal(&mut rng), 0.0, 0.0_f64, 0.0);
        let noise_phi = if rng.random_range(0..2) == 0 { 0.0 } else { 0.9 };
        let (mut returns, mut signal) = (Vec::with_capacity(bars), Vec::with_capacity(bars));
        for _ in 0..bars {
            let mut shock = normal(&mut rng);
            if market == 1 {
                // Student's t with four degrees of freedom: a normal over the root of a scaled chi square.
                shock /= ((0..4).map(|_| normal(&mut rng).powi(2)).sum::<f64>() / 2.0).sqrt();
            }
            if market == 2 {
                log_volatility = 0.99 * log_volatility + 0.1 * normal(&mut rng);
            }
            last = autocorrelation * last + log_volatility.exp() * (rho * forecast + (1.0 - rho * rho).sqrt() * shock);
            returns.push(0.005 * last);
            forecast = step(forecast, phi, &mut rng);
            noise = step(noise, noise_phi, &mut rng);
            signal.push(own * forecast + (1.0 - own * own).sqrt() * noise);
        }
        if !forecasts {
            let close: Vec<f64> = returns
                .iter()
                .scan(100.0, |price, r| {
                    *price *= 1.0 + r.max(-0.5);
                    Some(*price)
                })
                .collect();
            let bars = [2, 6, 24, 96][rng.random_range(0..4_usize)];
            let rule = if kind == Honest::TrendFollower { Recipe::Momentum(bars) } else { Recipe::Reversion(bars) };
            signal = rule.signal(&close);
        }
        Self { returns, signal }
    }
}

/// Next value of an AR(1) process with unit variance.
fn step(value: f64, phi: f64, rng: &mut ChaCha8Rng) -> f64 {
    phi * value + (1.0 - phi * phi).sqrt() * normal(rng)
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    // Box and Muller (1958).
    let (radius, angle): (f64, f64) = (rng.random_range(f64::MIN_POSITIVE..1.0), rng.random_range(0.0..1.0));
    (-2.0 * radius.ln()).sqrt() * (2.0 * std::f64::consts::PI * angle).cos()
}

/// Profiles of long/flat positions by `recipe`, on `markets` generated markets without edge. `strength` is the correlation
/// of the signal with the recipe; the rest is the recipe on another market, which moves as fast and knows nothing.
///
/// # Errors
/// A market cannot be generated.
pub fn planted(recipe: Recipe, strength: f64, bars: usize, markets: u64, seed: u64) -> Result<Warned, SynthError> {
    let profiles = (0..markets).into_par_iter().map(|market| {
        let made = |seed| SynthConfig { bars, seed, ..SynthConfig::default() }.generate();
        let here = made(seed + 2 * market)?.bars.close;
        let elsewhere = made(seed + 2 * market + 1)?.bars.close;
        let (own, other) = (scores(&recipe.signal(&here)), scores(&recipe.signal(&elsewhere)));
        let rest = (1.0 - strength * strength).sqrt();
        let positions: Vec<f64> =
            own.iter().zip(&other).map(|(a, b)| f64::from(u8::from(strength * a + rest * b > 0.0))).collect();
        let returns: Vec<f64> = here.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
        Ok(ForesightProfile::new(&positions[..returns.len()], &returns))
    });
    Ok(tally(profiles.collect::<Result<_, SynthError>>()?))
}

/// Values in standard deviations from their mean; 0 where there is none.
fn scores(values: &[f64]) -> Vec<f64> {
    let known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let deviation = (known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / known.len() as f64).sqrt();
    values.iter().map(|value| if value.is_finite() { (value - mean) / deviation } else { 0.0 }).collect()
}

fn tally(profiles: Vec<Result<ForesightProfile, Undefined>>) -> Warned {
    let profiles: Vec<ForesightProfile> = profiles.into_iter().flatten().collect();
    Warned { of: profiles.len(), warnings: profiles.iter().filter(|profile| profile.warning).count() }
}
