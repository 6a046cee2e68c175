//! Connections that are WebSockets, or are to be.

use ws_frame::{Close, Header};

use crate::ended::Ended;
use crate::web::{Claim, InPlace, Tools, Web};

use super::{Stage, Transport};

impl Transport {
    /// Whether its output becomes frames: see [`Self::frame`].
    pub fn is_web(&self) -> bool {
        self.web.is_some()
    }

    /// Whether it has yet to become a WebSocket, which it should.
    pub(super) fn is_asking(&self) -> bool {
        self.web.as_deref().is_some_and(Web::is_asking)
    }

    /// It is one of a shard's from here on, which shares these tools: what it takes of them counts.
    pub fn enter(&self, tools: &mut Tools) {
        if let Some(claim) = self.claim() {
            tools.asked.enter(claim);
        }
    }

    /// It is none of the shard's any more.
    pub fn leave(&self, tools: &mut Tools) {
        if let Some(claim) = self.claim() {
            tools.asked.leave(claim);
        }
    }

    fn claim(&self) -> Option<&Claim> {
        self.web.as_deref().and_then(Web::claim)
    }

    /// Whether it waits for room for its request: it is not read from until [`Self::resume`].
    pub fn is_waiting(&self) -> bool {
        self.claim().is_some_and(Claim::is_waiting)
    }

    /// Goes on with a request that waits, if there is room for it. Returns whether it waits no more.
    pub fn resume(&mut self, tools: &mut Tools) -> bool {
        self.web.as_deref_mut().is_none_or(|web| web.resume(tools))
    }

    /// Whether there is something to be sent although the protocol says nothing.
    pub fn has_own_output(&self) -> bool {
        self.web.as_deref().is_some_and(Web::has_own_output)
    }

    /// Whether what is received are frames whose payload can stay where it is.
    pub fn stays_in_place(&self) -> bool {
        self.is_open() && self.web.as_deref().is_some_and(Web::stays_in_place)
    }

    /// Takes bytes of the socket for one of which [that](Self::stays_in_place) holds. The caller hears of the payload
    /// first, and then of what comes behind it.
    ///
    /// # Panics
    /// It does not hold.
    pub fn receive_in_place(&mut self, input: &mut [u8], tools: &mut Tools) -> InPlace {
        self.web.as_mut().expect("only a WebSocket has frames").receive_in_place(input, tools)
    }

    /// Its time is over once its request was granted, or once it has ended.
    pub(super) fn heed_web(&mut self, outcome: Result<(), Ended>) -> Result<(), Ended> {
        if self.way.is_some() && (outcome.is_err() || (self.web.is_some() && !self.is_asking())) {
            self.way = None;
        }
        outcome
    }

    /// Makes a frame of what waits to be sent, so many bytes in these pieces, unless one is under way. Sealed or not,
    /// [`Self::framed`] is what goes out then.
    pub fn frame<'a>(
        &mut self,
        len: usize,
        pieces: impl Iterator<Item = &'a [u8]> + Clone,
        tools: &mut Tools,
    ) {
        if let Some(web) = &mut self.web {
            web.prepare(len, pieces, tools);
        }
    }

    /// The header for [`Self::framed`].
    ///
    /// # Panics
    /// It is no WebSocket.
    pub fn header(&self) -> Header {
        self.web.as_ref().expect("only a WebSocket has frames").out.header()
    }

    /// What is to be sent, in pieces that are not empty, if these wait.
    ///
    /// # Panics
    /// It is no WebSocket.
    pub fn framed<'a, 'o: 'a>(
        &'a self,
        header: &'a Header,
        pieces: impl Iterator<Item = &'o [u8]>,
    ) -> impl Iterator<Item = &'a [u8]> {
        self.web.as_ref().expect("only a WebSocket has frames").out.pieces(header, pieces)
    }

    /// So many bytes of [`Self::framed`] have left. Returns how many of those that waited.
    pub fn on_framed(&mut self, count: usize) -> usize {
        self.web.as_mut().map_or(count, |web| web.out.on_sent(count))
    }

    /// Makes the last frame, which says why the connection ends, unless something that came in is to be said of it.
    /// Returns whether there is one to be sent.
    pub fn say_goodbye(&mut self, close: Option<Close>) -> bool {
        self.web.as_mut().is_some_and(|web| web.say_goodbye(close))
    }

    /// Whether what is to be sent goes to the socket as it is.
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Clear | Stage::Kernel)
    }
}
