//! The pid file and the ports file.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::error::NodeError;

/// Writes the process id, bare, as nats-server does. It stays when the server ends.
pub(crate) fn write_pid_file(path: &Path) -> Result<(), NodeError> {
    write("pid file", path, std::process::id().to_string())
}

/// The file that tells test harnesses where the server listens. Removed at the end.
#[derive(Debug)]
pub(crate) struct PortsFile {
    path: PathBuf,
}

impl PortsFile {
    /// Writes `<program>_<pid>.ports` into the directory.
    pub(crate) fn write(directory: &Path, program: &str, clients: SocketAddr) -> Result<Self, NodeError> {
        let path = directory.join(format!("{program}_{}.ports", std::process::id()));
        let urls: Vec<String> =
            reachable(clients).into_iter().map(|address| format!("nats://{address}")).collect();
        write("ports file", &path, serde_json::json!({ "nats": urls }).to_string())?;
        Ok(Self { path })
    }
}

impl Drop for PortsFile {
    fn drop(&mut self) {
        // Someone may have cleaned up before us.
        let _ = fs::remove_file(&self.path);
    }
}

/// The addresses that reach a listener: one for each interface if it listens on all.
fn reachable(listener: SocketAddr) -> Vec<SocketAddr> {
    if !listener.ip().is_unspecified() {
        return vec![listener];
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    addresses.retain(|ip| ip.is_ipv4() || listener.is_ipv6());
    addresses.sort_by_key(|ip| (ip.is_ipv6(), !ip.is_loopback()));
    addresses.into_iter().map(|ip| SocketAddr::new(ip, listener.port())).collect()
}

fn write(what: &'static str, path: &Path, text: String) -> Result<(), NodeError> {
    // A reader that watches for the file must not find half of it.
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, text)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|source| NodeError::File { what, path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_file_names_the_program_and_goes_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 4333));
        let file = PortsFile::write(directory.path(), "nats-server", address).unwrap();
        let path = directory.path().join(format!("nats-server_{}.ports", std::process::id()));
        assert_eq!(fs::read_to_string(&path).unwrap(), r#"{"nats":["nats://127.0.0.1:4333"]}"#);
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn the_pid_file_is_bare_and_an_error_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pid");
        write_pid_file(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), std::process::id().to_string());
        let error = write_pid_file(&directory.path().join("none/pid")).unwrap_err();
        assert!(error.to_string().contains("none/pid"), "{error}");
    }
}
