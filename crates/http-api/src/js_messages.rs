//! Messages of a stream as a consumer delivers them.

use js_proto::AckSubject;
use serde_json::Value;

use crate::js_problem::js_problem;
use crate::message::Received;
use crate::problem::{Kind, Problem};
use crate::step::Outgoing;

/// Where a consumer that is not heard says that it waits.
const STALLED: &str = "Nats-Consumer-Stalled";

/// Whether what was asked before messages are told went well: how many of them are there already. Some may be on their way
/// before this is said.
///
/// # Errors
/// What went wrong.
pub fn begun(answer: &Received) -> Result<u64, Problem> {
    let odd = || Problem::new(Kind::Failed, "what answered is no JetStream");
    let said: Value = serde_json::from_slice(&answer.payload).map_err(|_| odd())?;
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let there = number(&said["num_pending"]).saturating_add(number(&said["delivered"]["consumer_seq"]));
    js_problem(&said).map_or(Ok(there), Err)
}

/// A message of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfStream {
    /// The message.
    pub message: Received,
    /// Its sequence.
    pub seq: u64,
    /// Messages behind it, when it was delivered.
    pub pending: u64,
}

/// A message of a stream, as a consumer delivers it.
///
/// # Errors
/// It is none: what is to be answered to it, if anything.
pub fn of_stream(message: &Received) -> Result<OfStream, Option<Outgoing>> {
    if message.status().is_some() {
        let stalled = message.header(STALLED);
        let to = stalled.or_else(|| message.reply.clone());
        return Err(to.map(|to| Outgoing::new(to, "")));
    }
    let reply = message.reply.as_deref().unwrap_or_default();
    let metadata = AckSubject::parse(reply.as_bytes()).ok_or(None)?.metadata;
    let message = Received { reply: None, ..message.clone() };
    Ok(OfStream { message, seq: metadata.stream_seq, pending: metadata.pending })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(headers: &str, reply: Option<&str>) -> Received {
        Received { headers: headers.into(), reply: reply.map(Into::into), ..Received::default() }
    }

    #[test]
    fn sequences_stand_in_replies_and_questions_are_answered() {
        let told = of_stream(&message("", Some("$JS.ACK.S.C.1.7.3.0.5"))).unwrap();
        assert_eq!((told.seq, told.pending, told.message.reply), (7, 5, None));
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
        let delivered = "{\"stream_name\":\"S\",\"num_pending\":1,\"delivered\":{\"consumer_seq\":2}}";
        assert_eq!((begun(&answer(delivered)), begun(&answer("{}"))), (Ok(3), Ok(0)));
        let told = begun(&answer("{\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"x\"}}"));
        assert_eq!(told.unwrap_err().kind, Kind::NotFound);
        assert_eq!(begun(&answer("yo")).unwrap_err().kind, Kind::Failed);
    }
}
