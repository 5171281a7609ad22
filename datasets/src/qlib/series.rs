//! One binary file of a Qlib provider: where it starts in the calendar, and its values.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use crate::error::{Error, Kind, Result};

/// One binary file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Series {
    pub(super) symbol: String,
    pub(super) field: String,
    pub(super) freq: String,
    pub(super) path: PathBuf,
}

/// The values of one field, from calendar index `start` on.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Index in the calendar of the first value.
    pub start: usize,
    /// The values; `NaN` where there is none.
    pub values: Vec<f32>,
}

impl Field {
    /// The value at a calendar index; `NaN` where there is none.
    #[must_use]
    pub fn at(&self, index: usize) -> f64 {
        index.checked_sub(self.start).and_then(|i| self.values.get(i)).map_or(f64::NAN, |v| f64::from(*v))
    }
}

impl Series {
    /// Checks start index and length against the number of calendar entries, without reading the values.
    pub(super) fn fits(&self, calendar: usize) -> Result<()> {
        let fault = |found: String| Error::new(Kind::QlibIndex, &self.path, found);
        let mut file = fs::File::open(&self.path).map_err(|e| Error::io(&self.path, "cannot open it", e))?;
        let bytes = file.metadata().map_err(|e| Error::io(&self.path, "cannot read its size", e))?.len();
        if bytes < 4 || bytes % 4 != 0 {
            return Err(fault(format!("{bytes} bytes"))
                .expected("a start index and values of 4 bytes each")
                .remedy("the file was cut off: copy it again"));
        }
        let mut head = [0; 4];
        file.read_exact(&mut head).map_err(|e| Error::io(&self.path, "cannot read it", e))?;
        let first = f32::from_le_bytes(head);
        let Some(start) = start_index(first) else {
            return Err(fault(format!("the start index {first}"))
                .expected("an integer that is not negative")
                .remedy("dump the provider again"));
        };
        let values = usize::try_from(bytes / 4 - 1).unwrap_or(usize::MAX);
        if start.saturating_add(values) > calendar {
            return Err(fault(format!("start {start} + {values} values exceeds the calendar of {calendar}"))
                .expected("every value to have its own line in the calendar")
                .remedy("the values are dated wrongly: dump the provider again with the calendar they were made for"));
        }
        Ok(())
    }

    /// Reads the values; their size and start index were checked by [`Series::fits`].
    pub(super) fn read(&self) -> Result<Field> {
        let bytes = fs::read(&self.path).map_err(|e| Error::io(&self.path, "cannot read it", e))?;
        let mut floats = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let start = floats.next().and_then(start_index).unwrap_or(0);
        Ok(Field { start, values: floats.collect() })
    }
}

fn start_index(first: f32) -> Option<usize> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a small natural number")]
    (first >= 0.0 && first.fract() == 0.0 && first < 1e9).then_some(first as usize)
}
