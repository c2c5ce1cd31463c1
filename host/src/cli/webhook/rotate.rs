//! `webhook rotate-secret`: another signing secret, and until when the one before signs too.

use crate::cli::output::{Output, plain};
use crate::cli::remote::Remote;
use crate::wire::{RotateSecret, RotatedSecret, SecretText};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The webhook.
    id: String,
    /// The new secret [default: a generated one, which is better].
    #[arg(long)]
    secret: Option<SecretText>,
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<()> {
    let Args { id, secret, remote } = args;
    let rotated = remote.client()?.rotate_secret(&id, &RotateSecret { secret }).await?;
    output.print(&rotated, described)
}

fn described(rotated: &RotatedSecret) -> String {
    let RotatedSecret { secret, previous_expires_at, .. } = rotated;
    let secret = plain(secret.expose());
    format!("secret   {secret} (shown this once)\nbefore   signs too until {previous_expires_at}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_replaces_another_is_shown_with_the_end_of_the_other() {
        let rotated = RotatedSecret {
            webhook_id: "wh_1".to_owned(),
            secret: "whsec_x".into(),
            previous_expires_at: "2022-12-02T11:23:09.241Z".parse().unwrap(),
        };

        let expected = "secret   whsec_x (shown this once)\nbefore   signs too until 2022-12-02T11:23:09.241Z";
        assert_eq!(described(&rotated), expected);
    }
}
