//! A connection, in the clear or with TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::net::{RecvFlags, recv};

use crate::tls::Session;

#[derive(Debug)]
pub(crate) struct Stream {
    socket: TcpStream,
    /// What stands between; none in the clear.
    session: Option<Box<Session>>,
}

impl Stream {
    /// Goes on with TLS: does the handshake on a blocking socket.
    pub(crate) fn secure(&mut self) -> io::Result<()> {
        self.session = Some(Box::new(Session::shake_hands(&mut self.socket)?));
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
    /// kernel discards it (`TRUNC`), otherwise it has to be decrypted to know where the next record is.
    pub(crate) fn discard(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.session {
            None => Ok(recv(&self.socket, buffer, RecvFlags::TRUNC | RecvFlags::DONTWAIT)?.1),
            Some(session) => session.read(&mut self.socket, |_| ()),
        }
    }
}

impl From<TcpStream> for Stream {
    fn from(socket: TcpStream) -> Self {
        Self { socket, session: None }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.session {
            None => self.socket.read(buffer),
            Some(session) => session.read_into(&mut self.socket, buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.session {
            None => self.socket.write(bytes),
            Some(session) => session.write(&mut self.socket, bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.session {
            None => Ok(()),
            Some(session) => session.flush(&mut self.socket),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
