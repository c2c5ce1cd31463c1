//! What a parsed document would cost, before the library looks at it.
//!
//! The library's own checks follow fragments wherever they are spread, so a few fragments that spread each
//! other twice keep it busy for hours. Here every fragment is weighed once for an operation, and the sums
//! saturate.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Variables};
use async_graphql_value::{ConstValue, Value};

use super::excess::Excess;
use crate::model::limits::{
    GRAPHQL_ALIASES_MAX, GRAPHQL_COMPLEXITY_MAX, GRAPHQL_DEFINITIONS_MAX, GRAPHQL_DEPTH_MAX,
    GRAPHQL_INTROSPECTION_DEPTH_MAX, GRAPHQL_PAGE_ITEMS_DEFAULT, GRAPHQL_VARIABLE_BYTES_MAX, GRAPHQL_VARIABLES_MAX,
};

/// The fields of the schema's description that list types, or what leads to types again.
const TYPE_LISTS: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];
/// What a value costs besides its text.
const VALUE_BYTES: u64 = 16;

type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// Refuses a document of which any operation would cost too much.
///
/// # Errors
/// The first [`Excess`] that is found.
pub(super) fn check(document: &ExecutableDocument, variables: &Variables) -> Result<(), Excess> {
    let fragments = &document.fragments;
    if document.operations.iter().count() + fragments.len() > GRAPHQL_DEFINITIONS_MAX {
        return Err(Excess::Definitions);
    }
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
    let sets = operations.chain(fragments.values().map(|fragment| &fragment.node.selection_set.node));
    if sets.map(aliases).sum::<usize>() > GRAPHQL_ALIASES_MAX {
        return Err(Excess::Aliases);
    }
    for (_, operation) in document.operations.iter() {
        if operation.node.variable_definitions.len() > GRAPHQL_VARIABLES_MAX {
            return Err(Excess::Variables);
        }
        let mut scale =
            Scale { fragments, operation: &operation.node, variables, known: HashMap::new(), sizes: HashMap::new() };
        let weight = scale.set(&operation.node.selection_set.node)?;
        if weight.depth > GRAPHQL_DEPTH_MAX {
            return Err(Excess::Depth(weight.depth));
        }
        if weight.bytes > GRAPHQL_VARIABLE_BYTES_MAX {
            return Err(Excess::VariableBytes);
        }
        if weight.fields > GRAPHQL_COMPLEXITY_MAX {
            return Err(Excess::Complexity(weight.fields));
        }
    }
    Ok(())
}

/// The aliases that are written down in a set.
fn aliases(set: &SelectionSet) -> usize {
    let count = |selection: &Positioned<Selection>| match &selection.node {
        Selection::Field(field) => usize::from(field.node.alias.is_some()) + aliases(&field.node.selection_set.node),
        Selection::InlineFragment(inline) => aliases(&inline.node.selection_set.node),
        Selection::FragmentSpread(_) => 0,
    };
    set.items.iter().map(count).sum()
}

/// What a selection costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weight {
    /// Fields of the answer.
    fields: u64,
    /// Fields inside each other.
    depth: usize,
    /// [`TYPE_LISTS`] inside each other.
    type_lists: usize,
    /// Bytes of variables, once for every use: the library copies them for each.
    bytes: u64,
}

impl Weight {
    fn beside(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            depth: self.depth.max(other.depth),
            type_lists: self.type_lists.max(other.type_lists),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// Weighs one operation.
struct Scale<'a> {
    fragments: &'a Fragments,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    /// The fragments met so far; `None` while one is being weighed.
    known: HashMap<&'a str, Option<Weight>>,
    /// The bytes of the variables met so far.
    sizes: HashMap<&'a str, u64>,
}

impl<'a> Scale<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Result<Weight, Excess> {
        set.items.iter().try_fold(Weight::default(), |sum, selection| {
            let weight = match &selection.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            };
            let arguments = selection.node.directives().iter().flat_map(|directive| &directive.node.arguments);
            Ok(sum.beside(weight).beside(self.values(arguments)))
        })
    }

    fn field(&mut self, field: &'a Field) -> Result<Weight, Excess> {
        let inside = self.set(&field.selection_set.node)?.beside(self.values(&field.arguments));
        let name = field.name.node.as_str();
        if matches!(name, "__schema" | "__type") {
            if inside.depth > GRAPHQL_INTROSPECTION_DEPTH_MAX {
                return Err(Excess::IntrospectionDepth(inside.depth));
            }
            if inside.type_lists > 1 {
                return Err(Excess::IntrospectionLists);
            }
            return Ok(Weight { fields: inside.fields.saturating_add(1), depth: 1, type_lists: 0, ..inside });
        }
        let times = if name == "webhooks" { self.pages(field) } else { 1 };
        Ok(Weight {
            fields: inside.fields.saturating_mul(times).saturating_add(1),
            depth: inside.depth + 1,
            type_lists: inside.type_lists + usize::from(TYPE_LISTS.contains(&name)),
            bytes: inside.bytes,
        })
    }

    /// A fragment that is not there counts as a field, so that spreading it often is not free.
    fn fragment(&mut self, name: &'a Name) -> Result<Weight, Excess> {
        match self.known.get(name.as_str()) {
            Some(Some(weight)) => return Ok(*weight),
            Some(None) => return Err(Excess::Cycle(name.to_string())),
            None => {}
        }
        self.known.insert(name, None);
        let weight = match self.fragments.get(name) {
            Some(fragment) => self.set(&fragment.node.selection_set.node)?,
            None => Weight { fields: 1, depth: 1, ..Weight::default() },
        };
        self.known.insert(name, Some(weight));
        Ok(weight)
    }

    /// What the variables in these arguments cost.
    fn values(&mut self, arguments: impl IntoIterator<Item = &'a (Positioned<Name>, Positioned<Value>)>) -> Weight {
        let sizes = arguments.into_iter().map(|(_, value)| self.size(&value.node));
        Weight { bytes: sizes.fold(0, u64::saturating_add), ..Weight::default() }
    }

    fn size(&mut self, value: &'a Value) -> u64 {
        match value {
            Value::Variable(name) => {
                let given = self.variables.get(name);
                *self.sizes.entry(name).or_insert_with(|| given.map_or(0, bytes))
            }
            Value::List(items) => items.iter().map(|item| self.size(item)).fold(0, u64::saturating_add),
            Value::Object(members) => members.values().map(|member| self.size(member)).fold(0, u64::saturating_add),
            _ => 0,
        }
    }

    /// How many default pages the items of a list of webhooks are.
    fn pages(&self, field: &Field) -> u64 {
        let take = field.get_argument("take").and_then(|take| match &take.node {
            Value::Number(number) => number.as_u64(),
            Value::Variable(name) => self.variable(name),
            _ => None,
        });
        let default = u64::from(GRAPHQL_PAGE_ITEMS_DEFAULT);
        take.unwrap_or(default).div_ceil(default).max(1)
    }

    fn variable(&self, name: &Name) -> Option<u64> {
        let definitions = &self.operation.variable_definitions;
        let default = definitions.iter().find(|definition| definition.node.name.node == *name);
        let default = default.and_then(|definition| definition.node.default_value.as_ref()).map(|value| &value.node);
        let value = self.variables.get(name).or(default)?;
        if let ConstValue::Number(number) = value { number.as_u64() } else { None }
    }
}

/// About what a copy of a value takes.
fn bytes(value: &ConstValue) -> u64 {
    let inside = match value {
        ConstValue::String(text) => text.len() as u64,
        ConstValue::List(items) => items.iter().map(bytes).sum(),
        ConstValue::Object(members) => members.iter().map(|(name, member)| name.len() as u64 + bytes(member)).sum(),
        _ => 0,
    };
    inside + VALUE_BYTES
}
