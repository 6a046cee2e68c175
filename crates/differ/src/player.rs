//! Plays a script to a server and keeps what it says.
//!
//! Nothing here waits for time to pass: after every step each connection that can be asked is asked for a
//! PONG, and what comes before it belongs to the step. Only what JetStream says comes when it is ready: there it is
//! waited for a while.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::Signal;
use tempfile::TempDir;
use test_kit::{ANSWER_DEADLINE, Io, Server, ServerBinary, ServerError, ServerOptions, Setup};

use crate::answer_items;
use crate::js_waits;
use crate::log_items;
use crate::names::Names;
use crate::recording::{Place, Recording};
use crate::script::{SERVER_ID, Script, Step};
use crate::text::escape;
use crate::wire::Wire;
use crate::wire_items;

/// On a connection, after the last that came.
const END: &str = "<closed>";

/// What both servers are called: lines that begin with the name of the executable are otherwise alike.
const PEER_NAME: &str = "nats-server";
const OUR_NAME: &str = "buster-server";

/// How long a message may take from shard to shard, when the peer has shown that one is to come.
const STRAGGLER: Duration = Duration::from_millis(300);

/// Plays `script` to a server of its own. `hint` is what another server made of it: as many items are waited
/// for, since a fence on one shard says nothing of what is under way from another.
///
/// # Errors
///
/// When the machine fails, or the server neither answers nor ends.
pub fn play(script: &Script, binary: &ServerBinary, hint: Option<&Recording>) -> Result<Recording> {
    let mut recording = Recording::new();
    let Some(config) = &script.config else {
        for (step, what) in script.steps.iter().enumerate() {
            if let Step::Check { config } = what {
                recording.insert(Place::Check { step }, check(config, binary)?);
            }
        }
        return Ok(recording);
    };
    let mut args = vec!["-m".to_owned(), "-1".to_owned(), "-D".to_owned()];
    args.extend(script.trace.then(|| "-V".to_owned()));
    let store = if script.has_jetstream() { Some(TempDir::with_prefix("differ-")?) } else { None };
    if let Some(store) = &store {
        args.extend(["-sd".to_owned(), store.path().to_string_lossy().into_owned()]);
    }
    let options = ServerOptions {
        binary: Some(binary.clone()),
        setup: Setup { shards: script.shards, io: Io::Auto },
        config: Some(config.clone()),
        fixed_port: script.steps.contains(&Step::Restart),
        args,
        ..ServerOptions::default()
    };
    match Server::start(options) {
        Ok(server) => {
            let is_late = script.shards > 1 || script.has_jetstream();
            let hint = hint.filter(|_| is_late && !binary.is_peer);
            Player::new(script, binary, server, hint)?.play(recording)
        }
        Err(ServerError::EndedEarly { status, log }) => {
            let mut names = Names::default();
            names.learn(exe_name(binary), PEER_NAME);
            log_items::record(&mut recording, &log, &names);
            recording.entry(Place::Start).or_default().push(exit_text(status));
            Ok(recording)
        }
        Err(other) => Err(other.into()),
    }
}

struct Player<'a> {
    script: &'a Script,
    binary: &'a ServerBinary,
    server: Server,
    monitor: SocketAddr,
    /// The listener for WebSockets, if there is one.
    web: Option<SocketAddr>,
    names: Names,
    wires: BTreeMap<usize, Wire>,
    cids: BTreeMap<usize, u64>,
    hint: Option<&'a Recording>,
}

impl<'a> Player<'a> {
    fn new(
        script: &'a Script,
        binary: &'a ServerBinary,
        server: Server,
        hint: Option<&'a Recording>,
    ) -> Result<Self> {
        let monitor = monitor_address(&server)?;
        let web = web_address(&server.log().text());
        let mut names = Names::default();
        names.learn(server.addr().to_string(), "SERVER_ADDR");
        names.learn(server.addr().port().to_string(), "SERVER_PORT");
        names.learn(monitor.to_string(), "MONITOR_ADDR");
        names.learn(monitor.port().to_string(), "MONITOR_PORT");
        if let Some(web) = web {
            names.learn(web.to_string(), "WEB_ADDR");
            names.learn(web.port().to_string(), "WEB_PORT");
        }
        names.learn(server.config_file().to_string_lossy(), "CONFIG_FILE");
        if let Some(folder) = server.config_file().parent() {
            names.learn(folder.to_string_lossy(), "CONFIG_FOLDER");
        }
        names.learn(exe_name(binary), PEER_NAME);
        let (wires, cids) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { script, binary, server, monitor, web, names, wires, cids, hint })
    }

    fn play(mut self, mut recording: Recording) -> Result<Recording> {
        for (index, step) in self.script.steps.iter().enumerate() {
            let answer = self.perform(step).with_context(|| format!("step {index}: {step:?}"))?;
            match step {
                Step::Ask { .. } => {
                    let items = answer_items::items(&answer.unwrap_or_default(), &self.names);
                    recording.insert(Place::Answer { step: index }, items);
                }
                Step::Check { config } => {
                    recording.insert(Place::Check { step: index }, check(config, self.binary)?);
                }
                _ => {}
            }
            self.await_answers(step)?;
            self.await_stragglers(index)?;
            self.settle()?;
            self.take_step(index, &mut recording);
        }
        let open: Vec<usize> = self.wires.keys().copied().collect();
        for conn in open {
            self.end(conn)?;
        }
        let is_alive = self.mark()?;
        // nats-server says much of its streams that is its own.
        if !self.script.has_jetstream() {
            log_items::record(&mut recording, &self.server.log().text(), &self.names);
        }
        if !is_alive {
            recording.entry(Place::Log).or_default().push("the server has ended".to_owned());
        }
        Ok(recording)
    }

    fn perform(&mut self, step: &Step) -> Result<Option<Vec<u8>>> {
        match step {
            Step::Send { conn, pieces } => {
                if !self.wires.contains_key(conn) {
                    self.add(*conn, Wire::open(self.server.addr())?);
                }
                self.say(*conn, pieces)?;
            }
            Step::Web { conn, pieces } => {
                if !self.wires.contains_key(conn) {
                    let addr = self.web.context("there is no listener for WebSockets")?;
                    self.add(*conn, Wire::open_web(addr)?);
                }
                self.say(*conn, pieces)?;
            }
            Step::End { conn } => {
                if self.wires.contains_key(conn) {
                    self.end(*conn)?;
                }
                self.fence(None)?;
            }
            Step::Restart => self.restart()?,
            Step::Ask { request } => return Ok(Some(ask(self.monitor, request)?)),
            Step::Reload { config } => {
                self.server.reload(config)?;
                self.fence(None)?;
            }
            Step::Check { .. } => {}
        }
        Ok(None)
    }

    /// What came on connections that are gone is not told: it ends anywhere.
    fn restart(&mut self) -> Result<()> {
        self.server.stop()?;
        self.wires.clear();
        self.cids.clear();
        self.server.restart()?;
        self.monitor = monitor_address(&self.server)?;
        Ok(())
    }

    fn say(&mut self, conn: usize, pieces: &[Vec<u8>]) -> Result<()> {
        let wire = self.wires.get_mut(&conn).context("just opened")?;
        let id = wire.server_id().filter(|_| self.script.asks_the_server());
        for piece in pieces {
            match &id {
                Some(id) => wire.say(&with_id(piece, id))?,
                None => wire.say(piece)?,
            }
        }
        // The second is behind what the server sends after a first PONG.
        wire.raise_fence(2)?;
        wire.await_fence()?;
        self.learn(conn);
        self.fence(Some(conn))
    }

    fn add(&mut self, conn: usize, wire: Wire) {
        self.names.learn(format!("127.0.0.1:{}", wire.port), format!("CONN{conn}"));
        self.names.learn(wire.port.to_string(), format!("CONN{conn}_PORT"));
        self.wires.insert(conn, wire);
        self.learn(conn);
    }

    /// What INFO tells of a connection, once it has come.
    fn learn(&mut self, conn: usize) {
        let wire = &self.wires[&conn];
        if let Some(id) = wire.server_id() {
            self.names.learn(id, "SERVER_ID");
        }
        if let Some(cid) = wire.client_id() {
            self.names.learn_cid(cid, conn);
            self.cids.insert(conn, cid);
        }
    }

    /// What one connection did has reached all others, and what ended is known to have ended.
    fn fence(&mut self, but: Option<usize>) -> Result<()> {
        let rounds = if self.hint.is_some() { 2 } else { 1 };
        for _ in 0..rounds {
            for (_, wire) in self.wires.iter_mut().filter(|(conn, _)| Some(**conn) != but) {
                wire.raise_fence(1)?;
            }
            for (_, wire) in self.wires.iter_mut().filter(|(conn, _)| Some(**conn) != but) {
                wire.await_fence()?;
            }
        }
        let closed: Vec<usize> =
            self.wires.iter().filter(|(_, wire)| wire.is_closed).map(|(conn, _)| *conn).collect();
        for conn in closed {
            self.await_closed_line(conn);
        }
        Ok(())
    }

    fn end(&mut self, conn: usize) -> Result<()> {
        if let Some(wire) = self.wires.get_mut(&conn) {
            wire.end()?;
        }
        self.await_closed_line(conn);
        Ok(())
    }

    fn await_closed_line(&self, conn: usize) {
        let Some(cid) = self.cids.get(&conn) else {
            return;
        };
        let labels = ["cid", "wid"].map(|label| format!(" - {label}:{cid} - "));
        // A server that never says so differs in its log, which is compared.
        let _ = self.server.log().wait_for_line(
            |line| labels.iter().any(|label| line.contains(label)) && line.contains(log_items::CLOSED),
            STRAGGLER * 10,
        );
    }

    /// Waits for what the other server has sent in this step, if this one has sent less.
    fn await_stragglers(&mut self, step: usize) -> Result<()> {
        let Some(hint) = self.hint else {
            return Ok(());
        };
        let is_sent = |item: &&String| *item != "PONG" && *item != END;
        let of_step = hint.iter().filter(|(place, _)| is_of(place, step));
        let expected = of_step.flat_map(|(_, items)| items).filter(is_sent).count();
        loop {
            let mut count = 0;
            for wire in self.wires.values() {
                let wire_items::WireItems { items, grouped } = wire_items::items(wire.of_step(), &self.names);
                count += grouped.len() + items.iter().filter(is_sent).count();
            }
            if count >= expected || !self.read_any(STRAGGLER)? {
                return Ok(());
            }
        }
    }

    /// Whether no fence tells that all has come.
    fn comes_when_ready(&self) -> bool {
        self.script.has_jetstream() || self.script.asks_the_server()
    }

    /// Waits until what has to be answered is.
    fn await_answers(&mut self, step: &Step) -> Result<()> {
        if !self.comes_when_ready() {
            return Ok(());
        }
        let asked = js_waits::answered_in_time(step);
        let end = Instant::now() + js_waits::ANSWERED_WITHIN;
        let is_there = |wire: &Wire, reply: &[u8]| js_waits::has_message(wire.of_step(), reply);
        while !asked.iter().all(|reply| self.wires.values().any(|wire| is_there(wire, reply)))
            && self.wires.values().all(|wire| !wire.is_closed)
            && Instant::now() < end
        {
            self.read_any(js_waits::SETTLED)?;
        }
        Ok(())
    }

    /// Waits until nothing comes any more, where nothing says that all has come.
    fn settle(&mut self) -> Result<()> {
        while self.comes_when_ready() && self.read_any(js_waits::SETTLED)? {}
        Ok(())
    }

    fn read_any(&mut self, wait: Duration) -> Result<bool> {
        let count = self.wires.len().max(1) as u32;
        let mut any = false;
        for wire in self.wires.values_mut() {
            any |= wire.read_for(wait / count)?;
        }
        Ok(any)
    }

    fn take_step(&mut self, step: usize, recording: &mut Recording) {
        for (conn, wire) in &mut self.wires {
            let mut came = wire_items::items(wire.of_step(), &self.names);
            let (fence_pongs, has_ended) = wire.take_step();
            for _ in 0..fence_pongs {
                if let Some(last) = came.items.iter().rposition(|item| item == "PONG") {
                    came.items.remove(last);
                }
            }
            wire.add_web_items(&mut came.items, &self.names);
            came.items.extend(has_ended.then(|| END.to_owned()));
            if !came.items.is_empty() {
                recording.insert(Place::Wire { step, conn: *conn }, came.items);
            }
            for (group, item) in came.grouped {
                let place = match wire_items::is_of_system(&group) {
                    true => Place::Answer { step },
                    false => Place::Group { step, group },
                };
                recording.entry(place).or_default().push(item);
            }
        }
        for (place, items) in recording.iter_mut().filter(|(place, _)| is_of(place, step)) {
            if matches!(place, Place::Group { group, .. } if !wire_items::is_ordered(group)) {
                items.sort();
            }
        }
    }

    /// Makes the log say something, so that all of it up to there has been read; false if the server is gone.
    fn mark(&self) -> Result<bool> {
        self.server.signal(Signal::USR1)?;
        Ok(self.server.log().wait_for(log_items::MARK, ANSWER_DEADLINE).is_some())
    }
}

/// What is sent to the server of that id.
fn with_id(piece: &[u8], id: &str) -> Vec<u8> {
    let mut sent = Vec::new();
    let mut rest = piece;
    while let Some(at) = place_of(rest, SERVER_ID.as_bytes()) {
        sent.extend_from_slice(&rest[..at]);
        sent.extend_from_slice(id.as_bytes());
        rest = &rest[at + SERVER_ID.len()..];
    }
    [&sent, rest].concat()
}

fn place_of(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|part| part == word)
}

/// Where monitoring is asked, as the log says it.
fn monitor_address(server: &Server) -> Result<SocketAddr> {
    const MONITOR_LINE: &str = "Starting http monitor on ";
    let line = server.log().wait_for(MONITOR_LINE, ANSWER_DEADLINE).context("no monitoring")?;
    Ok(line.split_once(MONITOR_LINE).context("no address")?.1.parse()?)
}

/// Where WebSockets come in, as the log says it: nothing is told later.
fn web_address(log: &str) -> Option<SocketAddr> {
    const WEB_LINE: &str = "Listening for websocket clients on ws://";
    log.lines().find_map(|line| line.split_once(WEB_LINE)?.1.trim().parse().ok())
}

fn is_of(place: &Place, step: usize) -> bool {
    matches!(place, Place::Wire { .. } | Place::Group { .. }) && place.step() == Some(step)
}

fn ask(monitor: SocketAddr, request: &[u8]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&monitor, ANSWER_DEADLINE)?;
    stream.set_read_timeout(Some(ANSWER_DEADLINE))?;
    stream.write_all(&[request, b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"].concat())?;
    let mut response = Vec::new();
    // What came before a reset counts.
    let _ = stream.read_to_end(&mut response);
    Ok(response)
}

/// What `-t` says of a file.
fn check(config: &str, binary: &ServerBinary) -> Result<Vec<String>> {
    const FILE: &str = "checked.conf";
    let dir = TempDir::with_prefix("differ-")?;
    fs::write(dir.path().join(FILE), config)?;
    let mut command = Command::new(&binary.path);
    command.args(["-t", "-c", FILE]).current_dir(dir.path()).stdin(Stdio::null());
    let output = command.output().with_context(|| format!("{}", binary.path.display()))?;
    let text = [output.stdout, output.stderr].concat();
    let mut names = Names::default();
    names.learn(exe_name(binary), PEER_NAME);
    names.learn(OUR_NAME, PEER_NAME);
    // The peer ends a list of errors with an empty line.
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().filter(|line| !line.is_empty());
    let lines = lines.map(|line| names.apply(&escape(line.as_bytes()))).collect();
    Ok([vec![exit_text(output.status)], lines].concat())
}

fn exit_text(status: std::process::ExitStatus) -> String {
    status.code().map_or_else(|| format!("{status}"), |code| format!("exit {code}"))
}

fn exe_name(binary: &ServerBinary) -> String {
    binary.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
