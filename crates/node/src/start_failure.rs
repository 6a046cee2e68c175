//! What is said when a server does not start: where the cause stands in the configuration file, what it
//! is, and what helps. One line.

use std::io;

use server_log::LogError;
use server_options::{FallibleOption, Options};

use crate::error::NodeError;
use crate::tls_files::TlsError;

/// What an error is about, and what the system said about it.
struct Cause<'a> {
    option: Option<FallibleOption>,
    system: Option<&'a io::Error>,
}

/// The line for an error that keeps a server with these options from starting.
pub fn start_failure(error: &NodeError, options: &Options) -> String {
    let (option, system) = match error {
        NodeError::Listen { source, .. } => (Some(FallibleOption::Listen), source.system()),
        NodeError::HttpApi(source) => (Some(FallibleOption::HttpApi), source.system()),
        NodeError::WebSocket(source) => (Some(FallibleOption::WebSocket), source.system()),
        NodeError::Monitor(source) => (Some(FallibleOption::Monitoring), source.system()),
        NodeError::Users(_) => (Some(FallibleOption::Users), None),
        NodeError::PidFile { source, .. } => (Some(FallibleOption::PidFile), Some(source)),
        NodeError::Tls(TlsError::Open { source, .. }) => (Some(FallibleOption::Tls), Some(source)),
        NodeError::Tls(TlsError::Config { .. }) => (Some(FallibleOption::Tls), None),
        _ => (None, None),
    };
    line(error.to_string(), &Cause { option, system }, options)
}

/// The same for a log that cannot be had.
pub fn log_failure(error: &LogError, options: &Options) -> String {
    let (option, system) = match error {
        LogError::OpenFile { source, .. } => (Some(FallibleOption::LogFile), Some(source)),
        LogError::SyslogConnect(source) => (Some(FallibleOption::Syslog), Some(source)),
        LogError::SyslogScheme { .. } => (Some(FallibleOption::Syslog), None),
        LogError::AlreadyInstalled => (None, None),
    };
    line(error.to_string(), &Cause { option, system }, options)
}

fn line(text: String, cause: &Cause<'_>, options: &Options) -> String {
    let place = cause.option.map_or_else(String::new, |option| place_in_file(option, options));
    let remedy = cause.option.zip(cause.system).and_then(|(option, system)| remedy(option, system.kind()));
    let remedy = remedy.map_or_else(String::new, |remedy| format!(": {remedy}"));
    format!("{place}{text}{remedy}")
}

/// Where the configuration file has it, in front of what is said of it; nothing if no file does.
pub(crate) fn place_in_file(option: FallibleOption, options: &Options) -> String {
    let place = options.config.as_ref().and_then(|config| config.places.of(option));
    place.map_or_else(String::new, |place| format!("{place}: "))
}

/// What to do about it, where that is not said by the error.
fn remedy(option: FallibleOption, kind: io::ErrorKind) -> Option<&'static str> {
    use io::ErrorKind::{AddrInUse, AddrNotAvailable, NotFound, PermissionDenied};
    let is_listener = matches!(
        option,
        FallibleOption::Listen
            | FallibleOption::Monitoring
            | FallibleOption::WebSocket
            | FallibleOption::HttpApi
    );
    Some(match (option, kind) {
        (_, AddrInUse) if is_listener => "stop what listens there, or use another port",
        (_, AddrNotAvailable) if is_listener => "use an address of this machine",
        (_, PermissionDenied) if is_listener => "use a port from 1024 on, or start with CAP_NET_BIND_SERVICE",
        (FallibleOption::LogFile | FallibleOption::PidFile, NotFound) => {
            "make its folder first, or name another"
        }
        (FallibleOption::LogFile | FallibleOption::PidFile, PermissionDenied) => {
            "let the user who runs the server write it, or name another"
        }
        (FallibleOption::Tls, NotFound) => "put it there, or name another",
        (FallibleOption::Tls, PermissionDenied) => "let the user who runs the server read it",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::ListenError;

    /// Options of a file with this text.
    fn options(text: &'static str) -> Options {
        let args = ["buster-server", "-c", "x.conf"].map(Into::into);
        let Ok(server_options::Invocation::Run(line)) = server_options::parse(args) else {
            panic!("it runs")
        };
        let read = |_: &str| Ok(text.as_bytes().to_vec());
        line.load(&nats_conf::Sources { read: &read, env: &|_| None }).expect("the file is right").options
    }

    #[test]
    fn a_port_in_use_is_said_with_its_place_and_what_helps() {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 4333));
        let source = io::Error::from_raw_os_error(rustix::io::Errno::ADDRINUSE.raw_os_error());
        let source = ListenError::Bind { address, source };
        let error = NodeError::Listen { host: "127.0.0.1".into(), port: 4333, source };
        assert_eq!(
            start_failure(&error, &options("debug: true\nport: 4333\n")),
            "x.conf:2:1: Error listening on port: 127.0.0.1:4333, \"listen tcp 127.0.0.1:4333: bind: address already in use\": \
             stop what listens there, or use another port"
        );
    }

    #[test]
    fn without_a_place_and_a_remedy_the_error_stands_alone() {
        let error = NodeError::Signals(io::Error::other("none left"));
        assert_eq!(start_failure(&error, &Options::default()), "Could not watch signals: none left");
    }

    #[test]
    fn a_log_file_without_its_folder_is_said_likewise() {
        let options = options("log_file: \"/none/x.log\"\n");
        let error = LogError::OpenFile {
            path: "/none/x.log".into(),
            source: io::Error::from_raw_os_error(rustix::io::Errno::NOENT.raw_os_error()),
        };
        let line = log_failure(&error, &options);
        assert!(line.starts_with("x.conf:1:0: error opening log file /none/x.log: "), "{line}");
        assert!(line.ends_with(": make its folder first, or name another"), "{line}");
    }
}
