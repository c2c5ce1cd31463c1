//! The events that a filter is tried on: the catalogue's examples, files, or those that a host has stored.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use super::trial::read_event;
use crate::cli::failure::{Explain, misuse};
use crate::cli::input;
use crate::cli::remote::Remote;
use crate::model::catalogue::Catalogue;
use crate::model::limits::PAGE_ITEMS_MAX;
use crate::wire::{Event, EventsQuery, NewEvent};

/// Stored events where the command line does not say how many.
const STORED_DEFAULT: usize = 50;
/// Stored events that are got at most: they are kept in memory.
const STORED_MAX: i64 = 10_000;

#[derive(Debug, clap::Args)]
pub(super) struct Source {
    /// A file with an event, a JSON object; several may be given [default: the catalogue's examples].
    #[arg(long = "event", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The newest events that a host has stored, of those that you may see.
    #[arg(long, conflicts_with = "files")]
    stored: bool,
    /// How many of them, at most 10000 [default: 50].
    #[arg(long, value_name = "N", requires = "stored", value_parser = clap::value_parser!(u32).range(1..=STORED_MAX))]
    limit: Option<u32>,
    /// Only those of this event type, of the examples too.
    #[arg(long = "type", value_name = "TYPE", conflicts_with = "files")]
    event_type: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Source {
    /// Gets the events.
    ///
    /// # Errors
    /// When a file cannot be read or is no event, or the host does not answer or has none.
    pub(super) async fn events(&self) -> anyhow::Result<Vec<NewEvent>> {
        if self.stored {
            return self.stored().await;
        }
        match &self.event_type {
            Some(event_type) => examples_of(event_type),
            None if self.files.is_empty() => examples(),
            None => self.files.iter().map(|file| read(file)).collect(),
        }
    }

    async fn stored(&self) -> anyhow::Result<Vec<NewEvent>> {
        let client = self.remote.client()?;
        let wanted = self.limit.map_or(STORED_DEFAULT, |limit| limit as usize);
        let mut query = EventsQuery { event: self.event_type.clone(), ..EventsQuery::default() };
        let mut events = Vec::new();
        loop {
            let missing = u32::try_from(wanted - events.len()).unwrap_or(PAGE_ITEMS_MAX);
            query.limit = Some(missing.min(PAGE_ITEMS_MAX));
            let page = client.list_events(&query).await?;
            events.extend(page.items.into_iter().map(posted));
            // A page may be short, and even empty, with more behind it.
            match page.next_cursor {
                Some(cursor) if events.len() < wanted => query.cursor = Some(cursor),
                _ => break,
            }
        }
        if events.is_empty() {
            return Err(misuse(
                "the host has no such event that you may see",
                "leave --type away, or send one first: `hooksieve event send FILE`",
            ));
        }
        Ok(events)
    }
}

/// The catalogue's examples.
///
/// # Errors
/// When they are broken, which would be our fault.
pub(super) fn examples() -> anyhow::Result<Vec<NewEvent>> {
    let catalogue = Catalogue::built_in();
    let examples = catalogue.types().iter().map(|info| read_event(info.example.get()));
    examples.collect::<anyhow::Result<_>>().context("reading the catalogue")
}

fn examples_of(event_type: &str) -> anyhow::Result<Vec<NewEvent>> {
    let events: Vec<_> = examples()?.into_iter().filter(|event| event.event == event_type).collect();
    if events.is_empty() {
        return Err(misuse(
            format!("the catalogue has no example of {event_type:?}"),
            "leave --type away to see all types, or take events of your host with --stored",
        ));
    }
    Ok(events)
}

/// Every pointer that leads somewhere in one of the catalogue's examples, with `*` for the elements of arrays.
pub(super) fn pointers() -> BTreeSet<String> {
    let mut pointers = BTreeSet::from(["/id".to_owned()]);
    for info in Catalogue::built_in().types() {
        if let Ok(example) = serde_json::from_str(info.example.get()) {
            collect(&example, "", &mut pointers);
        }
    }
    pointers
}

fn collect(value: &Value, place: &str, pointers: &mut BTreeSet<String>) {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            members.iter().map(|(key, value)| (crate::model::pointer::escaped(key), value)).collect()
        }
        Value::Array(items) => items.iter().map(|item| ("*".to_owned(), item)).collect(),
        _ => return,
    };
    for (segment, value) in inside {
        let place = format!("{place}/{segment}");
        collect(value, &place, pointers);
        pointers.insert(place);
    }
}

fn read(file: &Path) -> anyhow::Result<NewEvent> {
    let text = input::read_text(file)?;
    read_event(&text).misuse(
        format!("{} is not an event", file.display()),
        "write it as it would be posted, such as {\"event\": \"TODO_CREATED\", \"projectId\": \"p\", \"currentValue\": {}}",
    )
}

/// A stored event as it could have been posted.
fn posted(event: Event) -> NewEvent {
    NewEvent {
        id: Some(event.id),
        event: event.event,
        company_id: event.company_id,
        project_id: event.project_id,
        user_id: event.user_id,
        occurred_at: Some(event.occurred_at),
        previous_value: Some(event.previous_value),
        current_value: Some(event.current_value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_of_the_catalogue_is_an_event_to_test_with() {
        assert_eq!(examples().unwrap().len(), 37);
    }

    #[test]
    fn examples_are_chosen_by_their_type_and_a_type_without_one_is_told() {
        assert_eq!(examples_of("TODO_MOVED").unwrap().len(), 1);
        assert!(examples_of("TODO_MOVE").unwrap_err().to_string().contains("\"TODO_MOVE\""));
    }

    #[test]
    fn the_examples_pointers_are_those_that_filters_declare() {
        let pointers = pointers();

        for pointer in [
            "/id",
            "/event",
            "/currentValue/done",
            "/previousValue/todoList/title",
            "/currentValue/todoTags/*/tag/title",
        ] {
            assert!(pointers.contains(pointer), "{pointer}");
        }
    }
}
