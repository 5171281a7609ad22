//! The result of a check: defects by kind, with their severity, count and first place.

use serde::Serialize;

use crate::artefacts::ArtefactKind;
use crate::reading::Reading;
use crate::side_codes::CodeCounts;

/// As many equal closes (or medians) in a row are called stuck.
pub const STUCK_ROWS: usize = 12;

/// The kinds of defects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DefectKind {
    /// No row at all.
    Empty,
    /// A cell that its column cannot hold.
    UnreadableCell,
    /// A row earlier than the one before it.
    Unsorted,
    /// A timestamp that an earlier row has.
    DuplicateTimestamp,
    /// A price that is absent or infinite.
    MissingPrice,
    /// A price of zero.
    ZeroPrice,
    /// A price below zero.
    NegativePrice,
    /// A high below, or a low above, another price of its bar.
    InconsistentBar,
    /// More time between two rows than the interval.
    Gap,
    /// A row off the grid that most rows share.
    OffGrid,
    /// Equal values over [`STUCK_ROWS`] rows or more.
    Stuck,
    /// Bars whose changes are those of an earlier stretch.
    Repeated,
    /// Bars on straight lines between their neighbours.
    Interpolated,
    /// Bars that stand still beyond what the tick explains, or without a trade.
    Stale,
    /// A volume that is absent in a file that has volumes.
    MissingVolume,
    /// q10 > q50 or q50 > q90.
    CrossingQuantiles,
    /// A value that its column must not hold: a probability above 1, an unknown side, a negative volatility.
    OutOfRange,
    /// A signal value that is absent.
    MissingValue,
}

impl DefectKind {
    pub(crate) fn severity(self) -> Severity {
        match self {
            Self::Gap
            | Self::OffGrid
            | Self::Stuck
            | Self::Repeated
            | Self::Interpolated
            | Self::Stale
            | Self::MissingVolume
            | Self::CrossingQuantiles
            | Self::MissingValue => Severity::Warning,
            _ => Severity::Fault,
        }
    }
}

impl From<ArtefactKind> for DefectKind {
    fn from(kind: ArtefactKind) -> Self {
        match kind {
            ArtefactKind::Repeated => Self::Repeated,
            ArtefactKind::Interpolated => Self::Interpolated,
            ArtefactKind::Stale => Self::Stale,
        }
    }
}

/// Whether data with the defect can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Unfit for a replay.
    Fault,
    /// Usable, and to be known.
    Warning,
}

/// One kind of defect in one table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Defect {
    /// What it is.
    pub kind: DefectKind,
    /// Whether the data can be used all the same.
    pub severity: Severity,
    /// How many rows have it.
    pub count: usize,
    /// The moment of the first such row, RFC 3339; `None` where that row has no readable time.
    pub first: Option<String>,
    /// The first such row, counted from 1; `None` for an empty table.
    pub row: Option<usize>,
    /// One sentence with the figures.
    pub detail: String,
}

/// Missing rows, measured against the interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gaps {
    /// Neighbours that are further apart than the interval.
    pub count: usize,
    /// Whole rows that would fit between such neighbours, summed.
    pub missing: usize,
    /// The most rows missing in one gap.
    pub longest: usize,
}

/// What was found in one table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DataReport {
    /// `bars` or `signals`.
    pub table: &'static str,
    /// Rows looked at.
    pub rows: usize,
    /// Earliest moment, RFC 3339.
    pub from: Option<String>,
    /// Latest moment, RFC 3339.
    pub to: Option<String>,
    /// Most common distance between rows, milliseconds.
    pub interval_ms: Option<i64>,
    /// Missing rows.
    pub gaps: Gaps,
    /// How the file was read; `None` for what no file holds.
    pub reading: Option<Reading>,
    /// What the columns `side` and `position` said how often.
    pub codes: Vec<CodeCounts>,
    /// Defects, faults first.
    pub defects: Vec<Defect>,
}

impl DataReport {
    /// Whether no defect makes the data unfit.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.defects.iter().all(|d| d.severity == Severity::Warning)
    }

    /// The defect of a kind, where it was found.
    #[must_use]
    pub fn defect(&self, kind: DefectKind) -> Option<&Defect> {
        self.defects.iter().find(|d| d.kind == kind)
    }
}
