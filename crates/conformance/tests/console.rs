//! The console in headless Chromium: each page with no rows, with some and with thousands, what it says of a server that is
//! gone, what may be changed and by whom, its keys, its looks, and that nothing a client says becomes more than text.

use conformance::driver;
use conformance::foreign::ForeignClient;
use test_kit::{ReservedPort, SETUPS, Server, ServerOptions};

/// In the order of the program.
const SCENARIOS: [&str; 17] = [
    "pages_without_rows",
    "history_is_there_when_it_is_opened",
    "rows_are_shown_as_text",
    "many_rows_come_in_pages",
    "the_playground_publishes_asks_and_listens",
    "messages_are_read_as_the_stream_keeps_them",
    "buckets_are_looked_into_and_changed",
    "services_and_groups_are_looked_at",
    "streams_and_consumers_are_changed_by_who_may",
    "every_server_is_asked_by_who_may",
    "a_console_that_only_reads_offers_nothing_else",
    "everybody_can_read_and_reach_it",
    "who_may_not_is_told_so",
    "keys_are_enough",
    "light_and_dark",
    "a_phone_has_room_for_it",
    "a_server_that_is_killed_and_comes_back",
];

/// Below a base path: every address of the page has to be relative to where it is.
#[test]
fn pages_in_a_browser() {
    let mut program = ForeignClient::prepare_console().unwrap_or_else(|error| panic!("{error}"));
    let ports = [(); 2].map(|()| ReservedPort::take().expect("there is a port"));
    let [http, socket] = ports.each_ref().map(|port| format!("127.0.0.1:{}", port.number()));
    let config = format!(
        r#"
        http: "{http}"
        http_base_path: "/behind/a proxy"
        websocket {{ listen: "{socket}", no_tls: true }}
        authorization {{
            users: [
                {{ user: all, password: x }}
                {{ user: some, password: x, permissions: {{ publish: ["allowed.>", "$BUSTER.>"] }} }}
            ]
        }}
        accounts {{ SYS {{ users: [ {{ user: sys, password: x }} ] }} }}
        system_account: SYS
        "#
    );
    let options = ServerOptions {
        setup: SETUPS[1],
        fixed_port: true,
        has_streams: true,
        config: Some(config),
        ..ServerOptions::default()
    };
    let mut server = Server::start(options).expect("it starts");
    program.args([format!("http://{http}/behind/a%20proxy/ui/"), format!("ws://{socket}")]);
    if let Err(why) = driver::run(&mut program, &SCENARIOS, &mut server) {
        panic!("the console in Chromium:\n{why}");
    }
}
