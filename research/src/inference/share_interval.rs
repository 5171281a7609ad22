//! Confidence interval of a share: how often something happens, from how often it was seen.

/// 95 % interval of the probability of what happened `count` times of `of`, both ends in [0, 1]; all of [0, 1] where
/// nothing was tried. E. Wilson, JASA 22(158), 1927, whose interval is right for rare events too: none of 1,000 is at most
/// 0.4 %.
#[must_use]
pub fn share_interval(count: u64, of: u64) -> [f64; 2] {
    if of == 0 {
        return [0.0, 1.0];
    }
    let (n, z2) = (of as f64, 1.96_f64 * 1.96);
    let share = count as f64 / n;
    let half = 1.96 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    [-1.0, 1.0].map(|side| ((share + z2 / (2.0 * n) + side * half) / (1.0 + z2 / n)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        let near = |[low, high]: [f64; 2], expected: [f64; 2]| {
            assert!((low - expected[0]).abs() < 5e-5 && (high - expected[1]).abs() < 5e-5, "{low} to {high}");
        };
        // Of none, z^2 / (n + z^2); of all, n / (n + z^2), with z^2 = 3.8416.
        near(share_interval(0, 1_000), [0.0, 0.003_827]);
        near(share_interval(5, 5), [0.565_51, 1.0]);
        // 0.024 + 0.00192 = 0.02592 and 1.96 sqrt(0.024 * 0.976 / 1000 + 0.0000009604) = 0.00968, over 1.00384.
        near(share_interval(24, 1_000), [0.016_18, 0.035_463]);
        assert_eq!(share_interval(0, 0), [0.0, 1.0]);
    }
}
