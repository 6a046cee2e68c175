//! What a publisher asks of the stream that is to store its message, by headers.

use crate::digits::parse_number;
use crate::{Nanos, headers};

/// What the headers of a message ask for. Of several with one name the first counts; empty ones are mostly none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PublishHeaders<'a> {
    /// The id of the message.
    pub msg_id: Option<&'a [u8]>,
    /// The stream that is to store it.
    pub expected_stream: Option<&'a [u8]>,
    /// The sequence that is to be the stream's last one. What is no number is one that never is.
    pub expected_last_seq: Option<u64>,
    /// The sequence that is to be its subject's last one. What is no number is one that never is.
    pub expected_last_subject_seq: Option<u64>,
    /// Which subject that is about, if not its own.
    pub expected_last_subject: Option<&'a [u8]>,
    /// The id that is to be the stream's last one.
    pub expected_last_msg_id: Option<&'a [u8]>,
    /// What it takes the place of.
    pub rollup: Option<Rollup<'a>>,
    /// How long it lives.
    pub ttl: Option<Result<Ttl, BadTtl>>,
    /// What is added to a counter.
    pub incr: Option<Result<Increment<'a>, BadIncrement>>,
    /// Where it was taken from.
    pub stream_source: Option<&'a [u8]>,
    /// The batch it belongs to. It may be empty.
    pub batch_id: Option<&'a [u8]>,
    /// Its number in the batch, if that is one.
    pub batch_seq: Option<Option<u64>>,
    /// Whether the batch ends. It may be empty.
    pub batch_commit: Option<&'a [u8]>,
    /// When it is to be published, and how.
    pub schedule: ScheduleHeaders<'a>,
    /// Whether it stands in the place of a subject that is gone: a stream's marker, or what a purge of a key leaves.
    pub is_marker: bool,
}

/// When a message is to be published, and how. What is said is left to who keeps the schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScheduleHeaders<'a> {
    /// When.
    pub pattern: Option<&'a [u8]>,
    /// In which time zone. It may be empty, which is none that is known.
    pub time_zone: Option<&'a [u8]>,
    /// Where to.
    pub target: Option<&'a [u8]>,
    /// The subject whose last message is published.
    pub source: Option<&'a [u8]>,
    /// How long what is published lives, and how that is written.
    pub ttl: Option<(Result<Ttl, BadTtl>, &'a [u8])>,
    /// What it takes the place of.
    pub rollup: Option<&'a [u8]>,
    /// The subject of the schedule that is spoken of.
    pub scheduler: Option<&'a [u8]>,
    /// What becomes of that one.
    pub next: Option<&'a [u8]>,
}

/// What a message takes the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollup<'a> {
    /// All before it of its subject.
    Subject,
    /// All before it.
    All,
    /// Something unknown.
    Unknown(&'a [u8]),
}

/// How long a message lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// That many seconds; none at all is as if nothing was said.
    Seconds(u64),
    /// For ever, whatever the stream says.
    Never,
}

/// What is added to a counter: a whole number of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Increment<'a> {
    /// Whether it is below zero, or zero with that sign.
    pub is_negative: bool,
    /// Its digits; there is at least one.
    pub digits: &'a str,
}

/// What is no whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadIncrement;

impl<'a> Increment<'a> {
    /// Reads digits, with a sign or without.
    ///
    /// # Errors
    ///
    /// See [`BadIncrement`].
    pub fn parse(text: &'a [u8]) -> Result<Self, BadIncrement> {
        let text = str::from_utf8(text).map_err(|_| BadIncrement)?;
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadIncrement);
        }
        Ok(Self { is_negative: text.starts_with('-'), digits })
    }
}

/// A lifetime that cannot be understood, or of less than a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadTtl;

impl Ttl {
    /// Reads `never` in any case, a length of time as Go writes it, or seconds.
    ///
    /// # Errors
    ///
    /// See [`BadTtl`].
    pub fn parse(text: &[u8]) -> Result<Self, BadTtl> {
        if text.eq_ignore_ascii_case(b"never") {
            return Ok(Self::Never);
        }
        if let Some(nanos) = str::from_utf8(text).ok().and_then(Nanos::parse) {
            let seconds = u64::try_from(nanos.0 / Nanos::from_secs(1).0).map_err(|_| BadTtl)?;
            return if seconds > 0 { Ok(Self::Seconds(seconds)) } else { Err(BadTtl) };
        }
        let seconds = parse_number(text).filter(|seconds| i64::try_from(*seconds).is_ok());
        seconds.map(Self::Seconds).ok_or(BadTtl)
    }
}

impl<'a> Rollup<'a> {
    fn parse(text: &'a [u8]) -> Self {
        if text.eq_ignore_ascii_case(b"sub") {
            Self::Subject
        } else if text.eq_ignore_ascii_case(b"all") {
            Self::All
        } else {
            Self::Unknown(text)
        }
    }
}

/// A sequence that is expected. What is no number, or none that Go's `int64` holds, is the largest one.
fn sequence(text: &[u8]) -> u64 {
    parse_number(text).filter(|number| i64::try_from(*number).is_ok()).unwrap_or(u64::MAX)
}

impl<'a> PublishHeaders<'a> {
    /// Reads a header block in one pass.
    pub fn parse(block: &'a [u8]) -> Self {
        let mut headers = Self::default();
        for (name, value) in headers::fields(block) {
            if name.starts_with(b"Nats-")
                && let Ok(name) = str::from_utf8(name)
            {
                headers.take(name, value);
            } else if name == headers::KV_OPERATION.as_bytes() {
                headers.is_marker |= value == headers::KV_PURGE;
            }
        }
        headers
    }

    fn take(&mut self, name: &str, value: &'a [u8]) {
        let said = (!value.is_empty()).then_some(value);
        match name {
            headers::MSG_ID => first(&mut self.msg_id, said),
            headers::EXPECTED_STREAM => first(&mut self.expected_stream, said),
            headers::EXPECTED_LAST_SEQUENCE => first(&mut self.expected_last_seq, said.map(sequence)),
            headers::EXPECTED_LAST_SUBJECT_SEQUENCE => {
                first(&mut self.expected_last_subject_seq, said.map(sequence));
            }
            headers::EXPECTED_LAST_SUBJECT_SEQUENCE_SUBJECT => first(&mut self.expected_last_subject, said),
            headers::EXPECTED_LAST_MSG_ID => first(&mut self.expected_last_msg_id, said),
            headers::ROLLUP => first(&mut self.rollup, said.map(Rollup::parse)),
            headers::TTL => first(&mut self.ttl, said.map(Ttl::parse)),
            headers::INCR => first(&mut self.incr, said.map(Increment::parse)),
            headers::STREAM_SOURCE => first(&mut self.stream_source, said),
            headers::BATCH_ID => first(&mut self.batch_id, Some(value)),
            headers::BATCH_SEQUENCE => first(&mut self.batch_seq, said.map(parse_number)),
            headers::BATCH_COMMIT => first(&mut self.batch_commit, Some(value)),
            headers::MARKER_REASON => self.is_marker |= said.is_some(),
            _ => self.schedule.take(name, value),
        }
    }
}

impl<'a> ScheduleHeaders<'a> {
    fn take(&mut self, name: &str, value: &'a [u8]) {
        let said = (!value.is_empty()).then_some(value);
        match name {
            headers::SCHEDULE => first(&mut self.pattern, said),
            headers::SCHEDULE_TIME_ZONE => first(&mut self.time_zone, Some(value)),
            headers::SCHEDULE_TARGET => first(&mut self.target, said),
            headers::SCHEDULE_SOURCE => first(&mut self.source, said),
            headers::SCHEDULE_TTL => first(&mut self.ttl, said.map(|text| (Ttl::parse(text), text))),
            headers::SCHEDULE_ROLLUP => first(&mut self.rollup, said),
            headers::SCHEDULER => first(&mut self.scheduler, said),
            headers::SCHEDULE_NEXT => first(&mut self.next, said),
            _ => {}
        }
    }
}

/// Only the first of a name counts.
fn first<T>(place: &mut Option<T>, value: Option<T>) {
    if place.is_none() {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_by_their_exact_names() {
        let block = b"NATS/1.0\r\nnats-msg-id: no\r\nNats-Msg-Id:   a b\r\nNats-Msg-Id: second\r\n\
            Nats-Expected-Last-Sequence: 7\r\nNats-Rollup: SUB\r\nNats-TTL: 1m\r\nNats-Incr: +1\r\n\
            Nats-Batch-Sequence: x\r\nNats-Schedule: @every 1s\r\nNats-Schedule-TTL: 5\r\nOther: x\r\n\r\n";
        let expected = PublishHeaders {
            msg_id: Some(b"a b"),
            expected_last_seq: Some(7),
            rollup: Some(Rollup::Subject),
            ttl: Some(Ok(Ttl::Seconds(60))),
            incr: Some(Ok(Increment { is_negative: false, digits: "1" })),
            batch_seq: Some(None),
            schedule: ScheduleHeaders {
                pattern: Some(b"@every 1s"),
                ttl: Some((Ok(Ttl::Seconds(5)), b"5")),
                ..Default::default()
            },
            ..Default::default()
        };
        assert_eq!(PublishHeaders::parse(block), expected);
    }

    #[test]
    fn markers_say_why_or_are_purged_keys() {
        let is_marker =
            |lines: &str| PublishHeaders::parse(format!("NATS/1.0\r\n{lines}\r\n").as_bytes()).is_marker;
        assert!(is_marker("Nats-Marker-Reason: MaxAge\r\n") && is_marker("KV-Operation: PURGE\r\n"));
        assert!(!is_marker("Nats-Marker-Reason:\r\n") && !is_marker("KV-Operation: DEL\r\n"));
    }

    #[test]
    fn increments_are_whole_numbers_of_any_length() {
        let long = "123456789012345678901234567890";
        let increment = |is_negative, digits| Ok(Increment { is_negative, digits });
        assert_eq!(Increment::parse(b"-0"), increment(true, "0"));
        assert_eq!(Increment::parse(long.as_bytes()), increment(false, long));
        for text in ["", "+", "--1", "1.0", "1_0", "x", " 1", "0x1"] {
            assert_eq!(Increment::parse(text.as_bytes()), Err(BadIncrement), "{text}");
        }
    }

    #[test]
    fn sequences_that_are_none_never_match() {
        let last_seq = |value: &str| {
            let block = format!("NATS/1.0\r\nNats-Expected-Last-Sequence: {value}\r\n\r\n");
            PublishHeaders::parse(block.as_bytes()).expected_last_seq
        };
        assert_eq!(last_seq("0"), Some(0));
        assert_eq!(last_seq(""), None);
        for value in ["x", "-1", "1 ", "99999999999999999999"] {
            assert_eq!(last_seq(value), Some(u64::MAX), "{value}");
        }
    }

    #[test]
    fn lifetimes_are_words_lengths_or_seconds() {
        for (text, ttl) in [
            ("never", Ok(Ttl::Never)),
            ("NEVER", Ok(Ttl::Never)),
            ("1h", Ok(Ttl::Seconds(3600))),
            ("1.5s", Ok(Ttl::Seconds(1))),
            ("5", Ok(Ttl::Seconds(5))),
            ("500ms", Err(BadTtl)),
            ("0", Err(BadTtl)),
            ("-1", Err(BadTtl)),
            ("-5s", Err(BadTtl)),
            ("x", Err(BadTtl)),
        ] {
            assert_eq!(Ttl::parse(text.as_bytes()), ttl, "{text}");
        }
    }
}
