//! Several orders in one bar: which is met first, and what those meet that come after it.

use super::*;

/// Buys one unit at the open of row 1, places `requests` at its close, and lets `bar` follow.
fn held(bar: [f64; 4], requests: &[OrderRequest]) -> Journal {
    let place = |row: usize, orders: &mut Orders| match row {
        0 => {
            orders.place(buy(OrderKind::Market, 1.0));
        }
        1 => requests.iter().for_each(|request| {
            orders.place(*request);
        }),
        _ => {}
    };
    run(&Bars::new(&[QUIET, QUIET, bar]), free(), place, |_, _| {})
}

/// Places `requests` with nothing held, and lets `bar` follow.
fn flat(venue: NextOpen, bar: [f64; 4], requests: &[OrderRequest]) -> Journal {
    let place = |row: usize, orders: &mut Orders| {
        for request in requests.iter().filter(|_| row == 0) {
            orders.place(*request);
        }
    };
    run(&Bars::new(&[QUIET, bar]), venue, place, |_, _| {})
}

fn close(side: FillSide, kind: OrderKind) -> OrderRequest {
    OrderRequest::new(side, kind, Amount::Position, Reason::StopLoss)
}

#[test]
fn a_target_beside_its_entry_is_not_met_by_a_price_that_may_have_been_there_before() {
    let entry = buy(OrderKind::Limit(95.0), 1.0);
    let target = sell(OrderKind::Limit(105.5), 1.0);
    // The high of 106 may have come before the low of 95, when there was nothing to sell.
    let unknown = [100.0, 106.0, 95.0, 100.0];
    let certain = [100.0, 106.0, 95.0, 105.6];
    for requests in [[entry, target.reduce_only()], [target.reduce_only(), entry]] {
        let venue = free().with_free_shorting();
        assert_eq!(fills(&flat(venue, unknown, &requests)), [(1, 1.0, 95.0)]);
        assert_eq!(fills(&flat(venue, certain, &requests)), [(1, 1.0, 95.0), (1, -1.0, 105.5)]);
    }
    for requests in [[entry, target], [target, entry]] {
        assert_eq!(fills(&flat(free(), unknown, &requests)), [(1, 1.0, 95.0)]);
        // What may be sold short is sold in either order.
        let both = flat(free().with_free_shorting(), unknown, &requests);
        assert_eq!(fills(&both), [(1, 1.0, 95.0), (1, -1.0, 105.5)]);
    }
}

#[test]
fn what_a_bar_may_have_bought_after_its_target_is_not_sold_there() {
    let requests = [buy(OrderKind::Limit(95.0), 1.0), close(FillSide::Sell, OrderKind::Limit(105.5))];
    let journal = held([100.0, 106.0, 95.0, 100.0], &requests);
    assert_eq!(fills(&journal)[1..], [(2, -1.0, 105.5), (2, 1.0, 95.0)]);
}

#[test]
fn the_price_passes_an_entry_on_its_way_to_the_stop_behind_it() {
    let requests = [close(FillSide::Sell, OrderKind::Stop(90.0)), buy(OrderKind::Limit(95.0), 1.0)];
    let bar = [100.0, 101.0, 89.0, 100.0];
    assert_eq!(fills(&flat(free(), bar, &requests)), [(1, 1.0, 95.0), (1, -1.0, 90.0)]);
    assert_eq!(fills(&held(bar, &requests))[1..], [(2, 1.0, 95.0), (2, -2.0, 90.0)]);
    // A target that lies behind the entry, too: at 105 and then at 110.
    let requests = [close(FillSide::Sell, OrderKind::Limit(110.0)), buy(OrderKind::Stop(105.0), 1.0)];
    let journal = flat(free(), [100.0, 111.0, 99.0, 100.0], &requests);
    assert_eq!(fills(&journal), [(1, 1.0, 105.0), (1, -1.0, 110.0)]);
    // With a stop that the range reaches, that one: the low of 97 may have come after the entry.
    let requests = [&requests[..], &[close(FillSide::Sell, OrderKind::Stop(98.0))]].concat();
    let journal = flat(free(), [100.0, 111.0, 97.0, 100.0], &requests);
    assert_eq!(fills(&journal), [(1, 1.0, 105.0), (1, -1.0, 98.0)]);
}

#[test]
fn an_order_that_finds_nothing_to_reduce_in_all_of_the_bar_ends() {
    let bar = [100.0, 106.0, 99.0, 100.0];
    let sale = sell(OrderKind::Limit(105.0), 1.0);
    assert_eq!(outcomes(&flat(free(), bar, &[sale.reduce_only()])), [(1, "accepted"), (1, "cancelled")]);
    assert_eq!(flat(free(), bar, &[sale]).rejections, [(0, Rejection::NoPosition)]);
}

#[test]
fn of_orders_of_one_kind_the_nearest_to_the_open_is_first() {
    let through = [100.0, 101.0, 93.0, 95.0];
    let limits = [94.0, 97.0].map(|price| buy(OrderKind::Limit(price), 1.0));
    assert_eq!(fills(&flat(free(), through, &limits)), [(1, 1.0, 97.0), (1, 1.0, 94.0)]);
    let stops = [94.0, 97.0].map(|price| sell(OrderKind::Stop(price), 0.5));
    assert_eq!(fills(&held(through, &stops))[1..], [(2, -0.5, 97.0), (2, -0.5, 94.0)]);
}

#[test]
fn a_bar_that_opens_beyond_a_stop_and_a_limit_meets_the_stop_first() {
    let requests = [sell(OrderKind::Limit(92.0), 1.0), close(FillSide::Sell, OrderKind::Stop(95.0))];
    let journal = held([93.0, 94.0, 92.0, 93.0], &requests);
    assert_eq!(fills(&journal)[1..], [(2, -1.0, 93.0)], "the stop gaps to the open");
    assert_eq!(journal.fills[1].reason, Reason::StopLoss);
}

#[test]
fn of_a_stop_and_a_target_in_one_bar_the_stop_was_first() {
    let both = [100.0, 112.0, 88.0, 100.0];
    let journal = held(both, &bracket(90.0, 110.0));
    assert_eq!(fills(&journal)[1..], [(2, -1.0, 90.0)]);
}

#[test]
fn what_answers_an_answer_waits_for_the_next_bar() {
    let bars = Bars::new(&[QUIET; 4]);
    let place = |row: usize, orders: &mut Orders| {
        if row == 0 {
            orders.place(buy(OrderKind::Limit(100.0), 1.0));
        }
    };
    let hear = |event: &Event, orders: &mut Orders| match event.fill().map(|fill| fill.side) {
        Some(FillSide::Buy) => {
            orders.place(sell(OrderKind::Limit(99.0), 1.0));
        }
        Some(FillSide::Sell) => {
            orders.place(buy(OrderKind::Limit(101.0), 1.0));
        }
        None => {}
    };
    let journal = run(&bars, free(), place, hear);
    let rows: Vec<usize> = journal.fills.iter().map(|row| row.fill.row).collect();
    assert_eq!(rows, [1, 1, 2, 2, 3, 3], "an order and its answer a bar");
}

#[test]
fn the_short_side_mirrors_the_long_one() {
    let venue = free().with_free_shorting();
    let run = |bar: [f64; 4], entry: OrderRequest| {
        let bars = Bars::new(&[QUIET, [100.0, 106.0, 99.0, 104.0], bar]);
        let place = |row: usize, orders: &mut Orders| match row {
            0 => {
                orders.place(entry);
            }
            1 => {
                orders.place_pair([OrderKind::Stop(110.0), OrderKind::Limit(95.0)].map(|at| close(FillSide::Buy, at)));
            }
            _ => {}
        };
        fills(&super::run(&bars, venue, place, |_, _| {}))
    };
    let short = sell(OrderKind::Limit(105.0), 2.0);
    let covered = |price: f64| [(1, -2.0, 105.0), (2, 2.0, price)];
    assert_eq!(run([104.0, 111.0, 94.0, 100.0], short), covered(110.0), "the stop was first");
    assert_eq!(run([104.0, 108.0, 94.0, 100.0], short), covered(95.0));
    assert_eq!(run([112.0, 113.0, 111.0, 112.0], short), covered(112.0), "a gap fills at the open");
    assert_eq!(run([93.0, 94.0, 92.0, 93.0], short), covered(93.0), "also beyond a target");
    // Nothing is owed: a pair of buys that may only reduce ends.
    let long = buy(OrderKind::Stop(105.0), 2.0);
    assert_eq!(run([104.0, 111.0, 94.0, 100.0], long), [(1, 2.0, 105.0)]);
    let for_quote = OrderRequest::new(FillSide::Sell, OrderKind::Market, Amount::Quote(500.0), Reason::EnterShort);
    assert_eq!(run([104.0, 108.0, 94.0, 100.0], for_quote), [(1, -5.0, 100.0), (2, 5.0, 95.0)]);
}

#[test]
fn a_buy_that_may_only_reduce_is_cut_to_what_is_owed() {
    let requests = [sell(OrderKind::Market, 2.0), buy(OrderKind::Limit(95.0), 5.0).reduce_only()];
    let journal = flat(free().with_free_shorting(), [100.0, 101.0, 94.0, 100.0], &requests);
    assert_eq!(fills(&journal), [(1, -2.0, 100.0), (1, 2.0, 95.0)]);
}

#[test]
fn a_resting_exit_closes_nothing_that_an_order_has_closed() {
    struct Guarded(OrderRequest);
    impl Strategy for Guarded {
        fn decide(&mut self, _: History<'_>, _: &Account) -> Decision {
            Decision::Hold(Reason::Neutral)
        }

        fn places_orders(&self) -> bool {
            true
        }

        fn place(&mut self, history: History<'_>, _: &Account, orders: &mut Orders) {
            match history.row() {
                0 => orders.place(buy(OrderKind::Market, 1.0)),
                1 => orders.place(self.0),
                _ => return,
            };
        }

        fn resting(&self, _: &Account) -> RestingExits {
            RestingExits { stop: Some((90.0, Reason::StopLoss)), ..RestingExits::NONE }
        }
    }
    let replayed = |bar: [f64; 4], request: OrderRequest| {
        let (bars, mut journal) = (Bars::new(&[QUIET, QUIET, bar, QUIET]), Journal::default());
        let mut venue = free().with_free_shorting();
        replay(&bars.market(), &mut Guarded(request), &mut venue, 10_000.0, &mut journal);
        fills(&journal)[1..].to_vec()
    };
    let stop = close(FillSide::Sell, OrderKind::Stop(93.0));
    assert_eq!(replayed([100.0, 101.0, 89.0, 95.0], stop), [(2, -1.0, 93.0)]);
    let target = close(FillSide::Sell, OrderKind::Limit(110.0));
    assert_eq!(replayed([100.0, 112.0, 91.0, 95.0], target), [(2, -1.0, 110.0)]);
    assert_eq!(replayed([100.0, 101.0, 89.0, 95.0], target), [(2, -1.0, 90.0)]);
}
