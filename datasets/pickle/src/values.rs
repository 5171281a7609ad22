//! A column's values, one per row.

/// Values of one kind; `None` where one is missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Floats, narrower ones widened. A `NaN` that the frame holds stays one.
    Float(Vec<Option<f64>>),
    /// Signed integers.
    Int(Vec<Option<i64>>),
    /// Unsigned integers.
    Uint(Vec<Option<u64>>),
    /// Flags.
    Bool(Vec<Option<bool>>),
    /// Instants.
    Time {
        /// Nanoseconds since 1970 in UTC; those without a zone are counted as UTC.
        ns: Vec<Option<i64>>,
        /// Whether they have a zone.
        zoned: bool,
    },
    /// Text.
    Text(Vec<Option<String>>),
}

impl Values {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Int(values) | Self::Time { ns: values, .. } => values.len(),
            Self::Uint(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of each row that `codes` names, none for a negative code. `None` where a code is beyond the last.
    pub(crate) fn take(&self, codes: &[i64]) -> Option<Self> {
        fn taken<T: Clone>(values: &[Option<T>], codes: &[i64]) -> Option<Vec<Option<T>>> {
            codes.iter().map(|code| usize::try_from(*code).map_or(Some(None), |at| values.get(at).cloned())).collect()
        }
        Some(match self {
            Self::Float(values) => Self::Float(taken(values, codes)?),
            Self::Int(values) => Self::Int(taken(values, codes)?),
            Self::Uint(values) => Self::Uint(taken(values, codes)?),
            Self::Bool(values) => Self::Bool(taken(values, codes)?),
            Self::Time { ns, zoned } => Self::Time { ns: taken(ns, codes)?, zoned: *zoned },
            Self::Text(values) => Self::Text(taken(values, codes)?),
        })
    }

    /// The same with what `missing` marks taken away.
    pub(crate) fn without(mut self, missing: &[Option<bool>]) -> Self {
        fn clear<T>(values: &mut [Option<T>], missing: &[Option<bool>]) {
            for (value, missing) in values.iter_mut().zip(missing) {
                if *missing == Some(true) {
                    *value = None;
                }
            }
        }
        match &mut self {
            Self::Float(values) => clear(values, missing),
            Self::Int(values) | Self::Time { ns: values, .. } => clear(values, missing),
            Self::Uint(values) => clear(values, missing),
            Self::Bool(values) => clear(values, missing),
            Self::Text(values) => clear(values, missing),
        }
        self
    }
}
