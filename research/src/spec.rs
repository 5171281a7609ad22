//! The resolved specification of a run: data, strategy, venue, capital. Two runs that resolve to the same are the same,
//! however they were typed.
//!
//! - [`RunSpec::id`] is the identity of the run: a hash of the whole.
//! - [`RunSpec::hypothesis`] is the identity of a trial: of what a researcher can choose, which is the signals as they
//!   were joined, the strategy with sizing and exits, and the window. Costs, spread, lot, capital, venue, timing of
//!   fills and permission to sell short are assumptions; so are the bars, whose market the ledger knows by itself.

use std::ops::Range;

use q50_datasets::{
    JoinRule,
    dataset::Dataset,
    hash::{HashColumn, content_hash},
    signals::CrossingPolicy,
};
use q50_engine::{
    market::{Column, Market},
    strategy::StrategyConfig,
    venue::perpetual::Tiers,
};
use serde::{Deserialize, Serialize};

use crate::{
    canonical::canonical,
    settings::{RunSettings, VenueSettings},
    trials::{Record, TrialKey},
};

/// Everything that decides a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// `q50.run/1`.
    pub schema: String,
    /// What it sees.
    pub data: DataSpec,
    /// What it does with it, and what is assumed.
    #[serde(flatten)]
    pub settings: RunSettings,
}

/// What a run sees of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataSpec {
    /// The bars.
    #[serde(flatten)]
    pub record: Record,
    /// Distance of two bars, milliseconds.
    pub interval_ms: i64,
    /// Open of the first bar that is traded, epoch milliseconds.
    pub from_ms: i64,
    /// Open of the last.
    pub to_ms: i64,
    /// The signals that the strategy reads; null for bars alone.
    pub signals: Option<SignalSpec>,
    /// Content hash of recorded reserves, where the venue has them.
    pub pool: Option<String>,
    /// What is recorded of a perpetual future beside its bars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractSpec>,
    /// Those of a portfolio, whose basket the record is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instruments: Vec<InstrumentSpec>,
}

/// What a run sees of a perpetual future beside its bars, by content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContractSpec {
    /// Content hash of the rates of funding.
    pub funding: String,
    /// Content hash of the mark prices; null where last prices stand in for them.
    pub marks: Option<String>,
    /// What positions are held to.
    pub tiers: Tiers,
}

/// What a run sees of one instrument of a portfolio.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstrumentSpec {
    /// Content hash of the bars.
    pub bars: String,
    /// The signals that the strategy reads; null for bars alone.
    pub signals: Option<SignalSpec>,
    /// Content hash of recorded reserves.
    pub pool: Option<String>,
}

/// Signals and how they were joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalSpec {
    /// Content hash of what the strategy reads of them: of each bar that has a signal its time and the values, history
    /// included, the bars after the window not.
    pub hash: String,
    /// Milliseconds from a stamp until the signal is available.
    pub delay_ms: i64,
    /// Milliseconds for which it is used.
    pub max_age_ms: i64,
    /// What became of forecasts whose quantiles cross.
    pub crossing: CrossingPolicy,
}

impl DataSpec {
    /// What a strategy of this kind sees of the dataset's window.
    #[must_use]
    pub fn of(data: &Dataset, strategy: &StrategyConfig) -> Self {
        let ((from_ms, to_ms), interval_ms) = (data.period(), data.bars().interval_ms);
        let (record, signals) = (Record::of(data), signals(data, strategy));
        Self { record, interval_ms, from_ms, to_ms, signals, pool: None, contract: None, instruments: Vec::new() }
    }

    /// What a strategy of this kind sees of several datasets, each with the content hash of its recorded reserves, and of
    /// the basket of them.
    #[must_use]
    pub fn of_portfolio(basket: &Dataset, each: &[(&Dataset, Option<&str>)], strategy: &StrategyConfig) -> Self {
        let instruments = each.iter().map(|(data, pool)| InstrumentSpec {
            bars: data.bars_hash().to_owned(),
            signals: signals(data, strategy),
            pool: pool.map(str::to_owned),
        });
        let record = Record::of_portfolio(basket, each.iter().map(|(data, _)| *data));
        let own = Self { instruments: instruments.collect(), record, ..Self::of(basket, strategy) };
        let pools: Vec<&str> = each.iter().filter_map(|(_, pool)| *pool).collect();
        let pool = (!pools.is_empty()).then(|| blake3::hash(&canonical(&pools)).to_hex().to_string());
        Self { signals: own.signals_of_all(), pool, ..own }
    }

    /// The signals of all instruments as those of the whole.
    fn signals_of_all(&self) -> Option<SignalSpec> {
        let first = self.instruments.iter().find_map(|instrument| instrument.signals.as_ref())?;
        let all: Vec<Option<&str>> =
            self.instruments.iter().map(|i| i.signals.as_ref().map(|signals| signals.hash.as_str())).collect();
        Some(SignalSpec { hash: blake3::hash(&canonical(&all)).to_hex().to_string(), ..first.clone() })
    }

    /// The same with other signals in each instrument.
    #[must_use]
    pub fn with_signals_of_each(mut self, markets: &[Market<'_>], strategy: &StrategyConfig) -> Self {
        for (instrument, market) in self.instruments.iter_mut().zip(markets) {
            if let Some(signals) = &mut instrument.signals {
                signals.hash = signals_hash(market, strategy);
            }
        }
        Self { signals: self.signals_of_all(), ..self }
    }

    /// The same with recorded reserves of this content.
    #[must_use]
    pub fn with_pool(mut self, hash: Option<&str>) -> Self {
        self.pool = hash.map(str::to_owned);
        self
    }

    /// The same with this record of a perpetual future.
    #[must_use]
    pub fn with_contract(mut self, contract: Option<ContractSpec>) -> Self {
        self.contract = contract;
        self
    }

    /// The same with other signals on the same bars.
    #[must_use]
    pub fn with_signals_of(mut self, market: &Market<'_>, strategy: &StrategyConfig) -> Self {
        if let Some(signals) = &mut self.signals {
            signals.hash = signals_hash(market, strategy);
        }
        self
    }

    /// BLAKE3 of all of it, as canonical JSON.
    #[must_use]
    pub fn hash(&self) -> blake3::Hash {
        blake3::hash(&canonical(self))
    }

    /// What a trial of `settings` on these stretches of rows is known by.
    #[must_use]
    pub fn key(&self, market: &Market<'_>, settings: &RunSettings, rows: &[Range<usize>]) -> TrialKey {
        let window = rows.iter().map(|rows| (market.open_time[rows.start], market.open_time[rows.end - 1])).collect();
        TrialKey {
            hypothesis: hypothesis(self, window, settings),
            assumptions: assumptions(settings, self.recorded().as_deref()),
        }
    }

    /// Content of what is recorded of the venue.
    fn recorded(&self) -> Option<String> {
        let contract = || Some(blake3::hash(&canonical(self.contract.as_ref()?)).to_hex().to_string());
        self.pool.clone().or_else(contract)
    }
}

impl RunSpec {
    /// The run of `settings` on `data`.
    #[must_use]
    pub fn new(data: DataSpec, settings: RunSettings) -> Self {
        Self { schema: "q50.run/1".to_owned(), data, settings }
    }

    /// BLAKE3 of the whole, as canonical JSON.
    #[must_use]
    pub fn id(&self) -> blake3::Hash {
        blake3::hash(&canonical(self))
    }

    /// BLAKE3 of what a researcher can pick.
    #[must_use]
    pub fn hypothesis(&self) -> blake3::Hash {
        let window = vec![(self.data.from_ms, self.data.to_ms)];
        hypothesis(&self.data, window, &self.settings)
    }
}

fn hypothesis(data: &DataSpec, window: Vec<(i64, i64)>, settings: &RunSettings) -> blake3::Hash {
    #[derive(Serialize)]
    struct Hypothesis<'a> {
        schema: &'static str,
        signals: Option<&'a str>,
        window: Vec<(i64, i64)>,
        strategy: StrategyConfig,
        /// Where the strategy reads more of them than closes, which say which market it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        bars: Option<&'a str>,
        /// Bars and signals of each instrument, in the order in which they act.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        instruments: Vec<(&'a str, Option<&'a str>)>,
        /// With leverage a liquidation is a stop, and whoever picks the one picks the other.
        #[serde(skip_serializing_if = "Option::is_none")]
        leverage: Option<f64>,
        /// Mark prices that liquidate and value positions.
        #[serde(skip_serializing_if = "Option::is_none")]
        marks: Option<&'a str>,
    }
    let leverage = match settings.venue {
        VenueSettings::Perpetual(config) => Some(config.leverage).filter(|leverage| *leverage != 1.0),
        VenueSettings::NextOpen(_) | VenueSettings::PumpSwap(_) => None,
    };
    let marks = data.contract.as_ref().and_then(|contract| contract.marks.as_deref());
    let strategy = &settings.strategy;
    let signals = data.signals.as_ref().map(|signals| signals.hash.as_str());
    let instruments = data.instruments.iter();
    let instruments =
        instruments.map(|one| (one.bars.as_str(), one.signals.as_ref().map(|signals| signals.hash.as_str()))).collect();
    let bars = strategy.reads_bars().then_some(data.record.bars.as_str());
    // Whether one may sell short is said by the market, not by the researcher.
    let strategy = strategy.without_shorting().canonical();
    let schema = "q50.hypothesis/1";
    blake3::hash(&canonical(&Hypothesis { schema, signals, bars, window, strategy, instruments, leverage, marks }))
}

fn assumptions(settings: &RunSettings, recorded: Option<&str>) -> i64 {
    let assumed = (settings.venue, settings.capital, settings.strategy.shorts(), recorded);
    let hash = blake3::hash(&canonical(&assumed));
    hash.as_bytes().first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes))
}

fn signals(data: &Dataset, strategy: &StrategyConfig) -> Option<SignalSpec> {
    // The volume is known at the close of its bar.
    let volume = strategy.reads(&data.market().signals).contains(&Column::Volume);
    let rule = data.rule().or_else(|| volume.then(|| JoinRule::one_bar(data.bars().interval_ms)));
    rule.map(|rule| SignalSpec {
        hash: signals_hash(&data.market(), strategy),
        delay_ms: rule.delay_ms,
        max_age_ms: rule.max_age_ms,
        crossing: data.report().crossings.policy,
    })
}

/// The columns that the strategy reads. The name of a user's column is spelling; its values are not.
fn signals_hash(market: &Market<'_>, strategy: &StrategyConfig) -> String {
    let columns: Vec<(&str, &[f64])> = strategy
        .reads(&market.signals)
        .iter()
        .filter_map(|&column| Some((column.name(), market.signals.get(column)?)))
        .collect();
    let rows: Vec<usize> =
        (0..market.len()).filter(|&row| columns.iter().any(|(_, column)| !column[row].is_nan())).collect();
    let times: Vec<i64> = rows.iter().map(|&row| market.open_time[row]).collect();
    let values: Vec<(&str, Vec<f64>)> =
        columns.into_iter().map(|(name, column)| (name, rows.iter().map(|&row| column[row]).collect())).collect();
    let time = std::iter::once(("open_time", HashColumn::I64(&times)));
    content_hash(time.chain(values.iter().map(|(name, column)| (*name, HashColumn::F64(column)))))
}
