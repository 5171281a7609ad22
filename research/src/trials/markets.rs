//! Groups datasets into markets, and says what counts on each.
//!
//! A market is a connected component: every new dataset is compared with the fingerprints of the others, and each
//! agreement is a merge on record. Markets merge and never split.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::{
    Fingerprint, LedgerError, Record, Scope, TrialLedger, Tried,
    chain::{self, Entry, Event, Rows},
    deflation::robust_variance,
    schema::{self, KEY},
};

/// The row of a record's dataset, which is named and compared with all others where it is new.
pub(super) fn register(transaction: &Transaction<'_>, record: &Record) -> rusqlite::Result<i64> {
    let known = |bars: &str| {
        let mut query = transaction.prepare_cached("SELECT id FROM datasets WHERE bars = ?1")?;
        query.query_row([bars], |row| row.get::<_, i64>(0)).optional()
    };
    let dataset = match known(&record.bars)? {
        Some(dataset) => dataset,
        None => {
            let dataset = schema::insert_dataset(transaction, &record.bars, record.fingerprint.as_ref())?;
            merge(transaction, dataset, record.fingerprint.as_ref())?;
            dataset
        }
    };
    // Earlier layouts named a dataset by bars and signals.
    if let Some(earlier) = known(&record.dataset)?.filter(|earlier| *earlier != dataset)
        && !of(transaction, dataset)?.contains(&earlier)
    {
        join(transaction, earlier, dataset, "the same content".to_owned())?;
    }
    for part in &record.parts {
        let part = register(transaction, part)?;
        if !portfolios(transaction)?.contains(&[dataset, part]) {
            chain::append(transaction, &Event::Instrument { portfolio: dataset, dataset: part }, &Rows::new())?;
        }
    }
    Ok(dataset)
}

fn join(transaction: &Transaction<'_>, earlier: i64, dataset: i64, reason: String) -> rusqlite::Result<()> {
    chain::append(transaction, &Event::Merge { datasets: [earlier, dataset], reason }, &Rows::new()).map(|_| ())
}

/// Puts a new dataset to the market of each that it agrees with.
fn merge(transaction: &Transaction<'_>, dataset: i64, own: Option<&Fingerprint>) -> rusqlite::Result<()> {
    let Some(own) = own else { return Ok(()) };
    let mut market: HashSet<i64> = HashSet::from([dataset]);
    let mut query = transaction.prepare(
        "SELECT id, grid_ms, first_cell, cells FROM datasets WHERE cells IS NOT NULL AND id <> ?1 ORDER BY id",
    )?;
    let mut rows = query.query([dataset])?;
    while let Some(row) = rows.next()? {
        let other: i64 = row.get(0)?;
        if market.contains(&other) {
            continue;
        }
        let cells: Vec<u8> = row.get(3)?;
        let cells = cells.into_iter().map(u8::cast_signed).collect();
        let print = Fingerprint { grid_ms: row.get(1)?, first: row.get(2)?, cells };
        if let Some(found) = print.agreement(own) {
            join(transaction, other, dataset, found.to_string())?;
            market = of(transaction, dataset)?.into_iter().collect();
        }
    }
    Ok(())
}

/// The datasets of a dataset's market, in the order in which they were seen.
pub(super) fn of(connection: &Connection, dataset: i64) -> rusqlite::Result<BTreeSet<i64>> {
    let pairs = merges(connection)?;
    let mut market = BTreeSet::from([dataset]);
    loop {
        let more: Vec<i64> = pairs
            .iter()
            .filter(|(_, [a, b])| market.contains(a) != market.contains(b))
            .flat_map(|(_, pair)| *pair)
            .collect();
        if more.is_empty() {
            return Ok(market);
        }
        market.extend(more);
    }
}

pub(super) fn merges(connection: &Connection) -> rusqlite::Result<Vec<(Entry, [i64; 2])>> {
    let pair = |entry: Entry| match entry.event {
        Event::Merge { datasets, .. } => Some((entry, datasets)),
        _ => None,
    };
    Ok(chain::entries_of(connection, "merge")?.into_iter().filter_map(pair).collect())
}

/// Portfolios, each with one of its instruments.
fn portfolios(connection: &Connection) -> rusqlite::Result<HashSet<[i64; 2]>> {
    let pair = |entry: Entry| match entry.event {
        Event::Instrument { portfolio, dataset } => Some([portfolio, dataset]),
        _ => None,
    };
    Ok(chain::entries_of(connection, "instrument")?.into_iter().filter_map(pair).collect())
}

/// The datasets on which trials count for one: those of its market, of its instruments where it is the basket of a
/// portfolio, and the baskets of all portfolios that have one of these. Instruments stay markets of their own.
pub(super) fn counted(connection: &Connection, dataset: i64) -> rusqlite::Result<BTreeSet<i64>> {
    let own = of(connection, dataset)?;
    let pairs = portfolios(connection)?;
    let mut instruments = own.clone();
    for [_, instrument] in pairs.iter().filter(|[portfolio, _]| own.contains(portfolio)) {
        instruments.extend(of(connection, *instrument)?);
    }
    let mut all = instruments.clone();
    for [portfolio, _] in pairs.iter().filter(|[_, instrument]| instruments.contains(instrument)) {
        all.extend(of(connection, *portfolio)?);
    }
    Ok(all)
}

/// The datasets of one's market, and of the baskets of the same instruments over other times.
pub(super) fn alike(connection: &Connection, dataset: i64) -> rusqlite::Result<BTreeSet<i64>> {
    let mut all = of(connection, dataset)?;
    let mut instruments: BTreeMap<i64, BTreeSet<Option<i64>>> = BTreeMap::new();
    for [portfolio, instrument] in portfolios(connection)? {
        let market = of(connection, instrument)?.first().copied();
        instruments.entry(portfolio).or_default().insert(market);
    }
    if let Some(own) = instruments.get(&dataset) {
        all.extend(instruments.iter().filter(|(_, other)| *other == own).map(|(portfolio, _)| *portfolio));
    }
    Ok(all)
}

/// A published run that counts.
pub(super) struct PublishedRow {
    pub(super) key: [u8; KEY],
    pub(super) sharpe: Option<f64>,
}

/// The published runs of a market that count, each once, filed after entry `since`.
pub(super) fn published(
    connection: &Connection,
    market: &BTreeSet<i64>,
    since: i64,
) -> rusqlite::Result<Vec<PublishedRow>> {
    let forgotten: HashSet<i64> = forgotten(connection)?.into_keys().collect();
    let mut query = connection.prepare(&format!(
        "SELECT key, sharpe, entry FROM published WHERE {} AND entry > ?1 ORDER BY entry, key",
        within(market)
    ))?;
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut rows = query.query([since])?;
    while let Some(row) = rows.next()? {
        let key: [u8; KEY] = row.get(0)?;
        if !forgotten.contains(&row.get(2)?) && seen.insert(key) {
            found.push(PublishedRow { key, sharpe: row.get(1)? });
        }
    }
    Ok(found)
}

/// Imports that count no longer, with the reason.
pub(super) fn forgotten(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, String>> {
    let of = |entry: Entry| match entry.event {
        Event::Forget { entry, reason } => Some((entry, reason)),
        _ => None,
    };
    Ok(chain::entries_of(connection, "forget")?.into_iter().filter_map(of).collect())
}

/// How many published runs of a market count no longer.
fn forgotten_runs(connection: &Connection, market: &BTreeSet<i64>) -> rusqlite::Result<u64> {
    let counted: HashSet<[u8; KEY]> = published(connection, market, 0)?.into_iter().map(|run| run.key).collect();
    let mut query = connection.prepare(&format!("SELECT DISTINCT key FROM published WHERE {}", within(market)))?;
    let keys = query.query_map([], |row| row.get::<_, [u8; KEY]>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(keys.iter().filter(|key| !counted.contains(*key)).count() as u64)
}

/// The campaign of this name on a market.
pub(super) fn campaign(
    connection: &Connection,
    market: &BTreeSet<i64>,
    wanted: &str,
) -> rusqlite::Result<Option<Entry>> {
    let is = |entry: &Entry| matches!(&entry.event, Event::Campaign { dataset, name, .. } if name == wanted && market.contains(dataset));
    Ok(chain::entries_of(connection, "campaign")?.into_iter().find(is))
}

/// The last effective number of trials that was noted on a market.
pub(super) fn effective(connection: &Connection, market: &BTreeSet<i64>) -> rusqlite::Result<Option<u64>> {
    let of = |entry: Entry| match entry.event {
        Event::Effective { dataset, effective } if market.contains(&dataset) => Some(effective),
        _ => None,
    };
    Ok(chain::entries_of(connection, "effective")?.into_iter().rev().find_map(of))
}

/// Family and origin of each entry that has trials.
pub(super) fn batches(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, (String, String)>> {
    let of = |entry: Entry| match entry.event {
        Event::Trials { family, origin, .. } => Some((entry.seq, (family, origin))),
        Event::Migrate { family, .. } => Some((entry.seq, (family, "migrate".to_owned()))),
        Event::Import { family, .. } => Some((entry.seq, (family, "published".to_owned()))),
        _ => None,
    };
    Ok(chain::entries(connection)?.into_iter().filter_map(of).collect())
}

/// A condition that holds for the datasets of a market.
pub(super) fn within(market: &BTreeSet<i64>) -> String {
    let ids: Vec<String> = market.iter().map(i64::to_string).collect();
    format!("dataset IN ({})", ids.join(", "))
}

/// Different own hypotheses of a market that somebody could have picked, filed in entries of `from..to`.
pub(super) fn own(connection: &Connection, market: &BTreeSet<i64>, from: i64, to: i64) -> rusqlite::Result<u64> {
    let sql = format!(
        "SELECT count(*) FROM (SELECT DISTINCT hypothesis FROM trials WHERE {} AND role = 1 AND entry >= ?1 AND entry < ?2)",
        within(market)
    );
    connection.query_row(&sql, [from, to], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

/// Sharpe ratios of the first runs of a market's candidates with so many returns.
fn ratios(connection: &Connection, market: &BTreeSet<i64>, returns: usize) -> rusqlite::Result<Vec<f64>> {
    // SQLite takes a bare column from the row that has the minimum.
    let mut query = connection.prepare(&format!(
        "SELECT sharpe, min(entry) FROM trials WHERE {} AND role = 1 AND returns = ?1 GROUP BY hypothesis",
        within(market)
    ))?;
    let ratios: Vec<Option<f64>> =
        query.query_map([returns as i64], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(ratios.into_iter().flatten().collect())
}

/// The datasets on which trials count for the record; empty where the ledger has never seen it.
pub(super) fn of_record(connection: &Connection, record: &Record) -> rusqlite::Result<BTreeSet<i64>> {
    let mut query = connection.prepare_cached("SELECT id FROM datasets WHERE bars = ?1")?;
    let dataset = query.query_row([&record.bars], |row| row.get(0)).optional()?;
    dataset.map_or(Ok(BTreeSet::new()), |dataset| counted(connection, dataset))
}

impl TrialLedger {
    /// What a candidate with so many returns is deflated for.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn tried(&self, scope: Scope<'_>, returns: usize) -> Result<Tried, LedgerError> {
        self.read(|ledger| {
            let market = of_record(ledger, scope.record)?;
            let since = self.campaign.as_ref().map_or(0, |campaign| campaign.seq);
            let published_since = published(ledger, &market, since)?.len() as u64;
            let mut comparable = ratios(ledger, &market, returns)?;
            comparable.extend(published(ledger, &market, 0)?.iter().filter_map(|run| run.sharpe));
            Ok(Tried {
                trials: own(ledger, &market, since, i64::MAX)? + published_since,
                variance: robust_variance(&comparable),
                effective: effective(ledger, &market)?,
                forgotten: forgotten_runs(ledger, &market)?,
            })
        })
    }
}
