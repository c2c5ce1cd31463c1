//! `check-url`: says whether webhooks may point to URLs, by the very policy that a host applies.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;
use toml::Value;

use super::failure::Explain;
use super::input;
use super::output::{Output, plain};
use crate::app;
use crate::config::Config;
use crate::egress::{self, AllowRule, Policy, Refused};
use crate::resolve::{ResolveError, Resolver};

/// The verdict on a URL that is not refused.
const ALLOW: &str = "allow";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The URLs to judge.
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// Resolve names by this file alone: a JSON object from names to lists of addresses, or lines with a name
    /// and its addresses.
    #[arg(long, value_name = "FILE")]
    resolver_table: Option<PathBuf>,
    /// A network to allow although it is private, beside those of the configuration's `egress.allow`.
    #[arg(long, value_name = "RULE")]
    allow: Vec<AllowRule>,
    /// Allow this machine, as `serve --dev` does.
    #[arg(long)]
    dev: bool,
    /// The configuration file [default: hooksieve.toml, if it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What was found about one URL.
#[derive(Debug, Serialize)]
struct Judged {
    verdict: &'static str,
    url: String,
    why: String,
}

/// Exit code 1 if any URL is refused.
pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    let resolver = match &args.resolver_table {
        Some(path) => Resolver::Table(Arc::new(read_table(path)?)),
        None => Resolver::System,
    };
    let policy = policy(&args)?;
    let mut is_any_refused = false;
    for url in args.urls {
        let judged = judge(url, &policy, &resolver).await;
        is_any_refused |= judged.verdict != ALLOW;
        output
            .print(&judged, |judged| format!("{}\t{}\t{}", judged.verdict, plain(&judged.url), plain(&judged.why)))?;
    }
    Ok(if is_any_refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What a host that is started here would apply, and what the flags add.
fn policy(args: &Args) -> anyhow::Result<Policy> {
    let dev = args.dev.then(|| ("dev".to_owned(), Value::Boolean(true)));
    let config = Config::load(args.config.as_deref(), dev.into_iter().collect())
        .misuse("the configuration cannot be used", "`serve --print-config` says what it takes")?;
    let mut policy = app::policy(&config);
    policy.allow.extend(args.allow.iter().cloned());
    Ok(policy)
}

async fn judge(url: String, policy: &Policy, resolver: &Resolver) -> Judged {
    let refuse = |refused: &Refused| {
        let word = match refused {
            Refused::Invalid(_) => "invalid",
            Refused::Private(_) => "private",
        };
        let found = refused.resolved().map(|(address, range)| format!(" ({address}, {range})"));
        (word, refused.detail() + &found.unwrap_or_default())
    };
    let (verdict, why) = match egress::judge_url(&url, policy) {
        Err(refused) => refuse(&refused),
        Ok(target) => match resolver.resolve(&target, policy).await {
            Err(ResolveError::Refused(refused)) => refuse(&refused),
            Err(error @ ResolveError::Lookup(_)) => {
                (ALLOW, format!("{error}; each attempt looks again, and judges what it finds"))
            }
            Ok(addresses) => {
                let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
                (ALLOW, format!("leads to {}", shown.join(", ")))
            }
        },
    };
    Judged { verdict, url, why }
}

fn read_table(path: &Path) -> anyhow::Result<HashMap<String, Vec<IpAddr>>> {
    let text = input::read_text(path)?;
    parse_table(&text).misuse(
        format!("{} is not a table of names", path.display()),
        "write a JSON object such as {\"example.com\": [\"93.184.216.34\"]}, or lines such as `example.com 93.184.216.34`",
    )
}

fn parse_table(text: &str) -> anyhow::Result<HashMap<String, Vec<IpAddr>>> {
    if text.trim_start().starts_with('{') {
        let table: HashMap<String, Vec<IpAddr>> = serde_json::from_str(text)?;
        return Ok(table.into_iter().map(|(name, addresses)| (normal(&name), addresses)).collect());
    }
    let mut table: HashMap<String, Vec<IpAddr>> = HashMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(name) = words.next() else { continue };
        let addresses: Result<Vec<IpAddr>, _> = words.map(str::parse).collect();
        table
            .entry(normal(name))
            .or_default()
            .extend(addresses.with_context(|| format!("line {number} has something that is no address"))?);
    }
    Ok(table)
}

/// Names as the policy asks for them.
fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn verdict(url: &str, table: &str) -> (&'static str, String) {
        let resolver = Resolver::Table(Arc::new(parse_table(table).unwrap()));
        let judged = judge(url.to_owned(), &Policy::default(), &resolver).await;
        (judged.verdict, judged.why)
    }

    #[tokio::test]
    async fn a_name_is_judged_by_every_address_of_the_table() {
        let table = "Example.com. 93.184.216.34 10.0.0.1 # one of them is private\n\nok.example 93.184.216.34";

        let (word, why) = verdict("https://example.com/hook", table).await;
        assert_eq!(word, "private");
        assert!(why.contains("10.0.0.1"), "{why}");
        assert_eq!(verdict("https://ok.example/", table).await, ("allow", "leads to 93.184.216.34".to_owned()));
        assert_eq!(verdict("ftp://ok.example/", table).await.0, "invalid");
    }

    #[tokio::test]
    async fn a_name_that_is_not_in_the_table_is_left_to_the_attempts() {
        let (word, why) = verdict("https://unknown.example/", "{}").await;

        assert_eq!(word, "allow");
        assert!(why.contains("cannot be resolved"), "{why}");
    }

    #[test]
    fn a_table_is_json_or_lines() {
        let json = parse_table(r#"{"A.example": ["::1"]}"#).unwrap();

        assert_eq!(json, parse_table("a.example ::1").unwrap());
        assert!(parse_table("a.example 1.2.3").is_err());
        assert!(parse_table(r#"{"a": "1.2.3.4"}"#).is_err());
    }
}
