//! From a body to what became of it.

use std::sync::Arc;

use async_graphql::parser::{self, parse_query};
use async_graphql::{Name, PathSegment, Request, Response, ServerError, Value, Variables};
use serde::Deserialize;

use super::budget::Budget;
use super::{operation, refusal, tokens, weight};
use crate::api::ApiState;
use crate::api::error::ApiError;
use crate::api::extract::from_json;
use crate::model::limits::{GRAPHQL_ANSWER_BYTES_MAX, GRAPHQL_ERRORS_MAX};
use crate::model::token::Caller;
use crate::service::canonical_json;

/// What became of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is none: no token, no JSON, no object, or the host cannot answer.
    Refused(ApiError),
    /// Its document cannot be executed; nothing was done.
    Invalid(Vec<ServerError>),
    /// It was executed; fields may have failed.
    Executed(Value, Vec<ServerError>),
}

/// The body. Members beside these are left alone, as GraphQL over HTTP asks: clients say who they are there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    query: String,
    #[serde(default)]
    variables: Variables,
    operation_name: Option<String>,
}

/// Reads and executes one request.
///
/// # Errors
/// When the body has no request.
pub(super) async fn run(state: &ApiState, caller: Caller, body: &[u8]) -> Result<Outcome, ApiError> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(ApiError::bad_field("", "the body is a batch, which is not taken; send one request for each"));
    }
    let Posted { query, variables, operation_name } = from_json(canonical_json(body)?.as_bytes())?;
    let operation_name = operation_name.filter(|name| !name.is_empty());
    let (request, roots) = match prepare(&query, variables, operation_name) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(Outcome::Invalid(vec![error])),
    };
    let budget = Budget::default();
    let request = request.data(caller).data(Arc::clone(&state.service)).data(budget.clone());
    let response = state.graphql.execute(request).await;
    Ok(judge(response, &roots, &budget))
}

/// Parses and weighs the document.
fn prepare(
    query: &str,
    variables: Variables,
    operation_name: Option<String>,
) -> Result<(Request, Vec<Name>), ServerError> {
    let excess = |excess| refusal::from_excess(&excess);
    tokens::check(query).map_err(excess)?;
    let document = parse_query(query).map_err(unreadable)?;
    weight::check(&document, &variables).map_err(excess)?;
    let roots = operation::check(&document, operation_name.as_deref(), &variables).map_err(excess)?;
    let mut request = Request::new("").variables(variables);
    request.operation_name = operation_name;
    request.set_parsed_query(document);
    Ok((request, roots))
}

/// The parser draws a picture of the line; its last line says what is wrong.
fn unreadable(error: parser::Error) -> ServerError {
    let error = ServerError::from(error);
    let said = error.message.lines().last().unwrap_or_default().trim();
    let message = format!("query: it cannot be read: {}", said.strip_prefix("= ").unwrap_or(said));
    refusal::coded(ServerError { message, ..error }, "GRAPHQL_PARSE_FAILED")
}

/// What the library made of it, as the GraphQL specification has it.
fn judge(response: Response, roots: &[Name], budget: &Budget) -> Outcome {
    let Response { data, mut errors, .. } = response;
    // No field at the top may be null, so one that failed takes the others with it.
    let has_failed = errors.iter().any(|error| matches!(error.path.as_slice(), [PathSegment::Field(_)]));
    errors.truncate(GRAPHQL_ERRORS_MAX);
    let was_executed = errors.is_empty() || errors.iter().any(|error| !error.path.is_empty());
    if !was_executed {
        let code = "GRAPHQL_VALIDATION_FAILED";
        return Outcome::Invalid(errors.into_iter().map(|error| refusal::coded(error, code)).collect());
    }
    if budget.is_used_up() {
        let message = format!(
            "the answer would have more than {GRAPHQL_ANSWER_BYTES_MAX} bytes; ask for fewer webhooks at a time, or for \
             fewer of their lists"
        );
        let error = refusal::coded(ServerError::new(message, None), "ANSWER_TOO_LARGE");
        return Outcome::Executed(Value::Null, vec![error]);
    }
    let data = if has_failed { Value::Null } else { in_order(data, roots) };
    Outcome::Executed(data, errors.into_iter().map(|error| refusal::coded(error, "BAD_USER_INPUT")).collect())
}

/// The library has the fields of a query in the order in which they were done.
fn in_order(data: Value, roots: &[Name]) -> Value {
    let Value::Object(mut fields) = data else { return data };
    let place = |name: &Name| roots.iter().position(|root| root == name);
    fields.sort_by_cached_key(|name, _| place(name));
    Value::Object(fields)
}
