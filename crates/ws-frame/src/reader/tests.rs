use proptest::prelude::*;
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use super::*;

/// What comes of a row of frames.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    messages: Vec<Vec<u8>>,
    pings: Vec<Vec<u8>>,
    pongs: usize,
    close: Option<Close>,
    error: Option<FrameError>,
    /// What came of a message that was not over.
    rest: Vec<u8>,
}

/// Reads what comes in pieces of these lengths, and then byte by byte.
fn read(agreed: Agreed, input: &[u8], pieces: &[usize]) -> Seen {
    let (mut reader, mut seen) = (Reader::new(agreed), Seen::default());
    let (mut waiting, mut left) = (Vec::new(), input);
    let mut pieces = pieces.iter().copied().chain(std::iter::repeat(1));
    while !left.is_empty() {
        let (piece, rest) = left.split_at(pieces.next().unwrap_or(1).clamp(1, left.len()));
        left = rest;
        waiting.extend_from_slice(piece);
        if !read_piece(&mut reader, &mut waiting, &mut seen) {
            break;
        }
        assert!(waiting.len() <= WAITING_BYTES_MAX, "{} bytes wait", waiting.len());
    }
    seen
}

/// Returns whether more is to be read.
fn read_piece(reader: &mut Reader, waiting: &mut Vec<u8>, seen: &mut Seen) -> bool {
    let mut done = 0;
    loop {
        let there = waiting.len() - done;
        match reader.step(&mut waiting[done..]) {
            Ok(Step::Data { used, payload, is_last, .. }) => {
                done += used;
                seen.rest.extend_from_slice(payload);
                if is_last {
                    seen.messages.push(std::mem::take(&mut seen.rest));
                } else if used == 0 {
                    break;
                }
            }
            Ok(Step::Ping { used, payload }) => {
                done += used;
                seen.pings.push(payload.to_vec());
            }
            Ok(Step::Pong { used }) => {
                done += used;
                seen.pongs += 1;
            }
            Ok(Step::NeedMore { at_least }) => {
                assert!(at_least > there, "{at_least} bytes are wanted, and {there} are there");
                break;
            }
            Ok(Step::Close { answer }) => {
                seen.close = Some(answer);
                return false;
            }
            Err(error) => {
                seen.error = Some(error);
                return false;
            }
        }
    }
    waiting.drain(..done);
    true
}

fn error_of(input: &[u8]) -> Option<FrameError> {
    read(Agreed::default(), input, &[usize::MAX]).error
}

/// A client's frame, masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [7, 0, 99, 255];
    let mut masked = payload.to_vec();
    Mask::new(key).apply(&mut masked);
    let len = payload.len();
    assert!(len < usize::from(LEN_16), "a short one");
    [&[first, MASKED | len as u8][..], &key, &masked].concat()
}

#[test]
fn control_frames_may_come_between_those_of_a_message() {
    let input =
        [frame(0x01, b"PI"), frame(0x89, b"?"), frame(0x00, b""), frame(0x8a, b""), frame(0x80, b"NG")]
            .concat();
    let seen = read(Agreed::default(), &input, &[usize::MAX]);
    assert_eq!((seen.messages, seen.pings, seen.pongs), (vec![b"PING".to_vec()], vec![b"?".to_vec()], 1));
}

#[test]
fn what_follows_a_close_is_not_read() {
    let input = [frame(0x88, b"\x03\xe8bye"), frame(0x82, b"late")].concat();
    let seen = read(Agreed::default(), &input, &[usize::MAX]);
    assert_eq!((seen.close, seen.messages.len()), (Some(Close::new(crate::Status::NORMAL, "bye")), 0));
}

#[test]
fn frames_against_the_protocol_are_refused_in_nats_servers_words() {
    let in_message = |next: Vec<u8>| [frame(0x02, b"a"), next].concat();
    for (input, words) in [
        (frame(0x92, b""), "RSV2 and RSV3 must be clear"),
        (frame(0xa2, b""), "RSV2 and RSV3 must be clear"),
        (frame(0xc2, b""), "compressed frame received without negotiated permessage-deflate"),
        (frame(0xc9, b""), "compressed frame received without negotiated permessage-deflate"),
        (vec![0x82, 0x00], "mask bit missing"),
        (vec![0x89, 0xfe], "control frame length bigger than maximum allowed of 125 bytes"),
        (frame(0x09, b""), "control frame does not have final bit set"),
        (
            in_message(frame(0x82, b"")),
            "new message started before final frame for previous message was received",
        ),
        (frame(0x80, b""), "invalid continuation frame"),
        (frame(0x83, b""), "unknown opcode 3"),
        (frame(0x8f, b""), "unknown opcode 15"),
        (vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], "invalid 64-bit payload length"),
        (frame(0x88, b"x"), "close frame payload cannot be 1 byte"),
        (frame(0x88, b"\x03\xed"), "invalid close status code 1005"),
    ] {
        assert_eq!(error_of(&input).map(|error| error.to_string()).as_deref(), Some(words), "{input:?}");
    }
}

#[test]
fn compression_is_for_whole_messages_only() {
    let agreed = Agreed { compression: true, ..Agreed::default() };
    let mut reader = Reader::new(agreed);
    let mut input = [frame(0x42, b"a"), frame(0x80, b"b"), frame(0x82, b"c")].concat();
    let mut said = Vec::new();
    let mut done = 0;
    while done < input.len() {
        let Ok(Step::Data { used, is_compressed, is_last, .. }) = reader.step(&mut input[done..]) else {
            panic!("all of it is data")
        };
        said.push((is_compressed, is_last));
        done += used;
    }
    assert_eq!(said, [(true, false), (true, true), (false, true)]);

    let refused = |first: &[u8], second: &[u8]| read(agreed, &[first, second].concat(), &[usize::MAX]).error;
    assert_eq!(refused(&frame(0xc9, b""), b""), Some(FrameError::ControlCompressed));
    assert_eq!(refused(&frame(0x42, b""), &frame(0xc0, b"")), Some(FrameError::Continuation));
}

/// nats-server then takes the bytes where a key would be for the payload.
#[test]
fn without_masking_no_frame_has_a_key() {
    let agreed = Agreed { no_masking: true, ..Agreed::default() };
    for second in [2, 0x82] {
        let seen = read(agreed, &[0x82, second, b'h', b'i'], &[usize::MAX]);
        assert_eq!(seen.messages, [b"hi".to_vec()]);
    }
}

#[test]
fn a_readers_state_is_small() {
    assert!(size_of::<Reader>() <= 32, "{} bytes", size_of::<Reader>());
}

fn message() -> impl Strategy<Value = Message> {
    let bytes = |max| proptest::collection::vec(any::<u8>(), 0..max);
    prop_oneof![
        bytes(300).prop_map(|bytes| Message::Binary(bytes.into())),
        bytes(70_000).prop_map(|bytes| Message::Binary(bytes.into())),
        "[a-z]{0,40}".prop_map(|text| Message::Text(text.into())),
        bytes(125).prop_map(|bytes| Message::Ping(bytes.into())),
        bytes(125).prop_map(|bytes| Message::Pong(bytes.into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What another implementation's client writes is what is read, wherever it is cut.
    #[test]
    fn a_client_is_understood(
        messages in proptest::collection::vec(message(), 0..8),
        pieces in proptest::collection::vec(1_usize..2_000, 0..200),
    ) {
        let mut client = WebSocket::from_raw_socket(std::io::Cursor::new(Vec::new()), Role::Client, None);
        let mut expected = Seen::default();
        for message in &messages {
            client.send(message.clone()).expect("memory takes all of it");
            match message {
                Message::Ping(payload) => expected.pings.push(payload.to_vec()),
                Message::Pong(_) => expected.pongs += 1,
                message => expected.messages.push(message.clone().into_data().to_vec()),
            }
        }
        let written = client.get_ref().get_ref();
        prop_assert_eq!(&read(Agreed::default(), written, &[usize::MAX]), &expected);
        let mut pieces = pieces;
        pieces.push(usize::MAX);
        prop_assert_eq!(&read(Agreed::default(), written, &pieces), &expected);
    }

    /// Cutting any bytes anywhere changes nothing.
    #[test]
    fn cutting_the_input_changes_nothing(
        input in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x82), Just(0x80), Just(0x02), Just(0x89)], 0..300),
        pieces in proptest::collection::vec(1_usize..20, 0..60),
        compression: bool,
        no_masking: bool,
    ) {
        let agreed = Agreed { compression, no_masking };
        prop_assert_eq!(read(agreed, &input, &pieces), read(agreed, &input, &[usize::MAX]));
    }

    /// What is written is what another implementation's client reads.
    #[test]
    fn a_client_understands(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70_000), 0..4)) {
        let mut written = Vec::new();
        for payload in &payloads {
            written.extend_from_slice(crate::Frame::whole(Opcode::Binary).header(payload.len()).as_ref());
            written.extend_from_slice(payload);
        }
        let mut client = WebSocket::from_raw_socket(std::io::Cursor::new(written), Role::Client, None);
        for payload in &payloads {
            let read = client.read().expect("it is a frame");
            let data = read.into_data();
            prop_assert_eq!(data.as_ref(), payload.as_slice());
        }
    }
}
