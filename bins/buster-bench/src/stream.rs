//! A connection, in the clear, with TLS, or a WebSocket.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::net::{RecvFlags, recv};

use crate::tls::Session;
use crate::web::Framing;

#[derive(Debug)]
pub(crate) struct Stream {
    socket: TcpStream,
    between: Between,
}

/// What stands between a socket and the protocol.
#[derive(Debug)]
enum Between {
    Nothing,
    Tls(Box<Session>),
    Web(Box<Framing>),
}

impl Stream {
    /// Goes on with TLS: does the handshake on a blocking socket.
    pub(crate) fn secure(&mut self) -> io::Result<()> {
        self.between = Between::Tls(Box::new(Session::shake_hands(&mut self.socket)?));
        Ok(())
    }

    /// Goes on as a WebSocket, whose messages may be compressed: asks for it on a blocking socket.
    pub(crate) fn upgrade(&mut self, compresses: bool) -> io::Result<()> {
        self.between = Between::Web(Box::new(Framing::ask(&mut self.socket, compresses)?));
        Ok(())
    }

    pub(crate) fn set_nonblocking(&self, on: bool) -> io::Result<()> {
        self.socket.set_nonblocking(on)
    }

    pub(crate) fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.socket.set_nodelay(on)
    }

    pub(crate) fn set_waits_max(&self, wait_max: Duration) -> io::Result<()> {
        self.socket.set_read_timeout(Some(wait_max))?;
        self.socket.set_write_timeout(Some(wait_max))
    }

    #[cfg(test)]
    pub(crate) fn local_addr(&self) -> io::Result<std::net::SocketAddr> {
        self.socket.local_addr()
    }

    /// Reads what is there without waiting, and forgets it: how many bytes; 0 is the end. In the clear the
    /// kernel discards it (`TRUNC`), of frames all but what has to be looked at to know where the next one is.
    pub(crate) fn discard(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.between {
            Between::Nothing => Ok(recv(&self.socket, buffer, RecvFlags::TRUNC | RecvFlags::DONTWAIT)?.1),
            Between::Tls(session) => session.read(&mut self.socket, |_| ()),
            Between::Web(framing) => framing.discard(&mut self.socket, buffer),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(socket: TcpStream) -> Self {
        Self { socket, between: Between::Nothing }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.between {
            Between::Nothing => self.socket.read(buffer),
            Between::Tls(session) => session.read_into(&mut self.socket, buffer),
            Between::Web(framing) => framing.read(&mut self.socket, buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.between {
            Between::Nothing => self.socket.write(bytes),
            Between::Tls(session) => session.write(&mut self.socket, bytes),
            Between::Web(framing) => framing.write(&mut self.socket, bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.between {
            Between::Nothing => Ok(()),
            Between::Tls(session) => session.flush(&mut self.socket),
            Between::Web(framing) => framing.flush(&mut self.socket),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
