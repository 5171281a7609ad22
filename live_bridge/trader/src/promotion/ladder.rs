//! On the chain with real money, a promoted strategy begins with a hundredth of its capital, and earns the rest by
//! doing what its backtest does.
//!
//! A session stays on one rung from its first bar to its last, so its books, its replay and its report have the same
//! capital. The next session begins on the rung that this one earned. Somebody has to begin it: no money is added
//! automatically.
//!
//! | the session before | the next one begins |
//! |---|---|
//! | its monitor, or since it began that of an earlier one, has raised an alarm that demotes; or a lamport of a fill is not explained | a rung lower |
//! | parity ([`Comparison::parity`]) with the replay of its own record over [`FILLS`] fills or more | a rung higher |
//! | neither yet, or its monitor warned | on the same rung |
//! | cannot be read, or did not trade by this manifest | at the foot |
//!
//! Rungs are kept for each manifest in the data directory; a new promotion begins at the bottom again.

use crate::compare::{Backtest, Comparison, Record};
use crate::journal::Journal;
use crate::spec::{Mode, SessionSpec};
use q50_engine::units::LAMPORTS_PER_SOL;
use q50_sqlite::{Layout, LayoutError};
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// Shares of the promoted capital, from the foot to the top, in hundredths.
pub const RUNGS: [u32; 4] = [1, 5, 25, 100];
/// Fills over which parity has to hold before more money is trusted to it.
pub const FILLS: usize = 20;

/// A ladder's file that cannot be used.
#[derive(Debug, Error)]
pub enum LadderError {
    /// The database.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// Another program's, or another version's.
    #[error("{0}")]
    Layout(String),
}

/// What a session showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its fills that a replay of its record has, too.
    pub fills: usize,
    /// Whether they did the same.
    pub parity: bool,
    /// Lamports that nothing explains.
    pub unexplained: i128,
    /// The monitor's alarm that demoted it.
    pub alarm: Option<String>,
    /// One that warned.
    pub warning: Option<String>,
}

/// Where the next session begins, seen from the rung of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A rung higher.
    Climbs,
    /// On the same rung.
    Stays,
    /// A rung lower.
    Falls,
}

impl Step {
    /// The rung that it leads to.
    #[must_use]
    pub fn from(self, rung: usize) -> usize {
        match self {
            Self::Climbs => (rung + 1).min(RUNGS.len() - 1),
            Self::Stays => rung,
            Self::Falls => rung.saturating_sub(1),
        }
    }
}

impl Evidence {
    /// What the session in this folder showed; why it shows nothing, where it does not.
    ///
    /// # Errors
    /// It cannot be read, or it did not trade by this manifest.
    pub fn of(session: &Path, manifest: &str) -> Result<Self, String> {
        let record = Record::read(session).map_err(|error| error.to_string())?;
        if !is_of(&record.spec, manifest) {
            return Err("it did not trade by this manifest".to_owned());
        }
        let first =
            |demoted| record.alarms.iter().find(|alarm| alarm.demoted == demoted).map(|alarm| alarm.reason.clone());
        let (alarm, warning) = (first(true), first(false));
        if record.decisions.is_empty() {
            return Ok(Self { fills: 0, parity: false, unexplained: 0, alarm, warning });
        }
        let backtest = Backtest::of_session(&record).map_err(|error| error.to_string())?;
        let compared = Comparison::of(&backtest, &record).map_err(|error| error.to_string())?;
        let fills = &compared.fills;
        Ok(Self { fills: fills.matched, parity: compared.parity, unexplained: fills.unexplained(), alarm, warning })
    }

    /// What follows from it, and why.
    #[must_use]
    pub fn step(&self) -> (Step, String) {
        let Self { fills, parity, unexplained, alarm, warning } = self;
        if let Some(alarm) = alarm {
            return (Step::Falls, format!("the monitor demoted a session before: {alarm}"));
        }
        if *unexplained != 0 {
            return (Step::Falls, format!("{unexplained} lamports of the session before are not explained"));
        }
        if let Some(warning) = warning {
            return (Step::Stays, format!("the monitor warned in the session before: {warning}"));
        }
        match (*fills >= FILLS, parity) {
            (true, true) => (Step::Climbs, format!("parity held over {fills} fills of the session before")),
            (false, _) => (Step::Stays, format!("the session before has {fills} of {FILLS} fills")),
            (true, false) => {
                (Step::Stays, "the session before and its replay did not do the same (q50 compare)".to_owned())
            }
        }
    }
}

/// Where a session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Number of its rung, from 0.
    pub rung: usize,
    /// Why.
    pub why: String,
}

impl Standing {
    fn new(rung: usize, why: String) -> Self {
        Self { rung: rung.min(RUNGS.len() - 1), why }
    }

    /// The same for people.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { rung, why } = self;
        format!("rung {} of {}, {} % of the promoted capital: {why}", rung + 1, RUNGS.len(), RUNGS[*rung])
    }

    /// How much of this capital the session may trade with, to the lamport.
    #[must_use]
    pub fn of(&self, capital: f64) -> f64 {
        (capital * LAMPORTS_PER_SOL * f64::from(RUNGS[self.rung]) / 100.0).floor() / LAMPORTS_PER_SOL
    }
}

const SCHEMA: &str = "
CREATE TABLE steps (
    manifest TEXT NOT NULL,
    session  TEXT NOT NULL,
    rung     INTEGER NOT NULL,
    time_ms  INTEGER NOT NULL,
    why      TEXT NOT NULL,
    PRIMARY KEY (manifest, session)
) STRICT;
";

const LAYOUT: Layout = Layout {
    // "q50r"
    application: 0x7135_3072,
    version: 1,
    schema: SCHEMA,
    additions: &[],
    synchronous: "full",
};

/// The rungs of every manifest.
#[derive(Debug)]
pub struct Ladder {
    database: Connection,
}

impl Ladder {
    /// Opens the file, or begins one.
    ///
    /// # Errors
    /// [`LadderError`].
    pub fn open(path: &Path) -> Result<Self, LadderError> {
        let mut database = Connection::open(path)?;
        LAYOUT.prepare(&mut database, Duration::from_secs(10)).map_err(|error| match error {
            LayoutError::Sqlite(error) => LadderError::Database(error),
            other => LadderError::Layout(other.to_string()),
        })?;
        Ok(Self { database })
    }

    /// Where the session in this folder stands. One that goes on stays where it began; a new one is judged by the last that
    /// traded by the same manifest.
    ///
    /// # Errors
    /// [`LadderError`].
    pub fn standing(&self, manifest: &str, session: &Path) -> Result<Standing, LadderError> {
        let steps = self.steps(manifest)?;
        let own = steps.iter().find(|step| step.session == session);
        Ok(match own {
            Some(own) if has_begun(session, manifest) => Standing::new(own.rung, own.why.clone()),
            // Whoever empties a folder begins anew there, and not where the session stood that it had.
            Some(own) => Standing::new(0, shows_nothing(&own.session, "it is gone")),
            None => next(manifest, &steps),
        })
    }

    /// Where a session would stand that begins now, in a folder of its own.
    ///
    /// # Errors
    /// [`LadderError`].
    pub fn next(&self, manifest: &str) -> Result<Standing, LadderError> {
        Ok(next(manifest, &self.steps(manifest)?))
    }

    /// Keeps where a session stands that has begun.
    ///
    /// # Errors
    /// [`LadderError`].
    pub fn keep(&self, manifest: &str, session: &Path, standing: &Standing, now_ms: i64) -> Result<(), LadderError> {
        let insert = "INSERT INTO steps (manifest, session, rung, time_ms, why) VALUES (?1, ?2, ?3, ?4, ?5)
                      ON CONFLICT DO UPDATE SET rung = excluded.rung, time_ms = excluded.time_ms, why = excluded.why
                      WHERE rung <> excluded.rung";
        let rung = i64::try_from(standing.rung).unwrap_or(0);
        self.database.execute(insert, params![manifest, name(session), rung, now_ms, standing.why])?;
        Ok(())
    }

    /// The steps of a manifest, oldest first.
    fn steps(&self, manifest: &str) -> Result<Vec<Kept>, LadderError> {
        let select = "SELECT session, rung, time_ms, why FROM steps WHERE manifest = ?1 ORDER BY time_ms, rowid";
        let mut statement = self.database.prepare(select)?;
        let steps = statement.query_map([manifest], |row| {
            let rung: i64 = row.get(1)?;
            Ok(Kept {
                session: PathBuf::from(row.get::<_, String>(0)?),
                rung: usize::try_from(rung).unwrap_or(0),
                time_ms: row.get(2)?,
                why: row.get(3)?,
            })
        })?;
        Ok(steps.collect::<Result<_, _>>()?)
    }
}

/// A session that has begun.
struct Kept {
    session: PathBuf,
    rung: usize,
    time_ms: i64,
    why: String,
}

/// Whether a session is there that trades by this manifest.
fn has_begun(session: &Path, manifest: &str) -> bool {
    let spec = || Journal::open(&session.join("session.sqlite")).ok()?.spec().ok()?;
    let parsed = |(_, text): (String, String)| serde_json::from_str::<SessionSpec>(&text).ok();
    session.is_dir() && spec().and_then(parsed).is_some_and(|spec| is_of(&spec, manifest))
}

fn is_of(spec: &SessionSpec, manifest: &str) -> bool {
    spec.mode == Mode::Trade && spec.manifest.as_deref() == Some(manifest)
}

fn shows_nothing(session: &Path, problem: &str) -> String {
    format!("{}, which it would have to be judged by, shows nothing: {problem}", session.display())
}

/// Where the session after these stands: by what the last one showed, and by what earlier ones showed since it began.
fn next(manifest: &str, steps: &[Kept]) -> Standing {
    let Some((last, earlier)) = steps.split_last() else {
        return Standing::new(0, "it begins at the foot".to_owned());
    };
    let evidence = match Evidence::of(&last.session, manifest) {
        Ok(evidence) => evidence,
        Err(problem) => return Standing::new(0, shows_nothing(&last.session, &problem)),
    };
    let later = |step: &Kept| {
        let alarms = Record::of_journal(&step.session).ok()?.alarms;
        alarms.into_iter().find(|alarm| alarm.demoted && alarm.at_ms > last.time_ms).map(|alarm| alarm.reason)
    };
    let alarm = evidence.alarm.clone().or_else(|| earlier.iter().find_map(later));
    let (step, why) = Evidence { alarm, ..evidence }.step();
    Standing::new(step.from(last.rung), why)
}

fn name(session: &Path) -> String {
    session.display().to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::*;
    use crate::monitor::MonitorRule;
    use crate::spec::Levels;
    use q50_engine::strategy::StrategyConfig;
    use q50_engine::strategy::side::FollowSideConfig;
    use q50_engine::units::{Lamports, PeriodsPerYear};
    use q50_engine::venue::PumpSwapConfig;
    use q50_research::run::{PoolVenue, RunSettings, VenueSettings};

    const HELD: Evidence = Evidence { fills: FILLS, parity: true, unexplained: 0, alarm: None, warning: None };

    #[test]
    fn parity_climbs_and_an_alarm_or_an_unexplained_lamport_falls() {
        for (evidence, step, words) in [
            (HELD, Step::Climbs, "parity held over 20 fills"),
            (Evidence { fills: FILLS - 1, ..HELD }, Step::Stays, "19 of 20 fills"),
            (Evidence { parity: false, ..HELD }, Step::Stays, "did not do the same"),
            (Evidence { unexplained: 1, ..HELD }, Step::Falls, "1 lamports"),
            (Evidence { warning: Some("worse".to_owned()), ..HELD }, Step::Stays, "worse"),
            (Evidence { alarm: Some("shortfall".to_owned()), ..HELD }, Step::Falls, "shortfall"),
        ] {
            let (found, why) = evidence.step();
            assert_eq!(found, step, "{why}");
            assert!(why.contains(words), "{why}");
        }
    }

    #[test]
    fn nobody_climbs_above_the_top_or_falls_below_the_foot() {
        assert_eq!((Step::Climbs.from(0), Step::Climbs.from(3)), (1, 3));
        assert_eq!((Step::Falls.from(2), Step::Falls.from(0), Step::Stays.from(2)), (1, 0, 2));
        let capital = |rung| Standing { rung, why: String::new() }.of(10.0);
        assert_eq!([0, 1, 2, 3].map(capital), [0.1, 0.5, 2.5, 10.0]);
    }

    #[test]
    fn a_session_stays_on_its_rung_and_one_that_nothing_speaks_for_begins_at_the_foot() {
        let folder = tempfile::tempdir().unwrap();
        let ladder = Ladder::open(&folder.path().join("ladder.sqlite")).unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        begin(&one, Mode::Trade, "m");
        let first = ladder.next("m").unwrap();
        assert_eq!(first.text(), "rung 1 of 4, 1 % of the promoted capital: it begins at the foot");
        assert_eq!(ladder.standing("m", &two).unwrap(), first, "a session that never began is none");
        let kept = Standing { rung: 2, why: "it climbed".to_owned() };
        ladder.keep("m", &one, &kept, 1).unwrap();
        assert_eq!(ladder.standing("m", &one).unwrap(), kept, "it goes on");
        assert_eq!(ladder.standing("another manifest", &one).unwrap().rung, 0);
        // It is there, and its manifest is not: nothing tells what it was promoted as.
        let next = ladder.standing("m", &two).unwrap();
        assert_eq!(next.rung, 0);
        assert!(next.why.contains("one, which it would have to be judged by, shows nothing"), "{}", next.why);
        // What was emptied, or is of something else by now, keeps no rung.
        for (mode, manifest) in [(None, "m"), (Some(Mode::Paper), "m"), (Some(Mode::Trade), "other")] {
            std::fs::remove_dir_all(&one).unwrap();
            if let Some(mode) = mode {
                begin(&one, mode, manifest);
            }
            let standing = ladder.standing("m", &one).unwrap();
            assert!(standing.rung == 0 && standing.why.contains("it is gone"), "{mode:?} {}", standing.why);
            if mode.is_none() {
                std::fs::create_dir(&one).unwrap();
            }
        }
        let foot = ladder.standing("m", &one).unwrap();
        ladder.keep("m", &one, &foot, 3).unwrap();
        assert_eq!(ladder.steps("m").unwrap()[0].rung, 0, "and it is kept where it begins again");
    }

    /// A session that has begun.
    fn begin(folder: &Path, mode: Mode, manifest: &str) {
        std::fs::create_dir_all(folder).unwrap();
        let spec = SessionSpec {
            schema: SessionSpec::SCHEMA.to_owned(),
            version: "0".to_owned(),
            begun_ms: 0,
            mode,
            genesis: String::new(),
            pool: String::new(),
            mint: String::new(),
            wallet: None,
            interval_ms: 1_000,
            signals: None,
            levels: Levels::default(),
            manifest: Some(manifest.to_owned()),
            monitor: MonitorRule::default(),
            settings: RunSettings {
                strategy: StrategyConfig::new(FollowSideConfig::default()),
                venue: VenueSettings::PumpSwap(PoolVenue { depth: Lamports(1), config: PumpSwapConfig::default() }),
                capital: 1.0,
                periods_per_year: PeriodsPerYear::from_interval_ms(1_000),
            },
        };
        Journal::open(&folder.join("session.sqlite")).unwrap().begin(&spec.id(), &spec.text(), 1, &[]).unwrap();
    }
}
