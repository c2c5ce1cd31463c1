//! What is listed of the events.

use std::sync::Arc;

use super::samples::{at, digest, event_of_type, page, project, user};
use crate::model::event::{Event, EventType, StoredEvent};
use crate::model::limits::{PAGE_EVENTS_EXAMINED_MAX, PAGE_VALUE_BYTES_MAX};
use crate::store::{EventQuery, EventScope, Page, Project, Store, User};

const ALL: EventQuery = EventQuery { scope: EventScope::All, event_types: Vec::new(), since: None, until: None };

async fn accept(store: &dyn Store, name: &str, event_type: &str, in_project: &str, second: i64) {
    let event = event_of_type(name, event_type);
    let event = Event { project_id: project(in_project), accepted_at: at(second), ..event };
    store.accept_event(Arc::new(event), digest(0)).await.unwrap();
}

/// Makes a user a member of projects.
async fn join(store: &dyn Store, name: &str, projects: &[&str]) {
    store.put_user(User { id: user(name), name: None }, at(0)).await.unwrap();
    for id in projects {
        store.put_project(Project { id: project(id), name: None, company_id: None }, at(0)).await.unwrap();
        store.add_member(&project(id), &user(name)).await.unwrap();
    }
}

fn names(page: &Page<StoredEvent>) -> Vec<&str> {
    page.items.iter().map(|stored| stored.event.id.as_str()).collect()
}

/// The names on every page, and how many pages there were.
async fn all_pages(store: &dyn Store, query: &EventQuery, items_max: u32) -> (Vec<String>, usize) {
    let (mut listed, mut pages, mut next) = (Vec::new(), 0, None);
    loop {
        let found = store.events(query.clone(), page(items_max, next)).await.unwrap();
        assert!(found.items.len() <= items_max as usize);
        listed.extend(names(&found).into_iter().map(str::to_owned));
        pages += 1;
        next = found.next;
        if next.is_none() {
            return (listed, pages);
        }
    }
}

pub(in crate::store) async fn events_are_listed_newest_first_in_pages(store: Arc<dyn Store>) {
    // Two at the same time, and one whose clock was behind.
    for (name, second) in [("a", 1), ("b", 3), ("c", 3), ("d", 2), ("e", 4)] {
        accept(&*store, name, "A", "p", second).await;
    }

    for items_max in 1..=6 {
        let (listed, pages) = all_pages(&*store, &ALL, items_max).await;

        assert_eq!(listed, ["e", "c", "b", "d", "a"], "{items_max} a page");
        assert_eq!(pages, 5_usize.div_ceil(items_max as usize));
    }
    let nowhere = store.events(ALL, page(9, Some(77))).await.unwrap();
    assert!(nowhere.items.is_empty() && nowhere.next.is_none());
}

pub(in crate::store) async fn events_are_listed_by_project_type_and_time(store: Arc<dyn Store>) {
    for (second, (name, event_type, in_project)) in
        [("a", "A", "p"), ("b", "B", "p"), ("c", "A", "q"), ("d", "A", "p")].into_iter().enumerate()
    {
        accept(&*store, name, event_type, in_project, second as i64).await;
    }
    let listed = async |query| all_pages(&*store, &query, 1).await.0;
    let of_project = EventQuery { scope: EventScope::Projects(vec![project("p")]), ..ALL };
    let of_type = |query| EventQuery { event_types: vec![EventType::parse("A").unwrap()], ..query };

    assert_eq!(listed(of_project.clone()).await, ["d", "b", "a"]);
    assert_eq!(listed(of_type(ALL)).await, ["d", "c", "a"]);
    assert_eq!(listed(of_type(of_project)).await, ["d", "a"]);
    assert_eq!(listed(EventQuery { since: Some(at(1)), until: Some(at(3)), ..ALL }).await, ["c", "b"]);
    assert_eq!(listed(EventQuery { since: Some(at(3)), ..ALL }).await, ["d"]);
    assert_eq!(listed(EventQuery { until: Some(at(1)), ..ALL }).await, ["a"]);
    assert!(listed(EventQuery { scope: EventScope::Projects(vec![project("r")]), ..ALL }).await.is_empty());
}

pub(in crate::store) async fn a_user_sees_the_events_of_the_projects_they_are_in_now(store: Arc<dyn Store>) {
    join(&*store, "u", &["p", "q"]).await;
    join(&*store, "v", &["r"]).await;
    for (number, in_project) in ["p", "q", "r"].into_iter().cycle().take(30).enumerate() {
        accept(&*store, &format!("e{number:02}"), "A", in_project, number as i64).await;
    }
    let of_user = |name| EventQuery { scope: EventScope::ProjectsOf(user(name)), ..ALL };
    let expected = |left_out: usize| (0..30).rev().filter(move |n| n % 3 != left_out).map(|n| format!("e{n:02}"));

    assert_eq!(all_pages(&*store, &of_user("u"), 7).await.0, expected(2).collect::<Vec<_>>());
    assert!(all_pages(&*store, &of_user("nobody"), 7).await.0.is_empty());
    store.remove_member(&project("q"), &user("u"), at(99)).await.unwrap();
    let left: Vec<_> = expected(2).filter(|name| name[1..].parse::<usize>().unwrap() % 3 == 0).collect();
    assert_eq!(all_pages(&*store, &of_user("u"), 7).await.0, left);
}

pub(in crate::store) async fn a_page_ends_early_when_its_events_weigh_too_much(store: Arc<dyn Store>) {
    let heavy = "x".repeat(PAGE_VALUE_BYTES_MAX / 2 + 1).into_boxed_str();
    for name in ["a", "b", "c"] {
        let event = Event { current_value: heavy.clone(), ..event_of_type(name, "A") };
        store.accept_event(Arc::new(event), digest(0)).await.unwrap();
    }

    let first = store.events(ALL, page(10, None)).await.unwrap();
    let second = store.events(ALL, page(10, first.next)).await.unwrap();

    assert_eq!((names(&first), names(&second)), (vec!["c", "b"], vec!["a"]));
    assert_eq!(second.next, None);
}

pub(in crate::store) async fn a_type_that_is_rare_is_found_over_several_pages(store: Arc<dyn Store>) {
    accept(&*store, "rare", "RARE", "p", 0).await;
    let often: Vec<_> = (0..PAGE_EVENTS_EXAMINED_MAX)
        .map(|number| (Arc::new(event_of_type(&format!("e{number}"), "OFTEN")), digest(0)))
        .collect();
    store.accept_events(often).await.unwrap();
    let rare = EventQuery { event_types: vec![EventType::parse("RARE").unwrap()], ..ALL };

    let first = store.events(rare.clone(), page(10, None)).await.unwrap();
    let second = store.events(rare, page(10, first.next)).await.unwrap();

    assert!(first.items.is_empty() && first.next.is_some());
    assert_eq!((names(&second), second.next), (vec!["rare"], None));
}
