//! Delivering to subscriptions that are of no connection: shadows, and those of services.

use std::sync::Arc;

use nats_proto::Publish;

use crate::egress::Egress;
use crate::party::{Origin, PeerId};
use crate::services::service_that_may_have;
use crate::subscription::SubKey;

impl Egress {
    /// The message in hand to a subscription that is of no connection.
    #[cold]
    pub(crate) fn deliver_apart(&mut self, key: SubKey, origin: Origin, publish: &Publish<'_>) -> bool {
        let target = self.subs.at(key).target;
        match (target.as_shadow(), target.as_peer()) {
            (Some(of), _) => self.deliver_imported(key, of, origin, publish),
            (None, Some(peer)) => self.gather_for_peer(key, peer, origin, publish.subject),
            (None, None) => self.deliver_to_service(key, origin, publish),
        }
    }

    fn deliver_imported(
        &mut self,
        shadow: SubKey,
        of: SubKey,
        origin: Origin,
        publish: &Publish<'_>,
    ) -> bool {
        let import = self.subs.at(shadow).import();
        if let Some(peer) = self.subs.at(of).target.as_peer() {
            return self.gather_imported(shadow, peer, origin, publish);
        }
        let is_taken = if import.is_none_or(|import| import.shows_all_as_is()) {
            self.deliver_to::<true, true>(of, origin, publish)
        } else {
            let shows_another = self.shows_another(publish);
            let selects = self.selects_here(shadow);
            let there = std::mem::replace(&mut self.other_subject, selects);
            let is_taken = if shows_another {
                self.deliver_to::<true, true>(of, origin, publish)
            } else {
                self.deliver_renamed(shadow, of, origin, publish)
            };
            self.other_subject = there;
            is_taken
        };
        self.subs.at_mut(shadow).delivered += u64::from(is_taken);
        is_taken
    }

    /// A leaf node or a hub gets the message in hand by that shadow, if it may.
    #[cold]
    fn gather_imported(
        &mut self,
        shadow: SubKey,
        peer: PeerId,
        origin: Origin,
        publish: &Publish<'_>,
    ) -> bool {
        let mut subject = Vec::new();
        if let Some(import) = self.subs.at(shadow).import() {
            let selects = if self.other_subject.is_empty() { publish.subject } else { &self.other_subject };
            import.show(selects, &mut subject);
        }
        self.gather_for_peer(shadow, peer, origin, &subject)
    }

    fn deliver_renamed(&mut self, shadow: SubKey, of: SubKey, origin: Origin, publish: &Publish<'_>) -> bool {
        self.rename(shadow, publish.subject);
        let subject = std::mem::take(&mut self.imported.subject);
        std::mem::swap(&mut self.frames, &mut self.imported.frames);
        let is_taken = self.deliver_to::<true, true>(of, origin, &Publish { subject: &subject, ..*publish });
        std::mem::swap(&mut self.frames, &mut self.imported.frames);
        self.imported.subject = subject;
        is_taken
    }

    /// Whether a message shows a subject that is not the one that selects who gets it: it is shown as it is then.
    fn shows_another(&self, publish: &Publish<'_>) -> bool {
        !self.other_subject.is_empty() && self.other_subject != publish.subject
    }

    /// What the subject that selects who gets the message is to the account of a shadow; empty if it is the one that is
    /// shown.
    fn selects_here(&self, shadow: SubKey) -> Vec<u8> {
        let mut selects = Vec::new();
        if !self.other_subject.is_empty()
            && let Some(import) = self.subs.at(shadow).import()
        {
            import.show(&self.other_subject, &mut selects);
        }
        selects
    }

    /// Finds out which subject the account of a shadow is shown, unless that is known of the message in hand.
    fn rename(&mut self, shadow: SubKey, subject: &[u8]) {
        let Some(import) = self.subs.at(shadow).import() else { return };
        let (number, address) = (self.cursor().number(), Arc::as_ptr(import).addr());
        if (self.imported.of, self.imported.import) != (number, address) {
            import.show(subject, &mut self.imported.subject);
            self.imported.frames.forget();
            (self.imported.of, self.imported.import) = (number, address);
        }
    }

    /// Whether a subscription that is of no connection can take a message.
    #[cold]
    pub(crate) fn can_take_apart(&self, key: SubKey, origin: Origin, publish: &Publish<'_>) -> bool {
        let shadow = self.subs.at(key);
        if let Some(peer) = shadow.target.as_peer() {
            return self.may_send_to_peer(peer, origin, publish.subject);
        }
        let Some(of) = shadow.target.as_shadow() else {
            return service_that_may_have(origin, shadow.target).is_some();
        };
        let selects = self.selects_here(key);
        if self.shows_another(publish) {
            return self.can_take_as(of, origin, publish, &selects);
        }
        let mut subject = Vec::new();
        if let Some(import) = shadow.import() {
            import.show(publish.subject, &mut subject);
        }
        self.can_take_as(of, origin, &Publish { subject: &subject, ..*publish }, &selects)
    }

    /// Whether a subscription, or the one that it is a shadow of, is that of a service.
    pub(crate) fn is_of_service(&self, key: SubKey) -> bool {
        let target = self.subs.at(key).target;
        let target = target.as_shadow().map_or(target, |of| self.subs.at(of).target);
        target.as_service().is_some()
    }
}
