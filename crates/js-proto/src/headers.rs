//! Headers that streams look at or add: their names, and how they are written.

use crate::Timestamp;
use crate::digits::push_number;

/// An id; a message with one that is known already is stored once only.
pub const MSG_ID: &str = "Nats-Msg-Id";
/// The stream that is to store the message.
pub const EXPECTED_STREAM: &str = "Nats-Expected-Stream";
/// The sequence that is to be the stream's last one before.
pub const EXPECTED_LAST_SEQUENCE: &str = "Nats-Expected-Last-Sequence";
/// The sequence that is to be the subject's last one before.
pub const EXPECTED_LAST_SUBJECT_SEQUENCE: &str = "Nats-Expected-Last-Subject-Sequence";
/// Which subject that is about, if not the message's own.
pub const EXPECTED_LAST_SUBJECT_SEQUENCE_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
/// The id that is to be the stream's last one before.
pub const EXPECTED_LAST_MSG_ID: &str = "Nats-Expected-Last-Msg-Id";
/// What all of those begin with.
pub const EXPECTED_PREFIX: &str = "Nats-Expected-";
/// What the message takes the place of.
pub const ROLLUP: &str = "Nats-Rollup";
/// How long the message lives.
pub const TTL: &str = "Nats-TTL";
/// What is added to a counter.
pub const INCR: &str = "Nats-Incr";
/// What the sources of a counter had when they were added.
pub const COUNTER_SOURCES: &str = "Nats-Counter-Sources";
/// The batch the message belongs to.
pub const BATCH_ID: &str = "Nats-Batch-Id";
/// Its number in the batch.
pub const BATCH_SEQUENCE: &str = "Nats-Batch-Sequence";
/// That the batch is to be stored.
pub const BATCH_COMMIT: &str = "Nats-Batch-Commit";
/// What all of those begin with.
pub const BATCH_PREFIX: &str = "Nats-Batch-";
/// When the message is to be published.
pub const SCHEDULE: &str = "Nats-Schedule";
/// In which time zone.
pub const SCHEDULE_TIME_ZONE: &str = "Nats-Schedule-Time-Zone";
/// How long what is published lives.
pub const SCHEDULE_TTL: &str = "Nats-Schedule-TTL";
/// What it takes the place of.
pub const SCHEDULE_ROLLUP: &str = "Nats-Schedule-Rollup";
/// Where it is published to.
pub const SCHEDULE_TARGET: &str = "Nats-Schedule-Target";
/// The subject whose last message it says.
pub const SCHEDULE_SOURCE: &str = "Nats-Schedule-Source";
/// The subject of the message that said so.
pub const SCHEDULER: &str = "Nats-Scheduler";
/// When it is published next.
pub const SCHEDULE_NEXT: &str = "Nats-Schedule-Next";
/// What is said there by a schedule that ends.
pub const SCHEDULE_NEXT_PURGE: &str = "purge";
/// Why there is a marker in the place of a message.
pub const MARKER_REASON: &str = "Nats-Marker-Reason";
/// Where a message was taken from.
pub const STREAM_SOURCE: &str = "Nats-Stream-Source";
/// The level of the API that a request needs.
pub const REQUIRED_API_LEVEL: &str = "Nats-Required-Api-Level";
/// The type of an answer that is not JSON.
pub const RESPONSE_TYPE: &str = "Nats-Response-Type";
/// The last delivery of a consumer.
pub const LAST_CONSUMER: &str = "Nats-Last-Consumer";
/// The last sequence it delivered.
pub const LAST_STREAM: &str = "Nats-Last-Stream";
/// Where a consumer waits for an answer.
pub const CONSUMER_STALLED: &str = "Nats-Consumer-Stalled";
/// How large a message was whose payload is left out.
pub const MSG_SIZE: &str = "Nats-Msg-Size";
/// What a request still had to get: messages.
pub const PENDING_MESSAGES: &str = "Nats-Pending-Messages";
/// What a request still had to get: bytes.
pub const PENDING_BYTES: &str = "Nats-Pending-Bytes";
/// The id of who is served alone.
pub const PIN_ID: &str = "Nats-Pin-Id";
/// The stream of a message.
pub const STREAM: &str = "Nats-Stream";
/// The subject it was stored under.
pub const SUBJECT: &str = "Nats-Subject";
/// Its sequence.
pub const SEQUENCE: &str = "Nats-Sequence";
/// When it came in.
pub const TIME_STAMP: &str = "Nats-Time-Stamp";
/// The sequence before it.
pub const LAST_SEQUENCE: &str = "Nats-Last-Sequence";
/// How many follow it.
pub const NUM_PENDING: &str = "Nats-Num-Pending";
/// Up to which sequence was looked.
pub const UP_TO_SEQUENCE: &str = "Nats-UpTo-Sequence";
/// What was done to a key.
pub const KV_OPERATION: &str = "KV-Operation";
/// What is said there if all that was known of it is to go.
pub const KV_PURGE: &[u8] = b"PURGE";

/// What all lines begin with that say where a dead letter comes from.
pub const DEAD_PREFIX: &str = "Buster-Dead-";
/// Why a message died: `max_deliver`, `terminated`, `unreadable`.
pub const DEAD_REASON: &str = "Buster-Dead-Reason";
/// What was said of that.
pub const DEAD_SAID: &str = "Buster-Dead-Said";
/// The stream in which it was.
pub const DEAD_STREAM: &str = "Buster-Dead-Stream";
/// The consumer that gave it up.
pub const DEAD_CONSUMER: &str = "Buster-Dead-Consumer";
/// Its sequence in the stream.
pub const DEAD_SEQUENCE: &str = "Buster-Dead-Sequence";
/// How often it was delivered.
pub const DEAD_DELIVERIES: &str = "Buster-Dead-Deliveries";
/// When it came to the stream.
pub const DEAD_TIME: &str = "Buster-Dead-Time";
/// The id that it had.
pub const DEAD_MSG_ID: &str = "Buster-Dead-Msg-Id";
/// That its own headers are left out, which would not have had room.
pub const DEAD_HEADERS: &str = "Buster-Dead-Headers";

/// Appends a header.
pub fn write_text(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Appends a header that says a number.
pub fn write_number(out: &mut Vec<u8>, name: &str, value: u64) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    push_number(out, value);
    out.extend_from_slice(b"\r\n");
}

/// Appends a header that says a moment.
pub(crate) fn write_time(out: &mut Vec<u8>, name: &str, value: Timestamp) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    value.write(out);
    out.extend_from_slice(b"\r\n");
}

/// The names and values in a header block, as streams read them: a line ends in CR LF, a name in a colon, and the
/// blanks before a value are none of it. Lines without a colon say nothing; nor does the first one.
pub fn fields(block: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut lines = lines(block);
    lines.next();
    lines.filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let blanks = line[colon + 1..].iter().take_while(|byte| **byte == b' ').count();
        Some((&line[..colon], &line[colon + 1 + blanks..]))
    })
}

/// The text between one CR LF and the next.
fn lines(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(block);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr_iter(b'\r', text).find(|at| text.get(at + 1) == Some(&b'\n'));
        rest = end.map(|end| &text[end + 2..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_streams_read_them() {
        let block = b"NATS/1.0\r\nA: 1\r\nB:\r\nno colon\r\nC:  x:y \nz\r\n\r\n";
        let read: Vec<_> = fields(block).collect();
        assert_eq!(read, [(&b"A"[..], &b"1"[..]), (b"B", b""), (b"C", b"x:y \nz")]);
        assert_eq!(fields(b"").count(), 0);
        assert_eq!(fields(b"NATS/1.0").count(), 0);
        assert_eq!(fields(b"NATS/1.0\r\nA:\rb\n\r\n").collect::<Vec<_>>(), [(&b"A"[..], &b"\rb\n"[..])]);
    }
}
