//! A node's subscriptions, over WebSocket. They only say when to look; nothing else is read from them.

use futures_util::{SinkExt, StreamExt};
use jsonrpsee_types::{Id, Request};
use q50_pumpswap::chain::Address;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::to_raw_value;
use solana_signature::Signature;
use std::fmt;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// An address that is none of a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected the ws or wss address of a node's subscriptions")]
pub struct NoWebSocket;

/// Why nothing is heard.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unheard {
    /// There is no connection, or no longer.
    #[error("{0}")]
    Connection(String),
    /// The node does not serve the subscription.
    #[error("the node refuses the subscription: {0}")]
    Refused(String),
}

/// Where a node serves subscriptions. The address may hold a key, so that only its host is ever shown.
#[derive(Clone)]
pub struct WebSocket {
    url: Url,
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebSocket").field(&self.host()).finish()
    }
}

/// What is subscribed to, all of it once it is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Transactions that name an account.
    Mentions(Address),
    /// One transaction.
    Signature(Signature),
}

impl WebSocket {
    /// At `url`.
    ///
    /// # Errors
    /// [`NoWebSocket`] where the address is of something else.
    pub fn new(url: Url) -> Result<Self, NoWebSocket> {
        if matches!(url.scheme(), "ws" | "wss") && url.has_host() { Ok(Self { url }) } else { Err(NoWebSocket) }
    }

    /// Where a node that serves JSON-RPC at `rpc` serves subscriptions: at the next port where one is named, else at the
    /// same. Source: what Solana's own clients do.
    #[must_use]
    pub fn usual(rpc: &Url) -> Self {
        let mut url = rpc.clone();
        // Neither fails: http and https have ports and are replaced by schemes of their kind.
        let _ = url.set_scheme(if rpc.scheme() == "https" { "wss" } else { "ws" });
        if let Some(port) = rpc.port().and_then(|port| port.checked_add(1)) {
            let _ = url.set_port(Some(port));
        }
        Self { url }
    }

    /// What may be shown of its address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or("?")
    }

    /// Connects and subscribes.
    ///
    /// # Errors
    /// [`Unheard`] where there is no connection.
    pub async fn subscribe(&self, topic: Topic) -> Result<Subscription, Unheard> {
        let commitment = json!({"commitment": "confirmed"});
        let (method, notification, params) = match topic {
            Topic::Mentions(account) => {
                let filter = json!({"mentions": [account.to_string()]});
                ("logsSubscribe", "logsNotification", json!([filter, commitment]))
            }
            Topic::Signature(signature) => {
                ("signatureSubscribe", "signatureNotification", json!([signature.to_string(), commitment]))
            }
        };
        let failed = |error| Unheard::Connection(problem(error));
        let malformed = |error: serde_json::Error| Unheard::Connection(error.to_string());
        let (mut socket, _) = tokio_tungstenite::connect_async(self.url.as_str()).await.map_err(failed)?;
        let params = to_raw_value(&params).map_err(malformed)?;
        let request = Request::borrowed(method, Some(&params), Id::Number(1));
        let text = serde_json::to_string(&request).map_err(malformed)?;
        socket.send(Message::text(text)).await.map_err(failed)?;
        Ok(Subscription { socket, notification })
    }
}

/// One subscription, on a connection of its own.
#[derive(Debug)]
pub struct Subscription {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    notification: &'static str,
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
    /// Waits until something is said to have happened. May be dropped while it waits.
    ///
    /// # Errors
    /// [`Unheard`] where nothing more will be heard.
    pub async fn heard(&mut self) -> Result<(), Unheard> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => match serde_json::from_str::<Told>(&text) {
                    Ok(Told { method: Some(method), .. }) if method == self.notification => return Ok(()),
                    Ok(Told { error: Some(refusal), .. }) => return Err(Unheard::Refused(refusal.message)),
                    _ => {}
                },
                // Pings are answered by the library.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Unheard::Connection(problem(error))),
                None => return Err(Unheard::Connection("the node ended the connection".to_owned())),
            }
        }
    }
}

/// What went wrong, without the address.
fn problem(error: tungstenite::Error) -> String {
    match error {
        tungstenite::Error::Url(_) => "the address is not understood".to_owned(),
        error => error.to_string(),
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
            assert_eq!(WebSocket::usual(&rpc.parse().unwrap()).url.as_str(), ws);
        }
    }

    #[test]
    fn a_key_in_the_address_is_never_shown() {
        let url: Url = "wss://rpc.example/s3cret?api-key=s3cret".parse().unwrap();
        let shown = format!("{:?}", WebSocket::new(url).unwrap());
        assert!(shown.contains("rpc.example") && !shown.contains("s3cret"), "{shown}");
        assert!(WebSocket::new("https://rpc.example".parse().unwrap()).is_err());
    }

    #[tokio::test]
    async fn a_port_behind_which_nobody_speaks_tls_is_an_error() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("wss://{}/s3cret", listener.local_addr().unwrap());
        let websocket = WebSocket::new(url.parse().unwrap()).unwrap();
        let (told, _) = tokio::join!(websocket.subscribe(Topic::Mentions(Address::ZERO)), async {
            drop(listener.accept().await.unwrap());
        });
        let told = told.unwrap_err().to_string();
        assert!(!told.contains("s3cret"), "{told}");
    }
}
