//! Trading commands of a build without the live bridge: say how to get one.

use anyhow::{Result, bail};

use crate::Answer;

pub(crate) fn run() -> Result<Answer> {
    bail!("this q50 was built without trading; build one with it: cargo build --release --features live")
}
