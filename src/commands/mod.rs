//! One module a command: configuration in, one call, result out.

mod audit;
#[cfg(feature = "live")]
mod chain;
#[cfg(feature = "live")]
mod close;
#[cfg(feature = "live")]
mod collect;
#[cfg(feature = "live")]
mod compare;
mod data;
#[cfg(feature = "live")]
mod demonstration;
mod discover;
#[cfg(feature = "live")]
mod doctor;
#[cfg(feature = "live")]
mod gate;
mod indicators;
mod judge;
#[cfg(feature = "live")]
mod live;
#[cfg(feature = "live")]
mod localnet;
#[cfg(not(feature = "live"))]
#[path = "localnet_missing.rs"]
mod localnet;
mod lookahead;
mod overfit;
mod perp;
mod pool;
#[cfg(feature = "live")]
mod positions;
#[cfg(feature = "live")]
mod promote;
mod search;
mod stats;
mod strategy;
mod strategy_files;
mod sweep;
#[cfg(feature = "live")]
mod trade_text;
#[cfg(not(feature = "live"))]
mod trading_missing;
mod trials;
#[cfg(feature = "nautilus")]
mod validate;
#[cfg(not(feature = "nautilus"))]
#[path = "validate_missing.rs"]
mod validate;
mod verify;

use std::io::Write;

use anyhow::Result;

pub(crate) use self::sweep::with_sweep;
use crate::{
    Answer,
    args::{Arguments, AuditCommand, Command},
    cluster::{Cluster, needed},
    configuration,
};

/// Runs what was asked for.
pub(crate) fn run(arguments: &Arguments, cluster: Option<&dyn Cluster>) -> Result<Answer> {
    configuration::check_environment()?;
    match &arguments.command {
        Command::Verify(verify) => verify::run(verify, arguments.log.quiet),
        Command::Lookahead(lookahead) => lookahead::run(lookahead, arguments.log.quiet),
        Command::Audit(AuditCommand::Ledger(ledger)) => audit::ledger(ledger),
        Command::Audit(AuditCommand::Swaps(swaps)) => audit::swaps(swaps),
        Command::Pool(pool) => pool::run(pool),
        Command::Perp(perp) => perp::run(perp),
        Command::Stats(stats) => stats::run(stats),
        Command::Sweep(sweep) => sweep::run(sweep, cluster, arguments.log.quiet),
        Command::Scheduler(scheduler) => needed(cluster)?.scheduler(scheduler).map(|()| Answer::Yes),
        Command::Worker(worker) => needed(cluster)?.worker(worker).map(|()| Answer::Yes),
        Command::Discover(discover) => discover::run(discover, arguments.log.quiet),
        Command::Overfit(overfit) => overfit::run(overfit, arguments.log.quiet),
        Command::Validate(validate) => validate::run(validate, arguments.log.quiet),
        Command::Strategy(strategy) => strategy::run(strategy),
        Command::Trials(trials) => trials::run(trials),
        Command::Data(data) => data::run(data),
        Command::Localnet(localnet) => localnet::run(localnet),
        #[cfg(feature = "live")]
        Command::Chain(chain) => chain::run(chain),
        #[cfg(feature = "live")]
        Command::Positions(arguments) => positions::positions(arguments),
        #[cfg(feature = "live")]
        Command::Kill(arguments) => positions::kill(arguments),
        #[cfg(feature = "live")]
        Command::Resume(arguments) => positions::resume(arguments),
        #[cfg(feature = "live")]
        Command::Close(arguments) => close::close(arguments),
        #[cfg(feature = "live")]
        Command::Collect(collect) => collect::run(collect, arguments.log.quiet),
        #[cfg(feature = "live")]
        Command::Promote(promote) => promote::run(promote),
        #[cfg(feature = "live")]
        Command::Doctor(doctor) => doctor::run(doctor),
        #[cfg(feature = "live")]
        Command::Live(live) => live::run(live, arguments.log.quiet),
        #[cfg(feature = "live")]
        Command::Compare(compare) => compare::run(compare),
        #[cfg(not(feature = "live"))]
        Command::Collect(_)
        | Command::Promote(_)
        | Command::Doctor(_)
        | Command::Live(_)
        | Command::Compare(_)
        | Command::Chain(_)
        | Command::Positions(_)
        | Command::Kill(_)
        | Command::Resume(_)
        | Command::Close(_) => trading_missing::run(),
        Command::Completions { shell } => {
            // Written in one piece, because the generator panics where its reader has gone.
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::grammar(), "q50", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(Answer::Yes)
        }
    }
}
