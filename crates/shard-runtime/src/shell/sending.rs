//! Sending to sockets, and closing them.

use std::io::IoSlice;
use std::os::fd::{BorrowedFd, OwnedFd};

use conns::Outbox;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};
use shard_core::PIECES_MAX;

/// Chunks handed to one `sendmsg`.
const SLICES_PER_SEND: usize = PIECES_MAX;

/// Input of a closing connection that is read to be forgotten: the rest of what it sent at once.
const DISCARDED_BYTES_MAX: usize = 16 << 10;

/// Closes a socket that everything was sent to.
pub(super) fn close(socket: &OwnedFd) {
    // Unread input would turn the close into a reset, which may overtake our last words.
    let mut discarded = [0; DISCARDED_BYTES_MAX];
    let _ = rustix::net::recv(socket, &mut discarded[..], RecvFlags::DONTWAIT);
    // The kernel may hold the file a little longer: the peer learns of the end from this. It fails
    // only if the peer ended first.
    let _ = rustix::net::shutdown(socket, Shutdown::Both);
}

/// Sends some bytes.
pub(super) fn send_bytes(socket: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    rustix::net::send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
}

/// Sends what there is, as far as one call goes.
pub(super) fn send(socket: BorrowedFd<'_>, outbox: &Outbox) -> Result<usize, Errno> {
    send_slices(socket, outbox.slices())
}

/// The same for these pieces.
pub(super) fn send_pieces(socket: BorrowedFd<'_>, pieces: &[&[u8]]) -> Result<usize, Errno> {
    send_slices(socket, pieces.iter().copied())
}

#[inline]
fn send_slices<'a>(socket: BorrowedFd<'_>, pieces: impl Iterator<Item = &'a [u8]>) -> Result<usize, Errno> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    let mut slices = [IoSlice::new(&[]); SLICES_PER_SEND];
    let mut count = 0;
    for (slot, bytes) in slices.iter_mut().zip(pieces) {
        *slot = IoSlice::new(bytes);
        count += 1;
    }
    match count {
        1 => rustix::net::send(socket, &slices[0], flags),
        _ => rustix::net::sendmsg(socket, &slices[..count], &mut SendAncillaryBuffer::default(), flags),
    }
}
