//! Strategies with options changed by dotted path, as `--set` and the grids of sweeps do.

use q50_engine::strategy::{
    Registry, StrategyConfig,
    parameters::{Parameter, Range},
};
use serde::{Deserialize, Deserializer, de::Error as _};
use thiserror::Error;
use toml::{Table, Value};

/// An option that cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParameterError {
    /// An option that the strategy does not have, or a value that it cannot have.
    #[error("{path} = {value}: {problem}")]
    Option {
        /// Dotted path of the option.
        path: String,
        /// The value.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Numbers of which each could be and which do not go together.
    #[error("{0}")]
    Rule(String),
}

/// A number of either kind as `f64`; `NaN` for what is no number.
#[must_use]
pub fn number(value: &Value) -> f64 {
    match value {
        Value::Integer(i) => *i as f64,
        Value::Float(f) => *f,
        _ => f64::NAN,
    }
}

/// The strategy that a table describes: the defaults of its `kind` with the table's options.
///
/// # Errors
/// The kind is missing or unknown; an option is none of the strategy's, or has a value that it cannot have.
pub fn read_strategy(mut table: Table) -> Result<StrategyConfig, ParameterError> {
    let kind: Table = table.remove_entry("kind").into_iter().collect();
    let named = kind.get("kind").cloned().unwrap_or(Value::String("absent".to_owned()));
    if named.as_str().is_some_and(|name| Registry::installed().is_written(name)) {
        // There is no default to change.
        table.extend(kind);
        return table
            .try_into()
            .map_err(|refusal: toml::de::Error| error("kind", &named, refusal.message().to_owned()));
    }
    let base =
        kind.try_into().map_err(|refusal: toml::de::Error| error("kind", &named, refusal.message().to_owned()))?;
    let template = Template::new(&base);
    let mut options = Vec::new();
    leaves(table, &template.table, "", &mut options);
    let options: Vec<(&str, Value)> = options.iter().map(|(path, value)| (path.as_str(), value.clone())).collect();
    template.with(&options)
}

/// [`read_strategy`] for a field of a file.
pub(crate) fn deserialize_strategy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StrategyConfig, D::Error> {
    read_strategy(Table::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The options of `table` by dotted path; sections are what is one in `known`.
fn leaves(table: Table, known: &Table, prefix: &str, options: &mut Vec<(String, Value)>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match (value, known.get(&key)) {
            (Value::Table(section), Some(Value::Table(known))) => leaves(section, known, &path, options),
            (value, _) => options.push((path, value)),
        }
    }
}

/// A strategy as a table of its options.
#[derive(Clone, Debug)]
pub struct Template {
    base: StrategyConfig,
    table: Table,
    declared: Vec<Parameter>,
}

impl Template {
    /// The options of `base`.
    #[must_use]
    pub fn new(base: &StrategyConfig) -> Self {
        Self { base: base.clone(), table: table(base), declared: base.parameters() }
    }

    /// Whether the strategy has an option of this name outside every section.
    #[must_use]
    pub fn has(&self, option: &str) -> bool {
        self.table.contains_key(option)
    }

    /// The strategy with these options changed.
    ///
    /// # Errors
    /// A path that is no option of the strategy, a value that the option cannot have, or numbers that break a rule.
    pub fn with(&self, options: &[(&str, Value)]) -> Result<StrategyConfig, ParameterError> {
        let (mut numbers, mut fields) = (Vec::new(), Vec::new());
        for (path, value) in options {
            // What stands inside a field is a number; what a field may be besides is said by whoever reads it.
            let inside = self.base.number_at(path);
            let field = || self.declared(path).filter(|_| value.is_integer() || value.is_float());
            if let Some(range) = inside.or_else(field).filter(|range| !range.contains(number(value))) {
                return Err(error(path, value, format!("expected {range}")));
            }
            match inside {
                Some(_) => numbers.push((*path, number(value))),
                None => fields.push((*path, value.clone())),
            }
        }
        if numbers.is_empty() {
            return self.with_fields(&fields);
        }
        let base = self.base.with_numbers(&numbers).map_err(ParameterError::Rule)?;
        if fields.is_empty() { Ok(base) } else { Self::new(&base).with_fields(&fields) }
    }

    fn with_fields(&self, options: &[(&str, Value)]) -> Result<StrategyConfig, ParameterError> {
        let mut table = self.table.clone();
        for (path, value) in options {
            set(&mut table, path, value.clone()).map_err(|problem| error(path, value, self.and_numbers(problem)))?;
        }
        table.try_into().map_err(|refusal: toml::de::Error| {
            // The refusal names the field; which of the options that was is found by setting each alone.
            let culprit = options.iter().find(|(path, value)| {
                let mut alone = self.table.clone();
                set(&mut alone, path, value.clone()).is_err() || alone.try_into::<StrategyConfig>().is_err()
            });
            let (path, value) =
                culprit.or(options.first()).map_or(("", Value::Boolean(false)), |(p, v)| (*p, v.clone()));
            error(path, &value, refusal.message().to_owned())
        })
    }
}

impl Template {
    /// What the number at `path` may be, where it is declared.
    fn declared(&self, path: &str) -> Option<Range> {
        self.declared.iter().find(|parameter| parameter.path == path).map(|parameter| parameter.range)
    }

    /// `problem`, with the numbers that are there inside of fields.
    fn and_numbers(&self, problem: String) -> String {
        let inside: Vec<&str> = self
            .declared
            .iter()
            .map(|parameter| &*parameter.path)
            .filter(|path| self.base.number_at(path).is_some())
            .collect();
        if inside.is_empty() { problem } else { format!("{problem}; its numbers are {}", inside.join(", ")) }
    }
}

/// A strategy as a table of its options, with the sections that every strategy may have.
fn table(strategy: &StrategyConfig) -> Table {
    let mut table = Table::try_from(strategy).unwrap_or_default();
    for section in ["exits", "risk", "sizing"] {
        table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    }
    table
}

fn error(path: &str, value: &Value, problem: String) -> ParameterError {
    ParameterError::Option { path: path.to_owned(), value: value.to_string(), problem }
}

fn set(table: &mut Table, path: &str, value: Value) -> Result<(), String> {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
            Ok(())
        }
        Some((head, rest)) => match table.get_mut(head) {
            Some(Value::Table(inner)) => set(inner, rest, value),
            _ => {
                let known: Vec<&str> = table.keys().map(String::as_str).collect();
                Err(format!(
                    "'{head}' is no section of this strategy; its sections and options are {}",
                    known.join(", ")
                ))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use q50_engine::{
        strategy::q50::{Q50Config, edge::EvMode, regime::WarmUp},
        units::Fraction,
    };

    use super::*;

    fn template() -> Template {
        Template::new(&StrategyConfig::new(Q50Config::default()))
    }

    #[test]
    fn options_are_set_by_dotted_path() {
        let options = [
            ("gate.min_tier", Value::Integer(2)),
            ("gate.ev_mode", Value::String("legacy".into())),
            ("exits.stop_loss", Value::Float(0.1)),
            ("regime.warm_up", Value::String("medium".into())),
        ];
        let changed = template().with(&options).unwrap();
        let config = changed.settings::<Q50Config>().unwrap();
        assert_eq!((config.gate.min_tier, config.gate.ev_mode), (2, EvMode::Legacy));
        assert_eq!(
            (changed.guards().exits.stop_loss, config.regime.warm_up),
            (Some(Fraction::new(0.1)), WarmUp::Medium)
        );
    }

    #[test]
    fn a_number_out_of_its_range_is_refused_with_what_was_expected() {
        for (path, value, expected) in [
            (
                "exits.stop_loss",
                Value::Integer(5),
                "exits.stop_loss = 5: expected a finite number above 0 and at most 1",
            ),
            (
                "sizing.max_position",
                Value::Integer(-1),
                "sizing.max_position = -1: expected a finite number from 0 to 1",
            ),
            ("sizing.max_position", Value::Float(f64::NAN), "= nan: expected a finite number from 0 to 1"),
            ("sizing.kelly_fraction", Value::Float(f64::INFINITY), "= inf: expected a finite number from 0 to 1"),
            ("gate.min_tier", Value::Integer(4), "gate.min_tier = 4: expected a whole number from 0 to 3"),
            ("regime.window", Value::Integer(0), "regime.window = 0: expected a whole number from 1"),
        ] {
            let error = template().with(&[(path, value)]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(template().with(&[("exits.take_profit", Value::Integer(2))]).is_ok(), "a target of 200 % can be meant");
    }

    #[test]
    fn a_file_is_the_defaults_of_its_kind_with_its_options() {
        let read = |text: &str| read_strategy(toml::from_str(text).unwrap()).map_err(|error| error.to_string());
        let text =
            "kind = 'q50'\nsell = 'partial'\n[exits]\nstop_loss = 0.1\n[regime]\nwarm_up = { seed = [1.0, 2.0, 3.0] }";
        let strategy = read(text).unwrap();
        let config = strategy.settings::<Q50Config>().unwrap();
        assert_eq!(config.regime.warm_up, WarmUp::Seed([1.0, 2.0, 3.0]));
        assert_eq!(strategy.guards().exits.stop_loss, Some(Fraction::new(0.1)));
        for (text, words) in [
            ("kind = 'q50'\n[exits]\nstop_loss = 5", "exits.stop_loss = 5: expected"),
            ("kind = 'threshold'\nentry = inf", "entry = inf: expected a finite number"),
            ("kind = 'q50'\n[gates]\nmin_tier = 1", "gates"),
            ("kind = 'q50'\n[regime]\nwarm_up = { seed = [3.0, 2.0, 1.0] }", "regime.warm_up"),
            ("kind = 'q5'", "kind = \"q5\": unknown variant"),
            ("entry = 1.0", "kind"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_path_that_is_no_option_is_refused_by_name() {
        for (path, value) in [
            ("gate.min_teir", Value::Integer(2)),
            ("gates.min_tier", Value::Integer(2)),
            ("gate.min_tier", Value::String("high".into())),
            ("nonsense", Value::Boolean(true)),
        ] {
            let error = template().with(&[("gate.min_expected_value", Value::Float(0.1)), (path, value)]).unwrap_err();
            assert!(error.to_string().starts_with(path), "{error}");
        }
    }
}
