//! Alerts: what somebody has to know now, told to Telegram and to a webhook. The session never waits for them.
//!
//! Of each kind one message is sent at most every so often; what comes in between is counted and told with the next one, and
//! kinds that are due together are one message. What a receiver does not take is offered again, later each time, and not
//! before it wants to be asked. Tokens come from files or from the environment, and are in no message, log or error.

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
            Event::Stopped { decisions, orders, .. } => {
                let text = format!("the session stopped after {decisions} decisions and {orders} orders");
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
    /// From a failed attempt to the next one; twice as long after each.
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

/// Alerts that wait to be told, by kind; in the order of the kinds' names.
#[derive(Debug, Default)]
struct Waiting {
    batches: BTreeMap<&'static str, Batch>,
    /// When the next message about a kind may be sent.
    not_before: BTreeMap<&'static str, Instant>,
}

impl Waiting {
    fn add(&mut self, alert: Alert) {
        let Alert { kind, text } = alert;
        let batch = self.batches.entry(kind).or_insert(Batch { kind, count: 0, text: String::new() });
        batch.count += 1;
        batch.text = text;
    }

    /// When something can be told; none where nothing waits.
    fn due(&self) -> Option<Instant> {
        let due = |kind: &&'static str| self.not_before.get(*kind).copied().unwrap_or_else(Instant::now);
        self.batches.keys().map(due).min()
    }

    /// What can be told now; `all` where nobody waits any more.
    fn take(&mut self, now: Instant, every: Duration, all: bool) -> Vec<Batch> {
        let not_before = &self.not_before;
        let is_due = |kind: &&'static str, _: &mut Batch| all || not_before.get(*kind).is_none_or(|at| *at <= now);
        let taken: Vec<Batch> = self.batches.extract_if(.., is_due).map(|(_, batch)| batch).collect();
        self.not_before.extend(taken.iter().map(|batch| (batch.kind, now + every)));
        taken
    }
}

async fn tell(receiver: Receiver, session: String, mut alerts: mpsc::Receiver<Alert>, pace: Pace) {
    let mut waiting = Waiting::default();
    let mut is_open = true;
    while is_open || !waiting.batches.is_empty() {
        let due = waiting.due().filter(|_| is_open);
        tokio::select! {
            alert = alerts.recv(), if is_open => match alert {
                Some(alert) => {
                    waiting.add(alert);
                    continue;
                }
                None => is_open = false,
            },
            () = async { match due { Some(due) => sleep_until(due).await, None => std::future::pending().await } } => {}
        }
        // What came at the same moment goes with it.
        while let Ok(alert) = alerts.try_recv() {
            waiting.add(alert);
        }
        let batches = waiting.take(Instant::now(), pace.every, !is_open);
        if !batches.is_empty() {
            offer(&receiver, &session, &batches, pace).await;
        }
    }
}

/// Offers a message until it is taken, refused for good, or was offered often enough.
async fn offer(receiver: &Receiver, session: &str, batches: &[Batch], pace: Pace) {
    let mut wait = pace.again;
    for attempt in 1..=pace.attempts {
        match receiver.post(session, batches).await {
            Ok(()) => return,
            Err(Refusal::ForGood(why)) => {
                tracing::warn!("{} does not take alerts: {why}", receiver.name());
                return;
            }
            Err(Refusal::ForNow(why, asked)) => {
                tracing::debug!("{}: {why}; attempt {attempt} of {}", receiver.name(), pace.attempts);
                tokio::time::sleep(asked.map_or(wait, |asked| asked.max(wait))).await;
                wait *= 2;
            }
        }
    }
    tracing::warn!("{} did not take an alert in {} attempts", receiver.name(), pace.attempts);
}
