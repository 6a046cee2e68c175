//! The kit against the real binary, on every setup.

use test_kit::{RawClient, SETUPS, Server, ServerError, ServerOptions};

#[test]
fn a_started_server_answers_and_its_ports_file_says_where() {
    for setup in SETUPS {
        let server = Server::with(setup);
        assert_eq!(server.ports_file_urls().expect("a ports file"), [server.url()]);
        let mut client = server.connect();
        client.subscribe("greet", 1);
        client.publish("greet", "hello");
        assert_eq!(client.next_message().text(), "hello");
    }
}

#[test]
fn a_stopped_server_exits_in_order_and_closes_its_connections() {
    for setup in SETUPS {
        let mut server = Server::with(setup);
        let mut client = server.connect();
        let status = server.stop().expect("the server stops");
        assert!(status.success(), "{status}, log:\n{}", server.log().text());
        client.read_to_close();
    }
}

#[test]
fn a_restarted_server_is_a_new_process_on_the_same_port() {
    for setup in SETUPS {
        let options = ServerOptions { setup, fixed_port: true, ..ServerOptions::default() };
        let mut server = Server::start(options).expect("the server starts");
        let (pid, addr) = (server.pid(), server.addr());
        let mut client = server.connect();
        server.restart().expect("the server starts again");
        assert_eq!(server.addr(), addr);
        assert_ne!(server.pid(), pid);
        client.read_to_close();
        let _ = RawClient::connect(addr);
    }
}

#[test]
fn a_refused_argument_is_told_apart_from_a_hang() {
    let args = vec!["--no_such_flag".to_owned()];
    let refused = Server::start(ServerOptions { args, ..ServerOptions::default() });
    let Err(ServerError::EndedEarly { log, .. }) = refused else {
        panic!("an unknown flag must be refused: {refused:?}");
    };
    assert!(log.contains("no_such_flag"), "the error names the flag: {log}");
}
