//! Which trace an event belongs to ([W3C Trace Context](https://www.w3.org/TR/trace-context/)). Pure.
//!
//! All that becomes of an event is one trace, though restarts and hours may lie between its parts. So every part finds
//! the trace by the event alone. Where the producer sent a `traceparent`, that is stored with the event; where it sent
//! none, the ids are made of the event's id and time, which costs nothing to keep. Nothing here says whether traces
//! are collected.

use sha2::{Digest, Sha256};

use super::event::Event;

/// Bytes of a stored [`TraceParent`].
const BYTES: usize = 25;
/// Characters of a `traceparent` of version 00; later versions may have more behind a dash.
const HEADER_CHARS: usize = 55;

/// The span of a producer within which it sent an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The producer's span.
    pub span_id: [u8; 8],
    /// Whether the producer has the trace collected.
    pub is_sampled: bool,
}

impl TraceParent {
    /// Reads the header `traceparent`. One that is not valid says nothing: the specification has it ignored.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let (head, rest) = header.split_at_checked(HEADER_CHARS)?;
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_dash = |place: usize| matches!(place, 2 | 35 | 52);
        let fits = |(place, byte): (usize, u8)| if is_dash(place) { byte == b'-' } else { is_hex(byte) };
        if !head.bytes().enumerate().all(fits) {
            return None;
        }
        let (version, is_longer) = (&head[..2], !rest.is_empty());
        let is_whole =
            if version == "00" { !is_longer } else { version != "ff" && (!is_longer || rest.starts_with('-')) };
        if !is_whole {
            return None;
        }
        let (mut trace_id, mut span_id, mut flags) = ([0; 16], [0; 8], [0; 1]);
        hex::decode_to_slice(&head[3..35], &mut trace_id).ok()?;
        hex::decode_to_slice(&head[36..52], &mut span_id).ok()?;
        hex::decode_to_slice(&head[53..55], &mut flags).ok()?;
        let is_valid = trace_id != [0; 16] && span_id != [0; 8];
        is_valid.then_some(Self { trace_id, span_id, is_sampled: flags[0] & 1 == 1 })
    }

    /// As it is stored: trace, span, flags.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..16].copy_from_slice(&self.trace_id);
        bytes[16..24].copy_from_slice(&self.span_id);
        bytes[24] = u8::from(self.is_sampled);
        bytes
    }

    /// From what is stored.
    #[must_use]
    pub fn from_bytes(bytes: [u8; BYTES]) -> Self {
        let (mut trace_id, mut span_id) = ([0; 16], [0; 8]);
        trace_id.copy_from_slice(&bytes[..16]);
        span_id.copy_from_slice(&bytes[16..24]);
        Self { trace_id, span_id, is_sampled: bytes[24] & 1 == 1 }
    }
}

/// Where the parts of an event's trace hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTrace {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The span of the event's acceptance, which dispatch and attempts hang on.
    pub accept_span_id: [u8; 8],
    /// What the producer sent.
    pub parent: Option<TraceParent>,
}

impl EventTrace {
    /// That of an event: the same whenever it is asked for.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        // Not the time of acceptance, which the store may move. Two events have one id only if days lie between them.
        let hash = Sha256::new()
            .chain_update("hooksieve trace\0")
            .chain_update(event.occurred_at.as_millis().to_be_bytes())
            .chain_update(event.id.as_str())
            .finalize();
        let (mut trace_id, mut accept_span_id) = ([0; 16], [0; 8]);
        trace_id.copy_from_slice(&hash[..16]);
        accept_span_id.copy_from_slice(&hash[16..24]);
        let parent = event.trace_parent;
        Self { trace_id: parent.map_or(trace_id, |parent| parent.trace_id), accept_span_id, parent }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Timestamp;
    use crate::model::ids::EventId;
    use crate::model::matching::tests::event;

    /// The specification's own example.
    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_specifications_header_is_read() {
        let parent = TraceParent::parse(HEADER).unwrap();

        assert_eq!(hex::encode(parent.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(hex::encode(parent.span_id), "00f067aa0ba902b7");
        assert!(parent.is_sampled);
        assert!(!TraceParent::parse(&HEADER.replace("-01", "-00")).unwrap().is_sampled);
    }

    #[test]
    fn later_versions_may_say_more_and_this_one_may_not() {
        let later = HEADER.replacen("00", "cc", 1);

        assert_eq!(TraceParent::parse(&later), TraceParent::parse(HEADER));
        assert_eq!(TraceParent::parse(&format!("{later}-what-follows")), TraceParent::parse(HEADER));
        assert_eq!(TraceParent::parse(&format!("{later}.what-follows")), None);
        assert_eq!(TraceParent::parse(&format!("{HEADER}-what-follows")), None);
    }

    #[test]
    fn what_the_specification_calls_invalid_says_nothing() {
        for wrong in [
            "",
            "00",
            &HEADER.to_uppercase(),
            &HEADER[..54],
            &HEADER.replacen("00", "ff", 1),
            &HEADER.replace('-', "_"),
            &HEADER.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &HEADER.replace("00f067aa0ba902b7", &"0".repeat(16)),
            "00-é4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_event_has_its_trace_of_its_id_and_time_and_of_its_producer_alone() {
        let here = event("p1");
        let moved = Event { accepted_at: Timestamp::from_millis(7), ..event("p2") };
        let other = Event { id: EventId::parse("other").unwrap(), ..here.clone() };
        let sent = Event { trace_parent: TraceParent::parse(HEADER), ..here.clone() };

        let trace = EventTrace::of(&here);

        assert_eq!(trace, EventTrace::of(&moved));
        assert_ne!(trace.trace_id, EventTrace::of(&other).trace_id);
        assert_eq!(hex::encode(EventTrace::of(&sent).trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace.accept_span_id, EventTrace::of(&sent).accept_span_id);
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_read_or_ignored_and_what_is_stored_comes_back(
            text in "\\PC{0,80}", trace_id in any::<[u8; 16]>(), span_id in any::<[u8; 8]>(), is_sampled in any::<bool>(),
        ) {
            prop_assert!(TraceParent::parse(&text).is_none_or(|read| read.trace_id != [0; 16]));
            let parent = TraceParent { trace_id, span_id, is_sampled };
            prop_assert_eq!(TraceParent::from_bytes(parent.to_bytes()), parent);
            let header = format!("00-{}-{}-0{}", hex::encode(trace_id), hex::encode(span_id), u8::from(is_sampled));
            let is_valid = trace_id != [0; 16] && span_id != [0; 8];
            prop_assert_eq!(TraceParent::parse(&header), is_valid.then_some(parent));
        }
    }
}
