//! The headers that a webhook adds to its requests, such as a static credential for receivers that check no
//! signature.
//!
//! Their values are never shown again, so a change may name a header without one: whoever reads a webhook and
//! writes it back changes nothing.

use std::collections::BTreeMap;

use super::{Result, ServiceError};
use crate::model::limits::{HEADER_NAME_CHARS_MAX, WEBHOOK_HEADER_VALUE_BYTES_MAX, WEBHOOK_HEADERS_MAX};
use crate::model::pointer::escaped;
use crate::model::secret::Secret;

/// Headers that a webhook may not set: those of HTTP itself and those that Hooksieve sets.
const RESERVED: [&str; 15] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-signature",
    "accept-encoding",
    "accept",
];

/// The headers of a change, with the values that stay as they are.
///
/// # Errors
/// When a header without a value is not there now.
pub(super) fn kept(
    headers: BTreeMap<String, Option<Secret>>,
    before: &BTreeMap<String, Secret>,
) -> Result<BTreeMap<String, Secret>> {
    let keep = |(name, value): (String, Option<Secret>)| {
        let value = value.or_else(|| before.get(&name.to_ascii_lowercase()).cloned()).ok_or_else(|| {
            let detail = "null keeps the value of a header, and the webhook has no such header; give a value";
            ServiceError::bad_field(&pointer(&name), detail.to_owned())
        })?;
        Ok((name, value))
    };
    headers.into_iter().map(keep).collect()
}

/// The headers under their lower-case names.
///
/// # Errors
/// When there are too many, or one has a name or value that it cannot have.
pub(super) fn check(headers: BTreeMap<String, Secret>) -> Result<BTreeMap<String, Secret>> {
    if headers.len() > WEBHOOK_HEADERS_MAX {
        let detail = format!("a webhook adds at most {WEBHOOK_HEADERS_MAX} headers");
        return Err(ServiceError::bad_field("/headers", detail));
    }
    let mut checked = BTreeMap::new();
    for (name, value) in headers {
        let refuse = |detail: String| Err(ServiceError::bad_field(&pointer(&name), detail));
        let lower = name.to_ascii_lowercase();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if lower.is_empty() || lower.len() > HEADER_NAME_CHARS_MAX || !lower.bytes().all(is_token) {
            return refuse(format!("a header's name has 1 to {HEADER_NAME_CHARS_MAX} characters of an HTTP token"));
        }
        if RESERVED.contains(&lower.as_str()) || lower.starts_with("webhook-") || lower.starts_with("proxy-") {
            return refuse("this header is set by Hooksieve or by HTTP itself; choose another name".to_owned());
        }
        let is_visible = |byte: u8| (0x20..0x7f).contains(&byte);
        let text = value.expose();
        if text.len() > WEBHOOK_HEADER_VALUE_BYTES_MAX || !text.bytes().all(is_visible) {
            return refuse(format!(
                "a header's value has at most {WEBHOOK_HEADER_VALUE_BYTES_MAX} printable ASCII characters"
            ));
        }
        if checked.insert(lower, value).is_some() {
            return refuse("this header is given twice".to_owned());
        }
    }
    Ok(checked)
}

fn pointer(name: &str) -> String {
    format!("/headers/{}", escaped(name))
}
