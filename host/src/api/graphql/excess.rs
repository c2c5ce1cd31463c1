//! Why a request is refused before anything of it is done.

use crate::model::limits::{
    GRAPHQL_ALIASES_MAX, GRAPHQL_COMPLEXITY_MAX, GRAPHQL_DEFINITIONS_MAX, GRAPHQL_DEPTH_MAX, GRAPHQL_DIRECTIVES_MAX,
    GRAPHQL_INTROSPECTION_DEPTH_MAX, GRAPHQL_NESTING_MAX, GRAPHQL_PAGE_ITEMS_DEFAULT, GRAPHQL_QUERY_BYTES_MAX,
    GRAPHQL_TOKENS_MAX, GRAPHQL_VARIABLE_BYTES_MAX, GRAPHQL_VARIABLES_MAX,
};

/// What is too much about a document, or could not be bounded if it were taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Excess {
    /// Its bytes.
    #[error("query: it has more than {GRAPHQL_QUERY_BYTES_MAX} bytes; send values as variables, or fewer fields")]
    Bytes,
    /// Its tokens.
    #[error("query: it has more than {GRAPHQL_TOKENS_MAX} tokens; send values as variables, or fewer fields")]
    Tokens,
    /// Brackets inside each other.
    #[error("query: more than {GRAPHQL_NESTING_MAX} brackets lie inside each other; send nested values as variables")]
    Nesting,
    /// Its directives.
    #[error("query: it has more than {GRAPHQL_DIRECTIVES_MAX} directives; leave fields out instead of skipping them")]
    Directives,
    /// A string without an end.
    #[error(
        "query: a string does not end; close it with the quotes it begins with, on the same line unless with three"
    )]
    OpenString,
    /// A whole number beyond what a double holds.
    #[error("query: a whole number is beyond 2^53 and would be rounded; send it as a string")]
    Integer,
    /// Its operations and fragments.
    #[error(
        "query: it has more than {GRAPHQL_DEFINITIONS_MAX} operations and fragments; send only what this request uses"
    )]
    Definitions,
    /// The variables of one operation.
    #[error("query: an operation has more than {GRAPHQL_VARIABLES_MAX} variables; put values into one input object")]
    Variables,
    /// Its aliases.
    #[error("query: it has more than {GRAPHQL_ALIASES_MAX} aliases; send several requests")]
    Aliases,
    /// The variables' values, once for every use.
    #[error(
        "variables: as often as they are used, they have more than {GRAPHQL_VARIABLE_BYTES_MAX} bytes; use large ones once"
    )]
    VariableBytes,
    /// A fragment that contains itself.
    #[error("query: the fragment {0} contains itself; take it out of its own fields")]
    Cycle(String),
    /// Fields inside fields.
    #[error("query: fields lie inside each other {0} deep, at most {GRAPHQL_DEPTH_MAX} may; ask for less depth")]
    Depth(usize),
    /// Fields of the schema's description inside each other.
    #[error(
        "query: __schema or __type is asked {0} deep, at most {GRAPHQL_INTROSPECTION_DEPTH_MAX} may be; ask for fewer ofType"
    )]
    IntrospectionDepth(usize),
    /// Lists of the schema's description inside each other.
    #[error(
        "query: types are listed inside types of __schema or __type; list them once, and look the others up by name"
    )]
    IntrospectionLists,
    /// The fields of all its answer.
    #[error(
        "query: it costs {0}, at most {GRAPHQL_COMPLEXITY_MAX} may be asked for; a field costs 1, in a list of webhooks 1 for \
         every {GRAPHQL_PAGE_ITEMS_DEFAULT} of `take`: ask for fewer fields or a smaller `take`"
    )]
    Complexity(u64),
    /// A variable without the value that it must have.
    #[error("variables.{0}: the operation needs a value for it; send one")]
    MissingVariable(String),
    /// A mutation that has one answer for two changes.
    #[error("query: the mutation asks for {0} twice; give each its own alias, or ask once for all fields")]
    Twice(String),
}

impl Excess {
    /// The `code` that clients see. What breaks a bound has one code; the rest has those of GraphQL servers.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::OpenString => "GRAPHQL_PARSE_FAILED",
            Self::MissingVariable(_) => "BAD_USER_INPUT",
            Self::Integer | Self::Cycle(_) | Self::Twice(_) => "GRAPHQL_VALIDATION_FAILED",
            _ => "QUERY_TOO_COMPLEX",
        }
    }
}
