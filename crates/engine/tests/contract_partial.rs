//! Backups that are not whole, with real servers: what was left out is absent, is said everywhere, and is missed by nobody;
//! what was taken comes back.

mod support;

use std::collections::BTreeSet;

use elasticsearch::{DefinitionKind, Matcher, Query, load::OnConflict};
use engine::{
    compare::{Change, compare},
    parts::{Part, Parts},
    restore::{IndexOutcome, Rename, Wanted},
};
use serde_json::{Value, json};
use support::{Cluster, Store, everything, only, restore, verify};
use tokio::sync::Mutex;

/// Templates and pipelines belong to a whole cluster.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

const TEMPLATES: [&str; 2] = ["larder-partial-kept", "larder-partial-left"];
const PIPELINE: &str = "larder-partial-pipeline";
const SCRIPT: &str = "larder-partial-script";

/// A hundred documents, `n` from 0 on, with analyzers and an alias.
async fn fill(cluster: &Cluster, index: &str) {
    cluster.delete_all(index).await;
    let settings = json!({ "number_of_shards": 2, "number_of_replicas": 0, "refresh_interval": "17s", "analysis": {
        "analyzer": { "mine": { "type": "custom", "tokenizer": "standard" } } } });
    let mappings = json!({ "properties": { "n": { "type": "long" }, "at": { "type": "date" } } });
    cluster.create(index, &settings, &mappings, &json!({ format!("alias-of-{index}"): {} })).await;
    cluster.documents(index, (0..100).map(|n| (n.to_string(), json!({ "n": n })))).await;
}

async fn define(cluster: &Cluster) {
    for template in TEMPLATES {
        cluster.put(&["_template", template], &json!({ "index_patterns": ["nothing-like-it"], "order": 7 })).await;
    }
    cluster.put(&["_ingest", "pipeline", PIPELINE], &json!({ "description": "nothing", "processors": [] })).await;
    if compiles(cluster).await {
        let script = json!({ "lang": "painless", "source": "1.0" });
        cluster.put(&["_scripts", SCRIPT], &json!({ "script": script })).await;
    }
}

/// Whether it takes scripts: some servers of the lab have no language for them.
async fn compiles(cluster: &Cluster) -> bool {
    cluster.get(&["_nodes", "plugins"]).await["nodes"].to_string().contains("Painless")
}

async fn undefine(cluster: &Cluster) {
    for template in TEMPLATES {
        cluster.delete(&["_template", template]).await;
    }
    cluster.delete(&["_ingest", "pipeline", PIPELINE]).await;
    cluster.delete(&["_scripts", SCRIPT]).await;
}

/// The parts of which this cluster has something.
const THERE: [Part; 8] = [
    Part::Documents,
    Part::Mappings,
    Part::Settings,
    Part::Analyzers,
    Part::Aliases,
    Part::Pipelines,
    Part::Templates,
    Part::Scripts,
];

fn usual_but(part: Part) -> Parts {
    Parts::usual().without(&parts(&[part]))
}

/// Those of `parts` that [`there`] looks for, and may find.
async fn looked_for(cluster: &Cluster, parts: &Parts) -> Parts {
    let compiles = compiles(cluster).await;
    parts.iter().filter(|part| THERE.contains(part) && (compiles || *part != Part::Scripts)).collect()
}

fn parts(of: &[Part]) -> Parts {
    of.iter().copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_absent_and_said_and_the_rest_comes_back() {
    let _one = ONE_AT_A_TIME.lock().await;
    for cluster in Cluster::all().await {
        println!("{}: {}", cluster.name, cluster.client.server());
        let index = "larder-partial-parts";
        fill(&cluster, index).await;
        define(&cluster).await;
        let store = Store::new();
        for part in THERE {
            println!("  without {}", part.name());
            let without = usual_but(part);
            let saved = store.backup(&cluster, only(&[index]), |options| options.parts = without.clone()).await;
            let saved = saved.expect("saved");
            let mut files = store.files(&saved.saved.snapshot);
            files.retain(|path| path.contains("larder-partial") || path.ends_with("/manifest"));
            let mut expected = expected_files(index, part);
            if !compiles(&cluster).await {
                expected.retain(|path| !path.contains(SCRIPT));
            }
            assert_eq!(files, expected, "{}", part.name());
            let dump = store.dump(&saved.saved.snapshot);
            assert_eq!(dump.parts(), without);
            let verified = verify(&dump, Some(&cluster)).await;
            assert!(verified.is_good(), "{:?}", verified.indices);
            assert_eq!(verified.missing, parts(&[part]));

            cluster.delete_all(index).await;
            undefine(&cluster).await;
            let restored = restore(&cluster, &dump, everything(), OnConflict::Fail).await.expect("restored");
            assert_eq!(restored.failures(), Vec::<String>::new());
            assert_eq!(restored.missing, parts(&[part]));
            assert_eq!(there(&cluster, index).await, looked_for(&cluster, &without).await, "without {}", part.name());
            fill(&cluster, index).await;
            define(&cluster).await;
        }
        cluster.delete_all(index).await;
        undefine(&cluster).await;
    }
}

/// Of the index and of what `define` makes.
fn expected_files(index: &str, without: Part) -> BTreeSet<String> {
    let data = |ending: &str| format!("/stash-interim-volume/data/{index}{ending}");
    let larder = |path: &str| format!("/stash-interim-volume/larder/{path}");
    let mut files = vec![
        (Part::Documents, data(".json")),
        (Part::Documents, larder(&format!("runs/{index}"))),
        (Part::Mappings, data(".mapping.json")),
        (Part::Aliases, data(".alias.json")),
        (Part::Templates, data(".template.json")),
        (Part::Pipelines, larder(&format!("pipeline/{PIPELINE}.json"))),
        (Part::Scripts, larder(&format!("script/{SCRIPT}.json"))),
    ];
    files.extend(TEMPLATES.map(|name| (Part::Templates, larder(&format!("legacy_template/{name}.json")))));
    let mut expected: BTreeSet<String> =
        files.into_iter().filter(|(part, _)| *part != without).map(|(_, path)| path).collect();
    // The one file of settings has analyzers, too.
    expected.extend([data(".settings.json"), larder("manifest")]);
    expected
}

/// Which parts the cluster has of what `fill` and `define` made.
async fn there(cluster: &Cluster, index: &str) -> Parts {
    let shown = cluster.shown(index).await;
    let settings = &shown["settings"]["index"];
    let mappings = shown["mappings"].to_string();
    let template = cluster.get(&["_template", TEMPLATES[0]]).await;
    let there = [
        (Part::Documents, cluster.count(index).await == Some(100)),
        (Part::Mappings, mappings.contains("\"date\"")),
        (Part::Settings, settings["refresh_interval"] == "17s"),
        (Part::Analyzers, settings["analysis"]["analyzer"]["mine"].is_object()),
        (Part::Aliases, shown["aliases"][format!("alias-of-{index}")].is_object()),
        (Part::Pipelines, cluster.get(&["_ingest", "pipeline", PIPELINE]).await[PIPELINE].is_object()),
        (Part::Templates, template[TEMPLATES[0]].is_object()),
        (Part::Scripts, cluster.get(&["_scripts", SCRIPT]).await["found"] == true),
    ];
    there.into_iter().filter(|(_, there)| *there).map(|(part, _)| part).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_leaves_out_what_is_not_wanted() {
    let _one = ONE_AT_A_TIME.lock().await;
    for cluster in Cluster::all().await {
        let index = "larder-partial-wanted";
        fill(&cluster, index).await;
        define(&cluster).await;
        let store = Store::new();
        let saved = store.backup(&cluster, only(&[index]), |_| {}).await.expect("saved");
        let dump = store.dump(&saved.saved.snapshot);
        for part in THERE {
            cluster.delete_all(index).await;
            undefine(&cluster).await;
            let wanted = usual_but(part);
            let wanted = Wanted { parts: wanted, ..everything() };
            let restored = restore(&cluster, &dump, wanted.clone(), OnConflict::Fail).await.expect("restored");
            assert!(restored.failures().is_empty() && restored.missing.is_empty());
            assert_eq!(
                there(&cluster, index).await,
                looked_for(&cluster, &wanted.parts).await,
                "without {}",
                part.name()
            );
        }
        cluster.delete_all(index).await;
        undefine(&cluster).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_are_left_out_by_their_names_on_both_ways() {
    let _one = ONE_AT_A_TIME.lock().await;
    for cluster in Cluster::all().await {
        let index = "larder-partial-names";
        fill(&cluster, index).await;
        define(&cluster).await;
        let store = Store::new();
        let left = || Some(Matcher::new("left$", |name: &str| name.ends_with("left")));
        let saved = store.backup(&cluster, only(&[index]), |options| options.without_templates = left()).await;
        let saved = saved.expect("saved");
        let names = |kind| {
            let definitions = saved.manifest.definitions.iter().filter(move |entry| entry.kind == kind);
            definitions.map(|entry| entry.name.clone()).collect::<Vec<_>>()
        };
        assert!(names("legacy_template").contains(&TEMPLATES[0].to_owned()));
        assert!(!names("legacy_template").contains(&TEMPLATES[1].to_owned()));
        assert!(names("pipeline").contains(&PIPELINE.to_owned()));

        let whole = store.backup(&cluster, only(&[index]), |_| {}).await.expect("saved");
        let dump = store.dump(&whole.saved.snapshot);
        undefine(&cluster).await;
        cluster.delete_all(index).await;
        let wanted = Wanted { without_templates: left(), ..everything() };
        restore(&cluster, &dump, wanted, OnConflict::Fail).await.expect("restored");
        assert!(cluster.get(&["_template", TEMPLATES[0]]).await[TEMPLATES[0]].is_object());
        assert!(!cluster.get(&["_template", TEMPLATES[1]]).await[TEMPLATES[1]].is_object());
        cluster.delete_all(index).await;
        undefine(&cluster).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_without_documents_never_takes_the_place_of_documents() {
    let _one = ONE_AT_A_TIME.lock().await;
    for cluster in Cluster::all().await {
        let index = "larder-partial-place";
        fill(&cluster, index).await;
        let store = Store::new();
        let bare = parts(&[Part::Mappings, Part::Settings]);
        let saved = store.backup(&cluster, only(&[index]), |options| options.parts = bare.clone()).await;
        let dump = store.dump(&saved.expect("saved").saved.snapshot);
        let report = restore(&cluster, &dump, everything(), OnConflict::Overwrite).await.expect("a report");
        let failures = report.failures();
        assert!(failures.len() == 1 && failures[0].contains("has no documents"), "{failures:?}");
        assert_eq!(cluster.count(index).await, Some(100));
        let wanted = Wanted { parts: bare, ..everything() };
        let report = restore(&cluster, &dump, wanted, OnConflict::Overwrite).await.expect("a report");
        assert_eq!((report.failures().len(), cluster.count(index).await), (0, Some(0)), "as was asked for");
        cluster.delete_all(index).await;
    }
}

fn query(query: &Value) -> Query {
    Query::parse(&query.to_string()).expect("a query")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_chooses_what_is_saved_counted_and_compared() {
    let _one = ONE_AT_A_TIME.lock().await;
    for cluster in Cluster::all().await {
        let index = "larder-partial-query";
        fill(&cluster, index).await;
        let store = Store::new();
        let below = Some(query(&json!({ "range": { "n": { "lt": 30 } } })));
        let saved = store.backup(&cluster, only(&[index]), |options| options.query = below.clone()).await;
        let saved = saved.expect("saved");
        assert_eq!(saved.manifest.documents(), 30);
        for shard in &saved.manifest.indices[0].shards {
            assert!(shard.identity.is_none(), "what windows of a part mean, nobody may build on");
        }
        let dump = store.dump(&saved.saved.snapshot);
        assert_eq!(dump.query(), below.as_ref());

        // Others are not missed, those that match are.
        let verified = verify(&dump, Some(&cluster)).await;
        assert!(verified.is_good() && verified.query == below, "{:?}", verified.indices);
        cluster.documents(index, [("new".to_owned(), json!({ "n": 1000 }))]).await;
        assert!(verify(&dump, Some(&cluster)).await.is_good());
        cluster.documents(index, [("new".to_owned(), json!({ "n": 5 }))]).await;
        assert!(!verify(&dump, Some(&cluster)).await.is_good());

        let whole = store.backup(&cluster, only(&[index]), |_| {}).await.expect("saved");
        let whole = store.dump(&whole.saved.snapshot);
        assert_eq!(compare(&dump, &whole)[0].change, Change::Unknown);

        cluster.delete_all(index).await;
        let restored = restore(&cluster, &dump, everything(), OnConflict::Fail).await.expect("restored");
        assert_eq!((restored.failures().len(), cluster.count(index).await), (0, Some(30)));

        let wrong = Some(query(&json!({ "no_such_query": {} })));
        let error = store.backup(&cluster, only(&[index]), |options| options.query = wrong).await;
        let error = error.expect_err("refused").chain();
        assert!(error.contains("no_such_query"), "{error}");
        cluster.delete_all(index).await;
    }
}

/// While it is read, more and more documents stop matching.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_says_now_means_one_moment() {
    const DOCUMENTS: u64 = 20_000;
    let _one = ONE_AT_A_TIME.lock().await;
    for cluster in Cluster::all().await {
        let index = "larder-partial-now";
        cluster.delete_all(index).await;
        let settings = json!({ "number_of_shards": 1, "number_of_replicas": 0 });
        cluster.create(index, &settings, &json!({ "properties": { "at": { "type": "date" } } }), &json!({})).await;
        let start = jiff::Timestamp::now().as_millisecond();
        for from in (0..DOCUMENTS).step_by(5_000) {
            let documents = (from..from + 5_000).map(|n| {
                let at = start + i64::try_from(n).expect("small");
                (n.to_string(), json!({ "at": at, "text": "x".repeat(1_000) }))
            });
            cluster.documents(index, documents).await;
        }
        let store = Store::new();
        let later = Some(query(&json!({ "range": { "at": { "gt": "now" } } })));
        let saved = store.backup(&cluster, only(&[index]), |options| options.query = later).await.expect("saved");
        let saved = saved.manifest.documents();
        println!("{}: {saved} documents", cluster.name);
        assert!(saved > 0 && saved < DOCUMENTS, "{saved}: not what the test means");
        cluster.delete_all(index).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_fails_keeps_no_other_and_no_template_back() {
    let _one = ONE_AT_A_TIME.lock().await;
    for cluster in Cluster::all().await {
        let names = ["larder-partial-a", "larder-partial-b", "larder-partial-c"];
        for name in names {
            fill(&cluster, name).await;
        }
        define(&cluster).await;
        let store = Store::new();
        let saved = store.backup(&cluster, only(&names), |_| {}).await.expect("saved");
        let dump = store.dump(&saved.saved.snapshot);
        for name in names {
            cluster.delete_all(name).await;
        }
        undefine(&cluster).await;
        // Where the second one goes there is an alias, which is not deleted for it.
        let other = "larder-partial-other";
        cluster.create(other, &json!({}), &json!({}), &json!({ "p-larder-partial-b-s": {} })).await;
        let wanted = Wanted { renames: vec![Rename::prefix("p-"), Rename::suffix("-s")], ..everything() };
        let report = restore(&cluster, &dump, wanted, OnConflict::Overwrite).await.expect("a report");
        let failed: Vec<&str> = report
            .indices
            .iter()
            .filter(|index| matches!(index.outcome, IndexOutcome::Failed(_)))
            .map(|index| index.target.as_str())
            .collect();
        assert_eq!(failed, ["p-larder-partial-b-s"]);
        assert_eq!(report.failures().len(), 1);
        for name in ["p-larder-partial-a-s", "p-larder-partial-c-s"] {
            assert_eq!(cluster.count(name).await, Some(100));
        }
        let templates = cluster.client.definitions(&[DefinitionKind::LegacyTemplate]).await.expect("templates");
        assert!(templates.iter().any(|template| template.name == TEMPLATES[0]));
        cluster.delete_all("p-larder-partial").await;
        cluster.delete_all(other).await;
        undefine(&cluster).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_is_refused_keeps_no_other_back_and_the_account_stands() {
    let _one = ONE_AT_A_TIME.lock().await;
    for cluster in Cluster::all().await.into_iter().filter(|cluster| cluster.client.can().composable_templates) {
        let index = "larder-partial-refused";
        let template = json!({ "index_patterns": ["larder-partial-none-*"], "priority": 777 });
        fill(&cluster, index).await;
        define(&cluster).await;
        cluster.put(&["_index_template", "larder-partial-one"], &template).await;
        let store = Store::new();
        let saved = store.backup(&cluster, only(&[index]), |_| {}).await.expect("saved");
        let dump = store.dump(&saved.saved.snapshot);
        cluster.delete(&["_index_template", "larder-partial-one"]).await;
        // For the same patterns the server takes no second one of the same priority.
        cluster.put(&["_index_template", "larder-partial-two"], &template).await;
        cluster.delete_all(index).await;
        undefine(&cluster).await;
        let report = restore(&cluster, &dump, everything(), OnConflict::Fail).await.expect("a report");
        let failures = report.failures();
        assert!(failures.len() == 1 && failures[0].contains("larder-partial-one"), "{failures:?}");
        assert_eq!((report.indexed(), cluster.count(index).await), (100, Some(100)));
        // Legacy templates come behind index templates.
        assert!(cluster.get(&["_template", TEMPLATES[0]]).await[TEMPLATES[0]].is_object());
        cluster.delete(&["_index_template", "larder-partial-two"]).await;
        cluster.delete_all(index).await;
        undefine(&cluster).await;
    }
}
