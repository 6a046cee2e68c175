//! What became of a message, as who has it traced is told.

use broker::ToldTrace;
use monitor::{Moment, compact};

use crate::encoding::Encoding;
use crate::inquiry::{Address, Reply};
use crate::server_identity::ServerIdentity;

/// The message that tells of it.
pub(crate) fn msg_trace(server: &ServerIdentity, now: Moment, told: &ToldTrace) -> Reply {
    let to = Address::new(told.account, &*told.destination);
    Reply::packed(to, Encoding::of_names(&told.accepts), body(server, now, told))
}

fn body(server: &ServerIdentity, now: Moment, told: &ToldTrace) -> Vec<u8> {
    let hops = if told.hops > 0 { format!(",\"hops\":{}", told.hops) } else { String::new() };
    let parts = [
        &b"{\"server\":"[..],
        &compact(&server.signs(now)),
        b",\"request\":",
        &told.request,
        hops.as_bytes(),
        b",\"events\":[",
        &told.events,
        b"]}",
    ];
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 tells it.
    #[test]
    fn it_begins_with_the_server_and_ends_with_what_happened() {
        let server =
            ServerIdentity { name: "S".into(), version: "2.14.5".into(), ..ServerIdentity::default() };
        let told = ToldTrace {
            account: 0,
            destination: b"t"[..].into(),
            accepts: Box::default(),
            request: br#"{"msgsize":3}"#.to_vec(),
            hops: 2,
            events: br#"{"type":"in"}"#.to_vec(),
        };
        let expected = concat!(
            r#"{"server":{"name":"S","host":"","id":"","ver":"2.14.5","jetstream":false,"flags":0,"seq":1,"#,
            r#""time":"1970-01-01T00:00:00Z"},"request":{"msgsize":3},"hops":2,"events":[{"type":"in"}]}"#
        );
        assert_eq!(String::from_utf8(body(&server, Moment(0), &told)).unwrap(), expected);
        let told = ToldTrace { hops: 0, ..told };
        assert!(!String::from_utf8(body(&server, Moment(0), &told)).unwrap().contains("hops"));
    }
}
