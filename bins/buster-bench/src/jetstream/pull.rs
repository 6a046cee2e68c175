//! A pull consumer: fetches what a stream holds, with and without acknowledging it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::json;

use crate::epoll::Epoll;
use crate::jetstream::api::Api;
use crate::jetstream::delivery::{self, Deliveries};
use crate::jetstream::filled;
use crate::jetstream::link::{ANSWER_WAIT_MAX, JsConnection, READ_BYTES};
use crate::jetstream::said;
use crate::jetstream::setup::{STREAM, Setup};
use crate::jetstream::stored::Stored;
use crate::meter::Meter;
use crate::progress::Progress;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;

const INBOX: &str = "_INBOX.bench.pull";

/// A batch that is asked for before the last one is acknowledged fits, too.
const ACKS_PENDING_PER_BATCH: u32 = 2;
const ACKS_PENDING_MIN: u32 = 1_000;

/// Between two looks at whether the last acknowledgement is in.
const LOOK_EVERY: Duration = Duration::from_millis(5);

pub(crate) fn run(server: &Server, title: &str, batch: u32, settings: &Settings) -> Result<Vec<Report>> {
    let setup = Setup::of(settings)?;
    let mut api = Api::open(server)?;
    let messages = Setup::messages(settings);
    let stored = filled::make(server, &mut api, title, &setup, messages)?;
    let checked = settings.verify.then_some(&stored);
    let reports = [true, false].map(|acks| {
        let phase = format!("{title}, ack {}", if acks { "explicit" } else { "none" });
        let meter = Meter::start(server)?;
        drain(server, &mut api, &phase, &Pull { stream: STREAM, batch, acks, messages }, checked)?;
        let report = Report::new(&phase, "messages", messages, meter.stop()?);
        Ok(Report { payload_bytes: setup.payload_bytes, ..report })
    });
    api.delete_stream(STREAM)?;
    reports.into_iter().collect()
}

/// Reads back all that was acknowledged: it has to be there, with the numbers that were told.
pub(crate) fn verify(
    server: &Server,
    api: &mut Api,
    title: &str,
    stream: &str,
    payload_bytes: usize,
    stored: &Stored,
) -> Result<()> {
    let (held, count) = (api.held(stream)?, stored.count());
    ensure!(
        held.messages == count && held.last_seq == count,
        "{count} messages were acknowledged, and the stream has {} of them up to {}",
        held.messages,
        held.last_seq
    );
    let batch = (VERIFY_BYTES / payload_bytes).clamp(1, VERIFY_BATCH_MAX) as u32;
    let pull = Pull { stream, batch, acks: false, messages: count };
    drain(server, api, &format!("{title}, reading back"), &pull, Some(stored))
}

const VERIFY_BATCH_MAX: usize = 1_000;

/// Half of what a server keeps for a client that reads slowly, by default.
const VERIFY_BYTES: usize = 32 * 1024 * 1024;

/// How a stream is read.
struct Pull<'a> {
    stream: &'a str,
    batch: u32,
    acks: bool,
    messages: u64,
}

impl Pull<'_> {
    fn consumer(&self) -> &'static str {
        if self.acks { "acking" } else { "reading" }
    }

    /// How many are asked for next, when so many were asked for and have come: none while more than half a batch is
    /// on its way.
    fn next_batch(&self, asked: u64, come: u64) -> Option<u64> {
        let (batch, coming) = (u64::from(self.batch), asked - come);
        let wanted = (batch - coming).min(self.messages - asked);
        (coming <= batch / 2 && wanted > 0).then_some(wanted)
    }
}

/// Makes a durable consumer and fetches everything, up to the last acknowledgement.
fn drain(
    server: &Server,
    api: &mut Api,
    title: &str,
    pull: &Pull<'_>,
    stored: Option<&Stored>,
) -> Result<()> {
    let (stream, consumer) = (pull.stream, pull.consumer());
    let mut config = json!({
        "durable_name": consumer,
        "ack_policy": if pull.acks { "explicit" } else { "none" },
        "deliver_policy": "all",
    });
    if pull.acks {
        config["max_ack_pending"] = json!((ACKS_PENDING_PER_BATCH * pull.batch).max(ACKS_PENDING_MIN));
    }
    api.create_consumer(stream, consumer, config)?;
    let mut epoll = Epoll::new()?;
    let mut link = JsConnection::open(&mut server.dialer(), &epoll, INBOX, 0)?;
    let mut deliveries = Deliveries::new(stored);
    let mut progress = Progress::new(title, "messages");
    let (mut asked, mut scratch) = (0, vec![0; READ_BYTES]);
    loop {
        if let Some(wanted) = pull.next_batch(asked, deliveries.count()) {
            said::ask(link.outbox(), stream, consumer, INBOX, wanted);
            asked += wanted;
        }
        link.flush()?;
        if link.is_flushed() && deliveries.count() == pull.messages {
            break;
        }
        let left = pull.messages - deliveries.count();
        ensure!(epoll.wait(ANSWER_WAIT_MAX)?.next().is_some(), "{left} messages never came");
        link.receive(&mut scratch, |message, out| {
            if let Some((status, words)) = delivery::status(message)? {
                bail!("a request for messages ended with {status} {words}")
            }
            deliveries.on_message(message)?;
            if pull.acks {
                said::acknowledge(out, message.reply.unwrap_or_default());
            }
            Ok(())
        })?;
        progress.show(|| deliveries.count());
    }
    if pull.acks { await_acks(api, stream, consumer, pull.messages) } else { Ok(()) }
}

/// Waits until the server has taken the acknowledgement of message `last`, and of all before.
pub(super) fn await_acks(api: &mut Api, stream: &str, consumer: &str, last: u64) -> Result<()> {
    let give_up_at = Instant::now() + ANSWER_WAIT_MAX;
    loop {
        let floor = api.ack_floor(stream, consumer)?;
        if floor == last {
            return Ok(());
        }
        ensure!(Instant::now() < give_up_at, "of {last} messages only {floor} are acknowledged");
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jetstream::fake;
    use crate::stamp;

    #[test]
    fn the_next_batch_is_asked_for_when_half_of_the_last_is_in() {
        let pull = Pull { stream: STREAM, batch: 500, acks: true, messages: 1_100 };
        assert_eq!(pull.next_batch(0, 0), Some(500));
        assert_eq!(pull.next_batch(500, 249), None);
        assert_eq!(pull.next_batch(500, 250), Some(250));
        assert_eq!(pull.next_batch(1_000, 800), Some(100), "no more than there are");
        assert_eq!(pull.next_batch(1_100, 900), None);
        let single = Pull { batch: 1, ..pull };
        assert_eq!((single.next_batch(7, 7), single.next_batch(8, 7)), (Some(1), None));
    }

    /// A stream of `MESSAGES_KEPT`, in a server that gives what `tamper` makes of each message.
    fn keeping(tamper: impl Fn(u64) -> Option<u64> + Send + 'static) -> Server {
        let (mut next, mut acked) = (1, 0);
        fake::serve(move |request| {
            let state = json!({ "messages": MESSAGES_KEPT, "last_seq": MESSAGES_KEPT });
            let verb = request.subject.split('.').skip(2).take(2).collect::<Vec<_>>().join(".");
            Some(match verb.as_str() {
                "STREAM.INFO" => request.answered(&json!({ "state": state }).to_string()),
                "CONSUMER.CREATE" => request.answered("{}"),
                "CONSUMER.INFO" => {
                    request.answered(&json!({ "ack_floor": { "stream_seq": acked } }).to_string())
                }
                "CONSUMER.MSG" => {
                    let asked: serde_json::Value = serde_json::from_str(&request.body).unwrap();
                    let end = next + asked["batch"].as_u64().unwrap();
                    let batch: Vec<Vec<u8>> = (next..end).filter_map(&tamper).map(delivered).collect();
                    next = end;
                    if batch.is_empty() {
                        request.answered_with_status("409 Consumer Deleted")
                    } else {
                        batch.concat()
                    }
                }
                _ => {
                    assert!(request.subject.starts_with("$JS.ACK.") && request.body == "+ACK");
                    acked += 1;
                    Vec::new()
                }
            })
        })
    }

    const MESSAGES_KEPT: u64 = 20;

    fn delivered(seq: u64) -> Vec<u8> {
        let mut payload = [0; stamp::PAYLOAD_BYTES_MIN];
        stamp::write(&mut payload, 0, seq - 1, stamp::subject_checksum(b"bench.0"));
        fake::message("bench.0", &format!("$JS.ACK.bench.acking.1.{seq}.{seq}.0.0"), &payload)
    }

    fn stored(messages: u64) -> Stored {
        let mut stored = Stored::new(1);
        (0..messages).for_each(|number| stored.book(0, number, number + 1).unwrap());
        stored
    }

    fn fetch(acks: bool, tamper: impl Fn(u64) -> Option<u64> + Send + 'static) -> Result<()> {
        let server = keeping(tamper);
        let mut api = Api::open(&server)?;
        let pull = Pull { stream: STREAM, batch: 6, acks, messages: MESSAGES_KEPT };
        drain(&server, &mut api, "test", &pull, Some(&stored(MESSAGES_KEPT)))
    }

    #[test]
    fn everything_is_fetched_and_acknowledged() {
        fetch(false, Some).unwrap();
        fetch(true, Some).unwrap();
    }

    #[test]
    fn what_is_lost_repeated_or_another_message_fails() {
        let failure = |tamper: fn(u64) -> Option<u64>| format!("{:#}", fetch(true, tamper).unwrap_err());
        let lost = failure(|seq| (seq != 3).then_some(seq));
        assert!(lost.contains("stream_seq: 4") && lost.contains("was due"), "{lost}");
        let repeated = failure(|seq| Some(seq.min(5)));
        assert!(repeated.contains("stream_seq: 5") && repeated.contains("was due"), "{repeated}");
        let ended = failure(|seq| (seq <= 6).then_some(seq));
        assert!(ended.contains("ended with 409 Consumer Deleted"), "{ended}");
    }

    #[test]
    fn reading_back_finds_what_was_acknowledged_and_is_not_there() {
        let server = keeping(Some);
        let mut api = Api::open(&server).unwrap();
        verify(&server, &mut api, "test", STREAM, 16, &stored(MESSAGES_KEPT)).unwrap();
        let more = stored(MESSAGES_KEPT + 1);
        let error = verify(&server, &mut api, "test", STREAM, 16, &more).unwrap_err().to_string();
        assert_eq!(error, "21 messages were acknowledged, and the stream has 20 of them up to 20");
    }
}
