//! Many readers of one subject that is published to at a steady rate: as events over HTTP if the server's command has
//! `{http}`, else as what connects to it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::client;
use crate::epoll::Epoll;
use crate::frames;
use crate::inbox::Inbox;
use crate::meter::Meter;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;
use crate::stream::Stream;

use super::setup::SUBJECT;

const PAYLOAD_BYTES: usize = 128;

/// Messages are so far apart: 200 a second.
const EVERY: Duration = Duration::from_millis(5);

/// How long at scale 1.
const TIME: Duration = Duration::from_secs(5);

/// What was published last has to come within.
const WAIT_MAX: Duration = Duration::from_secs(20);

const READ_BYTES: usize = 64 << 10;

/// What each event begins with.
const EVENT: &[u8] = b"\nevent: msg\n";

pub(super) fn run(server: &Server, title: &str, count: u32, settings: &Settings) -> Result<Vec<Report>> {
    let mut epoll = Epoll::new()?;
    let readers = (0..count).map(|index| {
        let reader = Reader::open(server).with_context(|| format!("after {index} readers"))?;
        epoll.watch_reading(&reader, index as usize)?;
        Ok(reader)
    });
    let mut readers = readers.collect::<Result<Vec<_>>>()?;
    let mut publisher = client::open(&mut server.dialer(), b"")?;
    let frame = frames::publish(SUBJECT, None, PAYLOAD_BYTES);
    let time = settings.overrides.time.unwrap_or(TIME.mul_f64(settings.scale));

    let meter = Meter::start(server)?;
    let (start, mut published, mut delivered) = (Instant::now(), 0_u64, 0_u64);
    let (mut ready, mut scratch) = (Vec::new(), vec![0; READ_BYTES]);
    while start.elapsed() < time || delivered < published * u64::from(count) {
        let due = start + EVERY * u32::try_from(published).unwrap_or(u32::MAX);
        if start.elapsed() < time && Instant::now() >= due {
            publisher.write_all(&frame).context("publishing")?;
            published += 1;
            continue;
        }
        ensure!(start.elapsed() < time + WAIT_MAX, "{delivered} of {} came", published * u64::from(count));
        ready.clear();
        ready.extend(
            epoll
                .wait(due.saturating_duration_since(Instant::now()).max(EVERY / 5))?
                .map(|ready| ready.token),
        );
        for token in &ready {
            delivered += readers[*token].read(&mut scratch)?;
        }
    }
    let usage = meter.stop()?;
    let report = Report::new(title, "deliveries", delivered, usage);
    Ok(vec![Report { payload_bytes: PAYLOAD_BYTES, ..report }])
}

enum Reader {
    Events { socket: TcpStream, matched: usize },
    Client { stream: Stream, inbox: Inbox },
}

impl Reader {
    /// The server knows of it when this returns.
    fn open(server: &Server) -> Result<Self> {
        if let Some(addr) = server.http() {
            return Self::ask(addr);
        }
        let stream = client::open(&mut server.dialer(), &frames::subscribe(SUBJECT, None, "1"))?;
        stream.set_nonblocking(true)?;
        Ok(Self::Client { stream, inbox: Inbox::default() })
    }

    fn ask(addr: SocketAddr) -> Result<Self> {
        let mut socket = TcpStream::connect(addr).with_context(|| format!("connecting to {addr}"))?;
        socket.set_read_timeout(Some(WAIT_MAX))?;
        let ask = format!(
            "GET /v1/nats/subjects/{SUBJECT} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
        );
        socket.write_all(ask.as_bytes()).context("asking for events")?;
        let mut head = Vec::new();
        // Byte by byte: what comes behind the head are events.
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).context("reading a head")?;
            head.push(byte[0]);
        }
        ensure!(head.starts_with(b"HTTP/1.1 200 "), "no events: {}", String::from_utf8_lossy(&head));
        socket.set_nonblocking(true)?;
        Ok(Self::Events { socket, matched: 0 })
    }

    /// Reads what is there: how many messages came.
    fn read(&mut self, scratch: &mut [u8]) -> Result<u64> {
        match self {
            Self::Events { socket, matched } => match socket.read(scratch) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => Ok(events(&scratch[..count], matched)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
                Err(error) => Err(error).context("reading events"),
            },
            Self::Client { stream, inbox } => {
                let before = inbox.messages();
                inbox.read(stream, scratch, |_| Ok(()))?;
                Ok(inbox.messages() - before)
            }
        }
    }
}

/// How many events begin in `input`; `matched` bytes of a beginning came before.
fn events(input: &[u8], matched: &mut usize) -> u64 {
    let mut count = 0;
    for byte in input {
        // Nothing but its first byte repeats in it, and that at its end.
        *matched = match *byte {
            byte if byte == EVENT[*matched] => *matched + 1,
            byte => usize::from(byte == EVENT[0]),
        };
        if *matched == EVENT.len() {
            count += 1;
            *matched = 1;
        }
    }
    count
}

impl AsFd for Reader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Events { socket, .. } => socket.as_fd(),
            Self::Client { stream, .. } => stream.as_fd(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_wherever_the_input_is_cut() {
        let text = b"5\r\nretry: 2000\n\n\r\nff\r\n\nevent: msg\nid: 1\ndata: x\n\nevent: msg\n\nevent: msx\n\n\nevent: msg\n";
        for cut in 0..text.len() {
            let mut matched = 0;
            let count = events(&text[..cut], &mut matched) + events(&text[cut..], &mut matched);
            assert_eq!(count, 3, "cut at {cut}");
        }
    }
}
