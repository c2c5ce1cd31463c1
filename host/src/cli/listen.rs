//! `listen`: receives deliveries on this machine, verifies and prints them.

use std::process::ExitCode;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::failure::Explain;
use super::output::{Output, plain};
use super::receiver::{Arrival, Receiver};
use super::signals::StopSignals;
use super::signatures::{Signatures, TOLERANCE, ToldSignatures};
use crate::model::secret::Secret;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A signing secret to verify with; several may be given.
    #[arg(long = "secret", value_name = "SECRET", value_parser = parse_secret)]
    secrets: Vec<Secret>,
    /// The HTTP status to answer with.
    #[arg(long, default_value = "200", value_name = "CODE", value_parser = parse_status)]
    status: StatusCode,
}

/// A signing secret on the command line.
pub(super) fn parse_secret(text: &str) -> Result<Secret, &'static str> {
    if text.is_empty() { Err("a secret has at least one character") } else { Ok(Secret::new(text)) }
}

fn parse_status(text: &str) -> Result<StatusCode, &'static str> {
    let status = text.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
    status.filter(|status| (200..600).contains(&status.as_u16())).ok_or("a status is a number from 200 to 599")
}

/// A delivery in the JSON of this command.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    path: String,
    event: Option<String>,
    webhook_id: Option<String>,
    bytes: usize,
    /// `None` where there is no secret to verify with.
    verified: Option<bool>,
    signatures: Option<ToldSignatures>,
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    let signals = StopSignals::listen()?;
    let receiver = Receiver::start(args.port, args.status).await;
    let mut receiver = receiver
        .failed(format!("cannot listen on port {}", args.port), "choose another with --port; 0 takes a free one")?;
    let url = receiver.url("");
    output.print(&json!({ "listening": url }), |_| format!("listening on {url}"))?;

    let mut stopped = std::pin::pin!(signals.received());
    loop {
        let arrival = tokio::select! {
            arrival = receiver.next() => arrival,
            () = &mut stopped => None,
        };
        let Some(arrival) = arrival else { return Ok(ExitCode::SUCCESS) };
        let signatures = (!args.secrets.is_empty()).then(|| arrival.check(&args.secrets, TOLERANCE));
        output.print(&told(&arrival, signatures.as_ref()), |told| line(told, signatures.as_ref()))?;
    }
}

fn told(arrival: &Arrival, signatures: Option<&Signatures>) -> Told {
    Told {
        path: arrival.path.clone(),
        event: arrival.event(),
        webhook_id: arrival.message_id().map(str::to_owned),
        bytes: arrival.body.len(),
        verified: signatures.map(Signatures::hold),
        signatures: signatures.map(Signatures::told),
    }
}

fn line(told: &Told, signatures: Option<&Signatures>) -> String {
    let verdict = match signatures {
        None => "not verified (give --secret)".to_owned(),
        Some(signatures) if signatures.are_both_good() => "verified".to_owned(),
        Some(signatures) if signatures.hold() => format!("verified ({})", signatures.text()),
        Some(signatures) => format!("NOT VERIFIED ({})", signatures.text()),
    };
    let shown = |text: &Option<String>| plain(text.as_deref().unwrap_or("-")).into_owned();
    format!("{}  {verdict}  {}  {} bytes", shown(&told.event), shown(&told.webhook_id), told.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::signatures::Signature;
    use crate::sign::VerifyError;

    fn told() -> Told {
        Told {
            path: "/".to_owned(),
            event: Some("TODO_CREATED".to_owned()),
            webhook_id: Some("msg_1".to_owned()),
            bytes: 12,
            verified: None,
            signatures: None,
        }
    }

    #[test]
    fn a_line_says_whether_the_delivery_can_be_trusted_and_why_not() {
        let good = Signatures { x_signature: Signature::Good, webhook_signature: Signature::Good };
        let wrong = Signature::Bad(VerifyError::WrongSignature { header: "x-signature" });
        let bad = Signatures { x_signature: wrong, webhook_signature: Signature::Good };

        assert_eq!(line(&told(), Some(&good)), "TODO_CREATED  verified  msg_1  12 bytes");
        assert_eq!(line(&told(), None), "TODO_CREATED  not verified (give --secret)  msg_1  12 bytes");
        assert!(line(&told(), Some(&bad)).starts_with("TODO_CREATED  NOT VERIFIED (X-Signature is bad: "));
    }

    #[test]
    fn a_body_that_names_no_event_still_gets_one_line() {
        let nothing = Told { event: None, webhook_id: Some("a\nb".to_owned()), ..told() };

        assert_eq!(line(&nothing, None), "-  not verified (give --secret)  a\\nb  12 bytes");
    }

    #[test]
    fn only_final_statuses_can_be_answered() {
        assert_eq!(parse_status("503"), Ok(StatusCode::SERVICE_UNAVAILABLE));
        assert!(parse_status("100").is_err() && parse_status("600").is_err() && parse_status("OK").is_err());
    }
}
