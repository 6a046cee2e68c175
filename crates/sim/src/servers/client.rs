//! A client of one of the servers: what it subscribes to, and what it got of it.

use std::collections::{BTreeMap, BTreeSet};

use conns::ConnId;
use nats_proto::{Limits, ServerDecoder, ServerOp, Step};
use subject_trie::filter_matches;

use crate::random::Random;

/// What is published for plain subscriptions.
pub(super) const SUBJECTS: [&str; 4] = ["p.a", "p.b", "p.c.d", "p.c.e"];

/// And for queue groups.
pub(super) const GROUPS: [&str; 2] = ["g.a", "g.b"];

const FILTERS: [&str; 5] = ["p.a", "p.*", "p.c.*", "p.>", "p.b"];
const GROUP_FILTERS: [(&str, &str); 3] = [("g.a", "q"), ("g.*", "q"), ("g.b", "r")];

/// Subscriptions that a client has at a time.
const SUBSCRIPTIONS_MAX: usize = 4;

#[derive(Debug)]
pub(super) struct Client {
    number: usize,
    pub(super) server: usize,
    pub(super) shard: usize,
    pub(super) id: ConnId,
    subs: BTreeMap<u64, Sub>,
    last_sid: u64,
    decoder: ServerDecoder,
    inbox: Vec<u8>,
    /// After this message all are to come.
    pub(super) notes_from: Option<u64>,
    /// How many clients publish then: all.
    pub(super) publishers: u64,
}

#[derive(Debug)]
struct Sub {
    filter: &'static str,
    queue: Option<&'static str>,
    is_open: bool,
    /// What it got: publisher, message, subject.
    got: Vec<(usize, u64, String)>,
}

impl Client {
    pub(super) fn new(number: usize, server: usize, shard: usize, id: ConnId) -> Self {
        Self {
            number,
            server,
            shard,
            id,
            subs: BTreeMap::new(),
            last_sid: 0,
            decoder: ServerDecoder::default(),
            inbox: Vec::new(),
            notes_from: None,
            publishers: 0,
        }
    }

    pub(super) fn received(&self) -> usize {
        self.subs.values().map(|sub| sub.got.len()).sum()
    }

    /// Subscribes, unsubscribes or publishes.
    pub(super) fn act(&mut self, random: &mut Random, published: &mut u64) -> String {
        let open: Vec<u64> = self.subs.iter().filter(|(_, sub)| sub.is_open).map(|(sid, _)| *sid).collect();
        match random.size(0, 9) {
            0 | 1 if open.len() < SUBSCRIPTIONS_MAX => self.subscribe(random),
            2 if !open.is_empty() => {
                let sid = random.pick(&open);
                self.subs.get_mut(&sid).expect("it is there").is_open = false;
                format!("UNSUB {sid}\r\n")
            }
            3 | 4 => self.publish(random.pick(&GROUPS), published),
            _ => self.publish(random.pick(&SUBJECTS), published),
        }
    }

    fn subscribe(&mut self, random: &mut Random) -> String {
        self.last_sid += 1;
        let sid = self.last_sid;
        let (filter, queue) = if random.chance(40) {
            let (filter, queue) = random.pick(&GROUP_FILTERS);
            (filter, Some(queue))
        } else {
            (random.pick(&FILTERS), None)
        };
        self.subs.insert(sid, Sub { filter, queue, is_open: true, got: Vec::new() });
        format!("SUB {filter} {} {sid}\r\n", queue.unwrap_or_default())
    }

    pub(super) fn publish(&mut self, subject: &str, published: &mut u64) -> String {
        *published += 1;
        let body = format!("{} {published}", self.number);
        format!("PUB {subject} {}\r\n{body}\r\n", body.len())
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.inbox.extend_from_slice(bytes);
        let inbox = std::mem::take(&mut self.inbox);
        let mut rest = &inbox[..];
        while let Ok(Step::Op { used, op }) = self.decoder.step(rest, &Limits::default()) {
            rest = &rest[used..];
            let ServerOp::Message(message) = op else { continue };
            let text = |bytes: &[u8]| std::str::from_utf8(bytes).expect("clients send text").to_owned();
            let (sid, body) = (text(message.sid), text(message.body));
            let (publisher, number) = body.split_once(' ').expect("a publisher and a number");
            let got = (
                publisher.parse().expect("a publisher"),
                number.parse().expect("a number"),
                text(message.subject),
            );
            let sub = self.subs.get_mut(&sid.parse().expect("a sid")).expect("one of its own");
            sub.got.push(got);
        }
        self.inbox = rest.to_vec();
    }

    /// What was wrong with what it got.
    pub(super) fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (sid, sub) in &self.subs {
            let name =
                format!("client {} on server {}, sid {sid} ({})", self.number, self.server, sub.filter);
            if sub.got.iter().any(|(.., subject)| !filter_matches(sub.filter.as_bytes(), subject.as_bytes()))
            {
                wrong.push(format!("{name}: a subject that it does not want"));
            }
            let numbers: BTreeSet<u64> = sub.got.iter().map(|(_, number, _)| *number).collect();
            if numbers.len() < sub.got.len() {
                wrong.push(format!("{name}: a message came twice"));
            }
            if sub.queue.is_none() {
                wrong.extend(
                    self.wrong_order(sub).map(|(one, other)| format!("{name}: {one} before {other}")),
                );
                wrong.extend(self.missing(sub).map(|number| format!("{name}: {number} did not come")));
            }
        }
        wrong
    }

    /// Messages of one publisher come in the order in which it sent them. Those to groups may be handed on.
    fn wrong_order(&self, sub: &Sub) -> Option<(u64, u64)> {
        let mut last = BTreeMap::new();
        for (publisher, number, _) in &sub.got {
            let before = last.insert(*publisher, *number);
            if let Some(before) = before.filter(|before| before > number) {
                return Some((before, *number));
            }
        }
        None
    }

    /// One of the messages that had to come, and did not.
    fn missing(&self, sub: &Sub) -> Option<u64> {
        let from = self.notes_from.filter(|_| sub.is_open)?;
        let got: BTreeSet<u64> = sub.got.iter().map(|(_, number, _)| *number).collect();
        let all = SUBJECTS.iter().chain(&GROUPS).enumerate();
        let wanted = all.filter(|(_, subject)| filter_matches(sub.filter.as_bytes(), subject.as_bytes()));
        let subjects = (SUBJECTS.len() + GROUPS.len()) as u64;
        let mut numbers = wanted.flat_map(|(at, _)| (0..self.publishers).map(move |turn| (at as u64, turn)));
        numbers.find_map(|(at, turn)| {
            let number = from + turn * subjects + at + 1;
            (!got.contains(&number)).then_some(number)
        })
    }
}

/// One member of a group gets a message, in the whole cluster; at the end exactly one.
pub(super) fn check_groups(clients: &[Client], published: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    for queue in ["q", "r"] {
        let mut got: BTreeMap<u64, usize> = BTreeMap::new();
        let members =
            || clients.iter().flat_map(|client| client.subs.values()).filter(|sub| sub.queue == Some(queue));
        for (_, number, _) in members().flat_map(|sub| &sub.got) {
            *got.entry(*number).or_default() += 1;
        }
        if let Some((number, times)) = got.iter().find(|(_, times)| **times > 1) {
            wrong.push(format!("group {queue}: {number} came {times} times"));
        }
        let Some(from) = clients[0].notes_from else { continue };
        let subjects = (SUBJECTS.len() + GROUPS.len()) as u64;
        for number in from + 1..=published {
            let at = ((number - from - 1) % subjects) as usize;
            let Some(subject) = at.checked_sub(SUBJECTS.len()).map(|at| GROUPS[at]) else { continue };
            let is_wanted =
                members().any(|sub| sub.is_open && filter_matches(sub.filter.as_bytes(), subject.as_bytes()));
            if is_wanted && !got.contains_key(&number) {
                wrong.push(format!("group {queue}: {number} to {subject} did not come"));
            }
        }
    }
    wrong
}
