//! Results that another tool made of a strategy: its trades, its returns or its equity, as it exports them.
//!
//! The tool is detected from the content. Each reader turns one tool's export into the same table and nothing more: what
//! the result is worth is computed elsewhere.

mod amount;
mod backtesting_py;
mod content;
mod curve;
mod freqtrade;
mod metatrader;
mod quantconnect;
mod stated;
mod trades;
mod tradingview;
mod vectorbt;

pub use curve::{Curve, CurveKind, read_curve};
pub use stated::Stated;
pub use trades::{Execution, ListedTrade, TradeList, read_trade_list};
