use nats_proto::Publish;

use super::*;
use crate::frame::{MeshFrame, Names, Told};

fn interest(filter: &[u8]) -> Interest<'_> {
    Interest {
        account: 0,
        filter,
        queue: None,
        before: Told::default(),
        now: Told { weight: 1, firm: true, far: false },
    }
}

#[test]
fn a_round_is_confirmed_once_the_peer_applied_it() {
    let (mut a, mut b) = (Link::default(), Link::default());
    a.push_interest(&interest(b"x"), 1);
    let batch = a.take_batch();
    assert_eq!(batch.round, 1);
    b.on_applied(batch);
    assert!(b.wants_batch(), "the confirmation has to travel");
    let received = a.on_applied(b.take_batch());
    assert!(received.confirmed_moved);
    assert_eq!(a.confirmed_by_peer(), 1);
    assert!(!a.wants_batch() && !b.wants_batch(), "a confirmation is not confirmed again");
}

proptest::proptest! {
    /// Whatever goes on from what before, messages come as they were sent.
    #[test]
    fn messages_come_as_they_were_sent(
        sent in proptest::collection::vec((0..2_u64, 0..2_usize, 0..6_u8, 0..40_usize), 0..30),
        cut in 0..30_usize,
        pause in 0..30_usize,
    ) {
        let subjects = [&b"a.b"[..], b"a.c"];
        let texts: Vec<String> = sent.iter().map(|(.., len)| len.to_string()).collect();
        let bodies: Vec<Vec<u8>> = sent.iter().map(|(.., len)| vec![*len as u8; *len]).collect();
        let message = |index: usize| {
            let (origin, subject, kind, _) = sent[index];
            MeshMessage {
                account: 3,
                origin,
                ticket: u64::from(kind == 1),
                plain: kind != 2,
                other_subject: None,
                publish: Publish {
                    subject: subjects[subject],
                    reply: (kind == 3).then_some(&b"r"[..]),
                    header: None,
                    size_text: texts[index].as_bytes(),
                    body: &bodies[index],
                },
                groups: Names::default(),
            }
        };
        let mut link = Link::default();
        let mut batches = Vec::new();
        for (index, (_, _, kind, _)) in sent.iter().enumerate() {
            if index == cut {
                batches.push(link.take_batch());
            }
            let group = (*kind == 4).then_some(&b"q"[..]);
            link.push_message(&message(index), group.into_iter());
        }
        batches.push(link.take_batch());
        // The first is read in two goes.
        let mut first = batches[0].frames();
        let mut read: Vec<_> = first.by_ref().take(pause).map(Result::unwrap).collect();
        let mut rest = Batch { frames: batches[0].frames.clone(), ..Batch::default() };
        rest.note_applied(first.position());
        read.extend(rest.frames().map(Result::unwrap));
        read.extend(batches[1..].iter().flat_map(Batch::frames).map(Result::unwrap));
        let mut frames = read.into_iter();
        for (index, (_, _, kind, _)) in sent.iter().enumerate() {
            let Some(MeshFrame::Message(read)) = frames.next() else { panic!("a message") };
            proptest::prop_assert_eq!(read.groups.is_empty(), *kind != 4);
            proptest::prop_assert_eq!(MeshMessage { groups: Names::default(), ..read }, message(index));
        }
        proptest::prop_assert!(frames.next().is_none());
    }
}

#[test]
fn of_messages_that_go_on_the_payloads_can_be_taken_alone() {
    let message = |subject: &'static [u8], body: &'static [u8]| MeshMessage {
        account: 0,
        origin: 1,
        ticket: 0,
        plain: true,
        other_subject: None,
        publish: Publish { subject, reply: None, header: None, size_text: b"1", body },
        groups: Names::default(),
    };
    let mut link = Link::default();
    for (subject, body) in [(b"a", b"1"), (b"a", b"2"), (b"a", b"3"), (b"b", b"4")] {
        link.push_message(&message(subject, body), std::iter::empty());
    }
    let batch = link.take_batch();
    let mut frames = batch.frames();
    assert_eq!(frames.next_payload(), None, "there is nothing yet to go on from");
    assert_eq!(frames.next(), Some(Ok(MeshFrame::Message(message(b"a", b"1")))));
    assert_eq!(frames.next_payload(), Some((&b"1"[..], &b"2"[..])));
    assert_eq!(frames.next_payload(), Some((&b"1"[..], &b"3"[..])));
    assert_eq!(frames.next_payload(), None);
    assert_eq!(frames.next(), Some(Ok(MeshFrame::Message(message(b"b", b"4")))));
}

#[test]
fn congestion_ends_with_credit() {
    let (mut a, mut b) = (Link::default(), Link::default());
    let filter = vec![b'x'; 64 << 10];
    let mut round = 0;
    while !a.is_congested() {
        round += 1;
        a.push_interest(&interest(&filter), round);
    }
    let batch = a.take_batch();
    assert!(a.is_congested(), "sent is not consumed");
    b.on_applied(batch);
    assert!(b.wants_batch());
    let received = a.on_applied(b.take_batch());
    assert!(received.uncongested && !a.is_congested());
}

#[test]
fn a_small_debt_of_credit_rides_along_later() {
    let (mut a, mut b) = (Link::default(), Link::default());
    a.push_stall(1);
    b.on_applied(a.take_batch());
    assert!(!b.wants_batch());
    b.push_stall(2);
    let batch = b.take_batch();
    assert!(batch.credit > 0);
    assert_eq!(batch.frames().next(), Some(Ok(MeshFrame::Stall { origin: 2 })));
}

#[test]
fn a_full_mailbox_is_news_and_credits_go_on() {
    let (mut a, mut b) = (Link::default(), Link::default());
    a.push_interest(&interest(&vec![b'x'; CREDIT_BYTES_MIN]), 1);
    let batch = a.take_batch();
    let sent = batch.frame_bytes();
    b.set_full(true);
    b.on_applied(batch);
    let batch = b.take_batch();
    assert_eq!((batch.credit, batch.full), (sent, true));
    assert!(!b.wants_batch(), "it is told once");
    b.set_full(false);
    assert!(b.needs_batch() && !b.take_batch().full);
    b.set_full(true);
    b.set_full(false);
    assert!(!b.wants_batch(), "it was not for long");
}

#[test]
fn services_have_room_beyond_what_others_have() {
    let mut link = Link::default();
    let filter = vec![b'x'; 64 << 10];
    let mut sizes = [0; 2];
    while !link.is_stuffed() {
        link.push_interest(&interest(&filter), 1);
        sizes[usize::from(link.is_congested())] += 1;
    }
    assert!((63..=64).contains(&sizes[0]) && (63..=66).contains(&sizes[1]), "{sizes:?}");
}

#[test]
fn connections_are_told_once() {
    let mut link = Link::default();
    link.count_connections(3);
    link.count_connections(-1);
    assert!(link.wants_batch());
    assert_eq!(link.take_batch().connections, 2);
    assert!(!link.wants_batch());
}

#[test]
fn falling_quiet_is_news_once_and_known_when_it_left() {
    let mut link = Link::default();
    link.fall_quiet(7);
    assert!(link.wants_batch() && link.quiet_sent() == 0);
    assert_eq!(link.take_batch().quiet, 7);
    assert!(!link.wants_batch() && link.quiet_sent() == 7);
}

#[test]
fn a_round_without_news_is_confirmed_like_any_other() {
    let (mut a, mut b) = (Link::default(), Link::default());
    a.push_round(3);
    assert!(a.wants_batch());
    b.on_applied(a.take_batch());
    assert!(a.on_applied(b.take_batch()).confirmed_moved && a.confirmed_by_peer() == 3);
}
