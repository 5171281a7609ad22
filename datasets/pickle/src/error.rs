//! Why a pickle was refused, and where.

use thiserror::Error;

/// A pickle that is not read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("byte {offset}: {problem}")]
pub struct PickleError {
    /// Position of the instruction that fails or that made the value which does not fit, counted from 0.
    pub offset: u64,
    /// What is wrong.
    pub problem: String,
}

impl PickleError {
    pub(crate) fn new(offset: u64, problem: impl Into<String>) -> Self {
        Self { offset, problem: problem.into() }
    }
}

pub(crate) type Result<T> = std::result::Result<T, PickleError>;
