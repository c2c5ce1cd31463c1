//! `token create`: makes an API token for a user.

use std::process::ExitCode;

use clap::Subcommand;

use super::output::Output;
use super::remote::Remote;
use crate::wire::CreateToken;

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token for a user; needs an operator's token.
    Create(CreateArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct CreateArgs {
    /// The user's id.
    user: String,
    /// A name for people, to tell tokens apart.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(command: TokenCommand, output: Output) -> anyhow::Result<ExitCode> {
    let TokenCommand::Create(CreateArgs { user, name, remote }) = command;
    let token = remote.client()?.create_token(&user, &CreateToken { name }).await?;
    output
        .print(&token, |token| format!("token {} for {user}, shown this once: {}", token.id, token.token.expose()))?;
    Ok(ExitCode::SUCCESS)
}
