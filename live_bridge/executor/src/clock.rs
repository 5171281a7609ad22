//! The time, and waiting.

use serde::{Deserialize, Serialize};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    const DAY: i64 = 86_400_000;

    /// This long afterwards.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long it is since an earlier time; zero where that is none.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Days since 1970, UTC.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0.div_euclid(Self::DAY)
    }
}

/// A clock; tests step theirs.
pub trait Clock: Send + Sync {
    /// What time it is.
    fn now(&self) -> UnixMillis;

    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// The machine's clock. Where it is set back while a process runs, time goes on: who waits does not wait for ever.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// When it was first asked, by the clock that can be set and by the one that cannot.
static FIRST: OnceLock<(UnixMillis, Instant)> = OnceLock::new();

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let (first, asked) = FIRST.get_or_init(|| (now, Instant::now()));
        // A machine that sleeps stops the one, a person the other.
        now.max(first.after(asked.elapsed()))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
