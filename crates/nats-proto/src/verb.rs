//! Recognising a verb from its first bytes, as early as the bytes allow.

use crate::ProtoError;

/// Every verb of the two directions, and those between servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Pub,
    Hpub,
    Sub,
    Unsub,
    Connect,
    Msg,
    Hmsg,
    Info,
    Ping,
    Pong,
    Ok,
    Err,
    RsPlus,
    RsMinus,
    LsPlus,
    LsMinus,
    Rmsg,
    Lmsg,
    APlus,
    AMinus,
}

impl Verb {
    /// As written on the wire.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Pub => "PUB",
            Self::Hpub => "HPUB",
            Self::Sub => "SUB",
            Self::Unsub => "UNSUB",
            Self::Connect => "CONNECT",
            Self::Msg => "MSG",
            Self::Hmsg => "HMSG",
            Self::Info => "INFO",
            Self::Ping => "PING",
            Self::Pong => "PONG",
            Self::Ok => "+OK",
            Self::Err => "-ERR",
            Self::RsPlus => "RS+",
            Self::RsMinus => "RS-",
            Self::LsPlus => "LS+",
            Self::LsMinus => "LS-",
            Self::Rmsg => "RMSG",
            Self::Lmsg => "LMSG",
            Self::APlus => "A+",
            Self::AMinus => "A-",
        }
    }

    /// Whether a blank must follow at once. `CONNECT{}` and `INFO{}` are understood without; after
    /// PING, PONG and +OK anything goes.
    const fn wants_blank(self) -> bool {
        !matches!(self, Self::Connect | Self::Info | Self::Ping | Self::Pong | Self::Ok)
    }
}

/// The verb at the front of `input`, of those a client may send. `None` while the bytes do not tell.
#[inline(always)]
pub(crate) fn client_verb(input: &[u8]) -> Result<Option<Verb>, ProtoError> {
    let Some(first) = input.first() else { return Ok(None) };
    match first.to_ascii_lowercase() {
        b'p' => match input.get(1).map(u8::to_ascii_lowercase) {
            Some(b'u') => confirm(Verb::Pub, b"PUB", input),
            _ => ping_or_pong(input),
        },
        b'h' => confirm(Verb::Hpub, b"HPUB", input),
        b's' => confirm(Verb::Sub, b"SUB", input),
        b'u' => confirm(Verb::Unsub, b"UNSUB", input),
        b'c' => confirm(Verb::Connect, b"CONNECT", input),
        b'i' => confirm(Verb::Info, b"INFO", input),
        b'+' => confirm(Verb::Ok, b"+OK", input),
        b'-' => confirm(Verb::Err, b"-ERR", input),
        _ => Err(ProtoError::UnknownOperation),
    }
}

/// The verb at the front of `input`, of those a server may send. `None` while the bytes do not tell.
#[inline(always)]
pub(crate) fn server_verb(input: &[u8]) -> Result<Option<Verb>, ProtoError> {
    let Some(first) = input.first() else { return Ok(None) };
    match first.to_ascii_lowercase() {
        b'm' => confirm(Verb::Msg, b"MSG", input),
        b'h' => confirm(Verb::Hmsg, b"HMSG", input),
        b'p' => ping_or_pong(input),
        b'i' => confirm(Verb::Info, b"INFO", input),
        b'+' => confirm(Verb::Ok, b"+OK", input),
        b'-' => confirm(Verb::Err, b"-ERR", input),
        _ => Err(ProtoError::UnknownOperation),
    }
}

/// The verb at the front of `input`, of those a server may send to another one. `None` while the bytes do not tell.
#[inline]
pub(crate) fn peer_verb(input: &[u8]) -> Result<Option<Verb>, ProtoError> {
    let Some(first) = input.first() else { return Ok(None) };
    match first.to_ascii_lowercase() {
        b'r' => match input.get(2) {
            None => interest_or_message(input),
            Some(b'+') => confirm(Verb::RsPlus, b"RS+", input),
            Some(b'-') => confirm(Verb::RsMinus, b"RS-", input),
            Some(_) => confirm(Verb::Rmsg, b"RMSG", input),
        },
        b'l' => match input.get(2) {
            None => interest_or_message(input),
            Some(b'+') => confirm(Verb::LsPlus, b"LS+", input),
            Some(b'-') => confirm(Verb::LsMinus, b"LS-", input),
            Some(_) => confirm(Verb::Lmsg, b"LMSG", input),
        },
        b'h' => confirm(Verb::Hmsg, b"HMSG", input),
        b'p' => ping_or_pong(input),
        b's' => confirm(Verb::Sub, b"SUB", input),
        b'u' => confirm(Verb::Unsub, b"UNSUB", input),
        b'c' => confirm(Verb::Connect, b"CONNECT", input),
        b'i' => confirm(Verb::Info, b"INFO", input),
        b'a' if input.get(1) == Some(&b'-') => confirm(Verb::AMinus, b"A-", input),
        b'a' => confirm(Verb::APlus, b"A+", input),
        b'+' => confirm(Verb::Ok, b"+OK", input),
        b'-' => confirm(Verb::Err, b"-ERR", input),
        _ => Err(ProtoError::UnknownOperation),
    }
}

/// The second byte may be that of either; the third tells.
#[cold]
fn interest_or_message(input: &[u8]) -> Result<Option<Verb>, ProtoError> {
    match input.get(1) {
        None | Some(b's' | b'S' | b'm' | b'M') => Ok(None),
        Some(_) => Err(ProtoError::UnknownOperation),
    }
}

#[inline(always)]
fn ping_or_pong(input: &[u8]) -> Result<Option<Verb>, ProtoError> {
    match input.get(1).map(u8::to_ascii_lowercase) {
        None => Ok(None),
        Some(b'i') => confirm(Verb::Ping, b"PING", input),
        Some(b'o') => confirm(Verb::Pong, b"PONG", input),
        Some(_) => Err(ProtoError::UnknownOperation),
    }
}

/// The first bytes left only one candidate: holds the whole of it against the input. Its length
/// being known here makes that a few compares.
#[inline(always)]
fn confirm<const N: usize>(verb: Verb, word: &[u8; N], input: &[u8]) -> Result<Option<Verb>, ProtoError> {
    let Some((front, rest)) = input.split_first_chunk::<N>() else {
        return unfinished(word, input);
    };
    if !front.eq_ignore_ascii_case(word) {
        return Err(ProtoError::UnknownOperation);
    }
    match rest.first() {
        None => Ok(None),
        Some(b' ' | b'\t') => Ok(Some(verb)),
        Some(_) if verb.wants_blank() => Err(ProtoError::UnknownOperation),
        Some(_) => Ok(Some(verb)),
    }
}

/// A verb that is not all there is refused at its first wrong byte.
#[cold]
fn unfinished(word: &[u8], input: &[u8]) -> Result<Option<Verb>, ProtoError> {
    if word[..input.len()].eq_ignore_ascii_case(input) { Ok(None) } else { Err(ProtoError::UnknownOperation) }
}
