//! The variables of an expression, and their values in one event.

use cel::common::types::CelBool;
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use hooksieve_sdk::Value;

/// How a variable begins that says whether its path leads somewhere.
pub(crate) const HAS: &str = "has ";

/// The variables of an expression, each with the place of its value among the event's.
#[derive(Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, usize)>);

impl Fields {
    /// The variables with an event's values.
    pub(crate) fn with<'a>(&'a self, values: &'a [Value]) -> Found<'a> {
        Found { fields: self, values }
    }
}

/// What an expression finds in one event.
pub(crate) struct Found<'a> {
    fields: &'a Fields,
    values: &'a [Value],
}

impl VariableResolver for Found<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let (_, at) = self.fields.0.iter().find(|(name, _)| name == variable)?;
        let value = &self.values[*at];
        match variable.starts_with(HAS) {
            true => Some(CowVal::owned(CelBool::from(*value != Value::Absent))),
            false => crate::value::cel(value),
        }
    }
}
