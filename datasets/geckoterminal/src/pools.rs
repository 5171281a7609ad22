//! Pools: their tokens, and snapshots of their state.

use std::collections::BTreeSet;

use q50_datasets::time::rfc3339;

use crate::numbers::{agree, number, positive};
use crate::report::{Conflicts, Contradiction};
use crate::shape::{Cells, find};
use crate::times::{Readings, Times};

/// What a value says.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// An amount, of which 0 stands for unknown.
    Positive,
    /// A number, of which 0 is one.
    Number,
    /// A change in percent, which becomes a fraction.
    Percent,
}

/// Columns that are written, the names they are read by, and what they say.
const VALUES: [(&str, &[&str], Kind); 14] = [
    ("reserve_usd", &["reserve_in_usd", "reserve_usd"], Kind::Positive),
    ("base_price_usd", &["base_token_price_usd"], Kind::Positive),
    ("base_price_native", &["base_token_price_native_currency"], Kind::Positive),
    ("quote_price_usd", &["quote_token_price_usd"], Kind::Positive),
    ("quote_price_native", &["quote_token_price_native_currency"], Kind::Positive),
    ("fdv_usd", &["fdv_usd"], Kind::Positive),
    ("market_cap_usd", &["market_cap_usd"], Kind::Positive),
    ("volume_usd_h24", &["volume_usd_h24"], Kind::Number),
    ("price_change_h1", &["price_change_percentage_h1"], Kind::Percent),
    ("price_change_h24", &["price_change_percentage_h24"], Kind::Percent),
    ("buys_h1", &["transactions_h1_buys"], Kind::Number),
    ("sells_h1", &["transactions_h1_sells"], Kind::Number),
    ("buys_h24", &["transactions_h24_buys"], Kind::Number),
    ("sells_h24", &["transactions_h24_sells"], Kind::Number),
];

/// Texts that are written, and the names they are read by.
const TEXTS: [(&str, &[&str]); 6] = [
    ("address", &["address"]),
    ("name", &["name"]),
    ("network", &["network_id"]),
    ("dex_id", &["dex_id"]),
    ("base_token_id", &["base_token_id"]),
    ("quote_token_id", &["quote_token_id"]),
];

/// Texts of [`TEXTS`] that a pool never changes.
const LASTING: [usize; 3] = [0, 4, 5];

/// Places of the columns of a table of pools.
#[derive(Debug)]
pub(crate) struct PoolColumns {
    pool: usize,
    texts: [Option<usize>; TEXTS.len()],
    values: [Option<usize>; VALUES.len()],
    collected: Option<usize>,
    created: Option<usize>,
}

impl PoolColumns {
    pub(crate) fn of(names: &[String]) -> Option<Self> {
        let values = VALUES.map(|(_, names_of, _)| find(names, names_of));
        let texts = TEXTS.map(|(_, names_of)| find(names, names_of));
        // A reserve or a price, and the exchange: no other table has both.
        (values[0].or(values[1]).is_some() && texts[3].is_some()).then_some(())?;
        let collected = find(names, &["collected_at", "last_updated"]);
        let created = find(names, &["pool_created_at", "created_at"]);
        Some(Self { pool: find(names, &["pool_id", "id"])?, texts, values, collected, created })
    }
}

/// A pool as it was when it was looked at.
#[derive(Clone, Debug, PartialEq)]
struct Snapshot {
    pool: String,
    /// Epoch milliseconds.
    collected_ms: Option<i64>,
    created_ms: Option<i64>,
    texts: [String; TEXTS.len()],
    values: [Option<f64>; VALUES.len()],
}

/// All snapshots.
#[derive(Debug, Default)]
pub(crate) struct PoolTable {
    snapshots: Vec<(Snapshot, usize)>,
}

impl PoolTable {
    pub(crate) fn take(&mut self, columns: &PoolColumns, cells: &dyn Cells, file: usize, times: &mut Times) {
        let pool = cells.cell(columns.pool).to_owned();
        let mut time = |at: Option<usize>| {
            let text = cells.optional(at);
            let certain = Readings::of(text).and_then(Readings::certain);
            if !text.is_empty() {
                *if certain.is_some() { &mut times.as_written } else { &mut times.unknown } += 1;
            }
            certain
        };
        let (collected_ms, created_ms) = (time(columns.collected), time(columns.created));
        let mut texts = columns.texts.map(|at| cells.optional(at).to_owned());
        let [address, _, network, _, base, quote] = &mut texts;
        // The API names tokens and pools as network_address, its client's frames and the tables by the address alone.
        if let Some(prefix) = pool.strip_suffix(address.as_str()).filter(|prefix| prefix.ends_with('_')) {
            for token in [base, quote] {
                if let Some(bare) = token.strip_prefix(prefix) {
                    *token = bare.to_owned();
                }
            }
            if network.is_empty() {
                *network = prefix.trim_end_matches('_').to_owned();
            }
        }
        let mut values = [None; VALUES.len()];
        for (value, (at, (_, _, kind))) in values.iter_mut().zip(columns.values.iter().zip(VALUES)) {
            let text = cells.optional(*at);
            *value = match kind {
                Kind::Positive => positive(text),
                Kind::Number => number(text),
                Kind::Percent => number(text).map(|percent| percent / 100.0),
            };
        }
        self.snapshots.push((Snapshot { pool, collected_ms, created_ms, texts, values }, file));
    }

    /// Snapshots of one pool at one known time must say the same; a pool must keep its address and tokens.
    /// Drops what files from the `known`-th on gave.
    pub(crate) fn forget(&mut self, known: usize) {
        self.snapshots.retain(|(_, file)| *file < known);
    }

    pub(crate) fn complete(&mut self, conflicts: &mut Conflicts) {
        // Stable: of two files the one that was read first comes first.
        self.snapshots.sort_by(|(a, _), (b, _)| (&a.pool, a.collected_ms).cmp(&(&b.pool, b.collected_ms)));
        self.snapshots.dedup_by(|(other, other_file), (kept, kept_file)| {
            if other == kept {
                conflicts.repeated += 1;
                return true;
            }
            let same_time = other.pool == kept.pool && kept.collected_ms.is_some_and(|t| other.collected_ms == Some(t));
            if same_time {
                compare(kept, *kept_file, other, *other_file, conflicts);
            }
            same_time
        });
        for snapshots in self.snapshots.chunk_by(|(a, _), (b, _)| a.pool == b.pool) {
            for text in LASTING {
                let mut known = snapshots.iter().filter(|(s, _)| !s.texts[text].is_empty());
                let Some((first, first_file)) = known.next() else { continue };
                if let Some((other, other_file)) = known.find(|(s, _)| s.texts[text] != first.texts[text]) {
                    conflicts.found.push(Contradiction {
                        key: first.pool.clone(),
                        column: TEXTS[text].0,
                        kept: (first.texts[text].clone(), *first_file),
                        other: (other.texts[text].clone(), *other_file),
                    });
                }
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.snapshots.len()
    }

    /// Number of different pools.
    pub(crate) fn pools(&self) -> usize {
        self.snapshots.iter().map(|(s, _)| &s.pool).collect::<BTreeSet<_>>().len()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.snapshots.iter().map(|(s, _)| s.pool.as_str()).collect()
    }

    pub(crate) fn collected(&self) -> Vec<Option<i64>> {
        self.snapshots.iter().map(|(s, _)| s.collected_ms).collect()
    }

    pub(crate) fn created(&self) -> Vec<Option<i64>> {
        self.snapshots.iter().map(|(s, _)| s.created_ms).collect()
    }

    /// Names and cells of the columns of text.
    pub(crate) fn texts(&self) -> Vec<(&'static str, Vec<Option<&str>>)> {
        let column = |at: usize| {
            self.snapshots.iter().map(|(s, _)| Some(s.texts[at].as_str()).filter(|text| !text.is_empty())).collect()
        };
        TEXTS.iter().enumerate().map(|(at, (name, _))| (*name, column(at))).collect()
    }

    /// Names and cells of the columns of numbers.
    pub(crate) fn values(&self) -> Vec<(&'static str, Vec<Option<f64>>)> {
        let column = |at: usize| self.snapshots.iter().map(|(s, _)| s.values[at]).collect();
        VALUES.iter().enumerate().map(|(at, (name, ..))| (*name, column(at))).collect()
    }

    /// Files of the snapshots, by their numbers.
    pub(crate) fn files(&self) -> Vec<usize> {
        self.snapshots.iter().map(|(_, file)| *file).collect()
    }
}

fn compare(kept: &Snapshot, kept_file: usize, other: &Snapshot, other_file: usize, conflicts: &mut Conflicts) {
    let time = kept.collected_ms.map(rfc3339).unwrap_or_default();
    let before = conflicts.found.len();
    for (at, (column, ..)) in VALUES.iter().enumerate() {
        let (a, b) = (kept.values[at], other.values[at]);
        if !agree(a, b) {
            let text = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
            conflicts.found.push(Contradiction {
                key: format!("{} {time}", kept.pool),
                column,
                kept: (text(a), kept_file),
                other: (text(b), other_file),
            });
        }
    }
    conflicts.repeated += usize::from(conflicts.found.len() == before);
}
