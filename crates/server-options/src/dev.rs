//! The word that starts a server to try things with.

use std::ffi::OsString;

use crate::error::OptionsError;
use crate::invocation::Invocation;

/// `dev`: what it serves with is a command line as any.
#[derive(Debug, Clone, PartialEq)]
pub struct DevCall {
    /// What it serves with.
    pub command_line: crate::CommandLine,
    /// What the others of its cluster serve with.
    pub others: Vec<crate::CommandLine>,
    /// What to try, a line each.
    pub hints: Vec<String>,
    /// What to open in a browser.
    pub page: String,
}

pub(crate) const DEV: &str = "dev";

/// What it says of itself in a line.
pub(crate) const DEV_HELP: &str = "Serve this machine alone, with all that can be tried";

/// What it does.
pub(crate) const DEV_TEXT: &str = "\
Serves NATS clients of this machine on port 4222, and on port 8080 clients of NATS, HTTP and WebSocket alike;
streams are kept in <dir>, which is ./buster-data unless that is said. Monitoring is on port 8222. With --nodes
there are so many servers in this process, a cluster: the others take clients on ports 4223 and on, and have
monitoring on ports 8223 and on; streams are with the first. The last line of the log is the address to open in a
browser.";

/// Where streams are kept if nobody says.
const FOLDER: &str = "buster-data";

/// Where all come in, and where people look.
const ONE_PORT: &str = "127.0.0.1:8080";
/// Ports of the first server. Those of the others follow.
const CLIENT_PORT: usize = 4222;
const MONITOR_PORT: usize = 8222;
const CLUSTER_PORT: usize = 6222;

/// Servers in one process: enough to see what a cluster does.
const NODES_MAX: usize = 9;

fn usage(program: &str) -> String {
    format!("\nUsage: {program} {DEV} [--dir <dir>] [--nodes <1-{NODES_MAX}>]\n\n{DEV_TEXT}\n")
}

/// What stands behind the word. `read` reads a command line.
pub(crate) fn dev_call(
    program: &str,
    has_flags: bool,
    mut args: impl Iterator<Item = OsString>,
    read: impl Fn(Vec<OsString>) -> Result<Invocation, OptionsError>,
) -> Result<Invocation, OptionsError> {
    let wrong = || OptionsError::DevTakes;
    let (mut folder, mut nodes) = (OsString::from(FOLDER), 1);
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("-h" | "--help") => return Ok(Invocation::PrintHelp(usage(program))),
            Some("--dir") => folder = args.next().filter(|dir| !dir.is_empty()).ok_or_else(wrong)?,
            Some("--nodes") => nodes = args.next().and_then(number).ok_or_else(wrong)?,
            _ => return Err(wrong()),
        }
    }
    if has_flags {
        return Err(wrong());
    }
    let read = |words: Vec<OsString>| match read(words)? {
        Invocation::Run(command_line) => Ok(command_line),
        _ => unreachable!("these flags are for a server that runs"),
    };
    let others: Result<Vec<_>, OptionsError> = (1..nodes).map(|node| read(other(program, node))).collect();
    Ok(Invocation::Dev(DevCall {
        command_line: read(first(program, nodes, folder))?,
        others: others?,
        hints: hints(nodes),
        page: format!("http://127.0.0.1:{MONITOR_PORT}/ui/"),
    }))
}

fn number(text: OsString) -> Option<usize> {
    text.to_str()?.parse().ok().filter(|nodes| (1..=NODES_MAX).contains(nodes))
}

fn first(program: &str, nodes: usize, folder: OsString) -> Vec<OsString> {
    let mut words = common(program, 0);
    words.extend(["--one-port", ONE_PORT, "-js", "-sd"].map(OsString::from));
    words.push(folder);
    if nodes > 1 {
        words.extend(clustered(0));
    }
    words
}

/// Streams are with the first alone, so the others need no folder. One shard each is enough to try things.
fn other(program: &str, node: usize) -> Vec<OsString> {
    let mut words = common(program, node);
    words.extend(clustered(node));
    let routes = format!("nats://127.0.0.1:{CLUSTER_PORT}");
    words.extend(["--shards", "1", "--routes", &routes].map(OsString::from));
    words
}

fn common(program: &str, node: usize) -> Vec<OsString> {
    let (clients, monitor) = ((CLIENT_PORT + node).to_string(), (MONITOR_PORT + node).to_string());
    [program, "-a", "127.0.0.1", "-p", &clients, "-m", &monitor].map(OsString::from).into()
}

fn clustered(node: usize) -> [OsString; 6] {
    let (name, listen) = (format!("dev-{}", node + 1), format!("nats://127.0.0.1:{}", CLUSTER_PORT + node));
    ["-n", &name, "--cluster_name", "dev", "--cluster", &listen].map(OsString::from)
}

/// What to try: a message from one end of it to the other.
fn hints(nodes: usize) -> Vec<String> {
    let (heard, said) = (CLIENT_PORT, CLIENT_PORT + nodes - 1);
    vec![
        format!("Listen:   nats --server nats://127.0.0.1:{heard} sub 'orders.>'"),
        format!("Publish:  nats --server nats://127.0.0.1:{said} pub orders.new hello"),
        format!("By HTTP:  curl -X PUT http://{ONE_PORT}/v1/nats/subjects/orders.new -d hello"),
    ]
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
    fn several_are_a_cluster_and_streams_are_with_the_first() {
        let Ok(Invocation::Dev(dev)) = call(&["--nodes", "3"]) else { panic!("it runs") };
        let all: Vec<_> = [&dev.command_line].into_iter().chain(&dev.others).collect();
        let load = |line: &crate::CommandLine| line.load(&Sources::NONE).expect("they go together").options;
        let all: Vec<_> = all.into_iter().map(load).collect();
        let ports: Vec<Port> = all.iter().map(|options| options.port).collect();
        assert_eq!(ports, [4222, 4223, 4224].map(Port::Fixed));
        assert_eq!(all.iter().filter(|options| options.jetstream.is_on).count(), 1);
        assert!(all[0].jetstream.is_on && dev.hints[1].contains(":4224 "));
        assert_eq!(all.iter().filter_map(|options| options.cluster.as_ref()).count(), 3);
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for words in [&["x"][..], &["--dir"], &["--dir", ""], &["--nodes", "0"], &["--nodes", "10"]] {
            assert_eq!(call(words), Err(OptionsError::DevTakes), "{words:?}");
        }
    }
}
