//! TLS after its handshake, in this process.

use tls_session::{Handover, Sealed, Session, SessionError};

use crate::ended::{Ended, Hangup};
use crate::news::News;
use crate::offload::Offload;

#[derive(Debug)]
pub(crate) struct Tls {
    session: Box<Session>,
    /// Bytes of the output that the session's outgoing bytes stand for.
    waiting: usize,
    /// Whether the kernel is to go on with it.
    pub(crate) offload: Offload,
}

impl Tls {
    pub(crate) fn new(session: Box<Session>, offload: Offload) -> Self {
        Self { session, waiting: 0, offload }
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    pub(crate) fn receive(&mut self, input: &mut [u8], tell: &mut impl FnMut(News<'_>)) -> Result<(), Ended> {
        let outcome = self.session.receive(input, |bytes| tell(News::Said(bytes)));
        match outcome {
            Err(_) => Err(Ended::Hangup(Hangup::Broken)),
            Ok(()) if self.session.is_closed() => Err(Ended::Hangup(Hangup::Closed)),
            Ok(()) => Ok(()),
        }
    }

    pub(crate) fn seal<'a>(
        &mut self,
        pieces: impl Iterator<Item = &'a [u8]>,
        into: &mut Sealed,
    ) -> Result<usize, SessionError> {
        self.session.seal(pieces, into)
    }

    /// Keeps what the socket did not take of what `count` bytes of output were sealed to. Returns how much of the
    /// output has left.
    pub(crate) fn keep(&mut self, rest: &[u8], count: usize) -> usize {
        if rest.is_empty() {
            return count;
        }
        self.session.keep(rest);
        self.waiting += count;
        0
    }

    /// The socket took some of the outgoing bytes. Returns how much of the output has left.
    pub(crate) fn on_sent(&mut self, count: usize) -> usize {
        self.session.on_sent(count);
        if self.session.outgoing().is_empty() { std::mem::take(&mut self.waiting) } else { 0 }
    }

    /// Whether the kernel could go on from here.
    pub(crate) fn is_between_records(&self) -> bool {
        self.waiting == 0 && self.session.is_between_records()
    }

    pub(crate) fn hand_over(self) -> Result<Handover, SessionError> {
        self.session.hand_over()
    }
}
