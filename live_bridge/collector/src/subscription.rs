//! When to look: the node's notification over WebSocket that a transaction named the pool.
//!
//! A connection that ends is reopened. One that is silent although things happen is reported by whoever looks anyway
//! (`Subscription::renew`).

use q50_executor::rpc::{Subscription as Connection, Topic, Unheard, WebSocket};
use q50_pumpswap::chain::Address;
use std::time::Duration;
use tokio::time::Instant;

/// Shortest and longest wait before a connection is made anew.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

/// A subscription to what names a pool.
#[derive(Debug)]
pub struct Subscription {
    websocket: WebSocket,
    pool: Address,
    connection: Option<Connection>,
    next_attempt: Instant,
    wait: Duration,
    renewals: u64,
}

impl Subscription {
    /// To what names `pool`; connects when it is listened to.
    #[must_use]
    pub fn new(websocket: WebSocket, pool: Address) -> Self {
        Self { websocket, pool, connection: None, next_attempt: Instant::now(), wait: WAITS[0], renewals: 0 }
    }

    /// Waits until there is a reason to look: something named the pool, or the connection is new, so that nobody knows
    /// what happened before. May be dropped while it waits.
    pub async fn heard(&mut self) {
        loop {
            let told = match &mut self.connection {
                Some(connection) => {
                    let heard = connection.heard().await;
                    if heard.is_ok() {
                        self.wait = WAITS[0];
                    }
                    heard
                }
                None => {
                    tokio::time::sleep_until(self.next_attempt).await;
                    // Whatever comes of it, also where it is dropped: the next attempt is later.
                    self.next_attempt = Instant::now() + self.wait;
                    self.wait = (self.wait * 2).min(WAITS[1]);
                    self.websocket.subscribe(Topic::Mentions(self.pool)).await.map(|new| self.connection = Some(new))
                }
            };
            match told {
                Ok(()) => return,
                Err(problem) => {
                    self.connection = None;
                    let host = self.websocket.host();
                    match problem {
                        Unheard::Connection(_) => tracing::info!("no subscription at {host}: {problem}"),
                        Unheard::Refused(_) => tracing::warn!("{host}: {problem}"),
                    }
                }
            }
        }
    }

    /// Ends the connection, because it said nothing though something happened; [`heard`](Self::heard) makes a new one.
    pub fn renew(&mut self) {
        if self.connection.take().is_some() {
            self.renewals += 1;
            tracing::warn!("the subscription was silent though the pool was traded; it is made anew");
        }
    }

    /// How often a silent connection was given up.
    #[must_use]
    pub fn renewals(&self) -> u64 {
        self.renewals
    }
}
