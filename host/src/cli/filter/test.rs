//! `filter test`: builds a filter and runs it on events, as a host would.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

use super::events::Source;
use super::module;
use super::trial::{Trial, canonical_config};
use crate::cli::failure::Explain;
use crate::cli::input;
use crate::cli::output::{Output, Table, plain};
use crate::wire::{Evaluation, EvaluationVerdict, FieldSeen};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder of a filter crate, or a .wasm file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// The filter's configuration [default: null].
    #[arg(long, value_name = "JSON|@FILE")]
    config: Option<String>,
    #[command(flatten)]
    source: Source,
    /// Show what the filter saw at its fields.
    #[arg(short, long)]
    verbose: bool,
}

/// What the filter said of one event.
#[derive(Debug, Serialize)]
struct Tested {
    /// Its id, unless it is an event that was never posted.
    id: Option<String>,
    event: String,
    #[serde(flatten)]
    evaluation: Evaluation,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    let given = args.config.as_deref().map(input::json_argument).transpose()?;
    let config = canonical_config(given.as_deref())?;
    let events = args.source.events().await?;
    let wasm = module::read(&args.path).await?;
    let trial = Trial::start()?;
    let admitted = trial.admit(&wasm).await?;
    let configured = trial.configure(&admitted, &config).await.failed(
        "the filter cannot be used like this",
        "give the configuration that it wants with --config; `filter check --json` shows its schema if it has one",
    )?;
    let mut tested = Vec::with_capacity(events.len());
    for event in events {
        let evaluation = trial.evaluate(&configured, &event).await.context("the filter was not run")?;
        tested.push(Tested { id: event.id, event: event.event, evaluation });
    }
    output.print(&tested, |tested| text(tested, args.verbose))?;
    let has_failed = tested.iter().any(|tested| tested.evaluation.verdict == EvaluationVerdict::Error);
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn text(tested: &[Tested], is_verbose: bool) -> String {
    let mut table = Table::new(["VERDICT", "EVENT", "FUEL", "µs", "REASON"]);
    for Tested { id, event, evaluation } in tested {
        table.push([
            word(evaluation.verdict).to_owned(),
            id.as_ref().map_or_else(|| event.clone(), |id| format!("{event} {id}")),
            evaluation.fuel.to_string(),
            evaluation.microseconds.to_string(),
            reason(evaluation),
        ]);
    }
    let mut lines = table.lines();
    let mut text = lines.next().unwrap_or_default();
    for (line, Tested { evaluation, .. }) in lines.zip(tested) {
        text.push_str(&format!("\n{line}"));
        for field in evaluation.fields.iter().filter(|_| is_verbose) {
            text.push_str(&format!("\n  {}", saw(field)));
        }
    }
    let count = |verdict| tested.iter().filter(|tested| tested.evaluation.verdict == verdict).count();
    text.push_str(&format!(
        "\n{} delivered, {} skipped, {} failed",
        count(EvaluationVerdict::Deliver),
        count(EvaluationVerdict::Skip),
        count(EvaluationVerdict::Error)
    ));
    text
}

fn word(verdict: EvaluationVerdict) -> &'static str {
    match verdict {
        EvaluationVerdict::Deliver => "deliver",
        EvaluationVerdict::Skip => "skip",
        EvaluationVerdict::Error => "error",
    }
}

fn reason(evaluation: &Evaluation) -> String {
    let reason = evaluation.reason.clone().unwrap_or_default();
    match evaluation.reason_class {
        Some(class) => format!("{}: {reason}", crate::model::verdict::ReasonClass::from(class).as_str()),
        None => reason,
    }
}

/// A field as JSON tells it, type included: absent, null and "" differ.
fn saw(field: &FieldSeen) -> String {
    let value = serde_json::to_string(&field.value).expect("what a filter sees is plain data");
    format!("{} {}", plain(&field.pointer), plain(&value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{FieldValue, ReasonClass};

    fn tested(verdict: EvaluationVerdict, reason: Option<&str>) -> Tested {
        let evaluation = Evaluation {
            verdict,
            reason: reason.map(str::to_owned),
            reason_class: (verdict == EvaluationVerdict::Error).then_some(ReasonClass::MemoryLimit),
            fields: vec![FieldSeen { pointer: "/currentValue/done".to_owned(), value: FieldValue::Boolean(true) }],
            fuel: 900,
            microseconds: 12,
        };
        Tested { id: None, event: "TODO_MOVED".to_owned(), evaluation }
    }

    #[test]
    fn each_event_gets_a_line_and_the_end_a_count() {
        let text = text(
            &[tested(EvaluationVerdict::Skip, Some("not done")), tested(EvaluationVerdict::Error, Some("x"))],
            false,
        );

        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "skip     TODO_MOVED  900   12  not done");
        assert_eq!(lines[2], "error    TODO_MOVED  900   12  memory-limit: x");
        assert_eq!(lines[3], "0 delivered, 1 skipped, 1 failed");
    }

    #[test]
    fn an_event_that_has_an_id_is_told_by_it() {
        let stored = Tested { id: Some("evt-1".to_owned()), ..tested(EvaluationVerdict::Deliver, None) };

        assert!(text(&[stored], false).contains("deliver  TODO_MOVED evt-1  900"));
    }

    #[test]
    fn verbose_lines_show_what_the_filter_saw() {
        let text = text(&[tested(EvaluationVerdict::Deliver, None)], true);

        assert!(text.contains("\n  /currentValue/done {\"type\":\"boolean\",\"value\":true}\n"), "{text}");
    }
}
