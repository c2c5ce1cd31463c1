use hooksieve_sdk::prelude::*;

struct Tag;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/tag")]
    tag: Tag, //~ [Tag] `Tag` is not a type that a field can have ... Json<_> for arrays and objects
}

#[filter]
fn verdict(record: Record) -> Verdict {
    let Tag = record.tag;
    deliver()
}
