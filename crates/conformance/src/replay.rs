//! Replays one recorded case and compares every byte.
//!
//! The recording defines an answer as everything received until 60 ms of quiet. So a step first
//! waits until every connection has what it should, however long that takes within a deadline, and
//! then for that quiet, in which any further byte is one too many.

mod blank;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt::Write as _,
    io::{self, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;

use crate::transcript::{Case, Step};

use self::blank::{Replies, blank};

/// The recording's own measure of "nothing more comes".
const QUIET: Duration = Duration::from_millis(60);

/// On top of what a step waits by design. Only a wrong answer ever lasts this long.
const STEP_DEADLINE: Duration = Duration::from_secs(5);

/// The server may ask for a sign of life this long after a connection was opened (protocol facts,
/// "first PING"). A slow machine can make a case last that long, which the recording did not.
const FIRST_PING_AFTER: Duration = Duration::from_secs(2);

/// What the recording puts where the server closed.
const CLOSED: &str = "<closed>";

/// Replays `case` against a fresh server, to which `connect` makes a connection.
///
/// # Errors
///
/// What differed, as text: the step, the connection, what was expected and what came.
pub fn replay(case: &Case, connect: impl Fn() -> io::Result<UnixStream>) -> Result<(), String> {
    let (mut wires, mut replies) = (BTreeMap::new(), Replies::default());
    for (index, step) in case.steps.iter().enumerate() {
        let at = |error: io::Error| format!("step {index}: {error}");
        let wire = match wires.entry(step.conn) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(first_use) => first_use.insert(connect().and_then(Wire::over).map_err(at)?),
        };
        // The recording also sends to connections that the server has closed.
        let _ = wire.stream.write_all(replies.fill_in(&step.send).as_bytes());
        receive(&mut wires, step, case.sorted, &replies).map_err(at)?;
        let differences = compare(&mut wires, step, case.sorted, &mut replies);
        if !differences.is_empty() {
            return Err(format!("step {index}, sent {:?}\n{differences}", step.send));
        }
    }
    Ok(())
}

/// Reads until everything expected has come, then on until it is quiet.
fn receive(
    wires: &mut BTreeMap<usize, Wire>,
    step: &Step,
    sorted: bool,
    replies: &Replies,
) -> io::Result<()> {
    let deadline = Instant::now() + step.wait() + STEP_DEADLINE;
    while !complete(wires, step, sorted, replies) {
        let left = deadline.saturating_duration_since(Instant::now());
        if !read_some(wires, left)? {
            break;
        }
    }
    // Bounded as well: a server that never falls silent ends here with a difference.
    while Instant::now() < deadline + STEP_DEADLINE && read_some(wires, QUIET)? {}
    Ok(())
}

fn complete(wires: &BTreeMap<usize, Wire>, step: &Step, sorted: bool, replies: &Replies) -> bool {
    let mut replies = replies.clone();
    wires.iter().all(|(conn, wire)| wire.answer(expected(step, *conn), sorted, &mut replies).1)
}

fn expected(step: &Step, conn: usize) -> &str {
    step.recv.get(&conn).map_or("", String::as_str)
}

/// Waits for bytes on any connection and takes them; false when none came in `within`.
fn read_some(wires: &mut BTreeMap<usize, Wire>, within: Duration) -> io::Result<bool> {
    let mut open: Vec<&mut Wire> = wires.values_mut().filter(|wire| !wire.closed).collect();
    let mut polled: Vec<PollFd<'_>> =
        open.iter().map(|wire| PollFd::new(&wire.stream, PollFlags::IN)).collect();
    let timeout = Timespec::try_from(within).expect("the deadlines are short");
    let ready = retry_on_intr(|| poll(&mut polled, Some(&timeout)))?;
    let flags: Vec<PollFlags> = polled.iter().map(PollFd::revents).collect();
    for (wire, flags) in open.iter_mut().zip(flags) {
        if !flags.is_empty() {
            wire.read()?;
        }
    }
    Ok(ready > 0)
}

/// The differences as text, empty if there are none; what was received is used up.
fn compare(wires: &mut BTreeMap<usize, Wire>, step: &Step, sorted: bool, replies: &mut Replies) -> String {
    let mut differences = String::new();
    for (conn, wire) in wires {
        let expected = expected(step, *conn);
        let (got, alike) = wire.answer(expected, sorted, replies);
        if !alike {
            let _ =
                write!(differences, "  conn {conn} expected {expected:?}\n  conn {conn} got      {got:?}\n");
        }
        wire.received.clear();
    }
    differences
}

/// One connection of a case.
struct Wire {
    stream: UnixStream,
    opened: Instant,
    /// Since the last step.
    received: Vec<u8>,
    closed: bool,
}

impl Wire {
    /// Waits for INFO.
    fn over(stream: UnixStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(STEP_DEADLINE))?;
        let mut wire = Self { stream, opened: Instant::now(), received: Vec::new(), closed: false };
        while !wire.closed && !wire.received.ends_with(b"\r\n") {
            wire.read()?;
        }
        Ok(wire)
    }

    /// Takes what has arrived; the caller knows that something has, or may wait for it.
    fn read(&mut self) -> io::Result<()> {
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => self.closed = true,
            Ok(len) => self.received.extend_from_slice(&chunk[..len]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.closed = true,
            // Whoever called knows no better than to look again.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What was received in the recording's form, and whether it is what was expected.
    fn answer(&self, expected: &str, sorted: bool, replies: &mut Replies) -> (String, bool) {
        let mut got = blank(&self.received, replies);
        if self.opened.elapsed() >= FIRST_PING_AFTER && !expected.contains("PING\r\n") {
            got = got.split_inclusive('\n').filter(|line| *line != "PING\r\n").collect();
        }
        if self.closed {
            got.push_str(CLOSED);
        }
        let alike = if sorted { sort(&got) == sort(expected) } else { got == expected };
        (got, alike)
    }
}

fn sort(text: &str) -> String {
    let mut lines: Vec<&str> = text.split("\r\n").collect();
    lines.sort_unstable();
    lines.join("\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_puts_the_end_of_the_text_first() {
        assert_eq!(sort("PONG\r\nINFO \r\n"), "\r\nINFO \r\nPONG");
    }
}
