//! Kubernetes' own types inside our kinds. Reads what the API server stores, which is what a user wrote: a quantity may be a
//! number there. Gives their schemas without descriptions, which are Kubernetes' to tell and would make a CRD larger than
//! `kubectl apply` can send.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json};

/// Fields whose values are quantities by name.
const MAPS_OF_QUANTITIES: [&str; 4] = ["limits", "requests", "capacity", "allocatedResources"];
/// Fields that are a quantity.
const QUANTITIES: [&str; 2] = ["sizeLimit", "divisor"];
/// Fields that name an object. Kubernetes takes them without a name too, though its description of itself does not say so.
const REFERENCES: [&str; 8] = [
    "secretRef",
    "configMapRef",
    "secretKeyRef",
    "configMapKeyRef",
    "nodePublishSecretRef",
    "configMap",
    "secret",
    "imagePullSecrets",
];
/// What Kubernetes takes for a quantity.
const PATTERN: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

/// Reads a Kubernetes type, quantities as numbers too.
pub(crate) fn read<'de, T: DeserializeOwned, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let mut value = Value::deserialize(from)?;
    quantities_as_text(&mut value);
    serde_json::from_value(value).map_err(serde::de::Error::custom)
}

fn quantities_as_text(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if QUANTITIES.contains(&name.as_str()) {
                    as_text(field);
                } else if let (true, Value::Object(quantities)) =
                    (MAPS_OF_QUANTITIES.contains(&name.as_str()), &mut *field)
                {
                    quantities.values_mut().for_each(as_text);
                } else {
                    quantities_as_text(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(quantities_as_text),
        _ => {}
    }
}

fn as_text(quantity: &mut Value) {
    if let Value::Number(number) = quantity {
        *quantity = Value::String(number.to_string());
    }
}

/// The schema of a Kubernetes type as the API server wants it.
pub(crate) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = generator.subschema_for::<T>().to_value();
    plain(&mut schema);
    Schema::try_from(schema).expect("a schema stays one without its descriptions")
}

/// The schema of references to objects, whose names may be absent.
pub(crate) fn references<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = schema::<T>(generator).to_value();
    without_needed_name(&mut schema);
    Schema::try_from(schema).expect("an object is a schema")
}

/// Bytes, in base64.
pub(crate) fn bytes(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "string", "format": "byte" })
}

/// A quantity: a number or text.
pub(crate) fn quantity(_: &mut SchemaGenerator) -> Schema {
    Schema::try_from(a_quantity()).expect("an object is a schema")
}

fn a_quantity() -> Value {
    json!({ "x-kubernetes-int-or-string": true, "pattern": PATTERN })
}

fn plain(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            // A property may have that name; a description is text.
            if fields.get("description").is_some_and(Value::is_string) {
                fields.remove("description");
            }
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                for (name, property) in properties.iter_mut() {
                    if QUANTITIES.contains(&name.as_str()) {
                        *property = a_quantity();
                    } else if REFERENCES.contains(&name.as_str()) {
                        without_needed_name(property);
                    } else if MAPS_OF_QUANTITIES.contains(&name.as_str())
                        && property.get("additionalProperties").is_some()
                    {
                        property["additionalProperties"] = a_quantity();
                    }
                }
            }
            fields.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

fn without_needed_name(schema: &mut Value) {
    let object = if schema["type"] == "array" { &mut schema["items"] } else { schema };
    let Some(fields) = object.as_object_mut() else { return };
    let Some(Value::Array(required)) = fields.get_mut("required") else { return };
    required.retain(|field| field != "name");
    if required.is_empty() {
        fields.remove("required");
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ResourceRequirements;

    use super::*;

    #[test]
    fn a_quantity_may_be_a_number() {
        let read: ResourceRequirements =
            read(json!({ "limits": { "cpu": 1, "memory": "1Gi" }, "requests": { "cpu": 0.5 } })).expect("resources");
        let written = serde_json::to_value(read).expect("JSON");
        assert_eq!(written, json!({ "limits": { "cpu": "1", "memory": "1Gi" }, "requests": { "cpu": "0.5" } }));
    }
}
