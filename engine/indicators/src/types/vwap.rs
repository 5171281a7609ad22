//! Volume-weighted average of the typical price since 00:00 UTC of the bar's day. (TA-Lib: since the first bar.)
//! Undefined while nothing was traded.

use crate::{Field, Formula, Inputs, Parameters, Stream, division::ratio};

const DAY_MS: i64 = 86_400_000;

#[derive(Debug)]
pub(crate) struct Vwap;

impl Formula for Vwap {
    fn name(&self) -> &'static str {
        "VWAP"
    }

    fn words(&self) -> &'static str {
        "volume-weighted average price of the UTC day"
    }

    fn fields(&self) -> &'static [Field] {
        &[]
    }

    /// It begins anew with every day, and until then the day's mean is unknown.
    fn remembers(&self) -> bool {
        false
    }

    fn inputs(&self) -> Inputs {
        Inputs::Volume
    }

    fn first(&self, _: &Parameters) -> usize {
        0
    }

    fn start(&self, _: &Parameters) -> Stream {
        let mut day = None;
        let (mut money, mut volume) = (0.0, 0.0);
        Box::new(move |bar, _, out| {
            let today = bar.open_time.div_euclid(DAY_MS);
            if day.replace(today) != Some(today) {
                (money, volume) = (0.0, 0.0);
            }
            money += bar.typical() * bar.volume;
            volume += bar.volume;
            out[0] = ratio(money, volume);
        })
    }
}
