//! The record of a transaction that landed: itself, its effects, and how they are reported.

use super::commitment::Slot;
use serde::{Deserialize, Serialize};
use solana_account_decoder::parse_account_data::SplTokenAdditionalDataV2;
use solana_account_decoder::parse_token::token_amount_to_ui_amount_v3;
use solana_message::AccountKeys;
use solana_message::inner_instruction::InnerInstructionsList;
use solana_message::v0::LoadedAddresses;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionResult;
use solana_transaction_status::{
    InnerInstruction, InnerInstructions, TransactionStatusMeta, TransactionTokenBalance,
    VersionedTransactionWithStatusMeta,
};

/// Instructions called by instructions as the node's own types have them; those that called none are left out.
pub(crate) fn inner_instructions(inner: &InnerInstructionsList) -> impl Iterator<Item = InnerInstructions> {
    let inner = inner.iter().enumerate().filter(|(_, calls)| !calls.is_empty());
    inner.map(|(index, calls)| InnerInstructions {
        index: u8::try_from(index).unwrap_or(u8::MAX),
        instructions: calls
            .iter()
            .map(|call| InnerInstruction {
                instruction: call.instruction.clone(),
                stack_height: Some(u32::from(call.stack_height)),
            })
            .collect(),
    })
}

/// A transaction that landed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The slot that it landed in.
    pub(crate) slot: Slot,
    /// Its place in the block.
    pub(crate) index: u32,
    /// The transaction.
    pub(crate) transaction: VersionedTransaction,
    /// What became of it.
    pub(crate) status: TransactionResult<()>,
    /// Lamports charged, the price for priority included.
    pub(crate) fee: u64,
    /// What each of its accounts held before and after, in lamports.
    pub(crate) balances: [Vec<u64>; 2],
    /// What those that are token accounts held before and after.
    pub(crate) tokens: [Vec<TokenBalance>; 2],
    /// Instructions called by its instructions.
    pub(crate) inner: InnerInstructionsList,
    /// Log lines.
    pub(crate) logs: Vec<String>,
    /// Accounts from lookup tables.
    pub(crate) loaded: LoadedAddresses,
    /// Who returned data last, and what.
    pub(crate) returned: Option<(Pubkey, Vec<u8>)>,
    /// Compute units consumed.
    pub(crate) units: u64,
    /// Micro-lamports bid for a compute unit.
    pub(crate) unit_price: u64,
    /// Accounts that it locked for writing.
    pub(crate) written: Vec<Pubkey>,
    /// Accounts that are other than before.
    pub(crate) changed: Vec<Pubkey>,
    /// Memos, as a node prints them.
    pub(crate) memo: Option<String>,
    /// Whether this node does not tell of it, as a fault had it; a restart forgets that.
    #[serde(skip)]
    pub(crate) is_hidden: bool,
}

/// What a token account of a transaction held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenBalance {
    pub(crate) account_index: u8,
    pub(crate) mint: Pubkey,
    pub(crate) owner: Pubkey,
    pub(crate) program: Pubkey,
    pub(crate) amount: u64,
    pub(crate) decimals: u8,
}

impl Record {
    /// Its first signature, which names it.
    pub(crate) fn signature(&self) -> Signature {
        self.transaction.signatures.first().copied().unwrap_or_default()
    }

    /// Every account of it: static ones, then those of lookup tables, writable before read-only.
    pub(crate) fn account_keys(&self) -> AccountKeys<'_> {
        AccountKeys::new(self.transaction.message.static_account_keys(), Some(&self.loaded))
    }

    /// Whether an account is among its own.
    pub(crate) fn mentions(&self, key: &Pubkey) -> bool {
        self.account_keys().iter().any(|own| own == key)
    }

    /// As the node's own types have it, for the node's own encoders.
    pub(crate) fn with_meta(&self) -> VersionedTransactionWithStatusMeta {
        let [pre_balances, post_balances] = self.balances.clone();
        let [pre, post] = &self.tokens;
        let meta = TransactionStatusMeta {
            status: self.status.clone(),
            fee: self.fee,
            pre_balances,
            post_balances,
            inner_instructions: Some(inner_instructions(&self.inner).collect()),
            log_messages: Some(self.logs.clone()),
            pre_token_balances: Some(pre.iter().map(TokenBalance::told).collect()),
            post_token_balances: Some(post.iter().map(TokenBalance::told).collect()),
            rewards: Some(Vec::new()),
            loaded_addresses: self.loaded.clone(),
            return_data: self.returned.as_ref().map(|(program_id, data)| {
                solana_transaction_context::transaction::TransactionReturnData {
                    program_id: *program_id,
                    data: data.clone(),
                }
            }),
            compute_units_consumed: Some(self.units),
            cost_units: None,
        };
        VersionedTransactionWithStatusMeta { transaction: self.transaction.clone(), meta }
    }
}

impl TokenBalance {
    fn told(&self) -> TransactionTokenBalance {
        TransactionTokenBalance {
            account_index: self.account_index,
            mint: self.mint.to_string(),
            ui_token_amount: token_amount_to_ui_amount_v3(
                self.amount,
                &SplTokenAdditionalDataV2::with_decimals(self.decimals),
            ),
            owner: self.owner.to_string(),
            program_id: self.program.to_string(),
        }
    }
}
