//! The comparison as a page.

use q50_research::report::{Curves, Sheet, Table, WealthPath};
use q50_trader::compare::{self, Comparison, Parts, STAGES, Stage, TestReport};
use q50_trader::promotion::Override;

use super::{answer, close, not_split, number, unbooked};

/// The same as a page.
pub(super) fn sheet(comparison: &Comparison) -> Sheet {
    let Comparison { decisions, orders, fills, capital, monitor, .. } = comparison;
    // Each as a multiple of what it was asked to begin with.
    let begins = [comparison.backtest_capital, *capital];
    let curve =
        |side: usize| -> Vec<f64> { comparison.equity.iter().map(|(_, pair)| pair[side] / begins[side]).collect() };
    let mut named = vec![("live", curve(1)), ("replayed", curve(0))];
    if comparison.promoted.equity.iter().any(|value| !value.is_nan()) {
        let name = if comparison.promoted.is_of_these_bars { "promoted" } else { "promoted, its last bars" };
        named.push((name, comparison.promoted.equity.clone()));
    }
    let account = comparison.unbooked.first().map(|first| unbooked(comparison.unbooked.len(), first));
    let besides =
        if fills.not_split > 0 { format!(" Besides, {}.", not_split(fills.not_split)) } else { String::new() };
    let path = |name, test: &TestReport| WealthPath { name, log_wealth: test.path.clone() };
    let tests = [Some(path("fills", &monitor.execution)), monitor.decay.as_ref().map(|decay| path("trades", decay))];
    Sheet {
        title: "A live session beside its backtest".to_owned(),
        banner: comparison.overrides.iter().map(Override::banner).collect(),
        sources: vec![
            format!("Session {:.16} and backtest {}.", comparison.session, comparison.backtest),
            format!("{} bars from {} to {}.", decisions.compared, comparison.from, comparison.to),
        ]
        .into_iter()
        .chain(account.map(|words| format!("But {words}.")))
        .chain(comparison.asked.iter().map(|asked| format!("Asked for something else: {asked}.")))
        .collect(),
        is_yes: Some(comparison.parity),
        answer: answer(comparison).to_owned(),
        sentence: format!(
            "{} of {} decisions differ; {} of {} orders were filled; fills differ by {} lamports, {} of them unexplained.{besides}",
            decisions.differing,
            decisions.compared,
            orders.filled,
            orders.attempted,
            fills.total.difference,
            fills.total.unexplained
        ),
        curves: Some(Curves { open_time: comparison.equity.iter().map(|(time, _)| *time).collect(), named }),
        monitor: tests.into_iter().flatten().collect(),
        surfaces: Vec::new(),
        tables: tables(comparison),
        refresh: None,
    }
}

fn tables(comparison: &Comparison) -> Vec<Table> {
    let Comparison { decisions, orders, fills, latency, slippage, money, monitor, .. } = comparison;
    let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<String>>();
    let cut = |name: String, parts: &Parts| {
        let Parts { difference, state_drift, size, latency, fees, rounding, unexplained } = parts;
        let parts = [difference, state_drift, size, latency, fees, rounding, unexplained];
        std::iter::once(name).chain(parts.map(ToString::to_string)).collect::<Vec<String>>()
    };
    let each = fills.pairs.iter().filter_map(|pair| Some(cut(format!("{} {}", pair.bar, pair.side), &pair.parts?)));
    let unfilled =
        orders.unfilled.iter().map(|order| row(&[&order.bar, &compare::unfilled(order.state, order.why.as_deref())]));
    let differing = decisions.differences.iter().map(|made| row(&[&made.bar, &made.live, &made.backtest]));
    let whole = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let stage = |(name, stage): (&str, Stage)| {
        vec![name.to_owned(), whole(stage.p50), whole(stage.p95), whole(stage.p99), stage.n.to_string()]
    };
    let stages = STAGES.iter().zip(latency.stages());
    let mut stages: Vec<Vec<String>> =
        stages.map(|((name, words), measured)| stage((&format!("{name}: {words}, ms"), measured))).collect();
    stages.push(stage(("landing: slots from the quoted state", latency.slots)));
    let reasons = orders.reasons.iter().map(|(reason, count)| row(&[reason, &count.to_string()]));
    let tests = [("fills", Some(&monitor.execution)), ("trades", monitor.decay.as_ref())];
    let tests = || tests.iter().filter_map(|(of, test)| Some((*of, (*test)?)));
    let watched = tests().map(|(of, test)| {
        let of = if test.block > 1 { format!("means of {} {of}", test.block) } else { of.to_owned() };
        let (wealth, most) = (format!("{:.2}", test.wealth), format!("{:.2}", test.most));
        row(&[&of, &test.observed.to_string(), &number(test.mean), &number(test.expected), &wealth, &most])
    });
    let power = tests().flat_map(|(_, test)| &test.power);
    let power = power.map(|power| row(&[&power.change, &format!("{:.0} %", 100.0 * power.probability)]));
    let alarms =
        monitor.alarms.iter().map(|alarm| row(&[alarm.test.name(), &alarm.observed.to_string(), &alarm.reason]));
    let interval =
        money.sharpe_difference_ci95.map_or_else(|| "-".to_owned(), |[low, high]| format!("{low:.3} to {high:.3}"));
    let table = |title, heads: &[&'static str], rows, note| Table { title, heads: heads.to_vec(), rows, note };
    vec![
        table(
            "Money",
            &["", "live", "backtest"],
            vec![
                row(&["return", &number(money.live_return), &number(money.backtest_return)]),
                row(&["Sharpe ratio, annual", &number(money.live_sharpe), &number(money.backtest_sharpe)]),
                row(&["95 % of their difference", &interval, ""]),
                row(&["within 10 % of the backtest's", close(money.is_close), ""]),
            ],
            "",
        ),
        table(
            "Alarms",
            &["test", "after", "why"],
            alarms.collect(),
            "An alarm says that something is not as modelled, and not what.",
        ),
        table(
            "Not watched",
            &["what no test sees", "count"],
            monitor.unwatched.rows(),
            "A fill outside the bound counts as the bound.",
        ),
        table(
            "Monitor",
            &["test", "observed", "mean", "tested against", "wealth", "most"],
            watched.collect(),
            "Fills by their mean shortfall against the replayed ones, trades by their mean net return, fractions.",
        ),
        table(
            "What would have been seen by now",
            &["if", "probability of an alarm"],
            power.collect(),
            "Sessions of this length, simulated from these fills and from the backtest's trades. Silence about anything less likely says nothing.",
        ),
        table(
            "Where fills differ, lamports",
            &["fill", "difference", "state drift", "size", "latency", "fees", "rounding", "unexplained"],
            std::iter::once(cut("all".to_owned(), &fills.total)).chain(each).collect(),
            "Below zero the live fill brought less. The parts add up to the difference, to the lamport.",
        ),
        table(
            "Orders that were not filled, by reason",
            &["reason", "orders"],
            reasons.collect(),
            "Numbers in reasons are left out.",
        ),
        table("The first of them", &["bar", "what became of it"], unfilled.collect(), ""),
        table("Decisions that differ", &["bar", "live", "backtest"], differing.collect(), ""),
        table("Time", &["stage", "p50", "p95", "p99", "measured"], stages, ""),
        table(
            "Slippage, share of the quote",
            &["", "mean", "worst", "fills"],
            vec![row(&["worse than quoted", &number(slippage.mean), &number(slippage.worst), &slippage.n.to_string()])],
            "",
        ),
    ]
}
