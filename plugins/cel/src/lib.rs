//! Delivers an event when a [CEL](https://cel.dev) expression over it is true:
//! `{"expression": "currentValue.done && currentValue.todoList.title == 'Review'"}`.
//!
//! `docs/filters.md` tells users what may stand in an expression; here is how it is done. The expression is parsed and
//! its paths are declared as fields ([`walk`]), so an event costs what the expression reads. Parsing takes most of a
//! verdict's fuel, since each event gets a new instance. So the parser is the crate's hand-written one, not the one
//! that is generated from a grammar.

mod fields;
mod functions;
mod path;
mod value;
mod walk;

use std::sync::Arc;

use cel::parser::{ParseErrors, PrattParser};
use cel::{Context, Env, ExecutionError, IdedExpr};
use hooksieve_sdk::{About, ConfigError, Pointer, Sieve, Value, Verdict, about};
use hooksieve_sdk::{deliver, export, fail, skip};
use serde::Deserialize;

use fields::Fields;

/// How much of an error a verdict tells, in characters: it can repeat values of the event.
const ERROR_CHARS_MAX: usize = 300;

const SCHEMA: &str = r#"{"type":"object","required":["expression"],"additionalProperties":false,"properties":{"expression":{"type":"string","minLength":1}}}"#;

/// The webhook's configuration.
#[derive(Deserialize)]
pub struct Config {
    expression: String,
}

/// The filter.
pub struct Cel {
    expression: IdedExpr,
    fields: Fields,
    env: Arc<Env>,
}

impl Sieve for Cel {
    type Config = Config;

    fn about() -> About {
        about("cel", env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_DESCRIPTION"), Some(SCHEMA))
    }

    fn configure(Config { expression }: Config) -> Result<(Self, Vec<Pointer>), ConfigError> {
        let refuse = |reason: String| ConfigError::new("/expression", reason);
        let parser = PrattParser::new().max_recursion_depth(walk::DEPTH_MAX);
        let mut expression = parser.parse(&expression).map_err(|errors| refuse(first(&errors)))?;
        let env = Arc::new(functions::env());
        let (fields, pointers) = walk::take(&mut expression, &env).map_err(refuse)?;
        Ok((Self { expression, fields, env }, pointers))
    }

    fn decide(&self, values: Vec<Value>) -> Verdict {
        let found = self.fields.with(&values);
        let mut context = Context::with_env(Arc::clone(&self.env));
        functions::add(&mut context);
        context.set_variable_resolver(&found);
        match context.resolve(&self.expression) {
            Ok(cel::Value::Bool(true)) => deliver(),
            Ok(cel::Value::Bool(false)) => skip("the expression is false"),
            Ok(other) => fail(format!("the expression gives a {}, not true or false", other.type_of())),
            // The names of functions and types are checked when the webhook is saved.
            Err(ExecutionError::UndeclaredReference(name)) => fail(format!("{name} is absent: ask has({name}) first")),
            Err(error) => fail(error.to_string().chars().take(ERROR_CHARS_MAX).collect::<String>()),
        }
    }
}

/// The first error; the others are often made by it.
fn first(errors: &ParseErrors) -> String {
    match errors.errors.first() {
        Some(error) => format!("line {}, column {}: {}", error.pos.0, error.pos.1, error.msg),
        None => "it cannot be read".to_owned(),
    }
}

export!(Cel);
