//! The decisions of a replay, one row per bar.

use crate::{
    decision::{Decision, Reason},
    strategy::{Explanation, sizing::SizeExplanation},
};

/// A decision with its explanation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecisionRow {
    /// Row of the market.
    pub row: usize,
    /// Why the strategy acted or held.
    pub reason: Reason,
    /// Whether an order was sent.
    pub acted: bool,
    /// What it was made from.
    pub explanation: Explanation,
}

impl DecisionRow {
    /// What a recorder is told at the close of `row`.
    #[must_use]
    pub fn new(row: usize, decision: &Decision, explanation: Option<Explanation>) -> Self {
        let acted = matches!(decision, Decision::Act(_));
        Self { row, reason: decision.reason(), acted, explanation: explanation.unwrap_or_default() }
    }
}

/// The decisions of consecutive bars. A record of minutes has millions of them, so that they are kept in 48 bytes each and
/// not in those of a [`DecisionRow`], which is made of them again when it is asked for; how a size came about is kept beside
/// the few that have one.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// Row of the market of the first one.
    first: usize,
    packed: Vec<Packed>,
    /// How sizes came about, by the places of their decisions, ascending.
    sizings: Vec<(usize, SizeExplanation)>,
    /// What codes of names stand for: the code is the place, from 1.
    names: Vec<&'static str>,
}

/// A decision without its row. A figure that is absent is `NaN`, a name that is absent 0.
#[derive(Clone, Copy, Debug)]
struct Packed {
    /// Probability, expected value, information ratio, raw size, size.
    figures: [f64; 5],
    side: Option<i8>,
    reason: Reason,
    acted: bool,
    regime: u8,
    binding_cap: u8,
}

impl Decisions {
    /// None, with room for so many.
    #[must_use]
    pub fn with_capacity(bars: usize) -> Self {
        Self { packed: Vec::with_capacity(bars), ..Self::default() }
    }

    /// Adds the decision of the next bar.
    pub fn push(&mut self, decision: DecisionRow) {
        let DecisionRow { row, reason, acted, explanation } = decision;
        let Explanation { side, prob_up, expected_value, info_ratio, regime, raw_size, size, binding_cap, sizing } =
            explanation;
        if self.packed.is_empty() {
            self.first = row;
        }
        debug_assert_eq!(row, self.first + self.packed.len(), "one decision a bar");
        self.sizings.extend(sizing.map(|sizing| (self.packed.len(), sizing)));
        let figures = [prob_up, expected_value, info_ratio, raw_size, size].map(|figure| figure.unwrap_or(f64::NAN));
        let [regime, binding_cap] = [regime, binding_cap].map(|name| self.code(name));
        self.packed.push(Packed { figures, side, reason, acted, regime, binding_cap });
    }

    /// The code of a name, of which strategies have a handful.
    fn code(&mut self, name: Option<&'static str>) -> u8 {
        let Some(name) = name else { return 0 };
        let place = self.names.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        u8::try_from(place + 1).unwrap_or(0)
    }

    /// The decision at a place, from 0.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<DecisionRow> {
        let Packed { figures, side, reason, acted, regime, binding_cap } = *self.packed.get(place)?;
        let [prob_up, expected_value, info_ratio, raw_size, size] =
            figures.map(|figure| (!figure.is_nan()).then_some(figure));
        let [regime, binding_cap] =
            [regime, binding_cap].map(|code| self.names.get(usize::from(code).checked_sub(1)?).copied());
        let sizing = self.sizings.binary_search_by_key(&place, |(place, _)| *place).ok().map(|at| self.sizings[at].1);
        let explanation =
            Explanation { side, prob_up, expected_value, info_ratio, regime, raw_size, size, binding_cap, sizing };
        Some(DecisionRow { row: self.first + place, reason, acted, explanation })
    }

    /// All of them, in the order of the bars.
    pub fn iter(&self) -> impl Iterator<Item = DecisionRow> + '_ {
        (0..self.len()).filter_map(|place| self.get(place))
    }

    /// The reason of each, in the order of the bars.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> + '_ {
        self.packed.iter().map(|decision| decision.reason)
    }

    /// Row of the market of the first one; `None` where there is none.
    #[must_use]
    pub fn first_row(&self) -> Option<usize> {
        (!self.is_empty()).then_some(self.first)
    }

    /// Number of decisions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// Forgets all but the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.packed.truncate(len);
        self.sizings.truncate(self.sizings.partition_point(|(place, _)| *place < len));
    }
}

impl PartialEq for Decisions {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl FromIterator<DecisionRow> for Decisions {
    fn from_iter<I: IntoIterator<Item = DecisionRow>>(rows: I) -> Self {
        let mut all = Self::default();
        rows.into_iter().for_each(|row| all.push(row));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::sizing::{BindingCap, Caps};

    #[test]
    fn what_was_kept_comes_out_again() {
        let full = Explanation {
            side: Some(-1),
            prob_up: Some(0.5),
            expected_value: Some(-0.0),
            info_ratio: Some(f64::INFINITY),
            regime: Some("low"),
            raw_size: Some(0.0),
            size: Some(1.0),
            binding_cap: Some("total"),
            sizing: None,
        };
        let caps = Caps { max_position: 0.5, cash: Some(1.0), pool_share: None, heat: Some(0.1) };
        let sizing = SizeExplanation {
            base: 0.2,
            regime_multiplier: 1.0,
            drawdown_multiplier: 0.5,
            raw: 0.1,
            caps,
            binding: BindingCap::Unbound,
            size: 0.1,
        };
        let other = Explanation { regime: Some("total"), binding_cap: None, sizing: Some(sizing), ..full };
        let row = |row, acted, explanation| DecisionRow { row, reason: Reason::EnterLong, acted, explanation };
        let rows = [row(7, true, full), row(8, false, Explanation::default()), row(9, true, other)];
        let kept: Decisions = rows.into_iter().collect();
        assert_eq!(kept.iter().collect::<Vec<_>>(), rows);
        assert_eq!((kept.first_row(), kept.len(), kept.get(3)), (Some(7), 3, None));
        assert_eq!(size_of::<Packed>(), 48);
    }
}
