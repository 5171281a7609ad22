//! `q50 data watch` as a command, against the API's shapes on this machine.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

#[cfg(not(feature = "watch"))]
#[test]
fn a_build_without_a_client_says_how_to_get_one() {
    util::Workspace::new().refused("data watch geckoterminal P --out x", &["--features watch"]);
}

#[cfg(feature = "watch")]
mod gecko_api;

#[cfg(feature = "watch")]
mod watching {
    use std::collections::BTreeMap;
    use std::process::{Command, Stdio};
    use std::time::{Duration, SystemTime};

    use super::gecko_api::{Bar, GeckoApi, World, pool, trade};
    use super::util::Workspace;
    use q50_datasets::Bars;
    use q50_datasets::frame::{Frame, Wanted};
    use q50_testing::{real, real_json};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use serde_json::Value;

    const POOL: &str = "7LSsEoJGhLeZzGvDofTdNg7M3JttxQqGWNLo6vWMpump";
    /// Requests a minute, so that a test is no matter of minutes: 20 a second.
    const FAST: u32 = 1_200;

    fn now() -> i64 {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().cast_signed()
    }

    /// Minutes before the newest one that has settled for long; every seventh has no trade, and a day in the middle has few.
    fn minutes(count: i64) -> BTreeMap<i64, Bar> {
        let end = (now() - 600) / 60 * 60;
        let openings = (0..count).map(|at| end - (count - at) * 60);
        let kept = openings.enumerate().filter(|(at, _)| at % 7 != 3 && (*at < 900 || *at > 2_200 || at % 400 == 0));
        kept.map(|(at, ts)| {
            let price = 1e-5 * (1.0 + at as f64 / 977.0);
            (ts, (ts, price, price * 1.1, price * 0.9, price * 1.01, 7.25 + at as f64))
        })
        .collect()
    }

    fn world(minutes: BTreeMap<i64, Bar>) -> World {
        let end = now() - 600;
        World {
            pools: vec![pool(POOL)],
            trades: (0..40).map(|number| trade(number, end + number as i64)).collect(),
            bars: [("minute/1".to_owned(), minutes)].into(),
            ..World::default()
        }
    }

    fn line(api: &GeckoApi, rest: &str) -> String {
        format!(
            "data watch geckoterminal {POOL} --out watch --url {} --per-minute {FAST} --timeframe 1m {rest}",
            api.url
        )
    }

    fn since(minutes: &BTreeMap<i64, Bar>) -> String {
        let first = *minutes.keys().next().unwrap();
        format!("--once --since {}", q50_datasets::time::rfc3339(first * 1_000))
    }

    /// Ingests what was recorded into `{dir}/out`.
    fn ingest(w: &Workspace) -> Value {
        w.json("data ingest geckoterminal watch/watch.sqlite --out out", 0)
    }

    /// What was ingested is what the API has: every bar in order, to the bit, and every trade.
    fn assert_equals_the_api(w: &Workspace, report: &Value, minutes: &BTreeMap<i64, Bar>, trades: u64) {
        let bars = Bars::read(&w.path(&format!("out/solana_{POOL}_1m.parquet"))).unwrap();
        let volume = bars.volume.as_ref().unwrap();
        let found: Vec<Bar> = (0..bars.len())
            .map(|at| {
                let ts = bars.open_time[at] / 1_000;
                (ts, bars.open[at], bars.high[at], bars.low[at], bars.close[at], volume[at])
            })
            .collect();
        assert!(found.iter().eq(minutes.values()), "{} bars of {}", found.len(), minutes.len());
        assert_eq!((&report["trades"], &report["repeated"]), (&trades.into(), &0.into()), "{report:#}");
        assert_eq!(report["conflicts"], Value::Array(Vec::new()));
    }

    #[test]
    fn what_the_api_has_is_recorded_once_whatever_fails_on_the_way() {
        let (w, minutes) = (Workspace::new(), minutes(3_500));
        let api = GeckoApi::start(World { fails_every: Some(2), ..world(minutes.clone()) });
        let once = line(&api, &since(&minutes));
        let tally = w.json(&once, 0);
        assert_eq!((&tally["bars"], &tally["trades"]), (&minutes.len().into(), &40.into()), "{tally}");
        assert_eq!((&tally["snapshots"], &tally["conflicts"], &tally["gaps"]), (&1.into(), &0.into(), &0.into()));
        // Pools, four windows of a thousand minutes, trades: each fails once at most.
        assert!(api.world().faults >= 4, "each kind of fault");
        assert_eq!(tally["failed"], api.world().faults);
        assert_eq!(api.violations(FAST), 0);
        let report = ingest(&w);
        assert_equals_the_api(&w, &report, &minutes, 40);
        // 2 SOL of 200 USD for 1,000 tokens: 0.4 a token, on purchases and sales.
        let wanted = Wanted { time: true, numbers: vec!["price_usd"], texts: vec!["side"], ..Wanted::default() };
        let trades = Frame::read(&w.path("out/trades.parquet"), &wanted).unwrap();
        assert!(trades.number("price_usd").unwrap().iter().all(|price| *price == 0.4));
        assert_eq!(trades.text("side").unwrap()[..2], ["buy", "sell"]);
        let wanted = Wanted {
            numbers: vec!["base_price_usd", "reserve_usd", "base_price_native", "sells_h24", "price_change_h1"],
            ..Wanted::default()
        };
        let pools = Frame::read(&w.path("out/pools.parquet"), &wanted).unwrap();
        let value = |name: &str| pools.number(name).unwrap()[0];
        assert_eq!((value("base_price_usd"), value("reserve_usd")), (5.666_732_842_182_773_7e-5, 94_447.963_914_053));
        assert!(value("base_price_native").is_nan() && value("sells_h24") == 3.0);
        assert!((value("price_change_h1") - 0.935_94).abs() < 1e-15);

        api.world().fails_every = None;
        let again = w.json(&once, 0);
        assert_eq!((&again["bars"], &again["trades"], &again["failed"]), (&0.into(), &0.into(), &0.into()), "{again}");
    }

    #[test]
    fn a_kill_loses_nothing_and_doubles_nothing() {
        let (w, minutes) = (Workspace::new(), minutes(9_000));
        let api = GeckoApi::start(World { fails_every: Some(9), ..world(minutes.clone()) });
        let once = line(&api, &since(&minutes));
        let mut rng = ChaCha8Rng::seed_from_u64(14);
        let mut killed = 0;
        for _ in 0..10 {
            let mut child = Command::new(env!("CARGO_BIN_EXE_q50"))
                .args(once.split_whitespace())
                .current_dir(w.path(""))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_millis(rng.random_range(50..600)));
            killed += u32::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(killed > 0, "every run had ended by itself");
        w.json(&once, 0);
        let report = ingest(&w);
        assert_equals_the_api(&w, &report, &minutes, 40);
        assert!(report["pool_rows"].as_u64().unwrap() >= 1);
    }

    #[test]
    fn a_bar_is_recorded_when_it_has_closed_and_never_changed_after() {
        let (w, mut minutes) = (Workspace::new(), minutes(50));
        let settled = minutes.clone();
        // The minute that is open, and one whose end has just passed.
        for ts in [now() / 60 * 60, now() / 60 * 60 - 60] {
            minutes.insert(ts, (ts, 1.0, 2.0, 0.5, 1.5, 10.0));
        }
        let api = GeckoApi::start(world(minutes.clone()));
        w.json(&line(&api, "--once"), 0);
        let report = ingest(&w);
        assert_equals_the_api(&w, &report, &settled, 40);

        let (ts, changed) = (*settled.keys().nth(5).unwrap(), 4.5);
        api.world().bars.get_mut("minute/1").unwrap().get_mut(&ts).unwrap().4 = changed;
        // A round that has something to ask for: the collection is told to begin anew where it ended.
        rusqlite::Connection::open(w.path("watch/watch.sqlite"))
            .unwrap()
            .execute("UPDATE collection_metadata SET reached = reached - 60", [])
            .unwrap();
        let outcome = w.q50(&line(&api, "--once --format json"));
        let tally: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!((&tally["conflicts"], &tally["bars"]), (&1.into(), &0.into()), "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("close_price of") && outcome.stderr.contains("and is 4.5"),
            "{}",
            outcome.stderr
        );
        let report = ingest(&w);
        let conflict = &report["conflicts"][0];
        assert_eq!((&conflict["column"], &conflict["other"]), (&"close".into(), &"4.5".into()), "{report:#}");
        let bars = Bars::read(&w.path(&format!("out/solana_{POOL}_1m.parquet"))).unwrap();
        assert_eq!(bars.close[5], settled[&ts].4, "the first value stays");
    }

    #[test]
    fn trades_that_nobody_saw_are_a_gap_with_its_times() {
        let (w, end) = (Workspace::new(), now() - 3_000);
        let api = GeckoApi::start(world(minutes(10)));
        let of = |numbers: std::ops::Range<usize>| numbers.map(|n| trade(n, end + n as i64)).collect::<Vec<_>>();
        api.world().trades = of(0..40);
        w.json(&line(&api, "--once"), 0);
        // 300 of 500 are to be had: 40 to 239 are lost.
        api.world().trades = of(0..540);
        let outcome = w.q50(&line(&api, "--once --format json"));
        let tally: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!((&tally["gaps"], &tally["trades"]), (&1.into(), &300.into()), "{}", outcome.stderr);
        for second in [end + 39, end + 240] {
            let time = q50_datasets::time::rfc3339(second * 1_000);
            assert!(outcome.stderr.contains(&time), "{time}: {}", outcome.stderr);
        }
        // The next round sees what it knows: no gap.
        api.world().trades = of(0..560);
        let tally = w.json(&line(&api, "--once"), 0);
        assert_eq!((&tally["gaps"], &tally["trades"]), (&0.into(), &20.into()));
    }

    #[test]
    fn thirty_requests_a_minute_are_not_exceeded() {
        let w = Workspace::new();
        let api = GeckoApi::start(world(minutes(10)));
        w.json(&format!("data watch geckoterminal {POOL} --out watch --url {} --once --timeframe 1m,1h", api.url), 0);
        let requests = api.world().arrivals.len();
        assert_eq!((requests, api.violations(30)), (4, 0));
    }

    #[test]
    fn what_cannot_be_watched_is_refused_with_the_reason() {
        let w = Workspace::new();
        let api = GeckoApi::start(world(minutes(10)));
        let other = format!("data watch geckoterminal Other --out watch --once --url {}", api.url);
        w.refused(&other, &["solana has no pool Other", "not of the token"]);
        w.refused(&format!("{other} --timeframe 2m"), &["2m"]);
        w.refused("data watch geckoterminal P --out watch --url gecko", &["--url `gecko`"]);
        w.write("other.txt", "no database");
        std::fs::create_dir(w.path("foreign")).unwrap();
        std::fs::rename(w.path("other.txt"), w.path("foreign/watch.sqlite")).unwrap();
        let foreign = line(&api, "--once").replace("--out watch", "--out foreign");
        w.refused(&foreign, &["foreign/watch.sqlite", "another folder"]);
        assert_eq!(std::fs::read_to_string(w.path("foreign/watch.sqlite")).unwrap(), "no database");
    }

    #[test]
    #[ignore = "reads Q50_TEST_DATA"]
    fn the_answers_of_the_api_become_the_rows_that_its_files_do() {
        let sample = |name: &str| real_json(&format!("ingest/geckoterminal/api_samples/{name}.json"));
        let pools = sample("get_top_pools_by_network")["data"].as_array().unwrap().clone();
        let list = sample("get_ohlcv_15m_compact")["data"]["attributes"]["ohlcv_list"].clone();
        let bars: Vec<Bar> = serde_json::from_value(list).unwrap();
        let address = pools[0]["attributes"]["address"].as_str().unwrap().to_owned();
        let api = GeckoApi::start(World {
            pools: pools.clone(),
            bars: [("minute/15".to_owned(), bars.iter().map(|bar| (bar.0, *bar)).collect())].into(),
            ..World::default()
        });
        let w = Workspace::new();
        let addresses: Vec<&str> = pools.iter().map(|pool| pool["attributes"]["address"].as_str().unwrap()).collect();
        let watched = format!(
            "data watch geckoterminal {} --network eth --timeframe 15m --once --out watch --url {} --per-minute {FAST}",
            addresses.join(" "),
            api.url
        );
        let tally = w.json(&watched, 0);
        assert_eq!(tally["snapshots"], pools.len());
        ingest(&w);
        let file = real("ingest/geckoterminal/api_samples/get_ohlcv_15m_compact.json");
        w.json(&format!("data ingest geckoterminal {} --out direct", file.display()), 0);
        let read = |path: String| Bars::read(&w.path(&path)).unwrap();
        let (watched, direct) =
            (read(format!("out/eth_{address}_15m.parquet")), read("direct/get_ohlcv_15m_compact_15m.parquet".into()));
        assert_eq!((watched.open_time, watched.close), (direct.open_time, direct.close));
        let file = real("ingest/geckoterminal/api_samples/get_top_pools_by_network.json");
        w.json(&format!("data ingest geckoterminal {} --out direct", file.display()), 0);
        let names = ["reserve_usd", "base_price_usd", "fdv_usd", "created_ms", "volume_usd_h24", "buys_h1"];
        let wanted = Wanted { numbers: names.to_vec(), texts: vec!["pool_id", "dex_id"], ..Wanted::default() };
        let [watched, direct] =
            ["out", "direct"].map(|folder| Frame::read(&w.path(&format!("{folder}/pools.parquet")), &wanted).unwrap());
        assert_eq!(watched.text("pool_id"), direct.text("pool_id"));
        assert_eq!(watched.text("dex_id"), direct.text("dex_id"));
        for name in names {
            let bits = |frame: &Frame| frame.number(name).unwrap().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&watched), bits(&direct), "{name}");
        }
    }
}
