//! What a snapshot's fields mean, as OpenAPI, versions 2 and 3: `kubectl explain` shows it. Pure.

use api::snapshot::{GROUP, KIND, PLURAL, VERSION};
use serde_json::{Map, Value, json};

/// The schemas' names begin with this, as Stash's did.
const PREFIX: &str = "com.github.stashed.apimachinery.apis.repositories.v1alpha1";

/// The list of documents of version 3.
pub fn index() -> Value {
    let path = format!("apis/{GROUP}/{VERSION}");
    // The document changes with the program only.
    let url = format!("/openapi/v3/{path}?hash={}", env!("CARGO_PKG_VERSION"));
    json!({ "paths": { path: { "serverRelativeURL": url } } })
}

/// Version 3.
pub fn v3() -> Value {
    json!({
        "openapi": "3.0.0", "info": info(),
        "paths": paths(|schema| json!({ "content": { "application/json": { "schema": schema } } }), "#/components/schemas/", true),
        "components": { "schemas": schemas("#/components/schemas/") },
    })
}

/// Version 2.
pub fn v2() -> Value {
    json!({
        "swagger": "2.0", "info": info(),
        "paths": paths(|schema| json!({ "schema": schema }), "#/definitions/", false),
        "definitions": schemas("#/definitions/"),
    })
}

fn info() -> Value {
    json!({ "title": "Larder", "version": env!("CARGO_PKG_VERSION") })
}

fn kinds(kind: &str) -> Value {
    json!({ "group": GROUP, "version": VERSION, "kind": kind })
}

fn schemas(at: &str) -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let number = |description: &str| json!({ "type": "integer", "format": "int32", "description": description });
    let texts =
        |description: &str| json!({ "type": "array", "items": { "type": "string" }, "description": description });
    let object = |description: &str| json!({ "type": "object", "description": description });
    let status = json!({
        "type": "object", "description": "What the snapshot says of itself.",
        "required": ["tree", "paths", "hostname", "username", "uid", "gid", "repository"],
        "properties": {
            "tree": text("The id of its root folder."),
            "paths": texts("What was saved."),
            "hostname": text("The host that it belongs to."),
            "username": text("Who made it."),
            "uid": number("The number of that user."),
            "gid": number("The number of that user's group."),
            "tags": texts("Its tags."),
            "repository": text("The Repository's name."),
        },
    });
    let head = |mut properties: Map<String, Value>| {
        properties.insert("apiVersion".into(), text("The version of this shape."));
        properties.insert("kind".into(), text("The kind of the object."));
        properties
    };
    let of = |name: &str| json!({ "$ref": format!("{at}{PREFIX}.{name}") });
    let snapshot = Map::from_iter([
        (
            "metadata".to_owned(),
            object("Name, namespace, the id as uid, the time, and the labels repository and hostname."),
        ),
        ("status".to_owned(), of("SnapshotStatus")),
    ]);
    let list = Map::from_iter([
        ("metadata".to_owned(), object("Where the list goes on.")),
        ("items".to_owned(), json!({ "type": "array", "items": of(KIND), "description": "The snapshots." })),
    ]);
    let mut schemas = Map::new();
    schemas.insert(format!("{PREFIX}.SnapshotStatus"), status);
    schemas.insert(
        format!("{PREFIX}.{KIND}"),
        json!({
            "type": "object", "description": "A saved state in a Repository. It is what the backend holds; nothing of it is stored.",
            "properties": head(snapshot), "x-kubernetes-group-version-kind": [kinds(KIND)],
        }),
    );
    let of_list = format!("{KIND}List");
    schemas.insert(
        format!("{PREFIX}.{of_list}"),
        json!({
            "type": "object", "description": "Saved states.", "required": ["items"],
            "properties": head(list), "x-kubernetes-group-version-kind": [kinds(&of_list)],
        }),
    );
    Value::Object(schemas)
}

/// `answer` makes an answer's part of a schema's reference.
fn paths(answer: impl Fn(Value) -> Value, at: &str, third: bool) -> Value {
    let base = format!("/apis/{GROUP}/{VERSION}");
    let operation = |action: &str, id: &str, description: &str, schema: &str| {
        let mut ok = answer(json!({ "$ref": format!("{at}{PREFIX}.{schema}") }));
        ok["description"] = "OK".into();
        let mut operation = json!({
            "description": description, "operationId": id, "tags": ["repositoriesStashAppscodeCom_v1alpha1"],
            "responses": { "200": ok },
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": kinds(KIND),
        });
        if !third {
            operation["produces"] = json!(["application/json"]);
            operation["schemes"] = json!(["https"]);
        }
        operation
    };
    let parameter = |name: &str| {
        let mut parameter =
            json!({ "name": name, "in": "path", "required": true, "description": format!("the {name}") });
        if third {
            parameter["schema"] = json!({ "type": "string" });
        } else {
            parameter["type"] = "string".into();
        }
        parameter
    };
    let list = format!("{KIND}List");
    json!({
        format!("{base}/{PLURAL}"): {
            "get": operation("list", "listSnapshotForAllNamespaces", "list the snapshots of all namespaces", &list),
        },
        format!("{base}/namespaces/{{namespace}}/{PLURAL}"): {
            "get": operation("list", "listNamespacedSnapshot", "list snapshots", &list),
            "parameters": [parameter("namespace")],
        },
        format!("{base}/namespaces/{{namespace}}/{PLURAL}/{{name}}"): {
            "get": operation("get", "readNamespacedSnapshot", "read a snapshot", KIND),
            "delete": operation("delete", "deleteNamespacedSnapshot", "forget a snapshot", KIND),
            "parameters": [parameter("name"), parameter("namespace")],
        },
    })
}
