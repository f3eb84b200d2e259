//! Which snapshots a policy keeps, by restic's rules (`internal/restic/snapshot_policy.go` of 0.18). Never touches a
//! repository: the decision is a function of the snapshots' times and tags.

use jiff::{Span, Zoned, civil::ISOWeekDate};

use crate::snapshots::Snapshot;

/// What to keep of each group of snapshots. A snapshot stays if any rule keeps it; an empty policy keeps all.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    /// The newest so many.
    pub last: Option<u32>,
    /// The newest of each of so many hours that have any; likewise below. `u32::MAX` is all.
    pub hourly: Option<u32>,
    /// Days.
    pub daily: Option<u32>,
    /// ISO weeks.
    pub weekly: Option<u32>,
    /// Months.
    pub monthly: Option<u32>,
    /// Years.
    pub yearly: Option<u32>,
    /// All that are younger, counted from the group's newest.
    pub within: Option<Span>,
    /// The newest of each hour of those that are younger; likewise below.
    pub within_hourly: Option<Span>,
    /// Days.
    pub within_daily: Option<Span>,
    /// ISO weeks.
    pub within_weekly: Option<Span>,
    /// Months.
    pub within_monthly: Option<Span>,
    /// Years.
    pub within_yearly: Option<Span>,
    /// All that have every tag of one of these lists.
    pub tags: Vec<Vec<String>>,
}

/// What divides time: two snapshots with the same value are of the same hour, day and so on.
type Bucket = (i64, i64);
/// A length of time, the rule for it, and its words.
type Rule = (&'static str, fn(&Zoned, usize) -> Bucket);

const RULES: [Rule; 6] =
    [("last", every), ("hourly", hour), ("daily", day), ("weekly", week), ("monthly", month), ("yearly", year)];

struct Counting {
    rule: Rule,
    left: u32,
    newest: Option<Bucket>,
}

struct Within {
    rule: Rule,
    /// Older than this is out of range.
    after: Zoned,
    newest: Option<Bucket>,
}

impl Keep {
    /// Whether the policy says nothing, and so keeps all.
    pub fn is_empty(&self) -> bool {
        self.counts().iter().all(Option::is_none)
            && self.spans().iter().all(Option::is_none)
            && self.within.is_none()
            && self.tags.is_empty()
    }

    fn counts(&self) -> [Option<u32>; 6] {
        let Self { last, hourly, daily, weekly, monthly, yearly, .. } = self;
        [*last, *hourly, *daily, *weekly, *monthly, *yearly]
    }

    fn spans(&self) -> [Option<Span>; 5] {
        let Self { within_hourly, within_daily, within_weekly, within_monthly, within_yearly, .. } = self;
        [*within_hourly, *within_daily, *within_weekly, *within_monthly, *within_yearly]
    }

    /// Why each snapshot of one group, given from the newest to the oldest, is kept; those with no reason are not.
    ///
    /// # Errors
    /// When a span reaches beyond the times that can be said.
    pub(crate) fn reasons(&self, newest_first: &[Snapshot]) -> Result<Vec<Vec<String>>, jiff::Error> {
        let Some(newest) = newest_first.first() else { return Ok(Vec::new()) };
        let within = self.within.map(|span| newest.time.checked_sub(span)).transpose()?;
        let mut counting: Vec<Counting> = RULES
            .into_iter()
            .zip(self.counts())
            .filter_map(|(rule, left)| Some(Counting { rule, left: left?, newest: None }))
            .collect();
        let mut spanning = Vec::new();
        for (rule, span) in RULES.into_iter().skip(1).zip(self.spans()) {
            if let Some(span) = span {
                spanning.push(Within { rule, after: newest.time.checked_sub(span)?, newest: None });
            }
        }
        let oldest = newest_first.len() - 1;
        Ok(newest_first
            .iter()
            .enumerate()
            .map(|(number, snapshot)| {
                let mut reasons = self.reasons_by_tags(snapshot);
                if within.as_ref().is_some_and(|after| snapshot.time > *after) {
                    reasons.push("within".to_owned());
                }
                reasons.extend(counting.iter_mut().filter_map(|rule| rule.reason(snapshot, number, number == oldest)));
                reasons.extend(spanning.iter_mut().filter_map(|rule| rule.reason(snapshot, number, number == oldest)));
                reasons
            })
            .collect())
    }

    fn reasons_by_tags(&self, snapshot: &Snapshot) -> Vec<String> {
        let has_all = |tags: &&Vec<String>| tags.iter().all(|tag| snapshot.tags.contains(tag));
        self.tags.iter().filter(has_all).map(|tags| format!("tags {}", tags.join(","))).collect()
    }
}

impl Counting {
    fn reason(&mut self, snapshot: &Snapshot, number: usize, oldest: bool) -> Option<String> {
        if self.left == 0 {
            return None;
        }
        let (name, bucket) = (self.rule.0, self.rule.1(&snapshot.time, number));
        let new = self.newest != Some(bucket);
        // The oldest stays while counts are left, so that the history is as long as it can be.
        if !new && !oldest {
            return None;
        }
        self.newest = Some(bucket);
        if self.left < u32::MAX {
            self.left -= 1;
        }
        Some(if new { name.to_owned() } else { format!("oldest {name}") })
    }
}

impl Within {
    fn reason(&mut self, snapshot: &Snapshot, number: usize, oldest: bool) -> Option<String> {
        if snapshot.time <= self.after {
            return None;
        }
        let (name, bucket) = (self.rule.0, self.rule.1(&snapshot.time, number));
        let new = self.newest != Some(bucket);
        self.newest = Some(bucket);
        (new || oldest).then(|| format!("within {name}"))
    }
}

fn every(_: &Zoned, number: usize) -> Bucket {
    (0, i64::try_from(number).unwrap_or(i64::MAX))
}

fn hour(time: &Zoned, number: usize) -> Bucket {
    let (year, day) = day(time, number);
    (year, day * 24 + i64::from(time.hour()))
}

fn day(time: &Zoned, _: usize) -> Bucket {
    (time.year().into(), time.day_of_year().into())
}

fn week(time: &Zoned, _: usize) -> Bucket {
    let week: ISOWeekDate = time.date().iso_week_date();
    (week.year().into(), week.week().into())
}

fn month(time: &Zoned, _: usize) -> Bucket {
    (time.year().into(), time.month().into())
}

fn year(time: &Zoned, _: usize) -> Bucket {
    (time.year().into(), 0)
}
