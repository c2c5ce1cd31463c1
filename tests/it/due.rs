//! A host that starts with much to deliver.

use tempfile::TempDir;

use crate::backlog::{Plan, TITLES, run};

/// Seconds of what `cargo bench --workspace --bench due` does with a million.
#[tokio::test]
async fn a_host_with_much_due_is_ready_at_once_and_new_events_do_not_wait_for_it() {
    let data = TempDir::new().unwrap();
    let plan = Plan { webhooks: 20, due_each: 2_000, events: 20, rate: 20 };

    let figures = run(data.path(), &plan).await;

    println!("{TITLES}\n{}", figures.line(&plan));
    assert_eq!(figures.faults(&plan), [""; 0]);
}
