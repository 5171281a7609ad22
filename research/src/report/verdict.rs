use maud::{Markup, html};

use super::format::{self, DASH, number, percent, probability};
use crate::claim::{Check, CheckName, Condition, State, Verdict, Verification};

/// The verdict by symbol and word, and what stands in its way.
pub(super) fn banner(verification: &Verification) -> Markup {
    let verdict = verification.verdict;
    html! {
        section.verdict.(verdict.name()) aria-label="Verdict" {
            p.word { span.symbol aria-hidden="true" { (symbol(verdict)) } " " (format::words(&verification.verdict_in_words())) }
            p.replayed { (replayed(verification)) }
            p.rule { (rule(verdict)) " " (tally(&verification.checks)) }
            @if !verification.conditions.is_empty() { (conditions(&verification.conditions)) }
            p.worth { (verification.worth) }
            @if let Some(worst) = &verification.worst_loss { p.worth { (worst.text()) } }
        }
    }
}

/// What the verdict assumes, each with whether it was accepted.
fn conditions(conditions: &[Condition]) -> Markup {
    html! {
        p.assumed { "Not checked, and so a condition of the verdict:" }
        ul.conditions {
            @for condition in conditions {
                li data-condition=(condition.name.name()) {
                    strong { (format::words(condition.name.name())) }
                    ": " (condition.text)
                    @if condition.accepted { " (accepted by name)." } @else { " (not accepted)." }
                }
            }
        }
    }
}

/// The replay in a sentence.
fn replayed(verification: &Verification) -> String {
    let (replay, interval) = (&verification.replay, verification.inference.sharpe_ci95);
    let interval =
        interval.map_or_else(String::new, |range| format!(" (95\u{a0}% interval {})", format::interval(range, 2)));
    let sharpe = replay.sharpe.map_or_else(|| "undefined".to_owned(), |sharpe| number(sharpe, 3));
    let fall = replay.max_drawdown.map_or_else(String::new, |fall| format!(", deepest fall {}", percent(fall, 2)));
    format!("Replayed: Sharpe ratio {sharpe}{interval}, return {}{fall}.", percent(replay.total_return, 2))
}

/// The checks, each with its number, its threshold and what was seen.
pub(super) fn checks(checks: &[Check]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="The checks" {
            table.checks {
                thead {
                    tr {
                        th scope="col" { "State" }
                        th scope="col" { "Check and evidence" }
                        th.number scope="col" { "Value" }
                        th.number scope="col" { "Threshold" }
                    }
                }
                tbody { @for check in checks { (row(check)) } }
            }
        }
    }
}

fn row(check: &Check) -> Markup {
    let (class, mark, word) = match check.state {
        State::Pass => ("pass", "\u{2713}", "pass"),
        State::Fail => ("fail", "\u{2717}", "fail"),
        State::NotRun => ("open", "\u{25cb}", "not run"),
    };
    let value = check.value.map_or_else(|| DASH.to_owned(), |value| amount(check.name, value));
    let bounded = |threshold| format!("{} {}", bound(check.name), format::shortest(&amount(check.name, threshold)));
    let threshold = check.threshold.map_or_else(|| DASH.to_owned(), bounded);
    html! {
        tr.(class) data-check=(check.name.name()) {
            td.state { span aria-hidden="true" { (mark) } " " (word) }
            td {
                strong { (format::words(check.name.name())) }
                ": " (question(check.name))
                p.evidence { (check.evidence) }
            }
            td.number { span.label { "Value " } (value) }
            td.number { span.label { "Threshold " } (threshold) }
        }
    }
}

const fn symbol(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Confirmed => "\u{2713}",
        Verdict::Refuted => "\u{2717}",
        Verdict::Undetermined => "?",
    }
}

const fn rule(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Confirmed => "Every check that applies passes.",
        Verdict::Refuted => "Data and replay are sound, and the replay contradicts what was judged.",
        Verdict::Undetermined => "The record neither confirms what was judged nor contradicts it.",
    }
}

fn tally(checks: &[Check]) -> String {
    let applying = checks.iter().filter(|check| check.applies).count();
    let passed = checks.iter().filter(|check| check.applies && check.state == State::Pass).count();
    format!("{passed} of the {applying} checks that apply pass.")
}

/// What a check compares, in a few words.
const fn question(name: CheckName) -> &'static str {
    match name {
        CheckName::DataSound => {
            "share of bars that are missing, or that nobody could have traded; no other defect is allowed"
        }
        CheckName::Causal => "cuts of the record that changed an earlier decision of the replay",
        CheckName::Reproduced => "figures of the claim that the replay does not reproduce",
        CheckName::Significant => "the 95 % interval of the replay's Sharpe ratio lies above 0; the value is the PSR",
        CheckName::Deflated => "it can be told from the best of all trials without skill (DSR)",
        CheckName::LongEnough => "length of the record against the length it needs",
        CheckName::BeatsHolding => "the lead over buying and holding is more than chance (p)",
        CheckName::SurvivesCosts => "annual Sharpe ratio at twice the cost",
        CheckName::SurvivesDepth => "annual Sharpe ratio at the stated capital and pool depth",
        CheckName::Robust => "worst neighbouring setting, as a share of the replay's Sharpe ratio",
        CheckName::Lookahead => "cuts of the bars that changed what the producer of the signals had said before",
        CheckName::SecondEngine => "compared decisions, fills and marks on which another engine differs",
    }
}

/// The side of the threshold on which a check passes.
const fn bound(name: CheckName) -> &'static str {
    match name {
        CheckName::DataSound
        | CheckName::Causal
        | CheckName::Reproduced
        | CheckName::Lookahead
        | CheckName::SecondEngine => "at most",
        CheckName::Significant | CheckName::Deflated | CheckName::LongEnough | CheckName::Robust => "at least",
        CheckName::BeatsHolding => "below",
        CheckName::SurvivesCosts | CheckName::SurvivesDepth => "above",
    }
}

fn amount(name: CheckName, value: f64) -> String {
    match name {
        CheckName::DataSound => percent(value, 2),
        CheckName::Robust => percent(value, 1),
        CheckName::Causal | CheckName::Lookahead | CheckName::Reproduced | CheckName::SecondEngine => number(value, 0),
        CheckName::LongEnough => format!("{}\u{a0}years", number(value, 2)),
        CheckName::Significant | CheckName::Deflated | CheckName::BeatsHolding => probability(value),
        CheckName::SurvivesCosts | CheckName::SurvivesDepth => number(value, 3),
    }
}
