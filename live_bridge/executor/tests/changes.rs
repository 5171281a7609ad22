//! What the world changes while somebody trades: fees and who is paid, pools and coins; each with its outcome.

#![allow(clippy::unwrap_used, reason = "an integration test")]

mod net;

use net::Net;
use q50_engine::units::{Bps, Lamports};
use q50_executor::executor::{Executor, Report};
use q50_executor::guards::Refusal;
use q50_executor::journal::Settlement;
use q50_executor::market::{Market, MarketError};
use q50_executor::order::{Order, Size};
use q50_executor::plan::Chain;
use q50_executor::rpc::{Account, Blockhash, Client, Height, Landed, Node, RpcError, Simulated, Told, token_amount};
use q50_pumpswap::amm::FeeRates;
use q50_pumpswap::chain::programs::{FEE_CONFIG, GLOBAL_CONFIG, SYSTEM, TOKEN, WSOL_MINT};
use q50_pumpswap::chain::{Address, FeeConfigAccount, GlobalConfig, Pool, layout, pda};
use solana_signature::Signature;
use std::sync::Mutex;

const SOL: u64 = 1_000_000_000;

type Change = Box<dyn FnOnce() + Send>;

/// A chain on which something changes after everything was read and before the next transaction is sent.
struct Between {
    client: Client<net::Steps>,
    change: Mutex<Option<Change>>,
}

impl Node for Between {
    async fn send(&self, transaction: &[u8], attempt: usize) -> Result<(), RpcError> {
        let change = self.change.lock().unwrap().take();
        if let Some(change) = change {
            change();
        }
        self.client.send(transaction, attempt).await
    }

    async fn statuses(&self, signatures: &[Signature]) -> Result<Vec<Told>, RpcError> {
        self.client.statuses(signatures).await
    }

    async fn landed(&self, signature: &Signature) -> Result<Option<Landed>, RpcError> {
        self.client.landed(signature).await
    }

    async fn finalized(&self) -> Result<Height, RpcError> {
        self.client.finalized().await
    }

    async fn first_slot(&self) -> Result<u64, RpcError> {
        self.client.first_slot().await
    }

    async fn tokens(&self, account: &Address, at_least: u64) -> Result<(u64, u64), RpcError> {
        self.client.tokens(account, at_least).await
    }
}

impl Chain for Between {
    async fn market(&self, mint: Address, user: Address, at_least: u64) -> Result<Market, MarketError> {
        self.client.market(mint, user, at_least).await
    }

    async fn blockhash(&self) -> Result<Blockhash, RpcError> {
        self.client.blockhash().await
    }

    async fn recent_bids(&self, written: &[Address]) -> Result<Vec<u64>, RpcError> {
        self.client.recent_bids(written).await
    }

    async fn simulate(&self, transaction: &[u8], at_least: u64) -> Result<Simulated, RpcError> {
        self.client.simulate(transaction, at_least).await
    }
}

/// Somebody who trades the first pool of a quiet chain.
struct World {
    net: std::sync::Arc<Net>,
    executor: Executor<Between, net::Steps>,
    began_with: i64,
    orders: usize,
}

impl World {
    async fn start(pools: &str) -> Self {
        let net = std::sync::Arc::new(Net::start(pools, ""));
        let began_with = net.lamports().await;
        let chain = Between { client: net.client().await, change: Mutex::new(None) };
        let genesis = chain.client.genesis().to_owned();
        let executor = net.executor_on(chain, &genesis, net::settings()).await.unwrap();
        Self { net, executor, began_with, orders: 0 }
    }

    /// What changes between the next quote and its landing.
    fn between(&self, change: impl IntoIterator<Item = Become>) {
        let (net, change): (_, Vec<Become>) = (self.net.clone(), change.into_iter().collect());
        let change = move || change.iter().for_each(|(address, account)| net.put(*address, account));
        *self.executor.chain().change.lock().unwrap() = Some(Box::new(change));
    }

    /// What changes before the next quote.
    fn now(&self, (address, account): &Become) {
        self.net.put(*address, account);
    }

    async fn order(&mut self, size: Size) -> Report {
        self.orders += 1;
        let order = Order { mint: self.net.mint(0), size, slippage: Bps(100) };
        self.executor.execute(&self.orders.to_string(), order).await.unwrap()
    }

    async fn spend(&mut self) -> Report {
        self.order(Size::Spend(Lamports(SOL))).await
    }

    /// An order that brings exactly what was quoted.
    async fn fills(&mut self, size: Size) -> (u64, u64) {
        let report = self.order(size).await;
        let Report::Settled { quoted, settlement: Settlement::Filled { base, quote, .. }, .. } = &report else {
            panic!("{report:?}")
        };
        let found = (base.unsigned_abs(), quote.unsigned_abs());
        assert_eq!(found, (quoted.swap.base, quoted.swap.user_quote));
        found
    }

    /// An order whose transaction lands and fails with this number of the program.
    async fn fails(&mut self, size: Size, code: u32) {
        let report = self.order(size).await;
        let Report::Settled { settlement: Settlement::Failed { error, lamports, .. }, .. } = &report else {
            panic!("{report:?}")
        };
        assert!(error.ends_with(&format!("custom program error: {code:#x}")), "{error}");
        assert_eq!(*lamports, -5_000);
    }

    /// An order that is not sent, and why.
    async fn is_not_sent(&mut self, size: Size, why: &str) {
        let before = self.net.lamports_now().await;
        let said = match self.order(size).await {
            Report::Rejected(rejection) => rejection.to_string(),
            Report::Refused(refusals) => refusals.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(said.contains(why), "{said}");
        assert_eq!(self.net.lamports_now().await, before);
    }

    /// Journal and chain are equal to the lamport.
    async fn ends(mut self) {
        let change = self.net.lamports().await - self.began_with;
        self.executor.settle_all().await.unwrap();
        assert_eq!(change, self.executor.journal().lamports().unwrap());
    }
}

/// An account as it is to become.
type Become = (Address, Account);

async fn read(net: &Net, address: Address) -> Account {
    net.account(address).await.unwrap()
}

async fn changed_global(net: &Net, change: impl FnOnce(&mut GlobalConfig)) -> Become {
    let account = read(net, GLOBAL_CONFIG).await;
    let mut global = GlobalConfig::decode(&account.data).unwrap();
    change(&mut global);
    (GLOBAL_CONFIG, Account { data: layout::global_config(&global), ..account })
}

/// The protocol takes 2 % more, at every market capitalisation.
async fn raised_fees(net: &Net) -> Become {
    let account = read(net, FEE_CONFIG).await;
    let mut fees = FeeConfigAccount::decode(&account.data).unwrap();
    fees.fees = fees.fees.map(|rates| FeeRates { protocol: Bps(rates.protocol.0 + 200), ..rates });
    (FEE_CONFIG, Account { data: layout::fee_config(&fees), ..account })
}

async fn changed_pool(net: &Net, change: impl FnOnce(&mut Pool)) -> Become {
    let address = net.pool(0);
    let account = read(net, address).await;
    let mut pool = Pool::decode(&account.data).unwrap();
    change(&mut pool);
    (address, Account { data: layout::pool(&pool, account.data.len()), ..account })
}

/// A vault with a hundredth of what it holds.
async fn drained(net: &Net, vault: Address, is_wrapped: bool) -> Become {
    let mut account = read(net, vault).await;
    let amount = token_amount(&account.data).unwrap();
    account.data[64..72].copy_from_slice(&(amount / 100).to_le_bytes());
    if is_wrapped {
        account.lamports -= amount - amount / 100;
    }
    (vault, account)
}

fn gone(address: Address) -> Become {
    (address, Account { lamports: 0, owner: SYSTEM, data: Vec::new(), executable: false })
}

#[tokio::test]
async fn a_fee_that_rises_between_two_orders_is_in_the_next_quote() {
    let mut world = World::start("").await;
    let before = world.fills(Size::Buy(1_000_000_000_000)).await;
    world.order(Size::Sell(1_000_000_000_000)).await;
    world.now(&raised_fees(&world.net).await);
    let after = world.fills(Size::Buy(1_000_000_000_000)).await;
    // At 496 SOL of market capitalisation 20 + 5 + 95 basis points become 20 + 205 + 95.
    let rise = after.1 as f64 / before.1 as f64;
    assert!((rise - 1.0320 / 1.0120).abs() < 2e-4, "{rise}");
    world.ends().await;
}

#[tokio::test]
async fn a_fee_that_rises_beyond_the_bound_between_quote_and_landing_fails_on_chain() {
    let mut world = World::start("").await;
    world.between([raised_fees(&world.net).await]);
    world.fails(Size::Buy(1_000_000_000_000), 6004).await;
    world.between([raised_fees(&world.net).await]);
    world.fails(Size::Spend(Lamports(SOL)), 6040).await;
    world.fills(Size::Spend(Lamports(SOL))).await;
    world.ends().await;
}

#[tokio::test]
async fn recipients_that_are_replaced_between_quote_and_landing_fail_once_and_the_next_order_pays_the_new_ones() {
    let mut world = World::start("").await;
    world.between([changed_global(&world.net, |global| global.protocol_fee_recipients = [Address([77; 32]); 8]).await]);
    world.fails(Size::Spend(Lamports(SOL)), 6013).await;
    world.fills(Size::Spend(Lamports(SOL))).await;
    world.between([changed_global(&world.net, |global| global.buyback_fee_recipients = [Address([78; 32]); 8]).await]);
    world.fails(Size::Sell(1_000_000_000), 6053).await;
    world.fills(Size::Sell(1_000_000_000)).await;
    for recipient in [Address([77; 32]), Address([78; 32])] {
        let wsol = pda::associated_token(&recipient, &WSOL_MINT, &TOKEN);
        assert!(token_amount(&read(&world.net, wsol).await.data).unwrap() > 0, "{recipient} was paid");
    }
    world.ends().await;
}

#[tokio::test]
async fn trading_that_the_program_switches_off_is_known_before_anything_is_signed() {
    let mut world = World::start("").await;
    world.fills(Size::Spend(Lamports(SOL))).await;
    // Bits of buy and sell.
    world.now(&changed_global(&world.net, |global| global.disabled.0 = 0b1_1000).await);
    world.is_not_sent(Size::Spend(Lamports(SOL)), "6020").await;
    world.is_not_sent(Size::Sell(1_000_000), "6021").await;
    world.ends().await;
}

#[tokio::test]
async fn a_pool_that_migrates_away_is_no_market_and_what_is_held_has_no_price() {
    let mut world = World::start("").await;
    world.fills(Size::Spend(Lamports(SOL))).await;
    world.now(&gone(world.net.pool(0)));
    world.is_not_sent(Size::Sell(1_000_000), "pool").await;
    // An equity that is not known is no equity to risk: another coin is not bought either.
    let other = Order { mint: world.net.mint(1), size: Size::Spend(Lamports(SOL)), slippage: Bps(100) };
    let report = world.executor.execute("other", other).await.unwrap();
    let Report::Refused(refusals) = report else { panic!("{report:?}") };
    assert_eq!(refusals.0, [Refusal::UnknownEquity]);
    world.ends().await;
}

#[tokio::test]
async fn a_pool_that_migrates_between_quote_and_landing_costs_the_network_s_fee() {
    let mut world = World::start("").await;
    world.between([gone(world.net.pool(0))]);
    let report = world.spend().await;
    assert!(
        matches!(report, Report::Settled { settlement: Settlement::Failed { lamports: -5_000, .. }, .. }),
        "{report:?}"
    );
    world.ends().await;
}

#[tokio::test]
async fn a_pool_that_loses_its_liquidity_is_not_bought_and_can_be_left() {
    let mut world = World::start("[[pool]]\nbase_reserve = 100000000000000\nquote_reserve = 90000000000").await;
    let (base, _) = world.fills(Size::Spend(Lamports(SOL))).await;
    let pool = Pool::decode(&read(&world.net, world.net.pool(0)).await.data).unwrap();
    let (base_vault, quote_vault) = (pool.base_vault, pool.quote_vault);
    world.between([drained(&world.net, base_vault, false).await, drained(&world.net, quote_vault, true).await]);
    // What was quoted is not there any more: the bound holds on chain.
    world.fails(Size::Spend(Lamports(SOL)), 6040).await;
    world.is_not_sent(Size::Spend(Lamports(SOL)), "in its pool").await;
    world.fills(Size::Sell(base)).await;
    world.ends().await;
}

#[tokio::test]
async fn an_imitation_of_a_pool_is_never_traded() {
    let mut world = World::start("").await;
    world.fills(Size::Spend(Lamports(SOL))).await;
    world.now(&changed_pool(&world.net, |pool| pool.quote_vault = Address([9; 32])).await);
    world.is_not_sent(Size::Sell(1_000_000), "imitation").await;
    world.ends().await;
    // Somebody's own pool of a coin is not the coin's market, whatever its price.
    let mut world =
        World::start("[[pool]]\nbase_reserve = 100000000000000\nquote_reserve = 90000000000\ncanonical = false").await;
    world.is_not_sent(Size::Spend(Lamports(SOL)), "has not graduated").await;
    world.ends().await;
}

#[tokio::test]
async fn a_coin_that_can_be_frozen_from_now_on_is_sold_and_not_bought() {
    let mut world = World::start("").await;
    let (base, _) = world.fills(Size::Spend(Lamports(SOL))).await;
    let mint = world.net.mint(0);
    let mut account = read(&world.net, mint).await;
    // Mint of SPL Token: whether there is a freeze authority, and which.
    account.data[46..50].copy_from_slice(&1_u32.to_le_bytes());
    account.data[50..82].fill(7);
    world.now(&(mint, account));
    world.is_not_sent(Size::Spend(Lamports(SOL)), "can freeze it").await;
    world.fills(Size::Sell(base)).await;
    world.ends().await;
}
