use super::manifest::{Override, Where};
use super::run::Run;
use q50_engine::venue::pump_swap::PoolFees;
use q50_research::claim::{CheckName, ConditionName, State, Verdict};
use q50_research::program::Program;
use q50_research::run::VenueSettings;
use serde::Serialize;

/// What is to be promoted, and by which program.
#[derive(Debug)]
pub struct Promotion<'a> {
    /// The run.
    pub run: &'a Run,
    /// The program that promotes, and would trade.
    pub engine: &'a Program,
    /// Where it would.
    pub market: &'a Where,
    /// Conditions that are accepted here, besides those that were accepted when it was verified.
    pub accepted: &'a [ConditionName],
    /// Checks that are overridden.
    pub overrides: &'a [Override],
}

/// Why a run may not be promoted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The name of the check or condition, or a word for what else it is.
    pub name: String,
    /// What is wrong, and what to do.
    pub why: String,
}

impl Refusal {
    /// A refusal.
    #[must_use]
    pub fn new(name: &str, why: impl Into<String>) -> Self {
        Self { name: name.to_owned(), why: why.into() }
    }
}

/// Every reason why this may not be promoted; none where it may.
#[must_use]
pub fn refusals(promotion: &Promotion<'_>) -> Vec<Refusal> {
    let is_overridden = |refusal: &Refusal| promotion.overrides.iter().any(|one| one.check == refusal.name);
    let mut all = objections(promotion.run);
    all.retain(|refusal| !is_overridden(refusal));
    all.extend(verdict(promotion));
    all.extend(conditions(promotion));
    all.extend(venue(promotion.run));
    all.extend(market(promotion));
    all.extend(engine(promotion));
    all
}

/// Checks that failed or were not run. One that has no meaning for the run is not asked of it, but for the pool's depth,
/// which has to have one.
#[must_use]
pub fn objections(run: &Run) -> Vec<Refusal> {
    let mut all = Vec::new();
    let made = |name: CheckName| run.checks.iter().find(|check| check.name == name);
    let missing = CheckName::ALWAYS.into_iter().filter(|name| made(*name).is_none());
    all.extend(missing.map(|name| Refusal::new(name.name(), "was not run; verify again with this q50")));
    for check in &run.checks {
        let is_needed = check.applies || check.name == CheckName::SurvivesDepth;
        match check.state {
            State::Pass => {}
            State::Fail => all.push(Refusal::new(check.name.name(), format!("failed: {}", check.evidence))),
            State::NotRun if is_needed => {
                all.push(Refusal::new(check.name.name(), format!("was not run: {}", check.evidence)));
            }
            State::NotRun => {}
        }
    }
    all
}

/// A verdict that is not a confirmation needs a check that is overridden: it is what stands in the way, and has a reason.
fn verdict(promotion: &Promotion<'_>) -> Option<Refusal> {
    let found = promotion.run.verdict;
    let is_free = found == Verdict::Confirmed || !objections(promotion.run).is_empty();
    (!is_free).then(|| Refusal::new("verdict", format!("is {}, though no check is in the way", found.name())))
}

fn conditions(promotion: &Promotion<'_>) -> Vec<Refusal> {
    let Promotion { run, accepted, .. } = promotion;
    let open = run.conditions.iter().filter(|one| !one.accepted && !accepted.contains(&one.name));
    let refusal = |condition: &q50_research::claim::Condition| {
        let name = condition.name.name();
        Refusal::new(name, format!("was not accepted: {} (--accept-condition {name})", condition.text))
    };
    open.map(refusal).collect()
}

/// The verdict has to be about the venue that will be traded: a pool at the program's own fees.
fn venue(run: &Run) -> Option<Refusal> {
    match &run.spec.settings.venue {
        VenueSettings::NextOpen(_) | VenueSettings::Perpetual(_) => Some(Refusal::new(
            "venue",
            format!(
                "the verdict was reached on {}, and what will be traded is a pool: verify with --venue pumpswap",
                run.spec.settings.venue.name()
            ),
        )),
        VenueSettings::PumpSwap(pool) if pool.config.fees != PoolFees::Schedule => Some(Refusal::new(
            "venue",
            "the verdict was reached at fees of its own, and the program charges by its schedule: verify without --cost-bps",
        )),
        VenueSettings::PumpSwap(_) if !run.spec.data.instruments.is_empty() => {
            Some(Refusal::new("venue", "the verdict is about several instruments, and a session trades one pool"))
        }
        VenueSettings::PumpSwap(_) => None,
    }
}

fn market(promotion: &Promotion<'_>) -> Vec<Refusal> {
    let Promotion { run, market, .. } = promotion;
    let is_ones_own = market.cluster == "localnet";
    let mut all = Vec::new();
    if market.cluster == "testnet" {
        let why = "PumpSwap is not documented on Solana's testnet; it is on devnet under the address of mainnet-beta";
        all.push(Refusal::new("cluster", why));
    }
    if run.collected.is_none() && !is_ones_own {
        let why = "the verdict was reached in no pool of a chain, but on reserves that were generated, rebuilt or are of nobody \
                   knows where: record the pool that would be traded (q50 collect), and verify on that record";
        all.push(Refusal::new("pool", why));
    } else if market.pool.is_none() && !is_ones_own {
        let why = format!("no pool is named that would be traded on {}: name its coin with --mint", market.cluster);
        all.push(Refusal::new("pool", why));
    }
    if let Some(collected) = &run.collected {
        if market.genesis.as_ref().is_some_and(|genesis| *genesis != collected.genesis) {
            let why = format!(
                "the verdict was reached in a pool of the chain with the genesis {}, which is not {}",
                collected.genesis, market.cluster
            );
            all.push(Refusal::new("cluster", why));
        }
        if let Some(pool) = market.pool.as_ref().filter(|pool| **pool != collected.pool) {
            let why = format!("the verdict was reached in the pool {}, and {pool} would be traded", collected.pool);
            all.push(Refusal::new("pool", why));
        }
    }
    if run.is_demonstration && !is_ones_own {
        let why = "the demonstration market is generated; verify on the record of a pool (q50 collect)";
        all.push(Refusal::new("demonstration", why));
    }
    all
}

fn engine(promotion: &Promotion<'_>) -> Option<Refusal> {
    let Promotion { run, engine, .. } = promotion;
    let short = |program: &Program| format!("{} ({:.16})", program.version, program.executable);
    let by = match &run.engine {
        Some(by) if by == *engine => return None,
        Some(by) => short(by),
        None => "a q50 that did not say which it was".to_owned(),
    };
    let why = format!("the run was made by {by}, and this is {}: verify again with this q50", short(engine));
    Some(Refusal::new("engine", why))
}
