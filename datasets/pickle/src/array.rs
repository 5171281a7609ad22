//! Arrays of numpy, and those that pandas and Arrow wrap around them.
//!
//! Layouts: `numpy/_core/src/multiarray/methods.c` (`array_setstate`), `descriptor.c` (`arraydescr_setstate`);
//! `pandas/_libs/arrays.pyx` (`NDArrayBacked`); Arrow's columnar format, "Variable-size Binary Layout".

use crate::error::Result;
use crate::globals::Global;
use crate::index;
use crate::tree::{Id, Tree, Value};
use crate::values::Values;

/// What stands in an array, and how many bytes each takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Float(usize),
    Int(usize),
    Uint(usize),
    Bool,
    /// Instants; one step is this many nanoseconds.
    Time(i64),
    Objects,
}

impl Kind {
    fn bytes(self) -> usize {
        match self {
            Self::Float(bytes) | Self::Int(bytes) | Self::Uint(bytes) => bytes,
            Self::Bool => 1,
            Self::Time(_) | Self::Objects => 8,
        }
    }
}

enum Data<'t> {
    Bytes(&'t [u8]),
    Objects(&'t [Id]),
}

/// An array of one or two dimensions.
pub(crate) struct Array<'t> {
    id: Id,
    kind: Kind,
    big_endian: bool,
    pub(crate) shape: Vec<usize>,
    fortran: bool,
    data: Data<'t>,
}

impl<'t> Array<'t> {
    /// The array that `id` describes; `None` where it is something else.
    pub(crate) fn of(tree: &'t Tree, id: Id) -> Result<Option<Self>> {
        let Some(object) = tree.object(id) else { return Ok(None) };
        let (shape, dtype, fortran, data) = match object.function {
            Global::FromBuffer => {
                let order = tree.text(tree.argument(id, 3)?)?;
                if !matches!(order, "C" | "F") {
                    return tree.refuse(id, "an array whose order is neither C nor F");
                }
                (tree.argument(id, 2)?, tree.argument(id, 1)?, order == "F", tree.argument(id, 0)?)
            }
            Global::Reconstruct => {
                let state = tree.state(id)?;
                let [_, shape, dtype, fortran, data] = tree.items(state)? else {
                    return Err(tree.wrong(state, "the five parts of an array"));
                };
                let fortran = match tree.get(*fortran) {
                    Value::Bool(fortran) => *fortran,
                    Value::Int(fortran) => *fortran != 0,
                    _ => return Err(tree.wrong(*fortran, "a flag")),
                };
                (*shape, *dtype, fortran, *data)
            }
            _ => return Ok(None),
        };
        let (kind, big_endian) = dtype_of(tree, dtype)?;
        let shape = tree.items(shape)?.iter().map(|size| tree.size(*size)).collect::<Result<Vec<usize>>>()?;
        let cells = shape.iter().try_fold(1_usize, |cells, size| cells.checked_mul(*size));
        let (data, fits) = if kind == Kind::Objects {
            let objects = tree.items(data)?;
            (Data::Objects(objects), cells == Some(objects.len()))
        } else {
            let bytes = tree.bytes(data)?;
            (Data::Bytes(bytes), cells.and_then(|cells| cells.checked_mul(kind.bytes())) == Some(bytes.len()))
        };
        if !fits || shape.is_empty() || shape.len() > 2 {
            return tree.refuse(id, format!("an array of shape {shape:?} whose values are not as many"));
        }
        Ok(Some(Self { id, kind, big_endian, shape, fortran, data }))
    }

    /// Number of rows of a block: the last dimension.
    pub(crate) fn rows(&self) -> usize {
        self.shape.last().copied().unwrap_or(0)
    }

    /// Number of columns of a block: the first of two dimensions.
    pub(crate) fn columns(&self) -> usize {
        if self.shape.len() == 2 { self.shape[0] } else { 1 }
    }

    /// The values of a column, which is below [`Self::columns`].
    pub(crate) fn column(&self, tree: &Tree, column: usize) -> Result<Values> {
        let (rows, columns) = (self.rows(), self.columns());
        let cells = (0..rows).map(|row| if self.fortran { row * columns + column } else { column * rows + row });
        let bytes = match &self.data {
            Data::Bytes(bytes) => bytes,
            Data::Objects(objects) => {
                return values_of_objects(tree, &cells.map(|cell| objects[cell]).collect::<Vec<_>>());
            }
        };
        let width = self.kind.bytes();
        // Widened to eight bytes, least significant first.
        let raw = |cell: usize| -> [u8; 8] {
            let mut raw = [0; 8];
            raw[..width].copy_from_slice(&bytes[cell * width..][..width]);
            if self.big_endian {
                raw[..width].reverse();
            }
            raw
        };
        let unsigned = |cell: usize| u64::from_le_bytes(raw(cell));
        let shift = 64 - 8 * width as u32;
        let signed = |cell: usize| (unsigned(cell) << shift).cast_signed() >> shift;
        Ok(match self.kind {
            Kind::Float(_) => Values::Float(cells.map(|cell| Some(float(unsigned(cell), width))).collect()),
            Kind::Int(_) => Values::Int(cells.map(|cell| Some(signed(cell))).collect()),
            Kind::Uint(_) => Values::Uint(cells.map(|cell| Some(unsigned(cell))).collect()),
            Kind::Bool => Values::Bool(cells.map(|cell| Some(unsigned(cell) != 0)).collect()),
            Kind::Time(step) => {
                let ns = |cell: usize| match signed(cell) {
                    // NaT
                    i64::MIN => Ok(None),
                    steps => match steps.checked_mul(step) {
                        Some(ns) => Ok(Some(ns)),
                        None => tree.refuse(self.id, "an instant beyond the range of nanoseconds (1677 to 2262)"),
                    },
                };
                Values::Time { ns: cells.map(ns).collect::<Result<_>>()?, zoned: false }
            }
            Kind::Objects => Values::Text(Vec::new()),
        })
    }
}

/// An IEEE 754 float of two, four or eight bytes.
fn float(bits: u64, width: usize) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "no more than `width` bytes are set")]
    match width {
        8 => f64::from_bits(bits),
        4 => f64::from(f32::from_bits(bits as u32)),
        _ => half(bits as u16),
    }
}

/// A half float: a sign, five bits of exponent with a bias of 15, ten of fraction.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2.0_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2.0_f64.powi(exponent - 25),
    }
}

fn dtype_of(tree: &Tree, id: Id) -> Result<(Kind, bool)> {
    if tree.object(id).is_none_or(|object| object.function != Global::Dtype) {
        return Err(tree.wrong(id, "a type of numpy"));
    }
    let name = tree.text(tree.argument(id, 0)?)?;
    let state = tree.state(id)?;
    let parts = tree.items(state)?;
    let big_endian = match parts.get(1) {
        Some(order) => tree.text(*order)? == ">",
        None => return Err(tree.wrong(state, "the parts of a type of numpy")),
    };
    let kind = match name {
        "f2" => Kind::Float(2),
        "f4" => Kind::Float(4),
        "f8" => Kind::Float(8),
        "i1" => Kind::Int(1),
        "i2" => Kind::Int(2),
        "i4" => Kind::Int(4),
        "i8" => Kind::Int(8),
        "u1" => Kind::Uint(1),
        "u2" => Kind::Uint(2),
        "u4" => Kind::Uint(4),
        "u8" => Kind::Uint(8),
        "b1" => Kind::Bool,
        "O8" | "O" => Kind::Objects,
        "M8" => Kind::Time(step(tree, state, parts)?),
        other => return tree.refuse(id, format!("values of the numpy type `{other}`, which are not read")),
    };
    Ok((kind, big_endian))
}

/// Nanoseconds of a step of `M8`: its state ends in (metadata, (unit, 1, 1, 1)).
fn step(tree: &Tree, state: Id, parts: &[Id]) -> Result<i64> {
    let Some(last) = parts.last() else { return Err(tree.wrong(state, "the parts of a type of numpy")) };
    let [_, unit] = tree.items(*last)? else { return Err(tree.wrong(*last, "the unit of instants")) };
    let [name, multiple, ..] = tree.items(*unit)? else { return Err(tree.wrong(*unit, "the unit of instants")) };
    match (tree.bytes(*name)?, tree.int(*multiple)?) {
        (b"ns", 1) => Ok(1),
        (b"us", 1) => Ok(1_000),
        (b"ms", 1) => Ok(1_000_000),
        (b"s", 1) => Ok(1_000_000_000),
        _ => tree.refuse(*unit, "instants in a unit other than s, ms, us and ns"),
    }
}

/// The values of an array of one dimension, whatever class is put around it.
pub(crate) fn values(tree: &Tree, id: Id) -> Result<Values> {
    if let Some(array) = Array::of(tree, id)? {
        return if array.columns() == 1 { array.column(tree, 0) } else { Err(tree.wrong(id, "one column")) };
    }
    let Some(object) = tree.object(id) else { return Err(tree.wrong(id, "an array")) };
    match object.function {
        Global::NdArrayBacked => {
            let class = tree.argument(id, 0)?;
            let state = tree.state(id)?;
            let [dtype, array, ..] = tree.items(state)? else { return Err(tree.wrong(state, "a type and an array")) };
            match tree.get(class) {
                Value::Global(Global::DatetimeArray) => times(tree, *array, is_zoned(tree, *dtype)),
                Value::Global(Global::StringArray) => values(tree, *array),
                Value::Global(Global::Categorical) => categories(tree, *dtype, *array),
                _ => Err(tree.wrong(class, "the class of an array")),
            }
        }
        Global::DatetimeArray => {
            let state = tree.state(id)?;
            let data = tree.find(state, "_ndarray")?.map_or_else(|| tree.entry(state, "_data"), Ok)?;
            let dtype = tree.find(state, "_dtype")?;
            times(tree, data, dtype.is_some_and(|dtype| is_zoned(tree, dtype)))
        }
        Global::StringArray => {
            let state = tree.state(id)?;
            let data = tree.find(state, "_ndarray")?.map_or_else(|| tree.entry(state, "_data"), Ok)?;
            values(tree, data)
        }
        Global::Categorical => {
            let state = tree.state(id)?;
            let codes = tree.find(state, "_ndarray")?.map_or_else(|| tree.entry(state, "_codes"), Ok)?;
            categories(tree, tree.entry(state, "_dtype")?, codes)
        }
        Global::MaskedArray => {
            let state = tree.state(id)?;
            let (data, mask) = (values(tree, tree.entry(state, "_data")?)?, tree.entry(state, "_mask")?);
            match values(tree, mask)? {
                Values::Bool(missing) if missing.len() == data.len() => Ok(data.without(&missing)),
                _ => Err(tree.wrong(mask, "a flag for each value")),
            }
        }
        Global::ArrowStringArray => {
            let state = tree.state(id)?;
            let array = tree.find(state, "_pa_array")?.map_or_else(|| tree.entry(state, "_data"), Ok)?;
            arrow_text(tree, array)
        }
        _ => Err(tree.wrong(id, "an array")),
    }
}

fn is_zoned(tree: &Tree, dtype: Id) -> bool {
    tree.object(dtype).is_some_and(|object| object.function == Global::DatetimeTzDtype)
}

fn times(tree: &Tree, id: Id, zoned: bool) -> Result<Values> {
    match values(tree, id)? {
        Values::Time { ns, .. } => Ok(Values::Time { ns, zoned }),
        _ => Err(tree.wrong(id, "an array of instants")),
    }
}

/// Codes of categories, of which -1 stands for a missing value.
fn categories(tree: &Tree, dtype: Id, codes: Id) -> Result<Values> {
    let (levels, rows) = (index::only_level(tree, tree.entry(tree.state(dtype)?, "categories")?)?, codes);
    match values(tree, rows)? {
        Values::Int(codes) => taken(tree, rows, &levels, codes),
        _ => Err(tree.wrong(rows, "integer codes")),
    }
}

/// The values that codes name.
pub(crate) fn taken(tree: &Tree, id: Id, levels: &Values, codes: Vec<Option<i64>>) -> Result<Values> {
    let codes: Vec<i64> = codes.into_iter().map(|code| code.unwrap_or(-1)).collect();
    levels.take(&codes).map_or_else(|| tree.refuse(id, "a code beyond the last value"), Ok)
}

/// Text as Arrow stores it: validity bits, offsets and characters.
fn arrow_text(tree: &Tree, id: Id) -> Result<Values> {
    let array = match tree.object(id) {
        Some(object) if object.function == Global::ArrowArray => tree.argument(id, 0)?,
        _ => return Err(tree.wrong(id, "an array of Arrow")),
    };
    let [kind, length, _, offset, buffers, ..] = tree.items(array)? else {
        return Err(tree.wrong(array, "the parts of an array of Arrow"));
    };
    let width = match tree.text(tree.argument(*kind, 0)?)? {
        "string" => 4,
        "large_string" => 8,
        other => return tree.refuse(*kind, format!("values of the Arrow type `{other}`, which are not read")),
    };
    let [validity, offsets, data] = tree.items(*buffers)? else {
        return Err(tree.wrong(*buffers, "the buffers of text"));
    };
    let (length, offset) = (tree.size(*length)?, tree.size(*offset)?);
    let buffer = |id: Id| -> Result<&[u8]> {
        match tree.get(id) {
            Value::None => Ok(&[]),
            _ => tree.bytes(tree.argument(id, 0)?),
        }
    };
    let (bits, offsets, data) = (buffer(*validity)?, buffer(*offsets)?, buffer(*data)?);
    let position = |at: usize| -> Option<usize> {
        let mut raw = [0; 8];
        raw[..width].copy_from_slice(offsets.get(at.checked_mul(width)?..)?.get(..width)?);
        usize::try_from(u64::from_le_bytes(raw)).ok()
    };
    let cell = |row: usize| -> Option<Option<String>> {
        let at = offset.checked_add(row)?;
        let valid = bits.is_empty() || bits.get(at / 8)? >> (at % 8) & 1 == 1;
        let bytes = data.get(position(at)?..position(at.checked_add(1)?)?)?;
        Some(if valid { Some(String::from_utf8(bytes.to_vec()).ok()?) } else { None })
    };
    let text: Option<Vec<Option<String>>> = (0..length).map(cell).collect();
    text.map_or_else(|| tree.refuse(id, "text of Arrow whose buffers are too short"), |text| Ok(Values::Text(text)))
}

/// Objects of Python: all numbers, all flags, or text. Datetimes are text, as pandas shows them.
fn values_of_objects(tree: &Tree, objects: &[Id]) -> Result<Values> {
    #[derive(PartialEq)]
    enum Cell {
        Missing,
        Bool(bool),
        Int(i64),
        Float(f64),
        Text(String),
    }
    let cell = |id: &Id| -> Result<Cell> {
        Ok(match tree.get(*id) {
            Value::None | Value::Global(Global::Na) => Cell::Missing,
            Value::Float(float) if float.is_nan() => Cell::Missing,
            Value::Bool(flag) => Cell::Bool(*flag),
            Value::Int(int) => Cell::Int(*int),
            Value::Float(float) => Cell::Float(*float),
            Value::Text(text) => Cell::Text(text.to_string()),
            Value::Object(object) if object.function == Global::Datetime => Cell::Text(moment(tree, *id)?),
            _ => return Err(tree.wrong(*id, "a number, a flag or text")),
        })
    };
    let cells = objects.iter().map(cell).collect::<Result<Vec<Cell>>>()?;
    let all = |fits: fn(&Cell) -> bool| cells.iter().all(|cell| *cell == Cell::Missing || fits(cell));
    #[expect(
        clippy::cast_precision_loss,
        reason = "a column of integers and floats is one of floats in Python as well"
    )]
    Ok(if cells.iter().all(|cell| *cell == Cell::Missing) {
        Values::Text(vec![None; cells.len()])
    } else if all(|cell| matches!(cell, Cell::Bool(_))) {
        Values::Bool(cells.iter().map(|cell| if let Cell::Bool(flag) = cell { Some(*flag) } else { None }).collect())
    } else if all(|cell| matches!(cell, Cell::Int(_))) {
        Values::Int(cells.iter().map(|cell| if let Cell::Int(int) = cell { Some(*int) } else { None }).collect())
    } else if all(|cell| matches!(cell, Cell::Int(_) | Cell::Float(_))) {
        let float = |cell: &Cell| match cell {
            Cell::Int(int) => Some(*int as f64),
            Cell::Float(float) => Some(*float),
            _ => None,
        };
        Values::Float(cells.iter().map(float).collect())
    } else {
        let text = |cell: Cell| match cell {
            Cell::Missing => None,
            Cell::Bool(flag) => Some(if flag { "True" } else { "False" }.to_owned()),
            Cell::Int(int) => Some(int.to_string()),
            Cell::Float(float) => Some(float.to_string()),
            Cell::Text(text) => Some(text),
        };
        Values::Text(cells.into_iter().map(text).collect())
    })
}

/// A `datetime` without a zone, as Python writes it: its ten bytes are the year, month, day, hour, minute, second and
/// microsecond.
fn moment(tree: &Tree, id: Id) -> Result<String> {
    let [y1, y0, month, day, hour, minute, second, u2, u1, u0] = *tree.bytes(tree.argument(id, 0)?)? else {
        return Err(tree.wrong(id, "the ten bytes of a datetime"));
    };
    if tree.argument(id, 1).is_ok() {
        return tree.refuse(id, "a datetime in a zone, whose offset is not in the file: store it as datetime64");
    }
    let (year, micros) = (u16::from_be_bytes([y1, y0]), u32::from_be_bytes([0, u2, u1, u0]));
    let whole = format!("{year:04}-{:02}-{day:02} {hour:02}:{minute:02}:{second:02}", month & 0x7f);
    Ok(if micros == 0 { whole } else { format!("{whole}.{micros:06}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_floats_are_widened() {
        let cases =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65_504.0), (1, 2.0_f64.powi(-24)), (0x7c00, f64::INFINITY)];
        for (bits, value) in cases {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7e00).is_nan() && half(0x8000).is_sign_negative());
    }
}
