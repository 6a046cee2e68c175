//! JetStream on one shard, as a service of its broker.
//!
//! All streams live on the first shard by now. The others know which there are, by their claims, and send what
//! concerns a stream to where it is: to have streams on more shards is a matter of who makes them, not of who finds
//! them.

use std::sync::Arc;

use broker::{Broker, CLAIMED, ServiceId};
use conns::Time;
use fabric::{Letter, Mailbox, ShardId};
use log_format::{Place, Record};
use monitor::Moment;
use stream_log::{Answer, Log};

use crate::account::StreamId;
use crate::claims::JetStreamClaims;
use crate::config::Config;
use crate::home::Home;
use crate::nuid::Nuid;
use crate::post::Post;
use crate::request::Request;
use crate::role::{FIRST, Role};
use crate::turn::{Clocks, Turn};

/// What may be done in a turn, in steps of some fifty nanoseconds.
const TURN_STEPS_MAX: u64 = 16 << 10;

/// What it takes to read a letter, beside what it causes.
const LETTER_STEPS: u64 = 8;

/// JetStream on a shard.
#[derive(Debug)]
pub struct JetStream {
    shards: usize,
    config: Arc<Config>,
    post: Post,
    nuid: Nuid,
    /// Streams, where there are any.
    home: Option<Home>,
    /// Where records are kept, if that is in files.
    log: Option<Log>,
    /// The log was told something.
    has_log_news: bool,
    /// There are records in it.
    has_unknown: bool,
    /// What was taken from the broker.
    mailbox: Mailbox,
    /// Something is due.
    is_due: bool,
}

impl JetStream {
    /// Opens the service: on every shard, in the same order among all. The seed has to be another one at each start.
    pub fn open(broker: &mut Broker, shard: ShardId, shards: usize, config: Arc<Config>, seed: u64) -> Self {
        let service = broker.open_service();
        broker.claim(service, Box::new(JetStreamClaims::new(shard, &config.domain)));
        broker.inhabit();
        let home = (shard == FIRST).then(|| Home::new(&config, &broker.settings().directory));
        let nuid = Nuid::new(seed ^ u64::from(shard.0));
        Self {
            shards,
            config,
            post: Post::new(service),
            nuid,
            home,
            log: None,
            has_log_news: false,
            has_unknown: false,
            mailbox: Mailbox::default(),
            is_due: false,
        }
    }

    /// The service, as the broker knows it.
    pub fn service(&self) -> ServiceId {
        self.post.service()
    }

    /// Takes a record of the log that is being found again: all of them, in their order, before [`Self::resume`].
    pub fn replay(&mut self, _: Place, _: &Record<'_>) {
        self.has_unknown = true;
    }

    /// Goes on with the log whose records were replayed.
    ///
    /// # Errors
    /// There is something in it that this server cannot act on.
    pub fn resume(&mut self, _: &mut Broker, _: Time, _: Moment, log: Log) -> Result<(), String> {
        if self.has_unknown {
            return Err("there are streams in files, which cannot be served yet".to_owned());
        }
        (self.log, self.has_log_news) = (Some(log), true);
        Ok(())
    }

    /// What is to be done with files. To be asked for after each turn, until there is nothing.
    pub fn take_request(&mut self) -> Option<stream_log::Request> {
        self.log.as_mut()?.take_request()
    }

    /// What came of it. What follows from that has its turn with the rest.
    pub fn on_answer(&mut self, answer: Answer) {
        if let Some(log) = &mut self.log {
            log.on_answer(answer);
            self.has_log_news = true;
        }
    }

    /// Acts on what came in and on what is due, as far as a turn may take.
    pub fn on_turn(&mut self, broker: &mut Broker, now: Time, wall: Moment) {
        self.post.go_on(broker);
        self.heed_log();
        let Some(home) = &mut self.home else { return };
        let mut turn = Turn {
            broker,
            post: &mut self.post,
            nuid: &mut self.nuid,
            config: Arc::clone(&self.config),
            clocks: Clocks { now, wall },
            shards: self.shards,
            steps: TURN_STEPS_MAX,
        };
        home.answer_confirmed(&mut turn);
        home.heed_interest(&mut turn);
        if std::mem::take(&mut self.is_due) {
            home.on_deadlines(&mut turn);
        }
        take_mail(home, &mut turn, &mut self.mailbox);
        home.work(&mut turn);
    }

    /// Nobody waits for anything of it yet.
    fn heed_log(&mut self) {
        self.has_log_news = false;
        while self.log.as_mut().and_then(Log::take_event).is_some() {}
    }

    /// Nothing more comes in: what there is in files comes to a clean stop.
    pub fn on_stopping(&mut self) {
        if let Some(log) = &mut self.log {
            log.stop();
            self.has_log_news = true;
        }
    }

    /// Whether that is done.
    pub fn has_stopped(&self) -> bool {
        self.log.as_ref().is_none_or(Log::is_stopped)
    }

    /// Notes that it is so late: whatever is due has its turn with the rest.
    #[inline]
    pub fn on_deadlines(&mut self, now: Time) {
        self.is_due |= self.next_deadline().is_some_and(|at| at <= now);
    }

    /// Whether another turn has something to do, even if nothing happens until then.
    #[inline]
    pub fn has_work_left(&self) -> bool {
        if self.has_log_news {
            return true;
        }
        let Some(home) = &self.home else { return false };
        !self.post.is_full() && (self.is_due || !self.mailbox.is_empty() || home.has_work_left())
    }

    /// When something is due.
    #[inline]
    pub fn next_deadline(&self) -> Option<Time> {
        self.home.as_ref()?.next_deadline()
    }
}

/// Acts on letters in the order in which they came. What there is no time for stays in the mailbox.
fn take_mail(home: &mut Home, turn: &mut Turn<'_>, mailbox: &mut Mailbox) {
    while turn.may_go_on() && !home.is_busy() {
        if mailbox.is_empty() {
            mailbox.clear();
            let service = turn.post.service();
            turn.broker.take_mail(service, mailbox);
        }
        let Some(letter) = mailbox.read() else { return };
        turn.spend(LETTER_STEPS);
        on_letter(home, turn, &letter);
    }
}

fn on_letter(home: &mut Home, turn: &mut Turn<'_>, letter: &Letter<'_>) {
    let message = &letter.message;
    if letter.tag != CLAIMED {
        return home.on_message(turn, StreamId(letter.tag), message);
    }
    let config = Arc::clone(&turn.config);
    match Role::of(message.publish.subject, &config.domain) {
        Some(Role::Api(_)) => home.on_request(turn, Request::read(message)),
        Some(Role::Next(next)) => home.on_next(turn, message, &next),
        Some(Role::Get(get)) => home.on_get(turn, message, &get),
        Some(Role::Ack(ack)) => home.on_ack(turn, message, &ack),
        Some(Role::FlowControl(flow)) => home.on_flow_control(turn, message, &flow),
        Some(Role::Unknown) | None => {}
    }
}
