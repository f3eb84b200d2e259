//! The body with which an index for a set is made: settings, and a mapping that refuses fields it does not know.

use crate::Set;

const HTTP_LOGS: &str = r#"{"dynamic":"strict","properties":{"@timestamp":DATE,"clientip":{"type":"ip"},"method":KEYWORD,"path":KEYWORD,
"request":TEXT,"status":{"type":"short"},"size":{"type":"integer"},"took_ms":{"type":"float"},"referrer":KEYWORD,
"user_agent":{"properties":{"original":TEXT,"name":KEYWORD,"version":KEYWORD,"os":KEYWORD}},
"geo":{"properties":{"country_iso":KEYWORD,"country":KEYWORD,"city":KEYWORD,"location":{"type":"geo_point"}}},
"host":{"properties":{"name":KEYWORD,"pod":KEYWORD}},"trace_id":KEYWORD,"tls":{"type":"boolean"},"tags":KEYWORD,"bytes_total":{"type":"long"}}}"#;

const PRODUCTS: &str = r#"{"dynamic":"strict","properties":{"product_id":{"type":"long"},"sku":KEYWORD,"name":TEXT,
"description":{"type":"text"},"categories":KEYWORD,"alternatenames":TEXT,
"price":{"properties":{"amount":{"type":"scaled_float","scaling_factor":100},"currency":KEYWORD,"history":{"type":"double"}}},
"rating":{"type":"double"},"score":{"type":"half_float"},"in_stock":{"type":"boolean"},"population":{"type":"long"},
"location":{"type":"geo_point"},"attributes":{"properties":{"color":KEYWORD,"weight_g":{"type":"integer"},
"dims":{"properties":{"w":{"type":"float"},"h":{"type":"float"},"d":{"type":"integer"}}},"eco":KEYWORD}},
"stock":{"type":"nested","properties":{"warehouse":KEYWORD,"qty":{"type":"integer"}}},
"reviews":{"type":"nested","properties":{"user":KEYWORD,"stars":{"type":"byte"},"at":DATE,"text":{"type":"text"}}},
"created":DATE,"updated":DATE,"discontinued":{"type":"date"}}}"#;

const SHORTHANDS: [(&str, &str); 3] = [
    ("KEYWORD", r#"{"type":"keyword"}"#),
    ("TEXT", r#"{"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":256}}}"#),
    ("DATE", r#"{"type":"date","format":"strict_date_optional_time||epoch_millis"}"#),
];

/// What an index looks like apart from its fields.
#[derive(Clone, Copy, Debug)]
pub struct IndexShape<'a> {
    /// Number of primary shards.
    pub shards: u32,
    /// Number of replicas.
    pub replicas: u32,
    /// `refresh_interval`, such as `1s` or `-1`.
    pub refresh: &'a str,
    /// The document type, where the server still has them (Elasticsearch before 7).
    pub document_type: Option<&'a str>,
}

impl IndexShape<'_> {
    /// The body of `PUT /index`.
    pub fn body(&self, set: Set) -> String {
        let mut mapping = match set {
            Set::HttpLogs => HTTP_LOGS.replace('\n', ""),
            Set::Products => PRODUCTS.replace('\n', ""),
        };
        for (short, long) in SHORTHANDS {
            mapping = mapping.replace(short, long);
        }
        if let Some(name) = self.document_type {
            mapping = format!("{{\"{name}\":{mapping}}}");
        }
        let Self { shards, replicas, refresh, document_type: _ } = self;
        format!(
            "{{\"settings\":{{\"index\":{{\"number_of_shards\":{shards},\"number_of_replicas\":{replicas},\
             \"refresh_interval\":\"{refresh}\"}}}},\"mappings\":{mapping}}}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_mapping_has_a_type() {
        let shape = IndexShape { shards: 4, replicas: 0, refresh: "-1", document_type: None };
        for set in [Set::HttpLogs, Set::Products] {
            let body = shape.body(set);
            assert!(!SHORTHANDS.iter().any(|(short, _)| body.contains(short)), "{body}");
            assert_eq!(body.matches('{').count(), body.matches('}').count());
            assert!(body.contains("\"number_of_shards\":4"));
        }
    }
}
