//! How long a service took, as its account is told.

use std::time::Duration;

use broker::ServiceLatency;
use monitor::{Moment, compact};

use crate::inquiry::{Address, Reply};
use crate::server_identity::ServerIdentity;

const TYPE: &str = "io.nats.server.metric.v1.service_latency";

/// The message that tells of it.
pub(crate) fn service_latency(server: &ServerIdentity, now: Moment, told: &ServiceLatency) -> Reply {
    Reply::new(Address::new(told.account, &*told.subject), body(server, now, told))
}

/// In nats-server's order. Times are in nanoseconds.
fn body(server: &ServerIdentity, now: Moment, told: &ServiceLatency) -> Vec<u8> {
    let mut text = Vec::new();
    let mut put = |name: &str, value: &[u8]| {
        if !value.is_empty() {
            let before = if text.is_empty() { '{' } else { ',' };
            text.extend_from_slice(format!("{before}\"{name}\":").as_bytes());
            text.extend_from_slice(value);
        }
    };
    let nanos = |time: Duration| compact(&u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    put("type", &compact(&TYPE));
    put("id", &compact(&server.next_event_id()));
    put("timestamp", &compact(&now));
    put("status", &compact(&told.status));
    if !told.description.is_empty() {
        put("description", &compact(&told.description));
    }
    put("requestor", &told.requestor);
    put("responder", &told.responder);
    put("header", &told.header);
    put("start", &compact(&told.start));
    put("service", &nanos(told.service));
    put("system", &nanos(told.system));
    put("total", &nanos(told.total));
    text.push(b'}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 writes it.
    #[test]
    fn what_is_not_known_is_left_out() {
        let told = ServiceLatency {
            account: 0,
            subject: b"l"[..].into(),
            status: 200,
            description: "",
            requestor: br#"{"acc":"B","rtt":5}"#[..].into(),
            responder: br#"{"acc":"A"}"#[..].into(),
            header: br#"{"B3":["1"]}"#[..].into(),
            start: Moment(1_000_000_000),
            service: Duration::from_nanos(7),
            system: Duration::ZERO,
            total: Duration::from_nanos(12),
        };
        let written = |told: &ServiceLatency| {
            String::from_utf8(body(&ServerIdentity::default(), Moment(0), told)).unwrap()
        };
        let expected = concat!(
            r#"{"type":"io.nats.server.metric.v1.service_latency","id":"0000000000000000000001","#,
            r#""timestamp":"1970-01-01T00:00:00Z","status":200,"requestor":{"acc":"B","rtt":5},"responder":{"acc":"A"},"#,
            r#""header":{"B3":["1"]},"start":"1970-01-01T00:00:01Z","service":7,"system":0,"total":12}"#
        );
        assert_eq!(written(&told), expected);
        let failed = ServiceLatency {
            status: 503,
            description: "Service Unavailable",
            responder: Box::default(),
            header: Box::default(),
            ..told
        };
        let fragment =
            r#""status":503,"description":"Service Unavailable","requestor":{"acc":"B","rtt":5},"start":"#;
        assert!(written(&failed).contains(fragment));
    }
}
