//! Headers that ask for a message to be traced.

use memchr::memmem::Finder;

pub(crate) const DESTINATION: &[u8] = b"Nats-Trace-Dest";
const ONLY: &[u8] = b"Nats-Trace-Only";

/// By which way a server has sent it.
const HOP: &[u8] = b"Nats-Trace-Hop";

/// How what is told may be packed.
const ACCEPTS: &[u8] = b"Accept-Encoding";

/// What other systems trace by, in any case.
const PARENT: &[u8] = b"traceparent";

/// What servers of long ago put in: such messages are not traced.
pub(crate) const ORIGIN_ACCOUNT: &[u8] = b"Nats-Trace-Origin-Account";

/// A destination that says not to trace. It is no subject.
pub(crate) const DISABLED: &[u8] = b"trace disabled";

/// Finds header blocks that may ask for a trace.
#[derive(Debug)]
pub(crate) struct TraceRequests {
    destination: Finder<'static>,
    /// Accounts have messages traced by the rules of other systems.
    pub(crate) heed_parents: bool,
}

impl Default for TraceRequests {
    fn default() -> Self {
        Self { destination: Finder::new(DESTINATION), heed_parents: false }
    }
}

impl TraceRequests {
    /// Whether the block may ask for one. Most have no capital D where that of the name would be, which takes
    /// a few instructions to see; only the others are searched for the name.
    #[inline(always)]
    pub(crate) fn may_be_in(&self, headers: &[u8]) -> bool {
        const FIRST_D: usize = b"NATS/1.0\r\nNats-Trace-".len();
        let rest = headers.get(FIRST_D..).unwrap_or_default();
        // Behind the D there is more than a word: the rest of the name, a value and line ends.
        let Some(last) = rest.last_chunk() else { return self.heed_parents && has_parent(headers) };
        let marks =
            rest.as_chunks().0.iter().fold(marks_of_d(*last), |marks, word| marks | marks_of_d(*word));
        (marks != 0 && self.is_named_in(headers)) || (self.heed_parents && has_parent(headers))
    }

    #[cold]
    fn is_named_in(&self, headers: &[u8]) -> bool {
        self.destination.find(headers).is_some()
    }
}

/// Not zero if a `D` is among the bytes; seldom if there is none.
#[inline(always)]
fn marks_of_d(word: [u8; 8]) -> u64 {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    let zero_at_d = u64::from_le_bytes(word) ^ (EACH * b'D' as u64);
    zero_at_d.wrapping_sub(EACH) & !zero_at_d & (EACH << 7)
}

/// Whether a field may be the one that other systems trace by.
#[cold]
fn has_parent(headers: &[u8]) -> bool {
    memchr::memchr2_iter(b't', b'T', headers)
        .any(|at| headers[at..].get(..PARENT.len()).is_some_and(|name| name.eq_ignore_ascii_case(PARENT)))
}

/// What headers ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TraceRequest<'a> {
    /// Where to tell; `None` is where the account says.
    pub(crate) destination: Option<&'a [u8]>,
    /// Nobody is to get the message.
    pub(crate) only: bool,
    pub(crate) origin_account: Option<&'a [u8]>,
    /// By which way a server has sent it; empty if none says.
    pub(crate) hop: &'a [u8],
    /// How what is told may be packed; empty if nothing is said.
    pub(crate) accepts: &'a [u8],
}

impl<'a> TraceRequest<'a> {
    /// Reads a header block as nats-server does here: names are what lies between a line's end and a colon,
    /// in their own case, and of several fields of a name the first that is not empty counts. What asks by the rules of
    /// other systems counts if it is `by_rule` of the account.
    pub(crate) fn read(headers: &'a [u8], by_rule: bool) -> Option<Self> {
        let mut rest = headers.strip_prefix(b"NATS/1.0\r\n")?;
        let [mut destination, mut only, mut origin_account, mut hop, mut accepts] = [None; 5];
        let mut has_parent = false;
        while let Some((name, value, behind)) = next_field(rest) {
            rest = behind;
            let slot = match name {
                DESTINATION => &mut destination,
                ONLY => &mut only,
                ORIGIN_ACCOUNT => &mut origin_account,
                HOP => &mut hop,
                ACCEPTS => &mut accepts,
                _ => {
                    has_parent |= by_rule && name.eq_ignore_ascii_case(PARENT) && is_sampled(value);
                    continue;
                }
            };
            if !value.is_empty() && slot.is_none() {
                *slot = Some(value);
            }
        }
        if destination == Some(DISABLED) || (destination.is_none() && !has_parent) {
            return None;
        }
        let yes =
            |value: &[u8]| [&b"1"[..], b"true", b"on"].iter().any(|yes| value.eq_ignore_ascii_case(yes));
        Some(Self {
            destination,
            only: destination.is_some() && only.is_some_and(yes),
            origin_account,
            hop: hop.unwrap_or_default(),
            accepts: accepts.unwrap_or_default(),
        })
    }
}

/// Whether what other systems trace by says that this one is traced: the last of its four parts is a hexadecimal number
/// of two digits, an odd one. As in nats-server it is signed, so that from 80 on it is none.
pub(crate) fn is_sampled(parent: &[u8]) -> bool {
    let mut parts = parent.split(|byte| *byte == b'-').skip(3);
    let (Some(flags @ [_, _]), None) = (parts.next(), parts.next()) else { return false };
    let number = str::from_utf8(flags).ok().and_then(|flags| i8::from_str_radix(flags, 16).ok());
    number.is_some_and(|number| number & 1 == 1)
}

/// The name and the value at the front, and what follows.
pub(crate) fn next_field(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let colon = memchr::memchr(b':', text)?;
    let (name, value) = (&text[..colon], &text[colon + 1..]);
    let end = memchr::memmem::find(value, b"\r\n")?;
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let behind = &value[end + 2..];
    let value = &value[..end];
    let start = value.iter().take_while(|byte| is_blank(byte)).count();
    let blanks = value[start..].iter().rev().take_while(|byte| is_blank(byte)).count();
    Some((name, &value[start..value.len() - blanks], behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the fields ask for: where to, and whether nobody is to get the message.
    fn read(fields: &str) -> Option<(String, bool)> {
        let block = format!("NATS/1.0\r\n{fields}\r\n");
        let request = TraceRequest::read(block.as_bytes(), false)?;
        assert!(TraceRequests::default().may_be_in(block.as_bytes()));
        Some((String::from_utf8(request.destination?.to_vec()).unwrap(), request.only))
    }

    /// As nats-server 2.14.5 took them.
    #[test]
    fn what_other_systems_trace_by_counts_where_the_account_says_so() {
        let requests = TraceRequests { heed_parents: true, ..TraceRequests::default() };
        for (parent, counts) in [
            ("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
            ("TraceParent:a-b-c-03", true),
            ("traceparent: 00-a-b-00", false),
            ("traceparent: 00-a-b-1", false),
            ("traceparent: 00-a-b-81", false),
            ("traceparent: 00-a-b-01-x", false),
            ("traceparents: 00-a-b-01", false),
        ] {
            let block = format!("NATS/1.0\r\n{parent}\r\nNats-Trace-Only: true\r\n\r\n");
            let found = TraceRequest::read(block.as_bytes(), true);
            let expected = counts.then(TraceRequest::default);
            assert_eq!(found, expected, "{parent}");
            assert_eq!(TraceRequest::read(block.as_bytes(), false), None);
            assert!(requests.may_be_in(block.as_bytes()));
            let alone = format!("NATS/1.0\r\n{parent}\r\n\r\n");
            assert!(!TraceRequests::default().may_be_in(alone.as_bytes()));
        }
        assert!(!requests.may_be_in(b"NATS/1.0\r\nTrace: x\r\n\r\n"));
    }

    /// As nats-server 2.14.5 took them.
    #[test]
    fn headers_ask_for_a_trace_as_the_peer_reads_them() {
        let to = |only| Some(("x".to_owned(), only));
        for (fields, expected) in [
            ("A: b\r\n", None),
            ("Nats-Trace-Only: true\r\n", None),
            ("Nats-Trace-Dest: x\r\n", to(false)),
            ("Nats-Trace-Dest:x\r\nNats-Trace-Only: true\r\n", to(true)),
            ("Nats-Trace-Only: \t TRUE \r\nA: b\r\nNats-Trace-Dest: x \r\n", to(true)),
            ("Nats-Trace-Dest: x\r\nNats-Trace-Only: 1\r\n", to(true)),
            ("Nats-Trace-Dest: x\r\nNats-Trace-Only: On\r\n", to(true)),
            ("Nats-Trace-Dest: x\r\nNats-Trace-Only: yes\r\n", to(false)),
            ("Nats-Trace-Dest: x\r\nNats-Trace-Only: true,x\r\n", to(false)),
            ("Nats-Trace-Dest: x\r\nNats-Trace-Only: false\r\nNats-Trace-Only: true\r\n", to(false)),
            ("Nats-Trace-Dest: x\r\nNats-Trace-Only:\r\nNats-Trace-Only: true\r\n", to(true)),
            ("Nats-Trace-Dest: x\r\nnats-trace-only: true\r\n", to(false)),
            ("nats-trace-dest: x\r\nNats-Trace-Only: true\r\n", None),
            ("Nats-Trace-Dest : x\r\n", None),
            ("Nats-Trace-Dest-X: x\r\n", None),
            ("X-Nats-Trace-Dest: x\r\n", None),
            ("Nats-Trace-Dest: \r\n", None),
            ("A: Nats-Trace-Dest: x\r\n", None),
            ("junk\r\nNats-Trace-Dest: x\r\n", None),
            ("Nats-Trace-Dest: trace disabled\r\nNats-Trace-Dest: x\r\n", None),
            ("Nats-Trace-Dest: x\r\nNats-Trace-Dest: trace disabled\r\n", to(false)),
            ("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n", None),
        ] {
            assert_eq!(read(fields), expected, "{fields:?}");
        }
    }

    /// Wherever the name stands, it is found; and a look is mostly enough to see that it is not there.
    #[test]
    fn the_name_is_found_at_any_place() {
        let requests = TraceRequests::default();
        for before in 0..40 {
            for after in 0..40 {
                let fields = format!(
                    "A{}: b\r\nNats-Trace-Dest:x\r\nB{}: c\r\n",
                    "a".repeat(before),
                    "b".repeat(after)
                );
                let block = |fields: &str| format!("NATS/1.0\r\n{fields}\r\n");
                assert!(requests.may_be_in(block(&fields).as_bytes()), "{fields:?}");
                let other = fields.replace("Nats-Trace-Dest", "Nats-Msg-Id");
                assert!(!requests.may_be_in(block(&other).as_bytes()), "{other:?}");
            }
        }
        assert!(requests.may_be_in(b"NATS/1.0\r\nNats-Trace-Dest:x\r\n"));
        assert_eq!(marks_of_d(*b"NCEdatE:"), 0);
        assert_ne!(marks_of_d(*b"ABCabcD:"), 0);
    }

    #[test]
    fn a_block_that_is_none_asks_for_nothing() {
        for block in [
            &b""[..],
            b"NATS/1.0",
            b"XATS/1.0\r\nNats-Trace-Dest: x\r\n\r\n",
            b"NATS/1.0 503\r\nNats-Trace-Dest: x\r\n\r\n",
            b"NATS/1.0\nNats-Trace-Dest: x\r\n\r\n",
            b"NATS/1.0\r\nNats-Trace-Dest: x",
        ] {
            assert_eq!(TraceRequest::read(block, true), None, "{}", block.escape_ascii());
        }
        let cut =
            TraceRequest::read(b"NATS/1.0\r\nNats-Trace-Dest: x\r\nNats-Trace-Only: true", true).unwrap();
        assert!(!cut.only);
    }
}
