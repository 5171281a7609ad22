//! Reads pandas frames from pickles without executing anything.
//!
//! A pickle is a program for a stack machine that may call any Python function. Here the machine (`machine.rs`) builds
//! a tree of values in which a function is only its name, and allows only the names that frames need (`globals.rs`).
//! The results of the calls are then read off the tree (`array.rs`, `index.rs`, `frame.rs`). It reads frames of pandas
//! 1.1 to 3, pickle protocols 0 to 5.
//!
//! Opcodes and their arguments are those of CPython's `Lib/pickletools.py`.

mod array;
mod error;
mod frame;
mod globals;
mod index;
mod input;
mod machine;
mod tree;
mod values;

use std::io::Read;

pub use error::PickleError;
pub use frame::{Column, Frame};
pub use index::Level;
pub use values::Values;

/// Reads a frame. `length` is the number of bytes, where it is known before they are read. Of a dictionary of frames it is
/// the one named `key`, without `key` the one named `signals` or `macro_features`.
///
/// # Errors
/// With the byte where it fails: what is no pickle or was cut off, a name that no frame needs, a value that is no frame,
/// a frame whose parts contradict each other, and more than 2^24 values.
pub fn read_frame(bytes: impl Read, length: Option<u64>, key: Option<&str>) -> Result<Frame, PickleError> {
    let (tree, root) = machine::run(bytes, length)?;
    frame::frame(&tree, root, key)
}
