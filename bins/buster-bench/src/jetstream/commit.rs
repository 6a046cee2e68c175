//! A pull consumer that commits: fetches so many messages, has the last of them and all before acknowledged, waits
//! until that counts, and only then fetches the next.

use std::time::Instant;

use anyhow::{Result, bail, ensure};
use serde_json::json;

use crate::epoll::Epoll;
use crate::jetstream::api::Api;
use crate::jetstream::delivery::{self, Deliveries};
use crate::jetstream::filled;
use crate::jetstream::link::{ANSWER_WAIT_MAX, JsConnection, READ_BYTES};
use crate::jetstream::pub_ack::confirm_responder;
use crate::jetstream::said;
use crate::jetstream::setup::{STREAM, Setup};
use crate::latency::{Latencies, Latency};
use crate::meter::Meter;
use crate::progress::Progress;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;

const CONSUMER: &str = "committing";

const FILTER: &str = "_INBOX.bench.commit.*";
const MESSAGES_TO: &str = "_INBOX.bench.commit.messages";
const COMMITS_TO: &str = "_INBOX.bench.commit.commits";

pub(crate) fn run(server: &Server, title: &str, batch: u32, settings: &Settings) -> Result<Vec<Report>> {
    let setup = Setup::of(settings)?;
    let mut api = Api::open(server)?;
    let messages = Setup::messages(settings);
    let stored = filled::make(server, &mut api, title, &setup, messages)?;
    let config = json!({
        "durable_name": CONSUMER,
        "ack_policy": "all",
        "deliver_policy": "all",
        "max_ack_pending": batch,
    });
    api.create_consumer(STREAM, CONSUMER, config)?;
    let meter = Meter::start(server)?;
    let deliveries = Deliveries::new(settings.verify.then_some(&stored));
    let commits = drain(server, title, batch.into(), messages, deliveries)?;
    let report = Report::new(title, "messages", messages, meter.stop()?);
    let floor = api.ack_floor(STREAM, CONSUMER)?;
    ensure!(floor == messages, "of {messages} messages that were committed {floor} are acknowledged");
    api.delete_stream(STREAM)?;
    Ok(vec![Report { payload_bytes: setup.payload_bytes, latency: Some(commits), ..report }])
}

/// Fetches and commits everything: how long commits took.
fn drain(
    server: &Server,
    title: &str,
    batch: u64,
    messages: u64,
    mut deliveries: Deliveries<'_>,
) -> Result<Latency> {
    let mut epoll = Epoll::new()?;
    let mut link = JsConnection::open(&mut server.dialer(), &epoll, FILTER, 0)?;
    let mut progress = Progress::new(title, "messages");
    let (mut committed, mut scratch) = (0, vec![0; READ_BYTES]);
    let (mut latencies, mut said_at) = (Latencies::new(), Instant::now());
    while committed < messages {
        let due = (committed + batch).min(messages);
        said::ask(link.outbox(), STREAM, CONSUMER, MESSAGES_TO, due - committed);
        while committed < due {
            link.flush()?;
            ensure!(epoll.wait(ANSWER_WAIT_MAX)?.next().is_some(), "no commit of message {due}");
            link.receive(&mut scratch, |message, out| {
                if message.subject == COMMITS_TO.as_bytes() {
                    confirm_responder(message)?;
                    ensure!(deliveries.count() == due, "a commit that nobody asked for");
                    latencies.record(said_at.elapsed());
                    committed = due;
                    return Ok(());
                }
                if let Some((status, words)) = delivery::status(message)? {
                    bail!("a request for messages ended with {status} {words}")
                }
                deliveries.on_message(message)?;
                if deliveries.count() == due {
                    said::acknowledge_and_ask(out, message.reply.unwrap_or_default(), COMMITS_TO);
                    said_at = Instant::now();
                }
                Ok(())
            })?;
        }
        progress.show(|| committed);
    }
    Ok(latencies.summary())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jetstream::fake;
    use serde_json::Value;

    /// Drains ten messages in batches of four from a server that answers commits as `commit` says.
    fn commit(mut commit: impl FnMut(u64) -> &'static str + Send + 'static) -> Result<Vec<u64>> {
        let (commits, seen) = std::sync::mpsc::channel();
        let mut next = 1;
        let server = fake::serve(move |request| {
            if request.subject.starts_with("$JS.API.CONSUMER.MSG.NEXT.bench.committing") {
                let asked: Value = serde_json::from_str(&request.body).unwrap();
                let end = next + asked["batch"].as_u64().unwrap();
                let delivered = |seq: u64| {
                    let reply = format!("$JS.ACK.bench.committing.1.{seq}.{seq}.0.0");
                    fake::message("bench.0", &reply, b"x")
                };
                let batch: Vec<Vec<u8>> = (next..end).map(delivered).collect();
                next = end;
                return Some(batch.concat());
            }
            let seq = request.subject.split('.').nth(5)?.parse().ok()?;
            commits.send(seq).ok()?;
            match commit(seq) {
                "" => Some(request.answered("")),
                status => Some(request.answered_with_status(status)),
            }
        });
        drain(&server, "test", 4, 10, Deliveries::new(None))?;
        Ok(seen.try_iter().collect())
    }

    #[test]
    fn each_batch_is_committed_by_its_last_message() {
        assert_eq!(commit(|_| "").unwrap(), [4, 8, 10]);
    }

    #[test]
    fn a_commit_that_nobody_takes_fails() {
        let error = commit(|seq| if seq == 8 { "503" } else { "" }).unwrap_err().to_string();
        assert!(error.contains("nobody answers"), "{error}");
    }
}
