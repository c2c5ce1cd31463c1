//! Hooksieve's own mutations, beside Blue's.

use serde_json::json;

use super::{data, error, token};
use crate::app::{TestApp, webhook};
use crate::receiver::Receiver;

const ROTATE: &str =
    "mutation R($id: String!) { rotateWebhookSecret(input: { webhookId: $id }) { secret previousExpiresAt } }";
const TEST: &str = "mutation T($id: String!, $event: String) { testWebhook(input: { webhookId: $id, event: $event }) { eventId eventType } }";

#[tokio::test]
async fn a_secret_is_rotated_and_a_webhook_is_tested() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let token = token(&app, "u1").await;
    let own = app.client(&token).create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();
    let id = json!({ "id": own.id });

    let rotated = data(&app, &token, ROTATE, id.clone()).await["rotateWebhookSecret"].take();
    let tested = data(&app, &token, TEST, id.clone()).await["testWebhook"].take();
    app.run_until_idle().await;

    let secret = rotated["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && own.secret.is_some_and(|first| first.expose() != secret));
    assert_eq!(tested["eventType"], own.events[0]);
    let received = receiver.only("/a");
    assert_eq!(
        (received.header("webhook-test"), received.header("webhook-signature").matches("v1,").count()),
        ("true", 2)
    );
    data(&app, &token, ROTATE, id.clone()).await;
    let full = error(&app, &token, ROTATE, id).await;
    let unknown = error(&app, &token, TEST, json!({ "id": own.id, "event": "NO_SUCH_TYPE" })).await;
    assert_eq!(full["extensions"]["code"], "CONFLICT");
    assert_eq!(
        (&unknown["extensions"]["code"], &unknown["extensions"]["field"]),
        (&json!("BAD_USER_INPUT"), &json!("input.event"))
    );
}
