//! One pass over one JSON text along the tree of a plan.

use std::collections::BTreeMap;

use super::pointer::Root;
use super::value::Value;
use super::{Node, Plan, scan};

/// The walk over one text. It ends early, with `None`, once every slot has its value.
pub(super) struct Walk<'p, 'v, 'a> {
    plan: &'p Plan,
    root: usize,
    json: &'a str,
    values: &'v mut [Value],
    /// What the slots of pointers with `*` have selected, once their first array has been met.
    selected: BTreeMap<usize, Vec<&'a str>>,
    /// How many slots may still get something.
    missing: usize,
}

impl<'p, 'v, 'a> Walk<'p, 'v, 'a> {
    pub(super) fn new(plan: &'p Plan, root: Root, json: &'a str, values: &'v mut [Value]) -> Self {
        let root = root as usize;
        let missing = plan.slots_by_root[root];
        Self { plan, root, json, values, selected: BTreeMap::new(), missing }
    }

    pub(super) fn run(mut self) {
        // Whether it ended early does not matter: what was found stands, and the rest is absent.
        let _ = self.visit(self.root, 0);
        for (slot, selected) in self.selected {
            self.values[slot] = Value::of_many(&selected);
        }
    }

    /// Takes what the pointers through `node` select from the value at `at`; answers with its end.
    fn visit(&mut self, node: usize, at: usize) -> Option<usize> {
        let node = &self.plan.nodes[node];
        let end = match self.json.as_bytes().get(at)? {
            b'{' if !node.keys.is_empty() => self.object(node, at + 1)?,
            b'[' if node.each.is_some() => self.array_with_each(node, at + 1)?,
            b'[' if !node.elements.is_empty() => self.array(node, at + 1)?,
            _ => scan::value_end(self.json.as_bytes(), at)?,
        };
        if let Some(slot) = node.slot {
            self.fill(slot, self.json.get(at..end)?)?;
        }
        Some(end)
    }

    fn fill(&mut self, slot: usize, json: &'a str) -> Option<()> {
        if let Some(selected) = self.selected.get_mut(&slot) {
            selected.push(json);
            return Some(());
        }
        self.values[slot] = Value::of(json);
        self.settle(1)
    }

    /// Counts slots that have all they can get; `None` when there are no others.
    fn settle(&mut self, slots: usize) -> Option<()> {
        self.missing = self.missing.saturating_sub(slots);
        (self.missing > 0).then_some(())
    }

    fn object(&mut self, node: &Node, mut at: usize) -> Option<usize> {
        let json = self.json.as_bytes();
        if json.get(at)? == &b'}' {
            return Some(at + 1);
        }
        let mut wanted = node.keys.len();
        loop {
            let key_end = scan::string_end(json, at)?;
            let key = self.json.get(at..key_end)?;
            at = match node.keys.get(key) {
                Some(&child) => {
                    wanted -= 1;
                    self.visit(child, key_end + 1)?
                }
                None => scan::value_end(json, key_end + 1)?,
            };
            if wanted == 0 {
                return scan::container_end(json, at);
            }
            match json.get(at)? {
                b',' => at += 1,
                b'}' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    fn array_with_each(&mut self, node: &Node, at: usize) -> Option<usize> {
        for &slot in &node.first_each_slots {
            self.selected.entry(slot).or_default();
        }
        let end = self.array(node, at)?;
        self.settle(node.first_each_slots.len())?;
        Some(end)
    }

    fn array(&mut self, node: &Node, mut at: usize) -> Option<usize> {
        let json = self.json.as_bytes();
        if json.get(at)? == &b']' {
            return Some(at + 1);
        }
        let mut wanted = node.elements.len();
        for index in 0.. {
            let element = node.elements.get(&index).copied();
            wanted -= usize::from(element.is_some());
            let start = at;
            at = match element {
                Some(child) => self.visit(child, start)?,
                None => scan::value_end(json, start)?,
            };
            if let Some(child) = node.each {
                at = self.visit(child, start)?;
            } else if wanted == 0 {
                return scan::container_end(json, at);
            }
            match json.get(at)? {
                b',' => at += 1,
                b']' => return Some(at + 1),
                _ => return None,
            }
        }
        None
    }
}
