//! Receivers whose connections break, hang or are never read: at every point of a request and its answer.

use hooksieve::wire::AttemptError::{Broken, Timeout};

use super::wire::Step::{self, Drip, HalfClose, Hold, Read, Request, Reset, Write};
use super::{Expected, Row, fails};

/// An answer that says how long its body is, and has the beginning of it.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc";
/// The same without a body.
const HEAD: usize = ANSWER.len() - 3;

pub fn rows() -> Vec<Row> {
    let mut rows: Vec<_> = at_every_point("is reset", Reset).collect();
    rows.extend(at_every_point("is closed on one side", HalfClose));
    // What follows the steps is that the receiver closes.
    rows.extend(points().map(|(point, steps, expected)| Row::new(format!("closed {point}"), steps, expected)));
    rows.extend([
        Row::new("reads at a snail's pace and never answers", vec![Hold], fails(Timeout)),
        Row::new("reads a little and never more", vec![Read(10), Hold], fails(Timeout)),
        Row::new("reads and never answers", vec![Request, Hold], fails(Timeout)),
        Row::new(
            "answers amid the request, at a snail's pace",
            vec![Read(10), Drip(b"HTTP/1.1 200".to_vec())],
            fails(Timeout),
        ),
    ]);
    rows
}

fn at_every_point(what: &'static str, step: Step) -> impl Iterator<Item = Row> {
    points().map(move |(point, mut steps, expected)| {
        steps.push(step.clone());
        Row::new(format!("{what} {point}"), steps, expected)
    })
}

/// Points of a connection, the steps up to there, and what an attempt comes to that ends there.
fn points() -> impl Iterator<Item = (&'static str, Vec<Step>, Expected)> {
    let written = |bytes: usize| vec![Request, Write(ANSWER[..bytes].to_vec())];
    [
        ("when it is accepted", vec![], fails(Broken)),
        ("amid the request", vec![Read(10)], fails(Broken)),
        ("after the request", vec![Request], fails(Broken)),
        ("amid the status", written(12), fails(Broken)),
        ("amid the headers", written(30), fails(Broken)),
        ("after the head", written(HEAD), fails(Broken).with_status(200)),
        ("amid the body", written(ANSWER.len()), fails(Broken).with_status(200)),
    ]
    .into_iter()
}
