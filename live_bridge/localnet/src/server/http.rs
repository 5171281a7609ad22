//! JSON-RPC over HTTP, and the control endpoint.

use super::connection::{Connections, Peer};
use crate::faults::HttpFault;
use crate::node::{Command, Node, Outcome};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::sync::Arc;

/// What a request may be long, in bytes, as of a node.
const MAX_BODY: usize = 50 << 10;

/// Serves for ever.
pub(crate) async fn serve(connections: Connections, node: Arc<Node>) -> std::io::Result<()> {
    let router = Router::new()
        .route("/health", get(|| async { "ok" }))
        .route("/control", post(control))
        .fallback(rpc)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(axum::middleware::map_response(open_to_browsers))
        .with_state(node);
    axum::serve(connections, router.into_make_service_with_connect_info::<Peer>()).await
}

async fn open_to_browsers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("OPTIONS, POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
    response
}

async fn rpc(
    State(node): State<Arc<Node>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match method {
        Method::OPTIONS => return StatusCode::OK.into_response(),
        Method::POST => {}
        _ => {
            let said = "Used HTTP Method is not allowed. POST or OPTIONS is required\n";
            return (StatusCode::METHOD_NOT_ALLOWED, said).into_response();
        }
    }
    if !is_json(&headers) {
        let said = "Supplied content type is not allowed. Content-Type: application/json is required\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, said).into_response();
    }
    match node.answer(&body) {
        Outcome::Answer(answer) => answered(StatusCode::OK, answer),
        Outcome::Fault(HttpFault::RateLimited { retry_after }) => {
            let error = json!({"code": 429, "message": "Too many requests for a specific RPC call"});
            let mut response =
                answered(StatusCode::TOO_MANY_REQUESTS, Some(json!({"jsonrpc": "2.0", "error": error, "id": null})));
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
            response
        }
        Outcome::Fault(HttpFault::ServerError) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n").into_response()
        }
        Outcome::Fault(HttpFault::Reset { .. }) => {
            peer.reset();
            StatusCode::OK.into_response()
        }
        Outcome::Fault(HttpFault::Timeout { after, .. }) => {
            tokio::time::sleep(after).await;
            peer.reset();
            StatusCode::OK.into_response()
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn answered(status: StatusCode, answer: Option<Value>) -> Response {
    let body = answer.map_or_else(String::new, |answer| answer.to_string());
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

/// `POST /control`, from this machine and not from a web page.
async fn control(
    State(node): State<Arc<Node>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !peer.is_local() || headers.contains_key(header::ORIGIN) {
        return (StatusCode::FORBIDDEN, "the control endpoint is for programs of this machine\n").into_response();
    }
    let obeyed = serde_json::from_slice::<Command>(&body)
        .map_err(|error| error.to_string())
        .and_then(|command| node.obey(command).map_err(|error| error.to_string()));
    match obeyed {
        Ok(status) => answered(StatusCode::OK, Some(json!(status))),
        Err(error) => answered(StatusCode::BAD_REQUEST, Some(json!({"error": error}))),
    }
}
