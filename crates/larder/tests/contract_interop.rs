//! The way out and the way in, with the real programs: multielasticdump and restic restore what larder saved, and
//! larder restores what Stash saved with the two. `LARDER_TEST_ELASTICDUMP_…` name multielasticdump's versions.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::{
    env, fs,
    process::Command,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};
use support::{
    cluster::{Cluster, Documents, assert_same},
    larder::Larder,
    root::Root,
    tools::Restic,
};

const DUMPERS: [&str; 2] = ["LARDER_TEST_ELASTICDUMP_6_125_1", "LARDER_TEST_ELASTICDUMP_6_76_0"];

/// Templates belong to the whole cluster: one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const DOCUMENTS: u64 = 1_500;

/// Two indices, one of them empty, and a legacy template. Every document is as JavaScript would print it: multielasticdump
/// changes others.
struct Sample<'a> {
    cluster: &'a Cluster,
    prefix: &'a str,
    full: String,
    empty: String,
    template: String,
}

impl<'a> Sample<'a> {
    fn new(cluster: &'a Cluster, prefix: &'a str) -> Self {
        let name = |part: &str| format!("{prefix}-{part}");
        let sample = Self { cluster, prefix, full: name("full"), empty: name("empty"), template: name("template") };
        sample.remove();
        sample
    }

    fn fill(&self) {
        let settings = json!({
            "number_of_shards": 3, "number_of_replicas": 0, "refresh_interval": "11s",
            "analysis": { "analyzer": { "mine": { "type": "custom", "tokenizer": "whitespace", "filter": ["lowercase"] } } }
        });
        let mappings = json!({ "dynamic": "strict", "properties": {
            "n": { "type": "long" }, "text": { "type": "text", "analyzer": "mine" }, "rating": { "type": "double" },
            "parts": { "type": "nested", "properties": { "size": { "type": "integer" } } }
        } });
        let aliases = json!({
            format!("{}-alias", self.prefix): { "filter": { "range": { "n": { "gte": 5, "boost": 1.5 } } } },
            format!("{}-write", self.prefix): { "index_routing": "1", "search_routing": "1", "is_write_index": true }
        });
        self.cluster.create(&self.full, &settings, &mappings, &aliases);
        self.cluster.create(&self.empty, &json!({ "number_of_replicas": 0 }), &json!({}), &json!({}));
        let lines = (0..DOCUMENTS).map(|n| {
            let meta = if n % 3 == 0 {
                json!({ "_id": format!("id {n}/ü"), "routing": format!("r{}", n % 7) })
            } else {
                json!({ "_id": format!("id {n}/ü") })
            };
            let source = format!(
                r#"{{"n":{n},"text":"ü \"{n}\" }}] 😀\n","rating":{n}.5,"parts":[{{"size":1}},{{"size":2}}]}}"#
            );
            format!("{}\n{source}\n", json!({ "index": meta }))
        });
        self.cluster.bulk(&self.full, lines.collect());
        self.cluster.put(&["_template", &self.template], &json!({
            "index_patterns": [format!("{}-none-*", self.prefix)], "order": 3, "settings": { "index": { "number_of_shards": "2" } },
            "mappings": { "properties": { "n": { "type": "long" } } }, "aliases": {}
        }));
        self.cluster.refresh(&self.full);
    }

    fn remove(&self) {
        self.cluster.delete(&[&self.full]);
        self.cluster.delete(&[&self.empty]);
        self.cluster.delete(&["_template", &self.template]);
    }

    fn shown(&self) -> [Value; 3] {
        [
            self.cluster.shown(&self.full),
            self.cluster.shown(&self.empty),
            self.cluster.get(&["_template", &self.template]),
        ]
    }

    fn documents(&self) -> Documents {
        let documents = self.cluster.documents(&self.full);
        assert_eq!(self.cluster.documents(&self.empty).len(), 0);
        documents
    }

    fn multielasticdump(&self, dumper: &str, direction: &str, from: &str, to: &str, further: &[&str]) {
        let path = env::var(dumper).unwrap_or_else(|_| panic!("{dumper} must name multielasticdump"));
        let output = Command::new(path)
            .args([&format!("--direction={direction}"), &format!("--input={from}"), &format!("--output={to}")])
            .arg(format!("--match=^{}-(full|empty)$", self.prefix))
            .args(["--includeType=data,mapping,alias,settings,template", "--interval=100", "--limit=1000"])
            .args(further)
            .output()
            .unwrap();
        let log = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{dumper} {direction}: {log}");
    }
}

#[test]
fn restic_and_multielasticdump_restore_what_larder_saved() {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let cluster = Cluster::named("7.14.0");
    for dumper in DUMPERS {
        let folder = tempfile::tempdir().unwrap();
        let larder = Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &cluster.url);
        let sample = Sample::new(&cluster, "larder-way-out");
        sample.fill();
        let (documents, shown) = (sample.documents(), sample.shown());
        larder.done(&["backup", "--index", "larder-way-out-*"]);
        sample.remove();

        let restored = folder.path().join("restored");
        let restic = Restic::new("restic-0.14", folder.path().join("repository").to_str().unwrap());
        restic.run(&["restore", "latest", "--host", "host-0", "--target", restored.to_str().unwrap()]);
        let data = restored.join("stash-interim-volume/data");
        sample.multielasticdump(dumper, "load", data.to_str().unwrap(), &cluster.url, &[]);

        assert_same(&sample.documents(), &documents, dumper);
        assert_eq!(sample.shown(), shown, "{dumper}");
        sample.remove();
    }
}

#[test]
fn larder_restores_what_stash_saved() {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let cluster = Cluster::named("7.14.0");
    let folders = ["/stash-interim-volume/data", "/tmp/stash-interim-volume/data"];
    let ways: [(&[&str], &str); 2] = [(&[], ".json"), (&["--fsCompress"], ".json.gz")];
    let dumps = DUMPERS.into_iter().zip(folders).flat_map(|(dumper, folder)| ways.map(|way| (dumper, folder, way)));
    for (dumper, saved_from, (further, ending)) in dumps {
        let sample = Sample::new(&cluster, "larder-way-in");
        sample.fill();
        let (documents, shown) = (sample.documents(), sample.shown());
        let root = Root::new();
        let data = root.path(saved_from);
        fs::create_dir_all(&data).unwrap();
        sample.multielasticdump(dumper, "dump", &cluster.url, data.to_str().unwrap(), further);
        assert!(data.join(format!("{}{ending}", sample.full)).exists(), "{dumper} {further:?}");
        root.restic(&["init", "--repository-version", "1"]);
        root.restic(&["backup", "--host", "host-0", saved_from]);
        fs::remove_dir_all(&data).unwrap();
        sample.remove();

        let repository = root.path("/repository");
        let larder = Larder::on(repository.to_str().unwrap()).with("LARDER_ELASTICSEARCH", &cluster.url);
        let listed = larder.objects(&["snapshots"]);
        assert_eq!((&listed[0]["host"], &listed[0]["paths"]), (&json!("host-0"), &json!([saved_from])), "{listed:?}");
        let show = larder.done(&["show", "latest"]);
        assert!(show.said(&sample.full) && show.said("without a manifest"), "{show:?}");
        let verified = larder.done(&["verify", "latest"]);
        assert!(verified.said("nothing to compare"), "{verified:?}");
        let verified = larder.summary(&["verify", "latest"]);
        assert_eq!((&verified["documents"], &verified["manifest"]), (&json!(DOCUMENTS), &json!(false)), "{verified}");

        let restored = larder.done(&["restore"]);
        assert!(restored.said("counted by their lines"), "{restored:?}");
        assert_same(&sample.documents(), &documents, saved_from);
        assert_eq!(sample.shown(), shown, "{saved_from}");
        larder.done(&["verify", "latest", "--against", &cluster.url]);
        larder.done(&["check", "--read-data"]);

        // Appended to the same repository, in its own format.
        larder.done(&["backup", "--index", "larder-way-in-*"]);
        Restic::new("restic-0.14", repository.to_str().unwrap()).check();
        larder.done(&["verify", "latest", "--against", &cluster.url]);
        sample.remove();
    }
}

#[test]
fn a_folder_of_multielasticdump_goes_into_a_repository_and_out_again() {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let cluster = Cluster::named("7.14.0");
    let ways: [&[&str]; 2] = [&[], &["--fsCompress"]];
    for (dumper, further) in DUMPERS.into_iter().zip(ways) {
        let folder = tempfile::tempdir().unwrap();
        let larder = Larder::on_new(folder.path()).with("LARDER_ELASTICSEARCH", &cluster.url);
        let sample = Sample::new(&cluster, "larder-folder");
        sample.fill();
        let (documents, shown) = (sample.documents(), sample.shown());
        let [dumped, exported] =
            ["dumped", "exported"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
        fs::create_dir(&dumped).unwrap();
        sample.multielasticdump(dumper, "dump", &cluster.url, &dumped, further);
        sample.remove();

        let imported = larder.summary(&["import", &dumped]);
        assert_eq!((&imported["indices"], &imported["documents"]), (&json!(2), &json!(DOCUMENTS)), "{imported}");
        larder.done(&["restore"]);
        assert_same(&sample.documents(), &documents, dumper);
        assert_eq!(sample.shown(), shown, "{dumper}");

        // Of a backup of our own, too.
        larder.done(&["backup", "--index", "larder-folder-*"]);
        for snapshot in larder.objects(&["snapshots"]) {
            let id = snapshot["id"].as_str().unwrap();
            larder.done(&["export", id, "--layout", "multielasticdump", "--to", &exported]);
            sample.remove();
            let packed = fs::read_dir(&exported).unwrap().any(|file| file.unwrap().path().extension().unwrap() == "gz");
            sample.multielasticdump(
                dumper,
                "load",
                &exported,
                &cluster.url,
                if packed { &["--fsCompress"] } else { &[] },
            );
            assert_same(&sample.documents(), &documents, dumper);
            assert_eq!(sample.shown(), shown, "{dumper}");
            fs::remove_dir_all(&exported).unwrap();
        }
        sample.remove();
    }
}
