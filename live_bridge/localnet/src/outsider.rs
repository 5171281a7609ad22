//! The outsider, who trades between a user's quote and its landing, or along a recorded path of reserves.

use crate::chain::Chain;
use crate::chain::compute_budget::unit_limit;
use crate::chain::execute::solana;
use crate::chain::token::{mint_supply, token_account};
use crate::genesis::OUTSIDER;
use q50_pumpswap::amm::{AmmConfig, Order, PoolState, Version};
use q50_pumpswap::chain::programs::{FEE_CONFIG, GLOBAL_CONFIG, PUMP_AMM, PUMP_FEES};
use q50_pumpswap::chain::{
    Address, FeeAccounts, FeeConfigAccount, GlobalConfig, Instruction, Pool, PoolKeys, SwapEncoder, VolumeTracking,
};
use solana_account::ReadableAccount;
use solana_keypair::Keypair;
use solana_message::{Message, VersionedMessage};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;

/// Compute units for a trade, an account that it makes included.
const UNITS: u32 = 400_000;

/// Reserves of a pool at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReserveStep {
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
    /// Base, in its smallest unit.
    pub base: u64,
    /// Quote that prices, in its smallest unit.
    pub quote: u64,
}

/// Moves a pool along recorded reserves, from the slot it starts in.
#[derive(Clone, Debug)]
pub(crate) struct Arbitrageur {
    pool: Address,
    steps: std::collections::VecDeque<ReserveStep>,
    /// Recorded milliseconds that pass in one of the chain's.
    speed: f64,
    started: Option<(i64, i64)>,
}

impl Arbitrageur {
    pub(crate) fn new(pool: Address, steps: Vec<ReserveStep>, speed: f64) -> Self {
        Self { pool, steps: steps.into(), speed, started: None }
    }

    /// Trades to where the recorded pool was at the open slot's time; where several steps are due, to the last of them.
    pub(crate) fn act(&mut self, chain: &mut Chain) {
        let now = chain.time_ms();
        let Some(first) = self.steps.front() else { return };
        let (start, recorded) = *self.started.get_or_insert((now, first.time_ms));
        let due = recorded + ((now - start) as f64 * self.speed) as i64;
        let mut last = None;
        while self.steps.front().is_some_and(|step| step.time_ms <= due) {
            last = self.steps.pop_front();
        }
        if let (Some(step), Some(market)) = (last, Market::read(chain, self.pool)) {
            let price = step.quote as f64 / step.base as f64;
            market.trade_to(chain, price);
        }
    }
}

/// Moves the price of every pool of a transaction by `bps`, up where it is positive.
pub(crate) fn move_pools_of(chain: &mut Chain, transaction: &VersionedTransaction, bps: i64) {
    for key in transaction.message.static_account_keys() {
        move_pool(chain, Address(key.to_bytes()), bps);
    }
}

/// Moves the price of a pool by `bps`; whether there is such a pool and a trade landed.
pub(crate) fn move_pool(chain: &mut Chain, pool: Address, bps: i64) -> bool {
    Market::read(chain, pool).is_some_and(|market| {
        let price = market.price() * (1.0 + bps as f64 / 10_000.0);
        market.trade_to(chain, price)
    })
}

/// A pool as it is in the open slot, and what a trade on it needs.
struct Market {
    keys: PoolKeys,
    state: PoolState,
    global: GlobalConfig,
    config: AmmConfig,
}

impl Market {
    fn read(chain: &Chain, pool: Address) -> Option<Self> {
        let read = |address: &Address| chain.account(&address.0.into());
        let owner = |account: &solana_account::AccountSharedData| Address(account.owner().to_bytes());
        let account = read(&pool)?;
        let decoded = Pool::from_account(&owner(account), account.data()).ok()?;
        let global = GlobalConfig::from_account(&PUMP_AMM, read(&GLOBAL_CONFIG)?.data()).ok()?;
        let fees = FeeConfigAccount::from_account(&PUMP_FEES, read(&FEE_CONFIG)?.data()).ok()?;
        let (base_mint, quote_mint) = (read(&decoded.base_mint)?, read(&decoded.quote_mint)?);
        let amount = |vault: &Address| token_account(read(vault)?).map(|(_, _, amount)| amount);
        let state = decoded.state(amount(&decoded.base_vault)?, amount(&decoded.quote_vault)?, mint_supply(base_mint)?);
        let keys = PoolKeys::new(pool, &decoded, owner(base_mint), owner(quote_mint));
        Some(Self { keys, state, config: global.amm_config(&fees), global })
    }

    /// Quote for a unit of base, both smallest.
    fn price(&self) -> f64 {
        self.state.effective_quote().unwrap_or_default() as f64 / self.state.base_vault as f64
    }

    /// Trades to a price, as nearly as the fee that stays in the pool lets it. Source: x·y = k.
    fn trade_to(&self, chain: &mut Chain, price: f64) -> bool {
        let base = self.state.base_vault as f64;
        let target = base * (self.price() / price).sqrt();
        let order =
            if target < base { Order::buy((base - target) as u64) } else { Order::sell((target - base) as u64) };
        let Ok(swap) = self.state.swap(&self.config, Version::V1, order) else { return false };
        let outsider = chain.origin().keypair(OUTSIDER);
        let trade = SwapEncoder {
            pool: &self.keys,
            user: Address(outsider.pubkey().to_bytes()),
            protocol_fee_recipient: self.global.protocol_recipients(self.state.is_mayhem)[0],
            buyback_fee_recipient: self.global.buyback_fee_recipients[0],
            fee_accounts: FeeAccounts::for_fees(&swap.fees),
        };
        let instruction = match order {
            Order::Sell { base_in, min_quote_out } => trade.sell(base_in, min_quote_out),
            Order::Buy { base_out, max_quote_in } => trade.buy(base_out, max_quote_in, VolumeTracking::Off),
            Order::BuyExactQuoteIn { .. } => return false,
        };
        send(chain, &outsider, &instruction)
    }
}

/// Lands one instruction; whether it succeeded.
fn send(chain: &mut Chain, signer: &Keypair, instruction: &Instruction) -> bool {
    let payer = signer.pubkey();
    let message =
        Message::new_with_blockhash(&[unit_limit(UNITS), solana(instruction)], Some(&payer), &chain.latest_hash().0);
    let signature = signer.sign_message(&message.serialize());
    let transaction = VersionedTransaction { signatures: vec![signature], message: VersionedMessage::Legacy(message) };
    let landed = chain.land(transaction);
    landed.is_ok_and(|signature| chain.records().get(&signature).is_some_and(|record| record.status.is_ok()))
}
