//! What services tell their claims and themselves on other shards, when all shards know, and who would hear a service.

use fabric::{Letter, ShardId};
use nats_proto::Publish;

use crate::broker::Broker;
use crate::envelope::Envelope;
use crate::party::ServiceId;
use crate::services::{NEWS, PublishOutcome, Round, SIBLING, Wait, shown};

impl Broker {
    /// Tells the claims of the service on one shard something. They hear of it before anything that is sent there later,
    /// or in a [round](Self::open_service_round) that is opened later, is acted on.
    pub fn tell_claims(
        &mut self,
        service: ServiceId,
        shard: ShardId,
        account: usize,
        news: &Publish<'_>,
    ) -> PublishOutcome {
        self.write_to(service, shard, NEWS, account, news)
    }

    /// Tells the same service on one shard something: it gets it as a letter with the tag [`SIBLING`], behind all that it
    /// was sent there before.
    pub fn tell_sibling(
        &mut self,
        service: ServiceId,
        shard: ShardId,
        account: usize,
        news: &Publish<'_>,
    ) -> PublishOutcome {
        self.write_to(service, shard, SIBLING, account, news)
    }

    fn write_to(
        &mut self,
        service: ServiceId,
        shard: ShardId,
        tag: u32,
        account: usize,
        news: &Publish<'_>,
    ) -> PublishOutcome {
        let letter = Letter { service: service.0, tag, message: shown(account, service.into(), news) };
        if shard == self.config.shard {
            self.receive_letter(&letter);
            self.heed_mailboxes();
            return PublishOutcome::Done;
        }
        let forged = self.egress.services.forged;
        let is_paused = self.moves.is_stopping() || (self.moves.is_paused() && !forged.pause);
        if is_paused || self.mesh.stuffed().contains(shard) {
            self.egress.services.at(service).waits = true;
            return PublishOutcome::Wait(if is_paused { Wait::Pause } else { Wait::Link });
        }
        self.mesh.send_letter(shard, &letter);
        PublishOutcome::Done
    }

    /// Opens a round: once it is [confirmed](Self::confirmed) all other shards have all that was sent to them before.
    pub fn open_service_round(&mut self) -> Round {
        Round(if self.mesh.has_others() { self.mesh.open_round() } else { 0 })
    }

    /// Has the service looked after again when more rounds are confirmed, or when there is room.
    pub fn await_news(&mut self, service: ServiceId) {
        self.egress.services.at(service).waits = true;
    }

    /// From here on services have news when [interest changes](Self::interest_changes).
    pub fn watch_interest(&mut self) {
        self.egress.services.watches_interest = true;
    }

    /// Counts subscriptions that come and go, here and on other shards, since somebody watches them.
    pub fn interest_changes(&self) -> u64 {
        self.egress.services.interest_changes
    }

    /// Whether somebody, on any shard, listens to that subject: in that queue group, or in none, as the service does
    /// that owns it.
    pub fn is_heard_by(&mut self, account: usize, subject: &[u8], queue: Option<&[u8]>) -> bool {
        self.space_of(account);
        let is_taken = queue.is_none()
            && (self.is_owned(account, subject) || self.is_heard_as_response(account, subject));
        is_taken || self.dispatcher(account).is_wanted_by(subject, queue)
    }

    /// The shard that has the owner of a subject which begins with `$`, if there is one.
    pub fn owner(&self, account: usize, subject: &[u8]) -> Option<ShardId> {
        self.egress.services.owner(self.config.shard, account, subject).map(|(_, shard)| shard)
    }

    /// Whether somebody, on any shard, would get a message that a service publishes to that subject now.
    pub fn is_service_heard(&mut self, service: ServiceId, account: usize, subject: &[u8]) -> bool {
        self.space_of(account);
        let publish = Publish { subject, reply: None, header: None, size_text: b"0", body: b"" };
        self.would_be_taken(account, &Envelope::new(service, &publish))
            || self.is_heard_as_response(account, subject)
    }
}
