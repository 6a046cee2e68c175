//! Mail for services that they do not take yet: who waits for that, and who does not.

mod letters;
mod shards;

use broker::{Owner, PublishOutcome};
use fabric::ShardId;
use letters::{ACCOUNT, claim, mail, message, open_everywhere, publish, ready};
use shards::Shards;

const MIB: usize = 1 << 20;

#[test]
fn publishers_to_a_service_wait_while_its_mailbox_is_full() {
    let mut shards = Shards::new(1);
    let service = open_everywhere(&mut shards);
    let clients = [shards.quiet(), shards.quiet()];
    shards.brokers[0].service_subscribe(service, ACCOUNT, b"a", None, 1).unwrap();
    let text = format!("PUB a {MIB}\r\n{}\r\n", "x".repeat(MIB));
    let (mut sent, mut got) = (0, 0);
    for _ in 0..30 {
        for conn in clients {
            if shards.brokers[0].wants_input(conn.id) {
                shards.feed(conn, &text);
                sent += 1;
            }
        }
        shards.settle();
    }
    assert!(sent <= 4 + 2, "{sent} of 1 MiB: more than a mailbox, and one of each client");
    shards.say(clients[0], "PUB b 0\r\n\r\n");
    while got < sent {
        let letters = mail(&mut shards, 0, service).len();
        assert!((1..=4).contains(&letters), "{letters} of 1 MiB");
        got += letters;
        shards.settle();
    }
    assert_eq!(got, sent, "nothing is lost");
    assert!(clients.iter().all(|conn| shards.brokers[0].wants_input(conn.id)));
}

/// They waited, frame by frame: whatever else they brought, and whoever had said something behind it.
#[test]
fn batches_go_on_while_a_mailbox_is_full() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    claim(&mut shards, service, |subject| if subject == b"$X" { Owner::Here } else { Owner::Nobody });
    let (near, far) = (shards.quiet(), shards.quiet());
    shards.say(near, "SUB a 1\r\n");
    shards.settle();
    let text = format!("PUB $X {MIB}\r\n{}\r\n", "x".repeat(MIB));
    (0..4).for_each(|_| drop(shards.say(near, &text)));
    shards.feed(far, &("PUB a 1\r\nx\r\n".repeat(50) + "SUB b 2\r\n"));
    shards.feed(near, "PUB $X 0\r\n\r\n");
    let batch = shards.brokers[1].take_batch(ShardId(0)).unwrap();
    assert!(shards.brokers[0].on_batch(shards.now, ShardId(1), batch).is_none(), "all of it is taken");
    assert_eq!(mail(&mut shards, 0, service).len(), 4);
    shards.settle();
    assert_eq!(shards.output(near).matches("MSG a 1").count(), 50);
    assert_eq!(mail(&mut shards, 0, service).len(), 1);
}

/// What other shards send to a full mailbox is taken in, and they send no more than is under way when they hear of it.
#[test]
fn publishers_on_other_shards_wait_while_a_mailbox_is_full() {
    for owned in [false, true] {
        let mut shards = Shards::new(2);
        let service = open_everywhere(&mut shards);
        let claims = |subject: &[u8]| if subject == b"$X" { Owner::Shard(ShardId(0)) } else { Owner::Nobody };
        claim(&mut shards, service, claims);
        let (_, far) = (shards.quiet(), shards.quiet());
        shards.brokers[0].service_subscribe(service, ACCOUNT, b"a", None, 1).unwrap();
        shards.settle();
        let subject = if owned { "$X" } else { "a" };
        let text = format!("PUB {subject} {MIB}\r\n{}\r\n", "x".repeat(MIB));
        let mut sent = 0;
        while sent < 30 && shards.brokers[1].wants_input(far.id) {
            shards.feed(far, &text);
            shards.settle();
            sent += 1;
        }
        assert!((4..=6).contains(&sent), "{sent} of 1 MiB: more than a mailbox");
        let mut got = 0;
        while got < sent {
            let letters = mail(&mut shards, 0, service).len();
            assert!(letters > 0, "{got} of {sent}");
            got += letters;
            shards.settle();
        }
        assert_eq!(got, sent, "nothing is lost");
        assert!(shards.brokers[1].wants_input(far.id));
    }
}

/// The link is everybody's: only who publishes to a service waits for its mailbox.
#[test]
fn whoever_publishes_to_others_does_not_wait_for_a_mailbox() {
    for (filter, subject) in [("a", "a"), ("a.*", "a.b"), ("none", "$X")] {
        let mut shards = Shards::new(2);
        let service = open_everywhere(&mut shards);
        let claims = |subject: &[u8]| if subject == b"$X" { Owner::Shard(ShardId(0)) } else { Owner::Nobody };
        claim(&mut shards, service, claims);
        let [near, far, _, other] = [(); 4].map(|()| shards.quiet());
        shards.brokers[0].service_subscribe(service, ACCOUNT, filter.as_bytes(), None, 1).unwrap();
        shards.say(near, "SUB b 1\r\nSUB a.> 2\r\n");
        shards.settle();
        let text = format!("PUB {subject} {MIB}\r\n{}\r\n", "x".repeat(MIB));
        for _ in 0..6 {
            shards.feed(far, &text);
            shards.settle();
        }
        assert!(!shards.brokers[1].wants_input(far.id), "{subject}");
        shards.output(near);
        for _ in 0..30 {
            shards.feed(other, &text.replace(&format!("PUB {subject}"), "PUB b"));
            shards.settle();
            assert_eq!(shards.output(near).matches("MSG b 1").count(), 1, "{subject}");
        }
        while !mail(&mut shards, 0, service).is_empty() {
            shards.settle();
        }
        assert!(shards.brokers[1].wants_input(far.id), "{subject}");
    }
}

#[test]
fn once_no_service_subscribes_nobody_waits_for_a_mailbox() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    claim(&mut shards, service, |subject| if subject == b"$X" { Owner::Here } else { Owner::Nobody });
    let [near, far] = [(); 2].map(|()| shards.quiet());
    let text = format!("PUB a {MIB}\r\n{}\r\n", "x".repeat(MIB));
    let (subscription, _) = shards.brokers[0].service_subscribe(service, ACCOUNT, b"a", None, 1).unwrap();
    shards.say(near, &format!("PUB $X {MIB}\r\n{}\r\n", "x".repeat(MIB)).repeat(5));
    shards.settle();
    shards.feed(far, &text);
    shards.settle();
    assert!(!shards.brokers[1].wants_input(far.id));
    mail(&mut shards, 0, service);
    shards.settle();
    assert!(!mail(&mut shards, 0, service).is_empty(), "what waited");
    shards.brokers[0].service_unsubscribe(subscription);
    shards.say(near, &format!("SUB a 1\r\nPUB $X {MIB}\r\n{}\r\n", "x".repeat(MIB)).repeat(5));
    shards.settle();
    shards.output(near);
    shards.feed(far, &text);
    shards.settle();
    assert!(shards.brokers[1].wants_input(far.id) && shards.output(near).contains("MSG a 1 "));
}

/// Clients fill a link as soon as it has room. What services answer has room beside that.
#[test]
fn a_service_publishes_though_clients_have_filled_the_link() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    let (near, far) = (shards.quiet(), shards.quiet());
    shards.say(far, "SUB a 1\r\n");
    shards.settle();
    let text = format!("PUB a {MIB}\r\n{}\r\n", "x".repeat(MIB));
    while shards.brokers[0].wants_input(near.id) {
        shards.feed(near, &text);
        shards.flush_now();
    }
    assert_eq!(publish(&mut shards, 0, service, "a", "a"), PublishOutcome::Done);
    let body = "y".repeat(MIB);
    let large = message("a", &body, "1048576");
    let mut sent = 0;
    while shards.brokers[0].service_publish(service, ACCOUNT, b"a", &large) == PublishOutcome::Done {
        sent += 1;
    }
    assert!((3..=4).contains(&sent), "{sent} of 1 MiB");
    shards.settle();
    assert_eq!(ready(&mut shards, 0), [service]);
    assert!(shards.brokers[0].wants_input(near.id));
}

/// Two services that publish to each other's shards do not wait for each other, and their mailboxes have a bound.
#[test]
fn a_service_does_not_wait_for_a_mailbox_and_what_is_beyond_it_is_lost() {
    for at in [0, 1] {
        let mut shards = Shards::new(2);
        let service = open_everywhere(&mut shards);
        let claims = |subject: &[u8]| if subject == b"$X" { Owner::Shard(ShardId(0)) } else { Owner::Nobody };
        claim(&mut shards, service, claims);
        let (near, _) = (shards.quiet(), shards.quiet());
        shards.brokers[1].inhabit();
        shards.settle();
        let body = "x".repeat(MIB);
        let large = message("$X", &body, "1048576");
        for _ in 0..40 {
            let outcome = shards.brokers[at].service_publish(service, ACCOUNT, b"$X", &large);
            assert_eq!(outcome, PublishOutcome::Done);
            shards.settle();
        }
        shards.feed(near, &format!("PUB $X {MIB}\r\n{body}\r\n"));
        shards.settle();
        assert!(!shards.brokers[0].wants_input(near.id), "clients wait");
        let news = message("news", "", "0");
        assert_eq!(shards.brokers[0].tell_sibling(service, ShardId(0), ACCOUNT, &news), PublishOutcome::Done);
        let got = mail(&mut shards, 0, service).len();
        let lost = shards.brokers[0].take_lost_mail(service);
        assert_eq!((got as u64 + lost, got), (41, 33), "what services tell themselves is never lost");
        assert_eq!(shards.brokers[0].take_lost_mail(service), 0);
        shards.settle();
        assert_eq!(mail(&mut shards, 0, service).len(), 1);
    }
}

/// What clients on many shards have under way when a mailbox fills up takes nothing from the room for what services publish.
#[test]
fn what_clients_have_sent_to_a_full_mailbox_costs_services_nothing() {
    const SHARDS: usize = 12;
    let mut shards = Shards::new(SHARDS);
    let service = open_everywhere(&mut shards);
    let claims = |subject: &[u8]| if subject == b"$X" { Owner::Shard(ShardId(0)) } else { Owner::Nobody };
    claim(&mut shards, service, claims);
    let clients = [(); SHARDS].map(|()| shards.quiet());
    let body = "x".repeat(MIB);
    for far in &clients[1..] {
        shards.feed(*far, &format!("PUB $X {MIB}\r\n{body}\r\n").repeat(4));
    }
    shards.settle();
    let large = message("$X", &body, "1048576");
    for _ in 0..20 {
        let outcome = shards.brokers[0].service_publish(service, ACCOUNT, b"$X", &large);
        assert_eq!(outcome, PublishOutcome::Done);
    }
    assert_eq!(shards.brokers[0].take_lost_mail(service), 0);
    assert_eq!(mail(&mut shards, 0, service).len(), 4 * (SHARDS - 1) + 20);
}
