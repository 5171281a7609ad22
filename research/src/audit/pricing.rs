use q50_datasets::Bars;

use super::{AuditError, AuditRequest, Ledger, window::Window};

/// Relative distance up to which a price compounded from float32 labels still is the close it stands for.
///
/// Each step rounds by at most 6e-8; the published ledgers of 10,000 bars end 5e-6 off.
const COMPOUNDED: f64 = 5e-5;
/// Relative distance up to which two trades imply the same base, the rounding of printed prices included.
const SAME_BASE: f64 = 1e-4;
/// Relative precision of bars stored as float32.
const SINGLE: f64 = 1.2e-7;
/// Price that a shifted ledger gives its first bar.
const FIRST_PRICE: f64 = 100.0;

/// How the bars' closes become the ledger's prices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pricing {
    shift: usize,
    scale: Scale,
}

/// What one unit of the bars' price is in the ledger's.
#[derive(Clone, Copy, Debug)]
enum Scale {
    /// The ledger uses real prices.
    Real,
    /// Most trades are on one scale: `base` of the bars is 100 of the ledger, as `trade` of the run implies it.
    Agreed { base: f64, trade: usize },
    /// The trades are on no common scale at this shift; `base` is what is 100, once the first bar is known.
    Disagreed { base: Option<f64> },
}

impl Pricing {
    /// Finds the scale, which needs no knowledge of the first bar: every trade implies it.
    pub(super) fn of(ledger: &Ledger<'_>, request: &AuditRequest<'_>) -> Result<Self, AuditError> {
        let shift = request.price_shift;
        let bars = ledger.bars;
        for (trade, row) in ledger.trades.iter().zip(&ledger.rows) {
            if let Some(after) = row.map(|row| bars.len() - 1 - row).filter(|after| *after < shift) {
                let last_bar = bars.open_time[bars.len() - 1];
                return Err(AuditError::ShiftBeyondBars { shift, time: trade.ts_ms, after, last_bar });
            }
        }
        let scale = if shift == 0 { Scale::Real } else { common_scale(ledger, shift) };
        Ok(Self { shift, scale })
    }

    /// The same with its base taken from the first bar, which by the convention is 100. An agreed base is only made
    /// exact by it, and only where that bar is the one that the prices imply.
    pub(super) fn settled(self, ledger: &Ledger<'_>, window: &Window) -> Self {
        let close = ledger.bars.close[window.first + self.shift];
        let scale = match self.scale {
            Scale::Agreed { base, trade } if (close / base - 1.0).abs() <= super::window::LOOSEST => {
                Scale::Agreed { base: close, trade }
            }
            Scale::Disagreed { .. } => Scale::Disagreed { base: Some(close) },
            other => other,
        };
        Self { scale, ..self }
    }

    /// Bars between a trade's time and its price.
    pub(super) fn shift(&self) -> usize {
        self.shift
    }

    /// The trade whose price implies the base, and that base in the bars' prices, where the ledger is on one scale.
    pub(super) fn anchor(&self) -> Option<(usize, f64)> {
        match self.scale {
            Scale::Agreed { base, trade } => Some((trade, base)),
            Scale::Real | Scale::Disagreed { .. } => None,
        }
    }

    /// A price of the bars in the ledger's scale.
    pub(super) fn scaled(&self, price: f64) -> f64 {
        match self.scale {
            Scale::Agreed { base, .. } | Scale::Disagreed { base: Some(base) } => price * (FIRST_PRICE / base),
            Scale::Real | Scale::Disagreed { base: None } => price,
        }
    }

    /// The ledger's price of bar `row`, which must have one.
    pub(super) fn mark(&self, bars: &Bars, row: usize) -> f64 {
        self.scaled(bars.close[row + self.shift])
    }

    /// How far a recorded price may be from the figure it stands for, in its own unit.
    ///
    /// A price that is whole in cents may have been rounded to them; bars may be float32; shifted prices are
    /// compounded.
    pub(super) fn tolerance(&self, price: f64) -> f64 {
        let cents = price * 100.0;
        let printed = if (cents - cents.round()).abs() <= 1e-9 * cents.abs() { 0.005 } else { 0.0 };
        let relative = if self.shift == 0 { SINGLE } else { COMPOUNDED };
        printed * (1.0 + 1e-9) + relative * price.abs()
    }
}

/// The base that most trades imply: close N bars later x 100 / price.
fn common_scale(ledger: &Ledger<'_>, shift: usize) -> Scale {
    let implied: Vec<(usize, f64)> = ledger
        .trades
        .iter()
        .zip(&ledger.rows)
        .enumerate()
        .filter_map(|(trade, (recorded, row))| {
            Some((trade, ledger.bars.close[(*row)? + shift] * FIRST_PRICE / recorded.price))
        })
        .filter(|(_, base)| base.is_finite() && *base > 0.0)
        .collect();
    let mut sorted: Vec<f64> = implied.iter().map(|(_, base)| *base).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(&median) = sorted.get(sorted.len() / 2) else { return Scale::Disagreed { base: None } };
    let mut agreeing = implied.iter().filter(|(_, base)| (base / median - 1.0).abs() <= SAME_BASE);
    // The first of them, because the compounding has had the least time to drift.
    let Some(&(trade, base)) = agreeing.next() else { return Scale::Disagreed { base: None } };
    let agreed = 1 + agreeing.count();
    // One trade agrees with itself whatever its price; then only a first bar at 100 shows the scale.
    let alone = agreed == 1 && !super::window::is_close_before(ledger, shift, trade, base);
    if 2 * agreed < implied.len() || alone { Scale::Disagreed { base: None } } else { Scale::Agreed { base, trade } }
}
