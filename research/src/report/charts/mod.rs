/// Words, a bar and an amount, row by row.
mod bars;
/// Tick marks of a time axis on the calendar.
mod calendar;
/// Drawing areas, sentinel colours and text.
mod canvas;
/// How much capital the edge carries, at several depths of the pool.
mod capacity;
/// The same as a table.
mod capacity_table;
/// Profit before costs, costs, and profit after them.
mod costs;
/// Long series in few points.
mod decimate;
/// Bars by the reason of their decision.
mod decisions;
/// Lines and marks that tell the depths of a pool apart without their colour.
mod depths;
/// How often which return came.
mod distribution;
/// How far below the last peak.
mod drawdown;
/// Equity against buying and holding.
mod equity;
/// How much of the equity stood in the market.
mod exposure;
/// How positions go with the returns before and after them.
mod foresight;
/// Axes and grid.
mod frame;
/// Cells that are the deeper the further their number is from 0.
mod heat;
/// Returns by year and month.
mod monthly;
/// What trading in a pool cost, part by part.
mod pool_costs;
/// The price, with what was held and every fill.
mod price;
/// The Sharpe ratio of a moving window.
mod rolling;
/// Axes with their tick marks.
mod scale;
/// The Sharpe ratio with its interval, against what it must beat.
mod sharpe;
/// How the Sharpe ratio of a search goes with two parameters.
mod surface;
/// What the tests of a monitor have made.
mod wealth;

use std::borrow::Cow;

use maud::{Markup, html};

use super::ReportError;
use crate::claim::Verification;

pub(super) use calendar::year_and_month;
pub(super) use canvas::DrawError;
pub(super) use equity::beside as equity_beside;
pub(super) use monthly::growth_by;
pub(super) use surface::draw as surface;
pub(super) use wealth::draw as wealth;

/// A picture of the report, or the sentence that stands for it.
pub(super) struct Picture {
    /// What is shown.
    pub(super) title: Cow<'static, str>,
    /// The drawing.
    pub(super) body: Body,
    /// Where it stands.
    pub(super) place: Place,
}

impl Picture {
    /// The picture of a drawing, where it could be drawn.
    pub(super) fn of(title: impl Into<Cow<'static, str>>, drawing: Drawing, place: Place) -> Result<Self, ReportError> {
        let title = title.into();
        match drawing {
            Ok(body) => Ok(Self { title, body, place }),
            Err(source) => Err(ReportError { picture: title, source }),
        }
    }
}

/// How much of the page a picture takes.
pub(super) enum Place {
    /// Half a row, where there is room for two.
    Half,
    /// A row of its own.
    Row,
    /// A row, with the same figures as a table beside it for a reader who wants them exactly.
    Beside(Markup),
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
    Buy,
    Sell,
    /// A depth of the pool, by its rank.
    Depth(usize),
    /// Where an edge is gone.
    Gone,
}

impl Key {
    /// The mark itself.
    pub(super) fn sample(self) -> Markup {
        let class = match self {
            Self::Replay => "replay",
            Self::Holding => "holding",
            Self::Noise => "noise",
            Self::Band => "band",
            Self::Gain => "gain",
            Self::Loss => "loss",
            Self::Buy => "buy",
            Self::Sell => "sell",
            Self::Depth(rank) => return depths::sample(rank),
            Self::Gone => return depths::cross_sample(),
        };
        html! { span.key.(class) {} }
    }
}

pub(super) type Drawing = Result<Body, DrawError>;

/// One of the report's pictures: its title and who draws it.
type Plan = (&'static str, fn(&Verification) -> Drawing);

const PLANS: [Plan; 11] = [
    ("Equity", equity::draw),
    ("Drawdown", drawdown::draw),
    ("Sharpe ratio and what it must beat", sharpe::draw),
    ("Rolling Sharpe ratio, 30 days", rolling::sharpe),
    ("Rolling volatility, 30 days", rolling::volatility),
    ("Monthly returns", monthly::draw),
    ("Distribution of returns", distribution::draw),
    (DECISIONS, decisions::draw),
    ("Costs", costs::draw),
    ("Exposure", exposure::draw),
    ("Foresight profile", foresight::draw),
];

/// The picture of a strategy's decisions.
const DECISIONS: &str = "Decisions by reason";
/// Pictures of what was traded.
const TRADED: [&str; 3] = ["Costs", "Exposure", "Foresight profile"];

/// The pictures in the order of the page.
pub(super) fn pictures(verification: &Verification) -> Result<Vec<Picture>, ReportError> {
    // Of equity alone there is no price, no trade and no position; of another tool's result no decision.
    let traded = verification.replay.fills.is_some();
    let mut pictures = Vec::new();
    if traded {
        pictures.push(Picture::of("Price and trades", price::draw(verification), Place::Row)?);
    }
    if let Some(drawing) = price::last_trades(verification) {
        pictures.push(Picture::of("The last trades", drawing, Place::Row)?);
    }
    for (title, draw) in PLANS {
        let decided = verification.tool.is_none();
        if !decided && title == DECISIONS || !traded && TRADED.contains(&title) {
            continue;
        }
        pictures.push(Picture::of(title, draw(verification), Place::Half)?);
    }
    if let Some(rows) = &verification.capacity {
        pictures.push(Picture::of(
            "Capital that the edge carries",
            capacity::draw(verification, rows),
            Place::Beside(capacity_table::table(rows)),
        )?);
    }
    Ok(pictures)
}

/// The sentence that stands for a picture.
fn nothing(sentence: impl Into<String>) -> Drawing {
    Ok(Body::Nothing(sentence.into()))
}
