//! What a client sends, as a server reads it.

use crate::ProtoError;
use crate::limits::{Limits, Step};
use crate::line::Scan;
use crate::op::{ClientOp, Publish, Subscribe, Unsubscribe};
use crate::shape::{self, MessageLine, RawMessage};
use crate::tokens;
use crate::verb::{Verb, client_verb};

/// Reads the ops of one client, as strict and as tolerant as nats-server 2.14.
///
/// One decoder per connection. It keeps only how far it has searched the line at the front.
#[derive(Debug, Clone, Default)]
pub struct ClientDecoder {
    scan: Scan,
}

impl ClientDecoder {
    /// Reads one op from the front of `input`. Nothing is copied: the op borrows from `input`.
    ///
    /// After [`Step::NeedMore`] the next `input` begins with the same bytes; after [`Step::Op`] it
    /// begins where that op ended.
    ///
    /// # Errors
    ///
    /// What the client did wrong. The bytes after it have no meaning, so the connection ends here.
    #[inline]
    pub fn step<'a>(&mut self, input: &'a [u8], limits: &Limits) -> Result<Step<ClientOp<'a>>, ProtoError> {
        let Some(verb) = client_verb(input)? else {
            return Ok(shape::need_one_more(input));
        };
        let scan = &mut self.scan;
        match verb {
            Verb::Pub => {
                let step = shape::message::<3>(scan, verb, input, limits, publish_line)?;
                Ok(step.map(publish))
            }
            Verb::Hpub => {
                let step = shape::message::<4>(scan, verb, input, limits, hpublish_line)?;
                Ok(step.map(publish))
            }
            Verb::Sub => shape::arguments::<_, 3>(scan, verb, input, limits, subscribe),
            Verb::Unsub => shape::arguments::<_, 2>(scan, verb, input, limits, unsubscribe),
            Verb::Connect => {
                shape::text(scan, verb, input, limits, |text| ClientOp::Connect(shape::json_text(text)))
            }
            Verb::Info => {
                shape::text(scan, verb, input, limits, |text| ClientOp::Info(shape::json_text(text)))
            }
            Verb::Err => shape::text(scan, verb, input, limits, ClientOp::Err),
            Verb::Ping => shape::bare(scan, verb, input, limits, ClientOp::Ping),
            Verb::Pong => shape::bare(scan, verb, input, limits, ClientOp::Pong),
            Verb::Ok => shape::bare(scan, verb, input, limits, ClientOp::Ok),
            // What servers send: `client_verb` finds none of them.
            _ => Err(ProtoError::UnknownOperation),
        }
    }
}

#[inline(always)]
fn publish_line<'a>(args: &[&'a [u8]]) -> Option<MessageLine<'a>> {
    let (subject, reply, size_text) = match *args {
        [subject, size] => (subject, None, size),
        [subject, reply, size] => (subject, Some(reply), size),
        _ => return None,
    };
    Some(MessageLine { subject, sid: &[], reply, header_text: None, size_text })
}

#[inline(always)]
fn hpublish_line<'a>(args: &[&'a [u8]]) -> Option<MessageLine<'a>> {
    let (subject, reply, header, size_text) = match *args {
        [subject, header, size] => (subject, None, header, size),
        [subject, reply, header, size] => (subject, Some(reply), header, size),
        _ => return None,
    };
    Some(MessageLine { subject, sid: &[], reply, header_text: Some(header), size_text })
}

#[inline(always)]
fn publish<'a>(RawMessage { line, header, body }: RawMessage<'a>) -> ClientOp<'a> {
    let MessageLine { subject, reply, size_text, .. } = line;
    ClientOp::Publish(Publish { subject, reply, header, size_text, body })
}

#[inline(always)]
fn subscribe<'a>(args: &[&'a [u8]]) -> Option<ClientOp<'a>> {
    let (subject, queue, sid) = match *args {
        [subject, sid] => (subject, None, sid),
        [subject, queue, sid] => (subject, Some(queue), sid),
        _ => return None,
    };
    Some(ClientOp::Subscribe(Subscribe { subject, queue, sid }))
}

#[inline(always)]
fn unsubscribe<'a>(args: &[&'a [u8]]) -> Option<ClientOp<'a>> {
    let (sid, max_text) = match *args {
        [sid] => (sid, None),
        [sid, max] => (sid, Some(max)),
        _ => return None,
    };
    let max = max_text.and_then(tokens::parse_size).filter(|&max| max > 0).map(|max| max as u64);
    Some(ClientOp::Unsubscribe(Unsubscribe { sid, max, max_text }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HeaderLen;

    const SMALL: Limits = Limits { control_line_bytes_max: 8, payload_bytes_max: 4 };

    fn first<'a>(input: &'a [u8], limits: &Limits) -> Result<Step<ClientOp<'a>>, ProtoError> {
        ClientDecoder::default().step(input, limits)
    }

    /// The op at the front, which must take all of the input.
    fn whole(input: &[u8]) -> ClientOp<'_> {
        match first(input, &Limits::default()) {
            Ok(Step::Op { used, op }) if used == input.len() => op,
            other => panic!("{}: {other:?}", input.escape_ascii()),
        }
    }

    fn refusal(input: &[u8]) -> ProtoError {
        first(input, &Limits::default()).expect_err(&input.escape_ascii().to_string())
    }

    fn is_incomplete(input: &[u8], limits: &Limits) -> bool {
        matches!(first(input, limits), Ok(Step::NeedMore { .. }))
    }

    #[test]
    fn pub_keeps_the_size_as_written() {
        let expected =
            Publish { subject: b"a", reply: Some(b"r"), header: None, size_text: b"0002", body: b"hi" };
        assert_eq!(whole(b"pub\ta  r \t0002 \r\nhi\r\n"), ClientOp::Publish(expected));
    }

    #[test]
    fn hpub_tells_headers_from_payload() {
        let ClientOp::Publish(publish) = whole(b"HPUB a r 012 14\nNATS/1.0\r\n\r\nhi\r\n") else {
            panic!("not a publish")
        };
        assert_eq!(publish.header, Some(HeaderLen { bytes: 12, text: b"012" }));
        assert_eq!((publish.headers(), publish.payload()), (&b"NATS/1.0\r\n\r\n"[..], &b"hi"[..]));
    }

    #[test]
    fn one_line_ops() {
        let plain = Subscribe { subject: b"a.>", queue: None, sid: b"9" };
        assert_eq!(whole(b"SUB a.> 9\r\n"), ClientOp::Subscribe(plain));
        let queue = Subscribe { subject: b"a", queue: Some(b"q"), sid: b"x-1" };
        assert_eq!(whole(b"sUb a\tq x-1\n"), ClientOp::Subscribe(queue));
        for (line, max, max_text) in [
            (&b"UNSUB 1\r\n"[..], None, None),
            (b"UNSUB 1 05\r\n", Some(5), Some(&b"05"[..])),
            (b"UNSUB 1 0\r\n", None, Some(b"0")),
            (b"UNSUB 1 x\r\n", None, Some(b"x")),
            (b"UNSUB 1 1000000000\r\n", None, Some(b"1000000000")),
        ] {
            assert_eq!(whole(line), ClientOp::Unsubscribe(Unsubscribe { sid: b"1", max, max_text }));
        }
        assert_eq!(whole(b"CONNECT {}\r\n"), ClientOp::Connect(b"{}"));
        assert_eq!(whole(b"connect{}\n"), ClientOp::Connect(b"{}"));
        assert_eq!(whole(b"INFO {} \r\n"), ClientOp::Info(b"{} "));
        assert_eq!(whole(b"-ERR 'a b'\r\n"), ClientOp::Err(b"'a b'"));
        assert_eq!(whole(b"-err a'\r\n"), ClientOp::Err(b"a'"));
    }

    #[test]
    fn what_follows_ping_pong_and_ok_is_skipped() {
        assert_eq!(whole(b"PING\n"), ClientOp::Ping);
        assert_eq!(whole(b"PiNgxx\r\r\n"), ClientOp::Ping);
        assert_eq!(whole(b"PONG 1 2 3\r\n"), ClientOp::Pong);
        assert_eq!(whole(b"+ok!\r\n"), ClientOp::Ok);
    }

    #[test]
    fn a_bare_connect_is_empty_json() {
        assert_eq!(whole(b"CONNECT\r\n"), ClientOp::Connect(b""));
        assert_eq!(whole(b"CONNECT \t \r\n"), ClientOp::Connect(b""));
    }

    #[test]
    fn the_first_argument_byte_is_text_even_if_it_is_a_line_feed() {
        assert!(is_incomplete(b"CONNECT\n", &Limits::default()));
        assert_eq!(whole(b"CONNECT\n{}\n"), ClientOp::Connect(b"\n{}"));
        let expected = Publish { subject: b"\na", reply: None, header: None, size_text: b"1", body: b"x" };
        assert_eq!(whole(b"PUB \na 1\r\nx\r\n"), ClientOp::Publish(expected));
    }

    #[test]
    fn a_carriage_return_inside_a_line_costs_its_last_byte_before_a_bare_line_feed() {
        let expected = Publish { subject: b"a\rb", reply: None, header: None, size_text: b"1", body: b"x" };
        assert_eq!(whole(b"PUB a\rb 10\nx\r\n"), ClientOp::Publish(expected));
        // SUB also splits at it.
        let expected = Subscribe { subject: b"a", queue: Some(b"b"), sid: b"1" };
        assert_eq!(whole(b"SUB a\rb 1\r\n"), ClientOp::Subscribe(expected));
    }

    #[test]
    fn a_wrong_byte_is_refused_at_once() {
        for input in [
            &b" "[..],
            b"\r",
            b"\n",
            b"X",
            b"M",
            b"R",
            b"A",
            b"L",
            b"\x0bOK",
            b"HM",
            b"PX",
            b"PUX",
            b"SX",
            b"UB",
            b"CONNECX",
            b"+K",
            b"-OK",
            b"IMFO",
            b"PIG",
            b"PUB\r",
            b"SUBa",
            b"HPUB\n",
            b"UNSUB\r",
            b"-ERR\r",
        ] {
            assert_eq!(refusal(input), ProtoError::UnknownOperation, "{}", input.escape_ascii());
        }
    }

    #[test]
    fn wrong_arguments_are_refused_at_the_line_end() {
        for (input, op) in [
            (&b"PUB a\r\n"[..], "PUB"),
            (b"PUB a b c 1\r\n", "PUB"),
            (b"PUB \r\n", "PUB"),
            (b"HPUB a 1\r\n", "HPUB"),
            (b"HPUB a b 1 2 3\r\n", "HPUB"),
            (b"SUB a\r\n", "SUB"),
            (b"SUB a b c d\r\n", "SUB"),
            (b"SUB \r\n", "SUB"),
            (b"UNSUB 1 2 3\r\n", "UNSUB"),
        ] {
            assert_eq!(refusal(input), ProtoError::BadArguments { op });
            assert!(is_incomplete(&input[..input.len() - 1], &Limits::default()));
        }
        for (input, op) in [
            (&b"PUB a -1\r\n"[..], "PUB"),
            (b"PUB a 1000000000\r\n", "PUB"),
            (b"PUB a 1x\r\n", "PUB"),
            (b"HPUB a x 1\r\n", "HPUB"),
            (b"HPUB a 3 2\r\n", "HPUB"),
        ] {
            assert_eq!(refusal(input), ProtoError::BadSize { op });
        }
    }

    #[test]
    fn the_payload_ends_in_exactly_cr_lf() {
        assert_eq!(first(b"PUB a 2\r\nh", &SMALL), Ok(Step::NeedMore { at_least: 13 }));
        assert_eq!(first(b"PUB a 2\r\nhi\r", &SMALL), Ok(Step::NeedMore { at_least: 13 }));
        for input in [&b"PUB a 2\r\nhi\n"[..], b"PUB a 2\r\nhix", b"PUB a 2\r\nhi\rx", b"PUB a 0\r\n\n"] {
            assert_eq!(refusal(input), ProtoError::BadPayloadEnd, "{}", input.escape_ascii());
        }
        assert!(matches!(whole(b"PUB a 0\n\r\n"), ClientOp::Publish(publish) if publish.body.is_empty()));
    }

    #[test]
    fn a_payload_over_the_limit_is_refused_before_it_arrives() {
        assert!(is_incomplete(b"PUB a 4\r\n", &SMALL));
        let error = ProtoError::PayloadTooLarge { size: 5, max: 4 };
        assert_eq!(first(b"PUB a 5\r\n", &SMALL), Err(error));
        assert_eq!(first(b"HPUB a 2 5\n", &SMALL), Err(error));
    }

    #[test]
    fn the_line_limit_counts_arguments_without_blanks_before_and_line_end() {
        let error = Err(ProtoError::ControlLineTooLong { max: 8 });
        for fits in [&b"SUB    abcdef 1\r\n"[..], b"SUB abcdef 1\n", b"CONNECT      {      }\r\n"] {
            assert!(matches!(first(fits, &SMALL), Ok(Step::Op { .. })), "{}", fits.escape_ascii());
        }
        assert_eq!(first(b"SUB abcdefg 1\r\n", &SMALL), error);
        assert_eq!(first(b"SUB abcdefg 1\n", &SMALL), error);
        // A line that is not complete: eight bytes may be all, and so may a CR behind them.
        assert!(is_incomplete(b"SUB abcdef 1", &SMALL));
        assert!(is_incomplete(b"SUB abcdef 1\r", &SMALL));
        assert_eq!(first(b"SUB abcdef 12", &SMALL), error);
        assert_eq!(first(b"SUB abcdef 1\r1", &SMALL), error);
    }

    #[test]
    fn blanks_and_skipped_bytes_are_bounded_by_the_line_limit_too() {
        let error = Err(ProtoError::ControlLineTooLong { max: 8 });
        assert!(is_incomplete(b"PUB \t \t \t \t", &SMALL));
        assert_eq!(first(b"PUB \t \t \t \t ", &SMALL), error);
        assert!(matches!(first(b"PING12345678\r\n", &SMALL), Ok(Step::Op { used: 14, .. })));
        assert!(is_incomplete(b"PING12345678\r", &SMALL));
        assert_eq!(first(b"PING1234567890", &SMALL), error);
        assert_eq!(first(b"PING1234567890\n", &SMALL), error);
    }

    #[test]
    fn a_misused_decoder_does_not_panic() {
        let mut decoder = ClientDecoder::default();
        assert!(decoder.step(b"SUB a.long.subject", &SMALL).is_err());
        let mut decoder = ClientDecoder::default();
        assert!(decoder.step(b"SUB a.lo", &SMALL).is_ok());
        assert!(decoder.step(b"SUB a", &SMALL).is_ok());
        assert!(decoder.step(b"", &SMALL).is_ok());
    }
}
