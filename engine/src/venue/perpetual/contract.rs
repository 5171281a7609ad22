//! What is recorded of a perpetual future beside its bars: mark prices, settlements of funding, tiers of margin.

use thiserror::Error;

use super::{slippage::Activity, tiers::Tiers};
use crate::market::{Bar, Column, Market};

/// Milliseconds by which exchanges stamp a settlement late.
const LATE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;

/// A recorded rate of funding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FundingRate {
    /// Epoch milliseconds of the settlement.
    pub time: i64,
    /// Share of the notional that longs pay to shorts.
    pub rate: f64,
    /// Mark price of the settlement, where it is recorded.
    pub mark: Option<f64>,
    /// Hours since the settlement before, where that is recorded.
    pub hours: Option<u32>,
}

/// Mark prices, a row a bar of the market.
#[derive(Clone, Debug, PartialEq)]
pub struct Marks {
    /// First of each bar.
    pub open: Vec<f64>,
    /// Highest of each bar.
    pub high: Vec<f64>,
    /// Lowest of each bar.
    pub low: Vec<f64>,
    /// Last of each bar.
    pub close: Vec<f64>,
}

/// A settlement of funding that is due when a bar opens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settlement {
    /// Row of the first bar that opens at or after it.
    pub row: usize,
    /// Epoch milliseconds.
    pub time: i64,
    /// Share of the notional that longs pay to shorts.
    pub rate: f64,
    /// Mark price that the notional is taken at.
    pub mark: f64,
}

/// Mark prices beside last prices, fractions of the last prices, ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MarkDeviations(Vec<f64>);

impl MarkDeviations {
    /// The median; `None` where no mark price is recorded.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        self.0.get(self.0.len() / 2).copied()
    }

    /// How many are larger than `most`.
    #[must_use]
    pub fn beyond(&self, most: f64) -> usize {
        self.0.len() - self.0.partition_point(|deviation| *deviation <= most)
    }

    /// How many mark prices were compared.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// What is recorded of a contract, laid on the bars of a market.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    tiers: Tiers,
    marks: Option<Marks>,
    settlements: Vec<Settlement>,
    /// At the close of each bar; empty where no volume is recorded.
    activity: Vec<Option<Activity>>,
}

/// A record that does not fit its bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ContractError {
    /// Funding was settled while the market was traded, and its rate is not recorded. It is not 0.
    #[error("no rate is recorded for a settlement of funding")]
    NoRate {
        /// Epoch milliseconds of the settlement.
        time: i64,
    },
    /// Two rates of one settlement.
    #[error("two rates are recorded for one settlement of funding")]
    TwoRates {
        /// Epoch milliseconds of the settlement.
        time: i64,
    },
}

impl Contract {
    /// Lays `rates`, ascending in time, on `market`, whose volume is that of slippage. Funding is settled as many hours after each other as the rates
    /// say; where they do not, every `every_hours` hours since midnight UTC, and whenever else a rate is recorded; a rate that is stamped less than a minute beside such an hour belongs to it. The
    /// notional is taken at the mark price of the settlement: the recorded one, else the latest of `marks` (without them, of the
    /// market) that is known then.
    ///
    /// # Errors
    /// A settlement after the first traded bar opened, and not after the last one did, has no rate, or has two.
    pub fn new(
        tiers: Tiers,
        marks: Option<Marks>,
        rates: &[FundingRate],
        every_hours: u32,
        market: &Market<'_>,
    ) -> Result<Self, ContractError> {
        let every = i64::from(every_hours) * HOUR_MS;
        let on_schedule = |time: i64| {
            let nearest = (time + every / 2).div_euclid(every) * every;
            if (time - nearest).abs() < LATE_MS { nearest } else { time }
        };
        let says_when = !rates.is_empty() && rates.iter().all(|rate| rate.hours.is_some());
        if says_when {
            check_intervals(rates, market)?;
        }
        let mut settlements = Vec::new();
        let mut due = rates.iter().map(|rate| FundingRate { time: on_schedule(rate.time), ..*rate }).peekable();
        let mut before: Option<i64> = None;
        for row in market.first + 1..market.len() {
            let (from, to) = (market.open_time[row - 1], market.open_time[row]);
            while due.next_if(|rate| rate.time <= from).is_some() {}
            let mut expected = (from.div_euclid(every) + 1) * every;
            while let Some(rate) = due.next_if(|rate| rate.time <= to) {
                if before == Some(rate.time) {
                    return Err(ContractError::TwoRates { time: rate.time });
                }
                if rate.time > expected && !says_when {
                    return Err(ContractError::NoRate { time: expected });
                }
                if rate.time == expected {
                    expected += every;
                }
                before = Some(rate.time);
                let mark = rate.mark.unwrap_or_else(|| known_price(market, marks.as_ref(), row, rate.time));
                settlements.push(Settlement { row, time: rate.time, rate: rate.rate, mark });
            }
            if expected <= to && !says_when {
                return Err(ContractError::NoRate { time: expected });
            }
        }
        let activity = match market.signals.get(Column::Volume) {
            Some(volume) => (1..=market.len()).map(|t| Activity::at(&market.close[..t], &volume[..t])).collect(),
            None => Vec::new(),
        };
        Ok(Self { tiers, marks, settlements, activity })
    }

    /// What positions are held to.
    #[must_use]
    pub fn tiers(&self) -> &Tiers {
        &self.tiers
    }

    /// Mark prices; `None` where last prices stand in for them.
    #[must_use]
    pub fn marks(&self) -> Option<&Marks> {
        self.marks.as_ref()
    }

    /// The bar of mark prices in `row`, where `bar` is that of last prices.
    #[must_use]
    #[inline]
    pub fn mark(&self, bar: &Bar, row: usize) -> Bar {
        match &self.marks {
            None => *bar,
            Some(marks) => Bar {
                open_time: bar.open_time,
                open: marks.open[row],
                high: marks.high[row],
                low: marks.low[row],
                close: marks.close[row],
            },
        }
    }

    /// Rates of the settlements while `market` was traded.
    pub fn rates(&self) -> impl Iterator<Item = f64> {
        self.settlements.iter().map(|settlement| settlement.rate)
    }

    /// How far the mark price at each traded close is from the last price, and that of each settlement from the range of the
    /// bar before it.
    #[must_use]
    pub fn mark_deviations(&self, market: &Market<'_>) -> MarkDeviations {
        let closes = self.marks.iter().flat_map(|marks| {
            (market.first..market.len()).map(|row| (marks.close[row] / market.close[row] - 1.0).abs())
        });
        let settled = self.settlements.iter().map(|settlement| {
            let row = settlement.row - 1;
            let (low, high) = (market.low[row], market.high[row].max(market.open[settlement.row]));
            let low = low.min(market.open[settlement.row]);
            (low / settlement.mark - 1.0).max(settlement.mark / high - 1.0).max(0.0)
        });
        let mut all: Vec<f64> = closes.chain(settled).collect();
        all.sort_by(f64::total_cmp);
        MarkDeviations(all)
    }

    /// How many bars after the mark prices the last prices move as they do: 0 where the times of both are right, 1 where mark
    /// prices are a bar early, -1 where they are late. `None` where none are recorded or nothing moves.
    #[must_use]
    pub fn mark_lag(&self, market: &Market<'_>) -> Option<i64> {
        let rows = market.first..market.len();
        let returns = |prices: &[f64]| -> Vec<f64> { prices.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect() };
        let (marks, last) = (returns(&self.marks.as_ref()?.close[rows.clone()]), returns(&market.close[rows]));
        let moved =
            |marks: &[f64], last: &[f64]| -> f64 { marks.iter().zip(last).map(|(mark, last)| mark * last).sum() };
        let next = |of: &[f64]| -> Vec<f64> { of.iter().skip(1).copied().collect() };
        let lags = [(0, moved(&marks, &last)), (1, moved(&marks, &next(&last))), (-1, moved(&next(&marks), &last))];
        let (lag, most) = lags.into_iter().reduce(|best, one| if one.1 > best.1 { one } else { best })?;
        (most > 0.0).then_some(lag)
    }

    /// How the market trades as far as that is known at the close of `row`.
    #[must_use]
    pub fn activity(&self, row: usize) -> Option<Activity> {
        *self.activity.get(row)?
    }

    /// The settlements that are due when the bar in `row` opens, in time order.
    #[must_use]
    #[inline]
    pub fn due(&self, row: usize) -> &[Settlement] {
        let from = self.settlements.partition_point(|settlement| settlement.row < row);
        let due = self.settlements[from..].iter().take_while(|settlement| settlement.row == row).count();
        &self.settlements[from..from + due]
    }
}

/// Whether each rate follows another one when it says so, while `market` is traded.
fn check_intervals(rates: &[FundingRate], market: &Market<'_>) -> Result<(), ContractError> {
    let (from, to) = (market.open_time[market.first], market.open_time[market.len() - 1]);
    let is_missing = |time: i64| from < time - LATE_MS && time + LATE_MS <= to;
    let mut known = i64::MIN;
    for rate in rates {
        let before = rate.time - i64::from(rate.hours.unwrap_or_default()) * HOUR_MS;
        if known < before - LATE_MS && is_missing(before) {
            return Err(ContractError::NoRate { time: before });
        }
        known = rate.time;
    }
    let next = rates.last().map_or(i64::MAX, |last| last.time + i64::from(last.hours.unwrap_or_default()) * HOUR_MS);
    if is_missing(next) { Err(ContractError::NoRate { time: next }) } else { Ok(()) }
}

/// The latest price at or before `time`, which lies after the open of the bar before `row` and not after that of `row`.
fn known_price(market: &Market<'_>, marks: Option<&Marks>, row: usize, time: i64) -> f64 {
    let (open, close) = marks.map_or((market.open, market.close), |marks| (&marks.open, &marks.close));
    if market.open_time[row] == time {
        open[row]
    } else if market.open_time[row - 1] + market.interval_ms <= time {
        close[row - 1]
    } else {
        open[row - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{market::Signals, venue::perpetual::Tier};

    const OPEN: [f64; 30] = {
        let mut open = [0.0; 30];
        let mut i = 0;
        while i < 30 {
            open[i] = 100.0 + i as f64;
            i += 1;
        }
        open
    };

    /// Row, hour, rate and mark of each settlement.
    type Settled = Vec<(usize, i64, f64, f64)>;

    fn settlements(hours: &[i64], rates: &[(i64, f64)]) -> Result<Settled, ContractError> {
        let rates: Vec<_> =
            rates.iter().map(|&(time, rate)| FundingRate { time, rate, mark: None, hours: None }).collect();
        laid(hours, &rates)
    }

    fn laid(hours: &[i64], rates: &[FundingRate]) -> Result<Settled, ContractError> {
        let time: Vec<i64> = hours.iter().map(|hour| hour * HOUR_MS).collect();
        let prices = &OPEN[..hours.len()];
        let close: Vec<f64> = prices.iter().map(|open| open + 0.5).collect();
        let market = Market {
            open_time: &time,
            open: prices,
            high: prices,
            low: prices,
            close: &close,
            signals: Signals::default(),
            interval_ms: HOUR_MS,
            first: 0,
        };
        let tiers =
            Tiers::try_from(vec![Tier { above: 0.0, rate: 0.004, deduction: 0.0, max_leverage: None }]).unwrap();
        let contract = Contract::new(tiers, None, rates, 8, &market)?;
        Ok((0..hours.len())
            .flat_map(|row| contract.due(row).to_vec())
            .map(|s| (s.row, s.time / HOUR_MS, s.rate, s.mark))
            .collect())
    }

    #[test]
    fn a_settlement_is_due_at_the_open_that_it_falls_on_at_the_price_there() {
        let rates = [(0, 9.0), (8 * HOUR_MS + 17, 0.1), (16 * HOUR_MS - 5, 0.2)];
        let hours: Vec<i64> = (0..20).collect();
        assert_eq!(settlements(&hours, &rates).unwrap(), [(8, 8, 0.1, 108.0), (16, 16, 0.2, 116.0)]);
    }

    #[test]
    fn rates_that_say_when_the_one_before_was_miss_none() {
        let hours: Vec<i64> = (0..30).collect();
        let said = |rates: &[(i64, u32)]| {
            let rates: Vec<FundingRate> = rates
                .iter()
                .map(|&(hour, hours)| FundingRate { time: hour * HOUR_MS, rate: 0.1, mark: None, hours: Some(hours) })
                .collect();
            laid(&hours, &rates).map(|found| found.into_iter().map(|(_, hour, ..)| hour).collect::<Vec<i64>>())
        };
        // Every eight hours until noon, every four from then on.
        assert_eq!(
            said(&[(0, 8), (8, 8), (12, 4), (16, 4), (20, 4), (24, 4), (28, 4)]).unwrap(),
            [8, 12, 16, 20, 24, 28]
        );
        let no_rate = |hour: i64| Err(ContractError::NoRate { time: hour * HOUR_MS });
        assert_eq!(said(&[(0, 8), (8, 8), (12, 4), (20, 4), (24, 4), (28, 4)]), no_rate(16));
        assert_eq!(said(&[(0, 8), (8, 8), (12, 4), (16, 4), (20, 4)]), no_rate(24));
        assert_eq!(said(&[(12, 4), (16, 4), (20, 4), (24, 4), (28, 4)]), no_rate(8));
    }

    #[test]
    fn mark_prices_are_compared_with_last_prices_and_settlements_with_their_bars() {
        let (time, last): (Vec<i64>, [f64; 4]) =
            ((7..11).map(|hour| hour * HOUR_MS).collect(), [100.0, 102.0, 104.0, 103.0]);
        let market = Market {
            open_time: &time,
            open: &last,
            high: &last,
            low: &last,
            close: &last,
            signals: Signals::default(),
            interval_ms: HOUR_MS,
            first: 0,
        };
        let tiers =
            || Tiers::try_from(vec![Tier { above: 0.0, rate: 0.004, deduction: 0.0, max_leverage: None }]).unwrap();
        let marks =
            |close: [f64; 4]| Marks { open: last.into(), high: last.into(), low: last.into(), close: close.into() };
        let rate = |mark| FundingRate { time: 8 * HOUR_MS, rate: 0.0001, mark, hours: None };
        let of =
            |marks, mark| Contract::new(tiers(), marks, &[rate(mark)], 8, &market).unwrap().mark_deviations(&market);
        // At the settlement prices went from 100 to 102, so that any between is one of them.
        let deviations = of(Some(marks([100.0, 102.0, 104.0 * 1.03, 103.0 / 2.0])), Some(101.0));
        assert_eq!((deviations.count(), deviations.beyond(0.01), deviations.beyond(0.4)), (5, 2, 1));
        assert!((of(None, Some(102.0 * 1.1)).median().unwrap() - 0.1).abs() < 1e-12);
        assert!((of(None, Some(50.0)).median().unwrap() - 1.0).abs() < 1e-12, "half of 100, so 100 is twice of it");
    }

    #[test]
    fn mark_prices_a_bar_early_or_late_are_known_by_their_moves() {
        let last = [100.0, 103.0, 101.0, 102.0, 99.0, 104.0, 104.5, 100.0];
        let time: Vec<i64> = (0..8).map(|hour| hour * HOUR_MS).collect();
        let market = Market {
            open_time: &time[..7],
            open: &last[..7],
            high: &last[..7],
            low: &last[..7],
            close: &last[..7],
            signals: Signals::default(),
            interval_ms: HOUR_MS,
            first: 0,
        };
        let lag = |close: &[f64]| {
            let close = close.to_vec();
            let marks = Marks { open: close.clone(), high: close.clone(), low: close.clone(), close };
            let tiers = vec![Tier { above: 0.0, rate: 0.004, deduction: 0.0, max_leverage: None }];
            Contract::new(Tiers::try_from(tiers).unwrap(), Some(marks), &[], 8, &market).unwrap().mark_lag(&market)
        };
        assert_eq!(lag(&last[..7]), Some(0));
        assert_eq!(lag(&last[1..]), Some(1), "the next close already");
        let late: Vec<f64> = std::iter::once(100.0).chain(last[..6].iter().copied()).collect();
        assert_eq!(lag(&late), Some(-1));
        assert_eq!(lag(&[7.0; 7]), None);
    }

    #[test]
    fn one_in_a_gap_is_due_at_the_next_open_at_the_last_price_before_it() {
        assert_eq!(settlements(&[6, 7, 11, 12], &[(8 * HOUR_MS, 0.1)]).unwrap(), [(2, 8, 0.1, 101.5)]);
    }

    #[test]
    fn a_rate_beside_the_schedule_is_settled_as_well() {
        let rates = [(8 * HOUR_MS, 0.1), (12 * HOUR_MS, 0.2)];
        assert_eq!(settlements(&[7, 8, 11, 12], &rates).unwrap(), [(1, 8, 0.1, 101.0), (3, 12, 0.2, 103.0)]);
    }

    #[test]
    fn a_settlement_without_a_rate_is_an_error_and_not_nothing() {
        let hours: Vec<i64> = (0..20).collect();
        let no_rate = |hour: i64| Err(ContractError::NoRate { time: hour * HOUR_MS });
        assert_eq!(settlements(&hours, &[(8 * HOUR_MS, 0.1)]), no_rate(16));
        assert_eq!(settlements(&hours, &[(16 * HOUR_MS, 0.1)]), no_rate(8));
        assert_eq!(settlements(&[0, 30], &[(8 * HOUR_MS, 0.1), (24 * HOUR_MS, 0.1)]), no_rate(16));
        assert_eq!(settlements(&[0, 7], &[]).unwrap(), [], "none was due");
        assert_eq!(
            settlements(&hours, &[(8 * HOUR_MS, 0.1), (8 * HOUR_MS + 3, 0.1), (16 * HOUR_MS, 0.1)]),
            Err(ContractError::TwoRates { time: 8 * HOUR_MS })
        );
    }
}
