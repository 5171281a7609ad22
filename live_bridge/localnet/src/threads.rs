//! The server's threads: a runtime of their own, so that everything started on them ends with them.

use std::future::Future;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// One executes while the other accepts.
const COUNT: usize = 2;
/// How long those that are at work have to finish.
const PATIENCE: Duration = Duration::from_secs(2);

/// Threads that serve. Dropped, they end as soon as they pause, and nobody waits for them: a runtime itself must not be
/// dropped on the threads of another.
#[derive(Debug)]
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    pub(crate) fn start() -> std::io::Result<Self> {
        Builder::new_multi_thread().worker_threads(COUNT).enable_all().build().map(|runtime| Self(Some(runtime)))
    }

    /// Does what has to be done on a runtime.
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _within = self.0.as_ref().map(Runtime::enter);
        work()
    }

    pub(crate) fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            runtime.spawn(task);
        }
    }

    /// Waits until none of them is at work any more.
    pub(crate) fn end(&mut self) {
        if let Some(runtime) = self.0.take() {
            let _ = std::thread::spawn(|| runtime.shutdown_timeout(PATIENCE)).join();
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
