//! What a subject below `$JS.` means to JetStream, and which shard has what it means.

use fabric::ShardId;
use js_proto::{
    ACK_PREFIX, AckSubject, ApiRequest, ApiSubject, Asked, FLOW_CONTROL_PREFIX, FlowControlSubject,
    RequestKind,
};

use crate::names::{Names, StreamEntry};
use crate::registrar::is_of_directory;

/// The shard that has the directory of all streams.
pub(crate) const FIRST: ShardId = ShardId(0);

/// Behind it stands a stream that is to keep dead letters. Nobody hears what is published there: it is only asked whose it
/// is.
pub(crate) const LETTERS_PREFIX: &[u8] = b"$BUSTER.LETTERS.";

/// What asks for an explanation begins like that.
pub(crate) const EXPLAIN_PREFIX: &[u8] = b"$BUSTER.EXPLAIN.";

/// What a message is to JetStream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role<'a> {
    /// A request that is answered with a body.
    Api(ApiRequest<'a>),
    /// One that nobody knows: it is heard and not answered.
    Unknown,
    /// A request for the next messages of a consumer.
    Next(ApiRequest<'a>),
    /// A request for messages of a stream.
    Get(ApiRequest<'a>),
    /// An acknowledgement.
    Ack(AckSubject<'a>),
    /// The answer to flow control.
    FlowControl(FlowControlSubject<'a>),
    /// Where letters for that stream would go.
    Letters(&'a [u8]),
    /// Something is to be explained.
    Explain(Explained<'a>),
}

/// What is to be explained: something of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Explained<'a> {
    pub(crate) stream: &'a [u8],
    pub(crate) topic: Topic<'a>,
}

/// What of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic<'a> {
    Consumer(&'a [u8]),
    Message(u64),
}

impl<'a> Explained<'a> {
    fn of(subject: &'a [u8]) -> Option<Self> {
        let mut tokens = subject.strip_prefix(EXPLAIN_PREFIX)?.split(|byte| *byte == b'.');
        let (topic, stream, of) = (tokens.next()?, tokens.next()?, tokens.next()?);
        let topic = match topic {
            b"CONSUMER" => Topic::Consumer(of),
            b"MESSAGE" => Topic::Message(str::from_utf8(of).ok()?.parse().ok()?),
            _ => return None,
        };
        tokens.next().is_none().then_some(Self { stream, topic })
    }
}

impl<'a> Role<'a> {
    /// Reads a subject, for a server of that domain.
    pub(crate) fn of(subject: &'a [u8], domain: &str) -> Option<Self> {
        if !subject.starts_with(b"$JS.") {
            let letters = subject.strip_prefix(LETTERS_PREFIX).map(Self::Letters);
            return letters.or_else(|| Explained::of(subject).map(Self::Explain));
        }
        if subject.starts_with(ACK_PREFIX) {
            return AckSubject::parse(subject).map(Self::Ack);
        }
        if subject.starts_with(FLOW_CONTROL_PREFIX) {
            return FlowControlSubject::parse(subject).map(Self::FlowControl);
        }
        let api = ApiSubject::parse(subject)?;
        let is_meant = api.domain.is_none_or(|meant| !domain.is_empty() && meant == domain.as_bytes());
        let request = match api.asked {
            _ if !is_meant => return None,
            Asked::Request(request) => request,
            Asked::Unknown => return Some(Self::Unknown),
            Asked::Unheard => return None,
        };
        Some(match request.kind {
            RequestKind::ConsumerMsgNext => Self::Next(request),
            RequestKind::DirectGet | RequestKind::DirectGetLast => Self::Get(request),
            _ => Self::Api(request),
        })
    }

    /// The shard that has what it is about; none if there is nothing.
    pub(crate) fn shard(&self, account: usize, names: &Names) -> Option<ShardId> {
        let has = |stream: &[u8], has: &dyn Fn(&StreamEntry) -> bool| {
            names.stream(account, stream).filter(|entry| has(entry)).map(|entry| entry.shard)
        };
        match self {
            Self::Api(api) if is_of_directory(api.kind) => Some(FIRST),
            Self::Api(api) => Some(names.stream(account, api.stream).map_or(FIRST, |entry| entry.shard)),
            Self::Unknown => Some(FIRST),
            Self::Next(next) => has(next.stream, &|entry| entry.has_consumer(next.consumer)),
            Self::Get(get) => {
                let own = has(get.stream, &|entry| entry.is_direct);
                own.or_else(|| names.stand_in(account, get.stream))
            }
            Self::Ack(ack) => has(ack.stream, &|entry| entry.takes_acks(ack.consumer)),
            // Of a stream that is not there somebody has to say so.
            Self::Explain(asked) => {
                Some(names.stream(account, asked.stream).map_or(FIRST, |entry| entry.shard))
            }
            Self::Letters(stream) => has(stream, &|_| true),
            Self::FlowControl(flow) => has(flow.stream, &|entry| entry.has_consumer(flow.consumer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{Change, News};

    #[test]
    fn what_concerns_a_stream_is_heard_where_it_is() {
        let mut names = Names::default();
        let mut tell = |stream: &'static [u8], change| names.apply(&News { account: 1, stream, change });
        tell(b"S", Change::Stream { shard: ShardId(2), is_direct: true });
        tell(b"S", Change::Consumer { name: b"C", takes_acks: true });
        tell(b"S", Change::Consumer { name: b"N", takes_acks: false });
        tell(b"T", Change::Stream { shard: ShardId(3), is_direct: false });
        for (subject, shard) in [
            ("$JS.API.INFO", Some(0)),
            ("$JS.hub.API.INFO", Some(0)),
            ("$JS.bub.API.INFO", None),
            ("$JS.API.STREAM.INFO.NONE", Some(0)),
            ("$JS.API.STREAM.INFO.S", Some(2)),
            ("$JS.API.CONSUMER.NAMES.T", Some(3)),
            ("$JS.API.STREAM.UPDATE.S", Some(0)),
            ("$JS.API.STREAM.NAMES", Some(0)),
            ("$JS.API.NO.SUCH.THING", Some(0)),
            ("$JS.API.CONSUMER.MSG.NEXT.S.C", Some(2)),
            ("$JS.hub.API.CONSUMER.MSG.NEXT.S.C", Some(2)),
            ("$JS.API.CONSUMER.MSG.NEXT.S.D", None),
            ("$JS.API.CONSUMER.MSG.NEXT.S", None),
            ("$JS.API.DIRECT.GET.S", Some(2)),
            ("$JS.API.DIRECT.GET.S.a.b", Some(2)),
            ("$JS.API.DIRECT.GET.T", None),
            ("$JS.ACK.S.C.1.2.3.4.5", Some(2)),
            ("$JS.ACK.hub.hash.S.C.1.2.3.4.5", Some(2)),
            ("$JS.ACK.S.D.1.2.3.4.5", None),
            ("$JS.ACK.S.N.1.2.3.4.5", None),
            ("$JS.API.CONSUMER.MSG.NEXT.S.N", Some(2)),
            ("$JS.FC.S.C.x", Some(2)),
            ("$JS.FC.T.C.x", None),
            ("$JS.EVENT.ADVISORY.API", None),
            ("$JS", None),
            ("$KV.x", None),
            ("$BUSTER.LETTERS.T", Some(3)),
            ("$BUSTER.LETTERS.U", None),
            ("$BUSTER.EXPLAIN.CONSUMER.S.C", Some(2)),
            ("$BUSTER.EXPLAIN.MESSAGE.T.7", Some(3)),
            ("$BUSTER.EXPLAIN.MESSAGE.U.7", Some(0)),
            ("$BUSTER.EXPLAIN.MESSAGE.T.x", None),
            ("$BUSTER.EXPLAIN.CONSUMER.S.C.D", None),
            ("$BUSTER.EXPLAIN.STREAM.S.C", None),
        ] {
            let role = Role::of(subject.as_bytes(), "hub");
            assert_eq!(role.and_then(|role| role.shard(1, &names)), shard.map(ShardId), "{subject}");
        }
        assert_eq!(Role::of(b"$JS..API.INFO", ""), None);
    }
}
