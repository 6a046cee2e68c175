//! The service of one shard.
//!
//! Requests wait in a queue, and a turn answers some of them. Nothing is dropped: as long as an answer cannot be
//! published or too much is being found out, requests stay in the queue, then in the mailbox, and when that is full
//! those who ask are held.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use broker::{Broker, ClientDeed, ClientNews, Party, PublishOutcome, ServiceId, ServiceSubscription};
use fabric::{Mailbox, ShardId};
use monitor::{Clock, GLOBAL_ACCOUNT, Moment, compact};

use crate::asked::{Asked, Verdict};
use crate::by_account::ByAccount;
use crate::claims::SystemClaims;
use crate::client_event::client_event;
use crate::encoding::Encoding;
use crate::inquiry::{Address, INQUIRIES_MAX, Inquiry, InquiryKind, Reply};
use crate::msg_trace::msg_trace;
use crate::others::{Others, Told};
use crate::server_identity::ServerIdentity;
use crate::service_latency::service_latency;

/// Requests in the queue. What comes beyond that stays in the mailbox.
const ASKED_MAX: usize = 1024;

/// Inquiries under way from which on no account that changed is looked into: the rest is left to those who ask, however
/// many accounts change.
const UNASKED_INQUIRIES_MAX: usize = INQUIRIES_MAX / 2;

/// Letters read in a turn, at half a microsecond each where they are short.
const READ_AT_ONCE_MAX: usize = 1024;

/// Bytes of letters, headers and options that are read, after which a turn reads no more.
const READ_BYTES_AT_ONCE_MAX: usize = 64 << 10;

/// Answers made in a turn, at some microseconds each.
const ANSWERS_AT_ONCE_MAX: usize = 64;

/// News told in a turn, at some microseconds each.
const NEWS_AT_ONCE_MAX: usize = 64;

/// Bytes of answers after which a turn makes no more: with long lists of permissions one may take a millisecond.
const ANSWER_BYTES_AT_ONCE_MAX: usize = 64 << 10;

/// Bytes published in a turn after which it publishes no more: an answer may be megabytes long, and sixteen may come back
/// at a time.
const PUBLISHED_BYTES_AT_ONCE_MAX: usize = 256 << 10;

/// Where clients of an account are told who is turned away from it.
const ACCOUNT_AUTH_ERR: &[u8] = b"$SYS.ACCOUNT.CLIENT.AUTH.ERR";

/// What the service of a shard is told from outside.
#[derive(Debug)]
pub enum SystemEvent {
    /// What became of an inquiry, if there is anything to say.
    Answered(Option<Reply>),
    /// The configuration was read again, and is in force on the shard.
    Reconfigured(Arc<ServerIdentity>),
    /// It is time to tell how the server is. Meant for one shard.
    Beat,
    /// The server enters lame duck mode, at this time. Meant for one shard.
    LameDuck(Moment),
    /// It is about to stop. Meant for one shard.
    Stopping(Moment),
}

/// The system's service on a shard.
#[derive(Debug)]
pub struct System {
    shard: ShardId,
    service: ServiceId,
    claims: SystemClaims,
    asked: ByAccount<Asked>,
    /// Answers that wait until they can be published: one or two, and those to inquiries.
    replies: VecDeque<Reply>,
    /// Bytes of answers that were published in this turn.
    published_bytes: usize,
    /// The broker has no room for the first of `replies`, and says when it has.
    is_held: bool,
    /// Those that have yet to leave.
    inquiries: Vec<Inquiry>,
    inquiries_under_way: usize,
    /// Accounts whose clients are others than before. There are no more than accounts.
    changed: BTreeSet<Box<str>>,
    /// There may be more news than were told in the last turn.
    has_news_left: bool,
    /// On the shard that speaks to other servers: those that there are,
    others: Others,
    /// and by what they are heard.
    hears_others: Vec<ServiceSubscription>,
    /// The moment on the wall when the shard's clock was at zero. It is settled once, so that a connection began at the
    /// same moment whatever is told of it.
    clock_zero: Option<Moment>,
    /// What was taken from the broker. Empty only if there is nothing to take.
    mailbox: Mailbox,
}

impl System {
    /// Opens the service: on every shard, in the same order among all.
    pub fn open(broker: &mut Broker, shard: ShardId, server: Arc<ServerIdentity>) -> Self {
        let service = broker.open_service();
        let claims = SystemClaims::new(server, &broker.settings().directory);
        let mut system = Self {
            shard,
            service,
            claims,
            asked: ByAccount::default(),
            replies: VecDeque::new(),
            published_bytes: 0,
            is_held: false,
            inquiries: Vec::new(),
            inquiries_under_way: 0,
            changed: BTreeSet::new(),
            has_news_left: false,
            others: Others::default(),
            hears_others: Vec::new(),
            clock_zero: None,
            mailbox: Mailbox::default(),
        };
        system.begin(broker);
        system
    }

    /// Has all that concerns the service come to it, by the accounts as they are.
    fn begin(&mut self, broker: &mut Broker) {
        broker.claim(self.service, Box::new(self.claims.clone()));
        broker.watch_clients(self.claims.system());
        broker.advertise(self.service, self.claims.asked_of_all());
        for subscription in self.hears_others.drain(..) {
            broker.service_unsubscribe(subscription);
        }
        let Some(system) = self.claims.system().filter(|_| broker.speaks_to_servers()) else { return };
        for (told, filter) in Told::ALL {
            let subscribed = broker.service_subscribe(self.service, system, filter, None, told.tag());
            self.hears_others.push(subscribed.expect("the filter is valid").0);
        }
    }

    /// Takes what is asked, and answers some of it. It is so late on the wall.
    pub fn on_turn(&mut self, broker: &mut Broker, now: Moment) {
        self.published_bytes = 0;
        self.take_mail(broker);
        self.publish_replies(broker);
        self.tell_news(broker, now);
        let mut bytes = 0;
        for _ in 0..ANSWERS_AT_ONCE_MAX {
            if !self.may_answer() || bytes >= ANSWER_BYTES_AT_ONCE_MAX {
                return;
            }
            let Some(asked) = self.asked.pop() else { break };
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
            }
            SystemEvent::Reconfigured(server) => {
                self.claims = SystemClaims::new(server, &broker.settings().directory);
                self.begin(broker);
            }
            SystemEvent::Beat => self.tell_statsz(broker),
            SystemEvent::LameDuck(now) => self.tell_end(broker, now, "LAMEDUCK"),
            SystemEvent::Stopping(now) => self.tell_end(broker, now, "SHUTDOWN"),
        }
    }

    /// What has to be found out. Each has to come back as [`SystemEvent::Answered`], unless the shard stops.
    pub fn take_inquiries(&mut self) -> impl Iterator<Item = Inquiry> {
        self.inquiries.drain(..)
    }

    /// Whether another turn has something to do, even if nothing happens until then.
    #[inline]
    pub fn has_work_left(&self) -> bool {
        let has_work = self.has_news_left || !(self.asked.is_empty() && self.mailbox.is_empty());
        (has_work && self.may_answer())
            || !self.inquiries.is_empty()
            || (!self.changed.is_empty() && self.may_tell_of_changes())
            || !(self.replies.is_empty() || self.is_held)
    }

    fn take_mail(&mut self, broker: &mut Broker) {
        self.refill(broker);
        let (mut bytes, mut has_new_others) = (0, false);
        for _ in 0..READ_AT_ONCE_MAX {
            if self.asked.len() == ASKED_MAX || bytes >= READ_BYTES_AT_ONCE_MAX {
                break;
            }
            let Some(letter) = self.mailbox.read() else { break };
            let message = &letter.message;
            if let Some(told) = Told::of_tag(letter.tag) {
                let now = broker.now().0;
                has_new_others |= matches!(Party::of(message), Party::Peer(_))
                    && self.others.on_told(now, told, message.publish.subject);
            } else if let Some(request) = self.claims.request_in(message) {
                let (account, server) = (message.account as usize, self.claims.server());
                if let Some(asked) = Asked::read(request, message, server, broker) {
                    bytes += asked.read_bytes();
                    self.asked.push(account, asked);
                }
            }
            self.refill(broker);
        }
        // They want to know of this one as soon.
        if has_new_others {
            self.tell_statsz(broker);
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

    /// Whether one more account that changed may be looked into.
    fn may_tell_of_changes(&self) -> bool {
        self.replies.is_empty() && self.inquiries_under_way < UNASKED_INQUIRIES_MAX
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
                self.inquire(about, asked.to, asked.encoding);
                0
            }
        }
    }

    fn inquire(&mut self, about: InquiryKind, to: Address, encoding: Encoding) {
        self.inquiries_under_way += 1;
        let (shard, server) = (self.shard, Arc::clone(self.claims.server()));
        self.inquiries.push(Inquiry { shard, about, server, to, encoding });
    }

    /// Tells what clients did, and what became of their accounts, as long as that goes.
    fn tell_news(&mut self, broker: &mut Broker, now: Moment) {
        let shards_now = broker.now().0;
        let zero = *self.clock_zero.get_or_insert(Moment(now.0.saturating_sub_unsigned(shards_now)));
        let clock = Clock { now: zero.after(shards_now), shards_now };
        self.has_news_left = true;
        for _ in 0..NEWS_AT_ONCE_MAX {
            if !self.replies.is_empty() {
                return;
            }
            if !self.tell_next(broker, clock, now) {
                self.has_news_left = false;
                break;
            }
            self.publish_replies(broker);
        }
        while self.may_tell_of_changes()
            && let Some(name) = self.changed.pop_first()
        {
            self.tell_conns(broker, name);
        }
    }

    /// Tells what comes next: what became of messages, how long services took, or what clients did. Returns whether there
    /// was anything.
    fn tell_next(&mut self, broker: &mut Broker, clock: Clock, now: Moment) -> bool {
        if let Some(told) = broker.take_told_trace() {
            self.replies.push_back(msg_trace(self.claims.server(), now, &told));
        } else if let Some(told) = broker.take_service_latency() {
            self.replies.push_back(service_latency(self.claims.server(), now, &told));
        } else if let Some(news) = broker.take_client_news() {
            self.tell_deed(broker, clock, &news);
        } else {
            return false;
        }
        true
    }

    fn tell_deed(&mut self, broker: &mut Broker, clock: Clock, news: &ClientNews) {
        let Some(system) = self.claims.system() else { return };
        let is_refused = matches!(news.deed, ClientDeed::Refused(_));
        // With a blank in its subject a message is none that clients can read.
        if !is_refused && news.client.account.contains(|letter: char| letter.is_ascii_whitespace()) {
            return;
        }
        let server = self.claims.server();
        let subject = match news.deed {
            ClientDeed::Came => format!("$SYS.ACCOUNT.{}.CONNECT", news.client.account).into_bytes().into(),
            ClientDeed::Left(_) => {
                format!("$SYS.ACCOUNT.{}.DISCONNECT", news.client.account).into_bytes().into()
            }
            ClientDeed::Refused(_) => server.subject("CLIENT.AUTH.ERR"),
        };
        if broker.is_service_heard(self.service, system, &subject) {
            let event = client_event(server, clock, news);
            self.replies.push_back(Reply::new(Address::new(system, subject), event));
        }
        if is_refused
            && *news.client.account == *GLOBAL_ACCOUNT
            && let Some(global) = self.claims.global()
            && broker.is_service_heard(self.service, global, ACCOUNT_AUTH_ERR)
        {
            let event = client_event(server, clock, news);
            self.replies.push_back(Reply::new(Address::new(global, ACCOUNT_AUTH_ERR), event));
        }
        // nats-server tells of no changes in the account of those who have none.
        if !is_refused && *news.client.account != *GLOBAL_ACCOUNT {
            self.changed.insert(news.client.account.clone());
        }
    }

    /// The clients of an account are others than before.
    fn tell_conns(&mut self, broker: &mut Broker, name: Box<str>) {
        let Some(system) = self.claims.system() else { return };
        let subjects =
            [format!("$SYS.SERVER.ACCOUNT.{name}.CONNS"), format!("$SYS.ACCOUNT.{name}.SERVER.CONNS")];
        let is_heard = |subject: &String| broker.is_service_heard(self.service, system, subject.as_bytes());
        let mut heard = subjects.into_iter().filter(is_heard).map(String::into_bytes);
        let Some(subject) = heard.next() else { return };
        let also = heard.next().map(Into::into);
        let to = Address { also, ..Address::new(system, subject) };
        self.inquire(InquiryKind::ConnsEvent(name), to, Encoding::Plain);
    }

    /// Tells how the server is, if anybody listens.
    fn tell_statsz(&mut self, broker: &mut Broker) {
        let Some(system) = self.claims.system() else { return };
        let subject = self.claims.server().statsz_subject();
        // Who asks has room before who is told unasked: the next time will do.
        if self.may_answer() && broker.is_service_heard(self.service, system, &subject) {
            self.inquire(InquiryKind::Statsz, Address::new(system, subject), Encoding::Plain);
        }
    }

    /// Tells that the server is about to go.
    fn tell_end(&mut self, broker: &mut Broker, now: Moment, what: &str) {
        let Some(system) = self.claims.system() else { return };
        let server = self.claims.server();
        let subject = server.subject(what);
        if broker.is_service_heard(self.service, system, &subject) {
            let body = compact(&server.signs(now));
            self.replies.push_back(Reply::new(Address::new(system, subject), body));
            self.publish_replies(broker);
        }
    }

    /// Publishes answers as long as that goes, and this turn has not published enough.
    fn publish_replies(&mut self, broker: &mut Broker) {
        self.is_held = false;
        while let Some(reply) = self.replies.front_mut()
            && self.published_bytes < PUBLISHED_BYTES_AT_ONCE_MAX
        {
            if reply.publish(broker, self.service) != PublishOutcome::Done {
                self.is_held = true;
                return;
            }
            self.published_bytes += reply.len();
            if !reply.goes_on() {
                self.replies.pop_front();
            }
        }
    }
}
