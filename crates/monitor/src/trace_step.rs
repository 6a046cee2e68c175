//! Steps of a message's way, as nats-server tells those who have it traced.

use serde::Serialize;

use crate::moment::Moment;

/// A client, where a step says what kind of connection it is about.
pub const TRACED_CLIENT: u8 = 0;

/// A route.
pub const TRACED_ROUTE: u8 = 1;

/// A leaf node, or a hub.
pub const TRACED_LEAF: u8 = 4;

/// One step. What is empty is left out.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type")]
pub enum TraceStep<'a> {
    /// It came to this server.
    #[serde(rename = "in")]
    Ingress {
        /// When.
        ts: Moment,
        /// By which kind of connection.
        kind: u8,
        /// Its number.
        cid: u64,
        /// Its name, or that of the server behind it.
        #[serde(skip_serializing_if = "str::is_empty")]
        name: &'a str,
        /// The account.
        acc: &'a str,
        /// The subject.
        subj: &'a str,
        /// Why it goes no further.
        #[serde(skip_serializing_if = "str::is_empty")]
        error: &'a str,
    },
    /// Its account maps it to another subject.
    #[serde(rename = "sm")]
    Mapped {
        /// When.
        ts: Moment,
        /// The subject.
        to: &'a str,
    },
    /// An account imports it as of a stream.
    #[serde(rename = "se")]
    StreamExport {
        /// When.
        ts: Moment,
        /// The account that imports it.
        acc: &'a str,
        /// Its subject there.
        to: &'a str,
    },
    /// It goes to the account of a service.
    #[serde(rename = "si")]
    ServiceImport {
        /// When.
        ts: Moment,
        /// That account.
        acc: &'a str,
        /// The subject before.
        from: &'a str,
        /// The subject there.
        to: &'a str,
    },
    /// A stream takes it.
    #[serde(rename = "js")]
    JetStream {
        /// When.
        ts: Moment,
        /// The stream.
        stream: &'a str,
        /// The subject that it is stored under.
        #[serde(skip_serializing_if = "str::is_empty")]
        subject: &'a str,
        /// It is not stored: nobody is interested.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        nointerest: bool,
        /// Why it is not taken.
        #[serde(skip_serializing_if = "str::is_empty")]
        error: &'a str,
    },
    /// Somebody gets it.
    #[serde(rename = "eg")]
    Egress {
        /// When.
        ts: Moment,
        /// By which kind of connection.
        kind: u8,
        /// Its number.
        cid: u64,
        /// Its name, or that of the server behind it.
        #[serde(skip_serializing_if = "str::is_empty")]
        name: &'a str,
        /// What that server tells of it has this number.
        #[serde(skip_serializing_if = "str::is_empty")]
        hop: &'a str,
        /// The account, if it is another than the one that it came to.
        #[serde(skip_serializing_if = "str::is_empty")]
        acc: &'a str,
        /// What the client subscribes to,
        #[serde(skip_serializing_if = "str::is_empty")]
        sub: &'a str,
        /// and in which queue group.
        #[serde(skip_serializing_if = "str::is_empty")]
        queue: &'a str,
        /// Why it does not, or what is amiss.
        #[serde(skip_serializing_if = "str::is_empty")]
        error: &'a str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compact;

    /// As nats-server 2.14.5 tells it.
    #[test]
    fn what_is_empty_is_left_out() {
        let text = |step: TraceStep<'_>| String::from_utf8(compact(&step)).unwrap();
        let ts = Moment(0);
        let sent = TraceStep::Egress {
            ts,
            kind: TRACED_ROUTE,
            cid: 7,
            name: "B",
            hop: "1",
            acc: "",
            sub: "",
            queue: "",
            error: "",
        };
        assert_eq!(
            text(sent),
            r#"{"type":"eg","ts":"1970-01-01T00:00:00Z","kind":1,"cid":7,"name":"B","hop":"1"}"#
        );
        let stored = TraceStep::JetStream { ts, stream: "S", subject: "a", nointerest: false, error: "" };
        assert_eq!(text(stored), r#"{"type":"js","ts":"1970-01-01T00:00:00Z","stream":"S","subject":"a"}"#);
    }
}
