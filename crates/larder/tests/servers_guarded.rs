//! Servers that want TLS and a login: whom to trust, who asks, and what a login that sees or may do too little is told.
//! `LARDER_TEST_ES_TLS` lists the servers as `NAME=URL,NAME=URL`, `LARDER_TEST_TLS` is the folder of their authority; each has a
//! user `admin`, password `admin`.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod support;

use std::fs;

use elasticsearch::Request;
use serde_json::json;
use support::{
    cluster::{Cluster, assert_same},
    guarded::{Certificate, Guarded, PASSWORD, Plugin, Role},
};

/// An index with documents, nested ones and a field that some may not see.
fn fill(cluster: &Cluster, index: &str) {
    cluster.delete(&[index]);
    let properties = json!({
        "n": { "type": "long" }, "secret": { "type": "keyword" },
        "lines": { "type": "nested", "properties": { "at": { "type": "long" } } },
    });
    let settings = json!({ "number_of_shards": 2, "number_of_replicas": 0, "refresh_interval": "-1" });
    cluster.create(index, &settings, &json!({ "properties": properties }), &json!({}));
    for n in 0..40 {
        let source = format!(r#"{{"n":{n},"secret":"s{n}","lines":[{{"at":{n}}},{{"at":1}}]}}"#);
        cluster.document(index, &n.to_string(), &source, &[]).unwrap();
    }
}

#[test]
fn one_authority_is_trusted_and_one_login_is_known() {
    for guarded in Guarded::all() {
        let (index, folder) = ("larder-guarded-round", tempfile::tempdir().unwrap());
        fill(&guarded.cluster, index);
        let documents = guarded.cluster.documents(index);
        let larder = guarded.larder(folder.path(), "admin", "admin");
        let backup = ["backup", "--index", index];
        larder.clone().without("LARDER_CA_FILE").fails(&backup, &["no trusted TLS connection"]);
        let other = Certificate::make(folder.path(), "other", None);
        larder.clone().with("LARDER_CA_FILE", &other.file).fails(&backup, &["no trusted TLS connection", "authority"]);
        let wrong = larder.clone().with("LARDER_ELASTICSEARCH_PASSWORD", "wrong");
        wrong.fails(&backup, &["refuses these credentials", "401"]);
        assert!(larder.snapshots().is_empty(), "{}", guarded.cluster.name);
        let saved = larder.summary(&backup);
        assert_eq!(saved["documents"], documents.len(), "{}: {saved}", guarded.cluster.name);
        guarded.cluster.delete(&[index]);
        larder.done(&["restore", "--skip", "templates,pipelines"]);
        assert_same(&guarded.cluster.documents(index), &documents, &guarded.cluster.name);
        guarded.cluster.delete(&[index]);
    }
}

#[test]
fn a_certificate_of_the_authority_is_a_login() {
    for guarded in Guarded::all() {
        let (index, folder) = ("larder-guarded-certificate", tempfile::tempdir().unwrap());
        let name = &guarded.cluster.name;
        fill(&guarded.cluster, index);
        let documents = guarded.cluster.documents(index);
        let client = guarded.certificate(folder.path(), "lab-client");
        let bare = guarded.larder_as_nobody(folder.path());
        let larder = client.shown_by(&bare);
        let backup = ["backup", "--index", index];
        if guarded.plugin == Plugin::XPack {
            // Who it is, is known; what it may do, is not said yet.
            larder.fails(&backup, &["403", "lab-client"]);
            let rules = json!({ "field": { "dn": "CN=lab-client" } });
            let mapping = json!({ "enabled": true, "roles": ["superuser"], "rules": rules });
            guarded.cluster.put(&["_security", "role_mapping", "lab-client"], &mapping);
        }
        bare.fails(&backup, &["401"]);
        let stranger = guarded.certificate(folder.path(), "stranger");
        stranger.shown_by(&bare).fails(&backup, &[if guarded.plugin == Plugin::XPack { "403" } else { "401" }]);
        let other = Certificate::make(folder.path(), "other", None);
        other.shown_by(&bare).fails(&backup, &["certificate"]);
        assert!(larder.snapshots().is_empty(), "{name}");

        assert_eq!(larder.summary(&backup)["documents"], documents.len(), "{name}");
        guarded.cluster.delete(&[index]);
        larder.done(&["restore", "--skip", "templates,pipelines"]);
        assert_same(&guarded.cluster.documents(index), &documents, name);
        guarded.cluster.delete(&[index]);
        if guarded.plugin == Plugin::XPack {
            guarded.cluster.delete(&["_security", "role_mapping", "lab-client"]);
        }
    }
}

#[test]
fn a_login_that_sees_only_a_part_gets_no_backup_and_is_told_what_it_does_not_see() {
    for guarded in Guarded::with_roles() {
        let (index, folder) = ("larder-guarded-sight", tempfile::tempdir().unwrap());
        fill(&guarded.cluster, index);
        let some = r#"{"range":{"n":{"lt":30}}}"#;
        let cases: [(&str, Role, &[&str]); 3] = [
            ("whole", Role { query: None, hidden: None }, &[]),
            (
                "documents",
                Role { query: Some(some), hidden: None },
                &["90 of its 120 documents", "document-level security"],
            ),
            ("fields", Role { query: None, hidden: Some("secret") }, &["secret", "field-level security"]),
        ];
        for (case, role, words) in cases {
            let user = guarded.user(&format!("larder-sight-{case}"), index, &role);
            let home = folder.path().join(case);
            fs::create_dir(&home).unwrap();
            let larder = guarded.larder(&home, &user, PASSWORD);
            if words.is_empty() {
                assert_eq!(larder.summary(&["backup", "--index", index])["documents"], 40, "{}", guarded.cluster.name);
            } else {
                larder.fails(&["backup", "--index", index], &[words, &["index larder-guarded-sight"]].concat());
                assert!(larder.snapshots().is_empty(), "{} {case}", guarded.cluster.name);
            }
        }
        guarded.cluster.delete(&[index]);
    }
}

#[test]
fn a_login_without_a_right_is_told_which() {
    for guarded in Guarded::with_roles() {
        let (mine, other, folder) = ("larder-guarded-mine", "larder-guarded-other", tempfile::tempdir().unwrap());
        fill(&guarded.cluster, mine);
        fill(&guarded.cluster, other);
        let user = guarded.user("larder-rights", mine, &Role { query: None, hidden: None });
        let larder = guarded.larder(folder.path(), &user, PASSWORD);
        let refused = larder.fails(&["backup", "--index", other], &["403", user.as_str()]);
        assert!(refused.said("indices:"), "{}: the action is not named: {refused:?}", guarded.cluster.name);
        assert!(larder.snapshots().is_empty(), "{}", guarded.cluster.name);
        [mine, other].iter().for_each(|index| guarded.cluster.delete(&[index]));
    }
}

#[test]
fn an_api_key_is_taken_and_what_it_does_not_see_is_told() {
    for guarded in Guarded::with_roles().into_iter().filter(|guarded| guarded.plugin == Plugin::XPack) {
        let (index, folder) = ("larder-guarded-key", tempfile::tempdir().unwrap());
        fill(&guarded.cluster, index);
        let cases: [(&str, Role, &[&str]); 2] = [
            ("whole", Role { query: None, hidden: None }, &[]),
            ("part", Role { query: Some(r#"{"term":{"n":1}}"#), hidden: None }, &["3 of its 120 documents"]),
        ];
        for (case, role, words) in cases {
            let body = json!({ "name": case, "role_descriptors": { "r": guarded.plugin.role(index, &role) } });
            let key = guarded.cluster.ask(Request::post(&["_security", "api_key"]).json(body.to_string()));
            let file = folder.path().join(format!("{case}.key"));
            fs::write(&file, format!("{}:{}", key["id"].as_str().unwrap(), key["api_key"].as_str().unwrap())).unwrap();
            let home = folder.path().join(case);
            fs::create_dir(&home).unwrap();
            let larder = guarded.larder_as_nobody(&home).with("LARDER_API_KEY_FILE", file.to_str().unwrap());
            if words.is_empty() {
                assert_eq!(larder.summary(&["backup", "--index", index])["documents"], 40);
            } else {
                larder.fails(&["backup", "--index", index], words);
            }
        }
        guarded.cluster.delete(&[index]);
    }
}

#[test]
fn roles_and_their_mappings_come_back_where_asked_for_and_users_are_named() {
    for guarded in Guarded::with_roles() {
        let (index, name, folder) = ("larder-guarded-roles", "larder-kept-role", tempfile::tempdir().unwrap());
        fill(&guarded.cluster, index);
        guarded.user(name, index, &Role { query: Some(r#"{"term":{"n":1}}"#), hidden: Some("secret") });
        let [role, mapping, user] = guarded.security_paths(name);
        let body = match guarded.plugin {
            Plugin::OpenSearch => json!({ "backend_roles": ["ops"], "users": ["somebody"] }),
            _ => json!({ "enabled": true, "roles": [name], "rules": { "field": { "groups": "ops" } } }),
        };
        guarded.cluster.put(&mapping, &body);
        let paths = [role, mapping];
        let before = paths.each_ref().map(|path| guarded.cluster.get(path));
        let larder = guarded.larder(folder.path(), "admin", "admin");
        let unasked = larder.summary(&["backup", "--index", index]);
        assert!(!unasked["not_saved"].to_string().contains("user"), "{unasked}");
        let saved = larder.summary(&["backup", "--index", index, "--also", "security"]);
        assert!(saved["not_saved"].to_string().contains(&format!("user {name}: passwords")), "{saved}");

        let remove = || paths.iter().chain([&user]).for_each(|path| guarded.cluster.delete(path));
        remove();
        guarded.cluster.delete(&[index]);
        larder.done(&["restore"]);
        assert_eq!(guarded.cluster.get(&paths[0]).get(name), None, "nobody asked for roles");
        larder.done(&["restore", "--only", "security"]);
        let after = paths.each_ref().map(|path| guarded.cluster.get(path));
        assert_eq!(after, before, "{}", guarded.cluster.name);
        remove();
        guarded.cluster.delete(&[index]);
    }
}
