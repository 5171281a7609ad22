//! The supported formats.

/// The formats this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Apache Parquet: the magic `PAR1` at both ends.
    Parquet,
    /// Arrow's file format, also called Feather 2: the magic `ARROW1` at both ends.
    ArrowIpc,
    /// A Python pickle of protocol 2 or later: the byte 0x80 and the protocol.
    Pickle,
    /// Text whose first line is a header (or, for a return series, the first number).
    Csv,
    /// Text that begins with `[` or `{`.
    Json,
    /// A Qlib provider directory: it has `calendars/` and `features/`.
    Qlib,
    /// A directory with hummingbot's `trades.csv` and `holds_analysis.csv`.
    Hummingbot,
}

impl Format {
    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "Parquet",
            Self::ArrowIpc => "Arrow IPC (Feather)",
            Self::Pickle => "a pandas pickle",
            Self::Csv => "CSV",
            Self::Json => "JSON",
            Self::Qlib => "a Qlib provider",
            Self::Hummingbot => "a hummingbot run",
        }
    }
}
