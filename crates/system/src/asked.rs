//! A request: read from its message, then answered.

use broker::{Broker, ConnectedUser, Party};
use fabric::MeshMessage;
use monitor::{Moment, compact};
use nats_proto::Publish;

use crate::client_options::ClientOptions;
use crate::conns::is_about;
use crate::encoding::Encoding;
use crate::envelope::{Body, sealed};
use crate::explain::Explanation;
use crate::inquiry::{Address, InquiryKind};
use crate::options::Options;
use crate::request::{Request, Scope};
use crate::server_identity::ServerIdentity;
use crate::subscribers::SubscribersQuery;
use crate::user_info::UserInfo;

/// Bytes of options that are read: they are a few names. Who sends more is told so.
const OPTIONS_BYTES_MAX: usize = 4 << 10;

/// Bytes of headers that are looked at. If there are more the answer is not packed, and who counts subscriptions is not
/// answered.
const HEADER_BYTES_MAX: usize = 4 << 10;

/// To explain something takes as long as to read so many bytes, or less: with ten thousand imports or entries of
/// permissions some tenths of a millisecond.
const EXPLAINED_AS_BYTES: usize = 16 << 10;

/// A request that is not answered yet.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Where the answer goes.
    pub(crate) to: Address,
    request: Request,
    subject: Box<[u8]>,
    /// As they came, or how many bytes if they are too many.
    options: Result<Box<[u8]>, usize>,
    /// Who asks, where that matters.
    user: Option<ConnectedUser>,
    /// The account that it is about, if it is about one.
    account: Option<Box<str>>,
    /// What is to be counted, or `None` where nothing is or it cannot be read.
    subscribers: Option<SubscribersQuery>,
    /// What is explained, in parts where it can be.
    explanation: Option<Box<Explanation>>,
    /// How the answer may be packed.
    pub(crate) encoding: Encoding,
    /// Bytes of it that were looked at or kept.
    read_bytes: usize,
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is nothing to say: it is meant for other servers, or who asked is gone.
    Silence,
    /// This is the answer.
    Say(Vec<u8>),
    /// All shards have to be asked.
    Inquire(InquiryKind),
}

impl Asked {
    /// Reads a message that asks something; `None` if it wants no answer.
    pub(crate) fn read(
        request: Request,
        message: &MeshMessage<'_>,
        server: &ServerIdentity,
        broker: &Broker,
    ) -> Option<Self> {
        let publish = &message.publish;
        let subject = match publish.reply {
            Some(reply) => reply.into(),
            // nats-server then tells those who listen to all servers.
            None if request == Request::Statsz => server.statsz_subject(),
            None => return None,
        };
        let payload = if request.options().is_some() { publish.payload() } else { b"" };
        let is_short = payload.len() <= OPTIONS_BYTES_MAX;
        let own = broker.settings().directory.account(message.account as usize).name();
        let headers = Some(publish.headers()).filter(|headers| headers.len() <= HEADER_BYTES_MAX);
        let headers = headers.unwrap_or_default();
        Some(Self {
            to: Address::new(message.account as usize, subject),
            request,
            subject: publish.subject.into(),
            options: is_short.then(|| payload.into()).ok_or(payload.len()),
            user: if request == Request::UserInfo { asker(message, broker) } else { None },
            account: account(request, publish, own),
            subscribers: subscribers(request, publish, own),
            explanation: explanation(request, message, broker),
            encoding: Encoding::accepted(headers),
            read_bytes: read_bytes(publish) + if request.is_to_explain() { EXPLAINED_AS_BYTES } else { 0 },
        })
    }

    /// How many bytes of it were looked at or kept.
    pub(crate) fn read_bytes(&self) -> usize {
        self.read_bytes
    }

    /// Answers it, if that does not take all shards.
    pub(crate) fn decide(&self, server: &ServerIdentity, now: Moment) -> Verdict {
        let say = |body: &Body| Verdict::Say(sealed(server, now, body));
        if self.request.is_about_client() && !self.options.as_deref().is_ok_and(ClientOptions::are_in) {
            return Verdict::Silence;
        }
        let options = match self.options() {
            Err(words) => return say(&Body::bad_request(words)),
            Ok(options) => options,
        };
        if !options.mean(server) {
            return Verdict::Silence;
        }
        match self.request {
            Request::UserInfo => self.user.as_ref().map_or(Verdict::Silence, |user| {
                Verdict::Say(sealed(server, now, &Body::Data(UserInfo::of(user))))
            }),
            Request::Idz => Verdict::Say(compact(&server.idz())),
            Request::Unsupported => say(&Body::not_supported(&self.subject)),
            Request::Conns => self
                .account
                .clone()
                .map_or(Verdict::Silence, |account| Verdict::Inquire(InquiryKind::Conns(account))),
            Request::Subscribers | Request::Nsubs => self
                .subscribers
                .clone()
                .map_or(Verdict::Silence, |query| Verdict::Inquire(InquiryKind::Subscribers(query))),
            Request::Explain(_) => self
                .explanation
                .clone()
                .map_or(Verdict::Silence, |explanation| Verdict::Inquire(InquiryKind::Explain(explanation))),
            request => match options.own.inquiry(request, self.account.as_deref()) {
                Ok(kind) => Verdict::Inquire(kind),
                Err(why) => say(&Body::failed(why)),
            },
        }
    }

    /// The error is what there is to say of options that cannot be read.
    fn options(&self) -> Result<Options, String> {
        let Some(go_type) = self.request.options() else { return Ok(Options::default()) };
        let too_long = |len: &usize| format!("options of {len} bytes, limit {OPTIONS_BYTES_MAX}");
        let text = self.options.as_ref().map_err(too_long)?;
        Options::read(self.request, text, go_type).map_err(|error| error.to_string())
    }
}

fn read_bytes(publish: &Publish<'_>) -> usize {
    let reply = publish.reply.map_or(0, <[u8]>::len);
    let headers = publish.headers().len().min(HEADER_BYTES_MAX);
    publish.subject.len() + reply + headers + publish.payload().len().min(OPTIONS_BYTES_MAX)
}

/// The account that a request is about, if it is about one that its body does not deny.
fn account(request: Request, publish: &Publish<'_>, own: &str) -> Option<Box<str>> {
    match request.scope() {
        Scope::Server => None,
        Scope::Own => Some(own.into()),
        Scope::Named => {
            let name = publish.subject.split(|byte| *byte == b'.').nth(3).unwrap_or_default();
            let name = String::from_utf8_lossy(name);
            let body = publish.payload();
            let is_about =
                request != Request::Conns || (body.len() <= OPTIONS_BYTES_MAX && is_about(&name, body));
            is_about.then(|| name.into())
        }
    }
}

fn subscribers(request: Request, publish: &Publish<'_>, own: &str) -> Option<SubscribersQuery> {
    if publish.payload().len() > OPTIONS_BYTES_MAX || publish.headers().len() > HEADER_BYTES_MAX {
        return None;
    }
    match request {
        Request::Subscribers => SubscribersQuery::of_debug(publish, own),
        Request::Nsubs => SubscribersQuery::of_server(publish),
        _ => None,
    }
}

/// As the shard is now.
fn explanation(request: Request, message: &MeshMessage<'_>, broker: &Broker) -> Option<Box<Explanation>> {
    let Request::Explain(deed) = request else { return None };
    let user = asker(message, broker)?;
    let payload = message.publish.payload();
    let text = String::from_utf8_lossy(&payload[..payload.len().min(OPTIONS_BYTES_MAX)]);
    Some(Box::new(Explanation::new(deed, &text, &user, broker)))
}

/// The connection that asks. It is on this shard: who owns the subject is on the shard of who asks.
fn asker(message: &MeshMessage<'_>, broker: &Broker) -> Option<ConnectedUser> {
    match Party::of(message) {
        Party::Conn(id) => broker.user(id),
        Party::Service(_) | Party::Peer(_) | Party::Elsewhere => None,
    }
}

#[cfg(test)]
mod tests {
    use monitor::HealthzQuery;

    use super::*;

    fn asked(request: Request, options: &[u8]) -> Asked {
        let to = Address::new(1, &b"r"[..]);
        Asked {
            to,
            request,
            subject: b"$SYS.X"[..].into(),
            options: Ok(options.into()),
            user: None,
            account: None,
            subscribers: None,
            explanation: None,
            encoding: Encoding::Plain,
            read_bytes: 0,
        }
    }

    fn said(asked: &Asked) -> String {
        let server = ServerIdentity { name: "S".into(), id: "NID".into(), ..ServerIdentity::default() };
        match asked.decide(&server, Moment(0)) {
            Verdict::Say(text) => String::from_utf8(text).unwrap(),
            other => format!("{other:?}"),
        }
    }

    /// As nats-server 2.14.5 does.
    #[test]
    fn options_say_whether_there_is_an_answer() {
        let statsz = |options: &[u8]| said(&asked(Request::Statsz, options));
        assert_eq!(statsz(b""), "Inquire(Statsz)");
        assert_eq!(statsz(br#"{"server_name":"x"}"#), "Silence");
        let complaint = r#""error":{"code":400,"description":"unexpected end of JSON input"}}"#;
        assert!(statsz(b"{").ends_with(complaint));
        let id = r#"{"name":"S","host":"","id":"NID"}"#;
        assert_eq!(said(&asked(Request::Idz, br#"{"server_name":"x"}"#)), id, "it does not look at them");
    }

    /// As nats-server 2.14.5 does.
    #[test]
    fn a_request_has_the_options_of_its_kind() {
        let healthz = |options: &[u8]| said(&asked(Request::Healthz, options));
        let is_asked = |details| {
            let query = HealthzQuery {
                details,
                js_enabled_only: details,
                stream: Some("s".into()),
                ..HealthzQuery::default()
            };
            format!("{:?}", Verdict::Inquire(InquiryKind::Healthz(query)))
        };
        assert_eq!(healthz(br#"{"stream":"s","details":true,"js-enabled-only":true}"#), is_asked(true));
        assert_eq!(healthz(br#"{"Stream":"s"}"#), is_asked(false));
        let words = "cannot unmarshal number into Go struct field HealthzEventOptions.details of type bool";
        assert!(healthz(br#"{"details":1,"server_name":"x"}"#).contains(words));
        assert_eq!(healthz(br#"{"server_name":"x"}"#), "Silence");
        assert_eq!(said(&asked(Request::Varz, br#"{"details":1}"#)), "Inquire(Varz)");
    }

    /// As nats-server 2.14.5 does.
    #[test]
    fn jetstream_is_told_of_as_a_whole_or_by_account() {
        let query = |text: &str| match asked(Request::Jsz, text.as_bytes())
            .decide(&ServerIdentity::default(), Moment(0))
        {
            Verdict::Inquire(InquiryKind::Jsz(query)) => query,
            other => panic!("{other:?}"),
        };
        let of = query(r#"{"consumer":true,"limit":3,"account":"A"}"#);
        assert!(of.streams && of.consumers && !of.accounts);
        assert_eq!((of.limit, of.account.as_deref()), (3, Some("A")));
        assert!(query(r#"{"streams":true}"#).accounts);
        let account = Some("ACC".into());
        let asked = Asked { account, ..asked(Request::AccountJsz, br#"{"consumer":true}"#) };
        let expected = monitor::JszQuery { consumers: true, ..monitor::JszQuery::default() };
        assert_eq!(
            asked.decide(&ServerIdentity::default(), Moment(0)),
            Verdict::Inquire(InquiryKind::AccountJsz("ACC".into(), expected))
        );
    }

    #[test]
    fn what_is_not_supported_is_said_to_whoever_asks() {
        let unsupported = said(&asked(Request::Unsupported, b"x"));
        assert!(unsupported.ends_with(r#""error":{"code":501,"description":"$SYS.X is not supported"}}"#));
    }

    /// As nats-server 2.14.5 does.
    #[test]
    fn who_names_no_client_as_it_should_is_not_answered() {
        let kick = |options: &[u8]| said(&asked(Request::Kick, options));
        assert_eq!(kick(br#"{"cid":7}"#), "Inquire(Kick(7))");
        assert_eq!(kick(b"{}"), "Inquire(Kick(0))");
        assert_eq!(said(&asked(Request::Ldm, br#"{"cid":7,"server_name":"S"}"#)), "Inquire(Ldm(7))");
        for silent in [&b""[..], b"{", br#"{"cid":"7"}"#, br#"{"cid":-1}"#, br#"{"cid":7,"server_name":"T"}"#]
        {
            assert_eq!(kick(silent), "Silence", "{}", silent.escape_ascii());
        }
        let words =
            "cannot unmarshal number into Go struct field EventFilterOptions.server_name of type string";
        assert!(kick(br#"{"cid":7,"server_name":1}"#).contains(words));
    }

    #[test]
    fn a_reload_is_asked_for_without_options_or_with() {
        assert_eq!(said(&asked(Request::Reload, b"")), "Inquire(Reload)");
        assert_eq!(said(&asked(Request::Reload, br#"{"server_name":"T"}"#)), "Silence");
        assert!(said(&asked(Request::Reload, b"x")).contains(r#""code":400"#));
    }

    #[test]
    fn options_that_are_too_long_are_not_read() {
        let long = Asked { options: Err(5000), ..asked(Request::Statsz, b"") };
        assert!(said(&long).ends_with(r#"{"code":400,"description":"options of 5000 bytes, limit 4096"}}"#));
    }
}
