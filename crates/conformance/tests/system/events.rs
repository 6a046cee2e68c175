//! What the server tells unasked: clients that come and go, accounts that change, how it is, and its end.

use serde_json::{Value, json};
use test_kit::{Message, RawClient, Server, ServerOp, Setup, on_every_setup};

use crate::client::{CONFIG, Client, SPREAD, clients};

on_every_setup!(
    clients_that_come_and_go_are_told_of,
    who_is_turned_away_is_told_of_without_secrets,
    who_is_turned_away_is_told_of_in_an_account,
    accounts_that_change_are_told_of,
    who_listens_to_nothing_of_it_is_told_nothing,
    the_end_is_told,
);

/// A client of the system account that listens to that.
fn listener(server: &Server, filter: &str) -> Client {
    let mut client = Client::connect(server, "sys");
    client.raw.send(format!("SUB {filter} 9\r\n"));
    client.raw.flush();
    client
}

/// The next message with that ending of its subject; others are passed over.
fn next(client: &mut Client, ending: &str) -> (Message, Value) {
    loop {
        let message = client.raw.next_message();
        if message.subject.ends_with(ending) {
            let event = serde_json::from_slice(&message.payload).expect("JSON");
            return (message, event);
        }
    }
}

/// The keys of an object in the order in which they stand in its text, as far as it is one level deep.
fn keys_in_order(text: &str) -> Vec<String> {
    let (mut depth, mut keys, mut parts) = (0, Vec::new(), text.split('"').peekable());
    while let Some(between) = parts.next() {
        depth += between.matches('{').count() as i32 - between.matches('}').count() as i32;
        let Some(key) = parts.next() else { break };
        if depth == 1 && parts.peek().is_some_and(|after| after.starts_with(':')) {
            keys.push(key.to_owned());
        }
    }
    keys
}

fn clients_that_come_and_go_are_told_of(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut system = listener(&server, "$SYS.ACCOUNT.A.*");
    for _ in 0..SPREAD {
        let mut client = RawClient::dial(server.addr());
        let ServerOp::Info(_) = client.next_op() else { panic!("INFO comes first") };
        client.send(
            "CONNECT {\"verbose\":false,\"pedantic\":false,\"user\":\"open\",\"pass\":\"x\",\"name\":\"n\",\
             \"lang\":\"go\",\"version\":\"1.2\"}\r\nPUB x 3\r\nabc\r\nPING\r\n",
        );
        client.read_to_pong();
        let (message, event) = next(&mut system, ".CONNECT");
        assert_eq!(message.subject, "$SYS.ACCOUNT.A.CONNECT");
        assert_eq!(keys_in_order(&message.text()), ["type", "id", "timestamp", "server", "client"]);
        assert_eq!(event["type"], "io.nats.server.advisory.v1.client_connect");
        assert_eq!((event["id"].as_str().map(str::len), &event["server"]["name"]), (Some(22), &json!("S1")));
        let told = &event["client"];
        let expected = json!({
            "start": told["start"], "host": "127.0.0.1", "id": told["id"], "acc": "A", "user": "open", "name": "n",
            "lang": "go", "ver": "1.2", "name_tag": "A", "kind": "Client", "client_type": "nats",
        });
        assert_eq!(*told, expected);
        let (start, id) = (told["start"].clone(), told["id"].clone());
        drop(client);
        let (message, event) = next(&mut system, ".DISCONNECT");
        let keys = ["type", "id", "timestamp", "server", "client", "sent", "received", "reason"];
        assert_eq!(keys_in_order(&message.text()), keys);
        assert_eq!(event["type"], "io.nats.server.advisory.v1.client_disconnect");
        assert_eq!((&event["client"]["start"], &event["client"]["id"]), (&start, &id));
        assert_eq!(event["client"]["stop"], event["timestamp"]);
        assert_eq!((&event["sent"], &event["received"]), (&tally(1, 3), &tally(0, 0)));
        assert_eq!(event["reason"], "Client Closed");
    }
}

fn tally(msgs: u64, bytes: u64) -> Value {
    json!({ "msgs": msgs, "bytes": bytes })
}

fn who_is_turned_away_is_told_of_without_secrets(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut system = listener(&server, "$SYS.SERVER.*.CLIENT.AUTH.ERR");
    let mut client = RawClient::dial(server.addr());
    client.next_op();
    client.send("CONNECT {\"user\":\"open\",\"pass\":\"SECRET\",\"name\":\"n\"}\r\n");
    client.read_to_close();
    let (message, event) = next(&mut system, ".AUTH.ERR");
    assert_eq!(message.subject, format!("$SYS.SERVER.{}.CLIENT.AUTH.ERR", system.id));
    assert!(!message.text().contains("SECRET"));
    assert_eq!(event["type"], "io.nats.server.advisory.v1.client_disconnect");
    assert_eq!((&event["client"]["user"], &event["client"]["acc"]), (&json!("open"), &json!("$G")));
    assert_eq!((&event["client"]["name"], &event["reason"]), (&json!("n"), &json!("Authentication Failure")));
}

/// Also those of the account that clients are in before they say who they are.
fn who_is_turned_away_is_told_of_in_an_account(setup: Setup) {
    let config = format!("{CONFIG}\nauthorization {{ users: [ {{user: g, password: x}} ] }}");
    let server = Server::configured(setup, &config);
    let mut listener = Client::connect(&server, "g");
    listener.raw.send("SUB $SYS.> 9\r\n");
    listener.raw.flush();
    for _ in 0..SPREAD {
        let mut client = RawClient::dial(server.addr());
        client.next_op();
        client.send("CONNECT {\"user\":\"open\",\"pass\":\"SECRET\"}\r\n");
        client.read_to_close();
        let (message, event) = next(&mut listener, ".AUTH.ERR");
        assert_eq!(message.subject, "$SYS.ACCOUNT.CLIENT.AUTH.ERR");
        assert!(!message.text().contains("SECRET"));
        let keys = ["type", "id", "timestamp", "server", "client", "sent", "received", "reason"];
        assert_eq!(keys_in_order(&message.text()), keys);
        assert_eq!((&event["client"]["user"], &event["client"]["acc"]), (&json!("open"), &json!("$G")));
        assert_eq!(event["reason"], "Authentication Failure");
    }
}

fn accounts_that_change_are_told_of(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut system = listener(&server, "$SYS.>");
    let client = Client::connect(&server, "b");
    for subject in ["$SYS.SERVER.ACCOUNT.B.CONNS", "$SYS.ACCOUNT.B.SERVER.CONNS"] {
        let (message, event) = next(&mut system, ".CONNS");
        assert_eq!(message.subject, subject);
        let keys = "type id timestamp server acc name conns leafnodes total_conns num_subscriptions sent received slow_consumers";
        assert_eq!(keys_in_order(&message.text()), keys.split(' ').collect::<Vec<_>>());
        assert_eq!(
            (&event["acc"], &event["conns"], &event["total_conns"]),
            (&json!("B"), &json!(1), &json!(1))
        );
    }
    drop(client);
    let (message, event) = next(&mut system, ".SERVER.CONNS");
    assert_eq!(message.subject, "$SYS.ACCOUNT.B.SERVER.CONNS");
    assert_eq!(event["conns"], 0);
}

fn who_listens_to_nothing_of_it_is_told_nothing(setup: Setup) {
    let server = Server::configured(setup, CONFIG);
    let mut system = Client::connect(&server, "sys");
    drop(clients(&server, "open"));
    assert_eq!(system.learns("SERVER.PING.IDZ")["name"], "S1");
    assert_eq!(system.raw.flush(), []);
}

fn the_end_is_told(setup: Setup) {
    let mut server = Server::configured(setup, CONFIG);
    let mut listeners: Vec<Client> =
        (0..SPREAD).map(|_| listener(&server, "$SYS.SERVER.*.SHUTDOWN")).collect();
    let told = |system: &mut Client, ending: &str| {
        let (message, event) = next(system, ending);
        assert_eq!(message.subject, format!("$SYS.SERVER.{}{ending}", system.id));
        assert_eq!((&event["id"], &event["name"]), (&json!(system.id), &json!("S1")));
    };
    server.stop().expect("it ends");
    listeners.iter_mut().for_each(|system| told(system, ".SHUTDOWN"));
    let lame = Server::configured(setup, CONFIG);
    let mut warned = listener(&lame, "$SYS.SERVER.*.LAMEDUCK");
    lame.lame_duck().expect("it is sent a signal");
    told(&mut warned, ".LAMEDUCK");
}
