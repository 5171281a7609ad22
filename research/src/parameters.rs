//! Strategies with options changed by dotted path, as `--set` and the grids of sweeps do.

use q50_engine::strategy::StrategyConfig;
use thiserror::Error;
use toml::{Table, Value};

/// An option that cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{path} = {value}: {problem}")]
pub struct ParameterError {
    path: String,
    value: String,
    problem: String,
}

/// A strategy as a table of its options.
#[derive(Clone, Debug)]
pub struct Template {
    table: Table,
}

impl Template {
    /// The options of `base`.
    #[must_use]
    pub fn new(base: &StrategyConfig) -> Self {
        Self { table: Table::try_from(base).unwrap_or_default() }
    }

    /// The strategy with these options changed.
    ///
    /// # Errors
    /// A path that is no option of the strategy, or a value that the option cannot have.
    pub fn with(&self, options: &[(&str, Value)]) -> Result<StrategyConfig, ParameterError> {
        let mut table = self.table.clone();
        for (path, value) in options {
            set(&mut table, path, value.clone()).map_err(|problem| error(path, value, problem))?;
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

fn error(path: &str, value: &Value, problem: String) -> ParameterError {
    ParameterError { path: path.to_owned(), value: value.to_string(), problem }
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
        Template::new(&StrategyConfig::Q50(Q50Config::default()))
    }

    #[test]
    fn options_are_set_by_dotted_path() {
        let options = [
            ("gate.min_tier", Value::Integer(2)),
            ("gate.ev_mode", Value::String("legacy".into())),
            ("exits.stop_loss", Value::Float(0.1)),
            ("regime.warm_up", Value::String("medium".into())),
        ];
        let StrategyConfig::Q50(config) = template().with(&options).unwrap() else { panic!("the kind stays") };
        assert_eq!((config.gate.min_tier, config.gate.ev_mode), (2, EvMode::Legacy));
        assert_eq!((config.exits.stop_loss, config.regime.warm_up), (Some(Fraction::new(0.1)), WarmUp::Medium));
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
