//! Round trips: N requesters, each with its own responder and one request on its way at a time.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::client::{self, Dialer};
use crate::epoll::Epoll;
use crate::frames;
use crate::histogram::Histogram;
use crate::load::scaled;
use crate::meter::Meter;
use crate::report::{Latency, Report};
use crate::scan::{Event, Scanner};
use crate::server::Server;

const PAYLOAD_BYTES: usize = 16;

/// At scale 1, and so much more for more pairs, up to `PAIRS_COUNTED_MAX`.
const REQUESTS_PER_PAIR: u64 = 30_000;
const PAIRS_COUNTED_MAX: u32 = 6;

/// Far beyond any sane round trip.
const REPLY_WAIT_MAX: Duration = Duration::from_secs(20);

pub(crate) fn run(server: &Server, title: &str, pairs: u32, scale: f64) -> Result<Vec<Report>> {
    let counted = u64::from(pairs.min(PAIRS_COUNTED_MAX));
    let requests = scaled(REQUESTS_PER_PAIR * counted, scale).max(pairs.into());
    let mut game = Game::open(server, pairs as usize, requests)?;
    let meter = Meter::start(server)?;
    game.play()?;
    let usage = meter.stop()?;
    let report = Report::new(title, "requests", requests, usage);
    Ok(vec![Report { latency: Some(Latency::from(&game.histogram)), ..report }])
}

/// Even places request, each odd one answers the one before it.
struct Game {
    players: Vec<Player>,
    epoll: Epoll,
    requests_left: u64,
    replies_due: u64,
    histogram: Histogram,
}

struct Player {
    stream: TcpStream,
    scanner: Scanner,
    /// What this player sends whenever it is its turn.
    frame: Vec<u8>,
    sent_at: Instant,
}

impl Game {
    fn open(server: &Server, pairs: usize, requests: u64) -> Result<Self> {
        let epoll = Epoll::new()?;
        let mut dialer = Dialer::new(server.addr());
        let mut players = Vec::with_capacity(2 * pairs);
        for pair in 0..pairs {
            let (asks, answers) = (format!("rtt.{pair}"), format!("_INBOX.bench.{pair}"));
            let request = frames::publish(&asks, Some(&answers), PAYLOAD_BYTES);
            let reply = frames::publish(&answers, None, PAYLOAD_BYTES);
            for (listens_to, frame) in [(answers, request), (asks, reply)] {
                let stream = client::open(&mut dialer, &frames::subscribe(&listens_to, None, "1"))?;
                stream.set_nonblocking(true)?;
                epoll.watch_reading(&stream, players.len())?;
                players.push(Player::new(stream, frame));
            }
        }
        Ok(Self {
            players,
            epoll,
            requests_left: requests,
            replies_due: requests,
            histogram: Histogram::new(),
        })
    }

    fn play(&mut self) -> Result<()> {
        for requester in (0..self.players.len()).step_by(2) {
            self.request(requester)?;
        }
        let mut readable = Vec::new();
        while self.replies_due > 0 {
            readable.clear();
            readable.extend(self.epoll.wait(REPLY_WAIT_MAX)?.map(|ready| ready.token));
            ensure!(!readable.is_empty(), "{} replies never came", self.replies_due);
            for token in &readable {
                self.on_readable(*token)?;
            }
        }
        Ok(())
    }

    fn on_readable(&mut self, token: usize) -> Result<()> {
        let player = &mut self.players[token];
        let messages = player.read()?;
        ensure!(messages <= 1, "{messages} messages at once in lock step");
        if messages == 0 {
            return Ok(());
        }
        let is_responder = token % 2 == 1;
        if is_responder {
            return player.send();
        }
        self.histogram.record(player.sent_at.elapsed());
        self.replies_due -= 1;
        self.request(token)
    }

    fn request(&mut self, requester: usize) -> Result<()> {
        if self.requests_left == 0 {
            return Ok(());
        }
        self.requests_left -= 1;
        let player = &mut self.players[requester];
        player.sent_at = Instant::now();
        player.send()
    }
}

impl Player {
    fn new(stream: TcpStream, frame: Vec<u8>) -> Self {
        Self { stream, scanner: Scanner::default(), frame, sent_at: Instant::now() }
    }

    /// Reads what is there: how many messages it completed. PINGs are answered on the way.
    fn read(&mut self) -> Result<u32> {
        let mut buffer = [0; 4096];
        let count = match self.stream.read(&mut buffer) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error).context("reading"),
        };
        let (mut messages, mut pings) = (0, 0);
        self.scanner.feed(&buffer[..count], |event| match event {
            Event::Message => messages += 1,
            Event::Ping => pings += 1,
            Event::Pong | Event::Info(_) => {}
        })?;
        for _ in 0..pings {
            self.stream.write_all(frames::PONG).context("sending PONG")?;
        }
        Ok(messages)
    }

    /// With one small frame on its way at a time, the socket always has room.
    fn send(&mut self) -> Result<()> {
        self.stream.write_all(&self.frame).context("sending")
    }
}
