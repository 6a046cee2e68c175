//! Many subscriptions: what one costs in memory and time, and what a publish costs among them.

use std::io::Write;

use anyhow::{Context, Result, ensure};

use crate::client;
use crate::flow::{Flow, Publisher, Subscriber, Traffic};
use crate::frames;
use crate::load::scaled;
use crate::meter::{Meter, Usage};
use crate::report::Report;
use crate::server::Server;

/// Subjects and sids are numbered with 7 digits, so that all messages are equally long.
pub(crate) const COUNT_MAX: u32 = 9_999_999;

/// At scale 1.
const PUBLISHED: u64 = 1_000_000;

/// Prebuilt publishes, each on a subject of its own choosing, sent over and over.
const PREBUILT: usize = 262_144;

const PAYLOAD_BYTES: usize = 16;

/// How much SUB text is built and written at a time.
const SUB_BATCH: u32 = 4096;

pub(crate) fn run(server: &Server, title: &str, count: u32, scale: f64) -> Result<Vec<Report>> {
    let mut stream = client::open(server.addr(), b"")?;
    let meter = Meter::start(server)?;
    subscribe_all(&mut stream, count)?;
    let usage = meter.stop()?;
    let subscribed = subscribe_report(title, count, usage);

    let traffic = traffic(scaled(PUBLISHED, scale));
    let publisher = client::open(server.addr(), b"")?;
    let bytes = traffic.publish_bytes * traffic.deliveries_per_group;
    let publishers = vec![Publisher::new(publisher, random_publishes(count), bytes, 0..1)];
    let mut flow = Flow::new(publishers, vec![Subscriber::new(stream, 0)], traffic)?;
    let meter = Meter::start(server)?;
    flow.run()?;
    let usage = meter.stop()?;
    flow.confirm_nothing_more()?;
    Ok(vec![subscribed, publish_report(title, &traffic, usage)])
}

fn subscribe_report(title: &str, count: u32, usage: Usage) -> Report {
    let bytes_each = usage.memory_grown.map(|grown| grown as f64 / f64::from(count));
    Report {
        title: title.to_owned(),
        what: "SUBs",
        operations: count.into(),
        payload_bytes: 0,
        usage,
        latency: None,
        bytes_each,
    }
}

fn publish_report(title: &str, traffic: &Traffic, usage: Usage) -> Report {
    Report {
        title: format!("{title}, publish"),
        what: "deliveries",
        operations: traffic.deliveries_per_group,
        payload_bytes: PAYLOAD_BYTES,
        usage,
        latency: None,
        bytes_each: None,
    }
}

fn subscribe_all(stream: &mut std::net::TcpStream, count: u32) -> Result<()> {
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

fn traffic(published: u64) -> Traffic {
    let delivery = frames::delivery_bytes(&subject(0), &sid(0), PAYLOAD_BYTES);
    Traffic {
        publish_bytes: frames::publish(&subject(0), None, PAYLOAD_BYTES).len() as u64,
        delivery_bytes: delivery as u64,
        deliveries_per_group: published,
        groups: 1,
    }
}

fn random_publishes(count: u32) -> Vec<u8> {
    let mut random = SplitMix(0x5eed);
    let mut frames = Vec::new();
    for _ in 0..PREBUILT {
        let number = random.below(count);
        frames.extend(frames::publish(&subject(number), None, PAYLOAD_BYTES));
    }
    frames
}

fn subject(number: u32) -> String {
    format!("sensor.{number:07}.value")
}

fn sid(number: u32) -> String {
    format!("{number:07}")
}

/// SplitMix64: a fixed seed gives every server the same subjects in the same order.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform below `bound`, but for a bias of one in four billion.
    fn below(&mut self, bound: u32) -> u32 {
        let high = self.next() >> 32;
        ((high * u64::from(bound)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_frames_are_equally_long_up_to_the_largest_number() {
        let traffic = traffic(1);
        for number in [0, 7, COUNT_MAX] {
            let publish = frames::publish(&subject(number), None, PAYLOAD_BYTES);
            assert_eq!(publish.len() as u64, traffic.publish_bytes);
            let delivery = frames::delivery_bytes(&subject(number), &sid(number), PAYLOAD_BYTES);
            assert_eq!(delivery as u64, traffic.delivery_bytes);
        }
    }

    #[test]
    fn prebuilt_publishes_stay_among_the_subscribed_subjects() {
        let frames = random_publishes(3);
        let text = String::from_utf8(frames).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for line in text.lines().filter(|line| line.starts_with("PUB")) {
            seen.insert(line.to_owned());
        }
        let expected = [0, 1, 2].map(|number| format!("PUB {} 16", subject(number)));
        assert!(seen.iter().eq(expected.iter()), "{seen:?}");
    }
}
