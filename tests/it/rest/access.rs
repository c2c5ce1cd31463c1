//! How a caller is told apart. Who may call what is in `isolation`.

use hooksieve::wire::CreateToken;

use super::{Answer, anonymous};
use crate::app::TestApp;

#[tokio::test]
async fn health_is_told_to_everybody() {
    let app = TestApp::start().await;

    for path in ["/healthz", "/readyz"] {
        let answer = Answer::of(anonymous(&app, "GET", path)).await;

        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":"ok"}"#), "{path}");
    }
}

#[tokio::test]
async fn blues_header_pair_is_a_token_too() {
    let app = TestApp::start().await;
    app.user("u1").await;
    let created = app.operator().create_token("u1", &CreateToken::default()).await.unwrap();
    let secret = created.token.expose().rsplit('_').next().unwrap();

    let pair = |secret: &str| {
        let request = anonymous(&app, "GET", "/v1/webhooks").header("X-Bloo-Token-ID", &created.id);
        Answer::of(request.header("X-Bloo-Token-Secret", secret))
    };

    assert_eq!(pair(secret).await.status, 200);
    assert_eq!(pair("wrong").await.problem().code, "UNAUTHENTICATED");
}
