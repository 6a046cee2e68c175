//! Output of connections that are WebSockets, or are to be.

use ws_frame::Close;

use crate::ended::Ended;
use crate::web::{Tools, Web};

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

    /// Bytes that are kept of its request, for [`Tools::on_asked_no_more`].
    pub fn asked_bytes(&self) -> usize {
        self.web.as_deref().map_or(0, Web::counted_bytes)
    }

    /// Whether there is something to be sent although the protocol says nothing.
    pub fn has_own_output(&self) -> bool {
        self.web.as_deref().is_some_and(Web::has_own_output)
    }

    /// Its time is over once its request was granted, or once it has ended.
    pub(super) fn heed_web(&mut self, outcome: Result<(), Ended>) -> Result<(), Ended> {
        if outcome.is_err() || (self.web.is_some() && !self.is_asking()) {
            self.deadline = None;
        }
        outcome
    }

    /// Makes a frame of what waits to be sent, so many bytes in these pieces, unless one is under way. Sealed or not,
    /// [`Self::framed`] is what goes out then.
    pub fn frame<'a>(&mut self, len: usize, pieces: impl Iterator<Item = &'a [u8]>, tools: &mut Tools) {
        if let Some(web) = &mut self.web {
            web.prepare(len, pieces, tools);
        }
    }

    /// What is to be sent, in pieces that are not empty, if these wait.
    ///
    /// # Panics
    /// It is no WebSocket.
    pub fn framed<'a, 'o: 'a>(
        &'a self,
        pieces: impl Iterator<Item = &'o [u8]>,
    ) -> impl Iterator<Item = &'a [u8]> {
        self.web.as_ref().expect("only a WebSocket has frames").out.pieces(pieces)
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
