//! `token create|revoke`: makes an API token for a user, and ends one.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::output::Output;
use super::remote::Remote;
use crate::wire::CreateToken;

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token for a user; needs an operator's token.
    Create(CreateArgs),
    /// Revoke a token from this moment on; needs an operator's token.
    Revoke(RevokeArgs),
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

#[derive(Debug, clap::Args)]
pub(super) struct RevokeArgs {
    /// The token's id: what comes between `hs_` and the next underscore.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(command: TokenCommand, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        TokenCommand::Create(args) => create(args, output).await,
        TokenCommand::Revoke(args) => revoke(args, output).await,
    }
}

async fn create(CreateArgs { user, name, remote }: CreateArgs, output: Output) -> anyhow::Result<ExitCode> {
    let token = remote.client()?.create_token(&user, &CreateToken { name }).await?;
    output
        .print(&token, |token| format!("token {} for {user}, shown this once: {}", token.id, token.token.expose()))?;
    Ok(ExitCode::SUCCESS)
}

async fn revoke(RevokeArgs { id, remote }: RevokeArgs, output: Output) -> anyhow::Result<ExitCode> {
    // The whole token is not sent in a path, nor printed below.
    let id = id.strip_prefix("hs_").and_then(|rest| rest.split('_').next()).unwrap_or(&id);
    remote.client()?.revoke_token(id).await?;
    output.print(&json!({ "revoked": id }), |_| format!("token {id} is revoked"))?;
    Ok(ExitCode::SUCCESS)
}
