//! When to look: the node's own word that a transaction named the pool, over WebSocket.
//!
//! Nothing is read from it but that something happened. A connection that ends is made anew; one that is silent though
//! things happen is told by whoever looks anyway (`Subscription::renew`).

use futures_util::{SinkExt, StreamExt};
use jsonrpsee_types::{Id, Request};
use q50_executor::cluster::Url;
use q50_live::pumpswap::Address;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::to_raw_value;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Shortest and longest wait before a connection is made anew.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

/// An address that is none of a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected the ws or wss address of a node's subscriptions")]
pub struct NoWebSocket;

/// Where a node that serves JSON-RPC at `rpc` serves subscriptions: at the next port where one is named, else at the same.
/// Source: what Solana's own clients do.
#[must_use]
pub fn usual_url(rpc: &Url) -> Url {
    let mut url = rpc.clone();
    // Neither fails: http and https have ports and are replaced by schemes of their kind.
    let _ = url.set_scheme(if rpc.scheme() == "https" { "wss" } else { "ws" });
    if let Some(port) = rpc.port().and_then(|port| port.checked_add(1)) {
        let _ = url.set_port(Some(port));
    }
    url
}

/// A subscription to what names a pool.
pub struct Subscription {
    url: Url,
    pool: Address,
    socket: Option<WebSocketStream<MaybeTlsStream<TcpStream>>>,
    next_attempt: Instant,
    wait: Duration,
    renewals: u64,
}

impl std::fmt::Debug for Subscription {
    /// The host alone: the rest of the address may hold a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Told {
    method: Option<String>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Subscription {
    /// To what names `pool`, at `url`; connects when it is listened to.
    ///
    /// # Errors
    /// [`NoWebSocket`] where the address is of something else.
    pub fn new(url: Url, pool: Address) -> Result<Self, NoWebSocket> {
        if !matches!(url.scheme(), "ws" | "wss") || !url.has_host() {
            return Err(NoWebSocket);
        }
        Ok(Self { url, pool, socket: None, next_attempt: Instant::now(), wait: WAITS[0], renewals: 0 })
    }

    /// Waits until there is a reason to look: something named the pool, or the connection is new, so that nobody knows
    /// what happened before. May be dropped while it waits.
    pub async fn heard(&mut self) {
        loop {
            let Some(socket) = &mut self.socket else {
                tokio::time::sleep_until(self.next_attempt).await;
                // Whatever comes of it, also where it is dropped: the next attempt is later.
                self.next_attempt = Instant::now() + self.wait;
                self.wait = (self.wait * 2).min(WAITS[1]);
                match self.connect().await {
                    Ok(socket) => {
                        self.socket = Some(socket);
                        return;
                    }
                    Err(problem) => {
                        tracing::info!("no subscription at {}: {problem}", self.url.host_str().unwrap_or("?"));
                        continue;
                    }
                }
            };
            match socket.next().await {
                Some(Ok(Message::Text(text))) => match serde_json::from_str::<Told>(&text) {
                    Ok(Told { method: Some(method), .. }) if method == "logsNotification" => {
                        self.wait = WAITS[0];
                        return;
                    }
                    Ok(Told { error: Some(refusal), .. }) => {
                        tracing::warn!("the node refuses the subscription: {}", refusal.message);
                        self.socket = None;
                    }
                    _ => {}
                },
                // Pings are answered by the library.
                Some(Ok(_)) => {}
                Some(Err(_)) | None => self.socket = None,
            }
        }
    }

    /// Ends the connection, because it said nothing though something happened; [`heard`](Self::heard) makes a new one.
    pub fn renew(&mut self) {
        if self.socket.take().is_some() {
            self.renewals += 1;
            tracing::warn!("the subscription was silent though the pool was traded; it is made anew");
        }
    }

    /// How often a silent connection was given up.
    #[must_use]
    pub fn renewals(&self) -> u64 {
        self.renewals
    }

    async fn connect(&self) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, String> {
        let failed = |error| match error {
            // May have the address in it, and so a key.
            Error::Url(_) => "the address is not understood".to_owned(),
            error => error.to_string(),
        };
        let (mut socket, _) = tokio_tungstenite::connect_async(self.url.as_str()).await.map_err(failed)?;
        let params = json!([{"mentions": [self.pool.to_string()]}, {"commitment": "confirmed"}]);
        let params = to_raw_value(&params).map_err(|error| error.to_string())?;
        let request = Request::borrowed("logsSubscribe", Some(&params), Id::Number(1));
        let text = serde_json::to_string(&request).map_err(|error| error.to_string())?;
        socket.send(Message::text(text)).await.map_err(failed)?;
        Ok(socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_are_at_the_next_port_and_at_the_same_address_where_none_is_named() {
        for (rpc, ws) in [
            ("http://127.0.0.1:8899", "ws://127.0.0.1:8900/"),
            ("https://api.mainnet-beta.solana.com", "wss://api.mainnet-beta.solana.com/"),
            ("https://rpc.example/?api-key=s3cret", "wss://rpc.example/?api-key=s3cret"),
        ] {
            assert_eq!(usual_url(&rpc.parse().unwrap()).as_str(), ws);
        }
    }

    #[test]
    fn a_key_in_the_address_is_never_shown() {
        let url: Url = "wss://rpc.example/s3cret?api-key=s3cret".parse().unwrap();
        let shown = format!("{:?}", Subscription::new(url, Address::ZERO).unwrap());
        assert!(shown.contains("rpc.example") && !shown.contains("s3cret"), "{shown}");
        let http: Url = "https://rpc.example".parse().unwrap();
        assert!(Subscription::new(http, Address::ZERO).is_err());
    }
}
