//! `q50 compare`: a live session beside its backtest.

use std::io::{self, Write};

use anyhow::Result;
use q50_datasets::run_folder::RunFolder;
use q50_research::report::{Curves, Sheet, Table};
use q50_trader::compare::{Backtest, Comparison, Parts, Record, Stage};

use crate::{Answer, args::CompareArguments, output};

/// The files, the one that stands for both last.
const FILES: &[&str] = &["compare.html", "compare.json"];

pub(crate) fn run(arguments: &CompareArguments) -> Result<Answer> {
    let (record, backtest) = match &arguments.folders[..] {
        [backtest, session] => {
            let backtest = Backtest::read(backtest)?;
            (Record::read(session)?, backtest)
        }
        [session] => {
            let record = Record::read(session)?;
            let backtest = Backtest::of_session(&record)?;
            (record, backtest)
        }
        _ => unreachable!("one folder or two"),
    };
    let comparison = Comparison::of(&backtest, &record)?;
    if let Some(folder) = &arguments.out {
        let folder = RunFolder::open(folder, FILES)?;
        let mut run = folder.new_run(&comparison.session);
        run.bytes(FILES[0], sheet(&comparison).html()?.as_bytes())?;
        run.bytes(FILES[1], &serde_json::to_vec_pretty(&comparison)?)?;
        run.commit()?;
    }
    output::print(arguments.format, &comparison, |out| text(out, &comparison))?;
    Ok(if comparison.parity { Answer::Yes } else { Answer::No })
}

fn text(out: &mut dyn Write, comparison: &Comparison) -> io::Result<()> {
    let Comparison { decisions, orders, fills, latency, slippage, money, .. } = comparison;
    writeln!(out, "{}: bars from {} to {}", answer(comparison), comparison.from, comparison.to)?;
    writeln!(out, "decisions   {} compared, {} differ", decisions.compared, decisions.differing)?;
    for difference in &decisions.differences {
        writeln!(out, "  {}: {} in the backtest, {} live", difference.bar, difference.backtest, difference.live)?;
    }
    let states: Vec<String> = orders.states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    writeln!(out, "orders      {} attempted: {}", orders.attempted, list(&states))?;
    for unfilled in &orders.unfilled {
        let why = unfilled.why.as_deref().unwrap_or("no reason is known");
        writeln!(out, "  {} {}: {why}", unfilled.bar, unfilled.state.name())?;
    }
    writeln!(
        out,
        "fills       {} in both, {} live alone, {} in the backtest alone",
        fills.matched, fills.live_only, fills.backtest_only
    )?;
    writeln!(out, "difference  {}", parts(&fills.total))?;
    for pair in fills.pairs.iter().filter(|pair| pair.parts.is_some_and(|parts| parts.difference != 0)) {
        writeln!(out, "  {} {}: {}", pair.bar, pair.side, parts(&pair.parts.unwrap_or_default()))?;
    }
    writeln!(out, "decide      {}", stage(&latency.decide_ms, "ms"))?;
    writeln!(out, "send        {}", stage(&latency.send_ms, "ms"))?;
    writeln!(out, "confirm     {}", stage(&latency.confirm_ms, "ms"))?;
    writeln!(out, "landing     {}", stage(&latency.slots, "slots"))?;
    writeln!(out, "slippage    mean {}, worst {} of the quote", number(slippage.mean), number(slippage.worst))?;
    writeln!(
        out,
        "return      {} live, {} in the backtest, on {} bars",
        number(money.live_return),
        number(money.backtest_return),
        money.bars
    )?;
    let interval =
        money.sharpe_difference_ci95.map_or_else(|| "-".to_owned(), |[low, high]| format!("[{low:.3}, {high:.3}]"));
    writeln!(
        out,
        "Sharpe      {} live, {} in the backtest, 95 % of the difference {interval}",
        number(money.live_sharpe),
        number(money.backtest_sharpe)
    )
}

fn answer(comparison: &Comparison) -> &'static str {
    if comparison.parity { "They did the same" } else { "They did not do the same" }
}

/// The same as a page.
fn sheet(comparison: &Comparison) -> Sheet {
    let Comparison { decisions, orders, fills, capital, .. } = comparison;
    let curve = |side: usize| comparison.equity.iter().map(|(_, pair)| pair[side] / capital).collect();
    Sheet {
        title: "A live session beside its backtest".to_owned(),
        sources: vec![
            format!("Session {:.16} and backtest {}.", comparison.session, comparison.backtest),
            format!("{} bars from {} to {}.", decisions.compared, comparison.from, comparison.to),
        ],
        is_yes: comparison.parity,
        answer: answer(comparison).to_owned(),
        sentence: format!(
            "{} of {} decisions differ; {} of {} orders were filled; fills differ by {} lamports, {} of them unexplained.",
            decisions.differing,
            decisions.compared,
            orders.filled,
            orders.attempted,
            fills.total.difference,
            fills.total.unexplained
        ),
        curves: Curves {
            open_time: comparison.equity.iter().map(|(time, _)| *time).collect(),
            names: ["live", "backtest"],
            values: [curve(1), curve(0)],
        },
        tables: tables(comparison),
    }
}

fn tables(comparison: &Comparison) -> Vec<Table> {
    let Comparison { decisions, orders, fills, latency, slippage, money, .. } = comparison;
    let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<String>>();
    let cut = |name: String, parts: &Parts| {
        let Parts { difference, state_drift, size, latency, fees, rounding, unexplained } = parts;
        let parts = [difference, state_drift, size, latency, fees, rounding, unexplained];
        std::iter::once(name).chain(parts.map(ToString::to_string)).collect::<Vec<String>>()
    };
    let each = fills.pairs.iter().filter_map(|pair| Some(cut(format!("{} {}", pair.bar, pair.side), &pair.parts?)));
    let unfilled = orders
        .unfilled
        .iter()
        .map(|order| row(&[&order.bar, order.state.name(), order.why.as_deref().unwrap_or("no reason is known")]));
    let differing = decisions.differences.iter().map(|made| row(&[&made.bar, &made.live, &made.backtest]));
    let whole = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let stage = |(name, stage): (&str, Stage)| {
        vec![name.to_owned(), whole(stage.p50), whole(stage.p95), whole(stage.p99), stage.n.to_string()]
    };
    let stages = [
        ("from a closed bar to the decision, ms", latency.decide_ms),
        ("from the order to its send, ms", latency.send_ms),
        ("from the order to its confirmation, ms", latency.confirm_ms),
        ("from the quoted state to the landing, slots", latency.slots),
    ];
    let table = |title, heads: &[&'static str], rows, note| Table { title, heads: heads.to_vec(), rows, note };
    vec![
        table(
            "Money",
            &["", "live", "backtest"],
            vec![
                row(&["return", &number(money.live_return), &number(money.backtest_return)]),
                row(&["Sharpe ratio, annual", &number(money.live_sharpe), &number(money.backtest_sharpe)]),
            ],
            "",
        ),
        table(
            "Where fills differ, lamports",
            &["fill", "difference", "state drift", "size", "latency", "fees", "rounding", "unexplained"],
            std::iter::once(cut("all".to_owned(), &fills.total)).chain(each).collect(),
            "Below zero the live fill brought less. The parts add up to the difference, to the lamport.",
        ),
        table("Orders that were not filled", &["bar", "state", "why"], unfilled.collect(), ""),
        table("Decisions that differ", &["bar", "live", "backtest"], differing.collect(), ""),
        table("Time", &["stage", "p50", "p95", "p99", "measured"], stages.map(stage).to_vec(), ""),
        table(
            "Slippage, share of the quote",
            &["", "mean", "worst", "fills"],
            vec![row(&["worse than quoted", &number(slippage.mean), &number(slippage.worst), &slippage.n.to_string()])],
            "",
        ),
    ]
}

fn list(entries: &[String]) -> String {
    if entries.is_empty() { "none".to_owned() } else { entries.join(", ") }
}

fn parts(parts: &Parts) -> String {
    let Parts { difference, state_drift, size, latency, fees, rounding, unexplained } = parts;
    format!(
        "{difference} lamports = state drift {state_drift}, size {size}, latency {latency}, fees {fees}, rounding {rounding}, \
         unexplained {unexplained}"
    )
}

fn stage(stage: &Stage, unit: &str) -> String {
    let told = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let [p50, p95, p99] = [stage.p50, stage.p95, stage.p99].map(told);
    format!("p50 {p50}, p95 {p95}, p99 {p99} {unit} ({} measured)", stage.n)
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.6}"))
}
