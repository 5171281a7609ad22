//! The backtest that a session is compared with where none is named: the replay of its own record, without latency.

use super::backtest::{Backtest, ReplayedDecision, ReplayedFill, decided_on};
use super::{CompareError, Record};
use crate::journal::State;
use q50_engine::bar_buffer::BarBuffer;
use q50_engine::market::Column;
use q50_engine::record::Journal;
use q50_engine::units::Lamports;
use q50_engine::venue::{FillSide, PoolPath};
use q50_research::run::{Prepared, RunSettings, Source, VenueSettings};
use q50_research::spec::DataSpec;
use q50_research::trials::Record as DataRecord;

impl Backtest {
    /// Replays the bars, reserves and signals that a session kept, with its own settings. It is no trial: nothing is
    /// chosen by it, and what it earns is only held against the session that was traded already.
    ///
    /// # Errors
    /// [`CompareError::NoReplay`] where the session decided nothing, or its reserves are none.
    pub fn of_session(record: &Record) -> Result<Self, CompareError> {
        let Record { spec, bars, decisions, .. } = record;
        let no_replay = |problem: String| CompareError::NoReplay { problem };
        let VenueSettings::PumpSwap(pool) = spec.settings.venue else {
            return Err(no_replay(format!("its venue is {}", spec.settings.venue.name())));
        };
        let mut venue = pool;
        venue.config.latency_slots = 0;
        // The deposit for the coin's account is what the wallet paid: nothing where it had one already.
        let bought = record.orders.iter().find(|order| order.done.state == State::Filled && order.done.base > 0);
        if let Some(rent) = bought.and_then(|order| u64::try_from(order.done.rent).ok()) {
            venue.config.rent = Lamports(rent);
        }
        let settings = RunSettings { venue: VenueSettings::PumpSwap(venue), ..spec.settings.clone() };
        let first = bars.len().saturating_sub(decisions.len());
        let Some(from_ms) = bars.get(first).map(|row| row.bar.open_time) else {
            return Err(no_replay("it decided on no bar yet".to_owned()));
        };
        let there = |column: &Column| bars.iter().any(|row| row.signals.iter().any(|(name, _)| name == column));
        let columns: Vec<Column> = Column::ALL.iter().copied().filter(there).collect();
        let mut buffer = BarBuffer::new(spec.interval_ms, &columns, first);
        for row in bars {
            let value =
                |column| row.signals.iter().find(|(name, _)| *name == column).map_or(f64::NAN, |(_, value)| *value);
            buffer.push(&row.engine_bar(), value);
        }
        let reserves = |side: fn(&q50_datasets::pool_bars::PoolReserves) -> u64| -> Vec<u64> {
            bars.iter().map(|row| side(&row.bar.reserves)).collect()
        };
        let path = PoolPath::recorded(&reserves(|pool| pool.base), &reserves(|pool| pool.quote), bars.len());
        let path = path.map_err(|error| no_replay(error.to_string()))?.with_supply(record.supply);
        let data = DataSpec {
            record: DataRecord {
                bars: record.id.clone(),
                dataset: record.id.clone(),
                fingerprint: None,
                parts: Vec::new(),
            },
            interval_ms: spec.interval_ms,
            from_ms,
            to_ms: bars.last().map_or(from_ms, |row| row.bar.open_time),
            signals: None,
            pool: None,
            contract: None,
            instruments: Vec::new(),
        };
        let source =
            Source { market: buffer.market(), pool: Some(&path), contract: None, data: &data, instruments: &[] };
        let mut journal = Journal::default();
        let prepared = Prepared::new(source, &settings.venue).map_err(|error| no_replay(error.to_string()))?;
        prepared.run(&settings, &mut journal);

        let times = || bars[first..].iter().map(|row| row.bar.open_time);
        let made = times().zip(journal.decisions.iter());
        let decisions: Vec<ReplayedDecision> = made
            .map(|(bar_ms, row)| ReplayedDecision { bar_ms, reason: row.reason.name().to_owned(), acted: row.acted })
            .collect();
        let fill = |row: &q50_engine::record::FillRow| {
            let costs = row.fill.pool.as_ref()?;
            Some(ReplayedFill {
                bar_ms: decided_on(&decisions, spec.interval_ms, row.fill.time),
                time_ms: row.fill.time,
                is_buy: row.fill.side == FillSide::Buy,
                base: costs.tokens.0,
                quote: costs.quote.0,
            })
        };
        let fills = journal.fills.iter().filter_map(fill).collect();
        let equity = times().zip(journal.equity.iter().copied()).collect();
        let run_id = format!("the replay of its own record ({:.16})", record.id);
        Ok(Self {
            run_id,
            interval_ms: spec.interval_ms,
            settings,
            venue: venue.config,
            from_ms,
            decisions,
            fills,
            equity,
        })
    }
}
