//! The `q50` command with the strategies of q50.

use std::process::ExitCode;

fn main() -> ExitCode {
    q50::run(q50::engine::strategy::Registry::default())
}
