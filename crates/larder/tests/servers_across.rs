//! From older servers into newer ones: every document comes back, and what had to change is told, and is what
//! `docs/reference/compatibility.md` says. `LARDER_TEST_ES` lists the servers; a way whose servers are not listed is a failure.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::{collections::BTreeSet, env, fs, path::Path};

use serde_json::json;
use support::{
    cluster::{Cluster, assert_same},
    larder::{Larder, Outcome},
    sample::{self, Modules},
};

/// From which server into which ones.
const WAYS: [(&str, &[&str]); 10] = [
    ("5.6.4", &["6.8.0", "7.14.0"]),
    ("5.6.4", &["7.17.29", "8.19.21", "9.5.3"]),
    ("6.8.0", &["7.14.0"]),
    ("6.8.0", &["os-1.3.13", "os-2.19.1"]),
    ("6.8.0", &["7.17.29", "8.19.21", "9.5.3"]),
    ("7.14.0", &["os-1.3.13", "os-2.19.1", "os-3.8.0"]),
    ("7.17.29", &["8.19.21", "9.5.3"]),
    ("8.19.21", &["9.5.3"]),
    ("os-1.3.13", &["os-2.19.1", "os-3.8.0"]),
    ("os-2.19.1", &["os-3.8.0"]),
];

/// Where the table is, and what stands before it and behind it.
const PAGE: &str = "../../docs/reference/compatibility.md";
const BEGIN: &str = "| from | into | what is changed, and told |\n|---|---|---|\n";
const END: &str = "\n\n";

/// The index with all that newer servers do not take any more.
const OLD: &str = "larder-across-old";

#[test]
fn what_an_older_server_held_a_newer_one_holds_document_by_document() {
    let mut rows = Vec::new();
    for (from, into) in WAYS {
        let old = Cluster::named(from);
        let all: Vec<Cluster> = into.iter().map(|name| Cluster::named(name)).collect();
        let modules = Modules::of(&all.iter().chain([&old]).collect::<Vec<_>>());
        let folder = tempfile::tempdir().unwrap();
        let larder = Larder::on_new(folder.path());
        let index = "larder-across";
        [index, OLD].iter().for_each(|index| old.delete(&[index]));
        sample::fill_with(&old, index, modules);
        // The lab's 7.14.0 dies of a deprecated name of a filter.
        make_old(&old, modules.analysis(), into.iter().all(|name| name.starts_with("os-")));
        // What only some versions take: newer ones refuse it by name, which others tests show.
        ["accepted-0", "accepted-1", "accepted-2"].iter().for_each(|id| old.delete(&[index, old.type_name(), id]));
        let documents = [old.documents(index), old.documents(OLD)];
        let saved = larder.summary(&["backup", "--index", "larder-across*", "--elasticsearch", &old.url]);
        assert_eq!(saved["documents"], documents[0].len() + documents[1].len(), "{from}: {saved}");
        for new in &all {
            let what = format!("{from} into {}", new.name);
            [index, OLD].iter().for_each(|index| new.delete(&[index]));
            let only = ["--only", "documents,mappings,settings,aliases,templates", "--json"];
            let outcome = larder.run(&[&["restore", "--elasticsearch", &new.url], &only[..]].concat());
            println!("{what}: {outcome:?}");
            assert_same(&new.documents(index), &documents[0], &what);
            assert_same(&new.documents(OLD), &documents[1], &what);
            rows.push(format!("| {from} | {} | {} |", new.name, changes(&outcome)));
            [index, OLD].iter().for_each(|index| new.delete(&[index]));
            new.delete(&["_template", OLD]);
        }
        [index, OLD].iter().for_each(|index| old.delete(&[index]));
        old.delete(&["_template", OLD]);
    }
    compare_with_page(&rows.join("\n"));
}

/// What this server still takes, and newer ones refuse.
fn make_old(cluster: &Cluster, analysis: bool, pieces: bool) {
    let (is_open_search, major) = (cluster.name.starts_with("os-"), cluster.name.split('.').next().unwrap().to_owned());
    let before = |version: u32| !is_open_search && major.parse::<u32>().unwrap() < version;
    let mut fields = json!({ "plain": { "type": "keyword" }, "words": { "type": "text" } });
    let mut mappings = json!({});
    let mut settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
    if before(6) {
        fields["words"]["include_in_all"] = false.into();
    }
    if before(7) {
        fields["ranked"] = json!({ "type": "text", "similarity": "classic" });
        mappings["_all"] = json!({ "enabled": false });
        settings["mapper.dynamic"] = true.into();
    }
    if before(8) || is_open_search {
        fields["words"]["boost"] = json!(2.0);
        mappings["_field_names"] = json!({ "enabled": false });
    }
    if analysis && before(7) {
        let chain = if pieces { vec!["standard", "lowercase", "pieces"] } else { vec!["standard", "lowercase"] };
        settings["analysis"] =
            json!({ "analyzer": { "old": { "type": "custom", "tokenizer": "standard", "filter": chain } } });
        if pieces {
            settings["analysis"]["filter"]["pieces"] = json!({ "type": "nGram", "min_gram": 2, "max_gram": 3 });
        }
        fields["words"]["analyzer"] = "old".into();
    }
    mappings["properties"] = fields;
    cluster.create(OLD, &settings, &mappings, &json!({}));
    let typed = if cluster.types() { json!({ cluster.type_name(): mappings }) } else { mappings };
    let patterns = if cluster.many_types() {
        ("template", json!("larder-none*"))
    } else {
        ("index_patterns", json!(["larder-none*"]))
    };
    let template = json!({ patterns.0: patterns.1, "order": 1, "settings": settings, "mappings": typed });
    cluster.put(&["_template", OLD], &template);
    for n in 0..20 {
        let source = format!(r#"{{"plain":"p{n}","words":"some words {n}","ranked":"r","price":{n}.50}}"#);
        cluster.document(OLD, &n.to_string(), &source, &[]).unwrap();
    }
    cluster.refresh(OLD);
}

/// What was told of both indices and of the template, each thing once.
fn changes(outcome: &Outcome) -> String {
    let objects = outcome.objects();
    let failed = objects.iter().find(|object| object["type"] == "definition" && object["what"] == "failed");
    assert_eq!(failed, None);
    let indices = objects.iter().filter(|object| object["type"] == "index" || object["name"] == OLD);
    let told: BTreeSet<String> = indices
        .flat_map(|index| index["changes"].as_array().cloned().unwrap_or_default())
        .map(|change| change.as_str().unwrap().to_owned())
        .collect();
    if told.is_empty() { "nothing".to_owned() } else { Vec::from_iter(told).join("; ") }
}

/// The page says what was seen. With `LARDER_WRITE_PAGES` it is made to.
fn compare_with_page(rows: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has the table");
    let (table, behind) = rest.split_once(END).expect("the table ends");
    if env::var_os("LARDER_WRITE_PAGES").is_some() {
        fs::write(&path, [before, BEGIN, rows, END, behind].concat()).unwrap();
        return;
    }
    assert_eq!(table, rows, "{PAGE}: LARDER_WRITE_PAGES=1 cargo test --test servers_across writes it anew");
}
