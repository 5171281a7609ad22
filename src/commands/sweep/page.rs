//! The search as a page.

use q50_research::report::{Sheet, Table};

use super::{COLUMNS, Report, row};

/// The pictures of its parameters, and the finalists.
pub(super) fn sheet(report: &Report) -> Sheet {
    let results = &report.results;
    let generated = "Demonstration: a generated market with a planted edge, not a record.";
    Sheet {
        title: "A search".to_owned(),
        banner: if report.data.demonstration { vec![generated.to_owned()] } else { Vec::new() },
        sources: vec![format!("{} bars from {} to {}.", report.bars, report.data.from, report.data.to)],
        is_yes: None,
        answer: format!("{} sets", results.sets),
        sentence: format!(
            "{} traded, and {} of them pass the filters. The trial ledger has {} candidates on this market, which the finalists \
             are deflated for. The best of a search is no finding: q50 overfit and q50 verify judge it.",
            results.completed, results.passed_filters, report.trials_counted
        ),
        curves: None,
        monitor: Vec::new(),
        surfaces: results.surfaces.clone(),
        tables: vec![Table {
            title: "Pareto front",
            heads: COLUMNS.map(|(head, _)| head).to_vec(),
            rows: report.pareto.iter().map(|finalist| row(finalist).to_vec()).collect(),
            note: "No other set that passes the filters is at least as good in Sharpe ratio, drawdown and profit factor and \
                   better in one. DSR: the deflated Sharpe ratio; worst: the lowest Sharpe ratio one step away, as a share of \
                   the set's own.",
        }],
        refresh: None,
    }
}
