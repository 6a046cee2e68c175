//! One server of a cluster, ours or a real one, with the same configuration file.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use test_kit::{RawClient, ReservedPort, START_DEADLINE, ServerOp};

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
}

impl Place {
    pub(crate) fn take(name: &'static str) -> Self {
        let port = || Rc::new(ReservedPort::take().expect("there is a port"));
        Self { name, clients: port(), routes: port() }
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
        Self::start_with(kind, place, others, "C", "right")
    }

    /// The same in a cluster of that name, with that password to show.
    pub(crate) fn start_with(
        kind: &Kind,
        place: &Place,
        others: &[&Place],
        cluster: &str,
        password: &str,
    ) -> Self {
        let dir = TempDir::with_prefix("cluster-").expect("there is room");
        let routes: Vec<String> = others
            .iter()
            .map(|other| format!("\"nats://ruser:{password}@127.0.0.1:{}\"", other.routes.number()))
            .collect();
        let Place { name, clients, routes: own } = place;
        let config = format!(
            "server_name: {name}\nlisten: 127.0.0.1:{}\ncluster {{\n  name: {cluster}\n  listen: 127.0.0.1:{}\n  \
             authorization {{ user: ruser, password: {password} }}\n  routes: [{}]\n}}\n",
            clients.number(),
            own.number(),
            routes.join(", ")
        );
        fs::write(dir.path().join("server.conf"), config).expect("there is room");
        Self::run(kind.clone(), place.clone(), dir)
    }

    fn run(kind: Kind, place: Place, dir: TempDir) -> Self {
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
        let mut node = Self { kind, place, dir, child };
        node.await_ready();
        node
    }

    fn await_ready(&mut self) {
        let until = Instant::now() + START_DEADLINE;
        while std::net::TcpStream::connect(self.addr()).is_err() {
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

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }

    /// Starts it again where it was.
    pub(crate) fn restart(mut self) -> Self {
        let dir = std::mem::replace(&mut self.dir, TempDir::new().expect("there is room"));
        Self::run(self.kind.clone(), self.place.clone(), dir)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
