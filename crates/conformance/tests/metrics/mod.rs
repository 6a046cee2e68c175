//! Reading what `/metrics` says.

use std::io::Write;
use std::process::Stdio;

use conformance::foreign::ForeignClient;
use serde_json::Value;

/// The text, as Prometheus' own parser reads it.
pub(crate) fn parsed(text: &str) -> Vec<Value> {
    let mut python = ForeignClient::python("metrics.py").unwrap_or_else(|error| panic!("{error}"));
    let mut parser = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut input = parser.stdin.take().expect("it is piped");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    let output = parser.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the parser refuses:\n{text}");
    let lines = String::from_utf8(output.stdout).expect("JSON is text");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}
