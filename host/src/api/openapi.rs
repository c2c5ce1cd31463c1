//! The OpenAPI document: what the routes do not say themselves, and its text.

use std::collections::BTreeMap;

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi as _, PartialSchema, ToSchema};

use super::auth::{TOKEN_ID_HEADER, TOKEN_SECRET_HEADER};
use crate::wire;

/// The document without its paths.
pub(super) fn base() -> OpenApi {
    Document::openapi()
}

/// The document as it is served and committed.
pub(super) fn to_text(document: &OpenApi) -> String {
    let mut text = document.to_pretty_json().expect("the document is maps and text only");
    text.push('\n');
    text
}

const DESCRIPTION: &str = "A webhook sender whose users bring their own filter code. Two roles: an operator posts \
    events and manages users, projects, members and tokens; a user manages their own webhooks and filters. Someone \
    else's id answers exactly as a missing one. Every refusal is an `application/problem+json` (RFC 9457) with a \
    stable `code`.";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Hooksieve",
        description = DESCRIPTION
    ),
    servers((url = "/", description = "The host that serves this document.")),
    components(schemas(wire::Problem)),
    modifiers(&Security, &Problems),
    security(("bearer" = []), ("tokenId" = [], "tokenSecret" = [])),
    tags(
        (name = "events", description = "What happened, and the catalogue of what can happen"),
        (name = "webhooks", description = "Where events go"),
        (name = "hooks", description = "Webhooks as automation services such as Zapier subscribe to them"),
        (name = "deliveries", description = "What was sent, and what came back"),
        (name = "replays", description = "Jobs that send again what was not delivered, or was"),
        (name = "verdicts", description = "Why a webhook did or did not get an event"),
        (name = "filters", description = "User code that decides which events a webhook gets"),
        (name = "people", description = "Users, projects, members and tokens: the operator's part"),
        (name = "health", description = "Whether the host runs and can accept events"),
    )
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut OpenApi) {
        let header = |name: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("hs_<tokenId>_<secret>")
            .description(Some("The whole token."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("tokenId", header(TOKEN_ID_HEADER));
        components.add_security_scheme("tokenSecret", header(TOKEN_SECRET_HEADER));
    }
}

/// Every refusal: its name in the document, its status and what it means.
const PROBLEMS: [(&str, &str, &str); 14] = [
    ("BadInput", "400", "The body or a parameter cannot be taken; `errors` says which member and why."),
    ("Unauthenticated", "401", "There is no valid token."),
    ("Unauthorized", "403", "The token does not allow this."),
    ("NotFound", "404", "There is no such thing, or it is someone else's."),
    ("BodyTimeout", "408", "The body did not come in in time."),
    ("Conflict", "409", "It contradicts what is there."),
    ("TooLarge", "413", "The body is too large."),
    ("UriTooLong", "414", "Path and query are too long."),
    ("WrongType", "415", "The body has another type than this call takes."),
    ("RateLimited", "429", "This token, or this address without a valid one, has made too many requests."),
    ("HeadersTooLarge", "431", "The request's headers are too many or too long."),
    ("Internal", "500", "The host made a mistake."),
    ("Unavailable", "503", "The host is busy (`BUSY`; try again), or its storage fails (`STORAGE_UNAVAILABLE`)."),
    ("StorageFull", "507", "The host's disk is full, so nothing can be changed."),
];

/// What a refusal says in a header: its status, the header, the header's type and what it means.
const PROBLEM_HEADERS: [(&str, &str, Type, &str); 3] = [
    ("401", "WWW-Authenticate", Type::String, "The scheme to authenticate with."),
    ("429", "Retry-After", Type::Integer, "Seconds after which the next request is answered."),
    ("503", "Retry-After", Type::Integer, "Seconds after which trying again can help."),
];

/// The refusals of a call that takes no body.
pub(super) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&["400", "401", "403", "404", "414", "429", "431", "500", "503", "507"])
    }
}

/// The refusals of a call that takes a body.
pub(super) struct WriteRefusals;

impl IntoResponses for WriteRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&["400", "401", "403", "404", "408", "409", "413", "414", "415", "429", "431", "500", "503", "507"])
    }
}

/// The refusal of what contradicts what is there: to delete what is in use or needed, to send what is on its way.
pub(super) struct InUse;

impl IntoResponses for InUse {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&["409"])
    }
}

/// The refusals of a host that is not ready.
pub(super) struct NotReady;

impl IntoResponses for NotReady {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&["500", "503", "507"])
    }
}

fn problems(statuses: &[&str]) -> BTreeMap<String, RefOr<Response>> {
    let listed = PROBLEMS.iter().filter(|(_, status, _)| statuses.contains(status));
    listed.map(|(name, status, _)| ((*status).to_owned(), Ref::from_response_name(*name).into())).collect()
}

struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, status, description) in PROBLEMS {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            let mut response =
                ResponseBuilder::new().description(description).content("application/problem+json", content);
            for (_, header, schema_type, description) in PROBLEM_HEADERS.iter().filter(|row| row.0 == status) {
                let schema = ObjectBuilder::new().schema_type(schema_type.clone());
                let header_of = HeaderBuilder::new().schema(Some(schema)).description(Some(*description)).build();
                response = response.header(*header, header_of);
            }
            components.responses.insert(name.to_owned(), response.build().into());
        }
    }
}

/// The bytes of a filter.
pub(super) struct Wasm;

impl PartialSchema for Wasm {
    fn schema() -> RefOr<Schema> {
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(binary)).into()
    }
}

impl ToSchema for Wasm {}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::routes;
    use super::*;

    fn operations(document: &Value) -> Vec<&Value> {
        let paths = document["paths"].as_object().unwrap().values();
        paths.flat_map(|methods| methods.as_object().unwrap().values()).collect()
    }

    #[test]
    fn the_committed_document_is_the_one_that_the_routes_make() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let made = to_text(&routes().into_openapi());

        if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
            std::fs::write(path, &made).unwrap();
        }

        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == made,
            "host/openapi.json is not what the routes make; look at the change after \
             `UPDATE_SNAPSHOTS=1 cargo test -p hooksieve openapi`"
        );
    }

    #[test]
    fn every_operation_is_documented_with_its_refusals() {
        let text = to_text(&routes().into_openapi());
        let document: Value = serde_json::from_str(&text).unwrap();

        let operations = operations(&document);

        assert_eq!(document["openapi"], "3.1.0");
        assert!(operations.len() > 20, "{}", operations.len());
        for operation in operations {
            let id = operation["operationId"].as_str().unwrap();
            assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{id}");
            let responses = operation["responses"].as_object().unwrap().values();
            let refusals: Vec<&str> = responses.filter_map(|response| response["$ref"].as_str()).collect();
            assert!(!refusals.is_empty() || id == "get_health", "{id}");
            for refusal in refusals {
                let response = document.pointer(refusal.trim_start_matches('#')).unwrap();
                assert!(response["content"]["application/problem+json"].is_object(), "{refusal}");
            }
        }
    }

    #[test]
    fn enums_are_documented_by_the_names_that_json_has() {
        let text = to_text(&routes().into_openapi());
        let document: Value = serde_json::from_str(&text).unwrap();
        let names = |schema: &str| document["components"]["schemas"][schema]["enum"].clone();

        assert_eq!(names("DeliveryState"), serde_json::json!(["pending", "delivered", "failed", "canceled"]));
        assert_eq!(names("WebhookStatus"), serde_json::json!(["HEALTHY", "UNHEALTHY"]));
        assert_eq!(names("FilterStatus"), serde_json::json!(["OK", "FAILING"]));
    }

    #[test]
    fn operation_ids_are_unique() {
        let text = to_text(&routes().into_openapi());
        let document: Value = serde_json::from_str(&text).unwrap();

        let mut ids: Vec<&str> =
            operations(&document).iter().map(|operation| operation["operationId"].as_str().unwrap()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();

        assert_eq!(ids.len(), count);
    }
}
