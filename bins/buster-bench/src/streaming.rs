//! The loads that stream one way: fan-out, fan-in, one to one, queue groups, large payloads, many
//! subjects, and publishing that nobody listens to.

use std::ops::Range;

use anyhow::{Result, ensure};

use crate::block::{Block, CHUNK_BYTES};
use crate::client::{self, Dialer};
use crate::flow::{Flow, Traffic};
use crate::meter::Meter;
use crate::progress::Progress;
use crate::publisher::Publisher;
use crate::report::Report;
use crate::server::Server;
use crate::settings::{Settings, scaled};
use crate::shape::{Filter, Shape};
use crate::subscriber::Subscriber;

/// All publishers' prebuilt frames together, as long as each has one frame.
const BLOCKS_BYTES_MAX: usize = 256 * 1024 * 1024;

pub(crate) fn run(server: &Server, title: &str, shape: &Shape, settings: &Settings) -> Result<Vec<Report>> {
    let shape = shape.with(&settings.overrides)?;
    Ok(vec![measure(server, title, &shape, settings)?])
}

/// Connects everybody, streams, and tells what it took.
pub(crate) fn measure(server: &Server, title: &str, shape: &Shape, settings: &Settings) -> Result<Report> {
    let mut flow = open(server, shape, settings)?;
    let meter = Meter::start(server)?;
    flow.run(shape.time, Progress::new(title, "messages"))?;
    let usage = meter.stop()?;
    flow.confirm_nothing_more()?;
    let mut report = Report::new(title, "deliveries", flow.deliveries(), usage);
    if shape.groups() == 0 {
        report = Report { what: "publishes", operations: flow.published(), ..report };
    }
    Ok(Report { payload_bytes: shape.payload_bytes, ..report })
}

/// Connects everybody; nothing is published yet.
pub(crate) fn open(server: &Server, shape: &Shape, settings: &Settings) -> Result<Flow> {
    let max = server.info().max_payload_bytes;
    ensure!(shape.payload_bytes as u64 <= max, "the server takes payloads up to {max} bytes only");
    if settings.verify {
        shape.confirm_checkable()?;
    }
    let mut dialer = server.dialer();
    let subscribers = open_subscribers(server, shape)?;
    server.await_far_interest()?;
    let publishers = (0..shape.publishers)
        .map(|index| open_publisher(&mut dialer, shape, settings, index))
        .collect::<Result<Vec<_>>>()?;
    let traffic = Traffic {
        publish_bytes: publishers[0].frame_bytes(),
        delivery_bytes: shape.delivery_bytes(),
        groups: shape.groups(),
    };
    let mut flow = Flow::new(publishers, subscribers, traffic)?;
    if settings.verify {
        flow = flow.checking(shape.payload_bytes);
    }
    Ok(match settings.rate {
        Some(rate) => flow.paced(rate),
        None => flow,
    })
}

/// Of two servers they are at the other, but for every second member of a queue group.
fn open_subscribers(server: &Server, shape: &Shape) -> Result<Vec<Subscriber>> {
    let all = 0..shape.connections_of_subscribers();
    let (mut near, mut far) = (server.dialer(), server.far_dialer());
    let open = |index| {
        let is_near = shape.filter == Filter::Queue && index % 2 == 0;
        let dialer = if is_near { &mut near } else { &mut far };
        let stream = client::open(dialer, &shape.subscribe_line(index))?;
        Ok(Subscriber::new(stream, shape.group_of_subscriber(index)))
    };
    all.map(open).collect()
}

fn open_publisher(
    dialer: &mut Dialer,
    shape: &Shape,
    settings: &Settings,
    index: usize,
) -> Result<Publisher> {
    let subjects = shape.subjects_of_publisher(index);
    let block_bytes = CHUNK_BYTES.min(BLOCKS_BYTES_MAX / shape.publishers).max(1);
    let mut block = Block::cycling(subjects.iter().map(String::as_str), shape.payload_bytes, block_bytes);
    if shape.is_text {
        block = block.with_text(index as u32, shape.payload_bytes);
    }
    if settings.verify {
        block = block.stamped(index as u32, shape.payload_bytes);
    }
    let feeds: Range<usize> = shape.feeds(index);
    let messages = match shape.time {
        Some(_) => u64::MAX,
        None => scaled(shape.messages, settings.scale).div_ceil(shape.publishers as u64),
    };
    Ok(Publisher::new(client::open(dialer, b"")?, block, messages, feeds))
}
