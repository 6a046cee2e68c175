//! Push consumers: the server sends as fast as acknowledgements, or flow control, let it.

use anyhow::{Result, bail, ensure};
use nats_proto::{HeaderView, Message};
use serde_json::{Value, json};

use crate::epoll::Epoll;
use crate::jetstream::api::Api;
use crate::jetstream::delivery::{self, Deliveries};
use crate::jetstream::filled;
use crate::jetstream::link::{ANSWER_WAIT_MAX, JsConnection, READ_BYTES};
use crate::jetstream::pull;
use crate::jetstream::said;
use crate::jetstream::setup::{STREAM, Setup};
use crate::jetstream::stored::Stored;
use crate::meter::Meter;
use crate::progress::Progress;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;

/// The server's default.
const ACKS_PENDING_MAX: u32 = 1_000;

/// The status of heartbeats and of requests of flow control.
const CONTROL: u16 = 100;

/// Where an answer goes that a heartbeat waits for.
const STALLED: &str = "Nats-Consumer-Stalled";

/// How a consumer delivers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// As clients subscribe by default: durable, each message acknowledged.
    Acknowledged,
    /// As clients replay a stream: in order, with flow control, nothing acknowledged.
    Ordered,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "ack explicit",
            Self::Ordered => "ordered",
        }
    }

    fn consumer(self) -> &'static str {
        match self {
            Self::Acknowledged => "pushing",
            Self::Ordered => "ordered",
        }
    }

    fn inbox(self) -> String {
        format!("_INBOX.bench.{}", self.consumer())
    }

    fn config(self) -> Value {
        match self {
            Self::Acknowledged => json!({
                "durable_name": self.consumer(),
                "deliver_subject": self.inbox(),
                "deliver_policy": "all",
                "ack_policy": "explicit",
                "max_ack_pending": ACKS_PENDING_MAX,
            }),
            Self::Ordered => json!({
                "deliver_subject": self.inbox(),
                "deliver_policy": "all",
                "ack_policy": "none",
                "max_deliver": 1,
                "flow_control": true,
                "idle_heartbeat": 5_000_000_000_u64,
                "inactive_threshold": 300_000_000_000_u64,
                "mem_storage": true,
                "num_replicas": 1,
            }),
        }
    }
}

/// One report per way.
pub(crate) fn run(server: &Server, title: &str, settings: &Settings) -> Result<Vec<Report>> {
    let setup = Setup::of(settings)?;
    let mut api = Api::open(server)?;
    let messages = Setup::messages(settings);
    let stored = filled::make(server, &mut api, title, &setup, messages)?;
    let checked = settings.verify.then_some(&stored);
    let reports = [Way::Acknowledged, Way::Ordered].map(|way| {
        let phase = format!("{title}, {}", way.name());
        let meter = Meter::start(server)?;
        let asked = listen(server, &mut api, &phase, way, messages, checked)?;
        let report = Report::new(&phase, "messages", messages, meter.stop()?);
        let note = (way == Way::Ordered).then(|| format!("flow control asked {asked} times"));
        Ok(Report { payload_bytes: setup.payload_bytes, note, ..report })
    });
    api.delete_stream(STREAM)?;
    reports.into_iter().collect()
}

/// Makes the consumer and takes all messages: how often flow control asked.
fn listen(
    server: &Server,
    api: &mut Api,
    title: &str,
    way: Way,
    messages: u64,
    stored: Option<&Stored>,
) -> Result<u64> {
    let mut epoll = Epoll::new()?;
    let mut link = JsConnection::open(&mut server.dialer(), &epoll, &way.inbox(), 0)?;
    api.create_consumer(STREAM, way.consumer(), way.config())?;
    let mut deliveries = Deliveries::new(stored);
    let mut progress = Progress::new(title, "messages");
    let (mut asked, mut scratch) = (0, vec![0; READ_BYTES]);
    while deliveries.count() < messages || !link.is_flushed() {
        let left = messages - deliveries.count();
        ensure!(epoll.wait(ANSWER_WAIT_MAX)?.next().is_some(), "{left} messages never came");
        link.receive(&mut scratch, |message, out| match delivery::status(message)? {
            None => {
                deliveries.on_message(message)?;
                if way == Way::Acknowledged {
                    said::acknowledge(out, message.reply.unwrap_or_default());
                }
                Ok(())
            }
            Some((CONTROL, _)) => {
                asked += u64::from(answer(message, out)?);
                Ok(())
            }
            Some((status, words)) => bail!("the consumer ended with {status} {words}"),
        })?;
        link.flush()?;
        progress.show(|| deliveries.count());
    }
    if way == Way::Acknowledged {
        pull::await_acks(api, STREAM, way.consumer(), messages)?;
    }
    Ok(asked)
}

/// Answers flow control, which asks by a reply subject, or again by the header of a heartbeat: whether it did.
fn answer(message: &Message<'_>, out: &mut Vec<u8>) -> Result<bool> {
    let stalled = HeaderView::parse(message.headers())?.get(STALLED);
    let Some(subject) = message.reply.or(stalled) else { return Ok(false) };
    out.extend_from_slice(b"PUB ");
    out.extend_from_slice(subject);
    out.extend_from_slice(b" 0\r\n\r\n");
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nats_proto::HeaderLen;

    fn answered(head: &str, reply: Option<&[u8]>) -> String {
        let header = Some(HeaderLen { bytes: head.len(), text: b"" });
        let body = head.as_bytes();
        let mut out = Vec::new();
        let message = Message { subject: b"i", sid: b"1", reply, header, body };
        assert_eq!(answer(&message, &mut out).unwrap(), !out.is_empty());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn flow_control_is_answered_and_a_heartbeat_only_if_it_waits() {
        let asks = answered("NATS/1.0 100 FlowControl Request\r\n\r\n", Some(b"$JS.FC.bench.ordered.X"));
        assert_eq!(asks, "PUB $JS.FC.bench.ordered.X 0\r\n\r\n");
        let heartbeat = "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 7\r\nNats-Last-Stream: 7\r\n";
        assert_eq!(answered(&format!("{heartbeat}\r\n"), None), "");
        let stalled = format!("{heartbeat}Nats-Consumer-Stalled: $JS.FC.bench.ordered.Y\r\n\r\n");
        assert_eq!(answered(&stalled, None), "PUB $JS.FC.bench.ordered.Y 0\r\n\r\n");
    }
}
