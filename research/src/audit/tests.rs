use proptest::prelude::*;
use serde_json::json;

use super::*;
use q50_datasets::trades::TradeSide;

const HOUR: i64 = 3_600_000;
/// 2024-01-01T00:00:00Z.
const START: i64 = 1_704_067_200_000;

/// Hourly bars with these closes; each opens at the close before and reaches one beyond both ends.
fn bars(closes: &[f64]) -> Bars {
    let open: Vec<f64> = closes.iter().scan(closes[0], |last, close| Some(std::mem::replace(last, *close))).collect();
    let high = open.iter().zip(closes).map(|(a, b)| a.max(*b) + 1.0).collect();
    let low = open.iter().zip(closes).map(|(a, b)| a.min(*b) - 1.0).collect();
    let time = (0..closes.len()).map(|row| START + row as i64 * HOUR).collect();
    Bars::new(time, open, high, low, closes.to_vec(), None).unwrap()
}

/// Books trades as an honest recorder would: every figure follows from the one before. Each costs 1 fee.
struct Recorder {
    balance: f64,
    position: f64,
    trades: Vec<RecordedTrade>,
}

impl Recorder {
    fn with(cash: f64) -> Self {
        Self { balance: cash, position: 0.0, trades: Vec::new() }
    }

    /// Trades `units`, negative to sell, in bar `row`.
    fn trade(mut self, row: i64, units: f64, price: f64) -> Self {
        let before = self.position;
        self.position += units;
        self.balance -= units * price + 1.0;
        self.trades.push(RecordedTrade {
            run: Some("a".to_owned()),
            ts_ms: START + row * HOUR,
            side: if units > 0.0 { TradeSide::Buy } else { TradeSide::Sell },
            trade_type: "DIRECTIONAL".to_owned(),
            original_signal: if units > 0.0 { "LONG" } else { "SHORT" }.to_owned(),
            quantity: units.abs(),
            price,
            position_before: before,
            position_after: self.position,
            fee_cost: 0.75,
            slippage_cost: 0.25,
            balance_after: self.balance,
        });
        self
    }

    fn end(mut self, row: i64, price: f64) -> Self {
        let position = self.position;
        self = self.trade(row, -position, price);
        if let Some(last) = self.trades.last_mut() {
            last.original_signal = BACKTEST_END.to_owned();
        }
        self
    }
}

fn request<'a>(trades: &'a [RecordedTrade], bars: &'a Bars) -> AuditRequest<'a> {
    AuditRequest {
        run: "a",
        trades,
        bars,
        cash: 1_000.0,
        price_shift: 0,
        // Large enough to stay out of the way of the other rules.
        cap: Some(10.0),
        from: None,
        to: None,
        periods_per_year: PeriodsPerYear::new(8_760.0),
    }
}

fn kinds(audit: &LedgerAudit) -> Vec<(&'static str, usize)> {
    audit.violations.iter().map(|violation| (violation.kind.name(), violation.count)).collect()
}

fn equity(audit: &LedgerAudit) -> Vec<f64> {
    audit.equity.iter().map(|point| point.equity).collect()
}

fn close_to(got: Option<f64>, expected: f64) -> bool {
    got.is_some_and(|got| (got - expected).abs() < 1e-12)
}

// --- equity and statistics

#[test]
fn a_long_run_is_marked_at_closes_without_its_closing_trade() {
    let bars = bars(&[100.0, 110.0, 99.0, 120.0]);
    // 1000 - 2 x 100 - 1 = 799, then 2 units; the end would leave 799 + 240 - 1.
    let trades = Recorder::with(1_000.0).trade(0, 2.0, 100.0).end(3, 120.0).trades;
    let audit = audit(&request(&trades, &bars)).unwrap();
    assert_eq!(equity(&audit), [999.0, 1_019.0, 997.0, 1_039.0]);
    assert_eq!((audit.fills, audit.bars), (2, 4));
    // From the cash, so that the fee of the first bar counts.
    assert!(close_to(audit.total_return, 0.039));
    assert!(close_to(audit.max_drawdown, 1.0 - 997.0 / 1_019.0));
    let returns = [1_019.0 / 999.0 - 1.0, 997.0 / 1_019.0 - 1.0, 1_039.0 / 997.0 - 1.0];
    let mean = returns.iter().sum::<f64>() / 3.0;
    let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / 2.0;
    let sharpe = mean / variance.sqrt() * 8_760.0_f64.sqrt();
    assert!(audit.sharpe.is_some_and(|got| (got - sharpe).abs() < 1e-9));
    assert_eq!(kinds(&audit), []);
}

#[test]
fn a_short_loses_when_the_price_rises() {
    let bars = bars(&[100.0, 100.0, 130.0, 90.0]);
    // Selling 2 brings 200: the balance is 1199, and what is owed is marked against it.
    let trades = Recorder::with(1_000.0).trade(1, -2.0, 100.0).trade(3, 2.0, 90.0).trades;
    let audit = audit(&request(&trades, &bars)).unwrap();
    assert_eq!(equity(&audit), [1_000.0, 999.0, 939.0, 1_018.0]);
    assert_eq!(kinds(&audit), [], "a balance above the cash is no fault of a short");
}

#[test]
fn the_last_of_several_trades_in_a_bar_is_what_counts() {
    let bars = bars(&[100.0, 100.0]);
    let trades = Recorder::with(1_000.0).trade(0, 2.0, 100.0).trade(0, -2.0, 100.0).trades;
    assert_eq!(equity(&audit(&request(&trades, &bars)).unwrap()), [998.0, 998.0]);
}

#[test]
fn a_statistic_without_a_value_is_null_and_has_a_reason() {
    let bars = bars(&[100.0, 100.0, 100.0]);
    let trades = Recorder::with(1_000.0).trade(0, 2.0, 100.0).trades;
    let audit = audit(&request(&trades, &bars)).unwrap();
    assert_eq!(audit.undefined, [("sharpe", Undefined::NoVariance { n: 2 })]);
    assert_eq!(
        serde_json::to_value(&audit).unwrap(),
        json!({
            "run": "a", "fills": 1, "bars": 3, "from": "2024-01-01T00:00:00Z", "to": "2024-01-01T02:00:00Z",
            "total_return": audit.total_return, "sharpe": null, "max_drawdown": 0.0, "violations": []
        })
    );
}

#[test]
fn after_ruin_there_is_no_sharpe_and_no_drawdown() {
    let bars = bars(&[100.0, 100.0, 800.0, 900.0]);
    let trades = Recorder::with(1_000.0).trade(0, -2.0, 100.0).trades;
    let audit = audit(&request(&trades, &bars)).unwrap();
    assert_eq!(equity(&audit), [999.0, 999.0, -401.0, -601.0]);
    assert_eq!((audit.total_return, audit.sharpe, audit.max_drawdown), (None, None, None));
    assert_eq!(audit.undefined.len(), 3);
}

#[test]
fn trades_of_other_runs_are_left_out() {
    let bars = bars(&[100.0, 100.0]);
    let mut trades = Recorder::with(1_000.0).trade(0, 2.0, 100.0).trade(1, -1.0, 100.0).trades;
    trades[1].run = Some("b".to_owned());
    assert_eq!(audit(&request(&trades, &bars)).unwrap().fills, 1);
}

// --- the period

/// Closes that never come twice, three days of them.
fn wandering(bars: usize) -> Vec<f64> {
    (0..bars).map(|row| 200.0 + 20.0 * (row as f64 * 0.7).sin() + row as f64 * 0.01).collect()
}

/// The price of a run that was simulated from forecasts: close two bars later, 100 at bar `first`.
fn simulated(closes: &[f64], first: usize, row: usize) -> f64 {
    closes[row + 2] / closes[first + 2] * 100.0
}

#[test]
fn the_first_bar_of_a_simulated_run_is_the_one_that_was_100() {
    let closes = wandering(72);
    let bars = bars(&closes);
    let price = |row: usize| simulated(&closes, 5, row);
    let trades = Recorder::with(1_000.0).trade(31, 1.0, price(31)).trade(40, -1.0, price(40)).trades;
    let audit = audit(&AuditRequest { price_shift: 2, ..request(&trades, &bars) }).unwrap();
    assert_eq!(audit.window_source, WindowSource::Prices);
    assert_eq!((audit.from.as_str(), audit.to.as_str()), ("2024-01-01T05:00:00Z", "2024-01-02T23:00:00Z"));
    assert!((audit.equity[35 - 5].equity - (1_000.0 - 1.0 + price(35) - price(31))).abs() < 1e-9);
}

#[test]
fn quiet_bars_of_the_first_and_last_day_belong_to_a_run_on_real_prices() {
    let bars = bars(&[100.0; 72]);
    let trades = Recorder::with(1_000.0).trade(30, 1.0, 100.0).trade(33, -1.0, 100.0).trades;
    let audit = audit(&request(&trades, &bars)).unwrap();
    assert_eq!(audit.window_source, WindowSource::Calendar);
    assert_eq!((audit.from.as_str(), audit.to.as_str()), ("2024-01-02T00:00:00Z", "2024-01-02T23:00:00Z"));
    assert_eq!(audit.bars, 24);
}

#[test]
fn a_given_period_wins_and_starts_from_the_equity_it_finds() {
    let bars = bars(&[100.0, 110.0, 120.0, 130.0]);
    let trades = Recorder::with(1_000.0).trade(0, 2.0, 100.0).trades;
    let (from, to) = (Some(START + HOUR), Some(START + 2 * HOUR));
    let audit = audit(&AuditRequest { from, to, ..request(&trades, &bars) }).unwrap();
    assert_eq!((audit.window_source, equity(&audit)), (WindowSource::Given, vec![1_019.0, 1_039.0]));
    assert!(close_to(audit.total_return, 1_039.0 / 1_019.0 - 1.0));
}

proptest! {
    #[test]
    fn the_start_is_found_however_long_the_first_trade_waits(first in 0_usize..40, wait in 0_usize..40, drift in -9e-8_f64..9e-8) {
        let closes = wandering(120);
        let bars = bars(&closes);
        let row = first + wait;
        let trades = Recorder::with(1_000.0)
            .trade(row as i64, 1.0, simulated(&closes, first, row) * (1.0 + drift))
            .trade(row as i64 + 9, -1.0, simulated(&closes, first, row + 9) * (1.0 + 2.0 * drift))
            .trades;
        let audit = audit(&AuditRequest { price_shift: 2, ..request(&trades, &bars) }).unwrap();
        prop_assert_eq!(audit.equity[0].time, START + first as i64 * HOUR);
    }

    #[test]
    fn an_honest_recorder_breaks_no_rule(orders in prop::collection::vec((0_i64..48, -1.5_f64..1.5), 1..30)) {
        let closes = wandering(48);
        let bars = bars(&closes);
        let mut orders = orders;
        orders.sort_by_key(|(row, _)| *row);
        let mut recorder = Recorder::with(1e6);
        for (row, units) in orders {
            recorder = recorder.trade(row, units, closes[row as usize]);
        }
        let (from, to) = (Some(START), Some(START + 47 * HOUR));
        let audit = audit(&AuditRequest { cash: 1e6, from, to, ..request(&recorder.trades, &bars) }).unwrap();
        prop_assert_eq!(kinds(&audit), vec![]);
        let last = audit.equity[47].equity;
        prop_assert!((last - (recorder.balance + recorder.position * closes[47])).abs() < 1e-6);
    }
}

// --- what could not have happened

#[test]
fn a_price_outside_its_bar_is_told_with_the_range_it_missed() {
    // The second bar goes from 99 to 121.
    let bars = bars(&[100.0, 120.0, 110.0]);
    let trades = Recorder::with(1_000.0).trade(0, 1.0, 100.0).trade(1, 1.0, 121.0).trade(1, -1.0, 121.02).trades;
    let audit = audit(&request(&trades, &bars)).unwrap();
    assert_eq!(kinds(&audit), [("price_outside_bar", 1)]);
    let found = audit.violation(ViolationKind::PriceOutsideBar).unwrap();
    assert_eq!(found.first, "2024-01-01T01:00:00Z");
    assert!(found.detail.contains("121.02") && found.detail.contains("from 99 to 121"), "{}", found.detail);
}

#[test]
fn a_price_rounded_to_cents_is_not_outside_but_an_unrounded_one_is() {
    let mut bars = bars(&[100.0, 100.0]);
    bars.high = vec![100.996, 100.996];
    let inside = Recorder::with(1_000.0).trade(0, 1.0, 101.0).trades;
    assert_eq!(kinds(&audit(&request(&inside, &bars)).unwrap()), []);
    let outside = Recorder::with(1_000.0).trade(0, 1.0, 100.999).trades;
    assert_eq!(kinds(&audit(&request(&outside, &bars)).unwrap()), [("price_outside_bar", 1)]);
}

#[test]
fn a_ledger_on_another_scale_is_told_to_check_its_shift() {
    let bars = bars(&[40_000.0, 40_100.0, 40_050.0]);
    let trades = Recorder::with(1_000.0).trade(0, 1.0, 100.0).trade(1, -1.0, 100.25).trades;
    let audit = audit(&request(&trades, &bars)).unwrap();
    let found = audit.violation(ViolationKind::PriceOutsideBar).unwrap();
    assert!(found.count == 2 && found.detail.contains("price shift"), "{}", found.detail);
}

#[test]
fn a_buy_beyond_the_cash_is_overspent_and_a_short_sale_is_not() {
    let bars = bars(&[100.0; 4]);
    // 11 x 100 + 1 out of 1000; sold again; short 20; bought back.
    let trades = Recorder::with(1_000.0)
        .trade(0, 11.0, 100.0)
        .trade(1, -11.0, 100.0)
        .trade(2, -20.0, 100.0)
        .trade(3, 20.0, 100.0)
        .trades;
    let audit = audit(&request(&trades, &bars)).unwrap();
    assert_eq!(kinds(&audit), [("overspent", 1)]);
    assert!(audit.violations[0].detail.contains("-101"), "{}", audit.violations[0].detail);
}

#[test]
fn orders_that_pile_up_pass_the_cap_of_the_largest_order() {
    let bars = bars(&[100.0; 4]);
    // Orders of 30 %, 20 %, and a turn to 25 % short. Only the second one stands over 30 %.
    let trades = Recorder::with(1_000.0).trade(0, 3.0, 100.0).trade(1, 2.0, 100.0).trade(2, -7.5, 100.0).trades;
    let audit = audit(&AuditRequest { cap: None, ..request(&trades, &bars) }).unwrap();
    assert_eq!(kinds(&audit), [("exposure_over_cap", 1)]);
    let found = &audit.violations[0];
    assert_eq!(found.first, "2024-01-01T01:00:00Z");
    assert!(found.detail.contains("0.5005") && found.detail.contains("0.3000"), "{}", found.detail);
    assert!(found.detail.contains("does not record its cap"), "{}", found.detail);
}

#[test]
fn a_given_cap_holds_for_shorts_and_does_not_count_the_costs_of_the_order() {
    let bars = bars(&[100.0; 4]);
    let trades = Recorder::with(1_000.0).trade(0, -3.0, 100.0).trade(1, -1.0, 100.0).trades;
    let with = |cap| kinds(&audit(&AuditRequest { cap: Some(cap), ..request(&trades, &bars) }).unwrap());
    assert_eq!(with(0.3), [("exposure_over_cap", 1)], "the first order is 30 % of what it was sized by");
    assert_eq!(with(0.29), [("exposure_over_cap", 2)]);
    assert_eq!(with(0.5), []);
}

#[test]
fn fills_at_a_later_close_are_all_counted() {
    let closes = wandering(30);
    let bars = bars(&closes);
    let price = |row: usize| simulated(&closes, 0, row);
    let trades = Recorder::with(1_000.0).trade(0, 1.0, price(0)).trade(4, 1.0, price(4)).end(9, price(9)).trades;
    let shifted = audit(&AuditRequest { price_shift: 2, ..request(&trades, &bars) }).unwrap();
    assert_eq!(kinds(&shifted), [("fill_after_move", 3)]);
    let found = &shifted.violations[0];
    assert!(found.detail.contains("2024-01-01T02:00:00Z") && found.detail.contains("3 of 3"), "{}", found.detail);
}

#[test]
fn a_ledger_at_its_own_closes_is_not_accused_of_later_ones() {
    let closes = wandering(30);
    let bars = bars(&closes);
    let trades =
        Recorder::with(1_000.0).trade(0, 1.0, closes[0]).trade(4, 1.0, closes[4]).trade(9, -2.0, closes[9]).trades;
    let audit = audit(&AuditRequest { price_shift: 2, ..request(&trades, &bars) }).unwrap();
    assert_eq!(audit.violation(ViolationKind::FillAfterMove), None);
    assert_eq!(audit.window_source, WindowSource::Calendar);
    assert!(audit.violation(ViolationKind::PriceOutsideBar).is_some());
}

#[test]
fn one_wrong_balance_is_told_once() {
    let bars = bars(&[100.0; 4]);
    let honest = Recorder::with(1_000.0).trade(0, 1.0, 100.0).trade(1, 1.0, 100.0).trade(2, -2.0, 100.0).trades;
    for wrong in 0..3 {
        let mut trades = honest.clone();
        trades[wrong].balance_after += 10.0;
        // Of the first balance the cash could be wrong instead, if the second trade stood by it.
        assert_eq!(kinds(&audit(&request(&trades, &bars)).unwrap()), [("balance_mismatch", 1)], "{wrong}");
    }
}

#[test]
fn a_missing_trade_shows_in_the_next_position() {
    let bars = bars(&[100.0; 4]);
    let mut trades = Recorder::with(1_000.0).trade(0, 1.0, 100.0).trade(1, 1.0, 100.0).trade(2, -2.0, 100.0).trades;
    trades.remove(1);
    let audit = audit(&request(&trades, &bars)).unwrap();
    assert_eq!(kinds(&audit), [("balance_mismatch", 1)]);
    assert!(audit.violations[0].detail.starts_with("position_before is 2, while 1 follows"));
}

#[test]
fn a_trade_in_a_gap_of_the_bars_has_no_bar_and_still_moves_the_balance() {
    let mut bars = bars(&[100.0; 5]);
    for column in [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close] {
        column.remove(2);
    }
    bars.open_time.remove(2);
    let trades = Recorder::with(1_000.0).trade(0, 1.0, 100.0).trade(2, 1.0, 100.0).trades;
    let audit = audit(&request(&trades, &bars)).unwrap();
    assert_eq!(kinds(&audit), [("unknown_bar", 1)]);
    assert_eq!(audit.violations[0].first, "2024-01-01T02:00:00Z");
    assert_eq!(equity(&audit), [999.0, 999.0, 998.0, 998.0]);
}

#[test]
fn a_trade_inside_a_bar_belongs_to_it() {
    let bars = bars(&[100.0, 120.0, 120.0]);
    let mut trades = Recorder::with(1_000.0).trade(1, 1.0, 105.0).trades;
    trades[0].ts_ms += HOUR / 2;
    let audit = audit(&request(&trades, &bars)).unwrap();
    assert_eq!((kinds(&audit), equity(&audit)), (vec![], vec![1_000.0, 1_014.0, 1_014.0]));
}

#[test]
fn a_kind_is_called_what_it_is_serialised_as() {
    use ViolationKind::*;
    for kind in [UnknownBar, PriceOutsideBar, FillAfterMove, Overspent, ExposureOverCap, BalanceMismatch] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

// --- requests that are no audit

fn refusal(change: impl FnOnce(&mut AuditRequest<'_>)) -> AuditError {
    let bars = bars(&[100.0; 4]);
    let trades = Recorder::with(1_000.0).trade(0, 1.0, 100.0).trade(3, -1.0, 100.0).trades;
    let mut request = request(&trades, &bars);
    change(&mut request);
    audit(&request).unwrap_err()
}

#[test]
fn an_unknown_run_is_answered_with_the_runs_there_are() {
    let error = refusal(|request| request.run = "b");
    assert_eq!(error, AuditError::NoTrades { run: "b".to_owned(), runs: vec!["a".to_owned()] });
    assert_eq!(error.to_string(), "no trade of the run `b` (the trades hold `a`); name one of them");
    assert!(refusal(|request| request.trades = &[]).to_string().contains("no named run"));
}

#[test]
fn cash_must_be_above_zero_and_lead_to_the_first_balance() {
    assert!(matches!(refusal(|request| request.cash = 0.0), AuditError::Cash { .. }));
    assert!(matches!(refusal(|request| request.cash = f64::NAN), AuditError::Cash { .. }));
    let error = refusal(|request| request.cash = 5_000.0);
    assert!(matches!(error, AuditError::CashContradicted { needed, .. } if (needed - 1_000.0).abs() < 1e-9), "{error}");
    assert!(error.to_string().contains("2024-01-01T00:00:00Z"), "{error}");
}

#[test]
fn a_shift_beyond_the_bars_is_refused_with_the_bars_that_follow() {
    let error = refusal(|request| request.price_shift = 2);
    assert!(matches!(error, AuditError::ShiftBeyondBars { shift: 2, after: 0, .. }), "{error}");
    assert!(matches!(refusal(|request| request.price_shift = 99), AuditError::ShiftBeyondBars { after: 3, .. }));
}

#[test]
fn a_period_without_bars_and_a_cap_that_is_none_are_refused() {
    assert!(matches!(refusal(|request| request.from = Some(START + 9 * HOUR)), AuditError::EmptyPeriod { .. }));
    assert!(matches!(refusal(|request| request.to = Some(START - 1)), AuditError::EmptyPeriod { .. }));
    assert!(matches!(refusal(|request| request.cap = Some(0.0)), AuditError::Cap { .. }));
}

#[test]
fn trades_out_of_order_or_off_the_bars_are_refused() {
    let bars = bars(&[100.0; 4]);
    let mut trades = Recorder::with(1_000.0).trade(1, 1.0, 100.0).trade(0, -1.0, 100.0).trades;
    let error = audit(&request(&trades, &bars)).unwrap_err();
    assert!(matches!(error, AuditError::OutOfOrder { trade: 2, .. }), "{error}");
    trades.truncate(1);
    trades[0].ts_ms -= 1_000 * HOUR;
    let error = audit(&request(&trades, &bars)).unwrap_err();
    assert!(matches!(error, AuditError::NoTradeOnBars { .. }), "{error}");
}
