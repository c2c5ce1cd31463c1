//! Lists of events, newest first, at a cost that does not grow with the events there are.
//!
//! Each project's events are read in order of time from an index, a few at a time, and merged: so a user's
//! list needs no index of its own, and what is not asked for in a project costs nothing. There is no index by
//! type either; a page is looked for among a bounded number of events, and says where the next goes on.
//! Tests are not listed: they did not happen.

use std::collections::{BinaryHeap, VecDeque};

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};

use super::events;
use crate::model::Timestamp;
use crate::model::event::{EventSeq, EventType, StoredEvent};
use crate::model::ids::{ProjectId, UserId};
use crate::model::limits::{PAGE_EVENTS_EXAMINED_MAX, PAGE_VALUE_BYTES_MAX};
use crate::store::{EventQuery, EventScope, Page, PageRequest};

/// Events that are read of one project at a time.
const CHUNK: u32 = 8;

/// The newest events before a place. First those of the place's own time, then those before it: as one
/// condition SQLite would read all events of that time, and a batch has a thousand.
macro_rules! newest_before {
    ($index:literal, $which:literal) => {
        concat!(
            "SELECT * FROM (SELECT accepted_at, seq, event_type FROM events INDEXED BY ",
            $index,
            " WHERE test_webhook_seq IS NULL AND ",
            $which,
            "accepted_at = ?1 AND seq < ?2 AND ?1 >= ?3 ORDER BY seq DESC LIMIT ?4)
             UNION ALL
             SELECT * FROM (SELECT accepted_at, seq, event_type FROM events INDEXED BY ",
            $index,
            " WHERE test_webhook_seq IS NULL AND ",
            $which,
            "accepted_at < ?1 AND accepted_at >= ?3 ORDER BY accepted_at DESC, seq DESC LIMIT ?4)
             LIMIT ?4"
        )
    };
}

/// Among all events.
pub(super) const OF_ALL: &str = newest_before!("events_by_time", "");
/// Among those of one project.
pub(super) const OF_PROJECT: &str = newest_before!("events_of_project", "project_id = ?5 AND ");
/// The projects of a user.
pub(super) const PROJECTS: &str = "SELECT project_id FROM members INDEXED BY members_of_user WHERE user_id = ?1";

/// A place in the order of the list: later is larger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    accepted_at: Timestamp,
    seq: EventSeq,
}

/// An event, as far as it must be known to choose it.
struct Found {
    place: Place,
    event_type: EventType,
}

/// Reads what is next of a part of the list.
struct Reader<'c> {
    statement: CachedStatement<'c>,
    since: Timestamp,
}

/// One part of what is listed: all events, or those of a project.
struct Stream {
    project: Option<ProjectId>,
    before: Place,
    read: VecDeque<Found>,
}

impl Reader<'_> {
    /// The newest event of the stream that was not taken yet.
    fn head(&mut self, stream: &mut Stream) -> rusqlite::Result<Option<Place>> {
        if stream.read.is_empty() {
            stream.read = self.chunk(stream.before, stream.project.as_ref())?;
            stream.before = stream.read.back().map_or(stream.before, |last| last.place);
        }
        Ok(stream.read.front().map(|found| found.place))
    }

    fn chunk(&mut self, before: Place, project: Option<&ProjectId>) -> rusqlite::Result<VecDeque<Found>> {
        let Place { accepted_at, seq } = before;
        let found = |row: &Row<'_>| {
            let place = Place { accepted_at: row.get(0)?, seq: row.get(1)? };
            Ok(Found { place, event_type: row.get(2)? })
        };
        match project {
            Some(project) => self.statement.query_map((accepted_at, seq, self.since, CHUNK, project), found)?.collect(),
            None => self.statement.query_map((accepted_at, seq, self.since, CHUNK), found)?.collect(),
        }
    }
}

pub(super) fn page(
    connection: &Connection,
    query: &EventQuery,
    page: &PageRequest,
) -> rusqlite::Result<Page<StoredEvent>> {
    let Some(before) = start(connection, query, page)? else {
        return Ok(Page { items: Vec::new(), next: None });
    };
    let sql = if query.scope == EventScope::All { OF_ALL } else { OF_PROJECT };
    let since = query.since.unwrap_or(Timestamp::from_millis(i64::MIN));
    let mut reader = Reader { statement: connection.prepare_cached(sql)?, since };
    let mut streams = streams(connection, query, before)?;
    let mut heads = BinaryHeap::with_capacity(streams.len());
    for (number, stream) in streams.iter_mut().enumerate() {
        heads.extend(reader.head(stream)?.map(|place| (place, number)));
    }
    let (mut items, mut bytes) = (Vec::new(), 0);
    let mut examined = 0..PAGE_EVENTS_EXAMINED_MAX;
    let mut last = None;
    while let Some((place, number)) = heads.pop() {
        let is_full = items.len() == page.items_max as usize || bytes > PAGE_VALUE_BYTES_MAX;
        if is_full || examined.next().is_none() {
            return Ok(Page { items, next: last });
        }
        let stream = &mut streams[number];
        let found = stream.read.pop_front();
        heads.extend(reader.head(stream)?.map(|place| (place, number)));
        last = Some(place.seq.0);
        if found.is_some_and(|found| query.event_types.is_empty() || query.event_types.contains(&found.event_type)) {
            let stored = events::stored_by_seq(connection, place.seq)?;
            bytes += events::weight(&stored.event);
            items.push(stored);
        }
    }
    Ok(Page { items, next: None })
}

/// The place to begin before, unless nothing can be there.
fn start(connection: &Connection, query: &EventQuery, page: &PageRequest) -> rusqlite::Result<Option<Place>> {
    let end = Timestamp::from_millis(i64::MAX);
    let until = Place { accepted_at: query.until.unwrap_or(end), seq: EventSeq(i64::MIN) };
    let Some(after) = page.after else { return Ok(Some(until)) };
    if after > events::last(connection)? {
        return Ok(None);
    }
    let accepted_at = connection
        .prepare_cached("SELECT accepted_at FROM events WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1")?
        .query_one((after,), |row| row.get(0))
        .optional()?;
    // Where the last one of a page has gone since, the list goes on at the next that is left.
    Ok(accepted_at.map(|accepted_at| until.min(Place { accepted_at, seq: EventSeq(after) })))
}

fn streams(connection: &Connection, query: &EventQuery, before: Place) -> rusqlite::Result<Vec<Stream>> {
    let stream = |project| Stream { project, before, read: VecDeque::new() };
    Ok(match &query.scope {
        EventScope::All => vec![stream(None)],
        EventScope::Projects(projects) => projects.iter().cloned().map(Some).map(stream).collect(),
        EventScope::ProjectsOf(user) => projects_of(connection, user)?.into_iter().map(Some).map(stream).collect(),
    })
}

fn projects_of(connection: &Connection, user: &UserId) -> rusqlite::Result<Vec<ProjectId>> {
    connection.prepare_cached(PROJECTS)?.query_map((user,), |row| row.get(0))?.collect()
}
