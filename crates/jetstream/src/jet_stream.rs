//! JetStream on one shard, as a service of its broker.
//!
//! All streams live on the first shard by now. The others know which there are, by their claims, and send what
//! concerns a stream to where it is: to have streams on more shards is a matter of who makes them, not of who finds
//! them.

use std::sync::Arc;

use broker::{Broker, CLAIMED, ServiceId};
use conns::Time;
use fabric::{Letter, Mailbox, MeshFrame, ShardId};
use log_format::{Place, Record};
use monitor::Moment;
use stream_log::Log;

use crate::account::StreamId;
use crate::claims::JetStreamClaims;
use crate::config::Config;
use crate::disk::Disk;
use crate::home::Home;
use crate::nuid::Nuid;
use crate::post::Post;
use crate::replay::Replay;
use crate::request::Request;
use crate::role::{FIRST, Role};
use crate::turn::{Clocks, Turn};

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
    /// What was taken from the broker.
    mailbox: Mailbox,
    /// Something is due.
    is_due: bool,
    /// The log takes nothing until more of it is safe.
    is_congested: bool,
    /// What was found in the log so far.
    replay: Option<Box<Replay>>,
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
            mailbox: Mailbox::default(),
            is_due: false,
            is_congested: false,
            replay: None,
        }
    }

    /// The service, as the broker knows it.
    pub fn service(&self) -> ServiceId {
        self.post.service()
    }

    /// Acts on what came in and on what is due, as far as a turn may take.
    pub fn on_turn(&mut self, broker: &mut Broker, now: Time, wall: Moment) {
        self.post.go_on(broker);
        let Some(home) = &mut self.home else { return };
        let (post, nuid, config) = (&mut self.post, &mut self.nuid, &self.config);
        let mut turn = Turn::new(broker, post, nuid, config, self.shards, Clocks { now, wall });
        home.tend_disk(&turn);
        home.heed_disk(&mut turn);
        home.answer_confirmed(&mut turn);
        home.heed_interest(&mut turn);
        if std::mem::take(&mut self.is_due) {
            home.on_deadlines(&mut turn);
        }
        self.is_congested = take_mail(home, &mut turn, &mut self.mailbox);
        home.work(&mut turn);
        home.save_consumers(&mut turn);
    }

    /// Takes a record of the log that is being found again: all of them, in their order, before [`Self::resume`].
    pub fn replay(&mut self, place: Place, record: &Record<'_>) {
        self.replay.get_or_insert_with(|| Box::new(Replay::new())).take(place, record);
    }

    /// Goes on with the log whose records were replayed. Nothing is shown of them before the log says that they are safe.
    ///
    /// # Errors
    /// There is something in it that this server cannot act on.
    pub fn resume(&mut self, broker: &mut Broker, now: Time, wall: Moment, log: Log) -> Result<(), String> {
        let replay = self.replay.take().map_or_else(Replay::new, |replay| *replay).finish()?;
        let Some(home) = &mut self.home else { return Ok(()) };
        let (post, nuid, config) = (&mut self.post, &mut self.nuid, &self.config);
        let mut turn = Turn::new(broker, post, nuid, config, self.shards, Clocks { now, wall });
        home.restore(&mut turn, log, replay);
        Ok(())
    }

    /// What is to be done with files. To be asked for after each turn, until there is nothing.
    pub fn take_request(&mut self) -> Option<stream_log::Request> {
        self.home.as_mut()?.disk.as_mut()?.take_request()
    }

    /// What came of a request.
    pub fn on_answer(&mut self, answer: stream_log::Answer) {
        if let Some(disk) = self.home.as_mut().and_then(|home| home.disk.as_mut()) {
            disk.on_answer(answer);
        }
    }

    /// Nothing more comes in: what there is in files comes to a clean stop.
    pub fn on_stopping(&mut self) {
        if let Some(disk) = self.home.as_mut().and_then(|home| home.disk.as_mut()) {
            disk.stop();
        }
    }

    /// Whether that is done.
    pub fn has_stopped(&self) -> bool {
        let disk = self.home.as_ref().and_then(|home| home.disk.as_ref());
        disk.is_none_or(Disk::is_stopped)
    }

    /// Notes that it is so late: whatever is due has its turn with the rest.
    #[inline]
    pub fn on_deadlines(&mut self, now: Time) {
        self.is_due |= self.next_deadline().is_some_and(|at| at <= now);
    }

    /// Whether another turn has something to do, even if nothing happens until then.
    #[inline]
    pub fn has_work_left(&self) -> bool {
        let Some(home) = &self.home else { return false };
        let has_mail = !self.mailbox.is_empty() && !home.is_stuck() && !self.is_congested;
        !self.post.is_full() && (self.is_due || has_mail || home.has_work_left())
    }

    /// When something is due.
    #[inline]
    pub fn next_deadline(&self) -> Option<Time> {
        self.home.as_ref()?.next_deadline()
    }
}

/// Acts on letters in the order in which they came. What there is no time for stays in the mailbox. Returns whether the
/// log has to be waited for.
fn take_mail(home: &mut Home, turn: &mut Turn<'_>, mailbox: &mut Mailbox) -> bool {
    while turn.may_go_on() && !home.is_busy() {
        if mailbox.is_empty() {
            mailbox.clear();
            let service = turn.post.service();
            turn.broker.take_mail(service, mailbox);
        }
        let Some(Ok(MeshFrame::Letter(next))) = mailbox.frames().next() else { return false };
        if !home.may_take(next.message.publish.body.len()) {
            return true;
        }
        let Some(letter) = mailbox.read() else { return false };
        turn.spend(LETTER_STEPS);
        on_letter(home, turn, &letter);
    }
    false
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
