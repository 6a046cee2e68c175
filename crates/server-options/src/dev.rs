//! The word that starts a server to try things with.

use std::ffi::OsString;

use crate::error::OptionsError;
use crate::invocation::Invocation;

/// `dev`: what it serves with is a command line as any.
#[derive(Debug, Clone, PartialEq)]
pub struct DevCall {
    /// What it serves with.
    pub command_line: crate::CommandLine,
    /// What to open in a browser.
    pub page: String,
}

pub(crate) const DEV: &str = "dev";

/// What it says of itself in a line.
pub(crate) const DEV_HELP: &str = "Serve this machine alone, with all that can be tried";

/// What it does.
pub(crate) const DEV_TEXT: &str = "\
Serves NATS clients of this machine on port 4222, and on port 8080 clients of NATS, HTTP and WebSocket alike;
streams are kept in <dir>, which is ./buster-data unless that is said. Monitoring is on port 8222. The last line
of the log is the address to open in a browser.";

/// Where streams are kept if nobody says.
const FOLDER: &str = "buster-data";

/// Where all come in, and where people look.
const ONE_PORT: &str = "127.0.0.1:8080";
const MONITOR_PORT: &str = "8222";

fn usage(program: &str) -> String {
    format!("\nUsage: {program} {DEV} [--dir <dir>]\n\n{DEV_TEXT}\n")
}

/// What stands behind the word. `read` reads a command line.
pub(crate) fn dev_call(
    program: &str,
    has_flags: bool,
    mut args: impl Iterator<Item = OsString>,
    read: impl FnOnce(Vec<OsString>) -> Result<Invocation, OptionsError>,
) -> Result<Invocation, OptionsError> {
    let wrong = || OptionsError::DevTakes;
    let mut folder = OsString::from(FOLDER);
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("-h" | "--help") => return Ok(Invocation::PrintHelp(usage(program))),
            Some("--dir") => folder = args.next().filter(|dir| !dir.is_empty()).ok_or_else(wrong)?,
            _ => return Err(wrong()),
        }
    }
    if has_flags {
        return Err(wrong());
    }
    let words = [program, "-a", "127.0.0.1", "-m", MONITOR_PORT, "--one-port", ONE_PORT, "-js", "-sd"];
    let words = words.into_iter().map(OsString::from).chain([folder]).collect();
    let Invocation::Run(command_line) = read(words)? else {
        unreachable!("these flags are for a server that runs")
    };
    Ok(Invocation::Dev(DevCall { command_line, page: format!("http://127.0.0.1:{MONITOR_PORT}/ui/") }))
}

#[cfg(test)]
mod tests {
    use nats_conf::Sources;

    use super::*;
    use crate::{Port, parse};

    fn call(words: &[&str]) -> Result<Invocation, OptionsError> {
        parse([&["buster-server", "dev"], words].concat().into_iter().map(Into::into))
    }

    #[test]
    fn it_serves_this_machine_with_all_there_is() {
        let Ok(Invocation::Dev(dev)) = call(&["--dir", "x"]) else { panic!("it runs") };
        let options = dev.command_line.load(&Sources::NONE).expect("they go together").options;
        assert_eq!((&*options.host, options.port), ("127.0.0.1", Port::Fixed(4222)));
        let one_port = options.one_port.expect("it is on");
        assert_eq!(one_port.place, Some(("127.0.0.1".to_owned(), Port::Fixed(8080))));
        assert!(options.jetstream.is_on && options.store_dir == Some("x".into()));
        assert_eq!(options.monitor.expect("it is on").port, 8222);
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for words in [&["x"][..], &["--dir"], &["--dir", ""], &["--nodes", "3"]] {
            assert_eq!(call(words), Err(OptionsError::DevTakes), "{words:?}");
        }
    }
}
