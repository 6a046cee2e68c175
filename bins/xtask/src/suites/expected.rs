//! The list of what the suites hold and which of their tests may fail, each with its reason:
//! `suites/expected.toml`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// All suites, and the reasons that they refer to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// Why a test may fail, by key.
    pub(crate) reasons: BTreeMap<String, Reason>,
    #[serde(rename = "suite")]
    pub(crate) suites: Vec<Suite>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// For the reader of docs/conformance.md.
    pub(crate) text: String,
    /// The test does not pass with nats-server either.
    #[serde(default)]
    pub(crate) everywhere: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suite {
    pub(crate) name: String,
    /// The release that the list is about.
    pub(crate) version: String,
    /// The option that says where its checkout is.
    pub(crate) checkout: String,
    pub(crate) runner: Runner,
    /// Where its tests run, below the checkout.
    #[serde(default)]
    pub(crate) dir: String,
    /// Where pytest's files are, below `dir`.
    #[serde(default)]
    pub(crate) tests_dir: String,
    /// Directories below `dir` that Python imports from.
    #[serde(default)]
    pub(crate) python_path: Vec<String>,
    /// Whole files that are not run, by name, with the reason's key.
    #[serde(default)]
    pub(crate) left_out: BTreeMap<String, String>,
    #[serde(rename = "file")]
    pub(crate) files: Vec<File>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Runner {
    /// Executables that `cargo test --no-run` leaves behind.
    Libtest,
    /// Python files for pytest.
    Pytest,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) name: String,
    /// How many tests it holds; another number means another release, or tests that got lost.
    pub(crate) tests: usize,
    /// How many run at once; only libtest asks.
    #[serde(default = "two")]
    pub(crate) threads: usize,
    /// Tests that do not pass, with the reason's key. All others pass.
    #[serde(default)]
    pub(crate) fails: BTreeMap<String, String>,
}

fn two() -> usize {
    2
}

impl Expected {
    /// The list in the source tree.
    pub(crate) fn load() -> Result<Self> {
        Self::parse(include_str!("expected.toml")).context("suites/expected.toml")
    }

    fn parse(text: &str) -> Result<Self> {
        let list: Self = toml::from_str(text)?;
        for suite in &list.suites {
            let failing = suite.files.iter().flat_map(|file| &file.fails);
            for (name, key) in failing.chain(&suite.left_out) {
                ensure!(list.reasons.contains_key(key), "{name}: there is no reason `{key}`");
            }
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_well_formed() {
        let list = Expected::load().unwrap();
        assert!(!list.suites.is_empty());
        for reason in list.reasons.values() {
            assert!(!reason.text.is_empty());
        }
    }

    #[test]
    fn a_failure_without_a_known_reason_is_refused() {
        let text = "[reasons]\n[[suite]]\nname = 's'\nversion = '1'\ncheckout = 'c'\nrunner = 'pytest'\n\
                    [[suite.file]]\nname = 'f'\ntests = 1\nfails = { t = 'because' }\n";
        let why = Expected::parse(text).unwrap_err().to_string();
        assert_eq!(why, "t: there is no reason `because`");
        assert!(Expected::parse(&text.replace("[reasons]", "[reasons]\nbecause = { text = 'so' }")).is_ok());
    }
}
