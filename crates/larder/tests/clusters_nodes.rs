//! Clusters of two and three nodes that change while Larder works: a node is lost in the middle of a backup and of a restore,
//! shards move, primaries are gone. Either every document is there in the end, or the run fails and names what is missing.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::{
    process::{Child, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use elasticsearch::Request;
use serde_json::json;
use support::{
    cluster::{Cluster, Documents, assert_same},
    larder::{Larder, Outcome},
    nodes::{Nodes, PATIENCE, copies, healthy, reading},
    relay::{Counted, Relay},
    until,
};
use tempfile::TempDir;

const INDEX: &str = "larder-nodes";
/// Documents, and letters in each: three shards of several pages.
const DOCUMENTS: usize = 3_000;
const TEXT: usize = 12_000;
/// What passes before the node that is asked is held: some pages of each shard, some bulks.
const MIDWAY: usize = 14 << 20;

/// The node that is asked.
const FIRST: &str = "n-1";

/// Three nodes of one cluster are as much as the machine should start at once.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn three_nodes_of_7_14_lose_one_and_no_document() {
    let _alone = alone();
    let trial = Trial::begin("elasticsearch-7.14.0", 3);
    trial.a_shard_moves_during_a_backup();
    let lost = trial.a_node_is_lost_during_a_backup();
    trial.nodes.revive(&lost);
    trial.a_node_is_lost_during_a_restore_and_comes_back();
    let lost = trial.a_node_is_lost_during_a_restore_and_stays_away();
    trial.nodes.revive(&lost);
    trial.a_primary_is_gone();
}

#[test]
fn two_nodes_of_6_8_lose_one_and_no_document() {
    let _alone = alone();
    Trial::begin("elasticsearch-6.8.0", 2).a_node_is_lost_during_a_backup();
}

/// A cluster with the index, and a repository.
struct Trial {
    nodes: Nodes,
    first: Cluster,
    documents: Documents,
    larder: Larder,
    _folder: TempDir,
}

/// A run that a relay holds in the middle.
struct Held {
    child: Child,
    relay: Relay,
}

impl Held {
    /// Lets it go on; gives what waits for its end.
    fn release(self) -> impl FnOnce() -> Outcome {
        let Self { child, relay } = self;
        relay.release();
        move || {
            let ended = Outcome::of(child.wait_with_output().unwrap());
            drop(relay);
            ended
        }
    }
}

impl Trial {
    fn begin(server: &'static str, nodes: usize) -> Self {
        let nodes = Nodes::start(server, nodes);
        let first = nodes.at(FIRST);
        let settings = json!({ "number_of_shards": 3, "number_of_replicas": 1, "refresh_interval": "-1" });
        first.fill_with_text(INDEX, &settings, DOCUMENTS, TEXT);
        healthy(&first, ("wait_for_status", "green"));
        let documents = first.documents(INDEX);
        assert_eq!(documents.len(), DOCUMENTS);
        first.all_contexts_closed();
        let folder = tempfile::tempdir().unwrap();
        let larder = Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &first.url);
        Self { nodes, first, documents, larder, _folder: folder }
    }

    /// A shard that is being read goes to a node that has no copy of it.
    fn a_shard_moves_during_a_backup(&self) {
        let (held, from) = self.backup_that_reads_elsewhere();
        let all = copies(&self.first, INDEX);
        let moved = all.iter().find(|copy| copy.node.as_ref() == Some(&from)).unwrap();
        let has_one =
            |node: &String| all.iter().any(|copy| copy.shard == moved.shard && copy.node.as_ref() == Some(node));
        let to = (1..=3).map(|number| format!("n-{number}")).find(|node| !has_one(node)).unwrap();
        let command = json!({ "index": INDEX, "shard": moved.shard, "from_node": from, "to_node": to });
        let commands = json!({ "commands": [{ "move": command }] });
        self.first.ask(Request::post(&["_cluster", "reroute"]).json(commands.to_string()));
        healthy(&self.first, ("wait_for_no_relocating_shards", "true"));
        assert_ne!(copies(&self.first, INDEX), all, "nothing moved");
        self.is_whole(&held.release()());
    }

    /// Gives the node that was lost: one that was being read from.
    fn a_node_is_lost_during_a_backup(&self) -> String {
        let (held, lost) = self.backup_that_reads_elsewhere();
        self.nodes.lose(&lost);
        self.is_whole(&held.release()());
        lost
    }

    /// A primary without a replica is away for a while.
    fn a_node_is_lost_during_a_restore_and_comes_back(&self) {
        self.first.delete(&[INDEX]);
        let held = self.held(&["restore"], Counted::Requests);
        let lost = self.node_of_a_primary();
        self.nodes.lose(&lost);
        let end = held.release();
        self.nodes.revive(&lost);
        end().expect(0, "a restore whose node came back");
        assert_same(&self.first.documents(INDEX), &self.documents, self.nodes.server);
    }

    /// Nothing half-done is left. Gives the node that was lost.
    fn a_node_is_lost_during_a_restore_and_stays_away(&self) -> String {
        self.first.delete(&[INDEX]);
        let held = self.held(&["restore", "--give-up-after", "4s"], Counted::Requests);
        let lost = self.node_of_a_primary();
        self.nodes.lose(&lost);
        let outcome = held.release()().expect(1, "a restore whose node stays away");
        assert!(outcome.said(INDEX), "{outcome:?}");
        assert!(!self.first.has(INDEX), "half an index is left: {outcome:?}");
        lost
    }

    /// It is named, and nothing is saved without it.
    fn a_primary_is_gone(&self) {
        let elsewhere =
            json!({ "number_of_shards": 1, "number_of_replicas": 0, "routing.allocation.require._name": "n-3" });
        self.first.create("larder-red", &elsewhere, &json!({}), &json!({}));
        self.nodes.lose("n-3");
        until(PATIENCE, "the cluster is red", || self.first.get(&["_cluster", "health"])["status"] == "red");
        let before = self.larder.snapshots();
        self.larder.fails(&["backup", "--give-up-after", "2s"], &["larder-red", "shard 0", "UNASSIGNED"]);
        assert_eq!(self.larder.snapshots(), before);
    }

    /// Held while it has a context open on another node than the one that it asks: that one.
    fn backup_that_reads_elsewhere(&self) -> (Held, String) {
        // Which copy is read is the servers' choice.
        for _ in 0..20 {
            let mut held = self.held(&["backup", "--index", INDEX], Counted::Answers);
            if let Some(other) = reading(&self.first).into_iter().find(|node| node != FIRST) {
                return (held, other);
            }
            held.child.kill().unwrap();
            held.child.wait().unwrap();
        }
        panic!("{}: every copy is read from {FIRST}", self.nodes.server);
    }

    fn held(&self, arguments: &[&str], counted: Counted) -> Held {
        let relay = Relay::start(&self.first.url, counted, MIDWAY);
        let larder = self.larder.clone().with("LARDER_ELASTICSEARCH", &relay.url);
        let child = larder.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        relay.until_held();
        Held { child, relay }
    }

    fn node_of_a_primary(&self) -> String {
        let primaries = copies(&self.first, INDEX).into_iter().filter(|copy| copy.primary);
        primaries.filter_map(|copy| copy.node).find(|node| node != FIRST).unwrap()
    }

    /// The backup's newest snapshot holds what the cluster holds, and that is what it held before.
    fn is_whole(&self, outcome: &Outcome) {
        assert_eq!(outcome.code, 0, "{outcome:?}");
        self.larder.done(&["verify", "latest", "--against", &self.first.url]);
        assert_same(&self.first.documents(INDEX), &self.documents, self.nodes.server);
    }
}
