//! The server, as it stands in its answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use broker::ToldUrls;
use monitor::Moment;
use serde::Serialize;

use crate::event_id::event_id;

/// What answers say of the server.
#[derive(Debug, Clone, Default)]
pub struct ServerIdentity {
    /// Its name.
    pub name: String,
    /// The host that clients connect to.
    pub host: String,
    /// Its id.
    pub id: String,
    /// What is told of its cluster, if it is in one.
    pub told: Option<Arc<ToldUrls>>,
    /// The domain of its JetStream; empty if there is none.
    pub domain: String,
    /// The nats-server version whose behaviour it has.
    pub version: String,
    /// `server_tags`.
    pub tags: Vec<String>,
    /// `server_metadata`.
    pub metadata: BTreeMap<String, String>,
    /// Whether it has streams.
    pub jetstream: bool,
    /// Numbers what it says.
    pub sequence: Sequence,
}

/// Numbers what all shards of a server say, answers and events, from 1. Clones go on from where each other is.
#[derive(Debug, Clone, Default)]
pub struct Sequence(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    said: AtomicU64,
    /// Events that have an id of their own.
    events: AtomicU64,
}

impl Sequence {
    fn next(&self) -> u64 {
        self.0.said.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn next_event(&self) -> u64 {
        self.0.events.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// It has JetStream, snapshots of streams are binary, and what is said between servers may be said in accounts.
const JETSTREAM_FLAGS: u64 = 1 | 2 | 4;

/// The `server` of an answer, in nats-server's order.
#[derive(Debug, Serialize)]
pub(crate) struct ServerText<'a> {
    name: &'a str,
    host: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    cluster: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
    ver: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    jetstream: bool,
    /// What it can do with streams.
    flags: u64,
    seq: u64,
    time: Moment,
}

/// The answer to IDZ.
#[derive(Debug, Serialize)]
pub(crate) struct IdText<'a> {
    name: &'a str,
    host: &'a str,
    id: &'a str,
}

impl ServerIdentity {
    /// The server in the next answer.
    pub(crate) fn signs(&self, now: Moment) -> ServerText<'_> {
        ServerText {
            name: &self.name,
            host: &self.host,
            id: &self.id,
            cluster: self.told.as_ref().map(|told| told.cluster()).unwrap_or_default(),
            domain: &self.domain,
            ver: &self.version,
            tags: &self.tags,
            metadata: &self.metadata,
            jetstream: self.jetstream,
            flags: if self.jetstream { JETSTREAM_FLAGS } else { 0 },
            seq: self.sequence.next(),
            time: now,
        }
    }

    /// The id of the next event.
    pub(crate) fn next_event_id(&self) -> String {
        event_id(&self.id, self.sequence.next_event())
    }

    /// Which server it is.
    pub(crate) fn idz(&self) -> IdText<'_> {
        IdText { name: &self.name, host: &self.host, id: &self.id }
    }

    /// Where it tells how it is when nobody asked for an answer.
    pub(crate) fn statsz_subject(&self) -> Box<[u8]> {
        self.subject("STATSZ")
    }

    /// A subject of its own, below `$SYS.SERVER.<id>`.
    pub(crate) fn subject(&self, what: &str) -> Box<[u8]> {
        format!("$SYS.SERVER.{}.{what}", self.id).into_bytes().into()
    }

    /// Whether it has the tag, in upper or lower case.
    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        let folded = |tag: &str| tag.trim().to_lowercase();
        self.tags.iter().any(|own| folded(own) == folded(tag))
    }
}
