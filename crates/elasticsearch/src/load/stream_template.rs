//! The index template that gives each backing index of a data stream what it had: made for one stream alone, above all other
//! templates, and taken away again. A data stream takes settings, mappings and aliases from nowhere else.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{
    Loader,
    error::{LoadError, Result},
    object::{Object, raw},
};
use crate::{data_streams::DataStream, error::Error, request::Request, server::Flavour};

/// Above all others: of the templates that match a stream the highest counts, and no other adds to it.
const ABOVE_ALL: u64 = 1 << 62;

/// Below all others: in effect where there is no other.
const BELOW_ALL: u64 = 0;

/// What a backing index is made of, each a JSON object.
#[derive(Debug, Clone)]
pub(super) struct Template {
    pub(super) settings: Box<RawValue>,
    pub(super) mappings: Box<RawValue>,
    pub(super) aliases: Option<Box<RawValue>>,
}

/// Where a template stands among those that match a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// Above all others.
    First,
    /// Below all others, to stay there for good.
    Last,
}

impl Loader {
    /// Puts the template, in the place of the one before.
    pub(super) async fn put_stream_template(
        &self,
        stream: &DataStream,
        rank: Rank,
        template: &Template,
    ) -> Result<(), Error> {
        let body = |priority| body(self.client().server().flavour, stream, priority, template);
        if rank == Rank::First {
            return self.put_template(stream, body(ABOVE_ALL)).await;
        }
        match self.put_template(stream, body(BELOW_ALL)).await {
            // Another one has the same place, and is none for data streams.
            Err(Error::Refused { status: 400, reason, .. }) if reason.contains("same priority") => {
                self.put_template(stream, body(ABOVE_ALL)).await
            }
            put => put,
        }
    }

    /// Takes the template of the stream away, if there is one. Gives false where the server has no other for the stream, and
    /// so does not let it go.
    ///
    /// # Errors
    /// [`LoadError::Server`].
    pub async fn remove_stream_template(&self, stream: &str) -> Result<bool> {
        let doing = || LoadError::doing(format!("deleting index template {}", stream_template(stream)));
        // OpenSearch, and Elasticsearch at first, delete no template that matches a stream, though another one may match it
        // too. So this one is made to match nothing before.
        let matching_nothing = Object::from_iter([
            ("index_patterns".to_owned(), raw(&[format!(".{}", stream_template(stream))])),
            ("priority".to_owned(), raw(&ABOVE_ALL)),
        ]);
        let path = ["_index_template", &stream_template(stream)];
        match self.ask_json(Request::put(&path), &matching_nothing).await {
            Err(Error::Refused { status: 400, reason, .. }) if reason.contains("no longer match") => return Ok(false),
            put => put.map_err(doing())?,
        }
        match self.client().ask::<IgnoredAny>(Request::delete(&path)).await {
            Err(Error::Refused { status: 404, .. }) | Ok(_) => Ok(true),
            Err(error) => Err(doing()(error)),
        }
    }

    async fn put_template(&self, stream: &DataStream, body: Object) -> Result<(), Error> {
        self.ask_json(Request::put(&["_index_template", &stream_template(&stream.name)]), &body).await
    }

    async fn ask_json(&self, request: Request, body: &Object) -> Result<(), Error> {
        self.client().ask::<IgnoredAny>(request.json(body.to_raw().get().to_owned())).await.map(drop)
    }
}

/// The name of the template that a data stream is restored with.
pub fn stream_template(stream: &str) -> String {
    format!("larder-restore-{stream}")
}

fn body(flavour: Flavour, stream: &DataStream, priority: u64, template: &Template) -> Object {
    let Template { settings, mappings, aliases } = template;
    let mut inner =
        Object::from_iter([("settings".to_owned(), settings.clone()), ("mappings".to_owned(), mappings.clone())]);
    if let Some(aliases) = aliases {
        inner.set("aliases", aliases.clone());
    }
    // So marked, a backup passes over it: it is nobody's own.
    let meta = Object::from_iter([
        ("description".to_owned(), raw("made by larder to restore a data stream")),
        ("managed".to_owned(), raw(&true)),
    ]);
    Object::from_iter([
        ("index_patterns".to_owned(), raw(&[&stream.name])),
        ("priority".to_owned(), raw(&priority)),
        ("data_stream".to_owned(), raw(&of_streams(flavour, stream))),
        ("_meta".to_owned(), raw(&meta)),
        ("template".to_owned(), raw(&inner)),
    ])
}

/// The member that makes a template one for data streams. Elasticsearch knows one timestamp field only, and so no name of it.
fn of_streams(flavour: Flavour, stream: &DataStream) -> Object {
    let mut member = Object::default();
    match flavour {
        Flavour::OpenSearch => {
            let field = Object::from_iter([("name".to_owned(), raw(&stream.timestamp_field))]);
            member.set("timestamp_field", raw(&field));
        }
        Flavour::Elasticsearch => {
            for (name, set) in [("hidden", stream.hidden), ("allow_custom_routing", stream.allow_custom_routing)] {
                if set {
                    member.set(name, raw(&true));
                }
            }
        }
    }
    member
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_for_one_stream_and_says_what_its_indices_are_made_of() {
        let stream = DataStream {
            name: "s".into(),
            timestamp_field: "ts".into(),
            generation: 1,
            indices: vec![".ds-s-000001".into()],
            hidden: true,
            allow_custom_routing: false,
            beyond: Vec::new(),
            system: false,
        };
        let json = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
        let template = Template { settings: json("{}"), mappings: json(r#"{"a":1.0}"#), aliases: Some(json("{}")) };
        let text = |flavour| body(flavour, &stream, BELOW_ALL, &template).to_raw().get().to_owned();
        let meta = r#""_meta":{"description":"made by larder to restore a data stream","managed":true}"#;
        let expected = |of_streams: &str| {
            format!(
                r#"{{"index_patterns":["s"],"priority":0,"data_stream":{of_streams},{meta},"template":{{"settings":{{}},"mappings":{{"a":1.0}},"aliases":{{}}}}}}"#
            )
        };
        assert_eq!(text(Flavour::OpenSearch), expected(r#"{"timestamp_field":{"name":"ts"}}"#));
        assert_eq!(text(Flavour::Elasticsearch), expected(r#"{"hidden":true}"#));
    }
}
