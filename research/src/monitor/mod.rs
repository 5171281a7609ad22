//! Two tests of a live strategy that may be looked at after every fill: [`Execution`] and [`Decay`].
//!
//! Each keeps the [`Wealth`] of somebody who bets against "all is as modelled" at fair or unfavourable odds. By Ville's
//! inequality such wealth ever reaches `c` with a probability of at most `1 / c`, however often one looks, so that an alarm
//! at that level errs in at most that share of sessions (Ramdas, Grünwald, Vovk, Shafer, Statistical Science 38, 2023). Two
//! tests at 40 to 1 err in at most 5 % together. Nothing is estimated, tuned or drawn: the same observations give the same
//! path, so that a session that was interrupted goes on by observing its journal again. A test that begins anew after a
//! restart or an alarm is another chance to err.
//!
//! An alarm says that something is not as modelled, and not what. Silence says nothing: see `docs/METHODS.md` for what each
//! can see, and when.

mod decay;
mod execution;
/// What a test would have seen.
pub mod power;
mod wealth;

pub use decay::{Decay, block};
pub use execution::{Execution, NotModelled};
pub use wealth::{Wealth, alone, both_together};
