//! The same in a line: what is held and worth, what was decided last, what became of orders, and how long the last one took.

use crate::journal::{Journal, JournalError, OrderRow};
use q50_datasets::time::rfc3339;

/// Of the session of a journal.
///
/// # Errors
/// Where the journal cannot be read.
pub fn line(journal: &Journal) -> Result<String, JournalError> {
    let Some((bar_ms, reason, equity)) = journal.last_decision()? else { return Ok("no bar yet".to_owned()) };
    let (decided, held) = journal.decided_and_held()?;
    let states = journal.states()?;
    let orders: Vec<String> = states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let orders = if orders.is_empty() { "no orders".to_owned() } else { orders.join(", ") };
    let took = journal.last_order()?.as_ref().and_then(took).unwrap_or_default();
    let bar = rfc3339(bar_ms);
    Ok(format!("{equity:.6} SOL, {held} coins | {bar} {reason} | {decided} decisions, {orders}{took}"))
}

/// Milliseconds from an order on, where any were measured.
fn took(order: &OrderRow) -> Option<String> {
    let done = &order.done;
    let stages = [
        ("quoted", done.to_quote_ms),
        ("signed", done.to_sign_ms),
        ("sent", done.to_send_ms),
        ("settled", done.to_settle_ms),
    ];
    let measured = stages.iter().filter_map(|(stage, ms)| Some(format!("{stage} {}", (*ms)?)));
    let measured: Vec<String> = measured.collect();
    (!measured.is_empty()).then(|| format!(" | last order, ms: {}", measured.join(", ")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;
    use crate::journal::{BarRow, DecisionRow, Done, State};
    use q50_datasets::pool_bars::{PoolBar, PoolReserves};
    use q50_engine::ledger::Account;

    /// A decision at this bar with an order, and what became of that.
    fn decide(journal: &mut Journal, open_time: i64, equity: f64, done: &Done) {
        let reserves = PoolReserves { base: 1, quote: 1 };
        let (open, high, low, close, volume) = (1.0, 1.0, 1.0, 1.0, 0.0);
        let bar = PoolBar { open_time, open, high, low, close, volume, reserves };
        let account = Account {
            position: 0.0,
            cash: equity,
            equity,
            price: 1.0,
            quote_reserve: None,
            average_price: None,
            opened_at: None,
            realised: 0.0,
        };
        let decision = DecisionRow {
            bar_ms: open_time,
            account,
            reason: "enter_long".to_owned(),
            wants: None,
            explanation: String::new(),
            signal_ms: None,
            decided_ms: 0,
        };
        let (reason, wanted_ms, key) = (decision.reason.clone(), 0, open_time.to_string());
        let order = OrderRow { key: key.clone(), bar_ms: open_time, reason, size: None, wanted_ms, done: done.clone() };
        let row = BarRow { bar, signals: Vec::new(), seen_ms: 0 };
        journal.decided(&row, &decision, Some(&order)).unwrap();
        journal.done(&key, done).unwrap();
    }

    #[test]
    fn the_line_says_what_is_held_and_what_came_of_everything_so_far() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(&folder.path().join("session.sqlite")).unwrap();
        assert_eq!(line(&journal).unwrap(), "no bar yet");
        let filled =
            |base, to_settle_ms| Done { base, to_quote_ms: Some(8), to_settle_ms, ..Done::only(State::Filled, None) };
        decide(&mut journal, 0, 10.0, &filled(70, Some(300)));
        decide(&mut journal, 1_000, 9.5, &Done { base: 40, ..Done::only(State::Failed, None) });
        let told = "9.500000 SOL, 70 coins | 1970-01-01T00:00:01Z enter_long | 2 decisions, 1 failed, 1 filled";
        assert_eq!(line(&journal).unwrap(), told, "what failed moved nothing, and nothing of it was measured");
        decide(&mut journal, 2_000, 9.25, &filled(-20, Some(410)));
        let told = "9.250000 SOL, 50 coins | 1970-01-01T00:00:02Z enter_long | 3 decisions, 1 failed, 2 filled | last order, ms: \
                    quoted 8, settled 410";
        assert_eq!(line(&journal).unwrap(), told);
    }
}
