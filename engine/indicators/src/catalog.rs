//! The indicator types that a strategy file may name.

use crate::{formula::Formula, types};

/// Indicator types by their names.
#[derive(Clone, Debug)]
pub struct Catalog(Vec<&'static dyn Formula>);

impl Default for Catalog {
    /// The 25 built-in types.
    fn default() -> Self {
        Self(types::ALL.to_vec())
    }
}

impl Catalog {
    /// This one and `formula`, which takes the place of a type of its name.
    #[must_use]
    pub fn with(mut self, formula: &'static dyn Formula) -> Self {
        self.0.retain(|other| !other.name().eq_ignore_ascii_case(formula.name()));
        self.0.push(formula);
        self
    }

    /// The type called `name`, in any case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static dyn Formula> {
        self.iter().find(|formula| formula.name().eq_ignore_ascii_case(name))
    }

    /// Its types, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn Formula> {
        self.0.iter().copied()
    }
}
