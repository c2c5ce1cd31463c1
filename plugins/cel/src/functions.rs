//! The functions of an expression: CEL's own, except for those that follow, which would make the module thrice as large.
//!
//! `timestamp` and `duration` are replaced by `seconds(text)`: the time as seconds since 1970. `matches` is like CEL's, in
//! linear time, but for the classes `\d`, `\s` and `\w`, which know ASCII only.

use std::sync::Arc;

use cel::extractors::This;
use cel::{Context, Env, ExecutionError};
use hooksieve_sdk::Instant;
use regex_lite::Regex;

/// The longest pattern, in bytes: what bounds the fuel to compile it.
const PATTERN_BYTES_MAX: usize = 200;

/// CEL's own.
pub(crate) fn env() -> Env {
    Env::default().with_optional_support(false).with_stdlib()
}

/// Adds the others.
pub(crate) fn add(context: &mut Context<'_, '_>) {
    let free = "CEL has these in crate features that are off";
    context.add_function("matches", matches).expect(free);
    context.add_function("seconds", seconds).expect(free);
}

/// Whether there is a function of this name.
pub(crate) fn exists(name: &str, env: &Arc<Env>) -> bool {
    // The environment answers this only by refusing a second function of the name.
    let is_cels = Context::with_env(Arc::clone(env)).add_function(name, || true).is_err();
    is_cels || ["matches", "seconds"].contains(&name)
}

fn matches(This(text): This<Arc<String>>, pattern: Arc<String>) -> Result<bool, ExecutionError> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(ExecutionError::function_error("matches", "the pattern is too long"));
    }
    match Regex::new(&pattern) {
        Ok(regex) => Ok(regex.is_match(&text)),
        Err(error) => Err(ExecutionError::function_error("matches", error)),
    }
}

fn seconds(time: Arc<String>) -> Result<f64, ExecutionError> {
    let instant = Instant::parse(&time);
    instant
        .map(Instant::as_secs_f64)
        .ok_or_else(|| ExecutionError::function_error("seconds", "a date or a time with its zone is expected"))
}
