/// n times the variance of the mean of a stationary-bootstrap resample, from deviations about the mean.
///
/// With q = 1 - 1 / mean block and C(i) the circular autocovariance it is C(0) + 2 sum (1 - i/n) q^i C(i), lags 1 to
/// n - 1: lemma 1 of Politis and Romano (1994), which Hansen (2005) studentises by. The weighted sums over past values
/// obey a recursion, so that the cost is n and not n^2.
pub(super) fn bootstrap_variance(deviations: &[f64], mean_block: f64) -> f64 {
    let n = deviations.len();
    let stay = 1.0 - 1.0 / mean_block;
    let around = stay.powi(i32::try_from(n).unwrap_or(i32::MAX));
    // Sums over lags of stay^i d(t - i), and of i times that, at t = 0; Horner from the longest lag.
    let (mut plain, mut weighted) = (0.0, 0.0);
    for value in &deviations[1..] {
        weighted = stay * (value + plain + weighted);
        plain = stay * (value + plain);
    }
    let mut total = 0.0;
    for (row, &value) in deviations.iter().enumerate() {
        total += value * (value + 2.0 * (plain - weighted / n as f64));
        // The lag that has come full circle is the value itself of the next row.
        let next = deviations[(row + 1) % n];
        weighted = stay * (value + plain + weighted) - n as f64 * around * next;
        plain = stay * (value + plain) - around * next;
    }
    total / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recursion_equals_the_double_sum_over_lags() {
        let values: Vec<f64> = (0..60).map(|row| (f64::from(row * row) * 0.7).sin()).collect();
        let centre = values.iter().sum::<f64>() / 60.0;
        let d: Vec<f64> = values.iter().map(|value| value - centre).collect();
        let n = d.len();
        for block in [1.0, 1.5, 10.0, 60.0] {
            let q: f64 = 1.0 - 1.0 / block;
            let mut expected = d.iter().map(|x| x * x).sum::<f64>() / n as f64;
            for lag in 1..n {
                let share = lag as f64 / n as f64;
                let kernel = (1.0 - share) * q.powi(lag as i32) + share * q.powi((n - lag) as i32);
                expected += 2.0 * kernel * (0..n - lag).map(|t| d[t] * d[t + lag]).sum::<f64>() / n as f64;
            }
            let got = bootstrap_variance(&d, block);
            assert!((got / expected - 1.0).abs() < 1e-12, "block {block}: {got}, expected {expected}");
        }
    }
}
