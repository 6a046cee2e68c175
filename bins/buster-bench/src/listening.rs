//! Where a server listens beside its port for clients of NATS: a file that the load generator writes says so.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::store::Store;

/// All streams of messages are of one user.
const STREAMS: &str = "max_streams: 10000, max_streams_per_user: 10000";

/// What for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listening {
    /// WebSockets, which are what connects then.
    WebSockets,
    /// The same at a port that takes all (`one_port`).
    Shared,
    /// The HTTP API.
    Http,
}

impl Listening {
    pub(crate) const ALL: [Self; 3] = [Self::WebSockets, Self::Shared, Self::Http];

    /// In a command, where the file goes.
    pub(crate) const fn place(self) -> &'static str {
        match self {
            Self::WebSockets => "{websockets}",
            Self::Shared => "{shared}",
            Self::Http => "{http}",
        }
    }

    /// WebSockets connect there.
    pub(crate) fn takes_websockets(self) -> bool {
        matches!(self, Self::WebSockets | Self::Shared)
    }

    /// The first that `command` has a place for.
    pub(crate) fn of(command: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|listening| command.contains(listening.place()))
    }

    /// In the clear. Who wants the messages of a WebSocket compressed may.
    fn text(self, addr: SocketAddr) -> String {
        let (host, port) = (addr.ip(), addr.port());
        match self {
            Self::WebSockets => {
                format!("websocket {{ host: {host}, port: {port}, no_tls: true, compression: true }}\n")
            }
            Self::Shared => format!("one_port {{ listen: \"{addr}\" }}\n"),
            Self::Http => format!("http_api {{ listen: \"{addr}\", {STREAMS} }}\n"),
        }
    }
}

/// A file that has a server listen, and where.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) listening: Listening,
    pub(crate) addr: SocketAddr,
    directory: Store,
}

impl File {
    pub(crate) fn write(listening: Listening, addr: SocketAddr) -> Result<Self> {
        let file = Self { listening, addr, directory: Store::fresh()? };
        fs::write(file.path(), listening.text(addr)).context("saying where to listen")?;
        Ok(file)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("listening.conf")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_where_to_listen_and_for_what() {
        let addr = SocketAddr::from(([127, 0, 0, 1], 43));
        for (place, words) in [
            ("{websockets}", "websocket { host: 127.0.0.1, port: 43, no_tls: true"),
            ("{shared}", "one_port { listen: \"127.0.0.1:43\" }"),
            ("{http}", "http_api { listen: \"127.0.0.1:43\", max_streams: 10000"),
        ] {
            let listening = Listening::of(&format!("srv -p {{port}} -c {place}")).unwrap();
            let file = File::write(listening, addr).unwrap();
            let text = fs::read_to_string(file.path()).unwrap();
            assert!(text.starts_with(words), "{text}");
        }
        assert_eq!(Listening::of("srv -p {port}"), None);
    }
}
