//! What who is connected may do, as a client sees it. The expected texts are nats-server's.

mod shards;
mod users;

use std::sync::Arc;
use std::time::Duration;

use broker::Settings;
use nats_auth::{
    Config, Destination, Directory, Mapping, Permissions, ResponsePermission, SubjectPermission, User,
};
use shards::Shards;
use users::{REFUSED, account, assert_closed, login, reload, shards, two_accounts, user, users};

fn with_permissions(name: &str, permissions: Permissions) -> User {
    User { permissions: Some(permissions), ..user(name, "x") }
}

fn list(allow: &[&str], deny: &[&str]) -> Option<SubjectPermission> {
    let own = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
    Some(SubjectPermission { allow: own(allow), deny: own(deny) })
}

fn mapping(source: &str, destinations: &[(&str, u8)]) -> Mapping {
    let destinations = destinations.iter().map(|(subject, weight)| Destination {
        subject: (*subject).into(),
        weight: *weight,
        cluster: None,
    });
    Mapping { source: source.into(), destinations: destinations.collect() }
}

// Permissions.

fn alice() -> Config {
    let publish = list(&["a.>", "_INBOX.>"], &["a.deny"]);
    let subscribe = list(&["a.>", "_INBOX.>", "q.* v1.*"], &["a.priv.*", "a.group bad"]);
    let alice = Permissions { publish, subscribe, responses: None };
    users(&[with_permissions("alice", alice), user("bob", "x")])
}

#[test]
fn publishing_what_is_denied_is_answered_and_goes_nowhere() {
    let mut shards = shards(1, &alice());
    let (alice, bob) = (login(&mut shards, "alice"), login(&mut shards, "bob"));
    shards.feed(bob, "SUB > 1\r\n");
    let said = shards.say(
        alice,
        "PUB a.x 1\r\n1\r\nPUB a.x 1\r\n2\r\nPUB b 1\r\n3\r\nPUB b 1\r\n4\r\nPUB a.deny 1\r\n5\r\n",
    );
    let denied = |subject: &str| format!("-ERR 'Permissions Violation for Publish to \"{subject}\"'\r\n");
    assert_eq!(said, denied("b").repeat(2) + &denied("a.deny"));
    assert_eq!(shards.output(bob), "MSG a.x 1 1\r\n1\r\nMSG a.x 1 1\r\n2\r\n");
    assert_eq!(shards.say(alice, "PUB a.x bad.reply 1\r\nx\r\n"), "");
}

#[test]
fn subscribing_to_what_is_denied_is_answered() {
    let mut shards = shards(1, &alice());
    let alice = login(&mut shards, "alice");
    let denied = |what: &str| format!("-ERR 'Permissions Violation for Subscription to {what}'\r\n");
    assert_eq!(shards.say(alice, "SUB b 1\r\n"), denied("\"b\""));
    assert_eq!(shards.say(alice, "SUB a.priv.x 1\r\n"), denied("\"a.priv.x\""));
    assert_eq!(shards.say(alice, "SUB > 1\r\n"), denied("\">\""));
    assert_eq!(shards.say(alice, "SUB q.x v2 1\r\n"), denied("\"q.x\" using queue \"v2\""));
    assert_eq!(shards.say(alice, "SUB q.x 1\r\n"), denied("\"q.x\""));
    assert_eq!(shards.say(alice, "SUB q.x v1.2 1\r\nSUB a.* 2\r\nSUB a.> g 3\r\n"), "");
}

#[test]
fn what_is_denied_is_kept_from_wider_subscriptions() {
    for count in [1, 2] {
        let mut shards = shards(count, &alice());
        let (alice, bob) = (login(&mut shards, "alice"), login(&mut shards, "bob"));
        shards.feed(alice, "SUB a.> 1\r\n");
        shards.settle();
        shards.feed(bob, "PUB a.priv.x 1\r\nn\r\nPUB a.priv.x 1\r\nn\r\nPUB a.y 1\r\ny\r\n");
        shards.settle();
        assert_eq!(shards.output(alice), "MSG a.y 1 1\r\ny\r\n");
    }
}

#[test]
fn a_request_that_is_kept_from_all_has_no_responders() {
    for count in [1, 2] {
        let mut shards = shards(count, &alice());
        let (alice, bob) = (login(&mut shards, "alice"), login(&mut shards, "bob"));
        shards.feed(alice, "SUB a.> 1\r\nSUB a.group bad 2\r\n");
        shards.feed(bob, "SUB r 1\r\n");
        shards.settle();
        shards.output(alice);
        shards.feed(bob, "PUB a.priv.x r 1\r\nn\r\n");
        shards.settle();
        assert!(shards.output(bob).contains("Nats-Subject: a.priv.x\r\n"), "{count} shards");
        shards.feed(bob, "PUB a.y r 1\r\nn\r\n");
        shards.settle();
        assert_eq!(shards.output(bob), "");
    }
}

#[test]
fn a_queue_group_passes_over_members_that_may_not_have_the_message() {
    for count in [1, 2] {
        let mut shards = shards(count, &alice());
        let (alice, other, bob) =
            (login(&mut shards, "alice"), login(&mut shards, "bob"), login(&mut shards, "bob"));
        shards.feed(alice, "SUB a.> g 1\r\n");
        shards.feed(other, "SUB a.> g 1\r\n");
        shards.settle();
        for _ in 0..20 {
            shards.feed(bob, "PUB a.priv.x 1\r\nn\r\n");
            shards.settle();
        }
        assert_eq!(shards.output(alice), "");
        assert_eq!(shards.output(other).matches("MSG ").count(), 20, "{count} shards");
    }
}

#[test]
fn a_group_whose_only_member_may_not_have_a_message_is_asked_no_more_than_a_few_times() {
    let mut shards = shards(2, &alice());
    let (alice, bob) = (login(&mut shards, "alice"), login(&mut shards, "bob"));
    shards.feed(alice, "SUB a.> g 1\r\n");
    shards.feed(bob, "SUB r 1\r\n");
    shards.settle();
    shards.feed(bob, "PUB a.priv.x r 1\r\nn\r\nPUB a.y 1\r\ny\r\n");
    shards.settle(); // It would not end.
    assert!(shards.output(bob).contains("NATS/1.0 503"));
    assert_eq!(shards.output(alice), "MSG a.y 1 1\r\ny\r\n");
}

#[test]
fn a_maximum_holds_beside_screening() {
    let mut shards = shards(2, &alice());
    let (alice, bob) = (login(&mut shards, "alice"), login(&mut shards, "bob"));
    shards.feed(alice, "SUB a.> 1\r\nUNSUB 1 2\r\n");
    shards.settle();
    shards.feed(bob, "PUB a.priv.x 1\r\nn\r\nPUB a.y 1\r\n1\r\nPUB a.y 1\r\n2\r\nPUB a.y 1\r\n3\r\n");
    shards.settle();
    assert_eq!(shards.output(alice), "MSG a.y 1 1\r\n1\r\nMSG a.y 1 1\r\n2\r\n");
    shards.feed(alice, "SUB a.> 2\r\n");
    shards.settle();
    shards.feed(alice, "UNSUB 2 1\r\n");
    shards.settle();
    shards.feed(bob, "PUB a.y 1\r\n4\r\nPUB a.y 1\r\n5\r\n");
    shards.settle();
    assert_eq!(shards.output(alice), "MSG a.y 2 1\r\n4\r\n");
}

#[test]
fn a_service_may_answer_as_often_as_permitted_and_as_long() {
    let responses = Some(ResponsePermission { max: Some(2), expires: Some(Duration::from_secs(60)) });
    let svc = Permissions { subscribe: list(&["req.*"], &[]), publish: None, responses };
    for count in [1, 2] {
        let mut shards = shards(count, &users(&[with_permissions("svc", svc.clone()), user("bob", "x")]));
        let (svc, bob) = (login(&mut shards, "svc"), login(&mut shards, "bob"));
        shards.feed(svc, "SUB req.* 1\r\n");
        shards.feed(bob, "SUB rep.* 1\r\n");
        shards.settle();
        let denied = "-ERR 'Permissions Violation for Publish to \"rep.1\"'\r\n";
        assert_eq!(shards.say(svc, "PUB rep.1 1\r\n0\r\n"), denied);
        shards.feed(bob, "PUB req.1 rep.1 1\r\n?\r\n");
        shards.settle();
        shards.output(svc);
        let answers = "PUB rep.1 1\r\na\r\nPUB rep.1 1\r\nb\r\nPUB rep.1 1\r\nc\r\n";
        assert_eq!(shards.say(svc, answers), denied);
        shards.settle();
        assert_eq!(shards.output(bob), "MSG rep.1 1 1\r\na\r\nMSG rep.1 1 1\r\nb\r\n");
        shards.feed(bob, "PUB req.1 rep.1 1\r\n?\r\n");
        shards.settle();
        shards.output(svc);
        shards.pass(Duration::from_secs(61));
        shards.output(svc);
        assert!(shards.say(svc, "PUB rep.1 1\r\na\r\n").contains("Permissions Violation"));
    }
}

#[test]
fn subjects_of_subscriptions_may_be_limited_in_tokens() {
    let mut shards = Shards::with(1, |settings| settings.options.max_sub_tokens = Some(4));
    let conn = shards.quiet();
    assert_eq!(shards.say(conn, "SUB a.b.c.d 1\r\n"), "");
    let expected = "-ERR 'Permissions Violation for Subscription to \"a.b.c.d.e\", too many tokens'\r\n";
    assert_eq!(shards.say(conn, "SUB a.b.c.d.e 2\r\nSUB a.b.c.d.e q 3\r\n"), expected.repeat(2));
}

// Mappings.

#[test]
fn messages_go_where_their_account_maps_them() {
    let mappings = vec![
        mapping("in.one", &[("out.one", 100)]),
        mapping("in.*.x", &[("out.{{wildcard(1)}}.y", 100)]),
        mapping("gone", &[("gone", 0)]),
    ];
    for count in [1, 2] {
        let mut config = two_accounts();
        config.accounts[0].mappings = mappings.clone();
        let mut shards = shards(count, &config);
        let (a, listener, b) = (login(&mut shards, "a"), login(&mut shards, "a2"), login(&mut shards, "b"));
        shards.feed(listener, "SUB > 1\r\n");
        shards.feed(b, "SUB > 1\r\n");
        shards.settle();
        shards.feed(a, "PUB in.one 1\r\n1\r\nPUB in.one 1\r\n2\r\nPUB in.q.x 1\r\n3\r\nPUB gone 1\r\n4\r\nPUB other 1\r\n5\r\n");
        shards.settle();
        let expected =
            "MSG out.one 1 1\r\n1\r\nMSG out.one 1 1\r\n2\r\nMSG out.q.y 1 1\r\n3\r\nMSG other 1 1\r\n5\r\n";
        assert_eq!(shards.output(listener), expected);
        shards.feed(b, "PUB in.one 1\r\n1\r\n");
        shards.settle();
        assert_eq!(shards.output(b), "MSG in.one 1 1\r\n1\r\n");
    }
}

#[test]
fn permissions_are_for_where_a_message_goes() {
    let mut config = alice();
    config.mappings = vec![mapping("b", &[("a.b", 100)]), mapping("a.c", &[("c", 100)])];
    let mut shards = shards(1, &config);
    let alice = login(&mut shards, "alice");
    let denied = "-ERR 'Permissions Violation for Publish to \"c\"'\r\n";
    assert_eq!(shards.say(alice, "PUB b 1\r\nx\r\nPUB a.c 1\r\nx\r\n"), denied);
}

#[test]
fn weights_share_messages_out() {
    let config = Config { mappings: vec![mapping("x", &[("y", 25)])], ..Config::default() };
    let mut shards = shards(1, &config);
    let conn = shards.quiet();
    shards.say(conn, "SUB x 1\r\nSUB y 2\r\n");
    let said = shards.say(conn, &"PUB x 0\r\n\r\n".repeat(1000));
    let mapped = said.matches("MSG y 2").count();
    assert_eq!(said.matches("MSG ").count(), 1000);
    assert!((150..350).contains(&mapped), "{mapped} of 1000");
}

// Reload.

#[test]
fn connections_of_users_that_changed_are_closed() {
    let mut shards = shards(2, &two_accounts());
    let (a, a2, b) = (login(&mut shards, "a"), login(&mut shards, "a2"), login(&mut shards, "b"));
    shards.feed(b, "SUB x 1\r\n");
    shards.settle();
    let mut config = two_accounts();
    config.accounts[0].users = vec![user("a", "new")];
    reload(&mut shards, &config);
    shards.settle();
    assert_closed(&mut shards, a, REFUSED);
    assert_closed(&mut shards, a2, "");
    assert!(!shards.is_closed(b));
    shards.feed(b, "PUB x 1\r\n.\r\n");
    assert_eq!(shards.output(b), "MSG x 1 1\r\n.\r\n");
    config.accounts.remove(1);
    reload(&mut shards, &config);
    shards.settle();
    assert_closed(&mut shards, b, "");
}

#[test]
fn subscriptions_that_are_not_permitted_any_more_end() {
    let permissions = |allow: &[&str], deny: &[&str]| {
        let permissions = Permissions { subscribe: list(allow, deny), ..Permissions::default() };
        users(&[with_permissions("alice", permissions), user("bob", "x")])
    };
    for count in [1, 2] {
        let mut shards = shards(count, &permissions(&["foo", "bar", "baz.>"], &[]));
        let (alice, bob) = (login(&mut shards, "alice"), login(&mut shards, "bob"));
        shards.feed(alice, "SUB foo 1\r\nSUB bar q 2\r\nSUB baz.* 3\r\n");
        shards.settle();
        reload(&mut shards, &permissions(&["foo", "baz.>"], &["baz.x"]));
        shards.settle();
        let expected =
            "-ERR 'Permissions Violation for Subscription to \"bar\" using queue \"q\" (sid \"2\")'\r\n";
        assert_eq!(shards.output(alice), expected);
        shards.feed(bob, "PUB foo 1\r\n1\r\nPUB bar 1\r\n2\r\nPUB baz.x 1\r\n3\r\nPUB baz.y 1\r\n4\r\n");
        shards.settle();
        assert_eq!(shards.output(alice), "MSG foo 1 1\r\n1\r\nMSG baz.y 3 1\r\n4\r\n");
        reload(&mut shards, &permissions(&["baz.>"], &[]));
        shards.settle();
        assert_eq!(
            shards.output(alice),
            "-ERR 'Permissions Violation for Subscription to \"foo\" (sid \"1\")'\r\n"
        );
        shards.feed(bob, "PUB baz.x 1\r\n3\r\n");
        shards.settle();
        assert_eq!(shards.output(alice), "MSG baz.x 3 1\r\n3\r\n");
    }
}

#[test]
fn a_shard_may_hear_of_an_account_before_it_is_reloaded() {
    let mut shards =
        shards(2, &Config { accounts: vec![account("A", &[user("a", "x")])], ..Config::default() });
    let before = Arc::clone(&shards.brokers[0].settings().directory);
    let next = Directory::next(&before, &two_accounts()).unwrap();
    let settings = Arc::new(Settings { directory: next, ..shards.brokers[0].settings().clone() });
    shards::reconfigure(&mut shards.brokers[0], Arc::clone(&settings));
    let b = login(&mut shards, "b");
    assert_eq!(b.shard, 0);
    shards.feed(b, "SUB x 1\r\nSUB y.* g 2\r\n");
    shards.settle();
    shards::reconfigure(&mut shards.brokers[1], settings);
    let far = login(&mut shards, "b");
    assert_eq!(far.shard, 1);
    shards.feed(far, "PUB x 1\r\n1\r\nPUB y.z 1\r\n2\r\n");
    shards.settle();
    assert_eq!(shards.output(b), "MSG x 1 1\r\n1\r\nMSG y.z 2 1\r\n2\r\n");
}

/// It went over all subscriptions of all connections in one turn.
#[test]
fn a_reload_goes_over_subscriptions_in_parts_and_new_rights_hold_at_once() {
    const SECRETS: usize = 3000;
    let mut shards = shards(1, &users(&[user("a", "x"), user("b", "x")]));
    let (a, b) = (login(&mut shards, "a"), login(&mut shards, "b"));
    let subs: String = (0..SECRETS).map(|number| format!("SUB secret.{number} {number}\r\n")).collect();
    shards.feed(a, &(subs + "SUB open open\r\nPING\r\n"));
    shards.output(a);
    let rights = Permissions { subscribe: list(&[], &["secret.>"]), ..Permissions::default() };
    let config = users(&[with_permissions("a", rights), user("b", "x")]);
    let directory = Directory::next(&shards.brokers[0].settings().directory, &config).unwrap();
    let settings = Settings { directory, ..shards.brokers[0].settings().clone() };
    let broker = &mut shards.brokers[0];
    broker.reconfigure(Arc::new(settings));
    assert_eq!(broker.follow_settings(0).next, None);

    shards.feed(b, "PUB secret.7 1\r\nx\r\nPUB open 1\r\nx\r\n");
    assert_eq!(shards.output(a), "MSG open open 1\r\nx\r\n");
    let (mut parts, mut looked_at, mut from) = (0, 0, Some(0));
    while let Some(at) = from {
        let part = shards.brokers[0].recheck_subscriptions(at);
        (parts, looked_at, from) = (parts + 1, looked_at + part.count, part.next);
    }
    assert!(parts > 2, "{parts}");
    assert_eq!(looked_at, SECRETS + 1);
    assert_eq!(shards.brokers[0].end_rechecks(0).count, 2);
    let said = shards.output(a);
    assert_eq!(said.matches("-ERR 'Permissions Violation for Subscription to \"secret.").count(), SECRETS);
    shards.feed(b, "PUB secret.7 1\r\nx\r\nPUB open 1\r\nx\r\n");
    assert_eq!(shards.output(a), "MSG open open 1\r\nx\r\n");
}
