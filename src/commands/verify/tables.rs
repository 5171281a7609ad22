//! What `q50 verify` writes: equity, fills and decisions as tables, the report, and the summary that stands for the run.

use anyhow::Result;
use q50_datasets::{
    run_folder::{NewRun, RunFolder},
    write::{Column, TableWriter},
};
use q50_engine::{
    decision::Reason,
    record::{DecisionRow, Decisions, FillRow, Journal},
    strategy::Explanation,
    venue::{Fill, FillSide, PoolCosts},
};
use q50_research::{claim::Verification, report};

use super::Timed;
use crate::record::Record;

/// Decisions that are turned into columns at a time: those of some row groups.
const DECISIONS_AT_A_TIME: usize = 1 << 16;

/// Writes everything.
pub(super) fn write(folder: &RunFolder, timed: &Timed<'_>, record: &Record) -> Result<()> {
    let verification = timed.verification;
    let journal = &verification.journal;
    let times = &verification.curves.open_time;

    let drawdown = drawdowns(&journal.equity, journal.capital);
    let equity: &[(&str, Column<'_>)] = &[
        ("ts_ms", Column::I64(times)),
        ("equity", Column::F64(&journal.equity)),
        ("exposure", Column::F64(&journal.exposure)),
        ("drawdown", Column::F64(&drawdown)),
        ("buy_and_hold", Column::F64(&verification.curves.holding)),
    ];

    let (fills, instruments) = fills(journal, &record.names);
    let column = |f: fn(&Fill) -> f64| -> Vec<f64> { fills.iter().map(|row| f(&row.fill)).collect() };
    let fill_times: Vec<i64> = fills.iter().map(|row| row.fill.time).collect();
    let sides: Vec<&str> = fills
        .iter()
        .map(|row| match row.fill.side {
            FillSide::Buy => "buy",
            FillSide::Sell => "sell",
        })
        .collect();
    let (units, price, notional) = (column(|f| f.units), column(|f| f.price), column(|f| f.notional));
    let (cost, spread) = (column(|f| f.cost), column(|f| f.spread_cost));
    let fill_reasons: Vec<u8> = fills.iter().map(|row| row.reason as u8).collect();
    let amount = |f: fn(&PoolCosts) -> u64| -> Vec<Option<u64>> {
        fills.iter().map(|row| row.fill.pool.as_ref().map(f)).collect()
    };
    let (base_amount, quote_amount) = (amount(|costs| costs.tokens.0), amount(|costs| costs.quote.0));
    let mut fills_table: Vec<(&str, Column<'_>)> = vec![
        ("ts_ms", Column::I64(&fill_times)),
        ("side", Column::Text(&sides)),
        ("units", Column::F64(&units)),
        ("price", Column::F64(&price)),
        ("notional", Column::F64(&notional)),
        ("cost", Column::F64(&cost)),
        ("spread_cost", Column::F64(&spread)),
        ("reason", Column::Labels { names: Reason::NAMES, codes: &fill_reasons }),
        ("base_amount", Column::OptionU64(&base_amount)),
        ("quote_amount", Column::OptionU64(&quote_amount)),
    ];
    if !record.names.is_empty() {
        fills_table.push(("instrument", Column::Text(&instruments)));
    }

    let mut run = folder.new_run(&verification.run_id);
    run.table("equity.parquet", equity)?;
    run.table("fills.parquet", &fills_table)?;
    decisions(&mut run, verification, record)?;
    run.bytes("report.html", report::html(verification)?.as_bytes())?;
    run.bytes("summary.json", &serde_json::to_vec_pretty(timed)?)?;
    Ok(run.commit()?)
}

/// The fills by time, and the instrument of each where there are several.
fn fills<'a>(journal: &'a Journal, names: &'a [String]) -> (Vec<&'a FillRow>, Vec<&'a str>) {
    if names.is_empty() {
        return (journal.fills.iter().collect(), Vec::new());
    }
    let each = names.iter().zip(&journal.each);
    let mut all: Vec<(&FillRow, &str)> =
        each.flat_map(|(name, one)| one.fills.iter().map(|row| (row, name.as_str()))).collect();
    all.sort_by_key(|(row, _)| row.fill.time);
    all.into_iter().unzip()
}

/// Writes the decisions, of one instrument after the other and some at a time: as columns they take several times the
/// memory that the journal keeps them in.
fn decisions(run: &mut NewRun<'_>, verification: &Verification, record: &Record) -> Result<()> {
    let (journal, interval_ms) = (&verification.journal, record.data.bars().interval_ms);
    let parts: Vec<(&Decisions, &[i64], Option<&str>)> = if record.names.is_empty() {
        vec![(&journal.decisions, &verification.curves.open_time, None)]
    } else {
        let each = journal.each.iter().zip(record.times()).zip(&record.names);
        each.map(|((one, times), name)| (&one.decisions, times, Some(name.as_str()))).collect()
    };
    let mut table: Option<TableWriter> = None;
    for (made, times, instrument) in parts {
        for start in (0..made.len().max(1)).step_by(DECISIONS_AT_A_TIME) {
            let rows = start..made.len().min(start + DECISIONS_AT_A_TIME);
            let some: Vec<DecisionRow> = rows.clone().filter_map(|row| made.get(row)).collect();
            let columns = DecisionColumns::of(&times[rows.clone()], &some, interval_ms);
            let names = vec![instrument.unwrap_or_default(); rows.len()];
            let mut named = columns.named().to_vec();
            if instrument.is_some() {
                named.push(("instrument", Column::Text(&names)));
            }
            match &mut table {
                None => table = Some(run.start_table("decisions.parquet", &named)?),
                Some(table) => table.write(&named)?,
            }
        }
    }
    if let Some(table) = table {
        run.add_table(table)?;
    }
    Ok(())
}

/// Decisions as columns.
struct DecisionColumns<'a> {
    time: &'a [i64],
    decided_at: Vec<i64>,
    reason: Vec<u8>,
    acted: Vec<bool>,
    side: Vec<Option<i64>>,
    figures: [Vec<Option<f64>>; 5],
    regime: Vec<&'static str>,
    binding_cap: Vec<&'static str>,
}

impl<'a> DecisionColumns<'a> {
    fn of(time: &'a [i64], rows: &[DecisionRow], interval_ms: i64) -> Self {
        let figure = |f: fn(&Explanation) -> Option<f64>| rows.iter().map(|row| f(&row.explanation)).collect();
        let name = |f: fn(&Explanation) -> Option<&'static str>| {
            rows.iter().map(|row| f(&row.explanation).unwrap_or_default()).collect()
        };
        Self {
            time,
            // A decision is made at the close, so that is its time.
            decided_at: time.iter().map(|open| open + interval_ms).collect(),
            reason: rows.iter().map(|row| row.reason as u8).collect(),
            acted: rows.iter().map(|row| row.acted).collect(),
            side: rows.iter().map(|row| row.explanation.side.map(i64::from)).collect(),
            figures: [
                figure(|e| e.prob_up),
                figure(|e| e.expected_value),
                figure(|e| e.info_ratio),
                figure(|e| e.raw_size),
                figure(|e| e.size),
            ],
            regime: name(|e| e.regime),
            binding_cap: name(|e| e.binding_cap),
        }
    }

    fn named(&self) -> [(&'static str, Column<'_>); 12] {
        let [prob_up, expected_value, info_ratio, raw_size, size] = &self.figures;
        [
            ("ts_ms", Column::I64(self.time)),
            ("decided_at_ms", Column::I64(&self.decided_at)),
            ("reason", Column::Labels { names: Reason::NAMES, codes: &self.reason }),
            ("acted", Column::Bool(&self.acted)),
            ("side", Column::OptionI64(&self.side)),
            ("prob_up", Column::OptionF64(prob_up)),
            ("expected_value", Column::OptionF64(expected_value)),
            ("info_ratio", Column::OptionF64(info_ratio)),
            ("regime", Column::Text(&self.regime)),
            ("raw_size", Column::OptionF64(raw_size)),
            ("size", Column::OptionF64(size)),
            ("binding_cap", Column::Text(&self.binding_cap)),
        ]
    }
}

fn drawdowns(equity: &[f64], capital: f64) -> Vec<f64> {
    let mut peak = capital;
    equity
        .iter()
        .map(|&value| {
            peak = peak.max(value);
            1.0 - value / peak
        })
        .collect()
}
