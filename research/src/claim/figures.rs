//! The figures claimed, those of the replay, and those of buy and hold.

use std::collections::BTreeMap;

use q50_engine::{
    decision::Reason,
    market::Market,
    record::Journal,
    units::{AnnualSharpe, LAMPORTS_PER_SOL, Lamports, PerPeriodSharpe, PeriodsPerYear},
    venue::{PoolCosts, Rejection},
};
use serde::Serialize;

use super::{
    file::{Claim, Period},
    perpetual::PerpetualFigures,
};
use crate::metrics::{self, Ddof};

/// The claim as it was judged.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimFigures {
    /// What is claimed, for people.
    pub name: String,
    /// Where the claim was made.
    pub source: String,
    /// Annual Sharpe ratio.
    pub sharpe: f64,
    /// Return over the whole period, a fraction.
    pub total_return: Option<f64>,
    /// Largest fall from a peak, a positive fraction.
    pub max_drawdown: Option<f64>,
    /// Orders that were filled.
    pub trades: Option<u64>,
    /// Bars of the figure.
    pub bars: usize,
    /// Opens of the first and of the last bar.
    pub period: Option<Period>,
    /// Bars that the claim counts as a year.
    pub periods_per_year: f64,
    /// Variants that the claimant admits.
    pub trials: u64,
}

/// What the replay earned. Unknown is `None`.
#[derive(Clone, Debug, Serialize)]
pub struct ReplayFigures {
    /// Annual Sharpe ratio.
    pub sharpe: Option<f64>,
    /// The same per bar.
    pub sharpe_per_period: Option<f64>,
    /// Final equity over capital, less one.
    pub total_return: f64,
    /// Equity at the last close, quote units.
    pub final_equity: f64,
    /// Largest fall from a peak, a positive fraction.
    pub max_drawdown: Option<f64>,
    /// Annual Sortino ratio.
    pub sortino: Option<f64>,
    /// Compound growth a year.
    pub cagr: Option<f64>,
    /// Annual standard deviation of returns.
    pub volatility: Option<f64>,
    /// Skewness of the returns.
    pub skew: Option<f64>,
    /// Kurtosis of the returns; 3 for the normal distribution.
    pub kurtosis: Option<f64>,
    /// Orders filled; `None` where only equity is known.
    pub fills: Option<usize>,
    /// Orders that were not filled.
    pub rejections: Option<usize>,
    /// What each limit of the account did to entries, by its name; nothing where none was reached.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<&'static str, LimitFigures>,
    /// Traded notional over the equity at the start of its bar, summed.
    pub turnover: Option<f64>,
    /// Mean share of equity in the market.
    pub exposure: Option<f64>,
    /// Sum of fees and of what failed transactions cost, quote units.
    pub fees: Option<f64>,
    /// Quote units lost to the spread; `None` where fills do not tell it from the price.
    pub spread_cost: Option<f64>,
    /// What trading in a pool cost, part by part; `None` on a price venue.
    pub pool_costs: Option<PoolCostFigures>,
    /// What moved the equity on a perpetual future, part by part; `None` elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perpetual: Option<PerpetualFigures>,
    /// Closed positions that gained, a share of all that were closed.
    pub hit_rate: Option<f64>,
    /// Gains for each unit of losses, over closed positions.
    pub profit_factor: Option<f64>,
    /// Bars replayed.
    pub bars: usize,
}

/// What a limit of the account did to entries.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct LimitFigures {
    /// Entries of which it left nothing.
    pub refused: usize,
    /// Entries that it cut to what was left.
    pub cut: usize,
}

/// What trading in a pool cost, SOL.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct PoolCostFigures {
    /// To the liquidity providers.
    pub lp: f64,
    /// To the protocol.
    pub protocol: f64,
    /// To the coin's creator.
    pub creator: f64,
    /// To the network, failed transactions left out.
    pub network: f64,
    /// Lost to our own impact.
    pub impact: f64,
    /// Taken by sandwiches.
    pub sandwich: f64,
}

/// What holding earned, without costs: one return for each decision, from the close at which it is made to the next.
#[derive(Clone, Debug, Serialize)]
pub struct BenchmarkFigures {
    /// `buy_and_hold`, `benchmark` where the user named another one, or `none`.
    pub name: &'static str,
    /// Annual Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Return over the period, a fraction.
    pub total_return: Option<f64>,
    /// Largest fall from a peak, a positive fraction.
    pub max_drawdown: Option<f64>,
}

impl BenchmarkFigures {
    /// That of a result that nothing is held against.
    pub(super) const NONE: &'static str = "none";

    /// The figures of `curve`, which begins before the first return.
    pub(super) fn of(name: &'static str, curve: &[f64], year: PeriodsPerYear) -> Self {
        let returns: Vec<f64> = curve.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
        let ends = curve.first().zip(curve.last());
        Self {
            name,
            sharpe: metrics::sharpe(&returns, year).ok().map(AnnualSharpe::get),
            total_return: ends.map(|(first, last)| last / first - 1.0),
            max_drawdown: metrics::max_drawdown_of_equity(curve).ok().map(|d| d.depth),
        }
    }

    /// What it is called in text.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self.name {
            "buy_and_hold" => "buy and hold",
            Self::NONE => "no benchmark",
            _ => "benchmark",
        }
    }
}

/// Curves for the report, one value a bar.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    /// Open of each bar, epoch milliseconds.
    pub open_time: Vec<i64>,
    /// Close of each bar, quote units.
    pub close: Vec<f64>,
    /// Equity over capital.
    pub equity: Vec<f64>,
    /// Holding's equity over capital.
    pub holding: Vec<f64>,
    /// Value of the position as a share of equity.
    pub exposure: Vec<f64>,
}

pub(super) fn claim_figures(claim: &Claim) -> ClaimFigures {
    ClaimFigures {
        name: claim.name.clone(),
        source: claim.source.clone(),
        sharpe: claim.sharpe.get(),
        total_return: claim.total_return,
        max_drawdown: claim.max_drawdown,
        trades: claim.trades,
        bars: claim.bars,
        period: claim.period.clone(),
        periods_per_year: claim.periods_per_year.get(),
        trials: claim.trials,
    }
}

pub(super) fn curves(market: &Market<'_>, journal: &Journal) -> Curves {
    let rows = market.first..market.len();
    Curves {
        open_time: market.open_time[rows.clone()].to_vec(),
        close: market.close[rows].to_vec(),
        equity: journal.equity.iter().map(|e| e / journal.capital).collect(),
        holding: holding(market),
        exposure: journal.exposure.clone(),
    }
}

/// What holding one unit of money from the first close on is worth at each close.
pub(super) fn holding(market: &Market<'_>) -> Vec<f64> {
    let closes = &market.close[market.first..];
    let bought = closes.first().copied().unwrap_or(f64::NAN);
    closes.iter().map(|close| close / bought).collect()
}

/// What one instrument of a portfolio brought.
#[derive(Clone, Debug, Serialize)]
pub struct InstrumentFigures {
    /// Its name: that of the file of its bars.
    pub name: String,
    /// Bars replayed.
    pub bars: usize,
    /// What it gained after costs, quote units; those of all instruments add up to what the account gained.
    pub gain: f64,
    /// Orders filled.
    pub fills: usize,
    /// Orders that were not filled.
    pub rejections: usize,
    /// Sum of fees and of what failed transactions cost, quote units.
    pub fees: f64,
    /// Mean value of its position as a share of the whole equity.
    pub exposure: Option<f64>,
    /// The last close, quote units.
    pub last_close: Option<f64>,
    /// Opens of the bars that were traded, epoch milliseconds.
    #[serde(skip)]
    pub open_time: Vec<i64>,
}

impl InstrumentFigures {
    pub(super) fn of(name: &str, market: &Market<'_>, journal: &Journal) -> Self {
        Self {
            name: name.to_owned(),
            bars: journal.equity.len(),
            gain: journal.equity.last().map_or(0.0, |last| last - journal.capital),
            fills: journal.fills.len(),
            rejections: journal.rejections.len(),
            fees: fees(journal),
            exposure: metrics::exposure(&journal.exposure).ok(),
            last_close: market.close.last().copied(),
            open_time: market.open_time[market.first..].to_vec(),
        }
    }
}

fn fees(journal: &Journal) -> f64 {
    metrics::sum::sum(journal.fills.iter().map(|row| row.fill.cost)) + journal.charged
}

/// `first` is the first row that was traded.
pub(super) fn replay_figures(journal: &Journal, first: usize, returns: &[f64], year: PeriodsPerYear) -> ReplayFigures {
    let per_period = metrics::per_period_sharpe(returns, Ddof::One).ok();
    let final_equity = journal.equity.last().copied().unwrap_or(journal.capital);
    let with_start: Vec<f64> = std::iter::once(journal.capital).chain(journal.equity.iter().copied()).collect();
    let outcomes = crate::round_trips::outcomes_of(journal);
    let orders = journal.fills.iter().filter(|row| row.reason != Reason::Liquidation);
    let traded_costs = orders.map(|row| row.fill.spread_cost);
    let mut traded = vec![0.0; journal.equity.len()];
    for row in &journal.fills {
        traded[row.fill.row - first] += row.fill.notional;
    }
    ReplayFigures {
        sharpe: per_period.map(|s| s.annual(year).get()),
        sharpe_per_period: per_period.map(PerPeriodSharpe::get),
        total_return: final_equity / journal.capital - 1.0,
        final_equity,
        max_drawdown: metrics::max_drawdown_of_equity(&with_start).ok().map(|d| d.depth),
        sortino: metrics::sortino(returns, year).ok(),
        cagr: metrics::cagr(returns, year).ok(),
        volatility: metrics::volatility(returns, year).ok(),
        skew: metrics::skewness_biased(returns).ok(),
        kurtosis: metrics::kurtosis_biased(returns).ok(),
        fills: Some(journal.fills.len()),
        rejections: Some(journal.rejections.len()),
        limits: limits(journal),
        turnover: metrics::turnover(&traded, &with_start[..traded.len()]).ok(),
        exposure: metrics::exposure(&journal.exposure).ok(),
        fees: Some(fees(journal)),
        spread_cost: Some(metrics::sum::sum(traded_costs)),
        pool_costs: pool_costs(journal),
        perpetual: None,
        hit_rate: metrics::hit_rate(&outcomes).ok(),
        profit_factor: metrics::profit_factor(&outcomes).ok(),
        bars: journal.equity.len(),
    }
}

fn limits(journal: &Journal) -> BTreeMap<&'static str, LimitFigures> {
    let mut figures: BTreeMap<&'static str, LimitFigures> = BTreeMap::new();
    let refused = |&(_, rejection): &(usize, Rejection)| match rejection {
        Rejection::Limit(limit) => Some(limit),
        _ => None,
    };
    for limit in journal.rejections.iter().filter_map(refused) {
        figures.entry(limit.name()).or_default().refused += 1;
    }
    for (_, limit) in &journal.cuts {
        figures.entry(limit.name()).or_default().cut += 1;
    }
    figures
}

/// Summed in lamports, so that no digit is lost; `None` where no fill was a pool's.
fn pool_costs(journal: &Journal) -> Option<PoolCostFigures> {
    let fills: Vec<_> = journal.fills.iter().filter_map(|row| row.fill.pool).collect();
    if fills.is_empty() {
        return None;
    }
    let sol = |part: fn(&PoolCosts) -> Lamports| {
        fills.iter().map(|costs| u128::from(part(costs).get())).sum::<u128>() as f64 / LAMPORTS_PER_SOL
    };
    Some(PoolCostFigures {
        lp: sol(|c| c.lp),
        protocol: sol(|c| c.protocol),
        creator: sol(|c| c.creator),
        network: sol(|c| c.network),
        impact: metrics::sum::sum(fills.iter().map(|c| c.impact)),
        sandwich: metrics::sum::sum(fills.iter().map(|c| c.sandwich)),
    })
}

/// Holding earns one return for each decision: from the close at which it is made to the next one.
pub(super) fn benchmark_figures(
    market: &Market<'_>,
    next_close: Option<f64>,
    year: PeriodsPerYear,
) -> BenchmarkFigures {
    let bought = market.close.get(market.first).copied().unwrap_or(f64::NAN);
    let mut curve = holding(market);
    curve.extend(next_close.map(|close| close / bought));
    BenchmarkFigures::of("buy_and_hold", &curve, year)
}
