//! Tables on a terminal: a column is as wide as its widest cell, so that no two run into each other.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// Where the cells of a column stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table below the names of its columns, two blanks between columns, no blank at the end of a line.
pub(crate) fn table<const N: usize>(
    columns: [(&str, Align); N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.map(|(name, _)| name)).add_rows(rows);
    for (column, (_, align)) in table.column_iter_mut().zip(columns) {
        column.set_padding((0, 2)).set_cell_alignment(match align {
            Align::Left => CellAlignment::Left,
            Align::Right => CellAlignment::Right,
        });
    }
    table.trim_fmt()
}

/// Parameters as `path=value`, without the digits that adding up steps leaves behind.
pub(crate) fn parameters<'a>(parameters: impl IntoIterator<Item = (&'a String, &'a toml::Value)>) -> String {
    let value = |value: &toml::Value| match value {
        toml::Value::Float(float) => toml::Value::Float(format!("{float:.11e}").parse().unwrap_or(*float)).to_string(),
        other => other.to_string(),
    };
    let named: Vec<String> = parameters.into_iter().map(|(path, v)| format!("{path}={}", value(v))).collect();
    named.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_written_in_the_digits_that_it_has() {
        let values = [("exits.stop", 0.02 * 3.0), ("lot", 1.0), ("small", 1e-7)];
        let set: std::collections::BTreeMap<String, toml::Value> =
            values.into_iter().map(|(path, value)| (path.to_owned(), value.into())).collect();
        assert_eq!(parameters(&set), "exits.stop=0.06 lot=1.0 small=0.0000001");
    }

    #[test]
    fn long_names_and_large_numbers_widen_their_column() {
        let rows = [["a".to_owned(), "1".to_owned()], ["a_very_long_name".to_owned(), "123456789012.5".to_owned()]];
        let table = table([("name", Align::Left), ("value", Align::Right)], rows);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "name                       value",
                "a                              1",
                "a_very_long_name  123456789012.5",
            ]
        );
    }
}
