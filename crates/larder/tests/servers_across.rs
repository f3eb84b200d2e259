//! From older servers into newer ones: every document comes back, and what had to change is told. `LARDER_TEST_ES` lists the
//! servers; a way whose servers are not listed is a failure.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use support::{
    cluster::{Cluster, assert_same},
    larder::Larder,
    sample::{self, Modules},
};

/// From which server into which ones.
const WAYS: [(&str, &[&str]); 9] = [
    ("5.6.4", &["6.8.0", "7.14.0"]),
    ("5.6.4", &["7.17.29", "8.19.21", "9.5.3"]),
    ("6.8.0", &["7.14.0", "os-1.3.13"]),
    ("6.8.0", &["7.17.29", "8.19.21", "9.5.3"]),
    ("7.14.0", &["os-1.3.13", "os-2.19.1", "os-3.8.0"]),
    ("7.17.29", &["8.19.21", "9.5.3"]),
    ("8.19.21", &["9.5.3"]),
    ("os-1.3.13", &["os-2.19.1", "os-3.8.0"]),
    ("os-2.19.1", &["os-3.8.0"]),
];

#[test]
fn what_an_older_server_held_a_newer_one_holds_document_by_document() {
    for (from, into) in WAYS {
        let old = Cluster::named(from);
        let all: Vec<Cluster> = into.iter().map(|name| Cluster::named(name)).collect();
        let modules = Modules::of(&all.iter().chain([&old]).collect::<Vec<_>>());
        let folder = tempfile::tempdir().unwrap();
        let larder = Larder::on_new(folder.path());
        let index = "larder-across";
        old.delete(&[index]);
        sample::fill_with(&old, index, modules);
        // What only some versions take: newer ones refuse it by name, which others tests show.
        ["accepted-0", "accepted-1", "accepted-2"].iter().for_each(|id| old.delete(&[index, old.type_name(), id]));
        let documents = old.documents(index);
        let saved = larder.summary(&["backup", "--index", index, "--elasticsearch", &old.url]);
        assert_eq!(saved["documents"], documents.len(), "{from}: {saved}");
        for new in &all {
            let what = format!("{from} into {}", new.name);
            new.delete(&[index]);
            let outcome = larder.run(&["restore", "--skip", "templates,pipelines", "--elasticsearch", &new.url]);
            println!("{what}: {outcome:?}");
            assert_same(&new.documents(index), &documents, &what);
            new.delete(&[index]);
        }
        old.delete(&[index]);
    }
}
