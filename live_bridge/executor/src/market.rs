//! The canonical SOL pool of a coin, everything that prices it, and the user's holdings of it, all read in one slot.

use crate::clock::Clock;
use crate::guards::Mint;
use crate::rpc::{Account, Client, Commitment, RpcError, token_amount};
use q50_engine::units::Lamports;
use q50_pumpswap::amm::{AmmConfig, PoolState};
use q50_pumpswap::chain::programs::{FEE_CONFIG, GLOBAL_CONFIG, SYSTEM, TOKEN, TOKEN_2022, WSOL_MINT};
use q50_pumpswap::chain::{Address, DecodeError, FeeConfigAccount, GlobalConfig, Pool, PoolKeys, pda};
use thiserror::Error;

/// A market that cannot be read, or that is none.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MarketError {
    /// No node says.
    #[error(transparent)]
    Node(#[from] RpcError),
    /// An account is missing.
    #[error("{what} {address} is not there{hint}")]
    Missing {
        /// Which.
        what: &'static str,
        /// Where it should be.
        address: Address,
        /// What that means.
        hint: &'static str,
    },
    /// An account is something else.
    #[error("{0}")]
    Account(#[from] DecodeError),
    /// A pool whose own fields are not those of its address.
    #[error("pool {0} is an imitation: its account names other vaults than its own")]
    Imitation(Address),
    /// Nobody is named whom the fees go to.
    #[error("the program's configuration names no recipient of its fees")]
    NoRecipient,
}

/// A market as it was in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// The slot.
    pub slot: u64,
    /// Addresses of the pool.
    pub keys: PoolKeys,
    /// What prices a trade: the pool.
    pub state: PoolState,
    /// What prices a trade: the program's configuration.
    pub config: AmmConfig,
    /// Whom the protocol's fee goes to.
    pub protocol_fee_recipient: Address,
    /// Whom the buyback's part of it goes to.
    pub buyback_fee_recipient: Address,
    /// What the coin's mint says.
    pub mint: Mint,
    /// Lamports of the user.
    pub wallet: Lamports,
    /// What the user's account for the coin holds; absent where there is none.
    pub held: Option<u64>,
    /// Whether the user has traded before, so that the program's account for him is there.
    pub has_accumulator: bool,
}

/// The accounts of a market, in the order in which they are asked for.
struct Addresses {
    pool: Address,
    base_vault: Address,
    quote_vault: Address,
    base_account: Address,
    accumulator: Address,
}

impl Addresses {
    fn new(mint: &Address, base_program: &Address, user: &Address) -> Self {
        let pool = pda::canonical_pool(mint, &WSOL_MINT);
        Self {
            pool,
            base_vault: pda::associated_token(&pool, mint, base_program),
            quote_vault: pda::associated_token(&pool, &WSOL_MINT, &TOKEN),
            base_account: pda::associated_token(user, mint, base_program),
            accumulator: pda::user_volume_accumulator(user),
        }
    }
}

impl<C: Clock> Client<C> {
    /// Reads the canonical SOL pool of `mint` as `user` finds it, at slot `at_least` or later.
    ///
    /// # Errors
    /// [`MarketError`] where no node says, or there is no such pool.
    pub async fn market(&self, mint: Address, user: Address, at_least: u64) -> Result<Market, MarketError> {
        // Either program may own the mint: the accounts of both are asked for at once, and one answer is of one slot.
        let [spl, newer] = [TOKEN, TOKEN_2022].map(|program| Addresses::new(&mint, &program, &user));
        let asked = [
            mint,
            GLOBAL_CONFIG,
            FEE_CONFIG,
            user,
            spl.pool,
            spl.quote_vault,
            spl.accumulator,
            spl.base_vault,
            spl.base_account,
            newer.base_vault,
            newer.base_account,
        ];
        let (slot, accounts) = self.accounts(&asked, Commitment::Processed, at_least).await?;
        let [mint_account, global, fees, wallet, pool, quote_vault, accumulator, bases @ ..] = accounts.as_slice()
        else {
            unreachable!("as many accounts as were asked for");
        };
        let there = |account: &Option<Account>, what, address, hint| {
            account.clone().ok_or(MarketError::Missing { what, address, hint })
        };
        let mint_account = there(mint_account, "mint", mint, "; is it of this cluster?")?;
        let (bases, addresses) =
            if mint_account.owner == TOKEN_2022 { (&bases[2..], newer) } else { (&bases[..2], spl) };
        let [base_vault, base_account] = bases else { unreachable!("two of each program") };

        let hint = "; the coin has not graduated, or its pool is quoted in something else than SOL";
        let pool = there(pool, "pool", addresses.pool, hint)?;
        let pool = Pool::from_account(&pool.owner, &pool.data)?;
        if pool.base_vault != addresses.base_vault
            || pool.quote_vault != addresses.quote_vault
            || pool.base_mint != mint
        {
            return Err(MarketError::Imitation(addresses.pool));
        }
        let global = there(global, "configuration", GLOBAL_CONFIG, "")?;
        let global = GlobalConfig::from_account(&global.owner, &global.data)?;
        let fees = there(fees, "fee configuration", FEE_CONFIG, "")?;
        let fees = FeeConfigAccount::from_account(&fees.owner, &fees.data)?;
        let amount = |account: &Option<Account>, what, address| {
            let account = there(account, what, address, "")?;
            token_amount(&account.data).ok_or(MarketError::Account(DecodeError::TooShort {
                what: "Account",
                needed: 72,
                found: account.data.len(),
            }))
        };
        let decoded_mint = Mint::read(&mint_account.owner, &mint_account.data)?;
        let state = pool.state(
            amount(base_vault, "base vault", addresses.base_vault)?,
            amount(quote_vault, "quote vault", addresses.quote_vault)?,
            decoded_mint.supply,
        );
        let first = |recipients: &[Address]| {
            recipients.iter().find(|recipient| !recipient.is_zero()).copied().ok_or(MarketError::NoRecipient)
        };
        Ok(Market {
            slot,
            keys: PoolKeys::new(addresses.pool, &pool, mint_account.owner, TOKEN),
            state,
            config: global.amm_config(&fees),
            protocol_fee_recipient: first(&global.protocol_recipients(pool.is_mayhem))?,
            buyback_fee_recipient: first(&global.buyback_fee_recipients)?,
            mint: decoded_mint,
            wallet: Lamports(
                wallet.as_ref().filter(|wallet| wallet.owner == SYSTEM).map_or(0, |wallet| wallet.lamports),
            ),
            held: base_account.as_ref().and_then(|account| token_amount(&account.data)),
            has_accumulator: accumulator.is_some(),
        })
    }
}
