//! Projection: the declared fields of all filters of an event, from its stored text, in one pass.
//!
//! A [`Plan`] merges the pointers of many filters into one tree, in which a pointer that several of
//! them declare has one slot. [`Plan::project`] walks the text along that tree and skips the rest
//! unread: a full parse costs several times as much, and every event would pay it.
//!
//! The text is the canonical one from intake. Other text gives unspecified values, but no panic. An
//! element that `*` and an index both lead to is walked once for each.

mod pointer;
mod scan;
mod value;
mod walk;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::event::Event;
pub use pointer::{Pointer, PointerError};
use pointer::{Root, Segment};
pub use value::{Scalar, Value};
use walk::Walk;

/// What an event offers to filters.
#[derive(Debug, Clone)]
pub struct EventFields<'a> {
    /// The producer's or our id of the event.
    pub id: Option<&'a str>,
    /// The event type.
    pub event: Option<&'a str>,
    /// The company of the project.
    pub company_id: Option<&'a str>,
    /// The project of the record.
    pub project_id: Option<&'a str>,
    /// Who did it.
    pub user_id: Option<&'a str>,
    /// When it happened, as RFC 3339 text.
    pub occurred_at: Option<Cow<'a, str>>,
    /// The record before, as canonical JSON text; `null` if there is none.
    pub previous_value: &'a str,
    /// The record after, as canonical JSON text; `null` if there is none.
    pub current_value: &'a str,
}

/// The merged fields of many filters.
#[derive(Debug, Default)]
pub struct Plan {
    /// The tree; the first nodes are those of [`Root::ALL`].
    nodes: Vec<Node>,
    /// How many slots each root's pointers have.
    slots_by_root: [usize; Root::ALL.len()],
    /// For each filter the slots of its fields, in its order.
    filters: Vec<Vec<usize>>,
}

/// A place in events to which some pointer leads.
#[derive(Debug, Default)]
struct Node {
    /// The slot of the pointer that ends here.
    slot: Option<usize>,
    /// Children by the key's canonical JSON text, quotes included.
    keys: BTreeMap<String, usize>,
    /// Those of the same children whose key is an array index.
    elements: BTreeMap<usize, usize>,
    /// The child for `*`.
    each: Option<usize>,
    /// The slots of pointers whose first `*` is this node's `each`.
    first_each_slots: Vec<usize>,
}

/// The values that an event has at the pointers of a [`Plan`].
#[derive(Debug, Clone)]
pub struct Projected<'p> {
    plan: &'p Plan,
    slots: Vec<Value>,
}

impl Projected<'_> {
    /// The values of a filter's fields, in the order in which it declared them. Large ones are shared
    /// with the other filters.
    ///
    /// # Panics
    /// If the plan was made for fewer filters.
    pub fn values(&self, filter: usize) -> Vec<Value> {
        self.plan.filters[filter].iter().map(|&slot| self.slots[slot].clone()).collect()
    }
}

impl<'a> EventFields<'a> {
    /// What a filter may see of an accepted event.
    pub fn of(event: &'a Event) -> Self {
        Self {
            id: Some(event.id.as_str()),
            event: Some(event.event_type.as_str()),
            company_id: event.company_id.as_ref().map(|id| id.as_str()),
            project_id: Some(event.project_id.as_str()),
            user_id: event.user_id.as_ref().map(|id| id.as_str()),
            occurred_at: Some(event.occurred_at.to_string().into()),
            previous_value: &event.previous_value,
            current_value: &event.current_value,
        }
    }
}

impl Plan {
    /// Merges the fields of filters, which are known by their place in the list from then on.
    pub fn new<'f>(filters: impl IntoIterator<Item = &'f [Pointer]>) -> Self {
        let mut plan = Self::default();
        plan.nodes.resize_with(Root::ALL.len(), Node::default);
        for pointers in filters {
            let slots = pointers.iter().map(|pointer| plan.insert(pointer)).collect();
            plan.filters.push(slots);
        }
        plan
    }

    /// Takes the values of all fields from an event.
    pub fn project(&self, event: &EventFields<'_>) -> Projected<'_> {
        let mut slots = vec![Value::Absent; self.slots_by_root.iter().sum()];
        let texts = [
            (Root::Id, event.id),
            (Root::Event, event.event),
            (Root::CompanyId, event.company_id),
            (Root::ProjectId, event.project_id),
            (Root::UserId, event.user_id),
            (Root::OccurredAt, event.occurred_at.as_deref()),
        ];
        for (root, text) in texts {
            if let Some(slot) = self.nodes[root as usize].slot {
                slots[slot] = text.map_or(Value::Null, |text| Value::Text(text.into()));
            }
        }
        for (root, json) in [(Root::PreviousValue, event.previous_value), (Root::CurrentValue, event.current_value)] {
            if self.slots_by_root[root as usize] > 0 {
                Walk::new(self, root, json, &mut slots).run();
            }
        }
        Projected { plan: self, slots }
    }

    /// Adds a pointer to the tree, and answers with its slot.
    fn insert(&mut self, pointer: &Pointer) -> usize {
        let mut node = pointer.root as usize;
        let mut first_each = None;
        for segment in &pointer.segments {
            if *segment == Segment::Each && first_each.is_none() {
                first_each = Some(node);
            }
            node = self.child(node, segment);
        }
        if let Some(slot) = self.nodes[node].slot {
            return slot;
        }
        let slot = self.slots_by_root.iter().sum();
        self.nodes[node].slot = Some(slot);
        self.slots_by_root[pointer.root as usize] += 1;
        if let Some(node) = first_each {
            self.nodes[node].first_each_slots.push(slot);
        }
        slot
    }

    fn child(&mut self, parent: usize, segment: &Segment) -> usize {
        let new = self.nodes.len();
        let node = &mut self.nodes[parent];
        let child = match segment {
            Segment::Each => *node.each.get_or_insert(new),
            Segment::Key { quoted, index } => match node.keys.get(quoted) {
                Some(&child) => child,
                None => {
                    node.keys.insert(quoted.clone(), new);
                    node.elements.extend(index.map(|index| (index, new)));
                    new
                }
            },
        };
        if child == new {
            self.nodes.push(Node::default());
        }
        child
    }
}

#[cfg(test)]
mod tests;
