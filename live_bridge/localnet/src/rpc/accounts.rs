//! Accounts: singly, several, and by program.

use super::error::RpcError;
use super::params::{ContextConfig, pubkey};
use super::{Call, to_value, with_context};
use crate::chain::commitment::Slot;
use crate::chain::token::{mint_decimals, token_account};
use crate::chain::view::View;
use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_account_decoder::parse_account_data::{AccountAdditionalDataV3, SplTokenAdditionalDataV2};
use solana_account_decoder::{MAX_BASE58_BYTES, UiAccount, UiAccountEncoding, UiDataSliceConfig, encode_ui_account};
use solana_pubkey::Pubkey;

/// Accounts that may be asked for at once.
const MAX_MULTIPLE: usize = 100;
/// Filters that may be given.
const MAX_FILTERS: usize = 4;
/// Bytes that a filter may compare.
const MAX_COMPARED: usize = 128;

/// How accounts are told.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountConfig {
    pub(crate) encoding: Option<UiAccountEncoding>,
    data_slice: Option<UiDataSliceConfig>,
    #[serde(flatten)]
    pub(crate) context: ContextConfig,
}

impl AccountConfig {
    /// An account in this encoding, `binary` unless said.
    ///
    /// # Errors
    /// Where base58 is too long to be worth its work.
    pub(crate) fn encode(
        &self,
        view: &View<'_>,
        slot: Slot,
        key: &Pubkey,
        account: &AccountSharedData,
    ) -> Result<UiAccount, RpcError> {
        let length = self
            .data_slice
            .map_or(account.data().len(), |slice| account.data().len().saturating_sub(slice.offset).min(slice.length));
        let is_base58 = matches!(self.encoding(), UiAccountEncoding::Binary | UiAccountEncoding::Base58);
        if is_base58 && length > MAX_BASE58_BYTES {
            return Err(RpcError::request(format!(
                "Encoded binary (base 58) data should be less than {MAX_BASE58_BYTES} bytes, please use Base64 encoding."
            )));
        }
        Ok(self.notify(view, slot, key, account))
    }

    /// As [`encode`](Self::encode), for a subscriber: where base58 is too long, the data say so, as a node's do.
    pub(crate) fn notify(&self, view: &View<'_>, slot: Slot, key: &Pubkey, account: &AccountSharedData) -> UiAccount {
        // What a token account holds is told in its mint's unit.
        let additional = match self.encoding() {
            UiAccountEncoding::JsonParsed => decimals(view, slot, account).map(|decimals| AccountAdditionalDataV3 {
                spl_token_additional_data: Some(SplTokenAdditionalDataV2::with_decimals(decimals)),
            }),
            _ => None,
        };
        encode_ui_account(key, account, self.encoding(), additional, self.data_slice)
    }

    fn encoding(&self) -> UiAccountEncoding {
        self.encoding.unwrap_or(UiAccountEncoding::Binary)
    }
}

fn decimals(view: &View<'_>, slot: Slot, account: &AccountSharedData) -> Option<u8> {
    let (mint, _, _) = token_account(account)?;
    mint_decimals(view.account(&mint, slot)?)
}

/// `getBalance`
pub(super) fn balance(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (key, config): (_, ContextConfig) = (call.params.pubkey()?, call.params.config()?);
    let slot = config.slot(&call.view())?;
    with_context(slot, call.view().account(&key, slot).map_or(0, ReadableAccount::lamports))
}

/// `getAccountInfo`
pub(super) fn account_info(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (key, config): (_, AccountConfig) = (call.params.pubkey()?, call.params.config()?);
    let view = call.view();
    let slot = config.context.slot(&view)?;
    let account = view.account(&key, slot).map(|account| config.encode(&view, slot, &key, account)).transpose()?;
    with_context(slot, account)
}

/// `getMultipleAccounts`
pub(super) fn multiple(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let (keys, mut config): (Vec<String>, AccountConfig) = (call.params.required("pubkeys")?, call.params.config()?);
    if keys.len() > MAX_MULTIPLE {
        return Err(RpcError::params(format!("Too many inputs provided; max {MAX_MULTIPLE}")));
    }
    let keys = keys.iter().map(|key| pubkey(key)).collect::<Result<Vec<_>, _>>()?;
    config.encoding = config.encoding.or(Some(UiAccountEncoding::Base64));
    let view = call.view();
    let slot = config.context.slot(&view)?;
    let accounts = keys
        .iter()
        .map(|key| view.account(key, slot).map(|account| config.encode(&view, slot, key, account)).transpose());
    with_context(slot, accounts.collect::<Result<Vec<_>, _>>()?)
}

/// Which accounts of a program.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Filter {
    /// Those of this length.
    DataSize(usize),
    /// Those that have these bytes there.
    Memcmp(Memcmp),
    /// Token accounts.
    TokenAccountState,
}

/// Bytes at a place.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "WrittenMemcmp")]
pub(crate) struct Memcmp {
    offset: usize,
    bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct WrittenMemcmp {
    offset: usize,
    bytes: WrittenBytes,
    encoding: Option<BytesEncoding>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenBytes {
    Text(String),
    Numbers(Vec<u8>),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BytesEncoding {
    Base58,
    Base64,
    Bytes,
}

impl TryFrom<WrittenMemcmp> for Memcmp {
    type Error = String;

    fn try_from(written: WrittenMemcmp) -> Result<Self, String> {
        let bytes = match (written.bytes, written.encoding) {
            (WrittenBytes::Numbers(bytes), _) => bytes,
            (WrittenBytes::Text(text), Some(BytesEncoding::Base64)) => base64::engine::general_purpose::STANDARD
                .decode(text)
                .map_err(|error| format!("memcmp bytes are no base64: {error}"))?,
            (WrittenBytes::Text(text), _) => {
                bs58::decode(text).into_vec().map_err(|error| format!("memcmp bytes are no base58: {error}"))?
            }
        };
        if bytes.len() > MAX_COMPARED {
            return Err(format!("memcmp bytes are {} long, at most {MAX_COMPARED} are compared", bytes.len()));
        }
        Ok(Self { offset: written.offset, bytes })
    }
}

impl Filter {
    /// Whether an account is among those.
    pub(crate) fn passes(&self, account: &AccountSharedData) -> bool {
        match self {
            Self::DataSize(size) => account.data().len() == *size,
            Self::Memcmp(Memcmp { offset, bytes }) => {
                account.data().get(*offset..).is_some_and(|rest| rest.starts_with(bytes))
            }
            Self::TokenAccountState => token_account(account).is_some(),
        }
    }
}

/// What `getProgramAccounts` and `programSubscribe` take.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProgramConfig {
    #[serde(default)]
    filters: Option<Vec<Filter>>,
    #[serde(default)]
    with_context: Option<bool>,
    #[serde(flatten)]
    pub(crate) account: AccountConfig,
}

impl ProgramConfig {
    /// That there are not too many filters.
    pub(crate) fn checked(self) -> Result<Self, RpcError> {
        if self.filters.as_ref().is_some_and(|filters| filters.len() > MAX_FILTERS) {
            return Err(RpcError::params(format!("Too many filters provided; max {MAX_FILTERS}")));
        }
        Ok(self)
    }

    /// Whether all filters let an account pass.
    pub(crate) fn passes(&self, account: &AccountSharedData) -> bool {
        self.filters.iter().flatten().all(|filter| filter.passes(account))
    }
}

/// `getProgramAccounts`
pub(super) fn of_program(call: &mut Call<'_>) -> Result<Value, RpcError> {
    let program = call.params.pubkey()?;
    let config: ProgramConfig = call.params.config::<ProgramConfig>()?.checked()?;
    let view = call.view();
    let slot = config.account.context.slot(&view)?;
    let found = view
        .accounts_of(&program, slot)
        .into_iter()
        .filter(|(_, account)| config.passes(account))
        .map(|(key, account)| keyed(&key, config.account.encode(&view, slot, &key, account)?))
        .collect::<Result<Vec<_>, _>>()?;
    match config.with_context {
        Some(true) => with_context(slot, found),
        _ => to_value(found),
    }
}

/// An account and its address.
pub(crate) fn keyed(key: &Pubkey, account: UiAccount) -> Result<Value, RpcError> {
    Ok(json!({"pubkey": key.to_string(), "account": to_value(account)?}))
}

/// What `accountSubscribe` tells of an account: one that is gone is an empty one of the system program.
pub(crate) fn notified(config: &AccountConfig, view: &View<'_>, slot: Slot, key: &Pubkey) -> Result<Value, RpcError> {
    let gone = AccountSharedData::default();
    let account = view.account(key, slot).unwrap_or(&gone);
    with_context(slot, config.notify(view, slot, key, account))
}
