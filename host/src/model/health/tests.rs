mod machine;
mod recovery;

use proptest::prelude::*;

use super::*;

fn start() -> Timestamp {
    Timestamp::from_millis(1_669_893_789_000)
}
const MINUTE: Duration = Duration::from_secs(60);
const RULES: Rules = Rules::STANDARD;

fn fresh() -> Standing {
    Standing { is_enabled: true, health: Health::Healthy, failures_in_a_row: 0, trouble: Trouble::default() }
}

fn failure(at: Timestamp) -> Failure {
    Failure { error: AttemptError::Status, status: Some(500), detail: None, at }
}

fn good(at: Timestamp) -> Answer {
    Answer { failure: None, started_at: at, at, is_gone: false, is_exhausted: false, asked_until: None, jitter: 0.0 }
}

fn bad(at: Timestamp) -> Answer {
    Answer { failure: Some(failure(at)), ..good(at) }
}

/// UNHEALTHY since `at`, by five attempts.
fn sick(at: Timestamp) -> Standing {
    (0..FAILURES_UNTIL_UNHEALTHY).fold(fresh(), |standing, _| standing.after(&bad(at), &RULES))
}

fn held_until(standing: &Standing) -> Option<Timestamp> {
    standing.trouble.hold.map(|hold| hold.until)
}

#[test]
fn the_fifth_failure_in_a_row_makes_a_webhook_unhealthy_and_holds_it() {
    let four = (0..4).fold(fresh(), |standing, _| standing.after(&bad(start()), &RULES));

    let five = four.after(&bad(start() + MINUTE), &RULES);

    assert_eq!((four.health, &four.trouble.hold, four.failures_in_a_row), (Health::Healthy, &None, 4));
    assert_eq!((five.health, five.failures_in_a_row), (Health::Unhealthy, 5));
    assert_eq!(five.trouble.failing_since, Some(start()));
    assert_eq!(five.trouble.unhealthy_since, Some(start() + MINUTE));
    assert_eq!(held_until(&five), Some(start() + MINUTE + PROBE_INTERVALS[0]));
    assert_eq!(five.reason().unwrap(), "failed attempts in a row: 5; the last one: the endpoint answered 500");
}

#[test]
fn an_exhausted_schedule_makes_a_webhook_unhealthy_at_once() {
    let exhausted = fresh().after(&Answer { is_exhausted: true, ..bad(start()) }, &RULES);

    assert_eq!((exhausted.health, exhausted.failures_in_a_row), (Health::Unhealthy, 1));
    assert!(exhausted.trouble.hold.is_some());
}

#[test]
fn the_pauses_between_probes_grow_to_a_cap() {
    let (mut standing, mut pauses, mut now) = (sick(start()), Vec::new(), start());
    for _ in 0..7 {
        let until = held_until(&standing).unwrap();
        pauses.push(until.since(now));
        now = until;
        standing = standing.after(&bad(now), &RULES);
    }

    let mut wanted = PROBE_INTERVALS.to_vec();
    wanted.extend([PROBE_INTERVALS[4]; 2]);
    assert_eq!(pauses, wanted);
}

#[test]
fn attempts_that_began_before_the_hold_lengthen_no_pause_but_are_counted() {
    let five = sick(start());

    let late = Answer { started_at: start() - MINUTE, ..bad(start() + Duration::from_secs(1)) };
    let eight = (0..3).fold(five.clone(), |standing, _| standing.after(&late, &RULES));

    assert_eq!((held_until(&eight), eight.trouble.failed_probes), (held_until(&five), 1));
    assert_eq!(eight.failures_in_a_row, 8);
}

#[test]
fn a_success_ends_all_trouble_and_has_the_endpoint_spared_for_a_while() {
    let recovered = start() + MINUTE;

    let well = sick(start()).after(&good(recovered), &RULES);
    let later = recovered + RECOVERY_TIME;

    let hold = well.trouble.hold.unwrap();
    assert_eq!(hold.until.since(recovered), Duration::from_millis(801));
    let trouble = Trouble { recovered_at: Some(recovered), hold: Some(hold), ..Trouble::default() };
    assert_eq!(well, Standing { trouble, ..fresh() });
    assert_eq!(well.after(&good(later), &RULES), fresh());
    assert_eq!(well.after(&good(start()), &RULES), fresh(), "the clock was set back");
}

#[test]
fn an_endpoint_that_answers_is_held_back_by_nothing() {
    let four = (0..4).fold(fresh(), |standing, _| standing.after(&bad(start()), &RULES));

    assert_eq!(fresh().after(&good(start()), &RULES), fresh());
    assert_eq!(four.after(&good(start()), &RULES), fresh());
}

#[test]
fn what_an_endpoint_asks_for_counts_while_it_is_spared_and_a_new_failure_ends_the_sparing() {
    let well = sick(start()).after(&good(start() + MINUTE), &RULES);
    let asked_until = Some(start() + 3 * MINUTE);

    let asked = well.after(&Answer { asked_until, ..bad(start() + MINUTE) }, &RULES);
    let answered = asked.after(&good(start() + MINUTE), &RULES);
    let sick = (0..5).fold(well.clone(), |standing, _| standing.after(&bad(start() + 2 * MINUTE), &RULES));

    let hold = Hold { until: start() + 3 * MINUTE, reason: HoldReason::RetryAfter };
    assert_eq!((asked.trouble.hold, answered.trouble.hold), (Some(hold), Some(hold)));
    assert_eq!((sick.health, sick.trouble.recovered_at), (Health::Unhealthy, None));
    assert_eq!(well.edited(true, true).trouble, Trouble::default());
}

#[test]
fn what_an_endpoint_asked_for_outlasts_a_success_that_began_before() {
    let asked = Answer { asked_until: Some(start() + MINUTE), ..bad(start()) };
    let held = fresh().after(&asked, &RULES);

    let soon = held.after(&good(start() + Duration::from_secs(1)), &RULES);
    let later = held.after(&good(start() + MINUTE), &RULES);

    let hold = Hold { until: start() + MINUTE, reason: HoldReason::RetryAfter };
    assert_eq!((held.trouble.hold, soon.trouble.hold, later.trouble.hold), (Some(hold), Some(hold), None));
    assert_eq!((soon.health, soon.failures_in_a_row), (Health::Healthy, 0));
}

#[test]
fn the_longer_of_two_holds_counts() {
    let hour = start() + 60 * MINUTE;
    let asked = |until| Answer { asked_until: Some(until), ..bad(start()) };

    let long = sick(start()).after(&asked(hour), &RULES);
    let short = sick(start()).after(&asked(start() + Duration::from_secs(1)), &RULES);

    assert_eq!(long.trouble.hold, Some(Hold { until: hour, reason: HoldReason::RetryAfter }));
    assert_eq!(short.trouble.hold.unwrap().reason, HoldReason::Unhealthy);
}

#[test]
fn an_endpoint_that_is_gone_is_disabled_at_once() {
    let gone = fresh().after(&Answer { is_gone: true, ..bad(start()) }, &RULES);

    assert_eq!((gone.is_enabled, gone.health, gone.trouble.hold), (false, Health::Unhealthy, None));
    assert_eq!(gone.trouble.disabled, Some(DisabledReason::Gone));
}

#[test]
fn five_days_of_unbroken_failure_disable_a_webhook_and_a_moment_less_does_not() {
    let almost = sick(start()).after(&bad(start() + DISABLED_AFTER - Duration::from_millis(1)), &RULES);
    let long = sick(start()).after(&bad(start() + DISABLED_AFTER), &RULES);
    let broken = sick(start()).after(&good(start() + MINUTE), &RULES);
    let later = (0..9).fold(broken, |standing, _| standing.after(&bad(start() + DISABLED_AFTER), &RULES));

    assert!(almost.is_enabled);
    assert_eq!((long.is_enabled, long.trouble.disabled), (false, Some(DisabledReason::Failing)));
    assert!(long.reason().unwrap().starts_with("disabled after 5 days"), "{:?}", long.reason());
    assert!(later.is_enabled, "a success in between");
}

#[test]
fn what_ends_after_a_webhook_was_disabled_changes_its_count_alone() {
    let disabled = sick(start()).disabled_by_owner(start());

    let failed = disabled.after(&Answer { is_gone: true, ..bad(start() + MINUTE) }, &RULES);
    let succeeded = failed.after(&good(start() + MINUTE), &RULES);

    assert_eq!(failed.trouble.disabled, Some(DisabledReason::Owner));
    assert_eq!((failed.failures_in_a_row, succeeded.failures_in_a_row), (6, 0));
    assert_eq!((succeeded.is_enabled, succeeded.health), (false, Health::Unhealthy));
}

#[test]
fn disabling_keeps_the_first_reason_and_enabling_begins_anew() {
    let gone = fresh().after(&Answer { is_gone: true, ..bad(start()) }, &RULES);

    assert_eq!(gone.disabled_by_owner(start() + MINUTE), gone);
    assert_eq!(gone.edited(true, false), fresh());
    let patched = fresh().edited(false, false);
    assert_eq!((patched.health, patched.trouble.disabled), (Health::Healthy, Some(DisabledReason::Owner)));
    assert_eq!(patched.disabled_by_owner(start()).health, Health::Unhealthy);
}

#[test]
fn another_url_ends_hold_and_counts_and_leaves_the_status_to_the_next_attempt() {
    let moved = sick(start()).edited(true, true);

    assert_eq!((moved.health, moved.failures_in_a_row, moved.trouble.hold), (Health::Unhealthy, 0, None));
    assert_eq!((moved.trouble.failing_since, moved.trouble.failed_probes), (None, 0));
    let failed = moved.after(&bad(start() + MINUTE), &RULES);
    assert_eq!(held_until(&failed), Some(start() + MINUTE + PROBE_INTERVALS[0]));
    let well = moved.after(&good(start() + MINUTE), &RULES);
    assert_eq!((well.health, well.trouble.recovered_at), (Health::Healthy, Some(start() + MINUTE)));
}

#[test]
fn a_failed_health_check_leaves_a_webhook_disabled_and_says_why() {
    let refused = fresh().edited(false, false).check_failed(failure(start()));

    assert_eq!((refused.is_enabled, refused.health), (false, Health::Unhealthy));
    assert_eq!(refused.trouble.disabled, Some(DisabledReason::HealthCheck));
    assert!(refused.reason().unwrap().ends_with("did not answer the health check: the endpoint answered 500"));
}

/// An attempt under way, and how it is going to end.
#[derive(Clone, Debug)]
struct Plan {
    is_failure: bool,
    is_exhausted: bool,
    took_secs: u64,
    rest_secs: u64,
    asked_secs: Option<u64>,
    jitter: f64,
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let plan = (
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.05),
        0_u64..30,
        0_u64..400,
        prop::option::weighted(0.1, 1_u64..90_000),
        0.0..=1.0,
    );
    let plan = plan.prop_map(|(is_failure, is_exhausted, took_secs, rest_secs, asked_secs, jitter)| Plan {
        is_failure,
        is_exhausted,
        took_secs,
        rest_secs,
        asked_secs,
        jitter,
    });
    prop::collection::vec(plan, 1..80)
}

proptest! {
    /// A sender that keeps the rules: no attempt before the hold ends, and one after the other.
    #[test]
    fn whatever_an_endpoint_answers_it_is_left_alone_as_long_as_it_should(plans in plans()) {
        let (mut standing, mut now, mut failures) = (fresh(), start(), 0);
        let mut probes = Vec::new();
        for plan in plans {
            now = now + Duration::from_secs(plan.rest_secs);
            now = held_until(&standing).map_or(now, |until| until.max(now));
            if standing.health == Health::Unhealthy {
                probes.push(now);
            } else {
                probes.clear();
            }
            let (started_at, at) = (now, now + Duration::from_secs(plan.took_secs));
            let asked_until = plan.asked_secs.map(|secs| at + Duration::from_secs(secs));
            let answer = Answer {
                failure: plan.is_failure.then(|| failure(at)),
                started_at,
                is_exhausted: plan.is_exhausted,
                asked_until,
                jitter: plan.jitter,
                ..good(at)
            };
            let before = standing.clone();
            standing = standing.after(&answer, &RULES);
            now = at;

            if standing.is_sound() {
                prop_assert_eq!(&standing.after(&good(at), &RULES), &standing);
            }
            failures = if plan.is_failure { failures + 1 } else { 0 };
            prop_assert_eq!(standing.failures_in_a_row, failures);
            let is_sick = standing.health == Health::Unhealthy;
            prop_assert_eq!(is_sick, standing.trouble.unhealthy_since.is_some());
            prop_assert!(!is_sick || plan.is_failure);
            prop_assert!(is_sick || failures < FAILURES_UNTIL_UNHEALTHY);
            prop_assert!(standing.trouble.hold.is_some() || !is_sick || !standing.is_enabled);
            prop_assert_eq!(standing.reason().is_some(), is_sick);
            if let (true, Some(asked)) = (plan.is_failure && standing.is_enabled, asked_until) {
                prop_assert!(held_until(&standing) >= Some(asked));
            }
            if !standing.is_enabled {
                prop_assert!(at.since(before.trouble.failing_since.unwrap()) >= DISABLED_AFTER);
                break;
            }
        }
        for (pair, place) in probes.windows(2).zip(1..) {
            let interval = PROBE_INTERVALS[PROBE_INTERVALS.len().min(place + 1) - 1];
            prop_assert!(pair[1].since(pair[0]) >= interval, "{pair:?} at {place}");
        }
    }

    /// Attempts that end at the same moment leave the same behind, whatever their order.
    #[test]
    fn failures_that_end_at_once_are_all_counted_and_pause_once(count in 1_u32..20, before in 0_u32..5) {
        let begun = (0..before).fold(fresh(), |standing, _| standing.after(&bad(start()), &RULES));

        let at = start() + MINUTE;
        let late = Answer { started_at: start(), ..bad(at) };
        let ended = (0..count).fold(begun, |standing, _| standing.after(&late, &RULES));

        prop_assert_eq!(ended.failures_in_a_row, before + count);
        let is_sick = before + count >= FAILURES_UNTIL_UNHEALTHY;
        prop_assert_eq!(held_until(&ended), is_sick.then(|| at + PROBE_INTERVALS[0]));
        prop_assert_eq!(ended.trouble.failed_probes, u32::from(is_sick));
    }
}
