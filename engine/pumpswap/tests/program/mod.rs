//! The vendor's compiled program in a virtual machine: the referee of our arithmetic, encoders and decoders.
//!
//! [`machine`] runs the program, [`market`] trades on it and on our model side by side, [`setting`] says what a market is
//! made of, [`random`] draws markets and orders, and [`outcome`] says in what our result and the program's differ.

#![allow(unreachable_pub, reason = "these modules are the test's own")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, not only test functions")]

/// What our model says that a trade leaves behind.
pub mod expected;
/// The virtual machine, and one instruction on it.
pub mod machine;
/// A pool on the machine and in our model, traded on both.
pub mod market;
/// What a trade does, ours and the program's, and in what they differ.
pub mod outcome;
/// Markets and orders at random.
pub mod random;
/// What a market is made of.
pub mod setting;
