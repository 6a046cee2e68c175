//! A connection whose requests hyper can read: see [`Heads`].

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_head::Refusal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use crate::head_room::HeadRoom;
use crate::heads::Heads;

/// Bytes read at once while heads are read.
const PIECE_BYTES: usize = 4 << 10;

/// How long the other side has to take a refusal. Who closes while more comes takes back what it said.
const REFUSAL_TIME_MAX: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Respelled<S> {
    stream: S,
    heads: Heads,
    /// What hyper is to see, and how much of it hyper has: what the heads in a piece come to.
    rewritten: Vec<u8>,
    taken: usize,
    /// What came last is no request. hyper sees the end of the connection instead.
    refused: Option<Refusal>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Respelled<S> {
    pub(crate) fn new(stream: S, room: &HeadRoom) -> Self {
        Self { stream, heads: Heads::new(room), rewritten: Vec::new(), taken: 0, refused: None }
    }

    /// hyper has answered all that it saw: what is left is to say why the rest is refused, if it is.
    pub(crate) async fn end(mut self) {
        let Some(refusal) = self.refused else { return };
        let said = async {
            self.stream.write_all(&refusal.answer()).await?;
            self.stream.shutdown().await?;
            let mut piece = [0; PIECE_BYTES];
            while self.stream.read(&mut piece).await? > 0 {}
            Ok::<(), io::Error>(())
        };
        let _ = timeout(REFUSAL_TIME_MAX, said).await;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Respelled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.taken == this.rewritten.len() {
            if this.refused.is_some() {
                return Poll::Ready(Ok(()));
            }
            if this.heads.are_over() {
                return Pin::new(&mut this.stream).poll_read(context, into);
            }
            let mut piece = [0; PIECE_BYTES];
            let mut piece = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut piece))?;
            this.rewritten.clear();
            this.taken = 0;
            if !piece.filled().is_empty() {
                this.refused = this.heads.read(piece.filled(), &mut this.rewritten).err();
            } else if this.heads.has_begun() {
                this.refused = Some(Refusal::Malformed);
            } else {
                return Poll::Ready(Ok(()));
            }
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
        // There is something to be said yet.
        if self.refused.is_some() {
            return Poll::Ready(Ok(()));
        }
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
