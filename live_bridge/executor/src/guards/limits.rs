//! The limits: the defaults, or those of a TOML file.

use super::{BreakerLimits, Lists, RateLimits};
use q50_engine::units::{Bps, Lamports};
use q50_pumpswap::amm::BPS;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A file of limits that cannot be used.
#[derive(Debug, Error)]
pub enum LimitsError {
    /// It cannot be read.
    #[error("{path:?}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not such a file.
    #[error("{path:?}: {source}")]
    NotLimits {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A limit that cannot be.
    #[error("{path:?}: {problem}")]
    Impossible {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what is expected.
        problem: String,
    },
}

/// What is allowed. What a file leaves out is as by default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Failures in a row.
    pub breaker: BreakerLimits,
    /// Orders in a time.
    pub rates: RateLimits,
    /// Most of the day's equity that may be lost in it.
    #[serde(rename = "daily_loss_bps")]
    pub daily_loss: Bps,
    /// Most that equity may fall from its highest.
    #[serde(rename = "drawdown_bps")]
    pub drawdown: Bps,
    /// Most of the equity that may be in positions.
    #[serde(rename = "exposure_bps")]
    pub exposure: Bps,
    /// What has to stay in the wallet.
    #[serde(rename = "wallet_floor_lamports")]
    pub wallet_floor: Lamports,
    /// What has to be in a pool that is bought from.
    #[serde(rename = "liquidity_lamports")]
    pub liquidity: Lamports,
    /// Most that a buy may pay above the pool's price, fees aside.
    #[serde(rename = "impact_bps")]
    pub impact: Bps,
    /// Mints that may be bought.
    pub lists: Lists,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            breaker: BreakerLimits::default(),
            rates: RateLimits::default(),
            daily_loss: Bps(1_000),
            drawdown: Bps(2_000),
            exposure: Bps(8_000),
            wallet_floor: Lamports(100_000_000),
            liquidity: Lamports(10_000_000_000),
            impact: Bps(1_000),
            lists: Lists::default(),
        }
    }
}

impl Limits {
    /// Reads a file of limits; the lists in it are named from its folder.
    ///
    /// # Errors
    /// [`LimitsError`] where it cannot be read, or says what is no limit.
    pub fn read(path: &Path) -> Result<Self, LimitsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| LimitsError::Unreadable { path: path.to_owned(), source })?;
        let mut limits: Self = toml::from_str(&text)
            .map_err(|source| LimitsError::NotLimits { path: path.to_owned(), source: Box::new(source) })?;
        limits.check().map_err(|problem| LimitsError::Impossible { path: path.to_owned(), problem })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        for list in [&mut limits.lists.denied, &mut limits.lists.allowed].into_iter().flatten() {
            *list = folder.join(&*list);
        }
        Ok(limits)
    }

    fn check(&self) -> Result<(), String> {
        for (name, Bps(bps)) in
            [("daily_loss_bps", self.daily_loss), ("drawdown_bps", self.drawdown), ("exposure_bps", self.exposure)]
        {
            if bps > BPS {
                return Err(format!("{name} = {bps}: a share of the equity is at most {BPS} basis points"));
            }
        }
        let BreakerLimits { failures, probes, successes, .. } = self.breaker;
        if failures == 0 || successes == 0 || probes < successes {
            return Err(format!(
                "breaker: failures = {failures}, probes = {probes}, successes = {successes}: expected at least one \
                 failure and one success, and as many probes as successes or more"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn read(text: &str) -> Result<Limits, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.toml");
        std::fs::write(&path, text).unwrap();
        let told = |error: LimitsError| error.to_string().replace(&folder.path().display().to_string(), "");
        Limits::read(&path).map_err(told)
    }

    #[test]
    fn what_a_file_leaves_out_is_as_by_default() {
        assert_eq!(read("").unwrap(), Limits::default());
        let limits = read("exposure_bps = 50\n[breaker]\nrecovery_s = 60\n[rates]\nper_hour = 7").unwrap();
        let expected = Limits {
            exposure: Bps(50),
            breaker: BreakerLimits { recovery: Duration::from_secs(60), ..BreakerLimits::default() },
            rates: RateLimits { per_hour: 7, ..RateLimits::default() },
            ..Limits::default()
        };
        assert_eq!(limits, expected);
    }

    #[test]
    fn the_guide_s_limits_are_the_defaults() {
        let guide = include_str!("../../../../docs/GUIDE.md");
        let from = guide.split("```toml\nexposure_bps").nth(1).and_then(|text| text.split("```").next()).unwrap();
        let limits = read(&format!("exposure_bps{from}")).unwrap();
        assert_eq!(Limits { lists: Lists::default(), ..limits }, Limits::default());
    }

    #[test]
    fn lists_are_named_from_the_file_s_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.toml");
        std::fs::write(&path, "[lists]\ndenied = 'bad.json'\nallowed = '/etc/good.json'").unwrap();
        let expected = Lists { denied: Some(folder.path().join("bad.json")), allowed: Some("/etc/good.json".into()) };
        assert_eq!(Limits::read(&path).unwrap().lists, expected);
    }

    #[test]
    fn what_is_no_limit_is_refused_with_its_name() {
        for (text, said) in [
            ("exposure_bps = 10001", "exposure_bps = 10001: a share"),
            ("exposure = 1", "unknown field `exposure`"),
            ("daily_loss_bps = -1", "invalid value"),
            ("[breaker]\nsuccesses = 4", "probes = 3, successes = 4"),
            ("[breaker]\nfailures = 0", "failures = 0"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains("limits.toml") && error.contains(said), "{error}");
        }
    }
}
