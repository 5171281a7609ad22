//! The contents of a file: one account, several, or a node's answer around them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{Account, DumpError};
use crate::chain::programs::{PUMP_AMM, PUMP_FEES};
use crate::chain::{Address, FeeConfigAccount, GlobalConfig, Pool};

/// An account's bytes and what the file says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDump {
    /// What the file calls it: `type` or `name`.
    pub label: Option<String>,
    /// Where it was found.
    pub address: Option<Address>,
    /// The program that owns it.
    pub owner: Option<Address>,
    /// The bytes.
    pub data: Vec<u8>,
}

/// Reads a file's accounts, in their order.
///
/// # Errors
/// [`DumpError`], which says which account of the file it is.
pub fn read_dumps(text: &[u8]) -> Result<Vec<AccountDump>, DumpError> {
    let document: Value = serde_json::from_slice(text)?;
    let list = match inner(&document) {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    // A node answers null for an account that is not there.
    (1..).zip(list).map(|(number, value)| read(value, &format!("account {number}"))).collect()
}

/// What stands inside the envelopes of nodes and collections.
fn inner(document: &Value) -> &Value {
    let mut value = document;
    while let Some(next) = ["result", "value", "accounts"].iter().find_map(|key| value.get(*key)) {
        value = next;
    }
    value
}

fn read(value: &Value, place: &str) -> Result<AccountDump, DumpError> {
    let nothing = |found: String| DumpError::NoData { place: place.to_owned(), found };
    let object = value.as_object().ok_or_else(|| nothing(kind(value).to_owned()))?;
    // `solana account` keeps the address outside.
    let account = object.get("account").and_then(Value::as_object).unwrap_or(object);
    let encoded = match (account.get("base64"), account.get("data")) {
        (Some(Value::String(text)), _) | (None, Some(Value::String(text))) => text,
        (None, Some(Value::Array(parts))) => match (parts.first(), parts.get(1)) {
            (Some(Value::String(text)), Some(Value::String(encoding))) if encoding == "base64" => text,
            (_, Some(Value::String(encoding))) => {
                return Err(DumpError::Encoding { place: place.to_owned(), found: encoding.clone() });
            }
            _ => return Err(nothing("another array".to_owned())),
        },
        _ => return Err(nothing(format!("the keys {}", account.keys().cloned().collect::<Vec<_>>().join(", ")))),
    };
    let data =
        STANDARD.decode(encoded.trim()).map_err(|source| DumpError::Base64 { place: place.to_owned(), source })?;
    if let Some(expected) = ["len", "space"].iter().find_map(|key| account.get(*key)).and_then(Value::as_u64)
        && expected != data.len() as u64
    {
        return Err(DumpError::Length { place: place.to_owned(), found: data.len(), expected });
    }
    Ok(AccountDump {
        label: ["type", "name"].iter().find_map(|key| text(object, key)).map(str::to_owned),
        address: address(object, "address", place)?.or(address(object, "pubkey", place)?),
        owner: address(account, "owner", place)?,
        data,
    })
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

fn address(object: &Map<String, Value>, key: &'static str, place: &str) -> Result<Option<Address>, DumpError> {
    let parsed = text(object, key).map(str::parse).transpose();
    parsed.map_err(|source| DumpError::Address { place: place.to_owned(), key, source })
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null (there is no such account)",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

impl AccountDump {
    /// Decodes the bytes as what their first eight say.
    ///
    /// # Errors
    /// [`DumpError`] where they are nothing known, another thing than the label says, another program's, or cut.
    pub fn decode(&self) -> Result<Account, DumpError> {
        let account = match self.data.first_chunk::<8>() {
            Some(&Pool::DISCRIMINATOR) => {
                Account::Pool(Box::new(Pool::from_account(&self.owner.unwrap_or(PUMP_AMM), &self.data)?))
            }
            Some(&GlobalConfig::DISCRIMINATOR) => {
                let owner = self.owner.unwrap_or(PUMP_AMM);
                Account::GlobalConfig(Box::new(GlobalConfig::from_account(&owner, &self.data)?))
            }
            Some(&FeeConfigAccount::DISCRIMINATOR) => {
                let owner = self.owner.unwrap_or(PUMP_FEES);
                Account::FeeConfig(Box::new(FeeConfigAccount::from_account(&owner, &self.data)?))
            }
            _ => {
                let found = self.data.iter().take(8).copied().collect();
                return Err(DumpError::Unknown { found, program: PUMP_AMM });
            }
        };
        let known = ["Pool", "GlobalConfig", "FeeConfig"];
        match &self.label {
            Some(label) if known.contains(&label.as_str()) && label != account.kind() => {
                Err(DumpError::Label { found: account.kind(), expected: label.clone() })
            }
            _ => Ok(account),
        }
    }

    /// Whether `name` means this account: its address, its label, or for a pool the address that its fields derive or
    /// its base mint.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let is = |address: &Address| address.to_string() == name;
        self.label.as_deref() == Some(name)
            || self.address.as_ref().is_some_and(is)
            || Pool::decode(&self.data).is_ok_and(|pool| is(&pool.derived_address()) || is(&pool.base_mint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A pool of the oldest length with nothing in it.
    fn pool() -> Vec<u8> {
        let mut data = Pool::DISCRIMINATOR.to_vec();
        data.resize(211, 0);
        data
    }

    fn dumps(value: &Value) -> Result<Vec<AccountDump>, DumpError> {
        read_dumps(value.to_string().as_bytes())
    }

    #[test]
    fn every_envelope_holds_the_same_account() {
        let text = STANDARD.encode(pool());
        let owner = PUMP_AMM.to_string();
        let node = json!({"data": [text, "base64"], "owner": owner, "space": 211});
        let plain = json!({"base64": text, "len": 211, "owner": owner});
        for file in [
            json!({"accounts": [plain]}),
            json!([plain]),
            plain,
            json!({"jsonrpc": "2.0", "result": {"context": {"slot": 1}, "value": node}}),
            json!({"result": {"value": [node]}}),
            json!({"pubkey": owner, "account": node}),
        ] {
            let read = dumps(&file).unwrap();
            assert_eq!((read.len(), &read[0].data, read[0].owner), (1, &pool(), Some(PUMP_AMM)), "{file}");
            assert!(matches!(read[0].decode(), Ok(Account::Pool(_))));
        }
    }

    #[test]
    fn a_pool_of_another_program_and_another_kind_are_refused() {
        let refused = |changes: Value| {
            let mut file = json!({"base64": STANDARD.encode(pool())});
            file.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            dumps(&file).and_then(|dumps| dumps[0].decode()).unwrap_err().to_string()
        };
        assert!(refused(json!({"owner": PUMP_FEES.to_string()})).contains("the account belongs to pfeeUxB6"));
        assert!(refused(json!({"type": "FeeConfig"})).contains("the data is a Pool, but the file says `FeeConfig`"));
        assert!(refused(json!({"len": 301})).contains("account 1: 211 bytes, but the file says 301"));
        assert!(refused(json!({"owner": "x"})).contains("`owner`"));
        assert!(refused(json!({"base64": "8ZptBBGxbbz"})).contains("not base64"));
        assert!(refused(json!({"base64": STANDARD.encode(&pool()[..210])})).contains("210 bytes"));
        assert!(refused(json!({"base64": "AAAA"})).contains("discriminator [00, 00, 00]"));
    }

    #[test]
    fn a_file_without_an_account_says_what_it_has() {
        let refused = |file: Value| dumps(&file).unwrap_err().to_string();
        assert!(refused(json!({"weather": "fine"})).contains("found the keys weather"));
        assert!(refused(json!({"result": {"value": null}})).contains("there is no such account"));
        assert!(refused(json!({"data": ["x", "base58"]})).contains("encoded as `base58`"));
        assert!(read_dumps(b"x").unwrap_err().to_string().contains("not JSON"));
    }
}
