//! What a trade does, ours and the program's, and in what they differ.

use q50_pumpswap::amm::PoolState;
use q50_pumpswap::chain::{LiquidityEvent, SwapEvent};
use std::collections::BTreeMap;
use std::fmt::{self, Debug};

/// What a swap leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwapEffects {
    /// The pool: its two vaults, virtual reserves, un-swept fees, and all that must not change.
    pub pool: PoolState,
    /// Everybody's balance.
    pub balances: Balances,
    /// What was printed.
    pub event: SwapEvent,
}

/// What those who take part in a trade hold, in the smallest unit of the mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balances {
    /// The user's base.
    pub user_base: u64,
    /// The user's quote.
    pub user_quote: u64,
    /// The protocol's recipient: quote.
    pub protocol: u64,
    /// The buyback recipient: quote.
    pub buyback: u64,
    /// The coin creator's vault: quote.
    pub creator: u64,
    /// The account of the user's volume: quote, his cashback.
    pub cashback: u64,
}

/// What a deposit or a withdrawal leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiquidityEffects {
    /// The pool.
    pub pool: PoolState,
    /// The user's base.
    pub user_base: u64,
    /// The user's quote.
    pub user_quote: u64,
    /// The user's pool shares.
    pub user_shares: u64,
    /// All pool shares, by their mint.
    pub share_supply: u64,
    /// What was printed.
    pub event: LiquidityEvent,
}

/// Effects, or the number of the error.
pub type Outcome<E> = Result<E, u32>;

/// SPL Token's refusal to hold a sum above u64. Our model says `Overflow` there, as the program does for its own sums.
const TOKEN_OVERFLOW: u32 = 14;
const OVERFLOW: u32 = 6023;

/// In what two outcomes differ, one line for each value with the names of its fields; empty where they are equal.
pub fn differences<E: Debug + PartialEq>(expected: &Outcome<E>, found: &Outcome<E>) -> Vec<String> {
    if expected == found || (matches!(expected, Err(OVERFLOW)) && matches!(found, Err(TOKEN_OVERFLOW))) {
        return Vec::new();
    }
    let (expected, found) = match (expected, found) {
        (Ok(expected), Ok(found)) => (leaves(expected), leaves(found)),
        _ => return vec![format!("outcome: expected {}, program {}", summary(expected), summary(found))],
    };
    let names = expected.keys().chain(found.keys().filter(|name| !expected.contains_key(*name)));
    let value = |of: &BTreeMap<String, String>, name: &String| of.get(name).map_or("nothing".to_owned(), String::clone);
    names
        .filter(|name| expected.get(*name) != found.get(*name))
        .map(|name| format!("{name}: expected {}, program {}", value(&expected, name), value(&found, name)))
        .collect()
}

fn summary<E>(outcome: &Outcome<E>) -> String {
    outcome.as_ref().map_or_else(|code| format!("error {code}"), |_| "success".to_owned())
}

/// The values in a pretty-printed structure, by the names on the way to them.
fn leaves(value: &impl Debug) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    let mut path = Vec::new();
    let printed = format!("{value:#?}");
    for line in printed.lines() {
        let line = line.trim().trim_end_matches(',');
        let (name, rest) = line.split_once(": ").unwrap_or(("", line));
        if matches!(rest, "}" | ")" | "]") {
            path.pop();
        } else if rest.ends_with(['{', '(', '[']) {
            path.push(name);
        } else {
            let names: Vec<_> = path.iter().copied().chain([name]).filter(|name| !name.is_empty()).collect();
            leaves.insert(names.join("."), rest.to_owned());
        }
    }
    leaves
}

/// How many trades ended how, for a line at the end of a run.
#[derive(Debug, Default)]
pub struct Tally {
    outcomes: BTreeMap<(&'static str, Option<u32>), usize>,
    differing: Vec<String>,
}

impl Tally {
    /// Counts one trade through `instruction`, and remembers in what it differs; `context` says what it was.
    pub fn count<E: Debug + PartialEq>(
        &mut self,
        instruction: &'static str,
        expected: &Outcome<E>,
        found: &Outcome<E>,
        context: impl FnOnce() -> String,
    ) {
        *self.outcomes.entry((instruction, found.as_ref().err().copied())).or_default() += 1;
        let differences = differences(expected, found);
        if !differences.is_empty() {
            self.differing.push(format!("{}\n  {}", context(), differences.join("\n  ")));
        }
    }

    /// How many trades of `instruction` succeeded.
    pub fn succeeded(&self, instruction: &str) -> usize {
        self.sum(|name, error| name == instruction && error.is_none())
    }

    /// How many trades succeeded.
    pub fn succeeded_in_all(&self) -> usize {
        self.sum(|_, error| error.is_none())
    }

    /// Trades whose outcome was not the program's.
    pub fn differing(&self) -> usize {
        self.differing.len()
    }

    /// Fails with the first trades that differ.
    pub fn assert_all_equal(&self) {
        let first: Vec<_> = self.differing.iter().take(5).map(String::as_str).collect();
        assert!(first.is_empty(), "{self}\n{}", first.join("\n"));
    }

    fn sum(&self, which: impl Fn(&str, Option<u32>) -> bool) -> usize {
        self.outcomes.iter().filter(|((name, error), _)| which(name, *error)).map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.sum(|_, _| true);
        let succeeded = self.succeeded_in_all();
        write!(f, "{all} executions: {succeeded} succeeded (")?;
        let mut names: Vec<_> = self.outcomes.keys().map(|(name, _)| *name).collect();
        names.dedup();
        for (index, name) in names.iter().enumerate() {
            write!(f, "{}{name} {}", if index == 0 { "" } else { ", " }, self.succeeded(name))?;
        }
        write!(f, "), {} were refused (", all - succeeded)?;
        let mut errors: Vec<_> = self.outcomes.keys().filter_map(|(_, error)| *error).collect();
        errors.sort_unstable();
        errors.dedup();
        for (index, error) in errors.iter().enumerate() {
            let count = self.sum(|_, found| found == Some(*error));
            write!(f, "{}{error}: {count}", if index == 0 { "" } else { ", " })?;
        }
        match self.differing() {
            0 => write!(f, "), all equal to ours"),
            differing => write!(f, "), {differing} NOT equal to ours"),
        }
    }
}
