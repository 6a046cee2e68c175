//! One server of a cluster, ours or a real one, with the same configuration file.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use test_kit::{ANSWER_DEADLINE, RawClient, ReservedPort, START_DEADLINE, ServerOp};

/// Which server.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Ours { path: PathBuf, shards: usize },
    Peer { path: PathBuf },
}

/// Where a server is, and what it is called, over restarts.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    clients: Rc<ReservedPort>,
    routes: Rc<ReservedPort>,
    monitor: Rc<ReservedPort>,
}

impl Place {
    pub(crate) fn take(name: &'static str) -> Self {
        let port = || Rc::new(ReservedPort::take().expect("there is a port"));
        Self { name, clients: port(), routes: port(), monitor: port() }
    }

    /// Where other servers dial.
    pub(crate) fn route_port(&self) -> u16 {
        self.routes.number()
    }
}

/// What of a server's configuration is not the same for all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// The cluster's name.
    pub(crate) cluster: &'a str,
    /// What is shown to those who are dialed.
    pub(crate) password: &'a str,
    /// Lines of the block `cluster`.
    pub(crate) routes: &'a str,
    /// Lines outside.
    pub(crate) other: &'a str,
}

impl Default for Setting<'_> {
    fn default() -> Self {
        Self { cluster: "C", password: "right", routes: "", other: "" }
    }
}

/// A running server. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Node {
    kind: Kind,
    pub(crate) place: Place,
    dir: TempDir,
    child: Child,
}

impl Node {
    /// Starts a server that dials the others, and waits until clients may come.
    pub(crate) fn start(kind: &Kind, place: &Place, others: &[&Place]) -> Self {
        Self::start_with(kind, place, others, Setting::default())
    }

    /// The same with other settings.
    pub(crate) fn start_with(kind: &Kind, place: &Place, others: &[&Place], setting: Setting<'_>) -> Self {
        let dir = TempDir::with_prefix("cluster-").expect("there is room");
        let path = dir.path().display().to_string();
        let config = config(place, others, setting).replace("DIR", &path);
        fs::write(dir.path().join("server.conf"), config).expect("there is room");
        Self::run(kind.clone(), place.clone(), dir)
    }

    /// What a server says that does not start.
    pub(crate) fn refused(kind: &Kind, place: &Place, setting: Setting<'_>) -> String {
        let dir = TempDir::with_prefix("cluster-").expect("there is room");
        let path = dir.path().join("server.conf");
        fs::write(&path, config(place, &[], setting)).expect("there is room");
        let (Kind::Ours { path: program, .. } | Kind::Peer { path: program }) = kind;
        let output = Command::new(program).arg("-c").arg(&path).output().expect("it starts");
        assert!(!output.status.success());
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    fn run(kind: Kind, place: Place, dir: TempDir) -> Self {
        let mut node = Self::spawn(kind, place, dir);
        node.await_ready();
        node
    }

    fn spawn(kind: Kind, place: Place, dir: TempDir) -> Self {
        let log = File::create(dir.path().join("log")).expect("there is room");
        let mut command = match &kind {
            Kind::Peer { path } => Command::new(path),
            Kind::Ours { path, shards } => {
                let mut command = Command::new(path);
                command.args(["--shards", &shards.to_string()]);
                command
            }
        };
        let both = log.try_clone().expect("a descriptor");
        command.arg("-c").arg(dir.path().join("server.conf"));
        let child = command.stdin(Stdio::null()).stdout(log).stderr(both).spawn().expect("it starts");
        Self { kind, place, dir, child }
    }

    fn await_ready(&mut self) {
        let until = Instant::now() + START_DEADLINE;
        while TcpStream::connect(self.addr()).is_err() {
            let ended = self.child.try_wait().expect("it is ours");
            assert!(
                ended.is_none() && Instant::now() < until,
                "{} is not ready: {}",
                self.place.name,
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.place.clients.number()))
    }

    pub(crate) fn connect(&self) -> RawClient {
        RawClient::connect(self.addr())
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Where INFO says that clients connect.
    pub(crate) fn connect_urls(&self) -> Vec<String> {
        let ServerOp::Info(info) = RawClient::dial(self.addr()).next_op() else { panic!("INFO comes first") };
        let info: serde_json::Value = serde_json::from_str(&info).expect("INFO is JSON");
        let urls = info["connect_urls"].as_array().cloned().unwrap_or_default();
        urls.iter().filter_map(|url| url.as_str().map(str::to_owned)).collect()
    }

    /// What monitoring says.
    pub(crate) fn monitored(&self, path: &str) -> String {
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, self.place.monitor.number()));
        let mut socket = TcpStream::connect(at).expect("it accepts");
        socket.set_read_timeout(Some(ANSWER_DEADLINE)).expect("a deadline");
        write!(socket, "GET {path} HTTP/1.0\r\n\r\n").expect("it reads");
        let mut said = String::new();
        socket.read_to_string(&mut said).expect("it answers");
        let (head, body) = said.split_once("\r\n\r\n").expect("a head and a body");
        assert_eq!(head.get(9..12), Some("200"), "{path}: {body}");
        body.to_owned()
    }

    /// The same, read.
    pub(crate) fn monitored_json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.monitored(path)).expect("it is JSON")
    }

    /// Has it end as an operator does.
    pub(crate) fn stop(&mut self) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process has a number");
        kill_process(pid, Signal::TERM).expect("it is ours");
        self.child.wait().expect("it is ours");
    }

    /// The text of its configuration.
    pub(crate) fn config(&self) -> String {
        fs::read_to_string(self.dir.path().join("server.conf")).expect("it is there")
    }

    /// Has it read its configuration again, in which this stands instead of that.
    pub(crate) fn reload(&self, before: &str, after: &str) {
        let (path, text) = (self.dir.path().join("server.conf"), self.config());
        assert!(text.contains(before), "{text}");
        fs::write(&path, text.replace(before, after)).expect("there is room");
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process has a number");
        kill_process(pid, Signal::HUP).expect("it is ours");
    }

    /// Has it do nothing from now on, or go on.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process has a number");
        kill_process(pid, signal).expect("it is ours");
    }

    /// Resident memory, in KiB.
    pub(crate) fn rss_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is said");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }

    /// Starts it again where it was.
    pub(crate) fn restart(self) -> Self {
        let [mut node] = Self::respawn([self]);
        node.await_ready();
        node
    }

    /// Kills both and starts them again at the same time.
    pub(crate) fn restart_together(mut nodes: [Self; 2]) -> [Self; 2] {
        nodes.iter_mut().for_each(Self::kill);
        let mut nodes = Self::respawn(nodes);
        nodes.iter_mut().for_each(Self::await_ready);
        nodes
    }

    fn respawn<const N: usize>(nodes: [Self; N]) -> [Self; N] {
        nodes.map(|mut node| {
            let dir = std::mem::replace(&mut node.dir, TempDir::new().expect("there is room"));
            Self::spawn(node.kind.clone(), node.place.clone(), dir)
        })
    }
}

/// A whole configuration. `DIR` in it is a folder of the server's own.
fn config(place: &Place, others: &[&Place], setting: Setting<'_>) -> String {
    let Setting { cluster, password, routes: more, other } = setting;
    let url = |other: &&Place| format!("\"nats://ruser:{password}@127.0.0.1:{}\"", other.routes.number());
    let urls: Vec<String> = others.iter().map(url).collect();
    let Place { name, clients, routes, monitor } = place;
    format!(
        "server_name: {name}\nlisten: 127.0.0.1:{}\nhttp: 127.0.0.1:{}\n{other}\ncluster {{\n  name: {cluster}\n  \
         listen: 127.0.0.1:{}\n  authorization {{ user: ruser, password: right }}\n  routes: [{}]\n{more}\n}}\n",
        clients.number(),
        monitor.number(),
        routes.number(),
        urls.join(", ")
    )
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
