//! The program under readers that have had enough.

use std::io;
use std::process::Command;

#[test]
fn a_closed_output_ends_it_quietly() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_buster-bench"));
    let child = command.arg("machine").stdout(writer).stderr(std::process::Stdio::piped()).spawn();
    let output = child.expect("it starts").wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr, b"");
}
