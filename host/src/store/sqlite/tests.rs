//! The contract on SQLite, and what only SQLite does: files, locks, commits and failures.

mod files;
mod memory;
mod migrating;
mod places;
mod plans;
mod spoiled;
mod writing;

use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;

use super::{Create, OpenError, OpenOptions, SqliteStore};
use crate::store::contract::samples::at;
use crate::store::contract::{contract_tests, model};
use crate::store::{SealingKey, Store};

fn options(directory: &TempDir) -> OpenOptions {
    OpenOptions {
        directory: directory.path().join("data"),
        create: Create::MayCreate,
        key: SealingKey::from_bytes([7; 32]),
        now: at(0),
        metrics: Arc::default(),
    }
}

fn open(directory: &TempDir) -> Result<Arc<SqliteStore>, OpenError> {
    SqliteStore::open(&options(directory))
}

/// An empty store, and the directory that goes with it.
pub(super) fn opened() -> (Arc<SqliteStore>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (open(&directory).unwrap(), directory)
}

fn opened_for_contract() -> (Arc<dyn Store>, TempDir) {
    let (store, directory) = opened();
    (store, directory)
}

contract_tests!(opened_for_contract());

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn deliveries_are_claimed_as_by_a_naive_model_whoever_crashes_and_whatever_the_clock_does(steps in model::steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let open = || -> Arc<dyn Store> { open(&directory).unwrap() };
        runtime.block_on(model::the_store_claims_as_the_model_does(open, steps));
    }
}
