//! The bodies of the fuzz targets: what must hold for any bytes at all.
//!
//! Each is a plain function that panics when something does not hold, so a saved crash becomes a
//! unit test by calling it with the saved bytes.

use std::fmt::Debug;

use crate::{
    ClientDecoder, ClientOp, Limits, Message, ProtoError, Publish, PublishStreak, Refused, ServerDecoder,
    ServerOp, Step, encode,
};

mod body;
mod header_block;
mod peer;
#[cfg(test)]
mod tests;

pub use self::body::body;
pub use self::header_block::header_block;
pub use self::peer::peer_bytes;

use self::body::{check_connect, check_server_info, check_shown};

/// Reads `data` as what a client sends.
pub fn client_bytes(data: &[u8]) {
    for limits in &LIMITS {
        let fresh = || {
            let mut decoder = ClientDecoder::default();
            move |input| decoder.step(input, limits)
        };
        for op in decode_all_ways(data, fresh, limits) {
            check_client_op(op);
        }
        check_streaks(data, limits);
        check_words(data, limits);
    }
    // Any bytes may be the body of an op.
    check_connect(data);
    check_shown(data);
}

/// Of every mistake there is something to say, wherever its read begins.
fn check_words(data: &[u8], limits: &Limits) {
    let mut decoder = ClientDecoder::default();
    let mut front = 0;
    loop {
        match decoder.step(&data[front..], limits) {
            Ok(Step::Op { used, .. }) => front += used,
            Ok(Step::NeedMore { .. }) => return,
            Err(error) => {
                let input = &data[front..];
                for read_at in [-7, 0, input.len() as isize] {
                    let refused = Refused { input, behind: b"behind\r\n", read_at, cuts: &[3, 9] };
                    let words = error.log_words(&refused);
                    assert!(!words.is_empty() && !words.contains(char::is_control), "{words:?}");
                    let line = error.line(&refused);
                    assert!(line.is_none_or(|(verb, arguments)| verb.len() + arguments.len() <= input.len()));
                }
                return;
            }
        }
    }
}

/// A streak reads nothing that a decoder would read otherwise.
fn check_streaks(data: &[u8], limits: &Limits) {
    let mut decoder = ClientDecoder::default();
    let (mut rest, mut streak) = (data, None::<PublishStreak<'_>>);
    while let Ok(Step::Op { used, op }) = decoder.step(rest, limits) {
        if let Some((len, publish)) = streak.and_then(|streak| streak.next(rest, limits)) {
            assert_eq!((len, ClientOp::Publish(publish)), (used, op));
        }
        if let ClientOp::Publish(publish) = &op {
            streak = PublishStreak::of(rest, publish);
        }
        rest = &rest[used..];
    }
    let ahead = streak.and_then(|streak| streak.next(rest, limits));
    assert_eq!(ahead, None, "the decoder refused it or wants more");
}

/// Reads `data` as what a server sends.
pub fn server_bytes(data: &[u8]) {
    for limits in &LIMITS {
        let fresh = || {
            let mut decoder = ServerDecoder::default();
            move |input| decoder.step(input, limits)
        };
        for op in decode_all_ways(data, fresh, &limits.for_server_lines()) {
            check_server_op(op);
        }
    }
}

/// The defaults, and limits so tight that short inputs meet them.
const LIMITS: [Limits; 2] = [
    Limits {
        control_line_bytes_max: crate::CONTROL_LINE_BYTES_MAX,
        payload_bytes_max: crate::PAYLOAD_BYTES_MAX,
    },
    Limits { control_line_bytes_max: 12, payload_bytes_max: 9 },
];

/// Where a connection's input ended.
#[derive(Debug, PartialEq)]
enum End {
    /// In the middle of an op, or between two.
    Open { left: usize },
    /// At a mistake of the peer.
    Refused(ProtoError),
}

/// Decodes the data in one piece and cut up in several ways, and holds the outcomes together.
fn decode_all_ways<'d, T, D>(data: &'d [u8], fresh: impl Fn() -> D, limits: &Limits) -> Vec<T>
where
    T: Copy + Debug + PartialEq,
    D: FnMut(&'d [u8]) -> Result<Step<T>, ProtoError>,
{
    let whole = decode(data, &fresh, limits, |_, _| data.len());
    for chunk in [1, 2, 3, 7, 61] {
        let cut = decode(data, &fresh, limits, |have, _| have + chunk);
        assert_eq!(cut, whole, "cut every {chunk} bytes");
    }
    let asked = decode(data, &fresh, limits, |_, wanted| wanted);
    assert_eq!(asked, whole, "given just what was asked for");
    whole.0
}

/// Decodes the data as it arrives. `arrive` is told how much has arrived and how much the decoder
/// wants, both counted from the start, and says how much has arrived next.
fn decode<'d, T, D>(
    data: &'d [u8],
    fresh: impl Fn() -> D,
    limits: &Limits,
    arrive: impl Fn(usize, usize) -> usize,
) -> (Vec<T>, End)
where
    T: Copy + Debug + PartialEq,
    D: FnMut(&'d [u8]) -> Result<Step<T>, ProtoError>,
{
    let mut decoder = fresh();
    let (mut ops, mut start, mut have) = (Vec::new(), 0, 0);
    // What NeedMore promised about the op at the front.
    let mut promised = 1;
    loop {
        let input = &data[start..have];
        let step = decoder(input);
        assert_eq!(step, fresh()(input), "what a decoder remembers changed its answer");
        match step {
            Ok(Step::Op { used, op }) => {
                assert!((promised..=input.len()).contains(&used), "{used} of {} bytes used", input.len());
                ops.push(op);
                start += used;
                promised = 1;
            }
            Ok(Step::NeedMore { at_least }) => {
                assert!(at_least > input.len(), "asked for {at_least}, {} are there", input.len());
                assert!(at_least >= promised, "asked for {at_least} after {promised}");
                assert!(input.len() < unfinished_max(limits), "an unfinished op of {} bytes", input.len());
                if have == data.len() {
                    return (ops, End::Open { left: input.len() });
                }
                promised = at_least;
                have = arrive(have, start + at_least).min(data.len());
            }
            Err(error) => return (ops, End::Refused(error)),
        }
    }
}

/// No op is longer than this: the longest verb, blanks, arguments and the line end, then the largest
/// payload and its end. So this is all a connection ever has to buffer.
fn unfinished_max(limits: &Limits) -> usize {
    let line = "CONNECT".len() + 2 * limits.control_line_bytes_max + CR_LF.len();
    line + limits.payload_bytes_max + CR_LF.len()
}

const CR_LF: &[u8] = b"\r\n";

fn check_client_op(op: ClientOp<'_>) {
    let mut out = Vec::new();
    match op {
        ClientOp::Publish(publish) => {
            header_block(publish.headers());
            write_publish(&mut out, &publish);
        }
        ClientOp::Subscribe(sub) => encode::subscribe(&mut out, sub.subject, sub.queue, sub.sid),
        ClientOp::Unsubscribe(unsub) => encode::unsubscribe(&mut out, unsub.sid, unsub.max),
        ClientOp::Connect(text) => return check_connect(text),
        ClientOp::Info(text) => return check_server_info(text),
        ClientOp::Ping | ClientOp::Pong | ClientOp::Ok | ClientOp::Err(_) => return,
    }
    let step = ClientDecoder::default().step(&out, &ROOMY);
    let Ok(Step::Op { used, op: again }) = step else { panic!("{op:?} came back as {step:?}") };
    assert_eq!(used, out.len());
    match (op, again) {
        (ClientOp::Publish(op), ClientOp::Publish(again)) => {
            assert_eq!((op.subject, op.reply), (again.subject, again.reply));
            assert_eq!((op.headers(), op.payload()), (again.headers(), again.payload()));
        }
        // A maximum that is none does not come back.
        (ClientOp::Unsubscribe(op), ClientOp::Unsubscribe(again)) => {
            assert_eq!((op.sid, op.max), (again.sid, again.max));
        }
        _ => assert_eq!(op, again),
    }
}

fn check_server_op(op: ServerOp<'_>) {
    let message = match op {
        ServerOp::Message(message) => message,
        ServerOp::Info(text) => return check_server_info(text),
        ServerOp::Ping | ServerOp::Pong | ServerOp::Ok | ServerOp::Err(_) => return,
    };
    header_block(message.headers());
    let mut out = Vec::new();
    write_message(&mut out, &message);
    let step = ServerDecoder::default().step(&out, &ROOMY);
    let Ok(Step::Op { used, op: ServerOp::Message(again) }) = step else {
        panic!("{message:?} came back as {step:?}")
    };
    assert_eq!(used, out.len());
    assert_eq!((message.subject, message.sid, message.reply), (again.subject, again.sid, again.reply));
    assert_eq!((message.headers(), message.payload()), (again.headers(), again.payload()));
}

/// For ops written anew, which may be a little longer than they were.
const ROOMY: Limits = Limits { control_line_bytes_max: 1 << 20, payload_bytes_max: usize::MAX };

fn write_publish(out: &mut Vec<u8>, op: &Publish<'_>) {
    match op.header {
        None => encode::publish(out, op.subject, op.reply, op.payload()),
        Some(_) => encode::hpublish(out, op.subject, op.reply, op.headers(), op.payload()),
    }
}

fn write_message(out: &mut Vec<u8>, op: &Message<'_>) {
    match op.header {
        None => encode::msg(out, op.subject, op.sid, op.reply, op.payload()),
        Some(_) => encode::hmsg(out, op.subject, op.sid, op.reply, op.headers(), op.payload()),
    }
}
