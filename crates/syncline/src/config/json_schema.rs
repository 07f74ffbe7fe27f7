//! The JSON Schema of a configuration, for editors.

use serde_json::{Map, Value, json};
use syncline_core::limits;

use super::connection::ConnectionName;
use super::describe::{FILE, Kind, Table};

/// A schema that a file in force fulfils. What it cannot say, such as whether a url names a database, `validate` says.
pub fn json_schema() -> Value {
    let mut schema = table(&FILE);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        schema.insert("title".to_owned(), super::FILE_NAME.into());
    }
    schema
}

fn table(described: &Table) -> Value {
    let properties: Map<String, Value> =
        described.keys.iter().map(|key| (key.name.to_owned(), described_as(key.says, value(&key.kind)))).collect();
    let required: Vec<&str> = described.keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    json!({
        "type": "object",
        "description": described.says,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn value(kind: &Kind) -> Value {
    match kind {
        Kind::Version(number) => json!({ "type": "integer", "const": number }),
        Kind::Boolean { default } => json!({ "type": "boolean", "default": default }),
        Kind::Url => json!({ "type": "string", "minLength": 1, "maxLength": limits::CONNECTION_URL_BYTES_MAX }),
        Kind::Connections(described) => json!({
            "type": "object",
            "propertyNames": { "pattern": ConnectionName::PATTERN, "not": { "pattern": r"\.([dD][bB]|[sS][qQ][lL][iI][tT][eE]3?)$" } },
            "additionalProperties": table(described),
        }),
    }
}

fn described_as(says: &str, mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.insert("description".to_owned(), says.into());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_accepted_is_described_and_no_other() {
        let schema = json_schema();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["version"]));
        assert_eq!(schema["properties"]["version"]["const"], 1);
        let connection = &schema["properties"]["connections"]["additionalProperties"];
        let keys: Vec<&String> = connection["properties"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["protected", "url"]);
        assert_eq!((&connection["additionalProperties"], &connection["required"]), (&json!(false), &json!(["url"])));
        assert_eq!(connection["properties"]["protected"]["type"], "boolean");
    }
}
