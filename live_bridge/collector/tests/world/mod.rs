//! A chain in memory: a pool that is traded, transferred to and forked, and a node that lists as badly as a test wants.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "helpers of tests, each using its part")]

use q50_collector::store::Store;
use q50_collector::{CollectError, Collector, Source, Target};
use q50_engine::units::Bps;
use q50_executor::rpc::{Between, ChainTime, Listed, PAGE, Recorded, RpcError, Tokens, Touched};
use q50_pumpswap::amm::{AmmConfig, FeeConfig, FeeRates, Order, PoolState, Version};
use q50_pumpswap::chain::programs::WSOL_MINT;
use q50_pumpswap::chain::{Address, LiquidityKind};
use solana_signature::Signature;
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

pub const POOL: Address = Address([1; 32]);
pub const MINT: Address = Address([2; 32]);
pub const BASE_VAULT: Address = Address([3; 32]);
pub const QUOTE_VAULT: Address = Address([4; 32]);
pub const TARGET: Target = Target {
    pool: POOL,
    mint: MINT,
    decimals: 6,
    supply: 1_000_000_000_000_000,
    base_vault: BASE_VAULT,
    quote_vault: QUOTE_VAULT,
    is_mayhem: false,
};
/// Slots until what is confirmed is final.
const FINALITY: u64 = 31;
const RATES: [u64; 3] = [20, 5, 0];

#[derive(Clone)]
struct Landed {
    signature: Signature,
    slot: u64,
    has_failed: bool,
    /// Accounts whose lists have it.
    names: Vec<Address>,
    recorded: Recorded,
}

#[derive(Clone)]
struct State {
    pool: PoolState,
    slot: u64,
    landed: Vec<Landed>,
    signed: u64,
    /// Left out of the next lists, so many times.
    hidden: Vec<(Signature, u32)>,
    /// Calls until each that fails.
    failing_every: Option<u64>,
    calls: u64,
}

/// The chain and its node.
#[derive(Clone)]
pub struct World(Rc<RefCell<State>>);

pub fn config() -> AmmConfig {
    let rates = FeeRates::new(RATES[0], RATES[1], RATES[2]);
    AmmConfig { fees: FeeConfig::uniform(rates), ..AmmConfig::default() }
}

impl World {
    pub fn new() -> Self {
        let pool = PoolState { has_coin_creator: false, ..PoolState::new(206_900_000_000_000, 84_990_359_078) };
        let state =
            State { pool, slot: 100, landed: Vec::new(), signed: 0, hidden: Vec::new(), failing_every: None, calls: 0 };
        Self(Rc::new(RefCell::new(state)))
    }

    pub fn advance(&self, slots: u64) {
        self.0.borrow_mut().slot += slots;
    }

    pub fn pool(&self) -> PoolState {
        self.0.borrow().pool
    }

    /// Somebody sells coins.
    pub fn sell(&self, base: u64) -> Signature {
        let before = self.pool();
        let swap = before.swap(&config(), Version::V1, Order::sell(base)).unwrap();
        let time = self.0.borrow().time(self.0.borrow().slot);
        let said = sell_event(&before, base, time);
        self.land(swap.after, vec![said], vec![POOL, BASE_VAULT, QUOTE_VAULT], true)
    }

    /// Somebody adds liquidity, or takes some of it.
    pub fn move_liquidity(&self, kind: LiquidityKind, base: u64, quote: u64) -> Signature {
        let before = self.pool();
        let (base_after, quote_after) = match kind {
            LiquidityKind::Deposit => (before.base_vault + base, before.quote_vault + quote),
            LiquidityKind::Withdrawal => (before.base_vault - base, before.quote_vault - quote),
        };
        let after = PoolState { base_vault: base_after, quote_vault: quote_after, ..before };
        let time = self.0.borrow().time(self.0.borrow().slot);
        let said = liquidity_event(kind, &before, base, quote, time);
        self.land(after, vec![said], vec![POOL, BASE_VAULT, QUOTE_VAULT], true)
    }

    /// The node tells of the last sale with a protocol's fee that is one lamport more.
    pub fn misquote_the_last_fee(&self) {
        let mut state = self.0.borrow_mut();
        let said = &mut state.landed.last_mut().unwrap().recorded.said[0];
        // Behind the prefix, the discriminator, the time and ten numbers.
        said[8 + 8 + 8 + 10 * 8] += 1;
    }

    /// Somebody sends lamports to the quote vault, which does not name the pool.
    pub fn donate(&self, quote: u64) -> Signature {
        let before = self.pool();
        let after = PoolState { quote_vault: before.quote_vault + quote, ..before };
        self.land(after, Vec::new(), vec![QUOTE_VAULT], false)
    }

    /// Somebody tries to trade.
    pub fn fail(&self) -> Signature {
        let signature = self.land(self.pool(), Vec::new(), vec![POOL, BASE_VAULT, QUOTE_VAULT], true);
        self.0.borrow_mut().landed.last_mut().unwrap().has_failed = true;
        signature
    }

    fn land(&self, after: PoolState, said: Vec<Vec<u8>>, names: Vec<Address>, calls_amm: bool) -> Signature {
        let mut state = self.0.borrow_mut();
        state.signed += 1;
        let mut bytes = [7; 64];
        bytes[..8].copy_from_slice(&state.signed.to_le_bytes());
        let signature = Signature::from(bytes);
        let vault = |address, mint, amounts| {
            let tokens = names.contains(&address).then_some(Tokens { mint, owner: POOL, amounts });
            Touched { address, lamports: [0, 0], tokens }
        };
        let before = state.pool;
        let accounts = vec![
            vault(BASE_VAULT, MINT, [before.base_vault, after.base_vault]),
            vault(QUOTE_VAULT, WSOL_MINT, [before.quote_vault, after.quote_vault]),
        ];
        let (slot, time) = (state.slot, Some(state.time(state.slot)));
        let recorded = Recorded { slot, time, error: None, fee: 5_000, accounts, calls_amm, said };
        state.landed.push(Landed { signature, slot, has_failed: false, names, recorded });
        state.pool = after;
        signature
    }

    /// Takes back what landed in the newest slots, and the reserves with it.
    pub fn fork(&self, slots: u64, pool: PoolState) {
        let mut state = self.0.borrow_mut();
        let first = state.slot - slots + 1;
        state.landed.retain(|landed| landed.slot < first);
        state.pool = pool;
    }

    /// A node that is so many slots behind.
    pub fn behind(&self, slots: u64) -> Self {
        let mut state = self.0.borrow().clone();
        state.slot -= slots;
        let newest = state.slot;
        state.landed.retain(|landed| landed.slot <= newest);
        Self(Rc::new(RefCell::new(state)))
    }

    /// No node has this transaction any more.
    pub fn forget(&self, signature: Signature) {
        self.0.borrow_mut().landed.retain(|landed| landed.signature != signature);
    }

    /// The node leaves a transaction out of the next so many lists.
    pub fn hide(&self, signature: Signature, times: u32) {
        self.0.borrow_mut().hidden.push((signature, times));
    }

    /// Every so many calls the node does not answer.
    pub fn fail_every(&self, calls: Option<u64>) {
        self.0.borrow_mut().failing_every = calls;
    }

    /// Signatures that did not fail, in the chain's order.
    pub fn signatures(&self) -> Vec<Signature> {
        self.0.borrow().landed.iter().filter(|landed| !landed.has_failed).map(|landed| landed.signature).collect()
    }

    fn call(&self) -> Result<(), RpcError> {
        let mut state = self.0.borrow_mut();
        state.calls += 1;
        match state.failing_every {
            Some(every) if state.calls.is_multiple_of(every) => Err(RpcError::Connection("gone".to_owned())),
            _ => Ok(()),
        }
    }

    /// A collection that goes on from what is in the folder.
    pub fn collector(&self, folder: &Path) -> Collector<Self> {
        let store = Store::open(&folder.join("collection.sqlite"), &POOL, "genesis").unwrap();
        Collector::new(self.clone(), TARGET, store)
    }

    /// Collects, going on from where it failed as a process would that begins anew, until it has caught up.
    pub fn collect(&self, folder: &Path) -> (Collector<Self>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut failures = 0;
        loop {
            let mut collector = self.collector(folder);
            match runtime.block_on(collector.catch_up(&|_| {})) {
                Ok(_) => return (collector, failures),
                Err(CollectError::Node(RpcError::Connection(_))) => failures += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

impl State {
    fn time(&self, slot: u64) -> i64 {
        1_700_000_000 + i64::try_from(slot * 2 / 5).unwrap()
    }
}

impl Source for World {
    async fn signatures(&self, account: &Address, between: Between<'_>, _: u64) -> Result<Vec<Listed>, RpcError> {
        self.call()?;
        let mut state = self.0.borrow_mut();
        let place = |bound: Option<&Signature>| bound.map(|key| state.landed.iter().position(|l| l.signature == *key));
        let (before, until) = (place(between.before), place(between.until));
        // As a node does: from a place that it does not know there is nothing older.
        let end = before.map_or(state.landed.len(), Option::unwrap_or_default);
        let first = until.flatten().map_or(0, |place| place + 1);
        let mut page = Vec::new();
        let is_hidden =
            |landed: &Landed| state.hidden.iter().any(|(key, times)| *key == landed.signature && *times > 0);
        for landed in state.landed[first.min(end)..end].iter().rev() {
            if landed.names.contains(account) && !is_hidden(landed) && page.len() < PAGE {
                page.push(Listed {
                    signature: landed.signature,
                    slot: landed.slot,
                    has_failed: landed.has_failed,
                    is_final: landed.slot + FINALITY <= state.slot,
                });
            }
        }
        state.hidden.iter_mut().for_each(|(_, times)| *times = times.saturating_sub(1));
        Ok(page)
    }

    async fn recorded(&self, signature: &Signature) -> Result<Option<Recorded>, RpcError> {
        self.call()?;
        let state = self.0.borrow();
        Ok(state.landed.iter().find(|landed| landed.signature == *signature).map(|landed| landed.recorded.clone()))
    }

    async fn time(&self) -> Result<ChainTime, RpcError> {
        self.call()?;
        let state = self.0.borrow();
        Ok(ChainTime { slot: state.slot, unix_seconds: state.time(state.slot) })
    }

    async fn knows(&self, signature: &Signature) -> Result<bool, RpcError> {
        Ok(self.0.borrow().landed.iter().any(|landed| landed.signature == *signature))
    }
}

/// What the program says of a deposit or a withdrawal.
fn liquidity_event(kind: LiquidityKind, before: &PoolState, base: u64, quote: u64, time: i64) -> Vec<u8> {
    let mark = match kind {
        LiquidityKind::Deposit => [0x78, 0xf8, 0x3d, 0x53, 0x1f, 0x8e, 0x6b, 0x90],
        LiquidityKind::Withdrawal => [0x16, 0x09, 0x85, 0x1a, 0xa0, 0x2c, 0x47, 0xc0],
    };
    let mut bytes = [[0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d], mark].concat();
    bytes.extend(time.to_le_bytes());
    for number in [1, 0, 0, 0, 0, before.base_vault, before.quote_vault, base, quote, 1_000] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(POOL.as_bytes());
    bytes.extend([8; 4 * 32]);
    bytes
}

/// What the program says of a sale, with the prefix of a call to itself.
pub fn sell_event(before: &PoolState, base: u64, time: i64) -> Vec<u8> {
    let swap = before.swap(&config(), Version::V1, Order::sell(base)).unwrap();
    let fees = &swap.fees;
    let mut bytes =
        vec![0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d, 0x3e, 0x2f, 0x37, 0x0a, 0xa5, 0x03, 0xdc, 0x2a];
    bytes.extend(time.to_le_bytes());
    let beside = swap.raw_quote - fees.lp;
    for number in [
        base,
        0,
        0,
        0,
        before.base_vault,
        before.quote_vault,
        swap.raw_quote,
        RATES[0],
        fees.lp,
        RATES[1],
        fees.protocol,
        beside,
        swap.user_quote,
    ] {
        bytes.extend(number.to_le_bytes());
    }
    for address in [POOL, Address([9; 32]), Address([10; 32]), Address([11; 32]), Address([12; 32]), Address([13; 32])]
    {
        bytes.extend(address.as_bytes());
    }
    // Nobody made the coin; no cashback; the buyback's rate and part.
    bytes.extend([0; 32 + 8 + 8]);
    let Bps(buyback) = config().buyback;
    for number in [0, 0, buyback, fees.buyback] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(before.virtual_quote.to_le_bytes());
    bytes
}
