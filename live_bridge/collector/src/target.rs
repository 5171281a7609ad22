//! The pool to record, given by its address or by its coin.

use q50_executor::clock::Clock;
use q50_executor::guards::Mint;
use q50_executor::rpc::{Account, Client, Commitment, RpcError};
use q50_pumpswap::chain::programs::{PUMP_AMM, TOKEN, TOKEN_2022, WSOL_MINT};
use q50_pumpswap::chain::{Address, DecodeError, Pool, pda};
use thiserror::Error;

/// Nothing that could be recorded.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TargetError {
    /// No node says.
    #[error(transparent)]
    Node(#[from] RpcError),
    /// There is no such account.
    #[error("there is no account {0} on this chain; is it of this cluster?")]
    NotThere(Address),
    /// A coin without a pool.
    #[error(
        "the coin {mint} has no canonical pool ({pool}): it has not graduated, or is quoted in something else than SOL; \
         a pool that somebody made is named by its own address"
    )]
    NoPool {
        /// The coin.
        mint: Address,
        /// Where its pool would be.
        pool: Address,
    },
    /// An account of something else.
    #[error("{address} is neither a pool of PumpSwap nor a coin's mint: it belongs to the program {owner}")]
    Foreign {
        /// The account.
        address: Address,
        /// Its program.
        owner: Address,
    },
    /// Another account of PumpSwap's, or a damaged one.
    #[error("{address}: {source}")]
    Account {
        /// The account.
        address: Address,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A pool of another quote.
    #[error("the pool {pool} is quoted in {quote}; recorded are pools that are quoted in SOL")]
    Quote {
        /// The pool.
        pool: Address,
        /// Its quote.
        quote: Address,
    },
}

/// A pool, and what of it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its address.
    pub pool: Address,
    /// The coin.
    pub mint: Address,
    /// Digits behind the coin's point.
    pub decimals: u8,
    /// How many smallest units of it there are; what is burnt later is not known.
    pub supply: u64,
    /// Where its coins are.
    pub base_vault: Address,
    /// Where its SOL is.
    pub quote_vault: Address,
    /// Whether the coin is in mayhem mode, which changes how fees are cut.
    pub is_mayhem: bool,
}

impl Target {
    /// Finds the pool at `address`, or the canonical SOL pool of the coin with that mint.
    ///
    /// # Errors
    /// [`TargetError`] where no node says, or there is no such pool.
    pub async fn find<C: Clock>(client: &Client<C>, address: Address) -> Result<Self, TargetError> {
        let account = account(client, address).await?.ok_or(TargetError::NotThere(address))?;
        if account.owner == PUMP_AMM {
            return Self::read(client, address, &account).await;
        }
        if account.owner != TOKEN && account.owner != TOKEN_2022 {
            return Err(TargetError::Foreign { address, owner: account.owner });
        }
        Mint::read(&account.owner, &account.data).map_err(|source| TargetError::Account { address, source })?;
        let pool = pda::canonical_pool(&address, &WSOL_MINT);
        match self::account(client, pool).await? {
            Some(account) => Self::read(client, pool, &account).await,
            None => Err(TargetError::NoPool { mint: address, pool }),
        }
    }

    async fn read<C: Clock>(client: &Client<C>, address: Address, account: &Account) -> Result<Self, TargetError> {
        let of = |address| move |source| TargetError::Account { address, source };
        let pool = Pool::from_account(&account.owner, &account.data).map_err(of(address))?;
        if pool.quote_mint != WSOL_MINT {
            return Err(TargetError::Quote { pool: address, quote: pool.quote_mint });
        }
        let mint = self::account(client, pool.base_mint).await?.ok_or(TargetError::NotThere(pool.base_mint))?;
        let Mint { decimals, supply, .. } = Mint::read(&mint.owner, &mint.data).map_err(of(pool.base_mint))?;
        Ok(Self {
            pool: address,
            mint: pool.base_mint,
            decimals,
            supply,
            base_vault: pool.base_vault,
            quote_vault: pool.quote_vault,
            is_mayhem: pool.is_mayhem,
        })
    }
}

async fn account<C: Clock>(client: &Client<C>, address: Address) -> Result<Option<Account>, RpcError> {
    let read = async || client.accounts(&[address], Commitment::Confirmed, 0).await;
    let (_, accounts) = q50_executor::rpc::retry(client.clock(), read).await?;
    Ok(accounts.into_iter().next().flatten())
}
