//! Messages that ask for a trace. What became of them is what nats-server 2.14.5 made of them.

mod shards;

use nats_auth::{Config, Directory, IdentityConfig, Mapping, Permissions, SubjectPermission, User};
use shards::{Conn, Shards};

const ONLY: &str = "Nats-Trace-Dest: trace.x\r\nNats-Trace-Only: true\r\n";
const OPTIONS: &str = r#""pedantic":false,"headers":true,"no_responders":true,"user":"u","pass":"p""#;

/// A server where the user may not publish to `denied`, and `m.*` goes to `foo`.
fn shards(count: usize) -> Shards {
    let identity = IdentityConfig::Password { user: "u".into(), password: "p".into() };
    let deny = SubjectPermission { deny: vec!["denied".into()], allow: Vec::new() };
    let permissions = Some(Permissions { publish: Some(deny), ..Permissions::default() });
    let user = User { identity, permissions, allowed_connection_types: None };
    let to = nats_auth::Destination { subject: "foo".into(), weight: 100, cluster: None };
    let mappings = vec![Mapping { source: "m.*".into(), destinations: vec![to] }];
    let directory = Directory::new(&Config { users: vec![user], mappings, ..Config::default() }).unwrap();
    Shards::with(count, |settings| settings.directory = directory)
}

fn quiet(shards: &mut Shards) -> Conn {
    shards.connect(&format!(r#""verbose":false,{OPTIONS}"#))
}

fn hpub(subject: &str, reply: &str, fields: &str) -> String {
    let headers = format!("NATS/1.0\r\n{fields}\r\n");
    let (header_bytes, bytes) = (headers.len(), headers.len() + 1);
    format!("HPUB {subject} {reply} {header_bytes} {bytes}\r\n{headers}x\r\n")
}

/// What `reader` and `publisher` were sent after this message.
fn publish(shards: &mut Shards, publisher: Conn, reader: Conn, message: &str) -> (String, String) {
    shards.feed(publisher, message);
    shards.settle();
    (shards.output(reader), shards.output(publisher))
}

// Subscribers got it.
#[test]
fn a_message_that_only_asks_for_a_trace_reaches_nobody() {
    for count in [1, 2] {
        let mut shards = shards(count);
        let (reader, publisher) = (quiet(&mut shards), quiet(&mut shards));
        shards.feed(reader, "SUB foo 1\r\nSUB foo q 2\r\nSUB bar q 3\r\n");
        shards.settle();
        for subject in ["foo", "bar", "m.x"] {
            let nothing = (String::new(), String::new());
            assert_eq!(
                publish(&mut shards, publisher, reader, &hpub(subject, "", ONLY)),
                nothing,
                "{subject}"
            );
        }
        let traced = hpub("foo", "", "Nats-Trace-Dest: trace.x\r\n");
        let (heard, _) = publish(&mut shards, publisher, reader, &traced);
        assert_eq!(heard.matches("HMSG foo").count(), 2, "with a destination alone it is delivered");
    }
}

#[test]
fn whether_anyone_would_take_it_is_told() {
    for count in [1, 2] {
        let mut shards = shards(count);
        let (reader, publisher) = (quiet(&mut shards), quiet(&mut shards));
        shards.feed(reader, "SUB foo 1\r\nSUB bar q 3\r\n");
        shards.feed(publisher, "SUB rep 7\r\n");
        shards.settle();
        shards.output(publisher);
        for subject in ["foo", "bar"] {
            let (_, told) = publish(&mut shards, publisher, reader, &hpub(subject, "rep", ONLY));
            assert_eq!(told, "", "{subject}");
        }
        let (_, told) = publish(&mut shards, publisher, reader, &hpub("none", "rep", ONLY));
        assert!(told.starts_with("HMSG rep 7 36 36\r\nNATS/1.0 503"), "{told}");
    }
    let mut shards = shards(1);
    let deaf = shards.connect(&format!(r#""verbose":false,"echo":false,{OPTIONS}"#));
    shards.feed(deaf, "SUB own 1\r\nSUB own q 2\r\nSUB rep 7\r\n");
    let told = shards.say(deaf, &hpub("own", "rep", ONLY));
    assert!(told.starts_with("HMSG rep 7 35 35\r\n"), "{told}");
}

#[test]
fn it_uses_up_no_maximum_and_is_acknowledged() {
    let mut shards = shards(1);
    let reader = quiet(&mut shards);
    let publisher = shards.connect(&format!(r#""verbose":true,{OPTIONS}"#));
    shards.feed(reader, "SUB lim 4\r\nUNSUB 4 1\r\n");
    let acknowledged = (String::new(), "+OK\r\n".into());
    assert_eq!(publish(&mut shards, publisher, reader, &hpub("lim", "", ONLY)), acknowledged);
    let (heard, _) = publish(&mut shards, publisher, reader, &hpub("lim", "", "A: b\r\n"));
    assert!(heard.starts_with("HMSG lim 4 "), "{heard}");
}

#[test]
fn what_may_not_be_published_may_not_be_traced_either() {
    let mut shards = shards(1);
    let (reader, publisher) = (quiet(&mut shards), quiet(&mut shards));
    shards.feed(reader, "SUB > 1\r\n");
    let to = |destination: &str| format!("Nats-Trace-Dest: {destination}\r\n");
    for (message, violated) in [
        (hpub("denied", "", ONLY), "Publish to \"denied\""),
        (hpub("_GR_.x", "", ONLY), "Publish to \"_GR_.x\""),
        (hpub("foo", "_R_.x", ONLY), "Publish with Reply of \"_R_.x\""),
        (hpub("foo", "", &to("denied")), "Publish to \"denied\""),
        (hpub("foo", "", &to("_GR_.x")), "Publish to \"_GR_.x\""),
        (hpub("foo", "", &to("$NRG.x")), "Publish to \"$NRG.x\""),
    ] {
        let refused = (String::new(), format!("-ERR 'Permissions Violation for {violated}'\r\n"));
        assert_eq!(publish(&mut shards, publisher, reader, &message), refused);
    }
}

#[test]
fn a_trace_to_nowhere_is_none_but_still_only_that() {
    let mut shards = shards(1);
    let reader = quiet(&mut shards);
    let publisher = shards.connect(&format!(r#""verbose":true,{OPTIONS}"#));
    shards.feed(reader, "SUB foo 1\r\n");
    for nowhere in ["a b", "a..b", "a.*", ">", "trace.", "a\tb"] {
        let traced = format!("Nats-Trace-Dest: {nowhere}\r\n");
        let (heard, told) = publish(&mut shards, publisher, reader, &hpub("foo", "", &traced));
        assert!(heard.starts_with("HMSG foo") && told == "+OK\r\n", "{nowhere}");
        let only = format!("{traced}Nats-Trace-Only: true\r\n");
        let nothing = (String::new(), String::new());
        assert_eq!(publish(&mut shards, publisher, reader, &hpub("foo", "", &only)), nothing, "{nowhere}");
    }
    let old = format!("{ONLY}Nats-Trace-Origin-Account: A\r\n");
    assert_eq!(publish(&mut shards, publisher, reader, &hpub("foo", "", &old)).0, "");
}
