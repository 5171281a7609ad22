//! `q50 compare`: a live session beside its backtest.

use std::io::{self, Write};

use anyhow::Result;
use q50_trader::compare::{Backtest, Comparison, Parts, Record, Stage};

use crate::{Answer, args::CompareArguments, output};

pub(crate) fn run(arguments: &CompareArguments) -> Result<Answer> {
    let backtest = Backtest::read(&arguments.backtest)?;
    let record = Record::read(&arguments.live)?;
    let comparison = Comparison::of(&backtest, &record)?;
    output::print(arguments.format, &comparison, |out| text(out, &comparison))?;
    Ok(if comparison.parity { Answer::Yes } else { Answer::No })
}

fn text(out: &mut dyn Write, comparison: &Comparison) -> io::Result<()> {
    let Comparison { decisions, orders, fills, latency, slippage, money, .. } = comparison;
    let verdict = if comparison.parity { "they did the same" } else { "they did not do the same" };
    writeln!(out, "{verdict}: bars from {} to {}", comparison.from, comparison.to)?;
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
