//! Delivers an event when fields of its record have changed: `{"fields": ["/title", "/todoList/title"]}`.
//!
//! `docs/filters.md` tells users what each member means. Fields are read from both sides by pointer; only where
//! something inside one is to be ignored is its JSON taken apart.

mod ignored;

use hooksieve_sdk::{About, ConfigError, Pointer, RecordPointer, Sieve, Value, Verdict, about};
use hooksieve_sdk::{deliver, export, skip};
use serde::Deserialize;

use ignored::Ignored;

/// How many of the fields a reason names.
const NAMED: usize = 5;

const SCHEMA: &str = include_str!("schema.json");

/// The webhook's configuration.
#[derive(Deserialize)]
pub struct Config {
    fields: Option<Vec<RecordPointer>>,
    #[serde(default)]
    ignore: Vec<RecordPointer>,
    #[serde(default, rename = "match")]
    quantifier: Quantifier,
}

/// How many of the fields must have changed.
#[derive(Clone, Copy, Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Quantifier {
    #[default]
    Any,
    All,
}

/// The filter.
pub struct ChangedFields {
    /// What to leave out of each field.
    fields: Vec<Ignored>,
    quantifier: Quantifier,
    unchanged: String,
}

impl Sieve for ChangedFields {
    type Config = Config;

    fn about() -> About {
        let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        about(name, version, env!("CARGO_PKG_DESCRIPTION"), Some(SCHEMA))
    }

    fn configure(config: Config) -> Result<(Self, Vec<Pointer>), ConfigError> {
        let Config { fields, ignore, quantifier } = config;
        let names = match &fields {
            None => vec![""],
            Some(fields) if fields.is_empty() => {
                return Err(ConfigError::new("/fields", "a list of at least one field is expected"));
            }
            Some(fields) => fields.iter().map(RecordPointer::as_str).collect(),
        };
        for (at, pointer) in ignore.iter().enumerate() {
            if !names.iter().any(|field| Ignored::is_inside(pointer, field)) {
                return Err(ConfigError::new(format!("/ignore/{at}"), "it is inside none of the fields"));
            }
        }
        let side = |side: &str, field: &str| Pointer::parse(&format!("{side}{field}"));
        let sides = names.iter().flat_map(|field| [side("/previousValue", field), side("/currentValue", field)]);
        let pointers = sides.collect::<Result<_, _>>().map_err(|reason| ConfigError::new("/fields", reason))?;
        let unchanged = reason(&names, quantifier);
        let fields = names.iter().map(|field| Ignored::inside(&ignore, field)).collect();
        Ok((Self { fields, quantifier, unchanged }, pointers))
    }

    fn decide(&self, values: Vec<Value>) -> Verdict {
        let sides = values.chunks_exact(2);
        let mut changes = self.fields.iter().zip(sides).map(|(ignored, sides)| ignored.differ(&sides[0], &sides[1]));
        let is_match = match self.quantifier {
            Quantifier::Any => changes.any(|has_changed| has_changed),
            Quantifier::All => changes.all(|has_changed| has_changed),
        };
        if is_match { deliver() } else { skip(self.unchanged.as_str()) }
    }
}

fn reason(fields: &[&str], quantifier: Quantifier) -> String {
    let some = if quantifier == Quantifier::All && fields.len() > 1 { "one of " } else { "" };
    let named = fields.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = if fields.len() > NAMED { ", …" } else { "" };
    if named.is_empty() { "no change in the record".to_owned() } else { format!("no change in {some}{named}{more}") }
}

export!(ChangedFields);
