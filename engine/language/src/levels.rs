//! Stop-losses and take-profits: where a position is closed inside a bar.

use q50_indicators::Indicator;

use crate::{
    error::{Code, Error},
    program::{Named, Overridable, Side},
    reader::{Entry, Mapping},
};

/// Where a loss is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// Nowhere.
    None,
    /// At a distance in percent of the fill price.
    Percent(f64),
    /// At a distance in average true ranges, as they stood at the decision.
    Atr {
        /// How many.
        multiplier: f64,
        /// Place of the indicator.
        indicator: usize,
        /// Whether it follows the closes.
        trailing: bool,
    },
}

/// Where a gain is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Nowhere.
    None,
    /// At a distance in percent of the fill price.
    Percent(f64),
    /// At a distance in average true ranges, as they stood at the decision.
    Atr {
        /// How many.
        multiplier: f64,
        /// Place of the indicator.
        indicator: usize,
    },
    /// At a multiple of the distance to the first stop.
    RiskReward(f64),
}

/// Bounds of a level's number, with its name.
pub(crate) type Bounds = (&'static str, f64, f64);

const STOP_PERCENT: Bounds = ("percent", 0.1, 50.0);
const STOP_MULTIPLIER: Bounds = ("atr_multiplier", 0.5, 10.0);
const TARGET_PERCENT: Bounds = ("percent", 0.1, 100.0);
const TARGET_MULTIPLIER: Bounds = ("atr_multiplier", 0.5, 20.0);
const TARGET_RATIO: Bounds = ("risk_reward_ratio", 0.5, 10.0);

impl Stop {
    /// Place of the indicator that it is measured in.
    #[must_use]
    pub const fn indicator(&self) -> Option<usize> {
        match self {
            Self::Atr { indicator, .. } => Some(*indicator),
            Self::None | Self::Percent(_) => None,
        }
    }

    /// Its number, with the number's name and bounds.
    pub(crate) const fn number(&self) -> Option<(f64, Bounds)> {
        match *self {
            Self::None => None,
            Self::Percent(percent) => Some((percent, STOP_PERCENT)),
            Self::Atr { multiplier, .. } => Some((multiplier, STOP_MULTIPLIER)),
        }
    }

    /// Its number, to be changed.
    pub(crate) const fn number_mut(&mut self) -> Option<&mut f64> {
        match self {
            Self::None => None,
            Self::Percent(number) | Self::Atr { multiplier: number, .. } => Some(number),
        }
    }
}

impl Target {
    /// Place of the indicator that it is measured in.
    #[must_use]
    pub const fn indicator(&self) -> Option<usize> {
        match self {
            Self::Atr { indicator, .. } => Some(*indicator),
            Self::None | Self::Percent(_) | Self::RiskReward(_) => None,
        }
    }

    /// Its number, with the number's name and bounds.
    pub(crate) const fn number(&self) -> Option<(f64, Bounds)> {
        match *self {
            Self::None => None,
            Self::Percent(percent) => Some((percent, TARGET_PERCENT)),
            Self::Atr { multiplier, .. } => Some((multiplier, TARGET_MULTIPLIER)),
            Self::RiskReward(ratio) => Some((ratio, TARGET_RATIO)),
        }
    }

    /// Its number, to be changed.
    pub(crate) const fn number_mut(&mut self) -> Option<&mut f64> {
        match self {
            Self::None => None,
            Self::Percent(number) | Self::Atr { multiplier: number, .. } | Self::RiskReward(number) => Some(number),
        }
    }
}

/// A level that is read from a mapping with a `type`.
pub(crate) trait Level: Sized {
    fn read(fields: &Fields<'_, '_>) -> Result<Self, Error>;
}

/// The fields of a level.
pub(crate) struct Fields<'a, 'i> {
    fields: Mapping<'a>,
    kind: Entry<'a>,
    indicators: &'i [Named],
}

impl Fields<'_, '_> {
    fn number(&self, (name, least, most): Bounds) -> Result<f64, Error> {
        self.fields.require(name)?.number_in(least, most)
    }

    fn atr(&self) -> Result<usize, Error> {
        let reference = self.fields.require("indicator")?;
        let name = reference.text()?;
        let Some(place) = self.indicators.iter().position(|named| named.name == name) else {
            return Err(reference.fault(Code::UnknownReference, format!("there is no indicator `{name}`")));
        };
        let is = |indicator: &Indicator| indicator.formula().name();
        match is(&self.indicators[place].indicator) {
            "ATR" => Ok(place),
            other => {
                let message = format!("`{name}` is {other}; a distance is measured in an ATR");
                Err(reference.fault(Code::Conflict, message))
            }
        }
    }

    fn only(&self, known: &[&str]) -> Result<(), Error> {
        self.fields.only(known)
    }

    fn unknown_type(&self, known: &str) -> Error {
        self.kind.fault(Code::BadValue, format!("unknown type; there are {known}"))
    }

    /// Its type, which may be written in any case.
    fn kind(&self) -> Result<String, Error> {
        Ok(self.kind.text()?.to_ascii_lowercase())
    }
}

impl Level for Stop {
    fn read(fields: &Fields<'_, '_>) -> Result<Self, Error> {
        let atr = |trailing| {
            fields.only(&["type", "atr_multiplier", "indicator"])?;
            Ok(Self::Atr { multiplier: fields.number(STOP_MULTIPLIER)?, indicator: fields.atr()?, trailing })
        };
        match fields.kind()?.as_str() {
            "none" => fields.only(&["type"]).map(|()| Self::None),
            "fixed_pct" => {
                fields.only(&["type", "percent"])?;
                fields.number(STOP_PERCENT).map(Self::Percent)
            }
            "atr_fixed" => atr(false),
            "atr_trailing" => atr(true),
            _ => Err(fields.unknown_type("none, fixed_pct, atr_fixed, atr_trailing")),
        }
    }
}

impl Level for Target {
    fn read(fields: &Fields<'_, '_>) -> Result<Self, Error> {
        match fields.kind()?.as_str() {
            "none" => fields.only(&["type"]).map(|()| Self::None),
            "fixed_pct" => {
                fields.only(&["type", "percent"])?;
                fields.number(TARGET_PERCENT).map(Self::Percent)
            }
            "atr_fixed" => {
                fields.only(&["type", "atr_multiplier", "indicator"])?;
                Ok(Self::Atr { multiplier: fields.number(TARGET_MULTIPLIER)?, indicator: fields.atr()? })
            }
            "risk_reward" => {
                fields.only(&["type", "risk_reward_ratio"])?;
                fields.number(TARGET_RATIO).map(Self::RiskReward)
            }
            _ => Err(fields.unknown_type("none, fixed_pct, atr_fixed, risk_reward")),
        }
    }
}

/// Reads `section` and what each side has of its own (`section_long`, `section_short`).
pub(crate) fn read<L: Level>(
    document: &Mapping<'_>,
    section: &str,
    indicators: &[Named],
) -> Result<Overridable<L>, Error> {
    let level = |entry: Entry<'_>| {
        let fields = entry.mapping()?;
        let kind = fields.require("type")?;
        L::read(&Fields { fields, kind, indicators })
    };
    let own = |side: Side| document.get(&format!("{section}_{}", side.word())).map(level).transpose();
    Ok(Overridable { common: level(document.require(section)?)?, long: own(Side::Long)?, short: own(Side::Short)? })
}
