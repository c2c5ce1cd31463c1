//! Which host a command calls, and as whom.

use clap::Args;

use super::failure::misuse;
use crate::client::Client;
use crate::wire::{PageQuery, SecretText};

/// The host to call.
#[derive(Debug, Args)]
pub(super) struct Remote {
    /// The host to call.
    #[arg(long, env = "HOOKSIEVE_URL", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    host: String,
    /// The token to call with; better in the environment, where other users of this machine cannot see it.
    #[arg(long, env = "HOOKSIEVE_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<SecretText>,
}

impl Remote {
    /// A client of the host.
    ///
    /// # Errors
    /// When there is no token, or the address is not one.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        let token = self.token.as_ref().map(SecretText::expose).filter(|token| !token.is_empty()).ok_or_else(|| {
            misuse(
                "no token to call the host with",
                "set HOOKSIEVE_TOKEN; `serve` shows the operator's at its first start, and `token create USER` makes one for a user",
            )
        })?;
        Ok(Client::new(&self.host, token)?)
    }
}

/// Which part of a host's list to show.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// How many to list, at most 250 [default: 50].
    #[arg(long)]
    limit: Option<u32>,
    /// Where the list before ended.
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    pub(super) remote: Remote,
}

impl ListArgs {
    /// The query that asks for it.
    pub(super) fn query(&self) -> PageQuery {
        PageQuery { limit: self.limit, cursor: self.cursor.clone() }
    }
}
