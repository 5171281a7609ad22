//! Maintenance margin by the size of a position, in the tiers that an exchange publishes.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One tier: what a position is held to whose notional is above its floor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Notional above which the tier applies, quote units.
    pub above: f64,
    /// Maintenance margin as a share of the notional.
    pub rate: f64,
    /// Taken off, so that the margin does not jump where the tier begins; quote units.
    pub deduction: f64,
    /// Largest leverage of a position in this tier; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_leverage: Option<f64>,
}

/// Every tier of an instrument, the smallest positions first.
///
/// The maintenance margin of a notional is `rate x notional - deduction` of its tier (the form of Binance's leverage and
/// margin table). Rates rise and each deduction makes its tier begin where the one below ends, so the margin is also the
/// largest of what all tiers ask for: a liquidation price needs no search for its tier.
///
/// ```
/// use q50_engine::venue::perpetual::Tiers;
///
/// let tiers: Tiers = serde_json::from_str(
///     r#"[{"above": 0, "rate": 0.004, "deduction": 0}, {"above": 50000, "rate": 0.005, "deduction": 50}]"#,
/// ).unwrap();
/// assert_eq!(tiers.maintenance(100_000.0), 450.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Tier>", into = "Vec<Tier>")]
pub struct Tiers(Vec<Tier>);

/// A table of tiers that is none.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TierError {
    /// No tier at all.
    #[error("there is no tier, expected at least one above 0")]
    Empty,
    /// A number that a tier cannot have.
    #[error("tier {tier}: {field} is {found}, expected {expected}")]
    Number {
        /// Number of the tier, from 1.
        tier: usize,
        /// The field at fault.
        field: &'static str,
        /// What stands there.
        found: f64,
        /// What could.
        expected: String,
    },
}

impl TryFrom<Vec<Tier>> for Tiers {
    type Error = TierError;

    fn try_from(tiers: Vec<Tier>) -> Result<Self, TierError> {
        let mut below: Option<&Tier> = None;
        for (i, tier) in tiers.iter().enumerate() {
            let fault = |field, found, expected| Err(TierError::Number { tier: i + 1, field, found, expected });
            let (floor, least, deduction) = match below {
                None => (0.0, 0.0, 0.0),
                Some(b) => (b.above, b.rate, b.deduction + tier.above * (tier.rate - b.rate)),
            };
            if !tier.above.is_finite()
                || (below.is_none() && tier.above != 0.0)
                || (below.is_some() && tier.above <= floor)
            {
                let expected = if below.is_none() { "0".to_owned() } else { format!("more than {floor}") };
                return fault("above", tier.above, expected);
            }
            if !(tier.rate > least && tier.rate < 1.0) {
                return fault("rate", tier.rate, format!("more than {least} and less than 1"));
            }
            // To a cent of what is taken off: tables are published rounded.
            if !tier.deduction.is_finite() || (tier.deduction - deduction).abs() > 0.01 + 1e-9 * deduction.abs() {
                let expected = format!("{deduction}: that of the tier below and above x (rate - its rate)");
                return fault("deduction", tier.deduction, expected);
            }
            if let Some(most) = tier.max_leverage.filter(|most| *most < 1.0 || most.is_nan()) {
                return fault("max_leverage", most, "at least 1".to_owned());
            }
            below = Some(tier);
        }
        if tiers.is_empty() { Err(TierError::Empty) } else { Ok(Self(tiers)) }
    }
}

impl From<Tiers> for Vec<Tier> {
    fn from(tiers: Tiers) -> Self {
        tiers.0
    }
}

impl Tiers {
    /// The tiers, the smallest positions first.
    pub fn iter(&self) -> impl Iterator<Item = &Tier> {
        self.0.iter()
    }

    /// The tier of a position worth `notional` quote units.
    #[must_use]
    pub fn of(&self, notional: f64) -> &Tier {
        let above = self.0.partition_point(|tier| tier.above < notional);
        &self.0[above.saturating_sub(1)]
    }

    /// Maintenance margin of a position worth `notional`, quote units.
    #[must_use]
    pub fn maintenance(&self, notional: f64) -> f64 {
        let tier = self.of(notional);
        tier.rate * notional - tier.deduction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(above: f64, rate: f64, deduction: f64) -> Tier {
        Tier { above, rate, deduction, max_leverage: None }
    }

    fn three() -> Vec<Tier> {
        vec![tier(0.0, 0.004, 0.0), tier(50_000.0, 0.005, 50.0), tier(250_000.0, 0.01, 1_300.0)]
    }

    #[test]
    fn the_margin_does_not_jump_where_a_tier_begins() {
        let tiers = Tiers::try_from(three()).unwrap();
        assert_eq!(tiers.maintenance(50_000.0), 200.0);
        assert!((tiers.maintenance(50_000.01) - 200.0).abs() < 1e-3);
        assert_eq!(tiers.maintenance(300_000.0), 1_700.0, "1 % of 300,000 less 1,300");
    }

    #[test]
    fn a_table_that_is_none_is_refused_with_the_tier_at_fault() {
        let said = |change: fn(&mut Vec<Tier>)| {
            let mut tiers = three();
            change(&mut tiers);
            Tiers::try_from(tiers).unwrap_err().to_string()
        };
        assert_eq!(said(Vec::clear), "there is no tier, expected at least one above 0");
        assert_eq!(said(|t| t[0].above = 1.0), "tier 1: above is 1, expected 0");
        assert_eq!(said(|t| t[2].above = 50_000.0), "tier 3: above is 50000, expected more than 50000");
        assert_eq!(said(|t| t[1].rate = 0.004), "tier 2: rate is 0.004, expected more than 0.004 and less than 1");
        assert!(said(|t| t[2].deduction = 1_200.0).starts_with("tier 3: deduction is 1200, expected 1300"));
        assert_eq!(said(|t| t[0].max_leverage = Some(0.5)), "tier 1: max_leverage is 0.5, expected at least 1");
    }
}
