//! Where an HTTP/1.1 message ends in the bytes of a connection. Bodies have a `Content-Length`; chunks are refused.

use std::io;

use hooksieve::sign::WEBHOOK_ID;
use httparse::{EMPTY_HEADER, Header, Status};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Headers in a message.
const HEADERS_MAX: usize = 32;
/// Bytes read at a time, more than most messages have.
const READ_BYTES: usize = 16 << 10;

/// A message at the beginning of a buffer.
pub struct Message<T> {
    /// What was read from its head.
    pub head: T,
    /// Where its body begins.
    pub body_at: usize,
    /// Where it ends.
    pub end: usize,
}

/// What is read from a request's head.
pub struct Request {
    pub path: String,
    pub message: String,
}

/// The answer at the beginning of `bytes`, if it is there as a whole: its status.
pub fn answer(bytes: &[u8]) -> io::Result<Option<Message<u16>>> {
    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut headers);
    let Status::Complete(body_at) = answer.parse(bytes).map_err(io::Error::other)? else { return Ok(None) };
    let status = answer.code.ok_or_else(|| io::Error::other("an answer without a status"))?;
    Ok(whole(bytes, status, body_at, answer.headers))
}

/// The request at the beginning of `bytes`, if it is there as a whole.
pub fn request(bytes: &[u8]) -> io::Result<Option<Message<Request>>> {
    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let Status::Complete(body_at) = request.parse(bytes).map_err(io::Error::other)? else { return Ok(None) };
    let path = request.path.unwrap_or_default().to_owned();
    let message = header(request.headers, WEBHOOK_ID).unwrap_or_default().to_owned();
    Ok(whole(bytes, Request { path, message }, body_at, request.headers))
}

fn whole<T>(bytes: &[u8], head: T, body_at: usize, headers: &[Header<'_>]) -> Option<Message<T>> {
    let length = header(headers, "content-length").and_then(|length| length.parse().ok());
    let end = body_at + length.unwrap_or(0);
    (bytes.len() >= end).then_some(Message { head, body_at, end })
}

fn header<'a>(headers: &[Header<'a>], name: &str) -> Option<&'a str> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(header.value).ok()
}

/// Reads on; an error when the other side is done.
pub async fn read_on(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.reserve(READ_BYTES);
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
