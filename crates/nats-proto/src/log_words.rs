//! What nats-server logs of a mistake, so that rules that watch its log find ours as well.
//!
//! Its parser goes byte by byte, and names the state it was in, how far into its read buffer it was, and the
//! bytes it stumbled over. Decoders here have no such states; they are found afterwards, by walking what was
//! refused once more.

use crate::go_text::quote;
use crate::line::{Line, Scan};
use crate::tokens::parse_size;
use crate::verb::client_verb;
use crate::{Limits, ProtoError};

/// How many bytes of the input a line shows.
const SNIPPET_BYTES_MAX: usize = 32;

/// Where input was refused.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// The input from the front of the refused op on, as the decoder was given it.
    pub input: &'a [u8],
    /// What came with it and was not given to the decoder yet.
    pub behind: &'a [u8],
    /// Where the latest read begins, counted from the front of `input`; below 0 if it begins before.
    pub read_at: isize,
    /// Where that read is cut into pieces, counted from its start: frames, which the peer reads one by one.
    pub cuts: &'a [usize],
}

/// The verbs of a client, each with the number of nats-server's state behind each of its bytes.
const VERBS: [(&[u8], &[u8]); 10] = [
    (b"+OK", &[1, 2, 3]),
    (b"-ERR", &[4, 5, 6, 7]),
    (b"CONNECT", &[10, 11, 12, 13, 14, 15, 16]),
    (b"HPUB", &[18, 19, 20, 21]),
    (b"INFO", &[71, 72, 73, 74]),
    (b"PING", &[29, 34, 35, 36]),
    (b"PONG", &[29, 37, 38, 39]),
    (b"PUB", &[29, 30, 31]),
    (b"SUB", &[43, 44, 45]),
    (b"UNSUB", &[59, 60, 61, 62, 63]),
];

/// The states at the two bytes that end a payload.
const PAYLOAD_END: [u8; 2] = [41, 42];

impl ProtoError {
    /// The line that nats-server logs of this mistake of a client, behind who the client is.
    #[cold]
    pub fn log_words(&self, refused: &Refused<'_>) -> String {
        match self {
            Self::UnknownOperation => {
                let (state, at) = unknown_verb(refused.input);
                parser_error(state, at, refused)
            }
            Self::BadPayloadEnd => {
                let (state, at) = payload_end(refused.input);
                parser_error(state, at, refused)
            }
            Self::ControlLineTooLong { .. } => "maximum control line exceeded".into(),
            Self::PayloadTooLarge { size, max } => format!("maximum payload exceeded: {size} vs {max}"),
            Self::BadArguments { op } => {
                format!("{} Parse Error: {}", processor(op), quote(arguments(refused.input)))
            }
            Self::BadSize { op } => {
                let arguments = arguments(refused.input);
                format!("{} {}: {}", processor(op), wrong_size(op, arguments), quote(arguments))
            }
        }
    }
}

impl ProtoError {
    /// The line at the front, verb and arguments, if that was complete.
    #[cold]
    pub fn line<'a>(&self, refused: &Refused<'a>) -> Option<(&'static str, &'a [u8])> {
        let verb = match self {
            Self::BadArguments { op } | Self::BadSize { op } => op,
            Self::PayloadTooLarge { .. } | Self::BadPayloadEnd => {
                client_verb(refused.input).ok().flatten()?.word()
            }
            Self::UnknownOperation | Self::ControlLineTooLong { .. } => return None,
        };
        Some((verb, arguments(refused.input)))
    }
}

fn parser_error(state: u8, at: usize, refused: &Refused<'_>) -> String {
    let place = usize::try_from(at as isize - refused.read_at).unwrap_or_default();
    let next = refused.cuts.partition_point(|cut| *cut <= place);
    let piece_at = next.checked_sub(1).map_or(0, |last| refused.cuts[last]);
    let index = place - piece_at;
    let shown = refused.cuts.get(next).map_or(SNIPPET_BYTES_MAX, |cut| SNIPPET_BYTES_MAX.min(cut - place));
    let unread = refused.input.get(at..).unwrap_or_default();
    let mut snippet: Vec<u8> = unread.iter().chain(refused.behind).take(shown).copied().collect();
    if snippet.len() < SNIPPET_BYTES_MAX {
        snippet.pop(); // As the peer has it: the last byte of a read is never shown.
    }
    format!("Client parser ERROR, state={state}, i={index}: proto='{}...'", quote(snippet))
}

/// The state and the offset of the first byte that continues no verb.
fn unknown_verb(input: &[u8]) -> (u8, usize) {
    let known = |verb: &[u8]| {
        let same = verb.iter().zip(input).take_while(|(one, other)| one.eq_ignore_ascii_case(other));
        same.count()
    };
    let nearest = VERBS.iter().map(|(verb, states)| (known(verb), states)).max_by_key(|(known, _)| *known);
    match nearest {
        Some((known @ 1.., states)) => (states[known - 1], known),
        _ => (0, 0),
    }
}

/// The state and the offset of the first byte that is wrong behind a payload.
fn payload_end(input: &[u8]) -> (u8, usize) {
    let line = line(input);
    let size = words(line.args).last().and_then(parse_size).unwrap_or_default();
    let at = line.end + size;
    let [first, second] = PAYLOAD_END;
    if input.get(at) == Some(&b'\r') { (second, at + 1) } else { (first, at) }
}

fn arguments(input: &[u8]) -> &[u8] {
    line(input).args
}

/// The line at the front, which was read to its end before.
fn line(input: &[u8]) -> Line<'_> {
    const ANY: Limits = Limits { control_line_bytes_max: usize::MAX, payload_bytes_max: usize::MAX };
    let read = |verb| Scan::default().args(input, verb, &ANY).ok().flatten();
    client_verb(input).ok().flatten().and_then(read).unwrap_or(Line { args: &[], end: 0 })
}

fn words(args: &[u8]) -> impl Iterator<Item = &[u8]> {
    args.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty())
}

/// What of nats-server reads the arguments of a verb.
fn processor(op: &str) -> &'static str {
    match op {
        "HPUB" => "processHeaderPub",
        "SUB" => "processSub",
        "UNSUB" => "processUnsub",
        _ => "processPub",
    }
}

fn wrong_size(op: &str, args: &[u8]) -> &'static str {
    if op != "HPUB" {
        return "Bad or Missing Size";
    }
    let mut sizes = words(args).map(parse_size).skip(words(args).count().saturating_sub(2));
    match (sizes.next().flatten(), sizes.next().flatten()) {
        (None, _) => "Bad or Missing Header Size",
        (_, None) => "Bad or Missing Total Size",
        _ => "Header Size larger then TotalSize",
    }
}

#[cfg(test)]
mod tests;
