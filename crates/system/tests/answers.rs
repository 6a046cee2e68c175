//! Requests and their answers, through a broker.

mod rig;

use std::sync::Arc;

use monitor::Moment;
use nats_auth::{AccountConfig, Config, Directory};
use rig::{Rig, config, user};
use system::{ServerIdentity, SystemEvent};

#[test]
fn a_user_learns_who_it_is_and_what_it_may_do() {
    for shards in [1, 3] {
        let mut rig = Rig::new(shards);
        for (name, account) in [("a", "A"), ("s", "$SYS"), ("a", "A")] {
            let client = rig.client(name);
            let said = rig.ask(client, "USER.INFO");
            let data =
                format!(r#""data":{{"user":"{name}","account":"{account}","account_name":"{account}"}}}}"#);
            assert!(said.starts_with("MSG r 1 ") && said.ends_with(&format!("{data}\r\n")), "{said}");
        }
    }
}

/// As in nats-server 2.14.5.
#[test]
fn who_may_not_publish_there_is_not_answered() {
    let mut rig = Rig::new(1);
    let client = rig.client("b");
    let said = rig.ask(client, "USER.INFO");
    assert_eq!(said, "-ERR 'Permissions Violation for Publish to \"$SYS.REQ.USER.INFO\"'\r\n");
}

#[test]
fn only_the_system_account_asks_how_the_server_is() {
    let mut rig = Rig::new(2);
    let (other, system) = (rig.client("a"), rig.client("s"));
    for what in ["SERVER.PING", "SERVER.PING.STATSZ", "SERVER.NID.STATSZ"] {
        let said = rig.ask(system, what);
        assert!(said.contains(r#"},"statsz":{"#) && said.contains(r#""connections":7,"#), "{said}");
        assert!(rig.ask(other, what).contains("503"));
    }
    let said = rig.ask(system, "SERVER.PING.VARZ");
    assert!(
        said.contains(r#"},"data":{"server_id":"NID","#) && said.contains(r#""connections":7,"#),
        "{said}"
    );
    assert!(rig.ask(system, "SERVER.NID.HEALTHZ").contains(r#""data":{"status":"ok","status_code":200}}"#));
    let id = "MSG r 1 33\r\n{\"name\":\"S\",\"host\":\"\",\"id\":\"NID\"}\r\n";
    assert_eq!(rig.ask(system, "SERVER.PING.IDZ"), id);
    assert!(rig.ask(other, "SERVER.PING.IDZ").contains("503"));
    assert!(rig.ask(system, "SERVER.PING.NOPE").contains("503"));
    assert!(rig.ask(system, "SERVER.PING.JSZ").contains(r#"},"data":0}"#));
    let refused = r#"},"data":null,"error":{"code":500,"description":"account X"}}"#;
    assert!(rig.ask(system, "ACCOUNT.X.JSZ").contains(refused));
    assert!(rig.ask(system, "ACCOUNT.A.CLAIMS.UPDATE").contains(r#""error":{"code":501,"#));
}

/// As nats-server 2.14.5 maps and refuses them.
#[test]
fn an_account_learns_of_itself_alone() {
    let mut rig = Rig::new(2);
    let (other, system) = (rig.client("a"), rig.client("s"));
    let of_account = r#"account: Some(\"A\")"#;
    for what in ["SERVER.PING.CONNZ", "ACCOUNT.PING.CONNZ"] {
        assert!(rig.ask(other, what).contains(of_account));
        let said = rig.say(other, &format!("PUB $SYS.REQ.{what} r 11\r\n{{\"acc\":\"B\"}}\r\n"));
        assert!(said.contains(of_account), "{said}");
    }
    assert!(rig.ask(other, "ACCOUNT.PING.STATZ").contains(r#"accounts: [\"A\"], unused: false"#));
    for what in ["ACCOUNT.A.CONNZ", "ACCOUNT.A.STATZ", "ACCOUNT.PING.SUBSZ", "ACCOUNT.A.INFO"] {
        assert!(rig.ask(other, what).contains("503"), "{what}");
    }
    assert!(rig.ask(system, "ACCOUNT.A.CONNZ").contains(of_account));
    assert!(rig.ask(system, "ACCOUNT.A.SUBSZ").contains(of_account));
    assert!(rig.ask(system, "SERVER.PING.CONNZ").contains("account: None"));
    assert!(rig.ask(system, "ACCOUNT.PING.STATZ").contains("accounts: [], unused: false"));
    assert!(rig.ask(system, "ACCOUNT.A.CONNS").contains(r#""acc":"A","name":"A","conns":2,"#));
    let refused = r#""data":null,"error":{"code":500,"description":"invalid sorting option: x"}}"#;
    let said = rig.say(system, "PUB $SYS.REQ.SERVER.PING.CONNZ r 12\r\n{\"sort\":\"x\"}\r\n");
    assert!(said.contains(refused), "{said}");
    assert_eq!(rig.say(system, "PUB $SYS.DEBUG.SUBSCRIBERS r 3\r\nx.>\r\n"), "MSG r 1 1\r\n4\r\n");
}

#[test]
fn answers_are_packed_for_those_who_accept_it() {
    let mut rig = Rig::new(1);
    let system = rig.client("s");
    let mut asks = |accepted: &str| {
        let headers = format!("NATS/1.0\r\nAccept-Encoding: {accepted}\r\n\r\n");
        let len = headers.len();
        let request = format!("HPUB $SYS.REQ.SERVER.PING.LEAFZ r {len} {len}\r\n{headers}\r\n");
        rig.say(system, &request)
    };
    assert!(asks("br").contains("Content-Encoding: identity\r\n\r\n{\"server\":"));
}

#[test]
fn who_listens_to_requests_has_its_copy() {
    let mut rig = Rig::new(2);
    let (asks, listens) = (rig.client("a"), rig.client("a"));
    rig.say(listens, "SUB $SYS.> 9\r\n");
    assert!(rig.ask(asks, "USER.INFO").contains(r#""user":"a""#));
    assert!(rig.shards.output(listens).contains("MSG $SYS.REQ.USER.INFO 9 r 0\r\n"));
}

#[test]
fn without_a_reply_the_server_tells_all_who_listen_to_it() {
    let mut rig = Rig::new(1);
    let client = rig.client("s");
    rig.say(client, "SUB $SYS.SERVER.*.STATSZ 9\r\n");
    let said = rig.say(client, "PUB $SYS.REQ.SERVER.PING 0\r\n\r\nPUB $SYS.REQ.SERVER.PING.IDZ 0\r\n\r\n");
    assert_eq!(said.matches("MSG $SYS.SERVER.NID.STATSZ 9").count(), 1);
    assert_eq!(said.matches("MSG").count(), 1);
}

/// What nobody listens to is not even found out.
#[test]
fn how_the_server_is_is_told_unasked_where_somebody_listens() {
    let mut rig = Rig::new(2);
    let client = rig.client("s");
    let beat = |rig: &mut Rig| rig.systems[0].on_event(&mut rig.shards.brokers[0], SystemEvent::Beat);
    beat(&mut rig);
    assert!(rig.turn().is_empty());
    rig.say(client, "SUB $SYS.SERVER.*.STATSZ 9\r\n");
    beat(&mut rig);
    rig.settle();
    assert_eq!(rig.shards.output(client).matches("MSG $SYS.SERVER.NID.STATSZ 9").count(), 1);
}

/// Who is in the system account and listens to none of it costs no more than a look.
#[test]
fn clients_are_told_of_where_somebody_listens() {
    for shards in [1, 3] {
        let mut rig = Rig::new(shards);
        let system = rig.client("s");
        rig.client("a");
        rig.settle();
        assert_eq!(rig.shards.output(system), "");
        rig.say(system, "SUB $SYS.ACCOUNT.> 9\r\nSUB $SYS.SERVER.ACCOUNT.> 8\r\n");
        rig.client("a");
        rig.settle();
        let told = rig.shards.output(system);
        assert_eq!(told.matches("MSG $SYS.ACCOUNT.A.CONNECT 9").count(), 1, "{told}");
        assert_eq!(told.matches("MSG $SYS.ACCOUNT.A.SERVER.CONNS 9").count(), 1, "{told}");
        assert_eq!(told.matches("MSG $SYS.SERVER.ACCOUNT.A.CONNS 8").count(), 1, "{told}");
        let event = SystemEvent::LameDuck(Moment(0));
        rig.say(system, "SUB $SYS.SERVER.NID.* 7\r\n");
        rig.systems[0].on_event(&mut rig.shards.brokers[0], event);
        rig.settle();
        let told = rig.shards.output(system);
        assert!(
            told.contains("MSG $SYS.SERVER.NID.LAMEDUCK 7") && told.contains(r#"{"name":"S","host""#),
            "{told}"
        );
    }
}

/// An answer that is a request itself would go round for ever.
#[test]
fn an_answer_to_where_requests_go_ends_there() {
    let mut rig = Rig::new(1);
    let client = rig.client("s");
    for what in ["SERVER.PING.IDZ", "USER.INFO", "SERVER.PING"] {
        assert_eq!(rig.say(client, &format!("PUB $SYS.REQ.SERVER.PING.IDZ $SYS.REQ.{what} 0\r\n\r\n")), "");
    }
}

#[test]
fn without_a_system_account_nobody_answers() {
    let users = vec![user("a", None)];
    let accounts = vec![AccountConfig { name: "A".into(), users, ..AccountConfig::default() }];
    let mut rig = Rig::with(1, &Config { accounts, no_system_account: true, ..Config::default() });
    let client = rig.client("a");
    assert!(rig.ask(client, "USER.INFO").contains("503"));
}

#[test]
fn a_system_account_that_comes_with_a_reload_is_heeded() {
    let before = Config {
        accounts: vec![AccountConfig {
            name: "A".into(),
            users: vec![user("a", None)],
            ..AccountConfig::default()
        }],
        no_system_account: true,
        ..Config::default()
    };
    let mut rig = Rig::with(1, &before);
    let client = rig.client("a");
    let after = Config { no_system_account: true, ..config() };
    let next = Directory::next(&rig.shards.brokers[0].settings().directory, &after).unwrap();
    rig.shards.reconfigure(|settings| settings.directory = next);
    let server = Arc::new(ServerIdentity { tags: vec!["t".into()], ..ServerIdentity::clone(&rig.server) });
    rig.systems[0].on_event(&mut rig.shards.brokers[0], SystemEvent::Reconfigured(server));
    assert!(rig.ask(client, "USER.INFO").contains(r#""tags":["t"]"#));
    let system = rig.client("s");
    assert!(rig.ask(system, "SERVER.PING.IDZ").contains("NID"));
}

#[test]
fn answers_wait_while_connections_move_and_go_where_the_client_is() {
    let mut rig = Rig::new(2);
    let client = rig.client("s");
    let _other = rig.client("s");
    rig.shards.feed(client, "PUB $SYS.REQ.SERVER.PING r 0\r\n\r\n");
    rig.shards.settle();
    let inquiries = rig.turn();
    assert!(rig.shards.ask_to_move(&[client], 1));
    inquiries.into_iter().for_each(|inquiry| rig.answer(inquiry));
    rig.turn();
    assert_eq!(rig.shards.output(client), "", "nothing is published while connections move");
    rig.shards.settle();
    rig.settle();
    let client = rig.shards.find(client);
    assert_eq!(client.shard, 1);
    assert!(rig.shards.output(client).contains(r#""statsz""#));
}
