use super::*;

const INFO: &[u8] = b"INFO {\"server_id\":\"N\",\"headers\":true,\"max_payload\":64}\r\n";

fn open() -> Session {
    let mut session = Session::new(&Credentials::User("u".into(), "p".into()), "http", "abc");
    assert_eq!(session.on_bytes(INFO), []);
    let said = said(&mut session);
    assert!(said.starts_with("CONNECT {") && said.contains("\"user\":\"u\",\"pass\":\"p\""), "{said}");
    assert!(said.ends_with("SUB _INBOX.abc.* 1\r\nPING\r\n"), "{said}");
    assert_eq!(session.on_bytes(b"PONG\r\n"), [Told::Open]);
    session
}

fn said(session: &mut Session) -> String {
    String::from_utf8(session.take_output()).unwrap()
}

fn message(subject: &str) -> Outgoing {
    Outgoing::new(subject, "hi")
}

fn denied(subject: &str) -> Failure {
    Failure::Denied(format!("Permissions Violation for Publish to \"{subject}\""))
}

#[test]
fn replies_find_their_questions() {
    let mut session = open();
    let (first, second) = (session.ask(&message("a")).unwrap(), session.ask(&message("b")).unwrap());
    assert_eq!(said(&mut session), "PUB a _INBOX.abc.1 2\r\nhi\r\nPUB b _INBOX.abc.2 2\r\nhi\r\n");
    let told = session
        .on_bytes(b"MSG _INBOX.abc.2 1 2\r\nyo\r\nHMSG _INBOX.abc.1 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n");
    let reply = Received { subject: "_INBOX.abc.2".into(), payload: b"yo".to_vec(), ..Received::default() };
    assert_eq!(told, [Told::Reply(second, reply), Told::Failed(first, Failure::NoResponders)]);
    assert!(session.is_busy());
    session.forget(second);
    assert!(!session.is_busy());
    assert_eq!(session.on_bytes(b"MSG _INBOX.abc.2 1 2\r\nyo\r\nMSG _INBOX.abc.x 1 0\r\n\r\n"), []);
}

#[test]
fn a_denied_publish_is_told_before_its_fence() {
    let mut session = open();
    let denied_one = session.publish_fenced(Some(&message("a"))).unwrap();
    let fine = session.publish_fenced(Some(&message("b"))).unwrap();
    assert_eq!(said(&mut session), "PUB a 2\r\nhi\r\nPING\r\nPUB b 2\r\nhi\r\nPING\r\n");
    let told = session.on_bytes(b"-ERR 'Permissions Violation for Publish to \"a\"'\r\nPONG\r\nPONG\r\n");
    assert_eq!(told, [Told::Failed(denied_one, denied("a")), Told::Fenced(fine)]);
}

#[test]
fn what_may_not_be_heard_is_told() {
    let mut session = open();
    session.follow("a.>", Some("q"));
    assert_eq!(said(&mut session), "SUB a.> q 2\r\n");
    let words = "Permissions Violation for Subscription to \"a.>\" using queue \"q\"";
    let told = session.on_bytes(format!("-ERR '{words}'\r\n").as_bytes());
    assert_eq!(told, [Told::Refused(Failure::Denied(words.into()))]);
    let words = "Permissions Violation for Subscription to \"_INBOX.abc.*\"";
    assert_eq!(session.on_bytes(format!("-ERR '{words}'\r\n").as_bytes()), []);
    assert_eq!(session.ask(&message("a")), Err(Failure::Denied(words.into())));
}

#[test]
fn the_end_is_told_to_all() {
    let mut session = open();
    let ticket = session.ask(&message("a")).unwrap();
    let failure = Failure::Unauthorized("Authorization Violation".into());
    let told = session.on_bytes(b"-ERR 'Authorization Violation'\r\nMSG _INBOX.abc.1 1 0\r\n\r\n");
    assert_eq!(told, [Told::Failed(ticket, failure.clone()), Told::Ended(failure)]);
    assert_eq!((session.on_end(), session.on_bytes(b"PING\r\n")), (Vec::new(), Vec::new()));
    assert!(matches!(session.publish_fenced(None), Err(Failure::Unavailable(_))));
    let mut other = open();
    assert!(matches!(other.on_bytes(b"nonsense\r\n")[..], [Told::Ended(Failure::Unavailable(_))]));
}

#[test]
fn bounds_are_held() {
    let mut session = open();
    let large = Outgoing::new("a", vec![0; 65]);
    assert_eq!(session.ask(&large), Err(Failure::TooLarge(64)));
    for _ in 0..TICKETS_MAX {
        session.ask(&message("a")).unwrap();
    }
    assert!(matches!(session.ask(&message("a")), Err(Failure::TooMany(_))));
}

/// Cut anywhere, it says the same.
#[test]
fn cuts_change_nothing() {
    let input =
        b"MSG a 2 2\r\nhi\r\nPING\r\nHMSG b 2 r 12 14\r\nNATS/1.0\r\n\r\nyo\r\n-ERR 'Stale Connection'\r\n";
    let whole = open().on_bytes(input);
    assert_eq!(whole.len(), 3);
    for cut in 0..input.len() {
        let mut session = open();
        let mut told = session.on_bytes(&input[..cut]);
        told.extend(session.on_bytes(&input[cut..]));
        assert_eq!(told, whole, "cut at {cut}");
        assert_eq!(session.take_output(), b"PONG\r\n");
    }
}

#[test]
fn a_drawer_is_the_next_ones_once_all_has_come() {
    let mut session = open();
    let first = session.pull(&message("next")).unwrap();
    said(&mut session);
    session.finish(first);
    let second = session.pull(&message("next")).unwrap();
    assert_eq!(
        said(&mut session),
        "PUB next _INBOX.abc.p.1.2 2\r\nhi\r\n",
        "without a word of subscriptions"
    );
    let late = b"HMSG _INBOX.abc.p.1.1 p1 16 16\r\nNATS/1.0 404\r\n\r\n\r\n";
    assert_eq!(session.on_bytes(late), [], "is not its");
    let own = b"HMSG _INBOX.abc.p.1.2 p1 16 16\r\nNATS/1.0 404\r\n\r\n\r\n";
    assert!(matches!(&session.on_bytes(own)[..], [Told::Reply(ticket, _)] if *ticket == second));
    session.forget(second);
    assert_eq!(said(&mut session), "UNSUB p1\r\n");
    let many: Vec<u64> = (0..100).map(|_| session.pull(&message("next")).unwrap()).collect();
    said(&mut session);
    many.into_iter().for_each(|ticket| session.finish(ticket));
    assert_eq!(said(&mut session).matches("UNSUB").count(), 100 - EMPTY_DRAWERS_MAX);
    assert!(!session.is_busy());
}

#[test]
fn messages_of_a_consumer_come_under_their_own_subjects() {
    let mut session = open();
    let ticket = session.pull(&message("next")).unwrap();
    let asked = "SUB _INBOX.abc.p.1.* p1\r\nPUB next _INBOX.abc.p.1.1 2\r\nhi\r\n";
    assert_eq!(said(&mut session), asked);
    let told = session.on_bytes(b"MSG orders.new p1 $JS.ACK.x 2\r\nyo\r\nMSG orders.new p2 0\r\n\r\n");
    let reply = Received {
        subject: "orders.new".into(),
        reply: Some("$JS.ACK.x".into()),
        payload: b"yo".to_vec(),
        ..Received::default()
    };
    assert_eq!(told, [Told::Reply(ticket, reply)]);
    session.forget(ticket);
    assert_eq!(said(&mut session), "UNSUB p1\r\n");
    session.forget(ticket);
    assert_eq!(said(&mut session), "");
}

#[test]
fn a_drawer_that_may_not_be_is_told_to_who_pulls() {
    let mut session = open();
    let ticket = session.pull(&message("next")).unwrap();
    let words = "Permissions Violation for Subscription to \"_INBOX.abc.p.1.*\"";
    let denied = || Failure::Denied(words.into());
    let error = format!("-ERR '{words}'\r\n");
    assert_eq!(session.on_bytes(error.as_bytes()), [Told::Failed(ticket, denied())]);
    assert_eq!(session.on_bytes(error.as_bytes()), [], "it is told once");
    assert!(!session.is_busy());
    assert!(session.ask(&message("a")).is_ok(), "who asks may hear answers");
}
