//! `q50 validate` of a build without the second engine: says how to get one.

use anyhow::{Result, bail};
use q50_research::{
    claim::SecondOpinion,
    run::{RunSettings, Source},
};

use crate::{Answer, args::ValidateArguments};

pub(crate) fn run(_: &ValidateArguments, _: bool) -> Result<Answer> {
    missing()
}

pub(crate) fn opinion(_: Source<'_>, _: &RunSettings, _: Option<usize>) -> Result<SecondOpinion> {
    missing()
}

fn missing<T>() -> Result<T> {
    bail!(
        "this q50 was built without NautilusTrader's engine; build one with it: \
         cargo build --release --features nautilus"
    )
}
