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

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    /// What the only operation of a document costs.
    fn weighed(document: &str, variables: serde_json::Value) -> Result<Weight, Excess> {
        let document = parse_query(document).unwrap();
        let variables = Variables::from_json(variables);
        let (_, operation) = document.operations.iter().next().unwrap();
        let mut scale = Scale {
            fragments: &document.fragments,
            operation: &operation.node,
            variables: &variables,
            known: HashMap::new(),
            sizes: HashMap::new(),
        };
        scale.set(&operation.node.selection_set.node)
    }

    fn cost(document: &str, variables: serde_json::Value) -> (u64, usize) {
        let weight = weighed(document, variables).unwrap();
        (weight.fields, weight.depth)
    }

    #[test]
    fn a_field_costs_1_and_fragments_cost_nothing_themselves() {
        assert_eq!(cost("{ a b: a c { d { e } } }", json!({})), (5, 3));
        assert_eq!(
            cost("{ ... { a } ...F } fragment F on Q { c { d } ...G } fragment G on Q { e }", json!({})),
            (4, 2)
        );
        assert_eq!(cost("{ ...Nowhere }", json!({})), (1, 1));
    }

    #[test]
    fn what_is_below_webhooks_costs_1_for_every_default_page() {
        let page = |arguments: &str| format!("query ($n: Int = 41) {{ webhooks{arguments} {{ items {{ id }} }} }}");

        for (arguments, variables, times) in [
            ("", json!({}), 1),
            ("(take: 1)", json!({}), 1),
            ("(take: 20)", json!({}), 1),
            ("(take: 21)", json!({}), 2),
            ("(take: $n)", json!({}), 3),
            ("(take: $n)", json!({ "n": 250 }), 13),
            ("(take: $n)", json!({ "n": null }), 1),
            ("(take: \"250\")", json!({}), 1),
        ] {
            assert_eq!(cost(&page(arguments), variables), (1 + 2 * times, 3), "{arguments}");
        }
        assert_eq!(
            cost("{ webhooks(take: 9007199254740992) { a b } }", json!({})).0,
            1 + 2 * 9_007_199_254_740_992_u64.div_ceil(20)
        );
    }

    #[test]
    fn a_variable_counts_once_for_every_use() {
        let document =
            "query ($v: String) { a(b: $v, c: [$v, { d: $v }]) b @include(if: $v) ...F } fragment F on Q { c(d: $v) }";

        assert_eq!(weighed(document, json!({ "v": "1234" })).unwrap().bytes, 5 * (4 + VALUE_BYTES));
        assert_eq!(weighed(document, json!({ "unused": "1234" })).unwrap().bytes, 0);
    }

    #[test]
    fn fragments_that_contain_themselves_are_found_and_doubling_saturates() {
        let doubling: String = (0..49).map(|n| format!("fragment F{n} on Q {{ ...F{0} ...F{0} }} ", n + 1)).collect();
        let times_a_lot = "webhooks(take: 9007199254740992) { ".repeat(5) + "a" + &" }".repeat(5);

        assert_eq!(
            weighed("{ ...A } fragment A on Q { ...B } fragment B on Q { a ...A }", json!({})),
            Err(Excess::Cycle("A".into()))
        );
        assert_eq!(cost(&format!("{{ ...F0 }} {doubling}"), json!({})).0, 1 << 49);
        assert_eq!(cost(&format!("{{ {times_a_lot} }}"), json!({})).0, u64::MAX);
    }
}
