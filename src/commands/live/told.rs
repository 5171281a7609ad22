//! The events of a session, for people and for programs.

use std::io::{self, Write};

use q50_engine::units::Lamports;
use q50_executor::order::Size;
use q50_trader::journal::{Done, State};
use q50_trader::session::Event;

use crate::args::Format;

/// Prints an event, as a line or as JSON.
pub(super) fn print(format: Format, event: &Event) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match format {
        Format::Json => writeln!(stdout, "{}", serde_json::to_string(event)?)?,
        Format::Text => writeln!(stdout, "{}", line(event))?,
    }
    stdout.flush()
}

/// An event in a line.
fn line(event: &Event) -> String {
    match event {
        Event::Started { session, goes_on, history, decisions } => {
            let verb = if *goes_on { "goes on" } else { "begins" };
            format!("session {} {verb}: {history} bars of history, {decisions} decisions", &session[..16])
        }
        Event::Decided { bar, close, reason, wants, equity, .. } => {
            let wants = wants.as_deref().map_or_else(String::new, |wants| format!(", {wants}"));
            format!("{bar}  close {close:.4e}  equity {equity:.6} SOL  {reason}{wants}")
        }
        Event::Wanted { key, size } => {
            let size = match size {
                Some(Size::Spend(Lamports(lamports))) => format!("spend {lamports} lamports"),
                Some(Size::Buy(coins)) => format!("buy {coins} coins"),
                Some(Size::Sell(coins)) => format!("sell {coins} coins"),
                None => "nothing".to_owned(),
            };
            format!("  order {key}: {size}")
        }
        Event::Done { done, .. } => format!("  {}", became(done)),
        Event::Alarm(alarm) => format!("ALARM ({}): {}", alarm.test.name(), alarm.reason),
        Event::Note { kind, text } => format!("  {kind}: {text}"),
        Event::Stopped { decisions, orders, from, holds } => {
            let from =
                from.as_deref().map_or_else(String::new, |from| format!("; to replay it: q50 verify --from {from} .."));
            let holds = match holds.as_str() {
                "0" => String::new(),
                units => format!(
                    "; it holds {units} units of the coin: the same command goes on with them, q50 close sells them"
                ),
            };
            format!("stopped after {decisions} decisions and {orders} orders{from}{holds}")
        }
    }
}

fn became(done: &Done) -> String {
    let state = done.state.name();
    match (done.state, &done.why) {
        (State::Filled, _) => {
            format!("{state} in slot {}: {} coins, {} lamports", done.slot.unwrap_or(0), done.base, done.quote)
        }
        (_, Some(why)) => format!("{state}: {why}"),
        (_, None) => state.to_owned(),
    }
}
