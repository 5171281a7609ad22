//! `q50 audit`: check what others recorded.

use std::io::{self, Read, Write};

use anyhow::{Context, Result, bail};
use q50_datasets::{bars::Bars, input::read_bytes, time, trades::read_trades};
use q50_engine::units::PeriodsPerYear;
use q50_pumpswap::swap_audit::{self, SwapAudit};
use q50_research::{
    annualisation::BarsPerYear,
    audit::{AuditRequest, LedgerAudit, audit},
    claim::Claim,
};

use super::pool::{is_stdin, refuse_foreign};
use crate::{
    Answer,
    args::{AuditLedgerArguments, AuditSwapsArguments},
    configuration, output,
};

/// Most bytes of recorded swaps: 4 GiB.
const SWAPS_MOST: u64 = 4 << 30;
/// How many differences are printed for people; JSON has all.
const SHOWN: usize = 20;

pub(crate) fn ledger(arguments: &AuditLedgerArguments) -> Result<Answer> {
    let claim = arguments.claim.as_deref().map(Claim::read).transpose()?;
    let period = claim.as_ref().and_then(|claim| claim.period.as_ref());
    let trades = read_trades(&arguments.trades, Some(&arguments.run))?;
    let bars = Bars::read(&arguments.bars)?;
    let year = match arguments.periods_per_year {
        None => PeriodsPerYear::from_interval_ms(bars.interval_ms),
        Some(typed) => BarsPerYear::of(&bars.open_time, bars.interval_ms)
            .checked(PeriodsPerYear::new(typed))
            .context("--periods-per-year")?,
    };
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

pub(crate) fn swaps(arguments: &AuditSwapsArguments) -> Result<Answer> {
    let path = &arguments.file;
    let name = || path.display().to_string();
    let mut content = Vec::new();
    if is_stdin(path) {
        io::stdin().lock().read_to_end(&mut content).context("stdin")?;
    } else {
        content = read_bytes(path, SWAPS_MOST).with_context(name)?;
    }
    refuse_foreign(&content).with_context(name)?;
    let audit = swap_audit::audit(&content);
    if audit.checked == 0 {
        match audit.unreadable.first() {
            Some(first) => bail!(
                "{}: none of {} records can be compared; line {}: {} (`q50 audit swaps --help` lists the shapes)",
                name(),
                audit.unreadable.len(),
                first.line,
                first.message
            ),
            None => bail!("{}: no records; expected one JSON object a line", name()),
        }
    }
    for unreadable in &audit.unreadable {
        tracing::error!("{} line {}: {}", name(), unreadable.line, unreadable.message);
    }
    for (key, line) in &audit.ignored {
        tracing::warn!("{} line {line}: `{key}` means nothing here and is ignored", name());
    }
    output::print(arguments.format, &audit, |out| swaps_text(out, &audit))?;
    Ok(if audit.is_clean() { Answer::Yes } else { Answer::No })
}

fn swaps_text(out: &mut dyn Write, audit: &SwapAudit) -> io::Result<()> {
    writeln!(
        out,
        "{} swaps checked: {} exact, {} errors matched, {} fields differ, {} lines unreadable",
        audit.checked,
        audit.exact,
        audit.errors_matched,
        audit.mismatches.len(),
        audit.unreadable.len()
    )?;
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    for mismatch in audit.mismatches.iter().take(SHOWN) {
        let (expected, got) = (value(&mismatch.expected), value(&mismatch.got));
        writeln!(out, "line {:<6} {:<28} recorded {expected}, computed {got}", mismatch.line, mismatch.field)?;
    }
    if audit.mismatches.len() > SHOWN {
        writeln!(out, "and {} more (--format json has all)", audit.mismatches.len() - SHOWN)?;
    }
    Ok(())
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
