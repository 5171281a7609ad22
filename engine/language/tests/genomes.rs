//! Genomes and the strategy files that they are: both ways, and what is no genome.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only test functions")]

use q50_language::{
    Catalog, Code, Program,
    genome::{Decimal, Genome, other_form},
};
use q50_testing::real_json;
use serde_json::{Value, json};

/// Numbers by value: 20 is 20.0.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
        other => other.clone(),
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_pair_of_the_corpus_becomes_the_other_both_ways() {
    let pairs = real_json("dsl/genomes.json");
    let pairs = pairs.as_array().unwrap();
    assert_eq!(pairs.len(), 13);
    let program = |text: &str| Program::read(text, &Catalog::default()).unwrap();
    for pair in pairs {
        let (genome, file) = (pair["genome"].to_string(), pair["yaml"].as_str().unwrap());
        assert_eq!(program(&other_form(&genome).unwrap()), program(file));
        let back: Value = serde_json::from_str(&other_form(file).unwrap()).unwrap();
        assert_eq!(plain(&back), plain(&pair["genome"]));
    }
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn no_template_is_a_genome_and_each_is_refused_at_a_line_that_it_has() {
    for (name, text) in q50_language::TEMPLATES {
        let error = Genome::of_strategy(text).unwrap_err();
        assert!((1..=text.lines().count()).contains(&error.line), "{name}: {error}");
    }
}

const BOTH: &str = "name: two_sides
timeframe: 1h
indicators:
  willr_entry_0: {type: WILLR, period: 10}
  frama_ma_entry_0: {type: FRAMA, period: 16}
  bbands_exit_0: {type: BBANDS, period: 20, std_dev: 2.5}
entry_conditions:
  long:
    - willr_entry_0.value crosses_above -79.1234
    - close > frama_ma_entry_0
  short:
    - willr_entry_0.value crosses_below -20.8766
    - close < frama_ma_entry_0
exit_conditions:
  long:
    - bbands_exit_0.bandwidth >= 0.1
  short:
    - bbands_exit_0.bandwidth >= 0.1
time_filters: {\"blocked_days\":[\"Sunday\"]}
stop_loss: {type: fixed_pct, percent: 2.05}
take_profit: {type: fixed_pct, percent: 6}
stop_loss_short: {type: fixed_pct, percent: 1.5}
";

#[test]
fn a_file_is_its_genome_and_the_genome_is_the_file() {
    let genome = Genome::of_strategy(BOTH).unwrap();
    assert_eq!(genome.file(), BOTH);
    assert_eq!(Genome::read(&genome.json()).unwrap(), genome);
    assert_eq!(other_form(BOTH).unwrap(), genome.json());
    assert_eq!((genome.genes(), genome.stops.short), (3, Decimal::exactly(1.5)));
}

#[test]
fn what_no_genome_could_be_is_refused_at_its_line() {
    for (from, to, line, words) in [
        ("name: two_sides", "name: two_sides\nversion: 2", 2, "no `version`"),
        ("period: 10}", "period: 31}", 4, "from 5 to 30"),
        ("period: 10}", "period: 10, shift: 1}", 4, "no `shift`"),
        (", period: 10}", "}", 4, "`period` is missing"),
        ("type: WILLR", "type: willr", 4, "none of the indicators"),
        ("period: 16}", "period: 17}", 5, "period"),
        ("crosses_above -79.1234", "crosses_above -79.12345", 9, "from -80 to -20"),
        ("crosses_above -79.1234", "crosses_above -90", 9, "from -80 to -20"),
        ("willr_entry_0.value crosses_above", "willr_entry_0 crosses_above", 9, "names its output"),
        ("- close > frama_ma_entry_0", "- close >= frama_ma_entry_0", 10, "by one of"),
        ("- close > frama_ma_entry_0", "- open > frama_ma_entry_0", 10, "a gene is"),
        ("- close > frama_ma_entry_0", "- {any: [close > frama_ma_entry_0]}", 10, "one comparison"),
        ("crosses_below -20.8766", "crosses_below -20.8767", 12, "the mirror of long"),
        ("    - close < frama_ma_entry_0\n", "", 11, "the mirror of long"),
        ("type: fixed_pct, percent: 6", "type: none", 21, "fixed_pct"),
        ("percent: 6", "percent: 6.001", 21, "from 0.5 to 20"),
        ("percent: 6", "percent: 25", 21, "from 0.5 to 20"),
    ] {
        assert!(BOTH.contains(from), "{from}");
        let error = Genome::of_strategy(&BOTH.replacen(from, to, 1)).unwrap_err();
        assert!(error.line == line && error.message.contains(words), "{to}: {error}");
    }
    let renamed = BOTH.replace("willr_entry_0", "willr_entry_1");
    assert!(Genome::of_strategy(&renamed).unwrap_err().message.contains("`willr_entry_0`"));
}

#[test]
fn a_genome_that_is_none_is_refused_at_its_line() {
    let json = Genome::of_strategy(BOTH).unwrap().json();
    let fault = |from: &str, to: &str| {
        assert!(json.contains(from), "{from} in {json}");
        let changed = json.replacen(from, to, 1);
        let error = other_form(&changed).unwrap_err();
        let line = changed.lines().nth(error.line - 1).unwrap().trim().to_owned();
        (error.code, line)
    };
    assert_eq!(fault("\"both\"", "\"up\""), (Code::BadValue, "\"direction\": \"up\",".to_owned()));
    assert_eq!(fault("\"WILLR\"", "\"EMA\""), (Code::BadValue, "\"indicator\": \"EMA\",".to_owned()));
    assert_eq!(fault("-79.1234", "-79.12341"), (Code::OutOfRange, "\"threshold\": -79.12341".to_owned()));
    assert_eq!(fault("\"both\"", "\"long\""), (Code::Conflict, "\"stop_short_pct\": 1.5,".to_owned()));
    assert_eq!(fault("\"Sunday\"", "\"sunday\""), (Code::BadValue, "\"sunday\"".to_owned()));
    assert_eq!(fault("\"stop_pct\"", "\"stop\"").0, Code::UnknownKey);
    assert_eq!(other_form("name: nothing").unwrap_err().code, Code::MissingKey);
}
