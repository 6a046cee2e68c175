//! A server for tests: it answers requests as a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::server::Server;

/// What was published to the server.
pub(super) struct Request {
    pub(super) subject: String,
    /// Where the answer goes; empty if none is wanted.
    pub(super) reply: String,
    pub(super) body: String,
}

impl Request {
    /// A message to the one who asked.
    pub(super) fn answered(&self, body: &str) -> Vec<u8> {
        message(&self.reply, "", body.as_bytes())
    }

    /// A message to the one who asked, with headers and nothing else.
    pub(super) fn answered_with_status(&self, status: &str) -> Vec<u8> {
        let head = format!("NATS/1.0 {status}\r\n\r\n");
        format!("HMSG {} 1 {} {}\r\n{head}\r\n", self.reply, head.len(), head.len()).into_bytes()
    }
}

/// What the server says for a message.
pub(super) fn message(subject: &str, reply: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("MSG {subject} 1 {reply} {}\r\n", body.len());
    [head.as_bytes(), body, b"\r\n"].concat()
}

/// A server that says what `answer` makes of each request, and closes the connection when that is nothing.
pub(super) fn serve(answer: impl FnMut(&Request) -> Option<Vec<u8>> + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let answer = Arc::new(Mutex::new(answer));
    // Both end with the test's process, or when the client is gone.
    thread::spawn(move || {
        while let Ok((peer, _)) = listener.accept() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || talk(peer, |request| answer.lock().unwrap()(request)));
        }
    });
    Server::attach(addr, None).unwrap()
}

/// Ends when the client does.
fn talk(mut peer: TcpStream, mut answer: impl FnMut(&Request) -> Option<Vec<u8>>) -> Option<()> {
    peer.write_all(b"INFO {} \r\n").ok()?;
    let mut lines = BufReader::new(peer.try_clone().ok()?);
    let mut line = String::new();
    while lines.read_line(&mut line).ok()? > 0 {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words[..] {
            ["PING"] => peer.write_all(b"PONG\r\n").ok()?,
            ["PUB", subject, .., bytes] => {
                let reply = if words.len() == 4 { words[2] } else { "" };
                let mut body = vec![0; bytes.parse::<usize>().ok()? + 2];
                lines.read_exact(&mut body).ok()?;
                let body = String::from_utf8_lossy(&body).trim_end().to_owned();
                let request = Request { subject: subject.to_owned(), reply: reply.to_owned(), body };
                peer.write_all(&answer(&request)?).ok()?;
            }
            _ => {}
        }
        line.clear();
    }
    Some(())
}
