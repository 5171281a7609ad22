//! What is collected is the chain: in its order, once each, whatever the node leaves out and wherever it was cut off.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod world;

use proptest::prelude::*;
use q50_collector::Collector;
use q50_collector::dataset::{self, FILES};
use q50_collector::store::Stored;
use q50_collector::tape::Tape;
use q50_datasets::bars::Bars;
use q50_datasets::run_folder::RunFolder;
use q50_pumpswap::chain::LiquidityKind;
use solana_signature::Signature;
use world::World;

fn stored(collector: &Collector<World>) -> Vec<Stored> {
    collector.store().behind(None, usize::MAX).unwrap()
}

fn signatures(collector: &Collector<World>) -> Vec<Signature> {
    stored(collector).iter().map(|stored| stored.signature).collect()
}

/// Sales, several in a slot, among which some fail.
fn trade(world: &World, sales: u64) {
    for number in 0..sales {
        world.sell(1_000_000 + number * 1_000);
        if number % 7 == 3 {
            world.fail();
        }
        if number % 3 == 0 {
            world.advance(1 + number % 4);
        }
    }
}

#[test]
fn a_history_of_several_pages_is_collected_in_order_however_often_the_node_is_gone() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    trade(&world, 2_500);
    world.fail_every(Some(1_009));
    let (collector, failures) = world.collect(folder.path());
    assert!(failures > 1, "{failures}");
    assert_eq!(signatures(&collector), world.signatures());
    let tally = collector.tally();
    assert_eq!((tally.swaps, tally.sells, tally.unexplained), (2_500, 2_500, 0), "{tally:?}");
    assert_eq!(collector.store().counts().unwrap(), (2_500 + 357, 357, 0));
}

#[test]
fn what_came_since_is_added_and_nothing_is_twice() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    for sales in [1, 40, 3, 0, 200] {
        trade(&world, sales);
        let (collector, _) = world.collect(folder.path());
        assert_eq!(signatures(&collector), world.signatures());
        assert_eq!(collector.tally().unexplained, 0, "{:?}", collector.tally());
    }
}

#[test]
fn what_a_list_leaves_out_is_missed_by_the_reserves_and_found() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    trade(&world, 20);
    let in_the_middle_of_a_slot = [world.sell(5_000_000), world.sell(6_000_000), world.sell(7_000_000)][1];
    trade(&world, 20);
    // Final, so that no later list would come upon it by itself.
    world.advance(60);
    world.sell(1_000_000);
    world.hide(in_the_middle_of_a_slot, 1);
    let (collector, _) = world.collect(folder.path());
    assert_eq!(signatures(&collector), world.signatures());
    assert_eq!(collector.tally().unexplained, 0, "{:?}", collector.tally());
    assert_eq!(collector.store().refills().unwrap(), (1, 1));
}

#[test]
fn a_transfer_to_a_vault_names_no_pool_and_is_found_and_explained() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    trade(&world, 10);
    world.donate(1_000_000_000);
    world.advance(3);
    trade(&world, 10);
    let (collector, _) = world.collect(folder.path());
    let tally = collector.tally();
    assert_eq!((tally.swaps, tally.moves, tally.unexplained), (20, 1, 0), "{tally:?}");
    assert_eq!(signatures(&collector), world.signatures());
}

#[test]
fn the_next_swap_begins_with_what_deposits_and_withdrawals_left() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    trade(&world, 3);
    world.move_liquidity(LiquidityKind::Deposit, 2_000_000_000, 700_000_000);
    world.move_liquidity(LiquidityKind::Withdrawal, 1_000_000_000, 400_000_000);
    trade(&world, 3);
    let (collector, _) = world.collect(folder.path());
    let tally = collector.tally();
    assert_eq!((tally.swaps, tally.deposits, tally.withdrawals, tally.unexplained), (6, 1, 1, 0), "{tally:?}");
}

#[test]
fn an_amount_that_is_not_that_of_our_arithmetic_is_named_and_what_follows_is_explained_again() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    trade(&world, 3);
    let wrong = world.sell(10_000_000_000);
    world.misquote_the_last_fee();
    trade(&world, 3);
    let (collector, _) = world.collect(folder.path());
    let tally = collector.tally();
    assert_eq!((tally.swaps, tally.unexplained), (7, 1), "{tally:?}");
    let named = &tally.unexplained_steps[0];
    assert_eq!(named.signature, wrong.to_string());
    assert!(named.reason.starts_with("protocol fee is "), "{}", named.reason);
}

#[test]
fn a_transaction_that_no_list_has_is_a_step_without_explanation_and_is_named() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    trade(&world, 5);
    let lost = world.sell(3_000_000);
    let after = world.sell(2_000_000);
    world.advance(1);
    trade(&world, 5);
    world.advance(60);
    world.sell(1_000_000);
    world.forget(lost);
    let (collector, _) = world.collect(folder.path());
    let tally = collector.tally();
    assert_eq!((tally.swaps, tally.unexplained), (12, 1), "{tally:?}");
    let named = &tally.unexplained_steps[0];
    assert_eq!(named.signature, after.to_string());
    assert!(named.reason.starts_with("the base vault began at "), "{}", named.reason);
    // It is looked into once, not at every turn.
    assert_eq!(collector.store().refills().unwrap(), (1, 0));
    let (collector, _) = world.collect(folder.path());
    assert_eq!((collector.tally().unexplained, collector.store().refills().unwrap()), (1, (1, 0)));
}

#[test]
fn what_a_node_indexes_late_enters_the_log_while_it_is_not_final() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    trade(&world, 5);
    let late = world.sell(3_000_000);
    world.sell(2_000_000);
    // Left out of the list, and of all three by which the gap that it leaves is looked into.
    world.hide(late, 4);
    let (collector, _) = world.collect(folder.path());
    assert_eq!((collector.tally().swaps, collector.tally().unexplained), (6, 1));
    drop(collector);
    let (collector, _) = world.collect(folder.path());
    assert_eq!((collector.tally().swaps, collector.tally().unexplained), (7, 0));
    assert_eq!(signatures(&collector), world.signatures());
}

#[test]
fn what_a_fork_took_back_leaves_the_log_and_what_came_instead_enters_it() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    trade(&world, 50);
    world.advance(40);
    trade(&world, 4);
    let before = world.pool();
    world.advance(1);
    let gone = world.sell(9_000_000);
    let (collector, _) = world.collect(folder.path());
    assert!(signatures(&collector).contains(&gone));
    drop(collector);
    world.fork(1, before);
    world.sell(4_000_000);
    let (collector, _) = world.collect(folder.path());
    assert_eq!(signatures(&collector), world.signatures());
    assert_eq!(collector.tally().unexplained, 0, "{:?}", collector.tally());
}

#[test]
fn a_node_that_lags_takes_nothing_back() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    trade(&world, 50);
    let (collector, _) = world.collect(folder.path());
    drop(collector);
    let mut collector = world.behind(20).collector(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(collector.catch_up(&|_| {})).unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("is recorded"), "{error}");
    assert_eq!(signatures(&collector), world.signatures());
}

#[test]
fn a_gap_that_one_node_could_not_fill_is_filled_by_another_in_the_next_run() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    trade(&world, 5);
    let missing = world.sell(3_000_000);
    trade(&world, 5);
    world.advance(60);
    world.sell(1_000_000);
    let pruned = world.behind(0);
    pruned.forget(missing);
    let (collector, _) = pruned.collect(folder.path());
    assert_eq!((collector.tally().swaps, collector.tally().unexplained), (11, 1));
    drop(collector);
    let (collector, _) = world.collect(folder.path());
    assert_eq!(signatures(&collector), world.signatures());
    assert_eq!((collector.tally().swaps, collector.tally().unexplained), (12, 0));
}

#[test]
fn a_walk_that_goes_on_from_what_was_taken_back_begins_anew() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    trade(&world, 3_000);
    let before = world.pool();
    world.advance(1);
    // The first page of the list ends inside this slot, and then the node is gone.
    for _ in 0..1_500 {
        world.sell(1_000_000);
    }
    world.fail_every(Some(3));
    let mut collector = world.collector(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(runtime.block_on(collector.catch_up(&|_| {})).is_err());
    assert_eq!(collector.store().counts().unwrap().0, 1_000);
    drop(collector);
    world.fail_every(None);
    world.fork(1, before);
    let (collector, _) = world.collect(folder.path());
    assert_eq!(signatures(&collector), world.signatures());
    assert_eq!(collector.tally().unexplained, 0);
}

#[test]
fn a_folder_of_another_pool_or_chain_is_refused() {
    use q50_collector::store::{Store, StoreError};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collection.sqlite");
    drop(Store::open(&path, &world::POOL, "one").unwrap());
    for (pool, genesis) in [(world::MINT, "one"), (world::POOL, "two")] {
        let error = Store::open(&path, &pool, genesis).unwrap_err();
        assert!(matches!(error, StoreError::Identity { .. }), "{error}");
    }
    let other = folder.path().join("other.sqlite");
    let database = rusqlite::Connection::open(&other).unwrap();
    database.execute_batch("CREATE TABLE mine (x)").unwrap();
    drop(database);
    let before = std::fs::read(&other).unwrap();
    assert!(matches!(Store::open(&other, &world::POOL, "one").unwrap_err(), StoreError::Foreign));
    assert_eq!(std::fs::read(&other).unwrap(), before, "and left as it is");
}

/// Length of a bar, in which a few slots lie.
const INTERVAL_MS: i64 = 2_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn bars_that_are_told_as_they_close_are_those_of_the_datasets_bit_for_bit(
        turns in prop::collection::vec((0_u64..5, 0_u64..9, any::<bool>()), 1..50)
    ) {
        let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut collector = world.collector(folder.path());
        let mut tape = Tape::new(collector.target(), INTERVAL_MS);
        let mut told = Vec::new();
        world.sell(1_000_000);
        for (sales, slots, looks) in turns.into_iter().chain([(0, 50, true)]) {
            (0..sales).for_each(|number| { world.sell(1_000_000 + 7_919 * number); });
            world.advance(slots);
            if looks {
                runtime.block_on(collector.catch_up(&|_| {})).unwrap();
                let closed = tape.closed(collector.store()).unwrap();
                prop_assert_eq!(closed.changed, Vec::<i64>::new());
                told.extend(closed.bars);
            }
        }
        let out = RunFolder::open(&folder.path().join("out"), FILES).unwrap();
        dataset::write(collector.store(), collector.target(), "genesis", INTERVAL_MS, &out).unwrap();
        let written = Bars::read(&out.file("bars.parquet")).unwrap();
        prop_assert_eq!(&told.iter().map(|bar| bar.open_time).collect::<Vec<_>>(), &written.open_time);
        let bits = |column: &[f64]| column.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let columns = [&written.open, &written.high, &written.low, &written.close];
        for (number, column) in columns.into_iter().enumerate() {
            let live: Vec<f64> = told.iter().map(|bar| [bar.open, bar.high, bar.low, bar.close][number]).collect();
            prop_assert_eq!(bits(&live), bits(column));
        }
    }
}

#[test]
fn a_bar_that_a_fork_changes_after_it_was_told_is_found_out() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut collector = world.collector(folder.path());
    let mut tape = Tape::new(collector.target(), INTERVAL_MS);
    world.sell(1_000_000);
    world.advance(40);
    let before = world.pool();
    world.sell(50_000_000_000);
    world.advance(12);
    runtime.block_on(collector.catch_up(&|_| {})).unwrap();
    let told = tape.closed(collector.store()).unwrap().bars;
    world.fork(13, before);
    world.sell(3_000_000);
    world.advance(20);
    runtime.block_on(collector.catch_up(&|_| {})).unwrap();
    let closed = tape.closed(collector.store()).unwrap();
    assert!(!closed.changed.is_empty(), "{closed:?}");
    assert!(closed.bars[0].open_time > told.last().unwrap().open_time, "and none is told twice");
    // From then on what is told is what the log has.
    let all = Tape::new(collector.target(), INTERVAL_MS).closed(collector.store()).unwrap().bars;
    assert_eq!(closed.bars, all[told.len()..]);
}
