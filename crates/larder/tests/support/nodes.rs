//! A cluster of several nodes for one test alone, in a folder of its own: nodes end in the middle of work, and come back.

use std::{fs, path::Path, process::Command, thread, time::Duration};

use elasticsearch::Request;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::cluster::Cluster;

/// How long a fact may take to show.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// A cluster of the lab. Dropping it ends its nodes.
pub struct Nodes {
    run: TempDir,
    /// Of the server, such as `elasticsearch-7.14.0`.
    pub server: &'static str,
}

/// Where a copy of a shard is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The number of the shard.
    pub shard: u64,
    /// Whether it is the primary.
    pub primary: bool,
    /// Its node; none where it is nowhere.
    pub node: Option<String>,
}

impl Nodes {
    /// Starts `nodes` of them: `n-1` makes the cluster.
    pub fn start(server: &'static str, nodes: usize) -> Self {
        let nodes_of = Self { run: TempDir::new().unwrap(), server };
        nodes_of.lab(&["cluster", &format!("n={server}"), &nodes.to_string()]);
        nodes_of
    }

    /// What answers at a node.
    pub fn at(&self, node: &str) -> Cluster {
        let url = fs::read_to_string(self.run.path().join(node).join("url")).unwrap();
        Cluster::connect(format!("{}, {node}", self.server), url.trim().to_owned())
    }

    /// Ends a node as a power failure does.
    pub fn lose(&self, node: &str) {
        let pid = fs::read_to_string(self.run.path().join(node).join("pid")).unwrap();
        let pid = pid.split_whitespace().next().unwrap().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        println!("{}: {node} is lost", self.server);
    }

    /// Lets a lost node go on with what it had.
    pub fn revive(&self, node: &str) {
        self.lab(&["revive", node]);
        println!("{}: {node} is back", self.server);
    }

    /// The ends of the nodes' logs: why a node that should be there is not.
    fn show_logs(&self) {
        for folder in fs::read_dir(self.run.path()).into_iter().flatten().flatten() {
            let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            println!("{}:\n{}\n", folder.path().display(), lines[lines.len().saturating_sub(20)..].join("\n"));
        }
    }

    fn lab(&self, arguments: &[&str]) {
        let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lab/lab");
        let ran =
            Command::new(lab).args(arguments).env("LARDER_LAB_RUN", self.run.path()).env("ES_HEAP", "400m").output();
        let ran = ran.unwrap();
        let said = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(ran.status.success(), "lab {arguments:?}: {said}");
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        if thread::panicking() {
            self.show_logs();
        }
        self.lab(&["stop"]);
    }
}

/// Where the copies of an index are.
pub fn copies(cluster: &Cluster, index: &str) -> Vec<Copy> {
    let table = cluster.ask(Request::get(&["_cat", "shards", index]).query("format", "json"));
    let copy = |row: &Value| Copy {
        shard: row["shard"].as_str().unwrap().parse().unwrap(),
        primary: row["prirep"] == "p",
        node: row["node"].as_str().map(|node| node.split(' ').next().unwrap().to_owned()),
    };
    table.as_array().unwrap().iter().map(copy).collect()
}

/// The nodes that have contexts of searches open.
pub fn reading(cluster: &Cluster) -> Vec<String> {
    cluster.contexts_of_nodes().into_iter().filter(|(_, open)| *open > 0).map(|(name, _)| name).collect()
}

/// Waits for what `/_cluster/health` can wait for.
pub fn healthy(cluster: &Cluster, until: (&str, &str)) {
    let health = Request::get(&["_cluster", "health"]).query(until.0, until.1).query("timeout", "100s");
    let health = cluster.ask(health.timeout(PATIENCE));
    assert_eq!(health["timed_out"], false, "{}: not {until:?}: {health}", cluster.name);
}
