//! `q50 promote`: from a verdict to a signed manifest, or every reason why not.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use q50_datasets::time::rfc3339;
use q50_executor::clock::{Clock, SystemClock};
use q50_executor::cluster::Cluster;
use q50_executor::wallet::Wallet;
use q50_pumpswap::chain::programs::WSOL_MINT;
use q50_pumpswap::chain::{Address, pda};
use q50_research::claim::{CheckName, Condition};
use q50_research::program::Program;
use q50_research::trials::Scope;
use q50_trader::promotion::{Manifest, Override, Promotion, Refusal, Run, Signed, Where, objections, refusals};
use serde_json::json;

use crate::{Answer, args::PromoteArguments, configuration::ledger_that_is_there, output};

pub(crate) fn run(arguments: &PromoteArguments) -> Result<Answer> {
    let mut run = Run::read(&arguments.run)?;
    let (engine, market) = (Program::running()?, market(arguments, &run)?);
    let overrides = overrides(arguments, &run)?;
    let accepted = &arguments.accept_condition;
    let promotion = Promotion { run: &run, engine: &engine, market: &market, accepted, overrides: &overrides };
    let mut reasons = refusals(&promotion);
    reasons.extend(ledger(arguments, &run)?);
    reasons.extend(trials(arguments, &run)?);
    if !reasons.is_empty() {
        output::print(arguments.format, &json!({"promoted": false, "run": run.id, "refusals": reasons}), |out| {
            writeln!(out, "Run {} is not promoted:", run.id)?;
            reasons.iter().try_for_each(|Refusal { name, why }| writeln!(out, "  {name:<15} {why}"))
        })?;
        return Ok(Answer::No);
    }
    let wallet = Wallet::find(arguments.keypair.as_deref())?;
    let accept = |condition: &mut Condition| condition.accepted = true;
    run.conditions.iter_mut().for_each(accept);
    let signed = Manifest::of(&run, engine, market, overrides, rfc3339(SystemClock.now().0)).signed(&wallet);
    write(&arguments.out, &signed)?;
    let value = json!({
        "promoted": true, "run": run.id, "manifest": arguments.out, "hash": signed.hash(), "signer": signed.signer,
        "market": signed.manifest.market, "overrides": signed.manifest.overrides,
    });
    output::print(arguments.format, &value, |out| {
        let Manifest { market, overrides, spec, trials, .. } = &signed.manifest;
        let pool = market.pool.as_deref().unwrap_or("any pool");
        writeln!(out, "Run {} is promoted: {} SOL in {pool} on {}", run.id, spec.settings.capital, market.cluster)?;
        writeln!(out, "{} trials, ledger head {}", trials.count, trials.ledger.head)?;
        for Override { check, reason } in overrides {
            writeln!(out, "OVERRIDDEN  {check}: {reason}")?;
        }
        writeln!(out, "Manifest: {} (signed by {})", arguments.out.display(), signed.signer)
    })?;
    Ok(Answer::Yes)
}

/// Where it may trade: as it was typed, else where the run's pool was recorded, else anywhere on a chain of one's own.
fn market(arguments: &PromoteArguments, run: &Run) -> Result<Where> {
    let collected = run.collected.as_ref();
    let cluster = match &arguments.cluster {
        Some(name) => name.parse().context("--cluster")?,
        None => collected.map_or(Cluster::Localnet, |pool| Cluster::of(&pool.genesis)),
    };
    ensure!(!matches!(cluster, Cluster::Node(_)), "--cluster: expected localnet, devnet or mainnet-beta");
    let mint = arguments.mint.as_ref().map(|text| text.parse::<Address>().context("--mint")).transpose()?;
    let own = collected.filter(|pool| Cluster::of(&pool.genesis) == cluster);
    let genesis = cluster.genesis().map(str::to_owned).or_else(|| own.map(|pool| pool.genesis.clone()));
    Ok(match (mint, own) {
        (Some(mint), _) => Where {
            cluster: cluster.to_string(),
            genesis,
            pool: Some(pda::canonical_pool(&mint, &WSOL_MINT).to_string()),
            mint: Some(mint.to_string()),
        },
        (None, Some(own)) => {
            Where { cluster: cluster.to_string(), genesis, pool: Some(own.pool.clone()), mint: Some(own.mint.clone()) }
        }
        (None, None) => Where { cluster: cluster.to_string(), genesis, pool: None, mint: None },
    })
}

/// What is overridden; a check that is not in the way needs no override, so that whoever asks for one means another.
fn overrides(arguments: &PromoteArguments, run: &Run) -> Result<Vec<Override>> {
    let in_the_way = objections(run);
    let one = |(check, reason): &(CheckName, String)| {
        let check = check.name();
        ensure!(
            in_the_way.iter().any(|refusal| refusal.name == check),
            "--override {check}: {check} is not in the way, and needs no override; leave it out"
        );
        Ok(Override { check: check.to_owned(), reason: reason.clone() })
    };
    arguments.overrides.iter().map(one).collect()
}

/// The ledger has to be the one that the run was filed in, and sound: else nobody knows how much was tried.
fn ledger(arguments: &PromoteArguments, run: &Run) -> Result<Vec<Refusal>> {
    let ledger = match ledger_that_is_there(arguments.ledger.as_deref()) {
        Ok(ledger) => ledger,
        Err(missing) => return Ok(vec![Refusal::new("ledger", format!("{missing:#}"))]),
    };
    let found = ledger.check(Some(&run.ledger.head))?;
    let mut all = Vec::new();
    if let Some(broken) = &found.broken {
        all.push(Refusal::new("ledger", format!("entry {} is not what it was: {}", broken.entry, broken.problem)));
    }
    if found.has_head == Some(false) {
        let why = format!(
            "the trial ledger has no entry {:.16}, with which the run was filed: it is another one",
            run.ledger.head
        );
        all.push(Refusal::new("ledger", why));
    }
    let filed = ledger.files_of(&run.id)?;
    if let Some(newest) = filed.last().filter(|_| !filed.contains(&run.files)) {
        let others = run.files.iter().filter(|(name, hash)| newest.get(*name) != Some(hash));
        let others: Vec<&str> = others.map(|(name, _)| name.as_str()).collect();
        let why = format!("{} of the run: not as filed with its verdict; verify again", others.join(", "));
        all.push(Refusal::new("ledger", why));
    } else if filed.is_empty() {
        let why = format!("the trial ledger has no verdict of run {}: verify again, and name its ledger", run.id);
        all.push(Refusal::new("ledger", why));
    }
    Ok(all)
}

/// What was tried on the market since the verdict counts, too: in the ledger that was named, and in the usual one.
fn trials(arguments: &PromoteArguments, run: &Run) -> Result<Option<Refusal>> {
    let mut most = 0;
    for named in [arguments.ledger.as_deref(), None] {
        let Ok(mut ledger) = ledger_that_is_there(named) else { continue };
        let record = &run.spec.data.record;
        // A ledger without the campaign counts all that it has.
        if let Some(campaign) = &run.campaign {
            let _not_there = ledger.join_campaign(record, campaign);
        }
        most = most.max(ledger.tried(Scope { record, family: "" }, 0)?.trials);
    }
    let why = format!("the verdict was deflated for {}, and {most} are on record by now: verify again", run.trials);
    Ok((most > run.trials).then(|| Refusal::new("trials", why)))
}

/// Writes the manifest whole; one that is there is replaced, anything else is not.
fn write(path: &Path, signed: &Signed) -> Result<()> {
    let named = || path.display().to_string();
    if path.exists() {
        Signed::read(path).context("--out: there is a file, and it is not replaced; name another one")?;
    }
    let mut file = q50_datasets::staged::StagedFile::create(path)?;
    file.write_all(&signed.bytes()).with_context(named)?;
    Ok(file.commit()?)
}
