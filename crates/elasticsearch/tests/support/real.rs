//! Real servers of `LARDER_TEST_ES`, for tests that fill them. Fails where there are none.

use std::collections::BTreeMap;

use elasticsearch::{
    Client, Connection, Request,
    load::{LoadOptions, Loader},
};
use serde_json::{Value, json, value::RawValue};

/// One real server.
pub struct Real {
    pub label: String,
    pub loader: Loader,
}

impl Real {
    pub async fn all() -> Vec<Self> {
        let list = std::env::var("LARDER_TEST_ES").expect("LARDER_TEST_ES names the servers to test with");
        let mut all = Vec::new();
        for server in list.split(',') {
            let (label, url) = server.split_once('=').expect("LARDER_TEST_ES is a list of label=url");
            let connection = Connection::new(vec![url.parse().expect("a URL")]);
            let client = Client::connect(connection).await.expect("the server answers");
            all.push(Self { label: label.into(), loader: Loader::new(client, LoadOptions::default()) });
        }
        all
    }

    pub async fn get(&self, segments: &[&str], query: &[(&str, &str)]) -> Value {
        let request = query.iter().fold(Request::get(segments), |request, (name, value)| request.query(name, value));
        self.loader.client().ask(request).await.unwrap_or_else(|e| panic!("{}: {e}", self.label))
    }

    pub async fn put(&self, segments: &[&str], body: Value) {
        let request = Request::put(segments).json(body.to_string());
        self.loader.client().send(request).await.unwrap_or_else(|e| panic!("{}: {e}", self.label));
    }

    pub async fn delete(&self, segments: &[&str]) {
        let _ = self.loader.client().send(Request::delete(segments)).await;
    }

    pub async fn raw(&self, segments: &[&str], query: &[(&str, &str)]) -> Vec<u8> {
        let request = query.iter().fold(Request::get(segments), |request, (name, value)| request.query(name, value));
        self.loader.client().send(request).await.unwrap_or_else(|e| panic!("{}: {e}", self.label)).body.to_vec()
    }

    /// Settings of the index, flat, without what belongs to the server.
    pub async fn settings(&self, index: &str) -> BTreeMap<String, Value> {
        let shown = self.get(&[index, "_settings"], &[("flat_settings", "true")]).await;
        let own = ["index.uuid", "index.creation_date", "index.provided_name", "index.version."];
        let settings = shown[index]["settings"].as_object().expect("settings").clone();
        settings.into_iter().filter(|(name, _)| !own.iter().any(|own| name.starts_with(own))).collect()
    }

    /// `settings` and `mappings` of the index, as they would be saved.
    pub async fn saved(&self, index: &str) -> (Box<RawValue>, Box<RawValue>) {
        let shown = self.get(&[index], &[]).await;
        (raw(&shown[index]["settings"]), raw(&shown[index]["mappings"]))
    }

    /// The body that creates an index with these mappings.
    pub fn body(&self, settings: &Value, mappings: &Value) -> Value {
        let types = self.loader.client().can().types;
        let mappings = if types { json!({ "_doc": mappings }) } else { mappings.clone() };
        json!({ "settings": settings, "mappings": mappings })
    }
}

/// A value as the raw JSON that the load takes.
pub fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("JSON")
}
