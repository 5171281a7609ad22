//! How much an order is filled for, and which amounts are refused.

use super::*;

/// Places one request a bar, each at the market, and returns what came of it.
fn one_a_bar(venue: NextOpen, requests: &[OrderRequest]) -> Journal {
    let bars = Bars::new(&vec![QUIET; requests.len() + 1]);
    let place = |row: usize, orders: &mut Orders| {
        if let Some(request) = requests.get(row) {
            orders.place(*request);
        }
    };
    run(&bars, venue, place, |_, _| {})
}

fn market(side: FillSide, amount: Amount) -> OrderRequest {
    OrderRequest::new(side, OrderKind::Market, amount, Reason::EnterLong)
}

#[test]
fn a_position_is_closed_in_the_parts_that_it_was_opened_in() {
    let [at_once, first, rest] = [0.3, 0.1, 0.2].map(Amount::Units);
    let (buy, sell) = (FillSide::Buy, FillSide::Sell);
    for (open, shut) in [(buy, sell), (sell, buy)] {
        for parts in [
            // 0.3 - 0.1 is less than 0.2, and 0.1 + 0.2 more than 0.3.
            [market(open, at_once), market(shut, first), market(shut, rest)],
            [market(open, first), market(open, rest), market(shut, at_once)],
        ] {
            let journal = one_a_bar(free().with_free_shorting(), &parts);
            assert_eq!(journal.exposure[3], 0.0, "{:?}", journal.exposure);
            if open == buy {
                assert_eq!(one_a_bar(free(), &parts).fills, journal.fills, "no short side is needed");
            }
        }
    }
}

#[test]
fn what_is_owed_opens_no_credit() {
    let venue = free().with_free_shorting();
    let owe = market(FillSide::Sell, Amount::Units(0.001));
    let journal = one_a_bar(venue, &[owe, market(FillSide::Buy, Amount::Units(1e6))]);
    assert_eq!((fills(&journal).len(), &journal.rejections[..]), (1, &[(1, Rejection::NoCash)][..]));
    // 0.001 are bought back for 0.1 of 10,000.1, and 100 for the rest.
    let journal = one_a_bar(venue, &[owe, market(FillSide::Buy, Amount::Quote(1e9))]);
    let (_, units, _) = fills(&journal)[1];
    assert!((units - 100.001).abs() < 1e-9, "{units}");
    assert!(journal.exposure.iter().all(|share| *share <= 1.0 + 1e-9), "{:?}", journal.exposure);
}

#[test]
fn no_more_is_sold_short_than_the_account_is_worth() {
    let venue = free().with_free_shorting();
    let short = |amount: Amount| market(FillSide::Sell, amount);
    assert_eq!(one_a_bar(venue, &[short(Amount::Units(101.0))]).rejections, [(0, Rejection::NoCash)]);
    let journal = one_a_bar(venue, &[short(Amount::Units(60.0)), short(Amount::Quote(1e9))]);
    assert_eq!(fills(&journal), [(1, -60.0, 100.0), (2, -40.0, 100.0)]);
    let journal = one_a_bar(venue, &[short(Amount::Units(60.0)), short(Amount::Units(41.0))]);
    assert_eq!(journal.rejections, [(1, Rejection::NoCash)]);
}

#[test]
fn what_is_owed_can_be_bought_back_whatever_it_costs() {
    let bars = Bars::new(&[QUIET, QUIET, [300.0; 4]]);
    let place = |row: usize, orders: &mut Orders| match row {
        0 => {
            orders.place(sell(OrderKind::Market, 100.0));
        }
        1 => {
            orders.place(buy(OrderKind::Market, 100.0));
        }
        _ => {}
    };
    let journal = run(&bars, free().with_free_shorting(), place, |_, _| {});
    assert_eq!((fills(&journal)[1], journal.equity[2]), ((2, 100.0, 300.0), -10_000.0));
}

#[test]
fn an_amount_that_is_no_amount_is_refused() {
    let amounts = [f64::NAN, f64::INFINITY, 0.0, -1.0];
    for amount in amounts.map(Amount::Units).into_iter().chain(amounts.map(Amount::Quote)) {
        for request in [market(FillSide::Buy, amount), market(FillSide::Sell, amount)] {
            for request in [request, request.reduce_only()] {
                let journal = one_a_bar(free().with_free_shorting(), &[request]);
                assert_eq!(journal.rejections, [(0, Rejection::BelowLot)], "{request:?}");
                assert_eq!(outcomes(&journal), [(1, "rejected")], "{request:?}");
            }
        }
    }
}
