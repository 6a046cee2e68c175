//! What was noted, as it is told.

use std::borrow::Cow;
use std::collections::BTreeMap;

use conns::ConnId;
use monitor::{Moment, TRACED_CLIENT, TRACED_LEAF, TRACED_ROUTE, TraceStep, compact};

use super::{HEADERS_BYTES_MAX, Journey, Note, add_events};
use crate::broker::Broker;
use crate::subscription::SubKey;
use crate::trace_request::next_field;

/// What a message came by.
pub(super) struct Arrival<'a> {
    pub(super) kind: u8,
    pub(super) cid: u64,
    pub(super) name: &'a str,
    pub(super) account: usize,
    pub(super) subject: &'a [u8],
}

impl Broker {
    /// How a message came here.
    pub(super) fn write_arrival(&self, arrival: &Arrival<'_>, error: &str) -> Vec<u8> {
        let Arrival { kind, cid, name, account, subject } = *arrival;
        let (acc, subj) = (&**self.config.settings.directory.account(account).name(), text(subject));
        compact(&TraceStep::Ingress { ts: self.moment(), kind, cid, name, acc, subj: &subj, error })
    }

    /// What was noted on this shard of a message of that account, which is in hand yet.
    pub(super) fn write_notes(&self, journey: &Journey) -> Vec<u8> {
        let mut events = Vec::new();
        for note in &journey.notes {
            add_events(&mut events, &self.write_note(journey, note));
        }
        events
    }

    fn write_note(&self, journey: &Journey, note: &Note) -> Vec<u8> {
        let ts = self.moment();
        let name = |account: usize| &**self.config.settings.directory.account(account).name();
        match note {
            Note::Mapped { to } => compact(&TraceStep::Mapped { ts, to: &text(to) }),
            Note::StreamExport { account, to } => {
                compact(&TraceStep::StreamExport { ts, acc: name(*account), to: &text(to) })
            }
            Note::ServiceImport { account, from, to } => {
                let (acc, from, to) = (name(*account), &text(from), &text(to));
                compact(&TraceStep::ServiceImport { ts, acc, from, to })
            }
            Note::Given { to, by, error } => self.write_given(journey, *to, *by, error),
            Note::Sent { to, leaf_of, server, hop, error } => {
                let cid = self.egress.clients.peek(*to).map_or(0, |client| client.cid);
                let kind = if leaf_of.is_some() { TRACED_LEAF } else { TRACED_ROUTE };
                let acc = leaf_of.filter(|account| journey.home != Some(*account)).map_or("", name);
                let (name, hop, sub, queue) = (&**server, &**hop, "", "");
                compact(&TraceStep::Egress { ts, kind, cid, name, hop, acc, sub, queue, error })
            }
        }
    }

    fn write_given(&self, journey: &Journey, to: ConnId, by: SubKey, error: &str) -> Vec<u8> {
        let (ts, kind) = (self.moment(), TRACED_CLIENT);
        let Some(client) = self.egress.clients.peek(to) else { return Vec::new() };
        let name = client.record.introduction().name;
        let is_home = journey.home == Some(client.account);
        let acc = if is_home { "" } else { &**self.config.settings.directory.account(client.account).name() };
        let by = self.egress.subs.at(by);
        let mut filter = Vec::new();
        self.spaces[by.account()].local.filter(by.filter, &mut filter);
        let (sub, queue) = (&text(&filter), &text(by.queue().unwrap_or_default()));
        compact(&TraceStep::Egress { ts, kind, cid: client.cid, name, hop: "", acc, sub, queue, error })
    }

    fn moment(&self) -> Moment {
        let now = self.now().0;
        self.wall_clock.map(|clock| clock.moment(now)).unwrap_or_default()
    }
}

/// A message as it came, by its headers and how long it is.
pub(super) fn write_request(headers: &[u8], len: usize) -> Vec<u8> {
    let mut fields: BTreeMap<Cow<'_, str>, Vec<Cow<'_, str>>> = BTreeMap::new();
    let mut rest = headers.split_at_checked(b"NATS/1.0\r\n".len()).map_or(&[][..], |(_, rest)| rest);
    let mut bytes = 0;
    while let Some((name, value, behind)) = next_field(rest) {
        rest = behind;
        bytes += name.len() + value.len();
        if bytes > HEADERS_BYTES_MAX {
            break;
        }
        if !(name.is_empty() || value.is_empty()) {
            fields.entry(text(name)).or_default().push(text(value));
        }
    }
    let mut request = b"{\"header\":".to_vec();
    request.extend_from_slice(&compact(&fields));
    request.extend_from_slice(format!(",\"msgsize\":{len}}}").as_bytes());
    request
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_told_by_name_and_each_value() {
        let request = write_request(b"NATS/1.0\r\nX: y\r\nEmpty:\r\nA: <b>\r\nX: z\r\n\r\n", 71);
        let expected = r#"{"header":{"A":["\u003cb\u003e"],"X":["y","z"]},"msgsize":71}"#;
        assert_eq!(String::from_utf8(request).unwrap(), expected);
        let long = format!("NATS/1.0\r\nA: b\r\nB: {}\r\n\r\n", "x".repeat(HEADERS_BYTES_MAX));
        assert_eq!(write_request(long.as_bytes(), 1), br#"{"header":{"A":["b"]},"msgsize":1}"#);
    }
}
