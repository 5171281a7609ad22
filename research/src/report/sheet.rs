use maud::{Markup, html};

use super::{
    ReportError,
    charts::{Picture, Place, equity_beside},
    page::{figure, shell},
};

/// A page of a result that is no verification, in the same clothes.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// Its title.
    pub title: String,
    /// What it is of, a line each.
    pub sources: Vec<String>,
    /// Whether the answer is yes.
    pub is_yes: bool,
    /// The answer in a few words.
    pub answer: String,
    /// And in a sentence.
    pub sentence: String,
    /// Two curves of equity.
    pub curves: Curves,
    /// Tables, in order.
    pub tables: Vec<Table>,
}

/// Two curves of equity, multiples of the capital at the close of each bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// Openings of the bars, epoch milliseconds.
    pub open_time: Vec<i64>,
    /// What they are; the first is the one that the eye should find.
    pub names: [&'static str; 2],
    /// The curves.
    pub values: [Vec<f64>; 2],
}

/// A table. The first column is words, the others are numbers.
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
        let Curves { open_time, names, values: [first, second] } = &self.curves;
        let label = format!("Equity over time on a log scale: {} beside {}.", names[0], names[1]);
        let drawn = equity_beside(open_time, *names, [first, second], &label);
        let body = drawn.map_err(|source| ReportError { picture: "Equity", source })?;
        let picture = Picture { title: "Equity", body, place: Place::Row };
        Ok(shell(&self.title, &self.body(&picture)).into_string())
    }

    fn body(&self, picture: &Picture) -> Markup {
        let class = if self.is_yes { "confirmed" } else { "refuted" };
        html! {
            main {
                header {
                    h1 { (self.title) }
                    @for source in &self.sources { p.source { (source) } }
                }
                section.verdict.(class) aria-label="Answer" {
                    p.word { (self.answer) }
                    p.replayed { (self.sentence) }
                }
                div.pictures.first { (figure(picture, false)) }
                @for table in self.tables.iter().filter(|table| !table.rows.is_empty()) { (of(table)) }
                footer { p { "q50 " (env!("CARGO_PKG_VERSION")) ". The same record gives this file again, byte for byte." } }
            }
        }
    }
}

fn of(table: &Table) -> Markup {
    html! {
        h2 { (table.title) }
        div.scroll tabindex="0" role="region" aria-label=(table.title) {
            table.list {
                thead {
                    tr {
                        @for (column, head) in table.heads.iter().enumerate() {
                            @if column == 0 { th scope="col" { (head) } } @else { th.number scope="col" { (head) } }
                        }
                    }
                }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (column, cell) in row.iter().enumerate() {
                                @if column == 0 { th scope="row" { (cell) } } @else { td.number { (cell) } }
                            }
                        }
                    }
                }
            }
        }
        @if !table.note.is_empty() { p.source { (table.note) } }
    }
}
