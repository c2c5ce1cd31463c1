//! Receivers that read the request, and answer what no client should have to read.

use hooksieve::wire::AttemptError::{self, Malformed, Redirect, Status, Timeout};

use super::wire::Step::{self, Drip, Flood, Request, Write};
use super::{Expected, Row, fails, succeeds};

/// 64 KiB of zeros.
const GZIP_BOMB: &str = "1f8b0800000000000203edc101010000008090feafee080a0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000006aeb8e97d700000100";
/// 10 MiB of zeros.
const BROTLI_BOMB: &str = "cbffff3ff82700e2b14020f7fe2fffff3ff04f00c4611180eefd07";

/// What the log keeps of a response.
const KEPT_BYTES: usize = 16 << 10;

pub fn rows() -> Vec<Row> {
    let mut rows = endless();
    rows.extend(informational());
    rows.extend(encoded());
    rows.extend(lengths());
    rows.extend(chunks());
    rows.extend(heads());
    rows.extend(statuses());
    rows.extend(redirects());
    rows
}

/// A row whose receiver answers with `answer`.
fn answers(name: &'static str, answer: &[u8], expected: Expected) -> Row {
    Row::new(name, vec![Request, Write(answer.to_vec())], expected)
}

/// A row whose receiver answers with `beginning`, and then with `more` again and again.
fn floods(name: &'static str, beginning: &[u8], more: &[u8], expected: Expected) -> Row {
    Row::new(name, vec![Request, Write(beginning.to_vec()), Flood(more.to_vec())], expected)
}

fn endless() -> Vec<Row> {
    let full = || succeeds(200).with_response(vec![b'x'; KEPT_BYTES]);
    vec![
        floods("a body of 10 GiB", b"HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n", b"x", full()),
        floods("a body without an end", b"HTTP/1.1 200 OK\r\n\r\n", b"x", full()),
        floods(
            "chunks without an end",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"4\r\nxxxx\r\n",
            full(),
        ),
        floods(
            "a failure with an endless body",
            b"HTTP/1.1 500 No\r\n\r\n",
            b"x",
            fails(Status).with_status(500).with_response(vec![b'x'; KEPT_BYTES]),
        ),
        floods("headers without an end", b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n", fails(Malformed)),
        floods("a header without an end", b"HTTP/1.1 200 OK\r\nx-a: ", b"b", fails(Malformed)),
        floods("a header name without an end", b"HTTP/1.1 200 OK\r\n", b"x", fails(Malformed)),
        floods("a reason without an end", b"HTTP/1.1 200 ", b"O", fails(Malformed)),
        floods("empty lines without an end", b"", b"\r\n", fails(Malformed)),
        floods("zeros without an end", b"", b"\0", fails(Malformed)),
        Row::new(
            "a body at a snail's pace",
            vec![Request, Write(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n".to_vec()), Drip(b"x".to_vec())],
            fails(Timeout).with_status(200).with_response(b"xxxx"),
        ),
        Row::new(
            "a failure at a snail's pace",
            vec![Request, Write(b"HTTP/1.1 503 No\r\nretry-after: 60\r\n\r\n".to_vec()), Drip(b"x".to_vec())],
            fails(Timeout).with_status(503),
        ),
        Row::new(
            "a head at a snail's pace",
            vec![Request, Drip(b"HTTP/1.1 200 OK\r\nx-a: b".to_vec())],
            fails(Timeout),
        ),
    ]
}

fn informational() -> Vec<Row> {
    let hints = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n";
    vec![
        answers("100 and then 200", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", succeeds(200)),
        floods("100 without an end", b"", b"HTTP/1.1 100 Continue\r\n\r\n", fails(Malformed)),
        floods("103 without an end", b"", hints, fails(Malformed)),
        floods("102 and 100 without an end", b"", b"HTTP/1.1 102 A\r\n\r\nHTTP/1.1 100 B\r\n\r\n", fails(Malformed)),
        Row::new(
            "100 at a snail's pace",
            vec![Request, Drip(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())],
            fails(Timeout),
        ),
        answers(
            "101, to another protocol",
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
            fails(Status).with_status(101),
        ),
    ]
}

/// What is never decompressed: the log has the bytes as they came.
fn encoded() -> Vec<Row> {
    // A frame of Zstandard whose every block of four bytes says "128 KiB of zeros".
    let mut zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    for _ in 0..4_000 {
        zstd.extend([0x02, 0x00, 0x10, 0x00]);
    }
    let bombs = [
        ("gzip", hex::decode(GZIP_BOMB).unwrap()),
        ("br", hex::decode(BROTLI_BOMB).unwrap()),
        ("zstd", zstd),
        ("gzip, gzip, br", hex::decode(GZIP_BOMB).unwrap()),
    ];
    let row = |(encoding, bomb): (&str, Vec<u8>)| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n", bomb.len());
        let steps = vec![Request, Write([head.as_bytes(), bomb.as_slice()].concat())];
        Row::new(format!("a bomb in {encoding}"), steps, succeeds(200).with_response(bomb))
    };
    bombs.map(row).into()
}

fn lengths() -> Vec<Row> {
    let with = |name, length: &str, expected| {
        answers(name, format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nabc").as_bytes(), expected)
    };
    vec![
        with("a length that is no number", "abc", fails(Malformed)),
        with("a length below zero", "-1", fails(Malformed)),
        with("a length with a sign", "+3", fails(Malformed)),
        with("a length of 2^64", "18446744073709551616", fails(Malformed)),
        with("two lengths that differ", "3\r\ncontent-length: 4", fails(Malformed)),
        with("a length that is too short", "2", succeeds(200).with_response(b"ab")),
        with("a length that is too long", "4", fails(AttemptError::Broken).with_status(200).with_response(b"abc")),
        floods("a 204 with a body", b"HTTP/1.1 204 No\r\n\r\n", b"x", succeeds(204)),
    ]
}

fn chunks() -> Vec<Row> {
    let chunked = |name, body: &[u8], expected| {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_slice();
        answers(name, &[head, body].concat(), expected)
    };
    let flooded = |name, body: &[u8], more: &[u8]| {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_slice();
        floods(name, &[head, body].concat(), more, fails(Malformed).with_status(200))
    };
    let malformed = || fails(Malformed).with_status(200);
    vec![
        chunked("chunks with trailers", b"3\r\nabc\r\n0\r\nx-a: b\r\n\r\n", succeeds(200).with_response(b"abc")),
        chunked("a chunk size that is no number", b"zz\r\nabc\r\n0\r\n\r\n", malformed()),
        chunked("a chunk size below zero", b"-3\r\nabc\r\n0\r\n\r\n", malformed()),
        chunked("a chunk size of 2^68", b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n", malformed()),
        chunked("a chunk longer than it says", b"2\r\nabc\r\n0\r\n\r\n", malformed()),
        chunked("a chunk that breaks off", b"9\r\nabc", fails(AttemptError::Broken).with_status(200)),
        flooded("an extension of a chunk without an end", b"3;", b"x"),
        flooded("trailers without an end", b"0\r\n", b"x-a: b\r\n"),
        flooded("a chunk size without an end", b"", b"0"),
        answers(
            "chunks and a length",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            succeeds(200).with_response(b"abc"),
        ),
    ]
}

fn heads() -> Vec<Row> {
    // The settings that a server of HTTP/2 begins with.
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let header = |name, header: &[u8]| {
        let answer = [b"HTTP/1.1 200 OK\r\n".as_slice(), header, b"\r\n\r\n"].concat();
        answers(name, &answer, fails(Malformed))
    };
    vec![
        answers("HTTP/0.9", b"<p>hello</p>\n", fails(Malformed)),
        answers("HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\nold", succeeds(200).with_response(b"old")),
        answers("HTTP/2 as a client begins it", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", fails(Malformed)),
        answers("HTTP/2 as a server begins it", &settings.repeat(8), fails(Malformed)),
        answers("a version that is none", b"HTTP/7.1 200 OK\r\n\r\n", fails(Malformed)),
        answers("a banner of SSH", b"SSH-2.0-OpenSSH_9.2p1\r\n", fails(Malformed)),
        answers("a request", b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", fails(Malformed)),
        header("a header without a colon", b"x-a"),
        header("a header with a zero", b"x-a: b\0c"),
        header("a header over two lines", b"x-a: b\r\n c"),
        header("a header without a name", b": b"),
        answers(
            "bytes that are no text",
            b"HTTP/1.1 200 \xff\xfe\r\nx-a: \xff\r\ncontent-length: 2\r\n\r\n\xff\xfe",
            succeeds(200).with_response("\u{fffd}\u{fffd}"),
        ),
    ]
}

fn statuses() -> Vec<Row> {
    let with = |status: &str, expected| {
        let answer = format!("HTTP/1.1 {status} Hm\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        Row::new(format!("status {status}"), vec![Request, Write(answer.into_bytes())], expected)
    };
    let fine = ["200", "201", "202", "205", "206", "226", "299"];
    let failed = ["400", "401", "404", "407", "408", "413", "426", "429", "500", "511", "599", "600", "999"];
    let number = |status: &str| status.parse().unwrap();
    let mut rows: Vec<_> = fine.map(|status| with(status, succeeds(number(status)))).into();
    rows.extend(failed.map(|status| with(status, fails(Status).with_status(number(status)))));
    rows.extend(["099", "000", "20", "2000", "2x0"].map(|status| with(status, fails(Malformed))));
    rows
}

/// Never followed: the receiver gets no second request, and so does whoever the answer names.
fn redirects() -> Vec<Row> {
    let row = |status: u16, location: &str| {
        let answer = format!("HTTP/1.1 {status} Elsewhere\r\n{location}content-length: 0\r\n\r\n");
        let steps: Vec<Step> = vec![Request, Write(answer.into_bytes())];
        Row::new(format!("{status} {}", location.trim()), steps, fails(Redirect).with_status(status))
    };
    let mut rows = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        rows.push(row(status, "location: /\r\n"));
        rows.push(row(status, "location: http://169.254.169.254/latest/meta-data\r\n"));
    }
    rows.extend([row(300, ""), row(304, ""), row(302, "location: \r\n"), row(302, "location: file:///etc/passwd\r\n")]);
    rows
}
