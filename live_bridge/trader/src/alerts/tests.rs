use super::*;
use axum::Router;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use tokio::time::sleep;

const TOKEN: &str = "123456:AbC-dEf_secret";

/// A receiver that answers as it is told, the last answer again and again, and keeps what it was sent and when.
#[derive(Clone, Default)]
struct StandIn {
    answers: Arc<Mutex<Vec<(u16, HeaderMap, Value)>>>,
    heard: Arc<Mutex<Vec<(Instant, String, Value)>>>,
}

impl StandIn {
    async fn start(answers: &[(u16, Option<u64>, Value)]) -> (Self, String) {
        let stand_in = Self::default();
        for (status, retry_after, body) in answers {
            let mut headers = HeaderMap::new();
            if let Some(seconds) = retry_after {
                headers.insert("retry-after", (*seconds).into());
            }
            stand_in.answers.lock().unwrap().push((*status, headers, body.clone()));
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(Self::answer).with_state(stand_in.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (stand_in, address)
    }

    async fn answer(Shared(stand_in): Shared<Self>, uri: Uri, body: String) -> (StatusCode, HeaderMap, String) {
        let body = serde_json::from_str(&body).unwrap();
        stand_in.heard.lock().unwrap().push((Instant::now(), uri.path().to_owned(), body));
        let mut answers = stand_in.answers.lock().unwrap();
        let (status, headers, said) = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        (StatusCode::from_u16(status).unwrap(), headers, said.to_string())
    }

    fn heard(&self) -> Vec<(Instant, String, Value)> {
        self.heard.lock().unwrap().clone()
    }

    async fn hears(&self, count: usize) -> Vec<(Instant, String, Value)> {
        for _ in 0..500 {
            if self.heard().len() >= count {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        self.heard()
    }
}

const FAST: Pace = Pace { every: Duration::from_millis(300), again: Duration::from_millis(20), attempts: 4 };

fn alert(kind: &'static str, text: &str) -> Alert {
    Alert { kind, text: text.to_owned() }
}

#[tokio::test]
async fn telegram_is_told_and_the_token_is_in_the_address_alone() {
    let (stand_in, api) = StandIn::start(&[(200, None, json!({"ok": true}))]).await;
    let receiver = Receiver::telegram(&api, TOKEN, "@desk".to_owned()).unwrap();
    assert!(!format!("{receiver:?}").contains("secret"));
    let alerts = Alerts::start(vec![receiver], "0123", FAST);
    alerts.send(&alert("alarm", "fills cost more"));
    let heard = stand_in.hears(1).await;
    assert_eq!(heard[0].1, format!("/bot{TOKEN}/sendMessage"));
    assert_eq!(heard[0].2, json!({"chat_id": "@desk", "text": "q50 0123\nalarm: fills cost more"}));
    alerts.finish(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_kind_is_told_once_in_a_while_with_the_number_of_those_between_and_others_are_not_held_up() {
    let (stand_in, url) = StandIn::start(&[(200, None, json!({}))]).await;
    // Long enough for a machine that is busy with something else.
    let pace = Pace { every: Duration::from_secs(2), ..FAST };
    let alerts = Alerts::start(vec![Receiver::webhook(&url).unwrap()], "0123", pace);
    alerts.send(&alert("order", "first"));
    assert_eq!(stand_in.hears(1).await.len(), 1);
    for number in 2..=9 {
        alerts.send(&alert("order", &format!("number {number}")));
    }
    alerts.send(&alert("alarm", "now"));
    let heard = stand_in.hears(3).await;
    let told = |at: usize| heard[at].2["alerts"].clone();
    assert_eq!(told(1), json!([{"kind": "alarm", "count": 1, "text": "now"}]), "not held up");
    assert_eq!(told(2), json!([{"kind": "order", "count": 8, "text": "number 9"}]));
    assert!(heard[2].2["text"].as_str().unwrap().contains("order: number 9 (the last of 8)"));
    assert!(heard[2].0 - heard[0].0 >= pace.every, "one in a while");
    alerts.finish(Duration::from_secs(5)).await;
    assert_eq!(stand_in.heard().len(), 3, "nothing twice");
}

#[tokio::test]
async fn a_receiver_is_asked_again_later_and_not_before_it_wants_to_be() {
    let telegram = json!({"ok": false, "parameters": {"retry_after": 1}});
    let answers = [(500, None, json!({})), (429, Some(1), json!({})), (429, None, telegram), (200, None, json!({}))];
    let (stand_in, url) = StandIn::start(&answers).await;
    let alerts = Alerts::start(vec![Receiver::webhook(&url).unwrap()], "0123", FAST);
    alerts.send(&alert("alarm", "once"));
    let heard = stand_in.hears(4).await;
    let waits: Vec<Duration> = heard.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(
        waits[0] >= FAST.again && waits[1] >= Duration::from_secs(1) && waits[2] >= Duration::from_secs(1),
        "{waits:?}"
    );
    alerts.finish(Duration::from_secs(5)).await;
    let heard = stand_in.heard();
    assert!(
        heard.len() == 4 && heard.iter().all(|one| one.2 == heard[0].2),
        "the same message, and no other: {heard:?}"
    );
}

#[tokio::test]
async fn a_message_that_is_offered_again_does_not_hold_up_an_alarm() {
    let (stand_in, url) = StandIn::start(&[(500, None, json!({})), (200, None, json!({}))]).await;
    let pace = Pace { again: Duration::from_secs(2), ..FAST };
    let alerts = Alerts::start(vec![Receiver::webhook(&url).unwrap()], "0123", pace);
    alerts.send(&alert("session", "begins"));
    stand_in.hears(1).await;
    alerts.send(&alert("alarm", "now"));
    let heard = stand_in.hears(3).await;
    let told = |at: usize| heard[at].2["alerts"].clone();
    assert_eq!(told(1), json!([{"kind": "alarm", "count": 1, "text": "now"}]));
    assert_eq!(told(2), json!([{"kind": "session", "count": 1, "text": "begins"}]), "offered again in its own time");
    assert!(heard[2].0 - heard[0].0 >= pace.again, "{heard:?}");
    alerts.finish(Duration::from_secs(5)).await;
    assert_eq!(stand_in.heard().len(), 3);
}

#[tokio::test]
async fn a_message_that_is_never_taken_is_given_up() {
    let (stand_in, url) = StandIn::start(&[(500, None, json!({}))]).await;
    let alerts = Alerts::start(vec![Receiver::webhook(&url).unwrap()], "0123", FAST);
    alerts.send(&alert("order", "failed"));
    stand_in.hears(4).await;
    alerts.finish(Duration::from_secs(5)).await;
    assert_eq!(stand_in.heard().len(), FAST.attempts as usize);
}

#[tokio::test]
async fn whoever_sends_never_waits_and_what_is_refused_for_good_is_not_sent_again() {
    let (dead, url) = StandIn::start(&[(500, None, json!({}))]).await;
    let (closed, other) = StandIn::start(&[(401, None, json!({}))]).await;
    let receivers = vec![Receiver::webhook(&url).unwrap(), Receiver::webhook(&other).unwrap()];
    let alerts = Alerts::start(receivers, "0123", FAST);
    let begun = Instant::now();
    for number in 0..5_000 {
        alerts.send(&alert("order", &number.to_string()));
    }
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    dead.hears(2).await;
    let begun = Instant::now();
    alerts.finish(Duration::from_millis(50)).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(closed.hears(1).await.len(), 1);
}

#[tokio::test]
async fn what_waits_is_told_at_the_end() {
    let (stand_in, url) = StandIn::start(&[(200, None, json!({}))]).await;
    let slow = Pace { every: Duration::from_secs(3_600), ..FAST };
    let alerts = Alerts::start(vec![Receiver::webhook(&url).unwrap()], "0123", slow);
    alerts.send(&alert("session", "begins"));
    stand_in.hears(1).await;
    alerts.send(&alert("session", "stopped"));
    alerts.finish(Duration::from_secs(5)).await;
    assert_eq!(stand_in.heard()[1].2["alerts"][0]["text"], "stopped");
}

#[test]
fn secrets_come_from_files_or_the_environment_and_no_error_says_one() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let token = write("token", &format!("{TOKEN}\n"));
    let settings = |text: &str| AlertSettings::read(&write("alerts.toml", text));
    let told = settings(&format!("[telegram]\nchat = '@desk'\ntoken_file = '{}'", token.display())).unwrap();
    assert_eq!((told.receivers().unwrap().len(), told.pace().every), (1, Duration::from_secs(60)));
    // A file is looked for beside the one that names it, wherever q50 was started.
    let beside = settings("[telegram]\nchat = '@desk'\ntoken_file = 'token'").unwrap();
    assert_eq!(beside.receivers().unwrap().len(), 1);
    let refused = |text: &str| settings(text).and_then(|settings| settings.receivers()).unwrap_err().to_string();
    let bad = write("bad", "ftp://host/secret");
    let open = write("open", TOKEN);
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o640)).unwrap();
    for (text, words) in [
        ("[telegram]\nchat = '1'", "set Q50_TELEGRAM_TOKEN"),
        ("[webhook]\n", "set Q50_WEBHOOK_URL"),
        ("every_s = 5", "expected [telegram], [webhook] or both"),
        ("[telegram]\nchat = '1'\ntoken = 'secret'", "line 3: unknown field `token`"),
        (&format!("[webhook]\nurl_file = '{}'", bad.display()), "expected an address that begins with https://"),
        (&format!("[telegram]\nchat = '1'\ntoken_file = '{}'", bad.display()), "expected the token of a bot"),
        ("[telegram]\nchat = '1'\ntoken_file = 'open'", "others than its owner may read it (mode 0640); chmod 600 it"),
    ] {
        let error = refused(text);
        assert!(error.contains(words) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn what_goes_as_it_should_is_no_alert() {
    let done = |state| {
        let done = Box::new(crate::journal::Done::only(state, Some("because".to_owned())));
        Alert::of(&Event::Done { key: "k".to_owned(), done })
    };
    assert_eq!(done(State::Filled), None);
    assert_eq!(done(State::Missed), Some(alert("order", "order k missed: because")));
}
