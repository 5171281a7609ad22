//! Retries: after 1, 2 and 4 seconds, each up to 30 % longer at random, and not before the node allows it.

use super::error::{Class, RpcError};
use crate::clock::Clock;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Waits between the attempts.
const WAITS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// What chance adds at most, so that clients that failed together do not come back together.
const JITTER: f64 = 0.3;

/// How long to wait after an error.
fn wait(planned: Duration, error: &RpcError) -> Duration {
    // The hasher's keys are drawn by the operating system: enough chance for this.
    let chance = RandomState::new().hash_one(0) as f64 / u64::MAX as f64;
    let jittered = planned.mul_f64(1.0 + JITTER * chance);
    match error {
        RpcError::RateLimited { retry_after: Some(asked) } => jittered.max(*asked),
        _ => jittered,
    }
}

/// Tries until it succeeds, fails for good, or has failed four times.
///
/// # Errors
/// The last one.
pub async fn retry<T>(
    clock: &impl Clock,
    mut attempt: impl AsyncFnMut() -> Result<T, RpcError>,
) -> Result<T, RpcError> {
    for planned in WAITS {
        match attempt().await {
            Err(error) if error.class() == Class::Transient => {
                let wait = wait(planned, &error);
                tracing::debug!("{error}; asked again in {} ms", wait.as_millis());
                clock.sleep(wait).await;
            }
            done => return done,
        }
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use std::cell::RefCell;

    /// A clock that notes the waits and does not wait.
    #[derive(Default)]
    struct Noted(std::sync::Mutex<Vec<Duration>>);

    impl Clock for Noted {
        fn now(&self) -> UnixMillis {
            UnixMillis(0)
        }

        async fn sleep(&self, duration: Duration) {
            self.0.lock().unwrap().push(duration);
        }
    }

    fn run(errors: &[RpcError]) -> (Result<usize, RpcError>, Vec<Duration>) {
        let clock = Noted::default();
        let asked = RefCell::new(0);
        let attempt = async || {
            let number = *asked.borrow();
            *asked.borrow_mut() += 1;
            errors.get(number).cloned().map_or(Ok(number), Err)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let result = runtime.block_on(retry(&clock, attempt));
        (result, clock.0.into_inner().unwrap())
    }

    #[test]
    fn three_retries_after_one_two_and_four_seconds_and_at_most_thirty_per_cent_more() {
        let down = RpcError::Status(500);
        let (result, waits) = run(&[down.clone(), down.clone(), down.clone(), down.clone(), down.clone()]);
        assert_eq!((result, waits.len()), (Err(down.clone()), 3));
        for (wait, planned) in waits.iter().zip([1.0, 2.0, 4.0]) {
            assert!((planned..=planned * 1.3).contains(&wait.as_secs_f64()), "{waits:?}");
        }
        assert_eq!(run(&[down.clone(), down.clone(), down]).0, Ok(3));
    }

    #[test]
    fn what_fails_for_good_is_asked_once() {
        let refused = RpcError::Refused { method: "getSlot", code: -32602, message: String::new() };
        assert_eq!(run(std::slice::from_ref(&refused)), (Err(refused), Vec::new()));
    }

    #[test]
    fn a_node_is_not_asked_before_it_wants_to_be() {
        let asked = Duration::from_secs(17);
        let (result, waits) = run(&[RpcError::RateLimited { retry_after: Some(asked) }]);
        assert_eq!((result, waits), (Ok(1), vec![asked]));
    }
}
