//! Settings that change while connections are there.

mod shards;

use std::sync::Arc;

use nats_auth::{
    AccountConfig, AccountLimits, Config, Directory, IdentityConfig, Permissions, SubjectPermission, User,
};
use shards::{Conn, Shards};

#[test]
fn a_reload_counts_from_the_next_op_and_tells_nobody() {
    let mut shards = Shards::new(1);
    let conn = shards.quiet();
    shards.reconfigure(|settings| {
        settings.options.limits.payload_bytes_max = 4;
        settings.options.max_subscriptions = 1;
        settings.info.host = "elsewhere".into();
    });
    assert_eq!(shards.output(conn), "");
    shards.feed(conn, "SUB a 1\r\nSUB b 2\r\nPUB a 4\r\nfour\r\n");
    assert_eq!(shards.output(conn), "-ERR 'maximum subscriptions exceeded'\r\nMSG a 1 4\r\nfour\r\n");
    shards.feed(conn, "PUB a 5\r\n");
    assert_eq!(shards.output(conn), "-ERR 'Maximum Payload Violation'\r\n");
    let newcomer = shards.accept();
    assert!(shards.output(newcomer).contains(r#""host":"elsewhere""#));
}

#[test]
fn a_reload_changes_how_many_may_connect_and_how_much_may_wait() {
    let mut shards = Shards::new(2);
    let (reader, publisher) = (shards.quiet(), shards.quiet());
    shards.feed(reader, "SUB a 1\r\n");
    shards.settle();
    shards.reconfigure(|settings| {
        settings.options.max_connections = 2;
        settings.options.max_pending = 1000;
    });
    let third = shards.accept();
    assert!(shards.output(third).ends_with("-ERR 'maximum connections exceeded'\r\n"));
    shards.feed(publisher, &format!("PUB a 990\r\n{}\r\n", "x".repeat(990)));
    shards.settle();
    shards.output(reader);
    assert!(shards.is_closed(reader));
}

/// Accounts `A` and `B`, each with a user of its name in small letters. `A` has limits.
fn accounts(limits: AccountLimits) -> Config {
    let account = |name: &str, limits| {
        let identity = IdentityConfig::Password { user: name.to_lowercase(), password: "x".into() };
        let user = User { identity, permissions: None, allowed_connection_types: None };
        AccountConfig { name: name.into(), users: vec![user], limits, ..AccountConfig::default() }
    };
    let accounts = vec![account("A", limits), account("B", AccountLimits::default())];
    Config { accounts, ..Config::default() }
}

fn start(limits: AccountLimits) -> Shards {
    let directory = Directory::new(&accounts(limits)).unwrap();
    Shards::with(2, |settings| settings.directory = directory)
}

fn reload(shards: &mut Shards, limits: AccountLimits) {
    let next = Directory::next(&shards.brokers[0].settings().directory, &accounts(limits)).unwrap();
    shards.reconfigure(|settings| settings.directory = next);
}

fn login(shards: &mut Shards, user: &str) -> Conn {
    shards.connect(&format!(r#""verbose":false,"pedantic":false,"user":"{user}","pass":"x""#))
}

// They stayed, and only newcomers were refused.
#[test]
fn an_account_with_too_many_connections_loses_some() {
    let limited = |max| AccountLimits { connections: Some(max), ..AccountLimits::default() };
    let mut shards = start(limited(5));
    let conns = [(); 5].map(|()| login(&mut shards, "a"));
    let other = login(&mut shards, "b");
    reload(&mut shards, limited(2));
    for broker in &mut shards.brokers {
        assert_eq!(broker.shed_crowds(0).next, None);
    }
    let said: Vec<String> = conns.into_iter().map(|conn| shards.output(conn)).collect();
    let text = "-ERR 'maximum account active connections exceeded'\r\n";
    assert_eq!(said.iter().filter(|said| *said == text).count(), 3);
    assert_eq!(conns.into_iter().filter(|conn| shards.is_closed(*conn)).count(), 3);
    assert_eq!(shards.say(other, "PING\r\n"), "PONG\r\n");
    let newcomer = login(&mut shards, "a");
    assert!(shards.is_closed(newcomer));
}

#[test]
fn a_connection_with_too_many_subscriptions_is_closed() {
    let limited = |max| AccountLimits { subscriptions: Some(max), ..AccountLimits::default() };
    let mut shards = start(limited(3));
    let [many, few] = [(); 2].map(|()| login(&mut shards, "a"));
    shards.feed(many, "SUB a 1\r\nSUB b 2\r\nSUB c 3\r\n");
    shards.feed(few, "SUB a 1\r\nSUB b 2\r\n");
    shards.settle();
    reload(&mut shards, limited(2));
    shards.settle();
    assert_eq!(shards.output(many), "-ERR 'maximum subscriptions exceeded'\r\n");
    assert!(shards.is_closed(many));
    assert_eq!(shards.say(few, "PING\r\n"), "PONG\r\n");
}

/// User `a`, who may not subscribe to this.
fn denied(subjects: &[&str]) -> Config {
    let deny = subjects.iter().map(|subject| (*subject).to_owned()).collect();
    let subscribe = Some(SubjectPermission { deny, ..SubjectPermission::default() });
    let permissions = Some(Permissions { subscribe, ..Permissions::default() });
    let identity = IdentityConfig::Password { user: "a".into(), password: "x".into() };
    Config {
        users: vec![User { identity, permissions, allowed_connection_types: None }],
        ..Config::default()
    }
}

/// It came from a shard that knew nothing of the new rights to one that had put them in force already, and
/// kept what it had.
#[test]
fn a_connection_that_moves_during_a_reload_has_the_new_rights() {
    let directory = Directory::new(&denied(&["none"])).unwrap();
    let mut shards = Shards::with(2, |settings| settings.directory = directory);
    let moving = login(&mut shards, "a");
    shards.feed(moving, "SUB secret 1\r\nSUB open 2\r\n");
    shards.settle();
    let mut settings = shards.brokers[0].settings().clone();
    settings.directory = Directory::next(&settings.directory, &denied(&["secret"])).unwrap();
    let settings = Arc::new(settings);
    shards::reconfigure(&mut shards.brokers[1], Arc::clone(&settings));
    assert!(shards.ask_to_move(&[moving], 1));
    shards.settle();
    let moved = shards.find(moving);
    assert_eq!(moved.shard, 1);
    shards::reconfigure(&mut shards.brokers[0], settings);
    assert_eq!(
        shards.say(moved, "SUB secret 3\r\nPUB secret 0\r\n\r\nPUB open 0\r\n\r\n"),
        "-ERR 'Permissions Violation for Subscription to \"secret\" (sid \"1\")'\r\n\
         -ERR 'Permissions Violation for Subscription to \"secret\"'\r\nMSG open 2 0\r\n\r\n",
    );
}
