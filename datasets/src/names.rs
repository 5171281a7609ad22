//! Column names, as files have them.

/// Names under which a time column is looked for, best first. The last three are what pandas makes of an index that
/// has no name.
pub const TIME_NAMES: [&str; 12] = [
    "ts_ms",
    "ts",
    "datetime",
    "timestamp",
    "open_time",
    "unix",
    "unix_timestamp",
    "date",
    "time",
    "__index_level_0__",
    "index",
    "",
];

/// Columns of a GeckoTerminal collector that are computed from what comes after their row's time: labels for training.
pub const LOOKS_FORWARD: [&str; 5] =
    ["price_return_1h", "price_return_4h", "price_return_24h", "volume_change_1h", "drawdown_risk"];

/// Finds `name` among `names`: exactly, otherwise as the only one that is spelled alike.
pub(crate) fn find(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|n| n == name).or_else(|| {
        let mut alike = names.iter().enumerate().filter(|(_, n)| plain(n) == name.to_ascii_lowercase());
        let first = alike.next()?;
        alike.next().is_none().then_some(first.0)
    })
}

/// `<Open Time>` as `open_time`.
fn plain(name: &str) -> String {
    name.trim_matches(['<', '>']).to_ascii_lowercase().replace([' ', '-'], "_")
}

/// Position of the time column, and of the time of day where that has a column of its own.
pub(crate) fn time_column(names: &[String]) -> Option<(usize, Option<usize>)> {
    let name = TIME_NAMES.into_iter().find(|name| find(names, name).is_some())?;
    let clock = if name == "date" { find(names, "time") } else { None };
    Some((find(names, name)?, clock))
}
