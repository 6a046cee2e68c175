//! Users, permissions and accounts that change while the server runs.
//!
//! What becomes of connections was asked of nats-server 2.14.5; all of this holds for it too
//! (`BUSTER_SERVER_BIN=nats-server BUSTER_PEER=1`).

use test_kit::{RawClient, Server, ServerOp, Setup, on_every_setup};

on_every_setup!(
    connections_go_with_their_users,
    a_client_that_showed_another_password_is_told,
    subscriptions_that_are_not_permitted_any_more_end,
    publishing_is_held_against_new_permissions,
    clients_without_credentials_are_refused_once_there_are_users,
    new_accounts_are_known_on_all_shards,
    an_account_with_too_many_connections_loses_some,
    a_client_with_too_many_subscriptions_is_closed,
);

/// Clients enough to be on every shard, each past its CONNECT.
fn clients(server: &Server, credentials: &str) -> Vec<RawClient> {
    (0..4).map(|_| client(server, credentials)).collect()
}

fn client(server: &Server, credentials: &str) -> RawClient {
    let mut client = attempt(server, credentials);
    client.read_to_pong();
    client
}

/// A client that sent its CONNECT and a PING.
fn attempt(server: &Server, credentials: &str) -> RawClient {
    let mut client = RawClient::dial(server.addr());
    assert!(matches!(client.next_op(), ServerOp::Info(_)));
    client.send(format!("CONNECT {{\"verbose\":false,\"pedantic\":false{credentials}}}\r\nPING\r\n"));
    client
}

fn end(mut client: RawClient) -> String {
    String::from_utf8(client.read_to_close()).expect("what servers say is text")
}

fn credentials(user: &str, password: &str) -> String {
    format!(",\"user\":\"{user}\",\"pass\":\"{password}\"")
}

const TWO_USERS: &str = "authorization { users: [ {user: a, password: x}, {user: b, password: y} ] }";

fn connections_go_with_their_users(setup: Setup) {
    let server = Server::configured(setup, TWO_USERS);
    let (gone, there) = (clients(&server, &credentials("a", "x")), clients(&server, &credentials("b", "y")));
    server.reloaded("authorization { users: [ {user: b, password: y}, {user: c, password: z} ] }");
    gone.into_iter().for_each(|client| assert_eq!(end(client), ""));
    for mut client in there {
        client.flush();
    }
    client(&server, &credentials("c", "z"));
    assert_eq!(end(attempt(&server, &credentials("a", "x"))), "-ERR 'Authorization Violation'\r\n");
}

fn a_client_that_showed_another_password_is_told(setup: Setup) {
    let server = Server::configured(setup, TWO_USERS);
    let clients = clients(&server, &credentials("a", "x"));
    server.reloaded("authorization { users: [ {user: a, password: z}, {user: b, password: y} ] }");
    clients.into_iter().for_each(|client| assert_eq!(end(client), "-ERR 'Authorization Violation'\r\n"));
    client(&server, &credentials("a", "z"));
}

fn permitted(permissions: &str) -> String {
    format!("authorization {{ users: [ {{user: a, password: x, permissions: {{ {permissions} }} }} ] }}")
}

fn subscriptions_that_are_not_permitted_any_more_end(setup: Setup) {
    let server = Server::configured(setup, &permitted("publish: \">\""));
    let mut subscribers = clients(&server, &credentials("a", "x"));
    for subscriber in &mut subscribers {
        subscriber.send("SUB other 1\r\nSUB ok 2\r\nSUB fob.> 3\r\nSUB foo.a 4\r\nSUB other q 5\r\n");
        subscriber.flush();
    }
    server.reloaded(&permitted("publish: \">\", subscribe: [\"ok\", \"foo.*\"]"));
    for subscriber in &mut subscribers {
        let mut errors: Vec<String> = (0..3)
            .map(|_| match subscriber.next_op() {
                ServerOp::Err(text) => text,
                other => panic!("{other:?} instead of an error"),
            })
            .collect();
        errors.sort();
        let wanted = [
            "Permissions Violation for Subscription to \"fob.>\" (sid \"3\")",
            "Permissions Violation for Subscription to \"other\" (sid \"1\")",
            "Permissions Violation for Subscription to \"other\" using queue \"q\" (sid \"5\")",
        ];
        assert_eq!(errors, wanted);
    }
    let mut publisher = client(&server, &credentials("a", "x"));
    ["other", "fob.c", "foo.a", "ok"].iter().for_each(|subject| publisher.publish(subject, ""));
    publisher.flush();
    for subscriber in &mut subscribers {
        let sids = [subscriber.next_message().sid, subscriber.next_message().sid];
        assert_eq!(sids, ["4", "2"]);
        assert_eq!(subscriber.flush(), []);
    }
}

fn publishing_is_held_against_new_permissions(setup: Setup) {
    let server = Server::configured(setup, &permitted("publish: \">\""));
    let mut clients = clients(&server, &credentials("a", "x"));
    for client in &mut clients {
        client.publish("no", "");
        client.flush();
    }
    server.reloaded(&permitted("publish: { deny: \"no\" }"));
    for client in &mut clients {
        client.publish("no", "");
        client.send("PING\r\n");
        let wanted = "Permissions Violation for Publish to \"no\"";
        assert_eq!(client.next_op(), ServerOp::Err(wanted.into()));
        client.read_to_pong();
    }
}

fn clients_without_credentials_are_refused_once_there_are_users(setup: Setup) {
    let server = Server::configured(setup, "debug: false\n");
    let clients = clients(&server, "");
    let log = server.reloaded(TWO_USERS);
    assert!(log.contains("[INF] Reloaded: authorization users\n"), "{log}");
    clients.into_iter().for_each(|client| assert_eq!(end(client), "-ERR 'Authorization Violation'\r\n"));
    let ServerOp::Info(info) = RawClient::dial(server.addr()).next_op() else { panic!("INFO comes first") };
    assert!(info.contains("\"auth_required\":true"), "{info}");
}

fn new_accounts_are_known_on_all_shards(setup: Setup) {
    let account = |name: &str| format!("{name}: {{ users: [ {{user: {name}, password: x}} ] }}");
    let server = Server::configured(setup, &format!("accounts {{ {} }}", account("A")));
    let mut old = clients(&server, &credentials("A", "x"));
    old.iter_mut().for_each(|client| client.subscribe("s", 1));
    server.reloaded(&format!("accounts {{ {}, {} }}", account("B"), account("A")));
    let mut new = clients(&server, &credentials("B", "x"));
    new.iter_mut().for_each(|client| client.subscribe("s", 1));
    new[0].publish("s", "b");
    for client in &mut new {
        assert_eq!(client.next_message().text(), "b");
    }
    old[0].publish("s", "a");
    for client in &mut old {
        assert_eq!(client.next_message().text(), "a", "accounts keep to themselves");
    }
}

/// Two accounts, the first with limits.
fn limited(limits: &str) -> String {
    let account =
        |name: &str, more: &str| format!("{name}: {{ users: [ {{user: {name}, password: x}} ]{more} }}");
    let more = format!(", limits {{ {limits} }}");
    format!("accounts {{ {}, {} }}", account("A", &more), account("B", ""))
}

fn an_account_with_too_many_connections_loses_some(setup: Setup) {
    let server = Server::configured(setup, &limited("max_connections: 10"));
    let crowd = clients(&server, &credentials("A", "x"));
    let mut other = client(&server, &credentials("B", "x"));
    let log = server.reloaded(&limited("max_connections: 1"));
    let text = "maximum account active connections exceeded";
    assert!(log.contains(text), "{log}");
    let stayed = crowd.into_iter().filter_map(|mut client| {
        let _ = client.try_send("PING\r\n");
        match client.next_op() {
            ServerOp::Pong => Some(client),
            ServerOp::Err(said) if said == text => None,
            other => panic!("{other:?}"),
        }
    });
    let stayed: Vec<RawClient> = stayed.collect();
    assert_eq!(stayed.len(), 1);
    other.flush();
    assert_eq!(end(attempt(&server, &credentials("A", "x"))), format!("-ERR '{text}'\r\n"));
}

fn a_client_with_too_many_subscriptions_is_closed(setup: Setup) {
    let server = Server::configured(setup, &limited("max_subscriptions: 10"));
    let [mut many, mut few] = [(); 2].map(|()| client(&server, &credentials("A", "x")));
    many.send("SUB a 1\r\nSUB b 2\r\nSUB c 3\r\n");
    many.flush();
    few.subscribe("a", 1);
    server.reloaded(&limited("max_subscriptions: 2"));
    assert_eq!(end(many), "-ERR 'maximum subscriptions exceeded'\r\n");
    few.subscribe("b", 2);
    few.send("SUB c 3\r\n");
    assert_eq!(few.next_op(), ServerOp::Err("maximum subscriptions exceeded".into()));
}
