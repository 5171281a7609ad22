//! Buying and selling over the sockets: amounts, fees, events and the protocol's errors.

#![allow(clippy::unwrap_used, reason = "an integration test")]

mod util;

use q50_pumpswap::amm::{Order, Side, Swap, Version};
use q50_pumpswap::chain::programs::{TOKEN, WSOL_MINT};
use q50_pumpswap::chain::token::{create_account, sync_native, transfer_lamports};
use q50_pumpswap::chain::{
    Access, AccountMeta, Address, FeeAccounts, Instruction, ProgramEvent, SwapEncoder, SwapEvent, VolumeTracking,
};
use serde_json::{Value, json};
use solana_message::VersionedMessage;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use util::{Market, Net, compute_budget, encoded, message, pools, signed, stepped};

const SOL: u64 = 1_000_000_000;

/// The order's instruction, and what our own arithmetic says that it does.
fn trade(market: &Market, user: Address, version: Version, order: Order) -> (Instruction, Swap) {
    let unlimited = match order {
        Order::Buy { base_out, .. } => Order::buy(base_out),
        Order::BuyExactQuoteIn { quote_in, .. } => Order::spend(quote_in),
        Order::Sell { base_in, .. } => Order::sell(base_in),
    };
    let swap = market.state.swap(&market.config, version, unlimited).unwrap();
    let trade = SwapEncoder {
        pool: &market.keys,
        user,
        protocol_fee_recipient: market.global.protocol_recipients(market.state.is_mayhem)[3],
        buyback_fee_recipient: market.global.buyback_fee_recipients[5],
        fee_accounts: FeeAccounts::for_fees(&swap.fees),
    };
    let instruction = match (version, order) {
        (Version::V1, Order::Buy { base_out, max_quote_in }) => trade.buy(base_out, max_quote_in, VolumeTracking::On),
        (Version::V1, Order::BuyExactQuoteIn { quote_in, min_base_out }) => {
            trade.buy_exact_quote_in(quote_in, min_base_out, VolumeTracking::On)
        }
        (Version::V1, Order::Sell { base_in, min_quote_out }) => trade.sell(base_in, min_quote_out),
        (Version::V2, Order::Buy { base_out, max_quote_in }) => trade.buy_v2(base_out, max_quote_in),
        (Version::V2, Order::BuyExactQuoteIn { quote_in, min_base_out }) => {
            trade.buy_exact_quote_in_v2(quote_in, min_base_out)
        }
        (Version::V2, Order::Sell { base_in, min_quote_out }) => trade.sell_v2(base_in, min_quote_out),
    };
    (instruction, swap)
}

/// Token accounts for a pool, with wrapped SOL.
async fn prepare(net: &Net, market: &Market, lamports: u64) {
    let user = net.wallet_address();
    let wrapped = market.keys.quote_account(&user);
    let mut instructions = vec![create_account(user, user, market.keys.base_mint, market.keys.base_token_program)];
    if market.keys.quote_mint == WSOL_MINT {
        instructions.extend([
            create_account(user, user, WSOL_MINT, TOKEN),
            transfer_lamports(user, wrapped, lamports),
            sync_native(wrapped, TOKEN),
        ]);
    }
    let landed = net.land(&instructions).await;
    assert_eq!(landed["meta"]["err"], Value::Null, "{landed}");
}

/// The event of a transaction: the same from its log and from the program's call to itself.
fn event(landed: &Value) -> SwapEvent {
    let logged = landed["meta"]["logMessages"].as_array().unwrap().iter();
    let logged = logged.filter_map(|line| ProgramEvent::from_log_line(line.as_str().unwrap()).unwrap());
    let called = landed["meta"]["innerInstructions"].as_array().unwrap().iter();
    let called = called.flat_map(|inner| inner["instructions"].as_array().unwrap()).filter_map(|call| {
        let data = bs58::decode(call["data"].as_str().unwrap()).into_vec().unwrap();
        ProgramEvent::decode(&data).unwrap()
    });
    let (logged, called): (Vec<_>, Vec<_>) = (logged.collect(), called.collect());
    assert_eq!(logged, called);
    let [ProgramEvent::Swap(event)] = <[_; 1]>::try_from(logged).unwrap() else { panic!("not a swap") };
    *event
}

/// Trades on one pool and compares every amount with the quote from the state before.
async fn follow(net: &Net, index: usize, versions: &[Version]) {
    let user = net.wallet_address();
    let market = net.pool(index).await;
    prepare(net, &market, 40 * SOL).await;
    for (step, &version) in versions.iter().cycle().take(4 * versions.len()).enumerate() {
        let before = net.pool(index).await;
        let held = net.tokens(&market.keys.base_account(&user)).await;
        let wrapped = net.tokens(&market.keys.quote_account(&user)).await;
        let order = match step / versions.len() {
            0 => Order::spend(SOL / 2),
            1 => Order::buy(before.state.base_vault / 1_000),
            2 => Order::sell(held / 3),
            _ => Order::sell(held / 2),
        };
        let (instruction, expected) = trade(&before, user, version, order);
        let landed = net.land(&[compute_budget(2, 400_000), instruction]).await;
        assert_eq!(landed["meta"]["err"], Value::Null, "{version:?} {order:?}: {landed}");

        let event = event(&landed);
        assert_eq!((event.side, event.base), (expected.side, expected.base));
        let now = net.pool(index).await.state;
        assert_eq!(now, expected.after, "{version:?} {order:?}");
        let got = net.tokens(&market.keys.base_account(&user)).await;
        let left = net.tokens(&market.keys.quote_account(&user)).await;
        let residual = match expected.side {
            Side::Buy => (got - held - expected.base, wrapped - left - expected.user_quote),
            Side::Sell => (held - got - expected.base, left - wrapped - expected.user_quote),
        };
        assert_eq!(residual, (0, 0), "{version:?} {order:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_amount_is_the_quote_from_the_state_before_on_every_kind_of_pool() {
    let net = Net::with_pools(
        "[fees]\ncreator_fee_configurable = true\n\
         [[pool]]\nbase_reserve = 206900000000000\nquote_reserve = 84990359078\nvirtual_quote = 17584505288\n\
         [[pool]]\nbase_reserve = 120000000000000\nquote_reserve = 400000000000\ncashback = true\n\
         [[pool]]\nbase_reserve = 120000000000000\nquote_reserve = 400000000000\nmayhem = true\n\
         [[pool]]\nbase_reserve = 120000000000000\nquote_reserve = 400000000000\ncanonical = false\n\
         [[pool]]\nbase_reserve = 120000000000000\nquote_reserve = 400000000000\naccount_length = 243\n\
         token_program = \"token-2022\"\n\
         [[pool]]\nbase_reserve = 120000000000000\nquote_reserve = 40000000000\nquote = \"usdc\"\n\
         [[pool]]\nbase_reserve = 120000000000000\nquote_reserve = 4000000000000\ncreator_fee_bps = 77\n",
    )
    .await;
    let both = [Version::V1, Version::V2];
    for (index, versions) in [&both[..], &both[..1], &both, &both, &both, &both, &both].into_iter().enumerate() {
        follow(&net, index, versions).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_costs_5000_lamports_and_priority_its_limit_times_its_price() {
    let net = Net::quiet().await;
    let (user, other) = (net.wallet_address(), Address([9; 32]));
    let before = net.lamports(&user, "processed").await;
    // 1,000 units at 2,500 micro-lamports are 2.5 lamports, and a part counts whole.
    let bid = [compute_budget(2, 1_000), compute_budget(3, 2_500), transfer_lamports(user, other, SOL)];
    let message = VersionedMessage::Legacy(message(&net.wallet(), &bid, net.blockhash().await));
    let text =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bincode::serialize(&message).unwrap());
    assert_eq!(net.result("getFeeForMessage", json!([text, {"commitment": "processed"}])).await["value"], 5_003);
    let landed = net.land(&bid).await;
    assert_eq!(landed["meta"]["fee"], 5_003);
    assert_eq!(net.lamports(&user, "processed").await, before - SOL - 5_003);
    let keys = landed["transaction"]["message"]["accountKeys"].as_array().unwrap();
    let at = keys.iter().position(|key| *key == json!(other.to_string())).unwrap();
    let moved = ["preBalances", "postBalances"].map(|name| landed["meta"][name][at].as_u64().unwrap());
    assert_eq!(moved, [0, SOL]);
    let fees = net.result("getRecentPrioritizationFees", json!([[other.to_string()]])).await;
    let bids = fees.as_array().unwrap().iter().filter(|fee| fee["prioritizationFee"] == 2_500).count();
    assert_eq!(bids, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_before_it_is_sent_is_told_with_the_protocols_own_errors() {
    let net = Net::quiet().await;
    let (user, market) = (net.wallet_address(), net.pool(0).await);
    prepare(&net, &market, 10 * SOL).await;
    let (good, _) = trade(&market, user, Version::V1, Order::Buy { base_out: 1_000_000, max_quote_in: SOL });
    let (slipped, _) = trade(&market, user, Version::V1, Order::Buy { base_out: 1_000_000, max_quote_in: 1 });
    let mut tampered = net.transaction(std::slice::from_ref(&good)).await;
    tampered.signatures[0] = Signature::from([7; 64]);
    let stranger = solana_keypair::Keypair::new();
    let unfunded = signed(&stranger, &[transfer_lamports(address(&stranger), user, 1)], net.blockhash().await);
    let unknown = signed(&net.wallet(), std::slice::from_ref(&good), solana_hash::Hash::from([5; 32]));
    for (transaction, err, message) in [
        (
            net.transaction(&[slipped]).await,
            json!({"InstructionError": [0, {"Custom": 6004}]}),
            "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1774",
        ),
        (
            tampered,
            json!("SignatureFailure"),
            "Transaction simulation failed: Transaction did not pass signature verification",
        ),
        (unknown, json!("BlockhashNotFound"), "Transaction simulation failed: Blockhash not found"),
        (
            unfunded,
            json!("AccountNotFound"),
            "Transaction simulation failed: Attempt to debit an account but found no record of a prior credit.",
        ),
    ] {
        let error = net.send(&transaction).await["error"].take();
        assert_eq!((&error["code"], &error["message"]), (&json!(-32002), &json!(message)), "{error}");
        assert_eq!(error["data"]["err"], err);
        assert!(error["data"]["logs"].is_array() && error["data"]["unitsConsumed"].is_u64(), "{error}");
    }
    let starved = net.transaction(&[compute_budget(2, 1_000), good]).await;
    let error = net.send(&starved).await["error"].take();
    assert_eq!(error["data"]["err"], json!({"InstructionError": [1, "ProgramFailedToComplete"]}));
}

fn address(key: &solana_keypair::Keypair) -> Address {
    Address(solana_signer::Signer::pubkey(key).to_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_preflight_a_failing_transaction_lands_and_pays_and_an_unsigned_one_never_lands() {
    let net = Net::quiet().await;
    let (user, market) = (net.wallet_address(), net.pool(0).await);
    prepare(&net, &market, 10 * SOL).await;
    let before = net.lamports(&user, "processed").await;
    let (slipped, _) = trade(&market, user, Version::V1, Order::Buy { base_out: 1_000_000, max_quote_in: 1 });
    let failing = net.transaction(&[slipped]).await;
    let signature = net.send_blindly(&failing).await;
    let status = net.status(&signature).await;
    assert_eq!(status["err"], json!({"InstructionError": [0, {"Custom": 6004}]}));
    assert_eq!(status["status"], json!({"Err": {"InstructionError": [0, {"Custom": 6004}]}}));
    assert_eq!(net.lamports(&user, "processed").await, before - 5_000);

    let mut tampered = net.transaction(&[transfer_lamports(user, Address([9; 32]), SOL)]).await;
    tampered.signatures[0] = Signature::from([7; 64]);
    let signature = net.send_blindly(&tampered).await;
    assert_eq!(net.status(&signature).await, Value::Null);
    assert_eq!(net.lamports(&user, "processed").await, before - 5_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_transaction_never_executes_twice() {
    let net = Net::quiet().await;
    let (user, other) = (net.wallet_address(), Address([9; 32]));
    let transaction = net.transaction(&[transfer_lamports(user, other, SOL)]).await;
    let first = net.send(&transaction).await["result"].take();
    assert_eq!(net.send_blindly(&transaction).await, first.as_str().unwrap());
    assert_eq!(net.send(&transaction).await["error"]["data"]["err"], "AlreadyProcessed");
    assert_eq!(net.lamports(&other, "processed").await, SOL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_tells_errors_as_values_and_changes_nothing() {
    let net = Net::quiet().await;
    let (user, other) = (net.wallet_address(), Address([9; 32]));
    let instruction = [transfer_lamports(user, other, SOL)];
    // Unsigned, and bound to no hash at all.
    let message = VersionedMessage::Legacy(message(&net.wallet(), &instruction, solana_hash::Hash::default()));
    let transaction = encoded(&VersionedTransaction { signatures: vec![Signature::default()], message });
    let plain = net.result("simulateTransaction", json!([transaction, {"encoding": "base64"}])).await;
    assert_eq!(plain["value"]["err"], "BlockhashNotFound");
    let verified = json!({"encoding": "base64", "sigVerify": true});
    let verified = net.result("simulateTransaction", json!([transaction, verified])).await;
    assert_eq!(verified["value"]["err"], "SignatureFailure");
    let config = json!({"encoding": "base64", "replaceRecentBlockhash": true,
                        "accounts": {"encoding": "base64", "addresses": [other.to_string()]}});
    let replaced = net.result("simulateTransaction", json!([transaction, config])).await["value"].take();
    assert_eq!((&replaced["err"], &replaced["unitsConsumed"]), (&Value::Null, &json!(150)));
    assert_eq!(replaced["accounts"][0]["lamports"], SOL);
    assert!(replaced["replacementBlockhash"]["lastValidBlockHeight"].as_u64().unwrap() > 150);
    assert_eq!(net.lamports(&other, "processed").await, 0);
    let both = json!({"encoding": "base64", "sigVerify": true, "replaceRecentBlockhash": true});
    assert_eq!(net.error("simulateTransaction", json!([transaction, both])).await["code"], -32602);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arbitrageur_moves_a_pool_along_recorded_reserves() {
    let step = |time_ms, quote| q50_localnet::ReserveStep { time_ms, base: 100_000_000_000_000, quote };
    // A tenth up after 400 ms, and a fifth down from there at 800 ms.
    let steps = vec![step(0, 100 * SOL), step(400, 110 * SOL), step(800, 88 * SOL)];
    let net = Net::start(q50_localnet::Settings {
        pools: pools("[[pool]]\nbase_reserve = 100000000000000\nquote_reserve = 100000000000\n"),
        path: Some(q50_localnet::Path { pool: 0, steps, speed: 1.0 }),
        ..stepped()
    })
    .await;
    for price in [100.0, 110.0, 88.0] {
        net.advance(1).await;
        let state = net.pool(0).await.state;
        let found = state.quote_vault as f64 / state.base_vault as f64 * 1e5;
        // What the fee leaves in the pool is the difference.
        assert!((found / price - 1.0).abs() < 0.001, "{found} for {price}");
    }
}

const LOOKUP_TABLES: &str = "AddressLookupTab1e1111111111111111111111111";

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_table_made_here_serves_transactions_from_the_next_slot() {
    let net = Net::quiet().await;
    let (user, to) = (net.wallet_address(), Address([9; 32]));
    let program: Address = LOOKUP_TABLES.parse().unwrap();
    let recent = net.result("getSlot", json!([{"commitment": "confirmed"}])).await.as_u64().unwrap();
    let (table, bump) = q50_pumpswap::chain::pda::find(&[user.as_bytes(), &recent.to_le_bytes()], &program);
    let meta = |address, access| AccountMeta { address, access };
    let accounts = || {
        vec![
            meta(table, Access::Write),
            meta(user, Access::Sign),
            meta(user, Access::SignWrite),
            meta(Address::ZERO, Access::Read),
        ]
    };
    let create = [&0_u32.to_le_bytes()[..], &recent.to_le_bytes(), &[bump]].concat();
    let extend = [&2_u32.to_le_bytes()[..], &1_u64.to_le_bytes(), to.as_bytes()].concat();
    let made = net
        .land(&[
            Instruction { program, accounts: accounts(), data: create },
            Instruction { program, accounts: accounts(), data: extend },
        ])
        .await;
    assert_eq!(made["meta"]["err"], Value::Null, "{made}");
    let parsed =
        net.result("getAccountInfo", json!([table.to_string(), {"encoding": "jsonParsed", "commitment": "confirmed"}]));
    assert_eq!(parsed.await["value"]["data"]["parsed"]["info"]["addresses"], json!([to.to_string()]));

    let wallet = net.wallet();
    let transfer = message(&wallet, &[transfer_lamports(user, to, SOL)], solana_hash::Hash::default());
    let instruction = solana_message::Instruction {
        program_id: solana_pubkey::Pubkey::default(),
        accounts: vec![
            solana_message::AccountMeta::new(user.0.into(), true),
            solana_message::AccountMeta::new(to.0.into(), false),
        ],
        data: transfer.instructions[0].data.clone(),
    };
    let tables = [solana_message::AddressLookupTableAccount { key: table.0.into(), addresses: vec![to.0.into()] }];
    let payer = solana_signer::Signer::pubkey(&wallet);
    let message = solana_message::v0::Message::try_compile(&payer, &[instruction], &tables, net.blockhash().await);
    let message = VersionedMessage::V0(message.unwrap());
    let signature = solana_signer::Signer::sign_message(&wallet, &message.serialize());
    let sent = net.send(&VersionedTransaction { signatures: vec![signature], message }).await["result"].take();
    net.advance(1).await;
    assert_eq!(net.lamports(&to, "confirmed").await, SOL);
    let unversioned = net.error("getTransaction", json!([sent, {"commitment": "confirmed"}])).await;
    assert_eq!(unversioned["code"], -32015);
    let config = json!({"commitment": "confirmed", "maxSupportedTransactionVersion": 0, "encoding": "jsonParsed"});
    let told = net.result("getTransaction", json!([sent, config])).await;
    assert_eq!(told["version"], 0);
    let keys = told["transaction"]["message"]["accountKeys"].as_array().unwrap();
    let from_table: Vec<_> = keys.iter().filter(|key| key["source"] == "lookupTable").collect();
    assert_eq!(
        from_table,
        [&json!({"pubkey": to.to_string(), "signer": false, "writable": true, "source": "lookupTable"})]
    );
    let listed = net.result("getSignaturesForAddress", json!([to.to_string(), {"commitment": "confirmed"}])).await;
    assert_eq!(listed[0]["signature"], sent);
}
