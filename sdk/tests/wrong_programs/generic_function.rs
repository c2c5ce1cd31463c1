use hooksieve_sdk::prelude::*;

#[filter]
fn verdict<R: Fields>(record: R) -> Verdict { //~ [<R: Fields>] a filter has no generics: name its types
    deliver()
}
