//! What a publisher is told of its message.

use nats_proto::go_json::{BodyError, compact, read_into};

use crate::ApiError;
use crate::digits::push_number;
use crate::go_struct::go_structs;

go_structs! {
    /// What a publisher is told of its message, for those who read it. Servers write [`PubAck`].
    pub struct PubAckAnswer = "server.JSPubAckResponse" {
        /// Why it was not stored.
        error: Option<ApiError> = "error" if set;
        /// The stream.
        stream: String = "stream";
        /// The sequence of the message, or of the one it repeats.
        seq: u64 = "seq";
        /// Where the stream is.
        domain: String = "domain" if set;
        /// Whether it is there already.
        duplicate: bool = "duplicate" if set;
        /// What the counter is now.
        val: String = "val" if set;
        /// The id of the batch it ends.
        batch: String = "batch" if set;
        /// How many messages the batch has.
        count: u64 = "count" if set;
    }

    /// What a publisher is told within a batch that is acknowledged now and then: `ack`.
    pub struct FlowAck = "server.BatchFlowAck" {
        /// `ack`.
        kind: String = "type";
        /// The number of the message in the batch that it is for.
        seq: u64 = "seq";
        /// After how many messages the next one comes.
        msgs: u16 = "msgs";
    }

    /// The same: messages are missing.
    pub struct FlowGap = "server.BatchFlowGap" {
        /// `gap`.
        kind: String = "type";
        /// The first one that is missing.
        last_seq: u64 = "last_seq";
        /// The one that came instead.
        seq: u64 = "seq";
    }

    /// The same: a message was refused.
    pub struct FlowError = "server.BatchFlowErr" {
        /// `err`.
        kind: String = "type";
        /// Which one.
        seq: u64 = "seq";
        /// Why.
        error: Option<ApiError> = "error";
    }
}

impl PubAckAnswer {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// It is not JSON, or values in it are of other types.
    pub fn parse(text: &[u8]) -> Result<Self, BodyError> {
        let mut answer = Self::default();
        read_into(text, &mut answer)?;
        Ok(answer)
    }

    /// That the message was refused. It names no domain.
    pub fn refusal(stream: &str, error: ApiError) -> Vec<u8> {
        compact(&Self { error: Some(error), stream: stream.to_owned(), ..Self::default() })
    }
}

impl FlowAck {
    /// That the messages up to that one are stored, and that the next such word comes so many messages later.
    pub fn new(seq: u64, msgs: u16) -> Self {
        Self { kind: "ack".into(), seq, msgs }
    }

    /// The text of it.
    pub fn to_json(&self) -> Vec<u8> {
        compact(self)
    }
}

impl FlowGap {
    /// That messages from the first on are missing, up to the one that came.
    pub fn new(first_missing: u64, seq: u64) -> Self {
        Self { kind: "gap".into(), last_seq: first_missing, seq }
    }

    /// The text of it.
    pub fn to_json(&self) -> Vec<u8> {
        compact(self)
    }
}

impl FlowError {
    /// That the message was refused.
    pub fn new(seq: u64, error: ApiError) -> Self {
        Self { kind: "err".into(), seq, error: Some(error) }
    }

    /// The text of it.
    pub fn to_json(&self) -> Vec<u8> {
        compact(self)
    }
}

/// The front of all words that a stream's messages were stored. It is written once a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PubAck {
    front: Vec<u8>,
}

impl PubAck {
    /// For that stream, in that domain; empty if there is none.
    pub fn new(stream: &str, domain: &str) -> Self {
        let mut front = b"{\"stream\":".to_vec();
        front.extend(compact(&stream));
        if !domain.is_empty() {
            front.extend_from_slice(b",\"domain\":");
            front.extend(compact(&domain));
        }
        front.extend_from_slice(b",\"seq\":");
        Self { front }
    }

    /// Appends that a message was stored under that sequence.
    pub fn write(&self, out: &mut Vec<u8>, seq: u64) {
        self.open(out, seq);
        out.push(b'}');
    }

    /// Appends that a message is stored under that sequence already.
    pub fn write_duplicate(&self, out: &mut Vec<u8>, seq: u64) {
        self.open(out, seq);
        out.extend_from_slice(b",\"duplicate\": true}");
    }

    /// Appends that a message was stored under that sequence, and what its counter is now.
    pub fn write_counter(&self, out: &mut Vec<u8>, seq: u64, val: &str) {
        self.open(out, seq);
        out.extend_from_slice(b",\"val\":");
        out.extend(compact(&val));
        out.push(b'}');
    }

    /// Appends that a batch of that many messages was stored, the last one under that sequence.
    pub fn write_batch(&self, out: &mut Vec<u8>, seq: u64, batch: &str, count: u64) {
        self.open(out, seq);
        close_batch(out, batch, count);
    }

    /// Appends that the only message of a batch is stored under that sequence already.
    pub fn write_duplicate_batch(&self, out: &mut Vec<u8>, seq: u64, batch: &str, count: u64) {
        self.open(out, seq);
        out.extend_from_slice(b",\"duplicate\": true");
        close_batch(out, batch, count);
    }

    fn open(&self, out: &mut Vec<u8>, seq: u64) {
        out.extend_from_slice(&self.front);
        push_number(out, seq);
    }
}

fn close_batch(out: &mut Vec<u8>, batch: &str, count: u64) {
    out.extend_from_slice(b",\"batch\":");
    out.extend(compact(&batch));
    out.extend_from_slice(b",\"count\":");
    push_number(out, count);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors;

    #[test]
    fn words_are_laid_out_as_the_peer_does() {
        let said = |write: &dyn Fn(&PubAck, &mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&PubAck::new("S", "hub"), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(said(&|ack, out| ack.write(out, 5)), r#"{"stream":"S","domain":"hub","seq":5}"#);
        assert_eq!(
            said(&|ack, out| ack.write_duplicate(out, 5)),
            r#"{"stream":"S","domain":"hub","seq":5,"duplicate": true}"#
        );
        assert_eq!(
            said(&|ack, out| ack.write_counter(out, 5, "-7")),
            r#"{"stream":"S","domain":"hub","seq":5,"val":"-7"}"#
        );
        assert_eq!(
            said(&|ack, out| ack.write_batch(out, u64::MAX, "b\"", 3)),
            r#"{"stream":"S","domain":"hub","seq":18446744073709551615,"batch":"b\"","count":3}"#
        );
        assert_eq!(
            said(&|ack, out| ack.write_duplicate_batch(out, 5, "B", 1)),
            r#"{"stream":"S","domain":"hub","seq":5,"duplicate": true,"batch":"B","count":1}"#
        );
        let refusal = PubAckAnswer::refusal("S", errors::STREAM_WRONG_LAST_SEQUENCE.with(&[&2]));
        assert_eq!(
            String::from_utf8(refusal).unwrap(),
            r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 2"},"stream":"S","seq":0}"#
        );
    }

    /// Recorded: `fast-*`.
    #[test]
    fn what_is_said_of_fast_batches_is_laid_out_as_the_peer_does() {
        let text = |json: Vec<u8>| String::from_utf8(json).unwrap();
        assert_eq!(text(FlowAck::new(7, 10).to_json()), r#"{"type":"ack","seq":7,"msgs":10}"#);
        assert_eq!(text(FlowGap::new(2, 3).to_json()), r#"{"type":"gap","last_seq":2,"seq":3}"#);
        assert_eq!(
            text(FlowError::new(3, errors::STREAM_NOT_MATCH.error()).to_json()),
            r#"{"type":"err","seq":3,"error":{"code":400,"err_code":10060,"description":"expected stream does not match"}}"#
        );
    }
}
