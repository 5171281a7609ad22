//! A pool with everything around it that a trade touches: made on the machine, and traded on there and in our model.

use super::machine::Machine;
use super::outcome::{Balances, LiquidityEffects, Outcome, SwapEffects};
use super::setting::{Receivers, Setting, any_address, configuration, pool_account};
use q50_pumpswap::amm::{AmmError, LiquidityChange, Order, PoolState, QuoteMint, Version};
use q50_pumpswap::chain::programs::{
    FEE_CONFIG, GLOBAL_CONFIG, GLOBAL_VOLUME_ACCUMULATOR, PUMP_AMM, PUMP_FEES, TOKEN_2022,
};
use q50_pumpswap::chain::{
    Address, FeeAccounts, FeeConfigAccount, GlobalConfig, Instruction, Liquidity, LiquidityKind, Pool, PoolKeys,
    ProgramEvent, SwapEncoder, layout, pda,
};
use rand::Rng;

/// What we expect of a swap, and what the program did.
pub type SwapOutcomes = (Outcome<SwapEffects>, Outcome<SwapEffects>);
/// What we expect of a change of liquidity, and what the program did.
pub type LiquidityOutcomes = (Outcome<LiquidityEffects>, Outcome<LiquidityEffects>);

/// A market on a machine, and our account of it.
///
/// Our state is only ever advanced by our own results, never read back from the machine.
#[derive(Debug)]
pub struct Market {
    pub(super) setting: Setting,
    pub(super) keys: PoolKeys,
    pub(super) user: Address,
    pub(super) protocol_recipient: Address,
    pub(super) buyback_recipient: Address,
    pub(super) pool: PoolState,
    pub(super) balances: Balances,
    pub(super) shares: u64,
}

impl Market {
    /// Makes the market of `setting` with addresses from `rng`, and reads its accounts back with this crate's decoders.
    pub fn open(machine: &mut Machine, rng: &mut impl Rng, setting: &Setting) -> Self {
        let (pool, user) = (setting.pool, any_address(rng));
        let account = pool_account(setting, rng);
        let keys =
            PoolKeys::new(account.derived_address(), &account, setting.base_token_program, setting.quote_token_program);
        let (global, fees) = configuration(&setting.config, rng);
        let market = Self {
            setting: setting.clone(),
            keys,
            user,
            // Any of the eight will do.
            protocol_recipient: global.protocol_recipients(pool.is_mayhem)[rng.next_u32() as usize % 8],
            buyback_recipient: global.buyback_fee_recipients[rng.next_u32() as usize % 8],
            pool,
            balances: Balances {
                user_base: setting.user_base,
                user_quote: setting.user_quote,
                protocol: 0,
                buyback: 0,
                creator: 0,
                cashback: 0,
            },
            shares: setting.user_shares,
        };
        machine.put_wallet(user);
        machine.put(GLOBAL_CONFIG, PUMP_AMM, layout::global_config(&global));
        machine.put(FEE_CONFIG, PUMP_FEES, layout::fee_config(&fees));
        machine.put(GLOBAL_VOLUME_ACCUMULATOR, PUMP_AMM, layout::global_volume_accumulator());
        machine.put(keys.address, PUMP_AMM, layout::pool(&account, setting.pool_length));
        market.put_mints(machine);
        market.put_token_accounts(machine);
        market.assert_agrees(machine);
        market
    }

    fn put_mints(&self, machine: &mut Machine) {
        let keys = &self.keys;
        let quote_decimals = if self.pool.quote_mint == QuoteMint::Sol { 9 } else { 6 };
        machine.put(keys.base_mint, keys.base_token_program, layout::mint(self.pool.base_supply, 6, None));
        machine.put(keys.quote_mint, keys.quote_token_program, layout::mint(0, quote_decimals, None));
        machine.put(keys.lp_mint, TOKEN_2022, layout::mint(self.shares, 9, Some(&keys.address)));
    }

    fn put_token_accounts(&self, machine: &mut Machine) {
        let (keys, user) = (&self.keys, self.user);
        let base = |owner: Address, amount| (keys.base_account(&owner), owner, amount);
        let quote = |owner: Address, amount| (keys.quote_account(&owner), owner, amount);
        for (address, owner, amount) in [base(user, self.setting.user_base), base(keys.address, self.pool.base_vault)] {
            let data = layout::token_account(&keys.base_mint, &owner, amount, None);
            machine.put(address, keys.base_token_program, data);
        }
        let mut quotes = vec![
            quote(user, self.setting.user_quote),
            quote(keys.address, self.pool.quote_vault),
            // The second version of the instructions does not make this one.
            quote(self.buyback_recipient, 0),
            quote(pda::user_volume_accumulator(&user), 0),
        ];
        if self.setting.receivers == Receivers::HaveAccounts {
            quotes.push(quote(self.protocol_recipient, 0));
            quotes.push(quote(pda::creator_vault_authority(&keys.coin_creator), 0));
        }
        for (address, owner, amount) in quotes {
            // Wrapped SOL is backed by lamports.
            let native = (self.pool.quote_mint == QuoteMint::Sol).then(|| machine.rent(165));
            let data = layout::token_account(&keys.quote_mint, &owner, amount, native);
            machine.put_with_lamports(address, keys.quote_token_program, data, native.map_or(0, |_| amount));
        }
        let shares = layout::token_account(&keys.lp_mint, &user, self.shares, None);
        machine.put(self.liquidity().share_account(), TOKEN_2022, shares);
    }

    /// That the machine's accounts, read by this crate's decoders, say what we say: also after a refusal.
    pub fn assert_agrees(&self, machine: &Machine) {
        let read = |address| machine.data(address).unwrap();
        let global = GlobalConfig::from_account(&PUMP_AMM, &read(&GLOBAL_CONFIG)).unwrap();
        let fees = FeeConfigAccount::from_account(&PUMP_FEES, &read(&FEE_CONFIG)).unwrap();
        assert_eq!(global.amm_config(&fees), self.setting.config);
        assert_eq!(self.read_pool(machine), self.pool);
        assert_eq!(self.read_balances(machine), self.balances);
    }

    /// The pool as the machine has it.
    fn read_pool(&self, machine: &Machine) -> PoolState {
        let account = Pool::from_account(&PUMP_AMM, &machine.data(&self.keys.address).unwrap()).unwrap();
        let vaults = [account.base_vault, account.quote_vault].map(|vault| machine.tokens(&vault));
        account.state(vaults[0], vaults[1], machine.supply(&account.base_mint))
    }

    /// Everybody's balance as the machine has it.
    fn read_balances(&self, machine: &Machine) -> Balances {
        let quote = |owner: &Address| machine.tokens(&self.keys.quote_account(owner));
        Balances {
            user_base: machine.tokens(&self.keys.base_account(&self.user)),
            user_quote: quote(&self.user),
            protocol: quote(&self.protocol_recipient),
            buyback: quote(&self.buyback_recipient),
            creator: quote(&pda::creator_vault_authority(&self.keys.coin_creator)),
            cashback: quote(&pda::user_volume_accumulator(&self.user)),
        }
    }

    /// The pool as we have it.
    pub fn pool(&self) -> &PoolState {
        &self.pool
    }

    /// Executes an order: what we expect, and what the program did. Our state advances.
    pub fn swap(&mut self, machine: &mut Machine, version: Version, order: Order) -> SwapOutcomes {
        let quoted = self.pool.swap(&self.setting.config, version, order);
        let expected = quoted.map(|swap| self.expected_swap(version, order, &swap)).map_err(AmmError::code);
        let printed = machine.execute(self.user, &self.encode(version, order));
        let found = printed.map(|event| match event {
            ProgramEvent::Swap(event) => {
                SwapEffects { pool: self.read_pool(machine), balances: self.read_balances(machine), event: *event }
            }
            ProgramEvent::Liquidity(event) => panic!("a swap printed {event:?}"),
        });
        if let Ok(effects) = &expected {
            (self.pool, self.balances) = (effects.pool, effects.balances);
        }
        (expected, found)
    }

    /// The order's instruction.
    fn encode(&self, version: Version, order: Order) -> Instruction {
        // Which unnamed accounts the program takes depends on the fees, which an order's limit does not change: they are
        // those of the same order without one.
        let unlimited = match order {
            Order::Buy { base_out, .. } => Order::buy(base_out),
            Order::BuyExactQuoteIn { quote_in, .. } => Order::spend(quote_in),
            Order::Sell { base_in, .. } => Order::sell(base_in),
        };
        let quoted = self.pool.swap(&self.setting.config, version, unlimited);
        let fee_accounts = match quoted {
            Ok(swap) => FeeAccounts::for_fees(&swap.fees),
            Err(_) => FeeAccounts::for_pool(&self.keys),
        };
        let trade = SwapEncoder {
            pool: &self.keys,
            user: self.user,
            protocol_fee_recipient: self.protocol_recipient,
            buyback_fee_recipient: self.buyback_recipient,
            fee_accounts,
        };
        let tracking = self.setting.tracking;
        match (version, order) {
            (Version::V1, Order::Buy { base_out, max_quote_in }) => trade.buy(base_out, max_quote_in, tracking),
            (Version::V1, Order::BuyExactQuoteIn { quote_in, min_base_out }) => {
                trade.buy_exact_quote_in(quote_in, min_base_out, tracking)
            }
            (Version::V1, Order::Sell { base_in, min_quote_out }) => trade.sell(base_in, min_quote_out),
            (Version::V2, Order::Buy { base_out, max_quote_in }) => trade.buy_v2(base_out, max_quote_in),
            (Version::V2, Order::BuyExactQuoteIn { quote_in, min_base_out }) => {
                trade.buy_exact_quote_in_v2(quote_in, min_base_out)
            }
            (Version::V2, Order::Sell { base_in, min_quote_out }) => trade.sell_v2(base_in, min_quote_out),
        }
    }

    /// Deposits for `shares`: what we expect, and what the program did. Our state advances.
    pub fn deposit(&mut self, machine: &mut Machine, shares: u64, limits: [u64; 2]) -> LiquidityOutcomes {
        let quoted = self.pool.deposit(&self.setting.config, shares, limits[0], limits[1]);
        let instruction = self.liquidity().deposit(shares, limits[0], limits[1]);
        self.change_liquidity(machine, LiquidityKind::Deposit, shares, limits, quoted, &instruction)
    }

    /// Withdraws `shares`: what we expect, and what the program did. Our state advances.
    pub fn withdraw(&mut self, machine: &mut Machine, shares: u64, limits: [u64; 2]) -> LiquidityOutcomes {
        let quoted = self.pool.withdraw(&self.setting.config, shares, limits[0], limits[1]);
        let instruction = self.liquidity().withdraw(shares, limits[0], limits[1]);
        self.change_liquidity(machine, LiquidityKind::Withdrawal, shares, limits, quoted, &instruction)
    }

    /// The encoder of deposits and withdrawals.
    pub(super) fn liquidity(&self) -> Liquidity<'_> {
        Liquidity { pool: &self.keys, user: self.user }
    }

    fn change_liquidity(
        &mut self,
        machine: &mut Machine,
        kind: LiquidityKind,
        shares: u64,
        limits: [u64; 2],
        quoted: Result<LiquidityChange, AmmError>,
        instruction: &Instruction,
    ) -> LiquidityOutcomes {
        let expected = quoted.map(|change| self.expected_change(kind, shares, limits, &change)).map_err(AmmError::code);
        let found = machine.execute(self.user, instruction).map(|event| match event {
            ProgramEvent::Liquidity(event) => {
                let balances = self.read_balances(machine);
                LiquidityEffects {
                    pool: self.read_pool(machine),
                    user_base: balances.user_base,
                    user_quote: balances.user_quote,
                    user_shares: machine.tokens(&self.liquidity().share_account()),
                    share_supply: machine.supply(&self.keys.lp_mint),
                    event: *event,
                }
            }
            ProgramEvent::Swap(event) => panic!("a change of liquidity printed {event:?}"),
        });
        if let Ok(effects) = &expected {
            (self.pool, self.shares) = (effects.pool, effects.user_shares);
            (self.balances.user_base, self.balances.user_quote) = (effects.user_base, effects.user_quote);
        }
        (expected, found)
    }
}
