//! Ichimoku Kinko Hyo: midpoints of three ranges. The spans are what was computed `displacement` bars ago, which is the
//! cloud under the present bar. (`TradingView` draws it one bar earlier.)

use crate::{
    Field, Formula, Inputs, Parameters, Stream,
    window::{Delay, PriceRange},
};

#[derive(Debug)]
pub(crate) struct Ichimoku;

impl Formula for Ichimoku {
    fn name(&self) -> &'static str {
        "ICHIMOKU"
    }

    fn words(&self) -> &'static str {
        "Ichimoku: two midpoints and the cloud under the present bar"
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["conversion", "base", "span_a", "span_b"]
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::whole("tenkan", 9, 1, 500),
                Field::whole("kijun", 26, 1, 1000),
                Field::whole("senkou", 52, 1, 2000),
                Field::whole("displacement", 26, 0, 200),
            ]
        }
    }

    fn inputs(&self) -> Inputs {
        Inputs::Prices
    }

    fn broken_rule(&self, parameters: &Parameters) -> Option<(&'static [&'static str], &'static str)> {
        let [tenkan, kijun, senkou] = ["tenkan", "kijun", "senkou"].map(|name| parameters.whole(name));
        (tenkan >= kijun || kijun >= senkou)
            .then_some((&["tenkan", "kijun", "senkou"], "`tenkan` < `kijun` < `senkou` must hold"))
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.whole("senkou") - 1 + parameters.whole("displacement")
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let mut ranges = ["tenkan", "kijun", "senkou"].map(|name| PriceRange::new(parameters.whole(name)));
        let [mut span_a, mut span_b] = [(); 2].map(|()| Delay::new(parameters.whole("displacement")));
        Box::new(move |bar, _, out| {
            let [conversion, base, third] = ranges.each_mut().map(|range| {
                let [highest, lowest] = range.push(bar);
                (highest + lowest) / 2.0
            });
            out.copy_from_slice(&[conversion, base, span_a.push((conversion + base) / 2.0), span_b.push(third)]);
        })
    }
}
