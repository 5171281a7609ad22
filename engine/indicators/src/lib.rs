//! Technical indicators, one bar at a time.
//!
//! An [`Indicator`] is a [`Formula`] with its parameters, the price that it reads and a shift. Once started, it is fed
//! bars and returns its outputs for each. [`Indicator::columns`] is the same run over a whole record, so stream and
//! columns are equal to the bit and neither can see a later bar.
//!
//! Values are TA-Lib's where TA-Lib defines them. Unlike TA-Lib, a division by zero is undefined, not zero: an RSI
//! without any change says nothing, while 0 would read as oversold. Undefined is `NaN`, as in the columns of a market;
//! every comparison with it is false.
//!
//! ```
//! use q50_indicators::{Bar, Catalog, Indicator};
//!
//! let sma = Catalog::default().find("sma").unwrap();
//! let mut indicator = Indicator::new(sma);
//! indicator.set("period", 2.into()).unwrap();
//! let mut running = indicator.start();
//! let bar = |close| Bar { open_time: 0, open: close, high: close, low: close, close, volume: 1.0 };
//! assert!(running.next(&bar(1.0))[0].is_nan());
//! assert_eq!(running.next(&bar(2.0)), [1.5]);
//! ```
//!
//! # An indicator of one's own
//! Implement [`Formula`] for a unit struct, as each file in `types/` does, and add it with [`Catalog::with`]: bounds,
//! errors, warm-up, shift and sources follow from what it declares.

pub mod bar;
pub mod catalog;
pub mod formula;
pub mod indicator;
pub mod parameters;
pub mod smoothing;
pub mod window;

mod division;
mod types;

pub use bar::{Bar, Source};
pub use catalog::Catalog;
pub use formula::{Formula, Inputs, Stream};
pub use indicator::{Indicator, Running};
pub use parameters::{Bounds, Field, ParameterError, Parameters, Value};
