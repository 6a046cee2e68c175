//! What one user may publish to and subscribe to, ready to be asked.

use std::time::Duration;

use nats_proto::quote;
use subject_trie::{
    Matches, SubjectTrie, filter_contains, filter_covers, has_empty_token, has_wildcard, is_valid_filter,
    valid_filter_matches, valid_filters_overlap,
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
    subscribe_allow: Option<Rules>,
    subscribe_deny: Rules,
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
    pub fn new(permissions: &Permissions) -> Option<Self> {
        let publish = permissions.publish.clone().unwrap_or_default();
        let subscribe = permissions.subscribe.clone().unwrap_or_default();
        let responses = permissions.responses.map(Responses::new);
        // Who may only respond may publish nothing else.
        let publish_allow = (!publish.allow.is_empty() || responses.is_some()).then(|| trie(&publish.allow));
        let access = Self {
            publish_allow,
            publish_deny: (!publish.deny.is_empty()).then(|| trie(&publish.deny)),
            subscribe_allow: (!subscribe.allow.is_empty()).then(|| Rules::new(&subscribe.allow)),
            subscribe_deny: Rules::new(&subscribe.deny),
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
        self.may_publish_counted(subject).0
    }

    /// The same, and how many nodes of a trie it took to find out, some ten nanoseconds each.
    pub fn may_publish_counted(&self, subject: &[u8]) -> (bool, u64) {
        let ask =
            |trie: &Option<SubjectTrie<()>>| trie.as_ref().map(|trie| trie.has_interest_counted(subject));
        let (allowed, looked_at) = ask(&self.publish_allow).unwrap_or((true, 0));
        if !allowed {
            return (false, looked_at);
        }
        let (denied, more) = ask(&self.publish_deny).unwrap_or((false, 0));
        (!denied, looked_at + more)
    }

    /// How many entries there are for subscriptions. To ask for one may take a look at each of them, if their
    /// wildcards are many.
    pub fn subscription_entries(&self) -> usize {
        self.subscribe_allow.as_ref().map_or(0, Rules::len) + self.subscribe_deny.len()
    }

    /// Whether the filter may be subscribed to. What is denied within it has to be
    /// [screened](Self::screens).
    ///
    /// A filter wider than every one that is allowed is refused, also `a.>` where `a.*` is allowed.
    pub fn may_subscribe(&self, filter: &[u8], queue: Option<&[u8]>) -> bool {
        let allowed = self.subscribe_allow.as_ref().is_none_or(|allow| {
            let mut verdicts = Verdicts::of(queue);
            allow.for_each_matching(filter, takes_in(filter), |rule| verdicts.hear(rule));
            verdicts.grouped.unwrap_or(verdicts.plain)
        });
        allowed && !is_denied(&self.subscribe_deny, filter, queue)
    }

    /// Whether anything that the filter matches may be subscribed to, and it is not denied as a whole. Servers that want
    /// something are sent what of it they may have.
    pub fn may_subscribe_in_part(&self, filter: &[u8], queue: Option<&[u8]>) -> bool {
        let allowed = self.subscribe_allow.as_ref().is_none_or(|allow| allow.overlap(filter));
        allowed && !is_denied(&self.subscribe_deny, filter, queue)
    }

    /// Whether a subscription may be sent messages it is not to have, so that each has to be checked with
    /// [`Self::may_get`].
    pub fn screens(&self, filter: &[u8], queue: Option<&[u8]>) -> bool {
        (queue.is_some() || has_wildcard(filter)) && self.subscribe_deny.overlap(filter)
    }

    /// Whether a message on the subject may be delivered to a subscription of that queue group.
    pub fn may_get(&self, subject: &[u8], queue: Option<&[u8]>) -> bool {
        !is_denied(&self.subscribe_deny, subject, queue)
    }

    /// What was permitted and denied, in the order of the alphabet, with defaults filled in.
    pub fn permissions(&self) -> Permissions {
        let publish = SubjectPermission {
            allow: self.publish_allow.as_ref().map(filters).unwrap_or_default(),
            deny: self.publish_deny.as_ref().map(filters).unwrap_or_default(),
        };
        let subscribe = SubjectPermission {
            allow: self.subscribe_allow.as_ref().map(Rules::entries).unwrap_or_default(),
            deny: self.subscribe_deny.entries(),
        };
        Permissions {
            publish: Some(publish),
            subscribe: Some(subscribe),
            responses: self.responses.map(|responses| ResponsePermission {
                max: Some(responses.max),
                expires: Some(responses.expires),
            }),
        }
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

/// Says of a rule whether a subscription lies within what it allows. One that is no filter is looked at like a plain
/// subject, as nats-server does: it is refused, but not for want of permission.
///
/// The filter is looked through once for all rules: with thousands of tokens it takes some microseconds.
fn takes_in(filter: &[u8]) -> impl Fn(&[u8]) -> bool {
    let (is_filter, matches) = (is_valid_filter(filter), matches(filter));
    move |rule| if is_filter { filter_covers(rule, filter) } else { matches(rule) }
}

/// Says of a rule whether it is for a subject.
fn matches(subject: &[u8]) -> impl Fn(&[u8]) -> bool {
    let is_subject = !has_empty_token(subject);
    move |rule| is_subject && valid_filter_matches(rule, subject)
}

fn is_denied(deny: &Rules, subject: &[u8], queue: Option<&[u8]>) -> bool {
    let mut verdicts = Verdicts::of(queue);
    deny.for_each_matching(subject, matches(subject), |rule| verdicts.hear(rule));
    verdicts.plain || verdicts.grouped.unwrap_or(false)
}

/// What rules say of a subscription.
struct Verdicts<'q> {
    queue: Option<&'q [u8]>,
    /// A rule without a queue is among them.
    plain: bool,
    /// Whether one for this queue is; `None` if there is no queue, or no rule with one.
    grouped: Option<bool>,
}

impl<'q> Verdicts<'q> {
    fn of(queue: Option<&'q [u8]>) -> Self {
        Self { queue, plain: false, grouped: None }
    }

    fn hear(&mut self, rule: &Rule) {
        match (&rule.queue, self.queue) {
            (None, _) => self.plain = true,
            (Some(named), Some(queue)) => {
                let is_for = **named == *queue || filter_contains(named, queue);
                self.grouped = Some(self.grouped == Some(true) || is_for);
            }
            (Some(_), None) => {}
        }
    }
}

/// So few rules are gone through one by one.
const FEW_RULES: usize = 8;

/// Rules for subscriptions, all of them valid, and where to find those that may concern one.
#[derive(Debug)]
struct Rules {
    all: Vec<Rule>,
    by_filter: SubjectTrie<u32>,
}

impl Rules {
    fn new(entries: &[String]) -> Self {
        let rule = |entry: &String| {
            let mut words = entry.split_whitespace();
            let filter = words.next().unwrap_or_default().as_bytes().into();
            Rule { filter, queue: words.next().map(|queue| queue.as_bytes().into()) }
        };
        let all: Vec<Rule> = entries.iter().map(rule).collect();
        let mut by_filter = SubjectTrie::new();
        for (number, rule) in (0..).zip(&all).filter(|_| all.len() > FEW_RULES) {
            by_filter.insert(&rule.filter, None, number).expect("permissions were checked before");
        }
        Self { all, by_filter }
    }

    fn len(&self) -> usize {
        self.all.len()
    }

    fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The rules as they are written in a configuration.
    fn entries(&self) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let entry = |rule: &Rule| match &rule.queue {
            None => text(&rule.filter),
            Some(queue) => format!("{} {}", text(&rule.filter), text(queue)),
        };
        let mut entries: Vec<String> = self.all.iter().map(entry).collect();
        entries.sort_unstable();
        entries
    }

    /// Goes through the rules of which `is_match` says that they are for a subject or filter.
    fn for_each_matching(
        &self,
        subject: &[u8],
        is_match: impl Fn(&[u8]) -> bool,
        mut visit: impl FnMut(&Rule),
    ) {
        // What is no subject is in no trie.
        if self.len() <= FEW_RULES || has_empty_token(subject) {
            self.all.iter().filter(|rule| is_match(&rule.filter)).for_each(visit);
            return;
        }
        // With wildcards taken as they stand, all that match and some more.
        let mut found = Matches::default();
        self.by_filter.collect(subject, &mut found);
        let candidates = found.plain.iter().map(|number| &self.all[*number as usize]);
        candidates.filter(|rule| is_match(&rule.filter)).for_each(&mut visit);
    }

    /// Whether a rule and the filter have a subject in common.
    fn overlap(&self, filter: &[u8]) -> bool {
        if !is_valid_filter(filter) {
            return false;
        }
        if self.len() <= FEW_RULES {
            return self.all.iter().any(|rule| valid_filters_overlap(&rule.filter, filter));
        }
        let mut has_any = false;
        self.by_filter.overlapping(filter, |_, _, _| has_any = true);
        has_any
    }
}

fn trie(filters: &[String]) -> SubjectTrie<()> {
    let mut trie = SubjectTrie::new();
    for filter in filters {
        trie.insert(filter.as_bytes(), None, ()).expect("permissions were checked before");
    }
    trie
}

fn filters(trie: &SubjectTrie<()>) -> Vec<String> {
    let mut filters = Vec::new();
    trie.for_each(|filter, _, ()| filters.push(String::from_utf8_lossy(filter).into_owned()));
    filters.sort_unstable();
    filters
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
