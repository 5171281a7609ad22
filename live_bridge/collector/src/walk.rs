//! Fills holes: signatures are listed page by page, and each page is stored with the progress so far in one transaction
//! of the log.

use crate::source::Source;
use crate::store::{Hole, Store, StoreError};
use crate::target::Target;
use crate::{CollectError, Progress};
use q50_executor::rpc::{Between, PAGE};

/// How often a walk that lost its way to a fork begins anew before that is an error.
const RESTARTS: usize = 5;

/// Lists until no hole is open: first those that an interruption left, then from the newest down to what is final.
/// Returns how many transactions are new.
///
/// # Errors
/// [`CollectError`] where no node lists, or the log cannot be written.
pub async fn walk(
    source: &impl Source,
    store: &mut Store,
    target: &Target,
    at_least: u64,
    told: &dyn Fn(Progress),
) -> Result<u64, CollectError> {
    let mut new = fill(source, store, target, at_least, told).await?;
    store.open_tail(&target.pool)?;
    new += fill(source, store, target, at_least, told).await?;
    Ok(new)
}

/// Fills every hole that is open.
///
/// # Errors
/// As [`walk`].
pub async fn fill(
    source: &impl Source,
    store: &mut Store,
    target: &Target,
    at_least: u64,
    told: &dyn Fn(Progress),
) -> Result<u64, CollectError> {
    let (mut new, mut listed, mut restarts) = (0, 0, 0);
    while let Some(hole) = store.hole()? {
        let between = Between { before: hole.before.as_ref(), until: hole.until.as_ref() };
        let page = source.signatures(&hole.account, between, at_least).await?;
        if page.is_empty() && has_lost_its_way(source, &hole).await? {
            restarts += 1;
            if restarts > RESTARTS {
                return Err(StoreError::Damaged("the nodes know nothing of what they listed".to_owned()).into());
            }
            store.restart(&hole)?;
            continue;
        }
        new += store.take(&hole, &page, page.len() < PAGE, &target.pool)?;
        listed += page.len() as u64;
        told(Progress::Listed(listed));
    }
    Ok(new)
}

/// Whether the list ends only because the node no longer knows the transaction that it was to go on from.
async fn has_lost_its_way(source: &impl Source, hole: &Hole) -> Result<bool, CollectError> {
    match &hole.before {
        Some(before) => Ok(!source.knows(before).await?),
        None => Ok(false),
    }
}
