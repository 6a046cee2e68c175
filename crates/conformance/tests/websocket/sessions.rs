//! Clients that came over WebSocket: who they are, what is said of them, where they live, how they end.

use test_kit::{Server, ServerOptions, Setup};

use super::certificates::Certificates;
use super::client::{BINARY, Client};
use super::{BLOCK, awaits, monitored, start, web_address};

const PLAIN: &str = "CONNECT {\"verbose\":false}\r\nPING\r\n";

fn login(user: &str, password: &str) -> String {
    format!("CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\nPING\r\n")
}

const REFUSED: &str = "-ERR 'Authorization Violation'\r\n1008 Authentication Failure";

pub(crate) fn cookies_identify_clients(setup: Setup) {
    let block = BLOCK.replace("no_tls", "user_cookie: u, pass_cookie: p, token_cookie: t, no_tls");
    let users = "authorization { users: [ { user: a, password: secret }, { user: b, password: other } ] }";
    let server = start(setup, &format!("{block}{users}"));
    for (cookies, said, is_let_in) in [
        ("Cookie: x=y; u=a; p=secret\r\n", PLAIN.to_owned(), true),
        ("Cookie: u=a\r\nCookie: p=wrong\r\n", PLAIN.to_owned(), false),
        ("Cookie: u=a; p=secret\r\n", login("b", "other"), true),
        ("Cookie: u=a; p=secret\r\n", login("b", ""), false),
        ("", PLAIN.to_owned(), false),
    ] {
        let (mut client, info) = Client::connect_with(web_address(&server), cookies);
        assert!(info.contains("\"auth_required\":true"), "{info}");
        client.say(&said);
        if is_let_in {
            assert_eq!(client.text(), "PONG\r\n", "{cookies}");
        } else {
            assert_eq!(client.last_words(), REFUSED, "{cookies}");
            awaits(&server, &format!("{} - wid:", client.local_addr));
            awaits(&server, "read error: authentication error");
        }
    }
    let token = start(setup, &format!("{block}authorization {{ token: hush }}"));
    let (mut client, _) = Client::connect_with(web_address(&token), "Cookie: t=\"hush\"\r\n");
    client.say(PLAIN);
    assert_eq!(client.text(), "PONG\r\n");
}

pub(crate) fn a_listener_has_users_of_its_own(setup: Setup) {
    let block = BLOCK.replace("no_tls", "authorization { user: web, password: x, timeout: 1 }, no_tls");
    let server = start(setup, &block);
    let (mut client, info) = Client::connect_with(web_address(&server), "");
    assert!(info.contains("\"auth_required\":true"), "{info}");
    client.say(&login("web", "x"));
    assert_eq!(client.text(), "PONG\r\n");
    let mut refused = Client::connect(web_address(&server));
    refused.say(PLAIN);
    assert_eq!(refused.last_words(), REFUSED);
    let mut silent = Client::connect(web_address(&server));
    assert_eq!(silent.last_words(), "-ERR 'Authentication Timeout'\r\n1008 Authentication Timeout");
    // Clients of the other listener are asked for nothing.
    server.connect().flush();

    let block = BLOCK.replace("no_tls", "no_auth_user: a, no_tls");
    let users =
        "accounts { A { users: [ { user: a, password: x } ] }, B { users: [ { user: b, password: y } ] } }";
    let server = start(setup, &format!("{block}{users}"));
    let mut anonymous = Client::connect(web_address(&server));
    anonymous.say("SUB s 1\r\nPING\r\n");
    assert_eq!(anonymous.text_until("PONG\r\n"), "+OK\r\nPONG\r\n");
    for (user, password, is_heard) in [("b", "y", false), ("a", "x", true)] {
        let mut client = Client::connect(web_address(&server));
        client.say(&(login(user, password) + "PUB s 1\r\n1\r\nPING\r\n"));
        assert_eq!(client.text_until("PONG\r\n"), "PONG\r\nPONG\r\n");
        if is_heard {
            assert_eq!(anonymous.text(), "MSG s 1 1\r\n1\r\n");
        }
    }
}

pub(crate) fn connection_types_are_heeded(setup: Setup) {
    let users = "authorization { users: [
        { user: w, password: x, allowed_connection_types: [\"WEBSOCKET\"] }
        { user: s, password: x, allowed_connection_types: [\"STANDARD\"] }
    ] }";
    let server = start(setup, &format!("{BLOCK}{users}"));
    let mut client = Client::connect(web_address(&server));
    client.say(&login("w", "x"));
    assert_eq!(client.text(), "PONG\r\n");
    let mut client = Client::connect(web_address(&server));
    client.say(&login("s", "x"));
    assert_eq!(client.last_words(), REFUSED);
    let mut standard = test_kit::RawClient::dial(server.addr());
    standard.send(login("w", "x"));
    let said = String::from_utf8(standard.read_to_close()).expect("it is text");
    assert!(said.contains("Authorization Violation"), "{said}");
}

pub(crate) fn both_kinds_of_clients_hear_each_other(setup: Setup) {
    let server = start(setup, BLOCK);
    let mut webs: Vec<Client> = (0..6).map(|_| Client::connect(web_address(&server))).collect();
    for web in &mut webs {
        web.say("CONNECT {\"verbose\":false}\r\nSUB to.web 1\r\nPING\r\n");
        assert_eq!(web.text(), "PONG\r\n");
    }
    let mut standard = server.connect();
    standard.subscribe("to.standard", 1);
    standard.flush();
    standard.publish("to.web", "hi");
    standard.flush();
    for (at, web) in webs.iter_mut().enumerate() {
        assert_eq!(web.text_until("hi\r\n"), "MSG to.web 1 2\r\nhi\r\n");
        web.say(&format!("PUB to.standard 1\r\n{at}\r\n"));
        assert_eq!(standard.next_message().text(), at.to_string());
    }
}

pub(crate) fn websockets_are_secured(setup: Setup) {
    let certificates = Certificates::new();
    let tls = certificates.block("");
    for ktls in [false, true] {
        let block =
            format!("websocket {{ listen: \"127.0.0.1:-1\", compression: true, {tls} }}\nktls: {ktls}\n");
        let server = match Server::start(ServerOptions {
            setup,
            config: Some(block),
            args: vec!["-D".into()],
            ..ServerOptions::default()
        }) {
            Ok(server) => server,
            // Not every kernel can.
            Err(_) if ktls => continue,
            Err(error) => panic!("{error}"),
        };
        let line = awaits(&server, "Listening for websocket clients on wss://");
        assert!(!server.log().contains("DO NOT USE IN PRODUCTION"), "{line}");
        let config = certificates.client_config(false);
        let mut client = Client::dial_secure(web_address(&server), &config);
        let info = client.upgrade("");
        assert!(info.contains("\"tls_required\":true") && info.contains("\"tls_available\":true"), "{info}");
        client.say(PLAIN);
        assert_eq!(client.text(), "PONG\r\n");
        let payload = "x".repeat(100_000);
        for round in 0..3 {
            client.say(&format!("SUB a{round} {round}\r\nPUB a{round} 100000\r\n{payload}\r\nPING\r\n"));
            let text = client.text_until("PONG\r\n");
            assert!(text == format!("MSG a{round} {round} 100000\r\n{payload}\r\nPONG\r\n"));
        }
        client.say("FOO\r\n");
        assert_eq!(client.last_words(), "-ERR 'Unknown Protocol Operation'\r\n1002 Read Error");
        // Plain HTTP is not spoken there.
        let mut clear = Client::dial(web_address(&server));
        clear.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        clear.read_to_end();
        awaits(&server, "websocket: TLS handshake error from 127.0.0.1:");
    }
}

pub(crate) fn monitoring_tells_of_websockets(setup: Setup) {
    let block =
        BLOCK.replace("no_tls", "compression: true, handshake_timeout: 3, advertise: \"a:80\", no_tls");
    let server = start(setup, &block);
    let port = web_address(&server).port();
    // One that has asked for nothing yet is no client.
    let _guest = Client::dial(web_address(&server));
    let (mut client, info) = Client::connect_with(web_address(&server), "X-Forwarded-For: 1.2.3.4\r\n");
    assert!(info.contains(&format!("\"host\":\"127.0.0.1\",\"port\":{port}")), "{info}");
    client.say("CONNECT {\"verbose\":false,\"name\":\"n\"}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\nPING\r\n");
    client.text_until("PONG\r\n");
    let line = awaits(&server, "Client connection created");
    assert!(line.contains(&format!(" 1.2.3.4/{} - wid:", client.local_addr)), "{line}");
    let connz = monitored(&server, "/connz");
    assert!(connz.contains("\"type\": \"websocket\"") && connz.contains("\"kind\": \"Client\""), "{connz}");
    assert!(connz.contains("\"num_connections\": 1,"), "{connz}");
    assert!(connz.contains(&format!("\"port\": {}", client.local_addr.port())), "{connz}");
    let varz = monitored(&server, "/varz");
    let expected = format!(
        "  \"websocket\": {{\n    \"host\": \"127.0.0.1\",\n    \"port\": {port},\n    \"advertise\": \"a:80\",\n    \
         \"handshake_timeout\": 3000000000,\n    \"no_tls\": true,\n    \"compression\": true\n  }},"
    );
    assert!(varz.contains(&expected), "{varz}");
    assert!(varz.contains("\"connections\": 1,") && varz.contains("\"in_msgs\": 1,"), "{varz}");
    drop(client);
    awaits(&server, "Client connection closed: Client Closed");
    let closed = monitored(&server, "/connz?state=closed");
    assert!(
        closed.contains("\"type\": \"websocket\"") && closed.contains("\"reason\": \"Client Closed\""),
        "{closed}"
    );
}

pub(crate) fn a_websocket_that_changes_shards_goes_on(setup: Setup) {
    let options = ServerOptions {
        setup,
        config: Some(BLOCK.to_owned()),
        args: vec!["--colocate".into(), "--placement".into(), "spread".into(), "-m".into(), "-1".into()],
        ..ServerOptions::default()
    };
    let server = Server::start(options).expect("the server starts");
    let mut publishers: Vec<Client> = (0..4).map(|_| Client::connect(web_address(&server))).collect();
    let mut subscribers: Vec<Client> = (0..4).map(|_| Client::connect(web_address(&server))).collect();
    for (at, subscriber) in subscribers.iter_mut().enumerate() {
        subscriber.say(&format!("CONNECT {{\"verbose\":false}}\r\nSUB s{at} 1\r\nPING\r\n"));
        assert_eq!(subscriber.text(), "PONG\r\n");
    }
    for publisher in &mut publishers {
        publisher.say("CONNECT {\"verbose\":false}\r\n");
    }
    // So many that connections are worth moving to whom they talk to.
    for round in 0..2_000_u32 {
        for (at, publisher) in publishers.iter_mut().enumerate() {
            let text = round.to_string();
            publisher.send_frame(BINARY, format!("PUB s{at} {}\r\n{text}\r\n", text.len()).as_bytes());
        }
    }
    for (at, subscriber) in subscribers.iter_mut().enumerate() {
        let expected: String = (0..2_000_u32)
            .map(|round| format!("MSG s{at} 1 {}\r\n{round}\r\n", round.to_string().len()))
            .collect();
        let text = subscriber.text_until(&format!("MSG s{at} 1 4\r\n1999\r\n"));
        assert!(text == expected, "{at}");
    }
}

pub(crate) fn the_end_of_the_server_is_told(setup: Setup) {
    let mut server = start(setup, BLOCK);
    let mut clients: Vec<Client> = (0..3).map(|_| Client::connect(web_address(&server))).collect();
    let mut guest = Client::dial(web_address(&server));
    server.stop().expect("it ends");
    for client in &mut clients {
        assert_eq!(client.last_words(), "1001 Server Shutdown");
    }
    assert_eq!(guest.read_to_end(), b"");
}
