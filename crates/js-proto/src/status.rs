//! Statuses: messages that are a header block with a code and nothing else.

use std::fmt::Display;

use crate::digits::push_number;
use crate::{Nanos, headers};

/// What a request for messages still had to get when it ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pending {
    /// Messages.
    pub messages: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status<'a> {
    /// Nothing else was said for a while.
    IdleHeartbeat {
        /// The last delivery of the consumer.
        consumer_seq: u64,
        /// The last sequence of the stream it delivered.
        stream_seq: u64,
        /// Where an answer is waited for before it goes on.
        stalled: Option<&'a str>,
    },
    /// How far is the reader? The answer goes to the reply.
    FlowControlRequest,
    /// The end of several messages that were asked for at once.
    EndOfBatch {
        /// How many more there are.
        pending: u64,
        /// The last sequence that was sent.
        last_seq: u64,
        /// Up to which sequence was looked, if it was asked for the last of several subjects.
        up_to_seq: Option<u64>,
    },
    /// The end of a snapshot.
    EndOfSnapshot,
    /// That cannot be asked for, for that reason.
    BadRequest(&'a str),
    /// No message is there for a request that does not wait.
    NoMessages,
    /// There is no such message.
    MessageNotFound,
    /// There are no such messages.
    NoResults,
    /// A request waited as long as it wanted to.
    RequestTimeout(Pending),
    /// Nobody waits for what a request asked for.
    InterestExpired(Pending),
    /// A request that does not wait found others waiting.
    RequestsPending,
    /// A get says nothing of what it wants.
    EmptyRequest,
    /// A get says things that do not go together.
    BadGet,
    /// A get is not JSON.
    MalformedRequest,
    /// Nobody takes the snapshot.
    NoInterest,
    /// Whoever takes the snapshot fell silent.
    NoFlowResponse,
    /// A message is larger than what a request has left.
    MessageSizeExceedsMaxBytes(Pending),
    /// A request with a limit of bytes has got what it wanted.
    BatchCompleted(Pending),
    /// A request asks for more messages than the consumer gives.
    ExceededMaxRequestBatch(i64),
    /// A request wants to wait longer than the consumer lets it.
    ExceededMaxRequestExpires(Nanos),
    /// A request asks for more bytes than the consumer gives.
    ExceededMaxRequestMaxBytes(i64),
    /// Too many requests wait.
    ExceededMaxWaiting,
    /// The consumer is gone.
    ConsumerDeleted,
    /// The consumer is elsewhere now.
    LeadershipChange,
    /// The consumer cannot be pulled from.
    ConsumerIsPushBased,
    /// The server stops.
    ServerShutdown(Pending),
    /// The server's API is older than that of who asks.
    RequiredApiLevel,
    /// More subjects match than one answer has.
    TooManyResults,
    /// Somebody else is pinned.
    PinIdMismatch,
    /// The same, to who waited meanwhile.
    WrongPinId(Pending),
    /// Publishers are faster than the stream.
    TooManyRequests,
}

impl Status<'_> {
    /// Appends the header block.
    pub fn write(&self, out: &mut Vec<u8>) {
        let (code, text) = self.line();
        out.extend_from_slice(b"NATS/1.0 ");
        push_number(out, code.into());
        if !text.is_empty() {
            out.push(b' ');
            out.extend_from_slice(text.as_bytes());
        }
        self.write_limit(out);
        out.extend_from_slice(b"\r\n");
        self.write_fields(out);
        out.extend_from_slice(b"\r\n");
    }

    /// Its code, and its text up to what differs from case to case.
    fn line(&self) -> (u16, &'static str) {
        match self {
            Self::IdleHeartbeat { .. } => (100, "Idle Heartbeat"),
            Self::FlowControlRequest => (100, "FlowControl Request"),
            Self::EndOfBatch { .. } => (204, "EOB"),
            Self::EndOfSnapshot => (204, ""),
            Self::BadRequest(_) => (400, "Bad Request - "),
            Self::NoMessages => (404, "No Messages"),
            Self::MessageNotFound => (404, "Message Not Found"),
            Self::NoResults => (404, "No Results"),
            Self::RequestTimeout(_) => (408, "Request Timeout"),
            Self::InterestExpired(_) => (408, "Interest Expired"),
            Self::RequestsPending => (408, "Requests Pending"),
            Self::EmptyRequest => (408, "Empty Request"),
            Self::BadGet => (408, "Bad Request"),
            Self::MalformedRequest => (408, "Malformed Request"),
            Self::NoInterest => (408, "No Interest"),
            Self::NoFlowResponse => (408, "No Flow Response"),
            Self::MessageSizeExceedsMaxBytes(_) => (409, "Message Size Exceeds MaxBytes"),
            Self::BatchCompleted(_) => (409, "Batch Completed"),
            Self::ExceededMaxRequestBatch(_) => (409, "Exceeded MaxRequestBatch of "),
            Self::ExceededMaxRequestExpires(_) => (409, "Exceeded MaxRequestExpires of "),
            Self::ExceededMaxRequestMaxBytes(_) => (409, "Exceeded MaxRequestMaxBytes of "),
            Self::ExceededMaxWaiting => (409, "Exceeded MaxWaiting"),
            Self::ConsumerDeleted => (409, "Consumer Deleted"),
            Self::LeadershipChange => (409, "Leadership Change"),
            Self::ConsumerIsPushBased => (409, "Consumer is push based"),
            Self::ServerShutdown(_) => (409, "Server Shutdown"),
            Self::RequiredApiLevel => (412, "Required Api Level"),
            Self::TooManyResults => (413, "Too Many Results"),
            Self::PinIdMismatch => (423, "Nats-Pin-Id mismatch"),
            Self::WrongPinId(_) => (423, "Nats-Wrong-Pin-Id"),
            Self::TooManyRequests => (429, "Too Many Requests"),
        }
    }

    /// The rest of the text, if it differs from case to case.
    fn write_limit(&self, out: &mut Vec<u8>) {
        let limit: &dyn Display = match self {
            Self::BadRequest(reason) => reason,
            Self::ExceededMaxRequestBatch(limit) | Self::ExceededMaxRequestMaxBytes(limit) => limit,
            Self::ExceededMaxRequestExpires(limit) => limit,
            _ => return,
        };
        out.extend_from_slice(limit.to_string().as_bytes());
    }

    fn write_fields(&self, out: &mut Vec<u8>) {
        match self {
            Self::IdleHeartbeat { consumer_seq, stream_seq, stalled } => {
                headers::write_number(out, headers::LAST_CONSUMER, *consumer_seq);
                headers::write_number(out, headers::LAST_STREAM, *stream_seq);
                if let Some(stalled) = stalled {
                    headers::write_text(out, headers::CONSUMER_STALLED, stalled.as_bytes());
                }
            }
            Self::EndOfBatch { pending, last_seq, up_to_seq } => {
                headers::write_number(out, headers::NUM_PENDING, *pending);
                headers::write_number(out, headers::LAST_SEQUENCE, *last_seq);
                if let Some(up_to_seq) = up_to_seq {
                    headers::write_number(out, headers::UP_TO_SEQUENCE, *up_to_seq);
                }
            }
            Self::RequestTimeout(pending)
            | Self::InterestExpired(pending)
            | Self::MessageSizeExceedsMaxBytes(pending)
            | Self::BatchCompleted(pending)
            | Self::ServerShutdown(pending)
            | Self::WrongPinId(pending) => {
                headers::write_number(out, headers::PENDING_MESSAGES, pending.messages);
                headers::write_number(out, headers::PENDING_BYTES, pending.bytes);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line of the file is what nats-server 2.14.5 sent, CR LF as `|`.
    #[test]
    fn statuses_are_laid_out_as_recorded() {
        let pending = |messages, bytes| Pending { messages, bytes };
        let said = [
            Status::IdleHeartbeat { consumer_seq: 1, stream_seq: 1, stalled: None },
            Status::FlowControlRequest,
            Status::EndOfSnapshot,
            Status::EndOfBatch { pending: 3, last_seq: 2, up_to_seq: None },
            Status::EndOfBatch { pending: 0, last_seq: 3, up_to_seq: Some(3) },
            Status::BadRequest("heartbeat value too large"),
            Status::NoMessages,
            Status::MessageNotFound,
            Status::NoResults,
            Status::RequestTimeout(pending(2, 0)),
            Status::EmptyRequest,
            Status::BadGet,
            Status::MalformedRequest,
            Status::MessageSizeExceedsMaxBytes(pending(3, 36)),
            Status::BatchCompleted(pending(0, 716)),
            Status::ExceededMaxRequestBatch(2),
            Status::ExceededMaxRequestExpires(Nanos::from_secs(1)),
            Status::ExceededMaxRequestMaxBytes(100),
            Status::ExceededMaxWaiting,
            Status::ConsumerDeleted,
            Status::ConsumerIsPushBased,
            Status::TooManyResults,
        ];
        let mut out = Vec::new();
        for status in said {
            status.write(&mut out);
            out.push(b'\n');
        }
        let said = String::from_utf8(out).unwrap().replace("\r\n", "|");
        assert_eq!(said, include_str!("../testdata/statuses.txt"));
    }

    #[test]
    fn a_stalled_consumer_says_where_it_waits() {
        let mut out = Vec::new();
        Status::IdleHeartbeat { consumer_seq: 4, stream_seq: 9, stalled: Some("$JS.FC.S.C.dMSy") }
            .write(&mut out);
        let expected = "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 4\r\nNats-Last-Stream: 9\r\n\
            Nats-Consumer-Stalled: $JS.FC.S.C.dMSy\r\n\r\n";
        assert_eq!(str::from_utf8(&out), Ok(expected));
    }
}
