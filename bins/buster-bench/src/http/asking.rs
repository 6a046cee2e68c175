//! Connections that ask the same over and over, each as soon as it has its answer.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::epoll::Epoll;
use crate::latency::Latencies;
use crate::plan::Plan;
use crate::progress::Progress;

use super::answer;

/// Far beyond what any answer takes.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(20);

const READ_BYTES: usize = 16 << 10;

pub(super) struct Asking<'a> {
    pub(super) addr: SocketAddr,
    /// Head and body; no longer than a socket takes at once.
    pub(super) request: &'a [u8],
    /// What it is answered with.
    pub(super) status: u16,
    pub(super) connections: u32,
}

pub(super) struct Asked {
    pub(super) answers: u64,
    pub(super) latencies: Latencies,
}

struct Connection {
    socket: TcpStream,
    /// What came of an answer.
    input: Vec<u8>,
    asked_at: Instant,
}

impl Asking<'_> {
    pub(super) fn run(&self, title: &str, plan: &Plan) -> Result<Asked> {
        let mut epoll = Epoll::new()?;
        let connections = (0..self.connections).map(|index| self.connect(&epoll, index as usize));
        let mut connections = connections.collect::<Result<Vec<_>>>()?;
        let (mut asked, mut progress) = (0, Progress::new(title, "requests"));
        let mut done = Asked { answers: 0, latencies: Latencies::new() };
        for connection in &mut connections {
            connection.ask(self.request)?;
            asked += 1;
        }
        let (mut ready, mut scratch) = (Vec::new(), vec![0; READ_BYTES]);
        while done.answers < asked {
            ready.clear();
            ready.extend(epoll.wait(ANSWER_WAIT_MAX)?.map(|ready| ready.token));
            ensure!(!ready.is_empty(), "{} answers never came", asked - done.answers);
            for token in &ready {
                let connection = &mut connections[*token];
                if !connection.is_answered(self.status, &mut scratch)? {
                    continue;
                }
                done.latencies.record(connection.asked_at.elapsed());
                done.answers += 1;
                if plan.wants_more(asked) {
                    connection.ask(self.request)?;
                    asked += 1;
                }
            }
            progress.show(|| done.answers);
        }
        Ok(done)
    }

    fn connect(&self, epoll: &Epoll, token: usize) -> Result<Connection> {
        let socket = TcpStream::connect(self.addr).with_context(|| format!("connecting to {}", self.addr))?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        epoll.watch_reading(&socket, token)?;
        Ok(Connection { socket, input: Vec::new(), asked_at: Instant::now() })
    }
}

impl Connection {
    fn ask(&mut self, request: &[u8]) -> Result<()> {
        self.asked_at = Instant::now();
        self.socket.write_all(request).context("asking")
    }

    /// Reads what is there. It fails if the answer is another than `status`.
    fn is_answered(&mut self, status: u16, scratch: &mut [u8]) -> Result<bool> {
        match self.socket.read(scratch) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(count) => self.input.extend_from_slice(&scratch[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("reading an answer"),
        }
        let Some(answer) = answer::read(&self.input)? else { return Ok(false) };
        let text = String::from_utf8_lossy(&self.input);
        ensure!(answer.status == status, "{status} was due, not {text}");
        ensure!(answer.bytes == self.input.len(), "more than one answer: {text}");
        self.input.clear();
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::bare;
    use std::net::TcpListener;

    #[test]
    fn as_many_are_asked_as_planned_and_another_status_fails() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        std::thread::spawn(move || bare::answer(listener));
        let request = b"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1";
        let asking = |status| Asking { addr, request, status, connections: 3 };
        let asked = asking(204).run("bare", &Plan::of_number(50)).unwrap();
        assert_eq!(asked.answers, 50);
        let wrong = asking(200).run("bare", &Plan::of_number(50)).err().unwrap().to_string();
        assert!(wrong.starts_with("200 was due, not HTTP/1.1 204"), "{wrong}");
    }
}
