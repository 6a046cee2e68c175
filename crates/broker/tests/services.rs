//! Parts of the server that subscribe and publish as clients do.

mod letters;
mod shards;

use broker::{Broker, CLAIMED, Owner, Party, PublishOutcome, Wait};
use conns::CloseReason;
use fabric::{LINK_BYTES_MAX, SERVICE_BYTES_MAX, ShardId};
use letters::{ACCOUNT, claim, mail, message, open_everywhere, publish, ready};
use monitor::{SubscriptionFilter, SubscriptionRow};
use nats_auth::{AccountConfig, Directory, IdentityConfig, Permissions, SubjectPermission, User};
use shards::Shards;

#[test]
fn a_service_gets_what_it_subscribes_to_from_all_shards() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    let (near, far) = (shards.quiet(), shards.quiet());
    let broker = &mut shards.brokers[0];
    let (_, round) = broker.service_subscribe(service, ACCOUNT, b"a.*", None, 7).unwrap();
    assert!(broker.confirmed() < round, "the other shard has yet to hear of it");
    shards.settle();
    assert!(shards.brokers[0].confirmed() >= round);
    shards.say(near, "PUB a.b 4\r\nnear\r\nPUB b 1\r\nx\r\n");
    shards.say(far, "PUB a.c 3\r\nfar\r\n");
    shards.settle();
    let got = [
        (7, "a.b".to_owned(), "near".to_owned(), Party::Conn(near.id)),
        (7, "a.c".to_owned(), "far".to_owned(), Party::Elsewhere),
    ];
    assert_eq!(mail(&mut shards, 0, service), got);
    assert_eq!(mail(&mut shards, 0, service), []);
}

#[test]
fn there_is_news_of_services_with_a_message_and_when_one_may_go_on() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    let (near, far) = (shards.quiet(), shards.quiet());
    shards.brokers[0].service_subscribe(service, ACCOUNT, b"a", None, 7).unwrap();
    shards.settle();
    ready(&mut shards, 0);
    assert!(!shards.brokers[0].services_have_news());
    shards.say(near, "PUB a 0\r\n\r\n");
    assert!(shards.brokers[0].services_have_news());
    mail(&mut shards, 0, service);
    assert_eq!(ready(&mut shards, 0), []);
    assert!(!shards.brokers[0].services_have_news());
    shards.say(far, "SUB q g 1\r\nUNSUB 1 2\r\n");
    shards.settle();
    ready(&mut shards, 0);
    assert_eq!(publish(&mut shards, 0, service, "q", "q"), PublishOutcome::Done);
    assert_eq!(publish(&mut shards, 0, service, "q", "q"), PublishOutcome::Wait(Wait::Offer));
    assert!(!shards.brokers[0].services_have_news());
    shards.settle();
    assert!(shards.brokers[0].services_have_news());
    assert_eq!(ready(&mut shards, 0), [service]);
}

#[test]
fn a_service_is_told_who_a_connection_is() {
    let user = |name: &str| User {
        identity: IdentityConfig::Password { user: name.into(), password: "x".into() },
        permissions: None,
        allowed_connection_types: None,
    };
    let account = AccountConfig { name: "A".into(), users: vec![user("a")], ..AccountConfig::default() };
    let config = nats_auth::Config { accounts: vec![account], ..nats_auth::Config::default() };
    let directory = Directory::new(&config).unwrap();
    let mut shards = Shards::with(1, |settings| settings.directory = directory);
    let conn = shards.connect(r#""user":"a","pass":"x""#);
    let user = shards.brokers[0].user(conn.id).unwrap();
    assert_eq!((&*user.name, &*user.account), ("a", "A"));
    assert!(user.identity.access().is_none());
    let mut shards = Shards::new(1);
    let [named, other] = [r#""user":"b""#, ""].map(|options| shards.connect(options));
    let name = |shards: &Shards, id| shards.brokers[0].user(id).map(|user| user.name);
    assert_eq!(name(&shards, named.id).as_deref(), Some("b"), "as it said");
    assert_eq!(name(&shards, other.id).as_deref(), Some(""));
    shards.brokers[0].on_hangup(named.id, CloseReason::ClientClosed);
    shards.settle();
    shards.output(other);
    assert_eq!(name(&shards, named.id), None);
}

/// nats-server asks about the subject that is shown, and for members of queue groups about the one that selects them.
#[test]
fn what_is_denied_is_shown_to_nobody_and_selects_no_member_of_a_queue_group() {
    let denied = |name: &str, deny: &str| User {
        identity: IdentityConfig::Password { user: name.into(), password: "x".into() },
        permissions: Some(Permissions {
            subscribe: Some(SubjectPermission { allow: Vec::new(), deny: vec![deny.to_owned()] }),
            ..Permissions::default()
        }),
        allowed_connection_types: None,
    };
    let config = nats_auth::Config {
        users: vec![denied("selects", "a.selects"), denied("shown", "a.shown")],
        has_authorization: true,
        ..nats_auth::Config::default()
    };
    for (user, sub, is_sent) in [
        ("selects", "SUB a.* 1", true),
        ("selects", "SUB a.* g 1", false),
        ("shown", "SUB a.* 1", false),
        ("shown", "SUB a.* g 1", true),
    ] {
        for far in [false, true] {
            let directory = Directory::new(&config).unwrap();
            let mut shards = Shards::with(2, |settings| settings.directory = directory);
            let service = open_everywhere(&mut shards);
            let options = format!(r#""user":"{user}","pass":"x""#);
            let clients = [(); 2].map(|()| shards.connect(&options));
            let client = clients[usize::from(far)];
            shards.feed(client, &format!("{sub}\r\n"));
            shards.settle();
            shards.output(client);
            assert_eq!(publish(&mut shards, 0, service, "a.selects", "a.shown"), PublishOutcome::Done);
            shards.settle();
            let sent = if is_sent { "MSG a.shown 1 2\r\nhi\r\n" } else { "" };
            assert_eq!(shards.output(client), sent, "{user}: {sub}, {far}");
            // With the two subjects the other way round it is the other way round.
            assert_eq!(publish(&mut shards, 0, service, "a.shown", "a.selects"), PublishOutcome::Done);
            shards.settle();
            assert_eq!(shards.output(client).is_empty(), is_sent, "{user}: {sub}, {far}, turned round");
        }
    }
}

#[test]
fn a_filter_that_is_none_is_refused() {
    let mut shards = Shards::new(1);
    let service = open_everywhere(&mut shards);
    assert!(shards.brokers[0].service_subscribe(service, ACCOUNT, b"a..b", None, 0).is_err());
}

#[test]
fn a_service_is_a_member_of_a_queue_group_like_others() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    let (near, far) = (shards.quiet(), shards.quiet());
    shards.brokers[1].service_subscribe(service, ACCOUNT, b"q", Some(b"g"), 1).unwrap();
    shards.settle();
    shards.say(near, &"PUB q 0\r\n\r\n".repeat(5));
    shards.say(far, &"PUB q 0\r\n\r\n".repeat(5));
    shards.settle();
    assert_eq!(mail(&mut shards, 1, service).len(), 10);
    shards.say(near, "SUB q g 1\r\n");
    shards.settle();
    shards.say(far, &"PUB q 0\r\n\r\n".repeat(100));
    shards.settle();
    let theirs = shards.output(near).matches("MSG q 1 0").count();
    let its = mail(&mut shards, 1, service).len();
    assert_eq!(theirs + its, 100);
    assert!(theirs > 10 && its > 10, "{theirs} and {its}");
}

#[test]
fn a_request_to_a_service_has_a_responder() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    let client = shards.connect(r#""verbose":false,"headers":true,"no_responders":true"#);
    shards.feed(client, "SUB r 1\r\nPUB s r 0\r\n\r\n");
    shards.settle();
    assert!(shards.output(client).contains("503"), "nobody is there yet");
    shards.brokers[0].service_subscribe(service, ACCOUNT, b"s", None, 1).unwrap();
    claim(
        &mut shards,
        service,
        |subject| {
            if subject == b"$X" { Owner::Shard(ShardId(1)) } else { Owner::Nobody }
        },
    );
    shards.brokers[1].inhabit();
    shards.settle();
    shards.feed(client, "PUB s r 0\r\n\r\nPUB $X r 0\r\n\r\n");
    shards.settle();
    assert_eq!(shards.output(client), "");
    shards.feed(client, "PUB $Y r 0\r\n\r\n");
    shards.settle();
    assert!(shards.output(client).contains("503"), "nobody owns it");
}

#[test]
fn a_message_is_selected_by_one_subject_and_shows_another() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    let (near, far) = (shards.quiet(), shards.quiet());
    for conn in [near, far] {
        shards.say(conn, "SUB inbox 1\r\nSUB shown 2\r\nSUB inbox g 3\r\n");
    }
    shards.settle();
    for _ in 0..20 {
        assert_eq!(publish(&mut shards, 0, service, "inbox", "shown"), PublishOutcome::Done);
    }
    shards.settle();
    let all = [near, far].map(|conn| shards.output(conn));
    for text in &all {
        assert_eq!(text.matches("MSG shown 1 2\r\nhi\r\n").count(), 20);
        assert!(!text.contains("MSG shown 2"));
    }
    assert_eq!(all.concat().matches("MSG shown 3 2").count(), 20, "one of the group each time");
}

#[test]
fn the_owner_of_a_subject_gets_its_messages_and_subscribers_their_copy() {
    let mut shards = Shards::new(3);
    let service = open_everywhere(&mut shards);
    claim(&mut shards, service, |subject| match subject {
        b"$X.here" => Owner::Here,
        b"$X.two" => Owner::Shard(ShardId(2)),
        _ => Owner::Nobody,
    });
    for broker in &mut shards.brokers {
        broker.inhabit();
    }
    let (near, far) = (shards.quiet(), shards.quiet());
    shards.say(near, "SUB $X.> 1\r\n");
    shards.settle();
    shards.say(far, "PUB $X.here 1\r\na\r\nPUB $X.two 1\r\nb\r\nPUB $X.none 1\r\nc\r\n");
    shards.feed(near, "PUB $X.two 1\r\nd\r\n");
    shards.settle();
    assert_eq!(shards.output(near).matches("MSG $X").count(), 4);
    let by = |subject: &str, body: &str, who| (CLAIMED, subject.to_owned(), body.to_owned(), who);
    assert_eq!(mail(&mut shards, 0, service), []);
    assert_eq!(mail(&mut shards, 1, service), [by("$X.here", "a", Party::Conn(far.id))]);
    let mut two = mail(&mut shards, 2, service);
    two.sort_by(|one, other| one.2.cmp(&other.2));
    assert_eq!(two, [by("$X.two", "b", Party::Elsewhere), by("$X.two", "d", Party::Elsewhere)]);
    assert_eq!(publish(&mut shards, 0, service, "$X.two", "shown"), PublishOutcome::Done);
    shards.settle();
    let from_service = (CLAIMED, "shown".to_owned(), "hi".to_owned(), Party::Service(service));
    assert_eq!(mail(&mut shards, 2, service), [from_service]);
}

#[test]
fn a_subscription_that_ended_still_gets_what_was_on_its_way() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    let (_, far) = (shards.quiet(), shards.quiet());
    let (subscription, _) =
        shards.brokers[0].service_subscribe(service, ACCOUNT, b"q", Some(b"g"), 1).unwrap();
    shards.settle();
    shards.brokers[0].service_unsubscribe(subscription);
    shards.say(far, "PUB q 0\r\n\r\n");
    shards.settle();
    assert_eq!(mail(&mut shards, 0, service).len(), 1);
    shards.say(far, "PUB q 0\r\n\r\n");
    shards.settle();
    assert_eq!(mail(&mut shards, 0, service), []);
    assert_eq!(shards.brokers[0].totals().subscriptions, 0);
}

/// As nats-server does with its own.
#[test]
fn what_services_subscribe_to_is_counted_and_listed_with_the_rest() {
    let mut shards = Shards::new(1);
    let service = open_everywhere(&mut shards);
    let conn = shards.quiet();
    shards.say(conn, "SUB a 1\r\n");
    let broker = &mut shards.brokers[0];
    broker.service_subscribe(service, ACCOUNT, b"a", None, 1).unwrap();
    broker.service_subscribe(service, ACCOUNT, b"b.*", Some(b"g"), 2).unwrap();
    shards.say(conn, "PUB a 0\r\n\r\n");
    let broker = &mut shards.brokers[0];
    let listed = |broker: &Broker, filter: &SubscriptionFilter| {
        let rows = broker.subscription_page(0, filter).rows;
        let told = |row: SubscriptionRow| (row.cid, String::from_utf8(row.subject.into()).unwrap(), row.msgs);
        rows.into_iter().map(told).collect::<Vec<_>>()
    };
    let all = listed(broker, &SubscriptionFilter::default());
    assert_eq!(all, [(1, "a".to_owned(), 1), (0, "a".to_owned(), 1), (0, "b.*".to_owned(), 0)]);
    assert_eq!(broker.totals().subscriptions, 3);
    assert_eq!(broker.account_page(0).rows[ACCOUNT].subscriptions, 3);
    let of_conn = SubscriptionFilter { cids: Some(vec![1]), ..SubscriptionFilter::default() };
    assert_eq!(listed(broker, &of_conn).len(), 1);
}

/// The shards of which some have no connections, where news wait until they get one.
#[test]
fn a_shard_without_connections_is_told_everything_before_its_service_publishes() {
    let mut shards = Shards::new(3);
    let service = open_everywhere(&mut shards);
    let client = shards.quiet();
    shards.say(client, "SUB a 1\r\n");
    shards.settle();
    assert_eq!(
        publish(&mut shards, 2, service, "a", "a"),
        PublishOutcome::Wait(Wait::Link),
        "it knows nothing"
    );
    assert_eq!(ready(&mut shards, 2), []);
    shards.settle();
    assert_eq!(ready(&mut shards, 2), [service]);
    assert_eq!(publish(&mut shards, 2, service, "a", "a"), PublishOutcome::Done);
    shards.settle();
    assert_eq!(shards.output(client), "MSG a 1 2\r\nhi\r\n");
    // From now on it is told at once.
    shards.say(client, "SUB b 2\r\n");
    shards.settle();
    assert_eq!(publish(&mut shards, 2, service, "b", "b"), PublishOutcome::Done);
    shards.settle();
    assert_eq!(shards.output(client), "MSG b 2 2\r\nhi\r\n");
}

#[test]
fn what_a_service_subscribes_to_reaches_a_shard_without_connections() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    let client = shards.quiet();
    shards.brokers[1].service_subscribe(service, ACCOUNT, b"a", None, 1).unwrap();
    shards.settle();
    shards.say(client, "PUB a 0\r\n\r\n");
    shards.settle();
    assert_eq!(mail(&mut shards, 1, service).len(), 1);
}

#[test]
fn a_service_waits_for_a_full_link() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    let (_, far) = (shards.quiet(), shards.quiet());
    shards.say(far, "SUB a 1\r\n");
    shards.settle();
    let body = "x".repeat(1 << 20);
    let size = body.len().to_string();
    let mut sent = 0;
    while shards.brokers[0].service_publish(service, ACCOUNT, b"a", &message("a", &body, &size))
        == PublishOutcome::Done
    {
        sent += 1;
    }
    assert_eq!(sent, (LINK_BYTES_MAX + SERVICE_BYTES_MAX) >> 20);
    assert_eq!(publish(&mut shards, 0, service, "a", "a"), PublishOutcome::Wait(Wait::Link));
    assert_eq!(publish(&mut shards, 0, service, "b", "b"), PublishOutcome::Done, "nobody there wants it");
    shards.settle();
    assert_eq!(ready(&mut shards, 0), [service]);
    assert_eq!(publish(&mut shards, 0, service, "a", "a"), PublishOutcome::Done);
}

#[test]
fn a_service_waits_while_connections_move() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    let (near, _) = (shards.quiet(), shards.quiet());
    shards.say(near, "SUB a 1\r\n");
    shards.settle();
    assert!(shards.ask_to_move(&[near], 1));
    assert_eq!(publish(&mut shards, 0, service, "a", "a"), PublishOutcome::Wait(Wait::Pause));
    shards.settle();
    assert_eq!(ready(&mut shards, 0), [service]);
    assert_eq!(publish(&mut shards, 0, service, "a", "a"), PublishOutcome::Done);
    shards.settle();
    let near = shards.find(near);
    assert_eq!((near.shard, shards.output(near)), (1, "MSG a 1 2\r\nhi\r\n".to_owned()));
}

#[test]
fn a_service_waits_for_the_answer_to_an_offer() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    let (_, far) = (shards.quiet(), shards.quiet());
    shards.say(far, "SUB a g 1\r\nUNSUB 1 2\r\n");
    shards.settle();
    assert_eq!(publish(&mut shards, 0, service, "a", "a"), PublishOutcome::Done);
    assert_eq!(publish(&mut shards, 0, service, "a", "a"), PublishOutcome::Wait(Wait::Offer));
    shards.settle();
    assert_eq!(ready(&mut shards, 0), [service]);
    assert_eq!(publish(&mut shards, 0, service, "a", "a"), PublishOutcome::Done);
    shards.settle();
    assert_eq!(shards.output(far).matches("MSG a 1 2").count(), 2);
}
