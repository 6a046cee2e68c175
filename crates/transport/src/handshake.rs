//! A handshake under way.
//!
//! A signature and a certificate to check take hundreds of microseconds, so the session goes elsewhere for each
//! step, together with what the client sent, and comes back wherever it has got to.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use tls_session::{Session, SessionError};

use crate::ended::{HandshakeError, Hangup};

/// Input that is kept while a step is done elsewhere. A client has nothing more to say before it is answered, but
/// may send its first ops right behind the end of the handshake. Reading stops above this, so one read more is kept
/// at most.
pub(crate) const HELD_BYTES_MAX: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct Handshake {
    /// `None` while it is elsewhere.
    pub(crate) session: Option<Box<Session>>,
    /// Whether INFO was sent before.
    pub(crate) greeted: bool,
    /// What the client sent since the session left.
    pub(crate) held: Vec<u8>,
    /// This side speaks first, and has not.
    begins: bool,
    /// Since when the session is elsewhere, and what the deadline was: it stands still meanwhile.
    pub(crate) away: Option<(u64, u64)>,
    /// Nothing more comes, which counts when the session is back.
    pub(crate) ended: Option<Hangup>,
    /// Goes with the connection: steps that wait then are not done.
    alive: Arc<()>,
}

impl Handshake {
    pub(crate) fn new(session: Session, greeted: bool) -> Self {
        Self {
            session: Some(Box::new(session)),
            greeted,
            held: Vec::new(),
            begins: false,
            away: None,
            ended: None,
            alive: Arc::default(),
        }
    }

    /// One with who was dialed: this side speaks first.
    pub(crate) fn beginning(session: Session) -> Self {
        Self { begins: true, ..Self::new(session, false) }
    }

    /// What is to be done, if there is anything.
    pub(crate) fn take_step(&mut self) -> Option<HandshakeStep> {
        if self.held.is_empty() && !self.begins {
            return None;
        }
        let session = self.session.take()?;
        self.begins = false;
        Some(HandshakeStep {
            session,
            input: std::mem::take(&mut self.held),
            awaited: Arc::downgrade(&self.alive),
        })
    }

    pub(crate) fn wants_input(&self) -> bool {
        self.held.len() < HELD_BYTES_MAX && self.ended.is_none()
    }

    /// What it means here that nothing more comes.
    pub(crate) fn error_of(&self, hangup: Hangup) -> HandshakeError {
        let is_part = |session: &Session| session.has_part_of_record();
        let is_cut = !self.held.is_empty() || self.session.as_deref().is_some_and(is_part);
        match hangup {
            Hangup::Closed if is_cut => HandshakeError::UnexpectedEof,
            Hangup::Closed => HandshakeError::Eof,
            Hangup::Broken => HandshakeError::Reset,
        }
    }
}

/// A step of a handshake, to be done on any thread.
pub struct HandshakeStep {
    session: Box<Session>,
    /// What the client sent.
    input: Vec<u8>,
    /// Gone when nobody waits for the outcome any more.
    awaited: Weak<()>,
}

/// A step that was done.
pub struct HandshakeDone {
    pub(crate) session: Box<Session>,
    pub(crate) outcome: Result<(), SessionError>,
    /// What the client said behind the end of the handshake.
    pub(crate) said: Vec<u8>,
}

impl HandshakeStep {
    /// Does it. `None` if nobody waits for it any more.
    pub fn run(self) -> Option<HandshakeDone> {
        let Self { mut session, mut input, awaited } = self;
        if awaited.strong_count() == 0 {
            return None;
        }
        let mut said = Vec::new();
        let receive = || session.receive(&mut input, |bytes| said.extend_from_slice(bytes));
        // Who waits has to hear something even if a library has a flaw.
        let outcome = catch_unwind(AssertUnwindSafe(receive)).unwrap_or(Err(SessionError::NotOpen));
        Some(HandshakeDone { session, outcome, said })
    }
}

impl fmt::Debug for HandshakeStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeStep").field("input", &self.input.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for HandshakeDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeDone").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}
