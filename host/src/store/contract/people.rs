//! Users, projects, members, tokens and the operator's event types.

use std::collections::HashSet;
use std::sync::Arc;

use super::samples::{at, project, user};
use crate::model::event::EventType;
use crate::model::ids::CompanyId;
use crate::model::token::{Caller, Token};
use crate::store::{CustomEventType, Joined, Project, Revoked, Store, User};

pub(in crate::store) async fn a_user_is_known_once_it_was_put(store: Arc<dyn Store>) {
    assert!(!store.user_exists(&user("u1")).await.unwrap());

    for name in [None, Some("Renamed".to_owned())] {
        store.put_user(User { id: user("u1"), name }, at(0)).await.unwrap();
    }

    assert!(store.user_exists(&user("u1")).await.unwrap());
    assert!(!store.user_exists(&user("u2")).await.unwrap());
}

pub(in crate::store) async fn a_project_is_kept_and_changed(store: Arc<dyn Store>) {
    let first = Project { id: project("p"), name: None, company_id: Some(CompanyId::parse("c").unwrap()) };
    let second = Project { id: project("p"), name: Some("P".into()), company_id: None };

    for wanted in [first, second] {
        store.put_project(wanted.clone(), at(0)).await.unwrap();
        assert_eq!(store.project(&project("p")).await.unwrap(), Some(wanted));
    }
    assert_eq!(store.project(&project("q")).await.unwrap(), None);
}

pub(in crate::store) async fn only_a_known_user_joins_a_known_project(store: Arc<dyn Store>) {
    assert_eq!(store.add_member(&project("p"), &user("u")).await.unwrap(), Joined::NoProject);
    store.put_project(Project { id: project("p"), name: None, company_id: None }, at(0)).await.unwrap();
    assert_eq!(store.add_member(&project("p"), &user("u")).await.unwrap(), Joined::NoUser);
    store.put_user(User { id: user("u"), name: None }, at(0)).await.unwrap();

    assert_eq!(store.add_member(&project("p"), &user("u")).await.unwrap(), Joined::Member);
    assert_eq!(store.add_member(&project("p"), &user("u")).await.unwrap(), Joined::Member);
    assert!(store.remove_member(&project("p"), &user("u"), at(1)).await.unwrap());
    assert!(!store.remove_member(&project("p"), &user("u"), at(1)).await.unwrap());
}

pub(in crate::store) async fn members_and_their_projects_are_those_that_were_added(store: Arc<dyn Store>) {
    for name in ["p", "q", "r"] {
        store.put_project(Project { id: project(name), name: None, company_id: None }, at(0)).await.unwrap();
        store.put_user(User { id: user(name), name: None }, at(0)).await.unwrap();
    }
    for (in_project, who) in [("p", "p"), ("p", "q"), ("q", "q")] {
        store.add_member(&project(in_project), &user(who)).await.unwrap();
    }

    let members = store.members(&project("p")).await.unwrap();
    let projects = store.projects_among(&user("q"), &[project("q"), project("r"), project("p")]).await.unwrap();

    assert_eq!(*members, HashSet::from([user("p"), user("q")]));
    assert!(store.members(&project("elsewhere")).await.unwrap().is_empty());
    assert_eq!(projects, HashSet::from([project("p"), project("q")]));
}

pub(in crate::store) async fn who_joins_or_leaves_is_or_is_no_member_at_once(store: Arc<dyn Store>) {
    let (project, first, second) = (project("p"), user("u"), user("v"));
    store.put_project(Project { id: project.clone(), name: None, company_id: None }, at(0)).await.unwrap();
    for id in [&first, &second] {
        store.put_user(User { id: id.clone(), name: None }, at(0)).await.unwrap();
    }

    for _ in 0..3 {
        for (joins, leaves) in [(&first, &second), (&second, &first)] {
            store.add_member(&project, joins).await.unwrap();
            assert!(store.members(&project).await.unwrap().contains(joins));
            store.remove_member(&project, leaves, at(1)).await.unwrap();
            assert_eq!(*store.members(&project).await.unwrap(), HashSet::from([joins.clone()]));
        }
    }
}

fn token(id: &str, caller: Caller) -> Token {
    Token {
        id: id.to_owned(),
        caller,
        name: Some("CI".into()),
        secret_sha256: [7; 32],
        created_at: at(0),
        revoked_at: None,
    }
}

pub(in crate::store) async fn a_token_is_kept_and_revoked_once(store: Arc<dyn Store>) {
    let kept = token("t", Caller::User(user("u")));
    store.put_token(kept.clone()).await.unwrap();

    assert_eq!(store.token("t").await.unwrap(), Some(kept.clone()));
    assert_eq!(store.revoke_token("t", at(5)).await.unwrap(), Revoked::Revoked);
    assert_eq!(store.revoke_token("t", at(6)).await.unwrap(), Revoked::Missing);
    assert_eq!(store.revoke_token("other", at(6)).await.unwrap(), Revoked::Missing);
    assert_eq!(store.token("t").await.unwrap(), Some(Token { revoked_at: Some(at(5)), ..kept }));
    assert_eq!(store.token("other").await.unwrap(), None);
}

pub(in crate::store) async fn a_put_token_replaces_the_one_with_the_same_id(store: Arc<dyn Store>) {
    store.put_token(token("t", Caller::Operator)).await.unwrap();
    let other = Token { secret_sha256: [8; 32], name: None, ..token("t", Caller::Operator) };
    assert!(store.token("t").await.unwrap().is_some());

    store.put_token(other.clone()).await.unwrap();

    assert_eq!(store.token("t").await.unwrap(), Some(other));
}

pub(in crate::store) async fn only_a_valid_operator_token_counts_as_one(store: Arc<dyn Store>) {
    store.put_token(token("t", Caller::User(user("u")))).await.unwrap();
    assert!(!store.has_operator_token().await.unwrap());

    let revoked = Token { revoked_at: Some(at(1)), ..token("operator", Caller::Operator) };
    store.put_token(revoked).await.unwrap();
    assert!(!store.has_operator_token().await.unwrap());

    store.put_token(token("operator", Caller::Operator)).await.unwrap();
    assert!(store.has_operator_token().await.unwrap());
}

pub(in crate::store) async fn the_last_operator_token_is_not_revoked(store: Arc<dyn Store>) {
    store.put_token(token("user", Caller::User(user("u")))).await.unwrap();
    for id in ["one", "two", "three"] {
        store.put_token(token(id, Caller::Operator)).await.unwrap();
    }
    store.put_token(Token { revoked_at: Some(at(1)), ..token("former", Caller::Operator) }).await.unwrap();

    // At once, as several operators would.
    let (one, two, three) = tokio::join!(
        store.revoke_token("one", at(2)),
        store.revoke_token("two", at(2)),
        store.revoke_token("three", at(2))
    );

    let mut outcomes = [one.unwrap(), two.unwrap(), three.unwrap()];
    outcomes.sort_by_key(|outcome| *outcome == Revoked::LastOperator);
    assert_eq!(outcomes, [Revoked::Revoked, Revoked::Revoked, Revoked::LastOperator]);
    assert!(store.has_operator_token().await.unwrap());
    assert_eq!(store.revoke_token("user", at(3)).await.unwrap(), Revoked::Revoked);
}

fn event_type(name: &str, description: &str) -> CustomEventType {
    CustomEventType {
        name: EventType::parse(name).unwrap(),
        description: description.to_owned(),
        group: "Billing".into(),
        example: None,
        schema: None,
    }
}

pub(in crate::store) async fn event_types_are_listed_by_name_and_changed(store: Arc<dyn Store>) {
    let whole = |name, description| CustomEventType {
        example: Some(r#"{"event":"A"}"#.into()),
        schema: Some(r#"{"type":"object"}"#.into()),
        ..event_type(name, description)
    };

    for put in [whole("B", "b"), whole("A", "a"), event_type("B", "c")] {
        assert!(store.put_event_type(put, 9).await.unwrap());
    }

    assert_eq!(store.event_types().await.unwrap(), [whole("A", "a"), event_type("B", "c")]);
    assert_eq!(store.event_type(&EventType::parse("A").unwrap()).await.unwrap(), Some(whole("A", "a")));
    assert_eq!(store.event_type(&EventType::parse("C").unwrap()).await.unwrap(), None);
    assert_eq!(store.event_type_names().await.unwrap(), ["A", "B"].map(|name| EventType::parse(name).unwrap()));
    for (name, is_there) in [("A", true), ("B", true), ("C", false)] {
        assert_eq!(store.event_type_exists(&EventType::parse(name).unwrap()).await.unwrap(), is_there, "{name}");
    }
}

pub(in crate::store) async fn one_event_type_too_many_is_not_added_and_those_there_can_be_changed(
    store: Arc<dyn Store>,
) {
    for (name, description, is_put) in [("A", "a", true), ("B", "b", true), ("C", "c", false), ("A", "d", true)] {
        assert_eq!(store.put_event_type(event_type(name, description), 2).await.unwrap(), is_put, "{name}");
    }

    assert_eq!(store.event_types().await.unwrap(), [event_type("A", "d"), event_type("B", "b")]);
}
