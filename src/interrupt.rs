//! A request to end: Ctrl-C or a signal to the process, or what the program asks that hosts us.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result};

/// The flag of the program that hosts us; a process has one.
static HOST: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Signals are the host's from here on: it sets the flag that this returns.
pub(crate) fn leave_to_host() -> Arc<AtomicBool> {
    Arc::clone(HOST.get_or_init(Arc::default))
}

/// A flag that is set when the process is asked to end. Whoever takes it ends soon afterwards, and leaves nothing half-done.
pub(crate) fn flag() -> Result<Arc<AtomicBool>> {
    if let Some(host) = HOST.get() {
        return Ok(Arc::clone(host));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&stop);
    ctrlc::set_handler(move || set.store(true, Ordering::Relaxed)).context("signals cannot be handled")?;
    Ok(stop)
}
