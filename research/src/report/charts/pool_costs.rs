use super::{
    Body, Drawing, Drawn,
    bars::{self, Bar},
    canvas::{ACCENT, LOSS, OTHER},
    nothing,
};
use crate::{
    claim::Verification,
    report::format::{amount, count, percent, plain},
};

/// What trading in a pool cost, part by part.
pub(super) fn draw(verification: &Verification) -> Drawing {
    let (replay, capital) = (&verification.replay, verification.journal.capital);
    let Some(costs) = &replay.pool_costs else { return nothing("No order was filled, so that nothing was paid.") };
    // Grouped by colour: what the pool charges, what the trade itself does to the price, and the rest.
    let parts = [
        ("liquidity providers", costs.lp, ACCENT),
        ("protocol", costs.protocol, ACCENT),
        ("coin creator", costs.creator, ACCENT),
        ("own impact", costs.impact, LOSS),
        ("sandwiches", costs.sandwich, LOSS),
        ("network", costs.network, OTHER),
    ];
    let most = parts.iter().map(|(_, cost, _)| *cost).fold(0.0, f64::max);
    if !(capital > 0.0 && parts.iter().all(|(_, cost, _)| cost.is_finite())) {
        return nothing("Capital or a cost is not a number above zero, so that costs have no share of it.");
    }
    let rows: Vec<Bar> = parts
        .iter()
        .map(|&(name, cost, color)| Bar {
            name: name.to_owned(),
            words: words(cost, capital),
            length: if most > 0.0 { (cost / most).max(0.0) } else { 0.0 },
            color,
        })
        .collect();
    let svg = bars::draw(
        "What trading cost in SOL, with its share of the capital",
        ["lost to", "SOL (share of the capital)"],
        &rows,
    )?;
    let total: f64 = parts.iter().map(|(_, cost, _)| cost).sum();
    let net = replay.final_equity - capital;
    let result = if net < 0.0 { "loss" } else { "profit" };
    let caption = format!(
        "Trading cost {} SOL, {} of the capital of {} SOL, over {} fills; a net {result} of {} SOL is left. Own impact and \
         sandwiches are worse prices, everything else was paid on top of them. What failed transactions paid to the network \
         is not in it.",
        amount(total),
        percent(total / capital, 2),
        plain(capital),
        count(replay.fills.unwrap_or(0)),
        amount(net.abs()),
    );
    Ok(Body::Drawn(Drawn { svg, legend: Vec::new(), caption }))
}

/// An amount with its share of the capital; what was paid at all is not 0 %.
fn words(cost: f64, capital: f64) -> String {
    let share = match cost / capital {
        0.0 => return "0".to_owned(),
        share if share.abs() < 0.000_05 => "<0.01\u{a0}%".to_owned(),
        share => percent(share, 2),
    };
    format!("{} ({share})", amount(cost))
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn what_was_paid_is_not_nothing() {
        assert_eq!(words(1.192, 10.0), "1.19 (11.92\u{a0}%)");
        assert_eq!(words(0.000_005, 10.0), "0.000005 (<0.01\u{a0}%)");
        assert_eq!(words(0.0, 10.0), "0");
    }
}
