//! A client of a NATS server on behalf of who asks over HTTP.
//!
//! Bytes of the server go in, news come out; what is to be said to it waits in [`Session::take_output`]. Questions are told
//! apart by tickets: each has an inbox of its own below one that is subscribed once.
//!
//! Always true: news of a ticket come only while it is held. Whoever has enough of it gives it back
//! ([`Session::forget`]); a fence and a failure do so by themselves.

use std::collections::{BTreeMap, VecDeque};

use nats_proto::{ConnectOptions, Limits, ServerDecoder, ServerInfo, ServerOp, Step, encode};

use crate::credentials::Credentials;
use crate::message::Received;
use crate::step::{Failure, Outgoing};

/// Questions of one session at a time. Who comes then is told that there are too many.
const TICKETS_MAX: usize = 4096;

/// Bytes of a message that any server lets through: nats-server's bound for `max_payload`, and what servers add.
const MESSAGE_BYTES_MAX: usize = 65 << 20;

/// The subscription to inboxes, and that of who follows a subject.
const INBOX_SID: &[u8] = b"1";
const FOLLOW_SID: &[u8] = b"2";

/// Stands in inboxes of what a consumer is asked for, behind what inboxes begin with.
const PULLED: &str = "p";

/// Drawers that are kept for the next who pulls. To subscribe for each would have each wait until all shards of the server,
/// or all servers of a cluster, know.
const EMPTY_DRAWERS_MAX: usize = 64;

/// What happened.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// The server knows who asks: questions may follow.
    Open,
    /// An answer to the question of that ticket.
    Reply(u64, Received),
    /// The server has seen all that was said before that ticket.
    Fenced(u64),
    /// Nothing comes of that ticket.
    Failed(u64, Failure),
    /// A message of the subject that is followed.
    Message(Received),
    /// The subject may not be followed.
    Refused(Failure),
    /// The server ends it.
    Ended(Failure),
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Greeting,
    Opening,
    Open,
    Over,
}

/// What a ticket waits for.
#[derive(Debug)]
struct Held {
    /// Where its message went.
    subject: String,
    /// Where its replies come, if they have a subscription for themselves.
    drawer: Option<u64>,
}

/// A client of a server.
#[derive(Debug)]
pub struct Session {
    options: ConnectOptions,
    stage: Stage,
    decoder: ServerDecoder,
    limits: Limits,
    input: Vec<u8>,
    output: Vec<u8>,
    /// What inboxes begin with.
    inbox: String,
    payload_bytes_max: usize,
    held: BTreeMap<u64, Held>,
    /// Whose PONGs are to come, in their order.
    fences: VecDeque<u64>,
    last_ticket: u64,
    /// Subscriptions for what consumers hand out, each of which a ticket has for itself: whose they are.
    drawers: BTreeMap<u64, u64>,
    /// Those that nobody has.
    empty_drawers: Vec<u64>,
    last_drawer: u64,
    /// What is followed.
    followed: Option<String>,
    /// Why there are no answers.
    inbox_refused: Option<Failure>,
}

impl Session {
    /// One that waits for the server's first word. `unique` is a word that nobody else has: letters and digits.
    pub fn new(credentials: &Credentials, name: &str, unique: &str) -> Self {
        let mut options = ConnectOptions {
            verbose: false,
            pedantic: false,
            name: name.to_owned(),
            lang: "http".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: 1,
            headers: true,
            no_responders: true,
            ..ConnectOptions::default()
        };
        credentials.put(&mut options);
        Self {
            options,
            stage: Stage::Greeting,
            decoder: ServerDecoder::default(),
            limits: Limits { payload_bytes_max: MESSAGE_BYTES_MAX, ..Limits::default() },
            input: Vec::new(),
            output: Vec::new(),
            inbox: format!("_INBOX.{unique}."),
            payload_bytes_max: 0,
            held: BTreeMap::new(),
            fences: VecDeque::new(),
            last_ticket: 0,
            drawers: BTreeMap::new(),
            empty_drawers: Vec::new(),
            last_drawer: 0,
            followed: None,
            inbox_refused: None,
        }
    }

    /// Bytes that are to be sent.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Bytes that wait to be taken.
    pub fn output_bytes(&self) -> usize {
        self.output.len()
    }

    /// Whether it waits for anything, or follows a subject.
    pub fn is_busy(&self) -> bool {
        !self.held.is_empty() || self.followed.is_some()
    }

    /// Says a message, and waits for nothing.
    ///
    /// # Errors
    /// It is larger than the server takes.
    pub fn publish(&mut self, message: &Outgoing) -> Result<(), Failure> {
        self.put(message, message.reply.as_deref().map(str::as_bytes))
    }

    fn put(&mut self, message: &Outgoing, reply: Option<&[u8]>) -> Result<(), Failure> {
        self.check_size(message)?;
        let (subject, payload) = (message.subject.as_bytes(), &message.payload[..]);
        if message.headers.is_empty() {
            encode::publish(&mut self.output, subject, reply, payload);
        } else {
            encode::hpublish(&mut self.output, subject, reply, &message.headers, payload);
        }
        Ok(())
    }

    /// Publishes a message, if there is one, and asks whether the server has seen it.
    ///
    /// # Errors
    /// It is larger than the server takes, or too much is asked already.
    pub fn publish_fenced(&mut self, message: Option<&Outgoing>) -> Result<u64, Failure> {
        self.check_room()?;
        if let Some(message) = message {
            self.publish(message)?;
        }
        let subject = message.map_or_else(String::new, |message| message.subject.clone());
        let ticket = self.hold(subject, None);
        self.fences.push_back(ticket);
        encode::ping(&mut self.output);
        Ok(ticket)
    }

    /// Publishes a message whose replies are told.
    ///
    /// # Errors
    /// As [`Self::publish_fenced`], or who asks may not hear answers.
    pub fn ask(&mut self, message: &Outgoing) -> Result<u64, Failure> {
        self.check_room()?;
        if let Some(refused) = &self.inbox_refused {
            return Err(refused.clone());
        }
        let reply = format!("{}{}", self.inbox, self.last_ticket + 1);
        self.put(message, Some(reply.as_bytes()))?;
        Ok(self.hold(message.subject.clone(), None))
    }

    /// The same for messages of a consumer: they come under the subjects that they were published to, so they are known by
    /// a subscription of their own, a drawer.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn pull(&mut self, message: &Outgoing) -> Result<u64, Failure> {
        self.check_room()?;
        self.check_size(message)?;
        let drawer = self.empty_drawers.pop().unwrap_or_else(|| self.add_drawer());
        let ticket = self.hold(message.subject.clone(), Some(drawer));
        self.drawers.insert(drawer, ticket);
        let reply = format!("{}{PULLED}.{drawer}.{ticket}", self.inbox);
        self.put(message, Some(reply.as_bytes()))?;
        Ok(ticket)
    }

    fn add_drawer(&mut self) -> u64 {
        self.last_drawer += 1;
        let inboxes = format!("{}{PULLED}.{}.*", self.inbox, self.last_drawer);
        encode::subscribe(&mut self.output, inboxes.as_bytes(), None, sid_of(self.last_drawer).as_bytes());
        self.last_drawer
    }

    /// Follows a subject.
    pub fn follow(&mut self, subject: &str, queue: Option<&str>) {
        self.followed = Some(subject.to_owned());
        encode::subscribe(&mut self.output, subject.as_bytes(), queue.map(str::as_bytes), FOLLOW_SID);
    }

    /// Nobody wants to hear of that ticket any more.
    pub fn forget(&mut self, ticket: u64) {
        self.remove(ticket);
    }

    /// The same where all has come that ever will, so that its drawer may be the next one's.
    pub fn finish(&mut self, ticket: u64) {
        let drawer = self.held.remove(&ticket).and_then(|held| held.drawer);
        let Some(drawer) = drawer else { return };
        if self.empty_drawers.len() < EMPTY_DRAWERS_MAX {
            self.drawers.remove(&drawer);
            self.empty_drawers.push(drawer);
        } else {
            self.remove_drawer(drawer);
        }
    }

    /// Gives a ticket back, with the drawer that it has for itself. Whether it was held.
    fn remove(&mut self, ticket: u64) -> bool {
        let Some(held) = self.held.remove(&ticket) else { return false };
        if let Some(drawer) = held.drawer {
            self.remove_drawer(drawer);
        }
        true
    }

    fn remove_drawer(&mut self, drawer: u64) {
        self.drawers.remove(&drawer);
        if self.stage != Stage::Over {
            encode::unsubscribe(&mut self.output, sid_of(drawer).as_bytes(), None);
        }
    }

    fn check_size(&self, message: &Outgoing) -> Result<(), Failure> {
        let max = self.payload_bytes_max;
        if message.bytes() > max { Err(Failure::TooLarge(max)) } else { Ok(()) }
    }

    fn check_room(&self) -> Result<(), Failure> {
        match self.stage {
            Stage::Over => Err(Failure::Unavailable("the connection to the server is gone".to_owned())),
            _ if self.held.len() >= TICKETS_MAX => {
                Err(Failure::TooMany(format!("{TICKETS_MAX} requests of this user are under way")))
            }
            _ => Ok(()),
        }
    }

    fn hold(&mut self, subject: String, drawer: Option<u64>) -> u64 {
        self.last_ticket += 1;
        self.held.insert(self.last_ticket, Held { subject, drawer });
        self.last_ticket
    }

    /// Takes what the server sent.
    pub fn on_bytes(&mut self, bytes: &[u8]) -> Vec<Told> {
        let mut told = Vec::new();
        let mut input = std::mem::take(&mut self.input);
        input.extend_from_slice(bytes);
        let mut taken = 0;
        while self.stage != Stage::Over {
            match self.decoder.step(&input[taken..], &self.limits) {
                Ok(Step::Op { used, op }) => {
                    taken += used;
                    self.on_op(op, &mut told);
                }
                Ok(Step::NeedMore { .. }) => break,
                Err(error) => {
                    let words = format!("what the server says is not understood: {error}");
                    self.end(Failure::Unavailable(words), &mut told);
                }
            }
        }
        if self.stage != Stage::Over {
            input.drain(..taken);
            self.input = input;
        }
        told
    }

    /// The server is gone.
    pub fn on_end(&mut self) -> Vec<Told> {
        let mut told = Vec::new();
        self.end(Failure::Unavailable("the connection to the server is gone".to_owned()), &mut told);
        told
    }

    fn on_op(&mut self, op: ServerOp<'_>, told: &mut Vec<Told>) {
        match op {
            ServerOp::Info(text) => self.on_info(text, told),
            ServerOp::Ping => encode::pong(&mut self.output),
            ServerOp::Pong => self.on_pong(told),
            ServerOp::Message(message) if message.sid == FOLLOW_SID => {
                told.push(Told::Message(Received::of(&message)));
            }
            ServerOp::Message(message) => {
                let reply = Received::of(&message);
                let ticket = match drawer_of(message.sid) {
                    None => reply.subject.strip_prefix(&self.inbox).and_then(|number| number.parse().ok()),
                    Some(drawer) => self.whose(drawer, &reply),
                };
                self.on_reply(ticket, reply, told);
            }
            ServerOp::Err(words) => self.on_error(&String::from_utf8_lossy(words), told),
            ServerOp::Ok => {}
        }
    }

    fn on_info(&mut self, text: &[u8], told: &mut Vec<Told>) {
        let Ok(info) = ServerInfo::parse(text) else {
            let words = "the server's INFO is not understood".to_owned();
            return self.end(Failure::Unavailable(words), told);
        };
        self.payload_bytes_max = usize::try_from(info.max_payload).unwrap_or_default();
        if self.stage != Stage::Greeting {
            return;
        }
        if info.tls_required {
            let words = "the server wants TLS, which is not spoken here".to_owned();
            return self.end(Failure::Unavailable(words), told);
        }
        self.stage = Stage::Opening;
        encode::connect(&mut self.output, &self.options);
        let inboxes = format!("{}*", self.inbox);
        encode::subscribe(&mut self.output, inboxes.as_bytes(), None, INBOX_SID);
        encode::ping(&mut self.output);
    }

    fn on_pong(&mut self, told: &mut Vec<Told>) {
        if self.stage == Stage::Opening {
            self.stage = Stage::Open;
            told.push(Told::Open);
            return;
        }
        let Some(ticket) = self.fences.pop_front() else { return };
        if self.remove(ticket) {
            told.push(Told::Fenced(ticket));
        }
    }

    /// The drawer whose subscription is to that subject.
    fn drawer_below(&self, subject: &str) -> Option<u64> {
        let rest = subject.strip_prefix(&self.inbox)?.strip_prefix(PULLED)?.strip_prefix('.')?;
        rest.strip_suffix(".*")?.parse().ok()
    }

    /// Whose is what came into that drawer. What is no message of a stream names the ticket, which may have ended before.
    fn whose(&self, drawer: u64, reply: &Received) -> Option<u64> {
        let ticket = self.drawers.get(&drawer).copied()?;
        let named = reply.subject.strip_prefix(&self.inbox).and_then(|rest| rest.rsplit('.').next());
        named.is_none_or(|named| named.parse() == Ok(ticket)).then_some(ticket)
    }

    fn on_reply(&mut self, ticket: Option<u64>, reply: Received, told: &mut Vec<Told>) {
        let Some(ticket) = ticket.filter(|ticket| self.held.contains_key(ticket)) else { return };
        if reply.status() == Some(503) && reply.payload.is_empty() {
            self.remove(ticket);
            told.push(Told::Failed(ticket, Failure::NoResponders));
        } else {
            told.push(Told::Reply(ticket, reply));
        }
    }

    fn on_error(&mut self, words: &str, told: &mut Vec<Told>) {
        let lower = words.to_ascii_lowercase();
        if lower.starts_with("permissions violation") {
            let subject = words.split('"').nth(1).unwrap_or_default();
            self.on_denied(words, subject, lower.contains("subscription to"), told);
        } else if lower.starts_with("invalid ") {
            // Of a subject, which is checked before, or of a publish that nobody waits for.
        } else {
            let failure = match lower.as_str() {
                said if said.contains("authorization") || said.contains("authentication") => {
                    Failure::Unauthorized(words.to_owned())
                }
                said if said.starts_with("maximum") && said.contains("connections") => {
                    Failure::TooMany(words.to_owned())
                }
                _ => Failure::Unavailable(words.to_owned()),
            };
            self.end(failure, told);
        }
    }

    fn on_denied(&mut self, words: &str, subject: &str, is_subscription: bool, told: &mut Vec<Told>) {
        let denied = || Failure::Denied(words.to_owned());
        if is_subscription {
            if self.followed.as_deref() == Some(subject) {
                told.push(Told::Refused(denied()));
            } else if let Some(drawer) = self.drawer_below(subject) {
                let ticket = self.drawers.get(&drawer).copied();
                let whose = ticket.filter(|ticket| self.remove(*ticket));
                told.extend(whose.map(|ticket| Told::Failed(ticket, denied())));
            } else {
                self.inbox_refused = Some(denied());
            }
            return;
        }
        let of_it: Vec<u64> =
            self.held.iter().filter(|(_, held)| held.subject == subject).map(|(ticket, _)| *ticket).collect();
        for ticket in of_it {
            self.remove(ticket);
            told.push(Told::Failed(ticket, denied()));
        }
    }

    fn end(&mut self, failure: Failure, told: &mut Vec<Told>) {
        if self.stage == Stage::Over {
            return;
        }
        self.stage = Stage::Over;
        self.fences.clear();
        let held = std::mem::take(&mut self.held);
        told.extend(held.into_keys().map(|ticket| Told::Failed(ticket, failure.clone())));
        told.push(Told::Ended(failure));
    }
}

/// The subscription of a drawer.
fn sid_of(drawer: u64) -> String {
    format!("{PULLED}{drawer}")
}

/// The drawer whose subscription that is.
fn drawer_of(sid: &[u8]) -> Option<u64> {
    std::str::from_utf8(sid).ok()?.strip_prefix(PULLED)?.parse().ok()
}

#[cfg(test)]
mod tests;
