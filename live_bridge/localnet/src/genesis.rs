//! The chain before the first transaction: PumpSwap and its configuration, mints, pools, a funded wallet, and an
//! outsider who trades.

use crate::address;
use crate::chain::{Chain, FIRST_SLOT, Origin};
use crate::pools::{PoolSpec, Pools, Quote, TokenProgram};
use q50_engine::units::Bps;
use q50_pumpswap::chain::programs::{
    FEE_CONFIG, GLOBAL_CONFIG, GLOBAL_VOLUME_ACCUMULATOR, PUMP_AMM, PUMP_FEES, SYSTEM, TOKEN, TOKEN_2022, USDC_MINT,
    WSOL_MINT,
};
use q50_pumpswap::chain::{Address, FeeConfigAccount, GlobalConfig, Pool, PoolKeys, layout, pda};
use serde::{Deserialize, Serialize};
use solana_account::Account;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;

/// What the wallet begins with, in lamports.
pub(crate) const WALLET_LAMPORTS: u64 = 1_000_000_000_000;
/// What the outsider has of everything that there is no end of, in the smallest unit.
const PLENTY: u64 = 1_000_000_000_000_000_000;
/// Supply of USDC, in its smallest unit.
const USDC_SUPPLY: u64 = 2 * PLENTY;
const USDC_DECIMALS: u8 = 6;
const BASE_DECIMALS: u8 = 6;
const SOL_DECIMALS: u8 = 9;
const LP_DECIMALS: u8 = 9;

/// A pool that was made.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    /// The coin.
    pub(crate) mint: Pubkey,
    /// The pool.
    pub(crate) pool: Pubkey,
}

/// The name of the key of whoever trades besides the user.
pub(crate) const OUTSIDER: &str = "outsider";

/// A chain with these pools, and `wallet` funded.
pub(crate) fn make(origin: Origin, pools: &Pools, wallet: &Keypair) -> Chain {
    let mut maker = Maker { chain: Chain::new(origin) };
    maker.programs();
    maker.configuration(pools);
    maker.mints();
    maker.wallet(address(&wallet.pubkey()), WALLET_LAMPORTS);
    let outsider = maker.key(OUTSIDER);
    maker.wallet(outsider, PLENTY);
    maker.token_account(outsider, WSOL_MINT, TOKEN, PLENTY);
    maker.token_account(outsider, USDC_MINT, TOKEN, PLENTY);
    maker.token_account(address(&wallet.pubkey()), USDC_MINT, TOKEN, PLENTY);
    let made = pools.pools.iter().enumerate().map(|(index, pool)| maker.pool(index, pool)).collect();
    maker.chain.set_pools(made);
    maker.chain
}

struct Maker {
    chain: Chain,
}

impl Maker {
    /// Somebody of this chain.
    fn key(&self, name: &str) -> Address {
        address(&self.chain.origin().keypair(name).pubkey())
    }

    fn keys<const N: usize>(&self, name: &str) -> [Address; N] {
        std::array::from_fn(|index| self.key(&format!("{name} {index}")))
    }

    fn put(&mut self, at: Address, owner: Address, data: Vec<u8>, lamports: u64) {
        let lamports = lamports.saturating_add(self.chain.rent(data.len()));
        let account = Account { lamports, data, owner: owner.0.into(), executable: false, rent_epoch: u64::MAX };
        self.chain.put(at.0.into(), account.into());
    }

    fn programs(&mut self) {
        for (program, bytes) in [(PUMP_AMM, q50_programs::PUMP_AMM), (PUMP_FEES, q50_programs::PUMP_FEES)] {
            if let Err(error) = self.chain.machine().add_program(program.0, bytes) {
                panic!("program {program}, whose bytes were checked: {error}");
            }
        }
        // A program is visible in the slot after it was deployed.
        debug_assert!(self.chain.open() >= FIRST_SLOT);
    }

    fn configuration(&mut self, pools: &Pools) {
        let config = pools.config();
        // The program searches this list by halves, and finds nobody in one that does not ascend (6013).
        let mut protocol_fee_recipients = self.keys("protocol fee");
        protocol_fee_recipients.sort_unstable();
        let global = GlobalConfig {
            admin: self.key("admin"),
            lp_fee: Bps(20),
            protocol_fee: Bps(5),
            disabled: config.disabled,
            protocol_fee_recipients,
            coin_creator_fee: Bps(5),
            admin_set_coin_creator_authority: self.key("admin"),
            whitelist: self.key("whitelist"),
            reserved_fee_recipient: self.key("reserved fee"),
            mayhem_enabled: true,
            reserved_fee_recipients: self.keys("reserved fee"),
            cashback_enabled: true,
            buyback_fee_recipients: self.keys("buyback fee"),
            buyback: config.buyback,
            boost_authority: self.key("boost"),
            boost_enabled: true,
            creator_fee_configurable: config.creator_fee_configurable,
            max_creator_fee: Bps(10_000),
        };
        let (_, bump) = pda::find(&[b"fee_config", PUMP_AMM.as_bytes()], &PUMP_FEES);
        let fees = FeeConfigAccount { bump, admin: self.key("admin"), fees: config.fees };
        self.put(GLOBAL_CONFIG, PUMP_AMM, layout::global_config(&global), 0);
        self.put(FEE_CONFIG, PUMP_FEES, layout::fee_config(&fees), 0);
        self.put(GLOBAL_VOLUME_ACCUMULATOR, PUMP_AMM, layout::global_volume_accumulator(), 0);
        // As on mainnet, all who are paid have accounts already.
        let paid = [global.protocol_recipients(false), global.protocol_recipients(true), global.buyback_fee_recipients];
        for recipient in paid.into_iter().flatten() {
            self.wallet(recipient, 0);
            self.token_account(recipient, WSOL_MINT, TOKEN, 0);
            self.token_account(recipient, USDC_MINT, TOKEN, 0);
        }
    }

    fn mints(&mut self) {
        // The native mint counts no supply.
        self.put(WSOL_MINT, TOKEN, layout::mint(0, SOL_DECIMALS, None), 0);
        self.put(USDC_MINT, TOKEN, layout::mint(USDC_SUPPLY, USDC_DECIMALS, None), 0);
    }

    fn wallet(&mut self, owner: Address, lamports: u64) {
        self.put(owner, SYSTEM, Vec::new(), lamports);
    }

    fn token_account(&mut self, owner: Address, mint: Address, program: Address, amount: u64) {
        let at = pda::associated_token(&owner, &mint, &program);
        // Wrapped SOL is backed by lamports.
        let native = (mint == WSOL_MINT).then(|| self.chain.rent(165));
        let lamports = native.map_or(0, |_| amount);
        self.put(at, program, layout::token_account(&mint, &owner, amount, native), lamports);
    }

    fn pool(&mut self, index: usize, spec: &PoolSpec) -> Made {
        let name = |what: &str| format!("pool {index} {what}");
        let base_mint = self.key(&name("mint"));
        let base_program = match spec.token_program {
            TokenProgram::Token => TOKEN,
            TokenProgram::Token2022 => TOKEN_2022,
        };
        let quote_mint = match spec.quote {
            Quote::Wsol => WSOL_MINT,
            Quote::Usdc => USDC_MINT,
        };
        let (number, creator) =
            if spec.canonical { (0, pda::pool_authority(&base_mint)) } else { (1, self.key(&name("creator"))) };
        let seeds: [&[u8]; 5] =
            [b"pool", &u16::to_le_bytes(number), creator.as_bytes(), base_mint.as_bytes(), quote_mint.as_bytes()];
        let (at, bump) = pda::find(&seeds, &PUMP_AMM);
        let state = spec.state();
        let account = Pool {
            bump,
            index: number,
            creator,
            base_mint,
            quote_mint,
            lp_mint: pda::lp_mint(&at),
            base_vault: pda::associated_token(&at, &base_mint, &base_program),
            quote_vault: pda::associated_token(&at, &quote_mint, &TOKEN),
            lp_supply: state.lp_supply,
            coin_creator: if spec.coin_creator { self.key(&name("coin creator")) } else { Address::ZERO },
            is_mayhem: spec.mayhem,
            is_cashback: spec.cashback,
            virtual_quote_reserves: spec.virtual_quote,
            creator_fee: Bps(spec.creator_fee_bps),
            can_edit_creator_fee: false,
            is_holder_reward: false,
            protocol_fees: 0,
            creator_fees: 0,
        };
        let keys = PoolKeys::new(at, &account, base_program, TOKEN);
        self.put(base_mint, base_program, layout::mint(spec.supply, BASE_DECIMALS, None), 0);
        // Graduation burns the pool's first shares, which the pool still counts.
        self.put(keys.lp_mint, TOKEN_2022, layout::mint(0, LP_DECIMALS, Some(&at)), 0);
        self.put(at, PUMP_AMM, layout::pool(&account, spec.account_length), 0);
        self.token_account(at, base_mint, base_program, spec.base_reserve);
        self.token_account(at, quote_mint, TOKEN, spec.quote_reserve);
        self.token_account(pda::creator_vault_authority(&account.coin_creator), quote_mint, TOKEN, 0);
        // All else of the coin is the outsider's.
        let outsider = self.key(OUTSIDER);
        self.token_account(outsider, base_mint, base_program, spec.supply - spec.base_reserve);
        Made { mint: base_mint.0.into(), pool: at.0.into() }
    }
}
