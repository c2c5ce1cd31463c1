//! Sends finished spans to a collector: OTLP over HTTP, protobuf.
//!
//! Nothing of the host hangs on it. A batch that is not taken in time is counted and gone, and is not sent again: what
//! would be kept for a collector that is down is better kept free. The endpoint is the operator's own, so it is not judged as
//! webhooks' URLs are; it is asked for no redirect, and no proxy of the environment is.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use percent_encoding::percent_decode_str;
use prost::Message;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::span::text;
use crate::metrics::{Metrics, SPAN_EXPORTED, SPAN_FAILED};
use crate::model::limits::{TRACE_ANSWER_BYTES_MAX, TRACE_BATCH_SPANS_MAX, TRACE_EXPORT_TIME_MAX, TRACE_LINGER};

/// What the program calls itself to a collector.
const SCOPE: &str = "hooksieve";

/// A header that a collector cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("not a list such as `authorization=Bearer%20TOKEN,x-tenant=a`")]
pub struct HeadersError;

/// Headers as `OTEL_EXPORTER_OTLP_HEADERS` has them: pairs with `=`, commas between, values percent-encoded.
///
/// # Errors
/// When a pair has no name, or one that is none, or a value that no header can have.
pub fn parse_headers(text: &str) -> Result<HeaderMap, HeadersError> {
    let mut headers = HeaderMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(HeadersError)?;
        let name = HeaderName::try_from(name.trim()).map_err(|_| HeadersError)?;
        let value: Vec<u8> = percent_decode_str(value.trim()).collect();
        let mut value = HeaderValue::from_bytes(&value).map_err(|_| HeadersError)?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Where spans go.
pub struct ExporterOptions {
    /// The collector's address, to which `/v1/traces` is added.
    pub endpoint: Url,
    /// What it wants to be sent with each request.
    pub headers: HeaderMap,
    /// What this host is called.
    pub service_name: String,
}

/// The task that sends spans.
pub struct Exporter {
    finish: CancellationToken,
    task: JoinHandle<()>,
}

impl Exporter {
    /// Begins to send what is queued.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn start(options: ExporterOptions, queued: Receiver<Span>, metrics: Arc<Metrics>) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(TRACE_EXPORT_TIME_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .default_headers(options.headers)
            .build()?;
        let mut url = options.endpoint;
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let resource = Resource {
            attributes: vec![
                text("service.name", &options.service_name),
                text("service.version", env!("CARGO_PKG_VERSION")),
            ],
            ..Resource::default()
        };
        let finish = CancellationToken::new();
        let sending = Sending { queued, http, url, resource, metrics, is_failing: false };
        let task = tokio::spawn(sending.run(finish.clone()));
        Ok(Self { finish, task })
    }

    /// Sends what is queued by now, for at most `grace`, and ends.
    pub async fn finish(mut self, grace: Duration) {
        self.finish.cancel();
        if tokio::time::timeout(grace, &mut self.task).await.is_err() {
            self.task.abort();
            tracing::warn!("spans were still to be sent when the time to stop was up");
        }
    }
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    #[error("the collector answered {0}")]
    Status(u16),
}

/// What the task has.
struct Sending {
    queued: Receiver<Span>,
    http: reqwest::Client,
    url: Url,
    resource: Resource,
    metrics: Arc<Metrics>,
    is_failing: bool,
}

impl Sending {
    /// Until `finish`, or until nobody is left who could queue anything; then what is queued still goes.
    async fn run(mut self, finish: CancellationToken) {
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                () = self.fill(&mut batch) => {}
                () = finish.cancelled() => self.queued.close(),
            }
            if finish.is_cancelled() {
                // What is left is there already: this waits for nothing.
                self.queued.recv_many(&mut batch, TRACE_BATCH_SPANS_MAX).await;
            }
            if batch.is_empty() {
                return;
            }
            self.send(batch).await;
        }
    }

    /// Waits for a span, and a little longer for others. Empty when there will be none.
    async fn fill(&mut self, batch: &mut Vec<Span>) {
        self.queued.recv_many(batch, TRACE_BATCH_SPANS_MAX).await;
        let others = async {
            while batch.len() < TRACE_BATCH_SPANS_MAX {
                let room = TRACE_BATCH_SPANS_MAX - batch.len();
                if self.queued.recv_many(batch, room).await == 0 {
                    return;
                }
            }
        };
        // Whether the time or the room ends first is the same.
        drop(tokio::time::timeout(TRACE_LINGER, others).await);
    }

    async fn send(&mut self, batch: Vec<Span>) {
        let count = batch.len() as u64;
        let exported = match self.post(batch).await {
            Ok(rejected) => {
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("traces are taken again");
                }
                count.saturating_sub(rejected)
            }
            Err(error) => {
                // Once: a collector that is down would fill the log.
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(error = &error as &dyn std::error::Error, "traces are not taken and are lost");
                }
                0
            }
        };
        self.metrics.trace_spans.add(SPAN_EXPORTED, exported);
        self.metrics.trace_spans.add(SPAN_FAILED, count - exported);
    }

    /// How many of the spans the collector rejected.
    async fn post(&self, spans: Vec<Span>) -> Result<u64, ExportError> {
        let scope = InstrumentationScope { name: SCOPE.to_owned(), ..InstrumentationScope::default() };
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
        let resource = Some(self.resource.clone());
        let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let request = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/x-protobuf").body(body);
        // The log repeats no address that somebody configured.
        let no_answer = |error: reqwest::Error| ExportError::NoAnswer(error.without_url());
        let mut response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if answer.len() + chunk.len() > TRACE_ANSWER_BYTES_MAX {
                break;
            }
            answer.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(ExportError::Status(status.as_u16()));
        }
        // An answer that is not understood rejects nothing.
        let told = ExportTraceServiceResponse::decode(answer.as_slice()).unwrap_or_default();
        let rejected = told.partial_success.map_or(0, |partial| partial.rejected_spans);
        Ok(u64::try_from(rejected).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_other_exporters_read_them() {
        let headers = parse_headers("authorization=Bearer%20a+b==, x-tenant = t,").unwrap();

        assert_eq!(headers["authorization"], "Bearer a+b==");
        assert_eq!(headers["x-tenant"], "t");
        assert!(headers["authorization"].is_sensitive());
        for wrong in ["authorization", "=x", "a b=c", "a=%0d%0ab: c"] {
            assert!(parse_headers(wrong).is_err(), "{wrong}");
        }
    }
}
