//! The extension module behind `import q50`: arguments in, JSON and Arrow out. What it runs is the command.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
    sync::{OnceLock, mpsc},
    thread,
    time::Duration,
};

use arrow_array::RecordBatchReader;
use arrow_ipc::writer::FileWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pyo3::{create_exception, exceptions::PyException, prelude::*};
use pyo3_arrow::{PyRecordBatchReader, PyTable};
use q50::{
    engine::strategy::Registry,
    host::{Answered, Host, Refusal},
};

create_exception!(
    _q50,
    Error,
    PyException,
    "Why something could not be done, with `file`, `place` and `hint` where known."
);

/// How often an interpreter is asked whether somebody pressed Ctrl-C.
const GLANCE: Duration = Duration::from_millis(50);
/// As large as a main thread's.
const STACK: usize = 8 << 20;

fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| Host::new(Registry::default()))
}

/// Runs a command with `--format json` among its arguments: what it prints, and whether the answer is yes.
///
/// `frames` are tables of Arrow streams, which `arguments` name as `frame:NAME`.
#[pyfunction]
fn run(
    py: Python<'_>,
    arguments: Vec<OsString>,
    threads: Option<u16>,
    frames: HashMap<String, PyRecordBatchReader>,
) -> PyResult<(String, bool)> {
    let scratch = tempfile::tempdir()?;
    let mut named = HashMap::new();
    for (name, frame) in frames {
        let path = scratch.path().join(&name);
        py.detach(|| keep(frame, &path)).map_err(|why| Error::new_err(format!("{name}: {why}")))?;
        named.insert(name, path);
    }
    let answered = py.detach(|| watched(&arguments, threads, named))?;
    match answered {
        Ok(Answered { json, yes }) => Ok((json, yes)),
        Err(refusal) => Err(raised(py, &refusal)?),
    }
}

/// Copies a table once: what is in the interpreter's memory may change while q50 reads it.
fn keep(frame: PyRecordBatchReader, path: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let reader = frame.into_reader().map_err(|error| error.to_string())?;
    let mut writer = FileWriter::try_new(File::create(path)?, &reader.schema())?;
    for batch in reader {
        writer.write(&batch?)?;
    }
    Ok(writer.finish()?)
}

/// Runs the command on a thread of its own; on Ctrl-C it is asked to end, and waited for.
fn watched(
    arguments: &[OsString],
    threads: Option<u16>,
    frames: HashMap<String, PathBuf>,
) -> PyResult<Result<Answered, Refusal>> {
    thread::scope(|scope| {
        let (done, waits) = mpsc::channel();
        let command = move || {
            // Nobody waits any more where the interpreter ends.
            let _ = done.send(host().run(arguments, threads, frames));
        };
        let running = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, command)?;
        let mut signalled = None;
        loop {
            match waits.recv_timeout(GLANCE) {
                Ok(answered) => return signalled.map_or(Ok(answered), Err),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                // A panic of the command: it goes on here.
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    if let Err(panic) = running.join() {
                        std::panic::resume_unwind(panic);
                    }
                    return Err(Error::new_err("the command ended without an answer"));
                }
            }
            if let Err(signal) = Python::attach(|py| py.check_signals()) {
                signalled = Some(signal);
                host().interrupt();
            }
        }
    })
}

fn raised(py: Python<'_>, refusal: &Refusal) -> PyResult<PyErr> {
    let error = Error::new_err(refusal.message.clone());
    let value = error.value(py);
    value.setattr("file", refusal.file.as_ref().map(|file| file.display().to_string()))?;
    value.setattr("place", refusal.place.as_deref())?;
    value.setattr("hint", refusal.hint.as_deref())?;
    Ok(error)
}

/// The table of a Parquet file.
#[pyfunction]
fn table(py: Python<'_>, path: PathBuf) -> PyResult<PyTable> {
    let read = || -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path)?)?.build()?;
        let schema = reader.schema();
        Ok((reader.collect::<Result<Vec<_>, _>>()?, schema))
    };
    let (batches, schema) = py.detach(read).map_err(|why| Error::new_err(format!("{}: {why}", path.display())))?;
    Ok(PyTable::try_new(batches, schema)?)
}

/// Writes a table as an Arrow IPC file, whatever its name.
#[pyfunction]
fn write(py: Python<'_>, table: PyRecordBatchReader, path: PathBuf) -> PyResult<()> {
    py.detach(|| keep(table, &path)).map_err(|why| Error::new_err(format!("{}: {why}", path.display())))
}

#[pymodule]
fn _q50(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("Error", module.py().get_type::<Error>())?;
    module.add_function(wrap_pyfunction!(run, module)?)?;
    module.add_function(wrap_pyfunction!(table, module)?)?;
    module.add_function(wrap_pyfunction!(write, module)?)
}
