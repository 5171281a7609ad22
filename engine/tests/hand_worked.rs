//! The cases that are scripted by volume are as they were worked by hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

mod volume_script;

use q50_engine::{record::Journal, replay::replay, venue::FillSide};
use volume_script::{Case, worked};

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_case_that_is_scripted_by_volume_is_as_it_was_worked_by_hand() {
    for case in worked() {
        let name = &case.name;
        let (mut strategy, mut venue, mut journal) = (Case::read(&case.text), case.venue(), Journal::default());
        replay(&case.market(), &mut strategy, &mut venue, case.capital, &mut journal);
        assert_eq!(journal.fills.len(), case.fills.len(), "{name}: {:?}", journal.fills);
        for (found, expected) in journal.fills.iter().zip(&case.fills) {
            let side = if found.fill.side == FillSide::Buy { "buy" } else { "sell" };
            let words = (found.fill.row, side, found.reason.name());
            assert_eq!(words, (expected.row, expected.side.as_str(), expected.reason.as_str()), "{name}");
            assert!((found.fill.price / expected.price - 1.0).abs() < 1e-12, "{name}: {found:?}");
        }
        let equity = journal.equity.last().unwrap() / case.final_equity - 1.0;
        assert!(equity.abs() < 1e-9, "{name}: {:?}", journal.equity);
    }
}
