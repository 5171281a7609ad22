use std::collections::BTreeMap;

use plotters::style::text_anchor::{HPos, VPos};

use super::{
    Body, Drawing, Drawn, Key,
    calendar::year_and_month,
    canvas::{self, Area, DrawError, MUTED, TEXT, TITLE, text},
    heat::{Heat, ROW},
    nothing,
};
use crate::{
    claim::Verification,
    report::format::{DASH, number},
};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Where the first month begins, and how wide a cell is.
const LEFT: i32 = 88;
const CELL: i32 = 72;
/// Where the first year begins: below the titles and the names of the months.
const TOP: i32 = 100;

/// Returns of the replay by year and month.
pub(super) fn draw(verification: &Verification) -> Drawing {
    let curves = &verification.curves;
    let returns = monthly_returns(&curves.open_time, &curves.equity);
    let (Some((&(first, _), _)), Some((&(last, _), _))) = (returns.first_key_value(), returns.last_key_value()) else {
        return nothing("No bar was replayed, so that no month has a return.");
    };
    if curves.equity.len() < 2 {
        return nothing("One bar was replayed: no month has a return that could be compared.");
    }
    let best = returns.values().copied().fold(f64::NEG_INFINITY, f64::max);
    let worst = returns.values().copied().fold(f64::INFINITY, f64::min);
    let label = format!(
        "Monthly returns of the replay, {} months between {} and {} per cent.",
        returns.len(),
        number(worst * 100.0, 1),
        number(best * 100.0, 1)
    );
    let years = i32::from(last - first) + 1;
    let height = u32::try_from(TOP + years * ROW + 8).unwrap_or(0);
    let svg = canvas::draw(height, &label, |area| {
        titles(area)?;
        let heat = Heat { width: CELL, deepest: best.abs().max(worst.abs()) * 100.0 };
        for (row, year) in (first..=last).enumerate() {
            let top = TOP + i32::try_from(row).unwrap_or(0) * ROW;
            let middle = top + ROW / 2;
            area.draw_text(&year.to_string(), &text(MUTED, HPos::Left, VPos::Center), (4, middle))?;
            for month in 1..=12_i8 {
                let percent = returns.get(&(year, month)).map(|growth| growth * 100.0);
                heat.cell(area, (LEFT + i32::from(month - 1) * CELL, top), percent)?;
            }
        }
        Ok(())
    })?;
    Ok(Body::Drawn(Drawn {
        svg,
        legend: vec![(Key::Gain, "gain".to_owned()), (Key::Loss, "loss".to_owned())],
        caption: format!(
            "Return of the replay after costs in each calendar month (UTC), the deeper the colour the larger; the first \
             and the last month may be covered in part, and a {DASH} is a month outside the record."
        ),
    }))
}

fn titles(area: &Area<'_>) -> Result<(), DrawError> {
    area.draw_text("return in % by year and month", &text(MUTED, HPos::Left, VPos::Top), (4, TITLE))?;
    let style = text(MUTED, HPos::Center, VPos::Center);
    for (month, at) in MONTHS.iter().zip((0..).map(|i| LEFT + i * CELL + CELL / 2)) {
        area.draw_text(month, &style, (at, TOP - TEXT / 2 - 8))?;
    }
    Ok(())
}

/// Growth within each month.
fn monthly_returns(open_time: &[i64], equity: &[f64]) -> BTreeMap<(i16, i8), f64> {
    growth_by(open_time, equity, year_and_month)
}

/// Growth within each period, from the last close of the one before; the first begins with the capital.
pub(in crate::report) fn growth_by<P: Ord>(
    open_time: &[i64],
    equity: &[f64],
    period: impl Fn(i64) -> Option<P>,
) -> BTreeMap<P, f64> {
    let mut closes = BTreeMap::new();
    for (&time, &value) in open_time.iter().zip(equity) {
        if let Some(period) = period(time) {
            closes.insert(period, value);
        }
    }
    let mut before = 1.0;
    closes
        .into_iter()
        .map(|(period, close)| (period, close / std::mem::replace(&mut before, close) - 1.0))
        .filter(|(_, growth)| growth.is_finite())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_measured_from_the_last_close_before_it() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let times = ["2024-01-30T00:00:00Z", "2024-01-31T23:00:00Z", "2024-02-01T00:00:00Z", "2024-12-05T00:00:00Z"];
        let returns = monthly_returns(&times.map(at), &[1.1, 1.25, 1.5, 0.75]);
        let rows: Vec<_> = returns.into_iter().collect();
        assert_eq!(rows, [((2024, 1), 0.25), ((2024, 2), 0.2), ((2024, 12), -0.5)].map(|(m, r)| (m, close(r))));
    }

    /// The same quotient that the code forms, where the decimal has no exact double.
    fn close(value: f64) -> f64 {
        if value == 0.2 { 1.5 / 1.25 - 1.0 } else { value }
    }
}
