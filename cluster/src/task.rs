//! What travels: a job names a search, a task some of its sets, an answer has their rows. The query of a job is one row a task,
//! `SELECT q50_sets(job, task)`, so that Ballista's own plans carry everything and retry what is lost.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::{DataFusionError, ScalarValue, exec_err},
    logical_expr::{ColumnarValue, LogicalPlan, LogicalPlanBuilder, ScalarUDF, Union, Volatility, create_udf, lit},
};
use q50::cluster::{Identity, Row};
use q50_research::program::Program;
use serde::{Deserialize, Serialize};

use crate::session;

/// A search that workers are to open: as it was typed, and what it must come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The build that replays: another one could come to other digits.
    pub(crate) program: Program,
    pub(crate) arguments: Vec<String>,
    /// Data, strategy, grid.
    pub(crate) identity: Identity,
}

/// Sets of one round, for one slot of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    number: u32,
    pub(crate) rung: u32,
    /// First and last set, both included, of every stretch without a gap.
    stretches: Vec<(u64, u64)>,
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) task: u32,
    pub(crate) worker: String,
    /// The rows in the order of the task's sets, or why this worker takes no task of the job. It is no error of the query,
    /// because that would be tried again.
    pub(crate) rows: Result<Vec<Row>, String>,
}

impl Task {
    /// `sets`, in their order, in at most `tasks` parts of the same size.
    pub(crate) fn split(rung: u32, sets: &[u64], tasks: usize) -> Vec<Self> {
        let size = sets.len().div_ceil(tasks.max(1)).max(1);
        (0..).zip(sets.chunks(size)).map(|(number, sets)| Self { number, rung, stretches: stretches(sets) }).collect()
    }

    /// Tasks without sets, which are answered by whoever could replay some.
    pub(crate) fn empty(tasks: u32) -> Vec<Self> {
        (0..tasks).map(|number| Self { number, rung: 0, stretches: Vec::new() }).collect()
    }

    pub(crate) fn sets(&self) -> Vec<u64> {
        self.stretches.iter().flat_map(|(first, last)| *first..=*last).collect()
    }
}

fn stretches(sets: &[u64]) -> Vec<(u64, u64)> {
    let mut found: Vec<(u64, u64)> = Vec::new();
    for set in sets {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == *set => *last = *set,
            _ => found.push((*set, *set)),
        }
    }
    found
}

/// The function by which a worker replays a task. Scheduler, workers and clients know it by its name.
pub(crate) fn function() -> ScalarUDF {
    let run = |arguments: &[ColumnarValue]| {
        let [
            ColumnarValue::Scalar(ScalarValue::Utf8(Some(job))),
            ColumnarValue::Scalar(ScalarValue::Binary(Some(task))),
        ] = arguments
        else {
            return exec_err!("q50_sets takes one job and one task");
        };
        let task: Task = bincode::deserialize(task).map_err(broken)?;
        let answer = Answer { task: task.number, worker: session::worker(), rows: session::rows(job, &task) };
        let answer = bincode::serialize(&answer).map_err(broken)?;
        Ok(ColumnarValue::Scalar(ScalarValue::Binary(Some(answer))))
    };
    // Volatile, so that nobody computes it while he plans.
    let types = vec![DataType::Utf8, DataType::Binary];
    create_udf("q50_sets", types, DataType::Binary, Volatility::Volatile, Arc::new(run))
}

/// The query of these tasks: each is a part of its own, which Ballista makes a task of its own.
pub(crate) fn query(job: &str, tasks: &[Task]) -> Result<LogicalPlan, DataFusionError> {
    let function = function();
    let row = |task: &Task| {
        let task = bincode::serialize(task).map_err(broken)?;
        let call = function.call(vec![lit(job), lit(task)]).alias("answer");
        Ok(Arc::new(LogicalPlanBuilder::empty(true).project([call])?.build()?))
    };
    let mut rows = tasks.iter().map(row).collect::<Result<Vec<_>, DataFusionError>>()?;
    match rows.len() {
        1 => Ok(Arc::unwrap_or_clone(rows.remove(0))),
        _ => Ok(LogicalPlan::Union(Union::try_new(rows)?)),
    }
}

pub(crate) fn broken(error: bincode::Error) -> DataFusionError {
    DataFusionError::External(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_have_every_set_once_and_in_order() {
        for sets in [(0..1_000).collect::<Vec<u64>>(), vec![3, 4, 5, 9, 11, 12], vec![7]] {
            for tasks in [1, 3, 64] {
                let split = Task::split(2, &sets, tasks);
                assert!(split.len() <= tasks);
                assert_eq!(split.iter().flat_map(Task::sets).collect::<Vec<u64>>(), sets);
                assert!((0..).zip(&split).all(|(number, task)| task.number == number && task.rung == 2));
            }
        }
        assert_eq!(Task::split(0, &[3, 4, 5, 9], 1)[0].stretches, [(3, 5), (9, 9)]);
    }
}
