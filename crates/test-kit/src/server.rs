//! One server process.

use std::{
    ffi::OsString,
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify,
    process::{Pid, Signal, kill_process},
};
use tempfile::TempDir;

use crate::{
    ANSWER_DEADLINE, Io, RawClient, ReservedPort, START_DEADLINE, Sandbox, ServerBinary, ServerError,
    ServerLog, Setup,
};

/// How to start a server.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// Which executable; `None` for the one under test.
    pub binary: Option<ServerBinary>,
    /// How many shards, on what.
    pub setup: Setup,
    /// Keep one port over restarts, instead of letting the server choose.
    pub fixed_port: bool,
    /// Descriptors the process may have open; `None` leaves this process's own limit.
    pub open_files_max: Option<u32>,
    /// Memory the process may lock, in KiB; `None` leaves this process's own limit.
    pub locked_kib_max: Option<u32>,
    /// Addresses the process may have, in KiB; `None` leaves this process's own limit.
    pub address_kib_max: Option<u32>,
    /// What the kernel lets the process do.
    pub sandbox: Sandbox,
    /// A folder that the process takes for all files there are: the binary is `/buster-server` in it, and there
    /// is neither a ports file nor a configuration.
    pub root: Option<PathBuf>,
    /// Text of a configuration file to start with.
    pub config: Option<String>,
    /// Keep streams, in a folder of the server's own.
    pub has_streams: bool,
    /// Further arguments.
    pub args: Vec<String>,
}

/// A running server. Dropping it kills the process.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    binary: ServerBinary,
    dir: TempDir,
    reserved: Option<ReservedPort>,
    child: Child,
    log: ServerLog,
    addr: SocketAddr,
}

impl Server {
    /// Starts a server with this setup on a port of its choice.
    ///
    /// # Panics
    ///
    /// When it does not become ready.
    #[must_use]
    pub fn with(setup: Setup) -> Self {
        let options = ServerOptions { setup, ..ServerOptions::default() };
        Self::start(options).expect("the server starts")
    }

    /// Starts one with a configuration file.
    ///
    /// # Panics
    ///
    /// When it does not become ready.
    #[must_use]
    pub fn configured(setup: Setup, config: &str) -> Self {
        let options = ServerOptions { setup, config: Some(config.into()), ..ServerOptions::default() };
        Self::start(options).expect("the server starts")
    }

    /// Starts a server and waits until it says that it is ready.
    ///
    /// # Errors
    ///
    /// [`ServerError::EndedEarly`] when it refuses its arguments or configuration; others when
    /// it cannot be built or run, or is not ready within [`START_DEADLINE`].
    pub fn start(options: ServerOptions) -> Result<Self, ServerError> {
        let binary = options.binary.clone().map_or_else(ServerBinary::locate, Ok)?;
        let dir = TempDir::with_prefix("test-kit-")?;
        if let Some(text) = &options.config {
            fs::write(dir.path().join(CONFIG_FILE), text)?;
        }
        let reserved = options.fixed_port.then(ReservedPort::take).transpose()?;
        let mut command = command(&binary, &options, dir.path(), reserved.as_ref());
        let (child, log, addr) = spawn_ready(&mut command, &options)?;
        Ok(Self { options, binary, dir, reserved, child, log, addr })
    }

    /// Where clients connect. Of a server that was given a name for its address this has the port alone.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address as client libraries take it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.addr)
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What this process has logged; a restart begins a new log.
    #[must_use]
    pub fn log(&self) -> &ServerLog {
        &self.log
    }

    /// A raw connection after its CONNECT.
    ///
    /// # Panics
    ///
    /// As [`RawClient::connect`].
    #[must_use]
    pub fn connect(&self) -> RawClient {
        RawClient::connect(self.addr)
    }

    /// Kills the process at once (SIGKILL) and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When the process cannot be signalled.
    pub fn kill(&mut self) -> Result<(), ServerError> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the process to stop (SIGTERM) and waits until it has.
    ///
    /// # Errors
    ///
    /// [`ServerError::Late`] when it is still there after [`START_DEADLINE`].
    pub fn stop(&mut self) -> Result<ExitStatus, ServerError> {
        self.signal(Signal::TERM)?;
        self.wait()
    }

    /// Waits until the process has ended by itself.
    ///
    /// # Errors
    ///
    /// [`ServerError::Late`] when it is still there after [`START_DEADLINE`].
    pub fn wait(&mut self) -> Result<ExitStatus, ServerError> {
        if !self.log.wait_for_end(START_DEADLINE) {
            return Err(ServerError::Late { awaited: "the exit", log: self.log.text() });
        }
        Ok(self.child.wait()?)
    }

    /// Sends the process into lame duck mode (SIGUSR2).
    ///
    /// # Errors
    ///
    /// When the process cannot be signalled.
    pub fn lame_duck(&self) -> Result<(), ServerError> {
        self.signal(Signal::USR2)
    }

    /// The configuration file, if it was started with one.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.dir.path().join(CONFIG_FILE)
    }

    /// Gives the server another configuration file, tells it to reload (SIGHUP) and returns the line
    /// that says how that went.
    ///
    /// # Errors
    ///
    /// [`ServerError::Late`] when it says nothing within [`ANSWER_DEADLINE`].
    pub fn reload(&self, config: &str) -> Result<String, ServerError> {
        let before = self.log.count(RELOAD_WORDS);
        fs::write(self.config_file(), config)?;
        self.signal(Signal::HUP)?;
        let line = self.log.wait_for_nth(RELOAD_WORDS, before, ANSWER_DEADLINE);
        line.ok_or_else(|| ServerError::Late { awaited: "the reload", log: self.log.text() })
    }

    /// The same for a file that is to be taken; returns the lines of the log from then on.
    ///
    /// # Panics
    ///
    /// When it is not taken.
    #[track_caller]
    pub fn reloaded(&self, config: &str) -> String {
        let before = self.log.text().len();
        let line = self.reload(config).expect("it answers");
        assert!(line.contains("[INF] Reloaded server configuration"), "{line}");
        self.log.text()[before..].to_owned()
    }

    /// Sends the process a signal.
    ///
    /// # Errors
    ///
    /// When the process cannot be signalled.
    pub fn signal(&self, signal: Signal) -> Result<(), ServerError> {
        Ok(kill_process(Pid::from_child(&self.child), signal).map_err(io::Error::from)?)
    }

    /// Kills the process and starts it again with the same options, on the same port if that was
    /// fixed.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn restart(&mut self) -> Result<(), ServerError> {
        self.kill()?;
        let mut command = command(&self.binary, &self.options, self.dir.path(), self.reserved.as_ref());
        (self.child, self.log, self.addr) = spawn_ready(&mut command, &self.options)?;
        Ok(())
    }

    /// The same with another setup from then on.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn restart_on(&mut self, setup: Setup) -> Result<(), ServerError> {
        self.options.setup = setup;
        self.restart()
    }

    /// Waits for the ports file and returns the client URLs in it.
    ///
    /// # Errors
    ///
    /// When it does not appear in time or is not what nats-server writes.
    pub fn ports_file_urls(&self) -> Result<Vec<String>, ServerError> {
        let path = self.ports_file();
        loop {
            let watch = DirWatch::new(self.dir.path())?;
            let text = fs::read_to_string(&path).unwrap_or_default();
            // The file may be seen between its creation and its last byte.
            if let Ok(ports) = serde_json::from_str::<serde_json::Value>(&text) {
                let urls = ports.get("nats").cloned().unwrap_or_default();
                return serde_json::from_value(urls).map_err(|_| ServerError::PortsFile(text));
            }
            if !watch.wait()? {
                return Err(ServerError::Late { awaited: "the ports file", log: self.log.text() });
            }
        }
    }

    /// Resident memory of the process in bytes.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn resident_bytes(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
        kib.map(|kib: u64| kib * 1024).ok_or_else(|| io::Error::other("no VmRSS: a zombie"))
    }

    /// How many descriptors the process has open.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn open_files(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.pid()))?.count())
    }

    /// `<exe name>_<pid>.ports`, as nats-server names it.
    fn ports_file(&self) -> PathBuf {
        let exe = self.binary.path.file_name().unwrap_or_default().to_string_lossy();
        self.dir.path().join(format!("{exe}_{}.ports", self.pid()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone after `kill` or `stop`; nothing to do about either then.
        let _ = self.kill();
    }
}

/// The configuration file's name inside the server's directory.
const CONFIG_FILE: &str = "server.conf";

/// In the line that ends a reload: `Reloaded …` or `Failed to reload …`.
const RELOAD_WORDS: &str = "server configuration";

fn command(
    binary: &ServerBinary,
    options: &ServerOptions,
    dir: &Path,
    reserved: Option<&ReservedPort>,
) -> Command {
    let mut args: Vec<OsString> = Vec::new();
    let mut arg = |flag: &str, value: OsString| args.extend([flag.into(), value]);
    arg("-a", Ipv4Addr::LOCALHOST.to_string().into());
    arg("-p", reserved.map_or_else(|| "-1".into(), |port| port.number().to_string().into()));
    if options.root.is_none() {
        arg("--ports_file_dir", dir.into());
    }
    if options.setup.shards > 0 && !binary.is_peer {
        arg("--shards", options.setup.shards.to_string().into());
        // Tests look for what goes wrong between shards, so connections have to be on all of them.
        arg("--placement", "spread".into());
    }
    match options.setup.io {
        Io::Uring if !binary.is_peer => arg("--io", "uring".into()),
        Io::Epoll if !binary.is_peer => arg("--io", "epoll".into()),
        _ => {}
    }
    if options.config.is_some() {
        arg("-c", dir.join(CONFIG_FILE).into());
    }
    if options.has_streams {
        args.push("-js".into());
        args.extend(["-sd".into(), dir.join("streams").into()]);
    }
    let limit = |flag: &str, limit: Option<u32>| limit.map(|limit| format!("ulimit {flag} {limit} && "));
    let limits = [
        limit("-n", options.open_files_max),
        limit("-l", options.locked_kib_max),
        limit("-v", options.address_kib_max),
    ];
    let limits: String = limits.into_iter().flatten().collect();
    let mut command = match (&options.root, limits.as_str()) {
        (Some(root), _) => rooted(root),
        (None, "") => Command::new(&binary.path),
        (None, limits) => limited(&binary.path, limits),
    };
    command.args(args).args(&options.args);
    command
}

/// The shell sets the limits and then becomes the server, so the process id stays the child's.
fn limited(path: &Path, limits: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("{limits}exec \"$0\" \"$@\"")).arg(path);
    command
}

/// The server with another root. Who is not root here becomes it in a user namespace, where that is allowed. Each
/// of these programs becomes the next, so the process id stays the child's.
fn rooted(root: &Path) -> Command {
    let mut command = match rustix::process::geteuid().is_root() {
        true => Command::new("chroot"),
        false => {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "chroot"]);
            command
        }
    };
    command.arg(root).arg("/buster-server");
    command
}

/// The line after which the server takes connections.
const READY_LINE: &str = "Server is ready";
/// The line that tells the port.
const LISTENING_LINE: &str = "Listening for client connections on ";

fn spawn_ready(
    command: &mut Command,
    options: &ServerOptions,
) -> Result<(Child, ServerLog, SocketAddr), ServerError> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = options.sandbox.spawn(command)?;
    let log = ServerLog::collect(child.stderr.take().expect("stderr is piped"));
    match await_ready(&log) {
        Some(addr) => Ok((child, log, addr)),
        None => Err(never_ready(&mut child, &log)?),
    }
}

fn await_ready(log: &ServerLog) -> Option<SocketAddr> {
    log.wait_for(READY_LINE, START_DEADLINE)?;
    let line = log.wait_for(LISTENING_LINE, START_DEADLINE)?;
    let place = line.split_once(LISTENING_LINE)?.1;
    let of_name = || Some(SocketAddr::from((Ipv4Addr::LOCALHOST, place.rsplit_once(':')?.1.parse().ok()?)));
    place.parse().ok().or_else(of_name)
}

/// A process that ended by itself gave its reason in the log; one that hangs is ended here.
fn never_ready(child: &mut Child, log: &ServerLog) -> io::Result<ServerError> {
    let hangs = !log.wait_for_end(Duration::ZERO);
    if hangs {
        child.kill()?;
    }
    let status = child.wait()?;
    log.wait_for_end(START_DEADLINE);
    let log = log.text();
    Ok(match hangs {
        true => ServerError::Late { awaited: "the ready line", log },
        false => ServerError::EndedEarly { status, log },
    })
}

/// Tells when a file in a directory has been written.
struct DirWatch(rustix::fd::OwnedFd);

impl DirWatch {
    fn new(dir: &Path) -> io::Result<Self> {
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC)?;
        let events = inotify::WatchFlags::CLOSE_WRITE | inotify::WatchFlags::MOVED_TO;
        inotify::add_watch(&watch, dir, events)?;
        Ok(Self(watch))
    }

    /// False when nothing was written within the deadline.
    fn wait(self) -> io::Result<bool> {
        let timeout = Timespec::try_from(START_DEADLINE).expect("the deadline is short");
        Ok(poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&timeout))? > 0)
    }
}
