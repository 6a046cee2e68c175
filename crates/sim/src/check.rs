//! What one server promises, checked against what the clients did and saw.

use std::collections::BTreeMap;

use crate::check_responses;
use crate::history::{History, MessageRecord, SubRecord, Tick};
use crate::plan::Plan;
use crate::subject::matches;

/// All checks. Each violation is a sentence. Over links that take no time clients may rely on more, and where they do
/// not change shards.
pub(crate) fn all(history: &History, plan: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    let mut lost = LostMail(history.lost_mail.clone());
    for (row, sub) in history.subs.iter().enumerate() {
        let named = Named { history, row, sub };
        named.check_order(&mut found);
        named.check_end(&mut found);
        named.check_limit(&mut found);
        if plan.prompt_links {
            named.check_causes(&mut found);
        }
        if sub.queue.is_none() {
            named.check_owed(&mut lost, &mut found);
            named.check_gaps(&mut found);
        }
    }
    if plan.moves == 0 {
        check_warnings(history, &mut found);
    }
    for id in 0..history.messages.len() {
        check_groups(history, id, &mut lost, &mut found);
        check_answer(history, id, &mut found);
    }
    check_responses::all(history, plan, &mut found);
    found
}

/// Whether a subscription had the maximum it asked for.
pub(crate) fn is_exhausted(history: &History, sub: &SubRecord) -> bool {
    let lowest = sub.limits.iter().map(|limit| limit.max).min();
    lowest.is_some_and(|max| history.counted(sub).count() as u64 >= max)
}

/// Since when a subscription is sure to be there.
fn established(history: &History, sub: &SubRecord) -> Tick {
    history.observed(sub.client, sub.op).unwrap_or(Tick::END)
}

/// From when on it may be gone.
fn may_be_gone(history: &History, sub: &SubRecord) -> Tick {
    let unsub = sub.unsub.map_or(Tick::END, |unsub| unsub.sent);
    unsub.min(history.clients[sub.client].hung_up.unwrap_or(Tick::END))
}

/// From when on it is sure to be gone.
fn is_gone(history: &History, sub: &SubRecord) -> Tick {
    let unsub = sub.unsub.and_then(|unsub| history.observed(sub.client, unsub.op));
    unsub.unwrap_or(Tick::END).min(history.clients[sub.client].closed.unwrap_or(Tick::END))
}

/// Whether its connection ended before the run did, and before it had all that it is owed.
pub(crate) fn is_dying(history: &History, client: usize) -> bool {
    let record = &history.clients[client];
    record.hung_up.is_some() || (record.closed.is_some() && !record.let_go)
}

/// From when on it is sure that the server is done with a message; `None` if it may never have
/// read it.
pub(crate) fn settled(history: &History, message: &MessageRecord) -> Option<Tick> {
    history.observed(message.client, message.op)
}

/// Whether a subscription is one for the message at all.
fn is_for(history: &History, sub: &SubRecord, message: &MessageRecord) -> bool {
    let (subscriber, publisher) = (history.clients[sub.client].user, history.clients[message.client].user);
    let Some((seen, _)) = history.seen(sub.client, message) else { return false };
    // Of a queue group the one that selects has to be permitted, as in nats-server.
    let shown = message.other_subject.as_ref().unwrap_or(&seen);
    let judged = if sub.queue.is_some() { &seen } else { shown };
    matches(&sub.filter, &seen)
        && subscriber.may_get(judged)
        && publisher.may_publish(&message.subject)
        && (sub.client != message.client || history.clients[sub.client].echo)
}

/// What services were told they lost, by shard: so many messages of services may be missing there, and no more.
struct LostMail(BTreeMap<u8, u64>);

impl LostMail {
    /// Whether a message that none of these got may be one of those. Then it is.
    fn has(&mut self, history: &History, message: &MessageRecord, subs: &[&SubRecord]) -> bool {
        let services = subs.iter().map(|sub| &history.clients[sub.client]).filter(|client| client.is_service);
        let mut shards = services.map(|client| client.shard);
        history.clients[message.client].is_service
            && shards.any(|shard| match self.0.get_mut(&shard) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    true
                }
                _ => false,
            })
    }
}

struct Named<'h> {
    history: &'h History,
    row: usize,
    sub: &'h SubRecord,
}

impl Named<'_> {
    fn name(&self) -> String {
        let Self { row, sub, history } = self;
        let queue = sub.queue.as_deref().map(|queue| format!(" queue {queue}")).unwrap_or_default();
        let shard = history.clients[sub.client].shard;
        format!("sub {row} ({}{queue}, client {} on shard {shard})", sub.filter, sub.client)
    }

    fn message(&self, id: usize) -> String {
        describe(self.history, id)
    }

    /// Messages of one publisher come in order, and none twice. Of its responses those to one request do: another
    /// request may have been made on another shard, which responses go through.
    fn check_order(&self, found: &mut Vec<String>) {
        let mut last: BTreeMap<(usize, Option<usize>), usize> = BTreeMap::new();
        for received in &self.sub.received {
            let message = &self.history.messages[received.message];
            if let Some(before) = last.insert((message.client, message.answers), received.message)
                && before >= received.message
            {
                found.push(format!("{}: {} after {before}", self.name(), self.message(received.message)));
            }
            if !is_for(self.history, self.sub, message) {
                found.push(format!("{}: {} is not for it", self.name(), self.message(received.message)));
            }
        }
    }

    /// Nothing comes that was published once the UNSUB was observed, and nothing after its PONG.
    fn check_end(&self, found: &mut Vec<String>) {
        let Some(unsub) = self.sub.unsub else { return };
        let replied = self.history.clients[self.sub.client].replied[unsub.op];
        if replied.is_some_and(|at| self.sub.received.iter().any(|received| received.at > at)) {
            found.push(format!("{}: messages after the reply to its UNSUB", self.name()));
        }
        let Some(gone) = self.history.observed(self.sub.client, unsub.op) else { return };
        for received in &self.sub.received {
            let sent = self.history.messages[received.message].sent;
            if sent > gone {
                let message = self.message(received.message);
                found.push(format!("{}: {message} was sent after its UNSUB, seen at {gone:?}", self.name()));
            }
        }
    }

    /// Once the client read a reply to an UNSUB with a maximum, no more than the maximum comes.
    fn check_limit(&self, found: &mut Vec<String>) {
        let Some(limit) = self.sub.limits.last() else { return };
        let Some(at) = self.history.clients[self.sub.client].replied[limit.op] else { return };
        let before = self.history.counted(self.sub).filter(|received| received.at < at).count() as u64;
        let all = self.history.counted(self.sub).count() as u64;
        if all > before.max(limit.max) {
            let max = limit.max;
            found.push(format!("{}: {all} messages, {before} before the UNSUB {max}", self.name()));
        }
    }

    /// Who asks the server once the publisher has its PONG has the message before the answer: the PONG says that it
    /// was handed to all who get it.
    fn check_causes(&self, found: &mut Vec<String>) {
        let client = &self.history.clients[self.sub.client];
        for received in &self.sub.received {
            let message = &self.history.messages[received.message];
            if message.answers.is_some() {
                continue; // It may have taken one more step.
            }
            let Some(done) = self.history.clients[message.client].replied[message.op] else { continue };
            let asked = client.sent.partition_point(|sent| *sent <= done);
            let answered = client.replied.get(asked).copied().flatten();
            if answered.is_some_and(|at| at < received.at) {
                let message = self.message(received.message);
                found.push(format!(
                    "{}: {message} came behind the answer to what was asked later",
                    self.name()
                ));
            }
        }
    }

    /// A plain subscription gets every message published once its SUB was observed.
    fn check_owed(&self, lost: &mut LostMail, found: &mut Vec<String>) {
        let Self { history, sub, .. } = self;
        if is_dying(history, sub.client) || is_exhausted(history, sub) {
            return;
        }
        if may_be_gone(history, sub) < Tick::END {
            return;
        }
        let from = established(history, sub);
        for (id, message) in history.messages.iter().enumerate() {
            let owed = message.sent > from
                && message.answers.is_none()
                && settled(history, message).is_some()
                && is_for(history, sub, message);
            if owed && !received(sub, id) && !lost.has(history, message, &[*sub]) {
                found.push(format!("{}: {} is missing; seen at {from:?}", self.name(), self.message(id)));
            }
        }
    }

    /// Whoever is closed has had everything up to some message of each publisher. (What ends by UNSUB, at once or
    /// with a maximum, may still have some of what goes to others.)
    fn check_gaps(&self, found: &mut Vec<String>) {
        let Self { history, sub, .. } = self;
        if !is_dying(history, sub.client) || sub.unsub.is_some() || is_exhausted(history, sub) {
            return;
        }
        let from = established(history, sub);
        let mut last: BTreeMap<usize, usize> = BTreeMap::new();
        for received in &sub.received {
            last.insert(history.messages[received.message].client, received.message);
        }
        for (id, message) in history.messages.iter().enumerate() {
            let is_before =
                message.answers.is_none() && last.get(&message.client).is_some_and(|last| id < *last);
            if is_before && message.sent > from && is_for(history, sub, message) && !received(sub, id) {
                found.push(format!("{}: {} is missing before the last one", self.name(), self.message(id)));
            }
        }
    }
}

/// Who does not hang up is told once that the server is about to go, if it may be told.
fn check_warnings(history: &History, found: &mut Vec<String>) {
    let Some(lame_duck) = history.lame_duck else { return };
    for (name, client) in history.clients.iter().enumerate() {
        let may_be_told = client.first_pong.is_some_and(|at| at < lame_duck) && client.hung_up.is_none();
        if client.warned > 1 || (client.warned == 0 && may_be_told) {
            found.push(format!("client {name}: was told {} times that the server is to go", client.warned));
        }
    }
}

pub(crate) fn describe(history: &History, id: usize) -> String {
    let MessageRecord { client, subject, sent, .. } = &history.messages[id];
    let shard = history.clients[*client].shard;
    format!("message {id} ({subject}, client {client} on shard {shard}, sent at {})", sent.0)
}

pub(crate) fn received(sub: &SubRecord, id: usize) -> bool {
    sub.received.iter().any(|received| received.message == id)
}

/// A queue group gets a message once at most, and once at least if it had a member throughout.
fn check_groups(history: &History, id: usize, lost: &mut LostMail, found: &mut Vec<String>) {
    let message = &history.messages[id];
    let mut groups: BTreeMap<(usize, &str), Vec<&SubRecord>> = BTreeMap::new();
    for sub in history.subs.iter().filter(|sub| is_for(history, sub, message)) {
        if let Some(queue) = &sub.queue {
            groups.entry((history.space(sub.client, message), queue)).or_default().push(sub);
        }
    }
    for ((_, name), members) in groups {
        let takers = members.iter().filter(|sub| received(sub, id)).count();
        if takers > 1 {
            found.push(format!("group {name}: {} came {takers} times", describe(history, id)));
        }
        let is_missing = takers == 0 && is_owed_to_group(history, message, &members);
        if is_missing && !lost.has(history, message, &members) {
            found.push(format!("group {name}: {} is missing", describe(history, id)));
        }
    }
}

fn is_owed_to_group(history: &History, message: &MessageRecord, members: &[&SubRecord]) -> bool {
    let Some(settled) = settled(history, message) else { return false };
    let lost_with_connection = members.iter().any(|sub| could_take_and_die(history, sub, message));
    !lost_with_connection && is_covered(history, message, settled, members)
}

/// Whether the message may have been on its way to a connection that ended. The connection may even
/// have subscribed later: it is on its own shard that the member is chosen.
fn could_take_and_die(history: &History, sub: &SubRecord, message: &MessageRecord) -> bool {
    is_dying(history, sub.client) && is_gone(history, sub) > message.sent
}

/// Whether at each moment between sending and settling some member was sure to be there.
fn is_covered(history: &History, message: &MessageRecord, settled: Tick, members: &[&SubRecord]) -> bool {
    let mut at = message.sent;
    while at < settled {
        let reach = members
            .iter()
            .filter(|sub| !is_exhausted(history, sub) && !is_dying(history, sub.client))
            .filter(|sub| established(history, sub) < at)
            .map(|sub| may_be_gone(history, sub))
            .max();
        match reach {
            Some(reach) if reach > at => at = reach,
            _ => return false,
        }
    }
    true
}

/// A request is taken by someone or answered with a 503, never both and never neither.
fn check_answer(history: &History, id: usize, found: &mut Vec<String>) {
    let message = &history.messages[id];
    let taken = history.subs.iter().any(|sub| received(sub, id));
    if taken && message.answered.is_some() {
        found.push(format!("{} was taken and got a 503", describe(history, id)));
    }
    if taken || message.answered.is_some() || !message.wants_answer || is_dying(history, message.client) {
        return;
    }
    if settled(history, message).is_none() {
        return;
    }
    let mut possible = history.subs.iter().filter(|sub| is_for(history, sub, message));
    if !possible.any(|sub| could_take_and_die(history, sub, message)) {
        found.push(format!("{} was neither taken nor got a 503", describe(history, id)));
    }
}
