//! The identity of data: a BLAKE3 hash over columns, the same whatever format they were read from.

use std::{fs::File, path::Path};

use crate::error::{Error, Result};

/// BLAKE3 (hex) over the bytes of a file.
///
/// # Errors
/// The file cannot be read.
pub fn file_hash(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let read = File::open(path).and_then(|file| hasher.update_reader(file).map(|_| ()));
    read.map_err(|e| Error::io(path, "cannot read it", e))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// The first 16 hex digits of BLAKE3 over a text: an id.
#[must_use]
pub fn text_hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}

/// Values of one column.
#[derive(Clone, Copy, Debug)]
pub enum HashColumn<'a> {
    /// Integers.
    I64(&'a [i64]),
    /// Floats; every `NaN` counts as the same one, since formats do not preserve which it was.
    F64(&'a [f64]),
}

/// BLAKE3 (hex) over the columns in the order given: of each its name, type, length and little-endian bits.
#[must_use]
pub fn content_hash<'a>(columns: impl IntoIterator<Item = (&'a str, HashColumn<'a>)>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"q50.dataset/1");
    for (name, column) in columns {
        let (tag, len) = match column {
            HashColumn::I64(values) => (b'i', values.len()),
            HashColumn::F64(values) => (b'f', values.len()),
        };
        // Lengths first, so that no two lists of columns give the same bytes.
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        hasher.update(&[tag]).update(&(len as u64).to_le_bytes());
        match column {
            HashColumn::I64(values) => update(&mut hasher, values, i64::to_le_bytes),
            HashColumn::F64(values) => {
                update(&mut hasher, values, |v| if v.is_nan() { f64::NAN } else { v }.to_le_bytes());
            }
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// Adds the bytes of `values`, some at a time, so that no second copy of a column is made.
fn update<T: Copy>(hasher: &mut blake3::Hasher, values: &[T], bytes: impl Fn(T) -> [u8; 8]) {
    const AT_A_TIME: usize = 16_384;
    let mut buffer = Vec::with_capacity(8 * AT_A_TIME.min(values.len()));
    for part in values.chunks(AT_A_TIME) {
        buffer.clear();
        buffer.extend(part.iter().flat_map(|value| bytes(*value)));
        hasher.update(&buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(columns: &[(&str, &[f64])]) -> String {
        content_hash(columns.iter().map(|(n, c)| (*n, HashColumn::F64(c))))
    }

    #[test]
    fn names_values_order_and_lengths_all_count() {
        let base = hash(&[("a", &[1.0, 2.0]), ("b", &[3.0])]);
        assert_eq!(base.len(), 64);
        assert_eq!(base, hash(&[("a", &[1.0, 2.0]), ("b", &[3.0])]));
        assert_ne!(base, hash(&[("a", &[1.0]), ("b", &[2.0, 3.0])]));
        assert_ne!(base, hash(&[("b", &[3.0]), ("a", &[1.0, 2.0])]));
        assert_ne!(base, hash(&[("c", &[1.0, 2.0]), ("b", &[3.0])]));
        assert_ne!(base, hash(&[("a", &[1.0, 2.0 + f64::EPSILON * 2.0]), ("b", &[3.0])]));
    }

    #[test]
    fn all_nans_are_one() {
        assert_eq!(hash(&[("a", &[f64::NAN])]), hash(&[("a", &[-f64::NAN])]));
    }
}
