//! How many subscribe to a subject: `$SYS.DEBUG.SUBSCRIBERS`, and `$SYS.REQ.ACCOUNT.NSUBS` from other servers.

use data_encoding::BASE64;
use monitor::Subjects;
use nats_proto::go_json::{Field, Fields, read_into};
use nats_proto::{HeaderView, Publish};

/// Which subscriptions of clients to count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribersQuery {
    /// Those in this account.
    pub account: String,
    /// Those to these subjects.
    pub subjects: Subjects,
    /// Those in this queue group; all if there is none.
    pub queue: Option<Box<[u8]>>,
    /// Nothing is said of an account without clients.
    pub needs_clients: bool,
}

impl SubscribersQuery {
    /// What a message of the system account asks: a subject or a filter, and a queue group behind a blank. It is about
    /// that account, or about the one that the message was imported from. `None` if it cannot be read.
    pub(crate) fn of_debug(publish: &Publish<'_>, system: &str) -> Option<Self> {
        let text = String::from_utf8_lossy(publish.payload());
        let mut words = text.trim().split(' ');
        let subjects = subjects(words.next().unwrap_or_default());
        let queue = words.next().map(|queue| queue.as_bytes().into());
        let account = Requester::of(publish)?.account().unwrap_or_else(|| system.to_owned());
        Some(Self { account, subjects, queue, needs_clients: false })
    }

    /// What another server asks. `None` if it cannot be read.
    pub(crate) fn of_server(publish: &Publish<'_>) -> Option<Self> {
        let mut asked = Counted::default();
        read_into(publish.payload(), &mut asked).ok()?;
        let queue = asked.queue.map(|queue| BASE64.decode(queue.as_bytes())).transpose().ok()?;
        Some(Self {
            account: asked.acc,
            subjects: subjects(&asked.subject),
            queue: queue.map(Into::into),
            needs_clients: true,
        })
    }
}

/// A subject is asked with as if a message came on it, a filter as it stands.
fn subjects(text: &str) -> Subjects {
    let is_filter = text.split('.').any(|token| matches!(token, "*" | ">"));
    if is_filter { Subjects::Within(text.into()) } else { Subjects::Matching(text.into()) }
}

/// The body that a server sends.
#[derive(Default)]
struct Counted {
    acc: String,
    subject: String,
    queue: Option<String>,
}

impl Fields for Counted {
    fn go_type(&self) -> &'static str {
        "server.accNumSubsReq"
    }

    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "acc" => &mut self.acc,
            "subject" => &mut self.subject,
            "queue" => self.queue.get_or_insert_default(),
            _ => return None,
        })
    }
}

/// Who asks through an import.
#[derive(Default)]
struct Requester {
    svc: String,
    acc: String,
}

impl Requester {
    /// `None` if it cannot be read.
    fn of(publish: &Publish<'_>) -> Option<Self> {
        let mut requester = Self::default();
        let view = HeaderView::parse(publish.headers()).ok();
        if let Some(info) = view.and_then(|view| view.get("Nats-Request-Info")) {
            read_into(info, &mut requester).ok()?;
        }
        Some(requester)
    }

    fn account(self) -> Option<String> {
        [self.svc, self.acc].into_iter().find(|name| !name.is_empty())
    }
}

impl Fields for Requester {
    fn go_type(&self) -> &'static str {
        "server.ClientInfo"
    }

    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        Some(match name {
            "svc" => &mut self.svc,
            "acc" => &mut self.acc,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use nats_proto::HeaderLen;

    use super::*;

    fn publish<'a>(header: usize, body: &'a [u8]) -> Publish<'a> {
        let header = (header > 0).then_some(HeaderLen { bytes: header, text: b"" });
        Publish { subject: b"s", reply: None, header, size_text: b"", body }
    }

    /// As nats-server 2.14.5 reads it.
    #[test]
    fn a_subject_or_a_filter_and_a_queue_group_are_asked_for() {
        let asked = |body: &[u8]| {
            let query = SubscribersQuery::of_debug(&publish(0, body), "SYS").unwrap();
            let queue = query.queue.map(|queue| String::from_utf8(queue.into()).unwrap());
            (query.account, query.subjects, queue)
        };
        let (sys, matching) = ("SYS".to_owned(), Subjects::Matching("a.b".into()));
        assert_eq!(asked(b" a.b\n"), (sys.clone(), matching.clone(), None));
        assert_eq!(asked(b"a.b q x"), (sys.clone(), matching.clone(), Some("q".into())));
        assert_eq!(asked(b"a.b  q"), (sys.clone(), matching, Some(String::new())));
        assert_eq!(asked(b"a.>"), (sys.clone(), Subjects::Within("a.>".into()), None));
        assert_eq!(asked(b""), (sys, Subjects::Matching(String::new()), None));
    }

    #[test]
    fn who_asks_through_an_import_asks_of_its_account() {
        let of = |info: &str| {
            let header = format!("NATS/1.0\r\nNats-Request-Info: {info}\r\n\r\n");
            let body = [header.as_bytes(), b"a"].concat();
            SubscribersQuery::of_debug(&publish(header.len(), &body), "SYS").map(|query| query.account)
        };
        assert_eq!(of(r#"{"acc":"A"}"#).as_deref(), Some("A"));
        assert_eq!(of(r#"{"acc":"A","svc":"B"}"#).as_deref(), Some("B"));
        assert_eq!(of("{}").as_deref(), Some("SYS"));
        assert_eq!(of("x"), None);
    }

    #[test]
    fn a_server_names_the_account_and_the_group_in_base64() {
        let asked = |body: &[u8]| SubscribersQuery::of_server(&publish(0, body));
        let query = asked(br#"{"acc":"A","subject":"a.b","queue":"cQ=="}"#).unwrap();
        assert_eq!((&*query.account, query.queue.as_deref()), ("A", Some(&b"q"[..])));
        assert!(asked(br#"{"acc":"A","subject":"a"}"#).unwrap().queue.is_none());
        assert_eq!((asked(b""), asked(b"{"), asked(br#"{"queue":"!"}"#)), (None, None, None));
    }
}
