//! Quotes, accounts and recorded swaps of PumpSwap as a user sees them.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use std::collections::HashMap;

use q50_testing::{real, real_json};
use serde_json::{Map, Value, json};
use util::Workspace;

/// A file of the chain's record.
fn vectors(name: &str) -> Value {
    real_json(&format!("chain/{name}"))
}

fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

/// Answers requests, none of which may be malformed.
fn quotes(requests: &[Value]) -> Vec<Value> {
    let w = Workspace::new();
    w.write("in.jsonl", lines(requests));
    let outcome = w.q50("pool quote --batch {dir}/in.jsonl");
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    let answers: Vec<Value> = outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), requests.len());
    answers
}

/// The fields of `row` that belong to a request.
fn request(row: &Value, op: &str, fields: &[&str]) -> Value {
    let mut request = Map::from_iter([("op".to_owned(), json!(op))]);
    for key in fields {
        request.insert((*key).to_owned(), row[*key].clone());
    }
    Value::Object(request)
}

fn integer(value: &Value) -> i128 {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).parse().unwrap()
}

fn simple(op: &str, amount: &str) -> Value {
    json!({"op": op, "amount": amount, "base_reserve": "10000", "quote_vault": "10000", "supply": "10000"})
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_execution_of_the_compiled_program_is_quoted() {
    let file = vectors("program_vectors.json");
    let rows = file["rows"].as_array().unwrap();
    let fields = [
        "amount",
        "limit",
        "base_reserve",
        "quote_vault",
        "virtual_quote",
        "supply",
        "canonical",
        "has_coin_creator",
        "mayhem",
        "cashback",
        "pool_creator_fee_bps",
        "creator_fee_configurable",
        "buyback_bps",
        "protocol_fees_bucket",
        "creator_fees_bucket",
    ];
    let requests: Vec<Value> = rows.iter().map(|row| request(row, row["ix"].as_str().unwrap(), &fields)).collect();
    for (row, answer) in rows.iter().zip(quotes(&requests)) {
        let answer = |key: &str| integer(&answer[key]);
        if row["error"] == 6053 {
            // Refused for an account that the recorder passed, which is no matter of amounts: no creator is paid.
            assert_eq!((answer("creator_fee"), answer("cashback")), (0, 0), "{row}");
        } else if !row["error"].is_null() {
            assert_eq!(i128::from(row["error"].as_i64().unwrap()), answer("error"), "{row}");
        } else {
            let (event, delta) = (|key: &str| integer(&row["event"][key]), |key: &str| integer(&row["delta"][key]));
            assert_eq!(delta("user_base").abs(), answer("base"), "{row}");
            assert_eq!(delta("user_quote").abs(), answer("user_quote"), "{row}");
            for (theirs, ours) in [
                ("lp_fee", "lp_fee"),
                ("protocol_fee", "protocol_fee"),
                ("coin_creator_fee", "creator_fee"),
                ("cashback", "cashback"),
                ("buyback_fee", "buyback_fee"),
                ("lp_fee_basis_points", "lp_bps"),
                ("protocol_fee_basis_points", "protocol_bps"),
            ] {
                assert_eq!(event(theirs), answer(ours), "{ours} of {row}");
            }
            let printed = event("coin_creator_fee_basis_points") + event("cashback_fee_basis_points");
            let charged = if row["has_coin_creator"] == true { printed } else { 0 };
            assert_eq!(charged, answer("creator_bps"), "{row}");
            assert_eq!(integer(&row["base_reserve"]) + delta("pool_base"), answer("base_vault_after"), "{row}");
            assert_eq!(integer(&row["quote_vault"]) + delta("pool_quote"), answer("quote_vault_after"), "{row}");
        }
    }
    println!("{} of {} rows", requests.len(), rows.len());
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_quote_of_the_vendors_client_that_fits_is_quoted() {
    let file = vectors("sdk_quote_vectors.json");
    let operations =
        HashMap::from([("buyBaseInput", "buy"), ("buyQuoteInput", "buy_exact_quote_in"), ("sellBaseInput", "sell")]);
    let fields = ["amount", "base_reserve", "virtual_quote", "supply", "canonical", "has_coin_creator", "quote_mint"];
    let (mut rows, mut requests) = (vec![], vec![]);
    for row in file["swaps"].as_array().unwrap() {
        // Sizing a sell by its proceeds is no instruction; `audit swaps` has it.
        let Some(op) = operations.get(row["op"].as_str().unwrap()) else { continue };
        let mut line = request(row, op, &fields);
        line["quote_vault"] = row["quote_reserve"].clone();
        let name = row["fee_cfg"].as_str().unwrap();
        for key in ["mayhem", "pool_creator_fee_bps", "creator_fee_configurable"] {
            line[key] = row[key].clone();
        }
        line["fee_config"] = file["fee_configs"][name].clone();
        if line["fee_config"].is_null() {
            // The client's fallback, which knows no rate of the pool's own.
            let rates = json!(["20", "5", "5"]);
            line["fee_config"] = json!({"flat": rates, "fee_tiers": [["0", "20", "5", "5"]], "exotic": rates});
            line["creator_fee_configurable"] = json!(false);
        }
        rows.push(row);
        requests.push(line);
    }
    let (mut quoted, mut refused) = (0, 0);
    for (row, answer) in rows.iter().zip(quotes(&requests)) {
        let nothing = row["amount"] == "0" || row["out"]["base"] == "0";
        if row["fits_u64"] != true || nothing {
            assert!(answer["error"].is_u64(), "{answer}: {row}");
            refused += 1;
            continue;
        }
        for key in ["lp_bps", "protocol_bps", "creator_bps", "market_cap"] {
            assert_eq!(integer(&answer[key]), integer(&row[key]), "{key} of {row}");
        }
        for (theirs, ours) in [
            ("internalQuoteAmount", "raw_quote"),
            ("internalQuoteWithoutFees", "raw_quote"),
            ("internalQuoteAmountOut", "raw_quote"),
            ("uiQuote", "user_quote"),
            ("base", "base"),
        ] {
            if let Some(expected) = row["out"].get(theirs) {
                assert_eq!(integer(&answer[ours]), integer(expected), "{ours} of {row}");
            }
        }
        for key in ["lp_fee", "protocol_fee", "creator_fee"] {
            // In a spend the program charges before the last correction of the net amount: at most one unit more.
            let more = integer(&answer[key]) - integer(&row["out"][key]);
            assert!(more == 0 || (more == 1 && row["op"] == "buyQuoteInput"), "{key} of {row}: {answer}");
        }
        quoted += 1;
    }
    println!("{quoted} quotes and {refused} refusals of {} rows", rows.len());
    assert_eq!(quoted + refused, rows.len());
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_vector_file_passes_the_audit_whole_and_as_lines() {
    for (name, list, expected) in [
        ("program_vectors.json", "rows", (500, 417, 83)),
        ("sdk_quote_vectors.json", "swaps", (760, 688, 72)),
        ("recorded_swaps.json", "swaps", (14, 14, 0)),
    ] {
        let (file, folder) = (vectors(name), real("chain"));
        let w = Workspace::new();
        let counts = |audit: &Value| ["checked", "exact", "errors_matched"].map(|key| audit[key].as_u64().unwrap());
        let whole = w.json(&format!("audit swaps {}", folder.join(name).display()), 0);
        assert_eq!(counts(&whole), <[u64; 3]>::from(expected), "{name}");
        assert_eq!(whole["mismatches"], json!([]), "{name}");
        // A line does not know the fee configurations of its file.
        let mut records = file[list].as_array().unwrap().clone();
        for record in &mut records {
            let config = record["fee_cfg"].as_str().map(|name| file["fee_configs"][name].clone());
            if let Some(config) = config.filter(Value::is_object) {
                record["fee_config"] = config;
            }
        }
        w.write("lines.jsonl", lines(&records));
        assert_eq!(w.json("audit swaps {dir}/lines.jsonl", 0), whole, "{name}");
        w.write("array.json", Value::Array(records).to_string());
        assert_eq!(w.json("audit swaps {dir}/array.json", 0), whole, "{name}");
        println!("{name}: {:?}", counts(&whole));
    }
}

#[test]
fn an_answered_batch_passes_the_audit_and_one_changed_unit_does_not() {
    let requests = [simple("buy", "1000"), simple("sell_v2", "1000"), simple("buy", "10001")];
    let w = Workspace::new();
    let records: Vec<Value> = requests
        .iter()
        .zip(quotes(&requests))
        .map(|(request, answer)| {
            let mut record = request.clone();
            record["expected"] = answer;
            record
        })
        .collect();
    w.write("r.jsonl", lines(&records));
    let audit = w.json("audit swaps {dir}/r.jsonl", 0);
    assert_eq!(audit, json!({"checked": 3, "exact": 2, "errors_matched": 1, "mismatches": []}));

    let mut wrong = records.clone();
    wrong[1]["expected"]["lp_fee"] = json!("999");
    wrong[2]["expected"]["error"] = json!(6004);
    w.write("w.jsonl", lines(&wrong) + "nonsense\n");
    let audit = w.json("audit swaps {dir}/w.jsonl", 1);
    assert_eq!((&audit["checked"], &audit["exact"], &audit["errors_matched"]), (&json!(3), &json!(1), &json!(0)));
    let first = json!({"line": 2, "field": "lp_fee", "expected": "999", "got": "1"});
    let second =
        json!({"line": 3, "field": "error", "expected": "6004", "got": "6016 BuyMoreBaseAmountThanPoolReserves"});
    assert_eq!(audit["mismatches"], json!([first, second]));
    assert_eq!(audit["unreadable"][0]["line"], 4);
    let text = w.q50("audit swaps {dir}/w.jsonl");
    assert!(text.stdout.contains("recorded 999, computed 1"), "{}", text.stdout);
    assert!(text.stderr.contains("w.jsonl line 4: not JSON"), "{}", text.stderr);
}

#[test]
fn a_file_that_has_no_swaps_is_refused() {
    let w = Workspace::new();
    w.write("empty.jsonl", "\n");
    w.write("other.jsonl", "{\"weather\":\"fine\"}\n");
    w.write("parquet.jsonl", b"PAR1\0\0");
    w.refused("audit swaps {dir}/missing.jsonl", &["missing.jsonl"]);
    w.refused("audit swaps {dir}/empty.jsonl", &["empty.jsonl", "no records"]);
    w.refused("audit swaps {dir}/other.jsonl", &["line 1", "expected a request (`op`)"]);
    w.refused("audit swaps {dir}/parquet.jsonl", &["binary file"]);
}

#[test]
fn a_malformed_line_is_named_and_the_others_are_answered_in_order() {
    let w = Workspace::new();
    let mut beyond = simple("buy", "18446744073709551616");
    beyond["limit"] = json!("1");
    let text = [simple("buy", "1000").to_string(), "nonsense".into(), String::new(), beyond.to_string()].join("\n");
    w.write("in.jsonl", format!("{text}\n{}\n", simple("sell", "1000")));
    let outcome = w.q50("pool quote --batch {dir}/in.jsonl");
    assert_eq!(outcome.code, 1);
    let answers: Vec<Value> = outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // ⌈10,000 · 1,000 / 9,000⌉ and ⌊10,000 · 1,000 / 11,000⌋
    assert_eq!((&answers[0]["raw_quote"], &answers[3]["raw_quote"]), (&json!("1112"), &json!("909")));
    assert_eq!((&answers[1]["error"], &answers[1]["line"]), (&Value::Null, &json!(2)));
    assert_eq!(answers[2]["line"], 4);
    assert!(answers[2]["message"].as_str().unwrap().starts_with("`amount`: found \"18446744073709551616\""));
    assert!(outcome.stderr.contains("in.jsonl line 2:") && outcome.stderr.contains("in.jsonl line 4:"));
}

#[test]
fn what_the_program_refuses_is_its_error_and_no_failure_of_the_command() {
    let with = |key: &str, value: &str| {
        let mut request = simple("sell", "5");
        request[key] = json!(value);
        request
    };
    let requests = [
        with("base_reserve", "0"),
        with("virtual_quote", "-10001"),
        with("amount", "0"),
        simple("buy", "10001"),
        simple("buy", "10000"),
        json!({"op": "sell_v2", "amount": "5", "base_reserve": "9", "quote_vault": "9", "supply": "9", "cashback": true}),
    ];
    let names: Vec<Value> = quotes(&requests).iter().map(|answer| answer["name"].clone()).collect();
    assert_eq!(
        names,
        [
            "DivisionByZero",
            "Overflow",
            "ZeroBaseAmount",
            "BuyMoreBaseAmountThanPoolReserves",
            "DivisionByZero",
            "CashbackCoinNotSupported"
        ]
    );
}

#[test]
fn a_batch_is_read_from_stdin_and_written_whole_or_not_at_all() {
    let w = Workspace::new();
    let output = assert_cmd::Command::cargo_bin("q50")
        .unwrap()
        .args(["pool", "quote", "--batch", "-"])
        .write_stdin(lines(&[simple("buy", "1000")]))
        .output()
        .unwrap();
    assert!(output.status.success());
    w.write("in.jsonl", lines(&[simple("buy", "1000")]));
    assert_eq!(w.q50("pool quote --batch {dir}/in.jsonl --out {dir}/out.jsonl").code, 0);
    assert_eq!(std::fs::read(w.path("out.jsonl")).unwrap(), output.stdout);
    assert_eq!(w.listing(""), ["in.jsonl", "out.jsonl"]);

    w.write("array.json", "[{}]");
    w.refused("pool quote --batch {dir}/array.json --out {dir}/no.jsonl", &["array.json", "one object a line"]);
    w.refused("pool quote --batch {dir} --out {dir}/no.jsonl", &["this is a folder"]);
    w.refused("pool quote --batch {dir}/in.jsonl --out {dir}/none/no.jsonl", &["no.jsonl: cannot create it", "--out"]);
    w.refused("pool quote --batch {dir}/missing.jsonl", &["missing.jsonl"]);
    assert_eq!(w.listing(""), ["array.json", "in.jsonl", "out.jsonl"], "nothing is left behind");
}

/// `poolBaseTokenAccount` as `pool_base_token_account`.
fn snake(name: &str) -> String {
    name.chars().flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] }).collect()
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn every_account_dump_is_shown_as_the_vendors_client_decodes_it() {
    let (file, folder) = (vectors("accounts.json"), real("chain"));
    let w = Workspace::new();
    let path = folder.join("accounts.json");
    let rates = |value: &Value| json!([value["lpFeeBps"], value["protocolFeeBps"], value["creatorFeeBps"]]);
    let tier = |value: &Value| {
        let mut row = vec![value["marketCapLamportsThreshold"].clone()];
        row.extend(rates(&value["fees"]).as_array().unwrap().clone());
        Value::Array(row)
    };
    let accounts = file["accounts"].as_array().unwrap();
    for (number, account) in (1..).zip(accounts) {
        let shown = w.json(&format!("pool show {} --name {number}", path.display()), 0);
        assert_eq!((&shown["account"], &shown["len"]), (&account["type"], &account["len"]));
        for (key, expected) in account["decoded"].as_object().unwrap() {
            let (name, expected) = match key.as_str() {
                "flatFees" => ("flat".to_owned(), rates(expected)),
                "exoticFlatFees" => ("exotic".to_owned(), rates(expected)),
                "feeTiers" | "stableFeeTiers" => {
                    (snake(key), expected.as_array().unwrap().iter().map(tier).collect::<Value>())
                }
                _ => (snake(key), expected.clone()),
            };
            assert_eq!(shown[&name], expected, "{name} of account {number}");
        }
        if let Some(address) = account["check"].get("derived_pool") {
            assert_eq!(&shown["derived_address"], address);
        }
        // Alone in its file, and by its address.
        w.write("one.json", account.to_string());
        assert_eq!(w.json("pool show {dir}/one.json", 0), shown);
        if let Some(address) = account["address"].as_str() {
            assert_eq!(w.json(&format!("pool show {} --name {address}", path.display()), 0), shown);
        }
    }
    w.refused(&format!("pool show {}", path.display()), &["9 accounts", "--name", "GlobalConfig"]);
    w.refused(&format!("pool show {} --name Pool", path.display()), &["7 accounts are called `Pool`"]);
    w.refused(&format!("pool show {} --name x", path.display()), &["no account is called `x`"]);
    println!("{} accounts", accounts.len());
}

#[test]
fn an_account_that_is_no_pool_is_refused_with_what_was_found() {
    let w = Workspace::new();
    // A pool's first eight bytes and nothing else.
    w.write("short.json", r#"{"base64": "8ZptBBGxbbw="}"#);
    w.write("owner.json", r#"{"base64": "8ZptBBGxbbw=", "owner": "pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ"}"#);
    w.write("foreign.json", r#"{"base64": "AAAAAAAAAAA="}"#);
    w.write("none.json", r#"{"result": {"value": null}}"#);
    w.refused("pool show {dir}/short.json", &["short.json", "8 bytes, even its oldest form has 211", "cut"]);
    w.refused("pool show {dir}/owner.json", &["belongs to pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ"]);
    w.refused("pool show {dir}/foreign.json", &["none of Pool, GlobalConfig and FeeConfig"]);
    w.refused("pool show {dir}/none.json", &["there is no such account"]);
}

#[test]
#[ignore = "reads Q50_TEST_DATA"]
fn reserves_are_inferred_from_a_dense_tape_and_refused_from_a_broken_one() {
    let trades = real("pools/pool_trades.parquet");
    let w = Workspace::new();
    let dense = w.json(&format!("pool infer {} --pool FcgExnc1", trades.display()), 0);
    let number = |key: &str| dense[key].as_f64().unwrap();
    assert!((240.0..=260.0).contains(&number("sol")), "{dense}");
    assert!((20.0..=35.0).contains(&number("fee_bps")) && number("median_residual_bps") < 10.0, "{dense}");
    let broken = w.json(&format!("pool infer {} --pool 2Ausg8Sc", trades.display()), 1);
    assert!(broken["refused"].as_str().unwrap().contains("residual"), "{broken}");
}
