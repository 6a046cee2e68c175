//! What a connection with permissions may do, and what is known of that already.
//!
//! Asking the permissions takes a lookup or a walk, so answers are remembered by subject, as are the
//! subjects the connection may answer to. All of it is bounded: who publishes to more subjects than fit has
//! the answers looked up again, and who is asked more than fit may not answer the oldest.

use std::collections::VecDeque;
use std::sync::Arc;

use conns::Time;
use hashbrown::{Equivalent, HashMap};
use nats_auth::{Access, Identity, Responses};
use subject_trie::has_wildcard;

use crate::subject_space::NODES_PER_STEP;
use crate::turn::long_subject_steps;

/// Subjects whose permission to publish is remembered. At the bound all are forgotten.
const PUBLISHED_SUBJECTS_MAX: usize = 128;

/// Subjects (and queue groups) whose permission to be delivered is remembered. At the bound all are
/// forgotten.
const DELIVERED_SUBJECTS_MAX: usize = 256;

/// Longer subjects are looked up each time.
const REMEMBERED_BYTES_MAX: usize = 256;

/// Entries of permissions that count as much as a delivery. Fewer than these are looked at, but for entries of very
/// many wildcards.
const ENTRIES_PER_STEP: u64 = 16;

/// Reply subjects that a connection may answer to. At the bound the oldest is forgotten.
const REPLIES_MAX: usize = 16 << 10;

/// Whether a message may be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permit {
    No,
    /// As often as it likes.
    Always,
    /// This time: it answers a message.
    Once,
}

#[derive(Debug)]
pub(crate) struct Guard {
    identity: Arc<Identity>,
    published: HashMap<Box<[u8]>, bool>,
    delivered: HashMap<DeliveryKey, bool>,
    replies: Replies,
    /// What it took to find out what was not known, in deliveries.
    steps: u64,
}

/// A message to a queue group, or to none.
#[derive(Debug, PartialEq, Eq, Hash)]
struct DeliveryKey {
    subject: Box<[u8]>,
    queue: Option<Box<[u8]>>,
}

#[derive(Hash)]
struct DeliveryKeyRef<'a> {
    subject: &'a [u8],
    queue: Option<&'a [u8]>,
}

impl Equivalent<DeliveryKey> for DeliveryKeyRef<'_> {
    fn equivalent(&self, key: &DeliveryKey) -> bool {
        *self.subject == *key.subject && self.queue == key.queue.as_deref()
    }
}

/// What it takes to hold a subscription, or the subject of a message to it, against permissions, in deliveries. An
/// index finds the entries that matter; with a wildcard they may be all.
pub(crate) fn entry_steps(access: &Access, filter: &[u8]) -> u64 {
    let entries = access.subscription_entries() as u64;
    1 + long_subject_steps(filter) + if has_wildcard(filter) { entries } else { entries / ENTRIES_PER_STEP }
}

impl Guard {
    /// The guard of a user; `None` if it may do everything.
    pub(crate) fn new(identity: &Arc<Identity>) -> Option<Self> {
        identity.access().map(|_| Self {
            identity: Arc::clone(identity),
            published: HashMap::new(),
            delivered: HashMap::new(),
            replies: Replies::default(),
            steps: 0,
        })
    }

    pub(crate) fn access(&self) -> &Access {
        self.identity.access().expect("there is no guard without permissions")
    }

    /// Whether a message may be published to the subject. One that only answers is counted.
    pub(crate) fn may_publish(&mut self, now: Time, subject: &[u8]) -> Permit {
        if self.is_listed(subject) {
            return Permit::Always;
        }
        match self.access().responses() {
            Some(rule) if self.replies.use_up(rule, now, subject) => Permit::Once,
            _ => Permit::No,
        }
    }

    fn is_listed(&mut self, subject: &[u8]) -> bool {
        if let Some(known) = self.published.get(subject) {
            return *known;
        }
        let (listed, nodes) = self.access().may_publish_counted(subject);
        self.steps += 1 + nodes / NODES_PER_STEP;
        if subject.len() <= REMEMBERED_BYTES_MAX {
            if self.published.len() == PUBLISHED_SUBJECTS_MAX {
                self.published.clear();
            }
            self.published.insert(subject.into(), listed);
        }
        listed
    }

    /// Whether a message on the subject may be delivered to a subscription of that queue group.
    pub(crate) fn may_get(&mut self, subject: &[u8], queue: Option<&[u8]>) -> bool {
        if subject.len() > REMEMBERED_BYTES_MAX {
            self.steps += entry_steps(self.access(), subject);
            return self.access().may_get(subject, queue);
        }
        if let Some(known) = self.delivered.get(&DeliveryKeyRef { subject, queue }) {
            return *known;
        }
        let may = self.access().may_get(subject, queue);
        self.steps += entry_steps(self.access(), subject);
        if self.delivered.len() == DELIVERED_SUBJECTS_MAX {
            self.delivered.clear();
        }
        self.delivered.insert(DeliveryKey { subject: subject.into(), queue: queue.map(Into::into) }, may);
        may
    }

    /// What answers took since this was asked last. What is remembered takes nothing.
    pub(crate) fn take_steps(&mut self) -> u64 {
        std::mem::take(&mut self.steps)
    }

    /// A message with this reply subject was delivered: it may be answered.
    pub(crate) fn on_request(&mut self, now: Time, reply: &[u8]) {
        // As in nats-server, a request to be answered at the same subject uses up an answer.
        if self.may_publish(now, reply) == Permit::No
            && let Some(rule) = self.access().responses()
        {
            self.replies.open(rule, now, reply);
        }
    }
}

/// The reply subjects that may be answered to.
#[derive(Debug, Default)]
struct Replies {
    open: HashMap<Arc<[u8]>, Reply>,
    /// The same, the oldest first, with some that are not open any more.
    order: VecDeque<(u64, Arc<[u8]>)>,
    opened: u64,
}

#[derive(Debug)]
struct Reply {
    /// Tells this from others of the same subject.
    number: u64,
    since: Time,
    used: u64,
}

impl Replies {
    fn open(&mut self, rule: Responses, now: Time, subject: &[u8]) {
        self.prune(rule, now);
        self.opened += 1;
        let subject: Arc<[u8]> = subject.into();
        self.order.push_back((self.opened, Arc::clone(&subject)));
        self.open.insert(subject, Reply { number: self.opened, since: now, used: 0 });
    }

    /// Answers once, if that is still permitted.
    fn use_up(&mut self, rule: Responses, now: Time, subject: &[u8]) -> bool {
        let Some(reply) = self.open.get_mut(subject) else { return false };
        reply.used += 1;
        let permitted = reply.used <= rule.max && now.since(reply.since) <= rule.expires;
        if !permitted {
            self.open.remove(subject);
        }
        permitted
    }

    /// Drops what is over, and at the bound the oldest.
    fn prune(&mut self, rule: Responses, now: Time) {
        while let Some((number, subject)) = self.order.front() {
            let reply = self.open.get(subject).filter(|reply| reply.number == *number);
            let is_over = reply.is_none_or(|reply| now.since(reply.since) > rule.expires);
            if !is_over && self.order.len() < REPLIES_MAX {
                return;
            }
            if reply.is_some() {
                self.open.remove(subject);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const RULE: Responses = Responses { max: 2, expires: Duration::from_secs(60) };

    fn at(secs: u64) -> Time {
        Time::default() + Duration::from_secs(secs)
    }

    #[test]
    fn a_reply_may_be_used_as_often_as_permitted_and_as_long() {
        let mut replies = Replies::default();
        replies.open(RULE, at(0), b"r");
        replies.open(RULE, at(0), b"s");
        assert!(replies.use_up(RULE, at(1), b"r") && replies.use_up(RULE, at(60), b"r"));
        assert!(!replies.use_up(RULE, at(1), b"r") && !replies.use_up(RULE, at(61), b"s"));
        assert!(!replies.use_up(RULE, at(1), b"t"));
        assert!(replies.open.is_empty());
    }

    #[test]
    fn replies_are_bounded_by_time_and_number() {
        let mut replies = Replies::default();
        for number in 0..REPLIES_MAX + 10 {
            replies.open(RULE, at(0), number.to_string().as_bytes());
        }
        assert!(replies.open.len() <= REPLIES_MAX && replies.order.len() <= REPLIES_MAX);
        assert!(!replies.use_up(RULE, at(0), b"0"), "the oldest is forgotten");
        assert!(replies.use_up(RULE, at(0), b"20"));
        replies.open(RULE, at(61), b"new");
        assert_eq!((replies.open.len(), replies.order.len()), (1, 1));
    }

    #[test]
    fn a_subject_that_is_opened_again_counts_anew() {
        let mut replies = Replies::default();
        replies.open(RULE, at(0), b"r");
        replies.open(RULE, at(59), b"r");
        replies.open(RULE, at(61), b"s");
        assert!(replies.use_up(RULE, at(61), b"r"), "only the first has expired");
    }
}
