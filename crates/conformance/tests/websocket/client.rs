//! A client that speaks WebSocket frame by frame, in the clear or over TLS.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{self, AddressFamily, SocketType};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The usual request, but for its last line.
const REQUEST: &str = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n";

/// What a frame begins with: the last of its message, and what it is.
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

pub(crate) struct Client {
    stream: Box<dyn Stream>,
    pub(crate) local_addr: SocketAddr,
    /// What was received and not used.
    received: Vec<u8>,
}

impl Client {
    pub(crate) fn dial(addr: SocketAddr) -> Self {
        Self::of(tcp(addr))
    }

    /// The same from one of the addresses of this machine.
    pub(crate) fn dial_from(from: Ipv4Addr, addr: SocketAddr) -> Self {
        let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None).expect("there is a socket");
        net::bind(&socket, &SocketAddr::from((from, 0))).expect("it is an address of ours");
        net::connect(&socket, &addr).expect("the server accepts");
        Self::of(patient(socket.into()))
    }

    fn of(stream: TcpStream) -> Self {
        let local_addr = stream.local_addr().expect("it is connected");
        Self { stream: Box::new(stream), local_addr, received: Vec::new() }
    }

    pub(crate) fn dial_secure(addr: SocketAddr, config: &Arc<ClientConfig>) -> Self {
        let stream = tcp(addr);
        let local_addr = stream.local_addr().expect("it is connected");
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::clone(config), name).expect("a configuration");
        Self { stream: Box::new(StreamOwned::new(connection, stream)), local_addr, received: Vec::new() }
    }

    /// One that is a WebSocket and has read INFO.
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        Self::connect_with(addr, "").0
    }

    /// The same with further headers. Also returns INFO.
    pub(crate) fn connect_with(addr: SocketAddr, headers: &str) -> (Self, String) {
        let mut client = Self::dial(addr);
        let info = client.upgrade(headers);
        (client, info)
    }

    /// Becomes a WebSocket. Returns INFO.
    pub(crate) fn upgrade(&mut self, headers: &str) -> String {
        self.send(format!("{REQUEST}{headers}\r\n").as_bytes());
        self.upgraded()
    }

    /// Sends a request but for its last line.
    pub(crate) fn begin_upgrade(&mut self, headers: &str) {
        self.send(format!("{REQUEST}{headers}").as_bytes());
    }

    /// Reads that it is a WebSocket. Returns INFO.
    pub(crate) fn upgraded(&mut self) -> String {
        let head = self.head();
        assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
        let info = self.text();
        assert!(info.starts_with("INFO {"), "{info}");
        info
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("the server takes it");
    }

    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    pub(crate) fn send_frame(&mut self, first: u8, payload: &[u8]) {
        self.send(&frame(first, payload));
    }

    /// Sends protocol text in a frame of its own.
    pub(crate) fn say(&mut self, text: &str) {
        self.send_frame(BINARY, text.as_bytes());
    }

    fn receive(&mut self) -> bool {
        let mut piece = [0; 16 << 10];
        let count = match self.stream.read(&mut piece) {
            Ok(count) => count,
            Err(error)
                if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) =>
            {
                0
            }
            Err(error) => panic!("{error}"),
        };
        self.received.extend_from_slice(&piece[..count]);
        count > 0
    }

    /// Reads up to the empty line.
    pub(crate) fn head(&mut self) -> String {
        loop {
            if let Some(at) = self.received.windows(4).position(|end| end == b"\r\n\r\n") {
                let head = self.received.drain(..at + 4).collect();
                return String::from_utf8(head).expect("heads are text");
            }
            assert!(self.receive(), "the head ends: {:?}", self.received.escape_ascii().to_string());
        }
    }

    /// Reads all there is until the end.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        while self.receive() {}
        std::mem::take(&mut self.received)
    }

    /// The next frame, or `None` at the end.
    pub(crate) fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((used, first, payload)) = read_frame(&self.received) {
                self.received.drain(..used);
                return Some((first, payload));
            }
            if !self.receive() {
                return None;
            }
        }
    }

    /// The payload of the next frame of data.
    pub(crate) fn text(&mut self) -> String {
        let (first, payload) = self.frame().expect("there is a frame");
        assert_eq!(first, BINARY, "{}", payload.escape_ascii());
        String::from_utf8(payload).expect("the server sends text")
    }

    /// What data comes to, until it ends like this.
    pub(crate) fn text_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            text += &self.text();
        }
        text
    }

    /// All frames until the end: protocol text, and then the status and the words of the close, if there is one.
    pub(crate) fn last_words(&mut self) -> String {
        let mut words = String::new();
        while let Some((first, payload)) = self.frame() {
            match (first, &payload[..]) {
                (CLOSE, [high, low, reason @ ..]) => {
                    let status = u16::from_be_bytes([*high, *low]);
                    let _ = write!(words, "{status} {}", String::from_utf8_lossy(reason));
                }
                (CLOSE, _) => words.push_str("close"),
                _ => words.push_str(&String::from_utf8_lossy(&payload)),
            }
        }
        words
    }
}

fn tcp(addr: SocketAddr) -> TcpStream {
    patient(TcpStream::connect(addr).expect("the server accepts"))
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).expect("an option");
    stream
}

/// A client's frame, masked.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [7, 0, 99, 255];
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(0x80 | len as u8),
        len @ 126..0x1_0000 => bytes.extend([&[0x80 | 126][..], &(len as u16).to_be_bytes()].concat()),
        len => bytes.extend([&[0x80 | 127][..], &(len as u64).to_be_bytes()].concat()),
    }
    bytes.extend(KEY);
    bytes.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// The frame at the front, if it is whole: how long it is, its first byte and its payload.
fn read_frame(bytes: &[u8]) -> Option<(usize, u8, Vec<u8>)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    assert_eq!(second & 0x80, 0, "servers mask nothing");
    let (start, len) = match second {
        126 => (4, u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        len => (2, u64::from(len)),
    };
    let end = start + len as usize;
    Some((end, first, bytes.get(start..end)?.to_vec()))
}
