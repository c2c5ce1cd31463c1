use hooksieve_sdk::prelude::*;

#[filter]
struct Record { //~ [struct Record {] above the struct with its fields stands `#[derive(Fields)]`
    done: bool,
}
