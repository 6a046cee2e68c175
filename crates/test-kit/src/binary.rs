//! Which binary the tests run.
//!
//! `BUSTER_SERVER_BIN` names one; otherwise the workspace's own is built in release mode, once per
//! test process. With `BUSTER_PEER` set, the named binary is a stock nats-server, which knows no
//! `--shards` and no `--io`: handy to check a test against the peer.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

use crate::ServerError;

/// The server binary under test.
#[derive(Clone, Debug)]
pub struct ServerBinary {
    /// Where the executable is.
    pub path: PathBuf,
    /// True for a stock nats-server, which has no `--shards` and no `--io`.
    pub is_peer: bool,
}

impl ServerBinary {
    /// Finds or builds the binary; later calls in the same process return the first answer.
    ///
    /// # Errors
    ///
    /// [`ServerError::Build`] when cargo cannot build it.
    pub fn locate() -> Result<Self, ServerError> {
        static FOUND: OnceLock<Result<ServerBinary, String>> = OnceLock::new();
        FOUND
            .get_or_init(|| match env::var_os("BUSTER_SERVER_BIN") {
                Some(path) => Ok(Self { path: path.into(), is_peer: env::var_os("BUSTER_PEER").is_some() }),
                None => build(),
            })
            .clone()
            .map_err(ServerError::Build)
    }

    /// Runs the binary under test with these words until it ends: its exit code, and what it printed.
    ///
    /// # Panics
    ///
    /// When it cannot be built or started, or is killed.
    pub fn run_to_end<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> (i32, String) {
        let binary = Self::locate().expect("the server builds");
        let output = Command::new(binary.path).args(args).output().expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().expect("it ends by itself"), String::from_utf8_lossy(&said).into_owned())
    }
}

/// Cargo itself says where the executable landed, so a custom target directory needs no care.
fn build() -> Result<ServerBinary, String> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "-p", "buster-server", "--message-format=json-render-diagnostics"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cargo did not start: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let path = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(executable_in)
        .next_back()
        .ok_or("cargo named no executable for buster-server")?;
    Ok(ServerBinary { path, is_peer: false })
}

/// The executable that one line of cargo's JSON messages announces, if any.
fn executable_in(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    message.get("executable")?.as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_artifact_with_an_executable_names_one() {
        let artifact = r#"{"reason":"compiler-artifact","executable":"/t/release/buster-server"}"#;
        assert_eq!(executable_in(artifact), Some(PathBuf::from("/t/release/buster-server")));
        assert_eq!(executable_in(r#"{"reason":"compiler-artifact","executable":null}"#), None);
        assert_eq!(executable_in("warning: not json"), None);
    }
}
