//! Recorded swaps against our own arithmetic, field by field.
//!
//! Four shapes of record are recognised by their keys, and may be mixed in one file:
//!
//! | record | keys | what is compared |
//! |---|---|---|
//! | a request with its answer | a request of [`quote`](crate::quote), and beside it the answer's fields or `expected: {..}`, or both under `request` and `expected` | every field given, `error` by number or name |
//! | an execution of the program | `ix` (or `op`), the state, `event`, `delta`, `after`, or `error` | amounts, fees, rates, balances that moved, the pool's fields after |
//! | an event of mainnet | `event: {"event": "buy" or "sell", ..}`, or its fields alone | amounts and fees, at the rates and reserves that the event prints |
//! | a quote of the vendor's client | `op: buyBaseInput, buyQuoteInput, sellBaseInput, sellQuoteInput`, `out` or `error` | rates, market capitalisation, amounts, bounds |
//!
//! A file is one record a line, one JSON array of records, or an object that holds them under `rows` or `swaps`.
//!
//! Recorders differ in these ways, and each is read as its recorder means it:
//! - The program's event prints the schedule's creator rate also where there is no coin creator and nothing is charged
//!   (the vectors of the compiled program have such rows); a recorded `creator_bps` may be that one.
//! - Error 6053 follows from the accounts of a transaction, not from its amounts: a v1 trade on a pool with a coin
//!   creator or a cashback that comes to charge neither is refused if the `pool-v2` account is passed. A recorded 6053
//!   is matched exactly where that applies.
//! - The vendor's client quotes zero where the program refuses, prints fees recomputed on the final net amount, and
//!   knows no bound of 64 bits: there a refusal by the program matches.

/// The vendor's client.
mod client;
/// Field by field.
mod comparison;
/// Events of the program.
mod event;
/// Requests and executions with their outcome.
mod outcome;
/// The records of a file.
mod records;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use comparison::Comparison;
use records::{Record, Records};

/// An object of a file.
type Object = Map<String, Value>;

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SwapAudit {
    /// Records that were compared.
    pub checked: u64,
    /// Trades that agree in every recorded field.
    pub exact: u64,
    /// Refusals that agree.
    pub errors_matched: u64,
    /// Fields that differ.
    pub mismatches: Vec<Mismatch>,
    /// Records that could not be compared; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Unreadable>,
    /// Keys that mean nothing to the audit, with the first line that has them: remarks, or misspellings.
    #[serde(skip)]
    pub ignored: BTreeMap<String, u64>,
}

/// A field of a record that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// Line of the file, or the record's number in an array, from 1.
    pub line: u64,
    /// Name of the field, as the record has it.
    pub field: String,
    /// What was recorded; null where a trade was recorded and the program refuses it.
    pub expected: Option<String>,
    /// What the arithmetic gives; null where it gives none.
    pub got: Option<String>,
}

/// A record that could not be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Line of the file, or the record's number in an array, from 1.
    pub line: u64,
    /// Why.
    pub message: String,
}

impl SwapAudit {
    /// Whether every record was read, and agrees.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.mismatches.is_empty() && self.unreadable.is_empty()
    }
}

/// Compares every record of a file.
#[must_use]
pub fn audit(text: &[u8]) -> SwapAudit {
    let mut audit = SwapAudit::default();
    let Records { records, fee_configs } = Records::read(text);
    for Record { line, content } in records {
        let compared = content.and_then(|record| compare(&record, fee_configs.as_ref()));
        match compared {
            Ok(comparison) => audit.count(line, comparison),
            Err(message) => audit.unreadable.push(Unreadable { line, message }),
        }
    }
    audit
}

/// Tells the shape of one record and compares it.
fn compare(record: &Value, fee_configs: Option<&Object>) -> Result<Comparison, String> {
    let record = record.as_object().ok_or("expected a JSON object")?;
    let op = record.get("op").and_then(Value::as_str);
    if op.is_some_and(|op| op.ends_with("Input")) {
        client::compare(record, fee_configs)
    } else if op.is_some() || ["ix", "request"].iter().any(|key| record.contains_key(*key)) {
        outcome::compare(record)
    } else if record.contains_key("event") {
        event::compare(record)
    } else {
        Err("expected a request (`op`), an execution (`ix`) or an event (`event`)".to_owned())
    }
}

impl SwapAudit {
    fn count(&mut self, line: u64, comparison: Comparison) {
        self.checked += 1;
        if comparison.differences.is_empty() {
            let matched = if comparison.refused { &mut self.errors_matched } else { &mut self.exact };
            *matched += 1;
        }
        for key in comparison.ignored {
            self.ignored.entry(key).or_insert(line);
        }
        self.mismatches.extend(comparison.differences.into_iter().map(|difference| Mismatch {
            line,
            field: difference.field,
            expected: difference.expected,
            got: difference.got,
        }));
    }
}
