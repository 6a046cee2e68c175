use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::api_bytes;

/// Pieces of bodies, so that random strings of them often come close to real ones.
const PIECES: &[&str] = &[
    "\"name\":\"S\"",
    "\"durable_name\":\"C\"",
    "\"stream_name\":\"S\"",
    "\"subjects\":[\"a.>\",\"b\"]",
    "\"subjects\":{\"a\":1}",
    "\"max_age\":1000000000",
    "\"max_msgs\":-5",
    "\"max_bytes\":1e3",
    "\"retention\":\"workqueue\"",
    "\"discard\":\"NEW\"",
    "\"discard_new_per_subject\":true",
    "\"max_msgs_per_subject\":1",
    "\"storage\":\"memory\"",
    "\"mirror\":{\"name\":\"O\",\"opt_start_time\":\"2024-02-29T01:02:03.5+01:00\"}",
    "\"sources\":[{\"name\":\"O\",\"filter_subject\":\"x\"},null]",
    "\"republish\":{\"dest\":\"r.>\"}",
    "\"subject_transform\":{\"src\":\"a.*\",\"dest\":\"c.$1\"}",
    "\"subject_delete_marker_ttl\":1000000000",
    "\"allow_msg_schedules\":true",
    "\"allow_msg_counter\":true",
    "\"metadata\":{\"a\":\"<&>\"}",
    "\"placement\":{}",
    "\"pedantic\":true",
    "\"config\":{\"durable_name\":\"C\",\"ack_policy\":\"explicit\",\"backoff\":[5,6],\"max_deliver\":3}",
    "\"config\":{\"deliver_subject\":\"d\",\"ack_policy\":\"flow_control\",\"max_ack_pending\":3}",
    "\"config\":{\"filter_subjects\":[\"a\",\"b\"],\"deliver_policy\":\"last_per_subject\"}",
    "\"config\":{\"priority_policy\":\"pinned_client\",\"priority_groups\":[\"g\"]}",
    "\"action\":\"create\"",
    "\"state\":{\"deleted\":[1,2],\"lost\":{\"msgs\":null}}",
    "\"cluster\":{\"leader\":\"n\",\"replicas\":[{\"name\":\"m\",\"active\":-1}]}",
    "\"streams\":null",
    "\"streams\":[{\"config\":{\"name\":\"S\"}}]",
    "\"message\":{\"subject\":\"a\",\"seq\":1,\"data\":\"aGk=\"}",
    "\"error\":{\"code\":400,\"err_code\":10003}",
    "\"type\":\"x\"",
    "\"ts\":\"0001-01-01T00:00:00Z\"",
    "\"seq\":7",
    "\"batch\":2",
    "\"offset\":null",
    "\"zzz\":[1,{\"a\":\"b\"}]",
];

/// Subjects of JetStream, or nearly.
const SUBJECTS: &str = r"\$JS\.(ACK|API|FC|hub\.API)(\.[A-Z_a-z0-9*>]{0,4}){0,11}(\.\$FI)?";

/// Lines of headers, or nearly.
const HEADER_LINES: &str = concat!(
    "(Nats-(TTL|Rollup|Incr|Msg-Id|Expected-Last-Sequence|Batch-Sequence))?",
    r": ?[0-9a-z. -]{0,5}(\r\n|\n|\r)",
);

proptest! {
    #[test]
    fn anything_at_all_keeps_the_invariants(data in vec(any::<u8>(), 0..200)) {
        api_bytes(&data);
    }

    #[test]
    fn nearly_right_bodies_keep_the_invariants(pieces in vec(select(PIECES), 0..8), open: bool) {
        let body = format!("{{{}{}", pieces.join(","), if open { "" } else { "}" });
        api_bytes(body.as_bytes());
    }

    #[test]
    fn nearly_right_subjects_keep_the_invariants(subject in SUBJECTS) {
        api_bytes(subject.as_bytes());
    }

    #[test]
    fn nearly_right_headers_keep_the_invariants(lines in vec(HEADER_LINES, 0..5)) {
        api_bytes(format!("NATS/1.0\r\n{}\r\n", lines.concat()).as_bytes());
    }
}

#[test]
fn recorded_answers_keep_the_invariants() {
    for body in include_str!("../../testdata/answers.txt").lines() {
        api_bytes(body.as_bytes());
    }
}
