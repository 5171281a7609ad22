//! The source of chain data; tests use one in memory.

use q50_executor::clock::Clock;
use q50_executor::rpc::retry;
use q50_executor::rpc::{Between, ChainTime, Client, Listed, Node, Recorded, RpcError};
use q50_pumpswap::chain::Address;
use solana_signature::Signature;

/// A node, or several, as far as a pool's history is read from it.
pub trait Source {
    /// Confirmed transactions that name an account, newest first; fewer than a page where that is all there is.
    fn signatures(
        &self,
        account: &Address,
        between: Between<'_>,
        at_least: u64,
    ) -> impl Future<Output = Result<Vec<Listed>, RpcError>>;

    /// A confirmed transaction; none where it is not known, or not yet.
    fn recorded(&self, signature: &Signature) -> impl Future<Output = Result<Option<Recorded>, RpcError>>;

    /// The chain's clock in the newest confirmed slot.
    fn time(&self) -> impl Future<Output = Result<ChainTime, RpcError>>;

    /// Whether a transaction is known at all.
    fn knows(&self, signature: &Signature) -> impl Future<Output = Result<bool, RpcError>>;
}

impl<C: Clock> Source for Client<C> {
    async fn signatures(
        &self,
        account: &Address,
        between: Between<'_>,
        at_least: u64,
    ) -> Result<Vec<Listed>, RpcError> {
        retry(self.clock(), async || Client::signatures(self, account, between, at_least).await).await
    }

    async fn recorded(&self, signature: &Signature) -> Result<Option<Recorded>, RpcError> {
        retry(self.clock(), async || Client::recorded(self, signature).await).await
    }

    async fn time(&self) -> Result<ChainTime, RpcError> {
        retry(self.clock(), async || self.chain_time().await).await
    }

    async fn knows(&self, signature: &Signature) -> Result<bool, RpcError> {
        let told = retry(self.clock(), async || self.status(signature).await).await?;
        Ok(told.status.is_some())
    }
}
