//! The executor against every fault of a localnet.

#![allow(clippy::unwrap_used, reason = "an integration test")]

mod net;

use net::Net;
use q50_engine::units::{Bps, Lamports};
use q50_executor::clock::Clock;
use q50_executor::compose;
use q50_executor::executor::{Executor, ExecutorError, Report, Settings};
use q50_executor::guards::{ExitReason, ExitRules, Limits};
use q50_executor::journal::{Journal, OrderState, Settlement};
use q50_executor::order::{Order, Size};
use q50_executor::plan::plan;
use q50_executor::rpc::{Account, Class, Client, Commitment, Node, token_amount};
use q50_executor::settlement::Unsettled;
use q50_pumpswap::chain::pda;
use q50_pumpswap::chain::programs::{SYSTEM, TOKEN, WSOL_MINT};
use q50_pumpswap::chain::token::{create_account, sync_native, transfer_lamports};
use std::time::Duration;

const SOL: u64 = 1_000_000_000;

fn spend(net: &Net, lamports: u64) -> Order {
    Order { mint: net.mint(0), size: Size::Spend(Lamports(lamports)), slippage: Bps(100) }
}

async fn filled(executor: &mut Executor<Client<net::Steps>, net::Steps>, key: &str, order: Order) -> Settlement {
    match executor.execute(key, order).await.unwrap() {
        Report::Settled { settlement: settlement @ Settlement::Filled { .. }, .. } => settlement,
        other => panic!("{key}: {other:?}"),
    }
}

/// Journal and chain are equal to the lamport.
async fn is_equal(net: &Net, before: i64, executor: &mut Executor<Client<net::Steps>, net::Steps>) {
    let change = net.lamports().await - before;
    executor.settle_all().await.unwrap();
    assert_eq!(change, executor.journal().lamports().unwrap());
    assert_eq!(executor.journal().pending().unwrap(), []);
}

#[tokio::test]
async fn what_fails_in_passing_is_asked_again_and_the_order_is_filled_once() {
    for faults in [
        "kind = 'rate-limited'\nretry_after_s = 2\nshare = 0.3",
        "kind = 'server-error'\nshare = 0.3",
        "kind = 'reset'\nexecutes = true\nshare = 0.3",
        "kind = 'reset'\nexecutes = false\nshare = 0.3",
        "kind = 'dropped'\ntimes = 3",
        "kind = 'expired'\ntimes = 2",
        "kind = 'stale'\nslots = 5\nshare = 0.5",
        "kind = 'timeout'\nms = 5\nexecutes = true\nshare = 0.3",
        "kind = 'timeout'\nms = 5\nexecutes = false\nshare = 0.3",
        "kind = 'fork'\nslots = 1\nmethods = ['getSignatureStatuses']\ntimes = 2",
        "kind = 'silent-websocket'",
    ] {
        let net = Net::start("", &format!("[[fault]]\n{faults}"));
        let mut executor = net.executor().await.unwrap();
        filled(&mut executor, "a", spend(&net, SOL)).await;
        net.control(r#"{"do": "clear-faults"}"#);
        executor.settle_all().await.unwrap();
        assert_eq!(executor.journal().trades().unwrap().len(), 1, "{faults}");
    }
}

#[tokio::test]
async fn a_node_that_is_gone_for_a_minute_is_waited_for() {
    // Two requests to connect, six to the send; then those fail that look and send, with waits that double up to eight seconds.
    let net = Net::start("", "[[fault]]\nkind = 'server-error'\nskip = 8\ntimes = 22");
    let mut executor = net.executor().await.unwrap();
    let before = net.clock.now();
    filled(&mut executor, "a", spend(&net, SOL)).await;
    let waited = net.clock.now().since(before).as_secs();
    assert!((40..90).contains(&waited), "{waited}");
    assert_eq!(executor.journal().trades().unwrap().len(), 1);
}

#[tokio::test]
async fn a_transaction_that_is_made_to_fail_costs_its_fee_and_nothing_else() {
    let net = Net::start("", "[[fault]]\nkind = 'fails'\ncode = 6004\ntimes = 1");
    let before = net.lamports().await;
    let mut executor = net.executor().await.unwrap();
    let report = executor.execute("a", spend(&net, SOL)).await.unwrap();
    let Report::Settled { settlement: Settlement::Failed { error, lamports, .. }, .. } = report else {
        panic!("{report:?}")
    };
    assert!(error.ends_with("custom program error: 0x1774"), "{error}");
    assert_eq!(lamports, -5_000);
    is_equal(&net, before, &mut executor).await;
}

#[tokio::test]
async fn a_price_that_moves_within_the_bound_is_taken_and_beyond_it_refused() {
    for (bps, fills) in [(50, true), (300, false)] {
        let net = Net::start("", &format!("[[fault]]\nkind = 'price-moves'\nbps = {bps}\ntimes = 1"));
        let before = net.lamports().await;
        let mut executor = net.executor().await.unwrap();
        let report = executor.execute("a", spend(&net, SOL)).await.unwrap();
        let Report::Settled { settlement, .. } = report else { panic!("{report:?}") };
        assert_eq!(matches!(settlement, Settlement::Filled { .. }), fills, "{bps}: {settlement:?}");
        is_equal(&net, before, &mut executor).await;
    }
}

#[tokio::test]
async fn a_transaction_that_is_hidden_stops_all_trading_until_the_node_tells() {
    let net = Net::start("", "[[fault]]\nkind = 'unconfirmed'\ntimes = 1");
    let before = net.lamports().await;
    let mut executor = net.executor().await.unwrap();
    let error = executor.execute("a", spend(&net, SOL)).await.unwrap_err();
    let ExecutorError::Unsettled { source, .. } = error else { panic!("{error}") };
    assert!(matches!(*source, Unsettled::Hidden { expected: 0, .. }), "{source}");
    assert!(executor.execute("b", spend(&net, SOL)).await.is_err());
    drop(executor);
    net.control(r#"{"do": "reveal"}"#);
    let mut executor = net.executor().await.unwrap();
    assert_eq!(executor.journal().trades().unwrap().len(), 1);
    is_equal(&net, before, &mut executor).await;
}

#[tokio::test]
async fn a_fill_that_a_fork_takes_back_lands_again_or_expires_with_its_blockhash() {
    // The fork begins in the slot of the fill, or before that of its blockhash.
    for (deeper, state) in [(0, OrderState::Filled), (3, OrderState::Expired)] {
        let net = Net::start("", "");
        let before = net.lamports().await;
        let mut executor = net.executor().await.unwrap();
        let Settlement::Filled { slot, .. } = filled(&mut executor, "a", spend(&net, SOL)).await else { panic!() };
        let slots = net.newest_slot() - slot + 1 + deeper;
        net.control(&format!(r#"{{"do": "fork", "slots": {slots}}}"#));
        assert!(net.lamports_now().await == before);
        net.advance(5);
        executor.settle_all().await.unwrap();
        assert_eq!(executor.journal().orders().unwrap(), [("a".to_owned(), state, None)]);
        is_equal(&net, before, &mut executor).await;
    }
}

#[tokio::test]
async fn what_the_user_has_wrapped_himself_is_left_alone() {
    let net = Net::start("", "");
    let mut executor = net.executor().await.unwrap();
    let (client, wallet) = (net.client().await, net.wallet());
    let user = wallet.address();
    let wrapped = pda::associated_token(&user, &WSOL_MINT, &TOKEN);
    let wrap = [
        create_account(user, user, WSOL_MINT, TOKEN),
        transfer_lamports(user, wrapped, 7 * SOL),
        sync_native(wrapped, TOKEN),
    ];
    let message = compose::message_of(&wrap, user, &client.blockhash().await.unwrap());
    let signed = compose::signed(&message, wallet.sign(&message.serialize())).unwrap();
    client.send(&signed.bytes, 0).await.unwrap();
    let amount = async || {
        let account = client.accounts(&[wrapped], Commitment::Processed, 0).await.unwrap().1.remove(0);
        token_amount(&account.unwrap().data)
    };
    assert_eq!(amount().await, Some(7 * SOL));
    filled(&mut executor, "a", spend(&net, SOL)).await;
    filled(&mut executor, "b", Order { size: Size::Sell(1_000_000_000), ..spend(&net, 0) }).await;
    assert_eq!(amount().await, Some(7 * SOL));
}

#[tokio::test]
async fn a_coin_without_a_pool_and_an_order_beyond_the_pool_are_rejected_before_anything_is_signed() {
    let net = Net::start("", "");
    let mut executor = net.executor().await.unwrap();
    for (key, order, said) in [
        ("no coin", Order { mint: WSOL_MINT, ..spend(&net, SOL) }, "the coin has not graduated"),
        ("not held", Order { size: Size::Sell(1_000), ..spend(&net, 0) }, "the wallet has 0"),
        ("beyond", Order { size: Size::Buy(u64::MAX / 2), ..spend(&net, 0) }, "6016"),
    ] {
        let report = executor.execute(key, order).await.unwrap();
        let Report::Rejected(rejection) = report else { panic!("{key}: {report:?}") };
        assert!(rejection.to_string().contains(said), "{key}: {rejection}");
    }
    let states: Vec<OrderState> = executor.journal().orders().unwrap().into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states, [OrderState::Rejected; 3]);
    assert_eq!(executor.journal().pending().unwrap(), []);
}

#[tokio::test]
async fn what_falls_rises_or_takes_too_long_is_sold_between_bars() {
    let rules = ExitRules {
        stop_loss: Some(Bps(2_000)),
        take_profit: Some(Bps(5_000)),
        timeout: Some(Duration::from_secs(3_600)),
    };
    for (bps, waits, reason) in [
        (-1_800, 0, None),
        (-2_000, 0, Some(ExitReason::StopLoss)),
        (4_900, 0, None),
        (5_500, 0, Some(ExitReason::TakeProfit)),
        (0, 3_500, None),
        (0, 3_600, Some(ExitReason::Timeout)),
    ] {
        let net = Net::start("", "");
        let mut executor = net.executor().await.unwrap();
        filled(&mut executor, "in", spend(&net, SOL)).await;
        if bps != 0 {
            net.control(&format!(r#"{{"do": "move-price", "pool": "{}", "bps": {bps}}}"#, net.pool(0)));
        }
        net.clock.sleep(Duration::from_secs(waits)).await;
        let exits = executor.exits(&rules).await.unwrap();
        assert_eq!(exits.first().map(|exit| exit.reason), reason, "{bps}");
        if let Some(exit) = exits.first() {
            filled(&mut executor, "out", exit.order(Bps(100))).await;
            assert_eq!(executor.exits(&rules).await.unwrap(), []);
            assert_eq!(executor.journal().held(&net.mint(0)).unwrap(), 0);
        }
    }
}

/// The first trade of a wallet, on each kind of coin: what may leave it at most is enough, and no more than that leaves it.
#[tokio::test]
async fn no_more_leaves_the_wallet_than_is_said_and_that_is_enough() {
    for kind in ["token", "token-2022"] {
        for is_cashback in [false, true] {
            let pools = format!(
                "[[pool]]\nbase_reserve = 206_900_000_000_000\nquote_reserve = 84_990_359_078\ntoken_program = '{kind}'\ncashback = {is_cashback}\n"
            );
            let net = Net::start(&pools, "");
            let client = net.client().await;
            let genesis = client.genesis().to_owned();
            let mut settings = net::settings();
            settings.limits.wallet_floor = Lamports(0);
            settings.limits.exposure = Bps(10_000);
            let user = net.wallet().address();
            let cap = settings.priority_cap;
            let order = spend(&net, SOL);
            let planned = plan(&client, &net.clock, user, &order, 0, cap, |_| false).await.unwrap();
            let wallet = Account { lamports: planned.cost.0, owner: SYSTEM, data: Vec::new(), executable: false };
            net.put(user, &wallet);
            let mut executor = net.executor_on(client, &genesis, settings).await.unwrap();
            let settlement = filled(&mut executor, "all of it", spend(&net, SOL)).await;
            let Settlement::Filled { lamports, .. } = settlement else { panic!() };
            assert!(lamports.unsigned_abs() <= planned.cost.0, "{kind}, {is_cashback}: {lamports}");
        }
    }
}

#[tokio::test]
async fn equal_orders_that_see_the_same_block_are_two_transactions() {
    let net = Net::start("", "");
    let client = net.client().await;
    let (user, order, cap) = (net.wallet().address(), spend(&net, SOL), net::settings().priority_cap);
    let first = plan(&client, &net.clock, user, &order, 0, cap, |_| false).await.unwrap();
    let taken = |message: &_| *message == first.message;
    let second = plan(&client, &net.clock, user, &order, 0, cap, taken).await.unwrap();
    assert_eq!(second.message.recent_blockhash, first.message.recent_blockhash, "no slot has passed");
    assert_ne!(second.message, first.message);
    assert!(second.budget.units > first.budget.units && second.cost >= first.cost);
}

#[tokio::test]
async fn a_price_that_was_waited_for_too_long_is_asked_for_again() {
    // What is old would be sent with a blockhash that has half its life behind it.
    let fault = "[[fault]]\nkind = 'rate-limited'\nretry_after_s = 70\nmethods = ['simulateTransaction']\ntimes = 1";
    let net = Net::start("", fault);
    let mut executor = net.executor().await.unwrap();
    filled(&mut executor, "a", spend(&net, SOL)).await;
    let fault = "[[fault]]\nkind = 'rate-limited'\nretry_after_s = 70\nmethods = ['simulateTransaction']";
    let net = Net::start("", fault);
    let mut executor = net.executor().await.unwrap();
    let report = executor.execute("a", spend(&net, SOL)).await.unwrap();
    assert!(matches!(&report, Report::Rejected(rejection) if rejection.class() == Class::Transient), "{report:?}");
}

#[tokio::test]
async fn while_trading_is_switched_off_what_is_open_is_not_bought_and_is_still_sold() {
    for (is_sale, is_killed, state) in
        [(false, false, OrderState::Filled), (false, true, OrderState::Expired), (true, true, OrderState::Filled)]
    {
        let net = Net::start("", "");
        let client = net.client().await;
        let genesis = client.genesis().to_owned();
        let hasty = Settings { patience: Duration::from_secs(3), ..net::settings() };
        let mut executor = net.executor_on(client, &genesis, hasty).await.unwrap();
        filled(&mut executor, "in", spend(&net, SOL)).await;
        net.control(r#"{"do": "add-fault", "fault": {"kind": "dropped"}}"#);
        let order = if is_sale { Order { size: Size::Sell(1_000_000), ..spend(&net, 0) } } else { spend(&net, SOL) };
        let error = executor.execute("open", order).await.unwrap_err();
        assert!(error.to_string().contains("still under way"), "{error}");
        drop(executor);
        if is_killed {
            Journal::open(&net.journal()).unwrap().kill("by hand", net.clock.now()).unwrap();
        }
        net.control(r#"{"do": "clear-faults"}"#);
        let executor = net.executor().await.unwrap();
        assert_eq!(executor.journal().orders().unwrap()[1].1, state, "sale: {is_sale}, killed: {is_killed}");
    }
}

#[tokio::test]
async fn an_order_is_quoted_on_no_state_that_is_older_than_the_last_fill() {
    let net = Net::start("", "");
    let mut executor = net.executor().await.unwrap();
    let Settlement::Filled { slot, .. } = filled(&mut executor, "a", spend(&net, SOL)).await else { panic!() };
    let fault = r#"{"kind": "stale", "slots": 9, "methods": ["getMultipleAccounts"], "times": 1}"#;
    net.control(&format!(r#"{{"do": "add-fault", "fault": {fault}}}"#));
    filled(&mut executor, "b", spend(&net, SOL)).await;
    assert!(executor.journal().pending().unwrap()[1].prepared.read_slot >= slot);
}

#[tokio::test]
async fn coins_from_elsewhere_are_told_from_those_of_fills_that_are_not_final() {
    let net = Net::start("", "");
    let mut executor = net.executor().await.unwrap();
    filled(&mut executor, "a", spend(&net, SOL)).await;
    net.advance(40);
    let address = pda::associated_token(&net.wallet().address(), &net.mint(0), &TOKEN);
    let mut account = net.account(address).await.unwrap();
    let more = token_amount(&account.data).unwrap() + 1_000;
    account.data[64..72].copy_from_slice(&more.to_le_bytes());
    net.put(address, &account);
    net.advance(40);
    for key in ["b", "c"] {
        filled(&mut executor, key, spend(&net, SOL)).await;
    }
    let untracked: Vec<i64> =
        executor.journal().pending().unwrap().iter().map(|pending| pending.prepared.untracked).collect();
    assert_eq!(untracked, [1_000, 1_000]);
}

#[tokio::test]
async fn what_a_stranger_sends_does_not_keep_an_order_from_expiring() {
    let net = Net::start("", "");
    let client = net.client().await;
    let genesis = client.genesis().to_owned();
    let hasty = Settings { patience: Duration::from_secs(3), ..net::settings() };
    let mut executor = net.executor_on(client, &genesis, hasty).await.unwrap();
    filled(&mut executor, "in", spend(&net, SOL)).await;
    net.advance(40);
    net.control(r#"{"do": "add-fault", "fault": {"kind": "dropped"}}"#);
    executor.execute("open", spend(&net, SOL)).await.unwrap_err();
    drop(executor);
    let address = pda::associated_token(&net.wallet().address(), &net.mint(0), &TOKEN);
    let mut account = net.account(address).await.unwrap();
    let one_more = token_amount(&account.data).unwrap() + 1;
    account.data[64..72].copy_from_slice(&one_more.to_le_bytes());
    net.put(address, &account);
    let executor = net.executor().await.unwrap();
    assert_eq!(executor.journal().orders().unwrap()[1].1, OrderState::Expired);
}

#[tokio::test]
async fn what_the_owner_moves_out_is_no_loss() {
    let net = Net::start("", "");
    let client = net.client().await;
    let genesis = client.genesis().to_owned();
    let settings = Settings { limits: Limits::default(), ..net::settings() };
    let mut executor = net.executor_on(client, &genesis, settings).await.unwrap();
    filled(&mut executor, "a", spend(&net, SOL)).await;
    let (client, wallet) = (net.client().await, net.wallet());
    let out = [transfer_lamports(wallet.address(), net.pool(0), 400 * SOL)];
    let message = compose::message_of(&out, wallet.address(), &client.blockhash().await.unwrap());
    let signed = compose::signed(&message, wallet.sign(&message.serialize())).unwrap();
    client.send(&signed.bytes, 0).await.unwrap();
    assert!(net.lamports_now().await < (600 * SOL).cast_signed());
    filled(&mut executor, "b", spend(&net, SOL)).await;
}

#[tokio::test]
async fn orders_for_what_is_not_there_do_not_lock_the_way_out() {
    let net = Net::start("", "");
    let client = net.client().await;
    let genesis = client.genesis().to_owned();
    let settings = Settings { limits: Limits::default(), ..net::settings() };
    let mut executor = net.executor_on(client, &genesis, settings).await.unwrap();
    filled(&mut executor, "in", spend(&net, SOL)).await;
    for (key, order) in [
        ("not held", Order { size: Size::Sell(u64::MAX / 2), ..spend(&net, 0) }),
        ("no coin", Order { mint: WSOL_MINT, ..spend(&net, SOL) }),
        ("not payable", spend(&net, 1_000 * SOL)),
    ] {
        for number in 0..2 {
            let report = executor.execute(&format!("{key} {number}"), order).await.unwrap();
            assert!(matches!(report, Report::Rejected(_)), "{key}: {report:?}");
        }
    }
    filled(&mut executor, "out", Order { size: Size::Sell(1_000), ..spend(&net, 0) }).await;
}

#[tokio::test]
async fn a_chain_that_does_not_know_what_landed_for_good_is_another_one() {
    let net = Net::start("", "");
    let mut executor = net.executor().await.unwrap();
    filled(&mut executor, "a", spend(&net, SOL)).await;
    let genesis = executor.chain().genesis().to_owned();
    net.advance(40);
    executor.settle_all().await.unwrap();
    drop(executor);
    net.executor().await.unwrap();
    // Begun anew with the same seed: it says of itself that it is another one, and it is found out where it does not.
    let anew = Net { folder: net.folder, ..Net::start("", "") };
    assert_ne!(anew.client().await.genesis(), genesis);
    anew.advance(400);
    let error = anew.executor_on(anew.client().await, &genesis, net::settings()).await.map(drop).unwrap_err();
    let ExecutorError::Unsettled { source, .. } = error else { panic!("{error}") };
    assert!(matches!(*source, Unsettled::AnotherChain { .. }), "{source}");
}

#[tokio::test]
async fn a_journal_of_another_chain_is_refused() {
    let net = Net::start("", "");
    drop(Journal::open_to_trade(&net.journal(), &net.wallet().address(), "another genesis").unwrap());
    let error = net.executor().await.map(drop).unwrap_err().to_string();
    assert!(error.contains("the chain with genesis another genesis"), "{error}");
}
