//! Faults on demand: which request fails, and how. Scripted in TOML or JSON, drawn from a seed.

use crate::rpc;
use crate::server::subscriptions::SUBSCRIBE;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// A file of faults that cannot be used.
#[derive(Debug, Error)]
pub enum FaultsError {
    /// It cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not such a file.
    #[error("{path}: {source}")]
    NotFaults {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
}

/// A file of faults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultScript {
    /// The faults; the first that strikes a request wins where two would answer it.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
}

impl FaultScript {
    /// Reads a file of faults.
    ///
    /// # Errors
    /// [`FaultsError`] where it cannot be read, or says what is no fault.
    pub fn read(path: &Path) -> Result<Self, FaultsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| FaultsError::Unreadable { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|source| FaultsError::NotFaults { path: path.to_owned(), source: Box::new(source) })
    }
}

/// What goes wrong with which requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct Fault {
    kind: Kind,
    /// The methods that it strikes; none means every one that the kind can.
    methods: Vec<String>,
    /// The share of those requests.
    share: f64,
    /// Requests that pass before the first one is struck.
    skip: u64,
    /// Requests that are struck at most.
    times: Option<u64>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// The request fails before or after it is executed.
    Http(HttpFault),
    /// A transaction is not treated as it should be.
    Send(SendFault),
    /// The node is that many slots behind.
    Stale { slots: u64 },
    /// That many slots are taken back before the request is answered.
    Fork { slots: u64 },
    /// The connection subscribed on answers, and is silent from then on.
    SilentWebsocket,
}

/// How an HTTP request fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum HttpFault {
    /// Status 429, with the seconds of its `Retry-After`.
    RateLimited { retry_after: u64 },
    /// Status 500.
    ServerError,
    /// No answer for that long, and then a closed connection.
    Timeout { after: Duration, executes: bool },
    /// A connection that is reset at once.
    Reset { executes: bool },
}

impl HttpFault {
    /// Whether the request does what it asks for, although its sender does not learn of it.
    pub(crate) fn executes(self) -> bool {
        matches!(self, Self::Timeout { executes: true, .. } | Self::Reset { executes: true })
    }
}

/// What becomes of a transaction that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendFault {
    /// Its signature is answered, and it never lands.
    Dropped,
    /// It is refused as too old; without preflight it is dropped.
    Expired,
    /// It lands, and the node does not tell.
    Unconfirmed,
    /// It lands, pays its fee, and fails with this number in its last instruction.
    Fails { code: u32 },
    /// Just before it lands somebody moves the price of its pools by this much.
    PriceMoves { bps: i64 },
}

/// A fault as it is written down.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: WrittenKind,
    methods: Option<Vec<String>>,
    share: Option<f64>,
    skip: Option<u64>,
    times: Option<u64>,
    retry_after_s: Option<u64>,
    ms: Option<u64>,
    executes: Option<bool>,
    slots: Option<u64>,
    code: Option<u32>,
    bps: Option<i64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenKind {
    RateLimited,
    ServerError,
    Timeout,
    Reset,
    Dropped,
    Expired,
    Unconfirmed,
    Fails,
    PriceMoves,
    Stale,
    Fork,
    SilentWebsocket,
}

impl TryFrom<Written> for Fault {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { mut retry_after_s, mut ms, mut executes, mut slots, mut code, mut bps, .. } = written;
        let mut missing = None;
        let mut need = |what: &'static str| missing = missing.or(Some(what));
        let kind = match written.kind {
            WrittenKind::RateLimited => {
                Kind::Http(HttpFault::RateLimited { retry_after: retry_after_s.take().unwrap_or(1) })
            }
            WrittenKind::ServerError => Kind::Http(HttpFault::ServerError),
            WrittenKind::Timeout => Kind::Http(HttpFault::Timeout {
                after: Duration::from_millis(ms.take().unwrap_or_else(|| {
                    need("ms");
                    0
                })),
                executes: executes.take().unwrap_or(true),
            }),
            WrittenKind::Reset => Kind::Http(HttpFault::Reset { executes: executes.take().unwrap_or(true) }),
            WrittenKind::Dropped => Kind::Send(SendFault::Dropped),
            WrittenKind::Expired => Kind::Send(SendFault::Expired),
            WrittenKind::Unconfirmed => Kind::Send(SendFault::Unconfirmed),
            WrittenKind::Fails => Kind::Send(SendFault::Fails { code: code.take().unwrap_or(6004) }),
            WrittenKind::PriceMoves => Kind::Send(SendFault::PriceMoves {
                bps: bps.take().unwrap_or_else(|| {
                    need("bps");
                    0
                }),
            }),
            WrittenKind::Stale => Kind::Stale {
                slots: slots.take().unwrap_or_else(|| {
                    need("slots");
                    0
                }),
            },
            WrittenKind::Fork => Kind::Fork {
                slots: slots.take().unwrap_or_else(|| {
                    need("slots");
                    1
                }),
            },
            WrittenKind::SilentWebsocket => Kind::SilentWebsocket,
        };
        if let Some(missing) = missing {
            return Err(format!("a fault of this kind needs `{missing}`"));
        }
        let vain = [
            retry_after_s.map(|_| "retry_after_s"),
            ms.map(|_| "ms"),
            executes.map(|_| "executes"),
            slots.map(|_| "slots"),
            code.map(|_| "code"),
            bps.map(|_| "bps"),
        ];
        if let Some(name) = vain.into_iter().flatten().next() {
            return Err(format!("a fault of this kind has no `{name}`"));
        }
        let share = written.share.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&share) {
            return Err(format!("share {share} is no fraction from 0 to 1"));
        }
        if let Kind::Send(SendFault::PriceMoves { bps }) = kind
            && bps <= -10_000
        {
            return Err(format!("bps {bps}: a price does not fall by all of itself"));
        }
        if let Kind::Stale { slots } | Kind::Fork { slots } = kind
            && !(1..32).contains(&slots)
        {
            return Err(format!("slots {slots} is not from 1 to 31: what is finalized stays"));
        }
        let methods = written.methods.unwrap_or_default();
        let is_served = |method: &str| rpc::is_served(method) || SUBSCRIBE.contains(&method);
        if let Some(vain) = methods.iter().find(|method| !is_served(method) || !kind.can_strike(method)) {
            return Err(format!(
                "a fault of this kind strikes no `{vain}`: it names methods that are served, as they are spelt, of those that it can strike"
            ));
        }
        Ok(Self { kind, methods, share, skip: written.skip.unwrap_or(0), times: written.times })
    }
}

impl Kind {
    /// Whether it can go wrong so with requests of this method.
    fn can_strike(self, method: &str) -> bool {
        match self {
            Self::Http(_) | Self::Fork { .. } => !method.ends_with("scribe"),
            Self::Send(_) => method == "sendTransaction",
            Self::Stale { .. } => method.starts_with("get") || method == "isBlockhashValid",
            Self::SilentWebsocket => method.ends_with("Subscribe"),
        }
    }
}

impl Fault {
    fn matches(&self, method: &str) -> bool {
        self.kind.can_strike(method) && (self.methods.is_empty() || self.methods.iter().any(|named| named == method))
    }
}

/// What strikes one request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Struck {
    pub(crate) http: Option<HttpFault>,
    pub(crate) send: Option<SendFault>,
    pub(crate) behind: u64,
    pub(crate) fork: Option<u64>,
    pub(crate) is_silenced: bool,
}

/// The faults in force.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    drawn: u64,
    active: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    rng: ChaCha8Rng,
    seen: u64,
    struck: u64,
}

impl Faults {
    pub(crate) fn new(seed: u64, script: FaultScript) -> Self {
        let mut faults = Self { seed, drawn: 0, active: Vec::new() };
        script.faults.into_iter().for_each(|fault| faults.add(fault));
        faults
    }

    /// One more; each has random numbers of its own, so that the others strike as they would without it.
    pub(crate) fn add(&mut self, fault: Fault) {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.drawn);
        self.drawn += 1;
        self.active.push(Active { fault, rng, seen: 0, struck: 0 });
    }

    /// None any more.
    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    /// How many requests each has struck.
    pub(crate) fn struck(&self) -> Vec<u64> {
        self.active.iter().map(|active| active.struck).collect()
    }

    /// What strikes the next request of this method.
    pub(crate) fn draw(&mut self, method: &str) -> Struck {
        let mut struck = Struck::default();
        for active in &mut self.active {
            if !active.fault.matches(method) || active.fault.times.is_some_and(|times| active.struck >= times) {
                continue;
            }
            active.seen += 1;
            if active.seen <= active.fault.skip || active.rng.random::<f64>() >= active.fault.share {
                continue;
            }
            active.struck += 1;
            match active.fault.kind {
                Kind::Http(fault) => struck.http = struck.http.or(Some(fault)),
                Kind::Send(fault) => struck.send = struck.send.or(Some(fault)),
                Kind::Stale { slots } => struck.behind = struck.behind.max(slots),
                Kind::Fork { slots } => struck.fork = struck.fork.or(Some(slots)),
                Kind::SilentWebsocket => struck.is_silenced = true,
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Result<FaultScript, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    /// Which of a thousand sends are dropped.
    fn dropped(seed: u64, text: &str) -> Vec<usize> {
        let mut faults = Faults::new(seed, script(text).unwrap());
        (0..1_000).filter(|_| faults.draw("sendTransaction").send == Some(SendFault::Dropped)).collect()
    }

    #[test]
    fn the_same_seed_strikes_the_same_requests_and_another_fault_changes_none_of_them() {
        let one = "[[fault]]\nkind = \"dropped\"\nshare = 0.2";
        let two = format!("{one}\n[[fault]]\nkind = \"stale\"\nslots = 3\nshare = 0.5");
        assert_eq!(dropped(7, one), dropped(7, &two));
        assert_ne!(dropped(7, one), dropped(8, one));
        // Binomial(1000, 0.2): four standard deviations are 51.
        assert!(dropped(7, one).len().abs_diff(200) < 51, "{}", dropped(7, one).len());
    }

    #[test]
    fn skip_and_times_say_exactly_which_requests_are_struck() {
        assert_eq!(dropped(1, "[[fault]]\nkind = \"dropped\"\nskip = 2\ntimes = 3"), [2, 3, 4]);
    }

    #[test]
    fn a_fault_strikes_only_the_methods_it_names_and_can() {
        let text = "[[fault]]\nkind = \"rate-limited\"\nretry_after_s = 2\nmethods = [\"getBalance\"]";
        let mut faults = Faults::new(0, script(text).unwrap());
        assert_eq!(faults.draw("getSlot").http, None);
        assert_eq!(faults.draw("getBalance").http, Some(HttpFault::RateLimited { retry_after: 2 }));
        let mut faults = Faults::new(0, script("[[fault]]\nkind = \"dropped\"").unwrap());
        assert_eq!(faults.draw("getBalance").send, None);
    }

    #[test]
    fn what_is_no_fault_is_refused_with_what_is_wrong() {
        for (text, expected) in [
            ("kind = \"stale\"", "a fault of this kind needs `slots`"),
            ("kind = \"dropped\"\nms = 3", "a fault of this kind has no `ms`"),
            ("kind = \"dropped\"\nshare = 20", "share 20 is no fraction from 0 to 1"),
            ("kind = \"fork\"\nslots = 32", "slots 32 is not from 1 to 31: what is finalized stays"),
            ("kind = \"price-moves\"\nbps = -10000", "bps -10000: a price does not fall by all of itself"),
        ] {
            assert_eq!(script(&format!("[[fault]]\n{text}")).unwrap_err().trim(), expected);
        }
        for (kind, method) in [
            ("server-error", "getbalance"),
            ("server-error", "slotSubscribe"),
            ("dropped", "getBalance"),
            ("silent-websocket", "voteSubscribe"),
            ("stale\"\nslots = \"3", "sendTransaction"),
        ] {
            let text = format!("[[fault]]\nkind = \"{kind}\"\nmethods = [\"{method}\"]").replace("\"3\"", "3");
            let refused = script(&text).unwrap_err();
            assert!(refused.contains(&format!("strikes no `{method}`")), "{refused}");
        }
        script("[[fault]]\nkind = \"silent-websocket\"\nmethods = [\"slotSubscribe\"]").unwrap();
        assert!(script("[[fault]]\nkind = \"droped\"").unwrap_err().contains("unknown variant `droped`"));
    }
}
