//! A receiver that does with each connection what its steps say, byte by byte: nothing of HTTP is known here but where a
//! request ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// How long a receiver waits before the next byte of what it drips.
const DRIP: Duration = Duration::from_millis(50);
/// Bytes that one write of a flood has, about.
const FLOOD_BYTES: usize = 64 << 10;

/// What a receiver does with a connection. At the end it closes it.
#[derive(Clone, Debug)]
pub enum Step {
    /// Is from here on behind a TLS handshake with this certificate.
    Tls(Arc<ServerConfig>),
    /// Reads a whole request.
    Request,
    /// Reads so many bytes.
    Read(usize),
    /// Writes this.
    Write(Vec<u8>),
    /// Writes this a byte at a time, and the last byte again and again until the peer goes.
    Drip(Vec<u8>),
    /// Writes this again and again until the peer goes.
    Flood(Vec<u8>),
    /// Reads at a snail's pace until the peer goes.
    Hold,
    /// Says that nothing more will come, and goes on reading.
    HalfClose,
    /// Breaks the connection (RST).
    Reset,
}

/// What has happened to a receiver.
#[derive(Debug, Default)]
struct Counts {
    /// Connections that were accepted and are not closed yet.
    open: AtomicUsize,
    /// Whole requests that were read.
    requests: AtomicUsize,
}

/// A receiver that runs until it is dropped.
pub struct Hostile {
    address: SocketAddr,
    counts: Arc<Counts>,
    serving: JoinHandle<()>,
}

impl Hostile {
    pub fn start(steps: Vec<Step>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // Little room, so that a peer notices soon that nobody reads.
        socket.set_recv_buffer_size(4 << 10).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(64).unwrap();
        let (address, counts) = (listener.local_addr().unwrap(), Arc::new(Counts::default()));
        let serving = tokio::spawn(serve(listener, steps.into(), Arc::clone(&counts)));
        Self { address, counts, serving }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn requests(&self) -> usize {
        self.counts.requests.load(Ordering::SeqCst)
    }

    pub fn open(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, steps: Arc<[Step]>, counts: Arc<Counts>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        counts.open.fetch_add(1, Ordering::SeqCst);
        let (steps, counts) = (Arc::clone(&steps), Arc::clone(&counts));
        tokio::spawn(async move {
            // Whatever goes wrong is the peer's going, which is what most steps wait for.
            drop(play(stream, &steps, &counts).await);
            counts.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn play(mut stream: TcpStream, steps: &[Step], counts: &Counts) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match steps {
        [Step::Tls(config), rest @ ..] => {
            let mut stream = TlsAcceptor::from(Arc::clone(config)).accept(stream).await?;
            follow(&mut stream, rest, counts).await
        }
        [rest @ .., Step::Reset] => {
            follow(&mut stream, rest, counts).await?;
            stream.set_zero_linger()
        }
        steps => follow(&mut stream, steps, counts).await,
    }
}

async fn follow(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), steps: &[Step], counts: &Counts) -> io::Result<()> {
    for step in steps {
        match step {
            Step::Request => {
                read_request(stream).await?;
                counts.requests.fetch_add(1, Ordering::SeqCst);
            }
            Step::Read(bytes) => drop(stream.read_exact(&mut vec![0; *bytes]).await?),
            Step::Write(bytes) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
            }
            Step::Drip(bytes) => drip(stream, bytes).await?,
            Step::Flood(bytes) => {
                let many = bytes.repeat(FLOOD_BYTES / bytes.len());
                loop {
                    stream.write_all(&many).await?;
                }
            }
            Step::Hold => hold(stream).await?,
            Step::HalfClose => {
                stream.shutdown().await?;
                hold(stream).await?;
            }
            Step::Tls(_) | Step::Reset => panic!("TLS comes first and a reset last"),
        }
    }
    Ok(())
}

async fn drip(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let last = bytes.last().into_iter().cycle();
    for byte in bytes.iter().chain(last) {
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
        tokio::time::sleep(DRIP).await;
    }
    Ok(())
}

/// Reads, since the peer's going could not be seen otherwise.
async fn hold(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    while stream.read(&mut [0; 16]).await? > 0 {
        tokio::time::sleep(DRIP).await;
    }
    Ok(())
}

/// Reads a request with a `content-length`, as all of the host's are.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
    stream.read_exact(&mut vec![0; length.unwrap_or(0)]).await?;
    Ok(())
}
