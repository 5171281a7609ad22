//! Claims judged from end to end on a generated market.

use q50_datasets::{
    dataset::Dataset,
    synth::{Edge, SynthConfig},
};
use q50_engine::{
    units::{AnnualSharpe, Fraction, Lamports, PerPeriodSharpe, PeriodsPerYear},
    venue::{FillTiming, PumpSwapConfig},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    claim::{CheckName, PublishedTrial, State, file::Period},
    inference::{min_track_record, probabilistic_sharpe},
    run::{PoolVenue, PriceVenue},
    trials::Fingerprint,
};

const YEAR: f64 = 8_760.0;

/// A year and some of hours with a planted edge.
fn market() -> Dataset {
    let edge = Edge::NetSharpe { sharpe: AnnualSharpe::new(2.0), cost: Fraction::from_bps(5.0) };
    let made = SynthConfig { edge, bars: 9_000, ..SynthConfig::default() }.generate().unwrap();
    Dataset::new(made.bars, &made.signals, None).unwrap()
}

fn request<'a>(data: &'a Dataset, claim: Option<&'a Claim>) -> Request<'a> {
    let replay = Claim::demonstration().replay.unwrap();
    Request {
        market: data.market(),
        pool: None,
        contract: None,
        instruments: &[],
        names: &[],
        facts: DataFacts::of(data, true),
        next_close: None,
        data: DataSpec::of(data, &replay.strategy),
        origin: SignalsOrigin::Causal,
        claim,
        settings: RunSettings {
            strategy: replay.strategy,
            venue: VenueSettings::NextOpen(PriceVenue {
                cost: Fraction::from_bps(5.0),
                spread: None,
                lot: None,
                fill_timing: FillTiming::NextOpen,
            }),
            capital: replay.capital,
            periods_per_year: PeriodsPerYear::new(YEAR),
        },
        trials: None,
        bootstrap: StationaryBootstrap { mean_block: MeanBlock::Given(24.0), draws: 400, ..Default::default() },
        cuts: 2,
        accepted: &[],
        second_engine: None,
        on_step: &|_| {},
    }
}

fn judged(data: &Dataset, claim: Option<&Claim>) -> Verification {
    verify(&request(data, claim), &mut TrialLedger::in_memory().unwrap()).unwrap()
}

/// A claim on all bars of the market, of nothing but a Sharpe ratio.
fn claim(sharpe: f64) -> Claim {
    Claim { sharpe: AnnualSharpe::new(sharpe), bars: 9_000, ..Claim::demonstration() }
}

#[test]
fn a_claim_inside_the_interval_is_not_refuted_and_one_above_it_is() {
    let data = market();
    let own = judged(&data, None);
    let ([low, high], sharpe) = (own.inference.sharpe_ci95.unwrap(), own.replay.sharpe.unwrap());
    assert!(low < sharpe && sharpe < high);
    let inside = judged(&data, Some(&claim(0.5 * (sharpe + high))));
    assert_eq!(inside.verdict, Verdict::Undetermined, "low < claim < high");
    assert_eq!(judged(&data, Some(&claim(high + 0.1))).verdict, Verdict::Refuted);
    let elsewhere = Period { from: "1999-01-01T00:00:00Z".into(), to: "2000-01-10T23:00:00Z".into() };
    let elsewhere = Claim { period: Some(elsewhere), ..claim(high + 0.1) };
    assert_eq!(judged(&data, Some(&elsewhere)).verdict, Verdict::Undetermined, "another record contradicts nothing");
}

#[test]
fn a_claim_by_days_is_compared_with_the_replay_by_days() {
    let data = market();
    let own = judged(&data, None);
    let returns: Vec<f64> = {
        // 9,000 hours are 375 days from a midnight on.
        let closes: Vec<f64> = own.journal.equity.chunks(24).map(|day| *day.last().unwrap()).collect();
        closes.windows(2).map(|w| w[1] / w[0] - 1.0).collect()
    };
    let daily = crate::metrics::sharpe(&returns, PeriodsPerYear::new(365.0)).unwrap();
    let by_days = Claim { bars: 375, periods_per_year: PeriodsPerYear::new(365.0), ..claim(daily.get()) };
    let v = judged(&data, Some(&by_days));
    let reproduced = v.checks.iter().find(|check| check.name == CheckName::Reproduced).unwrap();
    assert_eq!(reproduced.state, State::Pass, "{}", reproduced.evidence);
    let replayed = serde_json::to_value(&v.figures[0]).unwrap()["replayed"].as_f64().unwrap();
    assert!((replayed - daily.get()).abs() < 1e-12, "{replayed}");
}

#[test]
fn a_convention_of_nothing_is_an_error_and_files_nothing() {
    let data = market();
    let minutes = Claim { periods_per_year: PeriodsPerYear::new(525_600.0), ..claim(2.0) };
    let mut ledger = TrialLedger::in_memory().unwrap();
    let error = verify(&request(&data, Some(&minutes)), &mut ledger).unwrap_err().to_string();
    assert!(["525600", "8760"].iter().all(|number| error.contains(number)), "{error}");
    assert!(ledger.summaries().unwrap().is_empty());
}

#[test]
fn near_identical_published_runs_lift_nothing() {
    let data = market();
    let run = |i: usize| PublishedTrial {
        id: i.to_string(),
        configuration: String::new(),
        sharpe: 2.0,
        bars: None,
        comparable: Some(2.0 + 1e-6 * i as f64),
    };
    let v = judged(&data, Some(&Claim { published: (0..20).map(run).collect(), ..claim(2.0) }));
    assert_eq!(v.inference.trial_variance_source, "without_skill");
    let worth = 8_999.0 / v.inference.variance_inflation.unwrap();
    let variance = v.inference.trial_variance.unwrap();
    assert!((variance * worth - 1.0).abs() < 2e-3, "1 / (n - 1) of the effective number of returns: {variance}");
}

#[test]
fn published_runs_are_trials_on_their_own_record_only() {
    let data = market();
    let run =
        PublishedTrial { id: "A".into(), configuration: String::new(), sharpe: 2.0, bars: None, comparable: None };
    let filed = |bars: usize, market: Option<Fingerprint>| {
        let claim = Claim { published: vec![run.clone()], bars, market, ..claim(2.0) };
        let mut ledger = TrialLedger::in_memory().unwrap();
        verify(&request(&data, Some(&claim)), &mut ledger).unwrap();
        ledger.summaries().unwrap()[0].counts.published
    };
    assert_eq!((filed(9_000, None), filed(6_600, None)), (1, 0));
    let bars = data.bars();
    let print = |closes: &[f64]| Fingerprint::daily(&bars.open_time, closes, bars.interval_ms);
    let backwards: Vec<f64> = bars.close.iter().rev().copied().collect();
    assert_eq!((filed(9_000, print(&bars.close)), filed(9_000, print(&backwards))), (1, 0));
}

#[test]
fn the_effective_number_of_trials_is_shown_and_not_judged_by() {
    let data = market();
    let mut ledger = TrialLedger::in_memory().unwrap();
    let mut request = request(&data, None);
    request.trials = Some(500);
    let source = Source { market: request.market, pool: None, contract: None, data: &request.data, instruments: &[] };
    ledger.note_effective(source.scope(&request.settings.strategy), 2).unwrap();
    let v = verify(&request, &mut ledger).unwrap();
    assert_eq!((v.inference.trials, v.inference.effective_trials), (500, Some(2)));
    assert!(v.inference.dsr.unwrap() < v.inference.dsr_effective_trials.unwrap() - 0.1, "{:?}", v.inference);
}

#[test]
fn dependent_returns_are_judged_as_the_fewer_that_they_are_worth() {
    let data = market();
    let mut noise = ChaCha8Rng::seed_from_u64(1);
    let mut returns: Vec<f64> = (0..8_000).map(|_| noise.random_range(-0.01..0.01)).collect();
    for row in 1..returns.len() {
        returns[row] += 0.5 * returns[row - 1];
    }
    returns.iter_mut().for_each(|value| *value += 0.0002);
    let estimate = SharpeEstimate::from_returns(&returns, Moments::Paper);
    let tried = Tried { trials: 1, variance: None, effective: None, forgotten: 0 };
    let request = request(&data, None);
    let year = request.settings.periods_per_year;
    let found = inference(year, &request.bootstrap, &estimate, &returns, &returns, &tried);
    // AR(1) of 0.5: a third of the returns.
    let inflation = found.variance_inflation.unwrap();
    assert!((2.5..3.5).contains(&inflation), "{inflation}");
    let (estimate, zero) = (estimate.unwrap(), PerPeriodSharpe::new(0.0));
    let independent = min_track_record(&estimate, zero, 0.95).unwrap() / YEAR;
    assert!((found.min_track_record_years.unwrap() / independent / inflation - 1.0).abs() < 0.01);
    let worth = SharpeEstimate { n: (returns.len() as f64 / inflation) as usize, ..estimate };
    let expected = probabilistic_sharpe(&worth, zero).unwrap();
    assert!((found.dsr.unwrap() - expected).abs() < 1e-3 && found.psr_zero.unwrap() > expected + 0.01, "{found:?}");
}

#[test]
fn a_confirmation_stays_open_until_every_condition_is_accepted() {
    let data = market();
    let names = [ConditionName::SignalsOrigin, ConditionName::EarlierTrials];
    let words = |accepted: &[ConditionName]| {
        let conditions = names.map(|name| Condition::new(name, "assumed", accepted)).to_vec();
        let verification = Verification { verdict: Verdict::Confirmed, conditions, ..judged(&data, None) };
        (verification.verdict_in_words(), verification.open_conditions().count())
    };
    for name in names {
        assert_eq!(words(&[name]), ("confirmed, on a condition".to_owned(), 1), "{name:?}");
    }
    assert_eq!(words(&names), ("confirmed, on an accepted condition".to_owned(), 0));
}

#[test]
fn twice_the_cost_is_the_run_at_twice_the_cost_on_either_venue() {
    let data = market();
    let at = |venue: VenueSettings| {
        let own = request(&data, None);
        let settings = RunSettings { venue, capital: 10.0, ..own.settings };
        verify(&Request { settings, ..own }, &mut TrialLedger::in_memory().unwrap()).unwrap()
    };
    let price = |bps| {
        let timing = FillTiming::NextOpen;
        VenueSettings::NextOpen(PriceVenue {
            cost: Fraction::from_bps(bps),
            spread: None,
            lot: None,
            fill_timing: timing,
        })
    };
    let pool = |fee_factor| {
        let config = PumpSwapConfig { fee_factor, ..PumpSwapConfig::default() };
        VenueSettings::PumpSwap(PoolVenue { depth: Lamports(5_000_000_000_000), config })
    };
    for (once, twice) in [(price(7.0), price(14.0)), (pool(1), pool(2))] {
        let (once, twice) = (at(once), at(twice));
        let survives = once.checks.iter().find(|check| check.name == CheckName::SurvivesCosts).unwrap();
        assert!(survives.value.is_some() && survives.value == twice.replay.sharpe, "{survives:?}");
        assert_ne!(once.replay.sharpe, twice.replay.sharpe);
    }
}

#[test]
fn signals_one_bar_late_are_another_run() {
    let data = market();
    let request = request(&data, None);
    let source = Source { market: request.market, pool: None, contract: None, data: &request.data, instruments: &[] };
    let own = judged(&data, None).replay.sharpe;
    let late = probe(&request, &source).unwrap().of_a_generated_market().neighbours.remove(0);
    assert_eq!(late.0, "signals one bar late");
    assert!(late.1.is_some() && late.1 != own, "{late:?} and {own:?}");
}

#[test]
fn what_luck_alone_would_show_is_one_number() {
    let data = market();
    let v = judged(&data, Some(&Claim { trials: 13, ..claim(2.0) }));
    let said =
        format!("best of 13 trials without skill would be expected to show {:.2}", v.inference.noise_maximum.unwrap());
    assert!(v.worth.contains(&said), "{}", v.worth);
    let deflated = v.checks.iter().find(|check| check.name == CheckName::Deflated).unwrap();
    assert!(deflated.evidence.contains(&format!("above {:.2}, which", v.inference.noise_maximum.unwrap())));
    let html = crate::report::html(&v).unwrap();
    let shown = format!("Best of 13 without skill {:.2}", v.inference.noise_maximum.unwrap());
    assert!(html.contains(&shown), "the picture says {shown}");
}
