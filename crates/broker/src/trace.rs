//! The protocol in the log, line by line, as nats-server's `-V` shows it.

mod quote;
mod redact;

use nats_proto::{ClientOp, Publish};

use self::quote::quote;
use self::redact::without_secrets;

/// How much of a message is logged.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    /// Bytes of headers and payload together; 0 is no limit.
    pub(crate) bytes_max: usize,
    /// Headers, and no payload.
    pub(crate) headers_only: bool,
}

/// Logs an op a client sent.
#[cold]
pub(crate) fn received(label: &str, op: &ClientOp<'_>, extent: Extent) {
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
            let max = unsub.max.map(|max| format!(" {max}")).unwrap_or_default();
            format!("UNSUB {}{max}", text(unsub.sid))
        }
        ClientOp::Ping => "PING".into(),
        ClientOp::Pong => "PONG".into(),
        ClientOp::Ok => "+OK".into(),
        ClientOp::Err(message) => format!("-ERR {}", text(message)),
        ClientOp::Info(json) => format!("INFO {}", text(json)),
    };
    tracing::trace!("{label} - <<- [{line}]");
    if let ClientOp::Publish(publish) = op
        && let Some(body) = shown(publish.body, publish.header.map_or(0, |header| header.bytes), extent)
    {
        tracing::trace!("{label} - <<- MSG_PAYLOAD: [{body}]");
    }
}

/// Logs that a message goes elsewhere than a client sent it.
#[cold]
pub(crate) fn mapped(label: &str, subject: &[u8], mapped: &[u8]) {
    tracing::trace!("{label} - <<- [MAPPING {} -> {}]", text(subject), text(mapped));
}

/// Logs a message on its way to a client.
#[cold]
pub(crate) fn delivered(label: &str, sid: &[u8], publish: &Publish<'_>, stripped: bool, extent: Extent) {
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
    let (body, header_bytes) = match publish.header {
        Some(header) if !stripped => (publish.body, header.bytes),
        _ => (publish.payload(), 0),
    };
    if let Some(body) = shown(body, header_bytes, extent) {
        tracing::trace!("{label} - ->> MSG_PAYLOAD: [{body}]");
    }
}

/// Logs protocol text on its way to a client, as far as nats-server does: no INFO, and no statuses.
#[cold]
pub(crate) fn sent(label: &str, bytes: &[u8]) {
    let line = text(bytes);
    let line = line.trim_end();
    if let Some(message) = line.strip_prefix("-ERR ") {
        tracing::trace!("{label} - ->> [-ERR {}]", message.trim_matches('\''));
    } else if matches!(line, "+OK" | "PING" | "PONG") {
        tracing::trace!("{label} - ->> [{}]", line.trim_start_matches('+'));
    }
}

/// Logs that a subscription has ended.
#[cold]
pub(crate) fn unsubscribed(label: &str, sid: &[u8]) {
    tracing::trace!("{label} - <-> [DELSUB {}]", text(sid));
}

/// A message as it is logged, if anything of it is.
fn shown(body: &[u8], header_bytes: usize, extent: Extent) -> Option<String> {
    // A header block ends with an empty line, which is not shown.
    let body = if extent.headers_only { body[..header_bytes].strip_suffix(b"\r\n\r\n")? } else { body };
    if body.is_empty() {
        return None;
    }
    if extent.bytes_max == 0 || body.len() <= extent.bytes_max {
        return Some(quote(body));
    }
    let mut cut = quote(&body[..extent.bytes_max]);
    cut.insert_str(cut.len() - 1, "...");
    Some(cut)
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"NATS/1.0\r\nA:b\r\n\r\nhi";

    #[test]
    fn a_message_is_shown_as_far_as_wanted() {
        let all = Extent::default();
        let cut = |bytes_max| Extent { bytes_max, ..all };
        let headers = Extent { headers_only: true, ..all };
        assert_eq!(shown(b"hello", 0, all).as_deref(), Some(r#""hello""#));
        assert_eq!(shown(b"hello", 0, cut(5)).as_deref(), Some(r#""hello""#));
        assert_eq!(shown(b"hello", 0, cut(4)).as_deref(), Some(r#""hell...""#));
        assert_eq!(shown(b"", 0, all), None);
        assert_eq!(shown(BODY, 17, headers).as_deref(), Some(r#""NATS/1.0\r\nA:b""#));
        assert_eq!(shown(BODY, 17, Extent { bytes_max: 8, ..headers }).as_deref(), Some(r#""NATS/1.0...""#));
        assert_eq!(shown(b"hello", 0, headers), None);
    }
}
