//! Reads what a server sends a client, op by op, and answers its PINGs.

use std::io::{ErrorKind, Read, Write};

use anyhow::{Context, Result, bail};
use nats_proto::{Limits, Message, ServerDecoder, ServerOp, Step};

use crate::frames;
use crate::stream::Stream;

#[derive(Default)]
pub(crate) struct Inbox {
    decoder: ServerDecoder,
    /// The beginning of an op whose end has not come yet.
    rest: Vec<u8>,
    messages: u64,
    pongs: u64,
}

/// What one read brought.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input {
    /// 0 when there is nothing now.
    pub(crate) bytes: usize,
    pub(crate) pings: u32,
}

impl Inbox {
    /// Messages so far.
    pub(crate) fn messages(&self) -> u64 {
        self.messages
    }

    /// PONGs so far.
    pub(crate) fn pongs(&self) -> u64 {
        self.pongs
    }

    /// Whether the input so far ended with a whole op.
    pub(crate) fn is_at_boundary(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads once, into `scratch`, which many inboxes may share, goes through the ops that are whole, and
    /// answers PINGs: how many bytes came, 0 when there is nothing now.
    pub(crate) fn read(
        &mut self,
        stream: &mut Stream,
        scratch: &mut [u8],
        on_message: impl FnMut(&Message<'_>) -> Result<()>,
    ) -> Result<usize> {
        let input = self.take_input(stream, scratch, on_message)?;
        for _ in 0..input.pings {
            stream.write_all(frames::PONG).context("sending PONG")?;
        }
        Ok(input.bytes)
    }

    /// The same where something may wait to be sent, and a PONG has to go behind it: the caller's business.
    pub(crate) fn take_input(
        &mut self,
        stream: &mut Stream,
        scratch: &mut [u8],
        on_message: impl FnMut(&Message<'_>) -> Result<()>,
    ) -> Result<Input> {
        let bytes = match stream.read(scratch) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error).context("reading from the server"),
        };
        Ok(Input { bytes, pings: self.take(&scratch[..bytes], on_message)? })
    }

    /// How many PINGs were among the ops; what is not whole yet is kept.
    fn take(&mut self, input: &[u8], on_message: impl FnMut(&Message<'_>) -> Result<()>) -> Result<u32> {
        if self.rest.is_empty() {
            let (used, pings) = self.take_ops(input, on_message)?;
            self.rest.extend_from_slice(&input[used..]);
            return Ok(pings);
        }
        let mut whole = std::mem::take(&mut self.rest);
        whole.extend_from_slice(input);
        let (used, pings) = self.take_ops(&whole, on_message)?;
        whole.drain(..used);
        self.rest = whole;
        Ok(pings)
    }

    /// How many bytes the whole ops at the front of `input` took, and how many of them were PINGs.
    fn take_ops(
        &mut self,
        input: &[u8],
        mut on_message: impl FnMut(&Message<'_>) -> Result<()>,
    ) -> Result<(usize, u32)> {
        let limits = Limits { payload_bytes_max: usize::MAX, ..Limits::default() };
        let (mut at, mut pings) = (0, 0);
        while let Step::Op { used, op } = self.decoder.step(&input[at..], &limits)? {
            at += used;
            match op {
                ServerOp::Message(message) => {
                    on_message(&message)?;
                    self.messages += 1;
                }
                ServerOp::Ping => pings += 1,
                ServerOp::Pong => self.pongs += 1,
                ServerOp::Err(text) => bail!("the server said: {}", String::from_utf8_lossy(text)),
                ServerOp::Info(_) | ServerOp::Ok => {}
            }
        }
        Ok((at, pings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::net::TcpStream;

    /// Feeds `input` in pieces of `size` bytes and hands back the inbox, the payloads and what the
    /// server heard in return.
    fn feed(input: &[u8], size: usize) -> Result<(Inbox, Vec<Vec<u8>>, Vec<u8>)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut near = Stream::from(TcpStream::connect(listener.local_addr()?)?);
        let mut far = listener.accept()?.0;
        far.write_all(input)?;
        let (mut inbox, mut payloads, mut left) = (Inbox::default(), Vec::new(), input.len());
        let mut scratch = vec![0; size];
        while left > 0 {
            left -= inbox.read(&mut near, &mut scratch, |message| {
                payloads.push(message.body.to_vec());
                Ok(())
            })?;
        }
        drop(near);
        let mut heard = Vec::new();
        far.read_to_end(&mut heard)?;
        Ok((inbox, payloads, heard))
    }

    #[test]
    fn pieces_of_any_size_give_the_same_ops() {
        let input = b"INFO {} \r\nPING\r\nMSG a.b 1 5\r\n\r\nMSG\r\n+OK\r\nMSG a 1 4\r\nabcd\r\nPONG\r\n";
        for size in [1, 2, 7, 1000] {
            let (inbox, payloads, heard) = feed(input, size).unwrap();
            assert_eq!(payloads, [b"\r\nMSG".to_vec(), b"abcd".to_vec()]);
            assert_eq!((inbox.messages(), inbox.pongs(), inbox.is_at_boundary()), (2, 1, true));
            assert_eq!(heard, frames::PONG);
        }
        assert!(!feed(b"MSG a 1 1\r\nx\r", 100).unwrap().0.is_at_boundary());
    }

    #[test]
    fn what_the_server_says_last_is_the_error() {
        let Err(error) = feed(b"-ERR 'Slow Consumer'\r\n", 100) else {
            panic!("an error expected");
        };
        assert!(error.to_string().contains("Slow Consumer"), "{error}");
    }
}
