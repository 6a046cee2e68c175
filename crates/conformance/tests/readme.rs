//! What README has a newcomer type.

use std::process::Command;

use test_kit::{Server, Setup};

const README: &str = include_str!("../../../README.md");

/// The lines between the markers of that name, without the fences around them.
fn lines_to_try(name: &str) -> String {
    let (_, rest) = README.split_once(&format!("<!-- {name}:begin -->")).expect("README has the lines");
    let (lines, _) = rest.split_once(&format!("<!-- {name}:end -->")).expect("they end somewhere");
    lines.lines().filter(|line| !line.starts_with("```")).map(|line| format!("{line}\n")).collect()
}

/// What bash says to them, against this server.
fn tried(name: &str, server: &Server) -> String {
    let lines = lines_to_try(name);
    let here = lines.replace("127.0.0.1/4222", &format!("127.0.0.1/{}", server.addr().port()));
    assert_ne!(here, lines, "they name the usual port");
    let output = Command::new("bash").args(["-euc", &here]).output().expect("bash runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_first_lines_to_try_show_a_message() {
    let said = tried("try", &Server::with(Setup::default()));
    let (info, behind) = said.split_once("\r\n").expect("INFO is a line");
    assert!(info.starts_with("INFO {"), "{info}");
    assert_eq!(behind, "MSG orders.new 1 5\r\nhello\r\nPONG\r\n");
}

#[test]
fn the_lines_about_streams_show_one() {
    let store = tempfile::TempDir::new().expect("a folder");
    let config = format!("jetstream {{ store_dir: \"{}\" }}\n", store.path().display());
    let said = tried("try-streams", &Server::configured(Setup::default(), &config));
    let [made, stored, got] = said.lines().collect::<Vec<_>>()[..] else { panic!("three answers: {said}") };
    assert!(made.contains("\"did_create\":true"), "{made}");
    assert_eq!(stored.trim(), "{\"stream\":\"ORDERS\",\"seq\":1}");
    assert!(got.contains("\"subject\":\"orders.new\"") && got.contains("\"data\":\"aGVsbG8=\""), "{got}");
}
