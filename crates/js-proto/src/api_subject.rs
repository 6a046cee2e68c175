//! Which request a subject is, and which stream and consumer it names.

/// The requests, and for each what follows `$JS.API.`: `*` is a name, `>` the rest.
macro_rules! requests {
    ($( $(#[$meta:meta])* $kind:ident = $pattern:literal; )*) => {
        /// What is asked for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum RequestKind {
            $( #[doc = concat!("`", $pattern, "`")] $(#[$meta])* $kind, )*
        }

        impl RequestKind {
            /// All of them.
            pub const ALL: &[Self] = &[$( Self::$kind ),*];

            /// What follows `$JS.API.`.
            pub const fn pattern(self) -> &'static str {
                match self {
                    $( Self::$kind => $pattern, )*
                }
            }
        }
    };
}

// The first two are asked for often, so they come first.
requests! {
    ConsumerMsgNext = "CONSUMER.MSG.NEXT.*.*";
    DirectGet = "DIRECT.GET.*";
    DirectGetLast = "DIRECT.GET.*.>";
    AccountInfo = "INFO";
    StreamCreate = "STREAM.CREATE.*";
    StreamUpdate = "STREAM.UPDATE.*";
    StreamNames = "STREAM.NAMES";
    StreamList = "STREAM.LIST";
    StreamInfo = "STREAM.INFO.*";
    StreamDelete = "STREAM.DELETE.*";
    StreamPurge = "STREAM.PURGE.*";
    StreamSnapshot = "STREAM.SNAPSHOT.*";
    StreamRestore = "STREAM.RESTORE.*";
    StreamMsgGet = "STREAM.MSG.GET.*";
    StreamMsgDelete = "STREAM.MSG.DELETE.*";
    StreamPeerRemove = "STREAM.PEER.REMOVE.*";
    StreamLeaderStepdown = "STREAM.LEADER.STEPDOWN.*";
    ConsumerCreate = "CONSUMER.CREATE.*";
    /// What follows the stream is the consumer, and its filter if there is one.
    ConsumerCreateNamed = "CONSUMER.CREATE.*.>";
    ConsumerDurableCreate = "CONSUMER.DURABLE.CREATE.*.*";
    ConsumerNames = "CONSUMER.NAMES.*";
    ConsumerList = "CONSUMER.LIST.*";
    ConsumerInfo = "CONSUMER.INFO.*.*";
    ConsumerDelete = "CONSUMER.DELETE.*.*";
    ConsumerPause = "CONSUMER.PAUSE.*.*";
    ConsumerReset = "CONSUMER.RESET.*.*";
    ConsumerUnpin = "CONSUMER.UNPIN.*.*";
    ConsumerLeaderStepdown = "CONSUMER.LEADER.STEPDOWN.*.*";
    MetaLeaderStepdown = "META.LEADER.STEPDOWN";
    ServerRemove = "SERVER.REMOVE";
    AccountPurge = "ACCOUNT.PURGE.*";
    AccountStreamMove = "ACCOUNT.STREAM.MOVE.*.*";
    AccountStreamCancelMove = "ACCOUNT.STREAM.CANCEL_MOVE.*.*";
}

/// A subject below `$JS.API.`, or below `$JS.<domain>.API.`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiSubject<'a> {
    /// The domain it is meant for; none is this one.
    pub domain: Option<&'a [u8]>,
    /// What it asks for.
    pub asked: Asked<'a>,
}

/// What a subject of the API asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked<'a> {
    /// One of the requests.
    Request(ApiRequest<'a>),
    /// Nothing that is known. It is heard, so there is no word that nobody does; it is not answered.
    Unknown,
    /// Nothing that anybody hears.
    Unheard,
}

/// A request and what its subject names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiRequest<'a> {
    /// Which request.
    pub kind: RequestKind,
    /// The first name in it: mostly the stream; that of the account where a request is about one.
    pub stream: &'a [u8],
    /// The second name in it: mostly the consumer; the stream where the first is an account.
    pub consumer: &'a [u8],
    /// What follows: the filter of a consumer, or the subject whose last message is asked for.
    pub rest: &'a [u8],
}

/// Subjects of streams and consumers themselves: they are heard only where there is such a thing.
const OWN: [&[u8]; 2] = [b"CONSUMER.MSG.NEXT.", b"DIRECT.GET"];

impl<'a> ApiSubject<'a> {
    /// Reads a subject; none if it is not one of the API.
    pub fn parse(subject: &'a [u8]) -> Option<Self> {
        let below = subject.strip_prefix(b"$JS.")?;
        if let Some(rest) = below.strip_prefix(b"API.") {
            return Some(Self { domain: None, asked: Asked::parse(rest) });
        }
        let dot = below.iter().position(|byte| *byte == b'.')?;
        let rest = below[dot + 1..].strip_prefix(b"API.")?;
        Some(Self { domain: Some(&below[..dot]), asked: Asked::parse(rest) })
    }
}

/// Requests that come with every message or batch of them, by what no other request begins with.
const OFTEN: [(&[u8], &[RequestKind]); 2] = [
    (b"DIRECT.GET.", &[RequestKind::DirectGetLast, RequestKind::DirectGet]),
    (b"CONSUMER.MSG.NEXT.", &[RequestKind::ConsumerMsgNext]),
];

impl<'a> Asked<'a> {
    /// Reads what follows `$JS.API.`.
    fn parse(rest: &'a [u8]) -> Self {
        if rest.split(|byte| *byte == b'.').any(<[u8]>::is_empty) {
            return Self::Unheard;
        }
        let kinds =
            OFTEN.iter().find(|(front, _)| rest.starts_with(front)).map_or(RequestKind::ALL, |often| often.1);
        let request = kinds.iter().find_map(|kind| ApiRequest::parse(*kind, rest));
        match request {
            Some(request) => Self::Request(request),
            None if OWN.iter().any(|own| rest.starts_with(own)) => Self::Unheard,
            None => Self::Unknown,
        }
    }
}

impl<'a> ApiRequest<'a> {
    /// Reads what follows `$JS.API.` as that kind of request.
    fn parse(kind: RequestKind, rest: &'a [u8]) -> Option<Self> {
        let pattern = kind.pattern().as_bytes();
        let words = pattern.iter().position(|byte| matches!(byte, b'*' | b'>')).unwrap_or(pattern.len());
        let mut left = rest.strip_prefix(&pattern[..words])?;
        let mut request = Self { kind, stream: b"", consumer: b"", rest: b"" };
        for place in pattern[words..].split(|byte| *byte == b'.').filter(|place| !place.is_empty()) {
            if left.is_empty() {
                return None;
            }
            if place == b">" {
                request.rest = left;
                left = b"";
                break;
            }
            let name = take_token(&mut left);
            if request.stream.is_empty() { request.stream = name } else { request.consumer = name }
        }
        if kind == RequestKind::ConsumerCreateNamed {
            request.consumer = take_token(&mut request.rest);
        }
        left.is_empty().then_some(request)
    }
}

/// Takes the token at the front, and the dot behind it.
fn take_token<'a>(left: &mut &'a [u8]) -> &'a [u8] {
    let end = left.iter().position(|byte| *byte == b'.').unwrap_or(left.len());
    let token = &left[..end];
    *left = left.get(end + 1..).unwrap_or_default();
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(subject: &str) -> Asked<'_> {
        ApiSubject::parse(subject.as_bytes()).unwrap().asked
    }

    fn request(subject: &str) -> (RequestKind, [&str; 3]) {
        let Asked::Request(request) = asked(subject) else { panic!("{subject}") };
        (
            request.kind,
            [request.stream, request.consumer, request.rest].map(|name| str::from_utf8(name).unwrap()),
        )
    }

    #[test]
    fn every_pattern_is_read_as_its_own_request() {
        for kind in RequestKind::ALL {
            let subject = format!("$JS.API.{}", kind.pattern().replace('*', "N").replace('>', "C"));
            assert_eq!(request(&subject).0, *kind);
        }
    }

    #[test]
    fn names_are_taken_out() {
        use RequestKind::*;
        for (subject, kind, names) in [
            ("$JS.API.INFO", AccountInfo, ["", "", ""]),
            ("$JS.API.STREAM.MSG.GET.S", StreamMsgGet, ["S", "", ""]),
            ("$JS.API.CONSUMER.CREATE.S", ConsumerCreate, ["S", "", ""]),
            ("$JS.API.CONSUMER.CREATE.S.C", ConsumerCreateNamed, ["S", "C", ""]),
            ("$JS.API.CONSUMER.CREATE.S.C.a.>", ConsumerCreateNamed, ["S", "C", "a.>"]),
            ("$JS.API.CONSUMER.MSG.NEXT.S.C", ConsumerMsgNext, ["S", "C", ""]),
            ("$JS.API.DIRECT.GET.KV_B.$KV.B.k", DirectGetLast, ["KV_B", "", "$KV.B.k"]),
            ("$JS.API.ACCOUNT.STREAM.MOVE.A.S", AccountStreamMove, ["A", "S", ""]),
        ] {
            assert_eq!(request(subject), (kind, names), "{subject}");
        }
    }

    #[test]
    fn a_domain_is_taken_off() {
        let there = ApiSubject::parse(b"$JS.hub.API.STREAM.INFO.S").unwrap();
        assert_eq!(there.domain, Some(&b"hub"[..]));
        assert_eq!(there.asked, asked("$JS.API.STREAM.INFO.S"));
        for subject in ["$JS.ACK.S.C", "$JS.API", "$JS.a.b.API.INFO", "x", "$JS.hub.APIS.x"] {
            assert_eq!(ApiSubject::parse(subject.as_bytes()), None, "{subject}");
        }
    }

    /// As nats-server 2.14.5 does: no answer for the first, no responders for the second.
    #[test]
    fn what_is_unknown_is_heard_except_where_streams_listen_themselves() {
        for subject in [
            "STREAM.INFO",
            "CONSUMER.CREATE",
            "STREAM.NAMES.S",
            "INFO.x",
            "CONSUMER.INFO.S",
            "STREAM.MSG.GET",
            "STREAM.TEMPLATE.NAMES",
        ] {
            assert_eq!(asked(&format!("$JS.API.{subject}")), Asked::Unknown, "{subject}");
        }
        for subject in [
            "STREAM.INFO.",
            "STREAM.INFO.S.",
            "CONSUMER.CREATE.S.",
            "CONSUMER.CREATE.S.C.",
            ".STREAM",
            "CONSUMER.MSG.NEXT.S.C.x",
            "DIRECT.GET",
        ] {
            assert_eq!(asked(&format!("$JS.API.{subject}")), Asked::Unheard, "{subject}");
        }
    }
}
