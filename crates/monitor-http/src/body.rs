//! An answer on its way: in pieces, so that it is known how much of it was taken.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::guests::Held;

/// Bytes handed to a connection at once.
const PIECE_BYTES: usize = 16 << 10;

/// The rest of an answer.
#[derive(Debug)]
pub(crate) struct Answered {
    rest: Bytes,
    /// Counts it while it is here.
    _held: Option<Held>,
    /// Where more comes from, to one who watches.
    more: Option<mpsc::Receiver<Bytes>>,
}

impl Answered {
    pub(crate) fn new(body: Vec<u8>, held: Held) -> Self {
        Self { rest: body.into(), _held: Some(held), more: None }
    }

    /// An answer without a body.
    pub(crate) fn empty() -> Self {
        Self { rest: Bytes::new(), _held: None, more: None }
    }

    /// What one who watches is told.
    pub(crate) fn told(more: mpsc::Receiver<Bytes>) -> Self {
        Self { more: Some(more), ..Self::empty() }
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty()
            && let Some(more) = &mut self.more
        {
            match more.poll_recv(context) {
                Poll::Ready(Some(words)) => self.rest = words,
                Poll::Ready(None) => self.more = None,
                Poll::Pending => return Poll::Pending,
            }
        }
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let piece = PIECE_BYTES.min(self.rest.len());
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.more.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.more {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.rest.len() as u64),
        }
    }
}
