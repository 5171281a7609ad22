//! Landing and simulating transactions.

use super::commitment::Slot;
use super::compute_budget::{unit_limit, unit_price};
use super::record::{Record, TokenBalance};
use super::token::{mint_decimals, token_account};
use super::{BLOCKHASH_LIFE, Chain};
use litesvm::types::{FailedTransactionMetadata, TransactionMetadata};
use q50_pumpswap::chain::Address;
use q50_pumpswap::chain::token::transfer_lamports;
use solana_account::{AccountSharedData, ReadableAccount};
use solana_hash::Hash;
use solana_message::{Instruction, Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::sanitized::{MessageHash, SanitizedTransaction};
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::{TransactionError, TransactionResult};
use solana_transaction_status::extract_memos::ExtractMemos;

/// Accounts that a transaction may lock.
const MAX_LOCKS: usize = 64;

/// What a transaction would do.
#[derive(Debug)]
pub(crate) struct Simulated {
    /// Whether it would succeed.
    pub(crate) status: TransactionResult<()>,
    /// Logs, calls, units and fee; empty where it would not even start.
    pub(crate) meta: TransactionMetadata,
    /// The accounts that it would write, afterwards; empty where it fails.
    pub(crate) after: Vec<(Pubkey, AccountSharedData)>,
    /// Accounts from lookup tables.
    pub(crate) loaded: solana_message::v0::LoadedAddresses,
}

impl Simulated {
    /// One that ends before it starts.
    pub(crate) fn refused(error: TransactionError) -> Self {
        Self { status: Err(error), meta: TransactionMetadata::default(), after: Vec::new(), loaded: Default::default() }
    }
}

/// How a transaction is simulated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checks {
    /// Whether its signatures must be right.
    pub(crate) signatures: bool,
    /// The slot in which its blockhash must be good and the transaction new, where it must be.
    pub(crate) age_in: Option<Slot>,
}

impl Chain {
    /// Executes a transaction in the open slot.
    ///
    /// # Errors
    /// Why it cannot land: it is not signed, too old, known already, or its payer cannot pay. One that lands and fails is
    /// no error.
    pub(crate) fn land(&mut self, transaction: VersionedTransaction) -> TransactionResult<Signature> {
        self.land_as(transaction, None)
    }

    /// As [`land`](Self::land); with a `failure`, the transaction pays its fee, does nothing and fails with that.
    pub(crate) fn land_as(
        &mut self,
        transaction: VersionedTransaction,
        failure: Option<TransactionError>,
    ) -> TransactionResult<Signature> {
        let sanitized = self.check(&transaction, Checks { signatures: true, age_in: Some(self.open) })?;
        let message = sanitized.message();
        let keys: Vec<Pubkey> = message.account_keys().iter().copied().collect();
        let written: Vec<_> =
            keys.iter().enumerate().filter(|(index, _)| message.is_writable(*index)).map(|(_, key)| *key).collect();
        let before = self.snapshot(&keys);
        let (balances_before, tokens_before) = (balances(&before), self.token_balances(&keys));

        let (status, meta) = match failure {
            Some(error) => self.fail(&transaction, error)?,
            None => match self.svm.send_transaction(transaction.clone()) {
                Ok(meta) => (Ok(()), meta),
                // Without a signature: it did not come so far as to be charged.
                Err(failed) if failed.meta.signature == Signature::default() => return Err(failed.err),
                Err(FailedTransactionMetadata { err, meta }) => (Err(err), meta),
            },
        };

        let after = self.snapshot(&keys);
        let mut changed = Vec::new();
        for ((key, before), after) in keys.iter().zip(before).zip(&after) {
            if before != *after {
                self.versions.note(*key, self.open, before, after.clone());
                changed.push(*key);
            }
        }
        let signature = *sanitized.signature();
        let mut record = Record {
            slot: self.open,
            index: 0,
            status,
            fee: meta.fee,
            balances: [balances_before, balances(&after)],
            tokens: [tokens_before, self.token_balances(&keys)],
            inner: meta.inner_instructions,
            logs: meta.logs,
            loaded: sanitized.get_loaded_addresses(),
            returned: (!meta.return_data.data.is_empty())
                .then_some((meta.return_data.program_id, meta.return_data.data)),
            units: meta.compute_units_consumed,
            unit_price: unit_price(&transaction.message),
            written,
            changed,
            memo: None,
            is_hidden: false,
            transaction,
        };
        let memos = record.with_meta().extract_memos();
        record.memo = (!memos.is_empty()).then(|| memos.join("; "));
        self.keep(record);
        Ok(signature)
    }

    /// Charges the fee for a transaction that does nothing else.
    fn fail(
        &mut self,
        transaction: &VersionedTransaction,
        error: TransactionError,
    ) -> TransactionResult<(TransactionResult<()>, TransactionMetadata)> {
        let fee = self.fee(transaction.message.clone());
        let payer = transaction.message.static_account_keys().first().copied().unwrap_or_default();
        let mut account = self.account(&payer).cloned().ok_or(TransactionError::AccountNotFound)?;
        let left = account.lamports().checked_sub(fee).ok_or(TransactionError::InsufficientFundsForFee)?;
        solana_account::WritableAccount::set_lamports(&mut account, left);
        self.put(payer, account);
        Ok((Err(error), TransactionMetadata { fee, ..TransactionMetadata::default() }))
    }

    /// Puts a record into the block of its slot.
    pub(super) fn keep(&mut self, mut record: Record) {
        let signature = record.signature();
        let block = self.blocks.entry(record.slot).or_default();
        record.index = u32::try_from(block.signatures.len()).unwrap_or(u32::MAX);
        block.signatures.push(signature);
        for key in record.account_keys().iter() {
            self.by_address.entry(*key).or_default().push(signature);
        }
        self.records.insert(signature, record);
    }

    /// What a transaction would do in the open slot.
    pub(crate) fn simulate(&self, transaction: &VersionedTransaction, checks: Checks) -> Simulated {
        let loaded = match self.check(transaction, checks) {
            Ok(sanitized) => sanitized.get_loaded_addresses(),
            Err(error) => return Simulated::refused(error),
        };
        match self.svm.simulate_transaction(transaction.clone()) {
            Ok(done) => Simulated { status: Ok(()), meta: done.meta, after: done.post_accounts, loaded },
            Err(failed) => Simulated { status: Err(failed.err), meta: failed.meta, after: Vec::new(), loaded },
        }
    }

    /// The checks before execution, in a node's order.
    fn check(&self, transaction: &VersionedTransaction, checks: Checks) -> TransactionResult<SanitizedTransaction> {
        let sanitized = SanitizedTransaction::try_create(
            transaction.clone(),
            MessageHash::Compute,
            Some(false),
            self.svm.accounts_db(),
            &self.reserved.active,
        )?;
        if checks.signatures {
            sanitized.verify()?;
        }
        SanitizedTransaction::validate_account_locks(sanitized.message(), MAX_LOCKS)?;
        if let Some(slot) = checks.age_in {
            // A known one is known for as long as its hash is good, and refused as too old afterwards.
            if self.records.contains_key(sanitized.signature()) {
                return Err(TransactionError::AlreadyProcessed);
            }
            if !self.is_good_in(slot, sanitized.message().recent_blockhash()) {
                return Err(TransactionError::BlockhashNotFound);
            }
        }
        Ok(sanitized)
    }

    /// What a message costs, in lamports.
    pub(crate) fn fee(&self, message: VersionedMessage) -> u64 {
        let signatures = vec![Signature::default(); usize::from(message.header().num_required_signatures)];
        let transaction = VersionedTransaction { signatures, message };
        match self.svm.simulate_transaction(transaction) {
            Ok(done) => done.meta.fee,
            Err(failed) => failed.meta.fee,
        }
    }

    /// Sends lamports from the faucet, in a transaction like any other.
    ///
    /// # Errors
    /// As of [`land`](Self::land).
    pub(crate) fn airdrop(
        &mut self,
        to: Pubkey,
        lamports: u64,
        blockhash: Option<Hash>,
    ) -> TransactionResult<Signature> {
        self.airdrops += 1;
        // Equal requests in one slot differ in this, so that each has a signature of its own.
        let distinct = u32::try_from(10_000 + self.airdrops % 1_000_000).unwrap_or(10_000);
        let faucet = self.faucet.pubkey();
        let instructions = [
            unit_limit(distinct),
            solana(&transfer_lamports(Address(faucet.to_bytes()), Address(to.to_bytes()), lamports)),
        ];
        let blockhash = blockhash.unwrap_or_else(|| self.latest_hash().0);
        let message = Message::new_with_blockhash(&instructions, Some(&faucet), &blockhash);
        let signature = self.faucet.sign_message(&message.serialize());
        self.land(VersionedTransaction { signatures: vec![signature], message: VersionedMessage::Legacy(message) })
    }

    /// The last block height at which a transaction of this hash can land.
    pub(crate) fn last_valid_height(&self, hash_slot: u64) -> u64 {
        hash_slot + BLOCKHASH_LIFE
    }

    fn snapshot(&self, keys: &[Pubkey]) -> Vec<Option<AccountSharedData>> {
        keys.iter().map(|key| self.account(key).cloned()).collect()
    }

    fn token_balances(&self, keys: &[Pubkey]) -> Vec<TokenBalance> {
        keys.iter().enumerate().filter_map(|(index, key)| self.token_balance(u8::try_from(index).ok()?, key)).collect()
    }

    fn token_balance(&self, account_index: u8, key: &Pubkey) -> Option<TokenBalance> {
        let account = self.account(key)?;
        let (mint, owner, amount) = token_account(account)?;
        let decimals = mint_decimals(self.account(&mint)?)?;
        Some(TokenBalance { account_index, mint, owner, program: *account.owner(), amount, decimals })
    }
}

fn balances(accounts: &[Option<AccountSharedData>]) -> Vec<u64> {
    accounts.iter().map(|account| account.as_ref().map_or(0, ReadableAccount::lamports)).collect()
}

/// Our instruction in Solana's type.
pub(crate) fn solana(instruction: &q50_pumpswap::chain::Instruction) -> Instruction {
    let accounts = instruction.accounts.iter().map(|meta| solana_message::AccountMeta {
        pubkey: meta.address.0.into(),
        is_signer: meta.access.signs(),
        is_writable: meta.access.writes(),
    });
    Instruction {
        program_id: instruction.program.0.into(),
        accounts: accounts.collect(),
        data: instruction.data.clone(),
    }
}
