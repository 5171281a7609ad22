//! Trading by command, on a localnet: what a trader does first, what he sees, and what a crash leaves.

#[cfg(feature = "live")]
mod trader;
mod util;

#[cfg(not(feature = "live"))]
#[test]
fn a_build_without_trading_says_how_to_get_one() {
    let space = util::Workspace::new();
    for line in ["chain pool So11111111111111111111111111111111111111112", "positions", "kill", "resume", "close"] {
        space.refused(line, &["built without Solana", "--features live"]);
    }
}

#[cfg(feature = "live")]
mod live {
    #![allow(clippy::unwrap_used, reason = "an integration test")]

    use super::trader::{Trader, integer};
    use serde_json::Value;
    use std::path::Path;
    use std::time::Duration;

    #[test]
    fn what_a_quote_says_a_dry_run_says_and_a_trade_brings() {
        let trader = Trader::start("");
        let pool = trader.json("chain pool MINT", 0);
        assert_eq!((&pool["base_reserve"], &pool["quote_vault"]), (&"206900000000000".into(), &"84990359078".into()));
        assert_eq!((&pool["doubts"], pool["creator_bps"].as_u64()), (&Value::Null, Some(95)));
        let quoted = trader.json("chain quote MINT --amount 0.5", 0);
        assert_eq!(
            (&quoted["instruction"], integer(&quoted["user_quote"])),
            (&"buy_exact_quote_in".into(), 500_000_000)
        );
        let planned = trader.json("chain buy MINT --amount 0.5 --dry-run", 0);
        assert_eq!((&planned["base"], &planned["limit"]), (&quoted["base"], &quoted["limit"]));
        assert!(trader.space.listing("ledger").is_empty(), "a dry run leaves nothing behind");

        let (lamports, _) = trader.holdings();
        let bought = trader.json("chain buy MINT --amount 0.5", 0);
        assert_eq!((&bought["state"], &bought["base"]), (&"filled".into(), &quoted["base"]));
        assert_eq!(integer(&bought["quote"]), -500_000_000);
        let positions = trader.space.json("positions", 0);
        let position = &positions["journals"][0]["positions"][0];
        assert_eq!((&position["base"], &position["mint"]), (&quoted["base"], &trader.mint().into()));
        assert_eq!(integer(&position["cost"]), 500_000_000 + integer(&bought["network_fee"]));

        let sold = trader.json("chain sell MINT --amount 1000", 0);
        assert_eq!(integer(&sold["base"]), -1_000_000_000);
        let (after, coins) = trader.holdings();
        assert_eq!(after - lamports, integer(&bought["lamports"]) + integer(&sold["lamports"]));
        assert_eq!(coins, integer(&bought["base"]) - 1_000_000_000);
    }

    #[test]
    fn the_switch_stops_orders_and_leaves_the_way_out_open() {
        let trader = Trader::start("");
        trader.json("chain buy MINT --amount 0.1", 0);
        let killed = trader.space.words(&["kill", "--reason", "odd prices"]);
        assert_eq!(killed.code, 0, "{}", killed.stderr);
        let refused = trader.json("chain buy MINT --amount 0.1", 1);
        assert_eq!(refused["state"], "refused");
        assert!(refused["reason"].as_str().unwrap().contains("trading is switched off (odd prices)"), "{refused}");
        assert_eq!(trader.json("chain buy MINT --amount 0.1 --dry-run", 1)["state"], "refused");
        let closed = trader.json("close", 0);
        assert_eq!(closed["closed"][0]["state"], "filled", "{closed}");
        let positions = trader.space.json("positions", 0);
        assert_eq!(positions["journals"][0]["positions"][0]["base"], "0");
        assert_eq!(positions["journals"][0]["killed"]["reason"], "odd prices");
        assert_eq!(trader.space.q50("resume").code, 0);
        assert_eq!(trader.json("chain buy MINT --amount 0.1", 0)["state"], "filled");
    }

    #[test]
    fn a_journal_that_cannot_be_opened_keeps_no_other_from_being_switched_off() {
        let trader = Trader::start("");
        trader.json("chain buy MINT --amount 0.1", 0);
        trader.space.write("ledger/journals/000-old.sqlite", "not a database ".repeat(9));
        for line in ["kill", "positions"] {
            let outcome = trader.space.q50(line);
            assert_eq!(outcome.code, 2, "{}", outcome.stdout);
            assert!(outcome.stderr.contains("000-old.sqlite"), "{}", outcome.stderr);
            assert!(outcome.stdout.contains("trading is off"), "{}", outcome.stdout);
        }
        assert_eq!(trader.json("chain buy MINT --amount 0.1", 1)["state"], "refused");
    }

    #[test]
    fn a_kill_reaches_every_trader_of_the_data_directory() {
        let trader = Trader::start("");
        assert_eq!(trader.space.json("kill", 0)["all"], true, "also before anything was traded");
        let elsewhere = "chain buy MINT --amount 0.1 --journal mine.sqlite";
        for line in [elsewhere, &format!("{elsewhere} --dry-run")] {
            assert_eq!(trader.json(line, 1)["state"], "refused");
        }
        assert_eq!(trader.space.json("positions", 0)["switch"], "off");
        assert_eq!(trader.space.q50("resume").code, 0);
        assert_eq!(trader.json(elsewhere, 0)["state"], "filled");
        trader.json("chain buy MINT --amount 0.1", 0);

        // One journal alone, and what it does not switch on.
        assert_eq!(trader.space.q50("kill --journal mine.sqlite").code, 0);
        assert_eq!(trader.json(elsewhere, 1)["state"], "refused");
        assert_eq!(trader.json("chain buy MINT --amount 0.1", 0)["state"], "filled");
        trader.space.q50("kill");
        assert!(trader.space.q50("resume --journal mine.sqlite").stdout.contains("still off"));
        assert_eq!(trader.json(elsewhere, 1)["state"], "refused");

        // A file that says nothing is no permission, and the way out stays open.
        trader.space.write("ledger/trading-off.json", "");
        trader.space.refused(&trader.line(elsewhere), &["trading-off.json", "q50 resume"]);
        assert_eq!(trader.json("close", 0)["closed"][0]["state"], "filled");
        assert_eq!(trader.space.q50("resume").code, 0);
        trader.space.q50("resume --journal mine.sqlite");
        assert_eq!(trader.json(elsewhere, 0)["state"], "filled");
    }

    #[test]
    fn a_position_is_sold_when_its_level_is_met_also_after_the_watch_was_killed() {
        let trader = Trader::start("");
        let pool = trader.net.ready().pools[0].pool.clone();
        let move_price = |bps: i64| {
            let command = format!(r#"{{"do": "move-price", "pool": "{pool}", "bps": {bps}}}"#);
            trader.net.control(serde_json::from_str(&command).unwrap()).unwrap();
        };
        trader.space.refused(&trader.line("close MINT --stop-loss 0.1"), &["--watch"]);
        trader.space.refused(&trader.line("close MINT --watch --stop-loss 10"), &["--stop-loss", "below 1"]);
        for (levels, bps, fired) in [
            ("--stop-loss 0.2 --take-profit 0.5", -2_500, "stop_loss"),
            ("--stop-loss 0.2 --take-profit 0.5", 6_000, "take_profit"),
            ("--take-profit 0.5 --after 6s", 0, "timeout"),
        ] {
            trader.json("chain buy MINT --amount 0.1", 0);
            trader.space.refused(&trader.line("close MINT --watch"), &["--stop-loss, --take-profit or --after"]);
            // The first watch keeps the levels, sees nothing to do, and is killed.
            let mut child = trader.spawn(&trader.line(&format!("close MINT --watch {levels}")));
            let level = || trader.space.json("positions", 0)["journals"][0]["positions"][0]["levels"].clone();
            while level().is_null() {
                std::thread::sleep(Duration::from_millis(50));
            }
            child.kill().unwrap();
            child.wait().unwrap();
            if bps != 0 {
                move_price(bps);
            }
            // The first sale fails on the chain: the next look gives another one.
            trader.control(r#"{"do": "add-fault", "fault": {"kind": "fails", "times": 1}}"#);
            let closed = trader.json("close --watch", 0);
            assert_eq!(closed["closed"][0]["state"], "failed", "{closed}");
            let sale = &closed["closed"][1];
            assert_eq!((&sale["fired"], &sale["state"]), (&fired.into(), &"filled".into()), "{closed}");
            let position = &trader.space.json("positions", 0)["journals"][0]["positions"][0];
            assert_eq!((&position["base"], &position["levels"]), (&"0".into(), &Value::Null));
        }
    }

    #[test]
    fn what_is_left_is_sold_where_coins_were_moved_away() {
        let trader = Trader::start("");
        let bought = trader.json("chain buy MINT --amount 0.1", 0);
        trader.json("chain buy MINT --amount 0.1 --journal another.sqlite", 0);
        // Sold by another journal, as by hand in a wallet: the first one knows nothing of it.
        let away = integer(&bought["base"]) / 1_000_000 * 3 / 2;
        trader.json(&format!("chain sell MINT --amount {away} --journal another.sqlite"), 0);
        let (_, held) = trader.holdings();
        assert!(held < integer(&bought["base"]));
        let closed = trader.json("close MINT", 0);
        assert_eq!(integer(&closed["closed"][0]["base"]), -held, "{closed}");
    }

    #[test]
    fn a_key_is_carried_out_once() {
        let trader = Trader::start("");
        trader.json("chain buy MINT --amount 0.1 --key mine", 0);
        trader.space.refused(
            &trader.line("chain sell MINT --amount 5 --key mine"),
            &["the key `mine` stands for another order, 100000000 lamports spent on"],
        );
        let again = trader.json("chain buy MINT --amount 0.1 --key mine", 0);
        assert_eq!((&again["state"], &again["signature"]), (&"filled".into(), &Value::Null));
        assert_eq!(trader.space.json("positions", 0)["journals"][0]["positions"][0]["fills"], 1);
    }

    #[test]
    fn what_cannot_be_done_is_said_before_anything_is_written() {
        let trader = Trader::start("");
        let refused = |line: &str, needles: &[&str]| trader.space.refused(&trader.line(line), needles);
        refused("chain buy pump --amount 1", &["MINT", "`pump`"]);
        refused("chain buy MINT --amount 0", &["--amount", "a number above 0"]);
        refused("chain buy MINT --amount 1 --priority-cap ...", &["--priority-cap", "9 decimals"]);
        refused("chain buy MINT --amount 1.0000000001", &["--amount", "at most 9 decimals"]);
        refused("chain buy MINT --amount 1 --ws http://127.0.0.1:8900", &["--ws", "ws or wss"]);
        refused("chain pool So11111111111111111111111111111111111111112", &["pool", "has not graduated"]);
        let node = &trader.net.ready().rpc;
        let buy = format!("chain buy {} --amount 1", trader.mint());
        trader.space.refused(
            &format!("{buy} --cluster devnet --rpc {node}"),
            &["127.0.0.1", "unknown chain", "nothing was sent"],
        );
        trader.space.refused(&format!("{buy} --cluster pump"), &["--cluster", "`pump` is no cluster"]);
        let key = trader.space.write("key.json", "[1, 2, 3]");
        trader.space.refused(&format!("{buy} --rpc {node} --keypair {}", key.display()), &["key.json", "chmod 600"]);
        assert!(trader.space.listing("ledger").is_empty());
    }

    /// Everything in a folder and below it.
    fn contents(folder: &Path, found: &mut Vec<u8>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                contents(&path, found);
            } else {
                found.extend(std::fs::read(path).unwrap());
            }
        }
    }

    #[test]
    fn the_key_is_in_nothing_that_is_written_or_said() {
        let trader =
            Trader::start("[[fault]]\nkind = 'server-error'\nshare = 0.1\n[[fault]]\nkind = 'reset'\nshare = 0.1\n");
        let file = std::fs::read_to_string(&trader.net.ready().keypair).unwrap();
        let bytes: Vec<u8> = serde_json::from_str(&file).unwrap();
        let secret = &bytes[..32];
        // A node's address often holds a key of its own.
        let node = format!("{}/n0de-s3cret?api-key=n0de-s3cret", trader.net.ready().rpc);
        let mut found = Vec::new();
        for line in [
            "-vv chain buy MINT --amount 0.1",
            "-vv chain sell MINT --amount 10 --format json",
            "-vv chain buy MINT --amount 5000",
            "-vv chain quote MINT --amount 1",
            "-vv chain buy MINT --amount 1 --dry-run",
            "-vv close",
            "-vv close --rpc http://127.0.0.1:1/n0de-s3cret",
            "-vv close --rpc http://127.0.0.1:1/n0de-s3cret --cluster http://127.0.0.1:1/n0de-s3cret",
        ] {
            let line = line.replace("MINT", &trader.mint());
            let keypair = trader.net.ready().keypair.display();
            let outcome = trader.space.q50(&format!("{line} --rpc {node} --keypair {keypair}"));
            found.extend(outcome.stdout.into_bytes());
            found.extend(outcome.stderr.into_bytes());
        }
        found.extend(trader.space.q50("positions --format json").stdout.into_bytes());
        contents(&trader.space.path(""), &mut found);
        assert!(found.len() > 10_000);
        let text: String = secret.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        let spaced = text.replace(',', ", ");
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        // As wallets export it, and without its last letters, which the public half decides.
        let base58 = bs58::encode(&bytes).into_string();
        let forms =
            [secret, text.as_bytes(), spaced.as_bytes(), hex.as_bytes(), &base58.as_bytes()[..40], b"n0de-s3cret"];
        for form in forms {
            assert!(!found.windows(form.len()).any(|window| window == form), "{form:?} is there");
        }
    }
}
