//! Secrets that replace each other.

use std::sync::Arc;

use super::samples::{add_webhooks, at, claim_one, owe, secret, webhook_id};
use crate::model::Timestamp;
use crate::model::secret::Secret;
use crate::store::{Rotated, Rotation, Store};

/// How long a secret goes on signing, in seconds.
const OVERLAP: i64 = 100;

async fn rotate(store: &dyn Store, text: &str, seconds: i64) -> Rotated {
    let rotation =
        Rotation { secret: Secret::new(text), at: at(seconds), overlap_ends_at: at(seconds + OVERLAP), live_max: 3 };
    store.rotate_secret(&webhook_id("w"), rotation).await.unwrap()
}

/// The secrets that an attempt at that time is signed with; the attempt is not made.
async fn signing(store: &dyn Store, now: Timestamp) -> Vec<String> {
    let claimed = claim_one(store, now).await;
    store.release_deliveries(vec![(claimed.delivery.id, claimed.fence)]).await.unwrap();
    claimed.secrets.iter().map(|secret| secret.expose().to_owned()).collect()
}

/// A webhook `w` with a delivery that is due.
async fn prepare(store: &dyn Store) {
    add_webhooks(store, &["w"]).await;
    owe(store, "e", &["w"], at(0)).await;
}

pub(in crate::store) async fn a_rotated_secret_signs_first_and_the_one_before_until_its_end(store: Arc<dyn Store>) {
    prepare(&*store).await;
    let first = secret().expose().to_owned();

    assert_eq!(rotate(&*store, "second", 10).await, Rotated::Written);

    assert_eq!(signing(&*store, at(10)).await, ["second", &first]);
    assert_eq!(signing(&*store, at(109)).await, ["second", &first]);
    assert_eq!(signing(&*store, at(110)).await, ["second"]);
}

pub(in crate::store) async fn a_second_rotation_leaves_the_ends_of_the_first(store: Arc<dyn Store>) {
    prepare(&*store).await;
    let first = secret().expose().to_owned();
    rotate(&*store, "second", 10).await;

    assert_eq!(rotate(&*store, "third", 50).await, Rotated::Written);

    assert_eq!(signing(&*store, at(50)).await, ["third", "second", &first]);
    assert_eq!(signing(&*store, at(110)).await, ["third", "second"]);
    assert_eq!(signing(&*store, at(150)).await, ["third"]);
}

pub(in crate::store) async fn no_more_secrets_sign_than_may_until_one_ends(store: Arc<dyn Store>) {
    prepare(&*store).await;
    rotate(&*store, "second", 10).await;
    rotate(&*store, "third", 50).await;

    assert_eq!(rotate(&*store, "fourth", 109).await, Rotated::TooMany { first_ends_at: at(110) });
    assert_eq!(signing(&*store, at(109)).await.len(), 3);
    assert_eq!(rotate(&*store, "fourth", 110).await, Rotated::Written);
    assert_eq!(signing(&*store, at(110)).await, ["fourth", "third", "second"]);
}

pub(in crate::store) async fn the_present_secret_is_no_new_one_and_a_former_one_comes_back_once(store: Arc<dyn Store>) {
    prepare(&*store).await;
    let first = secret().expose().to_owned();
    rotate(&*store, "second", 10).await;
    rotate(&*store, "third", 20).await;

    assert_eq!(rotate(&*store, "third", 30).await, Rotated::Present);
    assert_eq!(rotate(&*store, &first, 40).await, Rotated::Written);

    assert_eq!(signing(&*store, at(40)).await, [first.as_str(), "third", "second"]);
    assert_eq!(signing(&*store, at(140)).await, [first.as_str()]);
}

pub(in crate::store) async fn secrets_that_sign_no_more_are_forgotten(store: Arc<dyn Store>) {
    prepare(&*store).await;
    rotate(&*store, "second", 10).await;

    assert_eq!(store.forget_secrets(at(109)).await.unwrap(), 0);
    assert_eq!(store.forget_secrets(at(110)).await.unwrap(), 1);
    assert_eq!(store.forget_secrets(at(9_999)).await.unwrap(), 0, "the present one has no end");
    assert_eq!(signing(&*store, at(9_999)).await, ["second"]);
}

pub(in crate::store) async fn a_webhook_that_is_gone_has_no_secret_to_rotate(store: Arc<dyn Store>) {
    add_webhooks(&*store, &["w"]).await;
    store.delete_webhook(&webhook_id("w"), at(1)).await.unwrap();

    assert_eq!(rotate(&*store, "second", 10).await, Rotated::Missing);
    assert_eq!(store.forget_secrets(at(9_999)).await.unwrap(), 0, "nothing was written");
}

pub(in crate::store) async fn clients_that_rotate_at_once_all_get_a_secret_that_signs_or_a_refusal(
    store: Arc<dyn Store>,
) {
    prepare(&*store).await;
    let rotating = ["a", "b", "c", "d"].map(|text| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { (text, rotate(&*store, text, 10).await) })
    });
    let mut written = Vec::new();
    for rotated in rotating {
        match rotated.await.unwrap() {
            (text, Rotated::Written) => written.push(text.to_owned()),
            (_, refused) => assert_eq!(refused, Rotated::TooMany { first_ends_at: at(110) }),
        }
    }

    let signing = signing(&*store, at(10)).await;

    assert_eq!((written.len(), signing.len()), (2, 3));
    assert!(written.iter().all(|text| signing.contains(text)), "{written:?} {signing:?}");
    assert!(written.contains(&signing[0]), "one of the new ones signs first");
}
