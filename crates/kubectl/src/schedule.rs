//! When a schedule begins something: as the controller of Kubernetes' CronJobs reads it, in UTC. Pure.

use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{Timestamp, tz::TimeZone};

/// A schedule that can be reckoned with.
#[derive(Debug, Clone)]
pub struct Schedule(Cron);

impl Schedule {
    /// Reads a cron expression of five fields or a macro such as `@daily`. None of `@every …`, whose times hang on when the CronJob
    /// was made, and of what is no schedule.
    pub fn parse(text: &str) -> Option<Self> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let text = if text.trim() == "@midnight" { "@daily" } else { text.trim() };
        parser.parse(text).ok().map(Self)
    }

    /// Its next time behind `now`; none where it never comes, as on the 31st of February.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.find_next_occurrence(&now.to_zoned(TimeZone::UTC), false).ok().map(|time| time.timestamp())
    }

    /// Its last time before `now`.
    pub fn previous(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.find_previous_occurrence(&now.to_zoned(TimeZone::UTC), false).ok().map(|time| time.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &str) -> Option<String> {
        let now = "2022-02-01T10:02:30Z".parse().expect("a time");
        Schedule::parse(schedule)?.next(now).map(|time| time.to_string())
    }

    #[test]
    fn schedules_are_those_of_cron_jobs() {
        for (schedule, expected) in [
            ("*/5 * * * *", "2022-02-01T10:05:00Z"),
            ("0 3 * * *", "2022-02-02T03:00:00Z"),
            ("30 10 1 2 *", "2022-02-01T10:30:00Z"),
            ("0 0 * * sun", "2022-02-06T00:00:00Z"),
            ("0 0 * * 0", "2022-02-06T00:00:00Z"),
            // A day of the month or a day of the week, where both are said.
            ("0 0 3 * 5", "2022-02-03T00:00:00Z"),
            ("@hourly", "2022-02-01T11:00:00Z"),
            ("@daily", "2022-02-02T00:00:00Z"),
            ("@midnight", "2022-02-02T00:00:00Z"),
            ("@weekly", "2022-02-06T00:00:00Z"),
            ("@monthly", "2022-03-01T00:00:00Z"),
            ("@yearly", "2023-01-01T00:00:00Z"),
        ] {
            assert_eq!(next(schedule).as_deref(), Some(expected), "{schedule}");
        }
        for none in ["0 0 31 2 *", "* * * * * *", "@every 1h", "soon", ""] {
            assert_eq!(next(none), None, "{none}");
        }
    }

    #[test]
    fn the_last_time_is_before_now() {
        let schedule = Schedule::parse("0 3 * * *").expect("a schedule");
        let now = "2022-02-01T03:00:00Z".parse().expect("a time");
        assert_eq!(schedule.previous(now).map(|time| time.to_string()).as_deref(), Some("2022-01-31T03:00:00Z"));
    }
}
