//! The file: its layout, its owner, its order of events.

use super::*;
use crate::order::{Order, Size};
use q50_engine::units::{Bps, Lamports};
use q50_pumpswap::amm::Order as AmmOrder;
use solana_signature::Signature;

const MINT: Address = Address([3; 32]);
const NOW: UnixMillis = UnixMillis(1_000);

fn wallet() -> Address {
    Address([7; 32])
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("journal.sqlite")
    }

    fn open(&self) -> Result<Journal, JournalError> {
        Journal::open_to_trade(&self.file(), &wallet(), "genesis")
    }
}

fn order() -> Order {
    Order { mint: MINT, size: Size::Spend(Lamports(500)), slippage: Bps(100) }
}

fn prepared(number: u8) -> Prepared {
    Prepared {
        signature: Signature::from([number; 64]),
        bytes: vec![1, 2, 3],
        pool: Address([4; 32]),
        base_account: Address([5; 32]),
        limits: AmmOrder::BuyExactQuoteIn { quote_in: 500, min_base_out: 90 },
        quoted_base: 100,
        quoted_quote: 500,
        untracked: -7,
        read_slot: 64,
        last_height: 214,
    }
}

fn filled(is_final: bool) -> Settlement {
    Settlement::Filled {
        slot: 70,
        is_final,
        network_fee: Lamports(5),
        rent: 20,
        lamports: -525,
        base: 100,
        quote: -500,
    }
}

fn begun(journal: &mut Journal, key: &str) -> OrderId {
    match journal.begin(key, &order(), NOW).unwrap() {
        Begun::New(id) => id,
        known @ Begun::Known(..) => panic!("{known:?}"),
    }
}

#[test]
fn what_is_prepared_is_found_again_to_the_byte_after_a_crash() {
    let folder = Folder::new();
    let mut journal = folder.open().unwrap();
    let id = begun(&mut journal, "a");
    journal.prepare(id, &prepared(1), NOW).unwrap();
    // No orderly end: as after a crash, nothing but the file is left.
    drop(journal);
    let journal = folder.open().unwrap();
    let pending = journal.pending().unwrap();
    assert_eq!(
        pending,
        [Pending { order: id, mint: MINT, prepared: prepared(1), state: OrderState::Open, slot: None }]
    );
    assert_eq!(journal.wanted(id).unwrap(), order());
}

#[test]
fn a_signature_waits_for_the_disk_whatever_was_written_at_ease_before_it() {
    let folder = Folder::new();
    let mut journal = folder.open().unwrap();
    let synchronous = |journal: &Journal| {
        journal.database.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)).unwrap()
    };
    const FULL: i64 = 2;
    begun(&mut journal, "a");
    assert_eq!(synchronous(&journal), FULL);
    journal.remember(&Memory::default()).unwrap();
    assert_eq!(synchronous(&journal), FULL);
    assert!(journal.at_ease(|_| Err::<(), _>(JournalError::Locked)).is_err());
    assert_eq!(synchronous(&journal), FULL);
}

#[test]
fn an_order_that_a_crash_left_unsigned_is_ended_and_a_signed_one_is_not() {
    let folder = Folder::new();
    let mut journal = folder.open().unwrap();
    begun(&mut journal, "unsigned");
    let signed = begun(&mut journal, "signed");
    journal.prepare(signed, &prepared(1), NOW).unwrap();
    assert_eq!(journal.end_unsigned().unwrap(), 1);
    let states: Vec<_> = journal.orders().unwrap().into_iter().map(|(key, state, _)| (key, state)).collect();
    assert_eq!(states, [("unsigned".to_owned(), OrderState::Rejected), ("signed".to_owned(), OrderState::Open)]);
}

#[test]
fn one_key_is_one_order_for_ever() {
    let folder = Folder::new();
    let mut journal = folder.open().unwrap();
    let id = begun(&mut journal, "a");
    assert_eq!(journal.begin("a", &order(), NOW).unwrap(), Begun::Known(id, OrderState::Open));
    journal.end(id, OrderState::Refused, "no").unwrap();
    assert_eq!(journal.begin("a", &order(), NOW).unwrap(), Begun::Known(id, OrderState::Refused));
    assert_ne!(begun(&mut journal, "b"), id);
    for other in [
        Order { size: Size::Spend(Lamports(501)), ..order() },
        Order { size: Size::Sell(500), ..order() },
        Order { mint: Address([4; 32]), ..order() },
        Order { slippage: Bps(101), ..order() },
    ] {
        let error = journal.begin("a", &other, NOW).unwrap_err();
        assert!(matches!(&error, JournalError::Key { asked, .. } if *asked == other.to_string()), "{error}");
        assert!(error.to_string().contains("500 lamports spent on"), "{error}");
    }
}

#[test]
fn a_file_that_bears_the_name_of_the_lock_stays_as_it_is() {
    let folder = Folder::new();
    let other = folder.0.path().join("journal.sqlite.lock");
    std::fs::write(&other, "somebody else's").unwrap();
    drop(folder.open().unwrap());
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "somebody else's");
}

#[test]
fn a_fill_counts_at_once_and_stays_pending_until_it_is_final() {
    let folder = Folder::new();
    let mut journal = folder.open().unwrap();
    let id = begun(&mut journal, "a");
    journal.prepare(id, &prepared(1), NOW).unwrap();
    assert_eq!((journal.held(&MINT).unwrap(), journal.lamports().unwrap()), (0, 0));
    journal.settle(&prepared(1).signature, &filled(false), NOW).unwrap();
    assert_eq!((journal.held(&MINT).unwrap(), journal.lamports().unwrap()), (100, -525));
    assert_eq!(journal.pending().unwrap()[0].state, OrderState::Filled);
    assert_eq!(journal.newest_slot().unwrap(), 70);
    journal.settle(&prepared(1).signature, &filled(true), NOW).unwrap();
    assert_eq!(journal.pending().unwrap(), []);
    assert_eq!(journal.orders().unwrap(), [("a".to_owned(), OrderState::Filled, None)]);
}

#[test]
fn a_fill_that_a_fork_took_back_is_no_fill() {
    let folder = Folder::new();
    let mut journal = folder.open().unwrap();
    let id = begun(&mut journal, "a");
    journal.prepare(id, &prepared(1), NOW).unwrap();
    journal.settle(&prepared(1).signature, &filled(false), NOW).unwrap();
    journal.settle(&prepared(1).signature, &Settlement::Reopened, NOW).unwrap();
    assert_eq!((journal.held(&MINT).unwrap(), journal.lamports().unwrap()), (0, 0));
    assert_eq!(journal.pending().unwrap()[0].state, OrderState::Open);
    journal.settle(&prepared(1).signature, &Settlement::Expired, NOW).unwrap();
    assert_eq!((journal.pending().unwrap(), journal.positions().unwrap()), (vec![], vec![]));
}

#[test]
fn the_kill_switch_survives_restarts_and_every_change_is_kept() {
    let folder = Folder::new();
    let journal = folder.open().unwrap();
    assert_eq!(journal.switch().unwrap(), KillSwitch::Resumed);
    // Another process than the one that trades pulls it.
    Journal::open(&folder.file()).unwrap().kill("smoke", NOW).unwrap();
    let killed = KillSwitch::Killed { since: NOW, reason: "smoke".to_owned() };
    assert_eq!(journal.switch().unwrap(), killed);
    drop(journal);
    let journal = folder.open().unwrap();
    assert_eq!(journal.switch().unwrap(), killed);
    journal.resume("no fire", NOW).unwrap();
    assert_eq!(journal.switch().unwrap(), KillSwitch::Resumed);
    let changes: i64 = journal.database.query_row("SELECT count(*) FROM switch", [], |row| row.get(0)).unwrap();
    assert_eq!(changes, 2);
}

#[test]
fn a_journal_is_one_wallet_s_on_one_chain_and_one_process_s_at_a_time() {
    let folder = Folder::new();
    let journal = folder.open().unwrap();
    assert!(matches!(folder.open(), Err(JournalError::Locked)));
    // Nor with another one of the same wallet, which would be a second budget.
    let other = folder.0.path().join("other.sqlite");
    let other = || Journal::open_to_trade(&other, &wallet(), "genesis").unwrap();
    let usual = folder.0.path().join("journal.sqlite");
    assert!(matches!(other().instead_of(&usual), Err(JournalError::Locked)));
    let elsewhere = other().instead_of(&folder.0.path().join("elsewhere.sqlite")).unwrap();
    assert!(elsewhere.instead_of(&folder.0.path().join("other.sqlite")).is_ok(), "its own it has already");
    let link = folder.0.path().join("link.sqlite");
    std::os::unix::fs::symlink(folder.file(), &link).unwrap();
    assert!(matches!(Journal::open_to_trade(&link, &wallet(), "genesis"), Err(JournalError::Locked)));
    drop(journal);
    let other = Journal::open_to_trade(&folder.file(), &Address([8; 32]), "genesis").unwrap_err();
    assert!(matches!(other, JournalError::Identity { what: "wallet", .. }), "{other}");
    let other = Journal::open_to_trade(&folder.file(), &wallet(), "mainnet").unwrap_err();
    assert!(other.to_string().contains("the chain with genesis genesis, not of mainnet"), "{other}");
}

#[test]
fn other_databases_and_later_journals_are_refused_and_left_as_they_are() {
    let folder = Folder::new();
    let path = folder.file();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::Foreign)));
    std::fs::write(&path, "these are my notes, and they are longer than a header of SQLite would be, by far").unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::Database(_))));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("these are my notes"));
    std::fs::remove_file(&path).unwrap();
    drop(folder.open().unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 9).unwrap();
    assert!(matches!(folder.open(), Err(JournalError::Version { found: 9, known: 1 })));
}

#[test]
fn a_message_is_known_by_what_was_signed() {
    let folder = Folder::new();
    let mut journal = folder.open().unwrap();
    let id = begun(&mut journal, "a");
    let bytes = [vec![1], vec![9; 64], b"the message".to_vec()].concat();
    journal.prepare(id, &Prepared { bytes, ..prepared(1) }, NOW).unwrap();
    assert!(journal.has_message(b"the message").unwrap());
    assert!(!journal.has_message(b"another message").unwrap() && !journal.has_message(b"message").unwrap());
}
