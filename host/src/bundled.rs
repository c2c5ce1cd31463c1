//! The filters that come with the host, compiled to WebAssembly when the host is built.

use futures_util::future::try_join_all;

use crate::service::{Result, Service};

/// Their ids and their bytes.
const FILTERS: [(&str, &[u8]); 5] = [
    ("field-match", include_bytes!(concat!(env!("OUT_DIR"), "/field_match.wasm"))),
    ("changed-fields", include_bytes!(concat!(env!("OUT_DIR"), "/changed_fields.wasm"))),
    ("cel", include_bytes!(concat!(env!("OUT_DIR"), "/cel_filter.wasm"))),
    ("done-records", include_bytes!(concat!(env!("OUT_DIR"), "/done_records.wasm"))),
    ("due-date-moved", include_bytes!(concat!(env!("OUT_DIR"), "/due_date_moved.wasm"))),
];

/// Makes them usable under their names.
///
/// # Errors
/// When the store fails, or the compiler cannot be started.
pub(crate) async fn install(service: &Service) -> Result<()> {
    let installing = FILTERS.map(|(name, wasm)| service.install_bundled(name, wasm));
    try_join_all(installing).await.map(drop)
}
