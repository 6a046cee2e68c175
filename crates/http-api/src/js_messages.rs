//! Messages of a stream as a consumer delivers them.

use js_proto::AckSubject;
use serde_json::Value;

use crate::js_problem::js_problem;
use crate::message::Received;
use crate::problem::{Kind, Problem};
use crate::step::Outgoing;

/// Where a consumer that is not heard says that it waits.
const STALLED: &str = "Nats-Consumer-Stalled";

/// Whether what was asked before messages are told went well.
///
/// # Errors
/// What went wrong.
pub fn begun(answer: &Received) -> Result<(), Problem> {
    let odd = || Problem::new(Kind::Failed, "what answered is no JetStream");
    let said: Value = serde_json::from_slice(&answer.payload).map_err(|_| odd())?;
    js_problem(&said).map_or(Ok(()), Err)
}

/// A message of a stream, and its sequence.
///
/// # Errors
/// It is none: what is to be answered to it, if anything.
pub fn of_stream(message: &Received) -> Result<(Received, u64), Option<Outgoing>> {
    if message.status().is_some() {
        let stalled = message.header(STALLED);
        let to = stalled.or_else(|| message.reply.clone());
        return Err(to.map(|to| Outgoing::new(to, "")));
    }
    let reply = message.reply.as_deref().unwrap_or_default();
    let metadata = AckSubject::parse(reply.as_bytes()).ok_or(None)?.metadata;
    Ok((Received { reply: None, ..message.clone() }, metadata.stream_seq))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(headers: &str, reply: Option<&str>) -> Received {
        Received { headers: headers.into(), reply: reply.map(Into::into), ..Received::default() }
    }

    #[test]
    fn sequences_stand_in_replies_and_questions_are_answered() {
        let (told, seq) = of_stream(&message("", Some("$JS.ACK.S.C.1.7.3.0.0"))).unwrap();
        assert_eq!((seq, told.reply), (7, None));
        let asks = message("NATS/1.0 100 FlowControl Request\r\n\r\n", Some("$JS.FC.x"));
        assert_eq!(of_stream(&asks), Err(Some(Outgoing::new("$JS.FC.x", ""))));
        let stalled = message("NATS/1.0 100 Idle Heartbeat\r\nNats-Consumer-Stalled: $JS.FC.y\r\n\r\n", None);
        assert_eq!(of_stream(&stalled), Err(Some(Outgoing::new("$JS.FC.y", ""))));
        assert_eq!(of_stream(&message("NATS/1.0 100 Idle Heartbeat\r\n\r\n", None)), Err(None));
        assert_eq!(of_stream(&message("", Some("other"))), Err(None));
    }

    #[test]
    fn what_answers_is_a_stream_or_a_problem() {
        let answer = |text: &str| Received { payload: text.into(), ..Received::default() };
        assert!(begun(&answer("{\"stream_name\":\"S\"}")).is_ok());
        let told = begun(&answer("{\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"x\"}}"));
        assert_eq!(told.unwrap_err().kind, Kind::NotFound);
        assert_eq!(begun(&answer("yo")).unwrap_err().kind, Kind::Failed);
    }
}
