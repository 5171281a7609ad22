//! Numbers as tools and spreadsheets print them.

use std::path::Path;

use crate::error::{Error, Kind, Result};

/// Fewest letters of a currency's or a coin's code. Fewer are a multiple, such as `K`.
const CODE: usize = 3;

/// A cell as a number: a sign of any kind, or brackets for below zero; commas, blanks or apostrophes between thousands; a
/// currency or `%` around it.
///
/// # Errors
/// Anything else, above all a decimal comma and a multiple such as `1.5K`.
pub(super) fn amount(path: &Path, row: usize, column: &str, cell: &str) -> Result<f64> {
    number(cell).ok_or_else(|| {
        Error::new(Kind::Value, path, format!("found `{cell}`"))
            .at_row(row)
            .column(column)
            .expected("a number such as -1,234.56")
            .remedy("export with a decimal point, and without multiples such as K")
    })
}

/// Half a unit of the last digit that is printed, in the units of the cell: 0.005 of `1,234.56`.
pub(super) fn half_a_unit(cell: &str) -> f64 {
    let decimals = cell.split_once('.').map_or(0, |(_, rest)| rest.chars().take_while(char::is_ascii_digit).count());
    0.5 / 10_f64.powi(decimals.min(15) as i32)
}

fn number(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    let (below_zero, text) = match cell.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inside) => (true, inside),
        None => (false, cell),
    };
    let signed: String = text
        .chars()
        .filter(|c| !matches!(c, '%' | '$' | '\u{a3}' | '\u{a5}' | '\u{20a0}'..='\u{20cf}'))
        .map(|c| if matches!(c, '\u{2212}' | '\u{2013}') { '-' } else { c })
        .collect();
    let is_code = |code: &str| code.is_empty() || code.len() >= CODE;
    let is_letter = |c: char| c.is_ascii_uppercase();
    let bare = signed.trim().trim_start_matches(is_letter);
    let before = &signed.trim()[..signed.trim().len() - bare.len()];
    let digits = bare.trim_end_matches(is_letter);
    let after = &bare[digits.len()..];
    if !is_code(before) || !is_code(after) {
        return None;
    }
    let value: f64 = without_thousands(digits.trim())?.parse().ok().filter(|value: &f64| value.is_finite())?;
    Some(if below_zero { -value.abs() } else { value })
}

/// The digits without what stands between thousands; `None` where it stands elsewhere, as a decimal comma does.
fn without_thousands(digits: &str) -> Option<String> {
    let is_separator = |c: char| c == ',' || c == '\'' || c == '\u{2019}' || c.is_whitespace();
    let (sign, digits) = match digits.strip_prefix(['-', '+']) {
        Some(rest) => (&digits[..1], rest.trim_start()),
        None => ("", digits),
    };
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let groups: Vec<&str> = whole.split(is_separator).collect();
    let grouped = || {
        let first = groups[0];
        (1..=3).contains(&first.len()) && !first.starts_with('0') && groups[1..].iter().all(|group| group.len() == 3)
    };
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+');
    if groups.len() > 1 && !grouped() || !rest.chars().all(plain) {
        return None;
    }
    let whole = groups.concat();
    whole.chars().all(plain).then(|| format!("{sign}{whole}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_tools_print_them() {
        for (cell, value) in [
            ("1,234.50", 1_234.5),
            ("\u{2212}3.2%", -3.2),
            ("$12.30", 12.3),
            ("-$1,512.30", -1_512.3),
            ("10\u{a0}000.00 USD", 10_000.0),
            ("- 1'000", -1_000.0),
            ("USDT 0.5", 0.5),
            ("1e-3", 0.001),
            ("-1.5E+3", -1_500.0),
        ] {
            assert_eq!(number(cell), Some(value), "{cell}");
        }
    }

    #[test]
    fn what_is_printed_is_known_to_half_a_unit_of_its_last_digit() {
        for (cell, half) in [("1,234.56", 0.005), ("8.083%", 0.0005), ("10808", 0.5), ("$-1.5", 0.05)] {
            assert_eq!(half_a_unit(cell), half, "{cell}");
        }
    }

    #[test]
    fn brackets_are_a_loss() {
        assert_eq!(number("(12.30)"), Some(-12.3));
        assert_eq!(number("($1,012.30)"), Some(-1_012.3));
    }

    #[test]
    fn what_is_no_plain_number_is_refused_and_not_shortened() {
        for cell in [
            "n/a", "", "nan", "inf", "1e999", "1.5K", "2M", "0,5", "0,500", "12,5", "1.234,56", "1,2345", "1 2",
            "1.2.3",
        ] {
            assert_eq!(number(cell), None, "{cell}");
        }
    }
}
