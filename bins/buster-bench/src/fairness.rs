//! Fairness: what a pair in conversation gets while others say all they can.
//!
//! The pair is connected first and asks in lock step, so every time its server looks away shows as a
//! round that was slow and as rounds that never happened.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::setpriority_process;
use rustix::thread::gettid;

use crate::block::{Block, CHUNK_BYTES};
use crate::client::{self, Dialer};
use crate::epoll::Epoll;
use crate::frames;
use crate::latency::Latencies;
use crate::meter::Meter;
use crate::pair::Pair;
use crate::progress::Progress;
use crate::report::Report;
use crate::rtt::REPLY_WAIT_MAX;
use crate::server::Server;
use crate::settings::Settings;
use crate::stream::Stream;

/// How long each crowd is endured at scale 1.
const TIME: Duration = Duration::from_secs(4);

/// The crowd's head start: its sockets are full by then, and what waits for its readers has begun to gather.
const HEAD_START: Duration = Duration::from_millis(300);

const PAYLOAD_BYTES: usize = 64;

/// The nicest a thread can be.
const LOWEST_PRIORITY: i32 = 19;

/// Those who keep the server busy.
struct Crowd {
    about: &'static str,
    /// The first token of what they publish: what one crowd leaves behind is not the next one's.
    subjects: &'static str,
    publishers: usize,
    /// They want all that is published and read none of it.
    readers: usize,
}

const CROWDS: [Crowd; 2] = [
    Crowd { about: "4 publishers and nobody listens", subjects: "flood", publishers: 4, readers: 0 },
    Crowd {
        about: "1 publisher and 200 readers that never read",
        subjects: "pile",
        publishers: 1,
        readers: 200,
    },
];

/// One report per crowd.
pub(crate) fn run(server: &Server, title: &str, settings: &Settings) -> Result<Vec<Report>> {
    let time = settings.overrides.time.unwrap_or(TIME).mul_f64(settings.scale);
    let beside = |(number, crowd): (u32, &Crowd)| {
        beside(server, &format!("{title}, {}", crowd.about), crowd, number, time)
    };
    (0..).zip(&CROWDS).map(beside).collect()
}

/// The pair has the number of its crowd: a reply that comes very late is not the next pair's.
fn beside(server: &Server, title: &str, crowd: &Crowd, number: u32, time: Duration) -> Result<Report> {
    let epoll = Epoll::new()?;
    let (mut near, mut far) = (server.dialer(), server.far_dialer());
    let mut pair = Pair::open(&mut near, &mut far, &epoll, number)?;
    server.await_far_interest()?;
    let all = frames::subscribe(&format!("{}.>", crowd.subjects), None, "1");
    let readers = (0..crowd.readers).map(|_| client::open(&mut near, &all)).collect::<Result<Vec<_>>>()?;
    let flood = Flood::open(&mut near, crowd)?;
    let over = AtomicBool::new(false);
    let report = thread::scope(|scope| {
        let flood = scope.spawn(|| flood.run(&over));
        thread::sleep(HEAD_START);
        let report = talk(server, title, epoll, &mut pair, time);
        over.store(true, Ordering::Relaxed);
        flood.join().expect("the flood does not panic")?;
        report
    });
    drop(readers);
    report
}

/// Asks and answers until the time is over. A reply that is still awaited then counts by how long it has
/// been, so that nobody looks better for never answering.
fn talk(server: &Server, title: &str, mut epoll: Epoll, pair: &mut Pair, time: Duration) -> Result<Report> {
    let (mut latencies, mut rounds) = (Latencies::new(), 0);
    let mut progress = Progress::new(title, "rounds");
    let meter = Meter::start(server)?;
    let end = Instant::now() + time;
    let mut asked = Instant::now();
    pair.request(asked)?;
    loop {
        let now = Instant::now();
        if now >= end {
            break;
        }
        let readable: Vec<usize> = epoll.wait(end - now)?.map(|ready| ready.token).collect();
        for token in readable {
            let before = rounds;
            pair.on_readable(token, |due| {
                latencies.record(due.elapsed());
                rounds += 1;
            })?;
            if rounds > before {
                asked = Instant::now();
                pair.request(asked)?;
            }
        }
        progress.show(|| rounds);
    }
    latencies.record(asked.elapsed());
    let usage = meter.stop()?;
    ensure!(end.elapsed() < REPLY_WAIT_MAX, "the generator itself was kept from running");
    let report = Report::new(title, "rounds", rounds.max(1), usage);
    Ok(Report { latency: Some(latencies.summary()), ..report })
}

/// Publishers that send whenever their sockets take something.
struct Flood {
    publishers: Vec<(Stream, Block)>,
}

impl Flood {
    fn open(dialer: &mut Dialer, crowd: &Crowd) -> Result<Self> {
        let open = |number: usize| {
            let stream = client::open(dialer, b"")?;
            stream.set_nonblocking(true)?;
            let subject = format!("{}.{number}", crowd.subjects);
            Ok((stream, Block::cycling([subject.as_str()].into_iter(), PAYLOAD_BYTES, CHUNK_BYTES)))
        };
        Ok(Self { publishers: (0..crowd.publishers).map(open).collect::<Result<_>>()? })
    }

    /// Runs with the lowest priority: it takes what is left of the processors, and never makes the pair wait
    /// for one.
    fn run(mut self, over: &AtomicBool) -> Result<()> {
        setpriority_process(Some(gettid()), LOWEST_PRIORITY)?;
        let mut epoll = Epoll::new()?;
        for (token, (stream, _)) in self.publishers.iter().enumerate() {
            epoll.watch_edges(stream, token)?;
        }
        let mut able = vec![true; self.publishers.len()];
        while !over.load(Ordering::Relaxed) {
            for ((stream, block), able) in
                self.publishers.iter_mut().zip(&mut able).filter(|(_, able)| **able)
            {
                *able = write_some(stream, block)?;
            }
            let wait = if able.contains(&true) { Duration::ZERO } else { Duration::from_millis(50) };
            for ready in epoll.wait(wait)?.filter(|ready| ready.writable) {
                able[ready.token] = true;
            }
        }
        Ok(())
    }
}

/// Writes one chunk; whether the socket takes more.
fn write_some(stream: &mut Stream, block: &mut Block) -> Result<bool> {
    match stream.write(block.chunk(CHUNK_BYTES)) {
        Ok(count) => {
            block.advance(count);
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error).context("the crowd publishes"),
    }
}
