//! What `cargo xtask suites` takes.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Options {
    /// Checkouts of the suites by the name they have in the list: `async-nats`, `nats-py`.
    places: Vec<(&'static str, PathBuf)>,
    /// Where the test executables of async-nats were built, if not in the checkout itself.
    pub(crate) executables: Option<PathBuf>,
    /// An interpreter with pytest and what nats.py needs.
    pub(crate) python: PathBuf,
    /// The server, if not our own, built now.
    pub(crate) server: Option<PathBuf>,
    /// Flags that the server gets on top of what a suite gives it.
    pub(crate) flags: Vec<String>,
    /// The server is nats-server itself: only what fails everywhere may fail.
    pub(crate) is_peer: bool,
    /// Files by name; none means all.
    only: Vec<String>,
    /// Rewrite docs/conformance.md.
    pub(crate) write: bool,
}

/// The options that name a checkout.
const CHECKOUTS: [&str; 2] = ["async-nats", "nats-py"];

impl Options {
    /// The checkout called `name`; `None` when it was not given, so its suites are left out.
    pub(crate) fn place(&self, name: &str) -> Option<&PathBuf> {
        self.places.iter().find(|(one, _)| *one == name).map(|(_, place)| place)
    }

    pub(crate) fn wants(&self, file: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == file)
    }
}

pub(crate) fn parse(args: &[&str]) -> Result<Options> {
    let mut options = Options { python: "python3".into(), ..Options::default() };
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match *word {
            "--async-nats" => options.places.push((CHECKOUTS[0], value()?.into())),
            "--nats-py" => options.places.push((CHECKOUTS[1], value()?.into())),
            "--executables" => options.executables = Some(value()?.into()),
            "--python" => options.python = value()?.into(),
            "--server" => options.server = Some(value()?.into()),
            "--flags" => options.flags = value()?.split_whitespace().map(str::to_owned).collect(),
            "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
            "--peer" => options.is_peer = true,
            "--write" => options.write = true,
            _ => bail!("unknown option `{word}`"),
        }
    }
    ensure!(!options.places.is_empty(), "say where a suite is: --async-nats DIR, --nats-py DIR");
    ensure!(!options.is_peer || options.server.is_some(), "--peer needs --server PATH");
    let whole = CHECKOUTS.iter().all(|name| options.place(name).is_some()) && options.only.is_empty();
    ensure!(
        !options.write || whole && !options.is_peer && options.flags.is_empty(),
        "--write needs everything as it is: all suites, without --only, --flags and --peer"
    );
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_is_not_given_has_no_place() {
        let options = parse(&["--nats-py", "/py", "--only", "test_client,test_tls"]).unwrap();
        assert_eq!(options.place("nats-py"), Some(&"/py".into()));
        assert_eq!(options.place("async-nats"), None);
        assert!(options.wants("test_tls") && !options.wants("test_nuid"));
    }

    #[test]
    fn the_flags_of_the_server_are_words() {
        let options = parse(&["--async-nats", "/rs", "--flags", "--shards 2 --io epoll"]).unwrap();
        assert_eq!(options.flags, ["--shards", "2", "--io", "epoll"]);
        assert!(options.wants("anything"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            &[][..],
            &["--nats-py"],
            &["--nats-py", "/py", "--peer"],
            &["--nats-py", "/py", "--write"],
            &["--nats-py", "/py", "--async-nats", "/rs", "--only", "x", "--write"],
            &["--nats-py", "/py", "fast"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
