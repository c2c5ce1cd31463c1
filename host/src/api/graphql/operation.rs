//! The one operation of a document that is executed.

use std::collections::HashSet;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
    VariableDefinition,
};
use async_graphql::{Name, Variables};
use async_graphql_value::ConstValue;

use super::excess::Excess;

/// The names under which the top of the answer will have the fields, in the order in which they are written. The
/// document has passed [`weight::check`](super::weight::check): its fragments end.
///
/// # Errors
/// When a variable has no value that must have one, which the library notices after it has begun to change
/// things. When a mutation has two fields of one name: they would have to be merged, and the library makes both
/// changes.
pub(super) fn check(
    document: &ExecutableDocument,
    name: Option<&str>,
    variables: &Variables,
) -> Result<Vec<Name>, Excess> {
    let Some(operation) = chosen(document, name) else { return Ok(Vec::new()) };
    if let Some(missing) =
        operation.variable_definitions.iter().find(|definition| is_missing(&definition.node, variables))
    {
        return Err(Excess::MissingVariable(missing.node.name.node.to_string()));
    }
    let mut roots = Vec::new();
    collect(document, &operation.selection_set.node, &mut roots);
    let mut seen = HashSet::new();
    let twice = roots.iter().find(|root| !seen.insert((*root).clone()));
    match twice {
        Some(root) if operation.ty == OperationType::Mutation => Err(Excess::Twice(root.to_string())),
        _ => Ok(roots),
    }
}

/// Whether a variable must have a value and has none.
fn is_missing(definition: &VariableDefinition, variables: &Variables) -> bool {
    let is_given = match variables.get(&definition.name.node) {
        Some(value) => *value != ConstValue::Null,
        None => definition.default_value.is_some(),
    };
    !definition.var_type.node.nullable && !is_given
}

/// The operation that the library will execute; none if it will refuse.
fn chosen<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    let operation = match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) => operations.values().next(),
    };
    operation.map(|operation| &operation.node)
}

fn collect(document: &ExecutableDocument, set: &SelectionSet, roots: &mut Vec<Name>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => roots.push(field.node.response_key().node.clone()),
            Selection::InlineFragment(inline) => collect(document, &inline.node.selection_set.node, roots),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    collect(document, &fragment.node.selection_set.node, roots);
                }
            }
        }
    }
}
