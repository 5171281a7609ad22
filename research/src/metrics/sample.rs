use super::Undefined;

/// A return series without its missing rows, and how many there were.
///
/// Packages disagree on missing rows (some count them in n, which flatters CAGR and PSR alike); here they are dropped
/// before anything is computed, and every report prints how many.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    values: Vec<f64>,
    dropped: usize,
}

impl Sample {
    /// Drops NaN rows. Order is kept.
    ///
    /// # Errors
    /// [`Undefined::NotFinite`] at an infinity: it is not a missing row but a wrong one, and dropping it would hide
    /// that. The index counts rows of `rows`, dropped ones included.
    pub fn clean(rows: &[f64]) -> Result<Self, Undefined> {
        Self::from_rows(rows.iter().map(|&row| Some(row)))
    }

    /// Drops missing and NaN rows. Order is kept.
    ///
    /// # Errors
    /// As [`Sample::clean`].
    pub fn from_rows(rows: impl IntoIterator<Item = Option<f64>>) -> Result<Self, Undefined> {
        let mut values = Vec::new();
        let mut dropped = 0;
        for (index, row) in rows.into_iter().enumerate() {
            match row {
                Some(value) if value.is_infinite() => return Err(Undefined::NotFinite { index }),
                Some(value) if !value.is_nan() => values.push(value),
                _ => dropped += 1,
            }
        }
        Ok(Self { values, dropped })
    }

    /// The rows that are left, in order.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How many rows are left.
    #[must_use]
    pub fn n(&self) -> usize {
        self.values.len()
    }

    /// How many rows were missing or NaN.
    #[must_use]
    pub fn dropped(&self) -> usize {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_rows_are_dropped_and_counted() {
        let sample = Sample::from_rows([Some(0.1), None, Some(f64::NAN), Some(-0.2)]).unwrap();
        assert_eq!(sample.values(), [0.1, -0.2]);
        assert_eq!((sample.n(), sample.dropped()), (2, 2));
    }

    #[test]
    fn an_infinity_is_an_error_and_not_a_missing_row() {
        assert_eq!(Sample::clean(&[f64::NAN, 0.1, f64::INFINITY]), Err(Undefined::NotFinite { index: 2 }));
    }

    #[test]
    fn nothing_stays_nothing() {
        let sample = Sample::clean(&[]).unwrap();
        assert_eq!((sample.n(), sample.dropped()), (0, 0));
    }
}
