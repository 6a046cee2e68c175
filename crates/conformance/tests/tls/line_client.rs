//! A client that reads and writes lines, in the clear first and over TLS when it is told to.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Clear(TcpStream);

impl Clear {
    pub(crate) fn dial(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("the server accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        Self(stream)
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.0.local_addr().expect("it is connected")
    }

    /// Waits until there is something to be read.
    pub(crate) fn await_input(&self) {
        self.0.peek(&mut [0]).expect("the server says something");
    }

    /// Reads a line, without a byte of what follows. Empty at the end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\r\n") && matches!(self.0.read(&mut byte), Ok(1)) {
            line.push(byte[0]);
        }
        String::from_utf8(line).expect("the server sends text")
    }

    pub(crate) fn send(&mut self, text: &[u8]) {
        self.0.write_all(text).expect("the server takes it");
    }

    /// Whether the server has ended the connection, in whatever way, without a word.
    pub(crate) fn is_ended(&mut self) -> bool {
        match self.0.read(&mut [0; 1]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    pub(crate) fn secure(self, config: &Arc<ClientConfig>) -> Secure {
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::clone(config), name).expect("a configuration");
        Secure(BufReader::new(StreamOwned::new(connection, self.0)))
    }
}

pub(crate) struct Secure(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Secure {
    /// Reads a line; empty at the end.
    ///
    /// # Errors
    /// The handshake fails, or the connection is cut.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).expect("so much was said");
        bytes
    }

    pub(crate) fn send(&mut self, text: &[u8]) {
        self.try_send(text).expect("the server takes it");
    }

    /// # Errors
    /// The handshake fails, or the connection is cut.
    pub(crate) fn try_send(&mut self, text: &[u8]) -> io::Result<()> {
        let stream = self.0.get_mut();
        stream.write_all(text)?;
        stream.flush()
    }

    /// Says that nothing more comes, and leaves the connection open.
    pub(crate) fn say_goodbye(&mut self) {
        self.0.get_mut().conn.send_close_notify();
        self.0.get_mut().flush().expect("the server takes it");
    }

    /// Encrypts with new keys from now on.
    pub(crate) fn change_keys(&mut self) {
        self.0.get_mut().conn.refresh_traffic_keys().expect("a version that can");
    }

    /// Says no more, and waits until the server does not either.
    pub(crate) fn end(mut self) {
        self.0.get_mut().sock.shutdown(Shutdown::Write).expect("it is connected");
        let _ = self.0.read_to_end(&mut Vec::new());
    }

    /// CONNECT, and the server's answer to a PING behind it.
    pub(crate) fn connect(&mut self) -> io::Result<String> {
        self.try_send(b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n")?;
        self.line()
    }
}
