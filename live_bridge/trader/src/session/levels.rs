//! Between bars: a position that has reached its stop-loss, take-profit or timeout is sold, whatever the strategy says.

use super::{Session, SessionError, Tell};
use crate::journal::{Done, OrderRow, State};
use q50_datasets::time::rfc3339;
use q50_executor::clock::{Clock, SystemClock};
use q50_executor::guards::{ExitReason, ExitRules};
use q50_executor::order::Size;
use std::time::Duration;
use tokio::time::Instant;

/// How long after a sale that failed the next one is given.
const PAUSE: Duration = Duration::from_secs(2);

impl Session {
    /// Sells what is held where a level is met.
    pub(super) async fn watch(&mut self, tell: Tell<'_>) -> Result<(), SessionError> {
        let rules = self.spec.levels.rules();
        let Some(last) = self.last.as_ref().map(|row| row.bar.open_time).filter(|_| rules != ExitRules::default())
        else {
            return Ok(());
        };
        let Some(position) = self.books.position(self.mint) else { return Ok(()) };
        if self.sold_at.is_some_and(|sold| sold.elapsed() < PAUSE) {
            return Ok(());
        }
        let Some(reason) = self.execution.due(&position, &rules).await? else { return Ok(()) };
        let now_ms = SystemClock.now().0;
        let order = OrderRow {
            key: OrderRow::key_between_bars(&self.id[..16], &rfc3339(now_ms)),
            bar_ms: last,
            reason: name(reason).to_owned(),
            size: Some(Size::Sell(position.base.unsigned_abs())),
            wanted_ms: now_ms,
            done: Done { is_final: false, ..Done::only(State::Wanted, None) },
        };
        self.journal.wanted(&order)?;
        self.orders.push(order);
        self.sold_at = Some(Instant::now());
        self.act(self.orders.len() - 1, tell).await
    }
}

/// As the engine names the same exit at a close.
fn name(reason: ExitReason) -> &'static str {
    match reason {
        ExitReason::StopLoss => "stop_loss",
        ExitReason::TakeProfit => "take_profit",
        ExitReason::Timeout => "timeout",
    }
}
