//! Responses across borders: a service of many has as many as come, one of one has one, and none is lost but what shards
//! say they lost.

use std::collections::BTreeMap;

use crate::asking::Asking;
use crate::check::{describe, is_dying, received, settled};
use crate::history::History;
use crate::plan::{Ending, Plan};

/// How many of these responses were received.
fn received_of(history: &History, responses: &[usize]) -> usize {
    let is_received = |id: &&usize| history.subs.iter().any(|sub| received(sub, **id));
    responses.iter().filter(is_received).count()
}

/// How many responses were received.
pub(crate) fn received_in(history: &History) -> usize {
    by_request(history).values().map(|responses| received_of(history, responses)).sum()
}

/// All checks.
pub(crate) fn all(history: &History, plan: &Plan, found: &mut Vec<String>) {
    let by_request = by_request(history);
    let arrived = |responses: &[usize]| {
        responses.iter().filter(|id| settled(history, &history.messages[**id]).is_some()).count()
    };
    // Those behind the first are late.
    let is_once = plan.asking == Asking::Once;
    let superfluous: usize = by_request.values().map(|all| arrived(all).saturating_sub(1)).sum();
    let mut lost = history.late_responses.saturating_sub(if is_once { superfluous as u64 } else { 0 });
    for (request, responses) in by_request {
        let came = received_of(history, &responses);
        if is_once && came > 1 {
            found.push(format!("{} has {came} responses", describe(history, request)));
        }
        if plan.ending != Ending::GoesOn || !can_be_answered(history, request) {
            continue;
        }
        let due = arrived(&responses).min(if is_once { 1 } else { usize::MAX });
        let missing = due.saturating_sub(came) as u64;
        if missing > lost {
            found.push(format!("{} misses {missing} of {due} responses", describe(history, request)));
        }
        lost = lost.saturating_sub(missing);
    }
}

/// The responses to each request that has any.
fn by_request(history: &History) -> BTreeMap<usize, Vec<usize>> {
    let mut all: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (id, message) in history.messages.iter().enumerate() {
        if let Some(request) = message.answers {
            all.entry(request).or_default().push(id);
        }
    }
    all
}

/// Whether the requester listened for responses all the time: it did not connect anew, which ends all subscriptions.
fn can_be_answered(history: &History, request: usize) -> bool {
    let client = history.messages[request].client;
    let filter = format!("inbox.{client}.*");
    let listens = history.subs.iter().any(|sub| sub.client == client && sub.filter == filter);
    let goes_on =
        history.subs.iter().all(|sub| sub.client != client || sub.filter != filter || sub.unsub.is_none());
    listens && goes_on && !is_dying(history, client)
}
