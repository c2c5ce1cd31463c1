//! `verify`: checks the signatures of a delivery that was kept.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use super::failure::misuse;
use super::input;
use super::listen::parse_secret;
use super::output::Output;
use super::signatures::{Signatures, TOLERANCE};
use crate::clock::{Clock, SystemClock};
use crate::model::secret::Secret;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The webhook's signing secret; several may be given, of which one must fit.
    #[arg(long = "secret", value_name = "SECRET", required = true, value_parser = parse_secret)]
    secrets: Vec<Secret>,
    /// A header as it was received, such as 'X-Signature: 1f…'; those that matter are X-Signature, webhook-id,
    /// webhook-timestamp and webhook-signature.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<Header>,
    /// How many seconds ago the delivery may have been sent; 0 takes any time.
    #[arg(long, value_name = "SECONDS", default_value_t = TOLERANCE.as_secs())]
    tolerance: u64,
    /// The file with the raw body; `-` reads standard input.
    file: PathBuf,
}

#[derive(Clone, Debug)]
struct Header {
    name: String,
    value: String,
}

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once(':').ok_or("a header is a name, a colon and a value")?;
        Ok(Self { name: name.trim().to_ascii_lowercase(), value: value.trim().to_owned() })
    }
}

pub(super) fn run(args: Args, output: Output) -> anyhow::Result<ExitCode> {
    if args.headers.is_empty() {
        return Err(misuse("no header to verify", "give those of the delivery, such as --header 'X-Signature: 1f…'"));
    }
    let body = input::read(&args.file)?;
    let signatures = check(&args, &body, SystemClock.now().as_secs());
    output.print(&signatures.told(), |_| signatures.text().replace("; ", "\n"))?;
    Ok(if signatures.hold() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(args: &Args, body: &[u8], now_secs: i64) -> Signatures {
    let tolerance = match args.tolerance {
        0 => Duration::MAX,
        seconds => Duration::from_secs(seconds),
    };
    let header =
        |name: &'static str| args.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str());
    Signatures::check(body, header, &args.secrets, now_secs, tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::signatures::Signature;

    /// The example of the Standard Webhooks specification.
    fn example(tolerance: u64) -> Args {
        let headers = [
            "Webhook-Id: msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp:1614265330",
            "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ];
        Args {
            secrets: vec![Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
            headers: headers.iter().map(|header| header.parse().unwrap()).collect(),
            tolerance,
            file: PathBuf::new(),
        }
    }

    #[test]
    fn headers_are_read_as_they_are_written_on_the_wire() {
        let signatures = check(&example(300), br#"{"test": 2432232314}"#, 1_614_265_400);

        assert_eq!(signatures.webhook_signature, Signature::Good);
        assert!(signatures.hold());
    }

    #[test]
    fn an_old_delivery_verifies_only_where_its_age_does_not_matter() {
        let body = br#"{"test": 2432232314}"#;

        assert!(!check(&example(300), body, 1_700_000_000).hold());
        assert!(check(&example(0), body, 1_700_000_000).hold());
    }
}
