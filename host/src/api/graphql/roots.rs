//! The fields at the top of an operation, in the order in which they are written.

use std::collections::HashSet;

use async_graphql::Name;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};

use super::excess::Excess;

/// The names under which the top of the answer will have them. The document has passed
/// [`weight::check`](super::weight::check): its fragments end.
///
/// # Errors
/// When a mutation has two fields of one name. They would have to be merged; the library makes both changes.
pub(super) fn of(document: &ExecutableDocument, operation: Option<&str>) -> Result<Vec<Name>, Excess> {
    let Some(operation) = chosen(document, operation) else { return Ok(Vec::new()) };
    let mut roots = Vec::new();
    collect(document, &operation.selection_set.node, &mut roots);
    let mut seen = HashSet::new();
    let twice = roots.iter().find(|root| !seen.insert((*root).clone()));
    match twice {
        Some(root) if operation.ty == OperationType::Mutation => Err(Excess::Twice(root.to_string())),
        _ => Ok(roots),
    }
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
