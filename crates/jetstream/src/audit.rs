//! What is published of what was done: that a request was answered, that a stream or a consumer was made or is gone.

use js_proto::advisory::{Action, Advisory, ApiAudit, ConsumerActionTaken, OutOfStorage, StreamAction};
use js_proto::{ClientInfo, EventKind, EventSubject, Nanos, Timestamp};

use broker::FarConn;
use conns::ConnId;

use crate::home::Home;
use crate::letters::Word;
use crate::post::Message;
use crate::request::{Asker, Request};
use crate::tenant::Tenant;
use crate::turn::Turn;

impl Turn<'_> {
    /// Publishes an event, if anybody listens. Whoever listens is asked first: events are long, and mostly nobody does.
    pub(crate) fn tell<A: Advisory + serde::Serialize>(
        &mut self,
        account: usize,
        subject: EventSubject<'_>,
        event: impl FnOnce(&Self, A) -> A,
    ) {
        let subject = subject.to_string();
        if !self.is_heard(account, subject.as_bytes()) {
            return;
        }
        let advisory = A::new(self.nuid.next(), self.clocks.timestamp());
        let payload = event(self, advisory).to_json();
        self.publish(&Message::new(account, subject.as_bytes(), &payload));
    }

    /// A stream was made, changed or deleted.
    pub(crate) fn tell_stream(&mut self, account: usize, stream: &str, action: Action) {
        let kind = match action {
            Action::Create => EventKind::StreamCreated,
            Action::Modify => EventKind::StreamUpdated,
            Action::Delete => EventKind::StreamDeleted,
        };
        let subject = EventSubject::of_stream(kind, stream);
        self.tell(account, subject, |turn, event: StreamAction| StreamAction {
            stream: stream.into(),
            action,
            domain: turn.config.domain.clone(),
            ..event
        });
    }

    /// A consumer was made or deleted.
    pub(crate) fn tell_consumer(&mut self, account: usize, stream: &str, consumer: &str, action: Action) {
        let kind = match action {
            Action::Delete => EventKind::ConsumerDeleted,
            Action::Create | Action::Modify => EventKind::ConsumerCreated,
        };
        let subject = EventSubject::of_consumer(kind, stream, consumer);
        self.tell(account, subject, |turn, event: ConsumerActionTaken| ConsumerActionTaken {
            stream: stream.into(),
            consumer: consumer.into(),
            action,
            domain: turn.config.domain.clone(),
            ..event
        });
    }

    /// A request was answered. Who asked is known where the connection is: that shard tells of it.
    pub(crate) fn audit(&mut self, account: &Tenant, request: &Request, answer: &[u8]) {
        let subject = EventSubject::of_server(EventKind::Api).to_string();
        if !self.is_heard(request.account, subject.as_bytes()) {
            return;
        }
        let asked = (&*request.subject, &*request.body);
        match request.from {
            Asker::Nobody => self.tell_audit(account, request.account, None, asked, answer),
            Asker::Conn(FarConn { shard, conn }) if shard == self.shard => {
                self.tell_audit(account, request.account, Some(conn), asked, answer);
            }
            Asker::Conn(FarConn { shard, conn }) => {
                let word = Word::Audit { conn, body: &request.body, answer };
                self.write_to(shard, request.account, &request.subject, &word);
            }
        }
    }

    /// The same, where the connection is.
    pub(crate) fn tell_audit(
        &mut self,
        account: &Tenant,
        index: usize,
        from: Option<ConnId>,
        (subject, body): (&[u8], &[u8]),
        answer: &[u8],
    ) {
        self.tell(index, EventSubject::of_server(EventKind::Api), |turn, event: ApiAudit| ApiAudit {
            server: turn.config.server_name.clone(),
            client: Some(turn.client_info(account, from)),
            subject: without_domain(&text(subject), &turn.config.domain),
            request: text(body),
            response: text(answer),
            domain: turn.config.domain.clone(),
            ..event
        });
    }

    /// The same of one that came from there. Of a connection of another shard no more is known here.
    pub(crate) fn client_of(&self, account: &Tenant, from: Asker) -> ClientInfo {
        let conn = match from {
            Asker::Conn(FarConn { shard, conn }) if shard == self.shard => Some(conn),
            Asker::Conn(_) | Asker::Nobody => None,
        };
        self.client_info(account, conn)
    }

    /// Who made a request. Of one that is gone no more is known than its account.
    fn client_info(&self, account: &Tenant, from: Option<ConnId>) -> ClientInfo {
        let base = ClientInfo {
            acc: account.name.as_ref().into(),
            server: self.config.server_name.clone(),
            kind: "Client".into(),
            client_type: "nats".into(),
            ..ClientInfo::default()
        };
        let row = from.and_then(|id| self.broker.connection_row_of(id));
        let Some(row) = row else { return base };
        let age = self.clocks.now.0.saturating_sub(row.start);
        let start = self.clocks.wall.0.saturating_sub(i64::try_from(age).unwrap_or(i64::MAX));
        ClientInfo {
            start: Some(Timestamp::from_unix_nanos(start)),
            host: row.peer.map(|peer| peer.ip().to_string()).unwrap_or_default(),
            id: row.cid,
            user: row.user.to_string(),
            name: row.name.to_string(),
            lang: row.lang.to_string(),
            ver: row.version.to_string(),
            rtt: Nanos(row.rtt.map_or(0, |rtt| rtt.as_nanos() as i64)),
            ..base
        }
    }
}

impl Home {
    /// There is no room for files: the system account is told, once until there is some again. Whose message it was
    /// nobody knows: all streams share the log.
    pub(crate) fn tell_out_of_storage(&mut self, turn: &mut Turn<'_>) {
        let was_told = std::mem::replace(&mut self.is_out_of_storage, true);
        let Some(system) = self.system_account().filter(|_| !was_told) else { return };
        let subject = EventSubject::of_server(EventKind::ServerOutOfStorage);
        turn.tell(system, subject, |turn, event: OutOfStorage| OutOfStorage {
            server: turn.config.server_name.clone(),
            server_id: turn.config.server_id.clone(),
            domain: turn.config.domain.clone(),
            ..event
        });
    }
}

/// The subject of a request as it is where nobody names the domain.
fn without_domain(subject: &str, domain: &str) -> String {
    let named =
        subject.strip_prefix("$JS.").and_then(|rest| rest.strip_prefix(domain)?.strip_prefix(".API."));
    named.map_or_else(|| subject.to_owned(), |rest| format!("$JS.API.{rest}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
