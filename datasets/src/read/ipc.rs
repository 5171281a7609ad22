//! Arrow IPC files, also called Feather 2, plain or with compressed buffers (LZ4, Zstandard).
//!
//! The reader of `arrow-ipc` trusts what a file states. A damaged or hostile file could make it ask for more memory
//! than there is, which ends the process, so stated lengths are first compared with the file's own. If a schema or a
//! buffer contradicts itself the reader panics; here that is an error like any other.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, read_footer_length};
use arrow_ipc::{Block, root_as_footer, root_as_message};
use arrow_select::concat::concat_batches;

use super::arrow::Batches;
use super::{Columns, Plan, damaged};
use crate::compression::{MOST_BYTES, MOST_RATIO};
use crate::error::{Error, Kind, Result};
use crate::source::Content;

const REMEDY: &str = "write it again, uncompressed or with LZ4 or Zstandard";

fn open<'a>(path: &Path, file: &'a mut File, kept: Option<Vec<usize>>) -> Result<FileReader<BufReader<&'a mut File>>> {
    check_lengths(path, file)?;
    FileReader::try_new_buffered(file, kept).map_err(|e| damaged(path, "Arrow IPC", REMEDY, e))
}

pub(super) fn column_names(path: &Path, content: Content) -> Result<Vec<String>> {
    let mut file = content.into_file(path)?;
    guarded(path, || Ok(open(path, &mut file, None)?.schema().fields().iter().map(|f| f.name().clone()).collect()))
}

/// Reads the columns that `plan` picks by name.
pub(super) fn read(path: &Path, content: Content, plan: impl Fn(&[String]) -> Result<Plan>) -> Result<Columns> {
    let mut file = content.into_file(path)?;
    guarded(path, || {
        let schema = open(path, &mut file, None)?.schema();
        let mut batches = Batches::new(path, &schema, 0, plan)?;
        for batch in open(path, &mut file, Some(batches.kept().to_vec()))? {
            batches.take(&batch.map_err(|e| damaged(path, "Arrow IPC", REMEDY, e))?);
        }
        Ok(batches.finish())
    })
}

/// The whole table, every column with its own type.
pub(crate) fn batch(path: &Path, content: Content) -> Result<RecordBatch> {
    let mut file = content.into_file(path)?;
    let failed = |e| damaged(path, "Arrow IPC", REMEDY, e);
    guarded(path, || {
        let reader = open(path, &mut file, None)?;
        let schema = reader.schema();
        let batches = reader.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
        concat_batches(&schema, &batches).map_err(failed)
    })
}

/// Runs `read`, whose panics are errors of the file, and are not printed.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
    static QUIET: Once = Once::new();
    thread_local!(static READING: Cell<bool> = const { Cell::new(false) });
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !READING.get() {
                usual(info);
            }
        }));
    });
    READING.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(read));
    READING.set(false);
    result.unwrap_or_else(|_| {
        Err(Error::new(Kind::Format, path, "a damaged Arrow IPC file: it contradicts itself").remedy(REMEDY))
    })
}

/// Refuses a file whose blocks or buffers lie outside of it, or unpack to more than a file may.
fn check_lengths(path: &Path, file: &mut File) -> Result<()> {
    let unreadable = |e| Error::io(path, "cannot read it", e);
    let wrong = |what: &str| {
        Error::new(Kind::Format, path, format!("a damaged Arrow IPC file: {what}")).remedy("fetch or write it again")
    };
    let size = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let mut tail = [0; 10];
    file.seek(SeekFrom::End(-10)).and_then(|_| file.read_exact(&mut tail)).map_err(unreadable)?;
    let footer = read_footer_length(tail).map_err(|e| damaged(path, "Arrow IPC", REMEDY, e))?;
    let footer = footer as u64;
    let start = size.checked_sub(10 + footer).ok_or_else(|| wrong("its footer is longer than the file"))?;
    let footer = bytes(file, start, footer).map_err(unreadable)?;
    let footer = root_as_footer(&footer).map_err(|e| wrong(&e.to_string()))?;
    if footer.schema().is_none() {
        return Err(wrong("it has no schema"));
    }
    let mut unpacked = 0_u64;
    for block in footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten()) {
        let length = unpacked_length(file, size, block).map_err(unreadable)?;
        let length = length.ok_or_else(|| wrong("a length in it cannot be true"))?;
        unpacked = unpacked.saturating_add(length);
    }
    if unpacked > MOST_BYTES.min(size.saturating_mul(MOST_RATIO)) {
        return Err(wrong(&format!("it unpacks to {} MiB, from {} KiB", unpacked >> 20, size >> 10)));
    }
    file.rewind().map_err(unreadable)
}

fn bytes(file: &mut File, start: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How long the buffers of a block are unpacked; `None` where one of them lies outside of the block, or the block
/// outside of the file.
fn unpacked_length(file: &mut File, size: u64, block: &Block) -> std::io::Result<Option<u64>> {
    // A message begins with a mark and its length, four bytes each.
    const PREFIX: usize = 8;
    let start = u64::try_from(block.offset()).ok();
    let (head, body) = (u64::try_from(block.metaDataLength()).ok(), u64::try_from(block.bodyLength()).ok());
    let (Some(start), Some(head), Some(body)) = (start, head, body) else { return Ok(None) };
    let end = start.checked_add(head).and_then(|at| at.checked_add(body));
    if end.is_none_or(|end| end > size) {
        return Ok(None);
    }
    let metadata = bytes(file, start, head)?;
    let message = metadata.get(PREFIX..).and_then(|metadata| root_as_message(metadata).ok());
    let batch = message.and_then(|m| {
        m.header_as_record_batch().or_else(|| m.header_as_dictionary_batch().and_then(|dictionary| dictionary.data()))
    });
    let Some(batch) = batch else { return Ok(None) };
    let mut sum = 0_u64;
    for buffer in batch.buffers().into_iter().flatten() {
        let (Ok(offset), Ok(length)) = (u64::try_from(buffer.offset()), u64::try_from(buffer.length())) else {
            return Ok(None);
        };
        if offset.checked_add(length).is_none_or(|end| end > body) {
            return Ok(None);
        }
        let unpacked = if batch.compression().is_some() && length >= 8 {
            // The unpacked length stands before the packed bytes; -1 says that they are not packed.
            let stated = bytes(file, start + head + offset, 8)?;
            stated
                .try_into()
                .map(i64::from_le_bytes)
                .ok()
                .and_then(|stated| u64::try_from(stated).ok())
                .unwrap_or(length)
        } else {
            length
        };
        sum = sum.saturating_add(unpacked);
    }
    Ok(Some(sum))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, DictionaryArray, Float32Array, StringArray, TimestampMicrosecondArray, UInt8Array};
    use arrow_ipc::CompressionType;
    use arrow_ipc::writer::{FileWriter, IpcWriteOptions};

    use super::*;
    use crate::frame::{Frame, Wanted};

    fn feather(compression: Option<CompressionType>, rows: usize) -> Vec<u8> {
        let close = Float32Array::from_iter_values((0..rows).map(|i| 1.5 + i as f32));
        let keys = UInt8Array::from_iter_values((0..rows).map(|i| (i % 2) as u8));
        let side = DictionaryArray::new(keys, Arc::new(StringArray::from(vec!["long", "flat"])));
        let time = TimestampMicrosecondArray::from_iter_values((0..rows).map(|i| i as i64 * 60_000_000));
        let columns: [(&str, ArrayRef); 3] =
            [("Date", Arc::new(time)), ("side", Arc::new(side)), ("Close", Arc::new(close))];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let mut writer = FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.write(&batch.slice(0, 1)).unwrap();
        writer.into_inner().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Frame> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        std::fs::write(&path, bytes).unwrap();
        Frame::read(&path, &Wanted { time: true, numbers: vec!["close"], texts: vec!["side"], ..Wanted::default() })
    }

    #[test]
    fn feather_files_are_read_whatever_their_compression() {
        for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
            let frame = read(&feather(compression, 2)).unwrap();
            assert_eq!(frame.time(), [0, 60_000, 0], "{compression:?}");
            assert_eq!(frame.number("close"), Some([1.5, 2.5, 1.5].as_slice()));
            assert_eq!(frame.text("side").unwrap(), ["long", "flat", "long"]);
        }
    }

    #[test]
    fn a_file_that_unpacks_to_far_more_than_its_size_is_refused() {
        let mut packed = feather(Some(CompressionType::ZSTD), 4_000);
        // The unpacked length of the close column, in the file once, becomes a terabyte.
        let stated = 16_000_i64.to_le_bytes();
        let at: Vec<usize> = (0..packed.len() - 8).filter(|at| packed[*at..*at + 8] == stated).collect();
        for at in at {
            packed[at..at + 8].copy_from_slice(&(1_i64 << 40).to_le_bytes());
        }
        let e = read(&packed).unwrap_err();
        assert!(e.is_format() && e.to_string().contains("unpacks to"), "{e}");
    }

    #[test]
    fn a_damaged_file_is_an_error_and_not_a_panic() {
        for compression in [None, Some(CompressionType::LZ4_FRAME)] {
            let whole = feather(compression, 40);
            for at in 8..whole.len() - 6 {
                let mut broken = whole.clone();
                broken[at] ^= 0xff;
                // Some bytes are padding or prices, and change nothing that can be seen.
                drop(read(&broken));
            }
        }
    }
}
