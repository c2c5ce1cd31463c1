//! `webhook`: registers webhooks, shows, changes, tests and deletes them.

mod headers;
mod rotate;
mod stats;
mod test;

use std::process::ExitCode;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::failure::misuse;
use super::input;
use super::output::{Output, Table, plain};
use super::remote::{ListArgs, Remote};
use crate::wire::{
    Agreements, Candidate, FilterChoice, FilterStatus, NewShadow, NewWebhook, OnError, Page, PatchWebhook,
    PayloadFormat, SecretText, Webhook, WebhookStatus,
};

#[derive(Debug, Subcommand)]
pub(super) enum WebhookCommand {
    /// Register a webhook; prints its signing secret, this once.
    Create(CreateArgs),
    /// List your webhooks, newest first.
    List(ListArgs),
    /// Show one of your webhooks.
    Show(OneArgs),
    /// Change one of your webhooks; what is not given stays as it is.
    Update(UpdateArgs),
    /// Send one of your webhooks nothing from now on; what is owed to it rests.
    Disable(OneArgs),
    /// Send one of your webhooks an example event, and say what became of it.
    Test(test::Args),
    /// Count what became of the events of one of your webhooks, and why.
    Stats(stats::Args),
    /// Replace the signing secret of one of your webhooks; prints the new one, this once.
    RotateSecret(rotate::Args),
    /// Delete one of your webhooks, with what is still owed to it.
    Delete(OneArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// Where deliveries go.
    #[arg(long)]
    url: String,
    /// A name for people.
    #[arg(long)]
    name: Option<String>,
    /// An event type to get; several may be given, also with commas.
    #[arg(long = "event", value_name = "TYPE", value_delimiter = ',')]
    events: Vec<String>,
    /// A project to get events of; several may be given [default: all that you are a member of].
    #[arg(long = "project", value_name = "PROJECT", value_delimiter = ',')]
    projects: Vec<String>,
    #[command(flatten)]
    filter: FilterArgs,
    /// The secret that signs deliveries [default: a new one, which is better].
    #[arg(long)]
    secret: Option<SecretText>,
    /// The shape of the delivered body [default: full].
    #[arg(long, value_parser = named::<PayloadFormat>(&["full", "compact"]))]
    payload_format: Option<PayloadFormat>,
    /// A header to add to every request, such as a key; several may be given.
    #[arg(long = "header", value_name = "NAME: VALUE|@FILE", value_parser = headers::parse)]
    headers: Vec<headers::Header>,
    /// Register it without sending it anything yet.
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    remote: Remote,
}

/// A filter and how to use it.
#[derive(Debug, clap::Args)]
struct FilterArgs {
    /// The filter that decides on each event.
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// The filter's configuration.
    #[arg(long, value_name = "JSON|@FILE", requires = "filter")]
    config: Option<String>,
    /// What happens to an event on which the filter fails [default: skip].
    #[arg(long, value_parser = named::<OnError>(&["skip", "deliver"]), requires = "filter")]
    on_error: Option<OnError>,
    /// A candidate that runs beside the filter and decides nothing; `webhook show` says how the two compare.
    #[arg(long, value_name = "FILTER")]
    shadow: Option<String>,
    /// The candidate's configuration.
    #[arg(long, value_name = "JSON|@FILE", requires = "shadow")]
    shadow_config: Option<String>,
}

impl FilterArgs {
    /// The filter and the candidate.
    fn choices(self) -> anyhow::Result<(Option<FilterChoice>, Option<NewShadow>)> {
        let config = |given: Option<String>| given.as_deref().map(input::json_argument).transpose();
        let (config, shadow_config) = (config(self.config)?, config(self.shadow_config)?);
        let filter = self.filter.map(|id| FilterChoice { id, config, on_error: self.on_error });
        let shadow = self.shadow.map(|id| NewShadow { filter: Candidate { id, config: shadow_config } });
        Ok((filter, shadow))
    }
}

/// A value of the contract by its name.
pub(super) fn named<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    let parse = |name| serde_json::from_value(Value::String(name)).expect("the contract has each of the names");
    PossibleValuesParser::new(names).map(parse)
}

#[derive(Debug, clap::Args)]
pub(super) struct OneArgs {
    /// The webhook.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, clap::Args)]
pub(super) struct UpdateArgs {
    /// The webhook.
    id: String,
    /// Where deliveries go from now on.
    #[arg(long)]
    url: Option<String>,
    /// A name for people.
    #[arg(long)]
    name: Option<String>,
    /// Take the name away.
    #[arg(long, conflicts_with = "name")]
    no_name: bool,
    /// The event types to get from now on; those that are not given no more.
    #[arg(long = "event", value_name = "TYPE", value_delimiter = ',')]
    events: Vec<String>,
    /// Get no event types.
    #[arg(long, conflicts_with = "events")]
    no_events: bool,
    /// The projects to get events of from now on; those that are not given no more.
    #[arg(long = "project", value_name = "PROJECT", value_delimiter = ',')]
    projects: Vec<String>,
    /// Get events of all projects that you are a member of.
    #[arg(long, conflicts_with = "projects")]
    all_projects: bool,
    #[command(flatten)]
    filter: FilterArgs,
    /// Take the filter away.
    #[arg(long, conflicts_with = "filter")]
    no_filter: bool,
    /// Take the candidate away.
    #[arg(long, conflicts_with = "shadow")]
    no_shadow: bool,
    /// The shape of the delivered body.
    #[arg(long, value_parser = named::<PayloadFormat>(&["full", "compact"]))]
    payload_format: Option<PayloadFormat>,
    /// A header to add to every request from now on, those that are not given no more; NAME alone keeps its value.
    #[arg(long = "header", value_name = "NAME: VALUE|@FILE", value_parser = headers::parse)]
    headers: Vec<headers::Header>,
    /// Add no headers.
    #[arg(long, conflicts_with = "headers")]
    no_headers: bool,
    /// Send it events, once its endpoint has answered a health check; exit code 1 if it does not.
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Send it nothing.
    #[arg(long)]
    disable: bool,
    #[command(flatten)]
    remote: Remote,
}

impl CreateArgs {
    fn into_new(self) -> anyhow::Result<(NewWebhook, Remote)> {
        let (filter, shadow) = self.filter.choices()?;
        let new = NewWebhook {
            url: self.url,
            name: self.name,
            events: self.events,
            project_ids: self.projects,
            secret: self.secret,
            filter,
            shadow,
            payload_format: self.payload_format,
            headers: headers::of_new(self.headers)?,
            enabled: self.disabled.then_some(false),
        };
        Ok((new, self.remote))
    }
}

impl UpdateArgs {
    fn into_patch(self) -> anyhow::Result<(String, PatchWebhook, Remote)> {
        let list = |given: Vec<String>, is_emptied: bool| (is_emptied || !given.is_empty()).then_some(given);
        let (filter, shadow) = self.filter.choices()?;
        let patch = PatchWebhook {
            url: self.url,
            name: if self.no_name { Some(None) } else { self.name.map(Some) },
            events: list(self.events, self.no_events),
            project_ids: list(self.projects, self.all_projects),
            filter: if self.no_filter { Some(None) } else { filter.map(Some) },
            shadow: if self.no_shadow { Some(None) } else { shadow.map(Some) },
            payload_format: self.payload_format,
            headers: (self.no_headers || !self.headers.is_empty()).then(|| headers::of_patch(self.headers)),
            enabled: (self.enable || self.disable).then_some(self.enable),
        };
        if serde_json::to_string(&patch)? == "{}" {
            return Err(misuse(
                "nothing to change",
                "give what should be different, such as --enable; --help lists it all",
            ));
        }
        Ok((self.id, patch, self.remote))
    }
}

pub(super) async fn run(command: WebhookCommand, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        WebhookCommand::Create(args) => {
            let (new, remote) = args.into_new()?;
            output.print(&remote.client()?.create_webhook(&new).await?, described)?;
        }
        WebhookCommand::List(args) => {
            output.print(&args.remote.client()?.list_webhooks(&args.query()).await?, listed)?;
        }
        WebhookCommand::Show(OneArgs { id, remote }) => {
            output.print(&remote.client()?.get_webhook(&id).await?, described)?;
        }
        WebhookCommand::Update(args) => {
            let (id, patch, remote) = args.into_patch()?;
            let updated = remote.client()?.update_webhook(&id, &patch).await?;
            output.print(&updated, described)?;
            // The endpoint did not answer the health check: the output says how.
            if patch.enabled == Some(true) && !updated.enabled {
                return Ok(ExitCode::FAILURE);
            }
        }
        WebhookCommand::Disable(OneArgs { id, remote }) => {
            output.print(&remote.client()?.disable_webhook(&id).await?, described)?;
        }
        WebhookCommand::Test(args) => return test::run(args, output).await,
        WebhookCommand::Stats(args) => stats::run(args, output).await?,
        WebhookCommand::RotateSecret(args) => rotate::run(args, output).await?,
        WebhookCommand::Delete(OneArgs { id, remote }) => {
            remote.client()?.delete_webhook(&id).await?;
            output.print(&json!({ "deleted": id }), |_| format!("{id} deleted"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(page: &Page<Webhook>) -> String {
    let mut table = Table::new(["ID", "NAME", "STATE", "EVENTS", "FILTER", "URL"]);
    for webhook in &page.items {
        table.push([
            webhook.id.clone(),
            webhook.name.clone().unwrap_or_default(),
            state(webhook).to_owned(),
            webhook.events.len().to_string(),
            webhook.filter.as_ref().map(|filter| filter.id.clone()).unwrap_or_default(),
            webhook.url.clone(),
        ]);
    }
    table.paged(page.next_cursor.as_deref())
}

fn state(webhook: &Webhook) -> &'static str {
    match (webhook.enabled, webhook.status) {
        (false, _) => "disabled",
        (true, WebhookStatus::Healthy) => "healthy",
        (true, WebhookStatus::Unhealthy) => "unhealthy",
    }
}

fn described(webhook: &Webhook) -> String {
    let all_or = |list: &[String], none: &str| if list.is_empty() { none.to_owned() } else { list.join(", ") };
    let filter = webhook.filter.as_ref().map(|filter| {
        let failing = if filter.status == FilterStatus::Failing { ", FAILING" } else { "" };
        format!("{} {}{failing}", filter.id, filter.config)
    });
    let shadow = webhook.shadow.as_ref().map(|shadow| {
        let Agreements { agreed, delivered_but_skips, skipped_but_delivers, errors } = shadow.agreements;
        format!(
            "{} {}: {agreed} agree, {delivered_but_skips} sent that it keeps back, {skipped_but_delivers} kept back that \
             it sends, {errors} errors",
            shadow.filter.id, shadow.filter.config
        )
    });
    let lines = [
        ("id", Some(webhook.id.clone())),
        ("name", webhook.name.clone()),
        ("url", Some(webhook.url.clone())),
        ("state", Some(state(webhook).to_owned())),
        ("why", webhook.health.reason.clone()),
        ("held", webhook.health.held_until.map(|until| format!("no attempt before {until}"))),
        ("next", webhook.health.next_attempt_at.map(|next| format!("attempt at {next}"))),
        ("events", Some(all_or(&webhook.events, "none"))),
        ("projects", Some(all_or(&webhook.project_ids, "all of yours"))),
        ("filter", filter),
        ("shadow", shadow),
        (
            "headers",
            Some(webhook.headers.keys().cloned().collect::<Vec<_>>().join(", ")).filter(|list| !list.is_empty()),
        ),
        ("secret", webhook.secret.as_ref().map(|secret| format!("{} (shown this once)", secret.expose()))),
    ];
    let lines = lines.into_iter().filter_map(|(name, value)| Some(format!("{name:<9}{}", plain(&value?))));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: WebhookCommand,
    }

    fn parse(words: &[&str]) -> Result<WebhookCommand, clap::Error> {
        Line::try_parse_from(["webhook"].iter().chain(words)).map(|line| line.command)
    }

    fn patch(words: &[&str]) -> String {
        let Ok(WebhookCommand::Update(args)) = parse(&[&["update", "wh_1"], words].concat()) else {
            panic!("{words:?} is no update")
        };
        serde_json::to_string(&args.into_patch().unwrap().1).unwrap()
    }

    #[test]
    fn a_webhook_is_created_from_its_flags() {
        let words = [
            "create",
            "--url",
            "https://example.com/hook",
            "--event",
            "TODO_CREATED,TODO_MOVED",
            "--event",
            "TAG_CREATED",
            "--project",
            "p1",
            "--filter",
            "field-match",
            "--config",
            "{\"n\":1.0}",
            "--on-error",
            "deliver",
            "--payload-format",
            "compact",
        ];
        let Ok(WebhookCommand::Create(args)) = parse(&words) else { panic!("no create") };

        let new = serde_json::to_string(&args.into_new().unwrap().0).unwrap();

        let expected = concat!(
            r#"{"url":"https://example.com/hook","events":["TODO_CREATED","TODO_MOVED","TAG_CREATED"],"#,
            r#""projectIds":["p1"],"filter":{"id":"field-match","config":{"n":1.0},"onError":"deliver"},"#,
            r#""payloadFormat":"compact"}"#
        );
        assert_eq!(new, expected);
    }

    #[test]
    fn an_update_changes_only_what_was_given() {
        assert_eq!(patch(&["--enable"]), r#"{"enabled":true}"#);
        assert_eq!(patch(&["--disable", "--no-name", "--no-filter"]), r#"{"name":null,"filter":null,"enabled":false}"#);
        assert_eq!(patch(&["--no-events", "--project", "a,b"]), r#"{"events":[],"projectIds":["a","b"]}"#);
        assert_eq!(patch(&["--filter", "f"]), r#"{"filter":{"id":"f"}}"#);
        assert_eq!(patch(&["--shadow", "f"]), r#"{"shadow":{"filter":{"id":"f"}}}"#);
        assert_eq!(patch(&["--no-shadow"]), r#"{"shadow":null}"#);
        assert_eq!(patch(&["--header", "x-a: 1", "--header", "x-b"]), r#"{"headers":{"x-a":"1","x-b":null}}"#);
        assert_eq!(patch(&["--no-headers"]), r#"{"headers":{}}"#);
    }

    #[test]
    fn an_update_that_changes_nothing_is_refused() {
        let Ok(WebhookCommand::Update(args)) = parse(&["update", "wh_1"]) else { panic!("no update") };

        assert_eq!(args.into_patch().unwrap_err().to_string(), "nothing to change");
    }

    #[test]
    fn flags_that_make_no_sense_are_refused() {
        for words in [
            &["update", "wh_1", "--enable", "--disable"][..],
            &["update", "wh_1", "--name", "a", "--no-name"],
            &["create", "--url", "https://a.example", "--config", "{}"],
            &["create", "--url", "https://a.example", "--shadow-config", "{}"],
            &["update", "wh_1", "--shadow", "f", "--no-shadow"],
            &["create", "--url", "https://a.example", "--filter", "f", "--on-error", "retry"],
            &["create"],
            &["update", "wh_1", "--no-headers", "--header", "x-a: 1"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
