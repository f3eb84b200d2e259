//! Which snapshots are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// Which snapshots are kept, as restic's `forget` has it.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionPolicy {
    /// A name for people.
    pub name: String,
    /// The last so many.
    pub keep_last: Option<i64>,
    /// The last of each of so many hours.
    pub keep_hourly: Option<i64>,
    /// The last of each of so many days.
    pub keep_daily: Option<i64>,
    /// The last of each of so many weeks.
    pub keep_weekly: Option<i64>,
    /// The last of each of so many months.
    pub keep_monthly: Option<i64>,
    /// The last of each of so many years.
    pub keep_yearly: Option<i64>,
    /// All with one of these tags.
    pub keep_tags: Option<Vec<String>>,
    /// Whether data that nothing refers to any more is removed too.
    pub prune: bool,
    /// Only say what would be removed.
    pub dry_run: Option<bool>,
}
