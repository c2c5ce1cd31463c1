//! A receiver that does no more than it must: reads whole requests and answers as it is told.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::http;

/// What a request is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// This status, without a body.
    Status(u16),
    /// The end of the connection.
    HangUp,
}

/// A request, read to its end.
pub struct Arrival<'a> {
    pub path: &'a str,
    /// The message's id, the same for every copy.
    pub message: &'a str,
    pub body: &'a [u8],
}

/// A listening receiver, until it is dropped.
pub struct Sink {
    address: SocketAddr,
    accepting: JoinHandle<()>,
    /// How many connections are open.
    open: watch::Receiver<usize>,
}

impl Sink {
    /// Listens on a port of its own and answers with what `respond` says.
    pub async fn start(respond: impl Fn(&Arrival<'_>) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let respond = Arc::new(respond);
        let (count, open) = watch::channel(0);
        let count = Arc::new(count);
        let accepting = tokio::spawn(async move {
            // Dropped, and with it every connection, when this task is aborted.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (respond, count) = (Arc::clone(&respond), Arc::clone(&count));
                count.send_modify(|open| *open += 1);
                connections.spawn(async move {
                    drop(serve(stream, respond.as_ref()).await);
                    count.send_modify(|open| *open -= 1);
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, accepting, open }
    }

    /// Waits until all that was sent on connections has been read, once their senders have ended.
    pub async fn until_all_read(&self) {
        // Connections are accepted in their order: behind the end of ours, all of theirs are.
        let mut ours = TcpStream::connect(self.address).await.unwrap();
        ours.shutdown().await.unwrap();
        assert_eq!(ours.read(&mut [0]).await.unwrap(), 0, "nothing is answered to nothing");
        self.open.clone().wait_for(|open| *open == 0).await.expect("the sink counts for as long as it is there");
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Ends with an error when the sender is done, as it may be at any time.
async fn serve(mut stream: TcpStream, respond: &(impl Fn(&Arrival<'_>) -> Reply + Sync)) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::new();
    loop {
        let Some(request) = http::request(&bytes)? else {
            http::read_on(&mut stream, &mut bytes).await?;
            continue;
        };
        let http::Request { path, message } = &request.head;
        let reply = respond(&Arrival { path, message, body: &bytes[request.body_at..request.end] });
        let Reply::Status(status) = reply else { return Ok(()) };
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await?;
        bytes.drain(..request.end);
    }
}
