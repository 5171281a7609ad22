//! `q50 pool`: exact quotes, and accounts as they are on chain.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use q50_datasets::{input::read_bytes, pool_trades::read_pool_trades, staged::StagedFile};
use q50_pumpswap::account_dump::{Account, AccountDump, DumpError, Fields, read_dumps};
use q50_pumpswap::quote::{BatchSummary, Malformed, answer_batch};
use q50_research::reserves::{Fee, Settings, infer};
use serde_json::{Value, json};

use crate::{
    Answer,
    args::{PoolCommand, PoolInferArguments, PoolQuoteArguments, PoolShowArguments},
    output,
};

/// Malformed lines that are named on stderr; the answers name all.
const NAMED: u64 = 20;
/// Most bytes of a dump of accounts: 256 MiB.
const DUMP_MOST: u64 = 256 << 20;
/// Bytes that tell what a file is.
const BEGINNING: usize = 4096;

pub(crate) fn run(command: &PoolCommand) -> Result<Answer> {
    match command {
        PoolCommand::Quote(arguments) => quote(arguments),
        PoolCommand::Show(arguments) => show(arguments),
        PoolCommand::Infer(arguments) => infer_reserves(arguments),
    }
}

/// Whether a path stands for stdin.
pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Refuses content that no line of can be JSON.
pub(super) fn refuse_foreign(beginning: &[u8]) -> Result<()> {
    let text = &beginning[..beginning.len().min(BEGINNING)];
    ensure!(
        !text.starts_with(b"PAR1") && !text.contains(&0),
        "this is a binary file; expected JSON text, one object a line"
    );
    Ok(())
}

fn quote(arguments: &PoolQuoteArguments) -> Result<Answer> {
    let path = &arguments.batch;
    let name = path.display().to_string();
    let summary = if is_stdin(path) {
        batch(io::stdin().lock(), "stdin", arguments.out.as_deref())
    } else {
        // A folder can be opened, but not read.
        ensure!(!path.is_dir(), "{name}: this is a folder; expected a file");
        // Read as it comes and once, so that a pipe may be of any length.
        let file = File::open(path).with_context(|| name.clone())?;
        batch(file, &name, arguments.out.as_deref())
    }?;
    tracing::info!("{} lines answered, {} of them malformed", summary.answered, summary.malformed);
    Ok(if summary.malformed == 0 { Answer::Yes } else { Answer::No })
}

fn infer_reserves(arguments: &PoolInferArguments) -> Result<Answer> {
    let tape = read_pool_trades(&arguments.trades, arguments.pool.as_deref())?;
    let fee = arguments.fee_bps.map_or(Fee::Profiled, Fee::Given);
    let settings = Settings { window: arguments.window, fee, ..Settings::default() };
    let (value, answer) = match infer(&tape.trades, &settings) {
        Ok(found) => {
            let value = json!({
                "pool": tape.pool, "trades": tape.trades.len(), "windows": found.windows.len(), "sol": found.sol,
                "sol_quartiles": found.sol_quartiles, "token": found.token, "fee_bps": found.fee_bps,
                "median_residual_bps": found.median_residual_bps, "refused": null,
            });
            (value, Answer::Yes)
        }
        Err(refusal) => {
            let value = json!({ "pool": tape.pool, "trades": tape.trades.len(), "refused": refusal.to_string() });
            (value, Answer::No)
        }
    };
    output::print(arguments.format, &value, |out| {
        writeln!(out, "{}: {} trades", tape.pool, tape.trades.len())?;
        match value["refused"].as_str() {
            Some(reason) => writeln!(out, "refused: {reason}"),
            None => writeln!(
                out,
                "{:.1} SOL (quartiles {:.1} to {:.1}) and {:.0} tokens before the first trade, fee {:.1} basis points; \
                 median residual {:.2} basis points over {} windows",
                value["sol"].as_f64().unwrap_or(f64::NAN),
                value["sol_quartiles"][0].as_f64().unwrap_or(f64::NAN),
                value["sol_quartiles"][1].as_f64().unwrap_or(f64::NAN),
                value["token"].as_f64().unwrap_or(f64::NAN),
                value["fee_bps"].as_f64().unwrap_or(f64::NAN),
                value["median_residual_bps"].as_f64().unwrap_or(f64::NAN),
                value["windows"],
            ),
        }
    })?;
    Ok(answer)
}

/// Answers `input`, which is called `name`, in the file `out` or on stdout.
fn batch(mut input: impl Read, name: &str, out: Option<&Path>) -> Result<BatchSummary> {
    let mut beginning = Vec::new();
    // One byte tells an array; a pipe that is fed line by line must not be waited for.
    input.by_ref().take(1).read_to_end(&mut beginning).with_context(|| name.to_owned())?;
    ensure!(
        beginning != b"[",
        "{name}: this is one JSON array; expected one object a line (jq -c '.[]' makes that of it)"
    );
    ensure!(beginning != b"P" && beginning != b"\0", "{name}: this is no JSON; expected one object a line");
    let input = beginning.chain(input);
    let Some(out) = out else {
        return answer(input, name, &mut io::stdout().lock());
    };
    let mut file = StagedFile::create(out).context("--out")?;
    let summary = answer(input, name, &mut file)?;
    file.commit()?;
    Ok(summary)
}

fn answer(input: impl Read, name: &str, output: &mut impl Write) -> Result<BatchSummary> {
    let mut named = 0;
    let on_malformed = |malformed: &Malformed| {
        if named < NAMED {
            tracing::error!("{name} line {}: {}", malformed.line, malformed.message);
        }
        named += 1;
    };
    let summary = answer_batch(input, output, on_malformed).with_context(|| name.to_owned())?;
    if summary.malformed > NAMED {
        tracing::error!("{name}: {} more malformed lines, each named in the answers", summary.malformed - NAMED);
    }
    Ok(summary)
}

fn show(arguments: &PoolShowArguments) -> Result<Answer> {
    let path = &arguments.file;
    let name = || path.display().to_string();
    let content = read_bytes(path, DUMP_MOST).with_context(name)?;
    let dumps = read_dumps(&content).with_context(name)?;
    let dump = choose(&dumps, arguments.name.as_deref()).with_context(name)?;
    let account = dump.decode().with_context(name)?;
    let fields = Fields::new(dump, &account);
    output::print(arguments.format, &fields, |out| show_text(out, &fields))?;
    Ok(if is_elsewhere(dump, &account) { Answer::No } else { Answer::Yes })
}

/// Whether a pool was found at an address that is not its own: somebody else's account with a pool's bytes.
fn is_elsewhere(dump: &AccountDump, account: &Account) -> bool {
    match (account, dump.address) {
        (Account::Pool(pool), Some(address)) => address != pool.derived_address(),
        _ => false,
    }
}

/// The account that is meant: the only one, or the one called `name`.
fn choose<'a>(dumps: &'a [AccountDump], name: Option<&str>) -> Result<&'a AccountDump> {
    let Some(name) = name else {
        return match dumps {
            [one] => Ok(one),
            [] => bail!("the file has no accounts; expected an account dump"),
            _ => bail!("the file has {} accounts; name one with --name: {}", dumps.len(), names(dumps)),
        };
    };
    let by_number = name.parse::<usize>().ok().and_then(|number| dumps.get(number.checked_sub(1)?));
    let called: Vec<_> = dumps.iter().filter(|dump| dump.is_called(name)).collect();
    match (called.as_slice(), by_number) {
        ([one], _) => Ok(one),
        ([], Some(one)) => Ok(one),
        ([], None) => bail!("no account is called `{name}`; there are {}", names(dumps)),
        (several, _) => {
            bail!("{} accounts are called `{name}`; name one by its number: {}", several.len(), names(dumps))
        }
    }
}

/// What accounts can be called.
fn names(dumps: &[AccountDump]) -> String {
    let name = |(number, dump): (usize, &AccountDump)| {
        let kind =
            dump.decode().map_or_else(|error: DumpError| format!("unreadable: {error}"), |a| a.kind().to_owned());
        let address = dump.address.map(|address| format!(" {address}")).unwrap_or_default();
        format!("{number} ({kind}{address})")
    };
    (1..).zip(dumps).map(name).collect::<Vec<_>>().join(", ")
}

fn show_text(out: &mut dyn Write, fields: &Fields) -> io::Result<()> {
    for (name, value) in fields.iter() {
        match value {
            Value::Null => writeln!(out, "{name:<34} -")?,
            Value::String(text) => writeln!(out, "{name:<34} {text}")?,
            Value::Array(rows) => show_list(out, name, rows)?,
            other => writeln!(out, "{name:<34} {other}")?,
        }
    }
    Ok(())
}

/// A list, an entry a line, the first one beside the name.
fn show_list(out: &mut dyn Write, name: &str, rows: &[Value]) -> io::Result<()> {
    let is_table = rows.iter().any(Value::is_array);
    let cells = |row: &Value| match row {
        Value::Array(cells) => cells.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("  "),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    if !is_table && rows.iter().all(|row| row.as_str().is_some_and(|text| text.len() < 20)) {
        return writeln!(out, "{name:<34} {}", rows.iter().map(cells).collect::<Vec<_>>().join("  "));
    }
    for (i, row) in rows.iter().enumerate() {
        writeln!(out, "{:<34} {}", if i == 0 { name } else { "" }, cells(row))?;
    }
    Ok(())
}
