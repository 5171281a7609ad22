use serde::{Deserialize, Serialize};

/// Basis points as the chain counts them: 10,000 are the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bps(pub u64);

impl Bps {
    /// The amount in this unit.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u64 {
        self.0
    }
}
