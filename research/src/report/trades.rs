use maud::{Markup, html};
use q50_engine::strategy::side::Side;

use super::{
    format::{amount, count, days, signed, when, words},
    pool,
};
use crate::{
    claim::Verification,
    round_trips::{RoundTrip, round_trips},
};

/// Rows at either end of a list that is too long to be shown whole.
const EITHER_END: usize = 100;

/// Every position from its first fill to its last.
pub(super) fn table(verification: &Verification) -> Markup {
    let last_close = verification.curves.close.last().copied().unwrap_or(f64::NAN);
    let trips = round_trips(&verification.journal.fills, last_close);
    if trips.is_empty() {
        return html! { p.nothing { "Nothing was traded." } };
    }
    let left_out = trips.len().saturating_sub(2 * EITHER_END);
    let (first, last) = if left_out > 0 {
        (&trips[..EITHER_END], &trips[trips.len() - EITHER_END..])
    } else {
        (&trips[..], &trips[trips.len()..])
    };
    html! {
        p.nothing { (summary(&trips)) }
        div.scroll.tall tabindex="0" role="region" aria-label="The trades" {
            table.list {
                thead {
                    tr {
                        th scope="col" { "Opened" }
                        th scope="col" { "Closed" }
                        th scope="col" { "Side" }
                        th.number scope="col" { "Units" }
                        th.number scope="col" { "Entry" }
                        th.number scope="col" { "Exit" }
                        th.number scope="col" { "Return" }
                        th.number scope="col" { "Gain, " (pool::unit(verification)) }
                        th.number scope="col" { "Days" }
                        th.number scope="col" { "Fills" }
                        th scope="col" { "Last order" }
                    }
                }
                tbody {
                    @for trip in first { (row(trip)) }
                    @if left_out > 0 {
                        tr { td.between colspan="11" { (count(left_out)) " more in between, all of them in fills.parquet" } }
                    }
                    @for trip in last { (row(trip)) }
                }
            }
        }
    }
}

fn summary(trips: &[RoundTrip]) -> String {
    let gained = trips.iter().filter(|trip| trip.gain > 0.0).count();
    let open = if trips.last().is_some_and(|trip| trip.closed.is_none()) {
        " The last one was still open at the end and is valued at the last close."
    } else {
        ""
    };
    format!(
        "{} positions from flat to flat, {} of them with a gain after fees. Prices are means over the fills of a \
         position.{open}",
        count(trips.len()),
        count(gained)
    )
}

fn row(trip: &RoundTrip) -> Markup {
    html! {
        tr {
            td { (when(trip.opened)) }
            td { (trip.closed.map_or_else(|| "open".to_owned(), when)) }
            td { (if trip.side == Side::Long { "long" } else { "short" }) }
            td.number { (amount(trip.units)) }
            td.number { (amount(trip.entry)) }
            td.number { (amount(trip.exit)) }
            td.number { (signed(trip.growth * 100.0, 2)) "\u{a0}%" }
            td.number { (amount(trip.gain)) }
            td.number { (trip.closed.map_or_else(String::new, |closed| days(closed - trip.opened))) }
            td.number { (count(trip.fills)) }
            td { (words(trip.reason.name()).to_lowercase()) }
        }
    }
}
