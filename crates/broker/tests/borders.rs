//! Services that accounts import, as their clients see it. The expected texts are nats-server's, but for what is random.

mod letters;
mod shards;
mod users;

use std::time::Duration;

use broker::PublishOutcome;
use letters::{message, open_everywhere};
use nats_auth::{
    AccountConfig, Config, Export, ExportKind, Import, ImportKind, Permissions, ResponseType, ServiceTerms,
    SubjectPermission,
};
use shards::{Conn, Shards};
use users::{account, login, reload, shards, user};

fn service(subject: &str, responses: ResponseType) -> Export {
    let threshold = Some(Duration::from_secs(2));
    let kind = ExportKind::Service(ServiceTerms { responses, threshold, ..ServiceTerms::default() });
    Export { subject: subject.into(), accounts: Vec::new(), account_token_position: 0, kind }
}

fn import(account: &str, subject: &str, to: &str) -> Import {
    let kind = ImportKind::Service { to: to.into(), share: false };
    Import { account: account.into(), subject: subject.into(), kind }
}

/// A has services, B imports them, and C what B exports of that.
fn config() -> Config {
    let services =
        [("q.*", ResponseType::Singleton), ("many", ResponseType::Stream), ("p", ResponseType::Singleton)];
    let a = AccountConfig {
        exports: services.map(|(subject, responses)| service(subject, responses)).to_vec(),
        ..account("A", &[user("a", "x")])
    };
    let b = AccountConfig {
        imports: vec![import("A", "q.*", "r.*"), import("A", "many", "many"), import("A", "p", "p2")],
        exports: vec![service("p2", ResponseType::Singleton)],
        ..account("B", &[user("b", "x")])
    };
    let c = AccountConfig { imports: vec![import("B", "p2", "p3")], ..account("C", &[user("c", "x")]) };
    Config { accounts: vec![a, b, c], ..Config::default() }
}

fn say(shards: &mut Shards, conn: Conn, text: &str) -> String {
    shards.feed(conn, text);
    shards.settle();
    shards.output(conn)
}

/// Somebody of each account, in the order of their shards: A, B, C and B again.
fn all(count: usize) -> (Shards, [Conn; 4]) {
    let mut shards = shards(count, &config());
    let conns = ["a", "b", "c", "b"].map(|name| login(&mut shards, name));
    (shards, conns)
}

/// The reply subject of the only message, and the message without it and without the round trip time.
fn request(said: &str) -> (String, String) {
    let words: Vec<&str> = said.split([' ', '\r']).collect();
    let reply = words.iter().find(|word| word.starts_with("_R_."));
    let reply = (*reply.unwrap_or_else(|| panic!("no reply in {said}"))).to_owned();
    let said = said.replace(&reply, "REPLY");
    let (before, behind) = said.split_once(",\"rtt\":").unwrap_or((&said, "}"));
    let behind = behind.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let line_end = before.find("\r\n").unwrap();
    let sizeless = before[..line_end].rsplitn(3, ' ').last().unwrap();
    (reply, format!("{sizeless}{}{behind}", &before[line_end..]))
}

#[test]
fn a_request_gets_its_response_across_the_border() {
    for count in [1, 2, 4] {
        let (mut shards, [a, b, _, other]) = all(count);
        say(&mut shards, a, "SUB q.* 1\r\n");
        say(&mut shards, other, "SUB inbox.* 7\r\n");
        assert_eq!(say(&mut shards, b, "SUB inbox.x 2\r\nPUB r.1 inbox.x 2\r\nhi\r\n"), "");
        let (reply, said) = request(&shards.output(a));
        assert_eq!(said, "HMSG q.1 1 REPLY\r\nNATS/1.0\r\nNats-Request-Info: {\"acc\":\"B\"}\r\n\r\nhi\r\n");
        say(&mut shards, a, &format!("PUB {reply} 3\r\nyes\r\n"));
        assert_eq!(shards.output(b), "MSG inbox.x 2 3\r\nyes\r\n", "{count} shards");
        assert_eq!(shards.output(other), "MSG inbox.x 7 3\r\nyes\r\n");
        say(&mut shards, a, &format!("PUB {reply} 3\r\nyes\r\n"));
        assert_eq!(shards.output(b), "", "there is one response");
        let late: u64 = shards.brokers.iter_mut().map(|broker| broker.totals().late_responses).sum();
        assert_eq!(late, 1);
    }
}

#[test]
fn who_asks_is_told_that_nobody_answers() {
    for count in [1, 2] {
        let (mut shards, [a, b, c, _]) = all(count);
        let nobody = |subject: &str| {
            let status = format!("NATS/1.0 503\r\nNats-Subject: {subject}\r\n\r\n");
            format!("HMSG inbox 2 {0} {0}\r\n{status}\r\n", status.len())
        };
        say(&mut shards, b, "SUB inbox 2\r\n");
        say(&mut shards, c, "SUB inbox 2\r\n");
        assert_eq!(say(&mut shards, b, "PUB r.1 inbox 2\r\nhi\r\n"), nobody("r.1"));
        assert_eq!(say(&mut shards, b, "PUB q.1 inbox 2\r\nhi\r\n"), nobody("q.1"));
        assert_eq!(say(&mut shards, c, "PUB p3 inbox 2\r\nhi\r\n"), nobody("p3"));
        // One of a group that has its last message: it is offered, in A and on another shard.
        say(&mut shards, a, "SUB q.2 g 1\r\nUNSUB 1 1\r\n");
        assert_eq!(say(&mut shards, b, "PUB r.2 inbox 2\r\nhi\r\n"), "");
        assert_eq!(say(&mut shards, b, "PUB r.2 inbox 2\r\nhi\r\n"), nobody("r.2"));
        assert_eq!(shards.output(a).matches("HMSG q.2").count(), 1);
    }
}

#[test]
fn a_stream_of_responses_ends_with_an_empty_one() {
    for count in [1, 2] {
        let (mut shards, [a, b, ..]) = all(count);
        say(&mut shards, a, "SUB many 1\r\n");
        say(&mut shards, b, "SUB inbox 2\r\nPUB many inbox 2\r\nhi\r\n");
        let (reply, _) = request(&shards.output(a));
        say(
            &mut shards,
            a,
            &format!(
                "PUB {reply} 1\r\n1\r\nPUB {reply} 1\r\n2\r\nPUB {reply} 0\r\n\r\nPUB {reply} 1\r\n3\r\n"
            ),
        );
        assert_eq!(shards.output(b), "MSG inbox 2 1\r\n1\r\nMSG inbox 2 1\r\n2\r\nMSG inbox 2 0\r\n\r\n");
    }
}

#[test]
fn a_response_that_takes_too_long_goes_nowhere() {
    for count in [1, 2] {
        let (mut shards, [a, b, ..]) = all(count);
        say(&mut shards, a, "SUB many 1\r\n");
        say(&mut shards, b, "SUB inbox 2\r\nPUB many inbox 2\r\nhi\r\n");
        let (reply, _) = request(&shards.output(a));
        shards.pass(Duration::from_millis(1500));
        say(&mut shards, a, &format!("PUB {reply} 1\r\n1\r\n"));
        shards.pass(Duration::from_millis(1500));
        say(&mut shards, a, &format!("PUB {reply} 1\r\n2\r\n"));
        assert_eq!(shards.output(b).matches("MSG inbox 2 1").count(), 2, "its time begins anew");
        assert!(shards.brokers[b.shard].next_deadline().unwrap() <= shards.now + Duration::from_secs(2));
        shards.pass(Duration::from_secs(2));
        say(&mut shards, a, &format!("PUB {reply} 1\r\n3\r\n"));
        assert_eq!(shards.output(b), "");
    }
}

#[test]
fn a_request_goes_on_to_what_its_service_imports() {
    for count in [1, 2, 4] {
        let (mut shards, [a, b, c, _]) = all(count);
        say(&mut shards, a, "SUB p 1\r\n");
        say(&mut shards, b, "SUB p2 2\r\n");
        say(&mut shards, c, "SUB inbox 3\r\nPUB p3 inbox 2\r\nhi\r\n");
        let (reply, said) = request(&shards.output(a));
        let info = "Nats-Request-Info: {\"acc\":\"C\",\"svc\":\"B\"}";
        assert_eq!(said, format!("HMSG p 1 REPLY\r\nNATS/1.0\r\n{info}\r\n\r\nhi\r\n"));
        let (middle, said) = request(&shards.output(b));
        assert_eq!(said, "HMSG p2 2 REPLY\r\nNATS/1.0\r\nNats-Request-Info: {\"acc\":\"C\"}\r\n\r\nhi\r\n");
        assert_ne!(reply, middle);
        say(&mut shards, a, &format!("HPUB {reply} 12 15\r\nNATS/1.0\r\n\r\nyes\r\n"));
        assert_eq!(shards.output(c), "HMSG inbox 3 12 15\r\nNATS/1.0\r\n\r\nyes\r\n", "{count} shards");
        say(&mut shards, b, &format!("PUB {middle} 2\r\nno\r\n"));
        assert_eq!(shards.output(c), "", "it was answered through there");
    }
}

#[test]
fn a_response_may_ask_back() {
    for count in [1, 2] {
        let (mut shards, [a, b, ..]) = all(count);
        say(&mut shards, a, "SUB q.1 1\r\nSUB back 2\r\n");
        say(&mut shards, b, "SUB inbox 3\r\nPUB r.1 inbox 2\r\nhi\r\n");
        let (reply, _) = request(&shards.output(a));
        say(&mut shards, a, &format!("PUB {reply} back 3\r\nyes\r\n"));
        let said = shards.output(b);
        assert!(said.starts_with("MSG inbox 3 _R_."), "{said}");
        let back = said.split(' ').nth(3).unwrap().to_owned();
        say(&mut shards, b, &format!("PUB {back} 4\r\nfine\r\n"));
        assert_eq!(shards.output(a), "MSG back 2 4\r\nfine\r\n");
    }
}

#[test]
fn one_member_of_a_group_gets_a_request_wherever_it_is() {
    for count in [1, 2, 4] {
        let (mut shards, [a, b, c, other]) = all(count);
        let more = [(); 3].map(|()| login(&mut shards, "a"));
        let members = [a, more[0], more[1], more[2]];
        for conn in members {
            say(&mut shards, conn, "SUB q.1 g 1\r\n");
        }
        for conn in [b, other] {
            say(&mut shards, conn, &"PUB r.1 1\r\n1\r\n".repeat(100));
        }
        let counts = members.map(|conn| shards.output(conn).matches("HMSG q.1 1 ").count());
        assert_eq!(counts.iter().sum::<usize>(), 200);
        assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
        assert_eq!(say(&mut shards, c, "PUB r.1 1\r\n1\r\n"), "");
    }
}

#[test]
fn who_was_not_asked_cannot_respond() {
    for count in [1, 2] {
        let (mut shards, [a, b, c, _]) = all(count);
        say(&mut shards, a, "SUB q.1 1\r\n");
        say(&mut shards, b, "SUB inbox 3\r\nPUB r.1 inbox 2\r\nhi\r\n");
        let (reply, _) = request(&shards.output(a));
        say(&mut shards, b, &format!("PUB {reply} 2\r\nno\r\n"));
        say(&mut shards, c, &format!("PUB {reply} 2\r\nno\r\n"));
        assert_eq!(shards.output(b), "");
        say(&mut shards, a, &format!("PUB {reply} 3\r\nyes\r\n"));
        assert_eq!(shards.output(b), "MSG inbox 3 3\r\nyes\r\n");
    }
}

/// nats-server does not tell it either.
#[test]
fn who_responds_to_nobody_is_not_told_so() {
    for count in [1, 2] {
        let (mut shards, [a, b, ..]) = all(count);
        say(&mut shards, a, "SUB q.1 1\r\nSUB me 2\r\n");
        say(&mut shards, b, "SUB inbox 3\r\nPUB r.1 inbox 2\r\nhi\r\nUNSUB 3\r\n");
        let (reply, _) = request(&shards.output(a));
        assert_eq!(say(&mut shards, a, &format!("PUB {reply} me 3\r\nyes\r\n")), "");
        assert_eq!(shards.output(b), "");
    }
}

/// Responses that come while connections change shards are published when they have.
#[test]
fn a_response_finds_a_requester_that_moves() {
    let (mut shards, [a, b, ..]) = all(2);
    assert_ne!(a.shard, b.shard);
    say(&mut shards, a, "SUB q.1 1\r\n");
    say(&mut shards, b, "SUB inbox 3\r\nPUB r.1 inbox 2\r\nhi\r\n");
    let (reply, _) = request(&shards.output(a));
    assert!(shards.ask_to_move(&[b], a.shard));
    shards.feed(a, &format!("PUB {reply} 3\r\nyes\r\n"));
    shards.settle();
    let moved = shards.find(b);
    assert_eq!(moved.shard, a.shard);
    assert_eq!(shards.output(b) + &shards.output(moved), "MSG inbox 3 3\r\nyes\r\n");
}

/// nats-server 2.14.5 told the same, and when it came, where the wall clock is known.
#[test]
fn an_import_may_share_who_asks() {
    for count in [1, 2] {
        let mut config = config();
        config.accounts[1].imports[0].kind = ImportKind::Service { to: "r.*".into(), share: true };
        let mut shards = shards(count, &config);
        let [a, b] = ["a", "b"].map(|name| login(&mut shards, name));
        say(&mut shards, a, "SUB q.* 1\r\nSUB many 2\r\n");
        say(&mut shards, b, "PUB r.1 me 2\r\nhi\r\n");
        let said = shards.output(a);
        assert!(said.contains(r#""acc":"B","user":"b","#), "{said}");
        assert!(said.contains(r#""kind":"Client","client_type":"nats"}"#), "{said}");
        say(&mut shards, b, "PUB many me 2\r\nhi\r\n");
        let said = shards.output(a);
        assert!(said.contains(r#"{"acc":"B","#) && !said.contains("user"), "{said}");
    }
}

/// What one sent from its new shard came before what it had sent from the one before.
#[test]
fn responses_of_one_that_moves_keep_their_order() {
    let mut shards = shards(3, &config());
    let [_, a, b] = ["c", "a", "b"].map(|name| login(&mut shards, name));
    assert_eq!((a.shard, b.shard), (1, 2));
    say(&mut shards, a, "SUB many 1\r\n");
    say(&mut shards, b, "SUB inbox 2\r\nPUB many inbox 2\r\nhi\r\n");
    let (reply, _) = request(&shards.output(a));
    assert!(shards.ask_to_move(&[a], b.shard));
    shards.arrive(1, 0);
    shards.arrive(0, 2);
    shards.feed(a, &format!("PUB {reply} 1\r\n1\r\n"));
    shards.arrive(0, 1);
    shards.feed(a, &format!("PUB {reply} 1\r\n2\r\n"));
    shards.arrive(1, 2);
    assert_eq!(shards.output(b), "", "shard 2 is paused");
    shards.settle();
    assert_eq!(shards.find(a).shard, b.shard);
    assert_eq!(shards.output(b), "MSG inbox 2 1\r\n1\r\nMSG inbox 2 1\r\n2\r\n");
}

/// All of them were published in the turn in which connections went on.
#[test]
fn what_comes_during_a_pause_is_published_in_slices() {
    const RESPONSES: usize = 1000;
    let mut shards = shards(3, &config());
    let [_, a, b] = ["c", "a", "b"].map(|name| login(&mut shards, name));
    say(&mut shards, a, "SUB many 1\r\n");
    say(&mut shards, b, "SUB inbox 2\r\nPUB many inbox 2\r\nhi\r\n");
    let (reply, _) = request(&shards.output(a));
    assert!(shards.ask_to_move(&[a], b.shard));
    shards.arrive(1, 0);
    shards.arrive(0, 2);
    shards.feed(a, &format!("PUB {reply} 1\r\n1\r\n").repeat(RESPONSES));
    let pairs = [(1, 2), (0, 1), (1, 0), (2, 0), (2, 1), (0, 2)];
    let mut first = String::new();
    for (from, to) in pairs.into_iter().cycle().take(20 * pairs.len()) {
        shards.arrive(from, to);
        first += &shards.sent_now(b);
        if !first.is_empty() {
            break;
        }
    }
    let count = |said: &str| said.matches("MSG inbox 2 1").count();
    assert!((1..RESPONSES / 2).contains(&count(&first)), "{} at once", count(&first));
    shards.settle();
    assert_eq!(count(&first) + count(&shards.output(b)), RESPONSES);
}

/// `Nats-Trace-Only` was told that nobody takes a response that another shard knows of.
#[test]
fn who_would_respond_is_not_told_that_nobody_takes_it() {
    for count in [1, 2] {
        let (mut shards, [a, b, ..]) = all(count);
        say(&mut shards, a, "SUB q.1 1\r\nSUB me 2\r\n");
        say(&mut shards, b, "SUB inbox 3\r\nPUB r.1 inbox 2\r\nhi\r\n");
        let (reply, _) = request(&shards.output(a));
        let headers = "NATS/1.0\r\nNats-Trace-Dest: x\r\nNats-Trace-Only: true\r\n\r\n";
        let (header_bytes, bytes) = (headers.len(), headers.len() + 2);
        let asks = format!("HPUB {reply} me {header_bytes} {bytes}\r\n{headers}hi\r\n");
        assert_eq!(say(&mut shards, a, &asks), "", "{count} shards");
        assert_eq!(shards.output(b), "", "nobody gets it");
    }
}

#[test]
fn who_is_gone_is_answered_nothing() {
    let (mut shards, [a, b, ..]) = all(2);
    say(&mut shards, a, "SUB q.1 1\r\n");
    say(&mut shards, b, &("SUB inbox 3\r\n".to_owned() + &"PUB r.1 inbox 2\r\nhi\r\n".repeat(50)));
    let requests = shards.output(a);
    assert_eq!(requests.matches("_R_.").count(), 50);
    let mut config = config();
    config.accounts.retain(|account| account.name == "A");
    reload(&mut shards, &config);
    shards.settle();
    for line in requests.lines().filter(|line| line.contains("_R_.")) {
        let reply = line.split(' ').find(|word| word.starts_with("_R_.")).unwrap();
        shards.feed(a, &format!("PUB {reply} 3\r\nyes\r\n"));
    }
    shards.settle();
    let late: u64 = shards.brokers.iter_mut().map(|broker| broker.totals().late_responses).sum();
    assert_eq!(late, 50);
}

#[test]
fn a_service_of_the_server_responds_across_the_border() {
    for count in [1, 2] {
        let mut shards = shards(count, &config());
        let service = open_everywhere(&mut shards);
        let b = login(&mut shards, "b");
        let accounts = shards.brokers[0].settings().directory.accounts().iter();
        let account = accounts.map(|of| of.name().to_string()).position(|name| name == "A").unwrap();
        let at = count - 1;
        shards.brokers[at].service_subscribe(service, account, b"q.*", None, 7).unwrap();
        shards.settle();
        say(&mut shards, b, "SUB inbox 3\r\nPUB r.1 inbox 2\r\nhi\r\n");
        let mut mailbox = fabric::Mailbox::default();
        shards.brokers[at].take_mail(service, &mut mailbox);
        let Some(Ok(fabric::MeshFrame::Letter(letter))) = mailbox.frames().next() else { panic!("a letter") };
        let reply = String::from_utf8(letter.message.publish.reply.unwrap().to_vec()).unwrap();
        let response = message(&reply, "yes", "3");
        let outcome = shards.brokers[at].service_publish(service, account, reply.as_bytes(), &response);
        assert_eq!(outcome, PublishOutcome::Done);
        shards.settle();
        assert_eq!(shards.output(b), "MSG inbox 3 3\r\nyes\r\n");
    }
}

/// Another shard was asked, and refused.
#[test]
fn who_asks_is_told_of_a_refusal_behind_the_border() {
    let mut config = config();
    let deny = SubjectPermission { deny: vec!["q.no".into()], ..SubjectPermission::default() };
    let permissions = Permissions { subscribe: Some(deny), ..Permissions::default() };
    config.accounts[0].users[0].permissions = Some(permissions);
    let mut shards = shards(2, &config);
    let [a, b] = ["a", "b"].map(|name| login(&mut shards, name));
    assert_ne!(a.shard, b.shard);
    say(&mut shards, a, "SUB q.* 1\r\n");
    say(&mut shards, b, "SUB inbox 2\r\n");
    let said = say(&mut shards, b, "PUB r.no inbox 2\r\nhi\r\n");
    let status = "NATS/1.0 503\r\nNats-Subject: r.no\r\n\r\n";
    assert_eq!(said, format!("HMSG inbox 2 {0} {0}\r\n{status}\r\n", status.len()));
    assert_eq!(shards.output(a), "");
}

/// The shard that knows where a response goes has no connection any more when it comes.
#[test]
fn a_response_finds_who_listens_elsewhere_when_who_asked_is_gone() {
    let mut shards = shards(2, &config());
    let [a, asks, listens] = ["a", "b", "b"].map(|name| login(&mut shards, name));
    assert_eq!((a.shard, asks.shard, listens.shard), (0, 1, 0));
    say(&mut shards, a, "SUB q.1 1\r\n");
    say(&mut shards, asks, "PUB r.1 inbox 2\r\nhi\r\nNONSENSE\r\n");
    assert!(shards.is_closed(asks));
    let (reply, _) = request(&shards.output(a));
    say(&mut shards, listens, "SUB inbox 3\r\n");
    say(&mut shards, a, &format!("PUB {reply} 3\r\nyes\r\n"));
    assert_eq!(shards.output(listens), "MSG inbox 3 3\r\nyes\r\n");
}
