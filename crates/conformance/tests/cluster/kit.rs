//! What the tests of clusters and of leaf nodes share: which servers there are, their clients, and waiting.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use test_kit::{ANSWER_DEADLINE, Message, RawClient, ServerBinary};

use crate::node::{Kind, Node};

/// Where Debian installs it.
const PEER: &str = "/usr/sbin/nats-server";

pub(crate) fn ours(shards: usize) -> Kind {
    Kind::Ours { path: ServerBinary::locate().expect("the server is built").path, shards }
}

/// The nats-servers there are.
pub(crate) fn peers() -> Vec<Kind> {
    let paths = [Some(PathBuf::from(PEER)), std::env::var_os("BUSTER_PEER_BIN").map(PathBuf::from)];
    let there = paths.into_iter().flatten().filter(|path| path.exists());
    there.map(|path| Kind::Peer { path }).collect()
}

/// A client that is this user, whose password is the name.
pub(crate) fn as_user(node: &Node, user: &str) -> RawClient {
    let mut client = RawClient::dial(node.addr());
    client.next_op();
    client.send(format!(
        "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"user\":\"{user}\",\
         \"pass\":\"{user}\"}}\r\n"
    ));
    client.flush();
    client
}

/// Interest that was subscribed to is known on the other server as soon as a message comes.
pub(crate) fn await_interest(reader: &mut RawClient, writer: &mut RawClient, subject: &str) {
    let until = Instant::now() + ANSWER_DEADLINE;
    while Instant::now() < until {
        writer.publish(subject, "probe");
        writer.flush();
        std::thread::sleep(Duration::from_millis(10));
        if !reader.flush().is_empty() {
            // What else was published meanwhile comes now.
            std::thread::sleep(Duration::from_millis(50));
            reader.flush();
            return;
        }
    }
    panic!("{subject} does not arrive");
}

/// Waits until a look at something holds.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + ANSWER_DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn texts(messages: &[Message]) -> Vec<String> {
    messages.iter().map(Message::text).collect()
}
