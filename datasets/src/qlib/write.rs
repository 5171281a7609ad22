//! Writes a Qlib provider directory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

use super::{Provider, symbols};
use crate::bars::interval;
use crate::error::{Error, Kind, Result};
use crate::time::rfc3339;

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// Whole numbers up to here are exact as 32-bit floats, and a series starts with one.
const LONGEST: usize = 1 << 24;

/// What is written of one symbol.
#[derive(Clone, Debug)]
pub struct SymbolTable<'a> {
    /// Symbol, in any spelling.
    pub symbol: &'a str,
    /// Epoch milliseconds, strictly ascending.
    pub times: &'a [i64],
    /// Names and values of the fields, each as long as `times`; `NaN` is no value.
    pub fields: Vec<(&'a str, &'a [f64])>,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Such as `60min`, or `day`.
    pub freq: String,
    /// Lines of the calendar.
    pub calendar: usize,
    /// Values of all series.
    pub values: usize,
    /// Those that no 32-bit float is: they were rounded to the nearest.
    pub rounded: usize,
    /// Symbols that have another name in the provider, and that name.
    pub renamed: Vec<(String, String)>,
}

/// Writes a provider to `out`, where nothing may be yet, as a whole or not at all. It is read back and checked before it has
/// its name.
///
/// # Errors
/// Where there is something at `out`; the tables differ in interval, or repeat a symbol; a time is no whole second; a value is
/// infinite, or too large or too small for a 32-bit float; the folder or disk refuses.
pub fn write_provider(out: &Path, tables: &[SymbolTable<'_>]) -> Result<Written> {
    let fault = |found: String| Error::new(Kind::Value, out, found);
    if fs::symlink_metadata(out).is_ok() {
        return Err(Error::new(Kind::Io, out, "something is there already")
            .remedy("nothing was replaced: name another folder, or remove it"));
    }
    let names: Vec<&str> = tables.iter().map(|table| table.symbol).collect();
    let places = symbols::places(&names);
    if places.len() < tables.len() {
        return Err(fault("a symbol stands there twice".to_owned()).remedy("name each symbol once"));
    }
    let calendar: Vec<i64> =
        tables.iter().flat_map(|table| table.times).copied().collect::<BTreeSet<_>>().into_iter().collect();
    let freq = frequency(out, tables)?;
    if calendar.len() > LONGEST {
        return Err(fault(format!("a calendar of {} lines", calendar.len())).expected("at most 16,777,216"));
    }
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let staged = tempfile::tempdir_in(parent).map_err(|e| Error::io(parent, "cannot write there", e))?;
    let mut written = Written { freq, calendar: calendar.len(), ..Written::default() };
    let root = staged.path();

    let lines = calendar.iter().map(|time| stamp(*time, &written.freq)).collect::<Option<Vec<_>>>();
    let lines =
        lines.ok_or_else(|| fault("a time that is no whole second".to_owned()).expected("bars of whole seconds"))?;
    file(root, &format!("calendars/{}.txt", written.freq), (lines.join("\n") + "\n").as_bytes())?;

    let mut instruments = BTreeMap::new();
    for table in tables {
        let place = &places[table.symbol];
        let (Some(first), Some(last)) = (table.times.first(), table.times.last()) else {
            return Err(fault(format!("{}: no rows", table.symbol)));
        };
        let range = [*first, *last].map(|time| stamp(time, &written.freq).unwrap_or_default());
        instruments.insert(&place.instrument, format!("{}\t{}\t{}\n", place.instrument, range[0], range[1]));
        if place.instrument != table.symbol {
            written.renamed.push((table.symbol.to_owned(), place.instrument.clone()));
        }
        for (name, values) in &table.fields {
            let series = series(&calendar, table.times, values, &mut written).map_err(|(time, value)| {
                fault(format!("{} of {} at {} is {value:e}", name, table.symbol, rfc3339(time)))
                    .expected("a number that a 32-bit float can hold")
            })?;
            file(root, &format!("features/{}/{name}.{}.bin", place.folder, written.freq), &series)?;
        }
    }
    file(root, "instruments/all.txt", instruments.into_values().collect::<String>().as_bytes())?;
    symbols::write(root, &places)?;
    Provider::open(root)?;
    fs::rename(staged.keep(), out).map_err(|e| Error::io(out, "cannot put it in place", e))?;
    Ok(written)
}

/// Qlib's name for the interval that all tables have.
fn frequency(out: &Path, tables: &[SymbolTable<'_>]) -> Result<String> {
    let mut known: Option<(&str, i64)> = None;
    for table in tables {
        let Some(ms) = interval(table.times) else { continue };
        match known {
            Some((symbol, other)) if other != ms => {
                let found =
                    format!("{symbol} has a row every {} s, {} every {} s", other / 1_000, table.symbol, ms / 1_000);
                return Err(Error::new(Kind::Value, out, found)
                    .expected("one interval")
                    .remedy("write a provider for each"));
            }
            _ => known = Some((table.symbol, ms)),
        }
    }
    let all = || tables.iter().flat_map(|table| table.times);
    match known {
        Some((_, DAY_MS)) if all().all(|time| time % DAY_MS == 0) => Ok("day".to_owned()),
        Some((_, ms)) if ms % MINUTE_MS == 0 => Ok(format!("{}min", ms / MINUTE_MS)),
        Some((symbol, ms)) => Err(Error::new(Kind::Value, out, format!("{symbol} has a row every {ms} ms"))
            .expected("an interval of whole minutes, or of days")),
        None => Err(Error::new(Kind::Empty, out, "no table with two rows, of which the interval would be known")),
    }
}

/// A time as Qlib writes it; none where it is no whole second.
fn stamp(time: i64, freq: &str) -> Option<String> {
    let text = rfc3339(time);
    let (date, rest) = text.split_once('T')?;
    let clock = rest.strip_suffix('Z').filter(|clock| clock.len() == "00:00:00".len())?;
    Some(if freq == "day" { date.to_owned() } else { format!("{date} {clock}") })
}

/// Bytes of a series, or the value that does not fit, with its time.
type Series = std::result::Result<Vec<u8>, (i64, f64)>;

/// The start index and the values, from the first time of the table to its last; an error names the value that does not fit.
fn series(calendar: &[i64], times: &[i64], values: &[f64], written: &mut Written) -> Series {
    let start = times.first().map_or(0, |first| calendar.partition_point(|time| time < first));
    let end = times.last().map_or(0, |last| calendar.partition_point(|time| time <= last));
    let mut floats = vec![f32::NAN; end - start];
    let mut at = start;
    for (time, value) in times.iter().zip(values) {
        at += calendar[at..].partition_point(|other| other < time);
        #[expect(clippy::cast_possible_truncation, reason = "what is lost is looked at")]
        let float = *value as f32;
        if float.is_infinite() || (float == 0.0) != (*value == 0.0) {
            return Err((*time, *value));
        }
        written.values += usize::from(!value.is_nan());
        written.rounded += usize::from(!value.is_nan() && f64::from(float).to_bits() != value.to_bits());
        floats[at - start] = float;
    }
    #[expect(clippy::cast_precision_loss, reason = "a calendar is shorter than 2^24")]
    let head = start as f32;
    Ok(std::iter::once(head).chain(floats).flat_map(f32::to_le_bytes).collect())
}

fn file(root: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = root.join(name);
    let refused = |e| Error::io(&path, "cannot write it", e);
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(refused)?;
    let mut file = fs::File::create(&path).map_err(refused)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qlib::Selection;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000;
    const T: i64 = 1_704_067_200_000;

    fn table<'a>(symbol: &'a str, times: &'a [i64], close: &'a [f64]) -> SymbolTable<'a> {
        let fields = ["open", "high", "low", "close"].map(|name| (name, close)).into();
        SymbolTable { symbol, times, fields }
    }

    fn written(tables: &[SymbolTable<'_>]) -> Result<(tempfile::TempDir, Provider, Written)> {
        let dir = tempfile::tempdir().unwrap();
        let written = write_provider(&dir.path().join("p"), tables)?;
        let provider = Provider::open(&dir.path().join("p"))?;
        Ok((dir, provider, written))
    }

    fn close_of(provider: &Provider, symbol: &str) -> (Vec<i64>, Vec<f64>) {
        let bars = provider.bars(&Selection { symbol: Some(symbol.to_owned()), freq: None }).unwrap();
        (bars.open_time, bars.close)
    }

    #[test]
    fn files_are_those_that_qlib_writes() {
        let (times, close) = ([T + HOUR, T + 3 * HOUR, T + 4 * HOUR], [1.5, 2.5, 3.5]);
        let later = [T, T + HOUR];
        let (dir, _, written) = written(&[table("BTC", &times, &close), table("ETH", &later, &[7.0, 8.0])]).unwrap();
        let read = |name: &str| fs::read(dir.path().join("p").join(name)).unwrap();
        assert_eq!(
            String::from_utf8(read("calendars/60min.txt")).unwrap(),
            "2024-01-01 00:00:00\n2024-01-01 01:00:00\n2024-01-01 03:00:00\n2024-01-01 04:00:00\n"
        );
        assert_eq!(
            String::from_utf8(read("instruments/all.txt")).unwrap(),
            "BTC\t2024-01-01 01:00:00\t2024-01-01 04:00:00\nETH\t2024-01-01 00:00:00\t2024-01-01 01:00:00\n"
        );
        let floats: Vec<u8> = [1.0_f32, 1.5, 2.5, 3.5].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(read("features/btc/close.60min.bin"), floats);
        assert_eq!((written.freq.as_str(), written.values, written.rounded), ("60min", 20, 0));
    }

    #[test]
    fn days_are_written_as_days() {
        let (dir, _, written) = written(&[table("X", &[T, T + 24 * HOUR], &[1.0, 2.0])]).unwrap();
        assert_eq!(written.freq, "day");
        let calendar = fs::read_to_string(dir.path().join("p/calendars/day.txt")).unwrap();
        assert_eq!(calendar, "2024-01-01\n2024-01-02\n");
    }

    #[test]
    fn symbols_that_differ_in_case_alone_stay_two_and_a_third_spelling_is_no_answer() {
        let times = [T, T + HOUR];
        let (_dir, provider, written) =
            written(&[table("abC", &times, &[1.0, 2.0]), table("aBc", &times, &[3.0, 4.0])]).unwrap();
        assert_eq!((close_of(&provider, "abC").1, close_of(&provider, "aBc").1), (vec![1.0, 2.0], vec![3.0, 4.0]));
        assert_eq!(written.renamed.len(), 2);
        let e = provider.bars(&Selection { symbol: Some("ABC".into()), freq: None }).unwrap_err();
        assert!(e.is_choice() && e.to_string().contains("`aBc`, `abC`"), "{e}");
    }

    #[test]
    fn what_a_provider_cannot_hold_is_refused_and_nothing_is_left() {
        let (hours, halves) = ([T, T + HOUR], [T, T + HOUR / 2]);
        for (tables, message) in [
            (vec![table("A", &hours, &[1.0, 1e39])], "1e39"),
            (vec![table("A", &hours, &[1.0, 1e-50])], "1e-50"),
            (vec![table("A", &hours, &[1.0, f64::INFINITY])], "inf"),
            (vec![table("A", &[T, T + 500], &[1.0, 2.0])], "500 ms"),
            (vec![table("A", &hours, &[1.0, 2.0]), table("B", &halves, &[1.0, 2.0])], "every 1800 s"),
            (vec![table("A", &hours, &[1.0, 2.0]), table("A", &hours, &[1.0, 2.0])], "twice"),
            (vec![table("A", &[T], &[1.0])], "interval"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let e = write_provider(&dir.path().join("p"), &tables).unwrap_err();
            assert!(e.to_string().contains(message), "{message}: {e}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{message}");
        }
        let dir = tempfile::tempdir().unwrap();
        let e = write_provider(dir.path(), &[table("A", &hours, &[1.0, 2.0])]).unwrap_err();
        assert!(e.to_string().contains("something is there"), "{e}");
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written_bit_for_bit(
            rows in proptest::collection::btree_map(0_i64..200, any::<f32>().prop_filter("finite", |v| v.is_finite()), 2..60),
            symbol in "[A-Za-z0-9/. ]{1,6}",
        ) {
            let times: Vec<i64> = rows.keys().map(|hour| T + hour * HOUR).collect();
            prop_assume!(interval(&times).is_some_and(|ms| ms % (24 * HOUR) != 0));
            let close: Vec<f64> = rows.values().map(|value| f64::from(*value)).collect();
            // Another symbol that begins before and ends in the middle, on the same interval.
            let step = interval(&times).unwrap();
            let others: Vec<i64> = (0..3).map(|at| T - HOUR + at * step).collect();
            let filler = table("other", &others, &[1.0; 3]);
            let (_dir, provider, written) = written(&[table(&symbol, &times, &close), filler]).unwrap();
            prop_assert_eq!(written.rounded, 0);
            let (found_times, found) = close_of(&provider, &symbol);
            prop_assert_eq!(found_times, times);
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&found), bits(&close));
        }
    }
}
