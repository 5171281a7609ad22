use maud::{Markup, html};

use super::{
    ReportError,
    charts::{Picture, Place, equity_beside, surface, wealth},
    page::{figure, shell},
};
use crate::sweep::Surface;

/// A page of a result that is no verification, in the same clothes.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// Its title.
    pub title: String,
    /// What has to be seen before all else, such as checks that were overridden.
    pub banner: Vec<String>,
    /// What it is of, a line each.
    pub sources: Vec<String>,
    /// Whether the answer is yes; none where nothing was asked that has one.
    pub is_yes: Option<bool>,
    /// The answer in a few words.
    pub answer: String,
    /// And in a sentence.
    pub sentence: String,
    /// Curves of equity; none where there is no equity.
    pub curves: Option<Curves>,
    /// The tests of a monitor; none where there is no monitor.
    pub monitor: Vec<WealthPath>,
    /// How the Sharpe ratio of a search goes with its parameters; none where nothing was searched.
    pub surfaces: Vec<Surface>,
    /// Tables, in order.
    pub tables: Vec<Table>,
    /// After how many seconds a browser asks for it again; none where it stays as it is.
    pub refresh: Option<u32>,
}

/// Curves of equity, multiples of the capital at the close of each bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// Openings of the bars, epoch milliseconds.
    pub open_time: Vec<i64>,
    /// The curves by what they are, three at most; the first is the one that the eye should find. `NaN` where one has no
    /// value.
    pub named: Vec<(&'static str, Vec<f64>)>,
}

/// What a test of a monitor has made.
#[derive(Clone, Debug, PartialEq)]
pub struct WealthPath {
    /// Which test.
    pub name: &'static str,
    /// Natural logarithm of its wealth after each observation.
    pub log_wealth: Vec<f64>,
}

/// A table. The first column is words; another one is numbers, unless one of its cells is neither a number nor empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its title.
    pub title: &'static str,
    /// Heads of the columns.
    pub heads: Vec<&'static str>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
    /// How to read it; empty where that is plain.
    pub note: &'static str,
}

impl Sheet {
    /// The page as one self-contained HTML file.
    ///
    /// # Errors
    /// The picture cannot be drawn.
    pub fn html(&self) -> Result<String, ReportError> {
        let place = || if self.monitor.is_empty() { Place::Row } else { Place::Half };
        let mut pictures = Vec::new();
        if let Some(Curves { open_time, named }) = &self.curves {
            let named: Vec<(&str, &[f64])> = named.iter().map(|(name, curve)| (*name, &curve[..])).collect();
            let names: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
            let label = format!("Equity over time on a log scale: {}.", names.join(" beside "));
            pictures.push(Picture::of("Equity", equity_beside(open_time, &named, &label), place())?);
        }
        if !self.monitor.is_empty() {
            let paths: Vec<(&str, &[f64])> =
                self.monitor.iter().map(|path| (path.name, &path.log_wealth[..])).collect();
            pictures.push(Picture::of("Monitor", wealth(&paths), place())?);
        }
        for one in &self.surfaces {
            let down = one.down.as_ref().map_or_else(String::new, |down| format!("{} and ", down.path));
            let title = format!("Sharpe ratio by {down}{}", one.across.path);
            pictures.push(Picture::of(title, surface(one), Place::Half)?);
        }
        Ok(shell(&self.title, self.refresh, &self.body(&pictures)).into_string())
    }

    fn body(&self, pictures: &[Picture]) -> Markup {
        let class = match self.is_yes {
            Some(true) => "confirmed",
            Some(false) => "refuted",
            None => "open",
        };
        html! {
            @for said in &self.banner { aside.demonstration role="note" { strong { (said) } } }
            main {
                header {
                    h1 { (self.title) }
                    @for source in &self.sources { p.source { (source) } }
                }
                section.verdict.(class) aria-label="Answer" {
                    p.word { (self.answer) }
                    p.replayed { (self.sentence) }
                }
                div.pictures.first { @for picture in pictures { (figure(picture, false)) } }
                @for table in self.tables.iter().filter(|table| !table.rows.is_empty()) { (of(table)) }
                footer {
                    p {
                        "q50 " (env!("CARGO_PKG_VERSION")) ". "
                        @match self.refresh {
                            None => "The same record gives this file again, byte for byte.",
                            Some(seconds) => { "This page is made anew every " (seconds) " seconds." }
                        }
                    }
                }
            }
        }
    }
}

impl Table {
    /// The class of a column's cells.
    fn class(&self, column: usize) -> &'static str {
        let is_number = |cell: &String| {
            let number = cell.strip_suffix(" %").unwrap_or(cell);
            matches!(number, "" | "-") || number.parse::<f64>().is_ok()
        };
        let are_numbers = self.rows.iter().filter_map(|row| row.get(column)).all(is_number);
        if are_numbers { "number" } else { "" }
    }
}

fn of(table: &Table) -> Markup {
    let classes: Vec<&str> = (0..table.heads.len()).map(|column| table.class(column)).collect();
    html! {
        h2 { (table.title) }
        div.scroll tabindex="0" role="region" aria-label=(table.title) {
            table.list {
                thead {
                    tr {
                        @for (column, head) in table.heads.iter().enumerate() {
                            @if column == 0 { th scope="col" { (head) } } @else { th.(classes[column]) scope="col" { (head) } }
                        }
                    }
                }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (column, cell) in row.iter().enumerate() {
                                @if column == 0 { th scope="row" { (cell) } } @else { td.(classes.get(column).copied().unwrap_or_default()) { (cell) } }
                            }
                        }
                    }
                }
            }
        }
        @if !table.note.is_empty() { p.source { (table.note) } }
    }
}
