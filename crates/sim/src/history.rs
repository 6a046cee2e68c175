//! What the clients did and saw, in the order of the virtual clock.
//!
//! An op of a client counts as *observed* from the moment anyone saw a consequence of it or of
//! something the client did after it: a reply to the client, a message of the new subscription, or
//! somebody's receipt of a message the client published later.

use std::collections::BTreeMap;

use crate::asking::Asking;
use crate::sharing::Sharing;
use crate::users::UserRecord;

/// A point in the run. Every send and every receipt has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(pub u64);

impl Tick {
    /// After everything.
    pub const END: Self = Self(u64::MAX);
}

/// Everything that happened.
#[derive(Debug, Default)]
pub struct History {
    now: u64,
    /// The clients, in the order they connected.
    pub clients: Vec<ClientRecord>,
    /// All subscriptions of all clients.
    pub subs: Vec<SubRecord>,
    /// All messages published; a message's payload names its index here.
    pub messages: Vec<MessageRecord>,
    /// By shard: how many messages of services its service was told are lost.
    pub lost_mail: BTreeMap<u8, u64>,
    /// What the accounts share.
    pub sharing: Sharing,
    /// How they answer what they ask each other.
    pub asking: Asking,
    /// The requests that reply subjects of the server stand for.
    pub tokens: BTreeMap<String, usize>,
    /// Responses that went nowhere, as the shards say.
    pub late_responses: u64,
    /// When the server entered lame duck mode.
    pub lame_duck: Option<Tick>,
    /// What was wrong at first sight, in words.
    pub violations: Vec<String>,
}

/// One client.
#[derive(Debug)]
pub struct ClientRecord {
    /// Where it lives.
    pub shard: u8,
    /// It is a part of the server.
    pub is_service: bool,
    /// Whether it gets its own messages.
    pub echo: bool,
    /// Who it is.
    pub user: UserRecord,
    /// When each of its ops was sent.
    pub sent: Vec<Tick>,
    /// Since when each of its ops is observed.
    pub observed: Vec<Option<Tick>>,
    observed_to: usize,
    /// When the client itself read a reply to each of its ops, or to a later one.
    pub replied: Vec<Option<Tick>>,
    replied_to: usize,
    /// When it hung up.
    pub hung_up: Option<Tick>,
    /// When the server closed the socket.
    pub closed: Option<Tick>,
    /// It did so because it stopped: the client had all that was its before.
    pub let_go: bool,
    /// When it read its first PONG.
    pub first_pong: Option<Tick>,
    /// How often it was told that the server is about to go.
    pub warned: usize,
}

/// One SUB.
#[derive(Debug)]
pub struct SubRecord {
    /// Whose.
    pub client: usize,
    /// The SUB among the ops of the client.
    pub op: usize,
    /// When it was sent.
    pub sent: Tick,
    /// What it listens to.
    pub filter: String,
    /// Its queue group.
    pub queue: Option<String>,
    /// Its name on the wire.
    pub sid: u32,
    /// Every UNSUB with a maximum.
    pub limits: Vec<Limit>,
    /// The UNSUB without, or the further CONNECT that ended it.
    pub unsub: Option<Unsub>,
    /// What it got, in order.
    pub received: Vec<Received>,
}

/// An UNSUB with a maximum.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// The UNSUB among the ops of the client.
    pub op: usize,
    /// The maximum.
    pub max: u64,
    /// When it was sent.
    pub sent: Tick,
}

/// An UNSUB that ends a subscription at once.
#[derive(Debug, Clone, Copy)]
pub struct Unsub {
    /// The UNSUB among the ops of the client.
    pub op: usize,
    /// When it was sent.
    pub sent: Tick,
}

/// A delivery.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// Index of the message.
    pub message: usize,
    /// When the client read it.
    pub at: Tick,
}

/// One PUB.
#[derive(Debug)]
pub struct MessageRecord {
    /// Whose.
    pub client: usize,
    /// The PUB among the ops of the client.
    pub op: usize,
    /// Where to.
    pub subject: String,
    /// The subject that those who get it are shown, if it is another.
    pub other_subject: Option<String>,
    /// When it was sent.
    pub sent: Tick,
    /// Whether the client is to get a 503 if nobody takes it.
    pub wants_answer: bool,
    /// When the 503 came.
    pub answered: Option<Tick>,
    /// Bytes of payload.
    pub len: usize,
    /// The request that it responds to, across a border.
    pub answers: Option<usize>,
}

impl History {
    pub(crate) fn new(sharing: Sharing, asking: Asking) -> Self {
        Self { sharing, asking, ..Self::default() }
    }

    /// The next moment.
    pub(crate) fn tick(&mut self) -> Tick {
        self.now += 1;
        Tick(self.now)
    }

    pub(crate) fn add_client(&mut self, shard: u8, echo: bool, user: UserRecord) -> usize {
        self.clients.push(ClientRecord {
            shard,
            is_service: false,
            echo,
            user,
            sent: Vec::new(),
            observed: Vec::new(),
            observed_to: 0,
            replied: Vec::new(),
            replied_to: 0,
            hung_up: None,
            closed: None,
            let_go: false,
            first_pong: None,
            warned: 0,
        });
        self.clients.len() - 1
    }

    /// The same for a part of the server.
    pub(crate) fn add_service(&mut self, shard: u8, user: UserRecord) -> usize {
        let client = self.add_client(shard, true, user);
        self.clients[client].is_service = true;
        client
    }

    /// Numbers the client's next op, which it sends now.
    pub(crate) fn next_op(&mut self, client: usize) -> usize {
        let record = &mut self.clients[client];
        record.sent.push(Tick(self.now));
        record.observed.push(None);
        record.replied.push(None);
        record.observed.len() - 1
    }

    /// All ops of the client before `end` can be seen to be done.
    pub(crate) fn observe(&mut self, client: usize, end: usize, at: Tick) {
        let record = &mut self.clients[client];
        while record.observed_to < end {
            record.observed[record.observed_to] = Some(at);
            record.observed_to += 1;
        }
    }

    /// The client read that all its ops before `end` are done.
    pub(crate) fn reply(&mut self, client: usize, end: usize, at: Tick) {
        self.observe(client, end, at);
        let record = &mut self.clients[client];
        while record.replied_to < end {
            record.replied[record.replied_to] = Some(at);
            record.replied_to += 1;
        }
    }

    /// The subject that a client sees of a message, if it is in an account that has it. Behind it, whether that is an
    /// import.
    pub(crate) fn seen(&self, client: usize, message: &MessageRecord) -> Option<(String, bool)> {
        let account = |client: usize| self.clients[client].user.account;
        let (from, to) = (account(message.client), account(client));
        if let Some(request) = message.answers {
            let is_asker = account(self.messages[request].client) == to;
            return is_asker.then(|| (self.reply_to(request), false));
        }
        if let Some(subject) = self.asking.asked(from, to, &message.subject) {
            return Some((subject, false));
        }
        self.sharing.seen(from, to, &message.subject).map(|subject| (subject, from != to))
    }

    /// Where the requester wants the response to a request.
    pub(crate) fn reply_to(&self, request: usize) -> String {
        format!("inbox.{}.{request}", self.messages[request].client)
    }

    /// The account in which a message is published for those of a client's account: queue groups are of one.
    pub(crate) fn space(&self, client: usize, message: &MessageRecord) -> usize {
        let account = |client: usize| self.clients[client].user.account;
        let (from, to) = (account(message.client), account(client));
        if self.asking.asked(from, to, &message.subject).is_some() { to } else { from }
    }

    /// Notes which request a reply subject stands for, if that is one of the server's.
    pub(crate) fn note_reply(&mut self, reply: Option<&[u8]>, request: usize) {
        if let Some(reply) = reply.filter(|reply| reply.starts_with(b"_R_.")) {
            self.tokens.insert(String::from_utf8_lossy(reply).into_owned(), request);
        }
    }

    /// How many messages a subscription got that count towards its maximum.
    pub(crate) fn counted<'h>(&'h self, sub: &'h SubRecord) -> impl Iterator<Item = &'h Received> {
        let is_imported = |received: &&Received| {
            self.seen(sub.client, &self.messages[received.message]).is_some_and(|(_, imported)| imported)
        };
        sub.received.iter().filter(move |received| !is_imported(received))
    }

    /// Since when the op is observed.
    pub(crate) fn observed(&self, client: usize, op: usize) -> Option<Tick> {
        self.clients[client].observed[op]
    }

    pub(crate) fn wrong(&mut self, text: String) {
        self.violations.push(text);
    }
}
