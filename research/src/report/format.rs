/// What stands where a figure is undefined.
pub(super) const DASH: &str = "\u{2013}";

/// `value` with a true minus sign and `decimals` digits; a value that rounds to zero has no sign.
pub(super) fn number(value: f64, decimals: usize) -> String {
    let digits = format!("{:.decimals$}", value.abs());
    let zero = digits.bytes().all(|b| b == b'0' || b == b'.');
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let sign = if value < 0.0 && !zero { "\u{2212}" } else { "" };
    format!("{sign}{}{rest}", grouped(whole))
}

/// The same with a sign before gains too.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    let text = number(value, decimals);
    if value > 0.0 && number(-value, decimals) != text { format!("+{text}") } else { text }
}

/// A probability with three digits, which is never shown as certain because of its rounding.
pub(super) fn probability(value: f64) -> String {
    match value {
        v if v < 0.0005 => "<0.001".to_owned(),
        v if v >= 0.9995 => ">0.999".to_owned(),
        v => number(v, 3),
    }
}

/// A fraction in per cent.
pub(super) fn percent(fraction: f64, decimals: usize) -> String {
    format!("{}\u{a0}%", number(fraction * 100.0, decimals))
}

/// The same number without the zeros that say nothing about a round value: 0.950 is 0.95, and 1.00 % is 1 %.
pub(super) fn shortest(number: &str) -> String {
    let end = number.find(|c: char| !(c.is_ascii_digit() || "\u{2212},.".contains(c))).unwrap_or(number.len());
    let (digits, unit) = number.split_at(end);
    let short = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    format!("{short}{unit}")
}

/// A value in no more digits than it has.
pub(super) fn plain(value: f64) -> String {
    shortest(&number(value, 9))
}

/// An amount of money: two decimals, and as many more as three digits of a small one need.
pub(super) fn amount(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return number(value, 0);
    }
    match (2.0 - value.abs().log10().floor()).clamp(2.0, 9.0) as usize {
        2 => number(value, 2),
        decimals => shortest(&number(value, decimals)),
    }
}

/// A value of which two digits are known.
pub(super) fn two_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return number(value, 0);
    }
    let exponent = value.abs().log10().floor() as i32;
    let unit = 10_f64.powi(exponent - 1);
    plain((value / unit).round() * unit)
}

/// A fraction in per cent: a decimal only below ten, which is what a narrow cell has room for.
pub(super) fn short_percent(fraction: f64) -> String {
    percent(fraction, usize::from(fraction.abs() < 0.0995))
}

/// A count.
pub(super) fn count(value: usize) -> String {
    grouped(&value.to_string())
}

/// A moment to the minute, UTC.
pub(super) fn when(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).map(|at| at.strftime("%Y-%m-%d %H:%M").to_string());
    at.unwrap_or_else(|_| DASH.to_owned())
}

/// Milliseconds as days, a decimal where there are few.
pub(super) fn days(ms: i64) -> String {
    let days = ms as f64 / 86_400_000.0;
    number(days, if days < 10.0 { 1 } else { 0 })
}

/// An interval with `decimals` digits.
pub(super) fn interval([low, high]: [f64; 2], decimals: usize) -> String {
    format!("{} to {}", number(low, decimals), number(high, decimals))
}

/// A name of the files (`long_enough`) as words.
pub(super) fn words(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Commas between thousands.
fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digit.is_ascii_digit() {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_and_minus_is_a_minus() {
        assert_eq!(number(-1_234_567.891, 2), "\u{2212}1,234,567.89");
        assert_eq!(number(999.0, 0), "999");
        assert_eq!(count(70_000), "70,000");
    }

    #[test]
    fn what_rounds_to_zero_has_no_sign() {
        assert_eq!((number(-0.0001, 2), signed(0.0001, 2)), ("0.00".to_owned(), "0.00".to_owned()));
        assert_eq!((signed(0.5, 1), signed(-0.5, 1)), ("+0.5".to_owned(), "\u{2212}0.5".to_owned()));
    }

    #[test]
    fn a_round_value_is_written_short() {
        assert_eq!(["0.950", "0.000", "10", "1.00\u{a0}%"].map(shortest), ["0.95", "0", "10", "1\u{a0}%"]);
    }

    #[test]
    fn money_keeps_the_digits_that_a_small_amount_has() {
        assert_eq!(
            [0.0, 1_234.5, 1.192, 0.002_775, 0.000_005].map(amount),
            ["0", "1,234.50", "1.19", "0.00278", "0.000005"]
        );
        assert_eq!([0.0, 1.4953, 149.53, 9_532.0].map(two_digits), ["0", "1.5", "150", "9,500"]);
        assert_eq!([50_000.0, 0.5].map(plain), ["50,000", "0.5"]);
        assert_eq!([0.0321, -0.161, 0.0996].map(short_percent), ["3.2\u{a0}%", "\u{2212}16\u{a0}%", "10\u{a0}%"]);
    }

    #[test]
    fn nothing_is_certain_by_rounding() {
        assert_eq!([0.0001, 0.5, 0.99996].map(probability), ["<0.001", "0.500", ">0.999"]);
    }

    #[test]
    fn times_are_short() {
        assert_eq!(
            (when(1_704_067_200_000), days(36 * 3_600_000), days(86_400_000 * 12)),
            ("2024-01-01 00:00".to_owned(), "1.5".to_owned(), "12".to_owned())
        );
    }

    #[test]
    fn a_name_becomes_words() {
        assert_eq!(words("long_enough"), "Long enough");
        assert_eq!(words(""), "");
    }
}
