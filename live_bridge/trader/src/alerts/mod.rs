//! Alerts: what somebody has to know now, told to Telegram and to a webhook. The session never waits for them.
//!
//! Of each kind one message is sent at most every so often; what comes in between is counted and told with the next one, and
//! kinds that are due together are one message. What a receiver does not take is offered again, later each time, and holds up
//! no other kind; a receiver that says when it wants to be asked again is not asked before. Tokens come from files or from the environment, and are in no message, log or error.

/// Who is told.
mod receiver;
/// What a user writes.
mod settings;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests;

pub use receiver::Receiver;
pub use settings::{AlertError, AlertSettings};

use crate::journal::State;
use crate::session::Event;
use receiver::Refusal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Alerts that wait for a receiver at most; more are lost, and that is said.
const WAITING: usize = 1_024;

/// Something that somebody has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What kind: those of one kind are told together.
    pub kind: &'static str,
    /// What.
    pub text: String,
}

impl Alert {
    /// What of an event has to be known; none of what goes as it should.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Alarm(alarm) => Some(Self { kind: "alarm", text: alarm.reason.clone() }),
            Event::Note { kind, text } => Some(Self { kind, text: text.clone() }),
            Event::Started { goes_on, .. } => {
                let text = if *goes_on { "the session goes on" } else { "the session begins" };
                Some(Self { kind: "session", text: text.to_owned() })
            }
            Event::Stopped { decisions, orders, holds, .. } => {
                let text = format!(
                    "the session stopped after {decisions} decisions and {orders} orders, and holds {holds} units of the coin"
                );
                Some(Self { kind: "session", text })
            }
            Event::Done { key, done } if !matches!(done.state, State::Filled | State::Simulated | State::Wanted) => {
                let why = done.why.as_deref().unwrap_or("no reason is known");
                Some(Self { kind: "order", text: format!("order {key} {}: {why}", done.state.name()) })
            }
            Event::Done { .. } | Event::Decided { .. } | Event::Wanted { .. } => None,
        }
    }
}

/// Alerts of one kind that are told together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// What kind.
    pub kind: &'static str,
    /// How many.
    pub count: u64,
    /// The last of them.
    pub text: String,
}

/// How often is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From a message about a kind to the next one.
    pub every: Duration,
    /// From a failed attempt to the next one about that kind; twice as long after each.
    pub again: Duration,
    /// Attempts after which a message is given up.
    pub attempts: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { every: Duration::from_secs(60), again: Duration::from_secs(1), attempts: 8 }
    }
}

/// Who is told, each by a task of its own.
#[derive(Debug)]
pub struct Alerts {
    receivers: Vec<(mpsc::Sender<Alert>, JoinHandle<()>)>,
}

impl Alerts {
    /// Tells these, in the name of `session`. Has to be called where tasks can be spawned.
    #[must_use]
    pub fn start(receivers: Vec<Receiver>, session: &str, pace: Pace) -> Self {
        let start = |receiver| {
            let (sender, alerts) = mpsc::channel(WAITING);
            (sender, tokio::spawn(tell(receiver, session.to_owned(), alerts, pace)))
        };
        Self { receivers: receivers.into_iter().map(start).collect() }
    }

    /// Tells an alert, as soon as that is possible; never waits.
    pub fn send(&self, alert: &Alert) {
        for (sender, _) in &self.receivers {
            if sender.try_send(alert.clone()).is_err() {
                tracing::warn!("an alert is lost: {WAITING} wait already");
            }
        }
    }

    /// Tells what waits, as far as that is possible in so much time.
    pub async fn finish(self, at_most: Duration) {
        let end = Instant::now() + at_most;
        for (sender, task) in self.receivers {
            drop(sender);
            let abort = task.abort_handle();
            if tokio::time::timeout_at(end, task).await.is_err() {
                tracing::warn!("an alert could not be told in time");
                abort.abort();
            }
        }
    }
}

/// When a kind may be told again.
#[derive(Clone, Copy, Debug)]
struct Turn {
    not_before: Instant,
    /// How often what waits was not taken.
    failed: u32,
}

/// Alerts that wait to be told, by kind; in the order of the kinds' names.
#[derive(Debug, Default)]
struct Waiting {
    batches: BTreeMap<&'static str, Batch>,
    turns: BTreeMap<&'static str, Turn>,
    /// Until when the receiver wants not to be asked.
    quiet_until: Option<Instant>,
}

impl Waiting {
    fn add(&mut self, Alert { kind, text }: Alert) {
        let batch = self.batches.entry(kind).or_insert(Batch { kind, count: 0, text: String::new() });
        batch.count += 1;
        batch.text = text;
    }

    /// When something can be told; none where nothing waits.
    fn due(&self) -> Option<Instant> {
        let now = Instant::now();
        let due = |kind: &&'static str| self.turns.get(*kind).map_or(now, |turn| turn.not_before);
        let first = self.batches.keys().map(due).min()?;
        Some(self.quiet_until.map_or(first, |until| first.max(until)))
    }

    /// Nothing is told any more after this: nobody waits for the turn of its kind.
    fn hurry(&mut self) {
        self.turns.clear();
    }

    /// What can be told now.
    fn take(&mut self, now: Instant) -> Vec<Batch> {
        let turns = &self.turns;
        let is_due = |kind: &&'static str, _: &mut Batch| turns.get(*kind).is_none_or(|turn| turn.not_before <= now);
        self.batches.extract_if(.., is_due).map(|(_, batch)| batch).collect()
    }

    /// These were taken, or never will be.
    fn settled(&mut self, batches: &[Batch], pace: Pace) {
        let turn = Turn { not_before: Instant::now() + pace.every, failed: 0 };
        self.turns.extend(batches.iter().map(|batch| (batch.kind, turn)));
    }

    /// These were not taken. Each waits for its own turn, with what comes meanwhile; other kinds are not held up by them.
    fn put_back(&mut self, batches: Vec<Batch>, pace: Pace, receiver: &Receiver) {
        for batch in batches {
            let failed = self.turns.get(batch.kind).map_or(0, |turn| turn.failed) + 1;
            if failed >= pace.attempts {
                tracing::warn!("{} did not take an alert ({}) in {failed} attempts", receiver.name(), batch.kind);
                self.settled(&[batch], pace);
                continue;
            }
            let not_before = Instant::now() + pace.again * 2_u32.saturating_pow(failed - 1);
            self.turns.insert(batch.kind, Turn { not_before, failed });
            self.batches.insert(batch.kind, batch);
        }
    }
}

async fn tell(receiver: Receiver, session: String, mut alerts: mpsc::Receiver<Alert>, pace: Pace) {
    let mut waiting = Waiting::default();
    let mut is_open = true;
    while is_open || !waiting.batches.is_empty() {
        let due = waiting.due();
        tokio::select! {
            alert = alerts.recv(), if is_open => match alert {
                Some(alert) => waiting.add(alert),
                None => {
                    is_open = false;
                    waiting.hurry();
                }
            },
            () = async { match due { Some(due) => sleep_until(due).await, None => std::future::pending().await } } => {
                // What came at the same moment goes with it.
                while let Ok(alert) = alerts.try_recv() {
                    waiting.add(alert);
                }
                offer(&receiver, &session, &mut waiting, pace).await;
            }
        }
    }
}

/// Offers what is due.
async fn offer(receiver: &Receiver, session: &str, waiting: &mut Waiting, pace: Pace) {
    let batches = waiting.take(Instant::now());
    match receiver.post(session, &batches).await {
        Ok(()) => waiting.settled(&batches, pace),
        Err(Refusal::ForGood(why)) => {
            tracing::warn!("{} does not take alerts: {why}", receiver.name());
            waiting.settled(&batches, pace);
        }
        Err(Refusal::ForNow(why, asked)) => {
            tracing::debug!("{}: {why}", receiver.name());
            waiting.quiet_until = asked.map(|asked| Instant::now() + asked);
            waiting.put_back(batches, pace, receiver);
        }
    }
}
