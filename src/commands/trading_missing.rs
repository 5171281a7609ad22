//! Trading and recording in a build without the live bridge: say how to get one.

use anyhow::{Result, bail};

use crate::Answer;

pub(crate) fn run() -> Result<Answer> {
    bail!("this q50 was built without Solana; build one with it: cargo build --release --features live")
}
