use maud::{Markup, html};
use serde_json::{Value, json};

use super::{
    format::{DASH, plain},
    pool,
};
use crate::claim::Verification;

/// Everything that decided the run, with its hashes, one row a value.
pub(super) fn table(verification: &Verification) -> Markup {
    let rows = rows(verification);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Settings and hashes" {
            table.settings {
                thead { tr { th scope="col" { "Setting" } th scope="col" { "Value" } } }
                tbody {
                    @for (path, value) in &rows {
                        tr { th scope="row" { code { (breakable(path)) } } td { (value) } }
                    }
                }
            }
        }
    }
}

/// A path that a narrow column may break after each of its names, not within them.
fn breakable(path: &str) -> Markup {
    html! { @for name in path.split_inclusive(['.', '_']) { (name) wbr; } }
}

fn rows(verification: &Verification) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let parts = [
        ("schema", json!(verification.schema)),
        ("run_id", json!(verification.run_id)),
        ("program", json!(concat!("q50 ", env!("CARGO_PKG_VERSION")))),
        ("data", json!(verification.data)),
        ("claim", json!(verification.claim)),
        ("settings", verification.settings.clone()),
        ("inference.trials", json!(verification.inference.trials)),
        ("inference.trial_variance", json!(verification.inference.trial_variance)),
        ("inference.trial_variance_source", json!(verification.inference.trial_variance_source)),
        ("inference.mean_block", json!(verification.inference.mean_block)),
    ];
    for (name, value) in &parts {
        flatten(name, value, &mut rows);
    }
    for (path, value) in &mut rows {
        value.push_str(&unit(path, value, verification));
    }
    rows
}

/// The unit of an amount of money; nothing behind any other value.
fn unit(path: &str, value: &str, verification: &Verification) -> String {
    let Ok(value) = value.parse::<f64>() else { return String::new() };
    let name = path.rsplit('.').next().unwrap_or_default();
    match name {
        "capital" => format!(" {}", pool::unit(verification)),
        "depth" | "base_fee" | "priority_fee" | "rent" if pool::on_a_pool(verification) => {
            let unused = name == "depth" && !pool::depth_is_assumed(verification);
            let unused = if unused { "; not used, reserves are recorded" } else { "" };
            format!(" lamports ({} SOL{unused})", plain(pool::sol(value)))
        }
        _ => String::new(),
    }
}

/// Leaves of `value` as dotted paths below `path`, in the order of the file.
fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                flatten(&format!("{path}.{key}"), value, rows);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (index, value) in list.iter().enumerate() {
                flatten(&format!("{path}.{index}"), value, rows);
            }
        }
        leaf => rows.push((path.to_owned(), shown(leaf))),
    }
}

fn shown(leaf: &Value) -> String {
    match leaf {
        Value::Null => format!("{DASH} not set"),
        Value::String(text) if text.is_empty() => format!("{DASH} empty"),
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => format!("{DASH} none"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_settings_become_dotted_paths_and_what_is_missing_a_dash() {
        let mut rows = Vec::new();
        flatten("s", &json!({"a": {"b": 1.5, "c": null}, "d": ["x", true], "e": []}), &mut rows);
        let rows: Vec<String> = rows.into_iter().map(|(path, value)| format!("{path}={value}")).collect();
        assert_eq!(rows, ["s.a.b=1.5", "s.a.c=\u{2013} not set", "s.d.0=x", "s.d.1=true", "s.e=\u{2013} none"]);
    }
}
