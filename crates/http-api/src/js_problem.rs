//! Errors of JetStream as problems.

use serde_json::Value;

use crate::problem::{Kind, Problem};

/// Numbers of errors whose code says too little, and what kind of thing they are.
const KNOWN: [(u32, Kind); 11] = [
    (10071, Kind::Conflict), // wrong last sequence
    (10164, Kind::Conflict), // wrong last sequence, without its number
    (10058, Kind::Conflict), // a stream of that name is otherwise
    (10148, Kind::Conflict), // a consumer of that name is otherwise
    (10013, Kind::Conflict), // a consumer of that name is there
    (10065, Kind::Conflict), // subjects overlap
    (10023, Kind::Full),     // insufficient resources
    (10047, Kind::Full),     // insufficient storage
    (10077, Kind::Full),     // the store failed: a limit of the stream is met
    (10054, Kind::TooLarge), // larger than the stream takes
    (10039, Kind::Unavailable),
];

/// What an answer of JetStream says went wrong, if anything.
pub(crate) fn js_problem(answer: &Value) -> Option<Problem> {
    let error = answer.get("error")?;
    let number = |name: &str| error.get(name).and_then(Value::as_u64);
    let code = number("code").and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
    let err_code = number("err_code").and_then(|code| u32::try_from(code).ok()).unwrap_or_default();
    let words = error.get("description").and_then(Value::as_str).unwrap_or("JetStream refused it");
    let known = KNOWN.iter().find(|(of, _)| *of == err_code).map(|(_, kind)| *kind);
    let kind = known.unwrap_or(match code {
        400 => Kind::BadRequest,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        408 => Kind::TimedOut,
        409 => Kind::Conflict,
        503 => Kind::Unavailable,
        _ => Kind::Failed,
    });
    Some(Problem { nats: Some((code, err_code, words.to_owned())), ..Problem::new(kind, words) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_say_more_than_codes() {
        let kind = |code: u16, err_code: u32| {
            let error = json!({ "code": code, "err_code": err_code, "description": "words" });
            let problem = js_problem(&json!({ "error": error })).expect("it is one");
            assert_eq!(problem.nats, Some((code, err_code, "words".to_owned())));
            problem.kind
        };
        assert_eq!(kind(400, 10071), Kind::Conflict);
        assert_eq!(kind(404, 10059), Kind::NotFound);
        assert_eq!(kind(503, 10077), Kind::Full);
        assert_eq!(kind(503, 1), Kind::Unavailable);
        assert_eq!(kind(418, 1), Kind::Failed);
        assert_eq!(js_problem(&json!({ "stream": "S" })), None);
        assert!(js_problem(&json!({ "error": "odd" })).is_some());
    }
}
