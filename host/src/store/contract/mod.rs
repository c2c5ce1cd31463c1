//! What every store must do, as tests that know only [`Store`](super::Store).
//!
//! A backend runs all of them with [`contract_tests!`], giving an expression that opens an empty store
//! and answers with it and whatever must outlive it.

pub(super) mod breaker;
pub(super) mod deliveries;
pub(super) mod events;
pub(super) mod fairness;
pub(super) mod filters;
pub(super) mod health;
pub(super) mod logs;
pub(super) mod model;
pub(super) mod people;
pub(super) mod queues;
pub(super) mod samples;
pub(super) mod webhooks;

/// One test for each claim of the contract.
macro_rules! contract_tests {
    ($open:expr) => {
        $crate::store::contract::contract_tests! { @each $open;
            people: a_user_is_known_once_it_was_put,
            people: a_project_is_kept_and_changed,
            people: only_a_known_user_joins_a_known_project,
            people: members_and_their_projects_are_those_that_were_added,
            people: who_joins_or_leaves_is_or_is_no_member_at_once,
            people: a_token_is_kept_and_revoked_once,
            people: a_put_token_replaces_the_one_with_the_same_id,
            people: only_a_valid_operator_token_counts_as_one,
            people: the_last_operator_token_is_not_revoked,
            people: event_types_are_listed_by_name_and_changed,
            events: an_event_is_accepted_once_and_another_with_its_id_conflicts,
            events: an_accepted_event_reads_back_as_it_was,
            events: events_are_claimed_oldest_first_and_by_one_claimant,
            events: a_lapsed_event_lease_is_claimed_again_under_a_larger_fence,
            events: a_released_event_is_free_when_it_was_said_and_its_fence_is_void,
            events: a_dispatched_event_has_its_verdicts_and_deliveries_and_is_not_claimed_again,
            events: a_lost_event_lease_writes_nothing,
            events: a_dispatch_that_cannot_be_written_leaves_the_event_claimed,
            events: a_claim_stops_when_its_events_weigh_too_much,
            webhooks: a_webhook_reads_back_as_it_was,
            webhooks: a_webhook_is_updated_only_from_the_version_that_was_read,
            webhooks: webhooks_are_listed_newest_first_in_pages_and_counted,
            webhooks: a_window_on_webhooks_has_what_was_asked_for_and_the_total,
            webhooks: changes_are_told_in_order_and_include_deletions,
            webhooks: a_deleted_webhook_is_gone_and_its_log_is_not,
            webhooks: a_webhook_that_is_deleted_while_an_event_is_decided_gets_nothing,
            webhooks: ten_thousand_webhooks_are_read_by_their_changes,
            filters: a_filter_and_its_bytes_read_back_as_they_were,
            filters: a_user_sees_bundled_filters_and_their_own,
            filters: a_filter_in_use_is_not_deleted,
            filters: bytes_stay_while_another_filter_has_them,
            filters: a_replaced_filter_leaves_the_bytes_that_a_webhook_runs,
            deliveries: a_claimed_delivery_has_all_that_an_attempt_needs,
            deliveries: a_delivery_belongs_to_one_claimant_until_its_lease_ends,
            deliveries: an_old_fence_records_no_attempt,
            deliveries: a_released_delivery_is_free_at_once_and_its_fence_is_void,
            deliveries: a_retry_is_due_when_it_was_scheduled,
            deliveries: a_finished_delivery_is_never_claimed_again,
            deliveries: deliveries_of_a_disabled_webhook_rest_until_it_is_enabled,
            deliveries: a_deleted_webhook_takes_the_lease_from_whoever_attempts,
            deliveries: the_snapshot_of_the_decision_stays_when_the_webhook_changes,
            deliveries: next_due_is_the_earliest_due_time_or_end_of_a_lease,
            deliveries: next_due_ignores_disabled_webhooks,
            deliveries: concurrent_claims_never_share_a_delivery,
            fairness: every_webhook_gets_a_first_attempt_before_any_gets_a_second,
            fairness: attempts_under_way_count_against_the_share,
            fairness: turns_go_round_where_there_is_no_room_for_everybody,
            fairness: the_oldest_deliveries_of_a_webhook_go_first,
            fairness: webhooks_that_fail_take_no_more_than_their_places,
            fairness: webhooks_that_fail_take_turns_beside_the_others,
            health: failures_in_a_row_make_a_webhook_unhealthy_and_a_success_heals_it,
            health: a_count_alone_is_not_a_change,
            health: an_endpoint_that_is_gone_disables_its_webhook,
            health: a_webhook_is_disabled_and_unhealthy_at_its_owners_wish,
            health: a_success_does_not_heal_a_disabled_webhook,
            health: an_edit_leaves_health_and_counts_as_they_are,
            health: filter_failures_are_told_when_they_begin_and_cease_to_count_as_failing,
            health: a_verdict_of_a_former_filter_is_not_counted,
            breaker: a_webhook_that_is_held_gets_no_attempt_before_its_hold_ends,
            breaker: an_unhealthy_webhook_has_one_attempt_under_way,
            breaker: a_success_frees_all_that_waited_behind_a_hold,
            breaker: what_an_endpoint_asks_for_holds_all_of_its_deliveries,
            breaker: attempts_that_end_at_once_are_all_counted,
            breaker: what_a_former_url_answered_is_not_held_against_the_new_one,
            breaker: enabling_a_webhook_begins_anew,
            breaker: a_webhook_whose_check_failed_is_changed_and_stays_disabled,
            breaker: each_change_of_health_is_one_event_of_the_operators_project,
            breaker: the_operators_own_webhooks_make_no_events,
            breaker: a_webhooks_secrets_and_next_attempts_are_told,
            logs: attempts_are_listed_in_their_order,
            logs: deliveries_are_listed_newest_first_by_state_and_time,
            logs: verdicts_are_listed_newest_first_by_outcome_and_time,
            logs: verdicts_on_an_event_are_those_of_the_owner_or_of_all,
            queues: what_waits_is_counted_with_its_age,
            queues: what_rests_or_is_not_due_does_not_count,
            logs: a_row_can_be_written_and_read_back,
        }
    };
    (@each $open:expr; $($room:ident: $test:ident,)*) => {$(
        #[tokio::test]
        async fn $test() {
            let (store, _kept) = $open;

            $crate::store::contract::$room::$test(store).await;
        }
    )*};
}
pub(super) use contract_tests;
