//! The server under load: one that runs already, or one started for the run and stopped after it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Signal, kill_process};

use crate::client::{self, Dialer, ServerInfo, Way};
use crate::far;
use crate::listening::{self, Listening};
use crate::settings::Settings;
use crate::store::Store;

/// A server that takes longer to greet has a problem worth seeing; one that has streams may have much to read.
const START_WAIT_MAX: Duration = Duration::from_secs(120);

/// After SIGTERM; then it is killed. One that has streams writes what it has not written yet.
const STOP_WAIT_MAX: Duration = Duration::from_secs(30);

const POLL_EVERY: Duration = Duration::from_millis(5);

/// In a command, where the port of its monitoring goes.
const MONITOR: &str = "{monitor}";

/// In a command, where a fresh directory for what the server keeps goes.
const STORE: &str = "{store}";

/// In a command, where the words go that make it one of two servers with a route between them.
const ROUTED: &str = "{routed}";

/// How much of what a failed server wrote is shown.
const LOG_TAIL_BYTES: u64 = 2048;

pub(crate) struct Server {
    addr: SocketAddr,
    /// The port for WebSockets, if they are what connects.
    websockets: Option<u16>,
    /// They compress their messages.
    compresses: bool,
    /// Where it is monitored, if the command says so.
    monitor: Option<SocketAddr>,
    pid: Option<u32>,
    info: ServerInfo,
    /// The other of two with a route between them.
    far: Option<Box<Self>>,
    /// Its drop stops the process.
    running: Option<Running>,
    /// Dropped after the process that writes to it.
    store: Option<Store>,
    /// Where else it listens.
    listening: Option<listening::File>,
}

/// How a server is made to end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// SIGTERM.
    Orderly,
    /// SIGKILL.
    Sudden,
}

impl Server {
    /// Uses a server that runs already.
    pub(crate) fn attach(addr: SocketAddr, pid: Option<u32>) -> Result<Self> {
        let (_, info) = client::connect(addr, START_WAIT_MAX)?;
        Ok(Self {
            addr,
            websockets: None,
            compresses: false,
            monitor: None,
            pid,
            info,
            far: None,
            running: None,
            store: None,
            listening: None,
        })
    }

    /// Starts `template`, words between blanks, `{port}`, `{monitor}`, `{store}`, `{routed}` and one of [`Listening`]'s
    /// places replaced, and waits for its INFO. With `{routed}` it is started twice, and each knows of the other's clients.
    pub(crate) fn start(template: &str) -> Result<Self> {
        if !template.contains(ROUTED) {
            return Self::start_one(template, None);
        }
        let (here, there) = (free_addr()?, free_addr()?);
        let mut server = Self::start_one(template, Some(Route { here, there }))?;
        let far = Self::start_one(template, Some(Route { here: there, there: here }))?;
        server.far = Some(Box::new(far));
        server.await_far_interest()?;
        Ok(server)
    }

    fn start_one(template: &str, route: Option<Route>) -> Result<Self> {
        let addr = free_addr()?;
        let monitor = template.contains(MONITOR).then(free_addr).transpose()?;
        let store = template.contains(STORE).then(Store::fresh).transpose()?;
        let listening = match Listening::of(template) {
            Some(listening) => Some(listening::File::write(listening, free_addr()?)?),
            None => None,
        };
        let port = addr.port();
        let places = Places { port, monitor, store: store.as_ref(), listening: listening.as_ref(), route };
        let words = command_words(template, &places)?;
        let mut running = Running::spawn(words)?;
        let info = running.await_info(addr)?;
        Ok(Self {
            addr,
            websockets: listening
                .as_ref()
                .filter(|file| file.listening.takes_websockets())
                .map(|file| file.addr.port()),
            compresses: false,
            monitor,
            pid: Some(running.child.id()),
            info,
            far: None,
            running: Some(running),
            store,
            listening,
        })
    }

    /// Whether it can be stopped and started again with what it stored.
    pub(crate) fn keeps_what_it_has(&self) -> bool {
        self.running.is_some() && self.store.is_some()
    }

    /// Makes a server that we started end.
    pub(crate) fn stop(&mut self, end: End) -> Result<()> {
        let running = self.running.as_mut().context("a server that we did not start")?;
        match end {
            End::Orderly => running.stop(),
            End::Sudden => running.kill(),
        }
    }

    /// Starts a server that was stopped with the same words, at the same place.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        let stopped = self.running.take().context("a server that we did not start")?;
        let running = self.running.insert(Running::spawn(stopped.words.clone())?);
        self.pid = Some(running.child.id());
        self.info = running.await_info(self.addr)?;
        Ok(())
    }

    /// Has loads come as the settings say, over WebSockets perhaps.
    pub(crate) fn reached_by(self, settings: &Settings) -> Self {
        Self { websockets: settings.websockets.or(self.websockets), compresses: settings.compresses, ..self }
    }

    /// What connects to it.
    pub(crate) fn dialer(&self) -> Dialer {
        let Some(port) = self.websockets else { return Dialer::new(self.addr) };
        let way = Way::WebSocket { compresses: self.compresses };
        Dialer::new(SocketAddr::new(self.addr.ip(), port)).by(way)
    }

    /// What subscribes to what is published through [`Self::dialer`]: at the other server, if there are two.
    pub(crate) fn far_dialer(&self) -> Dialer {
        self.far.as_deref().unwrap_or(self).dialer()
    }

    /// Waits until this server knows what clients of the other subscribed to before.
    pub(crate) fn await_far_interest(&self) -> Result<()> {
        let Some(far) = &self.far else { return Ok(()) };
        far::await_interest(&mut self.dialer(), &mut far.dialer())
    }

    pub(crate) fn monitor(&self) -> Option<SocketAddr> {
        self.monitor
    }

    /// Where its HTTP API is, if the command says so.
    pub(crate) fn http(&self) -> Option<SocketAddr> {
        let file = self.listening.as_ref().filter(|file| file.listening == Listening::Http);
        file.map(|file| file.addr)
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// The processes that work for it, those that are known.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.pid.into_iter().chain(self.far.iter().filter_map(|far| far.pid)).collect()
    }

    pub(crate) fn info(&self) -> &ServerInfo {
        &self.info
    }
}

/// A loopback port nobody listens on. Another process may take it before the server does; then the
/// server's own error shows.
pub(crate) fn free_addr() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr()?)
}

/// What the words of a command stand for.
struct Places<'a> {
    port: u16,
    monitor: Option<SocketAddr>,
    store: Option<&'a Store>,
    listening: Option<&'a listening::File>,
    route: Option<Route>,
}

/// Where a server listens for the other, and where the other does.
#[derive(Debug, Clone, Copy)]
struct Route {
    here: SocketAddr,
    there: SocketAddr,
}

impl Route {
    fn words(self) -> [String; 6] {
        let (here, there) = (format!("nats://{}", self.here), format!("nats://{}", self.there));
        ["--cluster", &here, "--routes", &there, "--cluster_name", "bench"].map(str::to_owned)
    }
}

fn command_words(template: &str, places: &Places<'_>) -> Result<Vec<String>> {
    ensure!(template.contains("{port}"), "`{template}` has no {{port}}");
    let port = places.port.to_string();
    let monitor = places.monitor.map(|monitor| monitor.port().to_string()).unwrap_or_default();
    let store = places.store.map(|store| store.path().display().to_string()).unwrap_or_default();
    let mut filled = vec![("{port}", port), (MONITOR, monitor), (STORE, store)];
    filled.extend(places.listening.map(|file| (file.listening.place(), file.path().display().to_string())));
    let fill =
        |word: &str| filled.iter().fold(word.to_owned(), |word, (place, what)| word.replace(place, what));
    let expand = |word: &str| match places.route {
        Some(route) if word == ROUTED => route.words().into(),
        _ => vec![fill(word)],
    };
    Ok(template.split_ascii_whitespace().flat_map(expand).collect())
}

struct Running {
    /// Its command.
    words: Vec<String>,
    child: Child,
    /// Everything the server writes, in memory: shown only when it fails to start.
    log: File,
}

impl Running {
    fn spawn(words: Vec<String>) -> Result<Self> {
        let (program, args) = words.split_first().context("an empty command")?;
        let log = File::from(memfd_create("server-log", MemfdFlags::CLOEXEC)?);
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .spawn()
            .with_context(|| format!("cannot start `{program}`"))?;
        Ok(Self { words, child, log })
    }

    fn await_info(&mut self, addr: SocketAddr) -> Result<ServerInfo> {
        self.greeting(addr).with_context(|| self.words.join(" "))
    }

    fn greeting(&mut self, addr: SocketAddr) -> Result<ServerInfo> {
        let give_up_at = Instant::now() + START_WAIT_MAX;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended ({status}):\n{}", self.log_tail()?);
            }
            match client::connect(addr, START_WAIT_MAX) {
                Ok((_, info)) => return Ok(info),
                Err(_) if Instant::now() < give_up_at => thread::sleep(POLL_EVERY),
                Err(error) => bail!("not ready ({error:#}):\n{}", self.log_tail()?),
            }
        }
    }

    fn log_tail(&mut self) -> Result<String> {
        let length = self.log.seek(SeekFrom::End(0))?;
        let start = length.saturating_sub(LOG_TAIL_BYTES);
        self.log.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        self.log.read_to_end(&mut tail)?;
        Ok(String::from_utf8_lossy(&tail).into_owned())
    }

    fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let give_up_at = Instant::now() + STOP_WAIT_MAX;
        while Instant::now() < give_up_at {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(POLL_EVERY);
        }
        bail!("the server ignored SIGTERM for {} s", STOP_WAIT_MAX.as_secs())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            crate::output::note(format_args!("buster-bench: {error:#}; killing it"));
            // Both fail only when the process is gone already.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    #[test]
    fn the_port_is_put_where_the_template_says() {
        let words = |template, monitor, store| {
            command_words(template, &Places { port: 42, monitor, store, listening: None, route: None })
        };
        let two = words("srv -a 127.0.0.1  -p {port} --x=:{port}", None, None).unwrap();
        assert_eq!(two, ["srv", "-a", "127.0.0.1", "-p", "42", "--x=:42"]);
        assert!(words("srv -p 4222", None, None).is_err());
        let monitored = words("srv -p {port} -m {monitor}", Some(([127, 0, 0, 1], 43).into()), None).unwrap();
        assert_eq!(monitored, ["srv", "-p", "42", "-m", "43"]);
        let store = Store::fresh().unwrap();
        let keeps = words("srv -p {port} -js -sd {store}/js", None, Some(&store)).unwrap();
        assert_eq!(keeps[5], format!("{}/js", store.path().display()));
        let file = listening::File::write(Listening::Http, ([127, 0, 0, 1], 43).into()).unwrap();
        let places = Places { port: 42, monitor: None, store: None, listening: Some(&file), route: None };
        let listens = command_words("srv -p {port} -c {http}", &places).unwrap();
        assert_eq!(listens[4], file.path().display().to_string());
    }

    #[test]
    fn two_servers_are_told_of_each_other() {
        let route = Route { here: ([127, 0, 0, 1], 1).into(), there: ([127, 0, 0, 1], 2).into() };
        let places = Places { port: 42, monitor: None, store: None, listening: None, route: Some(route) };
        let words = command_words("srv -p {port} {routed} -D", &places).unwrap().join(" ");
        let told = "--cluster nats://127.0.0.1:1 --routes nats://127.0.0.1:2 --cluster_name bench";
        assert_eq!(words, format!("srv -p 42 {told} -D"));
    }

    #[test]
    fn the_store_of_a_server_goes_with_it() {
        let Err(error) = Server::start("ls -d {store} /nowhere-at-all-{port}") else {
            panic!("ls is no server");
        };
        let text = format!("{error:#}");
        let store = text.lines().find(|line| line.starts_with('/') && line.contains("buster-bench-"));
        let store = store.expect("ls says the name of what is there");
        assert!(!std::path::Path::new(store).exists(), "{store}");
    }

    #[test]
    fn a_server_that_ends_at_once_is_reported_with_its_own_words() {
        let Err(error) = Server::start("ls /nowhere-at-all-{port}") else {
            panic!("ls is no server");
        };
        let text = format!("{error:#}");
        assert!(text.contains("nowhere-at-all"), "{text}");
        assert!(text.contains("the server ended"), "{text}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let Err(error) = Server::start("no-such-server {port}") else {
            panic!("there is no such program");
        };
        assert!(format!("{error:#}").contains("no-such-server"));
    }

    /// No test, but what the next one starts as a server: it notes in its store that it was started, and greets.
    #[test]
    #[ignore = "runs until it is killed"]
    fn greeter() {
        let word = |name| std::env::args().find_map(|word| Some(word.strip_prefix(name)?.to_owned()));
        let (Some(port), Some(store)) = (word("port:"), word("store:")) else { return };
        let mut log = File::options().create(true).append(true).open(store + "/starts").unwrap();
        log.write_all(b"x").unwrap();
        let listener = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
        while let Ok((mut peer, _)) = listener.accept() {
            // Who only looks whether somebody is there may be gone already.
            let _ = peer.write_all(b"INFO {\"version\":\"7\"} \r\n");
        }
    }

    #[test]
    fn a_server_is_started_again_with_what_it_stored() {
        let program = std::env::current_exe().unwrap();
        let greeter = "server::tests::greeter --exact --ignored port:{port} store:{store}";
        let mut server = Server::start(&format!("{} {greeter}", program.display())).unwrap();
        assert!(server.keeps_what_it_has());
        let store = server.store.as_ref().unwrap().path().to_owned();
        let (addr, mut pid) = (server.addr, server.pid());
        for (times, end) in [(2, End::Orderly), (3, End::Sudden)] {
            server.stop(end).unwrap();
            assert!(client::connect(addr, START_WAIT_MAX).is_err(), "it is still there");
            server.start_again().unwrap();
            assert_ne!(server.pid(), pid);
            assert_eq!((server.addr, server.info().version.as_str()), (addr, "7"));
            assert_eq!(fs::read_to_string(store.join("starts")).unwrap().len(), times);
            pid = server.pid();
        }
        drop(server);
        assert!(client::connect(addr, START_WAIT_MAX).is_err() && !store.exists());
    }
}
