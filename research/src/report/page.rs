use maud::{DOCTYPE, Markup, PreEscaped, html};
use q50_datasets::run_folder::GENERATOR;

use super::{
    charts::{Body, Picture, Place},
    drawdowns, figures,
    format::{count, words},
    pool, returns, settings, trades, verdict,
    why::Why,
};
use crate::claim::Verification;

/// Layout and the reader's colours.
const STYLE: &str = include_str!("style.css");

/// The whole file.
pub(super) fn page(verification: &Verification, pictures: &[Picture]) -> Markup {
    let data = &verification.data;
    let why = Why::of(verification);
    let body = html! {
        @if data.demonstration { (demonstration()) }
        main {
            header {
                h1 { (verification.title()) }
                p.source {
                    @if let Some(claim) = &verification.claim { "Source of the claim: " (claim.source) ". " }
                    "Replayed from " (data.from) " to " (data.to) ", " (count(verification.replay.bars)) " bars."
                }
                @for file in &data.files { p.source { (file) } }
                @for stale in &data.stale { p.source { (stale) } }
                @for codes in &data.codes { p.source { (codes) } }
                @for note in verification.tool.iter().flat_map(|tool| &tool.notes) { p.source { (note) } }
                @if let Some(perpetual) = &verification.replay.perpetual {
                    p.source { (perpetual.marked_at.words()) }
                    @if let Some(not_filled) = perpetual.not_filled_sentence() { p.source { (not_filled) } }
                }
                @if let Some(reserves) = pool::reserves(verification) { p.source { (reserves) } }
            }
            (verdict::banner(verification))
            h2 { "Checks" }
            (verdict::checks(&verification.checks))
            h2 { (figures::heading(verification)) }
            (figures::comparison(verification, &why))
            @if !verification.instruments.is_empty() {
                h2 { "Instruments" }
                (figures::instruments(verification))
            }
            h2 { "Pictures" }
            div.pictures { @for picture in pictures { (figure(picture, data.demonstration)) } }
            h2 { "Returns by year" }
            (returns::years(verification))
            h2 { "Risk of a bar, and the benchmark" }
            (returns::table(verification))
            h2 { "The deepest drawdowns" }
            (drawdowns::table(verification))
            @if verification.replay.fills.is_some() {
                h2 { "Trades" }
                (trades::table(verification))
            }
            h2 { "The replay in detail" }
            (figures::detail(verification, &why))
            details {
                summary { h2 { "Settings and hashes" } }
                (settings::table(verification))
            }
            footer {
                p { "Run " code { (verification.run_id) } ", q50 " (env!("CARGO_PKG_VERSION")) ". The same data, "
                    "settings and version, with nothing further in the trial ledger, give this file again, byte "
                    "for byte." }
                p { (ledger(verification)) }
            }
        }
    };
    shell(&title(verification), None, &body)
}

/// A whole file with this body, which needs nothing but a browser; it is asked for again after `refresh` seconds.
pub(super) fn shell(title: &str, refresh: Option<u32>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="generator" content=(GENERATOR);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(seconds) = refresh { meta http-equiv="refresh" content=(seconds); }
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    }
}

/// What the trial ledger was when this was written, so that a later one can be held to it.
fn ledger(verification: &Verification) -> Markup {
    let stamp = &verification.ledger;
    html! {
        "Trial ledger: " (count(stamp.entries as usize)) " entries"
        @if let Some(since) = &stamp.since { " since " (since) }
        ", head " code { (stamp.head) } "."
    }
}

fn title(verification: &Verification) -> String {
    let mark = if verification.data.demonstration { " (generated market)" } else { "" };
    format!("{}: {}{mark}", words(&verification.verdict_in_words()), verification.title())
}

fn demonstration() -> Markup {
    html! {
        aside.demonstration role="note" {
            strong { "Demonstration: this market is generated." }
            " Prices and forecasts come from a seeded random generator, so that nothing on this page says anything about a "
            "real market."
        }
    }
}

pub(super) fn figure(picture: &Picture, generated: bool) -> Markup {
    let seen = match &picture.body {
        Body::Nothing(sentence) => html! { p.nothing { (sentence) @if generated { " " (mark()) } } },
        Body::Drawn(drawn) => html! {
            @if !drawn.legend.is_empty() {
                p.legend { @for (key, name) in &drawn.legend { span.entry { (key.sample()) (name) } } }
            }
            (drawn.svg)
        },
    };
    let caption = match &picture.body {
        Body::Nothing(_) => html! {},
        Body::Drawn(drawn) => html! { figcaption { @if generated { (mark()) " " } (drawn.caption) } },
    };
    match &picture.place {
        Place::Half => html! { figure { h3 { (picture.title) } (seen) (caption) } },
        Place::Row => html! { figure.wide { h3 { (picture.title) } (seen) (caption) } },
        Place::Beside(table) => html! {
            figure.wide {
                h3 { (picture.title) }
                div.sides { div.chart { (seen) } (table) }
                (caption)
            }
        },
    }
}

fn mark() -> Markup {
    html! { strong.mark { "Generated market." } }
}
