use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

impl Record {
    #[filter]
    fn verdict(self) -> Verdict { //~ [self] a filter is a free function: remove `self`
        if self.done { deliver() } else { skip("no") }
    }
}
