//! `serve`: runs a host until it is asked to stop.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::net::TcpListener;
use toml::{Table, Value};

use super::failure::Explain;
use super::output::Output;
use super::signals::StopSignals;
use crate::app::{App, AppOptions};
use crate::clock::SystemClock;
use crate::config::{Config, Secrets};
use crate::lifecycle::Stop;
use crate::resolve::Resolver;
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address to listen on [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The folder of the database, its keys and the compiled filters [default: ./hooksieve-data].
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Let webhooks point to this machine.
    #[arg(long)]
    dev: bool,
    /// The configuration file [default: hooksieve.toml, if it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the configuration that the file, the environment and the flags make, and stop.
    #[arg(long)]
    print_config: bool,
}

impl Args {
    /// The flags that were given, as the configuration names them.
    fn to_table(&self) -> Table {
        let listen = self.listen.clone().map(|listen| ("listen", Value::String(listen)));
        let data = self.data.clone().map(|data| ("data", Value::String(data)));
        let dev = self.dev.then_some(("dev", Value::Boolean(true)));
        [listen, data, dev].into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config.as_deref(), args.to_table())
        .misuse("the configuration cannot be used", "`serve --print-config` without it shows every setting")?;
    if args.print_config {
        let text = toml::to_string(&config)?;
        output.print(&config, |_| text.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    telemetry::start(&config.log)?;
    raise_file_limit();
    let signals = StopSignals::listen()?;
    // Before anything is written: a first start that finds the port taken leaves nothing behind.
    let listener = TcpListener::bind(config.listen).await.failed(
        format!("cannot listen on {}", config.listen),
        "stop the program that has the address, or choose another with --listen",
    )?;
    let app = open(config).await?;
    if let Some(token) = app.first_token() {
        output.print(&json!({ "operatorToken": token }), |_| format!("operator token, shown this once: {token}"))?;
    }
    let address = listener.local_addr()?;
    let url = format!("http://{address}");
    output.print(&json!({ "listening": url }), |_| format!("hooksieve listens on {url}"))?;

    let stop = Stop::default();
    let requested = stop.requested.clone();
    tokio::spawn(async move {
        signals.received().await;
        requested.cancel();
    });
    app.serve(listener, stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// Takes as many open files as this user may have: the usual 1024 are fewer than the connections to
/// receivers that are kept, and with none left nothing could be accepted either.
fn raise_file_limit() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

async fn open(config: Config) -> anyhow::Result<App> {
    let data = config.data.display().to_string();
    let options = AppOptions {
        config,
        secrets: Secrets::from_environment(),
        clock: Arc::new(SystemClock),
        resolver: Resolver::System,
        compiler: super::this_program()?,
    };
    App::open(options)
        .await
        .failed(format!("the host cannot start on {data}"), "the cause says what to do; --data chooses another folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flags_that_were_given_override_the_configuration() {
        let args =
            Args { listen: Some("[::1]:0".to_owned()), data: None, dev: false, config: None, print_config: false };

        assert_eq!(args.to_table().to_string(), "listen = \"[::1]:0\"\n");
    }
}
