//! Many subscriptions: what one costs in memory and time, what a publish costs among them, and how long it
//! takes until they are gone when their connection ends.

use std::io::Write;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::block::{Block, CHUNK_BYTES};
use crate::client;
use crate::flow::{Flow, Traffic};
use crate::frames;
use crate::meter::Meter;
use crate::monitor;
use crate::progress::Progress;
use crate::publisher::Publisher;
use crate::random::SplitMix;
use crate::report::Report;
use crate::server::Server;
use crate::settings::{Settings, scaled};
use crate::stream::Stream;
use crate::subscriber::Subscriber;

/// Subjects and sids are numbered with 7 digits, so that all messages are equally long.
pub(crate) const COUNT_MAX: u32 = 9_999_999;

/// At scale 1.
const PUBLISHED: u64 = 1_000_000;

/// Prebuilt publishes, each on a subject of its own choosing, sent over and over.
const PREBUILT: usize = 262_144;

const PAYLOAD_BYTES: usize = 16;

/// How much SUB text is built and written at a time.
const SUB_BATCH: u32 = 4096;

/// Between two looks at how many are left.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A server that takes longer has forgotten some.
const END_WAIT_MAX: Duration = Duration::from_secs(120);

pub(crate) fn run(server: &Server, title: &str, count: u32, settings: &Settings) -> Result<Vec<Report>> {
    let before = server.monitor().map(monitor::subscriptions).transpose()?;
    let mut dialer = server.dialer();
    let mut stream = client::open(&mut dialer, b"")?;
    let meter = Meter::start(server)?;
    subscribe_all(&mut stream, count)?;
    let usage = meter.stop()?;
    let bytes_each = usage.memory_grown.map(|grown| grown as f64 / f64::from(count));
    let subscribed = Report { bytes_each, ..Report::new(title, "SUBs", count.into(), usage) };

    let mut block = random_publishes(count);
    let traffic = traffic(block.frame_bytes());
    if settings.verify {
        block = block.stamped(0, PAYLOAD_BYTES);
    }
    let published = scaled(settings.overrides.messages.unwrap_or(PUBLISHED), settings.scale);
    let publisher = Publisher::new(client::open(&mut dialer, b"")?, block, published, 0..1);
    let mut flow = Flow::new(vec![publisher], vec![Subscriber::new(stream, 0)], traffic)?;
    if settings.verify {
        flow = flow.checking(PAYLOAD_BYTES);
    }
    let phase = format!("{title}, publish");
    let meter = Meter::start(server)?;
    flow.run(None, Progress::new(&phase, "messages"))?;
    let usage = meter.stop()?;
    flow.confirm_nothing_more()?;
    let published = Report::new(&phase, "deliveries", flow.deliveries(), usage);
    let mut reports = vec![subscribed, Report { payload_bytes: PAYLOAD_BYTES, ..published }];

    if let (Some(monitor), Some(before)) = (server.monitor(), before) {
        let meter = Meter::start(server)?;
        drop(flow);
        await_end(monitor, before)?;
        reports.push(Report::new(&format!("{title}, end"), "SUBs", count.into(), meter.stop()?));
    }
    Ok(reports)
}

/// Waits until the server has no more subscriptions than before.
fn await_end(monitor: SocketAddr, before: u64) -> Result<()> {
    let give_up_at = Instant::now() + END_WAIT_MAX;
    loop {
        let left = monitor::subscriptions(monitor)?.saturating_sub(before);
        if left == 0 {
            return Ok(());
        }
        if Instant::now() >= give_up_at {
            bail!("{left} subscriptions are left of a connection that is gone");
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn subscribe_all(stream: &mut Stream, count: u32) -> Result<()> {
    let mut lines = Vec::new();
    for start in (0..count).step_by(SUB_BATCH as usize) {
        lines.clear();
        for number in start..count.min(start + SUB_BATCH) {
            lines.extend(frames::subscribe(&subject(number), None, &sid(number)));
        }
        stream.write_all(&lines).context("sending SUBs")?;
    }
    let messages = client::await_pong(stream)?;
    ensure!(messages == 0, "{messages} messages before anything was published");
    Ok(())
}

fn traffic(publish_bytes: u64) -> Traffic {
    let delivery = frames::delivery_bytes(&subject(0), &sid(0), PAYLOAD_BYTES);
    Traffic { publish_bytes, delivery_bytes: delivery as u64, groups: 1 }
}

fn random_publishes(count: u32) -> Block {
    let mut random = SplitMix::new(0x5eed);
    let subjects: Vec<String> = (0..PREBUILT).map(|_| subject(random.below(count))).collect();
    Block::cycling(subjects.iter().map(String::as_str), PAYLOAD_BYTES, CHUNK_BYTES)
}

fn subject(number: u32) -> String {
    format!("sensor.{number:07}.value")
}

fn sid(number: u32) -> String {
    format!("{number:07}")
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn all_frames_are_equally_long_up_to_the_largest_number() {
        let publish_bytes = frames::publish(&subject(0), None, PAYLOAD_BYTES).len();
        let traffic = traffic(publish_bytes as u64);
        for number in [0, 7, COUNT_MAX] {
            let publish = frames::publish(&subject(number), None, PAYLOAD_BYTES);
            assert_eq!(publish.len() as u64, traffic.publish_bytes);
            let delivery = frames::delivery_bytes(&subject(number), &sid(number), PAYLOAD_BYTES);
            assert_eq!(delivery as u64, traffic.delivery_bytes);
        }
    }

    #[test]
    fn the_end_is_when_no_more_are_left_than_before() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            for left in [1_000_060, 61, 60] {
                let (mut peer, _) = listener.accept().unwrap();
                let mut request = [0; 512];
                assert!(peer.read(&mut request).unwrap() > 0);
                let answer = format!("HTTP/1.0 200 OK\r\n\r\n{{\"num_subscriptions\": {left}}}");
                peer.write_all(answer.as_bytes()).unwrap();
            }
        });
        await_end(addr, 60).unwrap();
        server.join().unwrap();
    }

    #[test]
    fn prebuilt_publishes_stay_among_the_subscribed_subjects() {
        let mut block = random_publishes(3);
        let text = String::from_utf8(block.chunk(usize::MAX).to_vec()).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for line in text.lines().filter(|line| line.starts_with("PUB")) {
            seen.insert(line.to_owned());
        }
        let expected = [0, 1, 2].map(|number| format!("PUB {} 16", subject(number)));
        assert!(seen.iter().eq(expected.iter()), "{seen:?}");
    }
}
