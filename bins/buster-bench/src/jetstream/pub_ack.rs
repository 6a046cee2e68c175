//! What a stream answers to a publish.

use anyhow::{Context, Result, bail, ensure};
use nats_proto::{HeaderView, Message};
use serde::Deserialize;
use serde_json::Value;

/// A status that says that nobody listens.
const NO_RESPONDERS: u16 = 503;

#[derive(Deserialize)]
struct PubAck<'a> {
    #[serde(default)]
    stream: &'a str,
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    duplicate: bool,
    /// How many messages a batch has.
    count: Option<u64>,
    error: Option<Value>,
}

/// The sequence number that `stream` gave; whatever else was answered is the error.
pub(crate) fn read(answer: &Message<'_>, stream: &str) -> Result<u64> {
    if let Some(seq) = read_usual(answer.payload(), stream) {
        return Ok(seq);
    }
    read_any(answer, stream, None)
}

/// The sequence number that `stream` gave the last message of a batch of `count`.
pub(super) fn read_batch(answer: &Message<'_>, stream: &str, count: u64) -> Result<u64> {
    read_any(answer, stream, Some(count))
}

fn read_any(answer: &Message<'_>, stream: &str, count: Option<u64>) -> Result<u64> {
    confirm_responder(answer)?;
    let text = || String::from_utf8_lossy(answer.payload()).into_owned();
    let ack: PubAck<'_> = serde_json::from_slice(answer.payload()).with_context(text)?;
    if let Some(error) = &ack.error {
        bail!("the stream refused a message: {}", words(error));
    }
    let is_whole = ack.seq > 0 && !ack.duplicate && ack.count == count;
    ensure!(ack.stream == stream && is_whole, "{} is no answer of {stream}", text());
    Ok(ack.seq)
}

/// What nearly all answers are, with or without a blank before `"seq"`: so read, they cost us less than the server.
fn read_usual(payload: &[u8], stream: &str) -> Option<u64> {
    let rest = payload.strip_prefix(b"{\"stream\":\"")?.strip_prefix(stream.as_bytes())?;
    let rest = rest.strip_prefix(b"\",")?;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest).strip_prefix(b"\"seq\":")?;
    let digits = rest.strip_suffix(b"}")?;
    // Neither a sign nor anything behind the number.
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|seq| *seq > 0)
}

/// An error of JetStream in its own words.
pub(crate) fn words(error: &Value) -> String {
    let text = error["description"].as_str().map_or_else(|| error.to_string(), str::to_owned);
    format!("{text} ({})", error["err_code"])
}

/// Fails if it is the server that answers, as nobody listens.
pub(crate) fn confirm_responder(answer: &Message<'_>) -> Result<()> {
    if answer.header.is_some() && HeaderView::parse(answer.headers())?.status() == Some(NO_RESPONDERS) {
        bail!("nobody answers: JetStream is off, or the stream is gone")
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nats_proto::HeaderLen;

    fn seq(body: &[u8], header: Option<HeaderLen<'_>>) -> Result<u64> {
        read(&Message { subject: b"i", sid: b"1", reply: None, header, body }, "bench")
    }

    #[test]
    fn an_answer_has_the_number_the_stream_gave() {
        assert_eq!(seq(br#"{"stream":"bench","seq":7}"#, None).unwrap(), 7);
        assert_eq!(seq(br#"{"stream":"bench", "domain":"hub", "seq":8}"#, None).unwrap(), 8);
        assert_eq!(seq(br#"{"stream":"bench", "seq":90}"#, None).unwrap(), 90);
        assert_eq!(read_usual(br#"{"stream":"bench", "seq":90}"#, "bench"), Some(90));
        for other in
            [&br#"{"stream":"bench","seq":7,"duplicate":true}"#[..], br#"{"stream":"bench","seq":+7}"#]
        {
            assert_eq!(read_usual(other, "bench"), None);
        }
    }

    #[test]
    fn an_answer_to_a_batch_says_how_many_it_had() {
        let body = br#"{"stream":"bench","seq":7,"batch":"0-1","count":3}"#;
        let answer = Message { subject: b"i", sid: b"1", reply: None, header: None, body };
        assert_eq!(read_batch(&answer, "bench", 3).unwrap(), 7);
        for wrong in [read_batch(&answer, "bench", 4), read(&answer, "bench")] {
            assert!(wrong.unwrap_err().to_string().contains("no answer of bench"));
        }
    }

    #[test]
    fn whatever_else_is_answered_is_an_error_in_its_words() {
        for (body, words) in [
            (&br#"{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"},"stream":"bench","seq":0}"#[..],
                "refused a message: maximum messages exceeded (10077)"),
            (br#"{"stream":"other","seq":7}"#, "no answer of bench"),
            (br#"{"stream":"bench","seq":7,"duplicate":true}"#, "no answer of bench"),
            (br#"{"stream":"bench","seq":0}"#, "no answer of bench"),
            (b"{}", "no answer of bench"),
            (b"+OK", "+OK"),
        ] {
            let error = format!("{:#}", seq(body, None).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
        let body = b"NATS/1.0 503\r\n\r\n";
        let error = seq(body, Some(HeaderLen { bytes: body.len(), text: b"16" })).unwrap_err();
        assert!(error.to_string().contains("nobody answers"), "{error}");
    }
}
