//! Which entry of a user's permissions decides.

use broker::ConnectedUser;
use nats_auth::{Access, SubjectPermission};
use subject_trie::{filter_contains, filters_overlap};

use super::{Check, Explanation, Verdict};

impl Explanation {
    /// Whether a message may be published to the subject; an answer may be though others may not.
    pub(super) fn may_publish(&mut self, user: &ConnectedUser, subject: &str) -> bool {
        let Some(access) = user.identity.access() else { return self.unlimited() };
        let may = access.may_publish(subject.as_bytes());
        let lists = access.permissions().publish.unwrap_or_default();
        let mut because = decider(&lists, may, |entry| filter_contains(entry.as_bytes(), subject.as_bytes()));
        if !may && let Some(responses) = access.responses() {
            because += &format!(
                "; as one of {} answers to a message that had it as its reply subject, within {:?}, it may be",
                responses.max, responses.expires
            );
        }
        self.add(Check::Permission, verdict(may), because);
        may
    }

    /// Whether there may be a subscription, and what it is not sent.
    pub(super) fn may_subscribe(&mut self, user: &ConnectedUser, filter: &str, queue: Option<&str>) -> bool {
        let Some(access) = user.identity.access() else { return self.unlimited() };
        let (bytes, group) = (filter.as_bytes(), queue.map(str::as_bytes));
        let may = access.may_subscribe(bytes, group);
        let lists = access.permissions().subscribe.unwrap_or_default();
        let covers = |entry: &str| {
            let (of, group) = split(entry);
            filter_contains(of.as_bytes(), bytes) && is_of_group(group, queue)
        };
        self.add(Check::Permission, verdict(may), decider(&lists, may, covers));
        if may && access.screens(bytes, group) {
            self.add(Check::Permission, Verdict::Denied, screened(access, &lists, filter, queue));
        }
        may
    }

    fn unlimited(&mut self) -> bool {
        self.add(Check::Permission, Verdict::Allowed, "the user has no permissions that limit it");
        true
    }
}

fn verdict(may: bool) -> Verdict {
    if may { Verdict::Allowed } else { Verdict::Denied }
}

/// An entry for subscriptions: a filter, and a filter of queue groups behind a blank.
fn split(entry: &str) -> (&str, Option<&str>) {
    entry.split_once(' ').map_or((entry, None), |(filter, queue)| (filter, Some(queue)))
}

fn is_of_group(entry: Option<&str>, queue: Option<&str>) -> bool {
    entry.is_none_or(|entry| queue.is_some_and(|queue| filter_contains(entry.as_bytes(), queue.as_bytes())))
}

/// Deny wins over allow.
fn decider(lists: &SubjectPermission, may: bool, is_about: impl Fn(&str) -> bool) -> String {
    let find = |list: &[String]| list.iter().find(|entry| is_about(entry)).cloned();
    match (may, find(&lists.deny), find(&lists.allow)) {
        (false, Some(entry), _) => format!("`{entry}` of `deny`"),
        (true, _, Some(entry)) => format!("`{entry}` of `allow`"),
        (true, _, None) if lists.allow.is_empty() => {
            "`deny` has nothing about it, and there is no `allow`".into()
        }
        (true, _, None) => "`allow` has it".into(),
        (false, None, _) => format!("none of {} entries of `allow` covers it", lists.allow.len()),
    }
}

fn screened(access: &Access, lists: &SubjectPermission, filter: &str, queue: Option<&str>) -> String {
    let is_within = |entry: &&String| {
        let (of, group) = split(entry);
        filters_overlap(of.as_bytes(), filter.as_bytes())
            && is_of_group(group, queue)
            && !access.may_get(of.as_bytes(), queue.map(str::as_bytes))
    };
    let entries: Vec<String> =
        lists.deny.iter().filter(is_within).map(|entry| format!("`{entry}`")).collect();
    format!("messages within it are held back by {} of `deny`", entries.join(", "))
}
