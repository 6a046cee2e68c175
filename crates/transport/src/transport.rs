//! All that stands between one connection's socket and the protocol.
//!
//! Always true: the protocol hears nothing a client said before it is known whether the connection is secured, and
//! each byte of output is on its way once, in the order in which it was given.

mod beginning;
mod framing;
mod offloading;

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tls_session::{Acceptor, Cipher, Sealed, Session, SessionError, Version};

use crate::ended::{Ended, HandshakeError, Hangup};
use crate::handshake::{Handshake, HandshakeDone, HandshakeStep};
use crate::news::News;
use crate::offload::Offload;
use crate::opening::{Opening, Terms};
use crate::tls::Tls;
use crate::web::{self, Tools, Web};

/// What a connection has beside its socket until it is known to be plain.
#[derive(Debug)]
pub struct Transport {
    stage: Stage,
    /// What is on top of that, if anything is.
    web: Option<Box<Web>>,
    /// While it is on its way to what it will be. Most connections are idle, and need no more of it.
    way: Option<Box<Way>>,
    /// The socket is full.
    is_blocked: bool,
}

/// What counts until a connection is secured, or turns out plain, and has become a WebSocket if it is to be one.
#[derive(Debug)]
struct Way {
    /// The configuration that was in force when it was accepted; `None` if there is no TLS.
    acceptor: Option<Arc<Acceptor>>,
    /// Its client is in this process.
    is_in_process: bool,
    /// Until when the stage has to change.
    deadline: Option<u64>,
}

#[derive(Debug)]
enum Stage {
    /// The client has said nothing.
    Opening(Opening),
    Handshake(Box<Handshake>),
    Tls(Tls),
    /// TLS is the kernel's: the socket takes and gives plain bytes.
    Kernel,
    /// Nothing stands in between.
    Clear,
}

/// What becomes of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// The socket gets it as it is.
    Plain,
    /// The client must not see it: it came too late for the clear, and is not secured.
    Withheld,
    /// It is sealed.
    Sealed,
}

impl Transport {
    fn terms(&self) -> Terms {
        let is_in_process = self.way.as_ref().is_some_and(|way| way.is_in_process);
        let terms = if is_in_process { Terms::in_process } else { Terms::of };
        terms(self.acceptor().policy())
    }

    /// There is one wherever there may be TLS.
    fn acceptor(&self) -> &Arc<Acceptor> {
        let acceptor = self.way.as_ref().and_then(|way| way.acceptor.as_ref());
        acceptor.expect("what is opening has an acceptor")
    }

    fn deadline(&self) -> Option<u64> {
        self.way.as_ref()?.deadline
    }

    fn set_deadline(&mut self, deadline: Option<u64>) {
        if let Some(way) = &mut self.way {
            way.deadline = deadline;
        }
    }

    /// It has come to this on its way.
    fn come_to(&mut self, opening: Opening, now: u64, tell: &mut impl FnMut(News<'_>)) -> Result<(), Ended> {
        self.stage = Stage::Clear;
        self.set_deadline(None);
        match opening {
            Opening::Clear => {
                tell(News::Clear);
                return Ok(());
            }
            Opening::Secure { .. } if !self.is_admitted(now) => return Err(Ended::Throttled),
            Opening::Secure { .. } => tell(News::Securing),
            Opening::Silent | Opening::Undecided => {}
        }
        self.stage = Stage::Opening(opening);
        self.set_deadline(Some(after(now, opening.patience(&self.terms()))));
        Ok(())
    }

    fn is_admitted(&self, now: u64) -> bool {
        let admission = self.acceptor().admit(now);
        if admission.refused_before > 0 {
            tracing::warn!("Rejected {} connections due to TLS rate limiting", admission.refused_before);
        }
        admission.granted
    }

    // What is received.

    /// Whether the client has said nothing yet. What it was sent by now has to leave before the first of that is
    /// received: nothing follows it in the clear.
    pub fn is_opening(&self) -> bool {
        matches!(self.stage, Stage::Opening(_))
    }

    /// Whether nothing stands between socket and protocol, so that this is not needed any more.
    pub fn is_clear(&self) -> bool {
        matches!(self.stage, Stage::Clear) && self.web.is_none()
    }

    /// Whether the kernel has the connection's TLS.
    pub fn is_in_kernel(&self) -> bool {
        matches!(self.stage, Stage::Kernel)
    }

    /// Whether the socket is to be read.
    pub fn wants_input(&self) -> bool {
        if self.is_waiting() {
            return false;
        }
        match &self.stage {
            Stage::Handshake(handshake) => handshake.wants_input(),
            Stage::Tls(tls) => !matches!(tls.offload, Offload::Stopping { .. }),
            Stage::Opening(_) | Stage::Kernel | Stage::Clear => true,
        }
    }

    /// Takes bytes of the socket, which are garbage afterwards.
    ///
    /// # Errors
    /// Nothing more may be received. There may be [`Self::outgoing`] bytes that tell the client why.
    pub fn receive(
        &mut self,
        now: u64,
        input: &mut [u8],
        tools: &mut Tools,
        mut tell: impl FnMut(News<'_>),
    ) -> Result<(), Ended> {
        if let Stage::Opening(opening) = self.stage
            && let Some(first) = input.first()
        {
            self.on_first_byte(opening, *first, now, &mut tell)?;
        }
        match &mut self.stage {
            Stage::Tls(tls) => {
                let Some(web) = &mut self.web else { return tls.receive(input, &mut tell) };
                let outcome = web::receive_sealed(web, tls, input, tools, &mut tell);
                return self.heed_web(outcome);
            }
            Stage::Handshake(handshake) => handshake.held.extend_from_slice(input),
            Stage::Kernel | Stage::Clear => {
                let Some(web) = &mut self.web else {
                    tell(News::Said(input));
                    return Ok(());
                };
                let outcome = web.receive(input, tools, &mut tell);
                return self.heed_web(outcome);
            }
            Stage::Opening(_) => {}
        }
        Ok(())
    }

    fn on_first_byte(
        &mut self,
        opening: Opening,
        byte: u8,
        now: u64,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<(), Ended> {
        let next = opening.on_first_byte(byte);
        if next != opening {
            self.come_to(next, now, tell)?;
        }
        if let Opening::Secure { greeted } = next {
            let handshake = Handshake::new(Session::new(self.acceptor()), greeted);
            self.stage = Stage::Handshake(Box::new(handshake));
        }
        Ok(())
    }

    /// Nothing more comes from the socket.
    ///
    /// # Errors
    /// Always, unless what came before has to be looked at first.
    pub fn on_hangup(&mut self, hangup: Hangup) -> Result<(), Ended> {
        let is_asking = self.is_asking();
        let error = match &mut self.stage {
            // What it said before may be the end of the handshake, and more. But it does not wait any more.
            Stage::Handshake(handshake) if handshake.session.is_none() => {
                handshake.ended = Some(hangup);
                if let Some((_, deadline)) = handshake.away.take() {
                    self.set_deadline(Some(deadline));
                }
                return Ok(());
            }
            Stage::Handshake(handshake) => handshake.error_of(hangup),
            Stage::Opening(Opening::Silent | Opening::Secure { .. }) => match hangup {
                Hangup::Closed => HandshakeError::Eof,
                Hangup::Broken => HandshakeError::Reset,
            },
            _ if is_asking => return self.end(Ended::Guest),
            _ => return self.end(Ended::Hangup(hangup)),
        };
        self.end(Ended::Handshake(error))
    }

    /// It has no time left to run out.
    fn end(&mut self, ended: Ended) -> Result<(), Ended> {
        self.set_deadline(None);
        Err(ended)
    }

    // What is done elsewhere.

    /// Takes what is to be done, if there is anything. Until [`Self::on_done`] the client waits for us, and its
    /// time does not run out unless it has left.
    pub fn take_step(&mut self, now: u64) -> Option<HandshakeStep> {
        let Stage::Handshake(handshake) = &mut self.stage else { return None };
        let step = handshake.take_step()?;
        if handshake.ended.is_none() {
            let deadline = self.way.as_mut().and_then(|way| way.deadline.take());
            handshake.away = deadline.map(|deadline| (now, deadline));
        }
        Some(step)
    }

    /// A step is done. `is_taken` says whether the kernel could go on with such a connection.
    ///
    /// # Errors
    /// The handshake failed, or the connection has come to its end behind it.
    pub fn on_done(
        &mut self,
        done: HandshakeDone,
        now: u64,
        tools: &mut Tools,
        is_taken: impl FnOnce(Version, Cipher) -> bool,
        mut tell: impl FnMut(News<'_>),
    ) -> Result<(), Ended> {
        let Stage::Handshake(handshake) = &mut self.stage else { return Ok(()) };
        if let (Some((since, deadline)), Some(way)) = (handshake.away.take(), &mut self.way) {
            way.deadline = Some(deadline.saturating_add(now.saturating_sub(since)));
        }
        let HandshakeDone { session, outcome, said } = done;
        let secured = session.secured();
        handshake.session = Some(session);
        if let Err(error) = outcome {
            return self.end(Ended::Handshake(error.into()));
        }
        let Some(secured) = secured else {
            let is_over = handshake.held.is_empty();
            return handshake.ended.filter(|_| is_over).map_or(Ok(()), |hangup| self.on_hangup(hangup));
        };
        // What was dialed stays in this process.
        let may_go = self.way.as_ref().is_some_and(|way| way.acceptor.is_some());
        let is_taken = may_go && is_taken(secured.version, secured.cipher_suite.cipher());
        let first = !handshake.greeted;
        let offload = if is_taken { Offload::WANTED } else { Offload::No };
        match &mut self.web {
            None => {
                self.way = None;
                tell(News::Secured { secured, first });
                tell(News::Said(&said));
            }
            Some(web) => {
                web.on_secured(secured);
                let outcome = web::receive_copied(web, &said, tools, &mut tell);
                self.heed_web(outcome)?;
            }
        }
        self.go_on_secured(offload, tools, &mut tell)
    }

    fn go_on_secured(
        &mut self,
        offload: Offload,
        tools: &mut Tools,
        tell: &mut impl FnMut(News<'_>),
    ) -> Result<(), Ended> {
        let Stage::Handshake(handshake) = mem::replace(&mut self.stage, Stage::Clear) else {
            unreachable!("only a handshake secures")
        };
        let Handshake { session, mut held, ended, .. } = *handshake;
        let mut tls = Tls::new(session.expect("the session has just come back"), offload);
        let outcome = match &mut self.web {
            None => tls.receive(&mut held, tell),
            Some(web) => web::receive_sealed(web, &mut tls, &mut held, tools, tell),
        };
        self.stage = Stage::Tls(tls);
        self.heed_web(outcome)?;
        ended.map_or(Ok(()), |hangup| self.on_hangup(hangup))
    }

    // What takes its time.

    /// When [`Self::on_deadline`] is next needed.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadline()
    }

    /// Goes on, if the client took its time.
    ///
    /// # Errors
    /// It took too long, or may not go on as it would.
    pub fn on_deadline(&mut self, now: u64, mut tell: impl FnMut(News<'_>)) -> Result<(), Ended> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Ok(());
        }
        let next = match self.stage {
            Stage::Opening(opening) => opening.on_patience_over(&self.terms()),
            _ if self.is_asking() && !matches!(self.stage, Stage::Handshake(_)) => {
                return self.end(Ended::Guest);
            }
            _ => None,
        };
        let Some(next) = next else { return self.end(Ended::Handshake(HandshakeError::Timeout)) };
        if matches!(self.stage, Stage::Opening(Opening::Silent)) && next.is_greeted() {
            tell(News::Greet);
        }
        self.come_to(next, now, &mut tell)
    }

    // What is sent.

    /// What becomes of output.
    pub fn output(&self) -> Output {
        match self.stage {
            Stage::Opening(opening) if !opening.is_greeted() => Output::Withheld,
            Stage::Opening(_) | Stage::Kernel | Stage::Clear => Output::Plain,
            Stage::Handshake(_) => Output::Withheld,
            Stage::Tls(_) => Output::Sealed,
        }
    }

    fn session_mut(&mut self) -> Option<&mut Session> {
        match &mut self.stage {
            Stage::Handshake(handshake) => handshake.session.as_deref_mut(),
            Stage::Tls(tls) => Some(tls.session_mut()),
            Stage::Opening(_) | Stage::Kernel | Stage::Clear => None,
        }
    }

    /// What the socket is to get before anything else.
    pub fn outgoing(&self) -> &[u8] {
        match &self.stage {
            Stage::Handshake(handshake) => handshake.session.as_deref().map_or(&[], Session::outgoing),
            Stage::Tls(tls) => tls.session().outgoing(),
            Stage::Opening(_) | Stage::Kernel | Stage::Clear => &[],
        }
    }

    /// The socket took so many bytes of [`Self::outgoing`]. Returns how much of the output has left for good.
    pub fn on_sent(&mut self, count: usize) -> usize {
        if let Stage::Tls(tls) = &mut self.stage {
            return tls.on_sent(count);
        }
        if let Some(session) = self.session_mut() {
            session.on_sent(count);
        }
        0
    }

    /// Seals output, as much as there is room for, to be sent when [`Self::outgoing`] is empty. Returns how much of
    /// it that was: what the socket did not take is given to [`Self::keep`], or all if `outgoing` is not empty.
    ///
    /// # Errors
    /// Nothing can be sent any more.
    pub fn seal<'a>(
        &mut self,
        pieces: impl Iterator<Item = &'a [u8]>,
        into: &mut Sealed,
    ) -> Result<usize, SessionError> {
        let Stage::Tls(tls) = &mut self.stage else { return Err(SessionError::NotOpen) };
        let Some(web) = &mut self.web else { return tls.seal(pieces, into) };
        let header = web.out.header();
        let count = tls.seal(web.out.pieces(&header, pieces), into)?;
        Ok(web.out.on_sent(count))
    }

    /// Keeps what the socket did not take of what `count` bytes of output were sealed to: it is outgoing now.
    /// Returns how much of the output has left for good.
    pub fn keep(&mut self, rest: &[u8], count: usize) -> usize {
        match &mut self.stage {
            Stage::Tls(tls) => tls.keep(rest, count),
            _ => 0,
        }
    }

    /// Whether the socket takes nothing for now.
    pub fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// The socket is full.
    pub fn on_blocked(&mut self) {
        self.is_blocked = true;
    }

    /// The socket takes bytes again.
    pub fn on_writable(&mut self) {
        self.is_blocked = false;
    }

    /// Puts the goodbye where [`Self::outgoing`] is, if the socket takes it: nothing can be sealed any more.
    pub fn close(&mut self) {
        if !self.is_blocked
            && let Some(session) = self.session_mut()
        {
            session.close();
        }
    }

    /// It goes with its connection to another shard, where the socket may take bytes again.
    pub fn on_moved(&mut self) {
        self.is_blocked = false;
        self.stay_for_now();
    }
}

fn after(now: u64, time: Duration) -> u64 {
    now.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
