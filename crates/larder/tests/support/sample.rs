//! An index as hard to keep as one can be: products, custom routing, nested documents, updates, deletes, external
//! versions, numbers that no double holds, ids that need escapes, an analyzer of its own, aliases with filters.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::cluster::Cluster;

/// Documents written first; every tenth is deleted afterwards, every seventh written again, every 13th updated.
const DOCUMENTS: u64 = 3_000;

/// How many go into one request.
const BATCH: usize = 1_000;

/// What of the sample needs modules, which some of the lab's servers lack.
#[derive(Debug, Clone, Copy)]
pub struct Modules {
    joins: bool,
    scaled: bool,
    analysis: bool,
}

impl Modules {
    /// Those that all of them have.
    pub fn of(clusters: &[&Cluster]) -> Self {
        let all = |has: &dyn Fn(&Cluster) -> bool| clusters.iter().all(|cluster| has(cluster));
        Self {
            joins: all(&|cluster| cluster.has_module("ParentJoinPlugin")),
            // A module since 6.0.
            scaled: all(&|cluster| cluster.many_types() || cluster.has_module("MapperExtrasPlugin")),
            analysis: all(&|cluster| cluster.has_module("CommonAnalysisPlugin")),
        }
    }

    /// Whether they all have the parts of analyzers that are no part of the server's core.
    pub fn analysis(self) -> bool {
        self.analysis
    }
}

/// The mappings: those of the products, some more fields, and what is beside fields.
fn mappings(modules: Modules) -> Value {
    let shape = samples::IndexShape { shards: 3, replicas: 0, refresh: "-1", document_type: None };
    let body: Value = serde_json::from_str(&shape.body(samples::Set::Products)).unwrap();
    let mut mappings = body["mappings"].clone();
    mappings["dynamic"] = "false".into();
    mappings["date_detection"] = false.into();
    if !modules.scaled {
        mappings["properties"]["price"]["properties"]["amount"] = json!({ "type": "double" });
    }
    mappings["_meta"] = json!({ "owner": "larder", "numbers": [1, 2.5] });
    mappings["dynamic_templates"] =
        json!([{ "words": { "match_mapping_type": "string", "mapping": { "type": "keyword", "ignore_above": 64 } } }]);
    let fields = mappings["properties"].as_object_mut().unwrap();
    fields.insert("line".into(), json!({ "type": "text", "analyzer": "folded", "copy_to": "all" }));
    fields.insert("all".into(), json!({ "type": "text" }));
    if modules.joins {
        fields.insert("relation".into(), json!({ "type": "join", "relations": { "question": ["answer"] } }));
    }
    mappings
}

fn settings(cluster: &Cluster, modules: Modules) -> Value {
    let rich = json!({
        "char_filter": { "dots": { "type": "mapping", "mappings": [". => \\u0020", "ß=>ss"] } },
        "analyzer": { "folded": {
            "type": "custom", "tokenizer": "standard", "char_filter": ["dots"], "filter": ["lowercase", "asciifolding"]
        } }
    });
    let plain =
        json!({ "analyzer": { "folded": { "type": "standard", "max_token_length": 20, "stopwords": ["the"] } } });
    let mut settings = json!({
        "number_of_shards": 3,
        "number_of_replicas": 1,
        "refresh_interval": "7s",
        "max_result_window": 5_000,
        "analysis": if modules.analysis { rich } else { plain }
    });
    if cluster.many_types() && modules.joins {
        // What such a field needs.
        settings["mapping.single_type"] = true.into();
    }
    settings
}

/// Makes the index `index` and fills it.
pub fn fill(cluster: &Cluster, index: &str) {
    fill_with(cluster, index, Modules::of(&[cluster]));
}

/// The same with no more than some modules allow.
pub fn fill_with(cluster: &Cluster, index: &str, modules: Modules) {
    let aliases = json!({
        format!("{index}-write"): { "is_write_index": true },
        format!("{index}-filtered"): { "filter": { "range": { "rating": { "gte": 2.5, "boost": 1.0 } } } },
        format!("{index}-routed"): { "index_routing": "r1", "search_routing": "r1,r2" }
    });
    cluster.create(index, &settings(cluster, modules), &mappings(modules), &aliases);
    let all: Vec<u64> = (0..DOCUMENTS).collect();
    for numbers in all.chunks(BATCH) {
        write(cluster, index, numbers, 1);
    }
    let again: Vec<u64> = (0..DOCUMENTS).step_by(7).collect();
    write(cluster, index, &again, 2);
    each(cluster, index, (0..DOCUMENTS).step_by(13), "update", "{\"doc\":{\"score\":12.0}}\n");
    each(cluster, index, (0..DOCUMENTS).step_by(10), "delete", "");
    numbers(cluster, index);
    unusual(cluster, index);
}

/// The document of this number and seed, one line.
fn product(seed: u64, number: u64) -> String {
    let mut source = Vec::new();
    samples::Set::Products.document(seed, number, &mut source);
    String::from_utf8(source).unwrap()
}

fn action(verb: &str, number: u64) -> String {
    let mut meta = json!({ "_id": number.to_string() });
    if number.is_multiple_of(3) {
        meta["routing"] = format!("r{}", number % 11).into();
    }
    // External versions leave gaps and go beyond what counting would reach.
    if verb == "index" && number % 97 == 5 {
        meta["version"] = ((1 << 40) + number).into();
        meta["version_type"] = "external_gte".into();
    }
    format!("{}\n", json!({ verb: meta }))
}

fn write(cluster: &Cluster, index: &str, numbers: &[u64], seed: u64) {
    let lines = numbers.iter().map(|number| action("index", *number) + &product(seed, *number) + "\n").collect();
    cluster.bulk(index, lines);
}

fn each(cluster: &Cluster, index: &str, numbers: impl Iterator<Item = u64>, verb: &str, body: &str) {
    let mut lines = String::new();
    for number in numbers {
        write!(lines, "{}{body}", action(verb, number)).unwrap();
    }
    cluster.bulk(index, lines);
}

/// What is lost by whoever makes doubles of numbers, or a tree of a document. Each is outside of the mapping.
fn numbers(cluster: &Cluster, index: &str) {
    let sources = [
        r#"{"n":9007199254740993,"m":-9223372036854775808,"o":18446744073709551615}"#,
        r#"{"n":0.0,"m":-0,"o":-0.0,"p":1.0e0,"q":1E+2,"r":0.1000}"#,
        r#"{"n":123456789012345678901234567890.123456789012345678901234567890}"#,
        r#"{ "a" : [ ] , "b" : { } ,	"c" : [ null , [ [ ] ] ] }"#,
        r#"{"é":"\u00e9","s":"\/","t":"\ud83d\ude00 😀","u":"\u2028","empty":""}"#,
        r"{}",
    ];
    for (number, source) in sources.iter().enumerate() {
        cluster.document(index, &format!("numbers-{number}"), source, &[]).unwrap();
    }
    // Not every version takes these: what is taken must come back.
    for (number, source) in [r#"{"n":1E400}"#, r#"{"n":1,"n":2}"#, r#"{"s":"\ud83d"}"#].iter().enumerate() {
        match cluster.document(index, &format!("accepted-{number}"), source, &[]) {
            Ok(()) => println!("{}: takes {source}", cluster.name),
            Err(error) => assert_eq!(error.status(), Some(400), "{error}"),
        }
    }
}

fn unusual(cluster: &Cluster, index: &str) {
    let long = "x".repeat(512);
    let ids =
        ["a/b c", "\"quoted\" \\ back", "é😀\u{2028}", "_underscore", "%2F?#&", "\u{1}control", "  spaces  ", &long];
    for id in ids {
        cluster.document(index, id, r#"{"line":"an unusual id"}"#, &[("routing", "r ü/1")]).unwrap();
    }
    // Legal JSON that is no line of a _bulk.
    let lines = "{\n  \"line\" : \"raw\\nlines\",\r\n\t\"n\" : [\n1,\n2.50\n]\n}";
    cluster.document(index, "lines", lines, &[("routing", "r2")]).unwrap();
    cluster
        .document(index, "external", r#"{"n":1}"#, &[("version", "4611686018427387904"), ("version_type", "external")])
        .unwrap();
    cluster
        .document(index, "external lines", "{\"n\":\n1}", &[("version", "77"), ("version_type", "external")])
        .unwrap();
    cluster.document(index, "question", r#"{"relation":"question"}"#, &[]).unwrap();
    let answer = r#"{"relation":{"name":"answer","parent":"question"}}"#;
    cluster.document(index, "answer", answer, &[("routing", "question")]).unwrap();
    let large = format!(r#"{{"line":"{}"}}"#, "word ".repeat(200_000));
    cluster.document(index, "large", &large, &[]).unwrap();
}

/// Templates and a pipeline whose names begin with `prefix`. The pipeline would change every document.
pub struct Definitions {
    paths: Vec<Vec<String>>,
}

impl Definitions {
    /// Makes them.
    pub fn make(cluster: &Cluster, prefix: &str) -> Self {
        let definitions = Self::named(cluster, prefix);
        definitions.remove(cluster);
        let path = |at: usize| definitions.paths[at].iter().map(String::as_str).collect::<Vec<_>>();
        let changing = json!([{ "set": { "field": "piped", "value": "{{_index}}" } }]);
        let processors = if cluster.has_module("IngestCommonPlugin") { changing } else { json!([]) };
        cluster.put(&path(0), &json!({ "description": "changes everything", "processors": processors }));
        let properties = json!({ "properties": { "of_template": { "type": "keyword" } } });
        let mappings = if cluster.types() { json!({ cluster.type_name(): properties }) } else { properties.clone() };
        // It matches the sample's index: a restore must not let it add anything.
        let mut template = json!({
            "order": 3, "version": 7,
            "settings": { "index": { "number_of_replicas": "3", "codec": "best_compression" } },
            "mappings": mappings, "aliases": { format!("{prefix}-of-template"): {} }
        });
        if cluster.many_types() {
            template["template"] = format!("{prefix}*").into();
        } else {
            template["index_patterns"] = json!([format!("{prefix}*")]);
        }
        cluster.put(&path(1), &template);
        if cluster.composable_templates() {
            let template = json!({ "settings": { "index": { "refresh_interval": "9s" } }, "mappings": properties });
            cluster.put(&path(2), &json!({ "template": template, "_meta": { "by": "test" } }));
            cluster.put(
                &path(3),
                &json!({
                    "index_patterns": [format!("{prefix}-composed-*")], "composed_of": [path(2)[1]], "priority": 5,
                    "template": { "aliases": { format!("{prefix}-composed"): {} } }
                }),
            );
        }
        definitions
    }

    /// Those that [`Definitions::make`] would make.
    pub fn named(cluster: &Cluster, prefix: &str) -> Self {
        let mut kinds = vec!["_ingest/pipeline", "_template"];
        if cluster.composable_templates() {
            kinds.extend(["_component_template", "_index_template"]);
        }
        let path =
            |kind: &&str| kind.split('/').map(str::to_owned).chain([format!("{prefix}-{}", &kind[1..4])]).collect();
        Self { paths: kinds.iter().map(path).collect() }
    }

    /// What the server says of each, but for when it was made: newer servers tell that too.
    pub fn shown(&self, cluster: &Cluster) -> Vec<Value> {
        let shown = |path: Vec<&str>| {
            let mut shown = cluster.get(&path);
            without_dates(&mut shown);
            shown
        };
        self.each().map(shown).collect()
    }

    /// Removes them, those that use others first.
    pub fn remove(&self, cluster: &Cluster) {
        self.each().rev().for_each(|path| cluster.delete(&path));
    }

    fn each(&self) -> impl DoubleEndedIterator<Item = Vec<&str>> {
        self.paths.iter().map(|path| path.iter().map(String::as_str).collect())
    }
}

fn without_dates(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "created_date_millis" | "modified_date_millis"));
            fields.values_mut().for_each(without_dates);
        }
        Value::Array(items) => items.iter_mut().for_each(without_dates),
        _ => {}
    }
}
