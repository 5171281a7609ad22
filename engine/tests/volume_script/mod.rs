//! Cases of the strategy language that were worked by hand and are scripted by volume: 10 enters long, 20 short, 30 and 40
//! leave; through a strategy that knows no more than that, and the true range for the stop that trails.

use q50_engine::{
    decision::{Budget, Decision, Intent, Order, Reason},
    ledger::Account,
    market::{Column, History, Market, Signals},
    orders::{Amount, Event, OrderId, OrderKind, OrderRequest, Orders, Outcome},
    strategy::Strategy,
    units::Fraction,
    venue::{FillSide, NextOpen},
};
use q50_testing::real_json;
use serde_json::Value;

/// A case as it was worked.
pub(crate) struct Worked {
    pub(crate) name: String,
    /// The strategy, in its language.
    pub(crate) text: String,
    pub(crate) capital: f64,
    pub(crate) fills: Vec<WorkedFill>,
    pub(crate) final_equity: f64,
    cost: f64,
    time: Vec<i64>,
    columns: [Vec<f64>; 5],
}

/// A fill as it was worked.
pub(crate) struct WorkedFill {
    pub(crate) row: usize,
    pub(crate) side: String,
    pub(crate) price: f64,
    pub(crate) reason: String,
}

impl Worked {
    fn read(case: &Value) -> Self {
        let (number, text) =
            (|key: &str| case[key].as_f64().unwrap(), |key: &str| case[key].as_str().unwrap().to_owned());
        let fill = |fill: &Value| WorkedFill {
            row: fill["row"].as_u64().unwrap() as usize,
            side: fill["side"].as_str().unwrap().to_owned(),
            price: fill["price"].as_f64().unwrap(),
            reason: fill["reason"].as_str().unwrap().to_owned(),
        };
        let bars = &case["bars"];
        Self {
            name: text("name"),
            text: text("strategy"),
            capital: number("capital"),
            fills: case["fills"].as_array().unwrap().iter().map(fill).collect(),
            final_equity: number("final_equity"),
            cost: number("cost_bps_per_fill"),
            time: bars["ts_ms"].as_array().unwrap().iter().map(|time| time.as_i64().unwrap()).collect(),
            columns: ["open", "high", "low", "close", "volume"].map(|name| column(bars, name)),
        }
    }

    pub(crate) fn market(&self) -> Market<'_> {
        let [open, high, low, close, volume] = &self.columns;
        let signals = Signals::default().with(Column::Volume, volume);
        Market { open_time: &self.time, open, high, low, close, signals, interval_ms: 3_600_000, first: 0 }
    }

    pub(crate) fn venue(&self) -> NextOpen {
        NextOpen::new(Fraction::from_bps(self.cost)).with_free_shorting()
    }
}

/// Every case that is scripted by volume; those with indicators and filters need the language.
pub(crate) fn worked() -> Vec<Worked> {
    let document = real_json("dsl/replay/hand_worked.json");
    let scripted = |case: &&Value| {
        let text = case["strategy"].as_str().unwrap();
        text.contains("[volume") && !text.contains("close >") && !text.contains("time_filters")
    };
    let worked: Vec<Worked> = document["cases"].as_array().unwrap().iter().filter(scripted).map(Worked::read).collect();
    let names: Vec<&str> = worked.iter().map(|case| case.name.as_str()).collect();
    let all = [
        "stop_inside_the_entry_bar",
        "gap_through_the_stop",
        "stop_and_target_in_one_bar",
        "trailing_stop",
        "stop_from_the_fill",
        "exit_without_reversal",
        "costs",
    ];
    assert_eq!(names, all);
    worked
}

fn column(bars: &Value, name: &str) -> Vec<f64> {
    bars[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// The strategy of one case.
pub(crate) struct Case {
    long: [f64; 2],
    short: [f64; 2],
    exit_long: [f64; 2],
    exit_short: [f64; 2],
    stop: Option<f64>,
    target: Option<f64>,
    /// Multiple of the true range at which the stop trails.
    trails: Option<f64>,
    /// The true range of the present bar.
    range: f64,
    resting: Vec<OrderId>,
    level: Option<f64>,
}

/// `[volume between 9 11]`, `[volume > 15]`.
fn bounds(section: &str, side: &str) -> [f64; 2] {
    let Some(line) = section.lines().find(|line| line.trim_start().starts_with(side)) else { return [f64::NAN; 2] };
    let numbers: Vec<f64> = line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
    [numbers[0], numbers.get(1).copied().unwrap_or(f64::INFINITY)]
}

fn number(line: Option<&str>, key: &str) -> Option<f64> {
    let (_, rest) = line?.split_once(key)?;
    rest.trim_start_matches(':').split([',', '}']).next()?.trim().parse().ok()
}

impl Case {
    pub(crate) fn read(text: &str) -> Self {
        let (entry, exit) = text.split_once("exit_conditions:").unwrap_or((text, ""));
        let line = |name: &str| text.lines().find(|line| line.starts_with(name));
        Self {
            long: bounds(entry, "long"),
            short: bounds(entry, "short"),
            exit_long: bounds(exit, "long"),
            exit_short: bounds(exit, "short"),
            stop: number(line("stop_loss"), "percent"),
            target: number(line("take_profit"), "percent"),
            trails: number(line("stop_loss"), "atr_multiplier"),
            range: f64::NAN,
            resting: Vec::new(),
            level: None,
        }
    }

    fn rest_stop(&mut self, side: FillSide, level: f64, reason: Reason, orders: &mut Orders) {
        self.level = Some(level);
        let request = OrderRequest::new(side, OrderKind::Stop(level), Amount::Position, reason);
        self.resting.push(orders.place(request));
    }
}

impl Strategy for Case {
    fn observe(&mut self, history: History<'_>) {
        let bar = history.bar();
        let [.., before, _] = history.closes() else { return };
        self.range = bar.high.max(*before) - bar.low.min(*before);
    }

    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        let volume = history.signal(Column::Volume).unwrap_or(f64::NAN);
        let inside = |[low, high]: [f64; 2]| low <= volume && volume <= high;
        let act = |order, reason| Decision::Act(Intent { order, reason });
        match account.position {
            held if held > 0.0 && inside(self.exit_long) => act(Order::Sell(Fraction::ONE), Reason::ExitLong),
            held if held < 0.0 && inside(self.exit_short) => act(Order::Cover(Fraction::ONE), Reason::ExitShort),
            0.0 if inside(self.long) => act(Order::Buy(Budget::Equity(Fraction::ONE)), Reason::EnterLong),
            0.0 if inside(self.short) => act(Order::Short(Fraction::ONE), Reason::EnterShort),
            _ => Decision::Hold(Reason::Neutral),
        }
    }

    fn places_orders(&self) -> bool {
        true
    }

    /// A stop that trails takes a step where that is one forward.
    fn place(&mut self, history: History<'_>, account: &Account, orders: &mut Orders) {
        let (Some(multiple), Some(level)) = (self.trails, self.level) else { return };
        let (side, better) = match account.position {
            held if held > 0.0 => (FillSide::Sell, history.bar().close - multiple * self.range),
            held if held < 0.0 => (FillSide::Buy, history.bar().close + multiple * self.range),
            _ => return,
        };
        if (side == FillSide::Sell && better > level) || (side == FillSide::Buy && better < level) {
            self.resting.drain(..).for_each(|id| orders.cancel(id));
            self.rest_stop(side, better, Reason::TrailingStop, orders);
        }
    }

    /// Distances are taken from the price of the fill.
    fn on_event(&mut self, event: &Event, orders: &mut Orders) {
        let Outcome::Filled(fill) = event.outcome else { return };
        if !matches!(event.reason, Reason::EnterLong | Reason::EnterShort) {
            self.level = None;
            self.resting.drain(..).for_each(|id| orders.cancel(id));
            return;
        }
        let (side, sign) = if fill.side == FillSide::Buy { (FillSide::Sell, 1.0) } else { (FillSide::Buy, -1.0) };
        let close = |kind, reason| OrderRequest::new(side, kind, Amount::Position, reason);
        let stop = self.stop.map(|percent| OrderKind::Stop(fill.price * (1.0 - sign * percent / 100.0)));
        let target = self.target.map(|percent| OrderKind::Limit(fill.price * (1.0 + sign * percent / 100.0)));
        match (stop, target) {
            (Some(stop), Some(target)) => {
                self.resting
                    .extend(orders.place_pair([close(stop, Reason::StopLoss), close(target, Reason::TakeProfit)]));
            }
            (Some(stop), None) => self.resting.push(orders.place(close(stop, Reason::StopLoss))),
            (None, Some(target)) => self.resting.push(orders.place(close(target, Reason::TakeProfit))),
            (None, None) => {}
        }
        if let Some(multiple) = self.trails {
            self.rest_stop(side, fill.price - sign * multiple * self.range, Reason::StopLoss, orders);
        }
    }
}
