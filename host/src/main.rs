//! The `hooksieve` program.

fn main() {}
