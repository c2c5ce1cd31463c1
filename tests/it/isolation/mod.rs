//! Nobody reaches what is somebody else's: every route of the router with every kind of caller.
//!
//! The rows are declared in [`rows`], the routes come from the document that the router makes: a route without
//! a row fails, and so does a row without a route. Each caller's answer follows from the row. What is not the
//! caller's answers byte for byte, headers included, as what is not there, whatever the id looks like; and
//! a refused call says the same about an id that exists as about one that does not.

pub mod document;
mod graphql;
pub mod rows;
mod world;

use document::Document;
use rows::{NO_REFERENCES, REFERENCES, ROWS, Row, UNDOCUMENTED, Who};
use world::{Answer, Caller, PRIVATE, SHARED, Thing, World};

/// What a caller is to get from a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Success,
    Unauthenticated,
    Unauthorized,
    NotFound,
}

fn expected(row: &Row, caller: Caller) -> Expected {
    let has_role = match row.who {
        Who::Anyone => return Expected::Success,
        Who::Operators => caller == Caller::Operator,
        Who::Users => caller.is_user(),
        Who::Both => true,
    };
    if !caller.is_authenticated() {
        return Expected::Unauthenticated;
    }
    if !has_role {
        return Expected::Unauthorized;
    }
    let gets_it = match caller {
        Caller::Owner => true,
        Caller::Operator => row.is_operators_too || row.who == Who::Operators,
        Caller::Fellow => row.is_members_too,
        _ => false,
    };
    if row.of.is_none() || gets_it { Expected::Success } else { Expected::NotFound }
}

/// Ids that no thing has: one of the same form as `id`, and one that is called so.
fn missing(id: &str) -> [String; 2] {
    let last = if id.ends_with('0') { "1" } else { "0" };
    [format!("{}{last}", &id[..id.len() - 1]), "no-such-id".to_owned()]
}

/// Ids that no thing has: one of the same form as `id`, and forms that no id has.
fn missing_ids(id: &str) -> Vec<String> {
    let (head, last) = id.split_at(id.len() - 1);
    let like_it = format!("{head}{}", if last == "0" { "1" } else { "0" });
    let mut missing: Vec<String> =
        ["no-such-id", "0", "%00", "%20", "..%2f..", "%C3%A9", "wh_%27--"].map(str::to_owned).into();
    missing.extend([like_it, format!("{id}0"), "x".repeat(300)]);
    missing
}

fn assert_refused(answer: &Answer, expected: Expected, row: &Row, at: &str) {
    let problem = answer.problem();
    let (status, code) = match expected {
        Expected::Unauthenticated => (401, "UNAUTHENTICATED"),
        Expected::Unauthorized => (403, "UNAUTHORIZED"),
        Expected::NotFound => (404, row.of.map_or("", Thing::missing_code)),
        Expected::Success => panic!("{at}: {answer:?}"),
    };
    assert_eq!((problem.status, problem.code.as_str()), (status, code), "{at}: {problem:?}");
    let remedy = match (expected, row.who) {
        (Expected::Unauthenticated, _) => "Authorization: Bearer",
        (Expected::Unauthorized, Who::Users) => "user's token",
        (Expected::Unauthorized, _) => "operator's token",
        _ => "not found",
    };
    assert!(problem.detail.contains(remedy), "{at}: {problem:?}");
}

/// Nothing that is the owner's own is in an answer to anybody else, and the marks are where they must be.
fn assert_marks(answer: &Answer, row: &Row, caller: Caller, at: &str) {
    let everything = format!("{:?}{}", answer.headers, answer.body);
    if caller == Caller::Owner {
        let mark = if row.is_members_too { SHARED } else { PRIVATE };
        assert_eq!(row.is_list, row.is_list && everything.contains(mark), "{at}: {everything}");
        return;
    }
    assert!(!everything.contains(PRIVATE), "{at}: {everything}");
    let is_members = matches!(caller, Caller::Fellow | Caller::Operator);
    assert!(is_members || !everything.contains(SHARED), "{at}: {everything}");
}

#[tokio::test]
async fn every_route_answers_every_caller_as_its_row_declares() {
    let world = World::start().await;
    let (mut calls, mut missing_calls) = (0, 0);

    for row in ROWS {
        let id = match row.of {
            Some(thing) => world.make(thing, Caller::Owner).await,
            None => "an-id".to_owned(),
        };
        let before = world.what_is_the_owners().await;
        let mut without_token = None;
        for caller in Caller::ALL {
            let at = format!("{} by {caller:?}", row.route);
            let expected = expected(row, caller);
            if caller == Caller::Owner {
                let is_unchanged = world.what_is_the_owners().await == before;
                assert!(is_unchanged, "{}: others changed what is the owner's", row.route);
            }

            let answer = world.ask(caller, row.method(), &row.path(&id), row.body).await;

            calls += 1;
            assert_marks(&answer, row, caller, &at);
            if expected == Expected::Success {
                assert_eq!(answer.status, row.status, "{at}: {}", answer.body);
                continue;
            }
            assert_refused(&answer, expected, row, &at);
            if expected == Expected::Unauthenticated {
                assert_eq!(&answer, without_token.get_or_insert_with(|| answer.clone()), "{at}");
            }
            for missing in missing_ids(&id).iter().filter(|_| row.of.is_some()) {
                let other = world.ask(caller, row.method(), &row.path(missing), row.body).await;
                missing_calls += 1;
                assert_eq!(other, answer, "{at}: {missing}");
            }
        }
    }

    println!(
        "isolation matrix, REST: {} routes x {} callers = {calls} answers as declared; \
         {missing_calls} answers for ids that are not there, byte for byte the same",
        ROWS.len(),
        Caller::ALL.len()
    );
}

#[tokio::test]
async fn every_route_has_a_row_and_every_row_a_route() {
    let document = Document::at(&World::start().await.app.url("")).await;

    let mut rows: Vec<&str> = ROWS.iter().map(|row| row.route).collect();
    rows.sort_unstable();

    assert_eq!(document.routes(), rows, "see tests/it/isolation/rows.rs");
}

#[test]
fn no_route_is_hidden_from_the_document() {
    let declared: Vec<&str> = UNDOCUMENTED.iter().map(|(path, _)| *path).collect();

    assert_eq!(document::paths_routed_by_hand(), declared);
}

#[tokio::test]
async fn every_member_of_a_body_that_names_a_thing_is_declared() {
    let document = Document::at(&World::start().await.app.url("")).await;

    let users = ROWS.iter().filter(|row| matches!(row.who, Who::Users | Who::Both));
    let mut found: Vec<(&str, String)> = users
        .flat_map(|row| {
            document.members_that_look_like_references(row.route).into_iter().map(|member| (row.route, member))
        })
        .collect();
    found.sort_unstable();

    let declared = REFERENCES.iter().map(|reference| (reference.route, reference.member));
    let not_ones = NO_REFERENCES.iter().map(|(route, member, _)| (*route, *member));
    let mut declared: Vec<_> = declared.chain(not_ones).map(|(route, member)| (route, member.to_owned())).collect();
    declared.sort_unstable();
    assert_eq!(found, declared, "see tests/it/isolation/rows.rs");
}

#[tokio::test]
async fn a_body_that_names_what_is_somebody_elses_answers_like_one_that_names_nothing() {
    let world = World::start().await;
    let mut calls = 0;

    for reference in REFERENCES {
        let id = world.make(reference.of, Caller::Owner).await;
        let row = ROWS.iter().find(|row| row.route == reference.route).expect("the route has a row");
        for caller in [Caller::Stranger, Caller::Fellow, Caller::Owner] {
            let own = match reference.own {
                Some(thing) => world.make(thing, caller).await,
                None => String::new(),
            };
            let path = row.path(&own);
            let ask = |id: &str| {
                let query = reference.member.strip_prefix('?').map(|name| format!("?{name}={id}")).unwrap_or_default();
                let (path, body, world) = (format!("{path}{query}"), reference.body.replace("{}", id), &world);
                async move { world.ask_json(caller, row.method(), &path, body).await }
            };
            let at = format!("{} {} by {caller:?}", reference.route, reference.member);

            let answer = ask(&id).await;

            calls += 1;
            let is_members = matches!(reference.of, Thing::Event | Thing::Project);
            if caller == Caller::Owner || (caller == Caller::Fellow && is_members) {
                assert_eq!(answer.status, row.status, "{at}: {}", answer.body);
                continue;
            }
            assert_eq!(answer.status, reference.refused, "{at}: {}", answer.body);
            for missing in missing(&id) {
                calls += 1;
                assert_eq!(ask(&missing).await, answer, "{at}: {missing}");
            }
        }
    }

    println!("isolation matrix, bodies: {} members that name a thing, {calls} answers as declared", REFERENCES.len());
}

#[tokio::test]
async fn a_cursor_of_somebody_elses_list_shows_nothing_of_theirs() {
    let world = World::start().await;
    for _ in 0..2 {
        world.make(Thing::Webhook, Caller::Owner).await;
        world.make(Thing::Filter, Caller::Owner).await;
    }
    let owner = world.client(Caller::Owner);
    let one = hooksieve::wire::PageQuery { limit: Some(1), cursor: None };
    let cursors = [
        ("/v1/webhooks", owner.list_webhooks(&one).await.unwrap().next_cursor.unwrap()),
        ("/v1/filters", owner.list_filters(&one).await.unwrap().next_cursor.unwrap()),
    ];

    for (path, cursor) in cursors {
        let path = format!("{path}?cursor={cursor}");
        let theirs = world.ask(Caller::Owner, "GET", &path, rows::Body::Nothing).await;
        let others = world.ask(Caller::Stranger, "GET", &path, rows::Body::Nothing).await;

        assert!(theirs.body.contains(PRIVATE), "{path}: {}", theirs.body);
        assert!(others.status == 200 && !others.body.contains(PRIVATE), "{path}: {}", others.body);
    }
}
