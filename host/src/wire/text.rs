//! Texts with bounds, as the OpenAPI document describes them.
//!
//! They are names for schemas and hold nothing: the shapes of this module keep what was sent as a
//! `String`, which the use cases check. A bound is written here once for all the places that have it, so
//! that a client's generator, or a fuzzer, knows what will be refused before it asks.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::model::limits::{
    EVENT_TYPE_CHARS_MAX, HEADER_NAME_CHARS_MAX, ID_CHARS_MAX, NAME_CHARS_MAX, SECRET_BYTES_MAX, URL_CHARS_MAX,
    WEBHOOK_HEADER_VALUE_BYTES_MAX, WEBHOOK_HEADERS_MAX,
};

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $description:literal, $build:expr) => {
        $(#[$doc])*
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let build: fn(ObjectBuilder) -> ObjectBuilder = $build;
                build(ObjectBuilder::new().schema_type(Type::String).description(Some($description))).into()
            }
        }

        impl ToSchema for $name {}
    };
}

text!(
    /// An identifier, chosen by whoever makes the thing.
    Id,
    "An identifier: 1 to 128 characters of `A-Z a-z 0-9 . _ : -`.",
    |text| text.min_length(Some(1)).max_length(Some(ID_CHARS_MAX)).pattern(Some("^[A-Za-z0-9._:-]+$"))
);
text!(
    /// The name of an event type.
    EventTypeName,
    "The name of an event type: 1 to 64 of `A-Z 0-9 _`, beginning with a letter. `GET /v1/event-types` lists those \
     that there are.",
    |text| {
        let format = SchemaFormat::Custom("event-type".to_owned());
        text.max_length(Some(EVENT_TYPE_CHARS_MAX)).pattern(Some("^[A-Z][A-Z0-9_]*$")).format(Some(format))
    }
);
text!(
    /// A name for people.
    Name,
    "A name for people: 1 to 200 characters, no control characters.",
    |text| text.min_length(Some(1)).max_length(Some(NAME_CHARS_MAX)).pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]+$"))
);
text!(
    /// Where deliveries go.
    WebhookUrl,
    "A public http or https URL, at most 2048 characters.",
    |text| {
        let format = SchemaFormat::Custom("uri".to_owned());
        text.max_length(Some(URL_CHARS_MAX)).format(Some(format)).examples(["https://example.com/hook"])
    }
);
text!(
    /// The secret that signs deliveries.
    SigningSecret,
    "1 to 256 bytes. What begins with `whsec_` goes on with a key in base64, as Standard Webhooks has it.",
    |text| {
        let format = SchemaFormat::Custom("signing-secret".to_owned());
        text.min_length(Some(1)).max_length(Some(SECRET_BYTES_MAX)).format(Some(format))
    }
);
text!(
    /// Where a page begins.
    Cursor,
    "The `nextCursor` of the previous page, as it is.",
    |text| text.pattern(Some("^[0-9]{1,18}$"))
);

/// Headers to add to each delivery, by name.
pub struct AddedHeaders;

impl PartialSchema for AddedHeaders {
    fn schema() -> RefOr<Schema> {
        let description = "Headers to add to each delivery, by name: at most 16, each value at most 1024 printable ASCII characters. \
             Those that Hooksieve or HTTP itself sets are refused, and so is a name that is given twice.";
        headers(description, Type::String)
    }
}

impl ToSchema for AddedHeaders {}

/// Headers of a change, by name.
pub struct ChangedHeaders;

impl PartialSchema for ChangedHeaders {
    fn schema() -> RefOr<Schema> {
        let description = "As `AddedHeaders`; null keeps the value of a header that is there.";
        headers(description, SchemaType::from_iter([Type::String, Type::Null]))
    }
}

impl ToSchema for ChangedHeaders {}

fn headers(description: &str, value: impl Into<SchemaType>) -> RefOr<Schema> {
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(HEADER_NAME_CHARS_MAX))
        .pattern(Some("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"))
        .format(Some(SchemaFormat::Custom("header-name".to_owned())));
    let value = ObjectBuilder::new()
        .schema_type(value)
        .max_length(Some(WEBHOOK_HEADER_VALUE_BYTES_MAX))
        .pattern(Some("^[ -~]*$"));
    ObjectBuilder::new()
        .description(Some(description))
        .max_properties(Some(WEBHOOK_HEADERS_MAX))
        .property_names(Some(name))
        .additional_properties(Some(value))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_that_descriptions_name_are_those_of_the_limits() {
        let described = [
            (Id::schema(), ID_CHARS_MAX),
            (EventTypeName::schema(), EVENT_TYPE_CHARS_MAX),
            (Name::schema(), NAME_CHARS_MAX),
            (WebhookUrl::schema(), URL_CHARS_MAX),
            (SigningSecret::schema(), SECRET_BYTES_MAX),
            (AddedHeaders::schema(), WEBHOOK_HEADER_VALUE_BYTES_MAX),
            (AddedHeaders::schema(), WEBHOOK_HEADERS_MAX),
        ];

        for (schema, bound) in described {
            let schema = serde_json::to_value(&schema).unwrap();
            let description = schema["description"].as_str().unwrap();
            assert!(description.contains(&bound.to_string()), "{bound}: {description}");
        }
    }
}
