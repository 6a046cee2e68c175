//! The ops of both directions, borrowing from the input they were read from.

/// One op of a client, as a server reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientOp<'a> {
    /// `CONNECT`: the JSON text, not yet looked at. Empty for a bare `CONNECT`.
    Connect(&'a [u8]),
    /// `PUB` or `HPUB`.
    Publish(Publish<'a>),
    /// `SUB`.
    Subscribe(Subscribe<'a>),
    /// `UNSUB`.
    Unsubscribe(Unsubscribe<'a>),
    /// `PING`.
    Ping,
    /// `PONG`.
    Pong,
    /// `+OK`, which servers ignore.
    Ok,
    /// `-ERR`: the text as it was written, quotes included. Servers log it and close.
    Err(&'a [u8]),
    /// `INFO`: the JSON text. Servers refuse malformed JSON and ignore the rest.
    Info(&'a [u8]),
}

/// One op of a server, as a client reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerOp<'a> {
    /// `INFO`: the JSON text, for [`ServerInfo::parse`](crate::ServerInfo::parse).
    Info(&'a [u8]),
    /// `MSG` or `HMSG`.
    Message(Message<'a>),
    /// `PING`.
    Ping,
    /// `PONG`.
    Pong,
    /// `+OK`.
    Ok,
    /// `-ERR`: the text without quotes.
    Err(&'a [u8]),
}

/// The header length of an `HPUB` or `HMSG`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderLen<'a> {
    /// Length of the header block in bytes; never more than the whole body.
    pub bytes: usize,
    /// The same as it was written on the wire.
    pub text: &'a [u8],
}

/// A client's `PUB` or `HPUB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Where to, not validated.
    pub subject: &'a [u8],
    /// Where an answer shall go.
    pub reply: Option<&'a [u8]>,
    /// Set for `HPUB`.
    pub header: Option<HeaderLen<'a>>,
    /// The length of `body` as the client wrote it; nats-server passes leading zeros on to
    /// subscribers.
    pub size_text: &'a [u8],
    /// Headers, then payload, without the final CR LF.
    pub body: &'a [u8],
}

impl<'a> Publish<'a> {
    /// The header block; empty for `PUB`.
    pub fn headers(&self) -> &'a [u8] {
        split_body(self.header, self.body).0
    }

    /// What follows the headers.
    pub fn payload(&self) -> &'a [u8] {
        split_body(self.header, self.body).1
    }
}

/// A client's `SUB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// What to listen to, wildcards included, not validated.
    pub subject: &'a [u8],
    /// The queue group to join.
    pub queue: Option<&'a [u8]>,
    /// The client's own name for the subscription; any bytes without blanks.
    pub sid: &'a [u8],
}

/// A client's `UNSUB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// Which subscription.
    pub sid: &'a [u8],
    /// Remove it after this many deliveries in all (1 to 999,999,999). `None` means now, which is
    /// also how nats-server reads `0` and anything that is no number.
    pub max: Option<u64>,
    /// What stands behind the sid, as it was written.
    pub max_text: Option<&'a [u8]>,
}

/// A server's `MSG` or `HMSG`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The subject it was published to.
    pub subject: &'a [u8],
    /// Which of the client's subscriptions it is for.
    pub sid: &'a [u8],
    /// Where an answer shall go.
    pub reply: Option<&'a [u8]>,
    /// Set for `HMSG`.
    pub header: Option<HeaderLen<'a>>,
    /// Headers, then payload, without the final CR LF.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The header block; empty for `MSG`.
    pub fn headers(&self) -> &'a [u8] {
        split_body(self.header, self.body).0
    }

    /// What follows the headers.
    pub fn payload(&self) -> &'a [u8] {
        split_body(self.header, self.body).1
    }
}

/// Decoders never yield a header longer than its body; a hand-made op may, and must not panic.
pub(crate) fn split_body<'a>(header: Option<HeaderLen<'_>>, body: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let at = header.map_or(0, |header| header.bytes.min(body.len()));
    body.split_at(at)
}
