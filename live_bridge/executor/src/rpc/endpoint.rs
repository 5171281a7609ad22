//! One node, over HTTP.

use super::error::RpcError;
use jsonrpsee_types::{Id, Request, Response, ResponsePayload};
use reqwest::{StatusCode, Url, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most seconds that a node may ask us to wait.
const MOST_WAIT: u64 = 300;

/// One node. Its address may hold a key, so that only the host is ever shown.
pub(super) struct Endpoint {
    url: Url,
    http: reqwest::Client,
    calls: AtomicU64,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.host()).finish()
    }
}

impl Endpoint {
    pub(super) fn new(url: Url) -> Result<Self, RpcError> {
        // No proxy of the environment, and no redirect: both would learn what is asked.
        let direct = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = direct.timeout(TIMEOUT).build();
        let http = client.map_err(|error| RpcError::Connection(error.without_url().to_string()))?;
        Ok(Self { url, http, calls: AtomicU64::new(1) })
    }

    /// What may be shown of its address.
    pub(super) fn host(&self) -> String {
        shown(&self.url)
    }

    /// Calls a method.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &RawValue,
    ) -> Result<T, RpcError> {
        let id = self.calls.fetch_add(1, Ordering::Relaxed);
        let request = Request::borrowed(method, Some(params), Id::Number(id));
        let answer = self.http.post(self.url.clone()).json(&request).send().await.map_err(failed)?;
        let status = answer.status();
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(RpcError::RateLimited { retry_after: retry_after(answer.headers()) });
        }
        if status != StatusCode::OK {
            return Err(RpcError::Status(status.as_u16()));
        }
        let body = answer.bytes().await.map_err(failed)?;
        let malformed = |problem: String| RpcError::Malformed { method, problem };
        let response: Response<'_, Value> =
            serde_json::from_slice(&body).map_err(|error| malformed(error.to_string()))?;
        if response.id != Id::Number(id) {
            return Err(malformed(format!("id {}, expected {id}", response.id)));
        }
        match response.payload {
            ResponsePayload::Success(value) => {
                serde_json::from_value(value.into_owned()).map_err(|error| malformed(error.to_string()))
            }
            ResponsePayload::Error(error) => {
                Err(RpcError::of_protocol(method, error.code(), error.message(), error.data().map(RawValue::get)))
            }
        }
    }
}

/// Host of an address, and port where it names one; the rest may hold a key.
pub(super) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// An error without the address, which may hold a key.
fn failed(error: reqwest::Error) -> RpcError {
    if error.is_timeout() {
        return RpcError::Timeout(TIMEOUT);
    }
    let error = error.without_url();
    let cause = std::iter::successors(std::error::Error::source(&error), |cause| cause.source()).last();
    RpcError::Connection(cause.map_or_else(|| error.to_string(), ToString::to_string))
}

/// `Retry-After` in seconds; as a date it is not used by any node that we know.
fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds.min(MOST_WAIT)))
}
