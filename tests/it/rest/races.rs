//! Two clients at once: one of them is told so, and nobody gets a 500.

use hooksieve::client::ClientError;
use hooksieve::wire::{PatchWebhook, UploadQuery};

use crate::app::{TestApp, filtered, webhook};
use crate::guests::HOSTILE;

/// The code of a refusal.
fn code<T>(answer: &Result<T, ClientError>) -> Option<&str> {
    answer.as_ref().err().map(|error| error.problem().expect("the host refused").code.as_str())
}

#[tokio::test]
async fn a_filter_that_is_deleted_while_webhooks_take_it_is_in_use_or_not_there() {
    let app = TestApp::start_with(|config| config.limits.requests_per_second = 0).await;
    let user = app.user("u1").await;
    let url = "https://127.0.0.1:8443/";
    let config = Some(r#"{"do":"deliver"}"#);

    for _ in 0..20 {
        let filter = user.upload_filter(&UploadQuery::default(), HOSTILE.to_vec()).await.unwrap();
        let before = user.create_webhook(&webhook(url)).await.unwrap();
        let new = filtered(url, &filter.id, config);
        let patch = PatchWebhook { filter: Some(new.filter.clone()), ..PatchWebhook::default() };

        let (created, changed, deleted) = tokio::join!(
            user.create_webhook(&new),
            user.update_webhook(&before.id, &patch),
            user.delete_filter(&filter.id)
        );

        let is_taken = created.is_ok() || changed.is_ok();
        assert_eq!(code(&deleted), is_taken.then_some("CONFLICT"));
        for refused in [code(&created), code(&changed)].into_iter().flatten() {
            assert_eq!(refused, "BAD_USER_INPUT");
        }
        assert_eq!(user.get_filter(&filter.id).await.is_ok(), is_taken);
    }
}
