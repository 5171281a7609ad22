use maud::{Markup, html};

use super::format::{DASH, count, days, percent, when};
use crate::{claim::Verification, metrics::falls};

/// Rows of the table.
const MOST: usize = 10;

/// The deepest drawdowns of the replay, from peak to recovery.
pub(super) fn table(verification: &Verification) -> Markup {
    let curves = &verification.curves;
    // The capital is the first point, so that point n is the close of bar n - 1.
    let equity: Vec<f64> = std::iter::once(1.0).chain(curves.equity.iter().copied()).collect();
    let falls = falls(&equity).unwrap_or_default();
    let bar = |point: usize| curves.open_time.get(point.saturating_sub(1)).copied();
    let date = |point: usize| bar(point).map_or_else(|| DASH.to_owned(), when);
    let length = |from: usize, to: usize| bar(from).zip(bar(to)).map_or_else(|| DASH.to_owned(), |(a, b)| days(b - a));
    let end = equity.len() - 1;
    html! {
        @if falls.is_empty() {
            p.nothing { "The equity never fell below an earlier close." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="The deepest drawdowns" {
                table.list {
                    thead {
                        tr {
                            th.number scope="col" { "Depth" }
                            th scope="col" { "Peak" }
                            th scope="col" { "Trough" }
                            th scope="col" { "Recovered" }
                            th.number scope="col" { "Days below the peak" }
                        }
                    }
                    tbody {
                        @for fall in falls.iter().take(MOST) {
                            tr {
                                td.number { (percent(fall.depth, 2)) }
                                td { (date(fall.peak)) }
                                td { (date(fall.trough)) }
                                td { (fall.recovery.map_or_else(|| "not by the end".to_owned(), date)) }
                                td.number { (length(fall.peak, fall.recovery.unwrap_or(end))) }
                            }
                        }
                    }
                }
            }
            @if falls.len() > MOST { p.nothing { "The deepest " (MOST) " of " (count(falls.len())) "." } }
        }
    }
}
