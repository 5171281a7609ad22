//! Times at which no position is opened. Exits are never filtered.

use jiff::{
    Timestamp,
    civil::Weekday,
    tz::{TimeZone, TimeZoneDatabase},
};

use crate::{
    error::{Code, Error},
    reader::Entry,
};

pub(crate) const DAYS: [(&str, Weekday); 7] = [
    ("Monday", Weekday::Monday),
    ("Tuesday", Weekday::Tuesday),
    ("Wednesday", Weekday::Wednesday),
    ("Thursday", Weekday::Thursday),
    ("Friday", Weekday::Friday),
    ("Saturday", Weekday::Saturday),
    ("Sunday", Weekday::Sunday),
];

const MINUTE_MS: i64 = 60_000;
/// Hours between settlements of funding: they are at 00, 08 and 16 UTC.
pub(crate) const FUNDING_HOURS: u32 = 8;
const FUNDING_MS: i64 = FUNDING_HOURS as i64 * 60 * MINUTE_MS;

/// When entries are allowed. By default always.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    /// In one of these, where there are any.
    pub sessions: Vec<Session>,
    /// Not on these days (UTC).
    pub blocked_days: Vec<Weekday>,
    /// Not around settlements of funding.
    pub funding: Option<AroundFunding>,
}

/// A part of the day: from its start until before its end, past midnight where the end is the earlier of the two.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Minute of the local day at which it starts.
    pub start: u16,
    /// Minute of the local day at which it has ended.
    pub end: u16,
    /// Whose day it is.
    pub zone: TimeZone,
}

/// The time around a settlement of funding at F: from F - before until before F + after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AroundFunding {
    /// In minutes.
    pub before: u32,
    /// In minutes.
    pub after: u32,
}

/// Why nothing is opened at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filtered {
    /// Outside every session.
    Session,
    /// On a blocked day.
    Day,
    /// Around a settlement of funding.
    Funding,
}

impl Filters {
    /// Why nothing is opened at `instant` (epoch milliseconds), if so. An instant that no calendar has is in no session.
    #[must_use]
    pub fn at(&self, instant: i64) -> Option<Filtered> {
        let timestamp = Timestamp::from_millisecond(instant);
        let inside = |session: &Session| timestamp.as_ref().is_ok_and(|instant| session.contains(*instant));
        if !self.sessions.is_empty() && !self.sessions.iter().any(inside) {
            return Some(Filtered::Session);
        }
        // The first of January 1970 was a Thursday.
        let day = Weekday::Thursday.wrapping_add(instant.div_euclid(24 * 60 * MINUTE_MS).rem_euclid(7));
        if self.blocked_days.contains(&day) {
            return Some(Filtered::Day);
        }
        let around = |funding: AroundFunding| {
            let since = instant.rem_euclid(FUNDING_MS);
            since < i64::from(funding.after) * MINUTE_MS || since >= FUNDING_MS - i64::from(funding.before) * MINUTE_MS
        };
        self.funding.is_some_and(around).then_some(Filtered::Funding)
    }

    pub(crate) fn read(section: &Entry<'_>) -> Result<Self, Error> {
        let fields = section.mapping()?;
        fields.only(&["allowed_sessions", "blocked_days", "avoid_around_funding"])?;
        let mut filters = Self::default();
        if let Some(sessions) = fields.get("allowed_sessions") {
            filters.sessions = sessions.list()?.iter().map(Session::read).collect::<Result<_, _>>()?;
        }
        if let Some(days) = fields.get("blocked_days") {
            for day in days.list()? {
                let day = day.word(&DAYS)?;
                if !filters.blocked_days.contains(&day) {
                    filters.blocked_days.push(day);
                }
            }
            if filters.blocked_days.len() == DAYS.len() {
                return Err(days.fault_of_key(Code::Conflict, "every day is blocked"));
            }
        }
        if let Some(funding) = fields.get("avoid_around_funding") {
            filters.funding = AroundFunding::read(&funding)?;
        }
        Ok(filters)
    }
}

impl Session {
    fn contains(&self, instant: Timestamp) -> bool {
        let local = self.zone.to_datetime(instant).time();
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or_default();
        if self.start < self.end {
            (self.start..self.end).contains(&minute)
        } else {
            minute >= self.start || minute < self.end
        }
    }

    fn read(entry: &Entry<'_>) -> Result<Self, Error> {
        let fields = entry.mapping()?;
        fields.only(&["start", "end", "timezone"])?;
        let (start, end) = (fields.require("start")?, fields.require("end")?);
        let session = Self {
            start: minute(&start)?,
            end: minute(&end)?,
            zone: fields.get("timezone").map_or(Ok(TimeZone::UTC), |entry| zone(&entry))?,
        };
        if session.start == session.end {
            return Err(end.fault(Code::Conflict, "a session must not end when it starts"));
        }
        Ok(session)
    }
}

/// The minute of the day that `HH:MM` says.
fn minute(entry: &Entry<'_>) -> Result<u16, Error> {
    let text = entry.text()?;
    let two = |digits: &str, below: u16| {
        let digits =
            Some(digits).filter(|digits| digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<u16>().ok().filter(|number| *number < below)
    };
    text.split_once(':')
        .and_then(|(hours, minutes)| Some(two(hours, 24)? * 60 + two(minutes, 60)?))
        .ok_or_else(|| entry.fault(Code::BadValue, format!("`{text}` is no time of the day like 09:30")))
}

fn zone(entry: &Entry<'_>) -> Result<TimeZone, Error> {
    let name = entry.text()?;
    TimeZoneDatabase::bundled().get(name).map_err(|_| {
        entry.fault(Code::BadValue, format!("`{name}` is no time zone of the IANA database, like Europe/London"))
    })
}

impl AroundFunding {
    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Error> {
        let fields = entry.mapping()?;
        fields.only(&["enabled", "minutes_before", "minutes_after"])?;
        let minutes = |name| fields.get(name).map_or(Ok(5), |entry| entry.whole_in(0, 60));
        let around = Self { before: minutes("minutes_before")?, after: minutes("minutes_after")? };
        let enabled = fields.get("enabled").map_or(Ok(false), |entry| entry.flag())?;
        Ok(enabled.then_some(around))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_session_has_started_at_its_start_and_ended_at_its_end_also_past_midnight() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let filters = Filters { sessions: vec![Session { start: 22 * 60, end: 6 * 60, zone }], ..Filters::default() };
        // Summer time: Berlin is two hours ahead.
        assert_eq!(filters.at(at("2024-07-01T19:59:00Z")), Some(Filtered::Session));
        assert_eq!(filters.at(at("2024-07-01T20:00:00Z")), None);
        assert_eq!(filters.at(at("2024-07-02T03:59:59Z")), None);
        assert_eq!(filters.at(at("2024-07-02T04:00:00Z")), Some(Filtered::Session));
        // Winter time: one hour.
        assert_eq!(filters.at(at("2024-01-01T20:00:00Z")), Some(Filtered::Session));
    }

    #[test]
    fn days_are_those_of_utc() {
        let filters = Filters { blocked_days: vec![Weekday::Sunday], ..Filters::default() };
        assert_eq!(filters.at(at("2024-03-09T23:59:59Z")), None);
        assert_eq!(filters.at(at("2024-03-10T00:00:00Z")), Some(Filtered::Day));
        assert_eq!(filters.at(at("2024-03-11T00:00:00Z")), None);
    }

    #[test]
    fn the_time_around_funding_begins_before_it_and_ends_at_its_end() {
        let filters = Filters { funding: Some(AroundFunding { before: 10, after: 5 }), ..Filters::default() };
        for (time, filtered) in [("07:49", false), ("07:50", true), ("08:04", true), ("08:05", false), ("23:55", true)]
        {
            assert_eq!(filters.at(at(&format!("2024-03-10T{time}:00Z"))).is_some(), filtered, "{time}");
        }
    }
}
