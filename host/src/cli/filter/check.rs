//! `filter check`: builds a filter and says what it is, and what looks like a mistake.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::module;
use super::survey::Survey;
use super::trial::{Trial, canonical_config};
use crate::cli::failure::Explain;
use crate::cli::input;
use crate::cli::output::{Output, plain};
use crate::wire::FilterAbout;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder of a filter crate, or a .wasm file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// The configuration under which to ask for the fields [default: null].
    #[arg(long, value_name = "JSON|@FILE")]
    config: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    about: FilterAbout,
    digest: String,
    size_bytes: usize,
    wit_version: String,
    /// `None` where the filter wants a configuration and was given none.
    fields: Option<Vec<String>>,
    configure_fuel: Option<u64>,
    /// What the filter says to a configuration of `null`.
    wants_config: Option<String>,
    /// How it does on the catalogue's examples; `None` like the fields.
    examples: Option<Survey>,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    let given = args.config.as_deref().map(input::json_argument).transpose()?;
    let config = canonical_config(given.as_deref())?;
    let wasm = module::read(&args.path).await?;
    let trial = Trial::start()?;
    let admitted = trial.admit(&wasm).await?;
    let (configured, wants_config) = match trial.configure(&admitted, &config).await {
        Ok(configured) => (Some(configured), None),
        // Whether it can do without one is not known before it is asked.
        Err(refused) if given.is_none() => (None, Some(refused.to_string())),
        Err(refused) => {
            return Err(refused).failed("the filter cannot be used like this", "give another --config");
        }
    };
    let examples = match &configured {
        Some(configured) => Some(Survey::of(&trial, configured).await?),
        None => None,
    };
    let checked = Checked {
        about: admitted.about.into(),
        digest: admitted.digest.to_string(),
        size_bytes: wasm.len(),
        wit_version: admitted.wit_version,
        fields: configured.as_ref().map(|configured| configured.pointers.clone()),
        configure_fuel: configured.as_ref().map(|configured| configured.fuel),
        wants_config,
        examples,
    };
    output.print(&checked, text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(checked: &Checked) -> String {
    let about = &checked.about;
    let mut text = format!(
        "{} {}: {}\n{} bytes, interface {}, sha256 {}\n{}",
        plain(&about.name),
        plain(&about.version),
        plain(&about.description),
        checked.size_bytes,
        checked.wit_version,
        checked.digest,
        match &about.config_schema {
            Some(schema) => format!("publishes a schema of its configuration, {} bytes", schema.get().len()),
            None => "publishes no schema of a configuration".to_owned(),
        }
    );
    match (&checked.fields, &checked.wants_config) {
        (Some(fields), _) if fields.is_empty() => text.push_str("\nreads no fields"),
        (Some(fields), _) => {
            text.push_str("\nreads");
            for field in fields {
                text.push_str(&format!("\n  {}", plain(field)));
            }
        }
        (None, wants) => {
            let wants = wants.as_deref().unwrap_or_default();
            text.push_str(&format!("\nreads what its configuration says; give --config ({})", plain(wants)));
        }
    }
    if let Some(survey) = &checked.examples {
        text.push_str(&format!("\n{survey}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked() -> Checked {
        Checked {
            about: FilterAbout {
                name: "done-records".to_owned(),
                version: "0.1.0".to_owned(),
                description: "Delivers what is done".to_owned(),
                config_schema: None,
            },
            digest: "ab12".to_owned(),
            size_bytes: 15_000,
            wit_version: "0.1.0".to_owned(),
            fields: Some(vec!["/currentValue/done".to_owned()]),
            configure_fuel: Some(7),
            wants_config: None,
            examples: None,
        }
    }

    #[test]
    fn the_text_has_all_that_the_author_must_know() {
        assert_eq!(
            text(&checked()),
            "done-records 0.1.0: Delivers what is done\n15000 bytes, interface 0.1.0, sha256 ab12\n\
             publishes no schema of a configuration\nreads\n  /currentValue/done"
        );
    }

    #[test]
    fn a_filter_that_wants_a_configuration_says_so() {
        let wanting = Checked { fields: None, wants_config: Some("fields is missing".to_owned()), ..checked() };

        assert!(text(&wanting).ends_with("give --config (fields is missing)"));
    }
}
