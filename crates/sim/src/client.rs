//! A client on the wire: writes ops, reads what comes, and enters both in the history.

use std::collections::{BTreeMap, VecDeque};

use nats_proto::{
    ConnectOptions, HeaderView, Limits, Message, ServerDecoder, ServerInfo, ServerOp, Step, encode,
};

use crate::history::{History, Limit, MessageRecord, Received, SubRecord, Unsub};
use crate::subject::matches;
use crate::users::{UNSENT, UserRecord};

/// What a client asked for in CONNECT.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Abilities {
    pub(crate) verbose: bool,
    pub(crate) echo: bool,
    pub(crate) headers: bool,
    pub(crate) no_responders: bool,
}

/// What a client may react to.
#[derive(Debug)]
pub(crate) enum Seen {
    /// A message, with the times it may still be passed on.
    Message { reply: Option<String>, hops: u32 },
    /// The answer to a PING.
    Pong,
}

/// A message to be published.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) subject: String,
    pub(crate) is_request: bool,
    pub(crate) with_header: bool,
    pub(crate) len: usize,
    pub(crate) hops: u32,
}

/// A reply the server owes, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owed {
    Pong {
        op: usize,
    },
    /// Says that all ops before `end` are done.
    Ok {
        end: usize,
    },
}

#[derive(Debug)]
pub(crate) struct Client {
    /// Its row in the history.
    pub(crate) record: usize,
    pub(crate) abilities: Abilities,
    pub(crate) user: UserRecord,
    /// Written, not yet handed to the socket.
    pub(crate) outgoing: Vec<u8>,
    /// Subscriptions it did not end yet, by row in the history.
    pub(crate) live: Vec<usize>,
    decoder: ServerDecoder,
    inbox: Vec<u8>,
    owed: VecDeque<Owed>,
    by_sid: BTreeMap<u32, Vec<usize>>,
    last_sid: u32,
}

impl Client {
    pub(crate) fn new(record: usize, abilities: Abilities, user: UserRecord) -> Self {
        Self {
            record,
            abilities,
            user,
            outgoing: Vec::new(),
            live: Vec::new(),
            decoder: ServerDecoder::default(),
            inbox: Vec::new(),
            owed: VecDeque::new(),
            by_sid: BTreeMap::new(),
            last_sid: 0,
        }
    }

    /// The filter of the subscription that takes replies.
    fn inbox_filter(&self) -> String {
        format!("inbox.{}.*", self.record)
    }

    // What it does.

    /// CONNECT, and for requesters the subscription for replies. A further CONNECT ends all
    /// subscriptions there are.
    pub(crate) fn connect(&mut self, history: &mut History) {
        let Abilities { verbose, echo, headers, no_responders } = self.abilities;
        let options = ConnectOptions {
            verbose,
            pedantic: false,
            echo,
            headers,
            no_responders,
            protocol: 1,
            user: self.user.name(),
            pass: self.user.name(),
            ..ConnectOptions::default()
        };
        encode::connect(&mut self.outgoing, &options);
        let sent = history.tick();
        let op = self.end_op(history);
        for sub in history.subs.iter_mut().filter(|sub| sub.client == self.record) {
            sub.unsub.get_or_insert(Unsub { op, sent });
        }
        if no_responders {
            let filter = self.inbox_filter();
            self.subscribe(history, filter, None, None);
        }
        self.live.clear(); // The one for replies is not for the workload to end.
    }

    /// SUB, under the sid given or a new one.
    pub(crate) fn subscribe(
        &mut self,
        history: &mut History,
        filter: String,
        queue: Option<String>,
        sid: Option<u32>,
    ) {
        let sid = sid.unwrap_or_else(|| {
            self.last_sid += 1;
            self.last_sid
        });
        let text = sid.to_string();
        let queue_bytes = queue.as_deref().map(str::as_bytes);
        encode::subscribe(&mut self.outgoing, filter.as_bytes(), queue_bytes, text.as_bytes());
        let sent = history.tick();
        let row = history.subs.len();
        let op = self.end_op(history);
        history.subs.push(SubRecord {
            client: self.record,
            op,
            sent,
            filter,
            queue,
            sid,
            limits: Vec::new(),
            unsub: None,
            received: Vec::new(),
        });
        self.by_sid.entry(sid).or_default().push(row);
        self.live.push(row);
    }

    /// UNSUB.
    pub(crate) fn unsubscribe(&mut self, history: &mut History, row: usize) {
        self.live.retain(|live| *live != row);
        encode::unsubscribe(&mut self.outgoing, history.subs[row].sid.to_string().as_bytes(), None);
        let sent = history.tick();
        let op = self.end_op(history);
        history.subs[row].unsub = Some(Unsub { op, sent });
    }

    /// UNSUB with a maximum.
    pub(crate) fn limit(&mut self, history: &mut History, row: usize, max: u64) {
        encode::unsubscribe(&mut self.outgoing, history.subs[row].sid.to_string().as_bytes(), Some(max));
        let sent = history.tick();
        let op = self.end_op(history);
        history.subs[row].limits.push(Limit { op, max, sent });
    }

    /// PUB or HPUB.
    pub(crate) fn publish(&mut self, history: &mut History, draft: Draft) {
        let id = history.messages.len();
        let reply = draft.is_request.then(|| format!("inbox.{}.{id}", self.record));
        let answers = history.tokens.get(&draft.subject).copied();
        let payload = payload(id, draft.hops, draft.len);
        let reply_bytes = reply.as_deref().map(str::as_bytes);
        if draft.with_header && self.abilities.headers {
            let mut block = Vec::new();
            encode::header_block(&mut block, None, &[(b"Id", id.to_string().as_bytes())]);
            let subject = draft.subject.as_bytes();
            encode::hpublish(&mut self.outgoing, subject, reply_bytes, &block, &payload);
        } else {
            encode::publish(&mut self.outgoing, draft.subject.as_bytes(), reply_bytes, &payload);
        }
        let sent = history.tick();
        let op = history.next_op(self.record);
        let is_permitted = self.user.may_publish(&draft.subject);
        if self.abilities.verbose && is_permitted {
            // It says that the PUB was read; who takes the message may not be settled yet.
            self.owed.push_back(Owed::Ok { end: op });
        }
        history.messages.push(MessageRecord {
            client: self.record,
            op,
            subject: draft.subject,
            other_subject: None,
            sent,
            wants_answer: draft.is_request && self.abilities.no_responders && is_permitted,
            answered: None,
            len: payload.len(),
            answers,
        });
    }

    /// PING.
    pub(crate) fn ping(&mut self, history: &mut History) {
        encode::ping(&mut self.outgoing);
        history.tick();
        let op = history.next_op(self.record);
        self.owed.push_back(Owed::Pong { op });
    }

    /// Replies the server still owes.
    pub(crate) fn owed(&self) -> usize {
        self.owed.len()
    }

    /// Sids free to be used again for `filter`: no message can be for an earlier subscription of the
    /// sid as well.
    pub(crate) fn spare_sids(&self, history: &History, filter: &str) -> Vec<u32> {
        let is_literal = |filter: &str| !filter.contains(['*', '>']);
        let is_spare = |row: &usize| {
            let sub = &history.subs[*row];
            sub.unsub.is_some() && is_literal(&sub.filter) && sub.filter != filter
        };
        let sids = self.by_sid.iter().filter(|(_, rows)| is_literal(filter) && rows.iter().all(is_spare));
        sids.map(|(sid, _)| *sid).collect()
    }

    fn end_op(&mut self, history: &mut History) -> usize {
        let op = history.next_op(self.record);
        if self.abilities.verbose {
            self.owed.push_back(Owed::Ok { end: op + 1 });
        }
        op
    }

    // What it sees.

    /// Bytes from the server.
    pub(crate) fn on_bytes(&mut self, history: &mut History, bytes: &[u8]) -> Vec<Seen> {
        self.inbox.extend_from_slice(bytes);
        let mut inbox = std::mem::take(&mut self.inbox);
        let mut used = 0;
        let mut seen = Vec::new();
        loop {
            match self.decoder.step(&inbox[used..], &Limits::default()) {
                Ok(Step::Op { used: len, op }) => {
                    used += len;
                    seen.extend(self.on_op(history, &op));
                }
                Ok(Step::NeedMore { .. }) => break,
                Err(error) => {
                    history.wrong(format!("client {}: unreadable: {error}", self.record));
                    used = inbox.len();
                    break;
                }
            }
        }
        inbox.drain(..used);
        self.inbox = inbox;
        seen
    }

    fn on_op(&mut self, history: &mut History, op: &ServerOp<'_>) -> Option<Seen> {
        match op {
            ServerOp::Message(message) => self.on_message(history, message),
            ServerOp::Pong => {
                let Some(Owed::Pong { op }) = self.owed.pop_front() else {
                    history.wrong(format!("client {}: a PONG out of turn", self.record));
                    return None;
                };
                let at = history.tick();
                history.reply(self.record, op + 1, at);
                history.clients[self.record].first_pong.get_or_insert(at);
                Some(Seen::Pong)
            }
            ServerOp::Ok => {
                match self.owed.pop_front() {
                    Some(Owed::Ok { end }) => {
                        let at = history.tick();
                        history.reply(self.record, end, at);
                    }
                    _ => history.wrong(format!("client {}: a +OK out of turn", self.record)),
                }
                None
            }
            ServerOp::Ping => {
                encode::pong(&mut self.outgoing);
                None
            }
            ServerOp::Err(text) if self.user.is_restricted && **text == *denied() => None,
            ServerOp::Err(text) => {
                history.wrong(format!("client {}: -ERR {}", self.record, text.escape_ascii()));
                None
            }
            ServerOp::Info(text) => {
                match ServerInfo::parse(text) {
                    Ok(info) => history.clients[self.record].warned += usize::from(info.ldm),
                    Err(error) => history.wrong(format!("client {}: INFO: {error}", self.record)),
                }
                None
            }
        }
    }

    fn on_message(&mut self, history: &mut History, message: &Message<'_>) -> Option<Seen> {
        let at = history.tick();
        let subject = String::from_utf8_lossy(message.subject).into_owned();
        if HeaderView::parse(message.headers()).is_ok_and(|headers| headers.status() == Some(503)) {
            self.on_no_responders(history, &subject);
            return None;
        }
        let Some((id, hops)) = parse_payload(message.payload()) else {
            history.wrong(format!("client {}: a payload nobody sent", self.record));
            return None;
        };
        if !self.abilities.headers && message.header.is_some() {
            history.wrong(format!("client {}: message {id} with headers", self.record));
        }
        let sid: Option<u32> = std::str::from_utf8(message.sid).ok().and_then(|sid| sid.parse().ok());
        let rows = sid.and_then(|sid| self.by_sid.get(&sid)).map_or(&[][..], Vec::as_slice);
        let seen = history.messages.get(id).and_then(|sent| history.seen(self.record, sent));
        let selects = seen.as_ref().map_or("", |(subject, _)| subject);
        let row = rows.iter().rev().find(|row| matches(&history.subs[**row].filter, selects));
        let Some(row) = row.copied() else {
            history.wrong(format!("client {}: message {id} for no subscription of its", self.record));
            return None;
        };
        if !self.is_intact(history, id, &subject, message.payload().len()) {
            history.wrong(format!("client {}: message {id} arrived changed", self.record));
            return None;
        }
        let (publisher, op) = (history.messages[id].client, history.messages[id].op);
        history.subs[row].received.push(Received { message: id, at });
        history.observe(publisher, op, at);
        history.observe(self.record, history.subs[row].op + 1, at);
        history.note_reply(message.reply, id);
        let reply = message.reply.map(|reply| String::from_utf8_lossy(reply).into_owned());
        Some(Seen::Message { reply, hops })
    }

    fn is_intact(&self, history: &History, id: usize, subject: &str, len: usize) -> bool {
        history.messages.get(id).is_some_and(|sent| {
            let shown = sent.other_subject.clone();
            let shown = shown.or_else(|| history.seen(self.record, sent).map(|(subject, _)| subject));
            shown.as_deref() == Some(subject) && sent.len == len
        })
    }

    fn on_no_responders(&mut self, history: &mut History, reply: &str) {
        let at = history.tick();
        let id = reply.rsplit('.').next().and_then(|id| id.parse::<usize>().ok());
        let Some(id) = id.filter(|id| history.messages.get(*id).is_some_and(|m| m.client == self.record))
        else {
            return history.wrong(format!("client {}: a 503 for {reply}", self.record));
        };
        let message = &mut history.messages[id];
        if message.answered.replace(at).is_some() || !message.wants_answer {
            history.wrong(format!("message {id}: a 503 too many"));
        }
        let op = history.messages[id].op;
        history.reply(self.record, op + 1, at);
    }
}

/// The message's number, how often it may be passed on, and filler that belongs to the number.
pub(crate) fn payload(id: usize, hops: u32, len: usize) -> Vec<u8> {
    let mut payload = format!("{id} {hops} ").into_bytes();
    let len = len.max(payload.len());
    payload.resize(len, filler(id));
    payload
}

pub(crate) fn parse_payload(payload: &[u8]) -> Option<(usize, u32)> {
    let mut parts = payload.splitn(3, |byte| *byte == b' ');
    let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse::<usize>().ok();
    let (id, hops) = (number()?, number()?);
    let expected = [filler(id); 4096];
    let is_intact = parts.next()?.chunks(expected.len()).all(|chunk| chunk == &expected[..chunk.len()]);
    is_intact.then_some((id, hops as u32))
}

fn filler(id: usize) -> u8 {
    b'a' + (id % 26) as u8
}

/// What a client with permissions is told when it publishes to what it may not.
fn denied() -> Vec<u8> {
    format!("Permissions Violation for Publish to \"{UNSENT}\"").into_bytes()
}
