//! The checker finds what it is there to find. Run with the integration tests.

use super::*;

/// An arrival of event `number` at `path`, under this message id.
fn arrive(tally: &Tally, path: &str, number: usize, message: &str) -> Reply {
    let body = event::text("queue", number, 300);
    tally.arrive(&Arrival { path, message, body: body.as_bytes() })
}

/// One event that was acknowledged and arrived wherever it should.
fn delivered(number: usize) -> Tally {
    let tally = Tally::new(number + 1);
    tally.attempt(number);
    tally.acknowledge(number);
    for queue in QUEUES.iter().filter(|queue| (queue.gets)(number)) {
        arrive(&tally, queue.path, number, queue.path);
    }
    tally
}

#[test]
fn what_arrives_once_where_it_should_is_right() {
    assert_eq!(delivered(2).counts().faults(), [""; 0]);
    assert_eq!(delivered(3).counts().faults(), [""; 0]);
}

#[test]
fn what_does_not_arrive_is_lost_if_it_was_acknowledged() {
    let tally = Tally::new(2);
    tally.attempt(0);
    tally.attempt(1);
    tally.acknowledge(1);

    assert_eq!(tally.counts().faults(), ["/all: 1 lost", "/flaky: 1 lost"]);
}

#[test]
fn a_copy_that_was_not_taken_is_no_delivery() {
    let tally = Tally::new(21);
    tally.attempt(20);
    tally.acknowledge(20);

    assert_eq!(arrive(&tally, "/flaky", 20, "m"), Reply::Status(503));
    assert_eq!(tally.counts().queues[3].lost, 1);
    assert_eq!(arrive(&tally, "/flaky", 20, "m"), Reply::Status(200));
    assert_eq!((tally.counts().queues[3].lost, tally.counts().queues[3].duplicated), (0, 0));
}

#[test]
fn what_a_filter_holds_back_or_nobody_sent_is_unexpected() {
    let tally = delivered(3);
    arrive(&tally, "/half", 3, "m");
    arrive(&tally, "/none", 3, "m");
    arrive(&tally, "/all", 0, "m");
    arrive(&tally, "/elsewhere", 3, "m");

    let expected = ["anywhere: 1 stray", "/all: 1 unexpected", "/half: 1 unexpected", "/none: 1 unexpected"];
    assert_eq!(tally.counts().faults(), expected);
}

#[test]
fn a_second_copy_is_right_only_after_a_kill_and_under_the_same_message_id() {
    let without_kill = delivered(2);
    arrive(&without_kill, "/all", 2, "/all");
    let after_kill = delivered(2);
    after_kill.kill();
    arrive(&after_kill, "/all", 2, "/all");
    let renamed = delivered(2);
    renamed.kill();
    arrive(&renamed, "/all", 2, "another");

    assert_eq!(without_kill.counts().faults(), ["/all: 1 duplicated without a kill in between"]);
    assert_eq!(after_kill.counts().faults(), [""; 0]);
    assert_eq!(after_kill.counts().queues[0].duplicated, 1);
    assert_eq!(renamed.counts().faults(), ["/all: 1 under several message ids"]);
}

#[test]
fn one_kill_duplicates_no_more_than_what_can_be_under_way() {
    let events = DUPLICATES_OF_A_KILL_MAX as usize + 1;
    let tally = Tally::new(events);
    let arrivals = || {
        (0..events).for_each(|number| {
            arrive(&tally, "/all", number, &number.to_string());
        })
    };
    (0..events).for_each(|number| tally.attempt(number));
    arrivals();
    tally.kill();
    arrivals();

    let expected = ["/all: 1 duplicated by one kill beyond those that can be under way"];
    assert_eq!(tally.counts().faults(), expected);
}
