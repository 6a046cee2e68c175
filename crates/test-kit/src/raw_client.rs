//! A client that sends exactly the bytes it is told to.
//!
//! Blocking, one socket, no thread: what a test reads is what has arrived. PINGs of the server are
//! answered on the way, so a long test is not cut off as stale.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use socket2::{Domain, SockRef, Socket, Type};

use crate::{ANSWER_DEADLINE, Message, ServerOp};

/// CONNECT with everything on that today's clients ask for, without verbose and pedantic.
pub const CONNECT_LINE: &str = "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\
     \"no_responders\":true,\"protocol\":1}\r\n";

/// Bytes asked of the socket at a time.
const READ_BYTES: usize = 64 * 1024;

/// One raw connection.
#[derive(Debug)]
pub struct RawClient {
    stream: TcpStream,
    /// Bytes from `taken` on have arrived and are not read yet.
    arrived: Vec<u8>,
    taken: usize,
}

impl RawClient {
    /// Connects the socket and nothing else; INFO is still to be read.
    ///
    /// # Panics
    ///
    /// When the server does not accept within the deadline.
    #[must_use]
    pub fn dial(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&addr, ANSWER_DEADLINE).expect("the server accepts");
        Self::over(stream).expect("options of a fresh socket")
    }

    /// Connects from this address of the machine, as [`Self::dial`]. Of loopback there are many.
    ///
    /// # Panics
    ///
    /// When there is no such address, or the server does not accept within the deadline.
    #[must_use]
    pub fn dial_from(from: IpAddr, addr: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::new(from, 0).into()).expect("an address of this machine");
        socket.connect_timeout(&addr.into(), ANSWER_DEADLINE).expect("the server accepts");
        Self::over(socket.into()).expect("options of a fresh socket")
    }

    /// Wraps a connected socket, so that a test can set its options before.
    ///
    /// # Errors
    ///
    /// When the deadlines cannot be set on it.
    pub fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_DEADLINE))?;
        stream.set_write_timeout(Some(ANSWER_DEADLINE))?;
        Ok(Self { stream, arrived: Vec::new(), taken: 0 })
    }

    /// Connects, reads INFO, sends [`CONNECT_LINE`] and waits until the server has taken it.
    ///
    /// # Panics
    ///
    /// When any of that fails.
    #[must_use]
    pub fn connect(addr: SocketAddr) -> Self {
        let mut client = Self::dial(addr);
        let first = client.next_op();
        assert!(matches!(first, ServerOp::Info(_)), "INFO comes first, not {first:?}");
        client.send(CONNECT_LINE);
        client.flush();
        client
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    ///
    /// When the server has closed the connection or takes nothing for the deadline.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the server takes the bytes");
    }

    /// Sends bytes to a server that may already have closed the connection.
    ///
    /// # Errors
    ///
    /// When the socket no longer takes them.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Publishes one message.
    ///
    /// # Panics
    ///
    /// As [`Self::send`].
    pub fn publish(&mut self, subject: &str, payload: impl AsRef<[u8]>) {
        let payload = payload.as_ref();
        let mut op = format!("PUB {subject} {}\r\n", payload.len()).into_bytes();
        op.extend_from_slice(payload);
        op.extend_from_slice(b"\r\n");
        self.send(op);
    }

    /// Subscribes and waits for the PONG after it.
    ///
    /// # Panics
    ///
    /// As [`Self::flush`].
    pub fn subscribe(&mut self, subject: &str, sid: impl std::fmt::Display) {
        self.send(format!("SUB {subject} {sid}\r\n"));
        self.flush();
    }

    /// Sends PING and reads up to its PONG: the messages that came before it.
    ///
    /// # Panics
    ///
    /// When the server reports an error, closes or does not answer within the deadline.
    pub fn flush(&mut self) -> Vec<Message> {
        self.send("PING\r\n");
        self.read_to_pong()
    }

    /// Reads up to the PONG of a PING sent before: the messages that came first.
    ///
    /// # Panics
    ///
    /// As [`Self::flush`].
    pub fn read_to_pong(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            match self.next_op() {
                ServerOp::Pong => return messages,
                ServerOp::Msg(message) => messages.push(message),
                ServerOp::Info(_) | ServerOp::Ok => {}
                op @ (ServerOp::Err(_) | ServerOp::Closed | ServerOp::Ping) => {
                    panic!("{op:?} instead of PONG")
                }
            }
        }
    }

    /// Publishes with `answers.1` as the reply subject, which has to be subscribed to: what the next message says.
    pub fn ask(&mut self, subject: &str, body: &str) -> String {
        self.send(format!("PUB {subject} answers.1 {}\r\n{body}\r\n", body.len()));
        self.next_message().text()
    }

    /// The next message; INFO, +OK and PONG are passed over.
    ///
    /// # Panics
    ///
    /// When the server reports an error, closes or sends nothing within the deadline.
    pub fn next_message(&mut self) -> Message {
        self.message_or_close().expect("a message before the server closes")
    }

    /// The next message as [`Self::next_message`], or `None` once the connection is closed.
    ///
    /// # Panics
    ///
    /// When the server reports an error or sends nothing within the deadline.
    pub fn message_or_close(&mut self) -> Option<Message> {
        loop {
            match self.next_op() {
                ServerOp::Msg(message) => return Some(message),
                ServerOp::Closed => return None,
                ServerOp::Info(_) | ServerOp::Ok | ServerOp::Pong => {}
                op @ (ServerOp::Err(_) | ServerOp::Ping) => panic!("{op:?} instead of a message"),
            }
        }
    }

    /// The next op. A PING is answered and passed over.
    ///
    /// # Panics
    ///
    /// When nothing arrives within the deadline.
    pub fn next_op(&mut self) -> ServerOp {
        loop {
            match ServerOp::parse(&self.arrived[self.taken..]) {
                // A server that is about to close may no longer take the PONG.
                Some((used, ServerOp::Ping)) => {
                    self.taken += used;
                    let _ = self.try_send("PONG\r\n");
                }
                Some((used, op)) => {
                    self.taken += used;
                    return op;
                }
                None if self.fill() => {}
                None => return ServerOp::Closed,
            }
        }
    }

    /// Reads until the server closes: every byte that came before that.
    ///
    /// # Panics
    ///
    /// When it neither sends nor closes within the deadline.
    pub fn read_to_close(&mut self) -> Vec<u8> {
        while self.fill() {}
        self.arrived.split_off(std::mem::take(&mut self.taken))
    }

    /// Says that nothing more will be sent.
    pub fn close_write(&mut self) {
        // A server that closed first leaves nothing to shut down.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Closes with a reset, as a peer that vanishes does.
    pub fn reset(self) {
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// The socket, for options and for waiting on many at once.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Waits for more bytes; false once the server has closed.
    fn fill(&mut self) -> bool {
        self.arrived.drain(..std::mem::take(&mut self.taken));
        let old_len = self.arrived.len();
        self.arrived.resize(old_len + READ_BYTES, 0);
        let read = self.stream.read(&mut self.arrived[old_len..]);
        self.arrived.truncate(old_len + read.as_ref().copied().unwrap_or(0));
        match read {
            Ok(len) => len > 0,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing from the server: {error}"),
        }
    }
}
