//! Events go when they have had their time, and then nothing of them is there for anybody.

use std::time::Duration;

use hooksieve::wire::{DeliveriesQuery, EventsQuery, VerdictsQuery};

use crate::app::{TestApp, created, filtered, marked, only_delivery, problem, webhook};
use crate::receiver::{Answer, Receiver};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn what_is_a_week_old_is_gone_for_everybody_and_its_id_is_free_again() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let plain = user.create_webhook(&webhook(&receiver.url("/plain"))).await.unwrap();
    let sieved = user.create_webhook(&filtered(&receiver.url("/sieved"), "done-records", None)).await.unwrap();
    let old = app.send(&marked("old", false)).await;
    let delivery = only_delivery(&user, &plain).await;
    app.run_after(DAY * 6).await;
    let young = app.send(&created("young")).await;
    assert_eq!(user.get_event(&old).await.unwrap().id, old);

    app.run_after(DAY + Duration::from_secs(1)).await;

    for client in [&user, &app.operator()] {
        assert_eq!(problem(client.get_event(&old).await).code, "EVENT_NOT_FOUND");
        let refused = problem(client.list_event_verdicts(&old).await);
        assert_eq!((refused.status, refused.code.as_str()), (404, "EVENT_NOT_FOUND"));
        let listed = client.list_events(&EventsQuery::default()).await.unwrap();
        assert_eq!(listed.items.iter().map(|event| &event.id).collect::<Vec<_>>(), [&young]);
    }
    assert_eq!(problem(user.get_delivery(&delivery.delivery.id).await).code, "DELIVERY_NOT_FOUND");
    assert_eq!(problem(user.retry_delivery(&delivery.delivery.id).await).code, "DELIVERY_NOT_FOUND");
    for webhook in [&plain, &sieved] {
        let verdicts = user.list_verdicts(&webhook.id, &VerdictsQuery::default()).await.unwrap();
        assert_eq!(verdicts.items.iter().map(|verdict| &verdict.event_id).collect::<Vec<_>>(), [&young]);
        assert_eq!(verdicts.next_cursor, None);
    }
    assert_eq!(only_delivery(&user, &plain).await.delivery.event_id, young);
    let metrics = app.operator().get_metrics().await.unwrap();
    for line in [r#"{what="events"} 1"#, r#"{what="verdicts"} 2"#, r#"{what="deliveries"} 1"#, r#"{what="attempts"} 1"#]
    {
        assert!(metrics.contains(&format!("hooksieve_retention_deleted_total{line}")), "{line} in\n{metrics}");
    }
    // Another event under the id of the one that is gone is a new one.
    assert!(!app.operator().send_event(&marked("old", true)).await.unwrap().duplicate);
}

#[tokio::test]
async fn what_is_still_owed_is_kept_until_it_is_sent() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    receiver.always("/a", Answer::status(500));
    let webhook = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let owed = app.send(&created("owed")).await;
    user.disable_webhook(&webhook.id).await.unwrap();

    app.run_after(DAY * 30).await;

    assert_eq!(user.get_event(&owed).await.unwrap().id, owed);
    assert_eq!(user.list_deliveries(&webhook.id, &DeliveriesQuery::default()).await.unwrap().items.len(), 1);
    user.delete_webhook(&webhook.id).await.unwrap();
    app.run_until_idle().await;
    assert_eq!(problem(user.get_event(&owed).await).code, "EVENT_NOT_FOUND");
}

#[tokio::test]
async fn with_zero_days_events_are_kept_for_ever() {
    let (app, receiver) = (TestApp::start_with(|config| config.retention.days = 0).await, Receiver::start().await);
    let user = app.user("u1").await;
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let kept = app.send(&created("kept")).await;

    app.run_after(DAY * 4_000).await;

    assert_eq!(user.get_event(&kept).await.unwrap().id, kept);
}
