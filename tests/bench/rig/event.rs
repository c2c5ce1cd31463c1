//! The events that are sent: as a producer would write them, with a number by which they are known again.

use super::stage::PROJECT;

/// What happens in all of them.
pub const TYPE: &str = "TODO_CREATED";
/// How the number begins in an event and, since canonical JSON keeps it, in every delivery of it.
const NUMBER: &str = r#""number":""#;
/// Digits of a number.
const DIGITS: usize = 9;

/// The member that has the number.
pub fn member(number: usize) -> String {
    format!(r#"{NUMBER}{number:09}""#)
}

/// The same of a number that is an expression of SQL.
pub fn member_in_sql(number: &str) -> String {
    format!(r#"printf('{NUMBER}%09d"', {number})"#)
}

/// Event `number` of the run `run` as JSON text of about `bytes` bytes. Every other one has `done`.
pub fn text(run: &str, number: usize, bytes: usize) -> String {
    text_in(PROJECT, run, number, bytes)
}

/// The same in another project.
pub fn text_in(project: &str, run: &str, number: usize, bytes: usize) -> String {
    let done = number.is_multiple_of(2);
    let member = member(number);
    let mut event = format!(
        r#"{{"id":"{run}-{number:09}","event":"{TYPE}","companyId":"clakt8jud0002vt64205yyj10","projectId":"{project}","userId":"claksl2ye0000vtas0h0ln71e","occurredAt":"2022-12-01T11:23:09.241Z","currentValue":{{"id":"clb4zna6x0000vt1swuwso25f",{member},"title":"A record","position":"32767.5","archived":false,"done":{done},"duedAt":null,"todoTags":[],"html":""#
    );
    const END: &str = "\"}}";
    let padding = bytes.saturating_sub(event.len() + END.len());
    event.extend("A sentence of a text. ".chars().cycle().take(padding));
    event + END
}

/// The number of the event that a delivery's body is about.
pub fn number(body: &[u8]) -> Option<usize> {
    let body = std::str::from_utf8(body).ok()?;
    let at = body.find(NUMBER)? + NUMBER.len();
    body.get(at..at + DIGITS)?.parse().ok()
}
