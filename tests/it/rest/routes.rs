//! What each route does when nothing is wrong.

use hooksieve::wire::{
    CreateToken, DeliveriesQuery, DeliveryState, Evaluate, EvaluationVerdict, FieldValue, KeptOutcome, NewWebhook,
    Outcome, PageQuery, PatchWebhook, PayloadFormat, PutEventType, PutProject, PutUser, ReasonClass, UploadQuery,
    VerdictsQuery, WebhookStatus,
};

use super::{Answer, with_body};
use crate::app::{OPERATOR_TOKEN, PROJECT, TestApp, created, filtered, marked, only_delivery, problem, raw, webhook};
use crate::guests::HOSTILE;
use crate::receiver::Receiver;

#[tokio::test]
async fn a_webhook_is_registered_shown_changed_and_deleted() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;
    let headers = [("X-Api-Key".to_owned(), "hush".into())].into();
    let project_ids = vec![PROJECT.to_owned()];
    let new = NewWebhook {
        name: Some("Ours".to_owned()),
        headers,
        project_ids: project_ids.clone(),
        ..filtered("https://127.0.0.1:8443/hook", "done-records", None)
    };

    let registered = user.create_webhook(&new).await.unwrap();
    let shown = user.get_webhook(&registered.id).await.unwrap();
    let patch = PatchWebhook {
        url: Some("http://127.0.0.1:9000/".to_owned()),
        name: Some(None),
        events: Some(Vec::new()),
        filter: Some(None),
        payload_format: Some(PayloadFormat::Compact),
        ..PatchWebhook::default()
    };
    let changed = user.update_webhook(&registered.id, &patch).await.unwrap();
    user.delete_webhook(&registered.id).await.unwrap();

    assert!(registered.secret.unwrap().expose().starts_with("whsec_"));
    assert!(shown.secret.is_none());
    assert_eq!((shown.status, shown.enabled, shown.name.as_deref()), (WebhookStatus::Healthy, true, Some("Ours")));
    assert_eq!((shown.uid.len(), &shown.project_ids), (32, &project_ids));
    assert_eq!(shown.filter.unwrap().id, "done-records");
    assert_eq!(shown.headers.keys().collect::<Vec<_>>(), ["x-api-key"]);
    assert_eq!((changed.url.as_str(), &changed.name), ("http://127.0.0.1:9000/", &None));
    assert!(changed.events.is_empty() && changed.filter.is_none() && changed.secret.is_none());
    assert_eq!((changed.payload_format, &changed.project_ids), (PayloadFormat::Compact, &project_ids));
    assert_eq!(problem(user.get_webhook(&registered.id).await).code, "WEBHOOK_NOT_FOUND");
}

#[tokio::test]
async fn a_webhook_that_is_deleted_gets_nothing_that_was_still_owed() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let registered = user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    app.operator().send_event(&created("e1")).await.unwrap();

    user.delete_webhook(&registered.id).await.unwrap();
    app.run_until_idle().await;

    assert!(receiver.on("/a").is_empty());
}

#[tokio::test]
async fn a_list_comes_in_pages_newest_first_without_gaps() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;
    let mut registered = Vec::new();
    for _ in 0..5 {
        app.run_after(std::time::Duration::from_millis(1)).await;
        registered.insert(0, user.create_webhook(&webhook("https://127.0.0.1:8443/")).await.unwrap().id);
    }

    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = user.list_webhooks(&PageQuery { limit: Some(2), cursor }).await.unwrap();
        assert!(page.items.len() <= 2);
        listed.extend(page.items.into_iter().map(|webhook| webhook.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }

    assert_eq!(listed, registered);
}

#[tokio::test]
async fn an_event_is_shown_as_it_was_accepted() {
    let app = TestApp::start().await;
    let text = r#"{"id":"e1","event":"TODO_CREATED","projectId":"p1","occurredAt":"2022-12-01T12:00:00+01:00",
        "currentValue":{"b":1.50,"a":1e3}}"#;

    let accepted = Answer::of(with_body(&app, "POST", "/v1/events", OPERATOR_TOKEN, text)).await;
    let event = app.operator().get_event("e1").await.unwrap();

    assert_eq!((accepted.status, accepted.body.as_str()), (202, r#"{"id":"e1","duplicate":false}"#));
    assert_eq!((event.event.as_str(), event.project_id.as_str(), event.dispatched), ("TODO_CREATED", "p1", false));
    assert_eq!(event.occurred_at.to_string(), "2022-12-01T11:00:00.000Z");
    assert_eq!(event.accepted_at, app.now());
    assert_eq!((event.previous_value.get(), event.current_value.get()), ("null", r#"{"b":1.5,"a":1000}"#));
}

#[tokio::test]
async fn an_event_without_an_id_gets_one_and_takes_its_company_from_its_project() {
    let app = TestApp::start().await;
    let put = PutProject { name: None, company_id: Some("c1".to_owned()) };
    app.operator().put_project("p1", &put).await.unwrap();

    let text = r#"{"event":"TODO_CREATED","projectId":"p1"}"#.to_owned();
    let accepted = app.operator().send_event_text(text).await.unwrap();
    let event = app.operator().get_event(&accepted.id).await.unwrap();

    assert!(accepted.id.starts_with("evt_"));
    assert_eq!(event.company_id.as_deref(), Some("c1"));
}

#[tokio::test]
async fn deliveries_and_verdicts_are_listed_by_what_is_asked_for() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let registered = user.create_webhook(&filtered(&receiver.url("/a"), "done-records", None)).await.unwrap();
    app.send(&marked("e1", true)).await;
    app.send(&marked("e2", false)).await;

    let deliveries = async |state| {
        let query = DeliveriesQuery { state: Some(state), ..Default::default() };
        user.list_deliveries(&registered.id, &query).await.unwrap().items.len()
    };
    let verdicts = async |outcome| {
        let query = VerdictsQuery { outcome: Some(outcome), ..Default::default() };
        user.list_verdicts(&registered.id, &query).await.unwrap().items
    };

    assert_eq!([deliveries(DeliveryState::Delivered).await, deliveries(DeliveryState::Pending).await], [1, 0]);
    let filtered = verdicts(KeptOutcome::Filtered).await;
    assert_eq!((filtered.len(), filtered[0].event_id.as_str()), (1, "e2"));
    assert_eq!(verdicts(KeptOutcome::Disabled).await.len(), 0);
    let all = user.list_verdicts(&registered.id, &VerdictsQuery::default()).await.unwrap().items;
    assert_eq!(all.len(), 2);
    let later = VerdictsQuery { since: Some(app.now() + std::time::Duration::from_secs(1)), ..Default::default() };
    assert!(user.list_verdicts(&registered.id, &later).await.unwrap().items.is_empty());
    let detail = only_delivery(&user, &registered).await;
    assert_eq!((detail.delivery.state, detail.attempts.len()), (DeliveryState::Delivered, 1));
    assert_eq!((detail.delivery.event_id.as_str(), &detail.delivery.webhook_id), ("e1", &registered.id));
}

#[tokio::test]
async fn a_filter_is_uploaded_tried_and_deleted_once_no_webhook_uses_it() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;

    let filter = user.upload_filter(&UploadQuery { name: Some("mine".to_owned()) }, HOSTILE.to_vec()).await.unwrap();
    let attached = user
        .create_webhook(&filtered("https://127.0.0.1:8443/", &filter.id, Some(r#"{"do":"deliver"}"#)))
        .await
        .unwrap();
    let in_use = problem(user.delete_filter(&filter.id).await);
    user.delete_webhook(&attached.id).await.unwrap();
    user.delete_filter(&filter.id).await.unwrap();

    assert_eq!((filter.name.as_str(), filter.shared, filter.size_bytes), ("mine", false, HOSTILE.len() as u64));
    assert_eq!((filter.about.name.as_str(), filter.wit_version.as_str()), ("hostile-guest", "0.1.0"));
    assert_eq!((in_use.status, in_use.code.as_str()), (409, "CONFLICT"));
    assert!(in_use.detail.contains("give the webhook another filter"), "{in_use:?}");
    assert_eq!(problem(user.get_filter(&filter.id).await).code, "FILTER_NOT_FOUND");
}

#[tokio::test]
async fn an_operators_filter_is_everybodys_and_only_the_operators_to_delete() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;

    let filter = app.operator().upload_filter(&UploadQuery::default(), HOSTILE.to_vec()).await.unwrap();

    assert!(user.get_filter(&filter.id).await.unwrap().shared);
    assert_eq!(problem(user.delete_filter(&filter.id).await).code, "UNAUTHORIZED");
    app.operator().delete_filter(&filter.id).await.unwrap();
}

#[tokio::test]
async fn evaluate_tells_the_verdict_its_reason_its_cost_and_what_the_filter_saw() {
    let app = TestApp::start().await;
    let user = app.user("u1").await;
    app.send(&marked("e1", true)).await;
    let given = r#"{"event":"TODO_CREATED","projectId":"p","currentValue":{"done":"yes"}}"#;

    let evaluate = async |evaluate| user.evaluate_filter("done-records", &evaluate).await.unwrap();
    let stored = evaluate(Evaluate { event_id: Some("e1".to_owned()), ..Default::default() }).await;
    let broken = evaluate(Evaluate { event: Some(raw(given)), ..Default::default() }).await;

    assert_eq!((stored.verdict, stored.reason), (EvaluationVerdict::Deliver, None));
    assert!(stored.fuel > 0);
    let seen: Vec<_> = stored.fields.iter().map(|seen| (seen.pointer.as_str(), &seen.value)).collect();
    let (before, after) = (FieldValue::Boolean(false), FieldValue::Boolean(true));
    assert_eq!(seen, [("/previousValue/done", &before), ("/currentValue/done", &after)]);
    assert_eq!((broken.verdict, broken.reason_class), (EvaluationVerdict::Error, Some(ReasonClass::Error)));
    assert!(broken.reason.unwrap().contains("expected boolean, found text"));
}

#[tokio::test]
async fn an_event_type_that_the_operator_adds_can_be_subscribed_to_and_sent() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let put = PutEventType { description: "An invoice was paid".to_owned(), ..Default::default() };

    app.operator().put_event_type("INVOICE_PAID", &put).await.unwrap();
    let events = vec!["INVOICE_PAID".to_owned()];
    user.create_webhook(&NewWebhook { events, ..webhook(&receiver.url("/a")) }).await.unwrap();
    app.send(&hooksieve::wire::NewEvent::new("INVOICE_PAID", PROJECT)).await;

    assert_eq!(receiver.only("/a").json()["event"], "INVOICE_PAID");
    let types = user.list_event_types().await.unwrap().items;
    assert_eq!((types.len(), types.iter().filter(|one| one.built_in).count()), (38, 37));
}

#[tokio::test]
async fn people_are_put_twice_alike_and_a_revoked_token_ends() {
    let app = TestApp::start().await;
    let operator = app.operator();

    operator.put_user("u1", &PutUser { name: Some("One".to_owned()) }).await.unwrap();
    let renamed = operator.put_user("u1", &PutUser { name: Some("First".to_owned()) }).await.unwrap();
    operator.put_project("p1", &PutProject::default()).await.unwrap();
    for _ in 0..2 {
        operator.add_member("p1", "u1").await.unwrap();
    }
    for _ in 0..2 {
        operator.remove_member("p1", "u1").await.unwrap();
    }
    let token = operator.create_token("u1", &CreateToken { name: Some("laptop".to_owned()) }).await.unwrap();
    let user = operator.with_token(&token.token);
    user.list_webhooks(&PageQuery::default()).await.unwrap();
    operator.revoke_token(&token.id).await.unwrap();

    assert_eq!(renamed.name.as_deref(), Some("First"));
    assert_eq!(problem(user.list_webhooks(&PageQuery::default()).await).code, "UNAUTHENTICATED");
    assert_eq!(problem(operator.revoke_token("nothing").await).code, "TOKEN_NOT_FOUND");
    assert_eq!(problem(operator.add_member("p1", "nobody").await).code, "USER_NOT_FOUND");
    assert_eq!(problem(operator.add_member("nothing", "u1").await).code, "PROJECT_NOT_FOUND");
    assert_eq!(problem(operator.create_token("nobody", &CreateToken::default()).await).code, "USER_NOT_FOUND");
}

#[tokio::test]
async fn an_event_that_is_not_dispatched_yet_is_told_as_waiting() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    app.operator().send_event(&created("e1")).await.unwrap();

    let verdicts = user.list_event_verdicts("e1").await.unwrap().items;
    assert_eq!((verdicts.len(), verdicts[0].outcome), (1, Outcome::Waiting));
}
