//! Candidates beside filters: what is counted of them, and when counting begins anew.

use std::sync::Arc;

use super::samples::{accepted, at, binding, event_id, secret, upload, verdict, webhook, webhook_id};
use crate::model::comparison::{Agreements, Judged, Shadow};
use crate::model::limits::SHADOW_SAMPLES_MAX;
use crate::model::verdict::{Outcome, ReasonClass};
use crate::model::webhook::Webhook;
use crate::store::{Added, Compared, Dispatched, FilterUpload, Recorded, Removed, Store, Updated};

fn shadow(upload: &FilterUpload, since: i64) -> Shadow {
    let filter = &upload.filter;
    Shadow { filter_id: filter.id.clone(), digest: filter.digest, config: r#"{"a":1}"#.into(), since: at(since) }
}

fn judged(outcome: Outcome) -> Judged {
    let reason_class = (outcome == Outcome::FilterError).then_some(ReasonClass::Trap);
    Judged { outcome, reason: (outcome != Outcome::Delivered).then(|| "why".to_owned()), reason_class }
}

/// Keeps the webhook `w` with this shadow.
async fn shadowed(store: &dyn Store, upload: &FilterUpload) -> Shadow {
    store.add_filter(upload.clone()).await.unwrap();
    let shadow = shadow(upload, 1);
    let with = Webhook { shadow: Some(shadow.clone()), ..webhook("w") };
    assert_eq!(store.add_webhook(with, secret()).await.unwrap(), Added::Written);
    shadow
}

/// Decides on an event, with what the shadow says of it.
async fn compare(store: &dyn Store, event: &str, shadow: &Shadow, recorded: Outcome, candidate: Outcome) {
    let (event, fence) = accepted(store, event).await;
    let compared = Compared {
        webhook_id: webhook_id("w"),
        shadow: shadow.clone(),
        recorded: judged(recorded),
        candidate: judged(candidate),
    };
    let verdicts = vec![verdict("w", recorded)];
    let dispatched = Dispatched { event, fence, verdicts, deliveries: vec![], compared: vec![compared] };
    assert_eq!(store.record_dispatch(dispatched).await.unwrap(), Recorded::Written);
}

/// What was counted, and the events of the samples.
async fn told(store: &dyn Store) -> (Agreements, Vec<String>) {
    let counted = store.agreements(vec![webhook_id("w"), webhook_id("other")]).await.unwrap();
    let samples = store.shadow_samples(&webhook_id("w")).await.unwrap();
    let counted = counted.get(&webhook_id("w")).copied().unwrap_or_default();
    (counted, samples.into_iter().map(|sample| sample.event_id.to_string()).collect())
}

pub(in crate::store) async fn a_shadow_reads_back_as_it_was_and_goes_with_its_webhook(store: Arc<dyn Store>) {
    let uploaded = upload("f", Some("owner"), 1);
    let shadow = shadowed(&*store, &uploaded).await;
    compare(&*store, "a", &shadow, Outcome::Filtered, Outcome::Delivered).await;

    let read = store.webhook(&webhook_id("w")).await.unwrap().unwrap();
    let changed = store.webhook_changes(0, 9).await.unwrap().remove(0).webhook.unwrap();
    assert_eq!((read.shadow.as_ref(), changed.shadow.as_ref()), (Some(&shadow), Some(&shadow)));
    assert_eq!(store.delete_filter(&uploaded.filter.id).await.unwrap(), Removed::InUse);

    store.delete_webhook(&webhook_id("w"), at(2)).await.unwrap();

    assert_eq!(told(&*store).await, (Agreements::default(), vec![]));
    assert_eq!(store.delete_filter(&uploaded.filter.id).await.unwrap(), Removed::Removed);
    assert_eq!(store.filter_wasm(&uploaded.filter.digest).await.unwrap(), None);
}

pub(in crate::store) async fn a_shadow_keeps_its_bytes_and_is_not_taken_once_they_are_gone(store: Arc<dyn Store>) {
    let (old, new) = (upload("f", None, 1), upload("f", None, 2));
    shadowed(&*store, &old).await;

    store.add_filter(new).await.unwrap();
    assert_eq!(store.filter_wasm(&old.filter.digest).await.unwrap().as_deref(), Some(&*old.wasm));

    let gone = upload("gone", None, 3);
    let with = |name| Webhook { shadow: Some(shadow(&gone, 1)), ..webhook(name) };
    assert_eq!(store.add_webhook(with("v"), secret()).await.unwrap(), Added::NoFilter);
    assert_eq!(store.update_webhook(1, Webhook { version: 2, ..with("w") }).await.unwrap(), Updated::NoFilter);
    assert_eq!(store.webhook(&webhook_id("w")).await.unwrap().unwrap().shadow, Some(shadow(&old, 1)));
}

pub(in crate::store) async fn each_comparison_is_counted_and_the_newest_differences_are_kept(store: Arc<dyn Store>) {
    use Outcome::{Delivered, FilterError, Filtered};
    let shadow = shadowed(&*store, &upload("f", None, 1)).await;

    compare(&*store, "agreed", &shadow, Filtered, Filtered).await;
    compare(&*store, "skips", &shadow, Delivered, Filtered).await;
    compare(&*store, "delivers", &shadow, FilterError, Delivered).await;
    compare(&*store, "fails", &shadow, Delivered, FilterError).await;

    let (counted, samples) = told(&*store).await;
    let expected = Agreements { agreed: 1, delivered_but_skips: 1, skipped_but_delivers: 1, errors: 1 };
    assert_eq!((counted, samples), (expected, ["fails", "delivers", "skips"].map(str::to_owned).to_vec()));
    let newest = store.shadow_samples(&webhook_id("w")).await.unwrap().remove(0);
    assert_eq!(newest.event_id, event_id("fails"));
    assert_eq!((newest.recorded, newest.candidate), (Some(judged(Delivered)), judged(FilterError)));

    for number in 0..SHADOW_SAMPLES_MAX + 5 {
        compare(&*store, &format!("e{number:02}"), &shadow, Delivered, Filtered).await;
    }
    let (counted, samples) = told(&*store).await;
    assert_eq!(counted.delivered_but_skips, u64::from(SHADOW_SAMPLES_MAX) + 6);
    assert_eq!(samples.len(), SHADOW_SAMPLES_MAX as usize);
    assert_eq!((samples.first().map(String::as_str), samples.last().map(String::as_str)), (Some("e24"), Some("e05")));
}

pub(in crate::store) async fn another_shadow_begins_with_nothing_and_what_the_former_says_is_not_counted(
    store: Arc<dyn Store>,
) {
    let (one, other) = (upload("f", None, 1), upload("g", None, 2));
    let former = shadowed(&*store, &one).await;
    store.add_filter(other.clone()).await.unwrap();
    let differ = async |event, shadow: &Shadow| {
        compare(&*store, event, shadow, Outcome::Delivered, Outcome::Filtered).await;
    };
    differ("a", &former).await;

    // A change that leaves the two as they are leaves the counts.
    let with = |version, shadow: &Shadow| Webhook { version, shadow: Some(shadow.clone()), ..webhook("w") };
    store.update_webhook(1, Webhook { name: None, ..with(2, &former) }).await.unwrap();
    assert_eq!(told(&*store).await.0.delivered_but_skips, 1);

    // Another candidate, and the same one beside another filter.
    store.update_webhook(2, with(3, &shadow(&other, 1))).await.unwrap();
    assert_eq!(told(&*store).await, (Agreements::default(), vec![]));
    differ("b", &former).await;
    assert_eq!(told(&*store).await, (Agreements::default(), vec![]));
    differ("c", &shadow(&other, 1)).await;
    let filter = Some(binding(&one));
    store.update_webhook(3, Webhook { filter, ..with(4, &shadow(&other, 9)) }).await.unwrap();
    differ("d", &shadow(&other, 1)).await;
    assert_eq!(told(&*store).await, (Agreements::default(), vec![]));

    differ("e", &shadow(&other, 9)).await;
    store.update_webhook(4, Webhook { version: 5, ..webhook("w") }).await.unwrap();
    assert_eq!(told(&*store).await, (Agreements::default(), vec![]));
}
