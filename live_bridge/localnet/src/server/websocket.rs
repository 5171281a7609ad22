//! Subscriptions over WebSocket.

use super::subscriptions::Subscriptions;
use crate::node::Node;
use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long a silenced connection is held before its socket is given back.
const SILENCE: Duration = Duration::from_secs(600);

/// Serves for ever.
pub(crate) async fn serve(listener: TcpListener, node: Arc<Node>) -> std::io::Result<()> {
    axum::serve(listener, Router::new().fallback(upgrade).with_state(node)).await
}

async fn upgrade(State(node): State<Arc<Node>>, request: WebSocketUpgrade) -> Response {
    request.on_upgrade(move |socket| session(node, socket))
}

/// One connection, until it is closed.
async fn session(node: Arc<Node>, mut socket: WebSocket) {
    let mut changes = node.changes();
    let mut subscriptions = Subscriptions::default();
    let silenced = node.silenced();
    loop {
        let mut texts = Vec::new();
        tokio::select! {
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => texts.extend(subscriptions.answer(&node, text.as_bytes())),
                Some(Ok(Message::Binary(bytes))) => texts.extend(subscriptions.answer(&node, &bytes)),
                // Pings are answered by the library.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
            changed = changes.changed() => if changed.is_err() { return },
        }
        let is_silenced = subscriptions.is_silenced || node.silenced() != silenced;
        if !is_silenced {
            // What a request subscribes to may be there already; its answer goes out first.
            texts.extend(subscriptions.notifications(&node));
        }
        for text in texts {
            if socket.send(Message::Text(text.to_string().into())).await.is_err() {
                return;
            }
        }
        if is_silenced {
            // The socket stays open, and nothing reads it or writes to it: not even a ping is answered.
            tokio::time::sleep(SILENCE).await;
            return;
        }
    }
}
