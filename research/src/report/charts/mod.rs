/// Tick marks of a time axis on the calendar.
mod calendar;
/// Drawing areas, sentinel colours and text.
mod canvas;
/// Profit before costs, costs, and profit after them.
mod costs;
/// Long series in few points.
mod decimate;
/// Bars by the reason of their decision.
mod decisions;
/// How far below the last peak.
mod drawdown;
/// Equity against buying and holding.
mod equity;
/// How much of the equity stood in the market.
mod exposure;
/// Axes and grid.
mod frame;
/// Returns by year and month.
mod monthly;
/// The Sharpe ratio of a moving window.
mod rolling;
/// Axes with their tick marks.
mod scale;
/// The Sharpe ratio with its interval, against what it must beat.
mod sharpe;

use maud::Markup;

use super::ReportError;
use crate::claim::Verification;

pub(super) use canvas::DrawError;

/// A picture of the report, or the sentence that stands for it.
pub(super) struct Picture {
    /// What is shown.
    pub(super) title: &'static str,
    /// The drawing.
    pub(super) body: Body,
}

/// What there is to see.
pub(super) enum Body {
    /// A drawing.
    Drawn(Drawn),
    /// Why there is none.
    Nothing(String),
}

/// A drawing with what is needed to read it.
pub(super) struct Drawn {
    /// Inline SVG.
    pub(super) svg: Markup,
    /// What the marks stand for, where there are several kinds.
    pub(super) legend: Vec<(Key, String)>,
    /// How to read it, one sentence.
    pub(super) caption: String,
}

/// A mark of a legend.
#[derive(Clone, Copy)]
pub(super) enum Key {
    Replay,
    Holding,
    Noise,
    Band,
    Gain,
    Loss,
}

impl Key {
    /// Its class in the style sheet.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Holding => "holding",
            Self::Noise => "noise",
            Self::Band => "band",
            Self::Gain => "gain",
            Self::Loss => "loss",
        }
    }
}

type Drawing = Result<Body, DrawError>;

/// One of the report's pictures: its title and who draws it.
type Plan = (&'static str, fn(&Verification) -> Drawing);

const PLANS: [Plan; 8] = [
    ("Equity", equity::draw),
    ("Drawdown", drawdown::draw),
    ("Sharpe ratio and what it must beat", sharpe::draw),
    ("Rolling Sharpe ratio, 30 days", rolling::draw),
    ("Monthly returns", monthly::draw),
    ("Decisions by reason", decisions::draw),
    ("Costs", costs::draw),
    ("Exposure", exposure::draw),
];

/// The pictures in the order of the page.
pub(super) fn pictures(verification: &Verification) -> Result<Vec<Picture>, ReportError> {
    PLANS
        .iter()
        .map(|&(title, draw)| match draw(verification) {
            Ok(body) => Ok(Picture { title, body }),
            Err(source) => Err(ReportError { picture: title, source }),
        })
        .collect()
}

/// The sentence that stands for a picture.
fn nothing(sentence: impl Into<String>) -> Drawing {
    Ok(Body::Nothing(sentence.into()))
}
