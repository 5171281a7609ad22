//! `sqlite:FILE:TABLE[?pool=..&source_tz=..&time_unit=s|ms&timeout=..]` and `sqlite:FILE:SELECT ..`: signals of somebody's SQLite
//! file, in order of time.

use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use q50_datasets::input::unnamed;
use q50_datasets::names::{LOOKS_FORWARD, TIME_NAMES};
use q50_datasets::time::Zone;
use rusqlite::types::ValueRef;
use rusqlite::{ErrorCode, params_from_iter};

/// How long a statement may take where nothing else is said, as on a server.
const WITHIN: Duration = Duration::from_secs(300);
/// Most rows: those of a minute each are 38 years. A view without an end would fill the disk before its time is over.
const MOST_ROWS: usize = 20_000_000;
const EXPECTED: &str =
    "expected sqlite:FILE:TABLE[?pool=..&source_tz=..&time_unit=s|ms&timeout=SECONDS] or sqlite:FILE:SELECT ..";

/// The table or SELECT as a file of CSV, which the readers of files judge.
pub(super) fn open(place: &str) -> Result<File> {
    let request = Request::parse(place)?;
    unnamed(|path| request.write(path)).map_err(|error| match error.downcast_ref() {
        Some(rusqlite::Error::SqliteFailure(failure, _)) if failure.code == ErrorCode::OperationInterrupted => anyhow!(
            "{}: nothing after {} s; choose fewer rows, or give ?timeout=SECONDS behind a table",
            request.file.display(),
            request.within.as_secs()
        ),
        _ => error,
    })
}

/// What is to be read, and how its times are meant.
struct Request {
    file: PathBuf,
    select: String,
    /// The value of `pool_id` that is meant.
    pool: Option<String>,
    /// The zone of times in words that have none.
    zone: Option<Zone>,
    /// Milliseconds in one step of integer times.
    step_ms: Option<i64>,
    within: Duration,
}

impl Request {
    fn parse(place: &str) -> Result<Self> {
        let (file, what) = place.split_once(':').context(EXPECTED)?;
        ensure!(Path::new(file).is_file(), "there is no file `{file}`; {EXPECTED}");
        let (file, select) = (file.into(), what.trim().trim_end_matches(';').to_owned());
        let mut request = Self { file, select, pool: None, zone: None, step_ms: None, within: WITHIN };
        let first = what.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        if !["select", "with"].contains(&first.as_str()) {
            let (table, options) = what.split_once('?').unwrap_or((what, ""));
            request.select = format!("SELECT * FROM {}", quoted(table));
            options.split('&').filter(|option| !option.is_empty()).try_for_each(|option| request.take(option))?;
        }
        let mut words = request.select.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_lowercase);
        if let Some(label) = words.find(|word| LOOKS_FORWARD.contains(&word.as_str())) {
            bail!(
                "`{label}` looks forward: it is a label for training, and a backtest on it sees the future; leave it out"
            );
        }
        Ok(request)
    }

    fn take(&mut self, option: &str) -> Result<()> {
        let refused = || format!("the option `{option}`; {EXPECTED}");
        match option.split_once('=').with_context(refused)? {
            ("pool", pool) => self.pool = Some(pool.to_owned()),
            ("source_tz", zone) => self.zone = Some(zone.parse::<Zone>().map_err(|why| anyhow!("{option}: {why}"))?),
            ("time_unit", "s") => self.step_ms = Some(1_000),
            ("time_unit", "ms") => self.step_ms = Some(1),
            ("timeout", seconds) => {
                let seconds = seconds.parse::<u64>().ok().filter(|seconds| *seconds > 0);
                self.within = Duration::from_secs(seconds.with_context(refused)?);
            }
            _ => bail!(refused()),
        }
        Ok(())
    }

    fn write(&self, path: &Path) -> Result<()> {
        let mut connection = q50_sqlite::open_foreign(&self.file)?;
        q50_sqlite::end_after(&mut connection, self.within)?;
        let columns = connection.prepare(&self.select)?;
        let names: Vec<String> = columns.column_names().map(str::to_owned).collect();
        let find = |name: &str| names.iter().position(|own| own.eq_ignore_ascii_case(name));
        let (time, pool) =
            (TIME_NAMES.iter().filter(|name| !name.is_empty()).find_map(|name| find(name)), find("pool_id"));
        let order = time.map_or_else(String::new, |time| format!(" ORDER BY {}", quoted(&names[time])));
        ensure!(
            self.pool.is_none() || pool.is_some(),
            "no column `pool_id`, since a pool was named; leave the pool out"
        );
        let only = if self.pool.is_some() { " WHERE \"pool_id\" = ?1" } else { "" };
        // On a line of its own: the SELECT may end in a comment.
        let bounded = format!("SELECT * FROM ({}\n){only} LIMIT {}", self.select, MOST_ROWS + 1);
        let mut statement = connection.prepare(&format!("SELECT * FROM ({bounded}){order}"))?;
        let (left_out, kept): (Vec<usize>, Vec<usize>) =
            (0..names.len()).partition(|at| LOOKS_FORWARD.contains(&names[*at].as_str()));
        for at in left_out {
            tracing::warn!("left out: {} (it looks forward)", names[at]);
        }
        let mut out = csv::Writer::from_path(path)?;
        let converted = time.filter(|_| self.step_ms.is_some() || self.zone.is_some());
        out.write_record(kept.iter().map(|at| if Some(*at) == converted { "ts_ms" } else { names[*at].as_str() }))?;
        let mut rows = statement.query(params_from_iter(&self.pool))?;
        let (mut count, mut first_pool) = (0, None);
        while let Some(row) = rows.next()? {
            count += 1;
            ensure!(count <= MOST_ROWS, "more than {MOST_ROWS} rows; choose those of one market with a SELECT");
            if let Some(at) = pool {
                one_pool(&mut first_pool, text(row.get_ref(at)?).into_owned())?;
            }
            for at in &kept {
                let cell = row.get_ref(*at)?;
                let moment = if Some(*at) == time {
                    self.moment(&names[*at], cell).with_context(|| format!("row {count}"))?
                } else {
                    None
                };
                out.write_field(moment.map_or_else(|| text(cell), |ms| ms.to_string().into()).as_bytes())?;
            }
            out.write_record(None::<&[u8]>)?;
        }
        out.flush()?;
        Ok(())
    }

    /// A time by the unit or the zone that was given, epoch milliseconds; `None` where none was, and it stays as it is.
    fn moment(&self, name: &str, cell: ValueRef<'_>) -> Result<Option<i64>> {
        let told = || format!("`{name}` is `{}`", text(cell));
        let ms = match (cell, self.step_ms, &self.zone) {
            (ValueRef::Null, ..) | (_, None, None) => return Ok(None),
            (ValueRef::Integer(_), Some(1_000), _) if name.eq_ignore_ascii_case("ts_ms") => {
                bail!("`{name}` counts milliseconds by its name; leave time_unit=s out")
            }
            (ValueRef::Integer(value), Some(step), _) => value.checked_mul(step),
            (ValueRef::Text(_), _, Some(zone)) => zone.moment(&text(cell)),
            (_, Some(_), _) => bail!("{}, and time_unit is for integers", told()),
            (_, None, Some(_)) => bail!("{}, and source_tz is for times in words", told()),
        };
        ms.map(Some).with_context(|| format!("{}, which is no moment", told()))
    }
}

/// Refuses rows of a second pool.
fn one_pool(first: &mut Option<String>, pool: String) -> Result<()> {
    match first {
        Some(first) if *first != pool => {
            bail!("rows of `{first}` and of `{pool}`; name one: ?pool= behind the table, or WHERE in a SELECT")
        }
        Some(_) => {}
        None => *first = Some(pool),
    }
    Ok(())
}

/// A cell as CSV has it; what is neither a number nor words is unknown.
fn text(cell: ValueRef<'_>) -> Cow<'_, str> {
    match cell {
        ValueRef::Null | ValueRef::Blob(_) => Cow::Borrowed(""),
        ValueRef::Integer(value) => value.to_string().into(),
        ValueRef::Real(value) => value.to_string().into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
