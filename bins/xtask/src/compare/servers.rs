//! The servers that stand in a comparison, and where nats-server comes from when there is none.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{apt, run};

use super::bars::NEWER_SERIES;

/// Those whose differences `crates/differ/testdata/known.toml` has.
const KNOWN_SERIES: [(u32, u32); 2] = [(2, 9), (2, 14)];

/// Where Debian puts daemons, which is not on every user's PATH.
const DEBIAN_PATH: &str = "/usr/sbin/nats-server";

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Server {
    /// For a table's head.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// Beyond address and port.
    pub(crate) args: Vec<String>,
    /// What `-h` prints, to know the flags.
    help: String,
    /// nats-server's major and minor; `None` for our own.
    series: Option<(u32, u32)>,
}

impl Server {
    pub(crate) fn ours(path: PathBuf) -> Result<Self> {
        let help = run::output_of(Command::new(&path).arg("-h"))?;
        Ok(Self { name: "buster-server".to_owned(), path, args: Vec::new(), help, series: None })
    }

    fn peer(path: PathBuf) -> Result<Self> {
        let text = run::output_of(Command::new(&path).arg("-v"))?;
        let version = version(&text).with_context(|| format!("`{}` is no version", text.trim()))?;
        let series = series(&version).with_context(|| format!("`{version}` is no version"))?;
        let name = format!("nats-server {version}");
        Ok(Self { name, path, args: Vec::new(), help: String::new(), series: Some(series) })
    }

    /// The same server with other arguments, which then are its name.
    pub(crate) fn with(&self, args: &[&str]) -> Self {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let name = if args.is_empty() { "none".to_owned() } else { format!("`{}`", args.join(" ")) };
        Self { name, args, ..self.clone() }
    }

    /// Our own server's first flag that it does not know.
    pub(crate) fn missing_flag(&self) -> Option<&str> {
        let mut flags = self.args.iter().filter(|arg| arg.starts_with("--"));
        flags
            .find(|flag| !self.help.split_whitespace().any(|word| word.trim_end_matches(',') == **flag))
            .map(String::as_str)
    }

    pub(crate) fn is_newer_peer(&self) -> bool {
        self.series.is_some_and(|series| series >= NEWER_SERIES)
    }

    /// Whether it is written down in what it differs from what we are compatible with.
    pub(crate) fn has_known_differences(&self) -> bool {
        self.series.is_some_and(|series| KNOWN_SERIES.contains(&series))
    }

    /// What `buster-bench --server` takes.
    pub(crate) fn command(&self) -> String {
        let path = self.path.to_string_lossy();
        let words = [&path, "-a 127.0.0.1 -p {port}"].map(|word| word.to_string());
        words.into_iter().chain(self.args.iter().cloned()).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
impl Server {
    /// A nats-server of `version`, or one of ours if that is empty.
    pub(crate) fn for_tests(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            path: name.into(),
            args: Vec::new(),
            help: String::new(),
            series: series(version),
        }
    }
}

/// Those at `paths`, or the installed one, or Debian's, installed now.
pub(crate) fn peers(paths: &[PathBuf]) -> Result<Vec<Server>> {
    if !paths.is_empty() {
        return paths.iter().cloned().map(Server::peer).collect();
    }
    let found = match installed() {
        Some(path) => path,
        None => install()?,
    };
    Ok(vec![Server::peer(found)?])
}

fn installed() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = env::split_paths(&path).map(|dir| dir.join("nats-server"));
    dirs.chain([DEBIAN_PATH.into()]).find(|file| file.is_file())
}

fn install() -> Result<PathBuf> {
    println!("there is no nats-server; installing Debian's (or take your own: --peer PATH)");
    apt::install(&["nats-server"]).context("or say --peer PATH")?;
    installed().context("nats-server was installed and is not found")
}

/// `nats-server: v2.9.10` is what it prints.
fn version(text: &str) -> Option<String> {
    let (_, version) = text.trim().split_once(": v")?;
    Some(version.to_owned())
}

fn series(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(help: &str) -> Server {
        Server { help: help.to_owned(), ..Server::for_tests("/x/buster-server", "") }
    }

    #[test]
    fn a_flag_that_help_does_not_name_is_missing() {
        let server = server("  -a, --addr, --net <host>\n      --shards <number>   Shards\n");
        assert_eq!(server.with(&["--shards", "2"]).missing_flag(), None);
        assert_eq!(server.with(&["--shards", "2", "--io", "x"]).missing_flag(), Some("--io"));
        assert_eq!(server.with(&["--net", "x"]).missing_flag(), None);
    }

    #[test]
    fn the_command_has_its_arguments_behind_address_and_port() {
        let expected = "/x/buster-server -a 127.0.0.1 -p {port} --shards 2";
        assert_eq!(server("").with(&["--shards", "2"]).command(), expected);
    }

    #[test]
    fn old_and_new_are_told_by_the_version() {
        assert_eq!(version("nats-server: v2.9.10\n").as_deref(), Some("2.9.10"));
        assert_eq!(series("2.14.5"), Some((2, 14)));
        let known = |version| Server::for_tests("/x", version).has_known_differences();
        assert!(known("2.9.10") && known("2.14.5") && !known("2.10.1") && !known(""));
        assert!(series("2.9.10").unwrap() < NEWER_SERIES && series("2.10.0-rc").unwrap() >= NEWER_SERIES);
    }
}
