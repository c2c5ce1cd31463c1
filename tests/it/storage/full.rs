//! A disk that fills up, and is emptied again.

use std::fmt::Debug;

use hooksieve::client::ClientError;
use hooksieve::model::limits::{STORAGE_FREE_BYTES_MIN, STORAGE_WORK_BYTES_MIN};
use hooksieve::wire::{DeliveriesQuery, DeliveryState, StorageFault};

use super::disk::Disk;
use crate::app::{created, member, problem, webhook};
use crate::process::Process;
use crate::receiver::{Answer, Receiver};

/// Room for what is refused first, and for a host.
const DISK_BYTES: u64 = STORAGE_FREE_BYTES_MIN + (48 << 20);

/// That a call was refused because of the full disk.
fn assert_full<T: Debug>(answer: Result<T, ClientError>) {
    let problem = problem(answer);
    assert_eq!((problem.status, problem.code.as_str()), (507, "STORAGE_FULL"), "{problem:?}");
}

#[tokio::test]
async fn a_disk_that_fills_up_refuses_events_in_time_and_loses_and_stops_nothing_else() {
    let (disk, receiver) = (Disk::new(DISK_BYTES).await, Receiver::start().await);
    receiver.always("/kept", Answer::held());
    let process = Process::start_command(&mut disk.serve()).await;
    let user = process.client(&member(&process.operator(), "u1").await);
    let kept = user.create_webhook(&webhook(&receiver.url("/kept"))).await.unwrap();
    let spare = user.create_webhook(&webhook(&receiver.url("/spare"))).await.unwrap();
    process.operator().send_event(&created("before")).await.unwrap();
    receiver.wait_for("/kept", 1).await;
    receiver.wait_for("/spare", 1).await;

    // Nearly full: nothing new is taken in, and the rest goes on.
    disk.fill_to(STORAGE_FREE_BYTES_MIN - 1);
    assert_full(process.operator().send_event(&created("refused")).await);
    assert_full(user.create_webhook(&webhook(&receiver.url("/more"))).await);
    let told = problem(process.operator().get_readiness().await);
    assert_eq!((told.status, told.storage.as_ref().unwrap().fault), (507, StorageFault::Full));
    assert!(told.detail.contains("make room on the disk"), "{}", told.detail);
    receiver.always("/kept", Answer::status(204));
    receiver.release();
    let delivered = async || {
        let all = user.list_deliveries(&kept.id, &DeliveriesQuery::default()).await.unwrap();
        all.items.iter().all(|delivery| delivery.state == DeliveryState::Delivered)
    };
    while !delivered().await {
        tokio::task::yield_now().await;
    }
    assert!(process.operator().get_event("before").await.unwrap().dispatched);

    // Full to the last byte, by others: the ballast is given up for a deletion.
    disk.fill_to(0);
    let ballast = disk.folder().join("hooksieve.ballast");
    user.delete_webhook(&spare.id).await.unwrap();
    assert!(!ballast.exists());
    disk.fill_to(0);
    assert_full(process.operator().send_event(&created("refused")).await);
    let (status, _) = process.terminate().await;
    assert!(status.success(), "{status}");

    // It starts where there is no room for more, too.
    disk.empty();
    disk.fill_to(STORAGE_WORK_BYTES_MIN);
    let process = Process::start_command(&mut disk.serve()).await;
    assert_full(process.operator().send_event(&created("refused")).await);
    assert!(process.operator().get_event("before").await.unwrap().dispatched);
    assert_eq!(problem(process.operator().get_event("refused").await).status, 404);

    // By itself, as soon as there is room.
    disk.empty();
    process.operator().send_event(&created("after")).await.unwrap();
    receiver.wait_for("/kept", 2).await;
    assert_eq!(process.operator().get_readiness().await.unwrap().status, "ok");
    assert!(ballast.exists());
    assert_eq!(receiver.on("/spare").len(), 1);
}
