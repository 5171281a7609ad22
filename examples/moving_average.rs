//! The `q50` command with a strategy of one's own: long while the price is above its moving average.
//!
//! ```text
//! cargo run --release --example moving_average -- verify --strategy moving_average --bars bars.parquet
//! ```

use std::{collections::VecDeque, process::ExitCode};

use q50::engine::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MovingAverage {
    bars: usize,
}

impl Default for MovingAverage {
    fn default() -> Self {
        Self { bars: 50 }
    }
}

impl Settings for MovingAverage {
    const NAME: &'static str = "moving_average";
    const WORDS: &'static str = "long while the price is above its moving average";

    type Strategy = Crossing;

    fn strategy(&self, _: &Guards) -> Crossing {
        Crossing { bars: self.bars, closes: VecDeque::new() }
    }

    fn parameters(&self) -> Vec<Parameter> {
        let bars = Declaration {
            path: "bars",
            range: Range::whole(1, 100_000),
            words: "bars of the average",
            value: |settings: &Self| Some(settings.bars as f64),
            bearing: |_| Bearing::Everywhere,
        };
        declared(&[bars], self)
    }
}

struct Crossing {
    bars: usize,
    closes: VecDeque<f64>,
}

impl Strategy for Crossing {
    fn observe(&mut self, history: History<'_>) {
        self.closes.push_back(history.bar().close);
        if self.closes.len() > self.bars {
            self.closes.pop_front();
        }
    }

    fn decide(&mut self, history: History<'_>, account: &Account) -> Decision {
        if self.closes.len() < self.bars {
            return Decision::Hold(Reason::WarmUp);
        }
        let above = history.bar().close > self.closes.iter().sum::<f64>() / self.bars as f64;
        let (order, reason) = match (above, account.position > 0.0) {
            (true, false) => (Order::Buy(Budget::Cash(Fraction::ONE)), Reason::EnterLong),
            (false, true) => (Order::Sell(Fraction::ONE), Reason::ExitLong),
            _ => return Decision::Hold(Reason::Neutral),
        };
        Decision::Act(Intent { order, reason })
    }
}

pub(crate) fn main() -> ExitCode {
    q50::run(Registry::default().with::<MovingAverage>())
}
