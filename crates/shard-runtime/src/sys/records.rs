//! Records of TLS that are no data, on sockets whose TLS the kernel does.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::{io, mem};

/// A control message that says of what type a record is.
#[repr(C)]
struct RecordType {
    header: libc::cmsghdr,
    record_type: u8,
}

/// Sends a record of another type than data, if the socket takes it at once.
pub(crate) fn send_record(socket: BorrowedFd<'_>, record_type: u8, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: both structs are numbers and pointers, for which zero is a value.
    let (header, mut message): (libc::cmsghdr, libc::msghdr) = unsafe { mem::zeroed() };
    let mut control = RecordType { header, record_type };
    control.header.cmsg_len = (mem::offset_of!(RecordType, record_type) + 1) as _;
    control.header.cmsg_level = libc::SOL_TLS;
    control.header.cmsg_type = libc::TLS_SET_RECORD_TYPE;
    let mut piece = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: the message names what lives until the call returns, and with their lengths; the kernel only
    // reads it.
    let sent = unsafe {
        libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
