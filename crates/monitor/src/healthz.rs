//! `/healthz`: whether the server is well. While there are no streams to look after, it is when it
//! answers.

use crate::answer::Answer;
use crate::parameters::Parameters;

pub(crate) fn answer(parameters: &Parameters) -> Result<Answer, Answer> {
    for name in ["js-enabled", "js-enabled-only", "js-server-only", "js-meta-only", "details"] {
        parameters.flag(name)?;
    }
    let [account, stream, consumer] = ["account", "stream", "consumer"].map(|name| parameters.text(name));
    let lacks = |what: &str, of: &str| {
        let body = format!(
            r#"{{"status":"error","error":"\"{what}\" must not be empty when checking {of} health"}}"#
        );
        Err(Answer::json_text(400, body))
    };
    if stream.is_some() && account.is_none() {
        return lacks("account", "stream");
    }
    if consumer.is_some() && stream.is_none() {
        return lacks("stream", "consumer");
    }
    Ok(Answer::json_text(200, r#"{"status":"ok"}"#.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.14.5 answers without JetStream.
    #[test]
    fn health_is_one_line() {
        let said = |query: &str| {
            let answer = answer(&Parameters::of(query.as_bytes())).unwrap_or_else(|refused| refused);
            (answer.status, answer.body)
        };
        for query in ["", "details=true", "js-enabled-only=true", "account=A&stream=S"] {
            assert_eq!(said(query), (200, r#"{"status":"ok"}"#.into()), "{query}");
        }
        let expected =
            r#"{"status":"error","error":"\"account\" must not be empty when checking stream health"}"#;
        assert_eq!(said("stream=s"), (400, expected.into()));
        let expected =
            r#"{"status":"error","error":"\"stream\" must not be empty when checking consumer health"}"#;
        assert_eq!(said("consumer=c"), (400, expected.into()));
    }
}
