//! What becomes of each saved index setting: given at creation, held back until the load is over, or left out
//! because the server owns it. Decides only; never talks to a server.

use serde_json::value::RawValue;

use super::{
    object::{raw, scalar},
    settings::Settings,
};

/// Free-form allocation attribute that marks an index as being restored, and by whom. No node has such an attribute,
/// so it excludes none; it is known to every version, may be set at creation and be taken away later.
pub const MARKER: &str = "index.routing.allocation.exclude.larder_restore";

/// What becomes of a saved setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Given when the index is created.
    Create,
    /// The server keeps it itself and gives the new index its own.
    Server,
    /// Cannot be had again; why.
    Gone(&'static str),
    /// Would slow, change or stop the load: put back after it.
    After,
    /// Would stop writing or reading: put back last of all.
    Block,
}

/// Whole names; a name that ends in `.` stands for all below it.
const SERVER_OWNED: [&str; 13] = [
    "index.uuid",
    "index.creation_date",
    "index.creation_date_string",
    "index.provided_name",
    "index.verified_before_close",
    "index.version.",
    "index.transport_version.",
    "index.history.",
    "index.resize.",
    "index.shrink.",
    "index.routing.allocation.initial_recovery.",
    "index.remote_store.",
    MARKER,
];

/// Replicas multiply the work; without one, what a node acknowledged before its disk had it is lost when the node is killed
/// (docs/decisions/0012); a pipeline would change documents that went through it already; a number of copies to wait for
/// never comes without replicas; life-cycle policies roll over, shrink or delete what is half loaded.
const AFTER: [&str; 10] = [
    "index.refresh_interval",
    "index.number_of_replicas",
    "index.auto_expand_replicas",
    "index.translog.durability",
    "index.write.wait_for_active_shards",
    "index.default_pipeline",
    "index.final_pipeline",
    "index.lifecycle.",
    "index.plugins.index_state_management.",
    "index.opendistro.index_state_management.",
];

fn fate(name: &str, value: &RawValue) -> Fate {
    let is_in = |names: &[&str]| names.iter().any(|n| *n == name || (n.ends_with('.') && name.starts_with(n)));
    match name {
        _ if is_in(&SERVER_OWNED) => Fate::Server,
        _ if is_in(&["index.store.snapshot."]) => Fate::Gone("it describes a searchable snapshot"),
        "index.store.type" if scalar(value).ends_with("snapshot") => Fate::Gone("it describes a searchable snapshot"),
        "index.frozen" | "index.search.throttled" => Fate::Gone("a restored index is not frozen"),
        _ if name.starts_with("archived.") => Fate::Gone("the server that was saved did not know it any more"),
        _ if is_in(&["index.blocks."]) => Fate::Block,
        _ if is_in(&AFTER) => Fate::After,
        _ => Fate::Create,
    }
}

/// The settings that describe the index itself and not the copy that the server keeps of it.
pub fn without_server_owned(settings: &Settings) -> Settings {
    let mut kept = Settings::default();
    for (name, value) in settings.iter() {
        if !matches!(fate(name, value), Fate::Server | Fate::Gone(_)) {
            kept.set(name, value.to_owned());
        }
    }
    kept
}

/// Which of the settings that serve the load a server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knows {
    /// `index.default_pipeline` (Elasticsearch 6.5).
    pub default_pipeline: bool,
    /// `index.final_pipeline` (Elasticsearch 7.5).
    pub final_pipeline: bool,
}

/// One index's settings, sorted by the moment at which they are given.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Given at creation: what was saved, and what makes the load fast and exact.
    pub create: Settings,
    /// Given after the load: the saved value, or `null` where there was none.
    pub after: Settings,
    /// Blocks, given last of all.
    pub blocks: Settings,
    /// Settings that are left out, and why.
    pub changes: Vec<String>,
}

impl Plan {
    /// Leaves out what the server does not know, and says so if it was saved. Gives false where it was not to be given.
    pub fn leave_out(&mut self, setting: &str, saved: &Settings) -> bool {
        if !self.create.remove(setting) {
            return false;
        }
        self.after.remove(setting);
        if saved.get(setting).is_some() {
            self.changes.push(format!("setting {setting} is left out: the server does not know it"));
        }
        true
    }
}

/// Sorts the saved settings of one index. `marker` tells this restore's indices from all others.
pub fn plan(saved: &Settings, marker: &str, knows: Knows) -> Plan {
    let mut plan = Plan {
        create: Settings::default(),
        after: Settings::default(),
        blocks: Settings::default(),
        changes: Vec::new(),
    };
    for (name, value) in saved.iter() {
        match fate(name, value) {
            Fate::Create => plan.create.set(name, value.to_owned()),
            Fate::After => plan.after.set(name, value.to_owned()),
            Fate::Block => plan.blocks.set(name, value.to_owned()),
            Fate::Gone(why) => plan.changes.push(format!("setting {name} is left out: {why}")),
            Fate::Server => {}
        }
    }
    for (name, value) in serving_the_load(marker, knows) {
        plan.create.set(name, raw(value));
        if plan.after.get(name).is_none() {
            plan.after.set(name, unset(name));
        }
    }
    plan
}

/// What takes a setting back to its default. 6.8 insists on a number of replicas.
fn unset(name: &str) -> Box<RawValue> {
    if name == "index.number_of_replicas" { raw("1") } else { raw(&()) }
}

/// Each is given even where it is the default: a template of the server may say otherwise.
fn serving_the_load(marker: &str, knows: Knows) -> Vec<(&'static str, &str)> {
    let mut settings = vec![
        ("index.refresh_interval", "-1"),
        ("index.number_of_replicas", "0"),
        ("index.auto_expand_replicas", "false"),
        ("index.translog.durability", "request"),
        ("index.write.wait_for_active_shards", "1"),
        (MARKER, marker),
    ];
    if knows.default_pipeline {
        settings.push(("index.default_pipeline", "_none"));
    }
    if knows.final_pipeline {
        settings.push(("index.final_pipeline", "_none"));
    }
    settings
}

/// What servers print for an index that was created without it.
const GIVEN_BY_SERVER: [&str; 3] =
    ["index.number_of_shards", "index.replication.type", "index.routing.allocation.include._tier_preference"];

/// The settings that an index has beyond what was saved: they came from a template of the server. What every server
/// gives an index by itself is not among them.
pub fn beyond_saved(effective: &Settings, saved: &Settings) -> Vec<String> {
    let given_by_server = |name: &str| GIVEN_BY_SERVER.contains(&name);
    effective
        .iter()
        .filter(|(name, value)| fate(name, value) != Fate::Server && !given_by_server(name))
        .filter(|(name, _)| saved.get(name).is_none())
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// The name of the setting that a server refuses because it does not know it, or keeps it to itself.
pub fn refused_setting(reason: &str) -> Option<&str> {
    let begin = ["unknown setting [", "private index setting [", "Please do not specify a value for setting ["];
    if let Some((_, rest)) = begin.iter().find_map(|begin| reason.split_once(begin)) {
        return rest.split_once(']').map(|(name, _)| name);
    }
    let (_, rest) = reason.split_once("Setting index.")?;
    let (name, _) = rest.split_once(" was removed")?;
    reason.find(name).map(|at| &reason[at - "index.".len()..at + name.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        Settings::parse(&RawValue::from_string(text.to_owned()).expect("JSON")).expect("settings")
    }

    const ALL: Knows = Knows { default_pipeline: true, final_pipeline: true };

    #[test]
    fn what_would_disturb_the_load_is_held_back_and_what_the_server_owns_is_left_out() {
        let saved = settings(
            r#"{"index":{"uuid":"u","creation_date":"1","provided_name":"i","version":{"created":"7140099"},
                "number_of_shards":"3","number_of_replicas":"2","refresh_interval":"30s","default_pipeline":"p",
                "lifecycle":{"name":"hot"},"blocks":{"write":"true"},"resize":{"source":{"name":"x"}},"frozen":"true",
                "routing":{"allocation":{"exclude":{"larder_restore":"old","_ip":"1.2.3.4"}}}}}"#,
        );
        let plan = plan(&saved, "m1", ALL);
        assert_eq!(
            plan.create.to_raw().get(),
            r#"{"index.number_of_shards":"3","index.routing.allocation.exclude._ip":"1.2.3.4","index.refresh_interval":"-1","index.number_of_replicas":"0","index.auto_expand_replicas":"false","index.translog.durability":"request","index.write.wait_for_active_shards":"1","index.routing.allocation.exclude.larder_restore":"m1","index.default_pipeline":"_none","index.final_pipeline":"_none"}"#
        );
        assert_eq!(
            plan.after.to_raw().get(),
            r#"{"index.number_of_replicas":"2","index.refresh_interval":"30s","index.default_pipeline":"p","index.lifecycle.name":"hot","index.auto_expand_replicas":null,"index.translog.durability":null,"index.write.wait_for_active_shards":null,"index.routing.allocation.exclude.larder_restore":null,"index.final_pipeline":null}"#
        );
        assert_eq!(plan.blocks.to_raw().get(), r#"{"index.blocks.write":"true"}"#);
        assert_eq!(plan.changes, ["setting index.frozen is left out: a restored index is not frozen"]);
    }

    #[test]
    fn a_server_without_pipelines_is_not_asked_about_them() {
        let plan = plan(&Settings::default(), "m", Knows { default_pipeline: false, final_pipeline: false });
        assert!(plan.create.iter().all(|(name, _)| !name.contains("pipeline")));
    }

    #[test]
    fn the_refused_setting_is_read_from_the_reason() {
        let cases = [
            ("unknown setting [index.foo] please check that any required plugins", Some("index.foo")),
            ("private index setting [index.uuid] can not be set explicitly", Some("index.uuid")),
            ("Setting index.mapper.dynamic was removed after version 6.0.0", Some("index.mapper.dynamic")),
            (
                "Creating indices with soft-deletes disabled is no longer supported. Please do not specify a value for setting \
                 [index.soft_deletes.enabled].",
                Some("index.soft_deletes.enabled"),
            ),
            ("Failed to parse value [x] for setting [index.refresh_interval]", None),
        ];
        for (reason, name) in cases {
            assert_eq!(refused_setting(reason), name);
        }
    }
}
