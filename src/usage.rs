//! What this process has used so far.

use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::TimeVal,
};

/// Seconds of processor time, in the program and in the kernel for it, of all threads.
pub(crate) fn cpu_seconds() -> Option<f64> {
    let usage = own()?;
    Some(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// Largest memory ever resident, MiB.
pub(crate) fn peak_rss_mib() -> Option<f64> {
    // Linux counts kibibytes; other systems count bytes.
    let unit = if cfg!(target_os = "linux") { 1024.0 } else { 1.0 };
    Some(own()?.max_rss() as f64 * unit / (1024.0 * 1024.0))
}

fn own() -> Option<Usage> {
    getrusage(UsageWho::RUSAGE_SELF).ok()
}

fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}
