//! The defects of a file: every kind, how often, and where first. Bad data are reported, not refused.
//!
//! A [`Severity::Fault`] makes data unfit for a replay; a [`Severity::Warning`] is a property of real records (gaps,
//! missing values, quantiles that sometimes cross) that a reader must know about.

use crate::bars::Bars;
pub use crate::defects::gaps;
use crate::defects::{report_bars, report_signals};
use crate::error::Result;
use crate::input::Input;
use crate::qlib::Selection;
pub use crate::report::{DataReport, Defect, DefectKind, Gaps, STUCK_ROWS, Severity};
use crate::signals::{SignalOptions, SignalTable};
use crate::time::rfc3339;

/// Checks bars in a Parquet, Feather, CSV or JSON file or a Qlib provider.
///
/// # Errors
/// Only where the path cannot be read as bars at all: no such file, a damaged one, missing columns, a Qlib series
/// beyond its calendar.
pub fn check_bars(input: &Input, selection: &Selection) -> Result<DataReport> {
    let (bars, bad, reading) = Bars::read_raw(input, selection, false)?;
    let mut report = DataReport { reading, ..report_bars(&bars, 0..bars.len(), &bad) };
    // What is no price has been reported, and nothing can be asked of it.
    if report.is_sound() {
        report.defects.extend(bars.artefacts(0..bars.len()).iter().map(|artefact| Defect {
            kind: artefact.kind.into(),
            severity: DefectKind::from(artefact.kind).severity(),
            count: artefact.bars,
            first: Some(rfc3339(bars.open_time[artefact.row])),
            row: Some(artefact.row + 1),
            detail: artefact.text(),
        }));
    }
    Ok(report)
}

/// Checks bars that no file holds, as [`check_bars`] does, but for what nobody could have traded.
#[must_use]
pub fn check_table(bars: &Bars) -> DataReport {
    report_bars(bars, 0..bars.len(), &[])
}

/// Checks signals in a Parquet, Feather, CSV or JSON file or a hummingbot run.
///
/// # Errors
/// Only where the path cannot be read as signals at all: no such file, a damaged one, missing columns.
pub fn check_signals(input: &Input, options: &SignalOptions) -> Result<DataReport> {
    let (table, bad) = SignalTable::read_raw(input, options, false)?;
    Ok(DataReport { reading: table.report.reading.clone(), ..report_signals(&table.ts, &table.columns, &bad) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> DataReport {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bars.csv");
        std::fs::write(&path, text).unwrap();
        check_bars(&Input::open(&path).unwrap(), &Selection::default()).unwrap()
    }

    fn check_sig(text: &str) -> DataReport {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signals.csv");
        std::fs::write(&path, text).unwrap();
        check_signals(&Input::open(&path).unwrap(), &SignalOptions::default()).unwrap()
    }

    /// Kind, count and row of every defect.
    fn found(report: &DataReport) -> Vec<(DefectKind, usize, Option<usize>)> {
        report.defects.iter().map(|d| (d.kind, d.count, d.row)).collect()
    }

    const HEAD: &str = "ts_ms,open,high,low,close\n";

    #[test]
    fn clean_bars_have_no_defect() {
        let report = check(&format!("{HEAD}0,1,2,1,2\n10,2,3,2,3\n20,3,4,3,4\n"));
        assert!(report.defects.is_empty() && report.is_sound());
        assert_eq!((report.rows, report.interval_ms, report.gaps), (3, Some(10), Gaps::default()));
        assert_eq!(report.to.as_deref(), Some("1970-01-01T00:00:00.02Z"));
    }

    #[test]
    fn an_empty_table_is_a_fault() {
        let report = check(HEAD);
        assert_eq!(found(&report), [(DefectKind::Empty, 1, None)]);
        assert!(!report.is_sound());
    }

    #[test]
    fn gaps_and_rows_off_the_grid_are_counted_and_are_warnings() {
        // Three rows are missing after the second row, one after the fourth; the last row is off the grid.
        let report = check(&format!("{HEAD}0,1,1,1,1\n10,1,1,1,1\n50,1,1,1,1\n60,1,1,1,1\n80,1,1,1,1\n84,1,1,1,1\n"));
        assert_eq!(report.gaps, Gaps { count: 2, missing: 4, longest: 3 });
        assert_eq!(found(&report), [(DefectKind::Gap, 2, Some(2)), (DefectKind::OffGrid, 1, Some(6))]);
        assert!(report.is_sound());
    }

    #[test]
    fn disorder_and_duplicates_are_faults() {
        let report = check(&format!("{HEAD}0,1,1,1,1\n10,1,1,1,1\n20,1,1,1,1\n10,1,1,1,1\n"));
        assert_eq!(found(&report), [(DefectKind::Unsorted, 1, Some(4)), (DefectKind::DuplicateTimestamp, 1, Some(4))]);
        assert!(!report.is_sound());
    }

    #[test]
    fn prices_that_are_none_and_bars_that_contradict_themselves_are_faults() {
        let report = check(&format!("{HEAD}0,1,1,1,\n10,0,1,0,1\n20,1,1,-1,1\n30,1,2,1,3\n40,1,inf,1,1\n"));
        assert_eq!(
            found(&report),
            [
                (DefectKind::MissingPrice, 2, Some(1)),
                (DefectKind::ZeroPrice, 1, Some(2)),
                (DefectKind::NegativePrice, 1, Some(3)),
                (DefectKind::InconsistentBar, 1, Some(4)),
            ]
        );
        assert_eq!(report.defects[1].first.as_deref(), Some("1970-01-01T00:00:00.01Z"));
    }

    #[test]
    fn text_among_the_numbers_is_reported_and_not_an_error() {
        let report = check(&format!("{HEAD}0,1,1,1,1\nx,1,1,1,1\n10,1,oops,1,1\n"));
        let cell = report.defect(DefectKind::UnreadableCell).unwrap();
        assert_eq!((cell.count, cell.row, cell.first.as_deref()), (2, Some(2), None));
        assert!(cell.detail.contains("`x`"), "{}", cell.detail);
    }

    #[test]
    fn a_close_that_does_not_move_is_stuck_after_twelve_rows() {
        let rows = |n: usize| (0..n).map(|i| format!("{i},1,1,1,1\n")).collect::<String>();
        assert!(check(&format!("{HEAD}{}", rows(11))).defect(DefectKind::Stuck).is_none());
        let report = check(&format!("{HEAD}{}50,2,2,2,2\n", rows(12)));
        assert_eq!(report.defect(DefectKind::Stuck).map(|d| (d.count, d.row)), Some((12, Some(1))));
    }

    #[test]
    fn signal_defects_are_found_by_column() {
        let report = check_sig("ts_ms,q10,q50,q90,prob_up,side\n0,-1,0,1,0.5,1\n10,0.1,0,1,1.5,3\n20,-1,,1,0.5,0\n");
        assert_eq!(
            found(&report),
            [
                (DefectKind::OutOfRange, 1, Some(2)),
                (DefectKind::OutOfRange, 1, Some(2)),
                (DefectKind::CrossingQuantiles, 1, Some(2)),
                (DefectKind::MissingValue, 1, Some(3)),
            ]
        );
        assert!(report.defects[0].detail.contains("`prob_up`") && report.defects[1].detail.contains("`side`"));
    }

    #[test]
    fn the_report_is_json_with_snake_case_kinds_and_null_for_unknown() {
        let json = serde_json::to_value(check(HEAD)).unwrap();
        assert_eq!(json["defects"][0]["kind"], "empty");
        assert_eq!(json["defects"][0]["severity"], "fault");
        assert!(json["from"].is_null() && json["interval_ms"].is_null());
    }
}
