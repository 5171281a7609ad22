//! The two ports: HTTP, and WebSocket on the next one.

/// TCP connections that can be reset.
mod connection;
/// JSON-RPC over HTTP, and the control endpoint.
pub(crate) mod http;
/// What a WebSocket connection is subscribed to.
pub(crate) mod subscriptions;
/// Subscriptions over WebSocket.
pub(crate) mod websocket;

pub(crate) use connection::Connections;
