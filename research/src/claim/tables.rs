//! The tables of a verification: equity, fills and decisions.

use q50_datasets::{
    error::Error,
    run_folder::NewRun,
    write::{Column, TableWriter},
};
use q50_engine::{
    decision::Reason,
    record::{DecisionRow, Decisions, FillRow},
    strategy::Explanation,
    venue::{Fill, FillSide, PoolCosts},
};

use super::Verification;

/// Decisions that are turned into columns at a time: those of some row groups.
const DECISIONS_AT_A_TIME: usize = 1 << 16;

impl Verification {
    /// Adds `equity.parquet`, `fills.parquet` and `decisions.parquet` to `run`: a row a bar, a fill and a decision. Of a
    /// portfolio the last two have the column `instrument`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_tables(&self, run: &mut NewRun<'_>) -> Result<(), Error> {
        let journal = &self.journal;
        let drawdown = drawdowns(&journal.equity, journal.capital);
        let equity: &[(&str, Column<'_>)] = &[
            ("ts_ms", Column::I64(&self.curves.open_time)),
            ("equity", Column::F64(&journal.equity)),
            ("exposure", Column::F64(&journal.exposure)),
            ("drawdown", Column::F64(&drawdown)),
            ("buy_and_hold", Column::F64(&self.curves.holding)),
        ];

        let (fills, names) = fills(self);
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
        if !self.instruments.is_empty() {
            fills_table.push(("instrument", Column::Text(&names)));
        }

        run.table("equity.parquet", equity)?;
        run.table("fills.parquet", &fills_table)?;
        decisions(run, self)
    }
}

/// The fills by time, and the instrument of each where there are several.
fn fills(v: &Verification) -> (Vec<&FillRow>, Vec<&str>) {
    if v.instruments.is_empty() {
        return (v.journal.fills.iter().collect(), Vec::new());
    }
    let each = v.instruments.iter().zip(&v.journal.each);
    let mut all: Vec<(&FillRow, &str)> =
        each.flat_map(|(instrument, one)| one.fills.iter().map(|row| (row, instrument.name.as_str()))).collect();
    all.sort_by_key(|(row, _)| row.fill.time);
    all.into_iter().unzip()
}

/// Writes the decisions, of one instrument after the other and some at a time: as columns they take several times the
/// memory that the journal keeps them in.
fn decisions(run: &mut NewRun<'_>, v: &Verification) -> Result<(), Error> {
    let parts: Vec<(&Decisions, &[i64], Option<&str>)> = if v.instruments.is_empty() {
        vec![(&v.journal.decisions, &v.curves.open_time, None)]
    } else {
        let each = v.journal.each.iter().zip(&v.instruments);
        each.map(|(one, i)| (&one.decisions, &i.open_time[..], Some(i.name.as_str()))).collect()
    };
    let mut table: Option<TableWriter> = None;
    for (made, times, instrument) in parts {
        for start in (0..made.len().max(1)).step_by(DECISIONS_AT_A_TIME) {
            let rows = start..made.len().min(start + DECISIONS_AT_A_TIME);
            let some: Vec<DecisionRow> = rows.clone().filter_map(|row| made.get(row)).collect();
            let columns = DecisionColumns::of(&times[rows.clone()], &some, v.interval_ms);
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
    figures: [Vec<Option<f64>>; 11],
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
                figure(|e| e.sizing.map(|s| s.base)),
                figure(|e| e.sizing.map(|s| s.regime_multiplier * s.drawdown_multiplier)),
                figure(|e| e.sizing.map(|s| s.caps.max_position)),
                figure(|e| e.sizing.and_then(|s| s.caps.cash)),
                figure(|e| e.sizing.and_then(|s| s.caps.pool_share)),
                figure(|e| e.sizing.and_then(|s| s.caps.heat)),
            ],
            regime: name(|e| e.regime),
            binding_cap: name(|e| e.binding_cap),
        }
    }

    fn named(&self) -> [(&'static str, Column<'_>); 18] {
        let [prob_up, expected_value, info_ratio, raw_size, size, base, multiplier, position, cash, pool, heat] =
            &self.figures;
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
            ("base_size", Column::OptionF64(base)),
            ("size_multiplier", Column::OptionF64(multiplier)),
            ("cap_max_position", Column::OptionF64(position)),
            ("cap_cash", Column::OptionF64(cash)),
            ("cap_pool_share", Column::OptionF64(pool)),
            ("cap_max_heat", Column::OptionF64(heat)),
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
