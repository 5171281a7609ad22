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
    let trips = trips(verification);
    let several = !verification.instruments.is_empty();
    let columns = if several { 12 } else { 11 };
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
                        @if several { th scope="col" { "Instrument" } }
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
                        tr { td.between colspan=(columns) { (count(left_out)) " more in between, all of them in fills.parquet" } }
                    }
                    @for trip in last { (row(trip)) }
                }
            }
        }
    }
}

/// A position, and the name of its instrument where there are several.
type Trip<'a> = (Option<&'a str>, RoundTrip);

/// In the order of their first fills.
fn trips(verification: &Verification) -> Vec<Trip<'_>> {
    let journal = &verification.journal;
    if verification.instruments.is_empty() {
        let last_close = verification.curves.close.last().copied().unwrap_or(f64::NAN);
        return round_trips(&journal.fills, last_close).into_iter().map(|trip| (None, trip)).collect();
    }
    let each = verification.instruments.iter().zip(&journal.each);
    let mut all: Vec<Trip<'_>> = each
        .flat_map(|(instrument, one)| {
            let trips = round_trips(&one.fills, instrument.last_close.unwrap_or(f64::NAN));
            trips.into_iter().map(|trip| (Some(instrument.name.as_str()), trip))
        })
        .collect();
    all.sort_by_key(|(_, trip)| trip.opened);
    all
}

fn summary(trips: &[Trip<'_>]) -> String {
    let gained = trips.iter().filter(|(_, trip)| trip.gain > 0.0).count();
    let open = match trips.iter().filter(|(_, trip)| trip.closed.is_none()).count() {
        0 => "",
        1 => " The last one was still open at the end and is valued at the last close.",
        _ => " Those that were still open at the end are valued at the last close.",
    };
    format!(
        "{} positions from flat to flat, {} of them with a gain after fees. Prices are means over the fills of a \
         position.{open}",
        count(trips.len()),
        count(gained)
    )
}

fn row((instrument, trip): &Trip<'_>) -> Markup {
    html! {
        tr {
            @if let Some(name) = instrument { td { (name) } }
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
