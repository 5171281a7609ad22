//! `q50 live` as a command, on a chain of this machine: what it decides and trades is what a replay of its own record does,
//! wherever it was killed.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an integration test, which says what it measured")]

mod util;

#[cfg(not(feature = "live"))]
#[test]
fn a_build_without_trading_says_how_to_get_one() {
    let line = "live --pool So11111111111111111111111111111111111111112 --capital 1 --out x";
    util::Workspace::new().refused(line, &["--features live"]);
}

#[cfg(feature = "live")]
#[path = "live_world/mod.rs"]
mod live_world;

#[cfg(feature = "live")]
mod live {
    use super::live_world::{BAR_MS, World};
    use super::util::{Workspace, bars_csv};
    use q50_datasets::dataset::{Dataset, DatasetOptions};
    use q50_datasets::frame::{Frame, Wanted};
    use q50_research::monitor::{Execution, both_together};
    use q50_testing::real;
    use q50_trader::journal::{MonitorTest, OrderRow, State};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rusqlite::Connection;
    use serde_json::Value;
    use std::time::Duration;

    /// Long from the second bar to the fourth, and from the seventh on.
    const SIDES: [i8; 9] = [0, 1, 1, 1, 0, 0, 1, 1, 1];

    /// A difference and what it is cut into.
    const PARTS: [&str; 7] = ["difference", "state_drift", "size", "latency", "fees", "rounding", "unexplained"];

    #[test]
    fn a_dry_run_decides_and_simulates_and_sends_nothing() {
        let world = World::start(&SIDES);
        let before = world.lamports();
        let mut session = world.live("--dry-run");
        let decided: Vec<String> = (0..4).map(|_| session.next_bar(&world)["reason"].to_string()).collect();
        assert_eq!(decided, ["\"nothing_to_sell\"", "\"enter_long\"", "\"enter_long\"", "\"enter_long\""]);
        session.stop();
        let orders = world.journal("session").orders().unwrap();
        let states: Vec<_> = orders.iter().map(|order| (order.done.state, order.done.quoted_base.is_some())).collect();
        assert_eq!(states, [(State::Simulated, true); 3], "{orders:?}");
        assert_eq!(world.lamports(), before);
        // The wallet was locked by who traded with it before.
        let begun = world.space.listing("ledger/journals");
        assert!(begun.iter().all(|name| name.ends_with(".lock")), "nothing was begun, so nothing is left: {begun:?}");
    }

    #[test]
    fn a_file_decides_on_bars_of_its_own_length_what_its_replay_decides() {
        let world = World::start(&[]);
        let rule = "name: swing\ntimeframe: 1m\nentry_conditions: {long: [close < open]}\nexit_conditions: {long: [close > \
                    open]}\nstop_loss: {type: none}\ntake_profit: {type: none}\n";
        world.space.write("s.yaml", rule);
        let rest = "--capital 10 --out session --strategy s.yaml --set size=0.5 --set sizing.max_position=0.25 --paper";
        let line = world.line(rest).replace(" --interval 20s --signals signals.csv", "");
        let mut session = world.spawn(&line);
        for _ in 0..8 {
            // A minute is three of the world's bars.
            (0..3).for_each(|_| world.pass_a_bar());
            session.event("decided", || world.advance(1)).unwrap();
        }
        session.stop();
        let journal = world.journal("session");
        assert!(journal.decisions().unwrap().iter().all(|decision| decision.bar_ms % 60_000 == 0));
        let orders = journal.orders().unwrap();
        let sides: Vec<_> = orders.iter().map(|order| order.done.base.signum()).collect();
        assert!(
            orders.iter().all(|order| order.done.state == State::Filled) && sides.starts_with(&[1, -1]),
            "{orders:?}"
        );
        // 0.5 are asked for, and the cap leaves 2.5 of 10 SOL.
        assert!((2_400_000_000..=2_500_000_000).contains(&orders[0].done.quote.unsigned_abs()), "{orders:?}");
        let compared = world.space.json("compare session", 0);
        // Which minutes fall depends on the hour at which this runs: an order of the last has no next bar in the replay.
        let of = |part: &str, count: &str| compared[part][count].as_u64().unwrap();
        assert!(of("fills", "matched") >= 2, "{compared}");
        let judged = of("fills", "matched") + of("orders", "of_last_bar");
        assert_eq!((judged, of("fills", "backtest_only")), (sides.len() as u64, 0), "{compared}");
    }

    #[test]
    fn paper_is_filled_by_the_exact_arithmetic_and_sends_nothing() {
        let world = World::start(&SIDES);
        let before = world.lamports();
        let mut session = world.live("--paper");
        (0..6).for_each(|_| drop(session.next_bar(&world)));
        session.stop();
        let orders = world.journal("session").orders().unwrap();
        let sides: Vec<_> = orders.iter().map(|order| (order.done.state, order.done.base.signum())).collect();
        assert_eq!(sides, [(State::Filled, 1), (State::Filled, -1)]);
        assert_eq!(orders[0].done.base, -orders[1].done.base);
        assert_eq!(world.lamports(), before);
        // What each was filled on is known, so that a difference has parts.
        let compared = world.space.json("compare session", 0);
        for pair in compared["fills"]["pairs"].as_array().unwrap() {
            assert_eq!((&pair["parts"]["difference"], &pair["backtest"]), (&"0".into(), &pair["live"]), "{compared}");
        }
        assert_eq!(compared["fills"]["matched"], 2);
        let open = || Connection::open(world.space.path("session/session.sqlite")).unwrap();
        open().execute("UPDATE orders SET pool_base = pool_base + pool_base / 1000", []).unwrap();
        let parts = &world.space.json("compare session", 0)["fills"]["total"];
        assert!(parts["latency"] != "0" && parts["unexplained"] == "0", "{parts}");
    }

    #[test]
    fn a_session_that_was_killed_has_parity_and_a_fill_that_nothing_explains_has_none() {
        let world = World::start(&SIDES);
        let mut session = world.live("");
        session.wait_for(&world, 6);
        session.kill();
        let compared = world.space.json("compare session", 0);
        assert_eq!(compared["fills"]["matched"], 2, "{compared}");
        for part in PARTS {
            assert_eq!(compared["fills"]["total"][part], "0", "{part}: {compared}");
        }
        // Two fills that make up for each other are still two.
        let change = |sql: &str| {
            Connection::open(world.space.path("session/session.sqlite")).unwrap().execute_batch(sql).unwrap();
        };
        let of_each = |by: &str| format!("UPDATE orders SET quote = quote {by} 5000000 WHERE base");
        change(&format!("{} > 0; {} < 0;", of_each("-"), of_each("+")));
        let forged = world.space.json("compare session", 1);
        let pair = |number: usize| &forged["fills"]["pairs"][number]["parts"]["unexplained"];
        assert_eq!((pair(0), pair(1)), (&"-5000000".into(), &"5000000".into()), "{forged}");
        assert_eq!(forged["fills"]["total"]["unexplained"], "0");
        // Where nobody knows what the chain says, a fill that differs is not one that does not.
        std::fs::rename(world.space.path("session/collection.sqlite"), world.space.path("elsewhere")).unwrap();
        let lost = world.space.json("compare session", 1);
        assert_eq!((&lost["fills"]["not_split"], &lost["fills"]["pairs"][0]["parts"]), (&2.into(), &Value::Null));
        let told = world.space.q50("compare session").stdout;
        assert!(told.contains("2 fills differ, and nothing says why"), "{told}");
        change(&format!("{} > 0; {} < 0;", of_each("+"), of_each("-")));
        assert_eq!(world.space.json("compare session", 0)["fills"]["not_split"], 0, "the same to the lamport");
        // Money is what follows from the orders, whatever the decisions say that it was.
        change("UPDATE decisions SET account = json_set(account, '$.equity', 20.0)");
        let forged = world.space.json("compare session", 1);
        assert_eq!(forged["unbooked"].as_array().unwrap().len(), 6, "{forged}");
        let told = world.space.q50("compare session").stdout;
        assert!(told.contains("the session's account is not what its orders make of its capital at 6 bars"), "{told}");
    }

    #[test]
    fn an_old_copy_of_a_session_is_refused_and_so_are_coins_and_signals_that_are_gone() {
        let world = World::start(&SIDES);
        let (kept, newest) = (world.space.path("session/session.sqlite"), world.space.path("newest"));
        let copy = |from: &std::path::Path, to: &std::path::Path| std::fs::copy(from, to).map(|_| ()).unwrap();
        let old = world.space.path("old");
        let mut session = world.live("");
        session.wait_for(&world, 1);
        session.stop();
        copy(&kept, &old);
        let mut session = world.live("");
        session.wait_for(&world, 3);
        session.stop();
        copy(&kept, &newest);
        let before = world.lamports();
        // The executor has filled what the copy knows nothing of.
        copy(&old, &kept);
        world.space.refused(&world.line(&world.rest("")), &["is filled in", "unknown in session.sqlite", "--out"]);
        copy(&newest, &kept);
        // What a bar was decided on is another value by now.
        world.rewrite_signals(&[1; 9]);
        world.space.refused(&world.line(&world.rest("")), &["has no row with side 0, which the bar of"]);
        world.rewrite_signals(&SIDES);
        assert_eq!(world.lamports(), before);
        world.trade("close");
        let (code, told) = world.live("").ended();
        assert!(
            code == 2 && told.contains("units of the coin, and the wallet 0: they were sold (q50 close)"),
            "{told}"
        );
    }

    #[test]
    fn a_backtest_that_was_asked_for_something_else_is_no_parity() {
        let world = World::start(&SIDES);
        let mut session = world.live("");
        session.wait_for(&world, 6);
        session.stop();
        world.compare("session", 0);
        let verify = |rest: &str| {
            let line = "verify --venue pumpswap --bars session --pool session --signals signals.csv --strategy side";
            assert_eq!(world.space.q50(&format!("{line} {rest} --latency-slots 0 --out other")).code, 0);
            world.space.json("compare other session --out page", 1)["asked"].clone()
        };
        let smaller = verify("--set size=0.25 --capital 10");
        assert_eq!(smaller[0], "strategy (size): 0.25 in the backtest, 0.5 live");
        assert_eq!(verify("--set size=0.5 --capital 20")[0], "capital: 20.0 in the backtest, 10.0 live");
        let page = std::fs::read_to_string(world.space.path("page/compare.html")).unwrap();
        assert!(page.contains("Asked for something else: capital"), "{page}");
    }

    #[test]
    fn a_wallet_trades_in_one_process_whatever_its_journal() {
        let world = World::start(&SIDES);
        let session = world.live("");
        let other = world.line("--strategy side --capital 1 --out other --journal other.sqlite");
        world.space.refused(&other, &["another process trades with this journal; end it first"]);
        session.stop();
    }

    #[test]
    fn what_is_traded_is_what_a_replay_of_the_record_trades() {
        let world = World::start(&SIDES);
        let mut session = world.live("");
        (0..SIDES.len()).for_each(|_| drop(session.next_bar(&world)));
        session.stop();
        let journal = world.journal("session");
        let states: Vec<State> = journal.orders().unwrap().iter().map(|order| order.done.state).collect();
        assert_eq!(states, [State::Filled; 3]);
        world.assert_equals_its_replay("session");
        let compared = world.compare("session", 0);
        assert_eq!((&compared["parity"], &compared["decisions"]["differing"]), (&true.into(), &0.into()), "{compared}");
        assert_eq!(
            (&compared["fills"]["matched"], &compared["orders"]["filled"]),
            (&3.into(), &3.into()),
            "{compared}"
        );
        for part in PARTS {
            assert_eq!(compared["fills"]["total"][part], "0", "{part}: {compared}");
        }
        assert_eq!(compared["money"]["live_return"], compared["money"]["backtest_return"]);
        assert_eq!(world.space.q50("compare replay session --out compared").code, 0);
        let page = std::fs::read_to_string(world.space.path("compared/compare.html")).unwrap();
        assert!(page.contains("They did the same") && page.contains("<svg") && page.contains("Where fills differ"));
        let files =
            ["compare.html", "compare.json", "equity.parquet", "fills.parquet", "latency.parquet", "orders.parquet"];
        assert_eq!(world.space.listing("compared"), files);
        let read = |file: &str, numbers: &[&'static str]| {
            let wanted = Wanted { numbers: numbers.to_vec(), ..Wanted::default() };
            Frame::read(&world.space.path("compared").join(file), &wanted).unwrap()
        };
        let orders = journal.orders().unwrap();
        let quotes: Vec<f64> = orders.iter().map(|order| order.done.quote.unsigned_abs() as f64).collect();
        let fills = read("fills.parquet", &["live_quote", "replayed_quote", "difference", "unexplained"]);
        assert_eq!(
            (fills.number("live_quote").unwrap(), fills.number("replayed_quote").unwrap()),
            (&quotes[..], &quotes[..])
        );
        assert_eq!(
            (fills.number("difference").unwrap(), fills.number("unexplained").unwrap()),
            (&[0.0; 3][..], &[0.0; 3][..])
        );
        let stages = ["signal_ms", "decision_ms", "quote_ms", "sign_ms", "send_ms", "confirm_ms"];
        let latency = read("latency.parquet", &stages);
        for stage in stages {
            assert!(latency.number(stage).unwrap().iter().all(|ms| (0.0..60_000.0).contains(ms)), "{stage}");
            assert_eq!(
                compared["latency"][stage]["n"].as_u64().unwrap(),
                if stage.starts_with("signal") || stage.starts_with("decision") { SIDES.len() as u64 } else { 3 }
            );
        }
        let equity = read("equity.parquet", &["live", "replayed"]);
        assert_eq!(equity.number("live"), equity.number("replayed"));
    }

    #[test]
    fn where_the_price_moves_before_an_order_lands_every_lamport_of_the_difference_is_explained() {
        let world = World::with_faults(&SIDES, "[[fault]]\nkind = \"price-moves\"\nbps = 40\n");
        let mut session = world.live("");
        (0..SIDES.len()).for_each(|_| drop(session.next_bar(&world)));
        session.stop();
        let compared = world.compare("session", 0);
        let pairs = compared["fills"]["pairs"].as_array().unwrap();
        assert_eq!(pairs.len(), 3, "{compared}");
        for pair in pairs {
            let part = |name: &str| pair["parts"][name].as_str().unwrap().parse::<i64>().unwrap();
            let sum: i64 = PARTS[1..].iter().map(|name| part(name)).sum();
            assert_eq!(part("difference"), sum, "{pair}");
            assert_eq!((part("unexplained"), part("state_drift")), (0, 0), "{pair}");
            assert!(part("latency") != 0 && part("rounding").abs() <= 5, "{pair}");
        }
        // A buy into a price that rose brings less; the coins that follow are sold for more.
        let latency = |number: usize| pairs[number]["parts"]["latency"].as_str().unwrap().parse::<i64>().unwrap();
        assert!(latency(0) < 0 && latency(1) > 0, "{compared}");
        let slippage = compared["slippage"]["worst"].as_f64().unwrap();
        assert!((0.003..0.005).contains(&slippage), "{slippage}");
    }

    #[test]
    fn an_order_that_an_outage_made_impossible_breaks_parity_and_is_named() {
        let world = World::start(&SIDES);
        let mut session = world.live("");
        drop(session.next_bar(&world));
        session.kill();
        (0..2).for_each(|_| world.pass_a_bar());
        let mut session = world.live("");
        session.wait_for(&world, SIDES.len());
        session.stop();
        let compared = world.compare("session", 1);
        assert_eq!(compared["orders"]["unfilled"][0]["state"], "missed", "{compared}");
        assert!(compared["decisions"]["differing"].as_u64().unwrap() > 0, "{compared}");
        world.space.refused("compare session session", &["is no backtest that q50 verify wrote"]);
        world.space.refused("compare replay replay", &["is no session that q50 live kept"]);
    }

    #[test]
    fn a_position_that_meets_its_stop_between_bars_is_sold_there() {
        for mode in ["", "--paper"] {
            let world = World::start(&SIDES);
            let mut session = world.live(&format!("--stop-loss 0.05 {mode}"));
            (0..2).for_each(|_| drop(session.next_bar(&world)));
            world.fall(1_500);
            // Slowly, so that the sale is over before the bar is.
            let slowly = || {
                std::thread::sleep(Duration::from_millis(100));
                world.advance(1);
            };
            while !session.event("done", slowly).unwrap()["key"].as_str().unwrap().contains("exit") {}
            let decided = session.next_bar(&world);
            assert_eq!((&decided["reason"], &decided["position"]), (&"enter_long".into(), &"0".into()), "{decided}");
            session.stop();
            let orders = world.journal("session").orders().unwrap();
            let told: Vec<_> = orders.iter().map(|order| (order.reason.as_str(), order.done.base.signum())).collect();
            assert_eq!(told, [("enter_long", 1), ("stop_loss", -1), ("enter_long", 1)]);
            // A replay of bars has no such fill: the monitor takes no note of it.
            let seen = world.journal("session").observations().unwrap();
            assert!(seen.iter().all(|seen| !seen.key.contains(" exit ")), "{seen:?}");
            assert!(mode.is_empty() || !seen.is_empty(), "on paper nothing is taken back");
            assert_eq!(orders[0].done.base, -orders[1].done.base);
        }
    }

    /// `Q50_KILLS` says at how many moments, 12 unless it is set.
    #[test]
    fn a_session_that_is_killed_at_random_moments_decides_and_trades_as_one_that_was_not() {
        let kills = std::env::var("Q50_KILLS").map_or(12, |text| text.parse().unwrap());
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let sides: Vec<i8> = (0..kills + 2).map(|_| rng.random_range(0..2)).collect();
        let world = World::start(&sides);
        // With both tests of the monitor.
        world.space.write("bars.csv", bars_csv(300));
        let verify = "verify --bars bars.csv --venue pumpswap --strategy threshold --signal-column q50 --capital 10 --out backtest";
        assert_eq!(world.space.q50(verify).code, 0);
        let line = "--limits limits.toml --backtest backtest";
        let mut session = world.live(line);
        for kill in 0..kills {
            // Before, while and after a bar is decided on and its order is given.
            let (slots, pause) = (rng.random_range(0..6), rng.random_range(0..150));
            session.kill_while_a_bar_closes(&world, slots, Duration::from_millis(pause));
            session = world.live(line);
            session.wait_for(&world, kill + 1);
        }
        session.wait_for(&world, sides.len());
        session.stop();
        let orders = world.journal("session").orders().unwrap();
        let unfilled: Vec<_> = orders.iter().filter(|order| order.done.state != State::Filled).collect();
        assert!(unfilled.iter().all(|order| order.done.why.is_some()), "each is named: {unfilled:?}");
        println!("{kills} kills, {} orders, {} of them not filled: {unfilled:?}", orders.len(), unfilled.len());
        // The monitor took note of each fill and each trade once, as if it had never been interrupted.
        let seen = world.journal("session").observations().unwrap();
        let of = |test: MonitorTest| seen.iter().filter(move |seen| seen.test == test);
        let mut undisturbed = Execution::alarming_at(both_together());
        for seen in of(MonitorTest::Execution) {
            undisturbed.observe(seen.value, 0.0025, 0.0125).unwrap();
            assert_eq!(seen.log_wealth, undisturbed.wealth().log_jumper(), "{seen:?}");
        }
        let (fills, trades) = (of(MonitorTest::Execution).count(), of(MonitorTest::Decay).count());
        println!("the monitor took note of {fills} fills and {trades} trades");
        let is_final = |order: &&OrderRow| order.done.state == State::Filled && order.done.is_final;
        assert_eq!(fills, orders.iter().filter(is_final).count(), "{seen:?}");
        assert!(trades + 1 >= fills / 2, "{seen:?}");
        world.assert_equals_its_replay("session");
    }

    #[test]
    fn bars_of_an_outage_are_decided_on_and_their_orders_are_named_as_missed() {
        let world = World::start(&SIDES);
        let mut session = world.live("");
        drop(session.next_bar(&world));
        session.kill();
        (0..3).for_each(|_| world.pass_a_bar());
        let mut session = world.live("");
        session.wait_for(&world, 5);
        session.stop();
        let journal = world.journal("session");
        let decisions = journal.decisions().unwrap();
        let gaps: Vec<i64> = decisions.windows(2).map(|pair| pair[1].bar_ms - pair[0].bar_ms).collect();
        assert!(gaps.iter().all(|gap| *gap == BAR_MS), "{gaps:?}");
        let orders = journal.orders().unwrap();
        let missed: Vec<_> = orders.iter().filter(|order| order.done.state == State::Missed).collect();
        assert!(!missed.is_empty() && missed[0].bar_ms == decisions[1].bar_ms, "{orders:?}");
        assert!(missed[0].done.why.as_ref().unwrap().contains("had closed before it could be given"));
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_and_nothing_is_sent() {
        let world = World::start(&SIDES);
        let before = world.lamports();
        let line = |rest: &str| world.line(&format!("--strategy side {rest} --out refused"));
        world.space.refused(&line("--capital 1e6"), &["the wallet", "fund it, or give less with --capital"]);
        let of_devnet = line("--capital 1 --dry-run").replace("--cluster localnet", "--cluster devnet");
        world.space.refused(&of_devnet, &["unknown chain", "nothing was sent"]);
        let both = "--capital 1 --modelled-bps 9000 --tolerance-bps 9000";
        world.space.refused(&line(both), &["are 18000 together"]);
        let nobody = format!("{} --rpc http://127.0.0.1:1/", line("--capital 1"));
        let rpc = nobody.find("--rpc").unwrap();
        let nobody = format!("{}{}", &nobody[..rpc], &nobody[nobody[rpc + 6..].find(' ').unwrap() + rpc + 6..]);
        world.space.refused(&nobody, &["q50 localnet starts one", "127.0.0.1:1: "]);
        world.space.refused(&line("--capital 1 --manifest nowhere.json"), &["--manifest (q50 promote makes one)"]);
        let without = line("--capital 1").replace("--signals signals.csv", "");
        world.space.refused(&without, &["--signals"]);
        assert!(world.space.listing("refused").is_empty());

        let line = world.line("--strategy side --capital 10 --out jump").replace("--interval 20s", "--interval 1s");
        let session = world.spawn(&line);
        world.advance(30_000);
        let (code, told) = session.ended();
        assert!(code == 2 && told.contains("the chain's clock went from"), "{code} {told}");

        let session = world.live("");
        world.rewrite_signals(&[1, 1]);
        let (code, told) = session.ended();
        assert_eq!(code, 2, "{told}");
        assert!(told.contains("changed what it said") || told.contains("goes backwards"), "{told}");
        // A dataset of something else is not replaced.
        std::fs::create_dir(world.space.path("market")).unwrap();
        world.space.write("market/bars.parquet", "somebody's");
        let there = world.line("--strategy side --capital 1 --paper --out market");
        world.space.refused(&there, &["there is a bars.parquet of something else; name another folder"]);
        // Whoever goes on with another strategy is another session, and leaves nothing in this one.
        world.rewrite_signals(&SIDES);
        let there = world.space.listing("session");
        std::fs::create_dir(world.space.path("backtest")).unwrap();
        for table in ["equity.parquet", "fills.parquet", "decisions.parquet"] {
            world.space.write(&format!("backtest/{table}"), "");
        }
        let other = world.line("--strategy side --capital 10 --set size=0.25 --out session --backtest backtest");
        world.space.refused(&other, &["was begun with strategy", "name another folder with --out"]);
        assert_eq!(world.space.listing("session"), there);
        assert_eq!(world.lamports(), before);
    }

    #[test]
    fn what_a_signal_file_does_not_have_is_computed_from_bars_as_in_a_replay() {
        let bars: i32 = 45;
        let path = (0..bars).map(|bar| 1.0 + 0.02 * (f64::from(bar) * 1.3).sin()).collect();
        let median = |bar: usize| if (bar / 4).is_multiple_of(2) { 0.02 } else { -0.02 };
        let line = |bar: usize| format!("{},{},{}", median(bar) - 0.01, median(bar), median(bar) + 0.01);
        let signals: Vec<(usize, String)> = (0..45).map(|bar| (bar, line(bar))).collect();
        let world = World::on_a_path(path, "--strategy q50", "q10,q50,q90", &signals);
        let mut session = world.live("--limits limits.toml");
        session.wait_for(&world, signals.len());
        session.stop();
        let compared = world.compare("session", 0);
        assert!(compared["fills"]["matched"].as_u64().unwrap() > 1, "{compared}");
        assert_eq!(compared["fills"]["total"]["difference"], "0", "{compared}");
    }

    /// Hours that are traded, and those before them from which regimes warm up.
    const HOURS: usize = 500;
    const WARM_UP: usize = 150;

    /// The hours in which a replay of the published signals acts most often, an hour a bar of 20 s, and those before them: the
    /// price at each close as a multiple of the first, names of the signals' columns, and their values.
    fn busiest_hours() -> (Vec<f64>, String, Vec<(usize, String)>) {
        let (bars, signals) = (real("claim/btcusdt_1h.parquet"), real("claim/q50_signals_v1_model_2024.parquet"));
        let data = Dataset::read(&bars, Some(&signals), &DatasetOptions::default()).unwrap();
        let (market, rows) = (data.market(), data.rows());
        let space = Workspace::new();
        let (bars, signals) = (bars.display(), signals.display());
        let line = format!("verify --bars {bars} --signals {signals} --venue pumpswap --capital 10 --out whole");
        assert_eq!(space.q50(&line).code, 0);
        let wanted = Wanted { time: true, numbers: vec!["acted"], ..Wanted::default() };
        let made = Frame::read(&space.path("whole/decisions.parquet"), &wanted).unwrap();
        let acted = made.number("acted").unwrap();
        let of_window = |start: usize| acted[start..start + HOURS].iter().sum::<f64>();
        let busiest = (WARM_UP..acted.len() - HOURS).max_by(|a, b| of_window(*a).total_cmp(&of_window(*b))).unwrap();
        let first = rows.start + busiest - WARM_UP;
        let window = first..first + WARM_UP + HOURS;
        let path = market.close[window.clone()].iter().map(|close| close / market.open[first]).collect();
        let columns: Vec<_> = market.signals.present().collect();
        let header: Vec<&str> = columns.iter().map(|(column, _)| column.name()).collect();
        let value = |value: f64| if value.is_nan() { String::new() } else { value.to_string() };
        let line = |row: usize| columns.iter().map(|(_, values)| value(values[row])).collect::<Vec<_>>().join(",");
        (path, header.join(","), window.map(|row| (row - first, line(row))).collect())
    }

    #[test]
    #[ignore = "reads Q50_TEST_DATA"]
    fn the_busiest_500_hours_of_the_published_signals_are_traded_as_their_replay_is() {
        let (path, header, signals) = busiest_hours();
        let bars = signals.len();
        let world = World::on_a_path(path, "", &header, &signals);
        let mut session = world.live("--limits limits.toml");
        session.wait_for(&world, bars);
        session.stop();
        let compared = world.compare("session", 0);
        println!("{compared:#}");
        assert_eq!(compared["decisions"]["compared"].as_u64().unwrap(), bars as u64);
        assert!(compared["fills"]["matched"].as_u64().unwrap() > 50, "{compared}");
        for part in PARTS {
            assert_eq!(compared["fills"]["total"][part], "0", "{part}: {compared}");
        }
    }

    /// Somebody moves the price before every order lands, and the replay's orders land 800 ms after their bars.
    #[test]
    #[ignore = "reads Q50_TEST_DATA"]
    fn the_busiest_500_hours_with_latency_and_a_moving_price_differ_by_parts_that_add_up() {
        let (path, header, signals) = busiest_hours();
        let bars = signals.len();
        let world = World::with_faults(&[], "[[fault]]\nkind = \"price-moves\"\nbps = 25\n");
        let world = world.with_path(path, "", &header, &signals);
        let mut session = world.live("--limits limits.toml");
        session.wait_for(&world, bars);
        session.stop();
        let compared = world.compare_with_latency("session", 2);
        println!("{compared:#}");
        let pairs = compared["fills"]["pairs"].as_array().unwrap();
        assert!(pairs.len() > 50, "{compared}");
        for pair in pairs {
            let part = |name: &str| pair["parts"][name].as_str().unwrap().parse::<i64>().unwrap();
            let sum: i64 = PARTS[1..].iter().map(|name| part(name)).sum();
            assert_eq!((part("difference"), part("unexplained")), (sum, 0), "{pair}");
        }
        assert_ne!(compared["fills"]["total"]["latency"], "0", "{compared}");
    }

    #[test]
    fn a_history_of_another_pool_or_interval_is_refused_and_that_of_the_same_is_what_the_chain_says() {
        let world = World::start(&SIDES);
        let mut session = world.live("");
        (0..3).for_each(|_| drop(session.next_bar(&world)));
        session.stop();
        std::fs::rename(world.space.path("session"), world.space.path("first")).unwrap();
        let line = world.line(&world.rest("--history first"));
        world.space.refused(&line.replace("--interval 20s", "--interval 10s"), &["is of bars of 20000 ms", "10000 ms"]);
        world.space.refused(
            &line.replace("--history first", "--history other"),
            &["--history", "expected the folder of a collection"],
        );
        std::fs::remove_dir_all(world.space.path("session")).unwrap();
        let mut session = world.live("--history first");
        session.wait_for(&world, 4);
        session.stop();
        let bars =
            |folder: &str| -> Vec<_> { world.journal(folder).bars().unwrap().iter().map(|row| row.bar).collect() };
        let (first, second) = (bars("first"), bars("session"));
        assert_eq!(first, second[..first.len()]);
        let id = |folder: &str| world.journal(folder).spec().unwrap().unwrap().0;
        assert_ne!(id("first"), id("session"), "two that are asked for the same are two");
        assert_eq!(world.compare("session", 0)["parity"], true);
    }
}
