//! What the file of another tool states about its own result.

use serde::Serialize;

/// The figures that a file states, in its tool's own conventions. Fractions are fractions; unknown is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stated {
    /// The tool, or `table` for a table that any tool may have written.
    pub name: &'static str,
    /// Which of the tool's layouts.
    pub layout: &'static str,
    /// The file's name, without its folder.
    pub file: String,
    /// The instrument that was traded.
    pub instrument: Option<String>,
    /// Runs, instruments or columns of the file that this one was chosen from; `None` where it is the only one.
    pub alternatives: Option<u64>,
    /// Starting capital, quote units.
    pub capital: Option<f64>,
    /// Equity at the end, quote units.
    pub final_equity: Option<f64>,
    /// Return over the whole period.
    pub total_return: Option<f64>,
    /// Annual Sharpe ratio, as the tool computes it.
    pub sharpe: Option<f64>,
    /// How far the printed final equity and total return may be from the figures themselves; 0 where they are printed in full.
    #[serde(skip)]
    pub rounding: [f64; 2],
    /// Largest fall from a peak, a positive fraction.
    pub max_drawdown: Option<f64>,
    /// Closed trades.
    pub trades: Option<usize>,
    /// Trades that were open at the end.
    pub open_trades: Option<usize>,
    /// Profit of the trades, added up as the file prints it.
    pub profit: Option<f64>,
    /// Whether that profit is after fees; `None` where it cannot be told.
    pub profit_after_fees: Option<bool>,
    /// Fees of the trades, quote units.
    pub fees: Option<f64>,
    /// Funding and swap of the trades, quote units: above zero where it was received; `None` where there was none.
    pub financing: Option<f64>,
    /// How the file was read, where that is not plain: one sentence each.
    pub notes: Vec<String>,
}
