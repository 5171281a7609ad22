//! One fault after the other, put into a file that has none.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use q50_engine::strategy::StrategyConfig;
use q50_language::{Catalog, Code, FileStrategy, Program};

const STRATEGY: &str = "\
name: s
timeframe: 1h
additional_timeframes: [4h]
indicators:
  rsi: {type: RSI}
  macd: {type: MACD, timeframe: 4h}
  atr: {type: ATR}
entry_conditions:
  long: [rsi < 30, macd > 0]
exit_conditions:
  long: [rsi > 70]
time_filters:
  blocked_days: [Sunday]
stop_loss: {type: atr_fixed, atr_multiplier: 2, indicator: atr}
take_profit: {type: risk_reward, risk_reward_ratio: 2}
position_management: {reverse: false}
sweep:
  rsi.period: [7, 14]
";

fn read(text: &str) -> Result<Program, (Code, usize)> {
    Program::read(text, &Catalog::default()).map_err(|error| (error.code, error.line))
}

#[test]
fn each_fault_has_its_code_at_its_line() {
    assert!(read(STRATEGY).is_ok(), "{:?}", Program::read(STRATEGY, &Catalog::default()));
    let name = "a".repeat(101);
    let days = "[Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday]";
    let conditions = format!("long: [{}]", ["rsi < 30"; 21].join(", "));
    let description = format!("name: s\ndescription: {}", "é".repeat(1001));
    let five_deep = "long: [all: [any: [all: [any: [all: [rsi < 30]]]]]]";
    let cases: &[(&str, &str, Code, usize)] = &[
        ("{type: RSI}", "{type: RSI", Code::YamlSyntax, 6),
        ("{type: RSI}", "&a {type: RSI}", Code::Alias, 5),
        ("  atr:", "  rsi:", Code::DuplicateKey, 7),
        ("name: s", "name: s\nleverage: 3", Code::UnknownKey, 2),
        ("reverse: false", "hedge: true", Code::UnknownKey, 16),
        ("type: risk_reward, ", "type: fixed_pct, percent: 3, ", Code::UnknownKey, 15),
        ("name: s\n", "", Code::MissingKey, 1),
        (", indicator: atr}", "}", Code::MissingKey, 14),
        ("rsi: {type: RSI}", "rsi: {period: 3}", Code::MissingKey, 5),
        ("  blocked_days: [Sunday]", "  allowed_sessions:\n    - {start: 08:00}", Code::MissingKey, 13),
        ("type: RSI", "type: 14", Code::BadType, 5),
        ("[rsi > 70]", "rsi > 70", Code::BadType, 11),
        ("[rsi > 70]", "", Code::BadType, 11),
        ("name: s", "name: s\nversion: 1.0", Code::BadType, 2),
        ("reverse: false", "reverse: no", Code::BadType, 16),
        ("timeframe: 1h", "timeframe: 3h", Code::BadValue, 2),
        ("[Sunday]", "[sunday]", Code::BadValue, 13),
        ("blocked_days: [Sunday]", "allowed_sessions: [{start: 8:00, end: 09:00}]", Code::BadValue, 13),
        (
            "blocked_days: [Sunday]",
            "allowed_sessions: [{start: 08:00, end: 09:00, timezone: Europe/Atlantis}]",
            Code::BadValue,
            13,
        ),
        ("name: s", &format!("name: {name}"), Code::BadName, 1),
        ("  atr:", "  any:", Code::BadName, 7),
        ("atr_multiplier: 2", "atr_multiplier: 0.4", Code::OutOfRange, 14),
        ("atr_multiplier: 2", "atr_multiplier: .nan", Code::OutOfRange, 14),
        ("{type: RSI}", "{type: RSI, shift: 101}", Code::OutOfRange, 5),
        ("name: s", &description, Code::OutOfRange, 2),
        ("long: [rsi < 30, macd > 0]", &conditions, Code::OutOfRange, 9),
        ("rsi < 30", "rsi < 1e999", Code::OutOfRange, 9),
        ("timeframe: 4h", "timeframe: 1d", Code::UnknownReference, 6),
        ("indicator: atr", "indicator: art", Code::UnknownReference, 14),
        ("macd > 0", "hlc3 > 0", Code::UnknownReference, 9),
        ("macd > 0", "macd.hist > 0", Code::UnknownOutput, 9),
        ("macd > 0", "signals.q51 > 0", Code::UnknownOutput, 9),
        ("macd > 0", "macd > macd.macd", Code::BadCondition, 9),
        ("macd > 0", "1 > 0", Code::BadCondition, 9),
        ("macd > 0", "rsi between 30 30", Code::BadCondition, 9),
        ("macd > 0", "MACD > 0", Code::BadCondition, 9),
        ("macd > 0", "any: []", Code::BadCondition, 9),
        ("long: [rsi < 30, macd > 0]", five_deep, Code::BadCondition, 9),
        ("  long: [rsi < 30, macd > 0]\nexit_conditions:\n  long: [rsi > 70]\n", "  long: []\n", Code::NoEntry, 8),
        ("type: MACD", "type: MACD, fast_period: 26", Code::Conflict, 6),
        ("type: RSI", "type: FRAMA, period: 15", Code::Conflict, 5),
        ("type: ATR", "type: ATR, source: high", Code::Conflict, 7),
        ("[4h]", "[1h]", Code::Conflict, 3),
        ("{type: atr_fixed, atr_multiplier: 2, indicator: atr}", "{type: none}", Code::Conflict, 15),
        ("  long: [rsi > 70]", "  short: [rsi > 70]", Code::Conflict, 11),
        ("position_management", "stop_loss_short: {type: none}\nposition_management", Code::Conflict, 16),
        ("[Sunday]", days, Code::Conflict, 13),
        ("reverse: false", "scale_in: {enabled: true}", Code::Unsupported, 16),
        ("rsi.period", "rsi.alpha", Code::SweepPath, 18),
        ("rsi.period", "macd.seeding", Code::SweepPath, 18),
        ("rsi.period", "entry_conditions.long[0].low", Code::SweepPath, 18),
        ("  rsi.period: [7, 14]", "  rsi.period: [7]\n  indicators.rsi.period: [8]", Code::SweepPath, 19),
        ("indicator: atr}", "indicator: atr}\nstop_loss_long: {type: fixed_pct, percent: 1}", Code::SweepPath, 19),
        ("[7, 14]", "[7, 1]", Code::SweepValue, 18),
        ("[7, 14]", "[7, 14.5]", Code::SweepValue, 18),
        ("[7, 14]", "[]", Code::SweepValue, 18),
    ];
    for (from, to, code, line) in cases {
        let mut text = STRATEGY.replacen(from, to, 1);
        assert_ne!(text, STRATEGY, "{from}");
        // An ATR that nothing uses any more cannot be swept.
        if to.starts_with("indicator: atr}\nstop_loss_long") {
            text = text.replace("rsi.period", "atr.period");
        }
        assert_eq!(read(&text), Err((*code, *line)), "{from} -> {to}");
    }
    let covered = |code: &Code| cases.iter().any(|(_, _, other, _)| other == code);
    assert!(Code::ALL.iter().all(covered), "{:?}", Code::ALL.iter().find(|code| !covered(code)));
}

#[test]
fn what_says_the_same_is_the_same_whatever_it_is_called() {
    let program = read(STRATEGY).unwrap();
    let other = STRATEGY
        .replace("name: s", "version: 7\nname: other\ndescription: words")
        .replace("rsi: {type: RSI}", "unused: {type: SMA}\n  strength: {period: 0xe, type: rsi}")
        .replace("rsi <", "strength.value <")
        .replace("rsi >", "strength >")
        .replace("rsi.period", "strength.period")
        .replace("70", "7.0e1");
    assert_eq!(read(&other).unwrap().canonical(), program.canonical());
    // A canonical form is a file, and its own canonical form.
    assert_eq!(read(&program.canonical()).unwrap().canonical(), program.canonical());
    assert_eq!(read(&program.understood()).unwrap().canonical(), program.canonical());
    for (from, to) in [("30", "30.5"), ("RSI}", "RSI, shift: 1}"), ("Sunday", "Monday"), ("atr_fixed", "atr_trailing")]
    {
        assert_ne!(read(&STRATEGY.replace(from, to)).unwrap().canonical(), program.canonical(), "{from}");
    }
}

#[test]
fn sets_that_break_a_rule_are_left_out_and_counted() {
    let sweep = "  macd.fast_period: [8, 30]\n  macd.slow_period: [20, 40]\n  rsi.period: [7, 14]\n";
    let text = STRATEGY.replace("  rsi.period: [7, 14]\n", sweep);
    let program = read(&text).unwrap();
    let extent = program.extent();
    // (8, 20), (8, 40) and (30, 40), each with two periods; (30, 20) is none.
    assert_eq!((extent.sets, extent.left_out), (6, 2));
    assert_eq!(extent.ends, Some((vec![8.0, 20.0, 7.0], vec![30.0, 40.0, 14.0])));
}

#[test]
fn a_sweep_whose_every_set_breaks_a_rule_is_refused() {
    let sweep = "  macd.fast_period: [30, 40]\n  macd.slow_period: [20]\n  rsi.period: [7, 14]\n";
    let error = Program::read(&STRATEGY.replace("  rsi.period: [7, 14]\n", sweep), &Catalog::default()).unwrap_err();
    assert_eq!((error.code, error.line), (Code::SweepValue, 17));
    assert!(error.message.contains("every set") && error.message.contains("`macd`"), "{}", error.message);
}

#[test]
fn what_people_write_in_other_languages_is_answered_with_how_it_is_said_here() {
    let message = |condition: &str| {
        let text = STRATEGY.replace("rsi < 30", &format!("\"{condition}\""));
        Program::read(&text, &Catalog::default()).unwrap_err().message
    };
    for (condition, hint) in [
        ("rsi == 30", "`>=`, `<=` or `between`"),
        ("close > rsi * 1.02", "no arithmetic"),
        ("rsi - 5 > 0", "no arithmetic"),
        ("rsi[1] < 30", "`shift`"),
        ("rsi < 30 and macd > 0", "one below the other"),
        ("rsi < 30 or macd > 0", "`any: [..]`"),
        ("not rsi < 30", "`>=` for `<`"),
        ("RSI < 30", "small letters"),
        ("rsi\\u00a0< 30", "a plain space"),
        ("rsi < 30 %", "`%` has no meaning"),
    ] {
        let message = message(condition);
        assert!(message.contains(hint), "{condition}: {message}");
    }
    // A folded scalar of YAML ends with a line.
    let folded =
        STRATEGY.replace("  long: [rsi < 30, macd > 0]", "  long:\n    - >\n      rsi\n      < 30\n    - macd > 0");
    assert_eq!(read(&folded).unwrap().canonical(), read(STRATEGY).unwrap().canonical());
}

#[test]
fn an_indicator_called_like_a_section_has_paths_of_its_own() {
    let text = STRATEGY
        .replace("{type: RSI}", "{type: RSI}\n  stop_loss: {type: KC}")
        .replace("macd > 0", "macd > 0, close > stop_loss.upper");
    let strategy = StrategyConfig::new(FileStrategy::new(read(&text).unwrap()));
    let mut paths: Vec<String> = strategy.parameters().into_iter().map(|parameter| parameter.path.into()).collect();
    assert!(paths.contains(&"stop_loss.period".to_owned()), "{paths:?}");
    let both = ["indicators.stop_loss.atr_multiplier", "stop_loss.atr_multiplier"];
    assert!(both.iter().all(|path| paths.iter().any(|known| known == path)), "{paths:?}");
    let all = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), all, "no number twice");
    // And each leads to the number that it names.
    for path in both {
        let other = strategy.with_numbers(&[(path, 3.5)]).unwrap().parameters();
        let changed: Vec<String> = other
            .into_iter()
            .filter(|parameter| parameter.value == Some(3.5))
            .map(|parameter| parameter.path.into())
            .collect();
        assert_eq!(changed, [path]);
    }
}

#[test]
fn the_schema_has_every_type_with_its_bounds() {
    let schema = q50_language::schema(&Catalog::default());
    let types = schema["properties"]["indicators"]["additionalProperties"]["oneOf"].as_array().unwrap();
    assert_eq!(types.len(), 25);
    let named = |name: &str| types.iter().find(|kind| kind["properties"]["type"]["anyOf"][0]["const"] == name).unwrap();
    let deviations = &named("BBANDS")["properties"]["std_dev"];
    assert_eq!((deviations["minimum"].as_f64(), deviations["maximum"].as_f64()), (Some(0.1), Some(5.0)));
    assert_eq!(named("ATR")["properties"]["source"]["enum"], serde_json::json!(["close"]));
}
