use maud::{Markup, html};

use super::depths;
use crate::{
    capacity::{CapacityCell, DepthRow},
    report::format::{DASH, number, plain, short_percent, two_digits},
};

/// Depth by capital: Sharpe ratio and return of each cell, and where the edge is gone.
pub(super) fn table(rows: &[DepthRow]) -> Markup {
    let capitals: Vec<String> =
        rows.first().map(|row| row.cells.iter().map(|cell| plain(cell.capital)).collect()).unwrap_or_default();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Sharpe ratio and return by depth and capital" {
            table.capacity {
                caption { "Annual Sharpe ratio, and below it the return over the record" }
                thead {
                    tr {
                        th scope="col" rowspan="2" { "Depth," br; "SOL" }
                        th.over scope="colgroup" colspan=(capitals.len()) { "Capital, SOL" }
                        th.number scope="col" rowspan="2" { "Edge gone" br; "at, SOL" }
                    }
                    tr { @for capital in &capitals { th.number scope="col" { (capital) } } }
                }
                tbody {
                    @for (rank, row) in rows.iter().enumerate() {
                        tr {
                            th scope="row" { (plain(row.depth)) (depths::sample(rank)) }
                            @for cell in &row.cells {
                                td.number {
                                    (ratio(cell)) span.return { (short_percent(cell.total_return)) }
                                }
                            }
                            td.number { (gone_at(row)) }
                        }
                    }
                }
            }
        }
    }
}

fn ratio(cell: &CapacityCell) -> String {
    cell.sharpe.map_or_else(|| DASH.to_owned(), |sharpe| number(sharpe, 2))
}

/// The capital at which the edge is gone, or on which side of the table that would be.
pub(super) fn gone_at(row: &DepthRow) -> String {
    let (Some(first), Some(last)) = (row.cells.first(), row.cells.last()) else { return DASH.to_owned() };
    match (row.edge_gone_at, first.sharpe, last.sharpe) {
        (Some(at), ..) => two_digits(at),
        (None, Some(sharpe), _) if sharpe <= 0.0 => format!("below {}", plain(first.capital)),
        (None, _, Some(sharpe)) if sharpe > 0.0 => format!("above {}", plain(last.capital)),
        _ => DASH.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(sharpes: [Option<f64>; 2], edge_gone_at: Option<f64>) -> DepthRow {
        let cells = [1.0, 10.0].into_iter().zip(sharpes);
        let cells = cells.map(|(capital, sharpe)| CapacityCell { capital, sharpe, total_return: 0.0 }).collect();
        DepthRow { depth: 50.0, cells, edge_gone_at }
    }

    #[test]
    fn an_edge_that_is_not_gone_within_the_table_is_gone_beyond_one_of_its_ends() {
        assert_eq!(gone_at(&row([Some(1.0), Some(-1.0)], Some(3.16))), "3.2");
        assert_eq!(gone_at(&row([Some(-1.0), None], None)), "below 1");
        assert_eq!(gone_at(&row([Some(1.0), Some(0.5)], None)), "above 10");
        assert_eq!(gone_at(&row([None, None], None)), DASH);
    }
}
