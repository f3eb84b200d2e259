//! Which Task an invoker runs, with which variables, and for how long. Pure.

use std::{collections::BTreeMap, time::Duration};

use api::{
    AppBinding, AppBindingSpec, FunctionSpec, TaskSpec,
    target::TargetRef,
    task::{Param, TaskRef},
};

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

use crate::lookup::Lookup;

/// After how long a session has failed that says nothing about it: a day.
pub const DEADLINE: Duration = Duration::from_hours(24);

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The Task's name.
    pub name: String,
    /// Its variables.
    pub params: Vec<Param>,
}

/// What a session's Job is made of.
#[derive(Debug, Clone)]
pub struct Needed {
    /// The target, where it is an AppBinding.
    pub binding: Option<AppBinding>,
    /// The Task, by the name that was chosen or by that without its revision.
    pub task: Lookup<TaskSpec>,
    /// All Functions.
    pub functions: BTreeMap<String, FunctionSpec>,
}

impl Default for Needed {
    /// Nothing was looked for.
    fn default() -> Self {
        Self { binding: None, task: Lookup::Missing, functions: BTreeMap::new() }
    }
}

/// Which way a session goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Out of the database.
    Backup,
    /// Into the database.
    Restore,
}

/// The Task that an invoker names, or its AppBinding does; name and variables each for themselves. `None` if neither does.
pub fn choose(own: Option<&TaskRef>, binding: Option<&AppBindingSpec>, direction: Direction) -> Option<Chosen> {
    let addon = binding.map(AppBindingSpec::addon).unwrap_or_default();
    let addon = match direction {
        Direction::Backup => addon.backup_task,
        Direction::Restore => addon.restore_task,
    };
    let given = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
    let own = own.cloned().unwrap_or_default();
    let name = given(&own.name).or_else(|| given(&addon.name))?;
    let params = own.params.filter(|params| !params.is_empty()).or(addon.params).unwrap_or_default();
    Some(Chosen { name, params })
}

/// The Task that was chosen, or why there is none.
///
/// # Errors
/// What a person has to mend.
pub fn there<'a>(task: &'a Lookup<TaskSpec>, name: &str) -> Result<&'a TaskSpec, String> {
    match task {
        Lookup::Found(task) => Ok(task),
        Lookup::Missing => Err(format!("Task {name} is not there")),
        Lookup::Unknown(why) => Err(format!("Task {name} cannot be read: {why}")),
    }
}

/// Why no Task is known for a target.
pub fn none(target: &TargetRef) -> String {
    let kind = target.kind.as_deref().unwrap_or("target");
    let name = target.name.as_deref().unwrap_or_default();
    format!("no Task is known: name one in spec.task.name, or in the parameters of {kind} {name}")
}

/// After how many seconds a session has failed. A Job's deadline has to be one second at the least.
///
/// # Errors
/// Where `timeOut` is no duration.
pub fn deadline(time_out: Option<&str>) -> Result<i64, String> {
    let deadline = match time_out {
        Some(text) => duration(text).map_err(|why| format!("spec.timeOut: {why}"))?,
        None => DEADLINE,
    };
    Ok(i64::try_from(deadline.as_secs()).unwrap_or(i64::MAX).max(1))
}

/// After how many seconds more it has failed, when so much time was spent.
///
/// # Errors
/// Where `timeOut` is no duration, or has passed.
pub fn time_left(time_out: Option<&str>, spent: Duration) -> Result<i64, String> {
    let all = deadline(time_out)?;
    let left = all.saturating_sub(i64::try_from(spent.as_secs()).unwrap_or(i64::MAX));
    let late = || format!("spec.timeOut: the {all} s of the session had passed before its turn came");
    if left > 0 { Ok(left) } else { Err(late()) }
}

/// How old an object is, to the second.
pub fn age(created: Option<&Time>, now: Timestamp) -> Duration {
    let seconds = created.map_or(0, |created| now.as_second() - created.0.as_second());
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// A duration as Go writes it: `1h30m`, `90s`, `1.5h`.
///
/// # Errors
/// What is wrong with it.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration; write it as 30m or 1h30m");
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit() || c == '.').map_or(rest.len(), |end| digits + end);
        seconds += number
            * match &rest[digits..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                _ => return Err(wrong()),
            };
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

/// A duration as Go writes it, in whole seconds.
pub fn in_words(duration: Duration) -> String {
    let all = duration.as_secs();
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        for (text, seconds) in [("90s", 90), ("1h30m", 5400), ("1.5h", 5400), ("2m", 120), ("1h0m5s", 3605)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "h", "1d", "-1h", "1h-", "1.2.3s"] {
            assert!(duration(text).is_err_and(|why| why.contains("no duration")), "{text}");
        }
        for (seconds, text) in [(5, "5s"), (72, "1m12s"), (3605, "1h0m5s")] {
            assert_eq!(in_words(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn name_and_variables_are_overridden_each_for_themselves() {
        let binding: AppBindingSpec = serde_json::from_value(serde_json::json!({ "clientConfig": {}, "parameters": {
            "apiVersion": "appcatalog.appscode.com/v1alpha1", "kind": "StashAddon",
            "stash": { "addon": { "backupTask": { "name": "of-addon", "params": [{ "name": "args", "value": "a" }] } } } } }))
        .expect("an AppBinding");
        let task = |name: Option<&str>, value: Option<&str>| TaskRef {
            name: name.map(str::to_owned),
            params: value.map(|value| vec![Param { name: "args".into(), value: value.into() }]),
        };
        for (own, name, value) in [
            (None, "of-addon", "a"),
            (Some(task(Some("own"), None)), "own", "a"),
            (Some(task(None, Some("b"))), "of-addon", "b"),
            (Some(task(Some(""), Some("b"))), "of-addon", "b"),
        ] {
            let chosen = choose(own.as_ref(), Some(&binding), Direction::Backup).expect("a Task");
            assert_eq!((chosen.name.as_str(), chosen.params[0].value.as_str()), (name, value), "{own:?}");
        }
        assert_eq!(choose(None, Some(&binding), Direction::Restore), None);
    }
}
