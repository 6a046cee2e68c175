//! The service of one shard.
//!
//! Requests wait in a queue, and a turn answers some of them. Nothing is dropped: as long as an answer cannot be
//! published or too much is being found out, requests stay in the queue, then in the mailbox, and when that is full
//! those who ask are held.

use std::collections::VecDeque;
use std::sync::Arc;

use broker::{Broker, PublishOutcome, ServiceId};
use fabric::{Mailbox, ShardId};
use monitor::Moment;

use crate::asked::{Asked, Verdict};
use crate::claims::SystemClaims;
use crate::inquiry::{INQUIRIES_MAX, Inquiry, Reply};
use crate::server_identity::ServerIdentity;

/// Requests in the queue. What comes beyond that stays in the mailbox.
const ASKED_MAX: usize = 1024;

/// Letters read in a turn, at half a microsecond each.
const READ_AT_ONCE_MAX: usize = 1024;

/// Answers made in a turn, at some microseconds each.
const ANSWERS_AT_ONCE_MAX: usize = 64;

/// Bytes of answers after which a turn makes no more: with long lists of permissions one may take a millisecond.
const ANSWER_BYTES_AT_ONCE_MAX: usize = 64 << 10;

/// What the service of a shard is told from outside.
#[derive(Debug)]
pub enum SystemEvent {
    /// What became of an inquiry, if there is anything to say.
    Answered(Option<Reply>),
    /// The configuration was read again, and is in force on the shard.
    Reconfigured(Arc<ServerIdentity>),
}

/// The system's service on a shard.
#[derive(Debug)]
pub struct System {
    shard: ShardId,
    service: ServiceId,
    claims: SystemClaims,
    asked: VecDeque<Asked>,
    /// Answers that wait until they can be published: one, and those to inquiries.
    replies: VecDeque<Reply>,
    /// Those that have yet to leave.
    inquiries: Vec<Inquiry>,
    inquiries_under_way: usize,
    /// What was taken from the broker. Empty only if there is nothing to take.
    mailbox: Mailbox,
}

impl System {
    /// Opens the service: on every shard, in the same order among all.
    pub fn open(broker: &mut Broker, shard: ShardId, server: Arc<ServerIdentity>) -> Self {
        let service = broker.open_service();
        let claims = SystemClaims::new(server, &broker.settings().directory);
        broker.claim(service, Box::new(claims.clone()));
        Self {
            shard,
            service,
            claims,
            asked: VecDeque::new(),
            replies: VecDeque::new(),
            inquiries: Vec::new(),
            inquiries_under_way: 0,
            mailbox: Mailbox::default(),
        }
    }

    /// Takes what is asked, and answers some of it. It is so late on the wall.
    pub fn on_turn(&mut self, broker: &mut Broker, now: Moment) {
        self.take_mail(broker);
        self.publish_replies(broker);
        let mut bytes = 0;
        for _ in 0..ANSWERS_AT_ONCE_MAX {
            if !self.may_answer() || bytes >= ANSWER_BYTES_AT_ONCE_MAX {
                return;
            }
            let Some(asked) = self.asked.pop_front() else { break };
            bytes += self.answer(asked, now);
            self.publish_replies(broker);
        }
    }

    /// Heeds what came from outside.
    pub fn on_event(&mut self, broker: &mut Broker, event: SystemEvent) {
        match event {
            SystemEvent::Answered(reply) => {
                self.inquiries_under_way -= 1;
                self.replies.extend(reply);
                self.publish_replies(broker);
            }
            SystemEvent::Reconfigured(server) => {
                self.claims = SystemClaims::new(server, &broker.settings().directory);
                broker.claim(self.service, Box::new(self.claims.clone()));
            }
        }
    }

    /// What has to be found out. Each has to come back as [`SystemEvent::Answered`], unless the shard stops.
    pub fn take_inquiries(&mut self) -> impl Iterator<Item = Inquiry> {
        self.inquiries.drain(..)
    }

    /// Whether another turn has something to do, even if nothing happens until then.
    #[inline]
    pub fn has_work_left(&self) -> bool {
        self.may_answer() && !(self.asked.is_empty() && self.mailbox.is_empty())
    }

    fn take_mail(&mut self, broker: &mut Broker) {
        self.refill(broker);
        for _ in 0..READ_AT_ONCE_MAX {
            if self.asked.len() == ASKED_MAX {
                return;
            }
            let Some(letter) = self.mailbox.read() else { return };
            let message = &letter.message;
            let request = self.claims.request(message.account as usize, message.publish.subject);
            let server = self.claims.server();
            self.asked.extend(request.and_then(|request| Asked::read(request, message, server, broker)));
            self.refill(broker);
        }
    }

    fn refill(&mut self, broker: &mut Broker) {
        if self.mailbox.is_empty() {
            self.mailbox.clear();
            broker.take_mail(self.service, &mut self.mailbox);
        }
    }

    /// Whether one more answer has a place.
    fn may_answer(&self) -> bool {
        self.replies.is_empty() && self.inquiries_under_way < INQUIRIES_MAX
    }

    /// Returns how many bytes there are to publish.
    fn answer(&mut self, asked: Asked, now: Moment) -> usize {
        match asked.decide(self.claims.server(), now) {
            Verdict::Silence => 0,
            Verdict::Say(payload) => {
                let bytes = payload.len();
                self.replies.push_back(Reply::new(asked.to, payload));
                bytes
            }
            Verdict::Inquire(about) => {
                self.inquiries_under_way += 1;
                let server = Arc::clone(self.claims.server());
                let (shard, to, encoding) = (self.shard, asked.to, asked.encoding);
                self.inquiries.push(Inquiry { shard, about, server, to, encoding });
                0
            }
        }
    }

    /// Publishes answers as long as that goes.
    fn publish_replies(&mut self, broker: &mut Broker) {
        while let Some(reply) = self.replies.front()
            && reply.publish(broker, self.service) == PublishOutcome::Done
        {
            self.replies.pop_front();
        }
    }
}
