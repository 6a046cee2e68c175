//! Streams that accounts import, as their clients see it. What they are shown is what nats-server's are.

mod letters;
mod shards;
mod users;

use letters::{mail, open_everywhere};
use nats_auth::{
    AccountConfig, Config, Export, ExportKind, Import, ImportKind, Permissions, Shown, SubjectPermission,
    User,
};
use shards::{Conn, Shards};
use users::{account, login, reload, shards, user};

fn export(subject: &str) -> Export {
    let kind = ExportKind::Stream;
    Export { subject: subject.into(), accounts: Vec::new(), account_token_position: 0, kind }
}

fn import(subject: &str, shown: Shown) -> Import {
    Import {
        account: "A".into(),
        subject: subject.into(),
        kind: ImportKind::Stream { shown, allow_trace: false },
    }
}

fn behind(subject: &str, prefix: &str) -> Import {
    import(subject, Shown::Behind(prefix.into()))
}

fn shown_as(subject: &str, to: &str) -> Import {
    import(subject, Shown::As(to.into()))
}

/// A exports everything, and B imports this of it.
fn config_of(b: User, imports: &[Import]) -> Config {
    let a = AccountConfig { exports: vec![export(">")], ..account("A", &[user("a", "x")]) };
    let b = AccountConfig { imports: imports.to_vec(), ..account("B", &[b]) };
    Config { accounts: vec![a, b], ..Config::default() }
}

fn config(imports: &[Import]) -> Config {
    config_of(user("b", "x"), imports)
}

/// Somebody of A and somebody of B, on one shard or on two.
fn both(count: usize, config: &Config) -> (Shards, Conn, Conn) {
    let mut shards = shards(count, config);
    let (a, b) = (login(&mut shards, "a"), login(&mut shards, "b"));
    (shards, a, b)
}

fn say(shards: &mut Shards, conn: Conn, text: &str) -> String {
    shards.feed(conn, text);
    shards.settle();
    shards.output(conn)
}

#[test]
fn what_is_imported_is_shown_as_the_import_says() {
    let imports = [behind("s.>", "imp"), shown_as("m.*.*", "n.$2.x.$1"), import("plain.*", Shown::Same)];
    for count in [1, 2] {
        let (mut shards, a, b) = both(count, &config(&imports));
        say(&mut shards, b, "SUB imp.s.> 1\r\nSUB n.*.x.9 2\r\nSUB plain.a 3\r\nSUB s.> 4\r\n");
        say(
            &mut shards,
            a,
            "PUB s.a.b 1\r\nA\r\nPUB m.9.8 r 1\r\nM\r\nPUB m.7.8 1\r\nN\r\nHPUB plain.a 12 13\r\nNATS/1.0\r\n\r\nP\r\nPUB plain.b 1\r\nQ\r\n",
        );
        let got = "MSG imp.s.a.b 1 1\r\nA\r\nMSG n.8.x.9 2 r 1\r\nM\r\nHMSG plain.a 3 12 13\r\nNATS/1.0\r\n\r\nP\r\n";
        assert_eq!(shards.output(b), got, "{count} shards");
        say(&mut shards, b, "PUB imp.s.a 1\r\nB\r\nPUB s.a 1\r\nC\r\n");
        assert_eq!(shards.output(a), "", "nothing goes the other way");
    }
}

/// nats-server does not count what is imported, either.
#[test]
fn a_maximum_counts_what_is_published_in_the_account() {
    for count in [1, 2] {
        let (mut shards, a, b) = both(count, &config(&[import("s", Shown::Same)]));
        say(&mut shards, b, "SUB s 1\r\nUNSUB 1 1\r\n");
        say(&mut shards, a, &"PUB s 1\r\nA\r\n".repeat(3));
        assert_eq!(shards.output(b), "MSG s 1 1\r\nA\r\n".repeat(3));
        assert_eq!(say(&mut shards, b, "PUB s 1\r\nB\r\nPUB s 1\r\nC\r\n"), "MSG s 1 1\r\nB\r\n");
        say(&mut shards, a, "PUB s 1\r\nA\r\n");
        assert_eq!(shards.output(b), "");
    }
}

#[test]
fn a_subscription_that_ends_imports_nothing_more() {
    for count in [1, 2] {
        let (mut shards, a, b) = both(count, &config(&[behind("s.*", "i"), shown_as("s.a", "j")]));
        assert!(shards.brokers[0].settings().directory.accounts().len() > 3);
        say(&mut shards, b, "SUB > 1\r\nSUB i.> q 2\r\nSUB i.s.a 3\r\n");
        say(&mut shards, a, "PUB s.a 1\r\nA\r\n");
        assert_eq!(shards.output(b).matches("MSG").count(), 4);
        say(&mut shards, b, "UNSUB 1\r\nUNSUB 2\r\n");
        say(&mut shards, a, "PUB s.a 1\r\nB\r\n");
        assert_eq!(shards.output(b), "MSG i.s.a 3 1\r\nB\r\n");
        shards.brokers[b.shard].on_hangup(b.id, conns::CloseReason::ClientClosed);
        shards.settle();
        assert_eq!(
            say(&mut shards, a, "PUB s.a r 1\r\nC\r\nSUB r 1\r\nPUB s.a r 1\r\nD\r\n"),
            "HMSG r 1 35 35\r\nNATS/1.0 503\r\nNats-Subject: s.a\r\n\r\n\r\n"
        );
        let subscriptions: u64 = shards.brokers.iter_mut().map(|broker| broker.totals().subscriptions).sum();
        assert_eq!(subscriptions, 1);
    }
}

#[test]
fn one_member_of_a_queue_group_gets_it_whatever_its_account() {
    for count in [1, 2, 4] {
        let (mut shards, a, b) = both(count, &config(&[behind("q", "i")]));
        let (near, far) = (login(&mut shards, "a"), login(&mut shards, "b"));
        say(&mut shards, b, "SUB i.q g 1\r\n");
        say(&mut shards, far, "SUB i.q g 2\r\n");
        say(&mut shards, near, "SUB q g 3\r\n");
        say(&mut shards, a, &"PUB q 1\r\nA\r\n".repeat(300));
        let counts = [(b, "MSG i.q 1"), (far, "MSG i.q 2"), (near, "MSG q 3")];
        let counts = counts.map(|(conn, line)| shards.output(conn).matches(line).count());
        assert_eq!(counts.iter().sum::<usize>(), 300);
        assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
    }
}

#[test]
fn what_is_denied_is_not_imported_and_the_requester_hears_of_it() {
    let deny = vec!["i.s.no".to_owned()];
    let subscribe = Some(SubjectPermission { allow: Vec::new(), deny });
    let permissions = Some(Permissions { subscribe, ..Permissions::default() });
    let config = config_of(User { permissions, ..user("b", "x") }, &[behind("s.*", "i")]);
    for count in [1, 2] {
        let (mut shards, a, b) = both(count, &config);
        say(&mut shards, b, "SUB i.> 1\r\nSUB i.s.* g 2\r\n");
        say(&mut shards, a, "SUB r 9\r\nPUB s.no r 1\r\nA\r\n");
        assert_eq!(shards.output(b), "");
        assert_eq!(say(&mut shards, a, "PUB s.no r 1\r\nA\r\n").matches("503").count(), 1);
        say(&mut shards, a, "PUB s.ok r 1\r\nA\r\n");
        assert_eq!(shards.output(b).matches("MSG i.s.ok").count(), 2);
    }
}

#[test]
fn a_request_that_somebody_imports_is_taken() {
    for count in [1, 2] {
        let (mut shards, a, b) = both(count, &config(&[behind("s", "i")]));
        assert_eq!(say(&mut shards, a, "SUB r 1\r\nPUB s r 1\r\nA\r\n").matches("503").count(), 1);
        say(&mut shards, b, "SUB i.s 1\r\n");
        assert_eq!(say(&mut shards, a, "PUB s r 1\r\nA\r\n"), "");
        assert_eq!(shards.output(b), "MSG i.s 1 r 1\r\nA\r\n");
    }
}

#[test]
fn a_reload_adds_changes_and_removes_imports() {
    for count in [1, 2] {
        let (mut shards, a, b) = both(count, &config(&[]));
        say(&mut shards, b, "SUB > 1\r\nSUB *.q g 2\r\n");
        let hear = |shards: &mut Shards, imports: &[Import]| {
            reload(shards, &config(imports));
            shards.settle();
            say(shards, a, "PUB s 1\r\nA\r\nPUB q 1\r\nB\r\n");
            shards.output(b)
        };
        assert_eq!(hear(&mut shards, &[]), "");
        let first = "MSG i.s 1 1\r\nA\r\nMSG i.q 1 1\r\nB\r\nMSG i.q 2 1\r\nB\r\n";
        assert_eq!(hear(&mut shards, &[behind("*", "i")]), first);
        assert_eq!(hear(&mut shards, &[behind("*", "i")]), first);
        assert_eq!(hear(&mut shards, &[behind("*", "j")]), first.replace('i', "j"));
        assert_eq!(hear(&mut shards, &[behind("q", "i"), shown_as("s", "t")]).matches("MSG").count(), 3);
        assert_eq!(hear(&mut shards, &[]), "");
    }
}

/// A shard that had chosen the shadow as the member of a group sent it a message before it knew that it ends.
#[test]
fn what_is_under_way_when_an_import_is_removed_still_comes() {
    let (mut shards, a, b) = both(2, &config(&[behind("q", "i")]));
    say(&mut shards, b, "SUB i.q g 1\r\n");
    shards.feed(a, "PUB q 1\r\nA\r\n");
    shards.depart(a.shard, b.shard);
    reload(&mut shards, &config(&[]));
    shards.settle();
    assert_eq!(shards.output(b), "MSG i.q 1 1\r\nA\r\n");
    say(&mut shards, a, "PUB q 1\r\nB\r\n");
    assert_eq!(shards.output(b), "");
}

#[test]
fn what_is_imported_follows_a_connection_to_another_shard() {
    let (mut shards, a, b) = both(2, &config(&[behind("s.*", "i")]));
    say(&mut shards, b, "SUB i.> 1\r\nSUB i.s.q g 2\r\n");
    assert!(shards.ask_to_move(&[b], a.shard));
    shards.settle();
    let moved = shards.find(b);
    assert_eq!(moved.shard, a.shard);
    say(&mut shards, a, "PUB s.q 1\r\nA\r\n");
    assert_eq!(shards.output(moved), "MSG i.s.q 1 1\r\nA\r\nMSG i.s.q 2 1\r\nA\r\n");
}

#[test]
fn a_service_gets_what_its_account_imports() {
    for count in [1, 2] {
        let mut shards = shards(count, &config(&[behind("s.*", "i")]));
        let service = open_everywhere(&mut shards);
        let a = login(&mut shards, "a");
        let account =
            shards.brokers[0].settings().directory.accounts().iter().position(|of| &**of.name() == "B");
        let account = account.unwrap();
        let at = count - 1;
        let (subscription, _) =
            shards.brokers[at].service_subscribe(service, account, b"i.s.>", None, 7).unwrap();
        shards.settle();
        say(&mut shards, a, "PUB s.a 1\r\nA\r\n");
        let got = mail(&mut shards, at, service);
        assert_eq!(got.len(), 1);
        assert_eq!((got[0].0, got[0].1.as_str(), got[0].2.as_str()), (7, "i.s.a", "A"));
        shards.brokers[at].service_unsubscribe(subscription);
        shards.settle();
        say(&mut shards, a, "PUB s.a 1\r\nA\r\n");
        assert_eq!(mail(&mut shards, at, service), []);
    }
}
