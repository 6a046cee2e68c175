//! A service on each shard that does what services may do: it subscribes, owns subjects, publishes and waits.
//!
//! To the checks it is three clients more: one whose subscriptions hold from when all shards know of them, one that
//! owns subjects from the beginning, and one that publishes.

use std::collections::VecDeque;
use std::sync::Arc;

use broker::{Broker, CLAIMED, Claims, Owner, PublishOutcome, Round, ServiceId, ServiceSubscription, Wait};
use fabric::{Mailbox, MeshFrame, MeshMessage, ShardId};
use nats_proto::Publish;

use crate::asking::Asking;
use crate::client::{parse_payload, payload};
use crate::history::{History, MessageRecord, Received, SubRecord, Unsub};
use crate::outcome::ServiceStats;
use crate::plan::{Plan, SERVICE_SUBS_MAX};
use crate::random::Random;
use crate::shell::SimShell;
use crate::users::UserRecord;
use crate::workload::MESSAGES_MAX;

/// How many subjects are owned, each by a service on one of the shards.
const OWNED_SUBJECTS: usize = 4;

/// The shard that owns a subject in one of the accounts.
#[derive(Debug)]
struct Owned {
    shards: usize,
    /// The accounts of the run, by their indexes.
    accounts: Arc<[usize]>,
}

impl Claims for Owned {
    fn owner(&self, account: usize, subject: &[u8]) -> Owner {
        let number = subject
            .strip_prefix(b"$T.")
            .and_then(|rest| std::str::from_utf8(rest).ok()?.parse::<usize>().ok());
        let Some(number) = number.filter(|number| *number < OWNED_SUBJECTS) else { return Owner::Nobody };
        let is_its = account == self.accounts[number % self.shards % self.accounts.len()];
        if is_its { Owner::Shard(ShardId((number % self.shards) as u8)) } else { Owner::Nobody }
    }
}

/// Perhaps a subject that a service owns.
pub(crate) fn owned_subject(random: &mut Random) -> String {
    format!("$T.{}", random.size(0, OWNED_SUBJECTS - 1))
}

/// What it is to publish as soon as it may.
#[derive(Debug)]
struct ServiceDraft {
    selects: String,
    shows: String,
    hops: u32,
    len: usize,
}

/// The service of one shard.
#[derive(Debug)]
pub(crate) struct Service {
    id: ServiceId,
    shard: usize,
    account: usize,
    /// Its rows in the history.
    subscriber: usize,
    owner: usize,
    publisher: usize,
    live: Vec<(usize, ServiceSubscription)>,
    /// Its subscriptions of which not all shards know yet, by the op.
    announced: VecDeque<(usize, Round)>,
    drafts: VecDeque<ServiceDraft>,
    waits: bool,
    /// It was told that it may go on.
    is_ready: bool,
    /// Times that it may yet subscribe or unsubscribe.
    steps_left: u64,
    mailbox: Mailbox,
}

impl Service {
    pub(crate) fn open(plan: &Plan, shard: usize, broker: &mut Broker, history: &mut History) -> Self {
        let id = broker.open_service();
        let directory = &broker.settings().directory;
        let index_of = |account: usize| {
            let name = format!("A{account}");
            directory.accounts().iter().position(|other| **other.name() == *name).expect("it was configured")
        };
        let accounts: Arc<[usize]> = (0..plan.accounts).map(index_of).collect();
        let account = shard % plan.accounts;
        let account_index = accounts[account];
        broker.claim(id, Box::new(Owned { shards: plan.shards, accounts }));
        let user = UserRecord { account, is_restricted: false };
        let [subscriber, owner, publisher] = [(); 3].map(|()| history.add_service(shard as u8, user));
        let service = Self {
            id,
            shard,
            account: account_index,
            subscriber,
            owner,
            publisher,
            live: Vec::new(),
            announced: VecDeque::new(),
            drafts: VecDeque::new(),
            waits: false,
            is_ready: false,
            steps_left: plan.steps,
            mailbox: Mailbox::default(),
        };
        let owned = (0..OWNED_SUBJECTS).filter(|number| number % plan.shards == shard);
        for number in owned {
            // Others send it what it owns: it has to be told at once.
            broker.inhabit();
            let op = service.enter(history, service.owner, format!("$T.{number}"), None);
            let at = history.tick();
            history.observe(service.owner, op + 1, at);
        }
        service
    }

    /// Services may go on, perhaps this one too.
    pub(crate) fn on_ready(&mut self, services: &[ServiceId]) {
        self.is_ready |= services.contains(&self.id);
    }

    /// Whether it has something left to do.
    pub(crate) fn is_busy(&self) -> bool {
        self.waits || !self.drafts.is_empty() || !self.announced.is_empty()
    }

    /// Enters a subscription in the history; returns its op.
    fn enter(&self, history: &mut History, client: usize, filter: String, queue: Option<String>) -> usize {
        let sent = history.tick();
        let op = history.next_op(client);
        history.subs.push(SubRecord {
            client,
            op,
            sent,
            filter,
            queue,
            sid: 0,
            limits: Vec::new(),
            unsub: None,
            received: Vec::new(),
        });
        op
    }

    fn subscribe(&mut self, world: &mut Parts<'_>, filter: String, queue: Option<String>) {
        let row = world.history.subs.len();
        let op = self.enter(world.history, self.subscriber, filter.clone(), queue.clone());
        let queue = queue.as_deref().map(str::as_bytes);
        let (subscription, round) = world
            .broker
            .service_subscribe(self.id, self.account, filter.as_bytes(), queue, row as u32)
            .expect("the filter is one");
        self.live.push((row, subscription));
        self.announced.push_back((op, round));
    }

    fn unsubscribe(&mut self, world: &mut Parts<'_>) {
        if self.live.is_empty() {
            return;
        }
        let at = world.random.size(0, self.live.len() - 1);
        let (row, subscription) = self.live.swap_remove(at);
        world.broker.service_unsubscribe(subscription);
        let sent = world.history.tick();
        let op = world.history.next_op(self.subscriber);
        world.history.subs[row].unsub = Some(Unsub { op, sent });
    }

    /// Takes note of what all shards know by now.
    fn note_confirmed(&mut self, world: &mut Parts<'_>) {
        let confirmed = world.broker.confirmed();
        while let Some((op, _)) = self.announced.pop_front_if(|(_, round)| *round <= confirmed) {
            let at = world.history.tick();
            world.history.observe(self.subscriber, op + 1, at);
        }
    }

    fn take_mail(&mut self, world: &mut Parts<'_>) -> bool {
        let mut mailbox = std::mem::take(&mut self.mailbox);
        world.broker.take_mail(self.id, &mut mailbox);
        let lost = world.broker.take_lost_mail(self.id);
        *world.history.lost_mail.entry(self.shard as u8).or_default() += lost;
        world.stats.lost += lost;
        for frame in mailbox.frames() {
            match frame {
                Ok(MeshFrame::Letter(letter)) => self.on_letter(world, letter.tag, &letter.message),
                other => world.history.wrong(format!("service {}: {other:?}", self.shard)),
            }
        }
        let had_any = !mailbox.is_empty();
        mailbox.clear();
        self.mailbox = mailbox;
        had_any
    }

    fn on_letter(&mut self, world: &mut Parts<'_>, tag: u32, message: &MeshMessage<'_>) {
        let history = &mut *world.history;
        let at = history.tick();
        let (id, hops) =
            parse_payload(message.publish.payload()).expect("clients and services number messages");
        let record = &history.messages[id];
        let by_claim = tag == CLAIMED;
        let client = if by_claim { self.owner } else { self.subscriber };
        let seen =
            record.other_subject.clone().or_else(|| history.seen(client, record).map(|(seen, _)| seen));
        if seen.is_none_or(|seen| seen.as_bytes() != message.publish.subject) {
            return history.wrong(format!("service {}: message {id} arrived changed", self.shard));
        }
        let is_owned = |sub: &SubRecord| sub.client == self.owner && sub.filter == record.subject;
        *if by_claim { &mut world.stats.owned } else { &mut world.stats.subscribed } += 1;
        let row = match tag {
            CLAIMED => history.subs.iter().position(is_owned),
            row => Some(row as usize).filter(|row| history.subs[*row].client == self.subscriber),
        };
        let Some(row) = row else {
            return history.wrong(format!("service {}: message {id} is not for it", self.shard));
        };
        let (publisher, op) = (record.client, record.op);
        history.subs[row].received.push(Received { message: id, at });
        history.observe(publisher, op, at);
        history.note_reply(message.publish.reply, id);
        if hops > 0 && world.random.chance(60) {
            let selects = match message.publish.reply {
                Some(reply) => String::from_utf8_lossy(reply).into_owned(),
                None if world.random.chance(20) => owned_subject(world.random),
                None => format!("s.{}", world.random.size(0, world.plan.subjects - 1)),
            };
            let shows = if world.random.chance(30) { "shown.it".to_owned() } else { selects.clone() };
            let len = world.random.size(0, world.plan.payload_max);
            self.drafts.push_back(ServiceDraft { selects, shows, hops: hops - 1, len });
        }
    }

    fn publish(&mut self, world: &mut Parts<'_>) {
        while let Some(draft) = self.drafts.front() {
            if world.history.messages.len() >= MESSAGES_MAX {
                self.drafts.clear();
                break;
            }
            let selects = draft.selects.as_bytes();
            if world.plan.heeds_mail && world.broker.is_mail_awaited(self.account, selects) {
                world.broker.await_news(self.id);
                self.waits = true;
                world.stats.waited_for_mail += 1;
                return;
            }
            let id = world.history.messages.len();
            let payload = payload(id, draft.hops, draft.len);
            let size = payload.len().to_string();
            let publish = Publish {
                subject: draft.shows.as_bytes(),
                reply: None,
                header: None,
                size_text: size.as_bytes(),
                body: &payload,
            };
            let sent = world.history.tick();
            let went = world.broker.service_publish(self.id, self.account, selects, &publish);
            self.waits = went != PublishOutcome::Done;
            if let PublishOutcome::Wait(wait) = went {
                *match wait {
                    Wait::Link => &mut world.stats.waited_for_link,
                    Wait::Pause => &mut world.stats.waited_for_pause,
                    Wait::Offer => &mut world.stats.waited_for_offer,
                } += 1;
                return;
            }
            world.stats.published += 1;
            // Those before it are settled, or it would have had to wait.
            let op = world.history.next_op(self.publisher);
            world.history.observe(self.publisher, op, sent);
            let draft = self.drafts.pop_front().expect("it is in front");
            let answers = world.history.tokens.get(&draft.selects).copied();
            world.history.messages.push(MessageRecord {
                client: self.publisher,
                op,
                other_subject: (draft.shows != draft.selects).then_some(draft.shows),
                subject: draft.selects,
                sent,
                wants_answer: false,
                answered: None,
                len: payload.len(),
                answers,
            });
        }
        self.waits = false;
    }

    /// Perhaps subscribes, or ends a subscription.
    fn step(&mut self, world: &mut Parts<'_>) {
        if self.steps_left == 0 || !world.random.chance(20) {
            return;
        }
        self.steps_left -= 1;
        match world.random.between(0, 9) {
            0..=5 if self.live.len() < SERVICE_SUBS_MAX => {
                let all = world.random.chance(20);
                let subject = if all {
                    "s.*".into()
                } else if world.plan.asks() && world.random.chance(40) {
                    Asking::all(self.shard % world.plan.accounts)
                } else {
                    format!("s.{}", world.random.size(0, world.plan.subjects - 1))
                };
                let queue = world.random.chance(50).then(|| "g".to_owned());
                self.subscribe(world, subject, queue);
            }
            _ => self.unsubscribe(world),
        }
    }

    /// Everything it published is settled.
    pub(crate) fn settle(&self, history: &mut History) {
        let at = history.tick();
        let end = history.clients[self.publisher].observed.len();
        history.observe(self.publisher, end, at);
    }
}

/// The parts of the world that a service acts on.
struct Parts<'w> {
    plan: &'w Plan,
    broker: &'w mut Broker,
    history: &'w mut History,
    random: &'w mut Random,
    stats: &'w mut ServiceStats,
}

impl SimShell {
    fn service<'w>(&'w mut self, broker: &'w mut Broker) -> (&'w mut Service, Parts<'w>) {
        let parts = Parts {
            plan: &self.plan,
            broker,
            history: &mut self.history,
            random: &mut self.service_odds,
            stats: &mut self.stats.services,
        };
        (&mut self.services[self.shard], parts)
    }

    /// The shard has stopped: what its service has yet to read is all that it gets.
    pub(crate) fn take_last_mail(&mut self, broker: &mut Broker) {
        if !self.services.is_empty() {
            let (service, mut parts) = self.service(broker);
            service.note_confirmed(&mut parts);
            service.take_mail(&mut parts);
        }
    }

    /// Lets the service of the shard act.
    pub(crate) fn serve_service(&mut self, broker: &mut Broker) {
        let (service, mut parts) = self.service(broker);
        let was_busy = service.is_busy();
        service.note_confirmed(&mut parts);
        let had_mail = service.take_mail(&mut parts);
        if !service.waits || std::mem::take(&mut service.is_ready) {
            service.publish(&mut parts);
        }
        service.step(&mut parts);
        if had_mail || was_busy != service.is_busy() {
            self.moved();
        }
    }
}
