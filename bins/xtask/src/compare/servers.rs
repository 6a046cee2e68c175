//! The servers that stand in a comparison, and where nats-server comes from when there is none.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{apt, run};

/// Where nats-server's outbound queue changed for good: from here on other ratios are due, and streams may be synced before
/// they acknowledge.
const NEWER_SERIES: (u32, u32) = (2, 10);

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
    pub(super) series: Option<(u32, u32)>,
    /// It was told to acknowledge what is synced.
    syncs_first: bool,
}

/// What has nats-server sync before it acknowledges, in a file.
const SYNCED_FILE: &str = "jetstream { sync_interval: always }\n";

impl Server {
    pub(crate) fn ours(path: PathBuf) -> Result<Self> {
        let help = run::output_of(Command::new(&path).arg("-h"))?;
        let name = "buster-server".to_owned();
        Ok(Self { name, path, args: Vec::new(), help, series: None, syncs_first: false })
    }

    fn peer(path: PathBuf) -> Result<Self> {
        let text = run::output_of(Command::new(&path).arg("-v"))?;
        let version = version(&text).with_context(|| format!("`{}` is no version", text.trim()))?;
        let series = series(&version).with_context(|| format!("`{version}` is no version"))?;
        let name = format!("nats-server {version}");
        let (args, help) = (Vec::new(), String::new());
        Ok(Self { name, path, args, help, series: Some(series), syncs_first: false })
    }

    /// The same server with other arguments, which then are its name.
    pub(crate) fn with(&self, args: &[&str]) -> Self {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let name = if args.is_empty() { "none".to_owned() } else { format!("`{}`", args.join(" ")) };
        Self { name, args, ..self.clone() }
    }

    /// The same nats-server, told by a file below `target` to sync before it acknowledges; those of old do not know how.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn syncing(&self, target: &Path) -> Result<Option<Self>> {
        if !self.is_newer_peer() {
            return Ok(None);
        }
        let file = target.join("compare-synced.conf");
        fs::write(&file, SYNCED_FILE).with_context(|| format!("writing {}", file.display()))?;
        let args = vec!["-c".to_owned(), file.display().to_string()];
        let name = format!("{}, synced", self.name);
        Ok(Some(Self { name, args, syncs_first: true, ..self.clone() }))
    }

    /// A nats-server that acknowledges what is synced.
    pub(crate) fn syncs_first(&self) -> bool {
        self.syncs_first
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
            syncs_first: false,
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
    fn only_newer_ones_are_told_to_sync_first() {
        let target = tempfile::tempdir().unwrap();
        let syncing = |version| Server::for_tests("/x", version).syncing(target.path()).unwrap();
        assert!(syncing("2.9.10").is_none() && syncing("").is_none());
        let synced = syncing("2.14.5").unwrap();
        assert!(synced.syncs_first() && !Server::for_tests("/x", "2.14.5").syncs_first());
        assert_eq!(synced.name, "/x, synced");
        let file = synced.command().rsplit_once(" -c ").unwrap().1.to_owned();
        assert_eq!(fs::read_to_string(file).unwrap(), SYNCED_FILE);
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
