//! What one user may publish to and subscribe to, ready to be asked.

use std::time::Duration;

use nats_proto::quote;
use subject_trie::{
    SubjectTrie, filter_contains, filter_matches, filters_overlap, has_wildcard, is_valid_filter,
};

use crate::config::{Permissions, ResponsePermission, SubjectPermission};

/// The default of `allow_responses`' `max`.
const RESPONSES_MAX: u64 = 1;

/// The default of `allow_responses`' `expires`.
const RESPONSE_TIME: Duration = Duration::from_secs(120);

/// The permissions of a user. Deny wins over allow.
#[derive(Debug)]
pub struct Access {
    publish_allow: Option<SubjectTrie<()>>,
    publish_deny: Option<SubjectTrie<()>>,
    subscribe_allow: Option<Vec<Rule>>,
    subscribe_deny: Vec<Rule>,
    responses: Option<Responses>,
}

/// How a user may answer what it gets, though its permissions to publish say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Responses {
    /// How often to each reply subject.
    pub max: u64,
    /// How long after the message.
    pub expires: Duration,
}

/// A filter for subscriptions, of all or of the queue groups that the second filter names.
#[derive(Debug)]
struct Rule {
    filter: Box<[u8]>,
    queue: Option<Box<[u8]>>,
}

impl Access {
    /// Reads permissions; `None` if they permit everything. Entries have to be valid, see
    /// [`Directory`](crate::Directory).
    pub(crate) fn new(permissions: &Permissions) -> Option<Self> {
        let publish = permissions.publish.clone().unwrap_or_default();
        let subscribe = permissions.subscribe.clone().unwrap_or_default();
        let responses = permissions.responses.map(Responses::new);
        // Who may only respond may publish nothing else.
        let publish_allow = (!publish.allow.is_empty() || responses.is_some()).then(|| trie(&publish.allow));
        let access = Self {
            publish_allow,
            publish_deny: (!publish.deny.is_empty()).then(|| trie(&publish.deny)),
            subscribe_allow: (!subscribe.allow.is_empty()).then(|| rules(&subscribe.allow)),
            subscribe_deny: rules(&subscribe.deny),
            responses,
        };
        (access.limits_publishing() || access.subscribe_allow.is_some() || !access.subscribe_deny.is_empty())
            .then_some(access)
    }

    /// Whether there are subjects that may not be published to.
    pub fn limits_publishing(&self) -> bool {
        self.publish_allow.is_some() || self.publish_deny.is_some()
    }

    /// Whether a message may be published to the subject. [`Self::responses`] may permit it yet.
    pub fn may_publish(&self, subject: &[u8]) -> bool {
        self.publish_allow.as_ref().is_none_or(|allow| allow.has_interest(subject))
            && self.publish_deny.as_ref().is_none_or(|deny| !deny.has_interest(subject))
    }

    /// Whether the filter may be subscribed to. What is denied within it has to be
    /// [screened](Self::screens).
    ///
    /// A filter wider than every one that is allowed is refused, also `a.>` where `a.*` is allowed.
    pub fn may_subscribe(&self, filter: &[u8], queue: Option<&[u8]>) -> bool {
        let allowed = self.subscribe_allow.as_ref().is_none_or(|allow| {
            let covering = allow.iter().filter(|rule| takes_in(&rule.filter, filter));
            let (plain, grouped) = verdicts(covering, queue);
            grouped.unwrap_or(plain)
        });
        allowed && !is_denied(&self.subscribe_deny, filter, queue)
    }

    /// Whether a subscription may be sent messages it is not to have, so that each has to be checked with
    /// [`Self::may_get`].
    pub fn screens(&self, filter: &[u8], queue: Option<&[u8]>) -> bool {
        (queue.is_some() || has_wildcard(filter))
            && self.subscribe_deny.iter().any(|rule| filters_overlap(&rule.filter, filter))
    }

    /// Whether a message on the subject may be delivered to a subscription of that queue group.
    pub fn may_get(&self, subject: &[u8], queue: Option<&[u8]>) -> bool {
        !is_denied(&self.subscribe_deny, subject, queue)
    }

    /// How answers are permitted, if they are.
    pub fn responses(&self) -> Option<Responses> {
        self.responses
    }
}

impl Responses {
    fn new(permission: ResponsePermission) -> Self {
        Self {
            max: permission.max.filter(|max| *max > 0).unwrap_or(RESPONSES_MAX),
            expires: permission.expires.filter(|time| !time.is_zero()).unwrap_or(RESPONSE_TIME),
        }
    }
}

/// Whether a subscription lies within what a rule allows. One that is no filter is looked at like a plain
/// subject, as nats-server does: it is refused, but not for want of permission.
fn takes_in(rule: &[u8], filter: &[u8]) -> bool {
    filter_contains(rule, filter) || (!is_valid_filter(filter) && filter_matches(rule, filter))
}

fn is_denied(deny: &[Rule], subject: &[u8], queue: Option<&[u8]>) -> bool {
    let matching = deny.iter().filter(|rule| filter_matches(&rule.filter, subject));
    let (plain, grouped) = verdicts(matching, queue);
    plain || grouped.unwrap_or(false)
}

/// Whether a rule without a queue is among these, and whether one for this queue is; `None` if there is
/// no queue, or no rule with one.
fn verdicts<'r>(rules: impl Iterator<Item = &'r Rule>, queue: Option<&[u8]>) -> (bool, Option<bool>) {
    let (mut plain, mut grouped) = (false, None);
    for rule in rules {
        match (&rule.queue, queue) {
            (None, _) => plain = true,
            (Some(named), Some(queue)) => {
                grouped = Some(grouped == Some(true) || **named == *queue || filter_contains(named, queue));
            }
            (Some(_), None) => {}
        }
    }
    (plain, grouped)
}

fn trie(filters: &[String]) -> SubjectTrie<()> {
    let mut trie = SubjectTrie::new();
    for filter in filters {
        trie.insert(filter.as_bytes(), None, ()).expect("permissions were checked before");
    }
    trie
}

fn rules(entries: &[String]) -> Vec<Rule> {
    let rule = |entry: &String| {
        let mut words = entry.split_whitespace();
        let filter = words.next().unwrap_or_default().as_bytes().into();
        Rule { filter, queue: words.next().map(|queue| queue.as_bytes().into()) }
    };
    entries.iter().map(rule).collect()
}

/// The words nats-server has for an entry that is none, if it is none.
pub(crate) fn complaint(permissions: &Permissions) -> Option<String> {
    let none = SubjectPermission::default();
    let publish = permissions.publish.as_ref().unwrap_or(&none);
    let subscribe = permissions.subscribe.as_ref().unwrap_or(&none);
    let publish = publish.allow.iter().chain(&publish.deny).find_map(|entry| bad_filter(entry));
    let subscribe = || subscribe.allow.iter().chain(&subscribe.deny).find_map(|entry| bad_rule(entry));
    publish.or_else(subscribe)
}

fn bad_filter(entry: &str) -> Option<String> {
    let is_one = is_filter(entry);
    (!is_one).then(|| format!("subject {} is not a valid subject", quote(entry)))
}

fn bad_rule(entry: &str) -> Option<String> {
    if is_filter(entry) {
        return None;
    }
    let words: Vec<&str> = entry.split_whitespace().collect();
    let [subject, queue] = words[..] else { return bad_filter(entry) };
    let bad_queue = || (!is_filter(queue)).then(|| format!("queue {} is not a valid queue", quote(queue)));
    bad_filter(subject).or_else(bad_queue)
}

fn is_filter(text: &str) -> bool {
    is_valid_filter(text.as_bytes()) && !text.contains([' ', '\t', '\n', '\r', '\x0c'])
}

#[cfg(test)]
mod tests;
