//! Services: parts of this server that subscribe and publish as clients do, without a socket.
//!
//! A service is opened on every shard in the same order, and is one number everywhere. What it gets lies in a mailbox
//! until the caller takes it, at the end of a turn or sooner. What it publishes goes out at once, or the answer
//! says what it has to wait for: [`PublishOutcome`].
//!
//! Beside subscriptions it may *claim* subjects that begin with `$`: it is asked for each message which shard has
//! the owner of the subject, and the message goes there, whoever else subscribes to it.

use std::fmt;

use fabric::{Letter, Mailbox, MeshMessage, Names, ShardId, ShardSet};
use nats_proto::Publish;
use subject_trie::SubjectError;

use crate::broker::Broker;
use crate::egress::Egress;
use crate::envelope::Envelope;
use crate::letterbox::Letterbox;
use crate::members::MemberChange;
use crate::party::{Origin, Party, ServiceId, Target, may_pass};
use crate::served::ServedElsewhere;
use crate::subscription::{SubKey, Subscription};

/// What a letter of another shard takes, in deliveries.
const LETTER_STEPS: u64 = 2;

/// The tag of what a service gets by a claim.
pub const CLAIMED: u32 = u32::MAX;

/// The tag of news for its claims.
pub(crate) const NEWS: u32 = u32::MAX - 1;

/// The tag of what a service gets from itself on another shard: [`Broker::tell_sibling`].
pub const SIBLING: u32 = u32::MAX - 2;

/// What became of a message that a service published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishOutcome {
    /// It is on its way.
    Done,
    /// It is not, and can be published again once the service is told so: see [`Broker::take_ready_services`].
    Wait(Wait),
}

/// What a service waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The link to another shard that wants the message has no room even for services, or that shard does not yet tell
    /// this one everything.
    Link,
    /// Connections change shards, or the server stops.
    Pause,
    /// A shard was offered the service's last message and has not answered.
    Offer,
}

/// Names a point in time after which all shards know of a change. Later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Round(pub(crate) u64);

/// A subscription of a service.
#[derive(Debug, PartialEq, Eq)]
pub struct ServiceSubscription(SubKey);

/// Who has the owner of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// There is none.
    Nobody,
    /// The shard that asks.
    Here,
    /// This shard.
    Shard(ShardId),
}

/// Says who owns subjects.
pub trait Claims: fmt::Debug + Send {
    /// Who owns a subject that begins with `$`. Asked for each message to one.
    fn owner(&self, account: usize, subject: &[u8]) -> Owner;

    /// Hears what its service has to tell: [`Broker::tell_claims`].
    fn hear(&mut self, _account: usize, _news: &Publish<'_>) {}
}

/// Which of the rules for services do not hold.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ForgedServices {
    /// They publish while connections change shards.
    pub pause: bool,
    /// They publish while a message of theirs is under offer.
    pub offers: bool,
}

/// All services of a shard.
#[derive(Debug, Default)]
pub(crate) struct Services {
    rows: Vec<Service>,
    /// How many of them claim subjects.
    claimants: usize,
    /// Those that may go on.
    ready: Vec<ServiceId>,
    pub(crate) forged: ForgedServices,
    /// A service wants to know when interest changes.
    pub(crate) watches_interest: bool,
    /// How often it did since.
    pub(crate) interest_changes: u64,
    /// How often there was room again somewhere.
    pub(crate) room_changes: u64,
    /// What those of other shards subscribe to.
    pub(crate) elsewhere: ServedElsewhere,
    /// One got a message or may go on since they were last looked after.
    have_news: bool,
    /// The round that tells all others that this shard is to be told everything, once it was opened.
    inhabited: Option<Round>,
    /// Subscriptions that have ended, in order, and the rounds that tell of it: until these are confirmed they get
    /// what others sent.
    leaving: Vec<(Round, SubKey)>,
}

#[derive(Debug, Default)]
pub(crate) struct Service {
    letterbox: Letterbox,
    claims: Option<Box<dyn Claims>>,
    pub(crate) waits: bool,
    /// It tells what becomes of messages whose way is told.
    pub(crate) tells_traces: bool,
    /// A message of it is under offer. There is one at most, so offers are bounded by services and connections.
    is_offering: bool,
}

impl Services {
    pub(crate) fn at(&mut self, id: ServiceId) -> &mut Service {
        &mut self.rows[id.index()]
    }

    /// Puts a message into the mailbox. Returns whether that is full then.
    pub(crate) fn receive(&mut self, letter: &Letter<'_>) -> bool {
        let letterbox = &mut self.rows[usize::from(letter.service)].letterbox;
        self.have_news = true;
        letterbox.receive(letter, may_be_lost(letter));
        letterbox.is_full()
    }

    /// Whether no mailbox is full.
    pub(crate) fn have_room(&self) -> bool {
        !self.rows.iter().any(|row| row.letterbox.is_full())
    }

    /// There is something to look after.
    pub(crate) fn have_something(&mut self) {
        self.have_news = true;
    }

    /// Somebody wants to hear something else than before, here or on another shard.
    #[inline]
    pub(crate) fn on_interest_changed(&mut self) {
        if self.watches_interest {
            self.have_news = true;
            self.interest_changes += 1;
        }
    }

    /// A subscription ends once that round is confirmed.
    pub(crate) fn leave(&mut self, round: Round, key: SubKey) {
        self.leaving.push((round, key));
    }

    /// Lets all that wait try again.
    pub(crate) fn rouse(&mut self) {
        for (index, row) in self.rows.iter_mut().enumerate() {
            let id = ServiceId(index as u16);
            if std::mem::take(&mut row.waits) && !self.ready.contains(&id) {
                self.have_news = true;
                self.ready.push(id);
            }
        }
    }

    /// Who gets messages on the subject by a claim: the service, and the shard where it does.
    #[cold]
    pub(crate) fn owner(&self, own: ShardId, account: usize, subject: &[u8]) -> Option<(ServiceId, ShardId)> {
        self.rows.iter().enumerate().find_map(|(index, row)| {
            let shard = match row.claims.as_ref()?.owner(account, subject) {
                Owner::Nobody => return None,
                Owner::Here => own,
                Owner::Shard(shard) => shard,
            };
            Some((ServiceId(index as u16), shard))
        })
    }
}

/// Whether a letter is a message that a service published to whom it may concern.
fn may_be_lost(letter: &Letter<'_>) -> bool {
    letter.tag != SIBLING && matches!(Party::of(&letter.message), Party::Service(_))
}

/// The service behind a subscription and its tag, if it is one and may have what was sent.
#[cold]
pub(crate) fn service_that_may_have(origin: Origin, target: Target) -> Option<(ServiceId, u32)> {
    target.as_service().filter(|_| may_pass(origin, target, true))
}

impl Egress {
    /// Delivers the message in hand to the subscription of a service.
    #[cold]
    pub(crate) fn deliver_to_service(&mut self, key: SubKey, origin: Origin, publish: &Publish<'_>) -> bool {
        self.serve_with_ticket(key, origin, publish, 0)
    }

    /// The same. The service is to tell what becomes of it, if there is a ticket.
    pub(crate) fn serve_with_ticket(
        &mut self,
        key: SubKey,
        origin: Origin,
        publish: &Publish<'_>,
        ticket: u64,
    ) -> bool {
        let sub = self.subs.at_mut(key);
        let Some((service, tag)) = service_that_may_have(origin, sub.target) else { return false };
        sub.delivered += 1;
        let message = MeshMessage { ticket, ..shown(sub.account(), origin, publish) };
        self.mailbox_full |= self.services.receive(&Letter { service: service.0, tag, message });
        true
    }
}

impl Broker {
    /// Opens a service. The same ones have to be opened on every shard, in the same order, before anything else.
    pub fn open_service(&mut self) -> ServiceId {
        let services = &mut self.egress.services;
        let id = ServiceId(u16::try_from(services.rows.len()).expect("there are a handful"));
        services.rows.push(Service::default());
        id
    }

    /// Has a service get what is published here to the subjects that it owns, on the shards that have their owners.
    /// A service that names other shards has to be told everything there: [`Self::inhabit`].
    pub fn claim(&mut self, service: ServiceId, claims: Box<dyn Claims>) {
        let services = &mut self.egress.services;
        let before = services.at(service).claims.replace(claims);
        services.claimants += usize::from(before.is_none());
    }

    /// Subscribes a service: messages that it gets by this carry the tag. Whatever it does once the round is
    /// [confirmed](Self::confirmed) finds every shard aware of the subscription.
    ///
    /// # Errors
    /// The filter is not valid.
    pub fn service_subscribe(
        &mut self,
        service: ServiceId,
        account: usize,
        filter: &[u8],
        queue: Option<&[u8]>,
        tag: u32,
    ) -> Result<(ServiceSubscription, Round), SubjectError> {
        let key = self.egress.subs.next_key();
        let local = &mut self.space_of(account).local;
        let filter_key = local.insert(filter, queue, key)?;
        let sub = Subscription::new(Target::service(service, tag), account, filter_key, queue, b"");
        self.egress.subs.insert(sub);
        self.egress.counters.on_subscribed(account);
        let announced = self.announce(key, MemberChange::Join);
        let announced = self.cast_shadows(key, filter).or(announced);
        self.tell_served(key, true);
        let inhabited = self.inhabit();
        Ok((ServiceSubscription(key), announced.map_or(inhabited, |round| inhabited.max(Round(round)))))
    }

    /// Ends a subscription of a service. What others sent before they knew of it still comes.
    pub fn service_unsubscribe(&mut self, subscription: ServiceSubscription) {
        let ServiceSubscription(key) = subscription;
        self.tell_served(key, false);
        match self.announce_leave(key) {
            None => self.remove(key),
            Some(round) => {
                self.egress.subs.at_mut(key).set_leaving();
                self.egress.services.leave(Round(round), key);
            }
        }
    }

    /// From now on this shard is told everything at once, as one with connections is: a service relies on it. Once
    /// the round is confirmed it has been told all that was held back.
    pub fn inhabit(&mut self) -> Round {
        if let Some(round) = self.egress.services.inhabited {
            return round;
        }
        let round = Round(if self.mesh.has_others() { self.mesh.open_round() } else { 0 });
        self.egress.services.inhabited = Some(round);
        if self.config.shard != FIRST {
            self.mesh.link(FIRST).inhabit();
        }
        round
    }

    /// The newest round that all shards have confirmed. On the first shard it may fall when another one gets its first
    /// connection: what was confirmed once is known, so whoever waits for a round looks no more when it has come.
    pub fn confirmed(&self) -> Round {
        Round(self.mesh.confirmed())
    }

    /// Publishes a message of a service to those who want the subject `selects`. They are shown the one in `publish`.
    pub fn service_publish(
        &mut self,
        service: ServiceId,
        account: usize,
        selects: &[u8],
        publish: &Publish<'_>,
    ) -> PublishOutcome {
        // One subject in two places would be shown to whoever asked across a border.
        let selects = if selects == publish.subject { publish.subject } else { selects };
        let envelope = Envelope { origin: service.into(), selects, publish };
        self.space_of(account);
        if let Some(wait) = self.service_has_to_wait(service, account, selects) {
            self.egress.services.at(service).waits = true;
            return PublishOutcome::Wait(wait);
        }
        if self.service_publish_abroad(account, &envelope) {
            self.egress.services.at(service).is_offering = true;
        }
        self.heed_mailboxes();
        self.settle();
        PublishOutcome::Done
    }

    fn service_has_to_wait(&mut self, service: ServiceId, account: usize, selects: &[u8]) -> Option<Wait> {
        let forged = self.egress.services.forged;
        if self.moves.is_stopping() || (self.moves.is_paused() && !forged.pause) {
            return Some(Wait::Pause);
        }
        if self.egress.services.at(service).is_offering && !forged.offers {
            return Some(Wait::Offer);
        }
        let stuffed = self.mesh.stuffed();
        let waits = !self.is_told_everything()
            || self.crosses_to(account, selects, stuffed)
            || self.response_crosses_to(account, selects, stuffed);
        waits.then_some(Wait::Link)
    }

    /// Takes rules away from services, for tests that have to notice.
    #[doc(hidden)]
    pub fn forge_services(&mut self, forged: ForgedServices) {
        self.egress.services.forged = forged;
    }

    /// Whether this shard knows all that the others want. One without connections may not: it begins to be told.
    fn is_told_everything(&mut self) -> bool {
        let is_known = !self.mesh.has_others() || self.config.shard == FIRST || self.connections() > 0;
        is_known || self.inhabit() <= self.confirmed()
    }

    /// Whether a service got a message or may go on since [`Self::take_ready_services`] was last called: then it is
    /// time to look after all of them.
    #[inline]
    pub fn services_have_news(&self) -> bool {
        self.egress.services.have_news
    }

    /// Takes the services that waited and may go on. What is new is known with it.
    pub fn take_ready_services(&mut self, into: &mut Vec<ServiceId>) {
        self.egress.services.have_news = false;
        into.clear();
        std::mem::swap(&mut self.egress.services.ready, into);
    }

    /// Takes what a service got. Give the mailbox back empty: it is used again.
    pub fn take_mail(&mut self, service: ServiceId, mailbox: &mut Mailbox) {
        self.egress.services.at(service).letterbox.take(mailbox);
        self.on_mail_taken();
    }

    /// How many messages of services a service did not get since this was asked last, as its mailbox was full.
    pub fn take_lost_mail(&mut self, service: ServiceId) -> u64 {
        self.egress.services.at(service).letterbox.take_lost()
    }

    /// Whether a service has to be asked who owns the subject.
    #[inline]
    pub(crate) fn may_be_owned(&self, subject: &[u8]) -> bool {
        subject.first() == Some(&b'$') && self.egress.services.claimants > 0
    }

    /// Gives a message to the service that owns its subject, if there is one.
    #[cold]
    pub(crate) fn send_to_owner(&mut self, account: usize, envelope: &Envelope<'_>) -> bool {
        let own = self.config.shard;
        let Some((service, shard)) = self.owner_of(account, envelope.selects) else { return false };
        if self.egress.journey.is_some() && !self.goes_to_owner(envelope.selects) {
            return false;
        }
        let message = shown(account, envelope.origin, envelope.publish);
        let letter = Letter { service: service.0, tag: CLAIMED, message };
        if shard == own {
            self.receive_letter(&letter);
        } else {
            self.mesh.send_letter(shard, &letter);
        }
        true
    }

    /// A message for a service here, or news for its claims.
    pub(crate) fn receive_letter(&mut self, letter: &Letter<'_>) {
        if letter.tag == NEWS {
            let claims = &mut self.egress.services.rows[usize::from(letter.service)].claims;
            if let Some(claims) = claims {
                claims.hear(letter.message.account as usize, &letter.message.publish);
            }
            return;
        }
        self.egress.mailbox_full |= self.egress.services.receive(letter);
    }

    /// Whether someone would take a message: the service that owns its subject, or whoever subscribes to that. What
    /// another shard may refuse yet counts as taken.
    pub(crate) fn would_be_taken(&mut self, account: usize, envelope: &Envelope<'_>) -> bool {
        self.is_owned(account, envelope.selects)
            || self.dispatcher(account).has_taker_among_subscriptions(envelope)
    }

    /// Whether the server itself takes what is published to the subject by clients of the account: a service owns it.
    pub fn is_claimed(&self, account: usize, subject: &[u8]) -> bool {
        self.is_owned(account, subject)
    }

    /// Whether a service owns the subject.
    pub(crate) fn is_owned(&self, account: usize, subject: &[u8]) -> bool {
        self.may_be_owned(subject) && self.owner_of(account, subject).is_some()
    }

    /// Whether the owner of the subject is on one of these shards.
    pub(crate) fn is_owned_on(&self, account: usize, subject: &[u8], shards: ShardSet) -> bool {
        self.may_be_owned(subject)
            && self.owner_of(account, subject).is_some_and(|(_, shard)| shards.contains(shard))
    }

    /// Who owns a subject. What an account imports from another is that one's to own, as the JetStream API may be.
    #[cold]
    fn owner_of(&self, account: usize, subject: &[u8]) -> Option<(ServiceId, ShardId)> {
        let imports = self.config.settings.directory.account(account).service_imports();
        if !imports.is_empty() && imports.take(subject) {
            return None;
        }
        self.egress.services.owner(self.config.shard, account, subject)
    }

    /// The offer of a service's message has been answered.
    pub(crate) fn on_service_offer_over(&mut self, service: ServiceId) {
        self.egress.services.at(service).is_offering = false;
        self.egress.services.rouse();
    }

    /// A letter of another shard.
    pub(crate) fn on_letter(&mut self, from: ShardId, letter: Letter<'_>) {
        let origin = Origin::across_from(from, letter.message.origin).to_bits();
        self.receive_letter(&Letter { message: MeshMessage { origin, ..letter.message }, ..letter });
        self.turn.spend_on_arrival(LETTER_STEPS);
    }

    /// More rounds are confirmed: subscriptions that ended get nothing more.
    pub(crate) fn on_rounds_confirmed(&mut self) {
        self.remove_left_shadows();
        let confirmed = self.confirmed();
        let over = self.egress.services.leaving.partition_point(|(round, _)| *round <= confirmed);
        let keys: Vec<SubKey> = self.egress.services.leaving.drain(..over).map(|(_, key)| key).collect();
        for key in keys {
            self.remove(key);
        }
        self.egress.services.rouse();
    }
}

/// The shard that knows how many connections the others have.
const FIRST: ShardId = ShardId(0);

/// A message as those are shown it who get it.
pub(crate) fn shown<'m>(account: usize, origin: Origin, publish: &Publish<'m>) -> MeshMessage<'m> {
    MeshMessage {
        account: account as u32,
        origin: origin.to_bits(),
        ticket: 0,
        plain: true,
        other_subject: None,
        publish: *publish,
        groups: Names::default(),
    }
}
