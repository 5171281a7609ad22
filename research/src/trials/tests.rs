//! The ledger as its callers see it.

use std::{collections::BTreeMap, path::Path};

use q50_engine::units::PerPeriodSharpe;
use rusqlite::{Connection, params};

use super::*;

fn record(name: &str) -> Record {
    Record { bars: name.to_owned(), dataset: format!("{name} and signals"), fingerprint: None, parts: Vec::new() }
}

/// A record of a market of its own, or of the same one where `seed` is, with other bars where `scale` is another.
fn market(seed: u64, scale: f64) -> Record {
    let mut state = seed;
    let mut price = scale;
    let closes: Vec<f64> = (0..500)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            price *= 1.0 + ((state >> 40) as f64 / (1_u64 << 24) as f64 - 0.5) / 100.0;
            price
        })
        .collect();
    let times: Vec<i64> = (0..500).map(|row| row * 3_600_000).collect();
    let fingerprint = Fingerprint::of(&times, &closes, 3_600_000);
    Record { fingerprint, ..record(&format!("{seed} at {scale}")) }
}

fn scope(record: &Record) -> Scope<'_> {
    Scope { record, family: "q50" }
}

fn trial(hypothesis: &str, role: Role) -> Trial {
    Trial {
        key: TrialKey { hypothesis: blake3::hash(hypothesis.as_bytes()), assumptions: 0 },
        role,
        sharpe: Some(PerPeriodSharpe::new(0.01)),
        returns: 100,
        skew: None,
        kurtosis: None,
    }
}

fn candidate(hypothesis: &str, sharpe: f64, returns: usize) -> Trial {
    Trial { sharpe: Some(PerPeriodSharpe::new(sharpe)), returns, ..trial(hypothesis, Role::Candidate) }
}

fn published(runs: usize) -> Vec<Published> {
    let run = |number: usize| Published {
        key: blake3::hash(format!("run {number}").as_bytes()),
        name: "the same id".to_owned(),
        sharpe: None,
        returns: 0,
    };
    (0..runs).map(run).collect()
}

fn ledger_at(path: &Path, trials: usize) -> TrialLedger {
    let mut ledger = TrialLedger::open(path).unwrap();
    let record = record("d");
    for batch in 0..2 {
        let trials: Vec<Trial> = (0..trials).map(|n| candidate(&format!("{batch} {n}"), 0.01, 100)).collect();
        ledger.record(scope(&record), Origin::Verify, &trials).unwrap();
    }
    ledger
}

#[test]
fn the_same_trial_counts_once_and_probes_do_not_count() {
    let (mut ledger, d) = (TrialLedger::in_memory().unwrap(), record("d"));
    let trials = [trial("a", Role::Candidate), trial("b", Role::Candidate), trial("c", Role::Probe)];
    ledger.record(scope(&d), Origin::Verify, &trials).unwrap();
    let before = ledger.stamp().unwrap();
    ledger.record(scope(&d), Origin::Verify, &trials[..1]).unwrap();
    assert_eq!(ledger.stamp().unwrap(), before, "the same again is nothing new, and no entry");
    let counts = ledger.counts(&d).unwrap();
    assert_eq!((counts.candidates, counts.probes, counts.best_sharpe), (2, 1, Some(0.01)));
    assert_eq!(ledger.counts(&record("other")).unwrap().candidates, 0);
}

#[test]
fn the_best_is_one_of_those_that_saw_the_most() {
    let (mut ledger, d) = (TrialLedger::in_memory().unwrap(), record("d"));
    let trials = [candidate("short", 0.05, 50), candidate("whole", 0.01, 100), candidate("worse", 0.005, 100)];
    ledger.record(scope(&d), Origin::Sweep, &trials).unwrap();
    assert_eq!(ledger.counts(&d).unwrap().best_sharpe, Some(0.01));
}

#[test]
fn a_candidate_cannot_be_hidden_as_a_probe() {
    let (mut ledger, d) = (TrialLedger::in_memory().unwrap(), record("d"));
    for role in [Role::Probe, Role::Candidate, Role::Probe] {
        ledger.record(scope(&d), Origin::Verify, &[trial("a", role)]).unwrap();
    }
    assert_eq!(ledger.find(&d, &blake3::hash(b"a")).unwrap(), Some((Role::Candidate, Some(0.01))));
    assert_eq!(ledger.tried(scope(&d), 100).unwrap().trials, 1);
}

#[test]
fn another_cost_of_a_hypothesis_is_the_same_trial_at_the_ratio_of_its_first_run() {
    let (mut ledger, d) = (TrialLedger::in_memory().unwrap(), record("d"));
    let first: Vec<Trial> = (0..10).map(|n| candidate(&n.to_string(), 0.01 * f64::from(n), 100)).collect();
    ledger.record(scope(&d), Origin::Verify, &first).unwrap();
    let before = ledger.tried(scope(&d), 100).unwrap();
    for cost in 1..7 {
        let assumed = |trial: &Trial| Trial {
            key: TrialKey { assumptions: cost, ..trial.key },
            sharpe: Some(PerPeriodSharpe::new(-9.0 * cost as f64)),
            ..*trial
        };
        let dear: Vec<Trial> = first.iter().map(assumed).collect();
        ledger.record(scope(&d), Origin::Verify, &dear).unwrap();
    }
    assert_eq!(ledger.tried(scope(&d), 100).unwrap(), before);
    assert_eq!(before.trials, 10);
    // Median 0.045; distances 0.005 0.005 0.015 0.015 0.025 0.025 and on; their median 0.025.
    let expected = (1.482_602_218_505_602_f64 * 0.025).powi(2);
    assert!((before.variance.unwrap() - expected).abs() < 1e-15, "{before:?}");
}

#[test]
fn the_variance_is_that_of_trials_as_long_and_of_comparable_published_ones() {
    let (mut ledger, d) = (TrialLedger::in_memory().unwrap(), record("d"));
    let long: Vec<Trial> = (0..9).map(|n| candidate(&n.to_string(), 0.01 * f64::from(n), 100)).collect();
    let short: Vec<Trial> = (0..50).map(|n| candidate(&format!("short {n}"), f64::from(n), 10)).collect();
    ledger.record(scope(&d), Origin::Sweep, &[long, short].concat()).unwrap();
    assert_eq!(
        ledger.tried(scope(&d), 100).unwrap(),
        Tried { trials: 59, variance: None, effective: None, forgotten: 0 }
    );
    let mut runs = published(2);
    runs[0].sharpe = Some(PerPeriodSharpe::new(0.09));
    ledger.import(scope(&d), "a list", &runs).unwrap();
    let tried = ledger.tried(scope(&d), 100).unwrap();
    assert_eq!(tried.trials, 61);
    assert!((tried.variance.unwrap() - (1.482_602_218_505_602_f64 * 0.025).powi(2)).abs() < 1e-15);
}

#[test]
fn probes_do_not_enter_the_variance() {
    let (mut ledger, d) = (TrialLedger::in_memory().unwrap(), record("d"));
    let candidates: Vec<Trial> = (0..10).map(|n| candidate(&n.to_string(), 0.01 * f64::from(n), 100)).collect();
    ledger.record(scope(&d), Origin::Verify, &candidates).unwrap();
    let before = ledger.tried(scope(&d), 100).unwrap();
    let probe = |n: i32| Trial { role: Role::Probe, ..candidate(&format!("probe {n}"), f64::from(n), 100) };
    ledger.record(scope(&d), Origin::Verify, &(0..50).map(probe).collect::<Vec<_>>()).unwrap();
    assert_eq!(ledger.tried(scope(&d), 100).unwrap(), before);
}

#[test]
fn trials_are_counted_by_market_whatever_the_family_the_units_and_the_order() {
    let mut ledger = TrialLedger::in_memory().unwrap();
    let (dollars, cents, other) = (market(1, 100.0), market(1, 10_000.0), market(2, 100.0));
    ledger.record(scope(&dollars), Origin::Verify, &[trial("a", Role::Candidate)]).unwrap();
    ledger.record(scope(&other), Origin::Verify, &[trial("b", Role::Candidate)]).unwrap();
    let side = Scope { record: &cents, family: "side" };
    ledger.record(side, Origin::Verify, &[trial("a", Role::Candidate), trial("c", Role::Candidate)]).unwrap();
    for record in [&dollars, &cents] {
        assert_eq!(ledger.tried(scope(record), 100).unwrap().trials, 2, "a is one hypothesis on either");
    }
    assert_eq!(ledger.tried(scope(&other), 100).unwrap().trials, 1);
    let markets = ledger.summaries().unwrap();
    assert_eq!(markets.len(), 2);
    assert_eq!((markets[0].datasets.len(), markets[0].families.join(" ")), (2, "q50 side".to_owned()));
    assert!(markets[0].merges[0].reason.contains("of returns over 1 h"), "{:?}", markets[0].merges);
}

#[test]
fn what_was_tried_on_an_instrument_was_tried_on_the_portfolio_and_the_other_way_round() {
    let mut ledger = TrialLedger::in_memory().unwrap();
    let (one, padding) = (market(1, 100.0), market(2, 100.0));
    let tried: Vec<Trial> = (0..625).map(|n| trial(&n.to_string(), Role::Candidate)).collect();
    ledger.record(scope(&one), Origin::Sweep, &tried).unwrap();
    let basket = Record { parts: vec![one.clone(), padding.clone()], ..market(5, 100.0) };
    ledger.record(scope(&basket), Origin::Verify, &[trial("of both", Role::Candidate)]).unwrap();
    assert_eq!(ledger.tried(scope(&basket), 100).unwrap().trials, 626);
    assert_eq!(ledger.tried(scope(&one), 100).unwrap().trials, 626);
    // The instruments stay markets of their own, and a choice among subsets counts.
    assert_eq!(ledger.tried(scope(&padding), 100).unwrap().trials, 1);
    let other = Record { parts: vec![padding, market(6, 100.0)], ..market(7, 100.0) };
    ledger.record(scope(&other), Origin::Verify, &[trial("of others", Role::Candidate)]).unwrap();
    assert_eq!(ledger.tried(scope(&other), 100).unwrap().trials, 2, "both portfolios, nothing of the first instrument");
}

#[test]
fn the_same_hypothesis_with_another_result_is_another_one() {
    let (mut ledger, d) = (TrialLedger::in_memory().unwrap(), record("d"));
    for sharpe in [0.01, 0.010_000_000_000_1, 0.02, 0.02] {
        ledger.record(scope(&d), Origin::Verify, &[candidate("own", sharpe, 100)]).unwrap();
    }
    // What rounds apart is the same; a rule whose code was changed is not.
    assert_eq!(ledger.tried(scope(&d), 100).unwrap().trials, 2);
}

#[test]
fn a_dataset_can_join_two_markets_that_were_apart() {
    let part = |name: &str, from: usize, to: usize| {
        let whole = market(3, 1.0).fingerprint.unwrap();
        let (cells, first) = (whole.cells[from..to].to_vec(), whole.first + from as i64);
        Record { fingerprint: Some(Fingerprint { cells, first, ..whole }), ..record(name) }
    };
    let (early, late, whole) = (part("early", 0, 200), part("late", 300, 500), part("whole", 0, 500));
    let mut ledger = TrialLedger::in_memory().unwrap();
    ledger.record(scope(&early), Origin::Verify, &[trial("a", Role::Candidate)]).unwrap();
    ledger.record(scope(&late), Origin::Verify, &[trial("b", Role::Candidate)]).unwrap();
    assert_eq!(ledger.tried(scope(&early), 100).unwrap().trials, 1);
    ledger.record(scope(&whole), Origin::Verify, &[trial("c", Role::Candidate)]).unwrap();
    assert_eq!(ledger.tried(scope(&early), 100).unwrap().trials, 3);
    assert_eq!(ledger.tried(scope(&late), 100).unwrap().trials, 3);
}

#[test]
fn a_run_that_was_published_for_two_datasets_of_one_market_counts_once() {
    let (mut ledger, whole) = (TrialLedger::in_memory().unwrap(), market(4, 1.0));
    let print = whole.fingerprint.clone().unwrap();
    let part = |name: &str, cells: std::ops::Range<usize>| {
        let first = print.first + cells.start as i64;
        Record {
            fingerprint: Some(Fingerprint { first, cells: print.cells[cells].to_vec(), ..print.clone() }),
            ..record(name)
        }
    };
    for half in [part("early", 0..200), part("late", 300..500)] {
        ledger.import(scope(&half), "a list", &published(7)).unwrap().unwrap();
        assert_eq!(ledger.tried(scope(&half), 100).unwrap().trials, 7);
    }
    ledger.record(scope(&whole), Origin::Verify, &[trial("a", Role::Candidate)]).unwrap();
    assert_eq!(ledger.tried(scope(&whole), 100).unwrap().trials, 1 + 7);
}

#[test]
fn published_runs_are_as_many_as_there_are_until_they_are_forgotten() {
    let (mut ledger, d) = (TrialLedger::in_memory().unwrap(), record("d"));
    let entry = ledger.import(scope(&d), "a list", &published(50)).unwrap().unwrap();
    assert_eq!(ledger.import(scope(&d), "the same", &published(50)).unwrap(), None);
    ledger.record(scope(&d), Origin::Verify, &[trial("a", Role::Candidate)]).unwrap();
    assert_eq!(ledger.tried(scope(&d), 100).unwrap().trials, 51);
    ledger.forget(entry, "of another market").unwrap();
    let summary = ledger.summary(&d).unwrap();
    assert_eq!((summary.counts.candidates, summary.counts.published), (1, 0));
    assert_eq!(summary.imports[0].forgotten.as_deref(), Some("of another market"));
    assert_eq!(ledger.tried(scope(&d), 100).unwrap().forgotten, 50, "and reports say so");
    assert!(ledger.forget(entry, "again").unwrap_err().to_string().contains("already"));
    assert!(ledger.forget(entry + 1, "my own").unwrap_err().to_string().contains("never forgotten"));
    assert!(ledger.forget(99, "nothing").unwrap_err().to_string().contains("no entry 99"));
    ledger.import(scope(&d), "after all", &published(50)).unwrap().unwrap();
    let tried = ledger.tried(scope(&d), 100).unwrap();
    assert_eq!((tried.trials, tried.forgotten), (51, 0));
    assert!(ledger.check(None).unwrap().is_sound());
}

#[test]
fn a_campaign_counts_everything_since_its_registration_and_what_was_before_it() {
    let (mut ledger, d) = (TrialLedger::in_memory().unwrap(), record("d"));
    ledger.import(scope(&d), "a list", &published(5)).unwrap();
    ledger.record(scope(&d), Origin::Verify, &[trial("a", Role::Candidate), trial("b", Role::Candidate)]).unwrap();
    for name in ["one", "two"] {
        ledger.register_campaign(&d, name, "an idea").unwrap();
    }
    assert!(ledger.register_campaign(&d, "one", "again").unwrap_err().to_string().contains("'one'"));
    assert!(ledger.join_campaign(&d, "three").unwrap_err().to_string().contains("q50 trials campaign"));
    ledger.record(scope(&d), Origin::Verify, &[trial("c", Role::Candidate), trial("d", Role::Candidate)]).unwrap();
    assert_eq!(ledger.tried(scope(&d), 100).unwrap().trials, 4 + 5, "who is in none counts all");
    for name in ["one", "two"] {
        ledger.join_campaign(&d, name).unwrap();
        assert_eq!(ledger.tried(scope(&d), 100).unwrap().trials, 2, "another campaign's trials too");
        let campaign = ledger.campaign().unwrap().unwrap();
        assert_eq!((campaign.name.as_str(), campaign.idea.as_str(), campaign.earlier), (name, "an idea", 2 + 5));
    }
    ledger.import(scope(&d), "a longer list", &published(8)).unwrap();
    assert_eq!(ledger.tried(scope(&d), 100).unwrap().trials, 2 + 3, "what is published later counts");
}

#[test]
fn the_effective_number_is_the_last_one_noted() {
    let (mut ledger, d) = (TrialLedger::in_memory().unwrap(), record("d"));
    for effective in [7, 7, 3] {
        ledger.note_effective(scope(&d), effective).unwrap();
    }
    assert_eq!(ledger.tried(scope(&d), 100).unwrap().effective, Some(3));
    assert_eq!(ledger.stamp().unwrap().entries, 1 + 2, "the dataset, and two notes");
}

#[test]
fn trials_outlive_the_process_and_leave_a_chain() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trials.sqlite");
    let stamp = ledger_at(&path, 3).stamp().unwrap();
    let ledger = TrialLedger::open(&path).unwrap();
    assert_eq!(ledger.tried(scope(&record("d")), 100).unwrap().trials, 6);
    assert_eq!((ledger.stamp().unwrap(), stamp.entries), (stamp.clone(), 3));
    let found = ledger.check(Some(&stamp.head)).unwrap();
    assert!(found.is_sound() && found.trials == 6, "{found:?}");
    assert_eq!(ledger.check(Some("0123456789abcdef")).unwrap().has_head, Some(false));
}

#[test]
fn whatever_is_done_to_a_ledger_by_hand_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    for (number, (slip, entry, words)) in [
        ("DELETE FROM trials WHERE hypothesis = (SELECT max(hypothesis) FROM trials WHERE entry = 2)", 2, "rows"),
        ("UPDATE trials SET sharpe = 0.011 WHERE rowid_is(hypothesis)", 3, "rows"),
        ("UPDATE trials SET role = 0 WHERE entry = 3", 3, "rows"),
        ("UPDATE entries SET payload = replace(payload, 'verify', 'sweep') WHERE seq = 2", 2, "hash"),
        ("UPDATE entries SET time_ms = time_ms - 5000 WHERE seq = 1", 1, "hash"),
        ("DELETE FROM trials WHERE entry = 2; DELETE FROM entries WHERE seq = 2", 3, "missing"),
        ("DELETE FROM entries WHERE seq = 3", 3, "not there"),
        ("UPDATE datasets SET cells = x'00', grid_ms = 60000, first_cell = 0", 1, "rows"),
        ("INSERT INTO published VALUES (2, zeroblob(16), 1, 'x', NULL, 0)", 2, "rows"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = dir.path().join(format!("{number}.sqlite"));
        drop(ledger_at(&path, 3));
        let slip =
            slip.replace("rowid_is(hypothesis)", "hypothesis = (SELECT min(hypothesis) FROM trials WHERE entry = 3)");
        Connection::open(&path).unwrap().execute_batch(&slip).unwrap();
        let broken = TrialLedger::open(&path).unwrap().check(None).unwrap().broken;
        let broken = broken.unwrap_or_else(|| panic!("not seen: {slip}"));
        assert!(broken.entry == entry && broken.problem.contains(words), "{slip}: {broken:?}");
    }
}

#[test]
fn a_ledger_that_was_rolled_back_or_begun_anew_lacks_the_head_of_a_report() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("trials.sqlite"), dir.path().join("copy.sqlite"));
    let mut ledger = ledger_at(&path, 3);
    Connection::open(&path).unwrap().execute("VACUUM INTO ?1", params![copy.to_str()]).unwrap();
    ledger.record(scope(&record("d")), Origin::Verify, &[trial("one more", Role::Candidate)]).unwrap();
    let head = ledger.stamp().unwrap().head;
    let rolled_back = TrialLedger::open(&copy).unwrap();
    assert!(rolled_back.check(None).unwrap().is_sound(), "by itself it is what it was");
    assert_eq!(rolled_back.check(Some(&head)).unwrap().has_head, Some(false));
    let anew = ledger_at(&dir.path().join("anew.sqlite"), 3);
    assert_eq!(anew.check(Some(&head[..16])).unwrap().has_head, Some(false));
    assert_eq!(ledger.check(Some(&head[..16])).unwrap().has_head, Some(true));
}

#[test]
fn a_verdict_is_filed_with_the_files_of_its_run_and_changes_no_later_report() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = ledger_at(&dir.path().join("trials.sqlite"), 3);
    let before = ledger.stamp_of_trials().unwrap();
    let files = |summary: &str| BTreeMap::from([("summary.json".to_owned(), summary.to_owned())]);
    ledger.file_verdict("run", "confirmed", &files("one")).unwrap();
    ledger.file_verdict("run", "confirmed", &files("one")).unwrap();
    assert_eq!(ledger.stamp_of_trials().unwrap(), before, "the run made again says what it said");
    assert_eq!(ledger.stamp().unwrap().entries, before.entries + 1, "and the same verdict is one entry");
    ledger.file_verdict("run", "confirmed", &files("two")).unwrap();
    ledger.file_verdict("another", "refuted", &files("three")).unwrap();
    assert_eq!(ledger.files_of("run").unwrap(), [files("one"), files("two")]);
    assert!(ledger.files_of("none").unwrap().is_empty());
    assert!(ledger.check(Some(&before.head)).unwrap().is_sound());
    assert_eq!(ledger.tried(scope(&record("d")), 100).unwrap().trials, 6, "a verdict is no trial");
}

#[test]
fn two_writers_at_once_keep_one_chain() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trials.sqlite");
    std::thread::scope(|threads| {
        for writer in 0..2 {
            let path = &path;
            threads.spawn(move || {
                let mut ledger = TrialLedger::open(path).unwrap();
                for n in 0..50 {
                    let trial = trial(&format!("{writer} {n}"), Role::Candidate);
                    ledger.record(scope(&record("d")), Origin::Verify, &[trial]).unwrap();
                }
            });
        }
    });
    let ledger = TrialLedger::open(&path).unwrap();
    let found = ledger.check(None).unwrap();
    assert!(found.is_sound() && found.stamp.entries == 101 && found.trials == 100, "{found:?}");
    assert_eq!(ledger.tried(scope(&record("d")), 100).unwrap().trials, 100);
}

#[test]
fn results_that_stand_for_hypotheses_of_their_own_leave_the_chain_whole() {
    let mut ledger = TrialLedger::in_memory().unwrap();
    for result in 0..16 {
        // A result as it is, and beside it under other assumptions; both in the name of one rule.
        let result = candidate("somebody's rule", 0.01 * f64::from(result), 100);
        let mut beside = Trial { role: Role::Probe, ..result };
        beside.key.assumptions = -1;
        ledger.record(scope(&record("bars")), Origin::Verify, &[result, beside]).unwrap();
    }
    let found = ledger.check(None).unwrap();
    assert!(found.is_sound(), "{found:?}");
    assert_eq!(found.trials, 32);
}

#[test]
fn a_check_beside_a_writer_finds_nothing_broken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trials.sqlite");
    let (mut writer, reader) = (ledger_at(&path, 1), TrialLedger::open(&path).unwrap());
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for n in 0..300 {
                let trial = trial(&format!("new {n}"), Role::Candidate);
                writer.record(scope(&record("d")), Origin::Verify, &[trial]).unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Release);
        });
        while !done.load(std::sync::atomic::Ordering::Acquire) {
            let found = reader.check(None).unwrap();
            assert!(found.is_sound(), "{found:?}");
            assert_eq!(found.stamp.entries, found.trials + 1, "of one moment: an entry a trial, and the dataset's");
        }
    });
}

#[test]
fn whoever_opens_a_new_or_an_earlier_ledger_at_the_same_time_waits_for_the_others() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..40 {
        let path = dir.path().join(format!("{round}.sqlite"));
        if round % 2 == 0 {
            let layout =
                "CREATE TABLE trials (dataset, family, settings, role, sharpe, returns, skew, kurtosis, engine)";
            Connection::open(&path).unwrap().execute_batch(layout).unwrap();
        }
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    start.wait();
                    TrialLedger::open(&path).unwrap();
                });
            }
        });
    }
}

#[test]
fn a_newer_layout_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trials.sqlite");
    drop(ledger_at(&path, 1));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 4).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = TrialLedger::open(&path).unwrap_err().to_string();
    assert!(error.contains("version 4") && error.contains("up to 3") && error.contains("--ledger"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// The trials of an earlier layout go on counting for the data that they were made on.
fn migrated(layout: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trials.sqlite");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(layout).unwrap();
    drop(old);
    let new = record("d");
    let mut ledger = TrialLedger::open(&path).unwrap();
    let was = ledger.stamp().unwrap();
    assert!(ledger.check(None).unwrap().is_sound());
    ledger.record(scope(&new), Origin::Verify, &[trial("another", Role::Candidate)]).unwrap();
    assert_eq!(ledger.tried(scope(&new), 100).unwrap().trials, 2, "the old one and the new one");
    assert_eq!(ledger.summaries().unwrap()[0].merges[0].reason, "the same content");
    let again = TrialLedger::open(&path).unwrap();
    assert!(again.check(Some(&was.head)).unwrap().is_sound(), "it is migrated once");
    let copy = Connection::open(path.with_extension("sqlite.before-layout-3")).unwrap();
    assert!(
        copy.table_exists(None, if layout.contains("runs") { "runs" } else { "trials" }).unwrap(),
        "kept as it was"
    );
}

#[test]
fn a_ledger_of_the_first_layout_keeps_its_trials() {
    let settings = blake3::hash(b"a").to_hex();
    migrated(&format!(
        "CREATE TABLE trials (dataset TEXT, family TEXT, settings TEXT, role TEXT, sharpe REAL, returns INTEGER,
                              skew REAL, kurtosis REAL, engine TEXT);
         INSERT INTO trials VALUES ('d and signals', 'q50', '{settings}', 'candidate', 0.02, 10, NULL, NULL, '0.1.0');"
    ));
}

#[test]
fn a_ledger_of_the_second_layout_keeps_its_trials() {
    migrated(
        "CREATE TABLE scopes (id INTEGER PRIMARY KEY, dataset TEXT NOT NULL, family TEXT NOT NULL, effective INTEGER,
                              UNIQUE (dataset, family)) STRICT;
         CREATE TABLE runs (scope INTEGER, settings BLOB, role TEXT, origin TEXT, sharpe REAL, returns INTEGER, skew REAL,
                            kurtosis REAL, engine TEXT, PRIMARY KEY (scope, settings)) WITHOUT ROWID;
         INSERT INTO scopes VALUES (1, 'd and signals', 'q50', 5);
         INSERT INTO runs VALUES (1, zeroblob(16), 'probe', 'sweep', 0.02, 10, NULL, NULL, '0.1.0'),
                                 (1, randomblob(16), 'candidate', 'published', 0.02, 10, NULL, NULL, '0.1.0');",
    );
}

#[test]
fn an_export_has_every_trial_in_one_order() {
    let (mut ledger, d) = (TrialLedger::in_memory().unwrap(), record("d"));
    ledger.record(scope(&d), Origin::Sweep, &[trial("b", Role::Probe), trial("a", Role::Candidate)]).unwrap();
    ledger.import(scope(&d), "a list", &published(1)).unwrap();
    let mut rows = Vec::new();
    let read: Result<(), LedgerError> = ledger.for_each(|row| {
        rows.push(row);
        Ok(())
    });
    read.unwrap();
    assert!(rows[0].hypothesis < rows[1].hypothesis && rows[0].hypothesis.len() == 32);
    let origins: Vec<(&str, i64)> = rows.iter().map(|row| (row.origin.as_str(), row.entry)).collect();
    assert_eq!(origins, [("sweep", 2), ("sweep", 2), ("published", 3)]);
}

#[test]
fn what_is_no_ledger_is_an_error_that_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    std::fs::write(&path, "this is not a database, but it is long enough to be looked at as one ...").unwrap();
    let error = TrialLedger::open(&path).unwrap_err().to_string();
    assert!(error.contains("notes.txt") && error.contains("--ledger"), "{error}");
    let path = dir.path().join("other.sqlite");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    let error = TrialLedger::open(&path).unwrap_err().to_string();
    assert!(error.contains("something else"), "{error}");
}

#[test]
fn what_was_announced_counts_once_and_only_results_are_compared() {
    let record = market(7, 100.0);
    let results: Vec<Trial> = (0..20).map(|i| candidate(&format!("set {i}"), 0.001 * f64::from(i), 499)).collect();
    let mut here = TrialLedger::in_memory().unwrap();
    here.record(scope(&record), Origin::Sweep, &results).unwrap();

    let mut ledger = TrialLedger::in_memory().unwrap();
    let announce = |ledger: &mut TrialLedger| {
        ledger.announce(scope(&record), results.iter().map(|trial| trial.key)).unwrap();
    };
    announce(&mut ledger);
    assert_eq!(ledger.counts(&record).unwrap().candidates, 20, "before there is a result");
    announce(&mut ledger);
    ledger.record(scope(&record), Origin::Sweep, &results).unwrap();
    ledger.record(scope(&record), Origin::Sweep, &results).unwrap();
    ledger.register_campaign(&record, "later", "an idea").unwrap();
    ledger.join_campaign(&record, "later").unwrap();
    announce(&mut ledger);
    assert_eq!(ledger.tried(scope(&record), 499).unwrap().trials, 0, "nothing is new since the campaign");
    ledger.campaign = None;
    assert_eq!(ledger.counts(&record).unwrap(), here.counts(&record).unwrap());
    assert_eq!(ledger.tried(scope(&record), 499).unwrap(), here.tried(scope(&record), 499).unwrap());
    assert_eq!(ledger.check(None).unwrap().broken, None);
}
