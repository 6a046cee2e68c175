//! Recognising a verb from its first bytes, as early as the bytes allow.

use crate::ProtoError;

/// Every verb of the two directions.
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
        }
    }

    /// Whether a blank must follow at once. `CONNECT{}` and `INFO{}` are understood without; after
    /// PING, PONG and +OK anything goes.
    const fn wants_blank(self) -> bool {
        matches!(self, Self::Pub | Self::Hpub | Self::Sub | Self::Unsub | Self::Msg | Self::Hmsg | Self::Err)
    }
}

/// The verb at the front of `input` and nothing but what a client may send.
#[inline]
pub(crate) fn client_verb(input: &[u8]) -> Result<Option<Verb>, ProtoError> {
    let Some(first) = input.first() else {
        return Ok(None);
    };
    let verb = match first.to_ascii_lowercase() {
        b'p' => match input.get(1).map(u8::to_ascii_lowercase) {
            None => return Ok(None),
            Some(b'u') => Verb::Pub,
            Some(b'i') => Verb::Ping,
            Some(b'o') => Verb::Pong,
            Some(_) => return Err(ProtoError::UnknownOperation),
        },
        b'h' => Verb::Hpub,
        b's' => Verb::Sub,
        b'u' => Verb::Unsub,
        b'c' => Verb::Connect,
        b'i' => Verb::Info,
        b'+' => Verb::Ok,
        b'-' => Verb::Err,
        _ => return Err(ProtoError::UnknownOperation),
    };
    confirm(verb, input)
}

/// The verb at the front of `input` and nothing but what a server may send.
#[inline]
pub(crate) fn server_verb(input: &[u8]) -> Result<Option<Verb>, ProtoError> {
    let Some(first) = input.first() else {
        return Ok(None);
    };
    let verb = match first.to_ascii_lowercase() {
        b'm' => Verb::Msg,
        b'h' => Verb::Hmsg,
        b'p' => match input.get(1).map(u8::to_ascii_lowercase) {
            None => return Ok(None),
            Some(b'i') => Verb::Ping,
            Some(b'o') => Verb::Pong,
            Some(_) => return Err(ProtoError::UnknownOperation),
        },
        b'i' => Verb::Info,
        b'+' => Verb::Ok,
        b'-' => Verb::Err,
        _ => return Err(ProtoError::UnknownOperation),
    };
    confirm(verb, input)
}

/// The first bytes left only one candidate: holds every further byte against it.
#[inline(always)]
fn confirm(verb: Verb, input: &[u8]) -> Result<Option<Verb>, ProtoError> {
    let word = verb.word().as_bytes();
    let have = input.len().min(word.len());
    if !input[..have].eq_ignore_ascii_case(&word[..have]) {
        return Err(ProtoError::UnknownOperation);
    }
    if have < word.len() {
        return Ok(None);
    }
    match input.get(have) {
        None => Ok(None),
        Some(b' ' | b'\t') => Ok(Some(verb)),
        Some(_) if verb.wants_blank() => Err(ProtoError::UnknownOperation),
        Some(_) => Ok(Some(verb)),
    }
}
