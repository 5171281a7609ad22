//! The unit in which an instrument is counted inside NautilusTrader, and the exact way there and back.
//!
//! Prices and quantities there are integers of 10^-16 (`high-precision`). One unit of our instruments is a power of ten of
//! base, chosen for each run so that neither side loses digits: on a price venue it is worth 1 to 10 quote units at the lowest
//! price, so that every `f64` price, and every amount of one unit or more, survives the round trip unchanged; and on a pool an amount of quote is found again to the lamport from quantity times price,
//! because the price's rounding (half of 10^-16) times at most 10^5 units stays below 10^-2 lamports.

/// Digits after the point of NautilusTrader's raw integers.
const DIGITS: i32 = 16;
/// Its decimals have 96 bits, fewer than its integers.
pub(crate) const LARGEST: i128 = (1 << 96) - 1;
/// 10^9 lamports are one SOL, so that this many digits are left below a lamport.
const BELOW_LAMPORT: i32 = DIGITS - 9;

/// One unit of the instrument is `10^shift` of base: whole units on a price venue, smallest units on a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    shift: i32,
}

impl Scale {
    /// For a price venue whose lowest price is `lowest`, so that every price is 1 or more.
    pub(crate) fn of_prices(lowest: f64) -> Self {
        Self { shift: (-lowest.log10().floor() as i32).clamp(-DIGITS, DIGITS) }
    }

    /// For a pool whose base reserve is at most `largest`, so that it holds fewer than 10^5 units.
    pub(crate) fn of_pool(largest: u64) -> Self {
        Self { shift: (largest.checked_ilog10().unwrap_or(0) as i32 - 4).max(0) }
    }

    /// Digits after the point of a quantity of smallest units.
    pub(crate) fn pool_precision(self) -> u8 {
        self.shift as u8
    }

    /// Base as the raw integer of a quantity.
    pub(crate) fn quantity_raw(self, units: f64) -> Option<u128> {
        decimal(units, DIGITS - self.shift).and_then(|raw| u128::try_from(raw).ok())
    }

    /// The base that a raw quantity, or a signed sum of them, stands for.
    pub(crate) fn units(self, raw: i128) -> f64 {
        nearest(raw, DIGITS - self.shift)
    }

    /// A price of one unit of base as the raw integer of a price.
    pub(crate) fn price_raw(self, price: f64) -> Option<i128> {
        decimal(price, DIGITS + self.shift)
    }

    /// The price of one unit of base that a raw price stands for.
    pub(crate) fn price(self, raw: i128) -> f64 {
        nearest(raw, DIGITS + self.shift)
    }

    /// Smallest units as a raw quantity.
    pub(crate) fn tokens_raw(self, tokens: u64) -> u128 {
        u128::from(tokens) * self.token()
    }

    /// The smallest units that a raw quantity stands for; `None` where it is not a whole number of them.
    pub(crate) fn tokens(self, raw: u128) -> Option<u64> {
        raw.is_multiple_of(self.token()).then(|| u64::try_from(raw / self.token()).ok()).flatten()
    }

    fn token(self) -> u128 {
        10_u128.pow((DIGITS - self.shift) as u32)
    }

    /// The raw price at which `tokens` cost `lamports`, rounded to the nearest.
    pub(crate) fn pool_price_raw(self, lamports: u64, tokens: u64) -> Option<i128> {
        let scaled = i128::from(lamports).checked_mul(self.lamport())?;
        let tokens = i128::from(tokens);
        (tokens > 0).then(|| (scaled + tokens / 2) / tokens).filter(|raw| *raw <= LARGEST)
    }

    /// What `tokens` cost at a raw price, rounded to the nearest lamport.
    pub(crate) fn lamports(self, tokens: u64, raw: i128) -> Option<u64> {
        let scaled = i128::from(tokens).checked_mul(raw)?;
        u64::try_from((scaled + self.lamport() / 2) / self.lamport()).ok()
    }

    fn lamport(self) -> i128 {
        10_i128.pow((BELOW_LAMPORT + self.shift) as u32)
    }
}

/// `value x 10^digits`, rounded to the nearest integer from the exact value of the float.
pub(crate) fn decimal(value: f64, digits: i32) -> Option<i128> {
    let digits = usize::try_from(digits).ok()?;
    let text = format!("{value:.digits$}");
    let mut plain = String::with_capacity(text.len());
    plain.extend(text.chars().filter(|c| *c != '.'));
    plain.parse().ok().filter(|raw: &i128| raw.abs() <= LARGEST)
}

/// The float nearest to `raw x 10^-digits`.
pub(crate) fn nearest(raw: i128, digits: i32) -> f64 {
    format!("{raw}e-{digits}").parse().unwrap_or(f64::NAN)
}

/// A raw amount of money as a float.
pub(crate) fn money(raw: i128) -> f64 {
    nearest(raw, DIGITS)
}

/// An amount of quote as raw money.
pub(crate) fn money_raw(amount: f64) -> Option<i128> {
    decimal(amount, DIGITS)
}

/// Lamports as raw money.
pub(crate) fn lamports_raw(lamports: u64) -> i128 {
    i128::from(lamports) * 10_i128.pow(BELOW_LAMPORT as u32)
}

/// The lamports of raw money, rounded to the nearest; `None` below zero.
pub(crate) fn lamports(raw: i128) -> Option<u64> {
    let one = 10_i128.pow(BELOW_LAMPORT as u32);
    u64::try_from((raw + one / 2).div_euclid(one)).ok()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn prices_and_amounts_of_a_price_venue_survive_the_round_trip() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..10_000 {
            let lowest = 10_f64.powf(rng.random_range(-9.0..6.0));
            let scale = Scale::of_prices(lowest);
            let price = lowest * rng.random_range(1.0..1_000.0);
            assert_eq!(scale.price(scale.price_raw(price).unwrap()), price);
            let units = rng.random_range(1.0..1e6) * scale.units(10_i128.pow(16));
            assert_eq!(scale.units(scale.quantity_raw(units).unwrap() as i128), units);
        }
    }

    #[test]
    fn an_amount_of_a_pool_is_found_again_to_the_lamport() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..10_000 {
            let reserve = 10_u64.pow(rng.random_range(6..19));
            let scale = Scale::of_pool(reserve);
            let tokens = rng.random_range(1..=reserve);
            let lamports = rng.random_range(0..1_000_000_000_000_000);
            let price = scale.pool_price_raw(lamports, tokens).unwrap();
            assert_eq!(scale.lamports(tokens, price), Some(lamports));
            assert_eq!(scale.tokens(scale.tokens_raw(tokens)), Some(tokens));
        }
    }
}
