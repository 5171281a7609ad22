use plotters::{
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

use super::{
    Body, Drawing, Drawn,
    canvas::{self, ACCENT, HEIGHT, INK, LOSS, OTHER, text},
    frame::{Axis, Grid, frame, level, zero_line},
    nothing, pool_costs,
    scale::Scale,
};
use crate::{
    claim::Verification,
    report::{
        format::{number, signed},
        pool,
    },
};

/// A step from profit before costs to profit after them, per cent of capital.
struct Step {
    name: &'static str,
    from: f64,
    to: f64,
    color: RGBColor,
}

/// From gross to net.
pub(super) fn draw(verification: &Verification) -> Drawing {
    let (replay, capital) = (&verification.replay, verification.journal.capital);
    if replay.pool_costs.is_some() {
        return pool_costs::draw(verification);
    }
    let (Some(fills), Some(fees)) = (replay.fills.filter(|fills| *fills > 0), replay.fees) else {
        return nothing("No order was filled, so that nothing was earned and nothing was paid.");
    };
    let costs = match &replay.perpetual {
        None => vec![("fees", fees), ("spread", replay.spread_cost.unwrap_or(0.0))],
        Some(parts) => vec![
            ("fees", parts.fees),
            ("funding", parts.funding),
            ("spread", parts.spread),
            ("slippage", parts.slippage),
            ("liquidation", parts.liquidation_cost),
        ],
    };
    let net = replay.final_equity - capital;
    let gross = net + costs.iter().map(|(_, cost)| cost).sum::<f64>();
    let share = |amount: f64| amount / capital * 100.0;
    if !(share(gross).is_finite() && share(net).is_finite()) {
        return nothing("Capital or final equity is not a number above zero, so that costs have no share of it.");
    }
    let color = if net < 0.0 { LOSS } else { ACCENT };
    let mut steps = vec![Step { name: "gross", from: 0.0, to: share(gross), color: OTHER }];
    let mut left = gross;
    for (name, cost) in &costs {
        // What was received, as funding may be, is no loss.
        let color = if *cost < 0.0 { ACCENT } else { LOSS };
        steps.push(Step { name, from: share(left), to: share(left - cost), color });
        left -= cost;
    }
    steps.push(Step { name: "net", from: 0.0, to: share(net), color });
    let low = steps.iter().flat_map(|s| [s.from, s.to]).fold(0.0, f64::min);
    let high = steps.iter().flat_map(|s| [s.from, s.to]).fold(0.0, f64::max);
    // A number stands above its bar.
    let room = (high - low) * 0.12;
    let words: Vec<String> = steps.iter().map(|s| format!("{} {}", s.name, signed(s.to - s.from, 1))).collect();
    let label = format!("Profit and costs in per cent of capital: {}.", words.join(", "));
    let svg = canvas::draw(HEIGHT, &label, |area| {
        let names = steps.iter().enumerate().map(|(i, step)| (i as f64 + 0.5, step.name.to_owned()));
        let x = Axis {
            scale: Scale::named(steps.len() as f64, names.collect()),
            title: "from profit before costs to profit after them",
        };
        let y = Axis { scale: Scale::linear(low, high + room, 5, number), title: "% of capital" };
        let mut chart = frame(area, x, y, Grid::Across)?;
        for (i, step) in steps.iter().enumerate() {
            let left = i as f64;
            let bar = [(left + 0.22, step.from), (left + 0.78, step.to)];
            chart.draw_series([Rectangle::new(bar, step.color.filled())])?;
            let words = Text::new(signed(step.to - step.from, 1), (0, -8), text(INK, HPos::Center, VPos::Bottom));
            chart.draw_series([EmptyElement::at((left + 0.5, step.from.max(step.to))) + words])?;
        }
        level(&mut chart, 0.0, zero_line())
    })?;
    let unit = pool::unit(verification);
    let named: Vec<String> = costs.iter().map(|(name, cost)| format!("{name} ({})", number(*cost, 2))).collect();
    let caption = format!(
        "From profit before costs ({} {unit}) on the left, {} take their share until the net profit ({}) on the right is \
         left, over {} fills.",
        number(gross, 2),
        in_words(&named),
        number(net, 2),
        crate::report::format::count(fills)
    );
    Ok(Body::Drawn(Drawn { svg, legend: Vec::new(), caption }))
}

/// `a, b and c`.
fn in_words(words: &[String]) -> String {
    match words {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => words.concat(),
    }
}
