//! A fee configuration as requests write it.

use crate::amm::{FeeConfig, FeeRates, FeeTier, FeeTiers};
use serde::Deserialize;

use super::integer::Integer;
use super::request::RequestError;

/// A fee configuration as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeeLine<'a> {
    #[serde(borrow)]
    flat: [Integer<'a>; 3],
    #[serde(borrow)]
    fee_tiers: Vec<[Integer<'a>; 4]>,
    /// Absent or empty: the SOL table serves.
    #[serde(borrow, default)]
    stable_fee_tiers: Vec<[Integer<'a>; 4]>,
    /// Absent or zero: the flat schedule serves.
    #[serde(borrow)]
    exotic: Option<[Integer<'a>; 3]>,
}

impl FeeLine<'_> {
    /// The schedules, substituted as the vendor's clients do for what an old account does not have.
    pub(crate) fn validate(&self) -> Result<FeeConfig, RequestError> {
        let exotic = self.exotic.as_ref().map_or_else(|| Ok(FeeRates::default()), |e| rates(e, "fee_config.exotic"))?;
        Ok(FeeConfig::new(
            rates(&self.flat, "fee_config.flat")?,
            tiers(&self.fee_tiers, "fee_config.fee_tiers")?,
            tiers(&self.stable_fee_tiers, "fee_config.stable_fee_tiers")?,
            exotic,
        ))
    }
}

fn rates([lp, protocol, creator]: &[Integer<'_>; 3], field: &'static str) -> Result<FeeRates, RequestError> {
    Ok(FeeRates::new(lp.get(field)?, protocol.get(field)?, creator.get(field)?))
}

fn tiers(rows: &[[Integer<'_>; 4]], field: &'static str) -> Result<FeeTiers, RequestError> {
    let tier = |[threshold, lp, protocol, creator]: &[Integer<'_>; 4]| {
        Ok(FeeTier {
            threshold: threshold.get(field)?,
            rates: FeeRates::new(lp.get(field)?, protocol.get(field)?, creator.get(field)?),
        })
    };
    rows.iter().map(tier).collect::<Result<_, _>>().map(FeeTiers::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"flat":[25,5,0],"fee_tiers":[["0","1","2","3"]],"exotic":["30","15","5"]}"#;

    fn read(json: &str) -> Result<FeeConfig, RequestError> {
        serde_json::from_str::<FeeLine<'_>>(json)?.validate()
    }

    #[test]
    fn integers_are_strings_or_numbers_and_an_absent_stable_table_is_the_sol_table() {
        let fees = read(JSON).unwrap();
        assert_eq!((fees.flat, fees.exotic), (FeeRates::new(25, 5, 0), FeeRates::new(30, 15, 5)));
        assert_eq!(fees.sol_tiers.as_slice(), [FeeTier { threshold: 0, rates: FeeRates::new(1, 2, 3) }]);
        assert_eq!(fees.stable_tiers, fees.sol_tiers);
        let empty = JSON.replace("}", ",\"stable_fee_tiers\":[]}");
        assert_eq!(read(&empty).unwrap(), fees);
    }

    #[test]
    fn an_exotic_schedule_may_be_absent_and_nothing_else_may_be_there() {
        assert_eq!(read(r#"{"flat":[1,2,3],"fee_tiers":[]}"#).unwrap().exotic, FeeRates::default());
        assert!(read(r#"{"flat":[1,2,3],"fee_tiers":[],"tiers":[]}"#).unwrap_err().to_string().contains("`tiers`"));
        assert!(read(r#"{"flat":[1,2],"fee_tiers":[]}"#).is_err());
    }

    #[test]
    fn a_threshold_that_is_no_integer_is_named_with_its_table() {
        let error = read(&JSON.replace("[\"0\",", "[\"x\",")).unwrap_err().to_string();
        assert!(error.contains("`fee_config.fee_tiers`: found \"x\""), "{error}");
    }
}
