//! What was tried, by market, for people: counts, lineage, imports, campaigns.

use std::collections::{BTreeSet, HashSet};

use q50_datasets::time::rfc3339;
use rusqlite::{Connection, params};
use serde::Serialize;

use super::{
    LedgerError, Record, TrialLedger,
    chain::{self, Entry, Event},
    markets::{effective, forgotten, merges, of, of_record, own, published, within},
};

/// How much was tried on one market.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MarketCounts {
    /// Different hypotheses that somebody could have picked, published ones included.
    pub candidates: u64,
    /// Those of them that others published.
    pub published: u64,
    /// Tests of other results.
    pub probes: u64,
    /// Largest per-period Sharpe ratio of the candidates with the most returns; the others saw a part of the record.
    pub best_sharpe: Option<f64>,
    /// Effective number of independent trials, where a sweep has clustered its sets.
    pub effective: Option<u64>,
}

/// What the ledger holds on one market.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MarketSummary {
    /// How much was tried on it.
    #[serde(flatten)]
    pub counts: MarketCounts,
    /// Its datasets, the first one first.
    pub datasets: Vec<DatasetSummary>,
    /// Strategy families that were tried.
    pub families: Vec<String>,
    /// Why its datasets are of one market.
    pub merges: Vec<MergeSummary>,
    /// Lists of published runs.
    pub imports: Vec<ImportSummary>,
    /// Ideas that were registered before they were tried.
    pub campaigns: Vec<CampaignSummary>,
}

/// A record of prices.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DatasetSummary {
    /// Content hash of its bars; of an earlier layout, of bars and signals.
    pub bars: String,
    /// When it was first seen, RFC 3339.
    pub first_seen: String,
}

/// An agreement of two datasets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MergeSummary {
    /// Number of the entry.
    pub entry: i64,
    /// Hashes of their bars.
    pub datasets: [String; 2],
    /// How they agree.
    pub reason: String,
}

/// A list of published runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImportSummary {
    /// Number of the entry.
    pub entry: i64,
    /// The file or the claim that it is from.
    pub source: String,
    /// Its runs.
    pub runs: u64,
    /// Why it counts no longer; null where it does.
    pub forgotten: Option<String>,
}

/// A registered idea.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CampaignSummary {
    /// Number of the entry.
    pub entry: i64,
    /// Its name.
    pub name: String,
    /// Its words.
    pub idea: String,
    /// When it was registered, RFC 3339.
    pub registered: String,
    /// The same, epoch milliseconds.
    #[serde(skip)]
    pub registered_ms: i64,
    /// Different candidates that were on record for this market before it.
    pub earlier: u64,
}

impl TrialLedger {
    /// The campaign that was joined.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn campaign(&self) -> Result<Option<CampaignSummary>, LedgerError> {
        let Some(entry) = &self.campaign else { return Ok(None) };
        let Event::Campaign { dataset, .. } = entry.event else { return Ok(None) };
        self.read(|ledger| campaign_summary(ledger, &of(ledger, dataset)?, entry))
    }

    /// How much was tried on the record's market; nothing on one that the ledger has never seen.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn counts(&self, record: &Record) -> Result<MarketCounts, LedgerError> {
        self.read(|ledger| {
            let market = of_record(ledger, record)?;
            if market.is_empty() { Ok(MarketCounts::default()) } else { counts(ledger, &market) }
        })
    }

    /// What the ledger holds on the record's market; one that it has never seen is empty.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn summary(&self, record: &Record) -> Result<MarketSummary, LedgerError> {
        self.read(|ledger| {
            let market = of_record(ledger, record)?;
            if market.is_empty() { Ok(MarketSummary::default()) } else { summary(ledger, &market) }
        })
    }

    /// What the ledger holds, by market, the first one seen first.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn summaries(&self) -> Result<Vec<MarketSummary>, LedgerError> {
        self.read(|ledger| {
            let mut query = ledger.prepare("SELECT id FROM datasets ORDER BY id")?;
            let datasets: Vec<i64> = query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            let (mut seen, mut summaries) = (HashSet::new(), Vec::new());
            for dataset in datasets {
                if !seen.contains(&dataset) {
                    let market = of(ledger, dataset)?;
                    summaries.push(summary(ledger, &market)?);
                    seen.extend(market);
                }
            }
            Ok(summaries)
        })
    }
}

fn campaign_summary(
    connection: &Connection,
    market: &BTreeSet<i64>,
    entry: &Entry,
) -> rusqlite::Result<Option<CampaignSummary>> {
    let Event::Campaign { name, idea, .. } = &entry.event else { return Ok(None) };
    let later = published(connection, market, entry.seq)?.len();
    Ok(Some(CampaignSummary {
        entry: entry.seq,
        name: name.clone(),
        idea: idea.clone(),
        registered: rfc3339(entry.time_ms),
        registered_ms: entry.time_ms,
        earlier: own(connection, market, 0, entry.seq)? + (published(connection, market, 0)?.len() - later) as u64,
    }))
}

fn summary(connection: &Connection, market: &BTreeSet<i64>) -> rusqlite::Result<MarketSummary> {
    let mut query = connection.prepare(&format!(
        "SELECT dataset, bars, time_ms FROM (SELECT id AS dataset, bars, entry FROM datasets) JOIN entries ON seq = entry
         WHERE {} ORDER BY dataset",
        within(market)
    ))?;
    let datasets: Vec<(i64, DatasetSummary)> = query
        .query_map([], |row| Ok((row.get(0)?, DatasetSummary { bars: row.get(1)?, first_seen: rfc3339(row.get(2)?) })))?
        .collect::<rusqlite::Result<_>>()?;
    let hash_of =
        |id: i64| datasets.iter().find(|(own, _)| *own == id).map_or_else(String::new, |(_, d)| d.bars.clone());
    let mut families = BTreeSet::new();
    let (mut imports, mut campaigns) = (Vec::new(), Vec::new());
    let forgotten = forgotten(connection)?;
    for entry in chain::entries(connection)? {
        match &entry.event {
            Event::Trials { dataset, family, .. } | Event::Migrate { dataset, family, .. }
                if market.contains(dataset) =>
            {
                families.insert(family.clone());
            }
            Event::Import { dataset, family, source } if market.contains(dataset) => {
                families.insert(family.clone());
                let runs: i64 = connection.query_row(
                    "SELECT count(*) FROM published WHERE entry = ?1",
                    params![entry.seq],
                    |row| row.get(0),
                )?;
                imports.push(ImportSummary {
                    entry: entry.seq,
                    source: source.clone(),
                    runs: runs.unsigned_abs(),
                    forgotten: forgotten.get(&entry.seq).cloned(),
                });
            }
            Event::Campaign { dataset, .. } if market.contains(dataset) => {
                campaigns.extend(campaign_summary(connection, market, &entry)?);
            }
            _ => {}
        }
    }
    let merges = merges(connection)?
        .into_iter()
        .filter(|(_, [a, _])| market.contains(a))
        .filter_map(|(entry, [a, b])| match entry.event {
            Event::Merge { reason, .. } => {
                Some(MergeSummary { entry: entry.seq, datasets: [hash_of(a), hash_of(b)], reason })
            }
            _ => None,
        })
        .collect();
    Ok(MarketSummary {
        counts: counts(connection, market)?,
        datasets: datasets.into_iter().map(|(_, dataset)| dataset).collect(),
        families: families.into_iter().collect(),
        merges,
        imports,
        campaigns,
    })
}

fn counts(connection: &Connection, market: &BTreeSet<i64>) -> rusqlite::Result<MarketCounts> {
    let published = published(connection, market, 0)?.len() as u64;
    let sql = format!(
        "SELECT count(*) FILTER (WHERE role = 0),
                max(sharpe) FILTER (WHERE role = 1 AND returns = (SELECT max(returns) FROM trials WHERE {0} AND role = 1))
         FROM trials WHERE {0}",
        within(market)
    );
    let (probes, best_sharpe): (i64, Option<f64>) =
        connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(MarketCounts {
        candidates: own(connection, market, 0, i64::MAX)? + published,
        published,
        probes: probes.unsigned_abs(),
        best_sharpe,
        effective: effective(connection, market)?,
    })
}
