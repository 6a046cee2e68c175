//! Idle connections: what one of them costs in memory, and how long it takes to open.

use anyhow::{Context, Result};

use crate::client;
use crate::frames;
use crate::meter::Meter;
use crate::report::Report;
use crate::server::Server;

pub(crate) fn run(server: &Server, title: &str, count: u32) -> Result<Vec<Report>> {
    // The first connections make the server set up what all of them share.
    let warm_up = client::open(server.addr(), &frames::subscribe("warm.up", None, "1"))?;
    drop(warm_up);
    let mut connections = Vec::with_capacity(count as usize);
    let meter = Meter::start(server)?;
    for index in 0..count {
        let line = frames::subscribe(&format!("idle.{index}"), None, "1");
        let stream = client::open(server.addr(), &line);
        connections.push(stream.with_context(|| format!("after {index} connections"))?);
    }
    let usage = meter.stop()?;
    let bytes_each = usage.memory_grown.map(|grown| grown as f64 / f64::from(count));
    Ok(vec![Report {
        title: title.to_owned(),
        what: "connections",
        operations: count.into(),
        payload_bytes: 0,
        usage,
        latency: None,
        bytes_each,
    }])
}
