//! Generated markets with a planted edge whose Sharpe ratio is known in closed form; "no edge" is one of them.
//!
//! A forecast f follows an AR(1) process with unit variance and persistence phi. The return of the next bar is
//! r = mu + sigma (rho f + sqrt(1 - rho^2) e) with e independent standard normal, so that rho is the information
//! coefficient: the correlation of forecast and return. Bars open at the last close, so the next open is a price that
//! can be had.
//!
//! The rule that the planted figure belongs to is long while f > 0 and flat otherwise, the whole equity, with cost c a
//! fill. With a = sigma rho / sqrt(2 pi) its mean a bar is mu / 2 + a - c arccos(phi) / pi, because the mean of max(f, 0)
//! is 1 / sqrt(2 pi) and a Gaussian AR(1) changes sign with probability arccos(phi) / pi (Rice 1944). Its variance, costs
//! aside, is (sigma^2 + mu^2) / 2 + mu sigma rho sqrt(2 / pi) - (mu / 2 + a)^2.

use std::f64::consts::PI;

use q50_engine::{
    strategy::q50::edge,
    units::{AnnualSharpe, Fraction, PeriodsPerYear},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use statrs::distribution::{ContinuousCDF, Normal};
use thiserror::Error;

use crate::{
    bars::Bars,
    error::Error as DataError,
    signals::{SignalColumns, SignalOptions, SignalTable},
};

/// How much the forecast knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edge {
    /// Nothing.
    None,
    /// Its correlation with the next return.
    InformationCoefficient(f64),
    /// As much as gives the long/flat rule this net Sharpe ratio at this cost a fill; the market must not drift.
    NetSharpe {
        /// Annual Sharpe ratio after costs.
        sharpe: AnnualSharpe,
        /// Cost of each fill, a fraction of its notional.
        cost: Fraction,
    },
}

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SynthConfig {
    /// Number of bars.
    pub bars: usize,
    /// Distance of two bars, milliseconds.
    pub interval_ms: i64,
    /// Open of the first bar, epoch milliseconds.
    pub start_ms: i64,
    /// First price.
    pub price: f64,
    /// Standard deviation of a bar's return, a fraction.
    pub volatility: f64,
    /// Mean of a bar's return, a fraction.
    pub drift: f64,
    /// Autocorrelation of the forecast from bar to bar, in [0, 1).
    pub persistence: f64,
    /// How much the forecast knows.
    pub edge: Edge,
    /// Seed of the ChaCha8 generator.
    pub seed: u64,
}

impl Default for SynthConfig {
    /// Three years of hourly bars from 2022-01-01 without drift and without edge.
    fn default() -> Self {
        Self {
            bars: 26_280,
            interval_ms: 3_600_000,
            start_ms: 1_640_995_200_000,
            price: 100.0,
            volatility: 0.005,
            drift: 0.0,
            persistence: 0.98,
            edge: Edge::None,
            seed: 50,
        }
    }
}

/// A configuration that describes no market.
#[derive(Debug, Error)]
pub enum SynthError {
    /// A parameter is outside its range.
    #[error("{name} is {value}, expected {expected}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// Its range.
        expected: &'static str,
    },
    /// The generated bars are no bars: prices left the range of numbers.
    #[error("the generated market is not sound: {0}")]
    Unsound(#[from] DataError),
}

/// A generated market.
#[derive(Clone, Debug)]
pub struct SynthMarket {
    /// Bars.
    pub bars: Bars,
    /// Quantiles of the true conditional distribution, the probability and the side of the planted rule.
    pub signals: SignalTable,
    /// The forecast itself at the close of each bar, of unit variance.
    pub forecast: Vec<f64>,
    /// Correlation of forecast and next return.
    pub information_coefficient: f64,
}

impl SynthConfig {
    /// The information coefficient that [`Edge`] asks for.
    ///
    /// # Errors
    /// A parameter is outside its range, or no coefficient below 1 reaches the asked Sharpe ratio.
    pub fn information_coefficient(&self) -> Result<f64, SynthError> {
        self.check()?;
        let rho = match self.edge {
            Edge::None => 0.0,
            Edge::InformationCoefficient(rho) => rho,
            Edge::NetSharpe { sharpe, cost } => self.coefficient_for(sharpe, cost)?,
        };
        range("information coefficient", rho, (-1.0..1.0).contains(&rho), "a correlation between -1 and 1")?;
        Ok(rho)
    }

    /// Net annual Sharpe ratio of the long/flat rule at `cost` a fill, in expectation.
    ///
    /// # Errors
    /// As [`SynthConfig::information_coefficient`].
    pub fn planted_sharpe(&self, cost: Fraction) -> Result<AnnualSharpe, SynthError> {
        let rho = self.information_coefficient()?;
        let (mu, sigma) = (self.drift, self.volatility);
        let gross = mu / 2.0 + sigma * rho / (2.0 * PI).sqrt();
        let square = (sigma * sigma + mu * mu) / 2.0 + mu * sigma * rho * (2.0 / PI).sqrt();
        let per_period = (gross - self.cost_per_bar(cost)) / (square - gross * gross).sqrt();
        Ok(AnnualSharpe::new(per_period * PeriodsPerYear::from_interval_ms(self.interval_ms).get().sqrt()))
    }

    fn cost_per_bar(&self, cost: Fraction) -> f64 {
        cost.get() * self.persistence.acos() / PI
    }

    /// Without drift the Sharpe ratio s a bar is (a - k) / sqrt(sigma^2 / 2 - a^2) with k the cost a bar; the larger
    /// root of (1 + s^2) a^2 - 2 k a + k^2 - s^2 sigma^2 / 2 = 0 gives a.
    fn coefficient_for(&self, sharpe: AnnualSharpe, cost: Fraction) -> Result<f64, SynthError> {
        range("drift", self.drift, self.drift == 0.0, "0 where a net Sharpe ratio is planted")?;
        let s = sharpe.per_period(PeriodsPerYear::from_interval_ms(self.interval_ms)).get();
        let k = self.cost_per_bar(cost);
        let lead = 1.0 + s * s;
        let discriminant = k * k - lead * (k * k - s * s * self.volatility.powi(2) / 2.0);
        let root = discriminant.max(0.0).sqrt();
        let a = if s >= 0.0 { (k + root) / lead } else { (k - root) / lead };
        Ok(a * (2.0 * PI).sqrt() / self.volatility)
    }

    fn check(&self) -> Result<(), SynthError> {
        range("bars", self.bars as f64, self.bars >= 2, "at least 2")?;
        range("interval_ms", self.interval_ms as f64, self.interval_ms > 0, "above 0")?;
        range("price", self.price, self.price > 0.0 && self.price.is_finite(), "above 0")?;
        range("volatility", self.volatility, self.volatility > 0.0 && self.volatility < 0.1, "in (0, 0.1)")?;
        range("drift", self.drift, self.drift.abs() < 0.01, "in (-0.01, 0.01)")?;
        range("persistence", self.persistence, (0.0..1.0).contains(&self.persistence), "in [0, 1)")
    }

    /// Generates bars and forecasts. The same configuration gives the same bytes.
    ///
    /// # Errors
    /// As [`SynthConfig::information_coefficient`].
    pub fn generate(&self) -> Result<SynthMarket, SynthError> {
        let rho = self.information_coefficient()?;
        let (open_time, market) = (self.times(), self.paths(rho));
        let bars = Bars::new(open_time.clone(), market.open, market.high, market.low, market.close, None)?;
        let columns = self.forecasts(rho, &market.forecast);
        let signals = SignalTable::new(open_time, columns, &SignalOptions::default())?;
        Ok(SynthMarket { bars, signals, forecast: market.forecast, information_coefficient: rho })
    }

    fn times(&self) -> Vec<i64> {
        (0..self.bars as i64).map(|i| self.start_ms + i * self.interval_ms).collect()
    }

    fn paths(&self, rho: f64) -> Paths {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
        let (phi, innovation) = (self.persistence, (1.0 - self.persistence.powi(2)).sqrt());
        let residual = (1.0 - rho * rho).sqrt();
        let mut paths = Paths::with_capacity(self.bars);
        let mut forecast = normal();
        let mut open = self.price;
        // The forecast of the bar before the first one decides the first bar's return.
        for _ in 0..self.bars {
            let r = self.drift + self.volatility * (rho * forecast + residual * normal());
            let close = open * (1.0 + r);
            let wick = 0.5 * self.volatility;
            let high = open.max(close) * (1.0 + wick * normal().abs());
            let low = open.min(close) * (1.0 - wick * normal().abs());
            forecast = phi * forecast + innovation * normal();
            paths.push(open, high, low, close, forecast);
            open = close;
        }
        paths
    }

    /// The forecast made at the close of a bar, as quantiles of the next bar's return.
    fn forecasts(&self, rho: f64, forecast: &[f64]) -> SignalColumns {
        let deviation = self.volatility * (1.0 - rho * rho).sqrt();
        let z90 = Normal::standard().inverse_cdf(0.9) * deviation;
        // Without an edge a forecaster still publishes medians; they are noise of the size that an edge would have.
        let scale = self.volatility * if rho == 0.0 { 0.05 } else { rho };
        let median: Vec<f64> = forecast.iter().map(|f| self.drift + scale * f).collect();
        let quantile = |offset: f64| median.iter().map(|m| m + offset).collect::<Vec<f64>>();
        let prob_up = median
            .iter()
            .map(|&q50| edge::prob_up(&q50_engine::market::Quantiles { q10: q50 - z90, q50, q90: q50 + z90 }))
            .collect();
        let side = forecast.iter().map(|f| if *f > 0.0 { 1.0 } else { 0.0 }).collect();
        SignalColumns {
            q10: Some(quantile(-z90)),
            q90: Some(quantile(z90)),
            q50: Some(median),
            prob_up: Some(prob_up),
            side: Some(side),
            ..SignalColumns::default()
        }
    }
}

fn range(name: &'static str, value: f64, holds: bool, expected: &'static str) -> Result<(), SynthError> {
    if holds { Ok(()) } else { Err(SynthError::Parameter { name, value, expected }) }
}

/// Prices and the forecast at each close.
struct Paths {
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    forecast: Vec<f64>,
}

impl Paths {
    fn with_capacity(n: usize) -> Self {
        let column = || Vec::with_capacity(n);
        Self { open: column(), high: column(), low: column(), close: column(), forecast: column() }
    }

    fn push(&mut self, open: f64, high: f64, low: f64, close: f64, forecast: f64) {
        self.open.push(open);
        self.high.push(high);
        self.low.push(low);
        self.close.push(close);
        self.forecast.push(forecast);
    }
}

/// Reserves of a constant-product pool that follows `prices` (quote units for one whole token), starting with
/// `quote_reserve` smallest quote units: base = sqrt(k / p), quote = sqrt(k p), in smallest units, rounded down.
///
/// `quote_decimals` and `base_decimals` convert the price of whole units into one of smallest units. Liquidity is
/// neither added nor removed.
#[must_use]
pub fn pool_path(prices: &[f64], quote_reserve: u64, quote_decimals: u8, base_decimals: u8) -> Vec<(u64, u64)> {
    let smallest = 10_f64.powi(i32::from(quote_decimals) - i32::from(base_decimals));
    let Some(first) = prices.first() else {
        return Vec::new();
    };
    prices
        .iter()
        .map(|price| {
            let quote = quote_reserve as f64 * (price / first).sqrt();
            let base = quote_reserve as f64 / (first * smallest) * (first / price).sqrt();
            (base as u64, quote as u64)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planted(sharpe: f64) -> SynthConfig {
        let edge = Edge::NetSharpe { sharpe: AnnualSharpe::new(sharpe), cost: Fraction::from_bps(5.0) };
        SynthConfig { edge, ..SynthConfig::default() }
    }

    #[test]
    fn the_planted_sharpe_is_the_one_that_was_asked_for() {
        for target in [-1.0, 0.5, 3.0, 10.0] {
            let sharpe = planted(target).planted_sharpe(Fraction::from_bps(5.0)).unwrap().get();
            assert!((sharpe - target).abs() < 1e-9, "{sharpe} for {target}");
        }
    }

    #[test]
    fn the_long_flat_rule_earns_the_planted_sharpe_over_a_long_record() {
        let config = SynthConfig { bars: 2_000_000, ..planted(3.0) };
        let market = config.generate().unwrap();
        let side = market.signals.columns.side.as_ref().unwrap();
        let (mut previous, mut sum, mut squares) = (0.0_f64, 0.0, 0.0);
        for t in 1..config.bars {
            let r = market.bars.close[t] / market.bars.open[t] - 1.0;
            let net = side[t - 1] * r - 0.0005 * (side[t - 1] - previous).abs();
            previous = side[t - 1];
            sum += net;
            squares += net * net;
        }
        let n = (config.bars - 1) as f64;
        let mean = sum / n;
        let sharpe = mean / (squares / n - mean * mean).sqrt() * 8_760.0_f64.sqrt();
        assert!((sharpe - 3.0).abs() < 0.2, "standard error 0.066 over 228 years: {sharpe}");
    }

    #[test]
    fn forecasts_are_the_true_conditional_quantiles() {
        let config = SynthConfig { bars: 200_000, edge: Edge::InformationCoefficient(0.2), ..SynthConfig::default() };
        let market = config.generate().unwrap();
        let columns = &market.signals.columns;
        let below = |quantile: &Option<Vec<f64>>| {
            let quantile = quantile.as_ref().unwrap();
            let hits = (1..config.bars)
                .filter(|&t| market.bars.close[t] / market.bars.open[t] - 1.0 < quantile[t - 1])
                .count();
            hits as f64 / (config.bars - 1) as f64
        };
        for (column, share) in [(&columns.q10, 0.1), (&columns.q50, 0.5), (&columns.q90, 0.9)] {
            assert!((below(column) - share).abs() < 0.005, "{share}: {}", below(column));
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_market_and_another_seed_another() {
        let close = |seed| SynthConfig { seed, bars: 100, ..planted(1.0) }.generate().unwrap().bars.close;
        assert_eq!(close(1), close(1));
        assert_ne!(close(1), close(2));
    }

    #[test]
    fn impossible_markets_are_refused_by_name() {
        let error = SynthConfig { persistence: 1.0, ..SynthConfig::default() }.generate().unwrap_err();
        assert!(error.to_string().contains("persistence is 1"), "{error}");
        let error = planted(200.0).generate().unwrap_err();
        assert!(error.to_string().contains("information coefficient"), "{error}");
        let error = SynthConfig { drift: 0.001, ..planted(1.0) }.generate().unwrap_err();
        assert!(error.to_string().contains("drift"), "{error}");
    }

    #[test]
    fn a_pool_keeps_its_product_and_follows_the_price() {
        let path = pool_path(&[0.25, 1.0], 100_000_000_000, 9, 6);
        assert_eq!(path[0], (400_000_000, 100_000_000_000), "100 SOL at 0.25 SOL a token are 400 tokens");
        assert_eq!(path[1], (200_000_000, 200_000_000_000), "four times the price, half the tokens, twice the SOL");
    }
}
