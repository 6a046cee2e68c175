//! Services of clients and of the server that are asked from other servers, and the other way round, as it is on the wire.

mod letters;
mod shards;
mod users;

use broker::{Owner, Party, PeerId};
use letters::{claim, mail, open_everywhere};
use nats_auth::{AccountConfig, Config, Directory, Export, ExportKind, Import, ImportKind, ServiceTerms};
use shards::{Conn, Shards};
use users::{account, login, user};

fn config() -> Config {
    let kind = ExportKind::Service(ServiceTerms::default());
    let export = Export { subject: "q.*".into(), accounts: Vec::new(), account_token_position: 0, kind };
    let kind = ImportKind::Service { to: "r.*".into(), share: true };
    let import = Import { account: "A".into(), subject: "q.*".into(), kind };
    let a = AccountConfig { exports: vec![export], ..account("A", &[user("a", "x")]) };
    let b = AccountConfig { imports: vec![import], ..account("B", &[user("b", "x")]) };
    Config { accounts: vec![a, b, account("C", &[user("c", "x")])], ..Config::default() }
}

fn server(shards: usize, config: &Config) -> Shards {
    let cluster = cluster::Config {
        server_id: "NTEST".into(),
        server_name: "here".into(),
        cluster: "C".into(),
        ..cluster::Config::default()
    };
    Shards::in_cluster(shards, Some(cluster), |settings| {
        settings.directory = Directory::new(config).unwrap();
    })
}

fn route(shards: &mut Shards) -> Conn {
    let route = shards.accept_peer();
    let hello = concat!(
        "CONNECT {\"name\":\"NF\",\"cluster\":\"C\",\"headers\":true}\r\n",
        "INFO {\"server_id\":\"NF\",\"server_name\":\"F\",\"headers\":true,\"cluster\":\"C\"}\r\n",
    );
    shards.feed(route, hello);
    shards.settle();
    route
}

fn say(shards: &mut Shards, conn: Conn, text: &str) -> String {
    shards.feed(conn, text);
    shards.settle();
    shards.output(conn)
}

/// The reply subject in what a server was sent, and the server's word of it.
fn reply(said: &str) -> (String, String) {
    let mut words = said.split([' ', '\r', '\n']);
    let reply = words.find(|word| word.starts_with("_R_.")).unwrap_or_else(|| panic!("no reply in {said}"));
    (reply.to_owned(), reply.split('.').nth(1).unwrap().to_owned())
}

#[test]
fn a_request_across_accounts_is_answered_by_another_server() {
    for count in 1..4 {
        let mut shards = server(count, &config());
        let route = route(&mut shards);
        let told = shards.output(route);
        say(&mut shards, route, "RS+ A q.*\r\n");
        for _ in 0..count {
            let client = login(&mut shards, "b");
            assert_eq!(say(&mut shards, client, "SUB inbox 1\r\nPUB r.1 inbox 2\r\nhi\r\n"), "");
            let asked = shards.output(route);
            let (reply, server) = reply(&asked);
            // Whoever shares services has its responses come here, and nobody else.
            let wanted: Vec<&str> = told.lines().filter(|line| line.contains("_R_")).collect();
            assert_eq!(wanted, [format!("RS+ A _R_.{server}.>"), format!("RS+ B _R_.{server}.>")]);
            let asked = asked.split_once("HMSG").unwrap().1;
            assert!(asked.starts_with(&format!(" A q.1 {reply} ")), "{asked}");
            assert!(
                asked.contains("\"acc\":\"B\"") && asked.contains("\"cluster\":\"C\",\"kind\""),
                "{asked}"
            );
            say(&mut shards, route, &format!("RMSG A {reply} 3\r\nyes\r\n"));
            assert_eq!(shards.output(client), "MSG inbox 1 3\r\nyes\r\n", "{count} shards");
            say(&mut shards, route, &format!("RMSG A {reply} 3\r\nyes\r\nRMSG C {reply} 3\r\nyes\r\n"));
            assert_eq!(shards.output(client), "", "there is one response");
        }
    }
}

#[test]
fn a_client_here_answers_what_is_asked_by_way_of_another_server() {
    let mut shards = server(2, &config());
    let route = route(&mut shards);
    say(&mut shards, route, "RS+ A _R_.other1.>\r\n");
    shards.output(route);
    for _ in 0..2 {
        let responder = login(&mut shards, "a");
        say(&mut shards, responder, "SUB q.* 1\r\n");
        shards.output(route);
        say(&mut shards, route, "RMSG A q.1 _R_.other1.abcdef 2\r\nhi\r\n");
        assert_eq!(shards.output(responder), "MSG q.1 1 _R_.other1.abcdef 2\r\nhi\r\n");
        say(&mut shards, responder, "PUB _R_.other1.abcdef 3\r\nyes\r\n");
        assert_eq!(shards.output(route), "RMSG A _R_.other1.abcdef 3\r\nyes\r\n");
        say(&mut shards, responder, "UNSUB 1\r\n");
        shards.output(route);
    }
}

#[test]
fn a_response_finds_its_way_on_to_a_third_server() {
    let mut shards = server(2, &config());
    let (asked, third) = (route(&mut shards), shards.accept_peer());
    let hello = concat!(
        "CONNECT {\"name\":\"NG\",\"cluster\":\"C\",\"headers\":true}\r\n",
        "INFO {\"server_id\":\"NG\",\"server_name\":\"G\",\"headers\":true,\"cluster\":\"C\"}\r\nRS+ B inbox\r\n",
    );
    say(&mut shards, third, hello);
    say(&mut shards, asked, "RS+ A q.*\r\n");
    let client = login(&mut shards, "b");
    say(&mut shards, client, "PUB r.1 inbox 2\r\nhi\r\n");
    let (reply, _) = reply(&shards.output(asked));
    shards.output(third);
    say(&mut shards, asked, &format!("RMSG A {reply} 3\r\nyes\r\n"));
    assert_eq!(shards.output(third), "RMSG B inbox 3\r\nyes\r\n");
}

#[test]
fn what_a_service_owns_is_told_and_comes_to_its_owner() {
    for count in 1..4 {
        let mut shards = server(count, &config());
        let service = open_everywhere(&mut shards);
        claim(&mut shards, service, |subject| match subject {
            b"$X.here" => Owner::Here,
            b"$X.last" => Owner::Shard(fabric::ShardId(0)),
            _ => Owner::Nobody,
        });
        let account = |shards: &Shards, name: &str| {
            let directory = &shards.brokers[0].settings().directory;
            directory.accounts().iter().position(|account| **account.name() == *name).unwrap()
        };
        let (a, b) = (account(&shards, "A"), account(&shards, "B"));
        let filters = |accounts: &[usize]| -> broker::Advertised {
            accounts.iter().map(|account| (*account, b"$X.>".as_slice().into())).collect()
        };
        shards.brokers[0].advertise(service, filters(&[a]));
        let route = route(&mut shards);
        assert!(shards.output(route).contains("RS+ A $X.>\r\n"));
        say(
            &mut shards,
            route,
            "RMSG A $X.here r 2\r\nhi\r\nRMSG A $X.last 2\r\nho\r\nRMSG A $X.no 0\r\n\r\n",
        );
        let read = mail(&mut shards, 0, service);
        let what: Vec<(&str, &str)> =
            read.iter().map(|(_, subject, body, _)| (&**subject, &**body)).collect();
        assert_eq!(what, [("$X.here", "hi"), ("$X.last", "ho")], "{count} shards");
        assert!(read.iter().all(|(_, _, _, from)| *from == Party::Peer(PeerId(0))));
        // A change is told as one.
        shards.brokers[0].advertise(service, filters(&[a, b]));
        shards.settle();
        assert_eq!(shards.output(route), "RS+ B $X.>\r\n");
        shards.brokers[0].advertise(service, filters(&[b]));
        shards.settle();
        assert_eq!(shards.output(route), "RS- A $X.>\r\n");
    }
}
