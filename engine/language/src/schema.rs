//! The JSON Schema of strategy files, for editors. It knows keys, types, words and bounds; only `Program::read` checks
//! relations between fields.

use q50_indicators::{Bounds, Catalog, Formula, Source};
use serde_json::{Map, Value, json};

use crate::{filters::DAYS, indicators::MOST_SHIFT, program::Timeframe};

/// JSON Schema (draft 2020-12) of a strategy with indicator types of `catalog`.
#[must_use]
pub fn schema(catalog: &Catalog) -> Value {
    let timeframe = json!({"enum": Timeframe::WORDS.map(|(word, _)| word)});
    let term = json!({"$ref": "#/$defs/term"});
    let group = |word: &str| {
        let terms = json!({"type": "array", "minItems": 1, "items": term});
        json!({"type": "object", "required": [word], "additionalProperties": false, "properties": {word: terms}})
    };
    let conditions = {
        let list = json!({"type": "array", "maxItems": 20, "items": term});
        object(&[], &json!({"long": list, "short": list}))
    };
    let (stop, target) = (json!({"$ref": "#/$defs/stop"}), json!({"$ref": "#/$defs/target"}));
    let off = object(&[], &json!({"enabled": {"const": false}}));
    let minutes = json!({"type": "integer", "minimum": 0, "maximum": 60, "default": 5});
    let time = json!({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"});
    let session = object(
        &["start", "end"],
        &json!({"start": time, "end": time, "timezone": {"type": "string", "default": "UTC"}}),
    );
    let funding = object(
        &[],
        &json!({"enabled": {"type": "boolean", "default": false}, "minutes_before": minutes, "minutes_after": minutes}),
    );
    let form = object(
        &["type"],
        &json!({
            "type": {"enum": ["int", "float"]}, "min": {"type": "number"}, "max": {"type": "number"},
            "step": {"type": "number", "exclusiveMinimum": 0}, "default": {"type": "number"},
            "description": {"type": "string"},
        }),
    );
    let mut schema = object(
        &["name", "timeframe", "entry_conditions", "stop_loss", "take_profit"],
        &json!({
            "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 100},
            "description": {"type": "string", "maxLength": 1000},
            "version": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1},
            "timeframe": timeframe,
            "additional_timeframes": {"type": "array", "uniqueItems": true, "items": timeframe},
            "indicators": {
                "type": "object", "maxProperties": 50,
                "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64},
                "additionalProperties": {"oneOf": catalog.iter().map(|formula| indicator(formula, &timeframe)).collect::<Vec<_>>()},
            },
            "entry_conditions": conditions,
            "exit_conditions": conditions,
            "time_filters": object(&[], &json!({
                "allowed_sessions": {"type": "array", "items": session},
                "blocked_days": {"type": "array", "items": {"enum": DAYS.map(|(word, _)| word)}},
                "avoid_around_funding": funding,
            })),
            "stop_loss": stop, "stop_loss_long": stop, "stop_loss_short": stop,
            "take_profit": target, "take_profit_long": target, "take_profit_short": target,
            "position_management": object(&[], &json!({
                "scale_in": off, "partial_exit": off, "reverse": {"type": "boolean", "default": false},
            })),
            "sweep": {"type": "object", "additionalProperties": {"type": "array", "minItems": 1, "items": {"type": "number"}}},
            "parameters_schema": {"type": "object", "additionalProperties": form},
        }),
    );
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("q50 strategy");
    schema["$defs"] = json!({
        "term": {"oneOf": [{"type": "string"}, group("any"), group("all")]},
        "stop": {"oneOf": [
            level("none", &[]),
            level("fixed_pct", &[("percent", 0.1, 50.0)]),
            level("atr_fixed", &[("atr_multiplier", 0.5, 10.0)]),
            level("atr_trailing", &[("atr_multiplier", 0.5, 10.0)]),
        ]},
        "target": {"oneOf": [
            level("none", &[]),
            level("fixed_pct", &[("percent", 0.1, 100.0)]),
            level("atr_fixed", &[("atr_multiplier", 0.5, 20.0)]),
            level("risk_reward", &[("risk_reward_ratio", 0.5, 10.0)]),
        ]},
    });
    schema
}

/// A mapping with these keys and no others.
fn object(required: &[&str], properties: &Value) -> Value {
    json!({"type": "object", "required": required, "additionalProperties": false, "properties": properties})
}

/// A stop or a target of the type `word`.
fn level(word: &str, numbers: &[(&str, f64, f64)]) -> Value {
    let mut properties = Map::from_iter([("type".to_owned(), json!({"const": word}))]);
    let mut required = vec!["type"];
    for (name, least, most) in numbers {
        required.push(name);
        properties.insert((*name).to_owned(), json!({"type": "number", "minimum": least, "maximum": most}));
    }
    if word.starts_with("atr") {
        required.push("indicator");
        properties.insert("indicator".to_owned(), json!({"type": "string"}));
    }
    object(&required, &Value::Object(properties))
}

fn indicator(formula: &dyn Formula, timeframe: &Value) -> Value {
    let sources: Vec<&str> = match formula.inputs().has_source() {
        true => Source::ALL.iter().map(|source| source.word()).collect(),
        false => vec![Source::Close.word()],
    };
    // Editors offer a constant; any other case is understood, too.
    let any_case: String = formula
        .name()
        .chars()
        .map(|letter| match letter.is_ascii_alphabetic() {
            true => format!("[{letter}{}]", letter.to_ascii_lowercase()),
            false => letter.to_string(),
        })
        .collect();
    let mut properties = Map::from_iter([
        (
            "type".to_owned(),
            json!({"type": "string", "description": formula.words(), "anyOf": [{"const": formula.name()}, {"pattern": format!("^{any_case}$")}]}),
        ),
        ("timeframe".to_owned(), timeframe.clone()),
        ("source".to_owned(), json!({"enum": sources, "default": "close"})),
        ("shift".to_owned(), json!({"type": "integer", "minimum": 0, "maximum": MOST_SHIFT, "default": 0})),
    ]);
    for field in formula.fields() {
        let value = match field.bounds {
            Bounds::Whole { default, least, most } => {
                json!({"type": "integer", "minimum": least, "maximum": most, "default": default})
            }
            Bounds::Number { default, least, most } => {
                json!({"type": "number", "minimum": least, "maximum": most, "default": default})
            }
            Bounds::Word(words) => json!({"enum": words, "default": words[0]}),
        };
        properties.insert(field.name.to_owned(), value);
    }
    object(&["type"], &Value::Object(properties))
}
