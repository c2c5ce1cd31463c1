//! Hostile modules, each uploaded to a real host and, if it is taken, given to a webhook that then gets an event. What is to
//! become of it stands in its row ([`Expected`]). After each row the host is what it was before, and two neighbours,
//! another webhook of the same user and one of another user, have got a fresh event.
//!
//! - [`uploads`]: what is refused when it is uploaded. [`worlds`]: imports, exports and versions.
//! - [`answers`]: what runs, and misbehaves. [`bombs`]: what costs a compiler far more than its size says.
//! - [`run`]: one row. [`watched`]: what a process could keep. [`child`]: what the compiler's process may do.

mod answers;
mod bombs;
mod child;
mod run;
mod uploads;
pub mod watched;
mod worlds;

use std::borrow::Cow;

use hooksieve::wire::{Outcome, ReasonClass};
use run::World;

/// One module and what is to become of it.
pub struct Row {
    pub name: Cow<'static, str>,
    pub module: Vec<u8>,
    pub expected: Expected,
}

/// What is to become of a module.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// The upload is refused with 400, and told all of this.
    Refused(&'static [&'static str]),
    /// The upload is refused with 413.
    TooLarge,
    /// The upload is taken, but no webhook with this configuration: 400, and told all of this.
    Unconfigured(&'static str, &'static [&'static str]),
    /// A webhook with this configuration has this verdict.
    Decides(&'static str, Outcome),
    /// Its verdict is a failure of this class.
    Fails(&'static str, ReasonClass),
    /// Compiled, or stopped at a bound of the compiler's process.
    Bounded,
}

impl Row {
    fn new(name: impl Into<Cow<'static, str>>, module: Vec<u8>, expected: Expected) -> Self {
        Self { name: name.into(), module, expected }
    }
}

#[tokio::test]
async fn no_hostile_module_hurts_anybody_else() {
    let mut world = World::start(&[]).await;
    for row in uploads::rows().into_iter().chain(worlds::rows()).chain(answers::rows()) {
        world.run(&row).await;
    }
    world.end();
}

/// With little time and memory, so that many bombs meet their bound.
#[tokio::test]
async fn no_module_costs_the_compiler_more_than_its_bounds() {
    let bounds =
        [("HOOKSIEVE_FILTER_COMPILE_SECS_MAX", "2"), ("HOOKSIEVE_FILTER_COMPILE_MEMORY_BYTES_MAX", "402653184")];
    compile_bombs(&bounds, 1).await;
}

#[tokio::test]
#[ignore = "a quarter of an hour: the same bombs, forty times as large, under the bounds that a host has by default"]
async fn no_large_module_costs_the_compiler_more_than_its_bounds() {
    compile_bombs(&[], 40).await;
}

async fn compile_bombs(bounds: &[(&str, &str)], size: usize) {
    let mut world = World::start(bounds).await;
    for bomb in bombs::ALL {
        // A large one takes long to write; meanwhile the client must see that the host closes what is idle.
        let row = tokio::task::spawn_blocking(move || bomb.row(size)).await.unwrap();
        world.run(&row).await;
    }
    world.end();
}
