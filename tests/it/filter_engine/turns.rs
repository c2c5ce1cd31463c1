//! Who waits while somebody's filters take a compiler long: they themselves.

use std::pin::pin;

use hooksieve::model::ids::UserId;

use super::Room;
use crate::guests::{DONE_RECORDS, slow_to_compile};

#[tokio::test]
async fn filters_of_one_owner_that_are_compiled_again_leave_room_for_anothers_first_upload() {
    let room = Room::open();
    let owner = Some(UserId::parse("u1").unwrap());
    let slow = [2_000, 2_001].map(|functions| room.keep(owner.clone(), &slow_to_compile(functions)));
    let again = [room.configure(slow[0], "null"), room.configure(slow[1], "null")];
    let third = slow_to_compile(2_002);
    let upload = room.host.admit(owner.as_ref(), &third);
    let theirs = pin!(async { futures_util::join!(futures_util::future::join_all(again), upload) });

    tokio::select! {
        // First theirs, so that all of them have begun to wait.
        biased;
        _ = theirs => panic!("they were compiled too fast"),
        others = room.upload(DONE_RECORDS) => drop(others.unwrap()),
    }
}
