//! Good filters with something changed, by the thousand: each is refused with a reason or runs within its limits, and none is
//! the host's fault.
//!
//! Most are made by flipping, cutting and copying bytes, the others by `wasm-mutate`, whose mutants are valid and so get to the
//! compiler. All are validated here; those that pass, and a sample of the others, go the way of an upload.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use hooksieve::filter::validate::validate;
use hooksieve::filter::{Decision, Refused};
use wasm_mutate::WasmMutate;

use super::{DONE, Room};
use crate::guests::{DONE_RECORDS, FIELD_MATCH, HandWritten, component_of};

/// Mutants under way at a time.
const AT_ONCE: usize = 4;
/// Of those that validation refuses, one in so many goes to the compiling child nonetheless.
const SAMPLE: u64 = 20;
/// Of mutants that are valid, one is made for so many of the others: each is compiled.
const VALID_SHARE: u64 = 10;
/// How much `wasm-mutate` may change in one go.
const MUTATION_FUEL: u64 = 200;

/// How a mutant is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    ModuleBytes,
    ComponentBytes,
    Module,
    Component,
}

const KINDS: [Kind; 4] = [Kind::ModuleBytes, Kind::ComponentBytes, Kind::Module, Kind::Component];

impl Kind {
    /// How many there are beside `bytes` mutants of the other sort.
    fn count(self, bytes: u64) -> u64 {
        match self {
            Self::ModuleBytes | Self::ComponentBytes => bytes,
            Self::Module | Self::Component => bytes.div_ceil(VALID_SHARE),
        }
    }

    /// A mutant; none where this seed leads to no change.
    fn mutant(self, seed: u64) -> Option<Vec<u8>> {
        let small = HandWritten::default().module();
        let original = [DONE_RECORDS, &small][usize::from(seed.is_multiple_of(3))];
        match self {
            Self::ModuleBytes => Some(change_bytes(original.to_vec(), seed)),
            Self::ComponentBytes => Some(change_bytes(component_of(original), seed)),
            Self::Module => mutate(original, seed),
            // `wasm-mutate` knows modules only; what is made of one is a component.
            Self::Component => validate(&mutate(original, seed)?).ok().map(|valid| valid.component.into_owned()),
        }
    }
}

/// Changes one to four places.
fn change_bytes(mut bytes: Vec<u8>, seed: u64) -> Vec<u8> {
    // SplitMix64: neighbouring seeds have nothing to do with each other.
    let mut state = seed;
    let mut below = move |end: usize| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end.max(1)).unwrap()).unwrap()
    };
    for _ in 0..=below(4) {
        let (at, length) = (below(bytes.len()), below(32));
        let end = (at + length).min(bytes.len());
        match below(6) {
            0 => bytes[at] ^= 1 << below(8),
            1 => bytes[at] = u8::try_from(below(256)).unwrap(),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let copied = bytes[at..end].to_vec();
                let to = below(bytes.len());
                bytes.splice(to..to, copied);
            }
            4 => bytes[at..end].fill(0xff),
            _ => {
                let other = below(FIELD_MATCH.len() - 32);
                bytes[at..end].copy_from_slice(&FIELD_MATCH[other..other + end - at]);
            }
        }
    }
    bytes
}

fn mutate(module: &[u8], seed: u64) -> Option<Vec<u8>> {
    let mut mutate = WasmMutate::default();
    mutate.seed(seed).fuel(MUTATION_FUEL).preserve_semantics(false);
    mutate.run(module).ok()?.next()?.ok()
}

/// What one mutant comes to, in a word.
async fn become_of(room: &Room, kind: Kind, seed: u64) -> &'static str {
    let Some(mutant) = kind.mutant(seed) else { return "no mutant" };
    let expected = validate(&mutant).map(drop).map_err(Refused::from);
    if expected.is_err() && !seed.is_multiple_of(SAMPLE) {
        return "invalid";
    }
    let told = |refused: Refused, word: &'static str| {
        assert!(!refused.is_hosts_fault(), "{kind:?} {seed}: {refused}");
        word
    };
    let digest = match (room.upload(&mutant).await, expected) {
        (Err(refused), Err(expected)) => {
            assert_eq!(refused, expected, "{kind:?} {seed}: another refusal from the child");
            return told(refused, "invalid, in the child too");
        }
        (Err(refused), Ok(())) => return told(refused, "refused by compiler or engine"),
        (Ok(admitted), Ok(())) => admitted.digest,
        (Ok(_), Err(refused)) => panic!("{kind:?} {seed}: admitted, though {refused}"),
    };
    let word = match room.configure(digest, "null").await {
        Err(refused) => told(refused, "refused its configuration"),
        Ok(configured) => match room.decide(&configured).await {
            Decision::Deliver | Decision::Skip(_) => "decided",
            Decision::Failed(_) => "failed",
        },
    };
    room.host.forget(&digest).await;
    word
}

async fn no_mutant_is_the_hosts_fault(count: u64) {
    let room = Room::open();
    let good = room.configured(FIELD_MATCH, DONE).await;
    let mutants = KINDS.into_iter().flat_map(|kind| (0..kind.count(count)).map(move |seed| (kind, seed)));
    let room = &room;
    let words = stream::iter(mutants).map(|(kind, seed)| async move { (kind, become_of(room, kind, seed).await) });
    let mut words = words.buffered(AT_ONCE);
    let mut counts = BTreeMap::<(Kind, &str), usize>::new();
    let mut seen = 0_u64;
    while let Some(word) = words.next().await {
        *counts.entry(word).or_default() += 1;
        seen += 1;
        if seen.is_multiple_of(100) {
            assert_eq!(room.decide(&good).await, Decision::Deliver, "after {seen} mutants");
        }
    }

    for ((kind, word), count) in &counts {
        println!("{kind:?}: {count} {word}");
    }
    let has = |word| counts.keys().any(|(_, found)| *found == word);
    assert!(has("invalid, in the child too") && has("decided"), "{counts:?}");
    assert_eq!(room.decide(&good).await, Decision::Deliver);
}

#[tokio::test]
async fn no_mutant_of_a_good_filter_is_the_hosts_fault() {
    no_mutant_is_the_hosts_fault(200).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a quarter of an hour: ten thousand mutants of a module and of a component, and two thousand valid ones"]
async fn none_of_ten_thousand_mutants_of_each_sort_is_the_hosts_fault() {
    no_mutant_is_the_hosts_fault(10_000).await;
}
