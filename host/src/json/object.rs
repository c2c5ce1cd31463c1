//! The order of an object's members: ECMAScript's `OrdinaryOwnPropertyKeys`.
//!
//! Keys that are array indices come first, in numeric order; the others stay where their first
//! occurrence stands. Objects of the usual size that need no change cost a few comparisons.

use std::ops::Range;

/// Up to this many members, comparing each with each is faster than sorting.
const FEW_MEMBERS: usize = 16;

/// The largest array index of ECMAScript: 2^32 - 2.
const ARRAY_INDEX_MAX: u32 = u32::MAX - 1;

/// In which order members are written.
#[derive(Clone, Copy)]
pub(super) enum KeyOrder {
    /// `OrdinaryOwnPropertyKeys`.
    EcmaScript,
    /// By the text of the key, which tells nothing of the order that they came in.
    Sorted,
}

/// A member as it stands in the output. Its text reaches from the start of its key to its end.
pub(super) struct Member {
    /// The key in canonical escapes, quotes included; equal keys have equal text.
    key: Range<usize>,
    end: usize,
}

/// An object whose end has not been read yet.
pub(super) struct Object {
    /// Where the opening brace stands in the output.
    start: usize,
    first_member: usize,
    /// The number of the member whose value is being read.
    in_value_of: Option<usize>,
    has_array_index: bool,
}

impl Object {
    /// An object whose brace will stand at `start` of the output, and whose first member will be
    /// number `first_member`.
    pub(super) fn new(start: usize, first_member: usize) -> Self {
        Self { start, first_member, in_value_of: None, has_array_index: false }
    }

    pub(super) fn start_member(&mut self, members: &mut Vec<Member>, key: Range<usize>, out: &str) {
        self.has_array_index |= array_index(&out[key.clone()]).is_some();
        self.in_value_of = Some(members.len());
        members.push(Member { end: key.end, key });
    }

    /// Ends the member whose value has been read. It is the last, since inner objects are closed.
    pub(super) fn end_member(&mut self, members: &mut [Member], end: usize) {
        self.in_value_of = None;
        if let Some(member) = members.last_mut() {
            member.end = end;
        }
    }

    /// The unescaped key of the member whose value is being read.
    pub(super) fn key_of_value(&self, members: &[Member], out: &str) -> Option<String> {
        let member = &members[self.in_value_of?];
        serde_json::from_str(member.key(out)).ok()
    }

    /// Puts the members in order and forgets them. The closing brace is not in the output yet.
    pub(super) fn close(&self, members: &mut Vec<Member>, out: &mut String, order: KeyOrder) {
        let own = &members[self.first_member..];
        let is_in_order = match order {
            KeyOrder::EcmaScript => !self.has_array_index && !has_duplicate(own, out),
            KeyOrder::Sorted => own.is_sorted_by(|one, next| one.key(out) < next.key(out)),
        };
        if !is_in_order {
            let ordered = in_order(own, out, order);
            out.truncate(self.start);
            out.push_str(&ordered);
        }
        members.truncate(self.first_member);
    }
}

impl Member {
    fn key<'o>(&self, out: &'o str) -> &'o str {
        &out[self.key.clone()]
    }
}

fn has_duplicate(members: &[Member], out: &str) -> bool {
    let is_same = |one: &Member, other: &Member| one.key(out) == other.key(out);
    if members.len() > FEW_MEMBERS {
        let sorted = sorted_by_key(members, out);
        return sorted.windows(2).any(|pair| is_same(&members[pair[0]], &members[pair[1]]));
    }
    let mut numbered = members.iter().enumerate();
    numbered.any(|(number, member)| members[..number].iter().any(|earlier| is_same(earlier, member)))
}

/// The opening brace and the members in that order, of each key the last.
fn in_order(members: &[Member], out: &str, order: KeyOrder) -> String {
    let key = |number: usize| members[number].key(out);
    let sorted = sorted_by_key(members, out);
    let same_keys = sorted.chunk_by(|&one, &next| key(one) == key(next));
    let mut places: Vec<(u32, usize, usize)> = same_keys
        .map(|same| {
            let (first, last) = (same[0], same[same.len() - 1]);
            // No array index is this large, so that all of them come before other keys.
            (array_index(key(first)).unwrap_or(u32::MAX), first, last)
        })
        .collect();
    if let KeyOrder::EcmaScript = order {
        places.sort_unstable();
    }

    let mut ordered = String::from("{");
    for (_, _, last) in places {
        if ordered.len() > 1 {
            ordered.push(',');
        }
        let member = &members[last];
        ordered.push_str(&out[member.key.start..member.end]);
    }
    ordered
}

/// The numbers of the members by key, those with the same key in their own order.
fn sorted_by_key(members: &[Member], out: &str) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..members.len()).collect();
    numbers.sort_unstable_by_key(|&number| (members[number].key(out), number));
    numbers
}

/// The array index that a key in quotes is, if it is one in its only spelling.
fn array_index(key: &str) -> Option<u32> {
    let digits = &key[1..key.len() - 1];
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let has_leading_zero = digits.len() > 1 && digits.starts_with('0');
    if !is_number || has_leading_zero {
        return None;
    }
    digits.parse().ok().filter(|index| *index <= ARRAY_INDEX_MAX)
}
