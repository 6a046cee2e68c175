//! What is said to a consumer: requests for messages, and acknowledgements.

use std::time::Duration;

use serde_json::json;

/// What is asked for is answered long before.
const EXPIRES: Duration = Duration::from_secs(60);

/// Asks a pull consumer for so many messages, to be sent to `inbox`.
pub(super) fn ask(out: &mut Vec<u8>, stream: &str, consumer: &str, inbox: &str, batch: u64) {
    let body = json!({ "batch": batch, "expires": EXPIRES.as_nanos() as u64 }).to_string();
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
    out.extend_from_slice(format!("PUB {subject} {inbox} {}\r\n{body}\r\n", body.len()).as_bytes());
}

/// Acknowledges a message by the reply subject it came with.
pub(super) fn acknowledge(out: &mut Vec<u8>, reply: &[u8]) {
    out.extend_from_slice(b"PUB ");
    out.extend_from_slice(reply);
    out.extend_from_slice(b" 4\r\n+ACK\r\n");
}

/// The same, and asks to be told at `inbox` once it counts.
pub(super) fn acknowledge_and_ask(out: &mut Vec<u8>, reply: &[u8], inbox: &str) {
    out.extend_from_slice(b"PUB ");
    out.extend_from_slice(reply);
    out.extend_from_slice(format!(" {inbox} 4\r\n+ACK\r\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_a_consumer_is_what_it_reads() {
        let mut out = Vec::new();
        ask(&mut out, "bench", "acking", "_INBOX.bench.pull", 250);
        acknowledge(&mut out, b"$JS.ACK.bench.acking.1.1.1.0.0");
        acknowledge_and_ask(&mut out, b"$JS.ACK.bench.acking.1.2.2.0.0", "i");
        let text = String::from_utf8(out).unwrap();
        let expected = "PUB $JS.API.CONSUMER.MSG.NEXT.bench.acking _INBOX.bench.pull 35\r\n\
                        {\"batch\":250,\"expires\":60000000000}\r\n\
                        PUB $JS.ACK.bench.acking.1.1.1.0.0 4\r\n+ACK\r\n\
                        PUB $JS.ACK.bench.acking.1.2.2.0.0 i 4\r\n+ACK\r\n";
        assert_eq!(text, expected);
    }
}
