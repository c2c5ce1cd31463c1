//! A collector of traces on this machine: OTLP over HTTP, as an OpenTelemetry collector takes it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::COLLECTOR_TOKEN;

/// How long a test waits for what arrives over the network.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a collector does with what it is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Takes,
    /// Takes all but one span of each request, and says so.
    RejectsOne,
    Refuses,
    NeverAnswers,
}

/// What a collector was sent.
#[derive(Clone, Default)]
pub struct Collected {
    pub spans: Vec<Span>,
    /// The requests' bytes, as they came.
    pub bytes: Vec<u8>,
    pub services: Vec<String>,
}

struct Shared {
    manner: Manner,
    collected: watch::Sender<Collected>,
}

/// A collector that runs until it is dropped.
pub struct Collector {
    pub url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Collector {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { manner, collected: watch::Sender::default() });
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, serving }
    }

    /// What was sent, once it has so many spans.
    pub async fn with(&self, spans: usize) -> Collected {
        let mut collected = self.shared.collected.subscribe();
        let enough = collected.wait_for(|collected| collected.spans.len() >= spans);
        let found = tokio::time::timeout(PATIENCE, enough).await;
        found.unwrap_or_else(|_| panic!("there are only {} spans", self.so_far().spans.len())).unwrap().clone()
    }

    pub fn so_far(&self) -> Collected {
        self.shared.collected.borrow().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> (StatusCode, Vec<u8>) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["authorization"], format!("Bearer {COLLECTOR_TOKEN}"));
    let request = ExportTraceServiceRequest::decode(&*body).unwrap();
    shared.collected.send_modify(|collected| {
        collected.bytes.extend_from_slice(&body);
        for resource in request.resource_spans {
            let attributes = resource.resource.unwrap().attributes;
            collected.services.push(text(&attributes, "service.name"));
            collected.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    });
    let answer = match shared.manner {
        Manner::Takes => ExportTraceServiceResponse::default(),
        Manner::RejectsOne => ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess { rejected_spans: 1, ..Default::default() }),
        },
        Manner::Refuses => return (StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
        Manner::NeverAnswers => std::future::pending().await,
    };
    (StatusCode::OK, answer.encode_to_vec())
}

/// An attribute as text; empty if there is none.
pub fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => panic!("{key} is {other:?}"),
        None => String::new(),
    }
}
