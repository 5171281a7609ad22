//! `q50 compare`: a live session beside its backtest.

use std::io::{self, Write};

use anyhow::Result;
use q50_datasets::run_folder::RunFolder;
use q50_trader::compare::{self, Backtest, Comparison, Parts, Record, STAGES, Stage, TestReport};

use crate::{Answer, args::CompareArguments, output};

/// The comparison as a page.
mod page;
/// The same as tables.
mod tables;

/// The files, the one that stands for all of them last.
const FILES: &[&str] =
    &["equity.parquet", "fills.parquet", "latency.parquet", "orders.parquet", "compare.html", "compare.json"];

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
        tables::write(&mut run, &comparison, &record)?;
        run.bytes("compare.html", page::sheet(&comparison).html()?.as_bytes())?;
        run.bytes("compare.json", &serde_json::to_vec_pretty(&comparison)?)?;
        run.commit()?;
    }
    output::print(arguments.format, &comparison, |out| text(out, &comparison))?;
    Ok(if comparison.parity { Answer::Yes } else { Answer::No })
}

fn text(out: &mut dyn Write, comparison: &Comparison) -> io::Result<()> {
    let Comparison { decisions, orders, fills, latency, slippage, money, monitor, .. } = comparison;
    for overridden in &comparison.overrides {
        writeln!(out, "{}", overridden.banner())?;
    }
    writeln!(out, "{}: bars from {} to {}", answer(comparison), comparison.from, comparison.to)?;
    if let Some(first) = comparison.unbooked.first() {
        writeln!(out, "  {}", unbooked(comparison.unbooked.len(), first))?;
    }
    for asked in &comparison.asked {
        writeln!(out, "  asked for something else: {asked}")?;
    }
    writeln!(out, "decisions   {} compared, {} differ", decisions.compared, decisions.differing)?;
    for difference in &decisions.differences {
        writeln!(out, "  {}: {} in the backtest, {} live", difference.bar, difference.backtest, difference.live)?;
    }
    let states: Vec<String> = orders.states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    writeln!(out, "orders      {} attempted: {}", orders.attempted, list(&states))?;
    if orders.of_last_bar > 0 {
        writeln!(out, "  besides, {} of the last bar, which the backtest has no next bar for", orders.of_last_bar)?;
    }
    if orders.cost_of_unfilled > 0 {
        writeln!(out, "  those that were not filled cost {} lamports", orders.cost_of_unfilled)?;
    }
    for (reason, count) in &orders.reasons {
        writeln!(out, "  {count} {reason}")?;
    }
    for unfilled in &orders.unfilled {
        writeln!(out, "  {} {}", unfilled.bar, compare::unfilled(unfilled.state, unfilled.why.as_deref()))?;
    }
    writeln!(
        out,
        "fills       {} in both, {} live alone, {} in the backtest alone",
        fills.matched, fills.live_only, fills.backtest_only
    )?;
    writeln!(out, "difference  {}", parts(&fills.total))?;
    if fills.not_split > 0 {
        writeln!(out, "  besides, {}", not_split(fills.not_split))?;
    }
    for pair in fills.pairs.iter().filter(|pair| pair.parts.is_some_and(|parts| parts.difference != 0)) {
        writeln!(out, "  {} {}: {}", pair.bar, pair.side, parts(&pair.parts.unwrap_or_default()))?;
    }
    for ((name, _), measured) in STAGES.iter().zip(latency.stages()) {
        writeln!(out, "{name:<11} {}", stage(&measured, "ms"))?;
    }
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
        "Sharpe      {} live, {} in the backtest, within 10 %: {}; 95 % of the difference {interval}",
        number(money.live_sharpe),
        number(money.backtest_sharpe),
        close(money.is_close)
    )?;
    test(out, "fills", &monitor.execution)?;
    if let Some(decay) = &monitor.decay {
        test(out, "trades", decay)?;
    }
    writeln!(out, "  {}", monitor.unwatched.text())?;
    for alarm in &monitor.alarms {
        writeln!(out, "  ALARM ({}): {}", alarm.test.name(), alarm.reason)?;
    }
    Ok(())
}

fn test(out: &mut dyn Write, of: &str, test: &TestReport) -> io::Result<()> {
    let of = if test.block > 1 { format!("means of {} {of}", test.block) } else { of.to_owned() };
    writeln!(
        out,
        "monitor     {} {of}: mean {}, tested against {}; wealth {:.2} to 1, {:.2} at most",
        test.observed,
        number(test.mean),
        number(test.expected),
        test.wealth,
        test.most
    )?;
    for power in &test.power {
        writeln!(out, "  if {}, an alarm by now was {:.0} % likely", power.change, 100.0 * power.probability)?;
    }
    Ok(())
}

fn answer(comparison: &Comparison) -> &'static str {
    if comparison.parity { "They did the same" } else { "They did not do the same" }
}

fn unbooked(bars: usize, first: &str) -> String {
    format!(
        "the session's account is not what its orders make of its capital at {bars} bars, first that of {first}: a fork took a fill \
         back, or session.sqlite was changed"
    )
}

/// Whether two Sharpe ratios are close.
fn close(is_close: Option<bool>) -> &'static str {
    is_close.map_or("-", |is_close| if is_close { "yes" } else { "no" })
}

fn not_split(fills: usize) -> String {
    format!("{fills} fills differ, and nothing says why: collection.sqlite has no swap of theirs")
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
