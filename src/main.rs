//! The q50 command.
fn main() {}
