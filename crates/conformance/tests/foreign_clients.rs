//! The scenarios through nats-py, nats.js and libnats, on every setup.

use std::process::Command;

use conformance::{SCENARIOS, SECURED, STREAMS, driver, foreign::ForeignClient};
use test_kit::{Server, ServerOptions, Setup, on_every_setup};

on_every_setup!(nats_py, nats_py_with_users, nats_py_with_streams, nats_js, libnats);

fn nats_py(setup: Setup) {
    run(ForeignClient::Python, setup);
}

/// The hash is of "b-secret", as cheap as bcrypt goes.
const USERS: &str = r#"
accounts {
  HERE: { users: [
    { user: plain, password: p-secret },
    { user: hashed, password: "$2b$04$abcdefghijklmnopqrstuujImsM0PWrHk7a0xy7hAR5fHBKsH.xFu" },
    { user: bound, password: b, permissions: {
      publish: ["open.>", "_INBOX.>"], subscribe: ["open.>", "_INBOX.>"]
    } }
  ] }
  FAR: { users: [ { user: far, password: f } ] }
}
"#;

fn nats_py_with_users(setup: Setup) {
    let mut program = ForeignClient::python("secured.py").unwrap_or_else(|error| panic!("{error}"));
    let options = ServerOptions { setup, config: Some(USERS.to_owned()), ..ServerOptions::default() };
    let mut server = Server::start(options).expect("the server starts");
    if let Err(why) = driver::run(&mut program, &SECURED, &mut server) {
        panic!("nats-py and users with {setup}:\n{why}");
    }
}

fn nats_py_with_streams(setup: Setup) {
    let mut program = ForeignClient::python("streams.py").unwrap_or_else(|error| panic!("{error}"));
    let store = tempfile::tempdir().expect("there is room for files");
    let args = vec!["-js".into(), "-sd".into(), store.path().display().to_string()];
    let options = ServerOptions { setup, fixed_port: true, args, ..ServerOptions::default() };
    let mut server = Server::start(options).expect("the server starts");
    if let Err(why) = driver::run(&mut program, &STREAMS, &mut server) {
        panic!("nats-py and streams with {setup}:\n{why}");
    }
}

fn nats_js(setup: Setup) {
    run(ForeignClient::Node, setup);
}

fn libnats(setup: Setup) {
    run(ForeignClient::C, setup);
}

fn run(client: ForeignClient, setup: Setup) {
    let mut program = client.prepare().unwrap_or_else(|error| panic!("{error}"));
    // On four shards connections may move as well.
    let args = if setup.shards == 4 { vec!["--colocate".into()] } else { Vec::new() };
    let options = ServerOptions { setup, fixed_port: true, args, ..ServerOptions::default() };
    let mut server = Server::start(options).expect("the server starts");
    if let Err(why) = driver::run(&mut program, &SCENARIOS, &mut server) {
        panic!("{} with {setup}:\n{why}", client.name());
    }
}

/// The driver compares with the whole list, so a scenario can neither fail nor be left out unseen.
#[test]
fn a_program_without_all_the_verdicts_fails() {
    let mut server = Server::with(Setup::default());
    let all: String = SCENARIOS.iter().map(|name| format!("ok {name}\n")).collect();
    // The URL comes as the script's `$1`, which it ignores.
    let mut saying = |verdicts: &str| {
        let mut program = Command::new("sh");
        driver::run(program.args(["-c", "printf %s \"$0\"", verdicts]), &SCENARIOS, &mut server)
    };
    assert_eq!(saying(&all), Ok(()));
    assert!(saying(&all.replacen("ok drain\n", "", 1)).is_err());
    assert!(saying(&all.replacen("ok drain", "FAIL drain why", 1)).is_err());
}
