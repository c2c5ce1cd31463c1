//! An endpoint that answers again after an outage, with much that waits for it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

/// How many attempts begin in each second behind the success that ends the outage, until nothing waits; each takes as
/// many milliseconds as `latencies` says in turn.
fn seconds(waiting: usize, latencies: &[u64]) -> Vec<usize> {
    let recovered = start() + MINUTE;
    let mut standing = sick(start()).after(&good(recovered), &RULES);
    let (mut now, mut left, mut seconds) = (recovered, waiting, Vec::new());
    let mut under_way: BinaryHeap<Reverse<i64>> = BinaryHeap::new();
    let mut latencies = latencies.iter().cycle();
    while left > 0 {
        let is_held = held_until(&standing).is_some_and(|until| until > now);
        if !is_held && under_way.len() < ATTEMPTS_IN_FLIGHT_PER_WEBHOOK_MAX as usize {
            let took = Duration::from_millis(*latencies.next().unwrap());
            under_way.push(Reverse((now + took).as_millis()));
            left -= 1;
            let second = usize::try_from(now.since(recovered).as_secs()).unwrap();
            seconds.resize(seconds.len().max(second + 1), 0);
            seconds[second] += 1;
            continue;
        }
        let ends = under_way.peek().map(|Reverse(millis)| Timestamp::from_millis(*millis));
        let held = held_until(&standing).filter(|_| is_held);
        now = ends.into_iter().chain(held).min().unwrap();
        while under_way.peek().is_some_and(|Reverse(millis)| *millis == now.as_millis()) {
            under_way.pop();
            standing = standing.after(&good(now), &RULES);
        }
    }
    seconds
}

#[test]
fn ten_thousand_that_waited_take_a_minute_and_a_half_where_an_endpoint_answers_at_once() {
    let seconds = seconds(10_000, &[0]);

    let most = *seconds.iter().max().unwrap();
    assert!((85..105).contains(&seconds.len()), "{seconds:?}");
    assert!(most * 20 <= 10_000, "{most} in one second: {seconds:?}");
    assert!(seconds[0] <= 16, "{seconds:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However much has waited and however quickly an endpoint answers.
    #[test]
    fn no_second_after_an_outage_has_more_than_a_twentieth_of_what_waited(
        waiting in 2_000_usize..40_000, latencies in prop::collection::vec(0_u64..300, 1..20),
    ) {
        let seconds = seconds(waiting, &latencies);

        let most = *seconds.iter().max().unwrap();
        prop_assert!(most * 20 <= waiting, "{} of {} in one second: {:?}", most, waiting, seconds);
    }
}
