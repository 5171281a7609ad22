use super::undefined::{Undefined, check};

/// Share of outcomes above zero among those that are not zero, from 0 to 1.
///
/// `outcomes` are trade results or returns, in any unit. An outcome of exactly zero (a bar without a position) is
/// neither a hit nor a miss and is left out.
///
/// # Errors
/// [`Undefined::TooFew`] for none, [`Undefined::NotFinite`], [`Undefined::NoOutcome`] where all are zero.
pub fn hit_rate(outcomes: &[f64]) -> Result<f64, Undefined> {
    check(outcomes, 1)?;
    let hits = outcomes.iter().filter(|outcome| **outcome > 0.0).count();
    let misses = outcomes.iter().filter(|outcome| **outcome < 0.0).count();
    if hits + misses == 0 {
        return Err(Undefined::NoOutcome);
    }
    Ok(hits as f64 / (hits + misses) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_without_a_result_are_no_evidence() {
        assert_eq!(hit_rate(&[0.1, 0.0, 0.0, -0.1, 0.2, 0.3]), Ok(0.75));
    }

    #[test]
    fn without_an_outcome_there_is_no_rate() {
        assert_eq!(hit_rate(&[0.0, 0.0]), Err(Undefined::NoOutcome));
        assert_eq!(hit_rate(&[]), Err(Undefined::TooFew { found: 0, needed: 1 }));
    }
}
