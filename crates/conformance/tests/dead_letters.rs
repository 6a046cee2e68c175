//! Messages that consumers give up, kept and published again: as docs/dead-letters.md says.

use test_kit::{RawClient, Server, ServerBinary, ServerOptions, Setup, on_every_setup};

on_every_setup!(what_is_given_up_is_kept_and_published_again);

fn done(client: &mut RawClient, what: &str, body: &str) -> String {
    let said = client.ask(&format!("$JS.API.{what}"), body);
    assert!(!said.contains("\"error\""), "{what}: {said}");
    said
}

/// Exit code, and what is printed.
fn replay(server: &Server, args: &[&str]) -> (i32, String) {
    ServerBinary::run_to_end([&["replay", "DEAD", "--server", &server.url()][..], args].concat())
}

/// Where the next message can be acknowledged.
fn next(client: &mut RawClient) -> String {
    client.send("PUB $JS.API.CONSUMER.MSG.NEXT.ORDERS.shop answers.2 1\r\n1\r\n");
    client.next_message().reply.expect("it can be acknowledged")
}

fn what_is_given_up_is_kept_and_published_again(setup: Setup) {
    let options = ServerOptions { setup, has_streams: true, fixed_port: true, ..ServerOptions::default() };
    let mut server = Server::start(options).expect("the server starts");
    let mut client = server.connect();
    client.subscribe("answers.*", 1);
    done(&mut client, "STREAM.CREATE.ORDERS", r#"{"name":"ORDERS","subjects":["orders.>"]}"#);
    done(&mut client, "STREAM.CREATE.DEAD", r#"{"name":"DEAD"}"#);
    let config = r#"{"durable_name":"shop","name":"shop","ack_policy":"explicit","metadata":{"buster.dead_letters":"DEAD"}}"#;
    let body = format!(r#"{{"stream_name":"ORDERS","config":{config}}}"#);
    done(&mut client, "CONSUMER.CREATE.ORDERS.shop", &body);
    for number in 1..=3 {
        client.ask("orders.new", &format!("order {number}"));
    }
    for reason in ["+TERM no such customer", "+TERM"] {
        let reply = next(&mut client);
        assert_eq!(client.ask(&reply, reason), "");
    }
    // What was answered is there whatever happens.
    server.restart().expect("it starts again");
    let mut client = server.connect();
    client.subscribe("answers.*", 1);
    let info = done(&mut client, "STREAM.INFO.DEAD", "");
    assert!(info.contains(r#""messages":2"#), "{info}");
    let (code, said) = replay(&server, &["--consumer", "another"]);
    assert_eq!((code, &*said), (0, ""));
    let (code, said) = replay(&server, &["--consumer", "shop", "--of", "ORDERS"]);
    assert_eq!((code, &*said), (0, "1: orders.new: 4 of ORDERS\n2: orders.new: 5 of ORDERS\n"));
    let info = done(&mut client, "STREAM.INFO.DEAD", "");
    assert!(info.contains(r#""messages":0"#), "{info}");
    let got = done(&mut client, "STREAM.MSG.GET.ORDERS", r#"{"seq":4}"#);
    // It says "order 1".
    assert!(got.contains(r#""data":"b3JkZXIgMQ==""#), "{got}");
    let (code, said) = replay(&server, &["--server", "nats://127.0.0.1:1"]);
    assert!(code == 1 && said.contains("Connection refused"), "{code}: {said}");
}
