//! `q50 localnet` of a build without the live bridge: says how to get one.

use anyhow::{Result, bail};

use crate::{Answer, args::LocalnetArguments};

pub(crate) fn run(_: &LocalnetArguments) -> Result<Answer> {
    bail!("this q50 was built without a local chain; build one with it: cargo build --release --features live")
}
