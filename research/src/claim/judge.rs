//! How each check is decided, and by which thresholds.

use q50_engine::venue::{FillTiming, PumpSwapConfig, pool_path::PathSource, pump_swap::PoolFees};

use super::{
    checks::{Check, CheckName},
    evidence::Inference,
    facts::{DataFacts, MARK_OFF},
    probes::Probes,
    reproduction::ClaimedFigure,
    second_opinion::SecondOpinion,
};
use crate::{
    causality::CausalityReport,
    inference::SharpeEstimate,
    lookahead::Lookahead,
    metrics::Undefined,
    run::{PoolVenue, RunSettings, VenueSettings},
};

/// Confidence that a check of significance asks for.
pub const CONFIDENCE: f64 = 0.95;

/// Share of bars that may be missing from sound data, or be bars that nobody could have traded.
pub const MISSING_AT_MOST: f64 = 0.01;

/// Correlation of the returns of recorded reserves and bars from which on they are of one market. It is below 1 where bars
/// are in dollars and the pool is in SOL, or where both are sampled within a few seconds of each other.
pub const SAME_POOL: f64 = 0.5;

/// Share of the replay's Sharpe ratio that its worst neighbour must reach.
pub const ROBUST_SHARE: f64 = 0.5;

pub(super) fn data_sound(facts: &DataFacts) -> Check {
    let other_pool = facts.pool_correlation.is_some_and(|correlation| correlation < SAME_POOL);
    let is_explained = facts.unexplained.is_none_or(|steps| steps == 0);
    let defects = facts.off_grid + facts.inconsistent + usize::from(other_pool) + usize::from(!is_explained);
    let mut evidence = format!(
        "{} bars, {} gaps with {} bars missing, {} off the grid, {} with open or close outside [low, high]; {} bars \
         with a signal, {} forecasts with crossed quantiles",
        facts.bars, facts.gaps, facts.missing_bars, facts.off_grid, facts.inconsistent, facts.signals, facts.crossed
    );
    if facts.marks_off > 0 {
        let most = 100.0 * MARK_OFF;
        evidence += &format!("; {} mark prices more than {most:.0} % from last prices", facts.marks_off);
    }
    if facts.closed_bars > 0 {
        evidence += &format!("; {} more are taken for hours at which the market is closed", facts.closed_bars);
    }
    if facts.holidays > 0 {
        evidence += &format!("; {} days without a bar, taken for holidays", facts.holidays);
    }
    if let Some(correlation) = facts.pool_correlation {
        evidence += &format!("; returns of the pool's price and of the bars correlate at {correlation:.2}");
        if other_pool {
            evidence += ": the reserves are those of another market";
        }
    }
    if let Some(steps) = facts.unexplained {
        evidence += &format!("; {steps} steps of the recorded pool without explanation");
    }
    for artefact in &facts.artefacts {
        evidence += &format!("; {}, from {}", artefact.detail, artefact.first);
    }
    let value = facts.defective_share();
    if facts.each.len() > 1 {
        evidence += &format!("; the worst of {} records: {:.2} % of its bars", facts.each.len(), 100.0 * value);
    }
    Check::decided(CheckName::DataSound, value <= MISSING_AT_MOST && defects == 0, value, MISSING_AT_MOST, evidence)
}

pub(super) fn is_causal(report: &CausalityReport, settings: &RunSettings) -> Check {
    let peeks = settings.venue.fill_timing() == FillTiming::SameClose;
    let timing = if peeks { "; orders fill at the close that they were decided from" } else { "" };
    let (cuts, broken) = (report.cuts, report.broken_cuts);
    let evidence = match report.signals {
        true => format!(
            "of the replay, not of how signals were made: {broken} of {cuts} cuts changed an earlier decision; signals one bar late change {} decisions, one bar early {}{timing}",
            report.changed_by_delay, report.changed_by_peek
        ),
        false => format!(
            "of the replay, which reads no signals: {broken} of {cuts} cuts changed an earlier decision{timing}"
        ),
    };
    Check::decided(CheckName::Causal, report.passes() && !peeks, report.broken_cuts as f64, 0.0, evidence)
}

pub(super) fn reproduced(figures: &[ClaimedFigure]) -> Check {
    if figures.is_empty() {
        return Check::not_applicable(CheckName::Reproduced, "no figure is claimed: the replay's own is judged");
    }
    let list = |reproduced: bool| -> String {
        let named: Vec<String> =
            figures.iter().filter(|f| f.reproduced() == reproduced).map(ClaimedFigure::words).collect();
        named.join(", ")
    };
    let failing = figures.iter().filter(|figure| !figure.reproduced()).count();
    let evidence = match (failing, list(false), list(true)) {
        (0, _, same) => format!("replayed {same}"),
        (_, other, same) if same.is_empty() => format!("not reproduced: {other}"),
        (_, other, same) => format!("not reproduced: {other}; reproduced: {same}"),
    };
    Check::decided(CheckName::Reproduced, failing == 0, failing as f64, 0.0, evidence)
}

fn at_least(name: CheckName, value: Option<f64>, threshold: f64, evidence: String) -> Check {
    match value {
        Some(value) => Check::decided(name, value >= threshold, value, threshold, evidence),
        None => Check::undefined(name, threshold, "undefined: too few returns, or none that vary".to_owned()),
    }
}

/// Of a run that gained `total_return`. A mean above 0 can hide that the account is gone: most of it lost once, and large
/// returns on the little that is left.
pub(super) fn significant(inference: &Inference, total_return: f64) -> Check {
    let (Some(psr), Some([low, high])) = (inference.psr_zero, inference.sharpe_ci95) else {
        let why = "undefined: too few returns, or none that vary".to_owned();
        return Check { threshold: None, ..Check::undefined(CheckName::Significant, 0.0, why) };
    };
    let mut evidence = format!(
        "95 % interval of the Sharpe ratio {low:.2} to {high:.2}; probability that it is above 0, were the returns \
         independent: {psr:.3}"
    );
    if total_return < 0.0 {
        evidence += &format!("; but the account lost {:.2} %", -100.0 * total_return);
    }
    let passes = low > 0.0 && total_return >= 0.0;
    Check { threshold: None, ..Check::decided(CheckName::Significant, passes, psr, 0.0, evidence) }
}

pub(super) fn deflated(inference: &Inference) -> Check {
    let probability = inference.dsr.map_or_else(|| "undefined".to_owned(), |p| format!("{p:.3}"));
    let mut evidence = match (inference.trials, inference.noise_maximum) {
        (1, _) => format!("one trial, nothing to deflate for: {probability}"),
        (trials, Some(best)) => format!(
            "probability that it is above {best:.2}, which the best of {trials} trials without skill would be expected \
             to show: {probability}"
        ),
        (trials, None) => format!("{trials} trials, and no variance of theirs"),
    };
    if inference.forgotten_trials > 0 {
        evidence += &format!("; {} published runs were forgotten and do not count", inference.forgotten_trials);
    }
    at_least(CheckName::Deflated, inference.dsr, CONFIDENCE, evidence)
}

pub(super) fn long_enough(estimate: &Result<SharpeEstimate, Undefined>, inference: &Inference, years: f64) -> Check {
    match (inference.min_track_record_years, estimate) {
        (Some(needed), _) => {
            let evidence = format!("{years:.2} years replayed, {needed:.2} needed");
            Check::decided(CheckName::LongEnough, years >= needed, years, needed, evidence)
        }
        (None, Ok(_)) => {
            let why = "a Sharpe ratio that is not above 0 needs for ever".to_owned();
            Check { threshold: None, value: Some(years), ..Check::undefined(CheckName::LongEnough, 0.0, why) }
        }
        (None, Err(undefined)) => {
            Check { threshold: None, ..Check::undefined(CheckName::LongEnough, 0.0, undefined.to_string()) }
        }
    }
}

/// Against the benchmark that is called `benchmark`.
pub(super) fn beats_holding(inference: &Inference, benchmark: &str) -> Check {
    let threshold = 1.0 - CONFIDENCE;
    match (inference.holding_p_value, inference.holding_difference, inference.holding_difference_ci95) {
        (Some(p), Some(difference), Some([low, high])) => {
            let evidence = format!(
                "Sharpe ratio less that of {benchmark} {difference:.3}, 95 % interval {low:.2} to {high:.2}; value is \
                 the one-sided p"
            );
            Check::decided(CheckName::BeatsHolding, p < threshold, p, threshold, evidence)
        }
        _ => {
            Check::undefined(CheckName::BeatsHolding, threshold, "undefined: one of the two has no variance".to_owned())
        }
    }
}

/// Of a run that gained `profit`, quote units, where others bore `insured` of its losses: beyond the margin they are nobody's
/// in the account, and every gap against a position would be free.
pub(super) fn survives_costs(settings: &RunSettings, probes: &Probes, profit: f64, insured: f64) -> Check {
    match probes.double_cost {
        Some(sharpe) => {
            let dear = settings.venue.at_twice_the_cost();
            let mut evidence = format!("Sharpe ratio {sharpe:.3} at {}", charged(&settings.venue, &dear));
            if insured > 0.0 {
                evidence += &format!(
                    "; of a profit of {profit:.2}, {insured:.2} are losses beyond the margin of liquidated positions, which \
                     only an insurance fund bears"
                );
            }
            let passes = sharpe > 0.0 && (insured == 0.0 || profit > insured);
            Check::decided(CheckName::SurvivesCosts, passes, sharpe, 0.0, evidence)
        }
        None => Check::undefined(CheckName::SurvivesCosts, 0.0, "no Sharpe ratio at twice the cost".to_owned()),
    }
}

/// The proportional cost that the check charges, in words.
fn charged(stated: &VenueSettings, dear: &VenueSettings) -> String {
    match (stated, dear) {
        (VenueSettings::NextOpen(stated), VenueSettings::NextOpen(dear)) => {
            let least = if dear.cost > stated.cost.doubled() { ", the least that is tested" } else { "" };
            format!("{:.1} basis points a fill{least}", dear.cost.get() * 1e4)
        }
        (_, VenueSettings::PumpSwap(PoolVenue { config: PumpSwapConfig { fees: PoolFees::Uniform(bps), .. }, .. })) => {
            format!("{bps} basis points to the pool")
        }
        (VenueSettings::Perpetual(_), _) => "twice the fees, the spread and the slippage".to_owned(),
        _ => "twice the pool's fees".to_owned(),
    }
}

pub(super) fn survives_depth(settings: &RunSettings, path: PathSource, sharpe: Option<f64>) -> Check {
    let VenueSettings::PumpSwap(pool) = &settings.venue else {
        return Check::not_applicable(CheckName::SurvivesDepth, "applies to pool venues; this one is a price venue");
    };
    let reserves = match path {
        PathSource::Recorded => "recorded reserves".to_owned(),
        PathSource::SwapEvents => "reserves of recorded swaps".to_owned(),
        PathSource::RebuiltFromBars => {
            format!("reserves rebuilt from bars at an assumed {} SOL", pool.depth.get() as f64 / 1e9)
        }
    };
    match sharpe {
        Some(sharpe) => {
            let evidence = format!("Sharpe ratio {sharpe:.3} with {} SOL on {reserves}", settings.capital);
            Check::decided(CheckName::SurvivesDepth, sharpe > 0.0, sharpe, 0.0, evidence)
        }
        None => Check::undefined(CheckName::SurvivesDepth, 0.0, format!("no Sharpe ratio on {reserves}")),
    }
}

pub(super) fn robust(sharpe: Option<f64>, probes: &Probes) -> Check {
    let Some(base) = sharpe else {
        return Check::undefined(CheckName::Robust, ROBUST_SHARE, "the replay has no Sharpe ratio".to_owned());
    };
    let worst = probes
        .neighbours
        .iter()
        .map(|(change, sharpe)| (change, sharpe.unwrap_or(f64::NEG_INFINITY)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let Some((change, worst)) = worst else {
        return Check::not_applicable(CheckName::Robust, "no neighbouring setting");
    };
    if base <= 0.0 || !worst.is_finite() {
        let why =
            format!("replayed {base:.3}; the worst of {} neighbours has none ({change})", probes.neighbours.len());
        let why = if base <= 0.0 { format!("replayed {base:.3}: there is nothing to be robust") } else { why };
        return Check::undefined(CheckName::Robust, ROBUST_SHARE, why);
    }
    let share = worst / base;
    let evidence = format!(
        "the worst of {} neighbouring settings ({change}) has a Sharpe ratio of {worst:.3}, {:.0} % of the replay's",
        probes.neighbours.len(),
        share * 100.0
    );
    Check::decided(CheckName::Robust, share >= ROBUST_SHARE, share, ROBUST_SHARE, evidence)
}

/// Fails too where the file is not what its producer makes, whatever the cuts show. A producer that does not read the bars
/// can show nothing by them: its signals stay a condition.
pub(super) fn lookahead(found: &Lookahead) -> Check {
    if found.is_blind() {
        return Check::not_applicable(CheckName::Lookahead, &found.findings().join("; "));
    }
    Check::decided(CheckName::Lookahead, found.passes(), found.changed as f64, 0.0, found.findings().join("; "))
}

pub(super) fn second_engine(opinion: &SecondOpinion) -> Check {
    let SecondOpinion { value, threshold, evidence } = opinion;
    Check::decided(CheckName::SecondEngine, value <= threshold, *value, *threshold, evidence.clone())
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
