//! Runs a client's program against a server and hears its verdicts.
//!
//! The program prints `ok NAME` or `FAIL NAME why` per scenario. Any other line asks for something
//! only we can do to the server, and is answered with one line on its stdin.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use test_kit::{ANSWER_DEADLINE, RawClient, Server};

/// From one line of the program to the next. Programs bound each scenario by 100 s themselves, so
/// that the failure names it.
const LINE_DEADLINE: Duration = ANSWER_DEADLINE.saturating_mul(4);

/// Runs all of a client's `scenarios`, on a server that keeps its port over restarts.
///
/// # Errors
///
/// What failed, was left out or was not understood, as text.
pub fn run(program: &mut Command, scenarios: &[&str], server: &mut Server) -> Result<(), String> {
    let url = server.url();
    run_at(&url, program, scenarios, server)
}

/// The same for a client that connects to another URL of the server's.
///
/// # Errors
///
/// As for [`run`].
pub fn run_at(
    url: &str,
    program: &mut Command,
    scenarios: &[&str],
    server: &mut Server,
) -> Result<(), String> {
    let spawned = program.arg(url).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut session = Session::over(spawned.map_err(|error| format!("{program:?}: {error}"))?);
    let mut verdicts = Vec::new();
    while let Some(line) = session.next_line()? {
        match line.split_once(' ') {
            Some(("ok" | "FAIL", _)) => verdicts.push(line),
            _ => session.serve(&line, server)?,
        }
    }
    let expected: Vec<String> = scenarios.iter().map(|name| format!("ok {name}")).collect();
    if verdicts == expected {
        return Ok(());
    }
    Err(format!("{}\nserver log:\n{}", verdicts.join("\n"), server.log().text()))
}

/// A running program. Dropping it ends the process.
struct Session {
    child: Child,
    stdin: ChildStdin,
    lines: mpsc::Receiver<String>,
    stalled: Option<RawClient>,
}

impl Session {
    fn over(mut child: Child) -> Self {
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let (heard, lines) = mpsc::channel();
        thread::spawn(move || {
            // Ends with the program, or when nobody asks for lines any more.
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.try_for_each(|line| heard.send(line))
        });
        Self { child, stdin, lines, stalled: None }
    }

    /// The next line; `None` when the program has closed its output.
    fn next_line(&mut self) -> Result<Option<String>, String> {
        match self.lines.recv_timeout(LINE_DEADLINE) {
            Ok(line) => Ok(Some(line)),
            Err(mpsc::RecvTimeoutError::Disconnected) => Ok(None),
            Err(mpsc::RecvTimeoutError::Timeout) => Err("the program hangs".to_owned()),
        }
    }

    fn serve(&mut self, request: &str, server: &mut Server) -> Result<(), String> {
        match request.split_once(' ').unwrap_or((request, "")) {
            ("kill", "") => server.kill().map_err(|error| error.to_string())?,
            ("restart", "") => server.restart().map_err(|error| error.to_string())?,
            ("stall", subject) => self.stall(subject, server),
            ("await-cutoff", "") => self.await_cutoff(server)?,
            _ => return Err(format!("the program asks for {request:?}")),
        }
        self.stdin.write_all(b"done\n").map_err(|error| format!("the program is gone: {error}"))
    }

    /// Subscribes a peer that will not read what comes.
    fn stall(&mut self, subject: &str, server: &Server) {
        let mut peer = server.connect();
        peer.subscribe(subject, 1);
        self.stalled = Some(peer);
    }

    /// The server cuts that peer off, and says so.
    fn await_cutoff(&mut self, server: &Server) -> Result<(), String> {
        let mut peer = self.stalled.take().ok_or("nothing is stalled")?;
        if server.log().wait_for("Slow Consumer Detected", ANSWER_DEADLINE).is_none() {
            return Err(format!("no slow consumer in the log:\n{}", server.log().text()));
        }
        peer.read_to_close();
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A program that has ended by itself only waits to be collected.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
