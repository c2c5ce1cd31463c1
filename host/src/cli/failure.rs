//! How an error is told: the message, its causes, and what to do; and the exit code.

use std::fmt;
use std::process::ExitCode;

use crate::client::ClientError;

/// The exit code where the command line, or a file that it names, cannot be used.
pub(super) const MISUSE: u8 = 2;

/// What went wrong in the user's words, and the remedy; attached to an error as context.
#[derive(Debug)]
struct Trouble {
    message: String,
    hint: String,
    is_misuse: bool,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Trouble {}

/// Something that was asked for wrongly: exit code 2.
pub(super) fn misuse(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    Trouble { message: message.into(), hint: hint.into(), is_misuse: true }.into()
}

/// Adds what to do to an error.
pub(super) trait Explain<T> {
    /// Something that was asked for wrongly: exit code 2.
    fn misuse(self, message: impl Into<String>, hint: impl Into<String>) -> anyhow::Result<T>;

    /// Something that was asked for rightly and did not work: exit code 1.
    fn failed(self, message: impl Into<String>, hint: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Explain<T> for Result<T, E> {
    fn misuse(self, message: impl Into<String>, hint: impl Into<String>) -> anyhow::Result<T> {
        let trouble = || Trouble { message: message.into(), hint: hint.into(), is_misuse: true };
        self.map_err(|error| error.into().context(trouble()))
    }

    fn failed(self, message: impl Into<String>, hint: impl Into<String>) -> anyhow::Result<T> {
        let trouble = || Trouble { message: message.into(), hint: hint.into(), is_misuse: false };
        self.map_err(|error| error.into().context(trouble()))
    }
}

/// Tells an error on standard error. One that only says that nobody reads standard output any more is
/// kept quiet.
pub(super) fn report(error: &anyhow::Error) -> ExitCode {
    if !is_closed_pipe(error) {
        eprintln!("{}", text(error));
    }
    let is_misuse = error.downcast_ref::<Trouble>().is_some_and(|trouble| trouble.is_misuse);
    if is_misuse { ExitCode::from(MISUSE) } else { ExitCode::FAILURE }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io_error = error.downcast_ref::<std::io::Error>();
    io_error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn text(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        text.push_str(&format!("\n  because: {}", cause.trim_end().replace('\n', "\n    ")));
    }
    if let Some(hint) = hint(error) {
        text.push_str(&format!("\nhint: {hint}"));
    }
    text
}

fn hint(error: &anyhow::Error) -> Option<&str> {
    if let Some(trouble) = error.downcast_ref::<Trouble>() {
        return Some(&trouble.hint);
    }
    let client = error.chain().find_map(|cause| cause.downcast_ref::<ClientError>())?;
    match client {
        ClientError::Refused(problem) => match problem.code.as_str() {
            "UNAUTHENTICATED" => Some(
                "set HOOKSIEVE_TOKEN (or --token) to a token of this host; an operator makes one with `token create USER`",
            ),
            "UNAUTHORIZED" => {
                Some("events and tokens need an operator's token, webhooks and filters the token of a user")
            }
            "WEBHOOK_NOT_FOUND" => Some("`webhook list` shows yours"),
            "DELIVERY_NOT_FOUND" => Some("`delivery list WEBHOOK` shows those of a webhook"),
            "REPLAY_NOT_FOUND" => Some("`replay list WEBHOOK` shows those of a webhook"),
            "FILTER_NOT_FOUND" => Some("`filter list` shows those that you can use"),
            "RATE_LIMITED" => Some("call less often, or ask the operator to raise `limits.requests_per_second`"),
            "TOKEN_NOT_FOUND" => Some("the id comes between `hs_` and the next underscore; revoked tokens are gone"),
            "USER_NOT_FOUND" => Some("an operator registers users with `PUT /v1/users/{id}`"),
            _ => None,
        },
        ClientError::Address { .. } | ClientError::NoAnswer { .. } | ClientError::Unexpected { .. } => {
            Some("HOOKSIEVE_URL (or --host) names the host to call")
        }
        ClientError::Setup(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Problem;

    #[test]
    fn an_error_is_told_with_its_causes_and_a_remedy() {
        let lost = std::io::Error::other("no such file");

        let error = Err::<(), _>(lost).misuse("cannot read x.json", "name a file").unwrap_err();

        assert_eq!(text(&error), "error: cannot read x.json\n  because: no such file\nhint: name a file");
    }

    #[test]
    fn a_refusal_for_want_of_a_token_says_where_tokens_go() {
        let problem = Problem {
            kind: "about:blank".to_owned(),
            title: "Unauthorized".to_owned(),
            status: 401,
            code: "UNAUTHENTICATED".to_owned(),
            detail: "a valid token is needed".to_owned(),
            errors: Vec::new(),
            storage: None,
        };

        let told = text(&ClientError::Refused(Box::new(problem)).into());

        assert!(told.starts_with("error: a valid token is needed\nhint: set HOOKSIEVE_TOKEN"), "{told}");
    }

    #[test]
    fn an_output_that_nobody_reads_is_no_news() {
        let closed: anyhow::Error = std::io::Error::from(std::io::ErrorKind::BrokenPipe).into();

        assert!(is_closed_pipe(&closed));
        assert!(!is_closed_pipe(&misuse("x", "y")));
    }
}
