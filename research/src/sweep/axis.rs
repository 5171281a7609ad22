//! One parameter of a search and its values.

use toml::{Table, Value};

use crate::parameters::number;

/// The values of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// These, in this order.
    List(Vec<Value>),
    /// Numbers from one end to the other, both included.
    Range(Range),
}

/// Numbers from one end to the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    from: f64,
    to: f64,
    /// Number of values; `None`: any number between the ends, for random searches.
    steps: Option<u32>,
    /// Whether equal steps are equal ratios.
    log: bool,
    /// Whether the values are whole.
    whole: bool,
}

/// A parameter by dotted path, with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Dotted path of the option in the strategy file.
    pub path: String,
    /// Its values.
    pub values: Values,
}

impl Axis {
    /// Every leaf of a grid table as an axis, in the order of its lines.
    pub(super) fn all(table: &Table, prefix: &str) -> Result<Vec<Self>, String> {
        let mut axes = Vec::new();
        for (key, value) in table {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                Value::Table(inner) if !is_range(inner) => axes.extend(Self::all(inner, &path)?),
                Value::Table(inner) => axes.push(Self { values: Values::Range(Range::parse(inner, &path)?), path }),
                Value::Array(list) => axes.push(Self { values: Values::List(list.clone()), path }),
                alone => axes.push(Self { values: Values::List(vec![alone.clone()]), path }),
            }
        }
        axes.iter().try_for_each(Self::check)?;
        Ok(axes)
    }

    /// Refuses a parameter without a value, and one that has a value twice: each of its sets would be there twice.
    pub(super) fn check(&self) -> Result<(), String> {
        let path = &self.path;
        let twice = match &self.values {
            Values::List(list) if list.is_empty() => return Err(format!("{path} has no value; give at least one")),
            Values::List(list) => list.iter().enumerate().find(|(i, value)| list[..*i].iter().any(|v| same(v, value))),
            Values::Range(range) => {
                if range.from == range.to && range.steps.is_none_or(|steps| steps > 1) {
                    return Err(format!("{path}: from and to are both {}; give that value alone", range.from));
                }
                None
            }
        };
        twice.map_or(Ok(()), |(_, value)| Err(format!("{path} has the value {value} twice; remove one")))
    }

    /// Number of values; `None` where it is any number between two ends.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a parameter without a value is refused")]
    pub fn len(&self) -> Option<u64> {
        match &self.values {
            Values::List(list) => Some(list.len() as u64),
            Values::Range(range) => range.steps.map(u64::from),
        }
    }

    /// Whether every value is a number.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        match &self.values {
            Values::List(list) => list.iter().all(|v| v.is_integer() || v.is_float()),
            Values::Range(_) => true,
        }
    }

    /// Value number `i` of an axis that has a number of them.
    #[must_use]
    pub fn value(&self, i: u64) -> Value {
        match &self.values {
            Values::List(list) => list[i as usize].clone(),
            Values::Range(range) => range.value(i),
        }
    }

    /// Number of different values that [`Axis::at`] has; `None` where it is any number between two ends.
    #[must_use]
    pub fn different(&self) -> Option<u64> {
        match &self.values {
            Values::Range(range) if range.steps.is_none() => {
                range.whole.then(|| ((range.to - range.from).abs() + 1.0) as u64)
            }
            _ => self.len(),
        }
    }

    /// Value number `i` of [`Axis::different`] ones.
    #[must_use]
    pub fn numbered(&self, i: u64) -> Value {
        match &self.values {
            Values::Range(range) if range.steps.is_none() => {
                range.wrap(range.from + (range.to - range.from).signum() * i as f64)
            }
            _ => self.value(i),
        }
    }

    /// Number of the value at `share` (0 to 1, 1 excluded) of the axis, where it has different ones.
    #[must_use]
    pub fn number_at(&self, share: f64) -> Option<u64> {
        self.different().map(|n| ((share * n as f64) as u64).min(n - 1))
    }

    /// Number of `value` among the [`Axis::different`] ones; 0 where it is none of them.
    #[must_use]
    pub fn number_of(&self, value: &Value) -> u64 {
        let all = self.different().unwrap_or(0);
        match &self.values {
            Values::List(list) => list.iter().position(|one| one == value).unwrap_or(0) as u64,
            Values::Range(_) => (self.share_of(value) * all.saturating_sub(1) as f64).round() as u64,
        }
    }

    /// How far along a range `value` lies, from 0 at its beginning to 1 at its end; 0 in a list.
    #[must_use]
    pub fn share_of(&self, value: &Value) -> f64 {
        match &self.values {
            Values::List(_) => 0.0,
            Values::Range(Range { from, to, log: true, .. }) => (number(value) / from).ln() / (to / from).ln(),
            Values::Range(Range { from, to, .. }) => (number(value) - from) / (to - from),
        }
    }

    /// The value at `share` (0 to 1, 1 excluded) of the axis.
    #[must_use]
    pub fn at(&self, share: f64) -> Value {
        match (self.number_at(share), &self.values) {
            (Some(number), _) => self.numbered(number),
            (None, Values::Range(range)) => range.at(share),
            (None, Values::List(list)) => list[0].clone(),
        }
    }

    /// The numbers next to `value`: the neighbours in the list or range, or a twentieth of an open range away.
    #[must_use]
    pub fn neighbours(&self, value: &Value) -> Vec<Value> {
        if !self.is_numeric() {
            return Vec::new();
        }
        match (self.len(), &self.values) {
            (None, Values::Range(range)) => range.near(number(value)),
            (len, _) => {
                let len = len.unwrap_or(0);
                let Some(own) = (0..len).find(|&i| self.value(i) == *value) else { return Vec::new() };
                let ends = [own.checked_sub(1), Some(own + 1).filter(|&i| i < len)];
                ends.into_iter().flatten().map(|i| self.value(i)).collect()
            }
        }
    }
}

/// Whether two values are the same for an option: 1 is 1.0.
fn same(a: &Value, b: &Value) -> bool {
    a == b || number(a) == number(b)
}

fn is_range(table: &Table) -> bool {
    table.contains_key("from") || table.contains_key("to")
}

impl Range {
    fn parse(table: &Table, path: &str) -> Result<Self, String> {
        const KEYS: [&str; 4] = ["from", "to", "steps", "scale"];
        if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("{path} has '{unknown}', expected from, to, steps and scale"));
        }
        let end = |key: &str| match table.get(key).map(number) {
            Some(value) if value.is_finite() => Ok(value),
            _ => Err(format!("{path} has no number '{key}'; write {{ from = 0.1, to = 0.9, steps = 9 }}")),
        };
        let (from, to) = (end("from")?, end("to")?);
        let steps = match table.get("steps") {
            None => None,
            Some(Value::Integer(steps)) => match u32::try_from(*steps) {
                Ok(0) => return Err(format!("{path} has no value: steps is 0, expected 1 or more")),
                Ok(steps) => Some(steps),
                Err(_) => return Err(format!("{path}: steps is {steps}, expected 1 to {}", u32::MAX)),
            },
            Some(other) => return Err(format!("{path}: steps is {other}, expected a whole number")),
        };
        let log = match table.get("scale").map(|v| v.as_str().unwrap_or_default()) {
            None | Some("linear") => false,
            Some("log") if from > 0.0 && to > 0.0 => true,
            Some("log") => return Err(format!("{path}: scale is log, which needs ends above 0")),
            Some(_) => return Err(format!("{path}: scale is neither 'linear' nor 'log'")),
        };
        let integers = ["from", "to"].iter().all(|key| table.get(*key).is_some_and(Value::is_integer));
        let gaps = f64::from(steps.unwrap_or(1).max(2) - 1);
        let whole = integers && !log && (steps.is_none() || ((to - from) / gaps).fract() == 0.0);
        Ok(Self { from, to, steps, log, whole })
    }

    fn value(&self, i: u64) -> Value {
        let last = u64::from(self.steps.unwrap_or(1)).saturating_sub(1);
        if last == 0 {
            return self.wrap(self.from);
        }
        if i >= last {
            return self.wrap(self.to);
        }
        let value = if self.log {
            self.from * (self.to / self.from).powf(i as f64 / last as f64)
        } else {
            self.from + i as f64 * ((self.to - self.from) / last as f64)
        };
        self.wrap(value)
    }

    /// Any number between the ends.
    fn at(&self, share: f64) -> Value {
        if self.log {
            return Value::Float(self.from * (self.to / self.from).powf(share));
        }
        Value::Float(self.from + share * (self.to - self.from))
    }

    fn near(&self, value: f64) -> Vec<Value> {
        const SHARE: f64 = 0.05;
        let (low, high) = (self.from.min(self.to), self.from.max(self.to));
        let step = if self.whole { ((high - low) * SHARE).ceil() } else { (high - low) * SHARE };
        let inside = |v: &f64| (low..=high).contains(v) && *v != value;
        [value - step, value + step].into_iter().filter(inside).map(|v| self.wrap(v)).collect()
    }

    fn wrap(&self, value: f64) -> Value {
        if self.whole { Value::Integer(value as i64) } else { Value::Float(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(text: &str) -> Result<Vec<Axis>, String> {
        Axis::all(&text.parse().unwrap(), "")
    }

    fn floats(axis: &Axis) -> Vec<f64> {
        (0..axis.len().unwrap()).map(|i| number(&axis.value(i))).collect()
    }

    #[test]
    fn ranges_include_both_ends_and_lists_are_as_written() {
        let axes = axes("b = { from = 0.5, to = 0.9, steps = 3 }\na = [3, 1]\nmode = ['x', 'y']").unwrap();
        assert_eq!(axes.iter().map(|a| a.path.as_str()).collect::<Vec<_>>(), ["b", "a", "mode"], "in line order");
        assert_eq!(floats(&axes[0]), [0.5, 0.7, 0.9]);
        assert_eq!(axes[1].value(0), Value::Integer(3));
        assert!(!axes[2].is_numeric());
    }

    #[test]
    fn whole_ends_give_whole_values_where_the_step_is_whole() {
        let axes = axes("t = { from = 0, to = 3, steps = 4 }\nu = { from = 0, to = 1, steps = 3 }").unwrap();
        assert_eq!(axes[0].value(2), Value::Integer(2));
        assert_eq!(axes[1].value(1), Value::Float(0.5));
    }

    #[test]
    fn a_logarithmic_range_has_equal_ratios() {
        let axes = axes("v = { from = 1.0, to = 100.0, steps = 3, scale = 'log' }").unwrap();
        assert!((floats(&axes[0])[1] - 10.0).abs() < 1e-12);
        assert!(super::Axis::all(&"v = { from = 0.0, to = 1.0, scale = 'log' }".parse().unwrap(), "").is_err());
    }

    #[test]
    fn dotted_keys_and_sections_are_paths() {
        let axes = axes("gate.min_tier = [1, 2]\n[sizing]\nmax_position = 0.5").unwrap();
        assert_eq!(axes[0].path, "gate.min_tier");
        assert_eq!((axes[1].path.as_str(), axes[1].len()), ("sizing.max_position", Some(1)));
    }

    #[test]
    fn what_is_no_range_is_refused_by_name() {
        for (text, part) in [
            ("a = []", "no value"),
            ("a = [1, 2, 1.0]", "1.0 twice"),
            ("a = ['x', 'x']", "twice"),
            ("a = { from = 1, to = 1, steps = 3 }", "both 1"),
            ("a = { from = 1, to = 2, steps = 0 }", "steps is 0"),
            ("a = { from = 1, step = 2 }", "'step'"),
            ("a = { from = 1 }", "'to'"),
            ("a = { from = 1, to = 2, steps = -3 }", "steps is -3"),
        ] {
            let error = axes(text).unwrap_err();
            assert!(error.contains(part) && error.contains('a'), "{error}");
        }
    }

    #[test]
    fn the_number_of_a_value_is_where_it_stands() {
        let text = "a = [3, 1, 2]\nb = { from = 0.5, to = 0.1, steps = 5 }\nc = { from = 1.0, to = 100.0, steps = 3, scale = 'log' }\n\
                    d = { from = 7, to = 3 }";
        for axis in axes(text).unwrap() {
            for i in 0..axis.different().unwrap() {
                assert_eq!(axis.number_of(&axis.numbered(i)), i, "{}", axis.path);
            }
        }
        let open = &axes("x = { from = 2.0, to = 4.0 }").unwrap()[0];
        assert!((open.share_of(&Value::Float(2.5)) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn shares_reach_every_whole_number_and_stay_inside() {
        let axes = axes("n = { from = 1, to = 4 }\nx = { from = 0.0, to = 2.0 }").unwrap();
        let reached: Vec<f64> = (0..8).map(|i| number(&axes[0].at(f64::from(i) / 8.0))).collect();
        assert_eq!(reached, [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
        let descending = super::Axis::all(&"n = { from = 4, to = 1 }".parse().unwrap(), "").unwrap();
        let reached: Vec<f64> = (0..4).map(|i| number(&descending[0].at(f64::from(i) / 4.0))).collect();
        assert_eq!(reached, [4.0, 3.0, 2.0, 1.0]);
        assert_eq!(axes[1].at(0.25), Value::Float(0.5));
        assert_eq!(axes[1].neighbours(&Value::Float(0.0)), [Value::Float(0.1)]);
    }
}
