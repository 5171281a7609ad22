use super::*;
use crate::journal::Done;
use q50_engine::units::{Lamports, TokenAmount};
use q50_engine::venue::PumpSwapConfig;

const AT: Reserves = Reserves { base: TokenAmount(206_900_000_000_000), quote: Lamports(84_990_359_078) };
const SOL: u64 = 1_000_000_000;

fn venue() -> ReplayVenue {
    ReplayVenue::new(PumpSwapConfig::default(), AT, None)
}

fn monitor(reference: Option<&Reference>, kept: Vec<Observation>, alarms: Vec<Alarm>) -> Monitor {
    Monitor::new(MonitorRule::default(), Bps(100), venue(), reference, kept, alarms)
}

/// A tenth of a SOL into the pool of every bar, or all out of it again, this much worse than a replay.
fn order(number: usize, is_buy: bool, worse: f64) -> OrderRow {
    let bought = venue().fill(AT, Amount::Spent(SOL / 10)).unwrap();
    let size = if is_buy { Size::Spend(Lamports(SOL / 10)) } else { Size::Sell(u64::try_from(bought.base).unwrap()) };
    let amount = if is_buy { Amount::Spent(SOL / 10) } else { Amount::Sold(u64::try_from(bought.base).unwrap()) };
    let replayed = venue().fill(AT, amount).unwrap();
    let quote = (replayed.lamports + venue().network()) as f64 * if is_buy { 1.0 + worse } else { 1.0 - worse };
    let base = replayed.base as i64;
    let done = Done { base, quote: quote.round() as i64, network_fee: 5_000, ..Done::only(State::Filled, None) };
    OrderRow {
        key: format!("0123456789abcdef {number}"),
        bar_ms: 0,
        reason: String::new(),
        size: Some(size),
        wanted_ms: 0,
        done,
    }
}

fn orders(count: usize, worse: f64) -> Vec<OrderRow> {
    (0..count).map(|number| order(number, number % 2 == 0, worse)).collect()
}

fn take(monitor: &mut Monitor, orders: &[OrderRow]) -> (Vec<Observation>, Vec<Alarm>) {
    monitor.take(orders, |_| Ok(Some(AT)), 7).unwrap()
}

#[test]
fn a_shortfall_is_what_a_fill_was_worse_on_either_side() {
    for (is_buy, worse) in [(true, 0.004), (false, 0.004), (true, -0.002), (false, 0.0)] {
        let mut order = order(0, is_buy, worse);
        for bid in [0, 1_000_000] {
            // What is bid for a place in a block is no shortfall.
            order.done.network_fee = 5_000 + bid;
            let found = shortfall(&venue(), &order, AT).unwrap();
            assert!((found - worse).abs() < 1e-7, "{is_buy} {worse} {bid}: {found}");
        }
    }
}

#[test]
fn fills_that_cost_more_for_long_enough_demote_and_fills_as_modelled_do_not() {
    let mut quiet = monitor(None, Vec::new(), Vec::new());
    assert!(take(&mut quiet, &orders(200, 0.0025)).1.is_empty() && quiet.demoted().is_none());
    let mut dear = monitor(None, Vec::new(), Vec::new());
    let (seen, alarms) = take(&mut dear, &orders(200, 0.01));
    assert_eq!((seen.len(), alarms.len()), (200, 1));
    // z = (0.01 - 0.0025) / (0.0025 + 0.0125) = 0.5: at a stake of 19/20 a fill multiplies by 1.475.
    assert!((10..20).contains(&alarms[0].observed), "{alarms:?}");
    assert!(alarms[0].demoted && alarms[0].at_ms == 7 && alarms[0].log_wealth >= 40.0_f64.ln());
    assert!(
        dear.demoted().unwrap().contains("the 0 basis points that were modelled and the 25 that"),
        "{:?}",
        dear.demoted()
    );
}

#[test]
fn what_could_be_taken_back_is_waited_for_and_so_is_what_comes_after_it() {
    let mut all = orders(4, 0.0);
    all[1].done.is_final = false;
    let mut monitor = monitor(None, Vec::new(), Vec::new());
    assert_eq!(take(&mut monitor, &all).0.len(), 1);
    all[1].done.is_final = true;
    let (seen, _) = take(&mut monitor, &all);
    assert_eq!(seen.iter().map(|seen| seen.n).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn what_is_sold_between_bars_and_what_was_not_filled_are_no_fills_to_be_held_against_a_replay() {
    let mut all = orders(4, 0.0);
    all[0].done.state = State::Failed;
    all[1].key = OrderRow::key_between_bars("0123456789abcdef", "2026-01-01T00:00:00Z");
    let seen = take(&mut monitor(None, Vec::new(), Vec::new()), &all).0;
    assert_eq!(seen.iter().map(|seen| seen.key.as_str()).collect::<Vec<_>>(), [&all[2].key, &all[3].key]);
}

#[test]
fn a_restart_at_any_fill_goes_on_as_if_there_had_been_none() {
    let reference = Reference { returns: vec![0.01, -0.01, 0.02], block: 2 };
    let all = orders(60, 0.01);
    let (whole, raised) = take(&mut monitor(Some(&reference), Vec::new(), Vec::new()), &all);
    for cut in [0, 1, 7, 13, 14, 59] {
        let (mut kept, mut alarms) = take(&mut monitor(Some(&reference), Vec::new(), Vec::new()), &all[..cut]);
        // Pool and clock are others now: what the journal has stays.
        let mut again = monitor(Some(&reference), kept.clone(), alarms.clone());
        let (seen, more) = take(&mut again, &all);
        kept.extend(seen);
        alarms.extend(more);
        assert_eq!((&kept, &alarms), (&whole, &raised), "{cut}");
    }
    let mut kept = whole.clone();
    kept[3].log_wealth += 1e-12;
    let refused = monitor(Some(&reference), kept, raised).take(&all, |_| Ok(Some(AT)), 7).unwrap_err().to_string();
    assert!(refused.contains("is not what follows from the orders"), "{refused}");
}

#[test]
fn trades_that_are_worse_than_the_backtest_s_warn_and_demote_where_that_was_asked_for() {
    // A tenth of a SOL into the pool and out again loses its fees, about 2 %; the backtest gained.
    let trades: Vec<f64> = (0..100).map(|i| 0.02 + 0.01 * f64::from(i * 37 % 100) / 100.0).collect();
    let reference = Reference::of(&trades);
    assert_eq!(reference, Reference { returns: trades, block: 1 });
    for demote_on_decay in [false, true] {
        let rule = MonitorRule { demote_on_decay, ..MonitorRule::default() };
        let mut monitor = Monitor::new(rule, Bps(100), venue(), Some(&reference), Vec::new(), Vec::new());
        let (seen, alarms) = take(&mut monitor, &orders(40, 0.0));
        let trades: Vec<_> = seen.iter().filter(|seen| seen.test == MonitorTest::Decay).collect();
        assert!(trades.len() == 20 && trades.iter().all(|trade| (-0.03..-0.01).contains(&trade.value)), "{trades:?}");
        assert_eq!(
            alarms.iter().map(|alarm| (alarm.test, alarm.demoted)).collect::<Vec<_>>(),
            [(MonitorTest::Decay, demote_on_decay)]
        );
        assert_eq!(monitor.demoted().is_some(), demote_on_decay);
    }
}
