//! A connection whose requests hyper can read: see [`Targets`].

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::targets::Targets;

/// Bytes read at once while requests are rewritten.
const PIECE_BYTES: usize = 4 << 10;

#[derive(Debug)]
pub(crate) struct Respelled<S> {
    stream: S,
    targets: Targets,
    /// What was rewritten, and how much of it hyper has: at most two pieces and a little.
    rewritten: Vec<u8>,
    taken: usize,
}

impl<S> Respelled<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, targets: Targets::new(), rewritten: Vec::new(), taken: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Respelled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // Of a piece in the middle of a target that is too long nothing is left, and that is no end.
        while this.taken == this.rewritten.len() {
            if this.targets.are_over() {
                return Pin::new(&mut this.stream).poll_read(context, into);
            }
            let mut piece = [0; PIECE_BYTES];
            let mut piece = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut piece))?;
            if piece.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.rewritten.clear();
            this.taken = 0;
            this.targets.rewrite(piece.filled(), &mut this.rewritten);
        }
        let rest = &this.rewritten[this.taken..];
        let fits = rest.len().min(into.remaining());
        into.put_slice(&rest[..fits]);
        this.taken += fits;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Respelled<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
