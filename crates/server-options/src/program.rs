//! The name the program answers to.

use std::ffi::OsStr;
use std::path::Path;

/// The name we chose.
pub const PROGRAM: &str = "buster-server";

/// The name of the program we stand in for.
pub const PEER_PROGRAM: &str = "nats-server";

/// The name to go by in usage, version and error lines: nats-server's for whoever called us by it,
/// else ours. `called` is the first item of the command line.
pub fn program(called: &OsStr) -> &'static str {
    if Path::new(called).file_name() == Some(OsStr::new(PEER_PROGRAM)) { PEER_PROGRAM } else { PROGRAM }
}

/// What `-v` prints, meant for `println!`. Client test suites read nats-server's line, and get it from
/// whoever is called nats-server. Versions come without a `v`.
pub fn version_text(program: &str, compatible_with: &str, own: &str) -> String {
    if program == PEER_PROGRAM {
        format!("{PEER_PROGRAM}: v{compatible_with}")
    } else {
        format!("{program}: v{own}, compatible with {PEER_PROGRAM} v{compatible_with}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_calls_us_nats_server_gets_its_name() {
        for (called, name) in [
            ("nats-server", PEER_PROGRAM),
            ("/usr/bin/nats-server", PEER_PROGRAM),
            ("buster-server", PROGRAM),
            ("./nats-server-2", PROGRAM),
            ("", PROGRAM),
        ] {
            assert_eq!(program(OsStr::new(called)), name, "{called}");
        }
    }

    #[test]
    fn the_version_line_is_the_peers_under_its_name() {
        assert_eq!(version_text("nats-server", "2.14.5", "0.1.0"), "nats-server: v2.14.5");
        let own = version_text("buster-server", "2.14.5", "0.1.0");
        assert_eq!(own, "buster-server: v0.1.0, compatible with nats-server v2.14.5");
    }
}
