//! Who responded, as one shard tells another.

use std::time::Duration;

use conns::Time;

const HEAD_BYTES: usize = 16;

/// Who responded to a request that is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Responder {
    /// Who it is, as JSON.
    pub(super) info: Box<[u8]>,
    /// How long it takes to answer a PING.
    pub(super) rtt: Duration,
    /// When its response came to this server.
    pub(super) at: Time,
}

impl Responder {
    /// It, and what it said behind it.
    pub(crate) fn before(&self, body: &[u8]) -> Vec<u8> {
        let rtt = u64::try_from(self.rtt.as_nanos()).unwrap_or(u64::MAX);
        [&rtt.to_le_bytes()[..], &self.at.0.to_le_bytes(), &self.info, body].concat()
    }

    /// How many bytes it takes.
    pub(crate) fn len(&self) -> usize {
        HEAD_BYTES + self.info.len()
    }

    /// Parts it from what it said, where it takes so many bytes.
    pub(crate) fn split(text: &[u8], len: usize) -> (Option<Self>, &[u8]) {
        let Some((head, body)) = text.split_at_checked(len) else { return (None, text) };
        let Some((numbers, info)) = head.split_at_checked(HEAD_BYTES) else { return (None, text) };
        let number = |at: usize| numbers[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
        let (rtt, at) = (Duration::from_nanos(number(0)), Time(number(8)));
        (Some(Self { info: info.into(), rtt, at }), body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_parted_from_what_it_said() {
        let (info, rtt) = (Box::from(&b"{}"[..]), Duration::from_nanos(7));
        let responder = Responder { info, rtt, at: Time(9) };
        let text = responder.before(b"said");
        assert_eq!(Responder::split(&text, responder.len()), (Some(responder), &b"said"[..]));
        assert_eq!(Responder::split(b"said", 0), (None, &b"said"[..]));
        assert_eq!(Responder::split(b"said", 9), (None, &b"said"[..]));
    }
}
