//! Lines to a syslog, of this machine or another one.
//!
//! A thread of its own sends them, so nothing in the server ever waits for a syslog: what does not fit
//! in the queue is lost, and once there is room again a line says how many were.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Local, SecondsFormat};

use crate::init::LogError;
use crate::line::Label;

/// Lines that may wait to be sent.
const LINES_MAX: usize = 4096;

/// How long a syslog may take nothing, or not answer, before the line is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the end of the server waits for the last lines to leave.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

/// Where the syslog of a machine listens.
const LOCAL_PATHS: [&str; 3] = ["/dev/log", "/var/run/syslog", "/var/run/log"];

/// The facility of lines to the local syslog: daemon.
const FACILITY_LOCAL: u8 = 3 << 3;

/// The one of lines to another machine's: none, as nats-server has it.
const FACILITY_REMOTE: u8 = 0;

/// Where a syslog listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Local,
    Udp(String),
    Tcp(String),
    /// The path of a stream socket.
    Unix(String),
}

impl Address {
    /// Reads a `remote_syslog`.
    pub(crate) fn parse(url: &str) -> Result<Self, LogError> {
        let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
        let host = rest.split('/').next().unwrap_or_default();
        match scheme {
            "udp" => Ok(Self::Udp(host.into())),
            "tcp" => Ok(Self::Tcp(host.into())),
            "unix" => Ok(Self::Unix(rest.into())),
            _ => Err(LogError::SyslogScheme { scheme: scheme.into() }),
        }
    }

    fn connect(&self) -> io::Result<Connection> {
        match self {
            Self::Local => connect_local(&LOCAL_PATHS),
            Self::Udp(host) => {
                let address = first_address(host)?;
                let any = if address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
                let socket = UdpSocket::bind(any)?;
                socket.connect(address)?;
                Ok(Connection::Udp(socket))
            }
            Self::Tcp(host) => {
                let stream = TcpStream::connect_timeout(&first_address(host)?, PATIENCE)?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Ok(Connection::Stream(Box::new(stream)))
            }
            Self::Unix(path) => connect_stream(path),
        }
    }
}

fn first_address(host: &str) -> io::Result<std::net::SocketAddr> {
    let no_address = || io::Error::new(io::ErrorKind::NotFound, "no address for this host");
    host.to_socket_addrs()?.next().ok_or_else(no_address)
}

fn connect_stream(path: &str) -> io::Result<Connection> {
    let stream = UnixStream::connect(path)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(Connection::Stream(Box::new(stream)))
}

fn connect_local(paths: &[&str]) -> io::Result<Connection> {
    let datagram = |path: &str| {
        let socket = UnixDatagram::unbound()?;
        socket.connect(path)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Connection::Datagram(socket))
    };
    let mut failure = io::Error::other("there is no place to look");
    for path in paths {
        match datagram(path).or_else(|_: io::Error| connect_stream(path)) {
            Ok(connection) => return Ok(connection),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// A way to a syslog.
enum Connection {
    Datagram(UnixDatagram),
    Udp(UdpSocket),
    Stream(Box<dyn Write + Send>),
}

impl Connection {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::Datagram(socket) => socket.send(message).map(drop),
            Self::Udp(socket) => socket.send(message).map(drop),
            Self::Stream(stream) => stream.write_all(message),
        }
    }
}

enum Errand {
    Line {
        label: Label,
        at: DateTime<Local>,
        text: String,
    },
    /// Everything before it was sent or given up.
    Tell(Sender<()>),
}

/// A syslog that takes lines. Its thread ends with it, once it has sent what waits.
pub(crate) struct Syslog {
    errands: SyncSender<Errand>,
    lost: Arc<AtomicU64>,
}

impl Syslog {
    /// Connects to a syslog. `tag` names the program in its lines.
    ///
    /// # Errors
    /// It cannot be reached.
    pub(crate) fn connect(address: Address, tag: &str, pid: u32) -> Result<Self, LogError> {
        let connection = address.connect().map_err(LogError::SyslogConnect)?;
        let (errands, queue) = sync_channel(LINES_MAX);
        let lost = Arc::default();
        let origin = Origin::new(&address, tag, pid);
        let postman = Postman { address, connection: Some(connection), origin, lost: Arc::clone(&lost) };
        let thread = thread::Builder::new().name("syslog".into());
        thread.spawn(move || postman.run(&queue)).map_err(LogError::SyslogConnect)?;
        Ok(Self { errands, lost })
    }

    /// Sends a line, later.
    pub(crate) fn send(&self, label: Label, text: String) {
        if self.errands.try_send(Errand::Line { label, at: Local::now(), text }).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits a little for the lines to leave.
    pub(crate) fn flush(&self) {
        let (done, told) = channel();
        if self.errands.try_send(Errand::Tell(done)).is_ok() {
            let _ = told.recv_timeout(FLUSH_PATIENCE);
        }
    }
}

/// What the lines of a program have in front.
struct Origin {
    facility: u8,
    /// `None` to the syslog of this machine, which knows.
    host: Option<String>,
    tag: String,
    pid: u32,
}

impl Origin {
    fn new(address: &Address, tag: &str, pid: u32) -> Self {
        let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
        let (facility, host) = match address {
            Address::Local => (FACILITY_LOCAL, None),
            Address::Unix(_) => (FACILITY_REMOTE, None),
            Address::Udp(_) | Address::Tcp(_) => (FACILITY_REMOTE, Some(host())),
        };
        Self { facility, host, tag: tag.to_owned(), pid }
    }

    fn message(&self, label: Label, at: DateTime<Local>, text: &str) -> String {
        let (priority, tag, pid) = (self.facility | label.severity(), &self.tag, self.pid);
        let mut message = format!("<{priority}>");
        // Writing to a string cannot fail.
        let _ = match &self.host {
            Some(host) => {
                let time = at.to_rfc3339_opts(SecondsFormat::Secs, true);
                writeln!(message, "{time} {host} {tag}[{pid}]: {text}")
            }
            None => writeln!(message, "{} {tag}[{pid}]: {text}", at.format("%b %e %H:%M:%S")),
        };
        message
    }
}

/// What the syslog's thread has.
struct Postman {
    address: Address,
    connection: Option<Connection>,
    origin: Origin,
    lost: Arc<AtomicU64>,
}

impl Postman {
    fn run(mut self, queue: &Receiver<Errand>) {
        for errand in queue {
            match errand {
                Errand::Line { label, at, text } => {
                    self.deliver(label, at, &text);
                    self.tell_lost();
                }
                Errand::Tell(done) => drop(done),
            }
        }
    }

    fn deliver(&mut self, label: Label, at: DateTime<Local>, text: &str) {
        let message = self.origin.message(label, at, text);
        if !self.try_send(message.as_bytes()) {
            // Once more over a new connection: the syslog may have started again.
            self.connection = self.address.connect().ok();
            if !self.try_send(message.as_bytes()) {
                self.lost.fetch_add(1, Ordering::Relaxed);
                self.connection = None;
            }
        }
    }

    fn try_send(&mut self, message: &[u8]) -> bool {
        self.connection.as_mut().is_some_and(|connection| connection.send(message).is_ok())
    }

    fn tell_lost(&mut self) {
        if self.connection.is_none() || self.lost.load(Ordering::Relaxed) == 0 {
            return;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let text = format!("{lost} log lines were lost on their way to syslog");
        let message = self.origin.message(Label::Warn, Local::now(), &text);
        if !self.try_send(message.as_bytes()) {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Only a hang reaches it.
    const HANG: Duration = Duration::from_secs(30);

    #[test]
    fn an_address_is_read_as_the_peer_reads_it() {
        let cases = [
            ("udp://127.0.0.1:514", Address::Udp("127.0.0.1:514".into())),
            ("tcp://logs.example:601/", Address::Tcp("logs.example:601".into())),
            ("unix:///run/log", Address::Unix("/run/log".into())),
        ];
        for (url, address) in cases {
            assert_eq!(Address::parse(url).unwrap(), address);
        }
        let error = Address::parse("ftp://there").unwrap_err().to_string();
        assert!(error.starts_with("error invalid network type: \"ftp\""), "{error}");
    }

    #[test]
    fn a_line_over_udp_names_priority_host_and_program() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_read_timeout(Some(HANG)).unwrap();
        let address = Address::Udp(server.local_addr().unwrap().to_string());
        let syslog = Syslog::connect(address, "nats-server", 77).unwrap();
        syslog.send(Label::Fatal, "the end".into());
        let mut buffer = [0; 1000];
        let len = server.recv(&mut buffer).unwrap();
        let message = std::str::from_utf8(&buffer[..len]).unwrap();
        let (time, rest) = message.strip_prefix("<2>").unwrap().split_once(' ').unwrap();
        assert!(DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        assert_eq!(rest, format!("{host} nats-server[77]: the end\n"));
    }

    #[test]
    fn a_line_to_this_machine_is_of_a_daemon_and_needs_no_host() {
        let origin = Origin::new(&Address::Local, "nats-server", 77);
        let message = origin.message(Label::Info, Local::now(), "ready");
        assert!(message.starts_with("<29>"), "{message}");
        assert_eq!(message.len(), "<29>Nov 20 06:04:41 nats-server[77]: ready\n".len());
        assert!(message.ends_with(" nats-server[77]: ready\n"), "{message}");
    }

    #[test]
    fn the_first_local_socket_that_answers_is_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let (none, datagram, stream) = (path("none"), path("datagram"), path("stream"));
        assert!(connect_local(&[&none]).is_err());
        let server = UnixDatagram::bind(&datagram).unwrap();
        connect_local(&[&none, &datagram]).unwrap().send(b"line").unwrap();
        let mut buffer = [0; 10];
        assert_eq!(server.recv(&mut buffer).unwrap(), 4);
        let _listener = UnixListener::bind(&stream).unwrap();
        assert!(matches!(connect_local(&[&stream]), Ok(Connection::Stream(_))));
    }

    fn accept(server: &TcpListener) -> BufReader<TcpStream> {
        let (stream, _) = server.accept().unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        BufReader::new(stream)
    }

    fn next_text(lines: &mut BufReader<TcpStream>) -> Option<String> {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        Some(line.trim_end().split_once(": ")?.1.to_owned())
    }

    #[test]
    fn a_syslog_that_starts_again_is_found_again() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(server.local_addr().unwrap().to_string());
        let syslog = Syslog::connect(address, "s", 1).unwrap();
        let mut lines = accept(&server);
        syslog.send(Label::Info, "one".into());
        assert_eq!(next_text(&mut lines).as_deref(), Some("one"));
        drop(lines);
        // The kernel takes a line or two before it tells that nobody is there.
        server.set_nonblocking(true).unwrap();
        let again = loop {
            syslog.send(Label::Info, "two".into());
            syslog.flush();
            if let Ok((stream, _)) = server.accept() {
                break stream;
            }
        };
        again.set_nonblocking(false).unwrap();
        again.set_read_timeout(Some(HANG)).unwrap();
        assert_eq!(next_text(&mut BufReader::new(again)).as_deref(), Some("two"));
    }

    #[test]
    fn what_finds_no_room_is_counted_and_told_later() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_read_timeout(Some(HANG)).unwrap();
        let address = Address::Udp(server.local_addr().unwrap().to_string());
        let syslog = Syslog::connect(address, "s", 1).unwrap();
        syslog.lost.store(3, Ordering::Relaxed);
        syslog.send(Label::Info, "one".into());
        let mut texts = Vec::new();
        for _ in 0..2 {
            let mut buffer = [0; 1000];
            let len = server.recv(&mut buffer).unwrap();
            let message = String::from_utf8_lossy(&buffer[..len]).into_owned();
            texts.push(message.split_once("s[1]: ").unwrap().1.to_owned());
        }
        assert_eq!(texts, ["one\n", "3 log lines were lost on their way to syslog\n"]);
    }

    #[test]
    fn a_syslog_that_is_not_there_is_an_error() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = Syslog::connect(Address::Tcp(free.to_string()), "s", 1).err().unwrap();
        assert!(error.to_string().starts_with("error connecting to syslog: Connection refused"), "{error}");
    }
}
