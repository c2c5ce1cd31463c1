//! What becomes of an event under a rule.

/// How an event stands to a rule, and why.
pub(crate) enum Outcome {
    Match,
    Mismatch(String),
    /// What the rule asks about is not there.
    Absent(String),
}
