//! Whether the replay reproduces the claim: every figure that it states, each within its own tolerance.

use q50_datasets::time::{parse_ms, rfc3339};
use q50_engine::{
    record::Journal,
    units::{AnnualSharpe, PeriodsPerYear},
};
use serde::Serialize;

use super::{
    checks::State,
    file::{Claim, Period},
};
use crate::{
    annualisation::{Convention, WrongYear},
    inference::StationaryBootstrap,
    metrics,
    trials::{AGREEMENT, Fingerprint, Record},
};

/// Relative distance within which a figure of performance is reproduced.
pub const PERFORMANCE_WITHIN: f64 = 0.10;

/// Relative distance within which the record is the claimed one: of its bars, and of its length at either end.
pub const RECORD_WITHIN: f64 = 0.01;

/// The replay as the claim measures: in its periods, at its number of them a year.
#[derive(Clone, Debug)]
pub(super) struct AsClaimed {
    /// Open of the first and of the last period, epoch milliseconds.
    pub(super) span: [i64; 2],
    pub(super) periods: usize,
    pub(super) sharpe: Option<f64>,
    pub(super) total_return: f64,
    pub(super) max_drawdown: Option<f64>,
    pub(super) fills: usize,
    convention: Convention,
    year: PeriodsPerYear,
    returns: Vec<f64>,
}

impl AsClaimed {
    /// Measures `journal`, whose bars open at `open_time` and last `interval_ms`.
    ///
    /// # Errors
    /// The claim's periods a year are those of no period of the record.
    pub(super) fn of(claim: &Claim, open_time: &[i64], interval_ms: i64, journal: &Journal) -> Result<Self, WrongYear> {
        let year = claim.periods_per_year;
        let convention = Convention::of(year, open_time, interval_ms)?;
        let (opens, equity) = convention.equity(open_time, &journal.equity);
        let returns: Vec<f64> = equity.windows(2).map(|w| w[1] / w[0] - 1.0).collect();
        let with_start: Vec<f64> = std::iter::once(journal.capital).chain(equity.iter().copied()).collect();
        Ok(Self {
            span: [opens.first().copied().unwrap_or(0), opens.last().copied().unwrap_or(0)],
            periods: equity.len(),
            sharpe: metrics::sharpe(&returns, year).ok().map(AnnualSharpe::get),
            total_return: equity.last().map_or(0.0, |last| last / journal.capital - 1.0),
            max_drawdown: metrics::max_drawdown_of_equity(&with_start).ok().map(|fall| fall.depth),
            fills: journal.fills.len(),
            convention,
            year,
            returns,
        })
    }

    /// Upper end of the 95 % interval of `sharpe`; `bars` is that of the replay bar by bar, at `year` bars a year.
    pub(super) fn upper(
        &self,
        bars: Option<f64>,
        year: PeriodsPerYear,
        bootstrap: &StationaryBootstrap,
    ) -> Option<f64> {
        match self.convention {
            Convention::Bars => bars.map(|high| AnnualSharpe::new(high).per_period(year).annual(self.year).get()),
            Convention::Aggregated(_) => bootstrap.sharpe(&self.returns, self.year).ok().map(|found| found.high.get()),
        }
    }
}

/// A figure's value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A number; fractions are fractions.
    Number(f64),
    /// First and last open, `FROM/TO` in RFC 3339; in words, which market.
    Text(String),
}

/// One figure of the claim and what the replay makes of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClaimedFigure {
    /// Its key in the claim file.
    pub name: &'static str,
    /// What the claim states.
    pub claimed: Value,
    /// What the replay has, in the claim's periods; `None` where it is undefined.
    pub replayed: Option<Value>,
    /// `pass` where it is reproduced; undefined is not.
    pub state: State,
    /// The distance that is allowed: a share of the claimed value, of a span's length at either end.
    pub tolerance: f64,
}

impl ClaimedFigure {
    /// A number against the one that was computed, `tolerance` a share of it.
    pub(crate) fn number(name: &'static str, claimed: f64, replayed: Option<f64>, tolerance: f64) -> Self {
        Self { tolerance, ..Self::within(name, claimed, replayed, tolerance * claimed.abs()) }
    }

    /// The same, `within` in the unit of the figure.
    pub(crate) fn within(name: &'static str, claimed: f64, replayed: Option<f64>, within: f64) -> Self {
        let reproduced = replayed.is_some_and(|value| (value - claimed).abs() <= within);
        let state = if reproduced { State::Pass } else { State::Fail };
        let tolerance = if claimed == 0.0 { within } else { within / claimed.abs() };
        Self { name, claimed: Value::Number(claimed), replayed: replayed.map(Value::Number), state, tolerance }
    }

    /// The figure in words: what was replayed, and what is claimed.
    pub(super) fn words(&self) -> String {
        let value = |value: &Value| match value {
            Value::Number(number) if number.fract() == 0.0 && number.abs() > 100.0 => format!("{number}"),
            Value::Number(number) => format!("{number:.3}"),
            Value::Text(text) => text.clone(),
        };
        let replayed = self.replayed.as_ref().map_or_else(|| "undefined".to_owned(), value);
        let claimed = value(&self.claimed);
        if replayed == claimed {
            format!("{} {claimed}", self.name)
        } else {
            format!("{} {replayed} (claimed {claimed})", self.name)
        }
    }

    /// Whether the replay reproduces it.
    #[must_use]
    pub fn reproduced(&self) -> bool {
        self.state == State::Pass
    }
}

/// Every figure that `claim` states, against the replay of `record`.
pub(super) fn figures(claim: &Claim, replay: &AsClaimed, record: &Record) -> Vec<ClaimedFigure> {
    let performance = |name, claimed: f64, replayed| ClaimedFigure::number(name, claimed, replayed, PERFORMANCE_WITHIN);
    let count = |value: usize| Some(value as f64);
    let mut all = vec![performance("sharpe", claim.sharpe.get(), replay.sharpe)];
    all.extend(claim.total_return.map(|claimed| performance("total_return", claimed, Some(replay.total_return))));
    all.extend(claim.max_drawdown.map(|claimed| performance("max_drawdown", claimed, replay.max_drawdown)));
    all.extend(claim.trades.map(|claimed| performance("trades", claimed as f64, count(replay.fills))));
    all.push(ClaimedFigure::number("bars", claim.bars as f64, count(replay.periods), RECORD_WITHIN));
    all.extend(claim.period.as_ref().map(|period| span(period, claim, replay)));
    all.extend(claim.market.as_ref().map(|claimed| market(claimed, record)));
    all
}

/// The claimed market, known as the trial ledger knows one.
fn market(claimed: &Fingerprint, record: &Record) -> ClaimedFigure {
    let agreement = record.fingerprint.as_ref().and_then(|own| own.agreement(claimed));
    ClaimedFigure {
        name: "market",
        claimed: Value::Text("the claim's".to_owned()),
        replayed: Some(Value::Text(agreement.map_or_else(|| "another".to_owned(), |_| "the claim's".to_owned()))),
        state: if agreement.is_some() { State::Pass } else { State::Fail },
        tolerance: 1.0 - AGREEMENT,
    }
}

/// The claimed span; each end may be off by a share of its length, and by one of the claim's periods.
fn span(period: &Period, claim: &Claim, replay: &AsClaimed) -> ClaimedFigure {
    let one = 365.0 * 86_400_000.0 / claim.periods_per_year.get();
    let [from, to] = replay.span;
    let near = |allowed: f64, claimed: Option<i64>, replayed: i64| {
        claimed.is_some_and(|claimed| (claimed - replayed).abs() as f64 <= allowed)
    };
    let (claimed_from, claimed_to) = (parse_ms(&period.from), parse_ms(&period.to));
    let length = claimed_from.zip(claimed_to).map_or(0, |(from, to)| to - from) as f64;
    let allowed = one.max(length * RECORD_WITHIN);
    let reproduced = near(allowed, claimed_from, from) && near(allowed, claimed_to, to);
    ClaimedFigure {
        name: "period",
        claimed: Value::Text(format!("{}/{}", period.from, period.to)),
        replayed: Some(Value::Text(format!("{}/{}", rfc3339(from), rfc3339(to)))),
        state: if reproduced { State::Pass } else { State::Fail },
        tolerance: RECORD_WITHIN,
    }
}

/// Whether the record that was replayed is the one that the claim is about: its market where it states one, and its period
/// where it states one, else its bars.
pub(super) fn same_record(figures: &[ClaimedFigure]) -> bool {
    let named = |name| figures.iter().find(|figure| figure.name == name);
    let reproduced = |figure: Option<&ClaimedFigure>| figure.is_none_or(ClaimedFigure::reproduced);
    reproduced(named("market")) && reproduced(named("period").or_else(|| named("bars")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annualisation::Grid;

    const HOUR: i64 = 3_600_000;

    /// Ten days of hours that end at 1.2 of the capital, with a fall of a quarter in between.
    fn replay() -> AsClaimed {
        AsClaimed {
            span: [0, 239 * HOUR],
            periods: 240,
            sharpe: Some(2.0),
            total_return: 0.2,
            max_drawdown: Some(0.25),
            fills: 40,
            convention: Convention::Bars,
            year: PeriodsPerYear::new(8_760.0),
            returns: Vec::new(),
        }
    }

    fn claim() -> Claim {
        Claim {
            sharpe: AnnualSharpe::new(2.0),
            total_return: Some(0.2),
            max_drawdown: Some(0.25),
            trades: Some(40),
            bars: 240,
            period: Some(Period { from: rfc3339(0), to: rfc3339(239 * HOUR) }),
            ..Claim::demonstration()
        }
    }

    /// A record whose price doubles and halves by turns of `period` hours.
    fn record(period: i64) -> Record {
        let hours: Vec<i64> = (0..2_400).collect();
        let opens: Vec<i64> = hours.iter().map(|hour| hour * HOUR).collect();
        let closes: Vec<f64> = hours.iter().map(|hour| f64::from(u8::from(hour / period % 2 == 0)) + 1.0).collect();
        Record {
            bars: String::new(),
            dataset: String::new(),
            fingerprint: Fingerprint::of(&opens, &closes, HOUR),
            parts: Vec::new(),
        }
    }

    fn figures(claim: &Claim, replay: &AsClaimed) -> Vec<ClaimedFigure> {
        super::figures(claim, replay, &record(48))
    }

    fn failing(claim: &Claim, replay: &AsClaimed) -> Vec<&'static str> {
        figures(claim, replay).into_iter().filter(|figure| !figure.reproduced()).map(|figure| figure.name).collect()
    }

    #[test]
    fn each_figure_is_judged_by_itself_on_both_sides_of_its_tolerance() {
        assert_eq!(failing(&claim(), &replay()), Vec::<&str>::new());
        let sharpe = |sharpe| Claim { sharpe: AnnualSharpe::new(sharpe), ..claim() };
        let total = |total| Claim { total_return: Some(total), ..claim() };
        let fall = |fall| Claim { max_drawdown: Some(fall), ..claim() };
        let trades = |trades| Claim { trades: Some(trades), ..claim() };
        let bars = |bars| Claim { bars, ..claim() };
        let from =
            |hour| Claim { period: Some(Period { from: rfc3339(hour * HOUR), to: rfc3339(239 * HOUR) }), ..claim() };
        let to = |hour| Claim { period: Some(Period { from: rfc3339(0), to: rfc3339(hour * HOUR) }), ..claim() };
        for (name, within, beyond) in [
            // 2.0 is within a tenth of 2.2 (0.2 <= 0.22), and not of 2.25 (0.25 > 0.225).
            ("sharpe", sharpe(2.2), sharpe(2.25)),
            ("total_return", total(0.19), total(0.1)),
            ("max_drawdown", fall(0.27), fall(0.001)),
            ("trades", trades(43), trades(45)),
            // One in a hundred: 240 of 242, not of 243.
            ("bars", bars(242), bars(243)),
            // A hundredth of ten days is 2.4 hours.
            ("period", from(2), from(3)),
            ("period", to(241), to(242)),
        ] {
            assert_eq!(failing(&within, &replay()), Vec::<&str>::new(), "{name}");
            assert_eq!(failing(&beyond, &replay()), [name]);
        }
    }

    #[test]
    fn the_interval_is_brought_to_the_claim_s_year_and_periods() {
        let bootstrap = StationaryBootstrap::default();
        let bars = AsClaimed { year: PeriodsPerYear::new(8_766.0), ..replay() };
        let upper = bars.upper(Some(2.0), PeriodsPerYear::new(8_760.0), &bootstrap).unwrap();
        assert!((upper - 2.0 * (8_766.0_f64 / 8_760.0).sqrt()).abs() < 1e-12, "{upper}");
        // By days the interval is that of the days, whatever that of the bars is.
        let returns: Vec<f64> = (0..400).map(|day: i32| 0.001 + 0.01 * f64::from(day * day % 17 - 8)).collect();
        let year = PeriodsPerYear::new(365.0);
        let expected = bootstrap.sharpe(&returns, year).unwrap().high.get();
        let days = AsClaimed { convention: Convention::Aggregated(Grid::Day), year, returns, ..replay() };
        assert_eq!(days.upper(Some(99.0), PeriodsPerYear::new(8_760.0), &bootstrap), Some(expected));
    }

    #[test]
    fn what_is_not_stated_is_not_compared_and_what_is_undefined_is_not_reproduced() {
        let bare = Claim { total_return: None, max_drawdown: None, trades: None, period: None, ..claim() };
        let names: Vec<&str> = figures(&bare, &replay()).iter().map(|figure| figure.name).collect();
        assert_eq!(names, ["sharpe", "bars"]);
        assert_eq!(failing(&bare, &AsClaimed { sharpe: None, ..replay() }), ["sharpe"]);
    }

    #[test]
    fn a_return_of_nothing_is_reproduced_by_nothing_only() {
        let none = Claim { total_return: Some(0.0), ..claim() };
        assert_eq!(failing(&none, &AsClaimed { total_return: 0.0, ..replay() }), Vec::<&str>::new());
        assert_eq!(failing(&none, &AsClaimed { total_return: 0.001, ..replay() }), ["total_return"]);
    }

    #[test]
    fn another_market_is_another_record_whatever_its_period() {
        let on = |period| Claim { market: record(period).fingerprint, ..claim() };
        assert_eq!(failing(&on(48), &replay()), Vec::<&str>::new());
        assert_eq!(failing(&on(36), &replay()), ["market"]);
        assert!(same_record(&figures(&on(48), &replay())) && !same_record(&figures(&on(36), &replay())));
    }

    #[test]
    fn another_period_is_another_record_whatever_its_number_of_bars() {
        let years = |from: &str, to: &str| Period { from: from.to_owned(), to: to.to_owned() };
        let old = Claim { period: Some(years("1999-01-01T00:00:00Z", "1999-01-10T23:00:00Z")), ..claim() };
        assert!(!same_record(&figures(&old, &replay())));
        assert!(same_record(&figures(&claim(), &replay())));
        let longer = Claim { bars: 480, ..claim() };
        assert!(same_record(&figures(&longer, &replay())), "the period decides where it is stated");
        assert!(!same_record(&figures(&Claim { period: None, ..longer }, &replay())));
    }
}
