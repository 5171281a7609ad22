//! What the judged figure is worth by itself, in a sentence or two.

use super::{
    evidence::{ClaimInference, Inference},
    figures::{BenchmarkFigures, ReplayFigures},
    file::Claim,
};

/// Of the claimed figure, else of the replay's own, which covers `years`. What the best of the trials would show without
/// skill is the number that the check `deflated` judges by; no other is told.
pub(super) fn worth(
    claim: Option<(&Claim, &ClaimInference)>,
    replay: &ReplayFigures,
    inference: &Inference,
    benchmark: &BenchmarkFigures,
    years: f64,
) -> String {
    let (figure, needed, covers, deflated) = match claim {
        Some((claim, own)) => (
            format!("A Sharpe ratio of {:.3} is claimed", claim.sharpe.get()),
            own.min_track_record_years,
            format!("the claim covers {:.2}", own.years),
            own.dsr,
        ),
        None => {
            let Some(sharpe) = replay.sharpe else {
                return "No figure is claimed, and the replay has no Sharpe ratio of its own.".to_owned();
            };
            (
                format!("No figure is claimed: the replay's own Sharpe ratio of {sharpe:.3} is judged"),
                inference.min_track_record_years,
                format!("the record covers {years:.2}"),
                inference.dsr,
            )
        }
    };
    let holding = match (benchmark.name, benchmark.sharpe) {
        (BenchmarkFigures::NONE, _) => "there is nothing to hold it against".to_owned(),
        ("buy_and_hold", Some(sharpe)) => format!("buying and holding had {sharpe:.2} over the replayed bars"),
        ("buy_and_hold", None) => "buying and holding has none over the replayed bars".to_owned(),
        (_, Some(sharpe)) => format!("the benchmark had {sharpe:.2} over the same periods"),
        (_, None) => "the benchmark has none over the same periods".to_owned(),
    };
    let noise = match (inference.trials, inference.noise_maximum) {
        (trials @ 2.., Some(best)) => {
            format!(", the best of {trials} trials without skill would be expected to show {best:.2}")
        }
        _ => String::new(),
    };
    let needed = needed.map_or_else(
        || "no length of record tells such a figure from luck".to_owned(),
        |needed| format!("it takes {needed:.2} years to tell such a figure from luck, and {covers}"),
    );
    let deflated = match (inference.trials, deflated) {
        (2.., Some(dsr)) => format!(" Its deflated Sharpe ratio is {dsr:.3}."),
        _ => String::new(),
    };
    format!("{figure}; {holding}{noise}; {needed}.{deflated}")
}
