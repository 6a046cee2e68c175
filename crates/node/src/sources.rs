//! What a configuration is read from: files and the environment.

use std::io;

use nats_conf::Sources;
use nats_proto::error_words;
use server_options::{CommandLine, Loaded, OptionsError};

/// Makes options of a command line and the configuration file that it names.
///
/// # Errors
/// What is wrong with either.
pub fn load(command_line: &CommandLine) -> Result<Loaded, OptionsError> {
    command_line.load(&Sources { read: &read, env: &|name| std::env::var(name).ok() })
}

/// The error is in the words of nats-server, whose users may look for them.
fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| {
        // A folder can be opened.
        let what = if error.kind() == io::ErrorKind::IsADirectory { "read" } else { "open" };
        format!("{what} {path}: {}", error_words(&error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_named_in_the_peers_words() {
        let error = read("/none/x.conf").expect_err("there is no such file");
        assert_eq!(error, "open /none/x.conf: no such file or directory");
    }

    #[test]
    fn a_folder_is_no_file() {
        let error = read("/").expect_err("a folder");
        assert_eq!(error, "read /: is a directory");
    }
}
