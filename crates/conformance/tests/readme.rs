//! What README has a newcomer type.

use std::process::Command;

use test_kit::{Server, Setup};

const README: &str = include_str!("../../../README.md");

/// The lines between the markers, without the fences around them.
fn lines_to_try() -> String {
    let (_, rest) = README.split_once("<!-- try:begin -->").expect("README has the lines");
    let (lines, _) = rest.split_once("<!-- try:end -->").expect("they end somewhere");
    lines.lines().filter(|line| !line.starts_with("```")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_first_lines_to_try_show_a_message() {
    let server = Server::with(Setup::default());
    let lines = lines_to_try();
    let here = lines.replace("127.0.0.1/4222", &format!("127.0.0.1/{}", server.addr().port()));
    assert_ne!(here, lines, "they name the usual port");
    let output = Command::new("bash").args(["-euc", &here]).output().expect("bash runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.starts_with("INFO {"), "{output:?}");
    let (_, behind) = said.split_once("\r\n").expect("INFO is a line");
    assert_eq!(behind, "MSG orders.new 1 5\r\nhello\r\nPONG\r\n");
}
