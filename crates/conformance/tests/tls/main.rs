//! TLS on client connections: who speaks first, who is let in, and that nothing is lost on the way.

mod certificates;
mod kernel;
mod line_client;
mod moving;

use std::sync::Arc;
use std::thread;

use async_nats::ConnectOptions;
use futures::StreamExt;
use rcgen::DnType;
use rustls::ClientConfig;
use test_kit::{ANSWER_DEADLINE, Server, ServerOptions, Setup, on_every_setup};

use self::certificates::Certificates;
use self::line_client::Clear;

fn start(setup: Setup, config: String) -> Server {
    let options = ServerOptions {
        setup,
        config: Some(config),
        args: vec!["-D".to_owned()],
        ..ServerOptions::default()
    };
    Server::start(options).expect("the server starts")
}

fn awaits(server: &Server, text: &str) {
    assert!(server.log().wait_for(text, ANSWER_DEADLINE).is_some(), "{text}:\n{}", server.log().text());
}

/// INFO in the clear, then TLS, then everything else.
fn info_comes_first(setup: Setup) {
    let certificates = Certificates::new();
    let server = start(setup, certificates.block(""));
    awaits(&server, "TLS required for client connections");
    let config = certificates.client_config(false);
    let mut clear = Clear::dial(server.addr());
    let info = clear.line();
    assert!(info.contains(r#""tls_required":true"#) && !info.contains("tls_available"), "{info}");
    let mut secure = clear.secure(&config);
    assert_eq!(secure.connect().expect("the handshake succeeds"), "PONG\r\n");
    awaits(&server, "TLS version 1.3, cipher suite TLS_AES_128_GCM_SHA256");

    let mut clear = Clear::dial(server.addr());
    clear.line();
    clear.send(b"CONNECT {}\r\nPING\r\n");
    assert!(clear.is_ended());
    awaits(&server, "TLS handshake error: tls: first record does not look like a TLS handshake");
    awaits(&server, "Client connection closed: TLS Handshake Failure");
}

fn tls_comes_first(setup: Setup) {
    let certificates = Certificates::new();
    let server = start(setup, certificates.block("handshake_first: true"));
    awaits(&server, "Clients that are not using \"TLS Handshake First\" option will fail to connect");
    let mut secure = Clear::dial(server.addr()).secure(&certificates.client_config(false));
    let info = secure.line().expect("the handshake succeeds");
    assert!(info.starts_with("INFO ") && info.contains(r#""tls_required":true"#), "{info}");
    assert_eq!(secure.connect().expect("it goes on"), "PONG\r\n");
}

/// Who begins with TLS is answered in TLS, who waits for INFO gets it after a while.
fn either_comes_first(setup: Setup) {
    let certificates = Certificates::new();
    let config = certificates.client_config(false);
    // So long that a slow machine does not mistake a client that begins.
    let patient = start(setup, certificates.block("handshake_first: 60s"));
    let mut secure = Clear::dial(patient.addr()).secure(&config);
    assert!(secure.line().expect("the handshake succeeds").starts_with("INFO "));
    assert_eq!(secure.connect().expect("it goes on"), "PONG\r\n");

    let server = start(setup, certificates.block("handshake_first: auto"));
    let mut clear = Clear::dial(server.addr());
    assert!(clear.line().contains(r#""tls_required":true"#));
    assert_eq!(clear.secure(&config).connect().expect("the handshake succeeds"), "PONG\r\n");
}

fn both_are_served_on_one_port(setup: Setup) {
    let certificates = Certificates::new();
    let server = start(setup, format!("allow_non_tls: true\n{}", certificates.block("")));
    awaits(&server, "TLS available for client connections");
    let mut clear = Clear::dial(server.addr());
    let info = clear.line();
    assert!(info.contains(r#""tls_available":true"#) && !info.contains("tls_required"), "{info}");
    clear.send(b"CONNECT {\"verbose\":false}\r\nSUB a 1\r\nPING\r\n");
    assert_eq!(clear.line(), "PONG\r\n");

    let mut other = Clear::dial(server.addr());
    other.line();
    let mut secure = other.secure(&certificates.client_config(false));
    assert_eq!(secure.connect().expect("the handshake succeeds"), "PONG\r\n");
    secure.send(b"PUB a 2\r\nhi\r\n");
    assert_eq!(clear.line() + &clear.line(), "MSG a 1 2\r\nhi\r\n");
}

fn clients_show_their_certificate(setup: Setup) {
    let certificates = Certificates::new();
    let server = start(setup, certificates.block("verify: true"));
    let connect = |shows| {
        let mut clear = Clear::dial(server.addr());
        assert!(clear.line().contains(r#""tls_verify":true"#));
        clear.secure(&certificates.client_config(shows)).connect()
    };
    assert_eq!(connect(true).expect("the handshake succeeds"), "PONG\r\n");
    assert!(connect(false).is_err());
    awaits(&server, "TLS handshake error: tls: client didn't provide a certificate");
}

/// Whoever CONNECT says it is.
fn a_certificate_says_who_a_client_is(setup: Setup) {
    let certificates = Certificates::new();
    let users = "authorization { users: [ {user: client}, {user: a} ] }";
    let server = start(setup, certificates.block("verify_and_map: true") + users);
    let mut clear = Clear::dial(server.addr());
    clear.line();
    let mut secure = clear.secure(&certificates.client_config(true));
    secure.send(b"CONNECT {\"verbose\":false,\"user\":\"a\"}\r\nPING\r\n-ERR x\r\n");
    assert_eq!(secure.line().expect("the handshake succeeds"), "PONG\r\n");
    awaits(&server, "[WRN] User \"a\" found in connect proto, but user required from cert");
    awaits(&server, "\"$G/user:client\" - Client Error x");
}

/// The peer's own example has two of these components; the authority here signs one of a kind.
fn a_user_may_be_named_without_the_domain_components_of_a_certificate(setup: Setup) {
    const NAME: &str = "CN=localhost,OU=NATS,O=NATS,L=Los Angeles,ST=CA,C=US";
    const DOMAIN_COMPONENT: [u64; 7] = [0, 9, 2342, 19_200_300, 100, 1, 25];
    let certificates = Certificates::new();
    let subject = [
        (DnType::CountryName, "US"),
        (DnType::StateOrProvinceName, "CA"),
        (DnType::LocalityName, "Los Angeles"),
        (DnType::OrganizationName, "NATS"),
        (DnType::OrganizationalUnitName, "NATS"),
        (DnType::CommonName, "localhost"),
        (DnType::from_oid(&DOMAIN_COMPONENT), "foo3"),
    ];
    certificates.sign_with_subject("client", &subject);
    let names = [format!("DC=foo1,{NAME}"), format!("{NAME},DC=foo1"), NAME.to_owned()];
    let users = names.map(|name| format!("{{user: \"{name}\"}}")).join(", ");
    let users = format!("authorization {{ users: [ {users} ] }}");
    let server = start(setup, certificates.block("verify_and_map: true") + &users);
    let mut clear = Clear::dial(server.addr());
    clear.line();
    let mut secure = clear.secure(&certificates.client_config(true));
    secure.send(b"CONNECT {\"verbose\":false}\r\nPING\r\n-ERR x\r\n");
    assert_eq!(secure.line().expect("the handshake succeeds"), "PONG\r\n");
    awaits(&server, &format!("\"$G/user:{NAME}\" - Client Error x"));
}

fn a_certificate_that_is_refused_is_named(setup: Setup) {
    let certificates = Certificates::new();
    certificates.sign_expired("client", "client");
    let server = start(setup, certificates.block("verify: true"));
    let mut clear = Clear::dial(server.addr());
    clear.line();
    assert!(clear.secure(&certificates.client_config(true)).connect().is_err());
    let reason = "x509: certificate has expired or is not yet valid: current time ";
    let line = server.log().wait_for(reason, ANSWER_DEADLINE).expect("it is told");
    assert!(
        line.contains("[ERR]") && line.contains(" is after 2001-01-01T00:00:00Z (CN=client SHA-256: "),
        "{line}"
    );
}

/// It is there when its handshake is over, even if it has nothing more to say by then.
fn what_a_client_said_before_it_left_counts(setup: Setup) {
    const CLIENTS: usize = 40;
    let certificates = Certificates::new();
    let server = start(setup, certificates.block(""));
    let config = certificates.client_config(false);
    let connect = || {
        let mut clear = Clear::dial(server.addr());
        clear.line();
        clear.secure(&config)
    };
    let mut listener = connect();
    listener.connect().expect("the handshake succeeds");
    listener.send(b"SUB last.words 1\r\nPING\r\n");
    assert_eq!(listener.line().expect("it goes on"), "PONG\r\n");
    for _ in 0..CLIENTS {
        let mut client = connect();
        client.send(b"CONNECT {\"verbose\":false}\r\nPUB last.words 2\r\nhi\r\n");
        client.end();
    }
    for _ in 0..CLIENTS {
        assert_eq!(listener.line().expect("a message"), "MSG last.words 1 2\r\n");
        listener.bytes(4);
    }
    assert!(!server.log().contains("handshake error"), "{}", server.log().text());
}

fn who_says_nothing_is_cut_off(setup: Setup) {
    let certificates = Certificates::new();
    let block = certificates.block("").replace("timeout: 30", "timeout: 0.05");
    let server = start(setup, block);
    for begins_with in [&b""[..], b"\x16\x03\x01"] {
        let mut clear = Clear::dial(server.addr());
        clear.line();
        clear.send(begins_with);
        assert!(clear.is_ended());
    }
    awaits(&server, "Client connection closed: TLS Handshake Failure");
}

// The line of a timeout was missing, and the others had neither the addresses nor the word "unexpected".
fn a_handshake_that_fails_is_told_in_the_peers_words(setup: Setup) {
    const RECORD_OF_FOUR: &[u8] = b"\x16\x03\x01\x00\x04\x01";
    let certificates = Certificates::new();
    let server = start(setup, certificates.block("").replace("timeout: 30", "timeout: 0.2"));
    let dial = || {
        let mut clear = Clear::dial(server.addr());
        clear.line();
        let read = format!("TLS handshake error: read tcp {}->{}: ", server.addr(), clear.local_addr());
        (clear, read)
    };
    let (mut slow, read) = dial();
    slow.send(RECORD_OF_FOUR);
    assert!(slow.is_ended());
    awaits(&server, "TLS handshake timeout");
    awaits(&server, &format!("{read}i/o timeout"));

    let (mut gone, _) = dial();
    gone.send(RECORD_OF_FOUR);
    drop(gone);
    awaits(&server, "[ERR] ");
    awaits(&server, "TLS handshake error: unexpected EOF");

    let (gone, _) = dial();
    drop(gone);
    awaits(&server, "TLS handshake error: EOF");

    // INFO was not read, so the end is a reset.
    let unread = Clear::dial(server.addr());
    let read = format!("TLS handshake error: read tcp {}->{}: ", server.addr(), unread.local_addr());
    unread.await_input();
    drop(unread);
    awaits(&server, &format!("{read}read: connection reset by peer"));
}

fn too_many_handshakes_are_refused(setup: Setup) {
    let certificates = Certificates::new();
    let block = certificates.block("connection_rate_limit: 1").replace("timeout: 30", "timeout: 1");
    let server = start(setup, block);
    let refused = "-ERR 'Connection throttling is active. Please try again later.'\r\n";
    // The second one comes within a second after the first, unless the machine is very slow; one that is
    // let in hears nothing until its time is over.
    let is_refused = |_| {
        let mut pair = [(); 2].map(|()| Clear::dial(server.addr()));
        pair.iter_mut().for_each(|client| assert!(client.line().starts_with("INFO ")));
        pair[1].line() == refused && pair[1].is_ended()
    };
    assert!((0..20).any(is_refused), "nobody was refused");
    awaits(&server, "Client connection closed: Maximum Connections Exceeded");
}

/// Payloads of all sizes come as they were sent, whatever the cuts of records and reads.
fn payloads_arrive_whole(setup: Setup) {
    let certificates = Certificates::new();
    let server = start(setup, certificates.block(""));
    check_payloads(&server, &certificates.client_config(false));
}

fn check_payloads(server: &Server, config: &Arc<ClientConfig>) {
    let connect = || {
        let mut clear = Clear::dial(server.addr());
        clear.line();
        let mut secure = clear.secure(config);
        assert_eq!(secure.connect().expect("the handshake succeeds"), "PONG\r\n");
        secure
    };
    let (mut publisher, mut listener) = (connect(), connect());
    listener.send(b"SUB big 1\r\nPING\r\n");
    assert_eq!(listener.line().expect("it goes on"), "PONG\r\n");
    let sizes = [0, 1, 1000, 16_383, 16_384, 16_385, 70_000, 300_000, 1 << 20];
    let payload =
        |size: usize, round: usize| -> Vec<u8> { (0..size).map(|at| (at * 7 + round) as u8).collect() };
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..5 {
                for size in sizes {
                    let mut frame = format!("PUB big {size}\r\n").into_bytes();
                    frame.extend(payload(size, round));
                    frame.extend(b"\r\n");
                    publisher.send(&frame);
                }
            }
        });
        for round in 0..5 {
            for size in sizes {
                let mut line = listener.line().expect("a message");
                // On a slow machine the server asks after its client meanwhile.
                while line == "PING\r\n" {
                    line = listener.line().expect("a message");
                }
                assert_eq!(line, format!("MSG big 1 {size}\r\n"));
                assert!(
                    listener.bytes(size + 2).starts_with(&payload(size, round)),
                    "{size} in round {round}"
                );
            }
        }
    });
}

/// A reader that takes nothing is cut off, though what waits for it is encrypted.
fn a_reader_that_takes_nothing_is_cut_off(setup: Setup) {
    let certificates = Certificates::new();
    let server = start(setup, format!("max_pending: 4MB\n{}", certificates.block("")));
    let config = certificates.client_config(false);
    let connect = |first: &[u8]| {
        let mut clear = Clear::dial(server.addr());
        clear.line();
        let mut secure = clear.secure(&config);
        assert_eq!(secure.connect().expect("the handshake succeeds"), "PONG\r\n");
        secure.send(first);
        secure.send(b"PING\r\n");
        assert_eq!(secure.line().expect("it goes on"), "PONG\r\n");
        secure
    };
    let _sleeper = connect(b"SUB flood 1\r\n");
    let mut publisher = connect(b"");
    let mut frame = b"PUB flood 500000\r\n".to_vec();
    frame.resize(frame.len() + 500_000, b'x');
    frame.extend(b"\r\n");
    while !server.log().text().contains("Slow Consumer Detected") {
        publisher.send(&frame);
        publisher.send(b"PING\r\n");
        assert_eq!(publisher.line().expect("it goes on"), "PONG\r\n");
    }
}

fn async_nats_is_served(setup: Setup) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let certificates = Certificates::new();
    for (more, tls_first) in [("", false), ("handshake_first: true", true), ("handshake_first: auto", true)] {
        let server = start(setup, certificates.block(&format!("verify: true\n{more}")));
        runtime.block_on(async {
            let client = connect_async_nats(&server, &certificates, tls_first).await;
            let mut heard = client.subscribe("a.b").await.expect("a subscription");
            for number in 0..1000 {
                client.publish("a.b", number.to_string().into()).await.expect("a message");
            }
            for number in 0..1000 {
                assert_eq!(heard.next().await.expect("a message").payload, number.to_string());
            }
        });
    }
}

async fn connect_async_nats(
    server: &Server,
    certificates: &Certificates,
    tls_first: bool,
) -> async_nats::Client {
    let options = ConnectOptions::new()
        .require_tls(true)
        .add_root_certificates(certificates.path("ca.pem"))
        .add_client_certificate(certificates.path("client.pem"), certificates.path("client-key.pem"));
    let options = if tls_first { options.tls_first() } else { options };
    options.connect(format!("tls://localhost:{}", server.addr().port())).await.expect("it connects")
}

on_every_setup!(
    info_comes_first,
    tls_comes_first,
    either_comes_first,
    both_are_served_on_one_port,
    clients_show_their_certificate,
    a_certificate_says_who_a_client_is,
    a_user_may_be_named_without_the_domain_components_of_a_certificate,
    a_certificate_that_is_refused_is_named,
    what_a_client_said_before_it_left_counts,
    who_says_nothing_is_cut_off,
    a_handshake_that_fails_is_told_in_the_peers_words,
    too_many_handshakes_are_refused,
    payloads_arrive_whole,
    a_reader_that_takes_nothing_is_cut_off,
    async_nats_is_served,
);

/// New connections get the new certificate; those that are there go on; a bad one changes nothing.
#[test]
fn a_reload_changes_the_certificate() {
    let (before, after) = (Certificates::new(), Certificates::new());
    let server = start(test_kit::SETUPS[1], before.block(""));
    let connect = |certificates: &Certificates| {
        let mut clear = Clear::dial(server.addr());
        clear.line();
        let mut secure = clear.secure(&certificates.client_config(false));
        secure.connect().map(|pong| (pong, secure))
    };
    let (_, mut old) = connect(&before).expect("the handshake succeeds");
    std::fs::remove_file(before.path("server.pem")).expect("it was written");
    let line = server.reload(&before.block("")).expect("the reload is answered");
    assert!(line.contains("Failed to reload") && line.contains("server.pem"), "{line}");
    before.sign("server", "localhost");
    let line = server.reload(&after.block("")).expect("the reload is answered");
    assert!(line.contains("Reloaded server configuration"), "{line}");
    assert!(connect(&before).is_err());
    assert_eq!(connect(&after).expect("the handshake succeeds").0, "PONG\r\n");
    old.send(b"PING\r\n");
    assert_eq!(old.line().expect("it goes on"), "PONG\r\n");
}

/// Monitoring over HTTPS shows the new certificate, too.
#[test]
fn a_reload_changes_the_certificate_of_monitoring() {
    let (before, after) = (Certificates::new(), Certificates::new());
    let config = |certificates: &Certificates| format!("https: \"127.0.0.1:-1\"\n{}", certificates.block(""));
    let server = start(test_kit::SETUPS[1], config(&before));
    let log = server.log().text();
    let line = log.lines().find(|line| line.contains("Starting https monitor on ")).expect("it is said");
    let addr = line.rsplit(' ').next().and_then(|addr| addr.parse().ok()).expect("an address is named");
    let answer = |certificates: &Certificates| {
        let mut secure = Clear::dial(addr).secure(&certificates.client_config(false));
        secure.try_send(b"GET /healthz HTTP/1.0\r\n\r\n").and_then(|()| secure.line())
    };
    assert_eq!(answer(&before).expect("the handshake succeeds"), "HTTP/1.0 200 OK\r\n");
    let line = server.reload(&config(&after)).expect("the reload is answered");
    assert!(line.contains("Reloaded server configuration"), "{line}");
    assert!(answer(&before).is_err());
    assert_eq!(answer(&after).expect("the handshake succeeds"), "HTTP/1.0 200 OK\r\n");
}
