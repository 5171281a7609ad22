//! One signal at a time: the newest that was known at a moment, if it is not too old.

use postgres::Statement;

use crate::request::Request;
use crate::signals::{Plan, Signals, read_only};
use crate::{Error, Server};

/// A signal, and how old it was.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Found {
    /// Its stamp, epoch milliseconds, rounded up to whole ones.
    pub ts_ms: i64,
    /// Milliseconds from the stamp to the moment asked for.
    pub age_ms: i64,
    /// Its numbers, by name; null is `None`.
    pub values: Vec<(String, Option<f64>)>,
}

/// Looks signals up in a table or SELECT.
#[derive(Debug)]
pub struct Lookup {
    request: Request,
    tolerance_ms: i64,
    prepared: Option<(Plan, Statement)>,
}

impl Lookup {
    /// Signals of what is asked for, at most `tolerance_ms` old.
    #[must_use]
    pub fn new(request: Request, tolerance_ms: i64) -> Self {
        Self { request, tolerance_ms, prepared: None }
    }

    /// The newest signal at or before `at_ms` (epoch milliseconds); `None` where there is none within the tolerance. The
    /// first lookup warns where the server would read the whole table for it.
    ///
    /// # Errors
    /// As [`crate::read_signals`].
    pub fn at(&mut self, server: &mut Server, at_ms: i64) -> Result<Option<Found>, Error> {
        let (request, prepared) = (&self.request, &mut self.prepared);
        let signals: Signals = server.attempt("looking a signal up", |client| {
            // Prepared on a connection that may be gone: kept only while it works.
            let (plan, statement) = match prepared.take() {
                Some(known) => known,
                None => {
                    let plan = Plan::of(request, &client.prepare(&request.statement())?)?;
                    plan.of_one_pool(request)?;
                    let sql = plan.newest(request);
                    let mut parameters = plan.parameters(request);
                    parameters.push(&at_ms);
                    let cost = client.query(&format!("EXPLAIN {sql}"), &parameters)?;
                    if cost.iter().any(|row| row.try_get::<_, &str>(0).is_ok_and(|line| line.contains("Seq Scan"))) {
                        eprintln!(
                            "q50-postgres: a lookup reads all of {}: it lacks an index on its pool and time",
                            request.name()
                        );
                    }
                    (plan, client.prepare(&sql)?)
                }
            };
            let mut parameters = plan.parameters(request);
            parameters.push(&at_ms);
            let mut transaction = read_only(client, request.timeout)?;
            let row = transaction.query_opt(&statement, &parameters)?;
            transaction.commit()?;
            let mut signals = plan.empty();
            row.map(|row| plan.push(request, &row, &mut signals)).transpose()?;
            *prepared = Some((plan, statement));
            Ok(signals)
        })?;
        let found = signals.ts_ms.first().map(|&ts_ms| Found {
            ts_ms,
            age_ms: at_ms - ts_ms,
            values: signals.numbers(0).into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        });
        // A stamp within the asked millisecond is rounded up to it, or beyond it: then it was not known yet.
        Ok(found.filter(|found| (0..=self.tolerance_ms).contains(&found.age_ms)))
    }
}
