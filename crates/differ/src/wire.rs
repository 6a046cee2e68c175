//! One connection of a script, over a real socket.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use test_kit::ANSWER_DEADLINE;

use crate::kernel_queue;
use crate::names::Names;
use crate::ops::Said;
use crate::server_ops::{self, ServerOp};
use crate::web_frames;
use crate::web_wire::Web;

/// A server that has read everything and says nothing for this long says nothing at all. Only a script
/// that leaves an op unfinished, or a server that is wrong, gets here.
const QUIET: Duration = Duration::from_millis(200);

/// Bytes asked of the socket at a time.
const READ_BYTES: usize = 64 * 1024;

/// A connection and what came on it.
#[derive(Debug)]
pub(crate) struct Wire {
    /// What is between the socket and the protocol, if it comes over WebSocket.
    web: Option<Web>,
    stream: TcpStream,
    server_port: u16,
    /// Its own.
    pub(crate) port: u16,
    said: Said,
    /// PINGs of ours that the script knows nothing of.
    fences: usize,
    /// PONGs to those, so far taken out of what came.
    fences_taken: usize,
    /// Whether the script has sent anything on it.
    has_spoken: bool,
    /// It did not answer the last fence, and is asked no more until the script says something.
    is_mute: bool,
    received: Vec<u8>,
    /// Ops up to here are counted.
    counted_to: usize,
    /// What came before this step ends here.
    step_from: usize,
    pongs: usize,
    pub(crate) is_closed: bool,
    /// The end was told in a step.
    is_end_told: bool,
}

impl Wire {
    /// Connects and waits for the first op. That is INFO, if all is well.
    pub(crate) fn open(addr: SocketAddr) -> io::Result<Self> {
        let mut wire = Self::connect(addr)?;
        wire.read_until(|wire| wire.counted_to > 0)?;
        Ok(wire)
    }

    /// The same to the listener for WebSockets, where the client speaks first.
    pub(crate) fn open_web(addr: SocketAddr) -> io::Result<Self> {
        Ok(Self { web: Some(Web::default()), ..Self::connect(addr)? })
    }

    fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, ANSWER_DEADLINE)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(ANSWER_DEADLINE))?;
        let port = stream.local_addr()?.port();
        Ok(Self {
            web: None,
            stream,
            server_port: addr.port(),
            port,
            said: Said::default(),
            fences: 0,
            fences_taken: 0,
            has_spoken: false,
            is_mute: false,
            received: Vec::new(),
            counted_to: 0,
            step_from: 0,
            pongs: 0,
            is_closed: false,
            is_end_told: false,
        })
    }

    /// The number the server gave it, as INFO tells.
    pub(crate) fn client_id(&self) -> Option<u64> {
        let (_, ServerOp::Info(body)) = server_ops::next(&self.received)? else {
            return None;
        };
        let info: serde_json::Value = serde_json::from_slice(body).ok()?;
        info["client_id"].as_u64()
    }

    /// The server's id, as INFO tells.
    pub(crate) fn server_id(&self) -> Option<String> {
        let (_, ServerOp::Info(body)) = server_ops::next(&self.received)? else {
            return None;
        };
        let info: serde_json::Value = serde_json::from_slice(body).ok()?;
        info["server_id"].as_str().map(str::to_owned)
    }

    /// Sends what the script says and waits until the server has read it.
    pub(crate) fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() || self.is_closed {
            return Ok(());
        }
        (self.has_spoken, self.is_mute) = (true, false);
        self.note(bytes);
        self.write(bytes)
    }

    /// Keeps what of the protocol is said with these bytes.
    fn note(&mut self, bytes: &[u8]) {
        match self.web.as_mut().map(|web| web.say(bytes)) {
            None => self.said.say(bytes),
            Some(Some(text)) => self.said.say(&text),
            Some(None) => self.said.is_broken = true,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A server that has closed takes nothing more; what it said before is still read.
        if self.stream.write_all(bytes).is_ok() {
            kernel_queue::wait_until_read(self.server_port, self.port, ANSWER_DEADLINE)?;
        }
        Ok(())
    }

    /// Asks for `pings` signs that everything said so far is done, if the server is to answer at all.
    pub(crate) fn raise_fence(&mut self, pings: usize) -> io::Result<()> {
        let is_between = self.web.as_ref().is_none_or(Web::is_between_messages);
        let is_asked = self.has_spoken && !self.is_mute && !self.is_closed && self.said.is_between_ops();
        if is_asked && is_between {
            let mut bytes = b"PING\r\n".repeat(pings);
            if self.web.is_some() {
                bytes = web_frames::frame(0x82, &bytes);
            }
            self.note(&bytes);
            self.fences += pings;
            self.write(&bytes)?;
        }
        Ok(())
    }

    /// Reads until the signs have come, or the end.
    pub(crate) fn await_fence(&mut self) -> io::Result<()> {
        if !self.has_spoken || self.is_mute {
            return self.read_there();
        }
        let is_broken = self.said.is_broken;
        if self.web.as_ref().is_some_and(|web| !web.is_open()) {
            // Behind the answer that grants it comes INFO.
            let is_answered = |web: &Web, counted_to| web.has_answer() && (!web.is_open() || counted_to > 0);
            return self
                .read_until(|wire| wire.web.as_ref().is_some_and(|web| is_answered(web, wire.counted_to)));
        }
        if !is_broken && !self.said.is_between_ops() {
            return self.read_there();
        }
        self.read_until(|wire| !is_broken && wire.pongs >= wire.said.pings)
    }

    /// Says that nothing more will be sent, and reads to the end.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if !self.is_closed {
            // A server that closed first leaves nothing to shut down.
            let _ = self.stream.shutdown(Shutdown::Write);
            self.read_until(|_| false)?;
        }
        Ok(())
    }

    /// Reads what is there, or comes within `wait`; false when nothing came.
    pub(crate) fn read_for(&mut self, wait: Duration) -> io::Result<bool> {
        if self.is_closed {
            return Ok(false);
        }
        self.stream.set_read_timeout(Some(wait))?;
        let mut bytes = vec![0; READ_BYTES];
        let read = self.stream.read(&mut bytes);
        bytes.truncate(read.as_ref().copied().unwrap_or(0));
        match &mut self.web {
            None => self.received.extend(bytes),
            Some(web) => self.received.extend(web.hear(&bytes)),
        }
        match read {
            Ok(len) => self.is_closed = len == 0,
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(false),
                ErrorKind::Interrupted => {}
                ErrorKind::ConnectionReset => self.is_closed = true,
                _ => return Err(error),
            },
        }
        self.count();
        Ok(true)
    }

    fn read_there(&mut self) -> io::Result<()> {
        const AT_ONCE: Duration = Duration::from_millis(1);
        while self.read_for(AT_ONCE)? {}
        Ok(())
    }

    fn read_until(&mut self, done: impl Fn(&Self) -> bool) -> io::Result<()> {
        let end = Instant::now() + ANSWER_DEADLINE;
        while !done(self) && !self.is_closed {
            if self.read_for(QUIET)? {
                continue;
            }
            let is_read = kernel_queue::wait_until_read(self.server_port, self.port, ANSWER_DEADLINE)?;
            if Instant::now() > end || is_read && !self.read_for(QUIET)? {
                self.is_mute = true;
                break;
            }
        }
        Ok(())
    }

    fn count(&mut self) {
        while let Some((used, op)) = server_ops::next(&self.received[self.counted_to..]) {
            self.counted_to += used;
            self.pongs += usize::from(op == ServerOp::Pong);
        }
    }

    /// What has come since the last step.
    pub(crate) fn of_step(&self) -> &[u8] {
        &self.received[self.step_from..]
    }

    /// Adds what came beside the protocol to the items of the step.
    pub(crate) fn add_web_items(&mut self, items: &mut Vec<String>, names: &Names) {
        if let Some(web) = &mut self.web {
            *items = web.take_items(std::mem::take(items), names);
        }
    }

    /// Ends the step: how many of its PONGs are those of fences, and whether the connection ended in it.
    pub(crate) fn take_step(&mut self) -> (usize, bool) {
        self.step_from = if self.is_closed { self.received.len() } else { self.counted_to };
        let asked_by_script = self.said.pings - self.fences;
        let fence_pongs = self.pongs.saturating_sub(asked_by_script).saturating_sub(self.fences_taken);
        self.fences_taken += fence_pongs;
        let has_ended = self.is_closed && !self.is_end_told;
        self.is_end_told |= has_ended;
        (fence_pongs, has_ended)
    }
}
