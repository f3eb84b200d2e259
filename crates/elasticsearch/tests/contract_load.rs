//! The load on real servers: what is put into them is what was saved. `LARDER_TEST_ES` names them:
//! `6.8.0=http://127.0.0.1:9200,7.14.0=http://…`. Each test has its own indices on each of them.

use std::time::Duration;

use elasticsearch::{
    Definition, DefinitionKind, Request,
    load::{BulkBatch, LoadError, Loaded, OnConflict, Put, Standing},
    scan,
};
use serde_json::{Value, json};

#[path = "support/real.rs"]
mod real;

use real::{Real, raw};

async fn load(real: &Real, target: &elasticsearch::load::CreatedIndex, lines: &[String]) -> Loaded {
    let mut batch = BulkBatch::new(&target.target(), 1 << 20);
    for line in lines {
        batch.push(&scan::hit(line.as_bytes(), 0).expect("a hit").0).expect("pushed");
    }
    real.loader.load(&mut batch).await.unwrap_or_else(|e| panic!("{}: {e}", real.label))
}

fn rich_settings(can_pipeline: bool) -> Value {
    let mut settings = json!({
        "number_of_shards": 3, "number_of_replicas": 2, "refresh_interval": "17s", "max_result_window": 12_345,
        "translog": { "durability": "request", "sync_interval": "7s" },
        "blocks": { "write": true },
        "analysis": {
            "char_filter": { "amp": { "type": "mapping", "mappings": ["& => and"] } },
            "filter": { "no_dots": { "type": "stop", "stopwords": ["a", "the"] } },
            "analyzer": { "mine": { "type": "custom", "tokenizer": "whitespace", "char_filter": ["amp"], "filter": ["lowercase", "no_dots"] } }
        }
    });
    if can_pipeline {
        settings["default_pipeline"] = json!("larder-none-such");
    }
    settings
}

#[tokio::test]
async fn settings_come_back_exactly_and_nothing_of_the_load_stays() {
    for real in Real::all().await {
        let label = &real.label;
        let core = label.starts_with("7.17");
        let (source, target) = ("load-settings-a", "load-settings-b");
        let mut rich = rich_settings(real.loader.client().can().default_pipeline);
        if core {
            // This distribution has no analysis module.
            rich["analysis"] = json!({ "analyzer": { "mine": { "type": "standard", "stopwords": ["a"] } } });
        }
        let mappings = json!({ "dynamic": "strict", "properties": { "t": { "type": "text", "analyzer": "mine" } } });
        let plain = json!({ "properties": { "t": { "type": "text" } } });
        let replicas =
            json!({ "auto_expand_replicas": "0-1", "refresh_interval": "-1", "translog.durability": "async" });
        for (case, settings, mappings) in
            [("rich", &rich, &mappings), ("defaults", &json!({}), &plain), ("replicas", &replicas, &plain)]
        {
            real.delete(&[source]).await;
            real.delete(&[target]).await;
            real.put(&[source], real.body(settings, mappings)).await;
            let before = real.settings(source).await;
            let (settings, mappings) = real.saved(source).await;

            let created = real.loader.create_index(target, &settings, &mappings).await.expect("created");
            let during = real.settings(target).await;
            assert_eq!(during["index.refresh_interval"], "-1", "{label} {case}");
            assert_eq!(during["index.number_of_replicas"], "0", "{label} {case}");
            assert_eq!(during["index.translog.durability"], "request", "{label} {case}");
            assert_eq!(load(&real, &created, &[r#"{"_id":"1","_source":{"t":"a"}}"#.into()]).await.indexed, 1);
            for _ in ["once", "and again"] {
                assert!(real.loader.put_back_settings(&created).await.expect("put back").is_empty());
                assert!(real.loader.put_back_blocks(&created).await.expect("put back").is_empty());
                assert_eq!(real.settings(target).await, before, "{label} {case}");
            }
            assert_eq!(created.changes, [""; 0], "{label} {case}");
            assert_eq!(
                real.get(&[target, "_mapping"], &[]).await[target],
                real.get(&[source, "_mapping"], &[]).await[source]
            );
            assert_eq!(real.loader.refresh_and_count(target).await.expect("counted"), 1);
            real.delete(&[source]).await;
            real.delete(&[target]).await;
        }
    }
}

#[tokio::test]
async fn a_template_of_the_server_adds_nothing_that_is_not_named() {
    for real in Real::all().await {
        let label = &real.label;
        let target = "load-template-b";
        real.delete(&[target]).await;
        let mut template = real.body(
            &json!({ "refresh_interval": "5s", "max_result_window": 777, "auto_expand_replicas": "0-5" }),
            &json!({ "properties": { "from_template": { "type": "long" } } }),
        );
        template["index_patterns"] = json!(["load-template-b*"]);
        template["aliases"] = json!({ "load-template-alias": {} });
        real.put(&["_template", "load-template"], template).await;
        let saved = raw(&json!({ "index": { "number_of_shards": "1", "number_of_replicas": "1" } }));
        let mappings = raw(&json!({ "properties": { "n": { "type": "long" } } }));
        let created = real.loader.create_index(target, &saved, &mappings).await.expect("created");
        assert_eq!(created.changes, ["a template of the server added the fields from_template"], "{label}");
        assert_eq!(real.loader.put_back_settings(&created).await.expect("put back"), [""; 0], "{label}");
        real.loader.put_aliases(target, &raw(&json!({}))).await.expect("aliases");
        let expected = [("index.number_of_replicas", "1"), ("index.number_of_shards", "1")];
        let mut settings = real.settings(target).await;
        settings.remove("index.replication.type"); // OpenSearch prints its default.
        let settings: Vec<_> = settings.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap_or("?"))).collect();
        assert_eq!(settings, expected, "{label}");
        assert_eq!(real.get(&[target, "_alias"], &[]).await[target]["aliases"], json!({}), "{label}");
        real.delete(&["_template", "load-template"]).await;
        real.delete(&[target]).await;
    }
}

#[tokio::test]
async fn documents_keep_bytes_ids_routing_and_versions_however_often_they_are_sent() {
    for real in Real::all().await {
        let label = &real.label;
        let target = "load-documents";
        real.delete(&[target]).await;
        let settings = raw(&json!({ "index": { "number_of_shards": "2" } }));
        let created =
            real.loader.create_index(target, &settings, &raw(&json!({ "enabled": false }))).await.expect("created");
        let sources = [
            (r#""plain""#, None, None, r#"{"n":9007199254740993,"z":0.0,"m":-0,"e":1.5E300, "d":1}"#.to_owned()),
            (r#""routed""#, Some(r#""r/1 \u00e9""#), Some(1), r#"{"s":"\ud83d\ude80\u0001 ä"}"#.to_owned()),
            (r#""a/b ?&%\"\u00fc""#, None, Some(7), "{\n  \"pretty\" :\r\n [ 1.10,\t2 ]\n}".to_owned()),
            (r#""r\\n""#, Some(r#""x""#), Some(900_000_000_000), "{\"a\":\n1}".to_owned()),
            (r#""versioned""#, None, Some(12), r#"{"big":"#.to_owned() + &format!("\"{}\"}}", "x".repeat(1 << 20))),
            (r#"".""#, None, Some(3), "{}".to_owned()),
        ];
        let lines: Vec<String> = sources
            .iter()
            .map(|(id, routing, version, source)| {
                let routing = routing.map(|r| format!(r#","_routing":{r}"#)).unwrap_or_default();
                let version = version.map(|v| format!(r#","_version":{v}"#)).unwrap_or_default();
                format!(r#"{{"_id":{id},"_type":"old"{routing}{version},"_source":{source}}}"#)
            })
            .map(|line| {
                if real.loader.client().can().types {
                    line.replace(r#""_type":"old""#, r#""_type":"_doc""#)
                } else {
                    line
                }
            })
            .collect();
        for _ in ["once", "and again"] {
            let account = load(&real, &created, &lines).await;
            assert_eq!((account.indexed, account.rejected.as_slice()), (6, &[][..]), "{label}");
        }
        assert_eq!(real.loader.refresh_and_count(target).await.expect("counted"), 6, "{label}");
        let answer = real.raw(&[target, "_search"], &[("size", "100"), ("version", "true")]).await;
        let mut seen = 0;
        for hit in scan::hits(&answer).expect("an answer") {
            let hit = hit.expect("a hit");
            let id: String = serde_json::from_slice(hit.id.expect("an id")).expect("text");
            let (_, routing, version, source) = sources
                .iter()
                .find(|(known, ..)| serde_json::from_str::<String>(known).expect("text") == id)
                .unwrap_or_else(|| panic!("{label}: {id}"));
            let text = |raw: Option<&[u8]>| raw.map(|raw| serde_json::from_slice::<String>(raw).expect("text"));
            assert_eq!(text(hit.routing), text(routing.map(str::as_bytes)), "{label} {id}");
            assert_eq!(String::from_utf8_lossy(hit.source.expect("a source")), *source, "{label} {id}");
            // Without an external version every sending counts.
            let expected = version.filter(|version| *version != 1).unwrap_or(2);
            assert_eq!(hit.version, Some(expected), "{label} {id}");
            seen += 1;
        }
        assert_eq!(seen, 6, "{label}");
        real.delete(&[target]).await;
    }
}

#[tokio::test]
async fn documents_that_do_not_fit_the_mapping_are_named_and_the_others_are_there() {
    for real in Real::all().await {
        let label = &real.label;
        let target = "load-rejected";
        real.delete(&[target]).await;
        let mappings = raw(&json!({ "dynamic": "strict", "properties": { "n": { "type": "long" } } }));
        let created = real.loader.create_index(target, &raw(&json!({})), &mappings).await.expect("created");
        let lines = [
            r#"{"_id":"good","_source":{"n":1}}"#,
            r#"{"_id":"text","_source":{"n":"no number"}}"#,
            "{\"_id\":\"strict\",\"_source\":{\n\"other\":1}}",
            r#"{"_id":"broken","_source":{"n":tru}}"#,
            r#"{"_id":"also good","_source":{}}"#,
        ];
        let account = load(&real, &created, &lines.map(str::to_owned)).await;
        assert_eq!((account.indexed, account.rejected_count), (2, 3), "{label}");
        let mut ids: Vec<_> = account.rejected.iter().map(|rejected| rejected.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ["broken", "strict", "text"], "{label}");
        assert!(
            account.rejected.iter().all(|rejected| rejected.status == 400 && !rejected.reason.is_empty()),
            "{label}"
        );
        assert_eq!(real.loader.refresh_and_count(target).await.expect("counted"), 2, "{label}");
        real.delete(&[target]).await;
    }
}

#[tokio::test]
async fn pipelines_do_not_touch_documents_that_are_loaded() {
    for real in Real::all().await {
        let label = &real.label;
        let can = *real.loader.client().can();
        let target = "load-pipeline";
        real.delete(&[target]).await;
        if label.starts_with("7.17") || !can.default_pipeline {
            continue; // This distribution has no processors: a pipeline of it changes nothing.
        }
        let pipeline = json!({ "processors": [{ "set": { "field": "touched", "value": true } }] });
        real.put(&["_ingest", "pipeline", "load-touch"], pipeline).await;
        let mut settings = json!({ "index": { "default_pipeline": "load-touch" } });
        if can.final_pipeline {
            settings["index"]["final_pipeline"] = json!("load-touch");
        }
        let created = real.loader.create_index(target, &raw(&settings), &raw(&json!({}))).await.expect("created");
        let lines = [r#"{"_id":"1","_source":{"n":1.0}}"#.to_owned(), "{\"_id\":\"2\",\"_source\":{\n}}".to_owned()];
        assert_eq!(load(&real, &created, &lines).await.indexed, 2, "{label}");
        assert_eq!(real.loader.put_back_settings(&created).await.expect("put back"), [""; 0], "{label}");
        assert_eq!(real.settings(target).await["index.default_pipeline"], "load-touch", "{label}");
        let stored = String::from_utf8(real.raw(&[target, "_doc", "1"], &[]).await).expect("text");
        assert!(stored.contains(r#""_source":{"n":1.0}"#), "{label}: {stored}");
        let stored = String::from_utf8(real.raw(&[target, "_doc", "2"], &[]).await).expect("text");
        assert!(stored.contains("\"_source\":{\n}"), "{label}: {stored}");
        real.delete(&[target]).await;
        real.delete(&["_ingest", "pipeline", "load-touch"]).await;
    }
}

#[tokio::test]
async fn aliases_come_back_with_filter_routing_and_write_index() {
    for real in Real::all().await {
        let label = &real.label;
        let (source, target) = ("load-alias-a", "load-alias-b");
        real.delete(&[source]).await;
        real.delete(&[target]).await;
        real.put(&[source], json!({})).await;
        let mut aliases = json!({
            "load-alias-filter": { "filter": { "term": { "n": { "value": 9_007_199_254_740_993_u64, "boost": 1.0 } } } },
            "load-alias-routing": { "index_routing": "1", "search_routing": "1,2" },
            "load-alias-write": { "is_write_index": false },
        });
        if real.loader.client().can().hidden_indices {
            aliases["load-alias-hidden"] = json!({ "is_hidden": true });
        }
        for name in [source, target] {
            real.loader.delete_index(name).await.expect("deleted");
            let created = real.loader.create_index(name, &raw(&json!({})), &raw(&json!({}))).await.expect("created");
            for _ in ["once", "and again"] {
                assert!(real.loader.put_aliases(created.name(), &raw(&aliases)).await.expect("aliases").is_empty());
            }
            let shown = real.get(&[name, "_alias"], &[]).await[name]["aliases"].clone();
            assert_eq!(
                shown.as_object().expect("aliases").len(),
                aliases.as_object().expect("aliases").len(),
                "{label}"
            );
            for (alias, properties) in aliases.as_object().expect("aliases") {
                if alias != "load-alias-filter" {
                    assert_eq!(&shown[alias], properties, "{label} {alias}");
                }
            }
            aliases = shown;
        }
        real.delete(&[source]).await;
        real.delete(&[target]).await;
    }
}

#[tokio::test]
async fn definitions_are_created_compared_kept_and_replaced() {
    for real in Real::all().await {
        let label = &real.label;
        let types = real.loader.client().can().types;
        let mappings = json!({ "properties": { "n": { "type": "long" } } });
        let mappings = if types { json!({ "_doc": mappings }) } else { mappings };
        let legacy = |order: u32| json!({ "index_patterns": ["load-definition-none-*"], "order": order, "settings": { "index": { "number_of_shards": "2" } }, "mappings": mappings, "aliases": { "a": {} } });
        let script = |source: &str| json!({ "script": { "lang": "painless", "source": source } });
        let kinds: [(DefinitionKind, &[&str], Value, Value); 6] = [
            (DefinitionKind::Script, &["_scripts"], script("1.0"), script("2")),
            (
                DefinitionKind::SearchPipeline,
                &["_search", "pipeline"],
                json!({ "description": "one", "request_processors": [] }),
                json!({ "description": "two", "request_processors": [] }),
            ),
            (
                DefinitionKind::Pipeline,
                &["_ingest", "pipeline"],
                json!({ "description": "one", "processors": [] }),
                json!({ "description": "two", "processors": [] }),
            ),
            (
                DefinitionKind::ComponentTemplate,
                &["_component_template"],
                json!({ "template": { "settings": { "index": { "number_of_shards": "2" } } }, "version": 1 }),
                json!({ "template": {}, "version": 2 }),
            ),
            (
                DefinitionKind::IndexTemplate,
                &["_index_template"],
                json!({ "index_patterns": ["load-definition-none-*"], "composed_of": ["load-definition"], "priority": 999 }),
                json!({ "index_patterns": ["load-definition-none-*"], "composed_of": [], "priority": 998 }),
            ),
            (DefinitionKind::LegacyTemplate, &["_template"], legacy(1), legacy(2)),
        ];
        for (_, path, _, _) in kinds.iter().rev() {
            real.delete(&[path, &["load-definition"][..]].concat()).await;
        }
        for (kind, _, one, two) in &kinds {
            let definition =
                |body| Definition { kind: *kind, name: "load-definition".into(), body: raw(body), system: false };
            let put = async |body, on_conflict| {
                real.loader.put_definition(&definition(body), on_conflict).await.map(|(put, _)| put)
            };
            let can = real.loader.client().can();
            let is_known = match kind {
                DefinitionKind::ComponentTemplate | DefinitionKind::IndexTemplate => can.composable_templates,
                DefinitionKind::SearchPipeline => can.search_pipelines,
                _ => true,
            };
            if !is_known {
                assert!(matches!(put(one, OnConflict::Fail).await, Err(LoadError::Unknown { .. })), "{label} {kind:?}");
                continue;
            }
            // Some servers of the lab have no language for scripts.
            if *kind == DefinitionKind::Script
                && !real.get(&["_nodes", "plugins"], &[]).await.to_string().contains("Painless")
            {
                assert!(matches!(put(one, OnConflict::Fail).await, Err(LoadError::Server { .. })), "{label} {kind:?}");
                continue;
            }
            let steps = [
                (one, OnConflict::Fail, Some(Put::Created)),
                (one, OnConflict::Fail, Some(Put::Same)),
                (two, OnConflict::Fail, None),
                (two, OnConflict::Skip, Some(Put::Skipped)),
                (one, OnConflict::Overwrite, Some(Put::Same)),
                (two, OnConflict::Overwrite, Some(Put::Replaced)),
                (two, OnConflict::Fail, Some(Put::Same)),
            ];
            for (number, (body, on_conflict, expected)) in steps.into_iter().enumerate() {
                match (put(body, on_conflict).await, expected) {
                    (Ok(put), Some(expected)) => assert_eq!(put, expected, "{label} {kind:?} {number}"),
                    (Err(LoadError::Exists { .. }), None) => {}
                    (result, expected) => panic!("{label} {kind:?} {number}: {result:?} for {expected:?}"),
                }
            }
        }
        // What the cluster shows can be put as it is.
        for shown in real.loader.client().definitions(&DefinitionKind::ALL).await.expect("definitions") {
            if shown.name == "load-definition" {
                assert_eq!(real.loader.standing(&shown).await.expect("compared"), Standing::Same, "{label}");
                assert_eq!(
                    real.loader.put_definition(&shown, OnConflict::Fail).await.expect("put").0,
                    Put::Same,
                    "{label}"
                );
            }
        }
        for (_, path, _, _) in kinds.iter().rev() {
            real.delete(&[path, &["load-definition"][..]].concat()).await;
        }
    }
}

#[tokio::test]
async fn names_that_are_taken_are_found_and_never_filled_or_deleted_by_mistake() {
    for real in Real::all().await {
        let label = &real.label;
        for name in ["load-taken-open", "load-taken-closed"] {
            real.delete(&[name]).await;
        }
        real.put(&["load-taken-open"], json!({ "aliases": { "load-taken-alias": {} } })).await;
        real.put(&["load-taken-closed"], json!({})).await;
        let close = Request::post(&["load-taken-closed", "_close"]).idempotent(true);
        real.loader.client().send(close).await.expect("closed");
        let mut names: Vec<String> = (0..500).map(|n| format!("load-taken-no-{n}-{}", "x".repeat(100))).collect();
        assert_eq!(real.loader.existing(&names).await.expect("asked"), [""; 0], "{label}");
        let taken = ["load-taken-open", "load-taken-closed", "load-taken-alias"];
        names.splice(250..250, taken.map(str::to_owned));
        assert_eq!(real.loader.existing(&names).await.expect("asked"), taken, "{label}");
        for name in taken {
            let result = real.loader.create_index(name, &raw(&json!({})), &raw(&json!({}))).await;
            assert!(matches!(result, Err(LoadError::Exists { .. })), "{label} {name}: {result:?}");
        }
        let result = real.loader.delete_index("load-taken-alias").await;
        assert!(result.is_err_and(|error| error.to_string().contains("load-taken-open")), "{label}");
        for name in ["load-taken-open", "load-taken-closed", "load-taken-none"] {
            real.loader.delete_index(name).await.unwrap_or_else(|e| panic!("{label} {name}: {e}"));
        }
        assert_eq!(real.loader.existing(&names).await.expect("asked"), [""; 0], "{label}");
    }
}

#[tokio::test]
async fn settings_that_the_server_does_not_know_are_left_out_and_named() {
    for real in Real::all().await {
        let label = &real.label;
        let target = "load-unknown";
        real.delete(&[target]).await;
        let settings = raw(
            &json!({ "index": { "knn": { "none_such": "1" }, "number_of_shards": "1", "lifecycle": { "none_such": "p" } } }),
        );
        let created = real.loader.create_index(target, &settings, &raw(&json!({}))).await.expect("created");
        assert_eq!(
            created.changes,
            ["setting index.knn.none_such is left out: the server does not know it"],
            "{label}"
        );
        let changes = real.loader.put_back_settings(&created).await.expect("put back");
        assert_eq!(changes, ["setting index.lifecycle.none_such is left out: the server does not know it"], "{label}");
        assert!(!real.settings(target).await.contains_key("index.refresh_interval"), "{label}");
        real.delete(&[target]).await;
        let gone = real.loader.put_back_settings(&created).await;
        assert!(matches!(gone, Err(LoadError::Replaced { .. })), "{label}");
    }
}

#[tokio::test]
async fn typed_mappings_of_older_servers_fit_newer_ones() {
    for real in Real::all().await {
        let label = &real.label;
        let target = "load-typed";
        real.delete(&[target]).await;
        let has_types = real.loader.client().can().types;
        let line = r#"{"_id":"1","_type":"log","_source":{"n":1}}"#.to_owned();
        let typed = json!({ "log": { "properties": { "n": { "type": "long" } } } });
        for (mappings, changes) in [(typed, usize::from(!has_types)), (json!({}), 0)] {
            let created = real.loader.create_index(target, &raw(&json!({})), &raw(&mappings)).await.expect("created");
            let account = load(&real, &created, std::slice::from_ref(&line)).await;
            assert_eq!((account.indexed, account.rejected.as_slice()), (1, &[][..]), "{label} {mappings}");
            assert_eq!(created.changes.len(), changes, "{label}: {:?}", created.changes);
            real.delete(&[target]).await;
        }
    }
}

#[tokio::test]
async fn many_batches_at_once_arrive_whole() {
    for real in Real::all().await {
        let label = &real.label;
        let target = "load-many";
        real.delete(&[target]).await;
        let created = real.loader.create_index(target, &raw(&json!({})), &raw(&json!({}))).await.expect("created");
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let (loader, target) = (real.loader.clone(), created.target());
                tokio::spawn(async move {
                    let mut batch = BulkBatch::new(&target, 200_000);
                    let mut all = Loaded::default();
                    for number in 0..2_500 {
                        let line = format!(r#"{{"_id":"{task}-{number}","_source":{{"n":{number}}}}}"#);
                        batch.push(&scan::hit(line.as_bytes(), 0).expect("a hit").0).expect("pushed");
                        if batch.is_full() {
                            all.add(loader.load(&mut batch).await.expect("loaded"));
                        }
                    }
                    all.add(loader.load(&mut batch).await.expect("loaded"));
                    all
                })
            })
            .collect();
        let mut all = Loaded::default();
        for task in tasks {
            all.add(tokio::time::timeout(Duration::from_mins(5), task).await.expect("in time").expect("no panic"));
        }
        assert_eq!((all.indexed, all.rejected_count), (20_000, 0), "{label}");
        assert_eq!(real.loader.refresh_and_count(target).await.expect("counted"), 20_000, "{label}");
        real.delete(&[target]).await;
    }
}
