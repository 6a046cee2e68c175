//! A port that takes all: who speaks is found out without taking a byte from the socket, so whoever serves the connection
//! then reads it from its beginning.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_api::{FirstBytes, HEAD_BYTES_MAX};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

/// How long a client that has begun a word may take to end it. After that it is a client of NATS, which is told what is wrong.
const WORD_TIME_MAX: Duration = Duration::from_secs(2);

/// How long one may take that has begun a head. After that it has as long again for HTTP to say what is wrong.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);

/// How soon to look again at bytes that are there and say too little, at first and at last.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// Bytes that tell most clients apart.
const FEW_BYTES: usize = 64;

/// Takes a connection over to be served elsewhere.
pub type TakeOver = Arc<dyn Fn(std::net::TcpStream, Speaker) + Send + Sync>;

/// Who is served elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A client of NATS, or of TLS.
    Nats,
    /// One that asks for a WebSocket.
    WebSocket,
}

/// What a port is subject to that takes all.
#[derive(Clone)]
pub struct Shared {
    /// How long to wait for a client's first byte before it is taken for one of NATS.
    pub wait: Duration,
    /// Who serves those.
    pub take_over: TakeOver,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("wait", &self.wait).finish_non_exhaustive()
    }
}

impl Shared {
    /// Gives the connection back if it speaks HTTP. Others are served elsewhere, or gone.
    pub(crate) async fn sort(&self, stream: TcpStream) -> Option<TcpStream> {
        let speaker = match first_bytes(&stream, self.wait).await? {
            FirstBytes::Http | FirstBytes::Head => return Some(stream),
            FirstBytes::Http2 => {
                refuse_http2(stream).await;
                return None;
            }
            FirstBytes::WebSocket => Speaker::WebSocket,
            FirstBytes::Nats | FirstBytes::Few | FirstBytes::Tls => Speaker::Nats,
        };
        // One that cannot be taken out of this thread's hands is gone.
        (self.take_over)(stream.into_std().ok()?, speaker);
        None
    }
}

/// What the client says first; `None` if it has left. Silence is NATS.
async fn first_bytes(stream: &TcpStream, wait: Duration) -> Option<FirstBytes> {
    let (begun, mut bytes, mut pause) = (Instant::now(), vec![0; FEW_BYTES], PAUSE_MIN);
    loop {
        let count = match timeout_at(begun + wait, stream.peek(&mut bytes)).await {
            Err(_) => return Some(FirstBytes::Nats),
            Ok(Ok(0) | Err(_)) => return None,
            Ok(Ok(count)) => count,
        };
        let first = FirstBytes::of(&bytes[..count]);
        let time_max = match first {
            FirstBytes::Few => WORD_TIME_MAX,
            FirstBytes::Head => HEAD_TIME_MAX,
            known => return Some(known),
        };
        if begun.elapsed() >= time_max {
            return Some(first);
        }
        if count == bytes.len() && bytes.len() < HEAD_BYTES_MAX {
            bytes.resize(HEAD_BYTES_MAX, 0);
        } else {
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

async fn refuse_http2(mut stream: TcpStream) {
    use tokio::io::AsyncWriteExt as _;
    let answer = b"HTTP/1.1 505 HTTP Version Not Supported\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let _ = stream.write_all(answer).await;
}
