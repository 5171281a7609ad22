//! Files as people have them are read, and what was read as what is said.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

use std::process::Command;

use util::Workspace;

const DAY: i64 = 86_400;
/// 2024-01-01.
const START: i64 = 1_704_067_200;
const BARS: i64 = 400;

/// Closing prices of a random walk to the cent.
fn closes() -> Vec<f64> {
    let mut state = 1_u64;
    let mut price = 100.0_f64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        price *= 1.0 + ((state >> 33) as f64 / f64::from(u32::MAX) - 0.25) * 0.08;
        (price * 100.0).round() / 100.0
    };
    (0..BARS).map(|_| next()).collect()
}

/// Bars under `header`, each as `row` writes its time, open, high, low and close.
fn table(header: &str, row: impl Fn(i64, [f64; 4]) -> String) -> String {
    let closes = closes();
    let mut text = header.to_owned();
    for (i, close) in closes.iter().enumerate() {
        let open = if i == 0 { 100.0 } else { closes[i - 1] };
        text += &row(START + i as i64 * DAY, [open, open.max(*close), open.min(*close), *close]);
        text.push('\n');
    }
    text
}

fn date(seconds: i64, separator: char) -> String {
    let text = q50_datasets::time::rfc3339(seconds * 1_000);
    text[..10].replace('-', &separator.to_string())
}

/// What `data check` says of a file: how it was read, and its bars.
fn read(w: &Workspace, name: &str, content: impl AsRef<[u8]>) -> String {
    w.write(name, content);
    let checked = w.json(&format!("data check {{dir}}/{name}"), 0);
    let table = &checked["tables"][0];
    assert_eq!((table["table"].as_str(), table["rows"].as_i64()), (Some("bars"), Some(BARS)), "{checked}");
    assert_eq!(table["from"], "2024-01-01T00:00:00Z", "{checked}");
    w.q50(&format!("data check {{dir}}/{name}")).stdout
}

#[test]
fn bars_are_read_as_yahoo_binance_metatrader_tradingview_and_pandas_write_them() {
    let w = Workspace::new();
    let yahoo = table("Date,Open,High,Low,Close,Adj Close,Volume\n", |t, [o, h, l, c]| {
        format!("{},{o},{h},{l},{c},{c},1000", date(t, '-'))
    });
    assert!(read(&w, "yahoo.csv", &yahoo).contains("yahoo.csv: CSV, times without a zone, taken as UTC"));

    let kline = |t: i64, [o, h, l, c]: [f64; 4]| {
        format!("{}000000,{o},{h},{l},{c},1.5,{}999999,150,20,1,100,0", t, t + DAY - 1)
    };
    let said = read(&w, "klines.csv", table("", kline));
    assert!(said.contains("no header, columns of Binance klines, epoch microseconds"), "{said}");
    let header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,\
                  taker_buy_quote_volume,ignore\n";
    assert!(!read(&w, "named.csv", table(header, kline)).contains("no header"));

    let metatrader = table("<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\r\n", |t, [o, h, l, c]| {
        format!("{}\t00:00:00\t{o}\t{h}\t{l}\t{c}\t7\r", date(t, '.'))
    });
    read(&w, "metatrader.csv", metatrader);
    let seconds = table("time,open,high,low,close\n", |t, [o, h, l, c]| format!("{t},{o},{h},{l},{c}"));
    assert!(read(&w, "tradingview.csv", &seconds).contains("epoch seconds"));
    let pandas = table("\u{feff};Open;High;Low;Close\n", |t, [o, h, l, c]| {
        format!("{} 00:00:00+00:00;{o};{h};{l};{c}", date(t, '-'))
    });
    assert!(read(&w, "pandas.csv", pandas).contains("times with their zone"));
}

#[test]
fn json_of_pandas_freqtrade_and_exchanges_is_the_table_that_csv_is() {
    let w = Workspace::new();
    w.write("bars.csv", table("ts_ms,open,high,low,close\n", |t, [o, h, l, c]| format!("{t}000,{o},{h},{l},{c}")));
    let lines = table("", |t, [o, h, l, c]| {
        format!(r#"{{"ts_ms":{t}000,"open":{o},"high":{h},"low":{l},"close":{c},"side":{}}}"#, t / DAY % 2)
    });
    let array = |rows: String| format!("[{}]", rows.trim_end().replace('\n', ","));
    let candles = array(table("", |t, [o, h, l, c]| format!(r#"[{t}000,"{o}","{h}","{l}","{c}","1.5"]"#)));
    assert!(read(&w, "lines.json", &lines).contains("lines.json: JSON"));
    read(&w, "records.json", array(lines));
    let said = read(&w, "candles.json", candles);
    assert!(said.contains("no names, columns of candles, epoch milliseconds"), "{said}");
    let run = |bars: &str| {
        let line = format!("verify --bars {{dir}}/{bars} --signals {{dir}}/lines.json --strategy side --absent hold");
        w.json(&format!("{line} --out {{dir}}/out"), 0)
    };
    let (csv, json) = (run("bars.csv"), run("records.json"));
    assert!(csv["replay"]["fills"].as_u64() > Some(300), "{}", csv["replay"]);
    assert_eq!(csv["replay"], json["replay"]);
    assert_eq!(run("candles.json")["replay"], json["replay"]);
}

#[test]
fn a_compressed_file_is_read_whatever_it_is_called() {
    let w = Workspace::new();
    let text = table("Date,Open,High,Low,Close\n", |t, [o, h, l, c]| format!("{},{o},{h},{l},{c}", date(t, '-')));
    w.write("bars.csv", text);
    assert!(Command::new("gzip").arg(w.path("bars.csv")).status().unwrap().success());
    let packed = std::fs::read(w.path("bars.csv.gz")).unwrap();
    assert!(read(&w, "bars.csv", packed).contains("bars.csv: CSV in gzip"));
}

#[test]
fn what_is_wrong_with_an_ordinary_file_is_named_with_its_place() {
    let w = Workspace::new();
    let row = |t: i64, [o, h, l, c]: [f64; 4]| format!("{};{o};{h};{l};{c};1", date(t, '-'));
    let text = table("Date;Open;High;Low;Close;side\n", row);
    w.write("commas.csv", text.replacen("100;", "100,0;", 1));
    w.refused(
        "verify --bars {dir}/commas.csv --strategy side",
        &["row 1, column `open`", "decimal point and no commas"],
    );

    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    w.write("backwards.csv", lines.join("\n"));
    w.refused("verify --bars {dir}/backwards.csv --strategy side", &["row 2", "sort the rows by time"]);
}

#[test]
fn a_side_of_one_and_minus_one_is_refused_until_it_is_said_what_minus_one_means() {
    let w = Workspace::new();
    let with = |name: &str, side: fn(i64) -> &'static str| {
        let row = move |t: i64, [o, h, l, c]: [f64; 4]| {
            format!("{},{o},{h},{l},{c},{}", date(t, '-'), side((t - START) / DAY))
        };
        w.write(name, table("Date,Open,High,Low,Close,side\n", row));
    };
    with("signs.csv", |day| if day % 4 < 2 { "1" } else { "-1" });
    let verify = "verify --bars {dir}/signs.csv --strategy side --out {dir}/out";
    w.refused(verify, &["signs.csv", "column `side`", "hardly ever be closed", "--side-minus-one short"]);
    let kept = w.json(&format!("{verify} --side-minus-one keep"), 0);
    assert_eq!((&kept["data"]["codes"][0]["keep"], &kept["replay"]["fills"]), (&200.into(), &1.into()));
    // Without leave to sell short a position of -1 is flat: there is a fill on every second day.
    let flat = w.json(&format!("{verify} --side-minus-one short"), 0);
    let codes = &flat["data"]["codes"][0];
    assert_eq!((&codes["column"], &codes["short"]), (&"position".into(), &200.into()));
    assert_eq!(flat["replay"]["fills"], 200);
    let short = w.q50(&format!("{verify} --side-minus-one short --set allow_short=true"));
    assert!(short.stdout.contains("position: 200 long, 200 short\n"), "{}", short.stdout);

    with("words.csv", |day| ["buy", "hold", "sell", "hold"][(day % 4) as usize]);
    let words = w.q50("verify --bars {dir}/words.csv --strategy side --out {dir}/out");
    assert!(words.stdout.contains("side: 100 long, 100 flat, 200 keep\n"), "{}\n{}", words.stdout, words.stderr);
}

#[test]
fn a_dated_file_of_returns_is_one_series() {
    let w = Workspace::new();
    let returns: String =
        (0..50).map(|i| format!("{},{}\n", date(START + i * DAY, '-'), (i % 7 - 3) as f64 / 100.0)).collect();
    let plain: String = (0..50).map(|i| format!("{}\n", (i % 7 - 3) as f64 / 100.0)).collect();
    w.write("plain.csv", plain);
    let expected = w.json("stats --returns {dir}/plain.csv --periods-per-year 365", 0);
    for (name, content) in [("named.csv", format!("Date,Strategy\n{returns}")), ("bare.csv", returns)] {
        w.write(name, content);
        assert_eq!(w.json(&format!("stats --returns {{dir}}/{name} --periods-per-year 365"), 0), expected, "{name}");
    }
}

#[test]
fn a_pasted_record_is_not_sound_and_its_place_is_named() {
    let w = Workspace::new();
    let closes = closes();
    let mut text = String::from("Date,Open,High,Low,Close,side\n");
    for i in 0..600 {
        // 100 bars, six times over, each time from where the last one ended.
        let close = closes[i % 100] * (closes[99] / closes[0]).powi(i as i32 / 100);
        text += &format!("{},{close},{close},{close},{close},{}\n", date(START + i as i64 * DAY, '-'), i % 2);
    }
    w.write("pasted.csv", text);
    let summary = w.json("verify --bars {dir}/pasted.csv --strategy side --out {dir}/out", 0);
    let check = &summary["checks"][0];
    assert_eq!((&check["name"], &check["state"]), (&"data_sound".into(), &"fail".into()));
    let found = &summary["data"]["artefacts"][0];
    assert!(found["kind"] == "repeated" && found["bars"].as_u64().unwrap() > 400, "{found}");
    assert!(found["first"].as_str().unwrap().starts_with("2024-04-27"), "{found}");
    let checked = w.q50("data check {dir}/pasted.csv");
    assert!(
        checked.code == 1 && checked.stdout.contains("repeat the changes of an earlier stretch"),
        "{}",
        checked.stdout
    );
}
