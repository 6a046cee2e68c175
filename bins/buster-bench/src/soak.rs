//! The soak: fan-out for minutes, every message checked, while other clients come and go badly.
//!
//! All the time one connection subscribes and unsubscribes, and others connect, listen to what the
//! load publishes without reading it or begin a message that they never end, and vanish, half of them
//! with a reset. Those that keep up must get everything, and the server's memory must stay where it
//! was.

use std::collections::VecDeque;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::net::sockopt::set_socket_linger;

use crate::churn::Churner;
use crate::client::{self, Dialer};
use crate::flow::Flow;
use crate::frames;
use crate::meter::Meter;
use crate::process;
use crate::progress::Progress;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;
use crate::shape::Shape;
use crate::stream::Stream;
use crate::streaming;
use crate::units;

/// When the memory's level is taken, and how long around it; shorter soaks take a quarter.
const SETTLED_AFTER_MAX: Duration = Duration::from_secs(120);

const SAMPLE_EVERY: Duration = Duration::from_millis(500);

/// How much the memory may have grown at the end.
const GROWTH_MAX: f64 = 0.1;

/// Messages a second, unless told otherwise. As many as go through would be another test: what clients that do
/// not read are owed, and with it the memory, then follows the speed of the machine from minute to minute.
const PACE: f64 = 20_000.0;

/// One client vanishes and another comes.
const TROUBLE_EVERY: Duration = Duration::from_millis(20);

/// How many of them are there at a time.
const VICTIMS: usize = 20;

/// Runs for so many seconds; an error says what was lost, or how the memory grew.
pub(crate) fn run(
    server: &Server,
    title: &str,
    seconds: u32,
    shape: &Shape,
    settings: &Settings,
) -> Result<Vec<Report>> {
    let pid = server.pid().context("a soak watches the server's memory: it needs --pid or --server")?;
    let shape = &shape.with(&settings.overrides)?;
    let time = Duration::from_secs(u64::from(seconds)).mul_f64(settings.scale);
    let settings = Settings { verify: true, rate: settings.rate.or(Some(PACE)), ..settings.clone() };
    let endless = Shape { time: Some(time), ..shape.clone() };
    let mut flow = streaming::open(server, &endless, &settings)?;
    let mut troubles = Troubles::new(server, shape)?;
    let meter = Meter::start(server)?;
    let samples = soak(&mut flow, &mut troubles, pid, time, Progress::new(title, "deliveries"))?;
    let usage = meter.stop()?;
    flow.confirm_nothing_more()?;
    let verdict = judge(&samples, time)?;
    let note = format!(
        "{verdict}; {} clients vanished, {} SUB and UNSUB",
        troubles.vanished,
        units::count(troubles.churner.pairs() as f64)
    );
    let report = Report::new(title, "deliveries", flow.deliveries(), usage);
    Ok(vec![Report { payload_bytes: shape.payload_bytes, note: Some(note), ..report }])
}

/// Resident memory, and when it was taken.
type Sample = (Duration, u64);

fn soak(
    flow: &mut Flow,
    troubles: &mut Troubles,
    pid: u32,
    time: Duration,
    mut progress: Progress,
) -> Result<Vec<Sample>> {
    let start = Instant::now();
    let (mut samples, mut sample_at, mut trouble_at) = (Vec::new(), start, start);
    while !flow.is_complete()? {
        let now = flow.turn()?;
        if now >= trouble_at {
            troubles.make().context("a client of the troubling kind")?;
            trouble_at = now + TROUBLE_EVERY;
        }
        if now >= sample_at {
            samples.push((now - start, process::memory(pid)?.now));
            sample_at = now + SAMPLE_EVERY;
        }
        if now - start >= time {
            flow.finish();
        }
        progress.show(|| flow.delivered());
    }
    Ok(samples)
}

/// Compares the memory at the end with its level once it had settled.
fn judge(samples: &[Sample], time: Duration) -> Result<String> {
    let settled = SETTLED_AFTER_MAX.min(time / 4);
    // What waits for the clients that do not read comes and goes: it takes a while to see a level.
    let window = settled / 2;
    let level = |from: Duration, to: Duration| {
        let within = samples.iter().filter(|(at, _)| (from..=to).contains(at));
        let mut sizes: Vec<u64> = within.map(|(_, bytes)| *bytes).collect();
        sizes.sort_unstable();
        let middle = sizes.get(sizes.len() / 2).copied();
        middle.with_context(|| format!("no sample of the memory between {from:?} and {to:?}"))
    };
    let before = level(settled - window, settled + window)? as f64;
    let after = level(time - 2 * window, time)? as f64;
    let text = format!(
        "RSS {} after {} s and {} at the end",
        units::bytes(before),
        settled.as_secs(),
        units::bytes(after)
    );
    ensure!(after <= before * (1.0 + GROWTH_MAX), "the server grew: {text}");
    Ok(text)
}

/// The clients nobody wants.
struct Troubles {
    dialer: Dialer,
    shape: Shape,
    churner: Churner,
    victims: VecDeque<Stream>,
    vanished: usize,
}

impl Troubles {
    fn new(server: &Server, shape: &Shape) -> Result<Self> {
        let mut dialer = server.dialer();
        let mut churner = Churner::open(&mut dialer, 0)?;
        churner.send()?;
        Ok(Self { dialer, shape: shape.clone(), churner, victims: VecDeque::new(), vanished: 0 })
    }

    /// One more round of each kind.
    fn make(&mut self) -> Result<()> {
        if self.churner.finishes_block()? {
            self.churner.send()?;
        }
        if self.victims.len() >= VICTIMS {
            self.let_one_vanish()?;
        }
        let number = self.vanished + self.victims.len();
        let lines = match number % 3 {
            0 => self.half_a_message(number),
            _ => self.shape.subscribe_line(number % self.shape.connections_of_subscribers()),
        };
        let mut stream = client::greet_from(&mut self.dialer)?;
        stream.write_all(&[frames::CONNECT, &lines].concat())?;
        self.victims.push_back(stream);
        Ok(())
    }

    /// A PUB that the load's subscribers want, cut in its payload: nobody may get any of it.
    fn half_a_message(&self, number: usize) -> Vec<u8> {
        let subject = self.shape.subject(number % self.shape.subjects);
        let mut frame = frames::publish(&subject, None, self.shape.payload_bytes);
        frame.truncate(frame.len() - 1 - self.shape.payload_bytes / 2);
        frame
    }

    fn let_one_vanish(&mut self) -> Result<()> {
        let Some(stream) = self.victims.pop_front() else {
            return Ok(());
        };
        self.vanished += 1;
        if self.vanished.is_multiple_of(2) {
            // Closing then sends a reset at once, whatever is still to be sent or read.
            set_socket_linger(&stream, Some(Duration::ZERO))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(size: impl Fn(u64) -> u64) -> Vec<Sample> {
        (0..1200).map(|second| (Duration::from_secs(second), size(second))).collect()
    }

    #[test]
    fn memory_that_settles_passes_whatever_it_did_before() {
        let text = judge(
            &samples(|second| if second < 60 { second } else { 30_000_000 }),
            Duration::from_secs(1200),
        );
        assert_eq!(text.unwrap(), "RSS 30.0 MB after 120 s and 30.0 MB at the end");
    }

    #[test]
    fn memory_that_creeps_fails_and_one_peak_does_not() {
        let time = Duration::from_secs(1200);
        let error = judge(&samples(|second| 30_000_000 + second * 10_000), time).unwrap_err();
        assert!(error.to_string().starts_with("the server grew: RSS 31.2 MB"), "{error}");
        judge(&samples(|second| if second == 1199 { 90_000_000 } else { 30_000_000 }), time).unwrap();
    }

    #[test]
    fn a_short_soak_is_judged_by_its_first_quarter() {
        let text = judge(&samples(|_| 10_000_000), Duration::from_secs(60)).unwrap();
        assert!(text.contains("after 15 s"), "{text}");
        assert!(judge(&[], Duration::from_secs(60)).is_err());
    }
}
