//! How often the foresight profile warns, at a scale that a test can afford; `docs/METHODS.md` has the large one.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use q50_research::{
    foresight_calibration::{Honest, planted},
    lookahead::planted::Recipe,
};

#[test]
fn honest_positions_are_rarely_warned_of() {
    let warned: Vec<_> = Honest::ALL.map(|(name, kind)| (name, kind.warned(20, 1))).into();
    assert!(warned.iter().all(|(_, warned)| warned.of >= 15), "{warned:?}");
    let warnings: usize = warned.iter().map(|(_, warned)| warned.warnings).sum();
    assert!(warnings <= 2, "1 % of 120 are 1: {warned:?}");
}

#[test]
fn plain_foresight_is_warned_of_and_its_honest_siblings_are_not() {
    for (name, recipe) in Recipe::ALL {
        let warned = planted(recipe, 1.0, 8_760, 10, 1).unwrap();
        let expected = match recipe {
            Recipe::CentredMean(_) | Recipe::Ahead(_) | Recipe::LeakedBar(_) => 10,
            // What is known from the whole record is a mean and a deviation: that is not in the positions.
            Recipe::Momentum(_) | Recipe::Reversion(_) | Recipe::FullSampleScore(_) => 0,
        };
        assert_eq!((warned.of, warned.warnings), (10, expected), "{name}");
    }
}
