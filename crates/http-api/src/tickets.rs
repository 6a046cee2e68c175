//! Tickets: a page's `EventSource` can send no credentials, so it is given a word that stands for them, once and for one path.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::call::Call;
use crate::js_ask::object;
use crate::problem::Problem;
use crate::step::{Ask, Outgoing, Step, Then, Wants};

/// `POST /v1/tickets`: for who the server knows, to the path in the body.
pub(crate) fn ticket(call: &Call<'_>) -> Result<Step, Problem> {
    let fields = object(call)?;
    let path = match (fields.len(), fields.get("path")) {
        (1, Some(Value::String(path))) if path.starts_with("/v1/") && !path.contains(['?', '#']) => {
            path.clone()
        }
        _ => {
            return Err(Problem::bad("the body says a path, as {\"path\":\"/v1/nats/subjects/orders.new\"}"));
        }
    };
    let then: Then = Box::new(move |outcome| match outcome {
        Ok(_) => Step::Ticket(path),
        Err(failure) => failure.problem("").into(),
    });
    let (message, timeout, keep) = (Outgoing::default(), call.timeout()?, Duration::ZERO);
    Ok(Step::Ask(Ask { message, wants: Wants::Pong, timeout, keep, then }))
}

/// A ticket, as who asked for it is told.
pub fn ticket_answer(ticket: &str, path: &str, good_for: Duration) -> Answer {
    let body = json!({ "ticket": ticket, "path": path, "seconds": good_for.as_secs() });
    answer::json(StatusCode::CREATED, &body)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;
    use crate::{Asked, Limits, plan};

    fn asked(body: &str) -> Result<Step, Problem> {
        let (headers, limits) = (HeaderMap::new(), Limits::default());
        let (method, path) = (&Method::POST, "/v1/tickets");
        let body = body.as_bytes();
        plan(&Asked {
            method,
            path,
            query: "",
            headers: &headers,
            body,
            unique: || "u".to_owned(),
            limits: &limits,
            routes: &[],
        })
    }

    #[test]
    fn a_ticket_is_for_who_is_known_and_for_a_path_of_the_api() {
        let Ok(Step::Ask(ask)) = asked(r#"{"path":"/v1/me"}"#) else { panic!("it is asked who that is") };
        assert_eq!(ask.wants, Wants::Pong);
        assert!(matches!((ask.then)(Ok(Vec::new())), Step::Ticket(path) if path == "/v1/me"));
        for wrong in ["", "{}", r#"{"path":"/ui/"}"#, r#"{"path":"/v1/me?x"}"#, r#"{"path":"/v1/me","x":1}"#]
        {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }
}
