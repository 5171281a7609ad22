//! Numbers as the collector writes them: text, in digits or exponents, with several spellings of "unknown".

/// A number; `None` where the cell is empty, says `NaN`, or holds none.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value: &f64| value.is_finite())
}

/// A number above zero. The collector writes 0 for a reserve or a price that it does not know.
pub(crate) fn positive(text: &str) -> Option<f64> {
    number(text).filter(|value| *value > 0.0)
}

/// A whole number that is not negative.
pub(crate) fn whole(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Whether two readings of one value agree; an absent one says nothing.
pub(crate) fn agree(a: Option<f64>, b: Option<f64>) -> bool {
    a.zip(b).is_none_or(|(a, b)| a.to_bits() == b.to_bits())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_no_number() {
        for unknown in ["", "NaN", "nan", "inf", "null", "unknown"] {
            assert_eq!(number(unknown), None, "{unknown}");
        }
        assert_eq!((positive("0.00"), positive("0.0"), number("0.0")), (None, None, Some(0.0)));
        assert_eq!((number("3.04E-8"), number("6.40045E+11")), (Some(3.04e-8), Some(6.400_45e11)));
        let long = "0.000000910765610973197221239067403588963512548543180968162675148052983";
        assert_eq!(number(long), Some(9.107_656_109_731_972e-7));
    }
}
