//! What every store must do, as tests that know only [`Store`](super::Store).
//!
//! A backend runs all of them with [`contract_tests!`], giving an expression that opens an empty store
//! and answers with it and whatever must outlive it.

pub(super) mod breaker;
pub(super) mod deliveries;
pub(super) mod event_list;
pub(super) mod events;
pub(super) mod fairness;
pub(super) mod filters;
pub(super) mod health;
pub(super) mod leftovers;
pub(super) mod logs;
pub(super) mod model;
pub(super) mod people;
pub(super) mod queues;
pub(super) mod replays;
pub(super) mod resends;
pub(super) mod retention;
pub(super) mod samples;
pub(super) mod secrets;
pub(super) mod shadows;
pub(super) mod stats;
pub(super) mod tests_of_webhooks;
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
            people: one_event_type_too_many_is_not_added_and_those_there_can_be_changed,
            events: an_event_is_accepted_once_and_another_with_its_id_conflicts,
            events: an_accepted_event_reads_back_as_it_was,
            events: events_are_claimed_oldest_first_and_by_one_claimant,
            events: a_lapsed_event_lease_is_claimed_again_under_a_larger_fence,
            events: a_released_event_is_free_when_it_was_said_and_its_fence_is_void,
            events: a_dispatched_event_has_its_verdicts_and_deliveries_and_is_not_claimed_again,
            events: a_lost_event_lease_writes_nothing,
            events: a_dispatch_that_cannot_be_written_leaves_the_event_claimed,
            events: a_claim_stops_when_its_events_weigh_too_much,
            events: events_are_accepted_together_each_with_its_own_answer,
            event_list: events_are_listed_newest_first_in_pages,
            event_list: events_are_listed_by_project_type_and_time,
            event_list: a_user_sees_the_events_of_the_projects_they_are_in_now,
            event_list: a_page_ends_early_when_its_events_weigh_too_much,
            event_list: a_type_that_is_rare_is_found_over_several_pages,
            webhooks: a_webhook_reads_back_as_it_was,
            webhooks: a_webhook_is_updated_only_from_the_version_that_was_read,
            webhooks: webhooks_are_listed_newest_first_in_pages_and_counted,
            webhooks: a_window_on_webhooks_has_what_was_asked_for_and_the_total,
            webhooks: changes_are_told_in_order_and_include_deletions,
            webhooks: a_deleted_webhook_is_gone_and_its_log_is_not,
            webhooks: a_webhook_that_is_deleted_while_an_event_is_decided_gets_nothing,
            webhooks: ten_thousand_webhooks_are_read_by_their_changes,
            secrets: a_rotated_secret_signs_first_and_the_one_before_until_its_end,
            secrets: a_second_rotation_leaves_the_ends_of_the_first,
            secrets: no_more_secrets_sign_than_may_until_one_ends,
            secrets: the_present_secret_is_no_new_one_and_a_former_one_comes_back_once,
            secrets: secrets_that_sign_no_more_are_forgotten,
            secrets: a_webhook_that_is_gone_has_no_secret_to_rotate,
            secrets: clients_that_rotate_at_once_all_get_a_secret_that_signs_or_a_refusal,
            tests_of_webhooks: a_test_is_marked_from_its_event_to_its_delivery,
            tests_of_webhooks: what_was_posted_is_no_test,
            tests_of_webhooks: a_webhook_is_tested_no_more_than_it_may_be,
            tests_of_webhooks: a_webhook_that_is_gone_is_not_tested,
            tests_of_webhooks: a_test_is_in_no_list_of_events,
            filters: a_filter_and_its_bytes_read_back_as_they_were,
            filters: a_user_sees_bundled_filters_and_their_own,
            filters: bytes_belong_to_who_uploaded_them_first_unless_they_are_shared,
            filters: a_users_filters_are_counted_and_weighed,
            filters: a_filter_in_use_is_not_deleted,
            filters: a_webhook_does_not_take_a_filter_that_is_gone,
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
            resends: a_delivery_that_was_given_up_is_due_again_with_its_attempts_and_a_new_schedule,
            resends: an_attempt_that_is_due_later_is_made_now,
            resends: what_cannot_be_retried_says_why_and_stays_as_it_is,
            resends: what_was_canceled_when_its_owner_left_is_sent_when_they_are_back,
            resends: the_log_of_a_delivery_that_is_retried_for_ever_has_an_end,
            replays: a_replay_takes_up_what_it_is_for_and_a_few_at_a_time,
            replays: a_replay_is_for_a_time_and_not_for_tests,
            replays: a_step_makes_due_what_it_takes_up_and_is_written_once,
            replays: what_was_decided_anew_is_owed_and_says_when_it_was_decided_first,
            replays: what_changed_since_a_step_was_read_is_not_sent_again,
            replays: one_replay_of_a_webhook_goes_on_and_a_few_of_an_owner,
            replays: the_newest_replays_of_a_webhook_are_kept_and_listed,
            replays: a_replay_has_room_beside_what_is_due_and_rests_with_its_webhook,
            replays: a_step_of_a_canceled_replay_writes_nothing,
            fairness: the_next_of_a_webhook_is_claimed_as_by_a_claim,
            fairness: there_is_no_next_while_others_wait_for_a_place,
            fairness: of_a_webhook_of_which_little_good_is_known_there_is_no_next,
            fairness: every_webhook_gets_a_first_attempt_before_any_gets_a_second,
            fairness: attempts_under_way_count_against_the_share,
            fairness: turns_go_round_where_there_is_no_room_for_everybody,
            fairness: the_oldest_deliveries_of_a_webhook_go_first,
            fairness: webhooks_that_fail_take_no_more_than_their_places,
            fairness: webhooks_that_fail_take_turns_beside_the_others,
            fairness: webhooks_that_were_never_delivered_to_leave_places_to_those_that_were,
            fairness: a_webhook_with_another_url_was_not_delivered_to,
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
            breaker: attempts_that_are_written_together_count_one_after_the_other,
            breaker: what_a_former_url_answered_is_not_held_against_the_new_one,
            breaker: enabling_a_webhook_begins_anew,
            breaker: a_webhook_whose_check_failed_is_changed_and_stays_disabled,
            breaker: each_change_of_health_is_one_event_of_the_operators_project,
            breaker: the_operators_own_webhooks_make_no_events,
            breaker: a_webhooks_secrets_and_next_attempts_are_told,
            logs: attempts_are_listed_in_their_order,
            logs: deliveries_are_listed_newest_first_by_state_and_time,
            logs: deliveries_that_are_rare_are_found_over_several_pages,
            logs: verdicts_are_listed_newest_first_by_outcome_and_time,
            logs: verdicts_on_an_event_are_those_of_the_owner_or_of_all,
            shadows: a_shadow_reads_back_as_it_was_and_goes_with_its_webhook,
            shadows: a_shadow_keeps_its_bytes_and_is_not_taken_once_they_are_gone,
            shadows: each_comparison_is_counted_and_the_newest_differences_are_kept,
            shadows: another_shadow_begins_with_nothing_and_what_the_former_says_is_not_counted,
            stats: outcomes_reasons_attempts_and_latencies_are_counted,
            stats: only_the_newest_events_are_counted_and_it_is_said,
            stats: a_test_of_the_webhook_is_not_counted,
            stats: what_was_decided_on_events_is_found_for_one_webhook,
            queues: what_waits_is_counted_with_its_age,
            queues: webhooks_are_counted_by_their_health,
            queues: what_rests_or_is_not_due_does_not_count,
            retention: an_event_goes_with_all_that_hangs_on_it,
            retention: what_waits_or_is_owed_stays,
            retention: a_replay_keeps_what_it_has_yet_to_look_at_unless_it_rests_for_long,
            retention: a_database_that_is_too_large_loses_the_oldest_first_but_nothing_young,
            retention: a_step_deletes_no_more_rows_than_it_may,
            retention: a_list_goes_on_where_its_last_event_has_gone,
            leftovers: replays_go_when_they_have_ended_long_ago,
            leftovers: a_webhook_as_deliveries_had_it_goes_with_the_last_of_them,
            leftovers: a_deleted_webhook_goes_when_nothing_names_it,
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
