//! On the chain with real money, a promoted strategy begins with a hundredth of its capital, and earns the rest by
//! doing what its backtest does.
//!
//! A session stays on one rung from its first bar to its last, so its books, its replay and its report have the same
//! capital. The next session begins on the rung that this one earned. Somebody has to begin it: no money is added
//! automatically.
//!
//! | the session before | the next one begins |
//! |---|---|
//! | its monitor has raised an alarm that demotes, or a lamport of a fill is not explained | a rung lower |
//! | parity ([`Comparison::parity`]) with the replay of its own record over [`FILLS`] fills or more | a rung higher |
//! | neither yet | on the same rung |
//! | cannot be read | at the foot |
//!
//! Rungs are kept for each manifest in the data directory; a new promotion begins at the bottom again.

use crate::compare::{Backtest, Comparison, Record};
use q50_sqlite::{Layout, LayoutError};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
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
    /// It cannot be read.
    pub fn of(session: &Path) -> Result<Self, String> {
        let record = Record::read(session).map_err(|error| error.to_string())?;
        let alarm = record.alarms.iter().find(|alarm| alarm.demoted).map(|alarm| alarm.reason.clone());
        if record.decisions.is_empty() {
            return Ok(Self { fills: 0, parity: false, unexplained: 0, alarm });
        }
        let backtest = Backtest::of_session(&record).map_err(|error| error.to_string())?;
        let compared = Comparison::of(&backtest, &record).map_err(|error| error.to_string())?;
        let unexplained = compared.fills.pairs.iter().filter_map(|pair| pair.parts);
        let unexplained = unexplained.map(|parts| parts.unexplained.abs()).sum();
        Ok(Self { fills: compared.fills.matched, parity: compared.parity, unexplained, alarm })
    }

    /// What follows from it, and why.
    #[must_use]
    pub fn step(&self) -> (Step, String) {
        let Self { fills, parity, unexplained, alarm } = self;
        if let Some(alarm) = alarm {
            return (Step::Falls, format!("the monitor demoted the session before: {alarm}"));
        }
        if *unexplained != 0 {
            return (Step::Falls, format!("{unexplained} lamports of the session before are not explained"));
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
        (capital * 1e9 * f64::from(RUNGS[self.rung]) / 100.0).floor() / 1e9
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
        let own = "SELECT rung, why FROM steps WHERE manifest = ?1 AND session = ?2";
        let row = |row: &rusqlite::Row<'_>| {
            let rung: i64 = row.get(0)?;
            Ok((usize::try_from(rung).unwrap_or(0), row.get::<_, String>(1)?))
        };
        if let Some((rung, why)) = self.database.query_row(own, params![manifest, name(session)], row).optional()? {
            return Ok(Standing::new(rung, why));
        }
        let last = "SELECT rung, session FROM steps WHERE manifest = ?1 ORDER BY rowid DESC LIMIT 1";
        let Some((rung, before)) = self.database.query_row(last, [manifest], row).optional()? else {
            return Ok(Standing::new(0, "it begins at the foot".to_owned()));
        };
        Ok(match Evidence::of(Path::new(&before)) {
            Ok(evidence) => {
                let (step, why) = evidence.step();
                Standing::new(step.from(rung), why)
            }
            Err(problem) => {
                Standing::new(0, format!("{before}, which it would have to be judged by, shows nothing: {problem}"))
            }
        })
    }

    /// Keeps where a session stands that has begun.
    ///
    /// # Errors
    /// [`LadderError`].
    pub fn keep(&self, manifest: &str, session: &Path, standing: &Standing, now_ms: i64) -> Result<(), LadderError> {
        let insert = "INSERT OR IGNORE INTO steps (manifest, session, rung, time_ms, why) VALUES (?1, ?2, ?3, ?4, ?5)";
        let rung = i64::try_from(standing.rung).unwrap_or(0);
        self.database.execute(insert, params![manifest, name(session), rung, now_ms, standing.why])?;
        Ok(())
    }
}

fn name(session: &Path) -> String {
    session.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: Evidence = Evidence { fills: FILLS, parity: true, unexplained: 0, alarm: None };

    #[test]
    fn parity_climbs_and_an_alarm_or_an_unexplained_lamport_falls() {
        for (evidence, step, words) in [
            (HELD, Step::Climbs, "parity held over 20 fills"),
            (Evidence { fills: FILLS - 1, ..HELD }, Step::Stays, "19 of 20 fills"),
            (Evidence { parity: false, ..HELD }, Step::Stays, "did not do the same"),
            (Evidence { unexplained: 1, ..HELD }, Step::Falls, "1 lamports"),
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
        let [one, two] = ["/one", "/two"].map(Path::new);
        let first = ladder.standing("m", one).unwrap();
        assert_eq!(first.text(), "rung 1 of 4, 1 % of the promoted capital: it begins at the foot");
        assert_eq!(ladder.standing("m", two).unwrap(), first, "a session that never began is none");
        ladder.keep("m", one, &Standing { rung: 2, why: "it climbed".to_owned() }, 1).unwrap();
        ladder.keep("m", one, &first, 2).unwrap();
        assert_eq!(ladder.standing("m", one).unwrap().rung, 2, "it goes on");
        let next = ladder.standing("m", two).unwrap();
        assert_eq!(next.rung, 0);
        assert!(next.why.contains("/one, which it would have to be judged by, shows nothing"), "{}", next.why);
        assert_eq!(ladder.standing("another manifest", one).unwrap().rung, 0);
    }
}
