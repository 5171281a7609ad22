//! `q50 audit`: check what others recorded.

use std::io::{self, Write};

use anyhow::Result;
use q50_datasets::{bars::Bars, time, trades::read_trades};
use q50_engine::units::PeriodsPerYear;
use q50_research::{
    audit::{AuditRequest, LedgerAudit, audit},
    claim::Claim,
};

use crate::{Answer, args::AuditLedgerArguments, configuration, output};

pub(crate) fn ledger(arguments: &AuditLedgerArguments) -> Result<Answer> {
    let claim = arguments.claim.as_deref().map(Claim::read).transpose()?;
    let period = claim.as_ref().and_then(|claim| claim.period.as_ref());
    let trades = read_trades(&arguments.trades, Some(&arguments.run))?;
    let bars = Bars::read(&arguments.bars)?;
    let year = arguments
        .periods_per_year
        .map_or_else(|| PeriodsPerYear::from_interval_ms(bars.interval_ms), PeriodsPerYear::new);
    let result = audit(&AuditRequest {
        run: &arguments.run,
        trades: &trades,
        bars: &bars,
        cash: arguments.cash,
        price_shift: arguments.price_shift,
        cap: arguments.cap,
        from: configuration::from_time(arguments.from.as_deref())?.or(period.and_then(|p| time::parse_ms(&p.from))),
        to: configuration::to_time(arguments.to.as_deref())?.or(period.and_then(|p| time::parse_ms(&p.to))),
        periods_per_year: year,
    })?;
    output::print(arguments.format, &result, |out| text(out, &result, claim.as_ref()))?;
    Ok(if result.violations.is_empty() { Answer::Yes } else { Answer::No })
}

fn text(out: &mut dyn Write, audit: &LedgerAudit, claim: Option<&Claim>) -> io::Result<()> {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.5}"));
    writeln!(out, "{}: {} fills on {} bars, {} to {}", audit.run, audit.fills, audit.bars, audit.from, audit.to)?;
    writeln!(out, "return    {}", number(audit.total_return))?;
    writeln!(out, "Sharpe    {}", number(audit.sharpe))?;
    writeln!(out, "drawdown  {}", number(audit.max_drawdown))?;
    if let Some(claim) = claim {
        writeln!(out, "claimed   Sharpe {} ({})", claim.sharpe.get(), claim.name)?;
    }
    for violation in &audit.violations {
        writeln!(
            out,
            "{:<18} {:>6}, first at {}: {}",
            violation.kind.name(),
            violation.count,
            violation.first,
            violation.detail
        )?;
    }
    Ok(())
}
