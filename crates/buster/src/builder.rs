//! What a server is to be.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use server_options::{Invocation, Options, Port, parse};

use crate::{Server, StartError};

/// As nats-server is called: the first of its arguments.
const PROGRAM: &str = "buster";

/// Nobody else reaches it, unless that is asked for.
const HOST: &str = "127.0.0.1";

/// One shard serves a test, and most programs that bring a server along.
const SHARDS: usize = 1;

/// What a server is to be, until it is started.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    host: Option<String>,
    port: Option<u16>,
    has_no_port: bool,
    shards: Option<usize>,
    config_file: Option<PathBuf>,
}

impl Builder {
    /// The host name or address to listen on: `127.0.0.1` unless the configuration file or this says otherwise.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// The port to listen on; 0 is a free one. So is the default, unless there is a configuration file, which then
    /// decides. Takes a [`Self::no_port`] back.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self.has_no_port = false;
        self
    }

    /// Nobody listens for clients: those in the process [connect](Server::connect) to the server, and nobody else
    /// can. What the configuration file says of monitoring and WebSockets stands.
    #[must_use]
    pub fn no_port(mut self) -> Self {
        self.has_no_port = true;
        self
    }

    /// How many shards to run, each of them a thread on a core of its own: 1 unless the configuration file or this
    /// says otherwise.
    ///
    /// Cores are taken in the same order by every server in the process, so several servers share the first ones.
    #[must_use]
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// A configuration file in nats-server's language, for users and accounts, TLS, limits, monitoring and all else.
    /// What it says of the log is an error.
    #[must_use]
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.config_file = Some(path.into());
        self
    }

    /// Starts the server; when this returns it accepts clients.
    ///
    /// # Errors
    /// [`StartError`], in nats-server's words where it has some.
    pub fn start(self) -> Result<Server, StartError> {
        Server::start(&self.options()?)
    }

    fn options(self) -> Result<Options, StartError> {
        let mut options = match &self.config_file {
            Some(path) => configured(path)?,
            None => Options { host: HOST.to_owned(), port: Port::Random, ..Options::default() },
        };
        if let Some(host) = self.host {
            options.host = host;
        }
        match self.port {
            Some(0) => options.port = Port::Random,
            Some(port) => options.port = Port::Fixed(port),
            None => {}
        }
        options.dont_listen = self.has_no_port;
        options.shards = self.shards.or(options.shards).or(Some(SHARDS));
        Ok(options)
    }
}

fn configured(path: &Path) -> Result<Options, StartError> {
    let words = [PROGRAM.into(), OsString::from("-c"), path.into()];
    let Ok(Invocation::Run(command_line)) = parse(words) else {
        unreachable!("a file alone is a way to run")
    };
    let loaded = node::load(&command_line).map_err(StartError::Configuration)?;
    if !loaded.warnings.is_empty() {
        let lines: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        return Err(StartError::Warnings(lines.join("\n")));
    }
    if loaded.options.log != Options::default().log {
        return Err(StartError::Log);
    }
    Ok(loaded.options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn a_server_nobody_asked_anything_of_is_there_for_this_machine_alone() {
        let options = Builder::default().options().unwrap();
        assert_eq!((options.host.as_str(), options.port, options.shards), (HOST, Port::Random, Some(1)));
        assert!(!options.dont_listen && Builder::default().no_port().options().unwrap().dont_listen);
    }

    #[test]
    fn a_file_decides_and_the_program_has_the_last_word() {
        let file = file("host: 127.0.0.2\nport: 4333\nshards: 2\n");
        let builder = Builder::default().config_file(file.path());
        let options = builder.clone().options().unwrap();
        assert_eq!((options.host.as_str(), options.port), ("127.0.0.2", Port::Fixed(4333)));
        assert_eq!(options.shards, Some(2));
        let options = builder.host("::1").port(0).shards(3).options().unwrap();
        assert_eq!((options.host.as_str(), options.port, options.shards), ("::1", Port::Random, Some(3)));
    }

    #[test]
    fn what_has_no_meaning_here_is_refused() {
        for text in ["debug: true\n", "log_file: \"x.log\"\n", "syslog: true\n"] {
            let outcome = Builder::default().config_file(file(text).path()).options();
            assert!(matches!(outcome, Err(StartError::Log)), "{text}");
        }
        let outcome = Builder::default().config_file(file("max_payload: many\n").path()).options();
        assert!(matches!(outcome, Err(StartError::Configuration(_))));
    }
}
