//! q50-nautilus: the second opinion. The same strategy and the same venue's arithmetic inside NautilusTrader's
//! `BacktestEngine` (0.57, high precision), compared with the engine's own loop fill by fill.
//!
//! [`validate`] takes one [`Run`] (market, strategy, venue, capital) through both and returns a [`Validation`]: the parity
//! table, the first differences by name, both equity curves' distance, final equity and Sharpe ratio.
//!
//! ```
//! use q50_engine::{
//!     market::{Column, Market, Signals},
//!     strategy::{StrategyConfig, threshold::ThresholdConfig},
//!     units::Fraction,
//!     venue::NextOpen,
//! };
//! use q50_nautilus::{Run, validate};
//!
//! let time = [0, 1, 2, 3].map(|hour| hour * 3_600_000);
//! let price = [10.0, 10.0, 12.0, 11.0];
//! let signal = [0.9, 0.5, 0.1, 0.5];
//! let market = Market {
//!     open_time: &time, open: &price, high: &price, low: &price, close: &price,
//!     signals: Signals::default().with(Column::Value, &signal),
//!     interval_ms: 3_600_000, first: 0,
//! };
//! let strategy = StrategyConfig::new(ThresholdConfig::default());
//! let validation = validate(&Run::at_next_open(market, strategy, NextOpen::new(Fraction::ZERO), 1_000.0))?;
//! assert!(validation.agrees(), "{:?}", validation.differences);
//! assert_eq!(validation.final_equity, [1_100.0; 2]); // bought at 10 in row 1, sold at 11 in row 3
//! # Ok::<(), q50_nautilus::RunError>(())
//! ```
//!
//! [`validate_portfolio`] does the same with several instruments under one account, beside
//! [`replay_portfolio`](q50_engine::portfolio::replay_portfolio).
//!
//! # What is shared and what is independent
//!
//! Shared, so that a fault in it is a fault in both:
//! - the strategy object: [`StrategyConfig::prepare`](q50_engine::strategy::StrategyConfig::prepare), its decisions, the
//!   orders that it places, and the levels of its resting exits
//!   ([`RestingExits::hit`](q50_engine::matching::RestingExits::hit));
//! - what one order costs at one moment: [`Venue::execute`](q50_engine::venue::Venue::execute), with the pool's
//!   arithmetic, charges, failures, slippage and impact, how much of a bar's volume can be had, what the spread makes of a
//!   limit, and the price that [`Venue::account`](q50_engine::venue::Venue::account) marks a position at;
//! - what the limits of an account leave of an entry ([`Limits::admit`](q50_engine::limits::Limits::admit)), where the account
//!   is the one of the second books;
//! - the joined market columns. That no column looks ahead is another check's business.
//!
//! Independent:
//! - the clock. Prints, bars and instruments' closes are NautilusTrader's data, and it decides in which order they come.
//!   Rows are found from its timestamps, the price of an open from its print, and a landing from its clock when an order was
//!   submitted;
//! - the life of orders. Each is an order of NautilusTrader's own (market, limit, stop market; one-cancels-other through its
//!   linked orders; its cancel commands), with its own state machine, which refuses an event that cannot follow. Which
//!   orders a price reaches, and in which sequence at one price, is said by its `OrderMatchingCore`; landing, one order of a
//!   decision in flight, refusals, partial fills, expiry and cancels are written again here;
//! - accounting. Cash and position are folded from the quantity, price and commission of its order events, and a charge
//!   without a fill from the balance of its account. What the strategy sees, what a venue prices an order against and
//!   every point of the equity curve come from these books, and at the end they must be its own account and position.
//!   Sharpe ratios are computed from that curve; NautilusTrader's own statistics are not used (they count a token
//!   inventory as profit and skip days without a closed position).
//!
//! Landing times agree to the nanosecond, amounts on a pool to the lamport, equity there within 10^-9 SOL; amounts on a
//! price venue within 10^-12 of themselves.
//!
//! # How NautilusTrader is used
//!
//! - An execution client of our own replaces the venue's, and a module of the venue shows it each datum before anything
//!   else sees it. `bar_execution` and `trade_execution` are off: in that version a stop order panics in the matching
//!   engine (`todo!`), also after a complete fill, and an order larger than a quarter of a bar's volume is never finished.
//! - **Its own rule inside a bar is another one** and is not used: it walks open, high, low, close (or low first, where
//!   that is nearer to the open), so that a target can be filled before the stop of the same bar, and limits before stops at
//!   one price. Ours has the stop first. So the matching core is shown the quotes of our rule instead of that walk.
//! - Affordability and limits are enforced in the client, because that version never asks its risk engine. Resting orders
//!   are told to it as reduce-only: it locks balances for others, adds them up as floats, and panics where total, locked
//!   and free do not match to the last digit.
//! - What happens at an open is told at the open, stamped with its landing, which may lie some milliseconds ahead; what
//!   happens inside a bar is told at its close.
//! - It knows no rejection of an order that was filled in part: the rest is cancelled, and why is kept beside it.
//! - A charge is commission `Money`; a failed transaction is a rejected order and a new account state. The deposit of a
//!   token account stays in its balance, which has no such lock, and the books subtract it from the spendable amount.
//! - WSOL is a currency of 9 decimals of our own. One unit of an instrument is a power of ten of base, chosen for each
//!   run so that nothing is lost in 16 decimals; reports are in whole units of base, or smallest units on a pool. An amount
//!   of less than 10^-16 units, as an order for the rounding that is left of the cash, is refused; a lot keeps it away.
//! - Its `Position` adds quantities up as floats, so that a position of more than 2^53 smallest units, which only a rebuilt
//!   pool has, may keep a last digit when it is closed. The books here are integers.
//! - An engine lives in one closure on a thread of its own. Its logger is the whole process's and has to be installed
//!   before any other `log` logger; it is kept, silent, for good.
//! - It sorts and copies its data and keeps every order: prefer at most two thousand orders a run.
//!
//! # Its Parquet catalog
//!
//! Bars are not written in its catalog's layout: the persistence crate brings Arrow 58 and DataFusion 53 beside this
//! project's 59 and 55. What the layout is follows from `Bar::get_fields` and `Bar::get_metadata` of `nautilus-model`
//! 0.57: the columns `open`, `high`, `low`, `close`, `volume` are `FixedSizeBinary(16)` with high precision (8 without),
//! each the raw integer of 10^-16; `ts_event` and `ts_init` are `UInt64` nanoseconds; and the schema's metadata has
//! `bar_type`, `instrument_id`, `price_precision` and `size_precision`. The byte order of the integers is decided in the
//! serialization crate, which is not among the dependencies, and is not stated here.

mod books;
mod check;
mod comparison;
mod error;
mod exchange;
mod execution_client;
mod feed;
mod instrument;
mod limits;
mod matching;
mod order_events;
mod parity;
mod placed;
mod report;
mod run;
mod run_log;
mod scale;
mod second;
mod strategy_actor;
mod strategy_driver;
mod terms;

/// The version of NautilusTrader's crates that the runs are made with.
pub const NAUTILUS_VERSION: &str = "0.57.0";

pub use books::{Amounts, Books, MirroredLedger, PoolBooks, PriceBooks};
pub use check::{check, check_all, check_portfolio};
pub use error::{InputError, RunError};
pub use parity::{
    Check, Difference, ParityRow, PortfolioValidation, Validation, compare, compare_portfolio, validate, validate_all,
    validate_portfolio,
};
pub use report::{FillReport, PositionReport};
pub use run::{Names, Run, VenueSetup};
pub use run_log::ReportedFill;
pub use second::{SecondPortfolio, SecondRun, run};
pub use terms::Terms;
