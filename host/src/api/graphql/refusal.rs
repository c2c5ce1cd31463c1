//! Refusals as GraphQL shows them: the message and code of the API document where it has them, else the place
//! and the remedy.

use async_graphql::{Error, ErrorExtensionValues, ServerError};

use super::excess::Excess;
use crate::api::error::ApiError;
use crate::model::limits::GRAPHQL_ERROR_CHARS_MAX;
use crate::service::ServiceError;
use crate::wire::Problem;

/// Where the members of a use case's input come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// The field's own arguments.
    Arguments,
    /// The argument `input`.
    Input,
    /// The argument `input`, whose `eventTypes` say the event types.
    InputWithTypes,
}

impl Place {
    /// The argument `input`, with or without `eventTypes`.
    pub(super) fn of_input(has_event_types: bool) -> Self {
        if has_event_types { Self::InputWithTypes } else { Self::Input }
    }

    /// The path of what a JSON pointer into the use case's input points to, such as `input.events.0`.
    fn field(self, pointer: &str) -> String {
        let mut segments: Vec<String> =
            pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect();
        if let (Self::InputWithTypes, Some(first)) = (self, segments.first_mut())
            && first == "events"
        {
            "eventTypes".clone_into(first);
        }
        if !matches!(self, Self::Arguments) {
            segments.insert(0, "input".to_owned());
        }
        segments.join(".")
    }
}

/// What a use case refused. A refusal that has a name of its own, as those of the API document have, is told by
/// that name and its code alone; any other names the field.
pub(super) fn from_service(error: ServiceError, place: Place) -> Error {
    from_problem(ApiError::from(error).problem(), place)
}

/// A request that is none.
pub(super) fn from_api(refused: &ApiError) -> ServerError {
    let Error { message, extensions, .. } = from_problem(refused.problem(), Place::Arguments);
    ServerError { extensions, ..ServerError::new(message, None) }
}

fn from_problem(problem: &Problem, place: Place) -> Error {
    let Problem { code, detail, errors, status, .. } = problem;
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    let message = match errors.as_slice() {
        [violation] if violation.detail == *detail && !violation.pointer.is_empty() => {
            let field = place.field(&violation.pointer);
            let message = format!("{field}: {detail}");
            extensions.set("field", field);
            message
        }
        _ if *status == 404 => capitalised(detail),
        _ => detail.clone(),
    };
    Error { message, source: None, extensions: Some(extensions) }
}

/// What cannot be executed at all.
pub(super) fn from_excess(excess: &Excess) -> ServerError {
    coded(ServerError::new(excess.to_string(), None), excess.code())
}

/// An error with a code, where it has none yet, and with a message of bounded length.
pub(super) fn coded(mut error: ServerError, code: &str) -> ServerError {
    if let Some((end, _)) = error.message.char_indices().nth(GRAPHQL_ERROR_CHARS_MAX) {
        error.message.truncate(end);
        error.message.push('…');
    }
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
    error
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Noun, Violation};

    fn told(error: ServiceError, place: Place) -> (String, String) {
        let error = from_service(error, place);
        (error.message, serde_json::to_string(&error.extensions).unwrap())
    }

    #[test]
    fn the_refusals_of_the_api_document_are_told_as_it_has_them() {
        let violation = Violation { pointer: "/url".to_owned(), detail: "it has a blank".to_owned() };
        let url = ServiceError::BadInput { detail: "url is not valid".to_owned(), violations: vec![violation] };

        for (error, message, code) in [
            (url, "url is not valid", "BAD_USER_INPUT"),
            (ServiceError::Unauthorized("Unauthorized"), "Unauthorized", "UNAUTHORIZED"),
            (ServiceError::NotFound(Noun::Webhook), "Webhook not found", "WEBHOOK_NOT_FOUND"),
        ] {
            assert_eq!(told(error, Place::Input), (message.to_owned(), format!("{{\"code\":\"{code}\"}}")));
        }
    }

    #[test]
    fn another_refusal_names_the_field_by_its_path() {
        for (pointer, place, field) in [
            ("/events/0", Place::Input, "input.events.0"),
            ("/events/0", Place::InputWithTypes, "input.eventTypes.0"),
            ("/filter/config/a~1b~0", Place::InputWithTypes, "input.filter.config.a/b~"),
            ("/take", Place::Arguments, "take"),
        ] {
            let error = ServiceError::bad_field(pointer, "no".to_owned());
            let extensions = format!("{{\"code\":\"BAD_USER_INPUT\",\"field\":\"{field}\"}}");

            assert_eq!(told(error, place), (format!("{field}: no"), extensions));
        }
    }

    #[test]
    fn the_cause_of_our_own_fault_is_not_shown() {
        let (message, extensions) = told(ServiceError::Internal("the tea is cold".to_owned()), Place::Input);

        assert!(!message.contains("tea"));
        assert_eq!(extensions, r#"{"code":"INTERNAL"}"#);
    }
}
