//! Python values printed as text: dicts, lists, tuples, strings, numbers, `None`, `True`, `False`, `nan`, `inf`,
//! `Timestamp('...')` and numpy scalars such as `np.float64(0.1)`.
//!
//! The grammar is closed: a name outside this list is an error, and nothing is ever evaluated.

use crate::time::parse_ms;

/// A parsed value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Number(f64),
    Text(String),
    /// Epoch milliseconds UTC.
    Time(i64),
    List(Vec<Value>),
    /// In the order of the text.
    Dict(Vec<(String, Value)>),
}

impl Value {
    /// The value under `key` of a dict.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Dict(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Numbers, booleans as 1 and 0, `None` as `NaN`.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(v) => Some(*v),
            Self::Bool(v) => Some(f64::from(u8::from(*v))),
            Self::None => Some(f64::NAN),
            _ => None,
        }
    }
}

/// Where the text leaves the grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// Byte in the text, counted from 1.
    pub(crate) byte: usize,
    pub(crate) expected: &'static str,
}

/// Deeper nesting than any real record has; it keeps a hostile one from exhausting the stack.
const DEPTH: usize = 32;

/// Parses the whole text as one value.
pub(crate) fn parse(text: &str) -> Result<Value, SyntaxError> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.blanks();
    if parser.at < text.len() {
        return Err(parser.error("nothing more"));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, expected: &'static str) -> SyntaxError {
        SyntaxError { byte: self.at + 1, expected }
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Skips blanks and takes `c` where it comes next.
    fn takes(&mut self, c: char) -> bool {
        self.blanks();
        let is_next = self.rest().starts_with(c);
        self.at += if is_next { c.len_utf8() } else { 0 };
        is_next
    }

    fn value(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        if depth > DEPTH {
            return Err(self.error("less nesting"));
        }
        self.blanks();
        match self.rest().chars().next() {
            Some('{') => self.dict(depth),
            Some('[') => self.list('[', ']', depth),
            Some('(') => self.list('(', ')', depth),
            Some('\'' | '"') => self.string().map(Value::Text),
            Some('0'..='9' | '-' | '+' | '.') => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.name(depth),
            _ => Err(self.error("a value")),
        }
    }

    fn dict(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.takes('{');
        let mut entries = Vec::new();
        while !self.takes('}') {
            if !self.rest().starts_with(['\'', '"']) {
                return Err(self.error("a quoted key or `}`"));
            }
            let key = self.string()?;
            if !self.takes(':') {
                return Err(self.error("`:`"));
            }
            entries.push((key, self.value(depth + 1)?));
            if !self.takes(',') && !self.rest().starts_with('}') {
                return Err(self.error("`,` or `}`"));
            }
        }
        Ok(Value::Dict(entries))
    }

    fn list(&mut self, open: char, close: char, depth: usize) -> Result<Value, SyntaxError> {
        self.takes(open);
        let mut items = Vec::new();
        while !self.takes(close) {
            items.push(self.value(depth + 1)?);
            if !self.takes(',') && !self.rest().starts_with(close) {
                return Err(self.error("`,` or the end of the list"));
            }
        }
        Ok(Value::List(items))
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        let mut chars = self.rest().char_indices();
        let quote = chars.next().map_or('\'', |(_, c)| c);
        let mut out = String::new();
        while let Some((i, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at += i + 1;
                    return Ok(out);
                }
                '\\' => match chars.next() {
                    Some((_, c @ ('\\' | '\'' | '"'))) => out.push(c),
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, 't')) => out.push('\t'),
                    Some((_, 'r')) => out.push('\r'),
                    _ => {
                        self.at += i;
                        return Err(self.error("a known escape"));
                    }
                },
                c => out.push(c),
            }
        }
        Err(self.error("a string with its closing quote"))
    }

    fn number(&mut self) -> Result<Value, SyntaxError> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with(['-', '+']));
        let end = rest[sign..]
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+')))
            .map_or(rest.len(), |i| i + sign);
        let number = rest[..end].parse().map_err(|_| self.error("a number"))?;
        self.at += end;
        Ok(Value::Number(number))
    }

    fn name(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(rest.len());
        let value = match &rest[..end] {
            "None" | "NaT" => Value::None,
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            "nan" => Value::Number(f64::NAN),
            "inf" => Value::Number(f64::INFINITY),
            "Timestamp" | "pd.Timestamp" => {
                self.at += end;
                return self.timestamp();
            }
            "np.float64" | "np.float32" | "np.int64" | "np.int32" | "np.bool_" | "np.bool" => {
                self.at += end;
                let value = if self.takes('(') { self.value(depth + 1)? } else { return Err(self.error("`(`")) };
                return if self.takes(')') { Ok(value) } else { Err(self.error("`)`")) };
            }
            _ => return Err(self.error("a literal, `Timestamp(...)` or a numpy scalar")),
        };
        self.at += end;
        Ok(value)
    }

    fn timestamp(&mut self) -> Result<Value, SyntaxError> {
        if !self.takes('(') {
            return Err(self.error("`(`"));
        }
        self.blanks();
        let start = self.at;
        if !self.rest().starts_with(['\'', '"']) {
            return Err(self.error("a quoted moment"));
        }
        let text = self.string()?;
        let ms = parse_ms(&text).ok_or(SyntaxError { byte: start + 1, expected: "a moment" })?;
        if self.takes(',') {
            self.blanks();
            let zone = ["tz='UTC'", "tz=\"UTC\""].into_iter().find(|zone| self.rest().starts_with(zone));
            self.at += zone.ok_or_else(|| self.error("`tz='UTC'`"))?.len();
        }
        if self.takes(')') { Ok(Value::Time(ms)) } else { Err(self.error("`)`")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_as_hummingbot_prints_it_is_read() {
        let text = "{'timestamp': Timestamp('2023-12-31 11:00:00'), 'probabilities': [0.25, 1e-05, -0.5], 'side': 1, \
                    'raw_quantiles': {'q10': -0.0019537117731369}, 'none': None, 'ok': False, 'empty': {}, 't': (1,)}";
        let value = parse(text).unwrap();
        assert_eq!(value.get("timestamp"), Some(&Value::Time(1_704_020_400_000)));
        assert_eq!(
            value.get("probabilities"),
            Some(&Value::List(vec![Value::Number(0.25), Value::Number(1e-5), Value::Number(-0.5)]))
        );
        let q10 = value.get("raw_quantiles").and_then(|q| q.get("q10")).and_then(Value::number);
        assert_eq!(q10, Some(-0.001_953_711_773_136_9));
        assert!(value.get("none").and_then(Value::number).is_some_and(f64::is_nan));
        assert_eq!(value.get("ok").and_then(Value::number), Some(0.0));
        assert_eq!(value.get("t"), Some(&Value::List(vec![Value::Number(1.0)])));
    }

    #[test]
    fn not_a_number_infinity_and_numpy_scalars_are_numbers() {
        assert!(parse("nan").unwrap().number().is_some_and(f64::is_nan));
        assert_eq!(parse("-inf").unwrap(), Value::Number(f64::NEG_INFINITY));
        assert_eq!(parse("np.float64(0.5)").unwrap(), Value::Number(0.5));
        assert_eq!(parse("np.bool_(True)").unwrap(), Value::Bool(true));
    }

    #[test]
    fn strings_know_both_quotes_and_escapes() {
        assert_eq!(parse(r#""it's""#).unwrap(), Value::Text("it's".into()));
        assert_eq!(parse(r"'a\'b\\'").unwrap(), Value::Text(r"a'b\".into()));
    }

    #[test]
    fn a_zone_other_than_utc_is_refused() {
        assert_eq!(parse("Timestamp('1970-01-01 00:00:01', tz='UTC')").unwrap(), Value::Time(1_000));
        assert!(parse("Timestamp('1970-01-01 00:00:01', tz='America/Denver')").is_err());
    }

    #[test]
    fn code_is_never_run() {
        let e = parse("{'a': __import__('os').system('true')}").unwrap_err();
        assert_eq!(e.byte, 7);
        assert!(parse("{'a': open('x')}").is_err());
        assert!(parse("1 + 1").is_err());
    }

    #[test]
    fn broken_text_is_an_error_and_never_a_panic() {
        let text = "{'a': [1.5, Timestamp('2024-01-01'), 'ü'], 'b': {'c': None}}";
        for cut in (0..text.len()).filter(|i| text.is_char_boundary(*i)) {
            assert!(parse(&text[..cut]).is_err(), "{cut}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
