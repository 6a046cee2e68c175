//! Idle connections: what one of them costs in memory, how long it takes to open, and what the server
//! does while nothing happens.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::client::{self, Dialer};
use crate::frames;
use crate::load::Settings;
use crate::meter::Meter;
use crate::report::Report;
use crate::server::Server;

/// After the last connection, before the quiet is measured.
const SETTLE: Duration = Duration::from_millis(500);

/// How long the quiet is measured at scale 1.
const QUIET: Duration = Duration::from_secs(4);

/// `count` connections with one subscription each.
pub(crate) fn run(server: &Server, title: &str, count: u32) -> Result<Vec<Report>> {
    let mut dialer = Dialer::new(server.addr());
    warm_up(&mut dialer)?;
    let meter = Meter::start(server)?;
    let connections = open(&mut dialer, count)?;
    let usage = meter.stop()?;
    drop(connections);
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
    let mut dialer = Dialer::new(server.addr());
    let connections = open(&mut dialer, count)?;
    thread::sleep(SETTLE);
    let meter = Meter::start(server)?;
    thread::sleep(settings.overrides.time.unwrap_or(QUIET.mul_f64(settings.scale)));
    let usage = meter.stop()?;
    drop(connections);
    Ok(vec![Report::new(title, "connections", count.into(), usage)])
}

/// The first connection makes the server set up what all of them share.
fn warm_up(dialer: &mut Dialer) -> Result<()> {
    client::open(dialer, &frames::subscribe("warm.up", None, "1")).map(drop)
}

fn open(dialer: &mut Dialer, count: u32) -> Result<Vec<TcpStream>> {
    let open = |index| {
        let line = frames::subscribe(&format!("idle.{index}"), None, "1");
        client::open(dialer, &line).with_context(|| format!("after {index} connections"))
    };
    (0..count).map(open).collect()
}
