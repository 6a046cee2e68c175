//! The protocol in the log, line by line, as nats-server's `-V` shows it.

use nats_proto::{ClientOp, Publish};

/// Members of CONNECT that never reach a log.
const SECRETS: [&str; 6] = ["auth_token", "pass", "jwt", "nkey", "sig", "proxy_sig"];

/// Logs an op a client sent.
pub(crate) fn received(label: &str, op: &ClientOp<'_>) {
    let line = match op {
        ClientOp::Connect(json) => format!("CONNECT {}", without_secrets(json)),
        ClientOp::Publish(publish) => {
            let reply = publish.reply.map(|reply| format!(" {}", text(reply))).unwrap_or_default();
            let sizes = text(publish.size_text);
            match publish.header {
                Some(header) => {
                    format!("HPUB {}{reply} {} {sizes}", text(publish.subject), text(header.text))
                }
                None => format!("PUB {}{reply} {sizes}", text(publish.subject)),
            }
        }
        ClientOp::Subscribe(sub) => {
            let queue = sub.queue.map(|queue| format!(" {}", text(queue))).unwrap_or_default();
            format!("SUB {}{queue} {}", text(sub.subject), text(sub.sid))
        }
        ClientOp::Unsubscribe(unsub) => {
            let max = unsub.max.map(|max| max.to_string()).unwrap_or_default();
            format!("UNSUB {} {max}", text(unsub.sid))
        }
        ClientOp::Ping => "PING".into(),
        ClientOp::Pong => "PONG".into(),
        ClientOp::Ok => "+OK".into(),
        ClientOp::Err(message) => format!("-ERR {}", text(message)),
        ClientOp::Info(json) => format!("INFO {}", text(json)),
    };
    tracing::trace!("{label} - <<- [{line}]");
    if let ClientOp::Publish(publish) = op {
        tracing::trace!("{label} - <<- MSG_PAYLOAD: [{:?}]", text(publish.payload()));
    }
}

/// Logs that a message goes elsewhere than a client sent it.
pub(crate) fn mapped(label: &str, subject: &[u8], mapped: &[u8]) {
    tracing::trace!("{label} - <<- [MAPPING {} -> {}]", text(subject), text(mapped));
}

/// Logs a message on its way to a client.
pub(crate) fn delivered(label: &str, sid: &[u8], publish: &Publish<'_>, stripped: bool) {
    let reply = publish.reply.map(|reply| format!(" {}", text(reply))).unwrap_or_default();
    let subject = text(publish.subject);
    let sid = text(sid);
    match publish.header.filter(|header| header.bytes > 0 && !stripped) {
        Some(header) => {
            let (headers, size) = (text(header.text), text(publish.size_text));
            tracing::trace!("{label} - ->> [HMSG {subject} {sid}{reply} {headers} {size}]");
        }
        None => tracing::trace!("{label} - ->> [MSG {subject} {sid}{reply} {}]", publish.payload().len()),
    }
}

/// Logs protocol text on its way to a client.
pub(crate) fn sent(label: &str, bytes: &[u8]) {
    tracing::trace!("{label} - ->> [{}]", text(bytes).trim_end());
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn without_secrets(json: &[u8]) -> String {
    let Ok(serde_json::Value::Object(mut members)) = serde_json::from_slice(json) else {
        return "[not an object]".into();
    };
    for (name, value) in &mut members {
        if SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
            *value = "[REDACTED]".into();
        }
    }
    serde_json::Value::Object(members).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_out_of_the_log() {
        let shown = without_secrets(br#"{"user":"me","pass":"hush","Auth_Token":"t","sig":"s"}"#);
        assert!(shown.contains(r#""user":"me""#));
        assert!(!shown.contains("hush") && !shown.contains(r#""t""#) && !shown.contains(r#":"s""#));
    }
}
