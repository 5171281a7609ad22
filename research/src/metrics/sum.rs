/// A running sum that keeps what rounding takes away.
///
/// Source: A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54 (1974),
/// algorithm IV (improved Kahan-Babuska). The error is about one rounding of the result, whatever the order and number
/// of terms, so that a mean does not depend on how a series was cut.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompensatedSum {
    sum: f64,
    lost: f64,
}

impl CompensatedSum {
    /// Adds a term.
    #[inline]
    pub fn add(&mut self, term: f64) {
        let next = self.sum + term;
        self.lost += if self.sum.abs() >= term.abs() { (self.sum - next) + term } else { (term - next) + self.sum };
        self.sum = next;
    }

    /// The sum of the terms so far.
    #[inline]
    #[must_use]
    pub fn value(self) -> f64 {
        self.sum + self.lost
    }
}

/// The compensated sum of all terms; 0 for none.
pub fn sum(terms: impl IntoIterator<Item = f64>) -> f64 {
    let mut total = CompensatedSum::default();
    for term in terms {
        total.add(term);
    }
    total.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_survive_large_ones() {
        // Plainly added, both ones are lost and the sum is 0.
        assert_eq!(sum([1.0, 1e100, 1.0, -1e100]), 2.0);
    }

    #[test]
    fn ten_tenths_are_one() {
        assert_eq!(sum([0.1; 10]), 1.0);
    }
}
