//! The pid file and the ports file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::error::NodeError;

/// Mode of the pid file, as nats-server's.
const PID_FILE_MODE: u32 = 0o600;

/// Mode of the ports file before the umask, as nats-server's.
const PORTS_FILE_MODE: u32 = 0o666;

/// Writes the process id, bare, as nats-server does. It stays when the server ends.
pub(crate) fn write_pid_file(path: &Path) -> Result<(), NodeError> {
    // In place: the folder may be one where nothing new can be made.
    let pid = std::process::id().to_string();
    let written = create(path, PID_FILE_MODE).and_then(|mut file| file.write_all(pid.as_bytes()));
    written.map_err(|source| NodeError::PidFile { path: path.into(), source })
}

/// Where the server can be reached, as URLs.
#[derive(Debug, Serialize)]
pub(crate) struct Ports {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nats: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    monitoring: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cluster: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    websocket: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    leafnodes: Vec<String>,
}

/// A listener: where it is, and whether it speaks TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached {
    pub(crate) address: SocketAddr,
    pub(crate) tls: bool,
}

impl Ports {
    pub(crate) fn new(
        clients: Option<Reached>,
        monitoring: Option<Reached>,
        cluster: Option<Reached>,
        websocket: Option<Reached>,
        leafnodes: Option<Reached>,
    ) -> Self {
        let urls = |at: Reached, plain, tls| urls(if at.tls { tls } else { plain }, at.address);
        Self {
            nats: clients.map(|at| urls(at, "nats", "tls")).unwrap_or_default(),
            monitoring: monitoring.map(|at| urls(at, "http", "https")).unwrap_or_default(),
            cluster: cluster.map(|at| urls(at, "nats", "nats")).unwrap_or_default(),
            leafnodes: leafnodes.map(|at| urls(at, "nats", "nats")).unwrap_or_default(),
            websocket: websocket.map(|at| urls(at, "ws", "wss")).unwrap_or_default(),
        }
    }
}

/// The file that tells test harnesses where the server listens. Removed at the end.
#[derive(Debug)]
pub(crate) struct PortsFile {
    path: PathBuf,
}

impl PortsFile {
    /// Writes `<program>_<pid>.ports` into the directory. As with nats-server the server runs without it
    /// if that fails, and the log says so.
    pub(crate) fn write(directory: &Path, program: &str, ports: &Ports) -> Option<Self> {
        let path = directory.join(format!("{program}_{}.ports", std::process::id()));
        let text = serde_json::to_vec(ports).expect("URLs are text");
        match write_whole(&path, &text) {
            Ok(()) => Some(Self { path }),
            Err(error) => {
                tracing::error!("Error writing ports file ({}): {error}", path.display());
                None
            }
        }
    }
}

/// Where the ports file is, which a reload may change.
#[derive(Debug)]
pub(crate) struct PortsPlace {
    program: String,
    ports: Ports,
    file: Mutex<Option<PortsFile>>,
}

impl PortsPlace {
    /// Nowhere yet. `program` names the file.
    pub(crate) fn new(program: &str, ports: Ports) -> Self {
        Self { program: program.to_owned(), ports, file: Mutex::new(None) }
    }

    /// Removes the file where it is, and writes it into this directory.
    pub(crate) fn move_to(&self, directory: Option<&Path>) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        *file = None;
        *file = directory.and_then(|directory| PortsFile::write(directory, &self.program, &self.ports));
    }
}

impl Drop for PortsFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::error!("Error cleaning up ports file {}: {error}", self.path.display());
        }
    }
}

fn urls(scheme: &str, listener: SocketAddr) -> Vec<String> {
    reachable(listener).into_iter().map(|address| format!("{scheme}://{address}")).collect()
}

/// The addresses that reach a listener: one for each interface if it listens on all.
pub(crate) fn reachable(listener: SocketAddr) -> Vec<SocketAddr> {
    if !listener.ip().is_unspecified() {
        return vec![listener];
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    addresses.retain(|ip| ip.is_ipv4() || listener.is_ipv6());
    addresses.sort_by_key(|ip| (ip.is_ipv6(), !ip.is_loopback()));
    addresses.into_iter().map(|ip| SocketAddr::new(ip, listener.port())).collect()
}

/// Writes a file at once: a reader that watches for it must not find half of it.
fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = create(&temporary, PORTS_FILE_MODE)?;
    let written = file.write_all(text).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // On a full disk, most of all, nothing may be left.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn create(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let taken = dir.path().join("x.ports");
        fs::create_dir(&taken).unwrap();
        assert!(write_whole(&taken, b"{}").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_ports_file_names_the_program_and_goes_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let at = |port, tls| Reached { address: SocketAddr::from(([127, 0, 0, 1], port)), tls };
        let cases = [
            (Ports::new(None, None, None, None, None), "{}"),
            (
                Ports::new(Some(at(4333, false)), None, None, None, None),
                r#"{"nats":["nats://127.0.0.1:4333"]}"#,
            ),
            (
                Ports::new(
                    Some(at(4333, true)),
                    Some(at(8222, false)),
                    Some(at(6222, false)),
                    Some(at(8080, true)),
                    Some(at(7422, false)),
                ),
                r#"{"nats":["tls://127.0.0.1:4333"],"monitoring":["http://127.0.0.1:8222"],"cluster":["nats://127.0.0.1:6222"],"websocket":["wss://127.0.0.1:8080"],"leafnodes":["nats://127.0.0.1:7422"]}"#,
            ),
        ];
        for (ports, text) in cases {
            let file = PortsFile::write(directory.path(), "nats-server", &ports).unwrap();
            let path = directory.path().join(format!("nats-server_{}.ports", std::process::id()));
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            drop(file);
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_ports_file_that_cannot_be_written_is_done_without() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("none");
        let clients = Reached { address: SocketAddr::from(([127, 0, 0, 1], 4333)), tls: false };
        assert!(
            PortsFile::write(&missing, "nats-server", &Ports::new(Some(clients), None, None, None, None))
                .is_none()
        );
    }

    #[test]
    fn the_pid_file_is_bare_and_an_error_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pid");
        write_pid_file(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), std::process::id().to_string());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, PID_FILE_MODE);
        let error = write_pid_file(&directory.path().join("none/pid")).unwrap_err();
        assert!(error.to_string().contains("none/pid"), "{error}");
    }
}
