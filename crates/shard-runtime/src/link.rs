//! A connection with TLS, between its socket and the broker.

use std::sync::Arc;

use broker::Security;
use conns::Time;
use monitor::{PeerCert, TlsFacts};
use nats_auth::{Attribute, PeerFacts};
use tls_session::{Acceptor, Certificate, Secured, Session};
use transport::Opening;

use crate::io::End;

/// Input that is kept while a handshake is worked on elsewhere. A client has nothing more to say before
/// it is answered, but may send its first ops right behind the end of the handshake. Reading stops above
/// this, so one read more is kept at most.
const HELD_BYTES_MAX: usize = 64 << 10;

/// What a connection has beside its socket until it is known to go on in the clear.
#[derive(Debug)]
pub(crate) struct Link {
    /// The configuration that was in force when it was accepted.
    pub(crate) acceptor: Arc<Acceptor>,
    pub(crate) state: State,
    /// Goes with the link: steps of its handshake that wait then are not done.
    pub(crate) alive: Arc<()>,
    /// Until when the state has to change.
    pub(crate) deadline: Option<Time>,
    /// Since when a worker has the session, and what the deadline was: it stands still meanwhile.
    pub(crate) away: Option<(Time, Time)>,
    /// What came while the session was elsewhere.
    pub(crate) held: Vec<u8>,
    /// Nothing more comes, which counts when the session is back.
    pub(crate) ended: Option<End>,
    /// Bytes of the outbox that the session's outgoing bytes stand for.
    pub(crate) sealed: usize,
    /// The socket is full.
    pub(crate) blocked: bool,
    /// Whether the kernel is to go on with it.
    pub(crate) offload: Offload,
}

/// How often a connection stops receiving for the kernel to go on with it. If it stops in the middle of a
/// record each time it stays where it is: to stop costs more than it is worth.
const OFFLOAD_TRIES_MAX: u8 = 16;

/// Whether the kernel is to go on with a connection's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offload {
    /// It is not, or does already.
    No,
    /// As soon as it can.
    Wanted { tries_left: u8 },
    /// Nothing is received any more for that to happen.
    Stopping { tries_left: u8 },
}

impl Offload {
    pub(crate) const WANTED: Self = Self::Wanted { tries_left: OFFLOAD_TRIES_MAX };

    pub(crate) fn stopping(self) -> Self {
        match self {
            Self::Wanted { tries_left } => Self::Stopping { tries_left },
            other => other,
        }
    }

    /// It cannot be now.
    pub(crate) fn put_off(self) -> Self {
        match self {
            Self::Stopping { tries_left: 0 } => Self::No,
            Self::Stopping { tries_left } => Self::Wanted { tries_left: tries_left - 1 },
            other => other,
        }
    }
}

/// Where a connection is on its way to TLS.
#[derive(Debug)]
pub(crate) enum State {
    /// The client has said nothing.
    Opening(Opening),
    /// The handshake is under way; `None` while a worker has the session.
    Handshake { session: Option<Box<Session>>, greeted: bool },
    /// Everything is encrypted.
    Open(Box<Session>),
    /// The same, by the kernel.
    InKernel,
}

impl Link {
    pub(crate) fn new(acceptor: Arc<Acceptor>, opening: Opening) -> Self {
        let state = State::Opening(opening);
        let (alive, held, offload) = (Arc::default(), Vec::new(), Offload::No);
        Self {
            acceptor,
            state,
            alive,
            deadline: None,
            away: None,
            held,
            ended: None,
            sealed: 0,
            blocked: false,
            offload,
        }
    }

    /// The session, if it is here.
    pub(crate) fn session(&mut self) -> Option<&mut Session> {
        match &mut self.state {
            State::Opening(_) | State::InKernel => None,
            State::Handshake { session, .. } => session.as_deref_mut(),
            State::Open(session) => Some(session),
        }
    }

    /// Whether what came last is a part of a record.
    pub(crate) fn is_cut(&mut self) -> bool {
        let has_held = !self.held.is_empty();
        has_held || self.session().is_some_and(|session| session.has_part_of_record())
    }

    /// Whether the socket is to be read.
    pub(crate) fn wants_input(&self) -> bool {
        self.held.len() < HELD_BYTES_MAX
            && self.ended.is_none()
            && !matches!(self.offload, Offload::Stopping { .. })
    }

    /// Whether the kernel could go on from here.
    pub(crate) fn is_between_records(&self) -> bool {
        let is_idle = !self.blocked && self.sealed == 0;
        matches!(&self.state, State::Open(session) if is_idle && session.is_between_records())
    }
}

/// What the broker is told of a handshake.
pub(crate) fn security(secured: &Secured, first: bool) -> Security {
    let tls = TlsFacts {
        version: secured.version.as_str().into(),
        cipher_suite: secured.cipher_suite.as_str().into(),
        first,
        peer_certs: secured.certificates.iter().map(shown).collect(),
    };
    Security { tls, peer: secured.certificates.first().map(holder) }
}

fn shown(certificate: &Certificate) -> PeerCert {
    PeerCert {
        subject: certificate.subject.to_string(),
        spki_sha256: certificate.spki_sha256.to_string(),
        cert_sha256: certificate.sha256.to_string(),
    }
}

fn holder(certificate: &Certificate) -> PeerFacts {
    let attribute =
        |one: &tls_session::Attribute| Attribute { name: one.short_name(), value: one.value.clone() };
    let subject = &certificate.subject;
    PeerFacts {
        emails: certificate.emails.clone(),
        dns_names: certificate.dns_names.clone(),
        uris: certificate.uris.clone(),
        printed: subject.common(),
        subject: subject.sets().iter().map(|set| set.iter().map(attribute).collect()).collect(),
    }
}
