//! Money flow index: the share of typical price times volume that went with a rising typical price, 0 to 100. Undefined
//! where none moved. Quong and Soudack, Stocks & Commodities 7:3, 1989.

use crate::{Field, Formula, Inputs, Parameters, Stream, division::ratio, window::Window};

#[derive(Debug)]
pub(crate) struct Mfi;

impl Formula for Mfi {
    fn name(&self) -> &'static str {
        "MFI"
    }

    fn words(&self) -> &'static str {
        "money flow index, 0 to 100"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(14, 2)] }
    }

    fn inputs(&self) -> Inputs {
        Inputs::Volume
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period()
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let [mut inflows, mut outflows] = [(); 2].map(|()| Window::new(parameters.period()));
        let mut before = None;
        Box::new(move |bar, _, out| {
            let typical = bar.typical();
            let Some(before) = before.replace(typical) else { return };
            let flow = typical * bar.volume;
            inflows.push(if typical > before { flow } else { 0.0 });
            outflows.push(if typical < before { flow } else { 0.0 });
            let inflow = inflows.sum();
            out[0] = ratio(100.0 * inflow, inflow + outflows.sum());
        })
    }
}
