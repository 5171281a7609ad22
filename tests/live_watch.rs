//! What watches `q50 live`, as a user sees it: the monitor's alarms, the status page, alerts.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[cfg(feature = "live")]
mod util;

#[cfg(feature = "live")]
#[path = "live_world/mod.rs"]
mod live_world;

#[cfg(feature = "live")]
mod live_watch {
    use super::live_world::{World, asked};
    use q50_datasets::frame::{Frame, Wanted};
    use q50_research::monitor::{Execution, both_together};
    use q50_trader::journal::{MonitorTest, State};
    use serde_json::{Value, json};
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    /// Long at every other bar.
    const SIDES: [i8; 16] = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1];

    #[test]
    fn fills_that_cost_more_than_modelled_end_the_opening_of_positions_also_across_a_kill() {
        let sides: Vec<i8> = (0..40).map(|bar| bar % 2).collect();
        let world = World::start(&sides);
        let line = "--limits limits.toml --tolerance-bps 10";
        let mut session = world.live(line);
        let mut alarms = Vec::new();
        for (bar, side) in sides.iter().enumerate() {
            // Always against us.
            world.move_before_an_order_lands(if *side == 1 { 80 } else { -80 });
            drop(session.next_bar(&world));
            if bar == 5 {
                session.kill();
                session = world.live(line);
            }
            alarms = world.journal("session").alarms().unwrap();
            if !alarms.is_empty() && bar % 2 == 1 {
                break;
            }
        }
        session.stop();
        assert!(alarms.len() == 1 && alarms[0].demoted && alarms[0].test == MonitorTest::Execution, "{alarms:?}");
        let journal = world.journal("session");
        let (orders, observations) = (journal.orders().unwrap(), journal.observations().unwrap());
        let mut undisturbed = Execution::alarming_at(both_together());
        for seen in &observations {
            // The bound is 100 basis points beyond what is tolerated.
            undisturbed.observe(seen.value, 0.001, 0.011).unwrap();
            assert!((0.006..0.010).contains(&seen.value), "{seen:?}");
            assert_eq!(seen.log_wealth, undisturbed.wealth().log_jumper(), "{seen:?}");
        }
        assert_eq!(undisturbed.wealth().alarm_at(), Some(alarms[0].observed));
        let last = orders.last().unwrap();
        let why = last.done.why.as_deref().unwrap_or_default();
        assert!(last.done.state == State::Refused && why.starts_with("the session is demoted: after"), "{last:?}");
        assert!(orders.iter().rev().skip(1).all(|order| order.done.state == State::Filled), "the way out stayed open");
        // It stays so.
        let mut session = world.live(line);
        (0..2).for_each(|_| drop(session.next_bar(&world)));
        session.stop();
        let journal = world.journal("session");
        assert_eq!(journal.orders().unwrap().last().unwrap().done.state, State::Refused);
        assert_eq!(journal.alarms().unwrap(), alarms);
    }

    #[test]
    fn trades_are_held_against_those_of_the_backtest_that_the_session_was_begun_with() {
        let world = World::start(&SIDES);
        let mut session = world.live("");
        session.wait_for(&world, 6);
        session.stop();
        let alone = world.compare("session", 0);
        assert_eq!((&alone["monitor"]["decay"], &alone["monitor"]["execution"]["mean"]), (&Value::Null, &0.0.into()));
        // The replay of the first session is the backtest of the second.
        std::fs::rename(world.space.path("session"), world.space.path("first")).unwrap();
        std::fs::rename(world.space.path("replay"), world.space.path("backtest")).unwrap();
        world.space.refused(
            &world.line("--strategy side --capital 10 --out session --backtest first"),
            &["--backtest first", "equity.parquet"],
        );
        std::fs::remove_dir_all(world.space.path("session")).unwrap();
        let mut session = world.live("--backtest backtest");
        session.wait_for(&world, 7);
        session.stop();
        assert_eq!(world.space.listing("session/promoted"), ["decisions.parquet", "equity.parquet", "fills.parquet"]);
        let seen = world.journal("session").observations().unwrap();
        let of = |test: MonitorTest| seen.iter().filter(|seen| seen.test == test).collect::<Vec<_>>();
        let (fills, trades) = (of(MonitorTest::Execution), of(MonitorTest::Decay));
        assert!(fills.len() >= 4 && trades.len() == fills.len() / 2, "{seen:?}");
        assert!(fills.iter().all(|seen| seen.value == 0.0), "without latency a fill is the replayed one: {seen:?}");
        let orders = world.journal("session").orders().unwrap();
        let lamports = |order: usize| orders[order].done.quote as f64 - orders[order].done.network_fee as f64;
        assert_eq!(trades[0].value, lamports(1) / -lamports(0) - 1.0, "{orders:?}");

        // The wallet had the coin's account already, so that the replay pays no deposit for it either.
        let alone = world.space.json("compare session", 0);
        for pair in alone["fills"]["pairs"].as_array().unwrap() {
            assert_eq!((&pair["parts"]["difference"], &pair["parts"]["size"]), (&"0".into(), &"0".into()), "{alone}");
        }
        let compared = world.compare("session", 0);
        let decay = &compared["monitor"]["decay"];
        assert_eq!((&decay["observed"], &decay["block"]), (&trades.len().into(), &1.into()), "{compared}");
        assert_eq!(world.space.q50("compare replay session --out compared").code, 0);
        let page = std::fs::read_to_string(world.space.path("compared/compare.html")).unwrap();
        assert!(
            page.contains("promoted, its last bars, ends at") && page.contains("alarm at 40 to 1"),
            "both pictures"
        );
        let wanted = Wanted { numbers: vec!["live", "promoted"], ..Wanted::default() };
        let equity = Frame::read(&world.space.path("compared/equity.parquet"), &wanted).unwrap();
        let promoted = equity.number("promoted").unwrap();
        assert!(promoted.iter().all(|value| value.is_nan()), "none of these bars is the backtest's: {promoted:?}");
        // What it is held against may not be lost.
        std::fs::remove_dir_all(world.space.path("session/promoted")).unwrap();
        world.space.refused(&world.line(&world.rest("--backtest nowhere")), &["--backtest nowhere"]);
        world.space.refused(&world.line(&world.rest("")), &["has lost `promoted`"]);
    }

    #[test]
    fn the_page_is_there_while_the_session_runs_and_for_this_machine_alone() {
        let world = World::start(&SIDES);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut session = world.live(&format!("--status {port}"));
        (0..4).for_each(|_| drop(session.next_bar(&world)));
        let host = format!("127.0.0.1:{port}");
        let answer = asked(port, "/status.json", &host);
        let status: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        let journal = world.journal("session");
        let last = journal.decisions().unwrap().pop().unwrap();
        assert_eq!((&status["decisions"], &status["orders"]["filled"]), (&4.into(), &3.into()), "{status}");
        assert_eq!(status["equity"], last.account.equity);
        let held: i64 = journal.orders().unwrap().iter().map(|order| order.done.base).sum();
        assert_eq!(status["position"], held.to_string());
        assert_eq!(status["last_orders"].as_array().unwrap().len(), 3);
        let page = asked(port, "/", &host);
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("no-store"), "{page}");
        for words in ["enter_long", "<svg", "http-equiv=\"refresh\""] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(asked(port, "/", "elsewhere.example").starts_with("HTTP/1.1 403"), "a name of somebody else");
        // A sale into a price that falls beyond its bound fails, which no test of the monitor sees: it is counted.
        world.move_before_an_order_lands(-300);
        drop(session.next_bar(&world));
        let answer = asked(port, "/status.json", &host);
        let status: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        let unwatched = json!({"beyond": 0, "windfalls": 0, "sent": 4, "unfilled": 1});
        assert_eq!(status["monitor"]["unwatched"], unwatched, "{status}");
        assert!(asked(port, "/", &host).contains("of those, failed or expired"));
        let taken = world.line(&format!("--strategy side --capital 10 --out other --paper --status {port}"));
        world.space.refused(&taken, &[&format!("--status {port}")]);
        session.stop();
    }

    #[test]
    fn an_alert_reaches_a_receiver_that_is_busy_and_no_secret_is_in_any_output() {
        let world = World::start(&SIDES);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (tell, heard) = channel();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = BufReader::new(stream.unwrap());
                let (mut head, mut length) = (String::new(), 0);
                while stream.read_line(&mut head).unwrap() > 2 {
                    let last = head.lines().last().unwrap().to_ascii_lowercase();
                    length = last.strip_prefix("content-length: ").map_or(length, |text| text.parse().unwrap());
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).unwrap();
                let status = if number == 0 { "429 Too Many Requests\r\nRetry-After: 1" } else { "200 OK" };
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
                let _ = tell.send((head, serde_json::from_slice::<Value>(&body).unwrap()));
            }
        });
        let token = world.space.write("token", "123456:the-secret\n");
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        let file = format!("[telegram]\nchat = '@desk'\napi = '{address}'\ntoken_file = 'token'\n");
        world.space.write("alerts.toml", file);
        let mut session = world.live("--alerts alerts.toml --bars 2 -vv");
        (0..2).for_each(|_| world.pass_a_bar());
        let ended = session.event("stopped", || world.advance(1)).unwrap();
        let (code, told) = session.ended();
        assert_eq!(code, 0, "{told}");
        assert!(!told.contains("secret") && !ended.to_string().contains("secret"), "{told}");
        let heard: Vec<(String, Value)> =
            std::iter::from_fn(|| heard.recv_timeout(Duration::from_secs(3)).ok()).collect();
        assert!(heard.len() >= 2 && heard[0].0.starts_with("POST /bot123456:the-secret/sendMessage"), "{heard:?}");
        let text = |at: usize| heard[at].1["text"].as_str().unwrap();
        assert!(text(0).contains("session: the session begins"), "{heard:?}");
        assert!(text(heard.len() - 1).contains("session: the session stopped after 2 decisions"), "{heard:?}");
        // What was not taken is offered again, alone or with what came of its kind meanwhile.
        assert!(heard[1].1 == heard[0].1 || text(1).contains("(the last of 2)"), "{heard:?}");
        std::fs::remove_file(world.space.path("token")).unwrap();
        world.space.refused(&world.line(&world.rest("--alerts alerts.toml")), &["--alerts", "token"]);
    }
}
