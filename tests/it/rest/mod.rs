//! The REST contract, over HTTP: what each route does, and what it refuses and how.

mod access;
mod batch;
mod document;
mod events;
mod hooks;
mod limits;
mod metrics;
mod races;
mod refusals;
mod routes;
mod stats;

use hooksieve::wire::Problem;
use reqwest::{Method, RequestBuilder, Response};

use crate::app::TestApp;

/// An answer as it came.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    status: u16,
    content_type: String,
    body: String,
}

impl Answer {
    async fn of(request: RequestBuilder) -> Self {
        let response: Response = request.send().await.unwrap();
        let content_type = response.headers().get("content-type").map_or("", |value| value.to_str().unwrap());
        Self {
            status: response.status().as_u16(),
            content_type: content_type.to_owned(),
            body: response.text().await.unwrap(),
        }
    }

    /// The problem, which every refusal is.
    fn problem(&self) -> Problem {
        assert_eq!(self.content_type, "application/problem+json", "{self:?}");
        let problem: Problem = serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(problem.status, self.status);
        problem
    }
}

/// A request with a token.
fn request(app: &TestApp, method: &str, path: &str, token: &str) -> RequestBuilder {
    anonymous(app, method, path).bearer_auth(token)
}

/// A request without one.
fn anonymous(app: &TestApp, method: &str, path: &str) -> RequestBuilder {
    let method: Method = method.parse().unwrap();
    let client = crate::app::http();
    client.request(method, app.url(path))
}

/// A request with a token and a JSON body.
fn with_body(app: &TestApp, method: &str, path: &str, token: &str, body: &str) -> RequestBuilder {
    request(app, method, path, token).header("content-type", "application/json").body(body.to_owned())
}
