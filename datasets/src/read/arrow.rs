//! Arrow arrays, as read from Parquet and Arrow IPC files: every type that can be a number, a time or text is accepted.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Schema, TimeUnit};

use super::{BadCell, Columns, Filled, NO_TIME, Plan, Role, integral};
use crate::error::{Error, Kind, Result};
use crate::time::{Integers, MOMENT, TimeForm, Unit, parse};

/// Collects the planned columns over the batches of a file.
pub(super) struct Batches {
    sinks: Vec<Sink>,
    /// Positions in the file of the columns that the batches hold, ascending, each once.
    kept: Vec<usize>,
    row: usize,
    bad: Vec<BadCell>,
}

impl Batches {
    /// Refuses columns whose type is none that their role can take. `rows` is how many to expect.
    pub(super) fn new(
        path: &Path,
        schema: &Schema,
        rows: usize,
        plan: impl Fn(&[String]) -> Result<Plan>,
    ) -> Result<Self> {
        let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        let plan = plan(&names)?;
        for (at, role) in &plan {
            refuse_type(path, &names[*at], schema.field(*at).data_type(), role)?;
        }
        let mut kept: Vec<usize> = plan.iter().map(|(at, _)| *at).collect();
        kept.sort_unstable();
        kept.dedup();
        let sinks = plan
            .into_iter()
            .map(|(at, role)| {
                let role = match role {
                    Role::Either(name) if is_text(schema.field(at).data_type()) => Role::Text(name),
                    Role::Either(name) => Role::Number(name),
                    role => role,
                };
                Sink::new(&names[at], at, role, rows)
            })
            .collect();
        Ok(Self { sinks, kept, row: 0, bad: Vec::new() })
    }

    pub(super) fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// Takes a batch of the kept columns, in the order of the file.
    pub(super) fn take(&mut self, batch: &RecordBatch) {
        for sink in &mut self.sinks {
            let Ok(column) = self.kept.binary_search(&sink.at) else { continue };
            sink.take(batch.column(column), self.row, &mut self.bad);
        }
        self.row += batch.num_rows();
    }

    pub(super) fn finish(mut self) -> Columns {
        let mut time_form = None;
        let filled = self.sinks.into_iter().map(|sink| sink.finish(&mut time_form, &mut self.bad)).collect();
        Columns { filled, bad: self.bad, time_form, assumed_names: false }
    }
}

fn refuse_type(path: &Path, name: &str, data_type: &DataType, role: &Role) -> Result<()> {
    let (fits, expected) = match role {
        Role::Number(_) => (is_number(data_type), "a number or boolean"),
        Role::Text(_) => (is_text(data_type), "text"),
        Role::Either(_) => (is_number(data_type) || is_text(data_type), "numbers or text"),
        Role::Time { .. } => (
            is_text(data_type)
                || data_type.is_integer()
                || matches!(
                    data_type,
                    DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Float64
                ),
            "an Arrow timestamp, an integer, or text",
        ),
    };
    if fits {
        return Ok(());
    }
    Err(Error::new(Kind::Type, path, format!("has the type {data_type}"))
        .column(name)
        .expected(expected)
        .remedy("convert the column, or name another"))
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_integer()
        || data_type.is_floating()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Null
                | DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
        )
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

/// Collects one column over the batches.
struct Sink {
    at: usize,
    name: String,
    role: Role,
    numbers: Vec<f64>,
    texts: Vec<String>,
    /// Raw steps of a time column; their unit may only be known once all are read.
    steps: Vec<i64>,
    /// Unit and form, where the type of the column says them.
    typed: Option<(Unit, TimeForm)>,
}

impl Sink {
    fn new(name: &str, at: usize, role: Role, rows: usize) -> Self {
        let room = |wanted: bool| if wanted { rows } else { 0 };
        Self {
            at,
            name: name.to_owned(),
            numbers: Vec::with_capacity(room(matches!(role, Role::Number(_)))),
            texts: Vec::with_capacity(room(matches!(role, Role::Text(_)))),
            steps: Vec::with_capacity(room(matches!(role, Role::Time { .. }))),
            role,
            typed: None,
        }
    }

    fn take(&mut self, array: &ArrayRef, row: usize, bad: &mut Vec<BadCell>) {
        match self.role {
            Role::Number(_) => numbers(array, &mut self.numbers),
            Role::Text(_) | Role::Either(_) => {
                texts(array, &mut |text| self.texts.push(text.unwrap_or_default().to_owned()));
            }
            Role::Time { .. } => {
                self.typed = steps(array, &mut self.steps, self.typed);
                for (i, step) in self.steps[row..].iter().enumerate() {
                    if *step == NO_TIME {
                        bad.push(self.bad_moment(row + i, "nothing or no moment".to_owned()));
                    }
                }
            }
        }
    }

    fn bad_moment(&self, row: usize, found: String) -> BadCell {
        BadCell { row, column: self.name.clone(), found, expected: MOMENT }
    }

    fn finish(mut self, form: &mut Option<TimeForm>, bad: &mut Vec<BadCell>) -> Filled {
        match std::mem::replace(&mut self.role, Role::Time { clock: None }) {
            Role::Number(name) => Filled::Number(name, self.numbers),
            Role::Text(name) | Role::Either(name) => Filled::Text(name, self.texts),
            Role::Time { .. } => {
                let known = || self.steps.iter().copied().filter(|step| *step != NO_TIME);
                let plain = || {
                    let (least, most) = known().min().zip(known().max())?;
                    Integers::of_column(&self.name, least, most)
                };
                let integers = self.typed.map(|(unit, _)| Integers::Epoch(unit)).or_else(plain);
                *form = self.typed.map(|(_, form)| form).or(integers.map(Integers::form));
                if form.is_none() && known().next().is_some() {
                    *form = Some(TimeForm::WithoutZone);
                }
                let mut ms = Vec::with_capacity(self.steps.len());
                for (row, step) in self.steps.iter().enumerate() {
                    let value = match integers {
                        _ if *step == NO_TIME => Some(NO_TIME),
                        integers => integers.and_then(|integers| integers.to_ms(*step)),
                    };
                    ms.push(value.unwrap_or_else(|| {
                        bad.push(self.bad_moment(row, format!("the integer {step}")));
                        NO_TIME
                    }));
                }
                Filled::Time(ms)
            }
        }
    }
}

/// Appends a numeric array; what is null becomes `NaN`.
fn numbers(array: &ArrayRef, out: &mut Vec<f64>) {
    macro_rules! append {
        ($type:ty, $convert:expr) => {
            out.extend(array.as_primitive::<$type>().iter().map(|v| v.map_or(f64::NAN, $convert)))
        };
    }
    // What cannot be divided exactly comes out as the nearest float, as it does when the decimal text is parsed.
    let scaled = |scale: i8| move |v: f64| v / 10f64.powi(i32::from(scale));
    match array.data_type() {
        DataType::Float64 => append!(Float64Type, |v| v),
        DataType::Float32 => append!(Float32Type, f64::from),
        DataType::Float16 => append!(Float16Type, f64::from),
        DataType::Int8 => append!(Int8Type, f64::from),
        DataType::Int16 => append!(Int16Type, f64::from),
        DataType::Int32 => append!(Int32Type, f64::from),
        DataType::Int64 => append!(Int64Type, |v| v as f64),
        DataType::UInt8 => append!(UInt8Type, f64::from),
        DataType::UInt16 => append!(UInt16Type, f64::from),
        DataType::UInt32 => append!(UInt32Type, f64::from),
        DataType::UInt64 => append!(UInt64Type, |v| v as f64),
        DataType::Decimal32(_, scale) => append!(Decimal32Type, |v| scaled(*scale)(f64::from(v))),
        DataType::Decimal64(_, scale) => append!(Decimal64Type, |v| scaled(*scale)(v as f64)),
        DataType::Decimal128(_, scale) => append!(Decimal128Type, |v| scaled(*scale)(v as f64)),
        DataType::Boolean => {
            out.extend(array.as_boolean().iter().map(|v| v.map_or(f64::NAN, |b| f64::from(u8::from(b)))));
        }
        _ => out.extend(std::iter::repeat_n(f64::NAN, array.len())),
    }
}

/// Calls `each` with every text of the array, `None` for null.
///
/// A trait object, because a dictionary calls it again with a closure of its own.
fn texts(array: &ArrayRef, each: &mut dyn FnMut(Option<&str>)) {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().for_each(each),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().for_each(each),
        DataType::Utf8View => array.as_string_view().iter().for_each(each),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let mut names = Vec::with_capacity(dictionary.values().len());
            texts(dictionary.values(), &mut |name| names.push(name.map(str::to_owned)));
            for (i, key) in dictionary.normalized_keys().into_iter().enumerate() {
                each(if array.is_null(i) { None } else { names.get(key).and_then(Option::as_deref) });
            }
        }
        _ => (0..array.len()).for_each(|_| each(None)),
    }
}

/// Appends the steps of a time array, and returns their unit and form where the type says them. `before` is what the
/// batches so far were: one text without a zone makes the column one without.
fn steps(array: &ArrayRef, out: &mut Vec<i64>, before: Option<(Unit, TimeForm)>) -> Option<(Unit, TimeForm)> {
    macro_rules! append {
        ($type:ty, $convert:expr) => {
            out.extend(array.as_primitive::<$type>().iter().map(|v| v.and_then($convert).unwrap_or(NO_TIME)))
        };
    }
    match array.data_type() {
        DataType::Timestamp(unit, zone) => {
            let form = if zone.is_some() { TimeForm::WithZone } else { TimeForm::WithoutZone };
            let unit = match unit {
                TimeUnit::Second => {
                    append!(TimestampSecondType, Some);
                    Unit::Second
                }
                TimeUnit::Millisecond => {
                    append!(TimestampMillisecondType, Some);
                    Unit::Milli
                }
                TimeUnit::Microsecond => {
                    append!(TimestampMicrosecondType, Some);
                    Unit::Micro
                }
                TimeUnit::Nanosecond => {
                    append!(TimestampNanosecondType, Some);
                    Unit::Nano
                }
            };
            return Some((unit, form));
        }
        DataType::Date32 => {
            append!(Date32Type, |days| i64::from(days).checked_mul(86_400_000));
            return Some((Unit::Milli, TimeForm::WithoutZone));
        }
        DataType::Date64 => {
            append!(Date64Type, Some);
            return Some((Unit::Milli, TimeForm::WithoutZone));
        }
        DataType::Int64 => append!(Int64Type, Some),
        DataType::Int32 => append!(Int32Type, |v| Some(i64::from(v))),
        DataType::UInt32 => append!(UInt32Type, |v| Some(i64::from(v))),
        DataType::UInt64 => append!(UInt64Type, |v| i64::try_from(v).ok()),
        DataType::Float64 => append!(Float64Type, integral),
        data_type if is_text(data_type) => {
            let mut form = before.map_or(TimeForm::WithZone, |(_, form)| form);
            texts(array, &mut |text| {
                let moment = text.and_then(parse);
                if matches!(moment, Some((_, false))) {
                    form = TimeForm::WithoutZone;
                }
                out.push(moment.map_or(NO_TIME, |(ms, _)| ms));
            });
            return Some((Unit::Milli, form));
        }
        // Eight and sixteen bits hold no moment.
        _ => out.extend(std::iter::repeat_n(NO_TIME, array.len())),
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use arrow_array::{
        BooleanArray, Decimal128Array, DictionaryArray, Float32Array, Int64Array, LargeStringArray, RecordBatch,
        StringArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt8Array,
    };
    use parquet::arrow::ArrowWriter;

    use super::*;
    use crate::frame::{Frame, Wanted};

    fn frame(columns: Vec<(&str, ArrayRef)>, wanted: &Wanted<'_>) -> Result<Frame> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        Frame::read(&path, wanted)?.strict()
    }

    fn time(array: ArrayRef) -> Result<Vec<i64>> {
        frame(vec![("timestamp", array)], &Wanted { time: true, ..Wanted::default() }).map(|mut f| f.take_time())
    }

    #[test]
    fn every_kind_of_number_is_read_and_null_is_nan() {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("f", Arc::new(Float32Array::from(vec![Some(1.5), None]))),
            ("i", Arc::new(Int64Array::from(vec![Some(-3), None]))),
            ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false)]))),
            ("d", Arc::new(Decimal128Array::from(vec![12_345, -1]).with_precision_and_scale(10, 2).unwrap())),
        ];
        let wanted = Wanted { numbers: vec!["d", "f", "b", "i"], ..Wanted::default() };
        let frame = frame(columns, &wanted).unwrap();
        assert_eq!(frame.number("d"), Some([123.45, -0.01].as_slice()));
        assert_eq!(frame.number("b"), Some([1.0, 0.0].as_slice()));
        let (f, i) = (frame.number("f").unwrap(), frame.number("i").unwrap());
        assert!(f[0] == 1.5 && f[1].is_nan() && i[0] == -3.0 && i[1].is_nan());
    }

    #[test]
    fn arrow_timestamps_of_every_unit_and_zone_are_milliseconds_utc() {
        assert_eq!(time(Arc::new(TimestampMicrosecondArray::from(vec![1_000]))).unwrap(), [1]);
        let zoned = TimestampNanosecondArray::from(vec![1_704_067_200_000_000_000]).with_timezone("America/Denver");
        assert_eq!(time(Arc::new(zoned)).unwrap(), [1_704_067_200_000]);
        assert_eq!(time(Arc::new(StringArray::from(vec!["2024-01-01"]))).unwrap(), [1_704_067_200_000]);
        assert_eq!(time(Arc::new(Int64Array::from(vec![1_704_067_200]))).unwrap(), [1_704_067_200_000]);
    }

    #[test]
    fn a_null_moment_names_its_row() {
        let e = time(Arc::new(Int64Array::from(vec![Some(1_704_067_200), None]))).unwrap_err();
        assert_eq!(e.row(), Some(2));
    }

    #[test]
    fn text_comes_from_plain_large_and_dictionary_columns() {
        let keys = UInt8Array::from(vec![Some(1), None, Some(0)]);
        let dictionary = DictionaryArray::new(keys, Arc::new(StringArray::from(vec!["a", "b"])));
        let columns: Vec<(&str, ArrayRef)> =
            vec![("d", Arc::new(dictionary)), ("l", Arc::new(LargeStringArray::from(vec!["x", "y", "z"])))];
        let frame = frame(columns, &Wanted { texts: vec!["d", "l"], ..Wanted::default() }).unwrap();
        assert_eq!(frame.text("d").unwrap(), ["b", "", "a"]);
        assert_eq!(frame.text("l").unwrap(), ["x", "y", "z"]);
    }

    #[test]
    fn text_where_a_number_must_be_is_a_type_error() {
        let columns: Vec<(&str, ArrayRef)> = vec![("close", Arc::new(StringArray::from(vec!["7"])))];
        let e = frame(columns, &Wanted { numbers: vec!["close"], ..Wanted::default() }).unwrap_err();
        assert!(e.is_type() && e.to_string().contains("has the type Utf8"), "{e}");
    }
}
