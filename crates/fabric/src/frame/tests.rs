use nats_proto::HeaderLen;

use super::*;

fn publish() -> Publish<'static> {
    Publish {
        subject: b"a.b",
        reply: Some(b"_INBOX.1"),
        header: Some(HeaderLen { bytes: 12, text: b"012" }),
        size_text: b"0014",
        body: b"NATS/1.0\r\n\r\nhi",
    }
}

#[test]
fn frames_come_back_as_they_were_put() {
    let message = MeshMessage {
        account: 7,
        origin: 42,
        ticket: 3,
        plain: true,
        other_subject: Some(b"selects.it"),
        publish: publish(),
        groups: Names::default(),
    };
    let before = Told { weight: 8, firm: true, far: false };
    let now = Told { weight: 9, firm: false, far: true };
    let interest = Interest { account: 1, filter: b"x.*", queue: Some(b"q"), before, now };
    let plain = Interest { queue: None, ..interest };
    let mut out = Vec::new();
    put_message(&mut out, &message, [&b"g1"[..], b"", b"g3"].into_iter());
    put_interest(&mut out, &interest);
    put_interest(&mut out, &plain);
    put_offer_reply(&mut out, 5, true, [&b"q"[..]].into_iter());
    put_stall(&mut out, 11);
    put_piled(&mut out, 12, 1 << 33);
    let letter = Letter { service: 300, tag: 1 << 20, message };
    put_letter(&mut out, &letter);
    let served = Served { account: 6, filter: b"x.>", begins: true };
    put_served(&mut out, &served);
    let steps = [
        MoveStep::Ask { to: ShardId(3) },
        MoveStep::Pause { epoch: 1 << 40, from: ShardId(1), to: ShardId(2) },
        MoveStep::Done,
        MoveStep::Resume,
    ];
    for step in steps {
        put_move(&mut out, step);
    }

    let frames: Vec<_> = MeshFrames::at(&out, FramePosition::default()).collect::<Result<_, _>>().unwrap();
    let MeshFrame::Message(read) = frames[0] else { panic!("a message first") };
    assert_eq!(read.groups.iter().collect::<Vec<_>>(), [&b"g1"[..], b"", b"g3"]);
    assert_eq!(MeshMessage { groups: Names::default(), ..read }, message);
    assert_eq!(frames[1], MeshFrame::Interest(interest));
    assert_eq!(frames[2], MeshFrame::Interest(plain));
    let MeshFrame::OfferReply(reply) = frames[3] else { panic!("an offer reply fourth") };
    assert_eq!((reply.ticket, reply.taken), (5, true));
    assert_eq!(reply.refused.iter().collect::<Vec<_>>(), [b"q"]);
    assert_eq!(frames[4], MeshFrame::Stall { origin: 11 });
    assert_eq!(frames[5], MeshFrame::Piled { origin: 12, deliveries: 1 << 33 });
    assert_eq!(frames[6], MeshFrame::Letter(letter));
    assert_eq!(frames[7], MeshFrame::Served(served));
    assert_eq!(frames[8..], steps.map(MeshFrame::Move));
}

#[test]
fn an_absent_reply_differs_from_an_empty_one() {
    for (reply, header) in [(None, None), (Some(&b""[..]), None)] {
        let publish = Publish { reply, header, ..publish() };
        let message = MeshMessage {
            account: 0,
            origin: 0,
            ticket: 0,
            plain: false,
            other_subject: None,
            publish,
            groups: Names::default(),
        };
        let mut out = Vec::new();
        put_message(&mut out, &message, std::iter::empty());
        assert_eq!(
            MeshFrames::at(&out, FramePosition::default()).next(),
            Some(Ok(MeshFrame::Message(message)))
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_read_without_a_panic(bytes in proptest::collection::vec(0_u8..10, 0..200)) {
        let _ = MeshFrames::at(&bytes, FramePosition::default()).count();
    }
}
