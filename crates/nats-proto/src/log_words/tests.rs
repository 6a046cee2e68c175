use super::*;
use crate::testing::answers;
use crate::{ClientDecoder, Step};

/// What a client with an empty connection is logged for, if it sends this in so many reads.
fn logged(reads: &[Vec<u8>]) -> Option<String> {
    let (limits, mut decoder) = (Limits::default(), ClientDecoder::default());
    let mut inbox = Vec::new();
    for read in reads {
        let (before, mut front) = (inbox.len(), 0);
        inbox.extend_from_slice(read);
        loop {
            match decoder.step(&inbox[front..], &limits) {
                Ok(Step::Op { used, .. }) => front += used,
                Ok(Step::NeedMore { .. }) => break,
                Err(error) => {
                    let read_at = before as isize - front as isize;
                    let refused = Refused { input: &inbox[front..], behind: b"", read_at, cuts: &[] };
                    return Some(error.log_words(&refused));
                }
            }
        }
        inbox.drain(..front);
    }
    None
}

/// A CR before the end of a line means something else to the peer if the line was cut.
fn is_cut_around_a_carriage_return(reads: &[Vec<u8>]) -> bool {
    let whole = reads.concat();
    let line_end = whole.iter().position(|byte| *byte == b'\n').unwrap_or(whole.len());
    let line = whole[..line_end].strip_suffix(b"\r").unwrap_or(&whole[..line_end]);
    reads.len() > 1 && reads[0].len() <= line_end && line.contains(&b'\r')
}

#[test]
fn lines_are_the_peers_wherever_the_input_is_cut() {
    let mut looked_at = 0;
    for (input, reads, line) in answers(include_str!("../../testdata/parser_errors.txt")) {
        if !is_cut_around_a_carriage_return(&reads) {
            assert_eq!(logged(&reads).as_deref(), Some(line), "{input}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 350, "{looked_at}");
}

#[test]
fn what_was_not_decoded_yet_is_shown_too() {
    let refused = |read_at| Refused { input: b"PUB a 1\r\nxy", behind: b"z\r\n", read_at, cuts: &[] };
    let line = |read_at| ProtoError::BadPayloadEnd.log_words(&refused(read_at));
    assert_eq!(line(-3), r#"Client parser ERROR, state=41, i=13: proto='"yz\r"...'"#);
    assert_eq!(line(10), r#"Client parser ERROR, state=41, i=0: proto='"yz\r"...'"#);
}

/// As nats-server 2.14.5 logs it of frames of WebSocket.
#[test]
fn a_frame_is_a_read_of_its_own() {
    let line = |frames: &[&str], front: usize| {
        let mut end = 0;
        let ends = frames.iter().map(|frame| (end += frame.len(), end).1);
        let cuts: Vec<usize> = ends.take(frames.len() - 1).collect();
        let whole = frames.concat();
        let refused = Refused {
            input: &whole.as_bytes()[front..],
            behind: b"",
            read_at: -(front as isize),
            cuts: &cuts,
        };
        ProtoError::UnknownOperation.log_words(&refused)
    };
    let said = |index, shown| format!("Client parser ERROR, state=0, i={index}: proto='\"{shown}\"...'");
    assert_eq!(line(&["PING\r\nFOO bar\r\n"], 6), said(6, "FOO bar\\r"));
    assert_eq!(line(&["PING\r\n", "FOO bar\r\n"], 6), said(0, "FOO bar\\r"));
    assert_eq!(line(&["PUB a 0\r\n\r\n", "PING\r\nFO", "O bar\r\n"], 17), said(6, "F"));
}

#[test]
fn a_line_that_is_complete_is_told() {
    let line = |input, error: ProtoError| error.line(&Refused { input, behind: b"", read_at: 0, cuts: &[] });
    assert_eq!(line(b"sub  a \r\n", ProtoError::BadArguments { op: "SUB" }), Some(("SUB", &b"a "[..])));
    let too_large = ProtoError::PayloadTooLarge { size: 9, max: 8 };
    assert_eq!(line(b"hpub a 1 9\r\nxxx", too_large), Some(("HPUB", &b"a 1 9"[..])));
    assert_eq!(line(b"PUB a 1\r\nxy", ProtoError::BadPayloadEnd), Some(("PUB", &b"a 1"[..])));
    assert_eq!(line(b"PUX", ProtoError::UnknownOperation), None);
}

#[test]
fn limits_are_named() {
    let refused = Refused { input: b"PUB a 9\r\n", behind: b"", read_at: 0, cuts: &[] };
    let words = |error: ProtoError| error.log_words(&refused);
    assert_eq!(words(ProtoError::PayloadTooLarge { size: 9, max: 8 }), "maximum payload exceeded: 9 vs 8");
    assert_eq!(words(ProtoError::ControlLineTooLong { max: 8 }), "maximum control line exceeded");
}

/// Whatever is asked about whatever input, there is an answer.
#[test]
fn no_question_is_too_odd() {
    for input in [&b""[..], b"X", b"PUB", b"PUB a", b"HPUB a\r\n", b"PUB a 999999999\r\n", b"MSG a b 1\r\n"] {
        for error in [
            ProtoError::UnknownOperation,
            ProtoError::BadPayloadEnd,
            ProtoError::BadArguments { op: "MSG" },
            ProtoError::BadSize { op: "HPUB" },
        ] {
            assert!(!error.log_words(&Refused { input, behind: b"", read_at: 7, cuts: &[1, 8] }).is_empty());
        }
    }
}
