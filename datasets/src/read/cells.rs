//! Columns made of text cells, whichever format the rows came from.

use csv::StringRecord;

use super::{BadCell, Columns, Filled, NO_TIME, Plan, Role, integral};
use crate::error::quoted;
use crate::time::{Integers, MOMENT, TimeForm, parse};

/// What Binance calls the columns of its klines, which it publishes without names
/// (<https://github.com/binance/binance-public-data>, "Klines").
pub(super) const KLINES: [&str; 12] = [
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
];

/// Whether a row is a kline: it opens before it closes, and its prices lie within its range.
pub(super) fn is_kline(row: &StringRecord) -> bool {
    let cell = |at: usize| row.get(at).and_then(number).unwrap_or(f64::NAN);
    row.len() == KLINES.len() && cell(6) > cell(0) && is_candle(row)
}

/// Whether a row begins with a number and four prices of which the second and third are the range of the others.
pub(super) fn is_candle(row: &StringRecord) -> bool {
    let cell = |at: usize| row.get(at).and_then(number).unwrap_or(f64::NAN);
    let (open, high, low, close) = (cell(1), cell(2), cell(3), cell(4));
    cell(0).is_finite() && low > 0.0 && low <= open.min(close) && high >= open.max(close)
}

/// The columns of a plan, filled row by row.
pub(super) struct Cells {
    slots: Vec<(usize, Slot)>,
    bad: Vec<BadCell>,
}

impl Cells {
    pub(super) fn new(names: &[String], plan: Plan) -> Self {
        Self { slots: plan.into_iter().map(|(at, role)| (at, Slot::new(&names[at], role))).collect(), bad: Vec::new() }
    }

    pub(super) fn take(&mut self, row: usize, record: &StringRecord) {
        for (at, slot) in &mut self.slots {
            slot.take(row, record.get(*at).unwrap_or_default(), record, &mut self.bad);
        }
    }

    pub(super) fn finish(self, assumed_names: bool) -> Columns {
        let (mut bad, mut time_form) = (self.bad, None);
        let filled = self.slots.into_iter().map(|(_, slot)| slot.finish(&mut time_form, &mut bad)).collect();
        Columns { filled, bad, time_form, assumed_names }
    }
}

/// Collects one column over the rows.
enum Slot {
    Number { name: String, values: Vec<f64> },
    Text { name: String, values: Vec<String> },
    Either { name: String, values: Vec<f64>, words: Vec<String> },
    Time { name: String, clock: Option<usize>, moments: Vec<Moment> },
}

/// A cell of a time column.
#[derive(Clone, Copy)]
enum Moment {
    /// An integer whose unit is known when all are read.
    Steps(i64),
    /// Epoch milliseconds.
    Text(i64, bool),
    None,
}

impl Slot {
    fn new(column: &str, role: Role) -> Self {
        match role {
            Role::Number(name) => Self::Number { name, values: Vec::new() },
            Role::Text(name) => Self::Text { name, values: Vec::new() },
            Role::Either(name) => Self::Either { name, values: Vec::new(), words: Vec::new() },
            Role::Time { clock } => Self::Time { name: column.to_owned(), clock, moments: Vec::new() },
        }
    }

    fn take(&mut self, row: usize, cell: &str, record: &StringRecord, bad: &mut Vec<BadCell>) {
        match self {
            Self::Number { name, values } => values.push(number(cell).unwrap_or_else(|| {
                bad.push(no_number(row, name, cell));
                f64::NAN
            })),
            Self::Text { values, .. } => values.push(cell.to_owned()),
            Self::Either { values, words, .. } if words.is_empty() => match number(cell) {
                Some(value) => values.push(value),
                None => {
                    // From the first word on it is a column of words.
                    words.extend(
                        values.drain(..).map(|value| if value.is_nan() { String::new() } else { value.to_string() }),
                    );
                    words.push(cell.to_owned());
                }
            },
            Self::Either { words, .. } => words.push(cell.to_owned()),
            Self::Time { name, clock, moments } => {
                let clock = clock.and_then(|at| record.get(at));
                let moment = clock.map_or_else(|| moment(cell), |clock| moment(&format!("{cell} {clock}")));
                if matches!(moment, Moment::None) {
                    bad.push(no_moment(row, name, cell));
                }
                moments.push(moment);
            }
        }
    }

    fn finish(self, form: &mut Option<TimeForm>, bad: &mut Vec<BadCell>) -> Filled {
        match self {
            Self::Number { name, values } => Filled::Number(name, values),
            Self::Text { name, values } => Filled::Text(name, values),
            Self::Either { name, values, words } if words.is_empty() => Filled::Number(name, values),
            Self::Either { name, words, .. } => Filled::Text(name, words),
            Self::Time { name, moments, .. } => {
                let steps = || moments.iter().filter_map(|m| if let Moment::Steps(v) = m { Some(*v) } else { None });
                let ends = steps().min().zip(steps().max());
                let integers = ends.and_then(|(least, greatest)| Integers::of_column(&name, least, greatest));
                *form = integers.map(Integers::form).or_else(|| {
                    let zoned = moments.iter().all(|m| matches!(m, Moment::Text(_, true) | Moment::None));
                    (!moments.is_empty()).then_some(if zoned { TimeForm::WithZone } else { TimeForm::WithoutZone })
                });
                let ms = moments.iter().enumerate().map(|(row, moment)| match *moment {
                    Moment::Text(ms, _) => ms,
                    Moment::Steps(v) => integers.and_then(|integers| integers.to_ms(v)).unwrap_or_else(|| {
                        bad.push(no_moment(row, &name, &v.to_string()));
                        NO_TIME
                    }),
                    Moment::None => NO_TIME,
                });
                Filled::Time(ms.collect())
            }
        }
    }
}

fn moment(cell: &str) -> Moment {
    let integer = cell.parse().ok().or_else(|| integral(cell.parse().ok()?));
    match integer {
        Some(steps) => Moment::Steps(steps),
        None => parse(cell).map_or(Moment::None, |(ms, zoned)| Moment::Text(ms, zoned)),
    }
}

fn no_moment(row: usize, column: &str, cell: &str) -> BadCell {
    BadCell { row, column: column.to_owned(), found: quoted(cell), expected: MOMENT }
}

fn no_number(row: usize, column: &str, cell: &str) -> BadCell {
    let expected = match number(&cell.replace(',', "")) {
        Some(_) => "a number with a decimal point and no commas",
        None => "a number",
    };
    BadCell { row, column: column.to_owned(), found: quoted(cell), expected }
}

/// A cell as a number: `NaN` for what means "nothing", `None` for text.
pub(crate) fn number(cell: &str) -> Option<f64> {
    match cell {
        "" | "null" | "NULL" | "None" | "NA" | "N/A" => Some(f64::NAN),
        "true" | "True" | "TRUE" => Some(1.0),
        "false" | "False" | "FALSE" => Some(0.0),
        _ => cell.parse().ok(),
    }
}
