//! Simple moving average of the volume.

use crate::{Field, Formula, Inputs, Parameters, Stream, window::Window};

#[derive(Debug)]
pub(crate) struct Volsma;

impl Formula for Volsma {
    fn name(&self) -> &'static str {
        "VOLSMA"
    }

    fn words(&self) -> &'static str {
        "simple moving average of the volume"
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::period(20, 1)] }
    }

    fn inputs(&self) -> Inputs {
        Inputs::Volume
    }

    fn first(&self, parameters: &Parameters) -> usize {
        parameters.period() - 1
    }

    fn start(&self, parameters: &Parameters) -> Stream {
        let mut window = Window::new(parameters.period());
        Box::new(move |bar, _, out| {
            window.push(bar.volume);
            out[0] = window.mean();
        })
    }
}
