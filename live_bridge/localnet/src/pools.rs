//! The initial pools of a chain: the built-in two, or those of a TOML file.

use q50_engine::units::Bps;
use q50_pumpswap::amm::{AmmConfig, FeeConfig, FeeRates, FeeTier, FeeTiers, PoolOrigin, PoolState, QuoteMint};
use q50_pumpswap::chain::Pool;
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A file of pools that cannot be used.
#[derive(Debug, Error)]
pub enum PoolsError {
    /// It cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not such a file.
    #[error("{path}: {source}")]
    NotPools {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A pool or a schedule of fees that cannot be.
    #[error("{path}: {place}: {problem}")]
    Impossible {
        /// The file.
        path: PathBuf,
        /// Which: `pool 2`, `fees`.
        place: String,
        /// What is wrong, and what to do.
        problem: String,
    },
}

/// What the chain's pools are, and what prices them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pools {
    /// The pools, at least one.
    #[serde(default, rename = "pool")]
    pub pools: Vec<PoolSpec>,
    /// The program's configuration, the same for all.
    #[serde(default)]
    pub fees: FeesSpec,
}

/// What a pool's price is quoted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quote {
    /// Wrapped SOL.
    #[default]
    Wsol,
    /// USDC.
    Usdc,
}

/// The program of a mint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenProgram {
    /// SPL Token.
    #[default]
    Token,
    /// Token-2022.
    #[serde(rename = "token-2022")]
    Token2022,
}

/// A pool, amounts in the smallest unit of their mint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSpec {
    /// What the base vault holds.
    #[serde(deserialize_with = "integer")]
    pub base_reserve: u64,
    /// What the quote vault holds.
    #[serde(deserialize_with = "integer")]
    pub quote_reserve: u64,
    /// Quote that prices but is not there.
    #[serde(default, deserialize_with = "integer")]
    pub virtual_quote: i128,
    /// The base mint's supply.
    #[serde(default = "usual_supply", deserialize_with = "integer")]
    pub supply: u64,
    /// What the price is quoted in.
    #[serde(default)]
    pub quote: Quote,
    /// Whether a coin graduated into it, or somebody made it, at flat fees.
    #[serde(default = "yes")]
    pub canonical: bool,
    /// Whether the coin has a creator who is paid.
    #[serde(default = "yes")]
    pub coin_creator: bool,
    /// Whether the creator's fee goes back to the trader.
    #[serde(default)]
    pub cashback: bool,
    /// Whether the coin is in mayhem mode.
    #[serde(default)]
    pub mayhem: bool,
    /// The pool's own creator rate in basis points; zero means the schedule's.
    #[serde(default)]
    pub creator_fee_bps: u64,
    /// The base mint's program.
    #[serde(default)]
    pub token_program: TokenProgram,
    /// Length of the pool's account in bytes: 211 to 301, as pools of different ages have.
    #[serde(default = "full_length")]
    pub account_length: usize,
}

/// What prices trades besides the pool; what is absent is mainnet's.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeesSpec {
    /// LP, protocol and creator rates of pools that nobody graduated into, in basis points.
    pub flat: Option<[u64; 3]>,
    /// Tiers of canonical SOL pools: market capitalisation in lamports from which they hold, and the three rates.
    pub tiers: Option<Vec<[u64; 4]>>,
    /// The buyback slice of the protocol's fee, in basis points.
    pub buyback_bps: Option<u64>,
    /// Whether pools may have a creator rate of their own.
    pub creator_fee_configurable: Option<bool>,
}

/// Basis points.
const WHOLE: u64 = 10_000;
/// Tiers that the fees program's account has room for.
const MAX_TIERS: usize = 50;

fn usual_supply() -> u64 {
    1_000_000_000_000_000
}

fn yes() -> bool {
    true
}

fn full_length() -> usize {
    Pool::FULL
}

/// An integer, or one written as a string: TOML's own end at 2^63.
fn integer<'de, D: Deserializer<'de>, T: TryFrom<i64> + std::str::FromStr>(deserializer: D) -> Result<T, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }
    let (found, parsed) = match Either::deserialize(deserializer)? {
        Either::Number(number) => (number.to_string(), T::try_from(number).ok()),
        Either::Text(text) => (text.clone(), text.parse().ok()),
    };
    parsed.ok_or_else(|| serde::de::Error::custom(format!("`{found}` is out of range, or no integer")))
}

impl PoolSpec {
    /// A pool of graduated SOL coin with these reserves and nothing special.
    #[must_use]
    pub fn new(base_reserve: u64, quote_reserve: u64) -> Self {
        Self {
            base_reserve,
            quote_reserve,
            virtual_quote: 0,
            supply: usual_supply(),
            quote: Quote::Wsol,
            canonical: true,
            coin_creator: true,
            cashback: false,
            mayhem: false,
            creator_fee_bps: 0,
            token_program: TokenProgram::Token,
            account_length: full_length(),
        }
    }

    /// What our own arithmetic makes of it.
    #[must_use]
    pub fn state(&self) -> PoolState {
        PoolState {
            virtual_quote: self.virtual_quote,
            base_supply: self.supply,
            // As graduation leaves it: the root of the reserves' product.
            lp_supply: (u128::from(self.base_reserve) * u128::from(self.quote_reserve)).isqrt() as u64,
            origin: if self.canonical { PoolOrigin::Graduated } else { PoolOrigin::ThirdParty },
            quote_mint: match self.quote {
                Quote::Wsol => QuoteMint::Sol,
                Quote::Usdc => QuoteMint::Usdc,
            },
            has_coin_creator: self.coin_creator,
            is_mayhem: self.mayhem,
            is_cashback: self.cashback,
            creator_fee: Bps(self.creator_fee_bps),
            ..PoolState::new(self.base_reserve, self.quote_reserve)
        }
    }

    fn problem(&self) -> Option<String> {
        if self.base_reserve == 0 || self.quote_reserve == 0 {
            return Some("a reserve is 0, and nothing could be traded; both must be positive".to_owned());
        }
        if self.base_reserve > self.supply {
            let (reserve, supply) = (self.base_reserve, self.supply);
            return Some(format!("base_reserve {reserve} is more than the mint's supply {supply}"));
        }
        if self.state().effective_quote().is_err() {
            return Some("quote_reserve + virtual_quote is negative or beyond 2^64".to_owned());
        }
        if self.creator_fee_bps > WHOLE {
            return Some(format!("creator_fee_bps {} is more than the whole, {WHOLE}", self.creator_fee_bps));
        }
        if !(211..=301).contains(&self.account_length) {
            return Some(format!("account_length {} is not from 211 to 301", self.account_length));
        }
        let needed = [
            (self.coin_creator, 243, "coin_creator"),
            (self.mayhem, 244, "mayhem"),
            (self.cashback, 245, "cashback"),
            (self.virtual_quote != 0, 261, "virtual_quote"),
            (self.creator_fee_bps != 0, 269, "creator_fee_bps"),
        ];
        let cut = needed.into_iter().find(|(is_set, length, _)| *is_set && self.account_length < *length)?;
        Some(format!("an account of {} bytes has no {}; that takes {}", self.account_length, cut.2, cut.1))
    }
}

impl FeesSpec {
    fn problem(&self) -> Option<String> {
        let tiers = self.tiers.as_deref();
        if let Some(tiers) = tiers.filter(|tiers| !(1..=MAX_TIERS).contains(&tiers.len())) {
            return Some(format!("{} tiers; the account holds 1 to {MAX_TIERS}", tiers.len()));
        }
        if tiers.is_some_and(|tiers| !tiers.is_sorted_by_key(|tier| tier[0])) {
            return Some("tiers do not ascend in market capitalisation".to_owned());
        }
        let of_tiers = tiers.into_iter().flatten().map(|&[_, lp, protocol, creator]| [lp, protocol, creator]);
        let is_too_much = |rates: &[u64; 3]| rates.iter().fold(0, |sum: u64, rate| sum.saturating_add(*rate)) > WHOLE;
        if let Some(rates) = self.flat.into_iter().chain(of_tiers).find(is_too_much) {
            return Some(format!("rates {rates:?} are together more than the whole, {WHOLE} basis points"));
        }
        let buyback = self.buyback_bps.filter(|&buyback| buyback > WHOLE)?;
        Some(format!("buyback_bps {buyback} is more than the whole, {WHOLE}"))
    }
}

impl Pools {
    /// Two quiet canonical SOL pools: one fresh and boosted, one of a larger coin, both with more than 50 SOL.
    #[must_use]
    pub fn built_in() -> Self {
        let fresh = PoolSpec { virtual_quote: 17_584_505_288, ..PoolSpec::new(206_900_000_000_000, 84_990_359_078) };
        Self { pools: vec![fresh, PoolSpec::new(120_000_000_000_000, 400_000_000_000)], fees: FeesSpec::default() }
    }

    /// Reads a file of pools.
    ///
    /// # Errors
    /// [`PoolsError`] where it cannot be read, has other keys, or a pool that cannot be.
    pub fn read(path: &Path) -> Result<Self, PoolsError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| PoolsError::Unreadable { path: path.to_owned(), source })?;
        let pools: Self = toml::from_str(&text)
            .map_err(|source| PoolsError::NotPools { path: path.to_owned(), source: Box::new(source) })?;
        let impossible = |place, problem| PoolsError::Impossible { path: path.to_owned(), place, problem };
        if pools.pools.is_empty() {
            return Err(impossible("no pool".to_owned(), "begin one with `[[pool]]`".to_owned()));
        }
        for (index, pool) in pools.pools.iter().enumerate() {
            if let Some(problem) = pool.problem() {
                return Err(impossible(format!("pool {}", index + 1), problem));
            }
        }
        match pools.fees.problem() {
            Some(problem) => Err(impossible("fees".to_owned(), problem)),
            None => Ok(pools),
        }
    }

    /// What prices trades besides the pool.
    #[must_use]
    pub fn config(&self) -> AmmConfig {
        let (mainnet, fees) = (AmmConfig::default(), &self.fees);
        let flat = fees.flat.map_or(mainnet.fees.flat, |[lp, protocol, creator]| FeeRates::new(lp, protocol, creator));
        let tiers = fees.tiers.as_ref().map_or(mainnet.fees.sol_tiers, |tiers| {
            let tiers = tiers.iter().map(|&[threshold, lp, protocol, creator]| FeeTier {
                threshold: u128::from(threshold),
                rates: FeeRates::new(lp, protocol, creator),
            });
            FeeTiers::new(tiers.collect())
        });
        AmmConfig {
            fees: FeeConfig::new(flat, tiers, mainnet.fees.stable_tiers, mainnet.fees.exotic),
            buyback: fees.buyback_bps.map_or(mainnet.buyback, Bps),
            creator_fee_configurable: fees.creator_fee_configurable.unwrap_or(mainnet.creator_fee_configurable),
            disabled: mainnet.disabled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let said = Pools::read(file.path()).unwrap_err().to_string();
        said.replace(&file.path().display().to_string(), "pools.toml")
    }

    #[test]
    fn a_pool_that_cannot_be_is_refused_with_its_place_and_what_is_wrong() {
        let pool = "base_reserve = 5\nquote_reserve = 7\n";
        for (more, expected) in [
            ("supply = 4", "base_reserve 5 is more than the mint's supply 4"),
            ("virtual_quote = -8", "quote_reserve + virtual_quote is negative or beyond 2^64"),
            ("account_length = 302", "account_length 302 is not from 211 to 301"),
            ("account_length = 243\nmayhem = true", "an account of 243 bytes has no mayhem; that takes 244"),
            ("creator_fee_bps = 10001", "creator_fee_bps 10001 is more than the whole, 10000"),
        ] {
            let text = format!("[[pool]]\n{pool}[[pool]]\n{pool}{more}\n");
            assert_eq!(refused(&text), format!("pools.toml: pool 2: {expected}"));
        }
        assert_eq!(refused(""), "pools.toml: no pool: begin one with `[[pool]]`");
        assert_eq!(
            refused("[[pool]]\nbase_reserve = 0\nquote_reserve = 7"),
            "pools.toml: pool 1: a reserve is 0, and nothing could be traded; both must be positive"
        );
        assert!(refused("[[pool]]\nbase_reserve = -1\nquote_reserve = 7").contains("`-1` is out of range"));
        assert!(refused("[[pool]]\nbase_reserve = 1e3\nquote_reserve = 7").contains("base_reserve = 1e3"));
    }

    #[test]
    fn fees_that_cannot_be_are_refused() {
        let tiers = |count| format!("tiers = {:?}", vec![[0; 4]; count]);
        for (fees, expected) in [
            (
                "flat = [25, 5, 9971]".to_owned(),
                "rates [25, 5, 9971] are together more than the whole, 10000 basis points",
            ),
            (tiers(0), "0 tiers; the account holds 1 to 50"),
            (tiers(51), "51 tiers; the account holds 1 to 50"),
            ("tiers = [[7, 1, 1, 1], [0, 1, 1, 1]]".to_owned(), "tiers do not ascend in market capitalisation"),
            ("buyback_bps = 10001".to_owned(), "buyback_bps 10001 is more than the whole, 10000"),
        ] {
            let text = format!("[[pool]]\nbase_reserve = 5\nquote_reserve = 7\n[fees]\n{fees}\n");
            assert_eq!(refused(&text), format!("pools.toml: fees: {expected}"));
        }
    }
}
