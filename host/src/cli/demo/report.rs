//! What the demo shows: every event and webhook, and whether all of it held.

use std::fmt;

use serde::Serialize;

use super::plan::Expected;
use super::watch::{Became, Found};
use crate::cli::output::Table;
use crate::cli::receiver::Arrival;
use crate::cli::signatures::{Signatures, TOLERANCE, ToldSignatures};

/// The outcome of the demo.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    outcomes: Vec<Row>,
    delivered: usize,
    filtered: usize,
    failed: usize,
    signatures_verified: bool,
}

/// One event and one webhook.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    event: &'static str,
    event_id: String,
    webhook: &'static str,
    #[serde(flatten)]
    outcome: Told,
}

#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Told {
    Delivered {
        message_id: String,
        /// From the request that posted the event to the receiver's socket, in milliseconds.
        latency_ms: f64,
        signatures: ToldSignatures,
        verified: bool,
        /// What is wrong with the signatures, if anything.
        #[serde(skip)]
        flaw: Option<String>,
    },
    Filtered {
        reason: String,
    },
    Failed {
        reason: String,
    },
}

impl Report {
    /// Puts together what the host said and what the receiver got.
    pub(super) fn new(found: &[Found], arrivals: &[Arrival]) -> Self {
        let outcomes: Vec<Row> = found
            .iter()
            .map(|found| Row {
                event: found.posted.event,
                event_id: found.posted.id.clone(),
                webhook: found.webhook.name,
                outcome: told(found, arrivals),
            })
            .collect();
        let count = |is_it: fn(&Told) -> bool| outcomes.iter().filter(|row| is_it(&row.outcome)).count();
        let delivered = count(|told| matches!(told, Told::Delivered { .. }));
        let verified = count(|told| matches!(told, Told::Delivered { verified: true, .. }));
        Self {
            delivered,
            filtered: count(|told| matches!(told, Told::Filtered { .. })),
            failed: count(|told| matches!(told, Told::Failed { .. })),
            signatures_verified: delivered > 0 && verified == delivered,
            outcomes,
        }
    }

    /// Whether everything is as planned, and every delivery was signed.
    pub(super) fn holds(&self) -> bool {
        self.failed == 0 && self.signatures_verified
    }
}

fn told(found: &Found, arrivals: &[Arrival]) -> Told {
    let failed = |reason: String| Told::Failed { reason };
    match (&found.outcome, found.expected) {
        (Became::Delivered(id), Expected::Delivered) => delivered(found, id, arrivals),
        (Became::Filtered(reason), Expected::Filtered) => Told::Filtered { reason: reason.clone() },
        (Became::Delivered(_), Expected::Filtered) => failed("delivered, but the filter should keep it out".to_owned()),
        (Became::Filtered(reason), Expected::Delivered) => failed(format!("filtered, but it is wanted: {reason}")),
        (Became::Failed(reason), _) => failed(reason.clone()),
    }
}

/// A delivery counts where it was received once, at the webhook's own path.
fn delivered(found: &Found, message_id: &str, arrivals: &[Arrival]) -> Told {
    let path = format!("/{}", found.webhook.name);
    let mut received = arrivals.iter().filter(|arrival| arrival.message_id() == Some(message_id));
    let arrival = match (received.next(), received.next()) {
        (Some(arrival), None) if arrival.path == path && arrival.event().as_deref() == Some(found.posted.event) => {
            arrival
        }
        (None, _) => return Told::Failed { reason: "the receiver did not get it".to_owned() },
        _ => return Told::Failed { reason: "the receiver got something else, or got it twice".to_owned() },
    };
    let signatures = arrival.check(std::slice::from_ref(&found.webhook.secret), TOLERANCE);
    let verified = signatures.are_both_good();
    Told::Delivered {
        message_id: message_id.to_owned(),
        latency_ms: arrival.at.duration_since(found.posted.at).as_secs_f64() * 1_000.0,
        verified,
        flaw: (!verified).then(|| Signatures::text(&signatures)),
        signatures: signatures.told(),
    }
}

impl fmt::Display for Report {
    /// The table, and the line that sums it up.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(["EVENT", "WEBHOOK", "OUTCOME"]);
        let mut last = "";
        for row in &self.outcomes {
            let event = if row.event == last { "" } else { row.event };
            last = row.event;
            table.push([event.to_owned(), row.webhook.to_owned(), row.outcome.to_string()]);
        }
        writeln!(f, "{table}")?;
        let signatures = if self.signatures_verified { "signatures verified" } else { "signatures NOT verified" };
        write!(
            f,
            "demo: {} delivered, {} filtered, {} failed, {signatures}",
            self.delivered, self.filtered, self.failed
        )
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered { latency_ms, flaw: None, .. } => {
                write!(f, "delivered {latency_ms:.1} ms, X-Signature and webhook-signature verified")
            }
            Self::Delivered { latency_ms, flaw: Some(flaw), .. } => {
                write!(f, "delivered {latency_ms:.1} ms, NOT VERIFIED: {flaw}")
            }
            Self::Filtered { reason } => write!(f, "filtered ({reason})"),
            Self::Failed { reason } => write!(f, "FAILED ({reason})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::cli::demo::plan::WEBHOOKS;
    use crate::cli::demo::stage::Registered;
    use crate::cli::demo::watch::Posted;
    use crate::model::secret::Secret;

    fn found(expected: Expected, outcome: Became) -> Found {
        let posted = Posted {
            id: "evt_1".to_owned(),
            event: "TODO_CREATED",
            at: Instant::now(),
            expected: [expected; WEBHOOKS],
        };
        let webhook = Registered { id: "wh_1".to_owned(), name: "everything", secret: Secret::new("s") };
        Found { posted, webhook, expected, outcome }
    }

    #[test]
    fn what_is_not_as_planned_is_a_failure() {
        let filtered = || Became::Filtered("the record is not done".to_owned());
        let wanted = Report::new(&[found(Expected::Delivered, filtered())], &[]);
        let lost = Report::new(&[found(Expected::Delivered, Became::Delivered("msg_1".to_owned()))], &[]);
        let unwanted = Report::new(&[found(Expected::Filtered, Became::Delivered("msg_1".to_owned()))], &[]);

        for report in [wanted, lost, unwanted] {
            assert!(!report.holds());
            assert!(report.to_string().ends_with("demo: 0 delivered, 0 filtered, 1 failed, signatures NOT verified"));
        }
    }

    #[test]
    fn the_table_names_each_event_once() {
        let filtered = || found(Expected::Filtered, Became::Filtered("the record is not done".to_owned()));

        let report = Report::new(&[filtered(), filtered()], &[]);

        assert_eq!(
            report.to_string(),
            "EVENT         WEBHOOK     OUTCOME\n\
             TODO_CREATED  everything  filtered (the record is not done)\n\
             \u{20}             everything  filtered (the record is not done)\n\
             demo: 0 delivered, 2 filtered, 0 failed, signatures NOT verified"
        );
    }
}
