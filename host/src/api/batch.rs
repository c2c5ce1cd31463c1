//! Taking a batch of events apart, without reading the events.
//!
//! An array is one document: where it is not JSON there is no batch, and the whole call is refused. Of lines
//! each is a document of its own, so a broken one is refused alone, when it is read.

use std::fmt;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::body::{self, BodyLimits};
use super::error::ApiError;
use crate::model::limits::{BATCH_BODY_BYTES_MAX, BATCH_EVENTS_MAX, REQUEST_BODY_TIME_MAX};

/// The type of a body with an event on each line.
const LINES: &str = "application/x-ndjson";
/// The bounds of a batch's body.
const LIMITS: BodyLimits = BodyLimits { bytes_max: BATCH_BODY_BYTES_MAX, time_max: REQUEST_BODY_TIME_MAX };

/// The body of a batch.
pub(super) struct BatchBody {
    bytes: Bytes,
    is_lines: bool,
}

impl<S: Send + Sync> FromRequest<S> for BatchBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let is_lines = body::essence(request.headers()) == LINES;
        if !is_lines {
            body::check_type(request.headers(), "application/json")?;
        }
        Ok(Self { bytes: body::read(request.into_body(), LIMITS).await?, is_lines })
    }
}

impl BatchBody {
    /// The text of each event.
    ///
    /// # Errors
    /// When there are too many, or the body is to be an array and is none.
    pub(super) fn items(&self) -> Result<Vec<&[u8]>, ApiError> {
        if !self.is_lines {
            return items_of_array(&self.bytes);
        }
        let lines = self.bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let items: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).take(BATCH_EVENTS_MAX + 1).collect();
        if items.len() > BATCH_EVENTS_MAX { Err(too_many()) } else { Ok(items) }
    }
}

fn items_of_array(bytes: &[u8]) -> Result<Vec<&[u8]>, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let items = json.deserialize_seq(Items).and_then(|items| json.end().map(|()| items));
    match items {
        Ok(Some(items)) => Ok(items),
        Ok(None) => Err(too_many()),
        Err(error) => Err(ApiError::bad_field("", format!("the body is to be a JSON array of events: {error}"))),
    }
}

fn too_many() -> ApiError {
    ApiError::bad_field("", format!("a batch has at most {BATCH_EVENTS_MAX} events; send the others in another"))
}

/// Reads an array up to the bound; `None` if there is more.
struct Items;

impl<'de> Visitor<'de> for Items {
    type Value = Option<Vec<&'de [u8]>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = array.next_element::<&RawValue>()? {
            if items.len() < BATCH_EVENTS_MAX {
                items.push(item.get().as_bytes());
            } else {
                while array.next_element::<de::IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
        }
        Ok(Some(items))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::header;

    use super::*;

    async fn items(content_type: &str, text: &str) -> Result<Vec<String>, String> {
        let request = Request::builder().header(header::CONTENT_TYPE, content_type);
        let request = request.body(Body::from(text.to_owned())).unwrap();
        let refused = |error: ApiError| error.problem().detail.clone();
        let body = BatchBody::from_request(request, &()).await.map_err(refused)?;
        let items = body.items().map_err(refused)?;
        Ok(items.into_iter().map(|item| String::from_utf8(item.to_vec()).unwrap()).collect())
    }

    #[tokio::test]
    async fn an_array_and_lines_come_apart_into_the_same_events() {
        let array = items("application/json", " [ {\"a\": [1, 2]} , 7,\n\"x\\n\" ] ").await.unwrap();
        let lines = items("Application/X-NDJSON; charset=utf-8", "{\"a\": [1, 2]}\r\n\n 7\n\"x\\n\"").await.unwrap();

        assert_eq!(array, ["{\"a\": [1, 2]}", "7", "\"x\\n\""]);
        assert_eq!(lines, array);
        assert!(items("application/json", "[]").await.unwrap().is_empty());
        assert!(items(LINES, "\n").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_broken_array_is_refused_whole_and_a_broken_line_is_an_event_like_others() {
        for text in ["", "{}", "[1", "[1,]", "[1] 2", "[{\"a\":}]", "null"] {
            let refused = items("application/json", text).await.unwrap_err();
            assert!(refused.contains("JSON array"), "{text}: {refused}");
        }

        assert_eq!(items(LINES, "{\n{}\n").await.unwrap(), ["{", "{}"]);
    }

    #[tokio::test]
    async fn a_batch_at_its_bound_is_taken_and_one_event_more_is_not() {
        for (content_type, begin, separator, end) in [("application/json", "[", ",", "]"), (LINES, "", "\n", "")] {
            let text = |count| format!("{begin}{}{end}", vec!["1"; count].join(separator));

            assert_eq!(items(content_type, &text(BATCH_EVENTS_MAX)).await.unwrap().len(), BATCH_EVENTS_MAX);
            let refused = items(content_type, &text(BATCH_EVENTS_MAX + 1)).await.unwrap_err();
            assert!(refused.contains("at most 1000 events"), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_body_of_another_type_is_refused() {
        let refused = items("text/plain", "[]").await.unwrap_err();

        assert!(refused.contains("Content-Type: application/json"), "{refused}");
    }
}
