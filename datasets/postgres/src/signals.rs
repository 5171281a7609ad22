//! Signals in: the columns of a table or SELECT that hold numbers or words, by time.
//!
//! The server casts: `numeric` has values that no type of Rust holds, and its own cast to `float8` is correctly rounded,
//! knows NaN and Infinity, and refuses what is out of range. `real` is widened and keeps its few digits.

use std::time::Duration;

use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::{FromSql, ToSql, Type};
use postgres::{Client, Row, Statement, Transaction};

use crate::request::{Request, TimeUnit, What, quoted};
use crate::{Error, Server};

/// Names under which a time column is looked for, best first.
const TIME_NAMES: [&str; 8] = ["ts_ms", "ts", "datetime", "timestamp", "open_time", "unix", "date", "time"];
/// Columns of the collector that look forward: what they say of a time was not known then.
const LABELS: [&str; 5] =
    ["price_return_1h", "price_return_4h", "price_return_24h", "volume_change_1h", "drawdown_risk"];

/// Cells of one column.
#[derive(Debug)]
enum Cells {
    /// NaN where null.
    Numbers(Vec<f64>),
    Words(Vec<Option<String>>),
}

/// What was read, in order of time.
#[derive(Debug)]
pub struct Signals {
    /// Epoch milliseconds; a fraction counts as the next one, so that nothing is known before its time.
    pub ts_ms: Vec<i64>,
    columns: Vec<(String, Cells)>,
    /// Columns that were left out, and why.
    pub left_out: Vec<String>,
}

impl Signals {
    /// Writes `ts_ms` and the columns as CSV; null is an empty cell.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_csv(&self, out: impl std::io::Write) -> Result<(), Error> {
        let mut out = csv::Writer::from_writer(out);
        out.write_record(std::iter::once("ts_ms").chain(self.columns.iter().map(|(name, _)| name.as_str())))?;
        for (row, ts_ms) in self.ts_ms.iter().enumerate() {
            out.write_field(ts_ms.to_string())?;
            for (_, cells) in &self.columns {
                match cells {
                    Cells::Numbers(numbers) if numbers[row].is_nan() => out.write_field("")?,
                    Cells::Numbers(numbers) => out.write_field(numbers[row].to_string())?,
                    Cells::Words(words) => out.write_field(words[row].as_deref().unwrap_or_default())?,
                }
            }
            out.write_record(None::<&[u8]>)?;
        }
        Ok(out.flush()?)
    }

    /// The numbers of a row, by name; null is `None`.
    #[must_use]
    pub fn numbers(&self, row: usize) -> Vec<(&str, Option<f64>)> {
        self.columns
            .iter()
            .filter_map(|(name, cells)| match cells {
                Cells::Numbers(numbers) => {
                    Some((name.as_str(), numbers.get(row).copied().filter(|value| !value.is_nan())))
                }
                Cells::Words(_) => None,
            })
            .collect()
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ts_ms.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ts_ms.is_empty()
    }
}

/// Reads what is asked for, in one read-only transaction.
///
/// # Errors
/// Where the server refuses it or takes longer than the request allows, there is no time column or its unit or zone is not said,
/// a time is null or infinite, rows are of several pools, or a column looks forward.
pub fn read_signals(server: &mut Server, request: &Request) -> Result<Signals, Error> {
    if let What::Select(select) = &request.what
        && let Some(label) = words(select).find(|word| LABELS.contains(&word.as_str()))
    {
        return Err(looks_forward(request, &label));
    }
    server.attempt(&format!("reading {}", request.name()), |client| read(client, request))
}

fn read(client: &mut Client, request: &Request) -> Result<Signals, Error> {
    let mut transaction = read_only(client, request.timeout)?;
    // Alone first: it has to be one whole statement before anything is written around it.
    let plan = Plan::of(request, &transaction.prepare(&request.statement())?)?;
    let statement = transaction.prepare(&plan.sql(request))?;
    let mut signals = plan.empty();
    let mut pool: Option<String> = None;
    let mut rows = transaction.query_raw(&statement, plan.parameters(request))?;
    while let Some(row) = rows.next()? {
        plan.push(request, &row, &mut signals)?;
        if let Some(at) = plan.pool {
            let this: Option<&str> = row.try_get(at + 1)?;
            match (&pool, this) {
                (None, Some(this)) => pool = Some(this.to_owned()),
                (Some(first), Some(this)) if first != this => return Err(several_pools(request, first, this)),
                _ => {}
            }
        }
    }
    Ok(signals)
}

/// A transaction that cannot write, and ends when the server has worked for too long.
pub(crate) fn read_only(client: &mut Client, within: Duration) -> Result<Transaction<'_>, Error> {
    let mut transaction = client.build_transaction().read_only(true).start()?;
    transaction.batch_execute(&format!("SET LOCAL statement_timeout = {}", within.as_millis()))?;
    Ok(transaction)
}

/// What integers of the time column count.
#[derive(Clone, Copy, Debug)]
enum Unit {
    /// Microseconds since 2000, as the server sends moments.
    Server,
    Named(TimeUnit),
}

/// 2000-01-01 in epoch microseconds.
const YEAR_2000: i64 = 946_684_800_000_000;

impl Unit {
    /// `None` for an infinite moment, and for one that milliseconds do not hold.
    fn to_ms(self, value: i64) -> Option<i64> {
        match self {
            Self::Server if value == i64::MAX || value == i64::MIN => None,
            Self::Server => {
                let micros = value.checked_add(YEAR_2000)?;
                Some(micros.div_euclid(1_000) + i64::from(micros.rem_euclid(1_000) != 0))
            }
            Self::Named(TimeUnit::Seconds) => value.checked_mul(1_000),
            Self::Named(TimeUnit::Milliseconds) => Some(value),
        }
    }

    fn text(self, value: i64) -> String {
        match (self, value) {
            (Self::Server, i64::MAX) => "infinity".to_owned(),
            (Self::Server, i64::MIN) => "-infinity".to_owned(),
            (Self::Server, _) | (Self::Named(_), _) => value.to_string(),
        }
    }
}

/// A moment as the server sends it, or an integer.
#[derive(Clone, Copy, Debug)]
struct Moment(i64);

impl<'a> FromSql<'a> for Moment {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(i64::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(ty: &Type) -> bool {
        [Type::TIMESTAMPTZ, Type::INT8].contains(ty)
    }
}

/// Which columns are read, and as what.
#[derive(Debug)]
pub(crate) struct Plan {
    time: String,
    unit: Unit,
    /// Whether the time needs a zone.
    zoned: bool,
    numbers: Vec<(String, bool)>,
    texts: Vec<String>,
    /// Place of `pool_id` among the columns read, where it has to be the same in all rows.
    pool: Option<usize>,
    left_out: Vec<String>,
}

impl Plan {
    pub(crate) fn of(request: &Request, statement: &Statement) -> Result<Self, Error> {
        let columns: Vec<(&str, &Type)> =
            statement.columns().iter().map(|column| (column.name(), column.type_())).collect();
        let shape = |found: String, expected: &str, remedy: &str| Error::Shape {
            what: request.name(),
            found,
            expected: expected.to_owned(),
            remedy: remedy.to_owned(),
        };
        if let (What::Select(_), Some((label, _))) =
            (&request.what, columns.iter().find(|(name, _)| LABELS.contains(name)))
        {
            return Err(looks_forward(request, label));
        }
        let named = |name: &&str| columns.iter().find(|(column, _)| column.eq_ignore_ascii_case(name));
        let time = TIME_NAMES.iter().find_map(named);
        let names = || columns.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let Some((time, ty)) = time else {
            let expected = "a time column: ts_ms, ts, datetime or timestamp";
            return Err(shape(format!("the columns {}", names()), expected, "name it so in a SELECT"));
        };
        let (unit, zoned) = match **ty {
            Type::TIMESTAMPTZ => (Unit::Server, false),
            Type::TIMESTAMP if request.source_tz.is_some() => (Unit::Server, true),
            Type::TIMESTAMP => {
                let remedy = "give the zone: --source-tz UTC, or ?source_tz=UTC behind the table";
                return Err(shape(format!("`{time}` without a zone"), "timestamptz", remedy));
            }
            Type::INT8 | Type::INT4 if time.eq_ignore_ascii_case("ts_ms") => {
                (Unit::Named(TimeUnit::Milliseconds), false)
            }
            Type::INT8 | Type::INT4 => match request.time_unit {
                Some(unit) => (Unit::Named(unit), false),
                None => {
                    let remedy = "give the unit: --time-unit s, or ?time_unit=s behind the table";
                    return Err(shape(format!("`{time}`, an integer of unknown unit"), "timestamptz", remedy));
                }
            },
            ref other => return Err(shape(format!("`{time}` of type {other}"), "timestamptz", "cast it in a SELECT")),
        };
        let mut plan = Self {
            time: (*time).to_owned(),
            unit,
            zoned,
            numbers: Vec::new(),
            texts: Vec::new(),
            pool: None,
            left_out: Vec::new(),
        };
        for (name, ty) in columns.iter().filter(|(name, _)| name != time) {
            match **ty {
                _ if LABELS.contains(name) => plan.left_out.push(format!("{name} (it looks forward)")),
                Type::FLOAT8 | Type::FLOAT4 | Type::NUMERIC | Type::INT2 | Type::INT4 | Type::INT8 => {
                    plan.numbers.push(((*name).to_owned(), false));
                }
                Type::BOOL => plan.numbers.push(((*name).to_owned(), true)),
                Type::TEXT | Type::VARCHAR | Type::BPCHAR => plan.texts.push((*name).to_owned()),
                ref other => plan.left_out.push(format!("{name} ({other})")),
            }
        }
        let pool = plan.texts.iter().position(|name| name == "pool_id");
        if request.pool.is_some() && pool.is_none() {
            return Err(shape(
                format!("the columns {}", names()),
                "a text `pool_id`, since a pool was named",
                "leave the pool out",
            ));
        }
        plan.pool = pool.map(|at| plan.numbers.len() + at);
        if plan.numbers.is_empty() && plan.texts.len() <= usize::from(plan.pool.is_some()) {
            return Err(shape(format!("the columns {}", names()), "numbers beside the time", "name another table"));
        }
        Ok(plan)
    }

    /// Refuses one row of a table whose rows may be of several pools: it would be that of any of them.
    pub(crate) fn of_one_pool(&self, request: &Request) -> Result<(), Error> {
        if self.pool.is_none() || request.pool.is_some() {
            return Ok(());
        }
        Err(Error::Shape {
            what: request.name(),
            found: "a column `pool_id`, and no pool that is meant".to_owned(),
            expected: "the signals of one pool".to_owned(),
            remedy: "name it: ?pool= behind the table; a SELECT chooses its rows, and leaves the column out".to_owned(),
        })
    }

    /// All rows, in order of time.
    fn sql(&self, request: &Request) -> String {
        format!("{} ORDER BY 1", self.select(request))
    }

    /// The newest row at or before a time, which is the last parameter, in what the time column counts.
    pub(crate) fn newest(&self, request: &Request) -> String {
        let at = format!("${}::int8", self.parameters(request).len() + 1);
        let before = match self.unit {
            Unit::Server => format!("'epoch'::timestamptz + {at} * interval '1 ms'"),
            Unit::Named(TimeUnit::Milliseconds) => at,
            Unit::Named(TimeUnit::Seconds) => format!("{at} / 1000"),
        };
        let and = if request.pool.is_some() { "AND" } else { "WHERE" };
        let time = self.time_of_row();
        format!("{} {and} {time} <= {before} ORDER BY {time} DESC LIMIT 1", self.select(request))
    }

    fn select(&self, request: &Request) -> String {
        let mut columns = vec![match self.unit {
            Unit::Server => self.time_of_row(),
            Unit::Named(_) => format!("{}::int8", self.time_of_row()),
        }];
        for (name, is_bool) in &self.numbers {
            columns.push(format!("{}{}::float8", quoted(name), if *is_bool { "::int" } else { "" }));
        }
        columns.extend(self.texts.iter().map(|name| format!("{}::text", quoted(name))));
        let only = request
            .pool
            .as_ref()
            .map_or_else(String::new, |_| format!(" WHERE \"pool_id\" = ${}", 1 + usize::from(self.zoned)));
        format!("SELECT {} FROM {} AS source{only}", columns.join(", "), request.relation())
    }

    fn time_of_row(&self) -> String {
        let name = quoted(&self.time);
        if self.zoned { format!("{name} AT TIME ZONE $1::text") } else { name }
    }

    /// What the statements need: the zone where times have none, and the pool where one is named.
    pub(crate) fn parameters<'a>(&self, request: &'a Request) -> Vec<&'a (dyn ToSql + Sync)> {
        let zone = request.source_tz.as_ref().filter(|_| self.zoned);
        [zone, request.pool.as_ref()].into_iter().flatten().map(|text| text as &(dyn ToSql + Sync)).collect()
    }

    pub(crate) fn push(&self, request: &Request, row: &Row, signals: &mut Signals) -> Result<(), Error> {
        let moment: Option<Moment> = row.try_get(0)?;
        let number = signals.ts_ms.len() + 1;
        let ms = moment.and_then(|moment| self.unit.to_ms(moment.0));
        signals.ts_ms.push(ms.ok_or_else(|| Error::Moment {
            what: request.name(),
            row: number,
            column: self.time.clone(),
            found: moment.map_or_else(|| "null".to_owned(), |moment| self.unit.text(moment.0)),
        })?);
        for (at, (_, cells)) in signals.columns.iter_mut().enumerate() {
            match cells {
                Cells::Numbers(numbers) => numbers.push(row.try_get::<_, Option<f64>>(at + 1)?.unwrap_or(f64::NAN)),
                Cells::Words(words) => words.push(row.try_get(at + 1)?),
            }
        }
        Ok(())
    }

    pub(crate) fn empty(&self) -> Signals {
        let numbers = self.numbers.iter().map(|(name, _)| (name.clone(), Cells::Numbers(Vec::new())));
        let texts = self.texts.iter().map(|name| (name.clone(), Cells::Words(Vec::new())));
        Signals { ts_ms: Vec::new(), columns: numbers.chain(texts).collect(), left_out: self.left_out.clone() }
    }
}

/// The words of a statement, in lower case.
fn words(select: &str) -> impl Iterator<Item = String> {
    select.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_lowercase)
}

fn looks_forward(request: &Request, label: &str) -> Error {
    Error::Shape {
        what: request.name(),
        found: format!("`{label}`, which the collector computes from what comes after the row's time"),
        expected: "columns that were known at their time".to_owned(),
        remedy: "leave it out: it is a label for training, and a backtest on it sees the future".to_owned(),
    }
}

fn several_pools(request: &Request, first: &str, other: &str) -> Error {
    Error::Shape {
        what: request.name(),
        found: format!("rows of `{first}` and of `{other}`"),
        expected: "one pool".to_owned(),
        remedy: "name it: --pool, ?pool= behind the table, or WHERE in a SELECT".to_owned(),
    }
}
