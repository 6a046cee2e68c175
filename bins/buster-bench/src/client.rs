//! Opening a connection the way a client library does: INFO in, CONNECT, SUBs and PING out, PONG in.
//!
//! When `open` returns, the server has taken the subscriptions, so the clock may start.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect as connect_socket, socket_with};

use crate::frames;
use crate::scan::{Event, Scanner};
use crate::stream::Stream;

/// Generous: a million subscriptions may be ahead of the PONG on a slow machine.
const REPLY_WAIT_MAX: Duration = Duration::from_secs(60);

/// Well below the number of free ports, which others need too.
const CONNECTIONS_PER_SOURCE: usize = 20_000;

const READ_BYTES: usize = 16 * 1024;

/// What a server says of itself in its first INFO.
#[derive(Debug, Default, Clone)]
pub(crate) struct ServerInfo {
    /// What clients switch features on, so not always the server's own version.
    pub(crate) version: String,
    pub(crate) max_payload_bytes: u64,
    /// Everything behind INFO has to be TLS.
    pub(crate) tls_required: bool,
}

/// What stands between socket and protocol when a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Tcp,
    /// Messages may be compressed.
    WebSocket {
        compresses: bool,
    },
}

/// Where to connect to, and from where.
///
/// A client's port is a 16-bit number, and about 28,000 are free for outgoing connections. On the
/// loopback network there are many addresses to come from, so a server there can be given more.
#[derive(Debug)]
pub(crate) struct Dialer {
    addr: SocketAddr,
    way: Way,
    opened: usize,
}

impl Dialer {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self { addr, way: Way::Tcp, opened: 0 }
    }

    pub(crate) fn by(self, way: Way) -> Self {
        Self { way, ..self }
    }

    fn dial(&mut self) -> Result<Stream> {
        let source = source(self.addr, self.opened / CONNECTIONS_PER_SOURCE);
        self.opened += 1;
        let stream = match source {
            Some(source) => dial_from(source, self.addr),
            None => TcpStream::connect(self.addr),
        };
        let mut stream = Stream::from(stream.with_context(|| format!("connecting to {}", self.addr))?);
        if let Way::WebSocket { compresses } = self.way {
            stream.set_waits_max(REPLY_WAIT_MAX)?;
            stream.upgrade(compresses).context("asking for a WebSocket")?;
        }
        Ok(stream)
    }
}

/// The loopback address for the connections of `batch`; `None` leaves the choice to the kernel.
fn source(addr: SocketAddr, batch: usize) -> Option<Ipv4Addr> {
    let is_loopback = matches!(addr.ip(), IpAddr::V4(ip) if ip.is_loopback());
    let host = u8::try_from(batch).ok()?;
    (is_loopback && host > 0).then(|| Ipv4Addr::new(127, 0, host, 1))
}

fn dial_from(source: Ipv4Addr, addr: SocketAddr) -> io::Result<TcpStream> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &SocketAddrV4::new(source, 0))?;
    connect_socket(&socket, &addr)?;
    Ok(socket.into())
}

/// Connects, sends `lines` after CONNECT and waits until the server has worked through them.
pub(crate) fn open(dialer: &mut Dialer, lines: &[u8]) -> Result<Stream> {
    open_saying(dialer, frames::CONNECT, lines)
}

/// The same with another CONNECT.
pub(crate) fn open_saying(dialer: &mut Dialer, connect: &[u8], lines: &[u8]) -> Result<Stream> {
    let (mut stream, _) = greet(dialer.dial()?, REPLY_WAIT_MAX)?;
    let hello = [connect, lines].concat();
    stream.write_all(&hello).context("sending CONNECT")?;
    let messages = await_pong(&mut stream)?;
    ensure!(messages == 0, "{messages} messages before anything was published");
    Ok(stream)
}

/// Connects and reads INFO; the caller says what it wants to say.
pub(crate) fn greet_from(dialer: &mut Dialer) -> Result<Stream> {
    Ok(greet(dialer.dial()?, REPLY_WAIT_MAX)?.0)
}

/// Connects and reads INFO, nothing more; each read and write may take `wait_max` from then on.
pub(crate) fn connect(addr: SocketAddr, wait_max: Duration) -> Result<(Stream, ServerInfo)> {
    let stream = TcpStream::connect(addr).with_context(|| format!("connecting to {addr}"))?;
    greet(stream.into(), wait_max)
}

fn greet(mut stream: Stream, wait_max: Duration) -> Result<(Stream, ServerInfo)> {
    stream.set_nodelay(true)?;
    stream.set_waits_max(wait_max)?;
    let mut scanner = Scanner::default();
    let mut info = None;
    while info.is_none() || !scanner.is_at_boundary() {
        read_events(&mut stream, &mut scanner, |event| {
            if let Event::Info(body) = event {
                info = Some(parse_info(body));
            }
        })?;
    }
    let info = info.unwrap_or_default();
    if info.tls_required {
        stream.secure().context("the TLS handshake")?;
    }
    Ok((stream, info))
}

/// Sends PING on a blocking connection and reads up to the PONG: how many messages came before it.
pub(crate) fn await_pong(stream: &mut Stream) -> Result<u64> {
    stream.write_all(frames::PING).context("sending PING")?;
    let mut scanner = Scanner::default();
    let mut messages = 0;
    let mut ponged = false;
    let mut pings = 0;
    while !ponged || !scanner.is_at_boundary() {
        read_events(stream, &mut scanner, |event| match event {
            Event::Message => messages += 1,
            Event::Ping => pings += 1,
            Event::Pong => ponged = true,
            Event::Info(_) => {}
        })?;
    }
    for _ in 0..pings {
        stream.write_all(frames::PONG).context("sending PONG")?;
    }
    Ok(messages)
}

fn read_events(stream: &mut Stream, scanner: &mut Scanner, on: impl FnMut(Event<'_>)) -> Result<()> {
    let mut buffer = [0; READ_BYTES];
    match stream.read(&mut buffer) {
        Ok(0) => bail!("the server closed the connection"),
        Ok(count) => scanner.feed(&buffer[..count], on),
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            bail!("no answer from the server in time")
        }
        Err(error) => Err(error).context("reading from the server"),
    }
}

/// Fields that are missing stay empty: the generator works with any server.
fn parse_info(body: &[u8]) -> ServerInfo {
    let info: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    ServerInfo {
        version: info["version"].as_str().unwrap_or("?").to_owned(),
        max_payload_bytes: info["max_payload"].as_u64().unwrap_or(u64::MAX),
        tls_required: info["tls_required"].as_bool().unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn info_is_read_and_missing_fields_are_tolerated() {
        let info = parse_info(br#"{"version":"2.9.10","max_payload":1048576} "#);
        assert_eq!((info.version.as_str(), info.max_payload_bytes), ("2.9.10", 1 << 20));
        assert_eq!(parse_info(b"{}").version, "?");
    }

    /// Plays the server's part once: INFO, then `answer` as soon as the PING is in.
    fn serve_once(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            peer.write_all(b"INFO {\"version\":\"1\"} \r\n").unwrap();
            let mut seen = Vec::new();
            let mut buffer = [0; 512];
            while !seen.ends_with(frames::PING) {
                let count = peer.read(&mut buffer).unwrap();
                seen.extend_from_slice(&buffer[..count]);
            }
            peer.write_all(answer).unwrap();
            // The client closes first; its PONG, if any, is read and dropped here.
            while peer.read(&mut buffer).is_ok_and(|count| count > 0) {}
        });
        addr
    }

    fn open_at(addr: SocketAddr, lines: &[u8]) -> Result<Stream> {
        open(&mut Dialer::new(addr), lines)
    }

    #[test]
    fn many_connections_come_from_many_loopback_addresses() {
        let loopback = "127.0.0.1:4222".parse().unwrap();
        assert_eq!(source(loopback, 0), None);
        assert_eq!(source(loopback, 3), Some(Ipv4Addr::new(127, 0, 3, 1)));
        assert_eq!(source("10.1.2.3:4222".parse().unwrap(), 3), None);
        let mut dialer = Dialer::new(serve_once(b"PONG\r\n"));
        dialer.opened = CONNECTIONS_PER_SOURCE;
        let stream = open(&mut dialer, b"").unwrap();
        assert_eq!(stream.local_addr().unwrap().ip(), IpAddr::V4(Ipv4Addr::new(127, 0, 1, 1)));
    }

    #[test]
    fn opening_ends_with_the_pong_and_tolerates_a_ping_before_it() {
        open_at(serve_once(b"PING\r\n+OK\r\nPONG\r\n"), b"SUB a 1\r\n").unwrap();
    }

    #[test]
    fn opening_fails_in_the_servers_words() {
        let error = open_at(serve_once(b"-ERR 'Authorization Violation'\r\n"), b"").unwrap_err();
        assert!(error.to_string().contains("Authorization Violation"), "{error}");
    }

    #[test]
    fn a_message_nobody_published_is_noticed() {
        let addr = serve_once(b"MSG a 1 1\r\nx\r\nPONG\r\n");
        assert!(open_at(addr, b"SUB a 1\r\n").is_err());
    }
}
