//! What services tell their claims, and who would hear them.

mod shards;

use broker::{Broker, CLAIMED, Claims, Owner, PublishOutcome, SIBLING, ServiceId};
use fabric::{Mailbox, ShardId};
use nats_proto::Publish;
use shards::{Conn, Shards};

const ACCOUNT: usize = 0;

fn open_everywhere(shards: &mut Shards) -> ServiceId {
    let ids: Vec<ServiceId> = shards.brokers.iter_mut().map(Broker::open_service).collect();
    ids[0]
}

/// The tag and the subject of the letters for a service on one shard.
fn mail(shards: &mut Shards, shard: usize, service: ServiceId) -> Vec<(u32, String)> {
    let mut mailbox = Mailbox::default();
    shards.brokers[shard].take_mail(service, &mut mailbox);
    let mut letters = Vec::new();
    while let Some(letter) = mailbox.read() {
        let subject = String::from_utf8(letter.message.publish.subject.to_vec()).unwrap();
        letters.push((letter.tag, subject));
    }
    letters
}

/// Owns what it heard of, here.
#[derive(Debug, Default)]
struct Heard(Vec<Vec<u8>>);

impl Claims for Heard {
    fn owner(&self, _account: usize, subject: &[u8]) -> Owner {
        if self.0.iter().any(|known| known == subject) { Owner::Here } else { Owner::Nobody }
    }

    fn hear(&mut self, account: usize, news: &Publish<'_>) {
        assert_eq!((account, news.body), (ACCOUNT, &b"it"[..]));
        self.0.push(news.subject.to_vec());
    }
}

#[test]
fn claims_hear_news_on_every_shard_before_the_round_is_confirmed() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    for broker in &mut shards.brokers {
        broker.claim(service, Box::<Heard>::default());
    }
    let (near, far) = (shards.quiet(), shards.quiet());
    shards.settle();
    let news = Publish { subject: b"$X", reply: None, header: None, size_text: b"2", body: b"it" };
    for shard in ShardId::all(2) {
        assert_eq!(shards.brokers[0].tell_claims(service, shard, ACCOUNT, &news), PublishOutcome::Done);
    }
    let round = shards.brokers[0].open_service_round();
    shards.brokers[0].await_news(service);
    assert!(shards.brokers[0].confirmed() < round, "the other shard has yet to hear of it");
    shards.settle();
    assert!(shards.brokers[0].confirmed() >= round);
    assert!(shards.brokers[0].services_have_news(), "it was waited for");
    assert_eq!(mail(&mut shards, 0, service), [], "it is not for the service");
    for conn in [near, far] {
        shards.say(conn, "PUB $X 2\r\nhi\r\n");
        assert_eq!(mail(&mut shards, conn.shard, service), [(CLAIMED, "$X".to_owned())]);
    }
}

/// On every shard, its own included, and behind what was told to its claims.
#[test]
fn a_service_writes_to_itself_on_another_shard() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    for broker in &mut shards.brokers {
        broker.claim(service, Box::<Heard>::default());
    }
    // Nobody needs to hear anything where nobody is.
    let _conns = [shards.quiet(), shards.quiet()];
    shards.settle();
    let news = Publish { subject: b"$X", reply: None, header: None, size_text: b"2", body: b"it" };
    for (shard, to) in ShardId::all(2).enumerate() {
        assert_eq!(shards.brokers[0].tell_claims(service, to, ACCOUNT, &news), PublishOutcome::Done);
        assert_eq!(shards.brokers[0].tell_sibling(service, to, ACCOUNT, &news), PublishOutcome::Done);
        shards.settle();
        assert_eq!(mail(&mut shards, shard, service), [(SIBLING, "$X".to_owned())]);
    }
}

/// Near and far ones, in a group or not.
#[test]
fn a_service_knows_whether_anybody_would_hear_it() {
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    let conns: [Conn; 2] = [shards.quiet(), shards.quiet()];
    shards.settle();
    for conn in conns {
        let heard = |shards: &mut Shards| {
            let broker = &mut shards.brokers[0];
            let by = |broker: &mut Broker, queue| broker.is_heard_by(ACCOUNT, b"a.b", queue);
            let [plain, group, other] = [None, Some(&b"g"[..]), Some(b"h")].map(|queue| by(broker, queue));
            (broker.is_service_heard(service, ACCOUNT, b"a.b"), plain, group, other)
        };
        assert_eq!(heard(&mut shards), (false, false, false, false));
        shards.say(conn, "SUB a.* 1\r\n");
        shards.settle();
        assert_eq!(heard(&mut shards), (true, true, false, false));
        assert!(!shards.brokers[0].is_service_heard(service, ACCOUNT + 7, b"a.b"), "another account's");
        shards.say(conn, "UNSUB 1\r\nSUB a.b g 2\r\n");
        shards.settle();
        assert_eq!(heard(&mut shards), (true, false, true, false));
        shards.say(conn, "UNSUB 2\r\n");
        shards.settle();
    }
}

/// On the own shard or on another, and also where nobody subscribes.
#[test]
fn the_owner_of_a_subject_hears_it() {
    #[derive(Debug)]
    struct On(ShardId);
    impl Claims for On {
        fn owner(&self, _account: usize, subject: &[u8]) -> Owner {
            if subject == b"$X" { Owner::Shard(self.0) } else { Owner::Nobody }
        }
    }
    let mut shards = Shards::new(2);
    let service = open_everywhere(&mut shards);
    for owner in ShardId::all(2) {
        let broker = &mut shards.brokers[0];
        broker.claim(service, Box::new(On(owner)));
        let mut heard = |subject: &[u8]| {
            let is_heard = broker.is_service_heard(service, ACCOUNT, subject);
            (is_heard, [None, Some(&b"g"[..])].map(|queue| broker.is_heard_by(ACCOUNT, subject, queue)))
        };
        assert_eq!(heard(b"$X"), (true, [true, false]), "an owner is in no group");
        assert_eq!(heard(b"$Y"), (false, [false, false]));
    }
}

#[test]
fn who_watches_interest_has_news_of_every_change() {
    let mut shards = Shards::new(2);
    open_everywhere(&mut shards);
    let conns: [Conn; 2] = [shards.quiet(), shards.quiet()];
    shards.settle();
    shards.say(conns[0], "SUB a 1\r\n");
    assert_eq!(shards.brokers[0].interest_changes(), 0, "nobody watches");
    shards.brokers[0].watch_interest();
    for conn in conns {
        for text in ["SUB b 2\r\n", "UNSUB 2\r\n"] {
            let before = shards.brokers[0].interest_changes();
            shards.brokers[0].take_ready_services(&mut Vec::new());
            shards.say(conn, text);
            shards.settle();
            assert!(shards.brokers[0].interest_changes() > before && shards.brokers[0].services_have_news());
        }
    }
}

#[test]
fn clients_that_nobody_is_told_of_as_too_many_came_are_counted() {
    let mut shards = Shards::new(1);
    let listener = shards.quiet();
    shards.feed(listener, "SUB x 1\r\n");
    shards.settle();
    shards.brokers[0].watch_clients(Some(ACCOUNT));
    for _ in 0..1030 {
        shards.quiet();
    }
    shards.settle();
    let broker = &mut shards.brokers[0];
    assert_eq!(broker.totals().untold_events, 6);
    assert_eq!(std::iter::from_fn(|| broker.take_client_news()).count(), 1024);
}
