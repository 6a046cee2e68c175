//! WebSocket, by clients that speak it frame by frame: what nats-server 2.14.5 says to them is said.

#[path = "../tls/certificates.rs"]
#[allow(dead_code, reason = "the tests of TLS use all of it")]
mod certificates;
mod client;
mod frames;
mod handshake;
mod many;
mod sessions;

use std::net::SocketAddr;

use test_kit::{ANSWER_DEADLINE, Server, ServerOptions, Setup, on_every_setup};

const BLOCK: &str = "websocket { listen: \"127.0.0.1:-1\", no_tls: true }\n";

fn start(setup: Setup, config: &str) -> Server {
    let options = ServerOptions {
        setup,
        config: Some(config.to_owned()),
        args: vec!["-D".to_owned(), "-m".to_owned(), "-1".to_owned()],
        ..ServerOptions::default()
    };
    Server::start(options).expect("the server starts")
}

fn awaits(server: &Server, text: &str) -> String {
    let line = server.log().wait_for(text, ANSWER_DEADLINE);
    line.unwrap_or_else(|| panic!("{text}:\n{}", server.log().text()))
}

/// Where WebSockets come in, as the log says it.
fn web_address(server: &Server) -> SocketAddr {
    let line = awaits(server, "Listening for websocket clients on ws");
    let (_, address) = line.rsplit_once("://").expect("it is a URL");
    address.trim().parse().expect("it is an address")
}

/// What monitoring answers to a GET.
fn monitored(server: &Server, path: &str) -> String {
    use std::io::{Read, Write};
    let line = awaits(server, "Starting http monitor on ");
    let address = line.rsplit(' ').next().expect("it names an address").trim();
    let port = address.rsplit(':').next().expect("with a port");
    let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is text");
    answer
}

on_every_setup!(
    frames_carry_the_protocol_however_they_are_cut,
    control_frames_are_answered,
    what_is_wrong_with_a_frame_is_told,
    what_comes_before_a_broken_frame_counts,
    what_is_wrong_with_the_protocol_is_told_with_the_peers_codes,
    a_mistake_is_found_in_its_frame,
    what_comes_before_a_fault_counts,
    what_waits_leaves_before_the_last_frame,
    half_a_frame_holds_up_nobody_else,
    compressed_messages_go_both_ways,
    a_bomb_ends_its_own_connection_only,
    browsers_get_small_frames,
    large_messages_come_whole_through_a_slow_reader,
    refusals_are_the_peers,
    pages_come_from_where_they_may,
    a_head_of_a_mebibyte_or_a_byte_a_second_is_refused,
    greedy_addresses_leave_others_served,
    cookies_identify_clients,
    a_listener_has_users_of_its_own,
    connection_types_are_heeded,
    both_kinds_of_clients_hear_each_other,
    websockets_are_secured,
    monitoring_tells_of_websockets,
    a_websocket_that_changes_shards_goes_on,
    the_end_of_the_server_is_told,
);

use frames::*;
use handshake::*;
use sessions::*;
