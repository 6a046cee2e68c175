//! What JetStream has in hand while it acts: the broker, what goes out, the time, and names that are new.

use std::sync::Arc;

use broker::{Broker, Round};
use conns::Time;
use fabric::ShardId;
use js_proto::{Status, Timestamp};
use monitor::Moment;
use stream_index::Steps;

use crate::config::Config;
use crate::letters::{Verdict, Word};
use crate::names::{Change, News};
use crate::nuid::Nuid;
use crate::post::{Message, Post};
use crate::request::Request;

/// The moment, as both clocks have it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clocks {
    /// For deadlines.
    pub(crate) now: Time,
    /// For what is told and stored.
    pub(crate) wall: Moment,
}

impl Clocks {
    /// The moment as it stands in answers.
    pub(crate) fn timestamp(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.wall.0)
    }
}

/// When all shards know what they were told: once the round is confirmed. None if it has not left yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told(Option<Round>);

impl Told {
    /// Nobody was told anything.
    pub(crate) const NOTHING: Self = Self(None);
}

/// What may be done in a turn, in steps of some fifty nanoseconds.
pub(crate) const TURN_STEPS_MAX: u64 = 16 << 10;

/// One look at JetStream's work.
pub(crate) struct Turn<'a> {
    pub(crate) broker: &'a mut Broker,
    pub(crate) post: &'a mut Post,
    pub(crate) nuid: &'a mut Nuid,
    pub(crate) config: Arc<Config>,
    pub(crate) clocks: Clocks,
    /// Which shard this is.
    pub(crate) shard: ShardId,
    /// How many there are.
    pub(crate) shards: usize,
    /// What may still be done.
    steps: u64,
    /// What of it is for others.
    kept_back: u64,
    /// What was done, which may be more than was to be.
    pub(crate) spent: u64,
}

impl<'a> Turn<'a> {
    /// A look for which nothing has been done yet.
    pub(crate) fn new(
        broker: &'a mut Broker,
        post: &'a mut Post,
        nuid: &'a mut Nuid,
        config: &Arc<Config>,
        (shard, shards): (ShardId, usize),
        clocks: Clocks,
    ) -> Self {
        let config = Arc::clone(config);
        Self {
            broker,
            post,
            nuid,
            config,
            clocks,
            shard,
            shards,
            steps: TURN_STEPS_MAX,
            kept_back: 0,
            spent: 0,
        }
    }

    /// Whether there is time left, and room for what comes out.
    pub(crate) fn may_go_on(&self) -> bool {
        self.steps > self.kept_back && !self.post.is_full()
    }

    pub(crate) fn spend(&mut self, steps: u64) {
        self.spent += steps;
        self.steps = self.steps.saturating_sub(steps);
    }

    /// One of so many may go on: what is left is parted among them.
    pub(crate) fn share(&mut self, among: usize) {
        let among = among.max(1) as u64;
        self.kept_back = self.steps - self.steps.div_ceil(among);
    }

    /// Steps for a walk through a stream. What it uses is to be spent.
    pub(crate) fn take_steps(&self) -> Steps {
        self.take_steps_up_to(u64::MAX)
    }

    /// The same, at most so many.
    pub(crate) fn take_steps_up_to(&self, most: u64) -> Steps {
        let steps = self.steps.saturating_sub(self.kept_back).min(most);
        Steps::new(u32::try_from(steps).unwrap_or(u32::MAX))
    }

    /// Publishes a header block and nothing else.
    pub(crate) fn publish_status(&mut self, account: usize, to: &[u8], status: &Status<'_>) {
        self.publish_written(&Message::new(account, to, b""), |body| {
            status.write(body);
            body.len()
        });
    }

    /// Publishes a message whose header and payload are written in one. `write` returns how long the header is.
    pub(crate) fn publish_written(
        &mut self,
        message: &Message<'_>,
        write: impl FnOnce(&mut Vec<u8>) -> usize,
    ) {
        self.post.publish_written(self.broker, message, write);
    }

    pub(crate) fn publish(&mut self, message: &Message<'_>) {
        self.post.publish(self.broker, message);
    }

    /// The moment for a consumer, with a random number.
    pub(crate) fn moment(&mut self) -> consumers::Now {
        let mono = i64::try_from(self.clocks.now.0).unwrap_or(i64::MAX);
        consumers::Now { mono, wall: self.clocks.wall.0, random: self.nuid.number() }
    }

    /// Whether anybody would get what is published there.
    pub(crate) fn is_heard(&mut self, account: usize, subject: &[u8]) -> bool {
        self.broker.is_service_heard(self.post.service(), account, subject)
    }

    /// Tells all shards what has become of a stream.
    pub(crate) fn tell_all(&mut self, account: usize, stream: &str, change: Change<'_>) -> Told {
        let news = News { account, stream: stream.as_bytes(), change };
        for shard in ShardId::all(self.shards) {
            self.post.tell(self.broker, shard, &news);
        }
        self.told()
    }

    /// Tells JetStream on another shard something about a stream.
    pub(crate) fn write_to(&mut self, shard: ShardId, account: usize, stream: &[u8], word: &Word<'_>) {
        let mut body = Vec::new();
        word.write(&mut body);
        let message = Message::new(account, stream, &body);
        self.post.write_to(self.broker, shard, &message);
    }

    /// Has another shard answer a request.
    pub(crate) fn pass_on(&mut self, shard: ShardId, request: &Request, ordered: Option<Verdict>) {
        let mut body = Vec::new();
        Word::Request { via: self.shard, from: request.from, ordered, body: &request.body }.write(&mut body);
        let reply = request.reply.as_deref();
        let message = Message::new(request.account, &request.subject, &body);
        self.post.write_to(self.broker, shard, &Message { reply, header: &request.header, ..message });
    }

    /// When all shards know what they were told so far.
    pub(crate) fn told(&mut self) -> Told {
        Told(self.post.is_empty().then(|| self.broker.open_service_round()))
    }

    /// Whether all shards know.
    pub(crate) fn is_known(&mut self, told: &mut Told) -> bool {
        if told.0.is_none() {
            *told = self.told();
        }
        let is_known = told.0.is_some_and(|round| round <= self.broker.confirmed());
        if !is_known {
            self.broker.await_news(self.post.service());
        }
        is_known
    }
}
