//! An order ready to send: the market read, the order quoted, its bound set, the transaction simulated.

use crate::clock::{Clock, UnixMillis};
use crate::compose::{self, ACCUMULATOR_RENT, Budget, MOST_UNITS, TOKEN_2022_RENT, TOKEN_ACCOUNT_RENT, TooLarge};
use crate::guards::{Proposal, Propose, Standing};
use crate::journal::Position;
use crate::market::{Market, MarketError};
use crate::order::{Order, Quoted, Size};
use crate::priority;
use crate::rpc::retry;
use crate::rpc::{Blockhash, Class, Client, Node, RpcError, Simulated};
use futures_util::future::join_all;
use q50_engine::units::{Bps, Lamports};
use q50_pumpswap::amm::{AmmError, BPS, PoolState, Side};
use q50_pumpswap::chain::Address;
use q50_pumpswap::chain::programs::TOKEN_2022;
use solana_transaction_error::TransactionError;
use std::time::Duration;
use thiserror::Error;

/// The chain, as far as orders are made from it.
pub trait Chain: Node {
    /// The canonical SOL pool of a coin as the user finds it, at the given slot or later.
    fn market(
        &self,
        mint: Address,
        user: Address,
        at_least: u64,
    ) -> impl Future<Output = Result<Market, MarketError>> + Send;

    /// The newest blockhash.
    fn blockhash(&self) -> impl Future<Output = Result<Blockhash, RpcError>> + Send;

    /// What others lately bid for these accounts, in micro-lamports a compute unit.
    fn recent_bids(&self, written: &[Address]) -> impl Future<Output = Result<Vec<u64>, RpcError>> + Send;

    /// What a transaction would do, signatures unchecked, at the given slot or later.
    fn simulate(&self, transaction: &[u8], at_least: u64) -> impl Future<Output = Result<Simulated, RpcError>> + Send;
}

impl<C: Clock> Chain for Client<C> {
    async fn market(&self, mint: Address, user: Address, at_least: u64) -> Result<Market, MarketError> {
        Self::market(self, mint, user, at_least).await
    }

    async fn blockhash(&self) -> Result<Blockhash, RpcError> {
        Self::blockhash(self).await
    }

    async fn recent_bids(&self, written: &[Address]) -> Result<Vec<u64>, RpcError> {
        Self::recent_bids(self, written).await
    }

    async fn simulate(&self, transaction: &[u8], at_least: u64) -> Result<Simulated, RpcError> {
        Self::simulate(self, transaction, at_least).await
    }
}

/// Why an order was not carried out, although every guard let it through. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Rejection {
    /// The market cannot be read.
    #[error(transparent)]
    Market(#[from] MarketError),
    /// The program would refuse it.
    #[error(transparent)]
    Pool(#[from] AmmError),
    /// No node says.
    #[error(transparent)]
    Node(#[from] RpcError),
    /// It would fail.
    #[error("simulated, it fails: {0}")]
    Simulation(TransactionError),
    /// There is less of the coin than is to be sold.
    #[error("{wanted} are to be sold, and the wallet has {held} (in the coin's smallest unit)")]
    NotHeld {
        /// What is to be sold.
        wanted: u64,
        /// What is there.
        held: u64,
    },
    /// It costs more than there is.
    #[error("it may take {} lamports, fees and rent in, and the wallet has {}", needed.0, wallet.0)]
    NotPayable {
        /// What may leave the wallet.
        needed: Lamports,
        /// What is there.
        wallet: Lamports,
    },
    /// What it was quoted on is old.
    #[error("the nodes took {} s to say what else an order needs, and its quote was old by then, again and again", .0.as_secs())]
    Stale(Duration),
    /// It does not fit a packet.
    #[error(transparent)]
    Size(#[from] TooLarge),
}

impl Rejection {
    /// What can be done about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Market(MarketError::Node(error)) | Self::Node(error) => error.class(),
            Self::Stale(_) => Class::Transient,
            Self::Market(MarketError::Missing { .. })
            | Self::NotHeld { .. }
            | Self::NotPayable { .. }
            | Self::Size(_) => Class::Fatal,
            Self::Market(_) | Self::Pool(_) | Self::Simulation(_) => Class::Venue,
        }
    }
}

/// An order as it would be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The order that it carries out.
    pub order: Order,
    /// The market that it is quoted on.
    pub market: Market,
    /// When that was read.
    pub read_at: UnixMillis,
    /// The quote, with its bound on chain.
    pub quoted: Quoted,
    /// Most lamports that may leave the wallet: quote, rent, fees.
    pub cost: Lamports,
    /// Compute units and their price, as simulated.
    pub budget: Budget,
    /// The message to sign.
    pub message: solana_message::Message,
    /// The last block height at which it can land.
    pub last_height: u64,
}

impl Propose for Plan {
    fn proposal(&self) -> Proposal<'_> {
        let Self { order, market, quoted, cost, .. } = self;
        let liquidity = Lamports(market.state.quote_vault);
        let impact = match quoted.swap.side {
            Side::Buy => impact(&market.state, quoted.swap.raw_quote),
            Side::Sell => Bps(0),
        };
        Proposal { order: *order, cost: *cost, mint: &market.mint, liquidity, impact }
    }
}

/// How far above the pool's price a buy that puts in `raw` lamports, fees aside, is filled: its average price is
/// `E / (B - b)` where the pool's is `E / B`, and `b / (B - b) = raw / E`. Rounded up.
fn impact(pool: &PoolState, raw: u64) -> Bps {
    let effective = pool.effective_quote().unwrap_or(0).max(1);
    let impact = (u128::from(raw) * u128::from(BPS)).div_ceil(u128::from(effective));
    Bps(u64::try_from(impact).unwrap_or(u64::MAX))
}

/// What selling all positions but that in the coin of an order would bring now; nothing where one cannot be priced. All are
/// asked for at once. A buy depends on it and waits for nodes that fail in passing; a sale does not.
pub async fn others<N: Chain, C: Clock>(
    chain: &N,
    clock: &C,
    positions: &[Position],
    order: &Order,
    user: Address,
    at_least: u64,
) -> Option<Lamports> {
    let others = positions.iter().filter(|position| position.mint != order.mint && position.base > 0);
    let worths = others.map(async |position| {
        let market = match order.side() {
            Side::Buy => read_market(chain, clock, position.mint, user, at_least).await,
            Side::Sell => chain.market(position.mint, user, at_least).await,
        };
        worth(&market.ok()?, position)
    });
    join_all(worths)
        .await
        .into_iter()
        .try_fold(Lamports(0), |sum, worth| Some(Lamports(sum.0.saturating_add(worth?.0))))
}

/// The account: its lamports, of which the journal's transactions changed `lamports`, and what all positions would bring,
/// with what the `others` would.
#[must_use]
pub fn standing(market: &Market, positions: &[Position], others: Option<Lamports>, lamports: i64) -> Standing {
    let this = positions.iter().find(|position| position.mint == market.keys.base_mint && position.base > 0);
    let this = this.map_or(Some(Lamports(0)), |position| worth(market, position));
    let elsewhere: i64 = positions.iter().map(|position| position.elsewhere).sum();
    let positions = this.zip(others).map(|(this, others)| Lamports(this.0.saturating_add(others.0)));
    Standing { wallet: market.wallet, positions, traded: lamports.saturating_sub(elsewhere) }
}

/// What selling a position would bring, as far as it is still in the wallet.
fn worth(market: &Market, position: &Position) -> Option<Lamports> {
    match u64::try_from(position.base).unwrap_or(0).min(market.held.unwrap_or(0)) {
        0 => Some(Lamports(0)),
        held => value(market, held),
    }
}

/// What selling `held` coins would bring; unknown where the pool cannot pay it.
#[must_use]
pub fn value(market: &Market, held: u64) -> Option<Lamports> {
    let order = Order { mint: market.keys.base_mint, size: Size::Sell(held), slippage: Bps(0) };
    order.quote(&market.state, &market.config).ok().map(|quoted| Lamports(quoted.swap.user_quote))
}

/// An order as it would be sent by `user`: quoted, simulated, and not signed. No message that `is_taken` is made: two orders
/// that are equal and see the same block would be one transaction, which the chain executes once. The second has a few
/// compute units more, below the same cap.
///
/// # Errors
/// [`Rejection`] where it cannot be carried out.
pub async fn plan<N: Chain, C: Clock>(
    chain: &N,
    clock: &C,
    user: Address,
    order: &Order,
    at_least: u64,
    priority_cap: Lamports,
    is_taken: impl Fn(&solana_message::Message) -> bool,
) -> Result<Plan, Rejection> {
    // Independent questions are asked at once: prices move while one waits.
    let blockhash = retry(clock, async || chain.blockhash().await);
    let market = async {
        let market = read_market(chain, clock, order.mint, user, at_least).await?;
        Ok::<_, Rejection>((market, clock.now()))
    };
    let (market, blockhash) = tokio::join!(market, blockhash);
    let ((market, read_at), blockhash) = (market?, blockhash?);
    if let Size::Sell(wanted) = order.size {
        let held = market.held.unwrap_or(0);
        if wanted > held {
            return Err(Rejection::NotHeld { wanted, held });
        }
    }
    let quoted = order.quote(&market.state, &market.config)?;
    let measure = Budget { units: MOST_UNITS, unit_price: 0 };
    let needed = cost(&market, &quoted, measure);
    if quoted.swap.side == Side::Buy && needed > market.wallet {
        return Err(Rejection::NotPayable { needed, wallet: market.wallet });
    }
    let message = compose::message(&market, user, &quoted, measure, &blockhash);
    let unsigned = compose::signed(&message, solana_signature::Signature::default())?;
    let written = compose::written(&message);
    let simulated = retry(clock, async || chain.simulate(&unsigned.bytes, market.slot).await);
    let (simulated, bids) = tokio::join!(simulated, chain.recent_bids(&written));
    let simulated = simulated?;
    if let Some(error) = simulated.err {
        return Err(Rejection::Simulation(error));
    }
    // Without bids the transaction is still good.
    let bids = bids.unwrap_or_default();
    let units = simulated.units_consumed.unwrap_or(u64::from(MOST_UNITS));
    let mut budgets = priority::budgets(units, &bids, priority_cap);
    let (budget, message) = loop {
        let Some(budget) = budgets.next() else { unreachable!("budgets have no end") };
        let message = compose::message(&market, user, &quoted, budget, &blockhash);
        if !is_taken(&message) {
            break (budget, message);
        }
    };
    let cost = cost(&market, &quoted, budget);
    Ok(Plan { order: *order, market, read_at, quoted, cost, budget, message, last_height: blockhash.last_height })
}

/// A market, asked for again where a node fails in passing.
pub(crate) async fn read_market<N: Chain, C: Clock>(
    chain: &N,
    clock: &C,
    mint: Address,
    user: Address,
    at_least: u64,
) -> Result<Market, MarketError> {
    // What is wrong with a market is not put right by asking again; what is wrong with a node may be.
    let read = retry(clock, async || match chain.market(mint, user, at_least).await {
        Err(MarketError::Node(error)) => Err(error),
        other => Ok(other),
    });
    read.await?
}

/// Most lamports that may leave the wallet, rent that comes back in.
fn cost(market: &Market, quoted: &Quoted, budget: Budget) -> Lamports {
    let mut cost = quoted.most_quote_in().0.saturating_add(budget.fee().0).saturating_add(TOKEN_ACCOUNT_RENT);
    if market.held.is_none() {
        cost =
            cost.saturating_add(if market.mint.program == TOKEN_2022 { TOKEN_2022_RENT } else { TOKEN_ACCOUNT_RENT });
    }
    // Where cashback is kept for the user, unless he has been paid some before.
    if market.state.is_cashback {
        cost = cost.saturating_add(TOKEN_ACCOUNT_RENT);
    }
    if !market.has_accumulator {
        cost = cost.saturating_add(ACCUMULATOR_RENT);
    }
    Lamports(cost)
}
