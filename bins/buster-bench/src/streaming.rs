//! The loads that stream one way: fan-out, fan-in, one to one, queue groups, large payloads.

use anyhow::{Result, ensure};

use crate::client;
use crate::flow::{CHUNK_BYTES, Flow, Publisher, Subscriber, Traffic};
use crate::frames;
use crate::load::{Filter, Shape, scaled};
use crate::meter::Meter;
use crate::report::Report;
use crate::server::Server;

const SID: &str = "1";
const QUEUE: &str = "workers";

pub(crate) fn run(server: &Server, title: &str, shape: &Shape, scale: f64) -> Result<Vec<Report>> {
    let max = server.info().max_payload_bytes;
    ensure!(shape.payload_bytes as u64 <= max, "the server takes payloads up to {max} bytes only");
    let traffic = traffic(shape, scale);
    let subscribers = open_subscribers(server, shape)?;
    let publishers = open_publishers(server, shape, &traffic)?;
    let mut flow = Flow::new(publishers, subscribers, traffic)?;
    let meter = Meter::start(server)?;
    flow.run()?;
    let usage = meter.stop()?;
    flow.confirm_nothing_more()?;
    Ok(vec![Report {
        title: title.to_owned(),
        what: "deliveries",
        operations: traffic.deliveries_per_group * traffic.groups as u64,
        payload_bytes: shape.payload_bytes,
        usage,
        latency: None,
        bytes_each: None,
    }])
}

fn traffic(shape: &Shape, scale: f64) -> Traffic {
    let subject = subject(0);
    let per_publisher = scaled(shape.published, scale).div_ceil(shape.publishers as u64);
    let per_subject = per_publisher * (shape.publishers / shape.subjects) as u64;
    let groups_per_subject = match shape.filter {
        Filter::Queue => 1,
        Filter::Literal | Filter::Wild => shape.subscribers_per_subject,
    };
    Traffic {
        publish_bytes: frames::publish(&subject, None, shape.payload_bytes).len() as u64,
        delivery_bytes: frames::delivery_bytes(&subject, SID, shape.payload_bytes) as u64,
        deliveries_per_group: per_subject,
        groups: groups_per_subject * shape.subjects,
    }
}

/// One digit keeps all subjects, and so all messages, equally long.
fn subject(index: usize) -> String {
    format!("bench.{index}.data")
}

fn subscribe_line(filter: Filter, index: usize) -> Vec<u8> {
    match filter {
        Filter::Literal => frames::subscribe(&subject(index), None, SID),
        Filter::Wild => frames::subscribe(&format!("*.{index}.>"), None, SID),
        Filter::Queue => frames::subscribe(&subject(index), Some(QUEUE), SID),
    }
}

fn open_subscribers(server: &Server, shape: &Shape) -> Result<Vec<Subscriber>> {
    let mut subscribers = Vec::new();
    for index in 0..shape.subjects {
        for _ in 0..shape.subscribers_per_subject {
            let stream = client::open(server.addr(), &subscribe_line(shape.filter, index))?;
            let group = match shape.filter {
                Filter::Queue => index,
                Filter::Literal | Filter::Wild => subscribers.len(),
            };
            subscribers.push(Subscriber::new(stream, group));
        }
    }
    Ok(subscribers)
}

fn open_publishers(server: &Server, shape: &Shape, traffic: &Traffic) -> Result<Vec<Publisher>> {
    let publishers_per_subject = (shape.publishers / shape.subjects) as u64;
    let bytes = traffic.deliveries_per_group / publishers_per_subject * traffic.publish_bytes;
    let groups_per_subject = traffic.groups / shape.subjects;
    let open = |publisher| {
        let index = publisher % shape.subjects;
        let frame = frames::publish(&subject(index), None, shape.payload_bytes);
        let frames = frames::repeat(&frame, CHUNK_BYTES);
        let feeds = index * groups_per_subject..(index + 1) * groups_per_subject;
        Ok(Publisher::new(client::open(server.addr(), b"")?, frames, bytes, feeds))
    };
    (0..shape.publishers).map(open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(filter: Filter) -> Shape {
        Shape {
            publishers: 10,
            subjects: 5,
            subscribers_per_subject: 4,
            filter,
            payload_bytes: 128,
            published: 1_000,
        }
    }

    #[test]
    fn every_subscriber_gets_all_of_its_subject() {
        let traffic = traffic(&shape(Filter::Literal), 1.0);
        assert_eq!(traffic.groups, 20);
        assert_eq!(traffic.deliveries_per_group, 200);
        assert_eq!(traffic.delivery_bytes, b"MSG bench.0.data 1 128\r\n".len() as u64 + 130);
    }

    #[test]
    fn a_queue_group_gets_each_message_once() {
        let traffic = traffic(&shape(Filter::Queue), 2.0);
        assert_eq!(traffic.groups, 5);
        assert_eq!(traffic.deliveries_per_group, 400);
    }

    #[test]
    fn the_filter_decides_the_subscribe_line() {
        assert_eq!(subscribe_line(Filter::Literal, 3), b"SUB bench.3.data 1\r\n");
        assert_eq!(subscribe_line(Filter::Wild, 3), b"SUB *.3.> 1\r\n");
        assert_eq!(subscribe_line(Filter::Queue, 3), b"SUB bench.3.data workers 1\r\n");
    }
}
