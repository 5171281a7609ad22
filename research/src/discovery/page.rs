//! What was found as one self-contained page.

use super::{Discovery, Guard, Judged, Report, report::Figures};
use crate::{
    claim::State,
    report::{Curves, ReportError, Sheet, Table},
};

/// Most curves of a page.
const CURVES: [&str; 3] = ["the first", "the second", "the third"];

/// The report as one self-contained page.
///
/// # Errors
/// The picture cannot be drawn.
pub fn page(
    discovery: &Discovery<'_>,
    report: &Report,
    judged: &[Judged],
    trials: u64,
    sources: Vec<String>,
) -> std::result::Result<String, ReportError> {
    let rows = discovery.searched();
    let curves = judged.iter().zip(CURVES).map(|(one, name)| (name, one.equity.clone())).collect();
    let front = report.pareto.iter().map(|one| {
        let mut row = vec![format!("seed {}, candidate {}", one.seed, one.place)];
        row.extend(one.cells());
        row
    });
    let candidates = report.candidates.iter().map(|one| {
        let mut row = vec![one.file.clone()];
        row.extend(one.figures.cells());
        row.push(format!("{} of {}", one.found_by, report.searches.len()));
        row.push(two(one.holdout_sharpe));
        row.push(percent(one.holdout_return));
        row.push(if one.finding { "yes" } else { "no" }.to_owned());
        row
    });
    let guards = report.candidates.iter().flat_map(|one| one.guards.iter().map(move |guard| guard.row(&one.file)));
    let heads = ["fitness", "Sharpe", "return", "drawdown", "factor", "round trips", "conditions"];
    let with = |first: &'static str, last: &[&'static str]| [&[first][..], &heads[..], last].concat();
    Sheet {
        title: "Discovery".to_owned(),
        banner: report.start_sentence().into_iter().collect(),
        sources,
        is_yes: Some(report.findings > 0),
        answer: report.answer(),
        sentence: format!(
            "{} candidates on {} bars from {} to {}; the last {} bars were held out. The trial ledger has {trials} candidates \
             on this market.",
            report.evaluated, report.searched.bars, report.searched.from, report.searched.to, report.held_out.bars
        ),
        curves: Some(Curves { open_time: discovery.market().open_time[rows].to_vec(), named: curves }),
        surfaces: Vec::new(),
        monitor: Vec::new(),
        tables: vec![
            Table {
                title: "Candidates that were judged",
                heads: with("file", &["searches", "holdout Sharpe", "holdout return", "finding"]),
                rows: candidates.collect(),
                note: "Figures are those of the bars that were searched, after costs, but for the holdout's. Searches that \
                       found the strategy or one like it decide which is first.",
            },
            Table {
                title: "Guards",
                heads: vec!["file", "guard", "", "value", "to pass", "evidence"],
                rows: guards.collect(),
                note: "A finding passes all of them. What was not run does not pass.",
            },
            Table {
                title: "Pareto front",
                heads: with("candidate", &[]),
                rows: front.collect(),
                note: "No other candidate is at least as good in Sharpe ratio, drawdown and profit factor and better in one.",
            },
        ],
        refresh: None,
    }
    .html()
}

impl Figures {
    /// Fitness, Sharpe ratio, return, drawdown, profit factor, round trips and conditions.
    #[must_use]
    pub fn cells(&self) -> Vec<String> {
        vec![
            format!("{:.3}", self.fitness),
            two(self.sharpe),
            percent(self.total_return),
            percent(self.max_drawdown),
            two(self.profit_factor),
            self.round_trips.to_string(),
            self.genes.to_string(),
        ]
    }
}

impl Guard {
    /// Candidate, guard, state, value, threshold and evidence.
    #[must_use]
    pub fn row(&self, file: &str) -> Vec<String> {
        let state = match self.state {
            State::Pass => "pass",
            State::Fail => "FAIL",
            State::NotRun => "not run",
        };
        let number = |value: f64| if value.fract() == 0.0 { value.to_string() } else { format!("{value:.3}") };
        let value = self.value.map_or_else(|| "-".to_owned(), number);
        let threshold = format!("{} {}", self.name.comparison(), self.threshold);
        vec![file.to_owned(), self.name.name().to_owned(), state.to_owned(), value, threshold, self.evidence.clone()]
    }
}

fn two(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}

fn percent(value: f64) -> String {
    format!("{:.2} %", 100.0 * value)
}
