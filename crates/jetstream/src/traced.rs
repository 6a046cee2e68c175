//! Messages that come to a stream, and whose way is told to somebody.

use broker::TraceTicket;
use fabric::MeshMessage;
use js_proto::{ApiError, errors, headers};
use log_format::Kind;
use monitor::TraceStep;
use nats_proto::{put_with_field, quote};
use streams::{Answer, Decision, Effect, Incoming, LOOKUP_STEPS};

use crate::home::Home;
use crate::publishes::{PUBLISH_STEPS, Taken};
use crate::surroundings::decide;
use crate::tenant::StreamId;
use crate::turn::Turn;
use crate::waiter::Waiter;

/// The header that asks for a trace, and what it says of one that was traced when it was stored: who gets it later has
/// no part in that.
const DESTINATION: (&[u8], &[u8]) = (b"Nats-Trace-Dest", b"trace disabled");

/// What a stream would do with a message.
#[derive(Debug, Default)]
struct Foreseen {
    /// The subject that it is stored under; empty if it is not taken.
    subject: Vec<u8>,
    /// It is counted, and not stored.
    is_unwanted: bool,
    /// What its publisher would be told if it is not taken.
    answer: Option<Answer>,
}

impl Home {
    /// A message came on one of a stream's subjects, and somebody is told what becomes of it.
    pub(crate) fn on_traced_message(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        message: &MeshMessage<'_>,
        ticket: TraceTicket,
    ) -> Taken {
        let publish = &message.publish;
        let mut header = Vec::new();
        let (name, disabled) = DESTINATION;
        if ticket.only() {
            header.extend_from_slice(publish.headers());
        } else {
            put_with_field(&mut header, publish.headers(), name, disabled);
        }
        let (now, subject, payload) = (turn.clocks.wall.0, publish.subject, publish.payload());
        let command = Incoming { now, subject, header: &header, payload };
        let Some(stream) = self.streams.get(&id).filter(|slot| !slot.is_resting) else {
            turn.broker.tell_trace(ticket, None);
            return Taken::Yes;
        };
        let stream = stream.config().name.clone();
        let Some(foreseen) = self.foresee(turn, id, &command) else { return Taken::Later };
        let error = foreseen.answer.as_ref().map(|answer| words(answer, &header)).unwrap_or_default();
        if ticket.only() {
            self.answer_trace_only(turn, id, publish.reply, foreseen.answer);
        } else if self.take_message(turn, id, &command, publish.reply) == Taken::Later {
            return Taken::Later;
        }
        let step = TraceStep::JetStream {
            ts: turn.clocks.wall,
            stream: &stream,
            subject: &String::from_utf8_lossy(&foreseen.subject),
            nointerest: foreseen.is_unwanted,
            error: &error,
        };
        turn.broker.tell_trace(ticket, Some(&step));
        Taken::Yes
    }

    /// What a stream would do with a message; nothing if that is not known yet.
    fn foresee(&mut self, turn: &mut Turn<'_>, id: StreamId, command: &Incoming<'_>) -> Option<Foreseen> {
        let room = self.room(id);
        let slot = self.streams.get_mut(&id)?;
        turn.spend(PUBLISH_STEPS);
        let messages = (&slot.medium, &mut self.disk);
        let stream = &mut slot.stream;
        let decision =
            decide(turn, &room, &slot.consumers, messages, |around| stream.decide(command, around));
        match decision {
            Decision::Append(record) => {
                let is_unwanted = record.kind == Kind::SKIP;
                Some(Foreseen { subject: record.subject.into(), is_unwanted, answer: None })
            }
            Decision::Answer(answer) | Decision::AnswerBehind(answer) => {
                Some(Foreseen { answer: Some(answer), ..Foreseen::default() })
            }
            Decision::OfBatch => Some(Foreseen { subject: command.subject.into(), ..Foreseen::default() }),
            Decision::Later => {
                if slot.stream.is_looking() {
                    turn.spend(u64::from(LOOKUP_STEPS));
                }
                None
            }
        }
    }

    /// Who wants to know what would become of a message is told if it would not be taken.
    fn answer_trace_only(
        &mut self,
        turn: &mut Turn<'_>,
        id: StreamId,
        reply: Option<&[u8]>,
        answer: Option<Answer>,
    ) {
        let is_silent = self.streams.get(&id).is_none_or(|slot| slot.config().no_ack);
        let (Some(reply), Some(answer)) = (reply.filter(|_| !is_silent), answer) else { return };
        let mut effects = vec![Effect::Answer { to: Waiter::publisher(reply), answer }];
        self.carry_out(turn, id, &mut effects);
    }
}

/// Why a message is not taken, in nats-server's words, which are not those that its publisher is told.
fn words(answer: &Answer, header: &[u8]) -> String {
    match answer {
        Answer::Duplicate { .. } => "msgid is duplicate".to_owned(),
        Answer::Refused(error) => refusal_words(error, header),
        _ => String::new(),
    }
}

fn refusal_words(error: &ApiError, header: &[u8]) -> String {
    let expected = |name: &str| {
        let value = headers::fields(header).find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value);
        value.map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let known = error.description.rsplit_once(": ").map_or("", |(_, known)| known);
    if error.is(&errors::STREAM_WRONG_LAST_SEQUENCE) {
        if let Some(expected) = expected(headers::EXPECTED_LAST_SUBJECT_SEQUENCE) {
            return format!("last sequence by subject mismatch: {expected} vs {known}");
        }
        let expected = expected(headers::EXPECTED_LAST_SEQUENCE).unwrap_or_default();
        return format!("last sequence mismatch: {expected} vs {known}");
    }
    if error.is(&errors::STREAM_WRONG_LAST_MSG_ID) {
        let expected = expected(headers::EXPECTED_LAST_MSG_ID).unwrap_or_default();
        return format!("last msgid mismatch: {} vs {}", quote(&expected), quote(known));
    }
    if error.is(&errors::STREAM_MESSAGE_EXCEEDS_MAXIMUM) {
        return "maximum payload exceeded".to_owned();
    }
    error.description.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What nats-server 2.14.5 told.
    #[test]
    fn the_words_are_the_peers() {
        let header = |field: &str| format!("NATS/1.0\r\n{field}\r\n\r\n").into_bytes();
        let wrong = Answer::Refused(errors::STREAM_WRONG_LAST_SEQUENCE.with(&[&1]));
        let said = |answer: &Answer, field: &str| words(answer, &header(field));
        assert_eq!(said(&wrong, "Nats-Expected-Last-Sequence: 7"), "last sequence mismatch: 7 vs 1");
        assert_eq!(
            said(&wrong, "Nats-Expected-Last-Subject-Sequence: 7"),
            "last sequence by subject mismatch: 7 vs 1"
        );
        let wrong = Answer::Refused(errors::STREAM_WRONG_LAST_MSG_ID.with(&[&"b"]));
        assert_eq!(said(&wrong, "Nats-Expected-Last-Msg-Id: a"), r#"last msgid mismatch: "a" vs "b""#);
        assert_eq!(said(&Answer::Duplicate { seq: 1 }, "A: b"), "msgid is duplicate");
    }
}
