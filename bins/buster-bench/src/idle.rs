//! Idle connections: what one of them costs in memory, how long it takes to open, and what the server
//! does while nothing happens.

use std::io::Write;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::client::{self, Dialer};
use crate::frames;
use crate::inbox::Inbox;
use crate::meter::Meter;
use crate::progress::Progress;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;
use crate::stream::Stream;

/// After the last connection, before the quiet is measured: servers ping every new client after 2 s.
const SETTLE: Duration = Duration::from_secs(3);

/// How long the quiet is measured at scale 1.
const QUIET: Duration = Duration::from_secs(4);

/// `count` connections with one subscription each.
pub(crate) fn run(server: &Server, title: &str, count: u32, settings: &Settings) -> Result<Vec<Report>> {
    let mut dialer = server.dialer();
    warm_up(&mut dialer)?;
    let meter = Meter::start(server)?;
    let connections = open(&mut dialer, count)?;
    let usage = meter.stop()?;
    if settings.verify {
        confirm_all_listen(&mut dialer, connections)?;
    }
    let bytes_each = usage.memory_grown.map(|grown| grown as f64 / f64::from(count));
    Ok(vec![Report { bytes_each, ..Report::new(title, "connections", count.into(), usage) }])
}

/// The same connections, and nothing happens on them.
pub(crate) fn run_quiet(
    server: &Server,
    title: &str,
    count: u32,
    settings: &Settings,
) -> Result<Vec<Report>> {
    let mut dialer = server.dialer();
    let connections = open(&mut dialer, count)?;
    thread::sleep(SETTLE);
    let meter = Meter::start(server)?;
    thread::sleep(settings.overrides.time.unwrap_or(QUIET.mul_f64(settings.scale)));
    let usage = meter.stop()?;
    if settings.verify {
        confirm_all_listen(&mut dialer, connections)?;
    }
    let connection_seconds = f64::from(count) * usage.elapsed.as_secs_f64();
    Ok(vec![Report::new(title, "connection-seconds", connection_seconds.round() as u64, usage)])
}

/// The first connection makes the server set up what all of them share.
fn warm_up(dialer: &mut Dialer) -> Result<()> {
    client::open(dialer, &frames::subscribe("warm.up", None, "1")).map(drop)
}

fn open(dialer: &mut Dialer, count: u32) -> Result<Vec<Stream>> {
    let mut progress = Progress::new("opening", "connections");
    let open = |index: u32| {
        progress.show(|| index.into());
        let line = frames::subscribe(&subject(index), None, "1");
        client::open(dialer, &line).with_context(|| format!("after {index} connections"))
    };
    (0..count).map(open).collect()
}

/// Publishes to each of them and reads what each gets: that one message.
fn confirm_all_listen(dialer: &mut Dialer, connections: Vec<Stream>) -> Result<()> {
    let mut publisher = client::open(dialer, b"")?;
    for (index, mut stream) in connections.into_iter().enumerate() {
        let subject = subject(index as u32);
        publisher.write_all(&frames::publish(&subject, None, 0)).context("publishing")?;
        let (mut inbox, mut is_for_it) = (Inbox::default(), true);
        while inbox.messages() == 0 {
            let count = inbox.read(&mut stream, &mut [0; 512], |message| {
                is_for_it &= message.subject == subject.as_bytes();
                Ok(())
            })?;
            ensure!(count > 0, "{subject} got nothing");
        }
        let more = inbox.messages() - 1 + client::await_pong(&mut stream)?;
        ensure!(is_for_it && more == 0, "{subject} got something else, or {more} messages too many");
    }
    Ok(())
}

fn subject(index: u32) -> String {
    format!("idle.{index}")
}
