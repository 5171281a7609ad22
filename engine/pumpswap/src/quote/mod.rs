//! Exact quotes as JSON lines: a pool, a configuration and an order in, every amount or the program's error out.
//!
//! Integers are decimal strings on both sides, because a chain's `u64` does not survive a JSON number. On input a JSON
//! integer is accepted too, unless it lost digits. An unknown field is refused by name, and so is an amount beyond its
//! type: a quote for something else than was asked is worse than none.
//!
//! ```
//! let line = br#"{"op":"buy","amount":"1000000000000","base_reserve":"206900000000000",
//!     "quote_vault":"84990359078","supply":"1000000000000000"}"#;
//! let answer = q50_pumpswap::quote::answer_line(line, 1);
//! let json = serde_json::to_value(&answer)?;
//! assert_eq!(json["user_quote"], "417934622");
//! # Ok::<(), serde_json::Error>(())
//! ```

/// What a request is answered with.
mod answer;
/// A whole file of requests, streamed.
mod batch;
/// Fee configurations as requests write them.
mod fee_config;
/// Integers as JSON has them.
mod integer;
/// One request.
mod request;

pub use answer::{Answer, Malformed, Quote, Refusal, answer_line};
pub use batch::{BatchSummary, LONGEST_LINE, answer_batch};
pub(crate) use fee_config::FeeLine;
pub use request::{Request, RequestError};
