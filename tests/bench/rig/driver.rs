//! Posts events: over one connection one after the other, or as many at a time as are to be sent.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

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

/// Connections to a host, as many as there are posts at a time.
pub struct Pool {
    host: SocketAddr,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub fn new(host: SocketAddr) -> Self {
        Self { host, idle: Mutex::default() }
    }

    /// Posts an event over a connection that is idle; the status of the answer.
    pub async fn post(&self, event: &str) -> io::Result<u16> {
        let idle = self.idle.lock().unwrap().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::open(self.host).await?,
        };
        let status = connection.post(event).await?;
        self.idle.lock().unwrap().push(connection);
        Ok(status)
    }
}
