//! What is to be sent and waits for the socket.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};

use crate::stream::Stream;

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
}

impl Outbox {
    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Where more is written to; `flush` sends it.
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Sends `bytes` behind what waits; what the socket does not take waits too.
    pub(crate) fn send(&mut self, stream: &mut Stream, bytes: &[u8]) -> Result<()> {
        if self.bytes.is_empty() {
            let sent = write(stream, bytes)?;
            self.bytes.extend_from_slice(&bytes[sent..]);
            return Ok(());
        }
        self.bytes.extend_from_slice(bytes);
        self.flush(stream)
    }

    /// Sends what the socket takes.
    pub(crate) fn flush(&mut self, stream: &mut Stream) -> Result<()> {
        let mut sent = 0;
        while sent < self.bytes.len() {
            match write(stream, &self.bytes[sent..])? {
                0 => break,
                count => sent += count,
            }
        }
        self.bytes.drain(..sent);
        match stream.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error).context("sending"),
            _ => Ok(()),
        }
    }
}

/// How many bytes the socket took; 0 when it is full.
fn write(stream: &mut Stream, bytes: &[u8]) -> Result<usize> {
    match stream.write(bytes) {
        Ok(count) => Ok(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(error).context("sending"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn what_a_full_socket_does_not_take_goes_later_and_in_order() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut near = Stream::from(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let mut far = listener.accept().unwrap().0;
        near.set_nonblocking(true).unwrap();
        let (mut outbox, mut sent, mut received) = (Outbox::default(), Vec::new(), Vec::new());
        while outbox.len() == 0 {
            let piece: Vec<u8> = (0..50_000_u32).map(|at| (at + sent.len() as u32) as u8).collect();
            outbox.send(&mut near, &piece).unwrap();
            sent.extend(piece);
        }
        outbox.send(&mut near, b"the end").unwrap();
        sent.extend(b"the end");
        let mut buffer = vec![0; 65_536];
        while received.len() < sent.len() {
            let count = far.read(&mut buffer).unwrap();
            received.extend_from_slice(&buffer[..count]);
            outbox.flush(&mut near).unwrap();
        }
        assert!(received == sent && outbox.len() == 0);
    }
}
