//! What must hold for any bytes that come to a listener for WebSockets.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ws_frame::UpgradePolicy;

use crate::{Ended, InPlace, News, Tools, Transport, WebPolicy};

/// Where the client is.
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What one message may come to.
const PAYLOAD_BYTES_MAX: usize = 4 << 10;

/// Protocol text that waits to be sent behind all that came in.
const OUTPUT: &[u8] = &[b'x'; 9000];

/// Reads `data` as what a client sends: first as requests, then as frames behind a request that was granted. Its first
/// byte says how it is cut, and what was agreed on.
pub fn web_bytes(data: &[u8]) {
    let [how, data @ ..] = data else { return };
    let agreed = Wishes { compression: how & 1 != 0, no_masking: how & 2 != 0, is_browser: how & 4 != 0 };
    let piece = usize::from(how >> 3) + 1;
    let whole = Run::of_frames(agreed, false, data.chunks(usize::MAX));
    for (in_place, piece) in [(false, piece), (true, piece), (true, usize::MAX)] {
        let cut = Run::of_frames(agreed, in_place, data.chunks(piece));
        assert_eq!(
            cut, whole,
            "the cuts of frames do not matter, nor whether payload stays in place: {in_place}"
        );
    }
    whole.check();
    let whole = Run::of_requests(data.chunks(usize::MAX));
    // Bytes behind a request that is granted count only if they came with it.
    if !whole.is_granted && !whole.came_too_soon {
        assert_eq!(Run::of_requests(data.chunks(piece)), whole, "the cuts of requests do not matter");
    }
    assert!(whole.is_granted || whole.said.is_empty(), "nothing is said before it is granted");
}

#[derive(Debug, Clone, Copy)]
struct Wishes {
    compression: bool,
    no_masking: bool,
    is_browser: bool,
}

/// What came of a connection.
#[derive(Debug, Default, PartialEq, Eq)]
struct Run {
    is_granted: bool,
    came_too_soon: bool,
    said: Vec<u8>,
    refused: usize,
    /// What the client is sent behind the answer to its request.
    sent: Vec<u8>,
    ended: Option<String>,
}

impl Run {
    fn of_requests<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut run = Self::default();
        let mut transport = Transport::web(Arc::default(), ADDRESS, 0, |_| ()).expect("there is no TLS");
        let mut tools = Tools::default();
        for piece in pieces {
            if run.ended.is_some() || run.is_granted {
                break;
            }
            run.receive(&mut transport, &mut tools, piece);
        }
        run.sent = transport.framed(&transport.header(), std::iter::empty()).flatten().copied().collect();
        assert!(!transport.is_waiting(), "there is room for one");
        transport.leave(&mut tools);
        run
    }

    fn of_frames<'a>(wishes: Wishes, in_place: bool, pieces: impl Iterator<Item = &'a [u8]>) -> Self {
        let upgrade = UpgradePolicy { compression: wishes.compression, ..UpgradePolicy::default() };
        let policy = WebPolicy { upgrade, payload_bytes_max: PAYLOAD_BYTES_MAX, ..WebPolicy::default() };
        let mut transport = Transport::web(Arc::new(policy), ADDRESS, 0, |_| ()).expect("there is no TLS");
        let mut tools = Tools::default();
        let mut run = Self::default();
        run.receive(&mut transport, &mut tools, request(wishes).as_bytes());
        assert!(run.is_granted && run.ended.is_none(), "{run:?}");
        run.send(&mut transport, &mut tools, &[]);
        run.sent.clear();
        for piece in pieces {
            if run.ended.is_some() {
                break;
            }
            if in_place && transport.stays_in_place() {
                run.receive_in_place(&mut transport, &mut tools, piece);
            } else {
                run.receive(&mut transport, &mut tools, piece);
            }
        }
        run.send(&mut transport, &mut tools, OUTPUT);
        if transport.say_goodbye(None) {
            run.send(&mut transport, &mut tools, &[]);
        }
        run
    }

    fn receive(&mut self, transport: &mut Transport, tools: &mut Tools, piece: &[u8]) {
        let outcome = transport.receive(0, &mut piece.to_vec(), tools, |news| match news {
            News::Said(bytes) => self.said.extend_from_slice(bytes),
            News::Frames { bytes, cuts } => {
                assert!(cuts.is_sorted() && cuts.iter().all(|cut| (1..bytes.len()).contains(cut)));
                self.said.extend_from_slice(bytes);
            }
            News::Refused(words) => {
                self.refused += 1;
                self.came_too_soon |= words.starts_with("client sent data");
            }
            News::Upgraded(_) => self.is_granted = true,
            other => panic!("there is no TLS: {other:?}"),
        });
        self.end(outcome);
    }

    fn receive_in_place(&mut self, transport: &mut Transport, tools: &mut Tools, piece: &[u8]) {
        let mut bytes = piece.to_vec();
        let InPlace { payload, cuts, outcome } = transport.receive_in_place(&mut bytes, tools);
        assert!(cuts.is_sorted() && cuts.iter().all(|cut| (1..payload.len()).contains(cut)));
        self.said.extend_from_slice(&bytes[payload]);
        tools.put_back_cuts(cuts);
        self.end(outcome);
    }

    fn end(&mut self, outcome: Result<(), Ended>) {
        self.ended = outcome.err().map(|ended| match ended {
            Ended::Unreadable(words) => words,
            other => format!("{other:?}"),
        });
    }

    /// Sends all of it, a few bytes at a time.
    fn send(&mut self, transport: &mut Transport, tools: &mut Tools, mut outbox: &[u8]) {
        loop {
            transport.frame(outbox.len(), outbox.chunks(1000), tools);
            let header = transport.header();
            let framed = transport.framed(&header, outbox.chunks(1000));
            let piece: Vec<u8> = framed.flatten().copied().take(700).collect();
            if piece.is_empty() {
                return assert!(outbox.is_empty(), "all of it leaves");
            }
            outbox = &outbox[transport.on_framed(piece.len())..];
            self.sent.extend(piece);
        }
    }

    /// What was sent are whole frames, and what was said is bounded.
    fn check(&self) {
        let mut rest = &self.sent[..];
        while let [first, second, behind @ ..] = rest {
            assert!(first & 0x30 == 0 && second & 0x80 == 0);
            let (len, start) = match second {
                126 => (usize::from(u16::from_be_bytes([behind[0], behind[1]])), 2),
                127 => panic!("so much was not sent"),
                len => (usize::from(*len), 0),
            };
            rest = &behind[start + len..];
        }
        assert!(rest.is_empty());
    }
}

fn request(wishes: Wishes) -> String {
    let mut headers = String::new();
    for (is_wished, header) in [
        (wishes.compression, "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        (wishes.no_masking, "Nats-No-Masking: true\r\n"),
        (wishes.is_browser, "User-Agent: Mozilla/5.0\r\n"),
    ] {
        headers.push_str(if is_wished { header } else { "" });
    }
    format!(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    const REQUESTS: [&[u8]; 12] = [
        b"GET / HTTP/1.1\r\nHost: h\r\n",
        b"POST //a HTTP/1.1\r\nHost: h\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
        b"Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n",
        b"Sec-WebSocket-Version: 13\r\n",
        b"Content-Length: 5\r\n",
        b"Connection: close\r\n",
        b"Expect: 100-continue\r\n",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"x",
    ];

    /// Frames, of which most are good where clients mask with zeros.
    fn frame() -> impl Strategy<Value = Vec<u8>> {
        let first = prop_oneof![
            5 => select(vec![0x82_u8, 0x02, 0x00, 0x80, 0x89, 0x8a]),
            2 => select(vec![0xc2_u8, 0x42]),
            1 => any::<u8>(),
        ];
        let payload = prop_oneof![vec(any::<u8>(), 0..20), vec(Just(b'P'), 0..300)];
        (first, payload, prop::bool::weighted(0.97)).prop_map(|(first, payload, is_masked)| {
            let mask = if is_masked { 0x80 } else { 0 };
            let len = payload.len() as u16;
            let mut frame = match len {
                0..126 => vec![first, mask | len as u8],
                _ => [&[first, mask | 126][..], &len.to_be_bytes()].concat(),
            };
            if is_masked {
                frame.extend([0; 4]);
            }
            frame.extend(payload);
            frame
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_requests_frames_or_errors(data in vec(any::<u8>(), 0..80)) {
            web_bytes(&data);
        }

        #[test]
        fn any_frames_are_read_however_they_are_cut(how: u8, frames in vec(frame(), 0..12)) {
            web_bytes(&[&[how][..], &frames.concat()].concat());
        }

        #[test]
        fn any_requests_are_answered_however_they_are_cut(how: u8, pieces in vec(select(&REQUESTS[..]), 0..14)) {
            web_bytes(&[&[how][..], REQUESTS[0], &pieces.concat()].concat());
        }
    }
}
