//! Qlib provider directories: a calendar, instruments, and one binary file per symbol, field and frequency.
//!
//! Layout (Microsoft Qlib, `FileFeatureStorage`): `calendars/<freq>.txt` holds one timestamp per line;
//! `instruments/all.txt` symbol, start and end separated by tabs; `features/<symbol>/<field>.<freq>.bin` little-endian
//! 32-bit floats, of which the first is the index in the calendar at which the values start. `NaN` is "no value".
//!
//! A file that starts at the wrong index silently misdates every value; this shows only if the values reach beyond the
//! calendar. So opening a provider checks every file in it, and one such file refuses the whole provider.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

mod series;
mod symbols;
mod write;

pub use self::series::Field;
use self::series::Series;
pub use self::write::{SymbolTable, Written, write_provider};
use crate::bars::{Bars, interval};
use crate::error::{Error, Kind, Result, list, quoted};
use crate::time::{parse_ms, rfc3339};

/// Which series of a provider is meant; what is absent is chosen where there is only one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Symbol, in any case.
    pub symbol: Option<String>,
    /// Frequency as in the file names: `60min`, `day`.
    pub freq: Option<String>,
}

/// A provider directory whose every series fits its calendar.
#[derive(Clone, Debug)]
pub struct Provider {
    root: PathBuf,
    series: Vec<Series>,
}

/// One line of `instruments/all.txt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Symbol as written there.
    pub symbol: String,
    /// First moment, epoch milliseconds UTC.
    pub start: i64,
    /// Last moment, epoch milliseconds UTC.
    pub end: i64,
}

const PRICES: [&str; 4] = ["open", "high", "low", "close"];

impl Provider {
    /// Opens a directory and checks every series in it against its calendar.
    ///
    /// # Errors
    /// Where the layout is not Qlib's, a calendar is missing, unreadable or unsorted, or a series has a start index
    /// that is negative or no integer, or reaches beyond its calendar (the numbers are in the message).
    pub fn open(root: &Path) -> Result<Self> {
        let symbols = symbols::read(root)?;
        let mut series = Vec::new();
        for symbol_dir in entries(&root.join("features"))? {
            if !symbol_dir.is_dir() {
                continue;
            }
            let folder = name_of(&symbol_dir);
            let symbol = symbols.get(&folder).map_or_else(|| symbols::of_folder(&folder), String::as_str).to_owned();
            for path in entries(&symbol_dir)? {
                let name = name_of(&path);
                if let Some((field, freq)) = name.strip_suffix(".bin").and_then(|stem| stem.rsplit_once('.')) {
                    series.push(Series {
                        symbol: symbol.clone(),
                        field: field.to_owned(),
                        freq: freq.to_owned(),
                        path,
                    });
                }
            }
        }
        if series.is_empty() {
            return Err(Error::new(Kind::Empty, root, "a Qlib directory without a series")
                .expected("`features/<symbol>/<field>.<freq>.bin`")
                .remedy("name the provider directory itself"));
        }
        let provider = Self { root: root.to_path_buf(), series };
        for freq in provider.freqs() {
            let calendar = provider.calendar(&freq)?.len();
            for series in provider.series.iter().filter(|s| s.freq == freq) {
                series.fits(calendar)?;
            }
        }
        Ok(provider)
    }

    /// The frequencies that have series, sorted.
    #[must_use]
    pub fn freqs(&self) -> Vec<String> {
        self.distinct(|s| Some(&s.freq))
    }

    /// The symbols that have series, sorted: as `symbols.csv` spells them, else in lower case, as the folders are.
    #[must_use]
    pub fn symbols(&self) -> Vec<String> {
        self.distinct(|s| Some(&s.symbol))
    }

    /// The calendar of a frequency: epoch milliseconds UTC, strictly ascending.
    ///
    /// # Errors
    /// Where the file is missing, a line is no moment, or the lines are not strictly ascending.
    pub fn calendar(&self, freq: &str) -> Result<Vec<i64>> {
        let path = self.root.join("calendars").join(format!("{freq}.txt"));
        let text = fs::read_to_string(&path).map_err(|e| {
            let there = entries(&self.root.join("calendars")).unwrap_or_default();
            Error::io(&path, "cannot read the calendar", e)
                .expected(format!("one of {}", list(there.iter().map(|p| name_of(p)))))
        })?;
        let mut calendar = Vec::new();
        for (row, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let stamp = parse_ms(line).ok_or_else(|| {
                Error::new(Kind::Value, &path, format!("found {}", quoted(line)))
                    .at_row(row)
                    .expected("`YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS`")
            })?;
            if let Some(before) = calendar.last().filter(|before| **before >= stamp) {
                return Err(Error::new(Kind::Order, &path, format!("{} after {}", rfc3339(stamp), rfc3339(*before)))
                    .at_row(row)
                    .expected("a calendar in strictly ascending order")
                    .remedy("dump the provider again: every value is dated by its line here"));
            }
            calendar.push(stamp);
        }
        Ok(calendar)
    }

    /// The lines of `instruments/all.txt`.
    ///
    /// # Errors
    /// Where the file is missing or a line is not symbol, start and end separated by tabs.
    pub fn instruments(&self) -> Result<Vec<Instrument>> {
        let path = self.root.join("instruments").join("all.txt");
        let text = fs::read_to_string(&path).map_err(|e| Error::io(&path, "cannot read the instruments", e))?;
        let mut instruments = Vec::new();
        for (row, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let mut parts = line.split('\t');
            let parsed = match (parts.next(), parts.next().and_then(parse_ms), parts.next().and_then(parse_ms)) {
                (Some(symbol), Some(start), Some(end)) => Instrument { symbol: symbol.to_owned(), start, end },
                _ => {
                    return Err(Error::new(Kind::Value, &path, format!("found {}", quoted(line)))
                        .at_row(row)
                        .expected("symbol, start and end separated by tabs"));
                }
            };
            instruments.push(parsed);
        }
        Ok(instruments)
    }

    /// Reads one field.
    ///
    /// # Errors
    /// Where it is not there (what is there is listed) or cannot be read.
    pub fn field(&self, symbol: &str, freq: &str, field: &str) -> Result<Field> {
        let symbol = self.spelled(symbol)?;
        let here = |s: &&Series| s.symbol == symbol && s.freq == freq;
        let series = self.series.iter().filter(here).find(|s| s.field == field).ok_or_else(|| {
            let fields = self.distinct(|s| here(&s).then_some(&s.field));
            Error::new(Kind::MissingColumn, &self.root, format!("no field `{field}` of `{symbol}` at `{freq}`"))
                .expected(format!("one of {}", list(fields)))
        })?;
        series.read()
    }

    /// A symbol as the provider spells it: exactly as given, else the only one that differs in case alone.
    fn spelled(&self, symbol: &str) -> Result<String> {
        let symbols = self.symbols();
        if symbols.iter().any(|s| s == symbol) {
            return Ok(symbol.to_owned());
        }
        let alike: Vec<String> = symbols.into_iter().filter(|s| s.eq_ignore_ascii_case(symbol)).collect();
        match alike.as_slice() {
            [] => Ok(symbol.to_owned()),
            [one] => Ok(one.clone()),
            several => Err(Error::new(Kind::Choice, &self.root, format!("`{symbol}` in several spellings"))
                .expected(format!("one of {}", list(several)))),
        }
    }

    /// Bars of one symbol and frequency. Calendar entries without any price are no bars.
    ///
    /// # Errors
    /// Where the selection is not there or not unique (the choices are listed), or a bar has some prices only.
    pub fn bars(&self, selection: &Selection) -> Result<Bars> {
        let (symbol, freq) = self.choose(selection)?;
        let calendar = self.calendar(&freq)?;
        let [open, high, low, close] = {
            let read = |name| self.field(&symbol, &freq, name);
            [read(PRICES[0])?, read(PRICES[1])?, read(PRICES[2])?, read(PRICES[3])?]
        };
        let has_volume = self.series.iter().any(|s| s.symbol == symbol && s.freq == freq && s.field == "volume");
        let volume = if has_volume { Some(self.field(&symbol, &freq, "volume")?) } else { None };
        let mut bars = Bars {
            open_time: Vec::new(),
            open: Vec::new(),
            high: Vec::new(),
            low: Vec::new(),
            close: Vec::new(),
            volume: volume.is_some().then(Vec::new),
            interval_ms: 0,
        };
        for (i, time) in calendar.iter().enumerate() {
            let prices = [open.at(i), high.at(i), low.at(i), close.at(i)];
            if prices.iter().all(|p| p.is_nan()) {
                continue;
            }
            bars.open_time.push(*time);
            bars.open.push(prices[0]);
            bars.high.push(prices[1]);
            bars.low.push(prices[2]);
            bars.close.push(prices[3]);
            if let (Some(column), Some(field)) = (&mut bars.volume, &volume) {
                column.push(field.at(i));
            }
        }
        bars.interval_ms = interval(&bars.open_time).unwrap_or(0);
        Ok(bars)
    }

    /// The one symbol and frequency that has all four prices and agrees with the selection.
    fn choose(&self, selection: &Selection) -> Result<(String, String)> {
        let symbol = selection.symbol.as_deref().map(|symbol| self.spelled(symbol)).transpose()?;
        let wanted = |name: &str, choice: Option<&str>| choice.is_none_or(|choice| choice == name);
        let pairs: BTreeSet<(&str, &str)> = self.series.iter().map(|s| (s.symbol.as_str(), s.freq.as_str())).collect();
        let complete: Vec<(&str, &str)> = pairs
            .into_iter()
            .filter(|(symbol, freq)| {
                let has = |field: &str| {
                    self.series.iter().any(|s| s.symbol == *symbol && s.freq == *freq && s.field == field)
                };
                PRICES.iter().all(|field| has(field))
            })
            .collect();
        let matching: Vec<&(&str, &str)> = complete
            .iter()
            .filter(|(s, f)| wanted(s, symbol.as_deref()) && wanted(f, selection.freq.as_deref()))
            .collect();
        let names = |pairs: &mut dyn Iterator<Item = &(&str, &str)>| list(pairs.map(|(s, f)| format!("{s} at {f}")));
        match matching.as_slice() {
            [(symbol, freq)] => Ok(((*symbol).to_owned(), (*freq).to_owned())),
            [] => Err(Error::new(
                Kind::Choice,
                &self.root,
                format!(
                    "no bars of symbol `{}` at frequency `{}`",
                    selection.symbol.as_deref().unwrap_or("any"),
                    selection.freq.as_deref().unwrap_or("any")
                ),
            )
            .expected(format!("one of {}", names(&mut complete.iter())))),
            several => Err(Error::new(
                Kind::Choice,
                &self.root,
                format!("several series of bars: {}", names(&mut several.iter().copied())),
            )
            .expected("one")
            .remedy("name the symbol and the frequency")),
        }
    }

    fn distinct<'a>(&'a self, key: impl Fn(&'a Series) -> Option<&'a String>) -> Vec<String> {
        self.series.iter().filter_map(key).cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(dir)
        .and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>())
        .map_err(|e| Error::io(dir, "cannot list it", e))?;
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A provider of three hours and one symbol, whose bytes are written here by hand.
    struct World(tempfile::TempDir);

    impl World {
        fn new() -> Self {
            let world = Self(tempfile::tempdir().unwrap());
            world.write("calendars/60min.txt", b"2024-01-01 00:00:00\n2024-01-01 01:00:00\n2024-01-01 02:00:00\n");
            world.write("instruments/all.txt", b"BTC\t2024-01-01 00:00:00\t2024-01-01 02:00:00");
            for field in PRICES {
                world.series("btc", field, "60min", &[1.0, 7.0, 8.0]);
            }
            world
        }

        fn write(&self, name: &str, bytes: &[u8]) {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }

        fn series(&self, symbol: &str, field: &str, freq: &str, floats: &[f32]) {
            let bytes: Vec<u8> = floats.iter().flat_map(|v| v.to_le_bytes()).collect();
            self.write(&format!("features/{symbol}/{field}.{freq}.bin"), &bytes);
        }

        fn bars(&self) -> Result<Bars> {
            Provider::open(self.0.path())?.bars(&Selection::default())
        }
    }

    const T: i64 = 1_704_067_200_000;
    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_value_belongs_to_the_calendar_line_at_start_plus_its_index() {
        let bars = World::new().bars().unwrap();
        assert_eq!(bars.open_time, [T + HOUR, T + 2 * HOUR]);
        assert_eq!((bars.close.as_slice(), bars.volume, bars.interval_ms), ([7.0, 8.0].as_slice(), None, HOUR));
    }

    #[test]
    fn a_line_without_any_price_is_no_bar_and_one_with_some_is_an_error() {
        let world = World::new();
        for field in PRICES {
            world.series("btc", field, "60min", &[0.0, 1.0, f32::NAN, 3.0]);
        }
        world.series("btc", "volume", "60min", &[2.0, 5.0]);
        let bars = world.bars().unwrap();
        assert_eq!(bars.open_time, [T, T + 2 * HOUR]);
        assert!(bars.volume.as_ref().is_some_and(|v| v[0].is_nan() && v[1] == 5.0));
        world.series("btc", "high", "60min", &[1.0, f32::NAN, 3.0]);
        let e = Bars::read(world.0.path()).unwrap_err();
        assert!(e.is_value() && e.column_name() == Some("high"), "{e}");
    }

    #[test]
    fn a_series_beyond_its_calendar_is_refused_with_the_numbers() {
        let world = World::new();
        world.series("other", "close", "60min", &[1.0, 1.0, 2.0, 3.0]);
        let e = world.bars().unwrap_err();
        assert!(e.is_qlib_index() && e.to_string().contains("start 1 + 3 values exceeds the calendar of 3"), "{e}");
    }

    #[test]
    fn a_start_index_must_be_a_natural_number_and_a_file_whole() {
        for first in [-1.0, 0.5, f32::NAN, f32::INFINITY] {
            let world = World::new();
            world.series("btc", "open", "60min", &[first, 1.0]);
            assert!(world.bars().unwrap_err().is_qlib_index(), "{first}");
        }
        let world = World::new();
        world.write("features/btc/open.60min.bin", &[0; 7]);
        assert!(world.bars().unwrap_err().to_string().contains("7 bytes"));
    }

    #[test]
    fn an_unsorted_calendar_is_refused_with_its_line() {
        let world = World::new();
        world.write("calendars/60min.txt", b"2024-01-01 00:00:00\n2024-01-01 02:00:00\n2024-01-01 01:00:00\n");
        let e = world.bars().unwrap_err();
        assert!(e.is_order() && e.row() == Some(3), "{e}");
    }

    #[test]
    fn what_is_not_there_is_answered_with_what_is() {
        let world = World::new();
        let provider = Provider::open(world.0.path()).unwrap();
        let e = provider.field("BTC", "60min", "funding").unwrap_err();
        assert!(e.is_missing_column() && e.to_string().contains("`close`, `high`, `low`, `open`"), "{e}");
        for selection in
            [Selection { symbol: Some("eth".into()), freq: None }, Selection { symbol: None, freq: Some("day".into()) }]
        {
            let e = provider.bars(&selection).unwrap_err();
            assert!(e.is_choice() && e.to_string().contains("`btc at 60min`"), "{e}");
        }
        fs::remove_file(world.0.path().join("calendars/60min.txt")).unwrap();
        assert!(Provider::open(world.0.path()).unwrap_err().to_string().contains("60min.txt"));
    }

    #[test]
    fn of_several_series_one_must_be_named() {
        let world = World::new();
        world.write("calendars/day.txt", b"2024-01-01\n2024-01-02\n");
        for field in PRICES {
            world.series("btc", field, "day", &[0.0, 1.0, 2.0]);
        }
        let e = world.bars().unwrap_err();
        assert!(e.is_choice() && e.to_string().contains("`btc at 60min`, `btc at day`"), "{e}");
        let selection = Selection { symbol: Some("BTC".into()), freq: Some("day".into()) };
        let bars = Bars::read_selected(world.0.path(), &selection).unwrap();
        assert_eq!(bars.open_time, [T, T + 24 * HOUR]);
    }

    #[test]
    fn instruments_are_read() {
        let world = World::new();
        let instruments = Provider::open(world.0.path()).unwrap().instruments().unwrap();
        assert_eq!(instruments, [Instrument { symbol: "BTC".into(), start: T, end: T + 2 * HOUR }]);
    }
}
