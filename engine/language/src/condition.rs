//! Conditions: two operands and a comparison, or one between two.

use q50_engine::market::Column;

use crate::{
    error::{Code, Error},
    program::Named,
    reader::Entry,
};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    /// A number of the bar.
    Price(Price),
    /// An output of an indicator, by their places.
    Output {
        /// Place of the indicator.
        indicator: usize,
        /// Place of the output.
        output: usize,
    },
    /// A signal.
    Signal(Column),
    /// A number.
    Number(f64),
}

/// A number of the primary bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// First price.
    Open,
    /// Highest price.
    High,
    /// Lowest price.
    Low,
    /// Last price.
    Close,
    /// Traded units.
    Volume,
}

impl Price {
    /// Each by its word.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("open", Self::Open),
        ("high", Self::High),
        ("low", Self::Low),
        ("close", Self::Close),
        ("volume", Self::Volume),
    ];
}

/// Signal columns that a condition may name.
pub(crate) const SIGNALS: [Column; 9] = [
    Column::Q10,
    Column::Q50,
    Column::Q90,
    Column::ProbUp,
    Column::VolRaw,
    Column::VolRisk,
    Column::SignalThresh,
    Column::Side,
    Column::Value,
];

/// How two operands are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Above,
    /// `<`
    Below,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// It was not above at the bar before, and is now.
    CrossesAbove,
    /// It was not below at the bar before, and is now.
    CrossesBelow,
}

impl Comparison {
    /// Each by its word.
    pub const WORDS: [(&'static str, Self); 6] = [
        (">", Self::Above),
        ("<", Self::Below),
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        ("crosses_above", Self::CrossesAbove),
        ("crosses_below", Self::CrossesBelow),
    ];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize].0
    }

    /// Whether the bar before counts, too.
    #[must_use]
    pub const fn looks_back(self) -> bool {
        matches!(self, Self::CrossesAbove | Self::CrossesBelow)
    }
}

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    /// `left comparison right`.
    Compare {
        /// Left side.
        left: Operand,
        /// How they compare.
        comparison: Comparison,
        /// Right side.
        right: Operand,
    },
    /// `operand between low high`, bounds included.
    Between {
        /// What lies between.
        operand: Operand,
        /// Lower bound.
        low: Operand,
        /// Upper bound.
        high: Operand,
    },
}

impl Condition {
    /// Its operands, from left to right.
    pub fn operands(&self) -> impl Iterator<Item = Operand> + use<> {
        match *self {
            Self::Compare { left, right, .. } => [Some(left), Some(right), None],
            Self::Between { operand, low, high } => [Some(operand), Some(low), Some(high)],
        }
        .into_iter()
        .flatten()
    }

    /// The condition that the text of `entry` states about `indicators`.
    pub(crate) fn read(entry: &Entry<'_>, indicators: &[Named]) -> Result<Self, Error> {
        let text = entry.text()?;
        let bad = |message: &str| entry.fault(Code::BadCondition, format!("{message}: `{text}`"));
        let tokens = tokens(text).map_err(|message| bad(&message))?;
        let reference = |token: &Token<'_>| operand(token, entry, indicators);
        match tokens.as_slice() {
            [operand, Token::Word("between"), low, high]
                if [operand, low, high].iter().all(|token| token.operand()) =>
            {
                let [operand, low, high] = [reference(operand)?, reference(low)?, reference(high)?];
                match (low, high) {
                    (Operand::Number(low), Operand::Number(high)) if low >= high => {
                        return Err(bad("the bounds must ascend"));
                    }
                    (Operand::Number(_), Operand::Number(_)) if matches!(operand, Operand::Number(_)) => {
                        return Err(bad("a number is compared with numbers"));
                    }
                    _ => {}
                }
                if operand == low || operand == high || low == high {
                    return Err(bad("something is compared with itself"));
                }
                Ok(Self::Between { operand, low, high })
            }
            [left, middle, right] if left.operand() && right.operand() => {
                let Some(comparison) = middle.comparison() else {
                    let words = Comparison::WORDS.map(|(word, _)| word).join(" ");
                    return Err(bad(&format!("between two operands must stand one of {words}")));
                };
                let (left, right) = (reference(left)?, reference(right)?);
                if matches!((left, right), (Operand::Number(_), Operand::Number(_))) {
                    return Err(bad("a number is compared with a number"));
                }
                if left == right {
                    return Err(bad("something is compared with itself"));
                }
                Ok(Self::Compare { left, comparison, right })
            }
            _ => Err(bad(
                joined(&tokens).unwrap_or("expected `operand comparison operand` or `operand between low high`")
            )),
        }
    }
}

/// A part of a condition's text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Number(f64),
    Symbol(&'a str),
}

impl Token<'_> {
    fn comparison(self) -> Option<Comparison> {
        let (Self::Word(text) | Self::Symbol(text)) = self else { return None };
        Comparison::WORDS.into_iter().find(|(word, _)| *word == text).map(|(_, comparison)| comparison)
    }

    /// Whether it can be compared.
    fn operand(self) -> bool {
        match self {
            Self::Number(_) => true,
            Self::Word(word) => word != "between" && self.comparison().is_none(),
            Self::Symbol(_) => false,
        }
    }
}

/// How a condition is said here that is joined to others by a word.
fn joined(tokens: &[Token<'_>]) -> Option<&'static str> {
    tokens.iter().find_map(|token| match *token {
        Token::Word("and") => Some("conditions of which all must hold stand one below the other, and not beside `and`"),
        Token::Word("or") => {
            Some("conditions of which one must hold stand in a group `any: [..]`, and not beside `or`")
        }
        Token::Word("not") => Some("there is no `not`: say the opposite, such as `>=` for `<`"),
        _ => None,
    })
}

/// Why `text` begins with nothing that a condition has.
fn foreign(text: &str) -> String {
    let first = text.chars().next().unwrap_or_default();
    let hint = match first {
        '=' => "; compare by `>=`, `<=` or `between`",
        '+' | '-' | '*' | '/' => "; there is no arithmetic: compare with an indicator or a number",
        '[' => "; the value of earlier bars is that of an indicator with `shift`",
        '(' => "; indicators stand in the section `indicators`, and are called by their names",
        'A'..='Z' => "; names and words have small letters",
        first if first.is_whitespace() => "; expected a plain space",
        _ => "",
    };
    format!("`{}` has no meaning in a condition{hint}", first.escape_debug())
}

/// Splits a condition. Spaces are free around symbols and needed between words and numbers.
fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    // A folded scalar of YAML ends with a line.
    let mut rest = text.trim_end_matches('\n').trim_start_matches(' ');
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '<' | '>' => symbol_length(rest),
            'a'..='z' => rest.find(|c: char| !matches!(c, 'a'..='z' | '0'..='9' | '_' | '.')).unwrap_or(rest.len()),
            '-' | '.' | '0'..='9' => number_length(rest).ok_or_else(|| match rest.starts_with("- ") {
                true => foreign(rest),
                false => format!("no number at `{rest}`"),
            })?,
            _ => return Err(foreign(rest)),
        };
        let (token, after) = rest.split_at(length);
        let symbol = matches!(first, '<' | '>');
        if !symbol && !after.is_empty() && !after.starts_with([' ', '<', '>']) {
            return Err(match after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '.') {
                true => format!("a space is missing behind `{token}`"),
                false => foreign(after),
            });
        }
        tokens.push(match first {
            '<' | '>' => Token::Symbol(token),
            'a'..='z' => Token::Word(token),
            _ => Token::Number(token.parse().map_err(|_| format!("`{token}` is no number"))?),
        });
        rest = after.trim_start_matches(' ');
    }
    Ok(tokens)
}

fn symbol_length(text: &str) -> usize {
    if text[1..].starts_with('=') { 2 } else { 1 }
}

/// The length of the number that `text` begins with: `"-"? (digits ["." digits?] | "." digits) [("e"|"E") ["+"|"-"]
/// digits]`.
fn number_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(end);
    end += whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if whole + fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    } else if whole == 0 {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent == 0 {
            return None;
        }
        end += 1 + sign + exponent;
    }
    Some(end)
}

/// What a token stands for.
fn operand(token: &Token<'_>, entry: &Entry<'_>, indicators: &[Named]) -> Result<Operand, Error> {
    let word = match *token {
        Token::Number(number) if number.is_finite() => return Ok(Operand::Number(number)),
        Token::Number(number) => return Err(entry.fault(Code::OutOfRange, format!("{number} is not finite"))),
        Token::Word(word) | Token::Symbol(word) => word,
    };
    let (name, output) = word.split_once('.').map_or((word, None), |(name, output)| (name, Some(output)));
    let price = Price::WORDS.into_iter().find(|(price, _)| *price == name).map(|(_, price)| price);
    match (price, output) {
        (Some(price), None) => return Ok(Operand::Price(price)),
        (Some(_), Some(output)) => {
            return Err(entry.fault(Code::UnknownOutput, format!("the price `{name}` has no output `{output}`")));
        }
        (None, _) => {}
    }
    if let ("signals", Some(column)) = (name, output) {
        let known = SIGNALS.into_iter().find(|known| known.name() == column);
        return known.map(Operand::Signal).ok_or_else(|| {
            let known = SIGNALS.map(Column::name).join(", ");
            entry.fault(Code::UnknownOutput, format!("there is no signal `{column}`; there are {known}"))
        });
    }
    let Some(place) = indicators.iter().position(|named| named.name == name) else {
        let known = indicators.iter().map(|named| named.name.as_str()).collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "no indicators".to_owned() } else { known };
        let message = format!("there is no indicator, price or signal `{name}`; there are {known}");
        return Err(entry.fault(Code::UnknownReference, message));
    };
    let indicator = &indicators[place].indicator;
    match indicator.output(output) {
        Some(output) => Ok(Operand::Output { indicator: place, output }),
        None => {
            let known = indicator.formula().outputs().join(", ");
            let output = output.unwrap_or_default();
            let message =
                format!("`{name}` is {} and has no output `{output}`; it has {known}", indicator.formula().name());
            Err(entry.fault(Code::UnknownOutput, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_are_free_around_symbols_and_needed_around_words() {
        let words = |text| tokens(text).map(|tokens| tokens.len());
        assert_eq!(words("rsi<30"), Ok(3));
        assert_eq!(words("  a.b   >=  -.5e+3 "), Ok(3));
        assert_eq!(words("rsi between 20 30"), Ok(4));
        assert_eq!(words("rsi<-5."), Ok(3));
        assert!(words("a > = b").is_err_and(|message| message.starts_with("`=` has no meaning in a condition")));
        for text in ["30crosses_above rsi", "rsi - 5", "1e", "RSI < 30", "rsi\t< 30", "-", "1.2.3 < rsi", "rsi < +5"] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_is_as_long_as_the_grammar_says() {
        for (text, length) in
            [("12", Some(2)), ("-1.5e-3x", Some(7)), (".5", Some(2)), ("5.", Some(2)), ("-.", None), ("1e+", None)]
        {
            assert_eq!(number_length(text), length, "{text}");
        }
    }
}
