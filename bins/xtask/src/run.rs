//! Starting other programs, always with the words of the command in the error.

use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// Runs `command` with our own stdin, stdout and stderr; anything but exit code 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let words = describe(command);
    let status = command.status().with_context(|| format!("cannot start `{words}`"))?;
    ensure!(status.success(), "`{words}` failed: {status}");
    Ok(())
}

/// Runs `command` and hands back what it wrote to stdout.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let words = describe(command);
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{words}`"))?;
    ensure!(output.status.success(), "`{words}` failed: {}", output.status);
    String::from_utf8(output.stdout).with_context(|| format!("`{words}` did not print UTF-8"))
}

/// Runs `command`, shows what it prints to stdout, and tells whether it exited with code 0 and what its last
/// line was.
pub(crate) fn last_line_of(command: &mut Command) -> Result<(bool, String)> {
    let words = describe(command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{words}`"))?;
    let mut last = String::new();
    for line in BufReader::new(child.stdout.take().context("stdout is piped")?).lines() {
        let line = line.with_context(|| format!("`{words}` did not print UTF-8"))?;
        println!("{line}");
        if !line.trim().is_empty() {
            last = line;
        }
    }
    Ok((child.wait()?.success(), last))
}

/// Whether `command` starts and exits with code 0; what it prints is dropped.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    match quiet.status() {
        Ok(status) => Ok(status.success()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => bail!("cannot start `{}`: {error}", describe(quiet)),
    }
}

/// The command as one would type it, environment first.
pub(crate) fn describe(command: &Command) -> String {
    let env = command.get_envs().filter_map(|(name, value)| {
        let value = value?.to_string_lossy();
        Some(format!("{}='{value}'", name.to_string_lossy()))
    });
    let words = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned());
    env.chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_described_as_it_is_typed() {
        let mut command = Command::new("cargo");
        command.args(["doc", "--no-deps"]).env("FLAGS", "-D x");
        assert_eq!(describe(&command), "FLAGS='-D x' cargo doc --no-deps");
    }

    #[test]
    fn the_last_line_is_told_with_the_outcome() {
        let mut command = Command::new("sh");
        let (succeeded, line) =
            last_line_of(command.args(["-c", "echo one; echo two; echo; exit 3"])).unwrap();
        assert_eq!((succeeded, line.as_str()), (false, "two"));
    }

    #[test]
    fn a_program_that_is_not_there_does_not_succeed() {
        assert!(!succeeds(&mut Command::new("no-such-program-at-all")).unwrap());
    }
}
