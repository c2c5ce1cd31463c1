//! Who waits while somebody's filters take a compiler long: they themselves.

use hooksieve::model::ids::UserId;

use super::Room;
use crate::guests::{DONE_RECORDS, slow_to_compile};

#[tokio::test]
async fn filters_of_one_owner_that_are_compiled_again_leave_room_for_anothers_first_upload() {
    let room = Room::open();
    let owner = Some(UserId::parse("u1").unwrap());
    let [one, other] = [2_000, 2_001].map(|functions| room.keep(owner.clone(), &slow_to_compile(functions)));
    let upload = slow_to_compile(2_002);

    tokio::select! {
        // In this order, so that all of theirs wait already when the other one comes.
        biased;
        _ = room.configure(one, "null") => panic!("it was compiled too fast"),
        _ = room.configure(other, "null") => panic!("it was compiled too fast"),
        _ = room.host.admit(owner.as_ref(), &upload) => panic!("it was compiled too fast"),
        first = room.upload(DONE_RECORDS) => drop(first.unwrap()),
    }
}
