//! A chat of Telegram, or a webhook.

use super::Batch;
use reqwest::{StatusCode, Url, header};
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most seconds that a receiver may ask us to wait: a day.
const MOST_WAIT: u64 = 86_400;
/// Most characters of a message of Telegram.
/// Source: https://core.telegram.org/bots/api#sendmessage
const MOST_CHARACTERS: usize = 4_096;

/// Who is told. Its address is a secret.
pub struct Receiver {
    name: &'static str,
    url: Zeroizing<String>,
    /// The chat; none of a webhook.
    chat: Option<String>,
    http: reqwest::Client,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&self.name).finish()
    }
}

/// Why a message was not taken. Says nothing of the address.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It may be offered again, after this time where one was named.
    ForNow(String, Option<Duration>),
    /// It never will be.
    ForGood(String),
}

impl Receiver {
    /// A chat of Telegram, told by the bot of this token. `api` is the address of the interface.
    ///
    /// # Errors
    /// Says what is wrong without saying the token.
    pub fn telegram(api: &str, token: &str, chat: String) -> Result<Self, String> {
        let is_token = |letter: char| letter.is_ascii_alphanumeric() || ":_-".contains(letter);
        if token.is_empty() || !token.chars().all(is_token) {
            return Err("expected the token of a bot: digits, a colon, letters and digits".to_owned());
        }
        let url = format!("{}/bot{token}/sendMessage", api.trim_end_matches('/'));
        Self::at("Telegram", url, Some(chat))
    }

    /// A webhook, which is sent JSON: `text` for people, `session`, and `alerts` with kind, count and text.
    ///
    /// # Errors
    /// Says what is wrong without saying the address.
    pub fn webhook(url: &str) -> Result<Self, String> {
        Self::at("the webhook", url.to_owned(), None)
    }

    fn at(name: &'static str, url: String, chat: Option<String>) -> Result<Self, String> {
        let url = Zeroizing::new(url);
        let parsed: Url =
            url.parse().map_err(|error| format!("expected an address that begins with https://: {error}"))?;
        let is_local = matches!(parsed.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if parsed.scheme() != "https" && !(parsed.scheme() == "http" && is_local) {
            return Err("expected an address that begins with https://".to_owned());
        }
        // No proxy of the environment, and no redirect: both would learn the address.
        let direct = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let http = direct.timeout(TIMEOUT).build().map_err(|error| error.without_url().to_string())?;
        Ok(Self { name, url, chat, http })
    }

    /// What may be shown of it.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) async fn post(&self, session: &str, batches: &[Batch]) -> Result<(), Refusal> {
        let text = text(session, batches);
        let body = match &self.chat {
            Some(chat) => json!({"chat_id": chat, "text": text}),
            None => json!({"text": text, "session": session, "alerts": batches}),
        };
        let failed = |error: reqwest::Error| Refusal::ForNow(error.without_url().to_string(), None);
        let answer = self.http.post(self.url.as_str()).json(&body).send().await.map_err(failed)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said = format!("status {}", status.as_u16());
        if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
            return Err(Refusal::ForGood(said));
        }
        let by_header = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        // Telegram says it in the body.
        let by_body = async { answer.json::<Value>().await.ok()?["parameters"]["retry_after"].as_u64() };
        let seconds: Option<u64> = match by_header {
            Some(seconds) => Some(seconds),
            None => by_body.await,
        };
        Err(Refusal::ForNow(said, seconds.map(|seconds| Duration::from_secs(seconds.min(MOST_WAIT)))))
    }
}

/// A message for people: a line a kind.
fn text(session: &str, batches: &[Batch]) -> String {
    let line = |batch: &Batch| match batch.count {
        1 => format!("{}: {}", batch.kind, batch.text),
        count => format!("{}: {} (the last of {count})", batch.kind, batch.text),
    };
    let lines: Vec<String> = batches.iter().map(line).collect();
    let whole = format!("q50 {session}\n{}", lines.join("\n"));
    whole.chars().take(MOST_CHARACTERS).collect()
}
