//! The page over HTTP, to this machine alone, from a thread that the session does not wait for.

use super::Status;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

/// Serves the session of a folder on 127.0.0.1 until the process ends: `/` is the page, `/status.json` the same for programs.
/// Port 0 is any that is free; the address is returned.
///
/// # Errors
/// Where nothing can listen there.
pub fn serve(folder: PathBuf, port: u16) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let router = Router::new()
        .route("/", get(page))
        .route("/status.json", get(json))
        .with_state(Arc::new(Served { folder, port: address.port() }));
    std::thread::Builder::new().name("status".to_owned()).spawn(move || {
        let served =
            runtime.block_on(async { axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await });
        if let Err(error) = served {
            tracing::warn!("the status page ended: {error}");
        }
    })?;
    Ok(address)
}

#[derive(Debug)]
struct Served {
    folder: PathBuf,
    port: u16,
}

impl Served {
    /// The session, as whoever may see it sees it: a page of somebody else that gave its own name this address may not.
    fn read(&self, headers: &HeaderMap) -> Result<Status, (StatusCode, String)> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if !["127.0.0.1", "localhost"].iter().any(|name| host == format!("{name}:{}", self.port)) {
            return Err((StatusCode::FORBIDDEN, "expected the host 127.0.0.1 or localhost\n".to_owned()));
        }
        Status::read(&self.folder).map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")))
    }
}

async fn page(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    let status = match served.read(&headers) {
        Ok(status) => status,
        Err(refusal) => return refusal.into_response(),
    };
    match status.sheet().html() {
        Ok(page) => (NOT_KEPT, Html(page)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn json(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    let status = match served.read(&headers) {
        Ok(status) => status,
        Err(refusal) => return refusal.into_response(),
    };
    match serde_json::to_string(&status) {
        Ok(text) => (NOT_KEPT, [(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// It is another one in a moment, and nobody else's.
const NOT_KEPT: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];
