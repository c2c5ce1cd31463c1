//! A connection that posts events, one after the other.

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::http;
use crate::process::OPERATOR_TOKEN;

/// A kept connection to a host.
pub struct Connection {
    stream: TcpStream,
    answers: Vec<u8>,
}

impl Connection {
    pub async fn open(host: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answers: Vec::new() })
    }

    /// Posts an event; the status of the answer.
    pub async fn post(&mut self, event: &str) -> io::Result<u16> {
        let length = event.len();
        let request = format!(
            "POST /v1/events HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {OPERATOR_TOKEN}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{event}"
        );
        self.stream.write_all(request.as_bytes()).await?;
        loop {
            if let Some(answer) = http::answer(&self.answers)? {
                self.answers.drain(..answer.end);
                return Ok(answer.head);
            }
            http::read_on(&mut self.stream, &mut self.answers).await?;
        }
    }
}
