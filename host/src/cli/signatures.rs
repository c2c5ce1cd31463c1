//! What a receiver makes of the two signatures of a request.

use std::time::Duration;

use serde::Serialize;

use crate::model::secret::Secret;
use crate::sign::{self, VerifyError};

/// How old a request may be, as the Standard Webhooks libraries have it.
pub(super) const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    /// One of the secrets made it.
    Good,
    /// The request has none of this kind.
    Absent,
    /// It cannot be trusted.
    Bad(VerifyError),
}

/// Both signatures of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signatures {
    /// `X-Signature`.
    pub(super) x_signature: Signature,
    /// `webhook-signature`, with the id and the time that it covers.
    pub(super) webhook_signature: Signature,
}

impl Signatures {
    /// Checks a request; one secret that fits is enough. `header` answers for lower-case names.
    ///
    /// # Panics
    /// When `secrets` is empty.
    pub(super) fn check<'a>(
        body: &'a [u8],
        header: impl Fn(&'static str) -> Option<&'a str>,
        secrets: &[Secret],
        now_secs: i64,
        tolerance: Duration,
    ) -> Self {
        let received = sign::Received::new(body, &header);
        let judge = |name, verify: &dyn Fn(&Secret) -> Result<(), VerifyError>| {
            if header(name).is_none() {
                return Signature::Absent;
            }
            let (first, others) = secrets.split_first().expect("callers ask for a secret");
            match verify(first) {
                Ok(()) => Signature::Good,
                Err(_) if others.iter().any(|other| verify(other).is_ok()) => Signature::Good,
                Err(error) => Signature::Bad(error),
            }
        };
        Self {
            x_signature: judge(sign::X_SIGNATURE, &|secret| received.verify_x_signature(secret)),
            webhook_signature: judge(sign::WEBHOOK_SIGNATURE, &|secret| {
                received.verify_standard(secret, now_secs, tolerance)
            }),
        }
    }

    /// Whether a receiver may trust the request: there is a signature, and none is bad.
    pub(super) fn hold(&self) -> bool {
        let both = [&self.x_signature, &self.webhook_signature];
        both.contains(&&Signature::Good) && !both.iter().any(|one| matches!(one, Signature::Bad(_)))
    }

    /// Whether both are there and good, as on every request of a host.
    pub(super) fn are_both_good(&self) -> bool {
        self.x_signature == Signature::Good && self.webhook_signature == Signature::Good
    }

    /// As JSON has it.
    pub(super) fn told(&self) -> ToldSignatures {
        ToldSignatures { x_signature: self.x_signature.told(), webhook_signature: self.webhook_signature.told() }
    }

    /// As people read it: the names of the signatures by what they are.
    pub(super) fn text(&self) -> String {
        let name = |name, signature: &Signature| match signature {
            Signature::Good => format!("{name} is good"),
            Signature::Absent => format!("{name} is absent"),
            Signature::Bad(error) => format!("{name} is bad: {error}"),
        };
        [name("X-Signature", &self.x_signature), name("webhook-signature", &self.webhook_signature)].join("; ")
    }
}

/// Both signatures in the JSON of a command.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToldSignatures {
    x_signature: ToldSignature,
    webhook_signature: ToldSignature,
}

#[derive(Debug, Serialize)]
struct ToldSignature {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl Signature {
    fn told(&self) -> ToldSignature {
        match self {
            Self::Good => ToldSignature { verdict: "good", why: None },
            Self::Absent => ToldSignature { verdict: "absent", why: None },
            Self::Bad(error) => ToldSignature { verdict: "bad", why: Some(error.to_string()) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"{}";
    const NOW: i64 = 1_700_000_000;

    fn check(secrets: &[&str], names: &[&'static str]) -> Signatures {
        let headers = sign::headers(&[Secret::new("right")], "msg_1", NOW, BODY);
        let header = |wanted: &'static str| {
            let found = headers.iter().find(|(name, _)| *name == wanted && names.contains(name));
            found.map(|(_, value)| value.as_str())
        };
        let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        Signatures::check(BODY, header, &secrets, NOW, TOLERANCE)
    }

    const ALL: [&str; 4] = [sign::X_SIGNATURE, sign::WEBHOOK_ID, sign::WEBHOOK_TIMESTAMP, sign::WEBHOOK_SIGNATURE];

    #[test]
    fn one_secret_of_several_is_enough() {
        assert!(check(&["wrong", "right"], &ALL).are_both_good());
        assert!(!check(&["wrong"], &ALL).hold());
    }

    #[test]
    fn a_signature_that_is_not_there_is_absent_and_not_bad() {
        let only_x = check(&["right"], &[sign::X_SIGNATURE]);

        assert!(only_x.hold() && !only_x.are_both_good());
        assert_eq!(only_x.text(), "X-Signature is good; webhook-signature is absent");
        assert!(!check(&["right"], &[]).hold());
    }

    #[test]
    fn a_signature_without_the_id_that_it_covers_is_bad() {
        let signatures = check(&["right"], &[sign::X_SIGNATURE, sign::WEBHOOK_SIGNATURE]);

        assert_eq!(signatures.x_signature, Signature::Good);
        assert!(!signatures.hold());
        assert!(signatures.text().contains("webhook-signature is bad: the header webhook-id is missing"));
    }
}
