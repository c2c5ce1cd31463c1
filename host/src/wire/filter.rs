//! Filters and what they say when they are tried.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::ReasonClass;
use super::event::NewEvent;
use super::text::{Id, Name};
use crate::model::{Timestamp, filter};

/// A filter.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// Its id.
    pub id: String,
    /// The name it was uploaded under.
    pub name: String,
    /// Whether everybody may attach it: a bundled one, or one that an operator uploaded.
    pub shared: bool,
    /// SHA-256 of the uploaded bytes, in hex.
    pub digest: String,
    /// How many bytes were uploaded.
    pub size_bytes: u64,
    /// The version of the WIT interface it exports.
    #[schema(examples("0.1.0"))]
    pub wit_version: String,
    /// What it says of itself.
    pub about: FilterAbout,
    /// When it was uploaded.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// What a filter says of itself.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilterAbout {
    /// Its own name.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// What it lets through.
    pub description: String,
    /// The JSON Schema of its configuration, draft 2020-12: a configuration that does not meet it is refused. A
    /// filter that publishes none has null.
    #[schema(value_type = Value)]
    pub config_schema: Option<Box<RawValue>>,
}

impl From<filter::Filter> for Filter {
    fn from(filter: filter::Filter) -> Self {
        Self {
            id: filter.id.to_string(),
            name: filter.name,
            shared: filter.owner.is_none(),
            digest: filter.digest.to_string(),
            size_bytes: filter.size_bytes,
            wit_version: filter.wit_version,
            about: filter.about.into(),
            created_at: filter.created_at,
        }
    }
}

impl From<filter::About> for FilterAbout {
    fn from(about: filter::About) -> Self {
        Self {
            name: about.name,
            version: about.version,
            description: about.description,
            config_schema: about.config_schema.map(json_or_text),
        }
    }
}

fn json_or_text(text: String) -> Box<RawValue> {
    serde_json::from_str(&text)
        .unwrap_or_else(|_| serde_json::value::to_raw_value(&text).expect("a string can always be written as JSON"))
}

/// What an upload is to be known by.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// A name for people, 1 to 200 characters; the filter's own name if absent.
    #[param(value_type = Option<Name>, inline)]
    pub name: Option<String>,
}

/// An event to try a filter on: either `event` or `eventId`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evaluate {
    /// An event that need not have been posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Box<RawValue>>,
    /// An event that was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The filter's configuration, any JSON; null if it needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Box<RawValue>>,
}

// By hand, since the derive cannot say that of two members there is one.
impl PartialSchema for Evaluate {
    fn schema() -> RefOr<Schema> {
        let null = || ObjectBuilder::new().schema_type(Type::Null);
        let config = || {
            let any = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
            any.description(Some("The filter's configuration, any JSON; null if it needs none."))
        };
        let given = ObjectBuilder::new()
            .description(Some("With an event that need not have been posted."))
            .property("event", Ref::from_schema_name(NewEvent::name()))
            .required("event")
            .property("eventId", null());
        let stored = ObjectBuilder::new()
            .description(Some("With an event that was accepted."))
            .property("eventId", Ref::from_schema_name(Id::name()))
            .required("eventId")
            .property("event", null());
        let closed = |either: ObjectBuilder| {
            either.property("config", config()).additional_properties(Some(AdditionalProperties::FreeForm(false)))
        };
        OneOfBuilder::new()
            .description(Some("An event to try a filter on: either `event` or `eventId`."))
            .item(closed(given))
            .item(closed(stored))
            .into()
    }
}

impl ToSchema for Evaluate {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for (name, schema) in [(NewEvent::name(), NewEvent::schema()), (Id::name(), Id::schema())] {
            schemas.push((name.into_owned(), schema));
        }
        NewEvent::schemas(schemas);
    }
}

/// What a filter said: send the event (`deliver`), do not (`skip`), or it failed (`error`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationVerdict {
    /// Send the event.
    Deliver,
    /// Do not send it.
    Skip,
    /// The filter failed, so the webhook's `onError` would decide.
    Error,
}

/// What came of trying a filter. A filter imports nothing, so it has no log: the fields that it saw and
/// its reason are all there is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// What it said.
    pub verdict: EvaluationVerdict,
    /// Why it skipped or failed, for people.
    pub reason: Option<String>,
    /// How it failed, for `error`.
    pub reason_class: Option<ReasonClass>,
    /// The fields that it declared and what it saw there, in its order.
    pub fields: Vec<FieldSeen>,
    /// The fuel it used; the same event and configuration always use the same.
    pub fuel: u64,
    /// The wall-clock time it took, in microseconds.
    pub microseconds: u64,
}

/// What a filter saw at one of its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldSeen {
    /// The pointer that it declared: RFC 6901, with `*` for every element of an array.
    pub pointer: String,
    /// What it saw there.
    pub value: FieldValue,
}

/// A value as a filter sees it. The type is told beside it, since absent, null and `""` differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum FieldValue {
    /// The pointer leads nowhere.
    Absent,
    /// JSON `null`.
    Null,
    /// JSON `true` or `false`.
    Boolean(bool),
    /// A number whose value is whole and fits 64 bits, however it was spelled.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A JSON string.
    Text(String),
    /// The scalars that a pointer with `*` selects, in document order.
    Many(Vec<FieldScalar>),
    /// An array or object, as the JSON text that the filter gets.
    Json(String),
}

/// One of the scalars that a pointer with `*` selects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldScalar {
    /// JSON `null`.
    Null,
    /// JSON `true` or `false`.
    Boolean(bool),
    /// A number whose value is whole and fits 64 bits.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A JSON string.
    Text(String),
}

// By hand, since the derive would have a whole number fit two of its alternatives, of which one must fit.
impl PartialSchema for FieldScalar {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Null, Type::Boolean, Type::Number, Type::String]))
            .description(Some("One of the scalars that a pointer with `*` selects."))
            .into()
    }
}

impl ToSchema for FieldScalar {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_null_and_empty_text_differ() {
        let shown = |value: &FieldValue| serde_json::to_string(value).unwrap();

        assert_eq!(shown(&FieldValue::Absent), r#"{"type":"absent"}"#);
        assert_eq!(shown(&FieldValue::Null), r#"{"type":"null"}"#);
        assert_eq!(shown(&FieldValue::Text(String::new())), r#"{"type":"text","value":""}"#);
    }

    #[test]
    fn a_whole_number_is_described_as_one_kind_of_scalar_and_not_as_two() {
        let schema = serde_json::to_value(FieldScalar::schema()).unwrap();

        assert_eq!(schema["type"], serde_json::json!(["null", "boolean", "number", "string"]));
    }

    #[test]
    fn what_a_filter_saw_is_read_back_as_it_was() {
        let many = vec![FieldScalar::Null, FieldScalar::Integer(1), FieldScalar::Float(0.5)];
        for value in [FieldValue::Many(many), FieldValue::Float(1.5), FieldValue::Json("[1]".to_owned())] {
            let text = serde_json::to_string(&value).unwrap();

            assert_eq!(serde_json::from_str::<FieldValue>(&text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn a_schema_that_is_not_json_shows_as_a_string() {
        assert_eq!(json_or_text("{\"a\": 1}".to_owned()).get(), "{\"a\": 1}");
        assert_eq!(json_or_text("not JSON".to_owned()).get(), "\"not JSON\"");
    }
}
