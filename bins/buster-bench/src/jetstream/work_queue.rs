//! A work queue: many clients share one pull consumer, and each message is gone once it is acknowledged.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use nats_proto::Message;
use serde_json::json;

use crate::epoll::Epoll;
use crate::jetstream::api::Api;
use crate::jetstream::delivery::{self, DeliveryNumbers};
use crate::jetstream::filled;
use crate::jetstream::link::{ANSWER_WAIT_MAX, JsConnection, READ_BYTES};
use crate::jetstream::publishing::Publishing;
use crate::jetstream::said;
use crate::jetstream::setup::{STREAM, Setup};
use crate::jetstream::stored::Stored;
use crate::meter::Meter;
use crate::progress::Progress;
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;
use crate::stamp;

const CONSUMER: &str = "workers";

/// How many messages a client asks for; the next half when half has come.
const BATCH: u64 = 10;

/// Between two looks at whether the last message is gone.
const LOOK_EVERY: Duration = Duration::from_millis(2);

pub(crate) fn run(server: &Server, title: &str, clients: u32, settings: &Settings) -> Result<Vec<Report>> {
    let setup = Setup::of(settings)?;
    let mut api = Api::open(server)?;
    let messages = Setup::messages(settings);
    let mut config = setup.config(STREAM);
    config["retention"] = json!("workqueue");
    api.create_stream(STREAM, config)?;
    let publishing = Publishing::by_publisher(&[STREAM.to_owned()], 1, setup.payload_bytes);
    let stored = filled::fill(server, title, publishing, messages)?;
    let config = json!({
        "durable_name": CONSUMER,
        "ack_policy": "explicit",
        "deliver_policy": "all",
        "max_ack_pending": 2 * BATCH * u64::from(clients),
        "max_waiting": 4 * clients,
    });
    api.create_consumer(STREAM, CONSUMER, config)?;
    let mut workers = Workers::open(server, clients, messages, settings.verify.then_some(&stored))?;
    let meter = Meter::start(server)?;
    workers.drain(Progress::new(title, "messages"))?;
    await_empty(&mut api)?;
    let report = Report::new(title, "messages", messages, meter.stop()?);
    api.delete_stream(STREAM)?;
    Ok(vec![Report { payload_bytes: setup.payload_bytes, ..report }])
}

struct Workers<'a> {
    workers: Vec<Worker>,
    epoll: Epoll,
    shares: Shares<'a>,
}

struct Worker {
    link: JsConnection,
    inbox: String,
    /// How many messages were asked for and have not come.
    coming: u64,
}

impl<'a> Workers<'a> {
    fn open(server: &Server, clients: u32, messages: u64, stored: Option<&'a Stored>) -> Result<Self> {
        let epoll = Epoll::new()?;
        let mut dialer = server.dialer();
        let open = |index: u32| {
            let inbox = format!("_INBOX.bench.work.{index}");
            let link = JsConnection::open(&mut dialer, &epoll, &inbox, index as usize)?;
            Ok(Worker { link, inbox, coming: 0 })
        };
        let workers = (0..clients).map(open).collect::<Result<_>>()?;
        Ok(Self { workers, epoll, shares: Shares::new(messages, stored) })
    }

    /// Takes and acknowledges every message.
    fn drain(&mut self, mut progress: Progress) -> Result<()> {
        for worker in &mut self.workers {
            worker.ask();
            worker.link.flush()?;
        }
        let (mut ready, mut scratch) = (Vec::new(), vec![0; READ_BYTES]);
        while self.shares.left() > 0 || self.workers.iter().any(|worker| !worker.link.is_flushed()) {
            ready.clear();
            ready.extend(self.epoll.wait(ANSWER_WAIT_MAX)?.map(|ready| ready.token));
            ensure!(!ready.is_empty(), "{} messages never came", self.shares.left());
            for index in &ready {
                let worker = &mut self.workers[*index];
                worker.work(&mut scratch, &mut self.shares)?;
                worker.ask();
                worker.link.flush()?;
            }
            progress.show(|| self.shares.count);
        }
        Ok(())
    }
}

impl Worker {
    fn work(&mut self, scratch: &mut [u8], shares: &mut Shares<'_>) -> Result<()> {
        let coming = &mut self.coming;
        self.link.receive(scratch, |message, out| {
            if let Some((status, words)) = delivery::status(message)? {
                bail!("a request for messages ended with {status} {words}")
            }
            shares.on_message(message)?;
            ensure!(*coming > 0, "a client got more messages than it asked for");
            *coming -= 1;
            said::acknowledge(out, message.reply.unwrap_or_default());
            Ok(())
        })
    }

    /// Asks for the next half when half has come.
    fn ask(&mut self) {
        if self.coming <= BATCH / 2 {
            let wanted = BATCH - self.coming;
            said::ask(self.link.outbox(), STREAM, CONSUMER, &self.inbox, wanted);
            self.coming += wanted;
        }
    }
}

/// Messages of a stream that several clients share: each once, whoever gets it.
struct Shares<'a> {
    messages: u64,
    count: u64,
    /// By sequence number: whether it came, a bit each.
    seen: Vec<u64>,
    /// What the messages have to be, if they are to be looked at.
    stored: Option<&'a Stored>,
}

impl<'a> Shares<'a> {
    fn new(messages: u64, stored: Option<&'a Stored>) -> Self {
        let seen = vec![0; messages as usize / 64 + 1];
        Self { messages, count: 0, seen, stored }
    }

    fn left(&self) -> u64 {
        self.messages - self.count
    }

    fn on_message(&mut self, message: &Message<'_>) -> Result<()> {
        let DeliveryNumbers { times, stream_seq: seq, .. } = DeliveryNumbers::of(message)?;
        ensure!((1..=self.messages).contains(&seq), "nobody published message {seq}");
        let (word, bit) = (&mut self.seen[(seq / 64) as usize], 1 << (seq % 64));
        ensure!(times == 1 && *word & bit == 0, "message {seq} was delivered twice");
        *word |= bit;
        self.count += 1;
        let Some(stored) = self.stored else { return Ok(()) };
        stored.confirm(stamp::read(message.payload(), message.subject)?, seq)
    }
}

/// Waits until the server has taken every acknowledgement.
fn await_empty(api: &mut Api) -> Result<()> {
    let give_up_at = Instant::now() + ANSWER_WAIT_MAX;
    loop {
        let held = api.held(STREAM)?.messages;
        if held == 0 {
            return Ok(());
        }
        ensure!(Instant::now() < give_up_at, "{held} messages are acknowledged and still there");
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jetstream::fake;
    use std::sync::{Arc, Mutex};

    const MESSAGES: u64 = 70;

    /// Three clients of a server that gives what `tamper` makes of each message: which were acknowledged.
    fn work(mut tamper: impl FnMut(u64) -> u64 + Send + 'static) -> Result<Vec<u64>> {
        let (acked, mut next) = (Arc::new(Mutex::new(Vec::new())), 1);
        let acks = Arc::clone(&acked);
        let server = fake::serve(move |request| {
            if !request.subject.starts_with("$JS.API.CONSUMER.MSG.NEXT.bench.workers") {
                acks.lock().unwrap().push(request.subject.split('.').nth(5)?.parse().ok()?);
                return Some(Vec::new());
            }
            let asked: serde_json::Value = serde_json::from_str(&request.body).unwrap();
            let end = (next + asked["batch"].as_u64()?).min(MESSAGES + 1);
            let mut delivered = |seq: u64| {
                let seq = tamper(seq);
                fake::message(&request.reply, &format!("$JS.ACK.bench.workers.1.{seq}.{seq}.0.0"), b"x")
            };
            let batch: Vec<Vec<u8>> = (next..end).map(&mut delivered).collect();
            next = end;
            Some(batch.concat())
        });
        let mut workers = Workers::open(&server, 3, MESSAGES, None)?;
        workers.drain(Progress::new("test", "messages"))?;
        assert_eq!(workers.shares.left(), 0);
        // The server's threads may be behind what was sent.
        while acked.lock().unwrap().len() < MESSAGES as usize {
            thread::yield_now();
        }
        let mut acked = acked.lock().unwrap().clone();
        acked.sort_unstable();
        Ok(acked)
    }

    #[test]
    fn every_message_is_shared_out_and_acknowledged_once() {
        assert_eq!(work(|seq| seq).unwrap(), (1..=MESSAGES).collect::<Vec<_>>());
    }

    #[test]
    fn a_message_that_comes_twice_or_was_never_published_fails() {
        let twice = work(|seq| seq.min(9)).unwrap_err().to_string();
        assert_eq!(twice, "message 9 was delivered twice");
        let strange = work(|seq| seq + 1).unwrap_err().to_string();
        assert_eq!(strange, "nobody published message 71");
    }

    #[test]
    fn what_is_gone_is_waited_for() {
        let mut held = [5, 1, 0].into_iter();
        let server = fake::serve(move |request| {
            let state = json!({ "state": { "messages": held.next()?, "last_seq": 5 } });
            Some(request.answered(&state.to_string()))
        });
        await_empty(&mut Api::open(&server).unwrap()).unwrap();
    }
}
