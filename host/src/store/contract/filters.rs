//! Filters and their bytes.

use std::sync::Arc;

use super::samples::{at, binding, page, secret, upload, user, webhook, webhook_id};
use crate::model::filter::FilterDigest;
use crate::model::webhook::Webhook;
use crate::store::{Added, FilterUsage, Removed, Store, Updated};

pub(in crate::store) async fn a_filter_and_its_bytes_read_back_as_they_were(store: Arc<dyn Store>) {
    let owned = upload("flt_1", Some("owner"), 1);
    let mut bundled = upload("changed-fields", None, 2);
    bundled.filter.about.config_schema = None;

    for uploaded in [owned, bundled] {
        store.add_filter(uploaded.clone()).await.unwrap();
        assert_eq!(store.filter(&uploaded.filter.id).await.unwrap(), Some(uploaded.filter.clone()));
        assert_eq!(store.filter_wasm(&uploaded.filter.digest).await.unwrap().as_deref(), Some(&*uploaded.wasm));
    }
    assert_eq!(store.filter_wasm(&FilterDigest([9; 32])).await.unwrap(), None);
}

pub(in crate::store) async fn a_user_sees_bundled_filters_and_their_own(store: Arc<dyn Store>) {
    for (id, owner, byte) in [("a", None, 1), ("b", Some("owner"), 2), ("c", Some("other"), 3), ("d", None, 4)] {
        store.add_filter(upload(id, owner, byte)).await.unwrap();
    }

    let first = store.filters(Some(&user("owner")), page(2, None)).await.unwrap();
    let second = store.filters(Some(&user("owner")), page(2, first.next)).await.unwrap();

    let ids: Vec<_> = first.items.iter().chain(&second.items).map(|filter| filter.id.as_str()).collect();
    assert_eq!(ids, ["d", "b", "a"]);
    assert_eq!(second.next, None);
    let shared = store.filters(None, page(9, None)).await.unwrap();
    assert_eq!(shared.items.iter().map(|filter| filter.id.as_str()).collect::<Vec<_>>(), ["d", "a"]);
}

pub(in crate::store) async fn bytes_belong_to_who_uploaded_them_first_unless_they_are_shared(store: Arc<dyn Store>) {
    for (id, owner, byte) in [("a", Some("owner"), 1), ("b", Some("other"), 1), ("c", Some("owner"), 2), ("d", None, 2)]
    {
        store.add_filter(upload(id, owner, byte)).await.unwrap();
    }

    assert_eq!(store.filter_owner(&FilterDigest([1; 32])).await.unwrap(), Some(user("owner")));
    assert_eq!(store.filter_owner(&FilterDigest([2; 32])).await.unwrap(), None);
    assert_eq!(store.filter_owner(&FilterDigest([9; 32])).await.unwrap(), None);
}

pub(in crate::store) async fn a_users_filters_are_counted_and_weighed(store: Arc<dyn Store>) {
    let uploads = [upload("a", Some("owner"), 1), upload("b", Some("owner"), 1), upload("c", None, 2)];
    for uploaded in &uploads {
        store.add_filter(uploaded.clone()).await.unwrap();
    }

    let bytes = uploads[0].filter.size_bytes + uploads[1].filter.size_bytes;
    assert_eq!(store.filter_usage(&user("owner")).await.unwrap(), FilterUsage { count: 2, bytes });
    assert_eq!(store.filter_usage(&user("nobody")).await.unwrap(), FilterUsage::default());
}

pub(in crate::store) async fn a_filter_in_use_is_not_deleted(store: Arc<dyn Store>) {
    let uploaded = upload("f", Some("owner"), 1);
    store.add_filter(uploaded.clone()).await.unwrap();
    let user_of_it = Webhook { filter: Some(binding(&uploaded)), ..webhook("w") };
    store.add_webhook(user_of_it, secret()).await.unwrap();

    assert_eq!(store.delete_filter(&uploaded.filter.id).await.unwrap(), Removed::InUse);
    store.delete_webhook(&webhook_id("w"), at(1)).await.unwrap();
    assert_eq!(store.delete_filter(&uploaded.filter.id).await.unwrap(), Removed::Removed);
    assert_eq!(store.delete_filter(&uploaded.filter.id).await.unwrap(), Removed::Missing);

    assert_eq!(store.filter(&uploaded.filter.id).await.unwrap(), None);
    assert_eq!(store.filter_wasm(&uploaded.filter.digest).await.unwrap(), None);
}

pub(in crate::store) async fn a_webhook_does_not_take_a_filter_that_is_gone(store: Arc<dyn Store>) {
    let uploaded = upload("f", Some("owner"), 1);
    store.add_filter(uploaded.clone()).await.unwrap();
    store.delete_filter(&uploaded.filter.id).await.unwrap();
    let bound = |name| Webhook { filter: Some(binding(&uploaded)), ..webhook(name) };

    assert_eq!(store.add_webhook(bound("w"), secret()).await.unwrap(), Added::NoFilter);
    assert_eq!(store.webhook(&webhook_id("w")).await.unwrap(), None);
    assert_eq!(store.add_webhook(webhook("w"), secret()).await.unwrap(), Added::Written);
    let before = store.webhook(&webhook_id("w")).await.unwrap();
    assert_eq!(store.update_webhook(1, Webhook { version: 2, ..bound("w") }).await.unwrap(), Updated::NoFilter);
    assert_eq!(store.update_webhook(7, Webhook { version: 8, ..bound("w") }).await.unwrap(), Updated::Stale);
    assert_eq!(store.webhook(&webhook_id("w")).await.unwrap(), before);
}

pub(in crate::store) async fn bytes_stay_while_another_filter_has_them(store: Arc<dyn Store>) {
    let (one, other) = (upload("f", Some("owner"), 1), upload("g", Some("other"), 1));
    store.add_filter(one.clone()).await.unwrap();
    store.add_filter(other.clone()).await.unwrap();

    store.delete_filter(&one.filter.id).await.unwrap();
    assert_eq!(store.filter_wasm(&one.filter.digest).await.unwrap().as_deref(), Some(&*one.wasm));
    store.delete_filter(&other.filter.id).await.unwrap();
    assert_eq!(store.filter_wasm(&one.filter.digest).await.unwrap(), None);
}

pub(in crate::store) async fn a_replaced_filter_leaves_the_bytes_that_a_webhook_runs(store: Arc<dyn Store>) {
    let (old, unused, new) = (upload("f", None, 1), upload("f", None, 2), upload("f", None, 3));
    store.add_filter(old.clone()).await.unwrap();
    store.add_webhook(Webhook { filter: Some(binding(&old)), ..webhook("w") }, secret()).await.unwrap();

    store.add_filter(unused.clone()).await.unwrap();
    store.add_filter(new.clone()).await.unwrap();

    assert_eq!(store.filter(&old.filter.id).await.unwrap(), Some(new.filter));
    assert_eq!(store.filter_wasm(&old.filter.digest).await.unwrap().as_deref(), Some(&*old.wasm));
    assert_eq!(store.filter_wasm(&unused.filter.digest).await.unwrap(), None);
}
