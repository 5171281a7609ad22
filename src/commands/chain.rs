//! `q50 chain`: pools, quotes and trades on a chain, by hand.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use q50_engine::units::{Bps, Lamports};
use q50_executor::clock::{Clock, SystemClock};
use q50_executor::cluster::{Cluster, Url};
use q50_executor::executor::{Executor, Report, Settings};
use q50_executor::guards::{Guards, KillSwitch, Limits, Memory, Standing};
use q50_executor::journal::{Journal, OrderState, Settlement};
use q50_executor::market::Market;
use q50_executor::order::{Order, Quoted, Size};
use q50_executor::plan::{self, Plan};
use q50_executor::rpc::{Class, Client, NoWebSocket, WebSocket};
use q50_executor::wallet::Wallet;
use q50_pumpswap::amm::Side;
use q50_pumpswap::chain::Address;
use serde_json::{Value, json};

use super::trade_text::{self, Coins};
use crate::{
    Answer,
    args::{
        ChainArguments, ChainCommand, ChainPoolArguments, ChainQuoteArguments, ChainTradeArguments, Format,
        SendingArguments, SizeArguments, smallest_units,
    },
    commands::positions::{journal_path, switch_file},
    output,
};

/// Decimals of SOL.
pub(super) const SOL_DECIMALS: u8 = 9;

pub(crate) fn run(command: &ChainCommand) -> Result<Answer> {
    wait(async {
        match command {
            ChainCommand::Pool(arguments) => pool(arguments).await,
            ChainCommand::Quote(arguments) => quote(arguments).await,
            ChainCommand::Buy(arguments) => trade(arguments, Side::Buy).await,
            ChainCommand::Sell(arguments) => trade(arguments, Side::Sell).await,
        }
    })
}

pub(super) fn wait(work: impl Future<Output = Result<Answer>>) -> Result<Answer> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

async fn connect(arguments: &ChainArguments) -> Result<(Cluster, Client<SystemClock>)> {
    let cluster: Cluster = arguments.cluster.parse().context("--cluster")?;
    let client = Client::connect(&cluster, nodes(&arguments.rpc)?, SystemClock).await;
    Ok((cluster.clone(), client.with_context(|| named(&cluster))?))
}

/// A chain that could not be reached, or is another one, and what there is to do.
pub(crate) fn named(cluster: &Cluster) -> String {
    match cluster {
        Cluster::Localnet => "cluster localnet (q50 localnet starts one; --rpc names its node)".to_owned(),
        other => format!("cluster {other} (--rpc names another node)"),
    }
}

/// As [`connect`], and listening for what becomes of transactions.
pub(super) async fn connect_to_trade(
    chain: &ChainArguments,
    sending: &SendingArguments,
) -> Result<(Cluster, Client<SystemClock>)> {
    let websocket =
        websocket(sending.ws.as_deref(), &nodes(&chain.rpc)?, &chain.cluster.parse().context("--cluster")?)?;
    let (cluster, client) = connect(chain).await?;
    Ok((cluster, client.listening_at(websocket)))
}

/// What `--rpc` names.
pub(crate) fn nodes(rpc: &[String]) -> Result<Vec<Url>> {
    let url = |text: &String| match text.parse::<Cluster>() {
        Ok(Cluster::Node(url)) => Ok(url),
        _ => bail!("--rpc: expected the http(s) address of a node"),
    };
    rpc.iter().map(url).collect()
}

/// Where subscriptions are served: what `--ws` says, else where the first node usually does.
pub(crate) fn websocket(ws: Option<&str>, nodes: &[Url], cluster: &Cluster) -> Result<WebSocket> {
    match ws {
        Some(text) => WebSocket::new(text.parse().ok().context(NoWebSocket).context("--ws")?).context("--ws"),
        None => Ok(WebSocket::usual(nodes.first().unwrap_or(&cluster.usual_node()))),
    }
}

pub(super) fn mint(text: &str) -> Result<Address> {
    text.parse().with_context(|| "MINT: expected the address of a coin's mint".to_owned())
}

/// Somebody who only looks needs no key.
fn looker(arguments: &ChainArguments) -> Result<Address> {
    match &arguments.keypair {
        Some(path) => Ok(Wallet::find(Some(path))?.address()),
        None => Ok(Wallet::find(None).map_or(Address::ZERO, |wallet| wallet.address())),
    }
}

/// `--amount` in the smallest unit.
fn units(text: &str, decimals: u8) -> Result<u64> {
    let units = smallest_units(text, decimals).ok();
    units.with_context(|| format!("--amount: found `{text}`, expected at most {decimals} decimals, and 2^64 units"))
}

fn order(mint: Address, side: Side, arguments: &SizeArguments, decimals: u8) -> Result<Order> {
    let size = match side {
        Side::Buy if arguments.tokens => Size::Buy(units(&arguments.amount, decimals)?),
        Side::Buy => Size::Spend(Lamports(units(&arguments.amount, SOL_DECIMALS)?)),
        Side::Sell => Size::Sell(units(&arguments.amount, decimals)?),
    };
    Ok(Order { mint, size, slippage: Bps(arguments.slippage_bps) })
}

async fn pool(arguments: &ChainPoolArguments) -> Result<Answer> {
    let mint = mint(&arguments.mint)?;
    let (_, client) = connect(&arguments.chain).await?;
    let market = client.market(mint, looker(&arguments.chain)?, 0).await?;
    let rates = market.state.rates(&market.config)?;
    let effective = market.state.effective_quote()?;
    let doubts = market.mint.check(&mint).err().map(|refusal| refusal.to_string());
    let value = json!({
        "mint": mint.to_string(),
        "pool": market.keys.address.to_string(),
        "slot": market.slot,
        "base_reserve": market.state.base_vault.to_string(),
        "quote_vault": market.state.quote_vault.to_string(),
        "virtual_quote": market.state.virtual_quote.to_string(),
        "effective_quote": effective.to_string(),
        "supply": market.mint.supply.to_string(),
        "decimals": market.mint.decimals,
        "price_sol": price(&market, effective),
        "lp_bps": rates.lp.0,
        "protocol_bps": rates.protocol.0,
        "creator_bps": rates.creator.0,
        "cashback": market.state.is_cashback,
        "mayhem": market.state.is_mayhem,
        "token_program": market.mint.program.to_string(),
        "mint_authority": market.mint.mint_authority.map(|address| address.to_string()),
        "freeze_authority": market.mint.freeze_authority.map(|address| address.to_string()),
        "doubts": doubts,
    });
    output::print(arguments.chain.format, &value, |out| trade_text::pool(out, &value, market.mint.decimals))?;
    Ok(Answer::Yes)
}

/// SOL for a whole coin, before fees.
fn price(market: &Market, effective: u64) -> f64 {
    let scale = 10_f64.powi(i32::from(market.mint.decimals) - i32::from(SOL_DECIMALS));
    effective as f64 / market.state.base_vault as f64 * scale
}

async fn quote(arguments: &ChainQuoteArguments) -> Result<Answer> {
    let mint = mint(&arguments.mint)?;
    let (_, client) = connect(&arguments.chain).await?;
    let market = client.market(mint, looker(&arguments.chain)?, 0).await?;
    let side = if arguments.sell { Side::Sell } else { Side::Buy };
    let order = order(mint, side, &arguments.size, market.mint.decimals)?;
    match order.quote(&market.state, &market.config) {
        Ok(quoted) => {
            let mut value = quoted_fields(&quoted);
            value["mint"] = json!(mint.to_string());
            value["pool"] = json!(market.keys.address.to_string());
            value["slot"] = json!(market.slot);
            value["slippage_bps"] = json!(order.slippage.0);
            show(arguments.chain.format, &value, Coins(Some(market.mint.decimals)))?;
            Ok(Answer::Yes)
        }
        Err(error) => {
            show(arguments.chain.format, &json!({"error": error.code(), "name": error.name()}), Coins(None))?;
            Ok(Answer::No)
        }
    }
}

fn quoted_fields(quoted: &Quoted) -> Value {
    use q50_pumpswap::amm::Order;
    let (instruction, limit) = match quoted.order {
        Order::Buy { max_quote_in, .. } => ("buy", max_quote_in),
        Order::BuyExactQuoteIn { min_base_out, .. } => ("buy_exact_quote_in", min_base_out),
        Order::Sell { min_quote_out, .. } => ("sell", min_quote_out),
    };
    let (swap, fees) = (&quoted.swap, &quoted.swap.fees);
    json!({
        "side": if swap.side == Side::Buy { "buy" } else { "sell" },
        "instruction": instruction,
        "base": swap.base.to_string(),
        "user_quote": swap.user_quote.to_string(),
        "raw_quote": swap.raw_quote.to_string(),
        "lp_fee": fees.lp.to_string(),
        "protocol_fee": fees.protocol.to_string(),
        "creator_fee": fees.creator.to_string(),
        "cashback": fees.cashback.to_string(),
        "limit": limit.to_string(),
    })
}

pub(super) fn settings(arguments: &SendingArguments) -> Result<Settings> {
    trading_settings(arguments.priority_cap, arguments.limits.as_deref())
}

/// How orders are executed, as it was typed.
pub(super) fn trading_settings(priority_cap: Lamports, limits: Option<&Path>) -> Result<Settings> {
    let limits = limits.map(Limits::read).transpose().context("--limits")?;
    Ok(Settings { priority_cap, limits: limits.unwrap_or_default(), ..Settings::default() })
}

pub(super) fn refuse_real_money(cluster: &Cluster, arguments: &SendingArguments, look_first: &str) -> Result<()> {
    let is_asked_for = *cluster != Cluster::Mainnet || arguments.real_money;
    ensure!(is_asked_for, "this would trade real money; add --real-money ({look_first})");
    Ok(())
}

async fn trade(arguments: &ChainTradeArguments, side: Side) -> Result<Answer> {
    let mint = mint(&arguments.mint)?;
    let settings = settings(&arguments.sending)?;
    let (cluster, client) = connect_to_trade(&arguments.chain, &arguments.sending).await?;
    let wallet = Wallet::find(arguments.chain.keypair.as_deref())?;
    let market = client.market(mint, wallet.address(), 0).await?;
    let order = order(mint, side, &arguments.size, market.mint.decimals)?;
    if arguments.dry_run {
        return dry_run(arguments, &client, &wallet, &order, &settings).await;
    }
    refuse_real_money(&cluster, &arguments.sending, "--dry-run shows what it would do")?;
    let mut executor = start(client, wallet, &arguments.sending, settings).await?;
    let report = executor.execute(&key(&arguments.sending), order).await?;
    let (value, answer) = fields(&report);
    show(arguments.chain.format, &value, Coins(Some(market.mint.decimals)))?;
    match report {
        // That no node answered is no answer.
        Report::Rejected(rejection) if rejection.class() == Class::Transient => Err(rejection.into()),
        _ => Ok(answer),
    }
}

/// Everything but the signature and what comes after it.
async fn dry_run(
    arguments: &ChainTradeArguments,
    client: &Client<SystemClock>,
    wallet: &Wallet,
    order: &Order,
    settings: &Settings,
) -> Result<Answer> {
    let user = wallet.address();
    let plan = match plan::plan(client, &SystemClock, user, order, 0, settings.priority_cap, |_| false).await {
        Ok(plan) => plan,
        Err(rejection) if rejection.class() == Class::Transient => return Err(rejection.into()),
        Err(rejection) => {
            let value = json!({"dry_run": true, "state": "rejected", "reason": rejection.to_string()});
            show(arguments.chain.format, &value, Coins(None))?;
            return Ok(Answer::No);
        }
    };
    let Plan { market, quoted, cost, budget, .. } = &plan;
    let path = journal_path(arguments.sending.journal.as_deref(), client.genesis(), &user)?;
    // Nothing is written for somebody who only looks.
    let (memory, switch, standing) = if path.metadata().is_ok_and(|file| file.len() > 0) {
        let journal = Journal::open(&path).with_context(|| path.display().to_string())?;
        journal.is_of(&user, client.genesis()).with_context(|| path.display().to_string())?;
        let (positions, at_least) = (journal.positions()?, journal.newest_slot()?);
        let others = plan::others(client, &SystemClock, &positions, order, user, at_least).await;
        (journal.memory()?, journal.switch()?, plan::standing(market, &positions, others, journal.lamports()?))
    } else {
        let nothing_held = Standing { wallet: market.wallet, positions: Some(Lamports(0)), traded: 0 };
        (Memory::default(), KillSwitch::default(), nothing_held)
    };
    let mut guards = Guards::new(settings.limits.clone(), memory);
    let switch = switch_file()?.read()?.or(switch);
    let cleared = guards.clear(&plan, &standing, &switch, SystemClock.now());
    let refused = cleared.err().map(|refusals| refusals.to_string());
    let mut value = quoted_fields(quoted);
    value["dry_run"] = json!(true);
    value["state"] = json!(if refused.is_some() { "refused" } else { "simulated" });
    value["reason"] = json!(refused);
    value["pool"] = json!(market.keys.address.to_string());
    value["slot"] = json!(market.slot);
    value["most_lamports"] = json!(cost.0.to_string());
    value["compute_units"] = json!(budget.units);
    value["micro_lamports_per_unit"] = json!(budget.unit_price.to_string());
    value["network_fee"] = json!(budget.fee().0.to_string());
    show(arguments.chain.format, &value, Coins(Some(market.mint.decimals)))?;
    Ok(if refused.is_none() { Answer::Yes } else { Answer::No })
}

pub(super) async fn start(
    client: Client<SystemClock>,
    wallet: Wallet,
    arguments: &SendingArguments,
    settings: Settings,
) -> Result<Executor<Client<SystemClock>, SystemClock>> {
    open_executor(client, wallet, arguments.journal.as_deref(), settings).await
}

/// An executor with the journal that is named, or the one of this wallet and chain.
pub(super) async fn open_executor(
    client: Client<SystemClock>,
    wallet: Wallet,
    journal: Option<&Path>,
    settings: Settings,
) -> Result<Executor<Client<SystemClock>, SystemClock>> {
    let asked = q50_executor::rpc::retry(&SystemClock, async || client.chain_time().await);
    Cluster::can_be_at(client.genesis(), asked.await?.slot)?;
    let named = |journal| journal_path(journal, client.genesis(), &wallet.address());
    let (path, usual) = (named(journal)?, named(None)?);
    for folder in [&path, &usual].into_iter().filter_map(|path| path.parent()) {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let open = Journal::open_to_trade(&path, &wallet.address(), client.genesis());
    let journal = open.with_context(|| path.display().to_string())?;
    let journal = journal.instead_of(&usual).with_context(|| usual.display().to_string())?;
    let settings = Settings { switch: Some(switch_file()?), ..settings };
    Ok(Executor::start(client, SystemClock, journal, wallet, settings).await?)
}

/// The order's name: the user's own, or one that no other order has.
pub(super) fn key(arguments: &SendingArguments) -> String {
    arguments.key.clone().unwrap_or_else(|| format!("by hand at {} ms", SystemClock.now().0))
}

pub(super) fn fields(report: &Report) -> (Value, Answer) {
    let unsent = |state: &str, reason: String| json!({"state": state, "reason": reason, "signature": null});
    match report {
        Report::Refused(refusals) => (unsent("refused", refusals.to_string()), Answer::No),
        Report::Rejected(rejection) => (unsent("rejected", rejection.to_string()), Answer::No),
        Report::Known(state) => {
            let answer = if *state == OrderState::Filled { Answer::Yes } else { Answer::No };
            (json!({"state": state, "reason": "an order of this key was given before", "signature": null}), answer)
        }
        Report::Settled { signature, quoted, settlement, to_send, to_settle, .. } => {
            let mut value = json!({
                "signature": signature.to_string(),
                "quoted": quoted_fields(quoted),
                "reason": null,
                "to_send_ms": u64::try_from(to_send.as_millis()).ok(),
                "to_settle_ms": u64::try_from(to_settle.as_millis()).ok(),
            });
            let answer = settled(&mut value, settlement);
            (value, answer)
        }
    }
}

fn settled(value: &mut Value, settlement: &Settlement) -> Answer {
    match settlement {
        Settlement::Filled { slot, is_final, network_fee, rent, lamports, base, quote } => {
            value["state"] = json!("filled");
            value["slot"] = json!(slot);
            value["final"] = json!(is_final);
            value["base"] = json!(base.to_string());
            value["quote"] = json!(quote.to_string());
            value["network_fee"] = json!(network_fee.0.to_string());
            value["rent"] = json!(rent.to_string());
            value["lamports"] = json!(lamports.to_string());
            Answer::Yes
        }
        Settlement::Failed { slot, is_final, network_fee, lamports, error } => {
            value["state"] = json!("failed");
            value["reason"] = json!(error);
            value["slot"] = json!(slot);
            value["final"] = json!(is_final);
            value["network_fee"] = json!(network_fee.0.to_string());
            value["lamports"] = json!(lamports.to_string());
            Answer::No
        }
        Settlement::Expired | Settlement::Reopened => {
            value["state"] = json!("expired");
            value["reason"] = json!("its blockhash expired before it landed; nothing was traded");
            Answer::No
        }
    }
}

/// JSON, or what a person wants to know.
pub(super) fn show(format: Format, value: &Value, coins: Coins) -> Result<()> {
    output::print(format, value, |out| trade_text::order(out, value, coins))
}
