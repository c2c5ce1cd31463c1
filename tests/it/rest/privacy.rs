//! What belongs to somebody else answers exactly like what is not there.

use hooksieve::wire::{CreateToken, UploadQuery};

use super::{Answer, with_body};
use crate::app::{TestApp, created, only_delivery, webhook};
use crate::guests::HOSTILE;
use crate::receiver::Receiver;

#[tokio::test]
async fn someone_elses_ids_answer_byte_for_byte_like_missing_ones() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let owner = app.user("u1").await;
    app.stranger("u2").await;
    let stranger = app.operator().create_token("u2", &CreateToken::default()).await.unwrap().token;
    let registered = owner.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let filter = owner.upload_filter(&UploadQuery::default(), HOSTILE.to_vec()).await.unwrap();
    let event = app.send(&created("e1")).await;
    let delivery = only_delivery(&owner, &registered).await.delivery;

    for (method, path, body, id) in [
        ("GET", "/v1/webhooks/{}", "{}", &registered.id),
        ("PATCH", "/v1/webhooks/{}", r#"{"name":"mine now"}"#, &registered.id),
        ("DELETE", "/v1/webhooks/{}", "{}", &registered.id),
        ("POST", "/v1/webhooks/{}/disable", "{}", &registered.id),
        ("GET", "/v1/webhooks/{}/deliveries", "{}", &registered.id),
        ("GET", "/v1/webhooks/{}/verdicts", "{}", &registered.id),
        ("POST", "/v1/webhooks/{}/test", "{}", &registered.id),
        ("DELETE", "/v1/hooks/{}", "{}", &registered.id),
        ("POST", "/v1/webhooks/{}/rotate-secret", "{}", &registered.id),
        ("GET", "/v1/deliveries/{}", "{}", &delivery.id),
        ("GET", "/v1/filters/{}", "{}", &filter.id),
        ("GET", "/v1/filters/{}/wasm", "{}", &filter.id),
        ("DELETE", "/v1/filters/{}", "{}", &filter.id),
        ("POST", "/v1/filters/{}/evaluate", r#"{"event":{"event":"TODO_CREATED","projectId":"p"}}"#, &filter.id),
        ("GET", "/v1/events/{}", "{}", &event),
        ("GET", "/v1/events/{}/verdicts", "{}", &event),
    ] {
        // Of the same form as the other, as well as of a form that no id has.
        let like_it = format!("{}0", &id[..id.len() - 1]);
        let ask = |id: &str| Answer::of(with_body(&app, method, &path.replace("{}", id), stranger.expose(), body));

        let theirs = ask(id).await;

        assert_eq!(theirs.status, 404, "{method} {path}");
        assert_eq!(theirs, ask(&like_it).await, "{method} {path}");
        assert_eq!(theirs, ask("no-such-id").await, "{method} {path}");
    }
    assert_eq!(owner.get_webhook(&registered.id).await.unwrap().name, None);
    assert_eq!(owner.get_filter(&filter.id).await.unwrap().id, filter.id);
}

#[tokio::test]
async fn someone_elses_filter_cannot_be_attached_and_answers_like_a_missing_one() {
    let app = TestApp::start().await;
    let owner = app.user("u1").await;
    app.stranger("u2").await;
    let stranger = app.operator().create_token("u2", &CreateToken::default()).await.unwrap().token;
    let filter = owner.upload_filter(&UploadQuery::default(), HOSTILE.to_vec()).await.unwrap();

    let attach = |filter: &str| {
        let body = format!(r#"{{"url":"https://example.com/","filter":{{"id":"{filter}"}}}}"#);
        let request = with_body(&app, "POST", "/v1/webhooks", stranger.expose(), &body);
        Answer::of(request)
    };

    let theirs = attach(&filter.id).await;
    assert_eq!(theirs.problem().errors[0].pointer, "/filter/id");
    assert_eq!(theirs, attach("flt_0000000000000000000000000").await);
}

#[tokio::test]
async fn a_list_has_only_what_is_the_callers() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (one, other) = (app.user("u1").await, app.user("u2").await);
    let registered = one.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    one.upload_filter(&UploadQuery::default(), HOSTILE.to_vec()).await.unwrap();

    let page = Default::default();
    assert_eq!(one.list_webhooks(&page).await.unwrap().items[0].id, registered.id);
    assert!(other.list_webhooks(&page).await.unwrap().items.is_empty());
    assert_eq!(one.list_filters(&page).await.unwrap().items.len(), 5);
    assert!(other.list_filters(&page).await.unwrap().items.iter().all(|filter| filter.shared));
}
