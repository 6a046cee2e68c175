//! A connection of a load of JetStream: it takes headers, and what waits for the socket waits in order.

use std::time::Duration;

use anyhow::Result;
use nats_proto::Message;

use crate::client::{self, Dialer};
use crate::epoll::Epoll;
use crate::frames;
use crate::inbox::Inbox;
use crate::outbox::Outbox;
use crate::stream::Stream;

/// A read takes what a record or a frame holds, so that nothing is left behind below the protocol.
pub(crate) const READ_BYTES: usize = 256 * 1024;

/// Whoever has more than this waiting writes no more for now.
const OUTBOX_BYTES_FULL: usize = 256 * 1024;

/// A server that says nothing for longer has forgotten something.
pub(crate) const ANSWER_WAIT_MAX: Duration = Duration::from_secs(20);

pub(crate) struct JsConnection {
    stream: Stream,
    inbox: Inbox,
    outbox: Outbox,
}

impl JsConnection {
    /// Connects and subscribes to `filter`. `epoll` will know it by `token`.
    pub(crate) fn open(dialer: &mut Dialer, epoll: &Epoll, filter: &str, token: usize) -> Result<Self> {
        let subscription = frames::subscribe(filter, None, "1");
        let stream = client::open_saying(dialer, frames::CONNECT_WITH_HEADERS, &subscription)?;
        stream.set_nonblocking(true)?;
        epoll.watch_edges(&stream, token)?;
        Ok(Self { stream, inbox: Inbox::default(), outbox: Outbox::default() })
    }

    /// Where what is said next is written to.
    pub(crate) fn outbox(&mut self) -> &mut Vec<u8> {
        self.outbox.bytes()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.outbox.len() > OUTBOX_BYTES_FULL
    }

    /// Whether all that was said has left.
    pub(crate) fn is_flushed(&self) -> bool {
        self.outbox.len() == 0
    }

    pub(crate) fn flush(&mut self) -> Result<()> {
        self.outbox.flush(&mut self.stream)
    }

    /// Reads what there is. What `on_message` writes goes out with the next flush.
    ///
    /// It ends: whatever a server sends here was asked for, or is held back until we answer.
    pub(crate) fn receive(
        &mut self,
        scratch: &mut [u8],
        mut on_message: impl FnMut(&Message<'_>, &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        loop {
            let outbox = self.outbox.bytes();
            let take = |message: &Message<'_>| on_message(message, outbox);
            let input = self.inbox.take_input(&mut self.stream, scratch, take)?;
            for _ in 0..input.pings {
                self.outbox.bytes().extend_from_slice(frames::PONG);
            }
            if input.bytes == 0 {
                return Ok(());
            }
        }
    }
}
