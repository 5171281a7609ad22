//! One request at a time, no faster than the API allows, and again where it fails.
//!
//! A request begins no sooner than `1 / limit` minutes after the one before it has ended. So the API receives at most
//! `limit` requests in any minute, whatever the network does to their times.

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use jiff::fmt::rfc2822;
use reqwest::{Response, StatusCode, Url, header, redirect};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, sleep_until};

use super::WatchError;

/// The public API.
pub(super) const PUBLIC: &str = "https://api.geckoterminal.com/api/v2";
/// The version of its answers that is read here.
const VERSION: &str = "application/json;version=20230302";
/// How long an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer, bytes.
const LONGEST: usize = 16 << 20;
/// The longest wait that the API may ask for.
const LONGEST_WAIT: u64 = 3_600;

/// How fast is asked, and how often again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Requests in any minute at most.
    pub per_minute: NonZeroU32,
    /// From a failure to the next attempt; twice as long after each further one,
    pub again: Duration,
    /// until so many in a row have failed:
    pub failures: u32,
    /// then nothing is asked for so long.
    pub rest: Duration,
}

impl Pace {
    /// As the seed collector: one second, doubled; after five failures five minutes.
    #[must_use]
    pub const fn new(per_minute: NonZeroU32) -> Self {
        Self { per_minute, again: Duration::from_secs(1), failures: 5, rest: Duration::from_secs(300) }
    }

    fn between(&self) -> Duration {
        Duration::from_secs(60) / self.per_minute.get()
    }

    /// How long is waited after so many failures in a row, of which the last asked for a wait.
    fn wait(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let own =
            if failures >= self.failures { self.rest } else { self.again * 2_u32.saturating_pow(failures.max(1) - 1) };
        own.max(asked.unwrap_or_default())
    }
}

/// What happens when the API fails as often as [`Pace::failures`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// That is an error.
    GivesUp,
    /// It is asked again after a rest.
    Rests,
}

/// An answer, and the time of the API when it gave it, epoch seconds.
#[derive(Debug)]
pub(super) struct Answer<T> {
    pub(super) body: T,
    pub(super) now: i64,
}

/// Why an attempt failed that may succeed later.
struct Failure {
    reason: String,
    /// How long the API wants to be left alone.
    wait: Option<Duration>,
}

impl Failure {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), wait: None }
    }

    fn of(error: &reqwest::Error) -> Self {
        let cause = std::iter::successors(std::error::Error::source(&error), |cause| cause.source()).last();
        Self::new(cause.map_or_else(|| error.to_string(), ToString::to_string))
    }
}

/// The API, seen through one client.
#[derive(Debug)]
pub struct Client {
    base: Url,
    http: reqwest::Client,
    pace: Pace,
    patience: Patience,
    not_before: Option<Instant>,
    requests: u64,
    failed: u64,
}

impl Client {
    /// A client of the public API, or of one at another address.
    ///
    /// # Errors
    /// The address is none, or the system has no way to make a client.
    pub fn new(base: Option<&str>, pace: Pace, patience: Patience) -> Result<Self, WatchError> {
        let base = base.unwrap_or(PUBLIC);
        let url = base.parse().ok().filter(|url: &Url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| WatchError::Address(base.to_owned()))?;
        // A redirect would be a request that nobody counts.
        let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).build();
        let http = http.map_err(|error| WatchError::Client(error.to_string()))?;
        Ok(Self { base: url, http, pace, patience, not_before: None, requests: 0, failed: 0 })
    }

    /// Requests so far, and how many of them failed.
    pub(super) fn requests(&self) -> (u64, u64) {
        (self.requests, self.failed)
    }

    /// What the API has below a path; none where it says that there is nothing.
    pub(super) async fn get<T: DeserializeOwned>(
        &mut self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Option<Answer<T>>, WatchError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut failures = 0;
        loop {
            if let Some(at) = self.not_before {
                sleep_until(at).await;
            }
            self.requests += 1;
            let sent = self.http.get(url.clone()).header(header::ACCEPT, VERSION).query(query).send().await;
            let attempt = match sent {
                Ok(response) => read(response, url.path()).await?,
                Err(error) => Err(Failure::of(&error)),
            };
            self.not_before = Some(Instant::now() + self.pace.between());
            let failure = match attempt {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            self.failed += 1;
            failures += 1;
            let path = url.path().to_owned();
            if failures >= self.pace.failures && self.patience == Patience::GivesUp {
                return Err(WatchError::Unavailable { path, attempts: failures, reason: failure.reason });
            }
            let wait = self.pace.wait(failures, failure.wait);
            tracing::warn!("{path}: {}; asked again in {} s", failure.reason, wait.as_secs_f64());
            sleep(wait).await;
        }
    }
}

/// Reads an answer: an error where it is no use to ask again.
async fn read<T: DeserializeOwned>(
    mut response: Response,
    path: &str,
) -> Result<Result<Option<Answer<T>>, Failure>, WatchError> {
    let (status, headers) = (response.status(), response.headers());
    let now = header_text(headers, &header::DATE).and_then(|date| rfc2822::parse(date).ok());
    let now = now.map_or_else(self::now, |date| date.timestamp().as_second());
    let seconds = header_text(headers, &header::RETRY_AFTER).and_then(|text| text.parse::<u64>().ok());
    let wait = seconds.map(|seconds| Duration::from_secs(seconds.min(LONGEST_WAIT)));
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LONGEST => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Ok(Err(Failure::new(format!("an answer of more than {LONGEST} bytes")))),
            Ok(None) => break,
            Err(error) => return Ok(Err(Failure::of(&error))),
        }
    }
    Ok(match status {
        StatusCode::OK => match serde_json::from_slice(&body) {
            Ok(body) => Ok(Some(Answer { body, now })),
            Err(error) => Err(Failure::new(format!("an answer that is not of the API's shape: {error}"))),
        },
        StatusCode::NOT_FOUND => Ok(None),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Err(Failure { reason: status.to_string(), wait })
        }
        status if status.is_server_error() => Err(Failure { reason: status.to_string(), wait }),
        status => {
            let text = String::from_utf8_lossy(&body).chars().take(200).collect();
            return Err(WatchError::Refused { path: path.to_owned(), status: status.as_u16(), text });
        }
    })
}

fn header_text<'a>(headers: &'a header::HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The time of this machine, epoch seconds.
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(NonZeroU32::new(30).unwrap())
    }

    #[test]
    fn thirty_a_minute_are_two_seconds_from_one_to_the_next() {
        assert_eq!(pace().between(), Duration::from_secs(2));
    }

    #[test]
    fn waits_double_until_five_failures_ask_for_a_rest_of_five_minutes() {
        let waits: Vec<u64> = (1..=7).map(|failures| pace().wait(failures, None).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 300, 300, 300]);
    }

    #[test]
    fn the_api_is_left_alone_as_long_as_it_asks_for() {
        let asked = Some(Duration::from_secs(17));
        assert_eq!(pace().wait(1, asked), Duration::from_secs(17));
        assert_eq!(pace().wait(5, asked), Duration::from_secs(300), "a rest is not cut short");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for base in ["", "geckoterminal", "file:///etc/passwd", "ftp://x"] {
            let made = Client::new(Some(base), pace(), Patience::GivesUp);
            assert!(matches!(made, Err(WatchError::Address(_))), "{base}");
        }
    }
}
